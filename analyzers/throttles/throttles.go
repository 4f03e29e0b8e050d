// Package throttles finds functions whose calls are refused for want of
// concurrency, and says whose fault it is.
package throttles

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"time"

	"github.com/faaswarden/faaswarden/internal/analysis"
)

//go:embed doc.md
var doc string

//go:embed query.sql
var query string

//go:embed slots.sql
var slotsQuery string

//go:embed aggressors.sql
var aggressorsQuery string

// Analyzer judges every function's throttles.
var Analyzer = &analysis.Analyzer{
	Name:        "throttles",
	Title:       "functions whose calls are refused for want of concurrency, by cause",
	Doc:         doc,
	Stage:       analysis.Performance,
	Category:    analysis.Reliability,
	Severity:    analysis.Medium,
	Remediation: "Give the function the concurrency it needs, or cap the one that takes it.",
	Query:       query,
	Params: []analysis.Param{
		{Name: "ratio", Kind: analysis.Number, Default: 0.01, Min: 0, Max: 1, Doc: "share of calls throttled, throttles/(invocations+throttles), on a day or in the window, from which it is a finding"},
		{Name: "min_throttles", Kind: analysis.Integer, Default: int64(100), Min: 1, Max: 1e12, Doc: "throttles on a day or in the window below which the share does not matter"},
		{Name: "severe_ratio", Kind: analysis.Number, Default: 0.10, Min: 0, Max: 1, InGo: true, Doc: "share of calls throttled from which the severity is one level higher"},
		{Name: "near_limit", Kind: analysis.Number, Default: 0.95, Min: 0.5, Max: 1, InGo: true, Doc: "share of a limit whose use counts as reaching it"},
		{Name: "min_coverage", Kind: analysis.Number, Default: 0.5, Min: 0, Max: 1, InGo: true, Doc: "share of the window whose throttles must have been read to say that there were none"},
	},
	Reads: []string{
		"functions_current", "metrics_hourly", "metric_points", "metric_reads_current", "provisioned_concurrency_current",
		"account_limits_current", "edges_current", "event_source_mappings_current",
	},
	Measures: measures,
	Alerts:   alerts,
	Run:      run,
}

// row is a row of query.sql.
type row struct {
	Account          string    `ch:"account"`
	Region           string    `ch:"region"`
	FunctionARN      string    `ch:"function_arn"`
	FunctionName     string    `ch:"function_name"`
	Reserved         *int64    `ch:"reserved"`
	ReservedRead     bool      `ch:"reserved_read"`
	Provisioned      int64     `ch:"provisioned"`
	AccountLimit     int64     `ch:"account_limit"` // 0: not read
	UnreservedLimit  int64     `ch:"unreserved_limit"`
	ThrottlesRead    uint64    `ch:"throttles_read_seconds"`
	InvocationsRead  uint64    `ch:"invocations_read_seconds"`
	Throttles        float64   `ch:"throttles"`
	Invocations      float64   `ch:"invocations"`
	DaysOver         uint64    `ch:"days_over"`
	WorstDay         time.Time `ch:"worst_day"`
	WorstThrottles   float64   `ch:"worst_throttles"`
	WorstInvocations float64   `ch:"worst_invocations"`
	RecentThrottles  float64   `ch:"recent_throttles"` // in the window's last 24 hours
	RecentInvoked    float64   `ch:"recent_invocations"`
	AsyncReceived    float64   `ch:"async_received"`
	AsyncDropped     float64   `ch:"async_dropped"` // on days with throttles
	AsyncAgeMS       float64   `ch:"async_age_ms"`  // on days with throttles
	Triggers         []string  `ch:"triggers"`
	TriggerKinds     []string  `ch:"trigger_kinds"`
	Mappings         []string  `ch:"mappings"`
	MappingSources   []string  `ch:"mapping_sources"`
	MappingMaximums  []int64   `ch:"mapping_maximums"` // 0: none set
}

func (r row) subject() analysis.Subject {
	return analysis.Subject{Resource: r.FunctionARN, Account: r.Account, Region: r.Region}
}

// switchedOff reports a reserved concurrency of zero: nothing can run, by design.
func (r row) switchedOff() bool { return r.Reserved != nil && *r.Reserved == 0 }

func run(ctx context.Context, p *analysis.Pass) error {
	var throttled []row
	for r, err := range analysis.Select[row](ctx, p) {
		if err != nil {
			return err
		}
		if judged(p, r) {
			continue
		}
		throttled = append(throttled, r)
	}
	if len(throttled) == 0 {
		return nil
	}
	cases, err := investigate(ctx, p, throttled)
	if err != nil {
		return err
	}
	for _, c := range cases {
		p.Violation(c.finding(p))
		c.measure(p)
	}
	return nil
}

