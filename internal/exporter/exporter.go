// Package exporter turns the engine's snapshot into Prometheus metrics. Metric
// names live here and nowhere else. A scrape reads memory only: neither AWS nor
// the store is touched.
package exporter

import (
	"strings"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/version"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/engine"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// Options for New.
type Options struct {
	Snapshot  func() *engine.Snapshot // never nil
	Analyzers []*analysis.Analyzer    // their declared Measures become metrics
	TopN      int                     // findings with a series of their own; the rest are summed as "other". Zero means 100.
}

// Exporter is a prometheus.Collector over the snapshot.
type Exporter struct {
	opts     Options
	measures map[string]*prometheus.Desc
}

// New returns an Exporter.
func New(opts Options) *Exporter {
	if opts.TopN == 0 {
		opts.TopN = 100
	}
	e := &Exporter{opts: opts, measures: map[string]*prometheus.Desc{}}
	for _, a := range opts.Analyzers {
		for _, m := range a.Measures {
			e.measures[m.Name] = prometheus.NewDesc("faaswarden_"+m.Name, m.Help, append([]string{"account", "region"}, m.Labels...), nil)
		}
	}
	return e
}

// Registry is a fresh registry with the exporter and the build information.
func (e *Exporter) Registry() (*prometheus.Registry, error) {
	r := prometheus.NewRegistry()
	for _, c := range []prometheus.Collector{e, buildInfo()} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func buildInfo() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "faaswarden_build_info", Help: "Constant 1, labelled with the version faaswarden was built from.",
		ConstLabels: prometheus.Labels{"version": version.Version, "revision": version.GetRevision(), "goversion": version.GoVersion},
	}, func() float64 { return 1 })
}

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc(name, help, labels, nil)
}

// Domain metrics speak of the account; self metrics of faaswarden.
var (
	findingSavings = desc("faaswarden_finding_monthly_savings_usd",
		"Monthly USD that acting on an open finding saves; bound is low, expected or high. The dearest findings have a series each, the rest are summed with resource=\"other\".",
		"analyzer", "account", "region", "resource", "fingerprint", "severity", "confidence", "bound")
	findings = desc("faaswarden_findings",
		"Open findings.", "analyzer", "account", "region", "severity", "confidence")
	judgements = desc("faaswarden_judgements",
		"Resources by the verdict of an analyzer's newest run.", "analyzer", "verdict")
	undetermined = desc("faaswarden_cannot_determine",
		"Resources an analyzer could not judge, by reason.", "analyzer", "reason")
	coverage = desc("faaswarden_coverage_ratio",
		"Share of resources an analyzer could judge.", "analyzer")
	functions = desc("faaswarden_functions",
		"Lambda functions in the inventory.")
	billed = desc("faaswarden_billed_cost_usd",
		"Unblended cost of the newest day that AWS no longer estimates, from Cost Explorer.", "account", "region", "service")
	windowEnd = desc("faaswarden_analysis_window_end_timestamp_seconds",
		"End of the window that the shown findings rest on.")

	analyzerOutcome = desc("faaswarden_analyzer_last_run_success",
		"1 when the analyzer's newest run succeeded, 0 when it failed.", "analyzer")
	analyzerSeconds = desc("faaswarden_analyzer_duration_seconds",
		"Duration of the analyzer's newest successful run.", "analyzer")
	analyzerLast = desc("faaswarden_analyzer_last_success_timestamp_seconds",
		"When the analyzer last succeeded.", "analyzer")
	collectorOutcome = desc("faaswarden_collector_last_run_outcome",
		"Constant 1, labelled with the outcome of the collector's newest run.", "collector", "account", "region", "outcome")
	collectorPartial = desc("faaswarden_collector_last_run_partial",
		"1 when some evidence was missing in the collector's newest run.", "collector", "account", "region")
	collectorSeconds = desc("faaswarden_collector_duration_seconds",
		"Duration of the collector's newest run.", "collector", "account", "region")
	collectorLast = desc("faaswarden_collector_last_success_timestamp_seconds",
		"When the collector last succeeded.", "collector", "account", "region")
	apiCalls = desc("faaswarden_api_calls",
		"AWS API requests this month, as AWS bills them.", "account", "service", "operation")
	apiUSD = desc("faaswarden_api_cost_usd",
		"USD that AWS bills for faaswarden's API requests this month.", "account", "service", "operation")
)

// Describe sends every descriptor.
func (e *Exporter) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range []*prometheus.Desc{
		findingSavings, findings, judgements, undetermined, coverage, functions, billed, windowEnd,
		analyzerOutcome, analyzerSeconds, analyzerLast, collectorOutcome, collectorPartial, collectorSeconds, collectorLast, apiCalls, apiUSD,
	} {
		ch <- d
	}
	for _, d := range e.measures {
		ch <- d
	}
}

