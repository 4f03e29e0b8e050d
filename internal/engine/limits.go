package engine

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/store"
)

//go:embed limits.sql
var limitsQuery string

// Limit is one account and region with functions, and how much of its Lambda
// quotas is used.
type Limit struct {
	Account        string  `ch:"account"`
	Region         string  `ch:"region"`
	Functions      uint64  `ch:"functions"`
	Concurrency    int64   `ch:"concurrent_executions"` // 0: not read
	CodeBytes      int64   `ch:"code_size_used_bytes"`
	CodeLimitBytes int64   `ch:"code_size_limit_bytes"` // 0: not read
	PeakRead       bool    `ch:"peak_read"`
	Peak           float64 `ch:"peak"` // of the newest day that was read; a region that ran nothing has none, and 0
}

// Headroom is the share of the concurrency limit that the peak left free; ok is
// false when either was not read.
func (l Limit) Headroom() (ratio float64, ok bool) {
	if l.Concurrency == 0 || !l.PeakRead {
		return 0, false
	}
	return 1 - l.Peak/float64(l.Concurrency), true
}

// loadLimits reads every account and region that has functions.
func (e *Engine) loadLimits(ctx context.Context, w analysis.Window) ([]Limit, error) {
	from, to := w.From, w.To
	if to.IsZero() {
		from, to = time.Unix(0, 0), time.Unix(1, 0) // before any analysis: inventory and limits alone
	}
	list, err := store.SelectAll[Limit](ctx, e.opts.Store, limitsQuery, map[string]any{"from": from, "to": to})
	if err != nil {
		return nil, fmt.Errorf("read account limits: %w", err)
	}
	return list, nil
}
