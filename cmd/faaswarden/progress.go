package main

import (
	"fmt"
	"sync"

	"github.com/schollz/progressbar/v3"

	"github.com/faaswarden/faaswarden/internal/engine"
)

// progress shows long work: a bar on a terminal, plain lines elsewhere.
type progress struct {
	cli  *cli
	mu   sync.Mutex
	bar  *progressbar.ProgressBar
	done int
}

func (c *cli) newProgress() *progress { return &progress{cli: c} }

// step is called by the engine from several goroutines.
func (p *progress) step(s engine.Progress) {
	p.mu.Lock()
	defer p.mu.Unlock()
	p.done += s.Done
	if !p.cli.interactive() {
		if s.Done > 0 {
			fmt.Fprintf(p.cli.stderr, "[%d/%d] %s\n", p.done, s.Total, s.What)
		}
		return
	}
	if p.bar == nil || p.bar.GetMax() != s.Total {
		p.bar = progressbar.NewOptions(s.Total, progressbar.OptionSetWriter(p.cli.stderr), progressbar.OptionClearOnFinish(),
			progressbar.OptionSetWidth(30), progressbar.OptionShowCount())
		p.done = s.Done
	}
	p.bar.Describe(s.What)
	_ = p.bar.Set(p.done) // a bar that cannot be drawn is no reason to stop
}

func (p *progress) finish() {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.bar != nil {
		_ = p.bar.Finish() // as above
	}
}
