package chdb

import (
	"fmt"
	"io/fs"
	"path/filepath"
	"sync"
	"time"

	"github.com/schollz/progressbar/v3"
)

// bar shows how far an installation step has come: as a bar on a terminal, and
// as one line when it starts and one when it ends anywhere else.
type bar struct {
	opts  InstallOptions
	title string
	drawn *progressbar.ProgressBar // nil off a terminal
}

// bar starts a step of size bytes; 0 means that the size is unknown.
func (o InstallOptions) bar(title string, size int64) *bar {
	b := &bar{opts: o, title: title}
	if !o.Interactive {
		if size > 0 {
			title = fmt.Sprintf("%s (%d MB)", title, size/1_000_000)
		}
		fmt.Fprintln(o.Progress, title)
		return b
	}
	if size == 0 {
		size = -1
	}
	b.drawn = progressbar.NewOptions64(size,
		progressbar.OptionSetWriter(o.Progress),
		progressbar.OptionSetDescription(title),
		progressbar.OptionShowBytes(true),
		progressbar.OptionThrottle(100*time.Millisecond),
		progressbar.OptionFullWidth(),
	)
	return b
}

// Write counts what passes, for io.MultiWriter.
func (b *bar) Write(p []byte) (int, error) {
	if b.drawn != nil {
		_ = b.drawn.Add(len(p)) // a bar that cannot be drawn stops nothing
	}
	return len(p), nil
}

func (b *bar) set(n int64) {
	if b.drawn != nil {
		_ = b.drawn.Set64(n)
	}
}

// finish ends the step's line. Only a step that succeeded is shown as full.
func (b *bar) finish(ok bool) {
	if b.drawn == nil {
		return
	}
	if ok {
		_ = b.drawn.Finish()
	} else {
		_ = b.drawn.Exit()
	}
	fmt.Fprintln(b.opts.Progress)
}

// watch shows a step whose progress is the growth of a folder. The function it
// returns ends the step and returns when nothing more will be drawn.
func (o InstallOptions) watch(title string, size int64, dir string) func(ok bool) {
	b := o.bar(title, size)
	stop := make(chan struct{})
	var drawing sync.WaitGroup
	drawing.Go(func() {
		tick := time.NewTicker(200 * time.Millisecond)
		defer tick.Stop()
		for {
			select {
			case <-stop:
				return
			case <-tick.C:
				grown := folderBytes(dir)
				if size > 0 {
					grown = min(grown, size-1) // only the end may look like the end
				}
				b.set(grown)
			}
		}
	})
	return func(ok bool) {
		close(stop)
		drawing.Wait()
		b.finish(ok)
	}
}

// folderBytes adds up the files under dir, which are coming and going.
func folderBytes(dir string) int64 {
	var total int64
	_ = filepath.WalkDir(dir, func(_ string, d fs.DirEntry, err error) error {
		if err == nil && !d.IsDir() {
			if info, err := d.Info(); err == nil {
				total += info.Size()
			}
		}
		return nil
	})
	return total
}
