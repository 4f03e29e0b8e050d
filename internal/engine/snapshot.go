package engine

import (
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/analysis/evidence"
	"github.com/faaswarden/faaswarden/internal/schema"
	"github.com/faaswarden/faaswarden/internal/store"
)

// Snapshot is everything that metrics and pages are made from. It is immutable:
// a scrape reads it without touching AWS or the store.
type Snapshot struct {
	At           time.Time // when it was made
	Window       analysis.Window
	Functions    uint64
	Analyzers    []AnalyzerSummary
	Findings     []schema.Finding // open, dearest first
	Measurements []schema.Measurement
	Collectors   []Status
	Blind        []evidence.Gap // sources that could not be read at all in some scope
	API          []APISpend     // this month
	Costs        []DayCost      // the newest complete day
	Usage        []Usage        // of every function, dearest first
	Limits       []Limit        // of every account and region with functions
	Tables       []store.TableSize
}

// AnalyzerSummary is one analyzer's newest run in numbers.
type AnalyzerSummary struct {
	Analyzer        *analysis.Analyzer
	Run             schema.AnalyzerRun
	LastSuccess     time.Time
	Savings         analysis.Interval // sum over its open findings
	Open            int
	CannotDetermine []ReasonCount
}

// Coverage is the share of judged resources with a verdict; ok is false when
// nothing was judged.
func (s AnalyzerSummary) Coverage() (ratio float64, ok bool) {
	determined := s.Run.OK + s.Run.Violations
	all := determined + s.Run.CannotDetermine
	if all == 0 {
		return 0, false
	}
	return float64(determined) / float64(all), true
}

// ReasonCount counts the resources that could not be judged for one reason.
type ReasonCount struct {
	Analyzer string `ch:"analyzer"`
	Reason   string `ch:"reason"`
	Detail   string `ch:"detail"` // the commonest
	Count    uint64 `ch:"n"`
}

// Status is a collector's newest run in one scope.
type Status struct {
	Collector     string    `ch:"collector"`
	Account       string    `ch:"account"`
	Region        string    `ch:"region"`
	Outcome       string    `ch:"outcome"`
	Partial       bool      `ch:"partial"`
	Detail        string    `ch:"detail"`
	Seconds       float64   `ch:"seconds"`
	Rows          uint64    `ch:"rows_written"`
	APICalls      uint64    `ch:"api_calls"`
	LastStartedAt time.Time `ch:"last_started_at"`
	LastSuccessAt time.Time `ch:"last_success_at"`
}

const statusQuery = `SELECT s.collector AS collector, s.account AS account, s.region AS region, s.outcome AS outcome,
    s.partial AS partial, s.detail AS detail, s.last_started_at AS last_started_at, s.last_success_at AS last_success_at,
    dateDiff('millisecond', r.started_at, r.finished_at) / 1000 AS seconds, r.rows_written AS rows_written, r.api_calls AS api_calls
FROM collector_status AS s
INNER JOIN (SELECT * FROM collector_runs FINAL) AS r
    ON r.run_id = s.run_id AND r.collector = s.collector AND r.account = s.account AND r.region = s.region
ORDER BY collector, account, region`

// APISpend is what one operation's calls cost this month.
type APISpend struct {
	Account   string  `ch:"account"`
	Service   string  `ch:"service"`
	Operation string  `ch:"operation"`
	Unit      string  `ch:"unit"`
	Calls     uint64  `ch:"calls"`
	Errors    uint64  `ch:"errors"`
	Throttles uint64  `ch:"throttles"`
	Units     float64 `ch:"units"`
	USD       float64 `ch:"usd"`
}

const spendQuery = `SELECT account, service, operation, any(unit) AS unit, sum(calls) AS calls, sum(errors) AS errors,
    sum(throttles) AS throttles, sum(units) AS units, sum(usd) AS usd
FROM api_calls FINAL
WHERE collected_at >= {month:DateTime}
GROUP BY account, service, operation
ORDER BY account, service, operation`

