package exporter

import (
	"maps"
	"slices"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/config"
	"github.com/faaswarden/faaswarden/internal/engine"
)

// buildSelf shows what collection did, what it cost and what is stored.
func buildSelf(b *builder, s *engine.Snapshot, c *config.Config) {
	if !s.Window.To.IsZero() {
		b.instant(windowEnd, s.Window.To)
	}
	b.gauge(apiBudget, c.AWS.APIBudgetUSDPerMonth)
	for _, c := range s.Collectors {
		b.gauge(collectorOutcome, 1, c.Collector, c.Account, c.Region, c.Outcome)
		b.gauge(collectorPartial, boolean(c.Partial), c.Collector, c.Account, c.Region)
		b.gauge(collectorSeconds, c.Seconds, c.Collector, c.Account, c.Region)
		if c.LastSuccessAt.Unix() > 0 {
			b.instant(collectorLast, c.LastSuccessAt, c.Collector, c.Account, c.Region)
		}
	}
	for _, a := range s.API {
		b.gauge(apiCalls, float64(a.Calls), a.Account, a.Service, a.Operation)
		b.gauge(apiUSD, a.USD, a.Account, a.Service, a.Operation)
	}
	for _, t := range s.Tables {
		b.gauge(storeBytes, float64(t.Bytes), t.Table)
		b.gauge(storeRows, float64(t.Rows), t.Table)
	}
}

// buildAnalyzers shows each analyzer's newest run. One that has never run has
// no series: absence, not zero.
func buildAnalyzers(b *builder, s *engine.Snapshot) {
	for _, a := range s.Analyzers {
		if a.Run.Outcome == "" {
			continue
		}
		b.gauge(analyzerOutcome, boolean(a.Run.Outcome == "ok"), a.Analyzer.Name)
		if !a.LastSuccess.IsZero() {
			buildVerdicts(b, a)
		}
	}
}

func buildVerdicts(b *builder, a engine.AnalyzerSummary) {
	name := a.Analyzer.Name
	b.instant(analyzerLast, a.LastSuccess, name)
	b.gauge(analyzerSeconds, a.Run.FinishedAt.Sub(a.Run.StartedAt).Seconds(), name)
	b.gauge(judgements, float64(a.Run.OK), name, string(analysis.OK))
	b.gauge(judgements, float64(a.Run.Violations), name, string(analysis.Violation))
	b.gauge(judgements, float64(a.Run.CannotDetermine), name, string(analysis.CannotDetermine))
	if ratio, ok := a.Coverage(); ok {
		b.gauge(coverage, ratio, name)
	}
	byReason := map[string]uint64{}
	for _, r := range a.CannotDetermine {
		byReason[r.Reason] += r.Count
	}
	for _, reason := range slices.Sorted(maps.Keys(byReason)) {
		b.gauge(undetermined, float64(byReason[reason]), name, reason)
	}
}
