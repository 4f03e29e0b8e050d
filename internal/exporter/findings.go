package exporter

import (
	"cmp"
	"maps"
	"slices"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/engine"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// group is what findings are counted by.
type group struct{ analyzer, account, region, severity, confidence string }

func groupOf(f schema.Finding) group {
	return group{f.Analyzer, f.Account, f.Region, f.Severity, f.Confidence}
}

// bounds are the series of one finding.
const bounds = 3

// buildFindings counts open findings, and shows the savings of the dearest each
// and of the others by group.
func buildFindings(b *builder, s *engine.Snapshot, top int) {
	counts := map[group]int{}
	for _, f := range s.Findings {
		counts[groupOf(f)]++
	}
	groups := slices.SortedFunc(maps.Keys(counts), func(x, y group) int {
		return cmp.Or(cmp.Compare(x.analyzer, y.analyzer), cmp.Compare(x.account, y.account), cmp.Compare(x.region, y.region),
			cmp.Compare(x.severity, y.severity), cmp.Compare(x.confidence, y.confidence))
	})
	for _, g := range groups {
		b.gauge(findings, float64(counts[g]), g.analyzer, g.account, g.region, g.severity, g.confidence)
	}
	own := fit(b, len(s.Findings), top, bounds, bounds*len(groups))
	other := map[group]analysis.Interval{}
	for i, f := range s.Findings {
		v := analysis.Interval{Low: f.SavingsLow, Expected: f.SavingsExpected, High: f.SavingsHigh}
		if i < own {
			savings(b, groupOf(f), f.Resource, f.Fingerprint, v)
			continue
		}
		o := other[groupOf(f)]
		other[groupOf(f)] = analysis.Interval{Low: o.Low + v.Low, Expected: o.Expected + v.Expected, High: o.High + v.High}
	}
	for _, g := range groups {
		if sum, ok := other[g]; ok {
			savings(b, g, "other", "", sum)
		}
	}
}

// fit is how many of n items get series of their own: at most top, and no more
// than the room left beside what is reserved for the sums. Those it takes away
// count as lost.
func fit(b *builder, n, top, seriesEach, reserved int) int {
	want := min(n, top)
	own := min(want, max(0, b.room()-reserved)/seriesEach)
	b.lost += (want - own) * seriesEach
	return own
}

func savings(b *builder, g group, resource, fingerprint string, v analysis.Interval) {
	for _, bound := range []struct {
		name string
		usd  float64
	}{{"low", v.Low}, {"expected", v.Expected}, {"high", v.High}} {
		b.gauge(findingSavings, bound.usd, g.analyzer, g.account, g.region, resource, fingerprint, g.severity, g.confidence, bound.name)
	}
}
