package engine

import (
	"math"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/config"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// hours are a metric's hourly points before the rig's time.
func (r *rig) hours(metric, stat, resource string, from, n int, value float64) []schema.Row {
	var rows []schema.Row
	for i := range n {
		rows = append(rows, schema.MetricPoint{
			Account: account, Region: region, Namespace: "AWS/Lambda", Metric: metric, Stat: stat, Resource: resource, PeriodS: 3600,
			TS: r.clock.at.Add(time.Duration(i-from) * time.Hour), Value: value, CollectedAt: r.clock.at,
		})
	}
	return rows
}

// read says that a metric was read whole over the ten days before some hours ago.
func (r *rig) read(metric, stat, resource string, until time.Duration) schema.Row {
	return schema.MetricRead{
		Account: account, Region: region, Namespace: "AWS/Lambda", Metric: metric, Stat: stat, Resource: resource, PeriodS: 3600,
		FromTS: r.clock.at.AddDate(0, 0, -10), ToTS: r.clock.at.Add(-until), Status: "complete", CollectedAt: r.clock.at,
	}
}

func TestUsage(t *testing.T) {
	r := newRig(t, nil, nil)
	r.Reload(func() *config.Config {
		c := config.Default()
		c.Metrics.TagLabels = []string{"team"}
		return c
	}(), nil)
	function := func(name, region, arch string, memory uint32) schema.Function {
		return schema.Function{
			Account: account, Region: region, FunctionARN: arn(name), FunctionName: name, Version: "$LATEST",
			Architecture: arch, MemoryMB: memory, EphemeralMB: 512, CollectedAt: r.clock.at,
		}
	}
	lag := 6 * time.Hour // CloudWatch was last read that long ago
	r.put(t,
		function("reported", region, "x86_64", 1024), function("measured", region, "arm64", 2048), function("idle", region, "x86_64", 128),
		function("blind", region, "x86_64", 128), function("stale", region, "x86_64", 128), function("held", region, "x86_64", 1024),
		schema.Completion{Collector: "functions", Account: account, Region: region, TableName: "functions", CollectedAt: r.clock.at},
		schema.Completion{Collector: "functions", Account: account, Region: region, TableName: "provisioned_concurrency", CollectedAt: r.clock.at},
		schema.Completion{Collector: "tags", Account: account, Region: region, TableName: "resource_tags", Kind: "lambda:ListTags", CollectedAt: r.clock.at},
		schema.ResourceTags{Account: account, Region: region, ResourceARN: arn("reported"), Source: "lambda:ListTags", Status: "read", Tags: map[string]string{"team": "x", "other": "y"}, CollectedAt: r.clock.at},
		schema.ProvisionedConcurrency{Account: account, Region: region, FunctionARN: arn("held"), Qualifier: "live", Allocated: 2, CollectedAt: r.clock.at},
		// Five days of reports: 1,000,000 s at 1,024 MB, of which a later size counts half.
		schema.ReportDay{Account: account, Region: region, FunctionARN: arn("reported"), Version: "$LATEST", MemoryMB: 1024, Architecture: "x86_64", Day: r.clock.at.AddDate(0, 0, -5).Truncate(24 * time.Hour), Invocations: 3_000_000, BilledMSSum: 600_000_000, CollectedAt: r.clock.at},
		schema.ReportDay{Account: account, Region: region, FunctionARN: arn("reported"), Version: "$LATEST", MemoryMB: 512, Architecture: "x86_64", Day: r.clock.at.AddDate(0, 0, -1).Truncate(24 * time.Hour), Invocations: 2_000_000, BilledMSSum: 800_000_000, CollectedAt: r.clock.at},
		r.read("ConcurrentExecutions", "Maximum", "", lag),
		r.read("Invocations", "Sum", arn("reported"), lag), r.read("Invocations", "Sum", arn("measured"), lag), r.read("Invocations", "Sum", arn("idle"), lag),
		r.read("Invocations", "Sum", arn("held"), lag), r.read("Invocations", "Sum", arn("stale"), 72*time.Hour),
		schema.AccountLimits{Account: account, Region: region, ConcurrentExecutions: 1000, CodeSizeUsedBytes: 7, CodeSizeLimitBytes: 70, CollectedAt: r.clock.at},
		schema.Completion{Collector: "accountlimits", Account: account, Region: region, TableName: "account_limits", CollectedAt: r.clock.at},
	)
	// Ten days of 240 hours: 10 invocations and 20,000 ms an hour, more errors long ago than today.
	r.put(t, r.hours("Invocations", "Sum", arn("measured"), 240, 234, 10)...)
	r.put(t, r.hours("Duration", "Sum", arn("measured"), 240, 234, 20_000)...)
	r.put(t, r.hours("Errors", "Sum", arn("measured"), 240, 200, 5)...)
	r.put(t, r.hours("Errors", "Sum", arn("measured"), 30, 24, 1)...)
	r.put(t, r.hours("Throttles", "Sum", arn("measured"), 7, 1, 9)...)
	r.put(t, r.hours("ConcurrentExecutions", "Maximum", "", 240, 100, 999)...)
	r.put(t, r.hours("ConcurrentExecutions", "Maximum", "", 30, 24, 250)...)

	window := analysis.Window{From: r.clock.at.AddDate(0, 0, -30), To: r.clock.at}
	list, err := r.loadUsage(t.Context(), window)
	if err != nil {
		t.Fatal(err)
	}
	const x86, arm, request, held = 0.0000166667, 0.0000133334, 0.0000002, 0.0000041667 // us-east-1, aws-facts §4
	days := 5.5                                                                         // from the first report's midnight to noon
	want := []Usage{
		{
			Account: account, Region: region, Function: "reported", Tags: map[string]string{"team": "x"}, Read: true, Priced: true,
			MonthlyUSD: ((600_000+400_000)*x86 + 5_000_000*request) * 730 / (days * 24),
		},
		{Account: account, Region: region, Function: "held", Read: true, Priced: true, MonthlyUSD: 2 * 730 * 3600 * held, Day: DayUsage{USD: 2 * 86400 * held}},
		{
			Account: account, Region: region, Function: "measured", Read: true, Priced: true,
			MonthlyUSD: 234 * (20*2*arm + 10*request) * 730 / 240,
			Day:        DayUsage{USD: 24 * (20*2*arm + 10*request), Invocations: 240, Errors: 24, Throttles: 9, GBSeconds: 24 * 20 * 2},
		},
		{Account: account, Region: region, Function: "blind"},
		{Account: account, Region: region, Function: "idle", Read: true, Priced: true},
		{Account: account, Region: region, Function: "stale"},
	}
	if diff := cmp.Diff(want, list, cmpopts.EquateEmpty(), cmp.Comparer(func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*math.Max(1, math.Abs(a)) })); diff != "" {
		t.Errorf("usage (-want +got):\n%s", diff)
	}

	limits, err := r.loadLimits(t.Context(), window)
	if err != nil {
		t.Fatal(err)
	}
	wantLimits := []Limit{{Account: account, Region: region, Functions: 6, Concurrency: 1000, CodeBytes: 7, CodeLimitBytes: 70, PeakRead: true, Peak: 250}}
	if diff := cmp.Diff(wantLimits, limits); diff != "" {
		t.Errorf("limits (-want +got):\n%s", diff)
	}
}

