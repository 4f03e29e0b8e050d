package engine

import (
	"context"
	"testing"
	"time"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/config"
	"github.com/faaswarden/faaswarden/internal/schema"
	"github.com/faaswarden/faaswarden/internal/store"
)

func (r *rig) put(t *testing.T, rows ...schema.Row) {
	t.Helper()
	if err := r.store.Insert(t.Context(), rows...); err != nil {
		t.Fatal(err)
	}
}

func (r *rig) count(t *testing.T, from string) uint64 {
	t.Helper()
	type row struct {
		N uint64 `ch:"n"`
	}
	rows, err := store.SelectAll[row](t.Context(), r.store, "SELECT count() AS n FROM "+from, nil)
	if err != nil {
		t.Fatal(err)
	}
	return rows[0].N
}

func (r *rig) ago(days int) time.Time {
	return r.clock.at.Truncate(24*time.Hour).AddDate(0, 0, -days)
}

// The daemon deletes by its own clock and the configuration, once a day.
func TestRetentionIsTheDaemons(t *testing.T) {
	r := newRig(t, nil, nil)
	r.opts.Config.Store.Retention = map[string]config.Duration{"costs_daily": config.Duration(100 * 24 * time.Hour)}
	for _, days := range []int{40, 90, 110} {
		r.put(t, schema.CostDay{ServiceName: "s", ChargePeriodStart: r.ago(days)}, schema.ReportDay{FunctionARN: "f", Day: r.ago(days)})
	}
	if next := r.retainDue(t.Context()); next != r.clock.at.Add(24*time.Hour) {
		t.Errorf("due again at %s, want in a day", next)
	}
	if costs, reports := r.count(t, "costs_daily"), r.count(t, "reports_daily"); costs != 2 || reports != 3 {
		t.Errorf("%d days of costs and %d of reports are left, want 2 and 3", costs, reports)
	}
	r.clock.at = r.clock.at.AddDate(0, 0, 60)
	ctx, stop := context.WithCancel(t.Context())
	ended := make(chan error, 1)
	go func() { ended <- r.Run(ctx) }()
	for r.count(t, "costs_daily") > 1 && ctx.Err() == nil {
		time.Sleep(20 * time.Millisecond)
	}
	stop()
	if err := <-ended; err != nil {
		t.Errorf("the schedule ended with %v", err)
	}
}

// A store that refuses to delete keeps the daemon collecting, and is asked again.
func TestRetentionThatFailsStopsNothing(t *testing.T) {
	names := []string{"a"}
	r := newRig(t, []*collect.Collector{inventory(&names)}, nil)
	r.put(t, schema.APICall{RunID: "old", CollectedAt: r.ago(500)})
	if err := r.store.Exec(t.Context(), "DROP TABLE evidence_gaps", nil); err != nil {
		t.Fatal(err)
	}
	if next := r.retainDue(t.Context()); next != r.clock.at.Add(time.Hour) {
		t.Errorf("due again at %s, want in an hour", next)
	}
	if n := r.count(t, "api_calls"); n != 0 {
		t.Errorf("%d old calls are left: one table's failure kept the rest from being done", n)
	}
	if runs, err := r.Collect(t.Context()); len(runs) != 1 {
		t.Errorf("after it %d collections ran: %v", len(runs), err)
	}
}

// A month of running deletes nothing that the default windows look back into.
func TestAMonthDeletesNoEvidence(t *testing.T) {
	r := newRig(t, nil, nil)
	r.opts.Config = config.Default()
	oldest := int(time.Duration(r.opts.Config.Analysis.Window)/(24*time.Hour)) + 1
	for days := range oldest + 1 {
		at := r.ago(days)
		for _, period := range []uint32{60, 300, 3600} {
			r.put(t, schema.MetricPoint{Metric: "Throttles", Stat: "Sum", Resource: "f", PeriodS: period, TS: at, Value: 1, CollectedAt: at.Add(time.Hour)})
		}
		r.put(t,
			schema.MetricRead{Metric: "Throttles", Stat: "Sum", Resource: "f", PeriodS: 3600, FromTS: at.Add(-24 * time.Hour), ToTS: at, CollectedAt: at},
			schema.ReportDay{FunctionARN: "f", Day: at, CollectedAt: at}, schema.CostDay{ServiceName: "s", ChargePeriodStart: at, CollectedAt: at},
			schema.Function{FunctionARN: "f", CollectedAt: at}, schema.Edge{SrcARN: "f", CollectedAt: at},
		)
	}
	tables := []string{"metric_points FINAL", "metric_reads FINAL", "reports_daily FINAL", "costs_daily FINAL", "functions_current", "edges_current"}
	before := map[string]uint64{}
	for _, table := range tables {
		before[table] = r.count(t, table)
	}
	if err := r.Retain(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, table := range tables {
		if n := r.count(t, table); n != before[table] || n == 0 {
			t.Errorf("%s: %d rows are left of %d", table, n, before[table])
		}
	}
}