// Collect writes the snapshot as metrics.
func (e *Exporter) Collect(ch chan<- prometheus.Metric) {
	s := e.opts.Snapshot()
	gauge := func(d *prometheus.Desc, v float64, labels ...string) {
		for i := range labels {
			labels[i] = strings.ToValidUTF8(labels[i], "\uFFFD") // names are other people's
		}
		ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v, labels...)
	}
	e.collectFindings(s, gauge)
	e.collectAnalyzers(s, gauge)
	for _, m := range s.Measurements {
		if d := e.measures[m.Name]; d != nil {
			gauge(d, m.Value, append([]string{m.Account, m.Region}, m.Labels...)...)
		}
	}
	for _, c := range s.Costs {
		gauge(billed, c.USD, c.Account, c.Region, c.Service)
	}
	e.collectOperations(s, gauge)
}

type gaugeFunc func(d *prometheus.Desc, v float64, labels ...string)

func (e *Exporter) collectFindings(s *engine.Snapshot, gauge gaugeFunc) {
	type group struct{ analyzer, account, region, severity, confidence string }
	counts := map[group]float64{}
	other := map[group]analysis.Interval{}
	for i, f := range s.Findings {
		g := group{f.Analyzer, f.Account, f.Region, f.Severity, f.Confidence}
		counts[g]++
		if i < e.opts.TopN {
			e.savings(gauge, g.analyzer, g.account, g.region, f.Resource, f.Fingerprint, g.severity, g.confidence,
				analysis.Interval{Low: f.SavingsLow, Expected: f.SavingsExpected, High: f.SavingsHigh})
			continue
		}
		o := other[g]
		other[g] = analysis.Interval{Low: o.Low + f.SavingsLow, Expected: o.Expected + f.SavingsExpected, High: o.High + f.SavingsHigh}
	}
	for g, n := range counts {
		gauge(findings, n, g.analyzer, g.account, g.region, g.severity, g.confidence)
	}
	for g, sum := range other {
		e.savings(gauge, g.analyzer, g.account, g.region, "other", "", g.severity, g.confidence, sum)
	}
}

func (e *Exporter) savings(gauge gaugeFunc, analyzer, account, region, resource, fingerprint, severity, confidence string, v analysis.Interval) {
	for bound, usd := range map[string]float64{"low": v.Low, "expected": v.Expected, "high": v.High} {
		gauge(findingSavings, usd, analyzer, account, region, resource, fingerprint, severity, confidence, bound)
	}
}

func (e *Exporter) collectAnalyzers(s *engine.Snapshot, gauge gaugeFunc) {
	for _, a := range s.Analyzers {
		name := a.Analyzer.Name
		if a.Run.Outcome == "" {
			continue // has never run: absence, not zero
		}
		gauge(analyzerOutcome, boolean(a.Run.Outcome == "ok"), name)
		if a.LastSuccess.IsZero() {
			continue
		}
		gauge(analyzerLast, seconds(a.LastSuccess), name)
		gauge(analyzerSeconds, a.Run.FinishedAt.Sub(a.Run.StartedAt).Seconds(), name)
		e.verdicts(gauge, name, a.Run)
		if ratio, ok := a.Coverage(); ok {
			gauge(coverage, ratio, name)
		}
		byReason := map[string]float64{}
		for _, r := range a.CannotDetermine {
			byReason[r.Reason] += float64(r.Count)
		}
		for reason, n := range byReason {
			gauge(undetermined, n, name, reason)
		}
	}
}

func (e *Exporter) verdicts(gauge gaugeFunc, name string, run schema.AnalyzerRun) {
	gauge(judgements, float64(run.OK), name, string(analysis.OK))
	gauge(judgements, float64(run.Violations), name, string(analysis.Violation))
	gauge(judgements, float64(run.CannotDetermine), name, string(analysis.CannotDetermine))
}

func (e *Exporter) collectOperations(s *engine.Snapshot, gauge gaugeFunc) {
	if len(s.Collectors) > 0 {
		gauge(functions, float64(s.Functions))
	}
	if !s.Window.To.IsZero() {
		gauge(windowEnd, seconds(s.Window.To))
	}
	for _, c := range s.Collectors {
		gauge(collectorOutcome, 1, c.Collector, c.Account, c.Region, c.Outcome)
		gauge(collectorPartial, boolean(c.Partial), c.Collector, c.Account, c.Region)
		gauge(collectorSeconds, c.Seconds, c.Collector, c.Account, c.Region)
		if c.LastSuccessAt.Unix() > 0 {
			gauge(collectorLast, seconds(c.LastSuccessAt), c.Collector, c.Account, c.Region)
		}
	}
	for _, a := range s.API {
		gauge(apiCalls, float64(a.Calls), a.Account, a.Service, a.Operation)
		gauge(apiUSD, a.USD, a.Account, a.Service, a.Operation)
	}
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
