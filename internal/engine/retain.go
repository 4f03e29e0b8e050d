package engine

import (
	"context"
	"fmt"
	"time"

	"github.com/faaswarden/faaswarden/internal/store"
)

const (
	retainEvery   = 24 * time.Hour
	retainRetry   = time.Hour        // after a failure
	retainTimeout = 30 * time.Minute // what is left is done next time
)

// Retain makes days of metrics and deletes what is older than the configuration
// keeps. Ages are counted from the engine's clock.
func (e *Engine) Retain(ctx context.Context) error {
	release, err := e.acquire(ctx)
	if err != nil {
		return err
	}
	defer release()
	ctx, cancel := context.WithTimeout(ctx, retainTimeout)
	defer cancel()
	started := time.Now()
	done, err := e.opts.Store.Retain(ctx, store.RetainOptions{Now: e.opts.Now(), Keep: e.Config().Retention()})
	if err != nil {
		return fmt.Errorf("retention: %w", err)
	}
	var deleted uint64
	for table, n := range done.Deleted {
		deleted += n
		e.log.Debug("old rows deleted", "retention", table, "rows", n)
	}
	e.log.Info("retention finished", "points_made", done.Made, "rows_deleted", deleted, "seconds", time.Since(started).Seconds())
	return nil
}

// retainDue runs retention and returns when it is due again. A failure is
// logged and tried again before long; collection goes on meanwhile.
func (e *Engine) retainDue(ctx context.Context) time.Time {
	if err := e.Retain(ctx); err != nil {
		if ctx.Err() == nil {
			e.log.Error("retention failed", "error", err, "retry_in", retainRetry)
		}
		return e.opts.Now().Add(retainRetry)
	}
	return e.opts.Now().Add(retainEvery)
}