// A region that the price book does not know has usage, and no cost of zero.
func TestUsageWithoutAPrice(t *testing.T) {
	t.Parallel()
	row := usageRow{Account: account, Region: "xx-nowhere-1", FunctionName: "f", Architecture: "x86_64", MemoryMB: 128, ReadTo: time.Unix(9e8, 0), DayTo: time.Unix(9e8, 0), DayInvocations: 4}
	r := newRig(t, nil, nil)
	got, err := row.usage(r.book, analysis.Window{From: time.Unix(8e8, 0), To: r.clock.at})
	if err != nil {
		t.Fatal(err)
	}
	if !got.Read || got.Priced || got.MonthlyUSD != 0 || got.Day.Invocations != 4 {
		t.Errorf("%+v", got)
	}
}

func TestHeadroomNeedsLimitAndPeak(t *testing.T) {
	t.Parallel()
	for _, l := range []Limit{{PeakRead: true, Peak: 5}, {Concurrency: 10}} {
		if ratio, ok := l.Headroom(); ok {
			t.Errorf("%+v has a headroom of %v", l, ratio)
		}
	}
	if ratio, ok := (Limit{Concurrency: 10, PeakRead: true}).Headroom(); !ok || ratio != 1 {
		t.Errorf("a region that ran nothing has a headroom of %v, %t", ratio, ok)
	}
}