// judged gives the verdict of functions that are fine or cannot be told; the
// others are throttled.
func judged(p *analysis.Pass, r row) bool {
	s := r.subject()
	enough := r.Throttles >= float64(p.Int("min_throttles"))
	if enough {
		if b, blind := unread(p, r, "Invocations", r.InvocationsRead); blind {
			p.CannotDetermine(s, b) // without them no share can be told
			return true
		}
		if r.DaysOver > 0 || ratio(r.Throttles, r.Invocations) >= p.Float("ratio") {
			return false
		}
	}
	if b, blind := unread(p, r, "Throttles", r.ThrottlesRead); blind {
		p.CannotDetermine(s, b)
		return true
	}
	p.OK(s)
	return true
}

// unread says why a metric's sum over the window may be too low.
func unread(p *analysis.Pass, r row, metric string, seconds uint64) (analysis.Blindness, bool) {
	if b, blind := p.Blind(r.subject(), "metric_points", metric); blind {
		return b, true
	}
	share := float64(seconds) / p.Window.To.Sub(p.Window.From).Seconds()
	switch {
	case seconds == 0:
		return analysis.Blindness{Reason: analysis.Unread, Detail: metric + " was not read"}, true
	case share < p.Float("min_coverage"):
		return analysis.Blindness{Reason: analysis.Unread, Detail: fmt.Sprintf("%s was read for only %.0f %% of the window", metric, 100*share)}, true
	}
	return analysis.Blindness{}, false
}

// ratio is the share of calls that were throttled; throttled calls are not
// counted as invocations (DOC:monitoring-metrics-types).
func ratio(throttles, invocations float64) float64 {
	if throttles+invocations == 0 {
		return 0
	}
	return throttles / (throttles + invocations)
}

// slot is a row of slots.sql.
type slot struct {
	Account     string    `ch:"account"`
	Region      string    `ch:"region"`
	FunctionARN string    `ch:"function_arn"`
	PeriodS     uint32    `ch:"period_s"`
	TS          time.Time `ch:"ts"`
	Throttles   float64   `ch:"throttles"`
	Invocations float64   `ch:"invocations"`
	Concurrency float64   `ch:"concurrency"` // -1: no datapoint; so in what follows
	Before      float64   `ch:"concurrency_before"`
	Spillover   float64   `ch:"spillover"`
	Claimed     float64   `ch:"claimed"`
	Unreserved  float64   `ch:"unreserved"`
}

// aggressor is a row of aggressors.sql.
type aggressor struct {
	Victim      string  `ch:"victim"`
	FunctionARN string  `ch:"function_arn"`
	Concurrency float64 `ch:"concurrency"` // summed over the periods
	Peak        float64 `ch:"peak"`
	Seen        float64 `ch:"seen"` // of all functions that were read, summed over the periods
}

// name is the function's name of its ARN.
func (a aggressor) name() string { return a.FunctionARN[strings.LastIndexByte(a.FunctionARN, ':')+1:] }

// throttling is one function's case.
type throttling struct {
	row
	slots      []slot
	shares     map[cause]float64 // of the throttles in slots
	cause      cause
	aggressors []aggressor // with cause account
	unreserved float64     // concurrency in use, summed over the aggressors' periods; 0: not read
}

// investigate finds the cause of each function's throttles.
func investigate(ctx context.Context, p *analysis.Pass, rows []row) ([]*throttling, error) {
	cases := make([]*throttling, len(rows))
	byARN := map[string]*throttling{}
	arns := make([]string, len(rows))
	for i, r := range rows {
		cases[i] = &throttling{row: r}
		byARN[r.FunctionARN], arns[i] = cases[i], r.FunctionARN
	}
	for s, err := range analysis.SelectSQL[slot](ctx, p, slotsQuery, map[string]any{"functions": arns}) {
		if err != nil {
			return nil, err
		}
		c := byARN[s.FunctionARN]
		c.slots = append(c.slots, s)
	}
	var periods []string
	for _, c := range cases {
		c.decide(p.Float("near_limit"))
		if c.cause == account {
			periods = append(periods, c.accountPeriods(p.Float("near_limit"))...)
		}
	}
	if len(periods) == 0 {
		return cases, nil
	}
	for a, err := range analysis.SelectSQL[aggressor](ctx, p, aggressorsQuery, map[string]any{"periods": periods}) {
		if err != nil {
			return nil, err
		}
		c := byARN[a.Victim]
		c.aggressors = append(c.aggressors, a)
	}
	return cases, nil
}
