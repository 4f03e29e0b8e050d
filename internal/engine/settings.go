package engine

import (
	"context"
	"time"

	"github.com/faaswarden/faaswarden/internal/config"
)

// settings are what a reload replaces. They are immutable.
type settings struct {
	config *config.Config
	scopes []Scope
}

func (e *Engine) config() *config.Config { return e.settings.Load().config }

// Config is the configuration in force.
func (e *Engine) Config() *config.Config { return e.config() }

// Reload puts another configuration and other scopes in force, for every run
// of a collector or an analyzer that begins from now on. What is read only at
// the start (the store, the listener, the share of AWS's quotas) stays as it
// was; the caller refuses a configuration that changes it.
func (e *Engine) Reload(c *config.Config, scopes []Scope) {
	e.settings.Store(&settings{c, scopes})
	e.budget.SetCeiling(c.AWS.APIBudgetUSDPerMonth)
}

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
