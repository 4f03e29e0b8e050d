package engine

import (
	"context"
	"time"
)

// Health says whether the store answers.
type Health struct {
	Fault error     // nil while it does
	Since time.Time // when that began, by the wall clock
}

// Health is the newest answer; never nil after Open.
func (e *Engine) Health() *Health { return e.health.Load() }

const (
	watchInterval = 10 * time.Second
	watchTimeout  = 5 * time.Second
)

// Watch asks the store how it is until ctx ends, so that a scrape need not.
func (e *Engine) Watch(ctx context.Context) error {
	for {
		select {
		case <-ctx.Done():
			return nil
		case <-time.After(watchInterval):
			e.ask(ctx)
		}
	}
}

// ask pings the store and keeps the answer, and since when it is so.
func (e *Engine) ask(ctx context.Context) {
	pingCtx, cancel := context.WithTimeout(ctx, watchTimeout)
	defer cancel()
	err := e.opts.Store.Ping(pingCtx)
	if ctx.Err() != nil {
		return
	}
	next := &Health{Fault: err, Since: time.Now()}
	last := e.health.Load()
	if (last.Fault == nil) == (err == nil) {
		next.Since = last.Since
	}
	e.health.Store(next)
	switch {
	case err != nil && last.Fault == nil:
		e.log.Error("the store does not answer", "error", err)
	case err == nil && last.Fault != nil:
		e.log.Info("the store answers again", "away_seconds", time.Since(last.Since).Seconds())
	}
}
