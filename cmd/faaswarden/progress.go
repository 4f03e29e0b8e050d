package main

import (
	"fmt"
	"sync"

	"github.com/schollz/progressbar/v3"

	"github.com/faaswarden/faaswarden/internal/engine"
)

// progress shows long work: a bar on a terminal, plain lines elsewhere.
type progress struct {
	cli   *cli
	mu    sync.Mutex
	stage string
	bar   *progressbar.ProgressBar
	done  int
}

func (c *cli) newProgress() *progress { return &progress{cli: c} }

// step is called by the engine from several goroutines.
func (p *progress) step(s engine.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.stage != s.Stage {
		p.clear()
		p.stage, p.done = s.Stage, 0
	}
	p.done += s.Done
	if !p.cli.interactive() {
		if s.Done > 0 {
			fmt.Fprintf(p.cli.stderr, "%s %d/%d %s\n", s.Stage, p.done, s.Total, s.What)
		}
		return
	}
	if p.bar == nil {
		p.bar = progressbar.NewOptions(s.Total, progressbar.OptionSetWriter(p.cli.stderr), progressbar.OptionClearOnFinish(),
			progressbar.OptionSetWidth(30), progressbar.OptionShowCount())
	}
	p.bar.Describe(s.Stage + " " + s.What)
	_ = p.bar.Set(p.done) // a bar that cannot be drawn is no reason to stop
}

// finish takes the bar away.
func (p *progress) finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.clear()
}

func (p *progress) clear() {
	if p.bar != nil {
		_ = p.bar.Finish() // as above
		p.bar = nil
	}
}