// DayCost is a service's cost on the newest day AWS no longer estimates.
type DayCost struct {
	Account string    `ch:"account"`
	Region  string    `ch:"region"`
	Service string    `ch:"service"`
	Day     time.Time `ch:"day"`
	USD     float64   `ch:"usd"`
}

const costQuery = `SELECT SubAccountId AS account, RegionId AS region, ServiceName AS service,
    ChargePeriodStart AS day, toFloat64(sum(BilledCost)) AS usd
FROM costs_current
WHERE x_Grouping = 'usage_type'
    AND (SubAccountId, ChargePeriodStart) IN
        (SELECT SubAccountId, max(ChargePeriodStart) FROM costs_current WHERE NOT x_Estimated AND x_Grouping = 'usage_type' GROUP BY SubAccountId)
GROUP BY account, region, service, day
ORDER BY account, region, service`

// blindQuery selects what a whole scope lacks: gaps of no single resource, and
// all gaps of a run that read nothing. A gap of one resource shows in coverage.
const blindQuery = `SELECT g.collector AS collector, g.account AS account, g.region AS region, g.table_name AS table_name,
    '' AS kind, '' AS resource, g.action AS action, g.outcome AS outcome, any(g.detail) AS detail
FROM gaps_current AS g
INNER JOIN collector_status AS s ON g.collector = s.collector AND g.account = s.account AND g.region = s.region
WHERE g.resource = '' OR s.outcome NOT IN ('ok', 'nodata')
GROUP BY g.collector, g.account, g.region, g.table_name, g.action, g.outcome
ORDER BY account, region, collector, action, table_name`

// loadSnapshot reads the newest results of everything from the store.
func (e *Engine) loadSnapshot(ctx context.Context, w analysis.Window) (*Snapshot, error) {
	s := &Snapshot{At: e.opts.Now().UTC(), Window: w}
	f, err := e.inForce()
	if err != nil {
		return nil, err
	}
	if s.Findings, err = store.SelectAll[schema.Finding](ctx, e.opts.Store, OpenFindingsQuery, nil); err != nil {
		return nil, fmt.Errorf("read open findings: %w", err)
	}
	if s.Measurements, err = store.SelectAll[schema.Measurement](ctx, e.opts.Store, measurementQuery, nil); err != nil {
		return nil, fmt.Errorf("read measurements: %w", err)
	}
	s.Findings, s.Measurements = only(s.Findings, f.finding), only(s.Measurements, f.measurement)
	if err := e.summarize(ctx, s, f); err != nil {
		return nil, err
	}
	if s.Usage, err = e.loadUsage(ctx, s.Window); err != nil {
		return nil, err
	}
	s.Usage = only(s.Usage, f.usage)
	if err := e.loadOperations(ctx, s); err != nil {
		return nil, err
	}
	return s, nil
}

// OpenFindingsQuery orders open findings as every surface shows them: dearest
// first, then the severest.
const OpenFindingsQuery = `SELECT * FROM findings_current WHERE status = 'open'
ORDER BY savings_expected DESC, indexOf(['critical', 'high', 'medium', 'low', 'info'], severity), analyzer, resource, key`

const measurementQuery = `SELECT m.* FROM measurements AS m FINAL
INNER JOIN (SELECT analyzer, argMax(run_id, started_at) AS run_id FROM analyzer_runs WHERE outcome = 'ok' GROUP BY analyzer) AS r
    ON m.analyzer = r.analyzer AND m.run_id = r.run_id
ORDER BY m.name, m.account, m.region, m.labels`

const runsQuery = `SELECT * FROM analyzer_runs FINAL
WHERE (analyzer, run_id) IN (SELECT analyzer, argMax(run_id, started_at) FROM analyzer_runs WHERE outcome = {outcome:String} OR {outcome:String} = '' GROUP BY analyzer)
ORDER BY analyzer`

const reasonQuery = `SELECT analyzer, reason, topK(1)(detail)[1] AS detail, count() AS n
FROM judgements_current WHERE verdict = 'cannot_determine'
GROUP BY analyzer, reason ORDER BY analyzer, n DESC, reason`

