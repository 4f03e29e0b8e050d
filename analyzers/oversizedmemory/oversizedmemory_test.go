package oversizedmemory

import (
	"math"
	"testing"

	"github.com/shopspring/decimal"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/analysis/analysistest"
)

func TestScenarios(t *testing.T) { analysistest.Run(t, Analyzer) }

var defaults = limits{headroom: 1.25, step: 64, minInvocations: 50, trusted: 1000, minSavings: 0.10, minReduction: 0.10, prior: 0.5, undersized: 0.95}

func TestRecommend(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name          string
		n, p999, peak float64
		want          float64
	}{
		{"headroom, rounded up", 1000, 100, 100, 128},
		{"exactly a step", 1000, 204.8, 210, 256},
		{"just over a step", 1000, 204.9, 210, 320},
		{"never below what Lambda offers", 1e6, 20, 25, 128},
		{"the peak counts with few invocations", 999, 200, 900, 960},
		{"and does not with many", 1000, 200, 900, 256},
	} {
		if got := defaults.recommend(use{tt.n, tt.p999, tt.peak}); got != tt.want {
			t.Errorf("%s: %.0f MB, want %.0f", tt.name, got, tt.want)
		}
	}
}

// ran is a size whose invocations took mean ms, with a standard deviation.
func ran(mb, n, mean, deviation float64) size {
	return size{memoryMB: mb, n: n, days: 1, billedMS: n * mean, billedMSSq: n*mean*mean + (n-1)*deviation*deviation}
}

func TestStandardError(t *testing.T) {
	t.Parallel()
	days := ran(512, 10_000, 100, 10)
	days.days, days.dayVariance = 4, 36
	for _, tt := range []struct {
		name string
		s    size
		want float64
	}{
		{"scatter of invocations", ran(512, 10_000, 100, 10), 0.1},
		{"days scatter by more", days, 3},
		{"whole milliseconds are not exact", ran(512, 12, 100, 0), 1.0 / 12},
		{"one invocation", size{n: 1, billedMS: 5, billedMSSq: 25}, math.Sqrt(1.0 / 12)},
	} {
		if got := tt.s.standardError(); math.Abs(got-tt.want) > 1e-9 {
			t.Errorf("%s: %v, want %v", tt.name, got, tt.want)
		}
	}
}

func TestFit(t *testing.T) {
	t.Parallel()
	billed := func(constant, cpu, mb float64) float64 { return constant + cpu/mb }
	for _, tt := range []struct {
		name          string
		sizes         []size
		share         share
		withinPercent float64
	}{
		{
			"a function that waits",
			[]size{ran(512, 1e6, billed(100, 0, 512), 1), ran(1024, 1e6, billed(100, 0, 1024), 1)},
			share{0.9106, 1, 1},
			0.1,
		},
		{
			"a function that computes",
			[]size{ran(512, 1e6, billed(0, 51200, 512), 1), ran(1024, 1e6, billed(0, 51200, 1024), 1)},
			share{0, 0, 0.1131},
			0.1,
		},
		{
			"half and half, at 1,024 MB",
			[]size{ran(512, 1e6, billed(50, 51200, 512), 1), ran(1024, 1e6, billed(50, 51200, 1024), 1)},
			share{0.4, 0.5, 0.6},
			0.1,
		},
		{
			"faster with less memory is chance, and no more than waiting",
			[]size{ran(512, 1e6, 90, 1), ran(1024, 1e6, 100, 1)},
			share{1, 1, 1},
			0.1,
		},
		{
			"few invocations tell little",
			[]size{ran(512, 50, 125, 100), ran(1024, 50, 100, 100)},
			share{0.1175, 0.75, 1},
			0.1,
		},
		{
			"three sizes that no curve joins widen the interval",
			[]size{ran(512, 1e6, 150, 1), ran(1024, 1e6, 80, 1), ran(2048, 1e6, 110, 1)},
			share{0, 0.895, 1},
			0.1,
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f, ok := fitSizes(tt.sizes)
			if !ok {
				t.Fatal("no fit")
			}
			got := f.shareOf(tt.sizes[1])
			for _, pair := range [][2]float64{{got.low, tt.share.low}, {got.expected, tt.share.expected}, {got.high, tt.share.high}} {
				if math.Abs(pair[0]-pair[1]) > tt.withinPercent/100 {
					t.Errorf("share %+v, want %+v", got, tt.share)
				}
			}
		})
	}
	if _, ok := fitSizes([]size{ran(512, 100, 100, 1)}); ok {
		t.Error("one size makes a fit")
	}
}