// summarize fills one line for every enabled analyzer of the suite, run or not.
func (e *Engine) summarize(ctx context.Context, s *Snapshot, f inForce) error {
	newest, err := e.runs(ctx, "")
	if err != nil {
		return err
	}
	good, err := e.runs(ctx, "ok")
	if err != nil {
		return err
	}
	reasons, err := store.SelectAll[ReasonCount](ctx, e.opts.Store, reasonQuery, nil)
	if err != nil {
		return fmt.Errorf("read reasons: %w", err)
	}
	for _, a := range only(slices.Clone(e.opts.Suites.Analyzers), f.analyzer) {
		summary := AnalyzerSummary{Analyzer: a, Run: good[a.Name], LastSuccess: good[a.Name].FinishedAt}
		if n := newest[a.Name]; n.Outcome != "ok" {
			summary.Run.Outcome, summary.Run.Detail = n.Outcome, n.Detail
		}
		if s.Window.To.IsZero() {
			s.Window = analysis.Window{From: summary.Run.WindowFrom, To: summary.Run.WindowTo}
		}
		for _, f := range s.Findings {
			if f.Analyzer == a.Name {
				summary.Open++
				summary.Savings.Low += f.SavingsLow
				summary.Savings.Expected += f.SavingsExpected
				summary.Savings.High += f.SavingsHigh
			}
		}
		for _, r := range reasons {
			if r.Analyzer == a.Name {
				summary.CannotDetermine = append(summary.CannotDetermine, r)
			}
		}
		s.Analyzers = append(s.Analyzers, summary)
	}
	return nil
}

func (e *Engine) runs(ctx context.Context, outcome string) (map[string]schema.AnalyzerRun, error) {
	runs := map[string]schema.AnalyzerRun{}
	for r, err := range store.Select[schema.AnalyzerRun](ctx, e.opts.Store, runsQuery, map[string]any{"outcome": outcome}) {
		if err != nil {
			return nil, fmt.Errorf("read analyzer runs: %w", err)
		}
		runs[r.Analyzer] = r
	}
	return runs, nil
}

// loadOperations reads what collection did: status, spend, cost and inventory.
func (e *Engine) loadOperations(ctx context.Context, s *Snapshot) error {
	now := e.opts.Now().UTC()
	month := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	f, err := e.inForce()
	if err != nil {
		return err
	}
	if s.Collectors, err = store.SelectAll[Status](ctx, e.opts.Store, statusQuery, nil); err != nil {
		return fmt.Errorf("read collector status: %w", err)
	}
	if s.API, err = store.SelectAll[APISpend](ctx, e.opts.Store, spendQuery, map[string]any{"month": month}); err != nil {
		return fmt.Errorf("read API spend: %w", err)
	}
	if s.Costs, err = store.SelectAll[DayCost](ctx, e.opts.Store, costQuery, nil); err != nil {
		return fmt.Errorf("read costs: %w", err)
	}
	if s.Blind, err = store.SelectAll[evidence.Gap](ctx, e.opts.Store, blindQuery, nil); err != nil {
		return fmt.Errorf("read evidence gaps: %w", err)
	}
	if s.Limits, err = e.loadLimits(ctx, s.Window); err != nil {
		return err
	}
	if s.Tables, err = e.opts.Store.Sizes(ctx); err != nil {
		return err
	}
	s.Collectors, s.API, s.Costs = only(s.Collectors, f.status), only(s.API, f.spend), only(s.Costs, f.cost)
	s.Blind, s.Limits = only(s.Blind, f.gap), only(s.Limits, f.limit)
	s.Functions = 0
	for _, l := range s.Limits {
		s.Functions += l.Functions
	}
	return nil
}

// refreshOperations publishes a snapshot with the last analysis and the newest
// collection.
func (e *Engine) refreshOperations(ctx context.Context) error {
	e.publish.Lock()
	defer e.publish.Unlock()
	next := &Snapshot{}
	if s := e.snapshot.Load(); s != nil {
		*next = *s
	}
	next.At = e.opts.Now().UTC()
	if err := e.loadOperations(ctx, next); err != nil {
		return err
	}
	e.snapshot.Store(next)
	return nil
}