// TestSavings prices a function by hand: 1,000,000 invocations of 100 ms with
// 1,024 MB in 730 hours are 100,000 GB-s, $1.66667 at the list price; 256 MB
// save three quarters of the share that does not depend on memory.
func TestSavings(t *testing.T) {
	t.Parallel()
	list := rates{duration: decimal.RequireFromString("0.0000166667")}
	provisioned := rates{duration: decimal.RequireFromString("0.0000097222"), held: decimal.RequireFromString("0.0000041667")}
	m := model{size: ran(1024, 1e6, 100, 10), target: 256, hours: 730, share: share{0, 0.5, 1}}
	half := m
	half.hours = 365
	for _, tt := range []struct {
		name string
		m    model
		r    rates
		held int64
		want analysis.Interval
	}{
		{"a month", m, list, 0, analysis.Interval{Low: 0, Expected: 0.62500125, High: 1.2500025}},
		{"half a month counts double", half, list, 0, analysis.Interval{Low: 0, Expected: 1.2500025, High: 2.500005}},
		// 768 MB × 2 held for 730 h are 3,942,000 GB-s.
		{"what is held is saved for certain", m, provisioned, 2, analysis.Interval{Low: 16.4251314, Expected: 16.7897139, High: 17.1542964}},
	} {
		got := tt.m.savings(tt.r, tt.held)
		for _, pair := range [][2]float64{{got.Low, tt.want.Low}, {got.Expected, tt.want.Expected}, {got.High, tt.want.High}} {
			if math.Abs(pair[0]-pair[1]) > 1e-9 {
				t.Errorf("%s: %+v, want %+v", tt.name, got, tt.want)
			}
		}
	}
}

func TestConfidence(t *testing.T) {
	t.Parallel()
	base := func() model {
		s := ran(1024, 1000, 100, 10)
		s.days = 14
		return model{size: s, target: 512, hours: 14 * 24, share: share{0.4, 0.5, 0.6}, fit: &fit{smallestMB: 512}}
	}
	for _, tt := range []struct {
		name   string
		change func(*model)
		want   analysis.Confidence
	}{
		{"an experiment that reaches the new size", func(*model) {}, analysis.ConfidenceHigh},
		{"no experiment", func(m *model) { m.fit = nil }, analysis.ConfidenceMedium},
		{"an experiment that must be extrapolated", func(m *model) { m.fit.smallestMB = 576 }, analysis.ConfidenceMedium},
		{"a wide interval", func(m *model) { m.share = share{0.1, 0.5, 0.7} }, analysis.ConfidenceMedium},
		{"13 days", func(m *model) { m.size.days = 13 }, analysis.ConfidenceMedium},
		{"7 days", func(m *model) { m.size.days, m.hours = 7, 7*24 }, analysis.ConfidenceMedium},
		{"6 days", func(m *model) { m.size.days = 6 }, analysis.ConfidenceLow},
		{"changed 6 days ago", func(m *model) { m.hours = 6 * 24 }, analysis.ConfidenceLow},
		{"999 invocations", func(m *model) { m.size = ran(1024, 999, 100, 10); m.size.days = 14 }, analysis.ConfidenceLow},
		{"durations all over the place", func(m *model) { m.size = ran(1024, 1000, 100, 400); m.size.days = 14 }, analysis.ConfidenceLow},
	} {
		m := base()
		tt.change(&m)
		if got := m.confidence(defaults); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestCount(t *testing.T) {
	t.Parallel()
	for n, want := range map[float64]string{0: "0", 999: "999", 1000: "1,000", 10240: "10,240", 1234567: "1,234,567"} {
		if got := count(n); got != want {
			t.Errorf("%v is %q, want %q", n, got, want)
		}
	}
}
