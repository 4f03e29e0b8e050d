package awssim

import (
	"context"
	"fmt"
	"math"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer"
	cetypes "github.com/aws/aws-sdk-go-v2/service/costexplorer/types"
	"github.com/google/go-cmp/cmp"
)

// busiest is a function of the region with traffic in every hour.
func busiest(t testing.TB, w *World, r *Region) *Function {
	t.Helper()
	var best *Function
	most := 0.0
	for _, f := range r.Functions {
		sum := 0.0
		for _, p := range r.Datapoints(functionMetric(f.Name, "Invocations", "Sum", w.Start(), w.Now, 24*time.Hour)) {
			sum += p.Value
		}
		if sum > most {
			best, most = f, sum
		}
	}
	if best == nil {
		t.Fatal("nothing is invoked")
	}
	return best
}

func functionMetric(name, metric, stat string, from, to time.Time, period time.Duration) MetricQuery {
	return MetricQuery{
		Namespace: "AWS/Lambda", Metric: metric, Dims: map[string]string{"FunctionName": name}, Stat: stat, From: from, To: to, Period: period,
	}
}

func stat(id, function, metric, name string, period time.Duration) cwtypes.MetricDataQuery {
	return cwtypes.MetricDataQuery{Id: aws.String(id), MetricStat: &cwtypes.MetricStat{
		Metric: &cwtypes.Metric{Namespace: aws.String("AWS/Lambda"), MetricName: aws.String(metric), Dimensions: []cwtypes.Dimension{{Name: aws.String("FunctionName"), Value: aws.String(function)}}},
		Period: aws.Int32(int32(period.Seconds())), Stat: aws.String(name),
	}}
}

// TestMetricDataMatchesSeries: what the client reads is what the world says,
// through the pages and in both orders.
func TestMetricDataMatchesSeries(t *testing.T) {
	t.Parallel()
	w := traffic(t)
	h := serve(t, Options{World: w, Limits: Limits{Off: true}})
	r := w.Regions[0]
	f := busiest(t, w, r)
	client := cloudwatch.NewFromConfig(h.config(r.Name))
	queries := []cwtypes.MetricDataQuery{
		stat("a", f.Name, "Invocations", "Sum", time.Hour), stat("b", f.Name, "Duration", "p99", time.Hour),
		stat("none", "nosuch", "Invocations", "Sum", time.Hour), stat("c", f.Name, "Duration", "Maximum", 24*time.Hour),
	}
	want := map[string][]Datapoint{
		"a": r.Datapoints(functionMetric(f.Name, "Invocations", "Sum", w.Start(), w.Now, time.Hour)),
		"b": r.Datapoints(functionMetric(f.Name, "Duration", "p99", w.Start(), w.Now, time.Hour)),
		"c": r.Datapoints(functionMetric(f.Name, "Duration", "Maximum", w.Start(), w.Now, 24*time.Hour)), "none": nil,
	}
	if len(want["a"]) < 100 {
		t.Fatalf("only %d hours of traffic", len(want["a"]))
	}
	for _, order := range []cwtypes.ScanBy{"TimestampAscending", "TimestampDescending", ""} {
		for _, size := range []int32{100_800, 100, 7} {
			got, final := map[string][]Datapoint{}, map[string]cwtypes.StatusCode{}
			pages := cloudwatch.NewGetMetricDataPaginator(client, &cloudwatch.GetMetricDataInput{
				StartTime: aws.Time(w.Start()), EndTime: aws.Time(w.Now), MetricDataQueries: queries, ScanBy: order, MaxDatapoints: aws.Int32(size),
			})
			for pages.HasMorePages() {
				page, err := pages.NextPage(context.Background())
				if err != nil {
					t.Fatal(err)
				}
				points := 0
				for _, result := range page.MetricDataResults {
					points += len(result.Values)
					final[*result.Id] = result.StatusCode
					for i := range result.Values {
						got[*result.Id] = append(got[*result.Id], Datapoint{result.Timestamps[i], result.Values[i]})
					}
				}
				if points > int(size) {
					t.Errorf("a page of %d points, want at most %d", points, size)
				}
			}
			for id, points := range want {
				expected := slices.Clone(points)
				if order != "TimestampAscending" {
					slices.Reverse(expected)
				}
				if diff := cmp.Diff(expected, got[id]); diff != "" || final[id] != "Complete" {
					t.Fatalf("%s %s by %d: status %s\n%s", id, order, size, final[id], diff)
				}
			}
		}
	}
}

// TestRetention: data is only there at periods that are still kept.
func TestRetention(t *testing.T) {
	t.Parallel()
	w := traffic(t)
	later := w.Now.Add(60 * 24 * time.Hour) // the data is 60 to 70 days old
	h := serve(t, Options{World: w, Now: func() time.Time { return later }, Limits: Limits{Off: true}})
	r := w.Regions[0]
	f := busiest(t, w, r)
	client := cloudwatch.NewFromConfig(h.config(r.Name))
	points := func(period time.Duration) []time.Time {
		out, err := client.GetMetricData(context.Background(), &cloudwatch.GetMetricDataInput{
			StartTime: aws.Time(w.Start()), EndTime: aws.Time(w.Now), ScanBy: "TimestampAscending",
			MetricDataQueries: []cwtypes.MetricDataQuery{stat("a", f.Name, "Invocations", "Sum", period)},
		})
		if err != nil {
			t.Fatal(err)
		}
		return out.MetricDataResults[0].Timestamps
	}
	if n := len(points(time.Minute)); n != 0 {
		t.Errorf("%d minutes of two months ago", n)
	}
	if minutes := points(5 * time.Minute); len(minutes) == 0 || minutes[0].Before(later.Add(-minutesRetention)) {
		t.Errorf("%d points of five minutes, the first of %v", len(minutes), minutes)
	}
	if hours := points(time.Hour); len(hours) < 100 || hours[0].After(w.Start().Add(24*time.Hour)) {
		t.Errorf("%d hours", len(hours))
	}
}

func TestUnalignedTimes(t *testing.T) {
	t.Parallel()
	w := traffic(t)
	h := serve(t, Options{World: w})
	r := w.Regions[0]
	f := busiest(t, w, r)
	from := w.Now.Add(-49*time.Hour + 20*time.Minute)
	out, err := cloudwatch.NewFromConfig(h.config(r.Name)).GetMetricData(context.Background(), &cloudwatch.GetMetricDataInput{
		StartTime: &from, EndTime: aws.Time(from.Add(2 * time.Hour)), MetricDataQueries: []cwtypes.MetricDataQuery{stat("a", f.Name, "Invocations", "Sum", time.Hour)},
	})
	if err != nil {
		t.Fatal(err)
	}
	for _, at := range out.MetricDataResults[0].Timestamps {
		if !at.Equal(at.Truncate(time.Hour)) {
			t.Errorf("a point at %v is not at an hour", at)
		}
	}
}

func TestMetricRequestsThatAreRefused(t *testing.T) {
	t.Parallel()
	w := testWorld()
	h := serve(t, Options{World: w, Limits: Limits{Off: true}})
	client := cloudwatch.NewFromConfig(h.config("us-east-1"))
	many := make([]cwtypes.MetricDataQuery, 501)
	for i := range many {
		many[i] = stat(fmt.Sprintf("m%d", i), "worker", "Errors", "Sum", time.Hour)
	}
	with := func(change func(*cwtypes.MetricDataQuery)) []cwtypes.MetricDataQuery {
		q := stat("a", "worker", "Errors", "Sum", time.Hour)
		change(&q)
		return []cwtypes.MetricDataQuery{q}
	}
	for name, queries := range map[string][]cwtypes.MetricDataQuery{
		"more than 500":  many,
		"bad id":         with(func(q *cwtypes.MetricDataQuery) { q.Id = aws.String("A1") }),
		"same id":        append(with(func(*cwtypes.MetricDataQuery) {}), with(func(*cwtypes.MetricDataQuery) {})...),
		"bad period":     with(func(q *cwtypes.MetricDataQuery) { q.MetricStat.Period = aws.Int32(45) }),
		"bad statistic":  with(func(q *cwtypes.MetricDataQuery) { q.MetricStat.Stat = aws.String("Median") }),
		"metric math":    with(func(q *cwtypes.MetricDataQuery) { q.MetricStat, q.Expression = nil, aws.String("m1/m2") }),
		"no metric name": with(func(q *cwtypes.MetricDataQuery) { q.MetricStat.Metric.MetricName = nil }),
	} {
		_, err := client.GetMetricData(context.Background(), &cloudwatch.GetMetricDataInput{StartTime: aws.Time(noon.Add(-time.Hour)), EndTime: &noon, MetricDataQueries: queries})
		if codeOf(err) != "ValidationError" {
			t.Errorf("%s: got %v, want a ValidationError", name, err)
		}
	}
	if _, err := client.GetMetricData(context.Background(), metricData("Errors", "Sum", 3600, noon, noon)); codeOf(err) != "ValidationError" {
		t.Errorf("no time at all: %v", err)
	}
	_, err := client.GetMetricStatistics(context.Background(), &cloudwatch.GetMetricStatisticsInput{
		Namespace: aws.String("AWS/Lambda"), MetricName: aws.String("Errors"), StartTime: aws.Time(noon.Add(-48 * time.Hour)), EndTime: &noon, Period: aws.Int32(60), Statistics: []cwtypes.Statistic{"Sum"},
	})
	if codeOf(err) != "InvalidParameterCombination" {
		t.Errorf("more than 1,440 points: %v", err)
	}
	if _, err := client.ListMetrics(context.Background(), &cloudwatch.ListMetricsInput{RecentlyActive: "PT9H"}); codeOf(err) != "ValidationError" {
		t.Errorf("a period that is none: %v", err)
	}
}

// TestListMetrics: by filters, page after page, each metric once.
func TestListMetrics(t *testing.T) {
	t.Parallel()
	w := traffic(t)
	h := serve(t, Options{World: w, Limits: Limits{Off: true}})
	r := w.Regions[0]
	f := busiest(t, w, r)
	client := cloudwatch.NewFromConfig(h.config(r.Name))
	list := func(in *cloudwatch.ListMetricsInput) (names []string) {
		pages := cloudwatch.NewListMetricsPaginator(client, in)
		for pages.HasMorePages() {
			page, err := pages.NextPage(context.Background())
			if err != nil {
				t.Fatal(err)
			}
			if len(page.Metrics) > metricsPage {
				t.Errorf("a page of %d", len(page.Metrics))
			}
			for _, m := range page.Metrics {
				names = append(names, *m.Namespace+" "+*m.MetricName+" "+fmt.Sprint(len(m.Dimensions)))
			}
		}
		return names
	}
	all := list(&cloudwatch.ListMetricsInput{})
	if len(all) != len(r.Metrics()) {
		t.Errorf("%d metrics, want %d", len(all), len(r.Metrics()))
	}
	own := list(&cloudwatch.ListMetricsInput{
		Namespace: aws.String("AWS/Lambda"), MetricName: aws.String("Invocations"), Dimensions: []cwtypes.DimensionFilter{{Name: aws.String("FunctionName"), Value: &f.Name}},
	})
	if !slices.Contains(own, "AWS/Lambda Invocations 1") {
		t.Errorf("the busiest function's metrics are %v", own)
	}
	if active := list(&cloudwatch.ListMetricsInput{RecentlyActive: "PT3H"}); len(active) == 0 || len(active) > len(all) {
		t.Errorf("%d of %d metrics are active", len(active), len(all))
	}
}

// TestCosts: groups add up to the bill, filters split it, and what was estimated
// is restated.
func TestCosts(t *testing.T) {
	t.Parallel()
	w := traffic(t)
	ctx := context.Background()
	interval := &cetypes.DateInterval{Start: aws.String(w.Start().Format(time.DateOnly)), End: aws.String(w.Now.Format(time.DateOnly))}
	sum := func(h *harness, in costexplorer.GetCostAndUsageInput) (total float64, estimated int, keys map[string]bool) {
		client := costexplorer.NewFromConfig(h.config("us-east-1"))
		in.TimePeriod, keys = interval, map[string]bool{}
		if in.Granularity == "" {
			in.Granularity = "DAILY"
		}
		in.Metrics = []string{"UnblendedCost"}
		amount := func(m map[string]cetypes.MetricValue) float64 {
			f, err := strconv.ParseFloat(*m["UnblendedCost"].Amount, 64)
			if err != nil {
				t.Fatal(err)
			}
			return f
		}
		for {
			page, err := client.GetCostAndUsage(ctx, &in)
			if err != nil {
				t.Fatal(err)
			}
			for _, day := range page.ResultsByTime {
				if day.Estimated {
					estimated++
				}
				if len(day.Total) > 0 {
					total += amount(day.Total)
				}
				for _, group := range day.Groups {
					total += amount(group.Metrics)
					keys[strings.Join(group.Keys, " ")] = true
				}
			}
			if in.NextPageToken = page.NextPageToken; in.NextPageToken == nil {
				return total, estimated, keys
			}
		}
	}
	near := func(a, b float64) bool { return math.Abs(a-b) < 1e-6*math.Max(a, b) }
	bill, final, services := 0.0, 0.0, map[string]bool{}
	for _, l := range w.BillLines(w.Start(), w.Now) {
		bill += l.Unblended
		final += l.Final.Unblended
		services[l.Service] = true
	}
	h := serve(t, Options{World: w, Limits: Limits{Off: true}})
	total, estimated, _ := sum(h, costexplorer.GetCostAndUsageInput{})
	if bill <= 0 || !near(total, bill) || estimated != 2 {
		t.Errorf("the days add up to %v with %d estimated, want %v and 2", total, estimated, bill)
	}
	if monthly, _, _ := sum(h, costexplorer.GetCostAndUsageInput{Granularity: "MONTHLY"}); !near(monthly, bill) {
		t.Errorf("the months add up to %v, want %v", monthly, bill)
	}
	grouped, _, keys := sum(h, costexplorer.GetCostAndUsageInput{GroupBy: []cetypes.GroupDefinition{
		{Type: "DIMENSION", Key: aws.String("USAGE_TYPE")}, {Type: "TAG", Key: aws.String("owner")},
	}})
	if !near(grouped, bill) || len(keys) < 3 {
		t.Errorf("%d groups add up to %v, want %v", len(keys), grouped, bill)
	}
	_, _, found := sum(h, costexplorer.GetCostAndUsageInput{GroupBy: []cetypes.GroupDefinition{{Type: "DIMENSION", Key: aws.String("SERVICE")}}})
	if diff := cmp.Diff(services, found); diff != "" {
		t.Error(diff)
	}
	lambda := &cetypes.Expression{Dimensions: &cetypes.DimensionValues{Key: "SERVICE", Values: []string{"AWS Lambda"}}}
	untagged := &cetypes.Expression{Tags: &cetypes.TagValues{Key: aws.String("owner"), MatchOptions: []cetypes.MatchOption{"ABSENT"}}}
	both, _, _ := sum(h, costexplorer.GetCostAndUsageInput{Filter: &cetypes.Expression{And: []cetypes.Expression{*lambda, *untagged}}})
	either, _, _ := sum(h, costexplorer.GetCostAndUsageInput{Filter: &cetypes.Expression{Or: []cetypes.Expression{*lambda, *untagged}}})
	one, _, _ := sum(h, costexplorer.GetCostAndUsageInput{Filter: lambda})
	other, _, _ := sum(h, costexplorer.GetCostAndUsageInput{Filter: untagged})
	not, _, _ := sum(h, costexplorer.GetCostAndUsageInput{Filter: &cetypes.Expression{Not: lambda}})
	if !near(one+other, both+either) || !near(one+not, bill) || one <= 0 || not <= 0 {
		t.Errorf("filters: %v + %v, %v + %v, not %v, of %v", one, other, both, either, not, bill)
	}
	for name, o := range map[string]Options{
		"restated": {World: w, Restate: true}, "days later": {World: w, Now: func() time.Time { return w.Now.Add(4 * 24 * time.Hour) }},
	} {
		o.Limits.Off = true
		if total, estimated, _ := sum(serve(t, o), costexplorer.GetCostAndUsageInput{}); !near(total, final) || estimated != 0 {
			t.Errorf("%s: %v with %d estimated, want %v and none", name, total, estimated, final)
		}
	}
	if near(bill, final) {
		t.Error("nothing was estimated")
	}
}

func TestCostRequestsThatAreRefused(t *testing.T) {
	t.Parallel()
	h := serve(t, Options{World: testWorld(), Limits: Limits{Off: true}})
	client := costexplorer.NewFromConfig(h.config("us-east-1"))
	good := func() *costexplorer.GetCostAndUsageInput {
		return &costexplorer.GetCostAndUsageInput{
			TimePeriod: &cetypes.DateInterval{Start: aws.String("2026-11-01"), End: aws.String("2026-11-05")}, Granularity: "DAILY", Metrics: []string{"UnblendedCost"},
		}
	}
	if _, err := client.GetCostAndUsage(context.Background(), good()); err != nil {
		t.Fatal(err)
	}
	for name, test := range map[string]struct {
		change func(*costexplorer.GetCostAndUsageInput)
		want   string
	}{
		"three groups": {func(in *costexplorer.GetCostAndUsageInput) {
			in.GroupBy = slices.Repeat([]cetypes.GroupDefinition{{Type: "TAG", Key: aws.String("owner")}}, 3)
		}, "ValidationException"},
		"no such dimension": {func(in *costexplorer.GetCostAndUsageInput) {
			in.GroupBy = []cetypes.GroupDefinition{{Type: "DIMENSION", Key: aws.String("COLOUR")}}
		}, "ValidationException"},
		"no such metric": {func(in *costexplorer.GetCostAndUsageInput) { in.Metrics = []string{"Happiness"} }, "ValidationException"},
		"hourly":         {func(in *costexplorer.GetCostAndUsageInput) { in.Granularity = "HOURLY" }, "ValidationException"},
		"backwards":      {func(in *costexplorer.GetCostAndUsageInput) { in.TimePeriod.End = aws.String("2026-10-01") }, "ValidationException"},
		"no date":        {func(in *costexplorer.GetCostAndUsageInput) { in.TimePeriod.End = aws.String("tomorrow") }, "ValidationException"},
		"too long ago":   {func(in *costexplorer.GetCostAndUsageInput) { in.TimePeriod.Start = aws.String("2024-01-01") }, "ValidationException"},
		"two operators": {func(in *costexplorer.GetCostAndUsageInput) {
			d := &cetypes.DimensionValues{Key: "SERVICE", Values: []string{"x"}}
			in.Filter = &cetypes.Expression{Dimensions: d, Not: &cetypes.Expression{Dimensions: d}}
		}, "ValidationException"},
		"made-up token": {func(in *costexplorer.GetCostAndUsageInput) { in.NextPageToken = aws.String("x") }, "InvalidNextTokenException"},
	} {
		in := good()
		test.change(in)
		if _, err := client.GetCostAndUsage(context.Background(), in); codeOf(err) != test.want {
			t.Errorf("%s: got %v, want %s", name, err, test.want)
		}
	}
}

// BenchmarkEncodeMetricData is a full answer of GetMetricData: 100,800 points.
func BenchmarkEncodeMetricData(b *testing.B) {
	points := make([]Datapoint, 720)
	for i := range points {
		points[i] = Datapoint{noon.Add(time.Duration(i) * time.Hour), float64(i) * 1.5}
	}
	all := make([]metricSeries, 140)
	for i := range all {
		all[i] = metricSeries{id: fmt.Sprintf("m%d", i), label: "Invocations", points: points}
	}
	svc := cloudwatchService()
	for b.Loop() {
		results, _, _ := cutSeries(all, 0, maxDatapoints, true)
		encoded, err := svc.encode(svc.operation("GetMetricData"), obj{"MetricDataResults": results}, "id")
		if err != nil {
			b.Fatal(err)
		}
		b.SetBytes(int64(len(encoded.data)))
	}
}

// BenchmarkGetMetricData is a full page of the metrics collector's request over
// a generated fleet: 500 queries of a month of hours.
func BenchmarkGetMetricData(b *testing.B) {
	w, err := Generate(GenerateOptions{Seed: 1, Now: noon})
	if err != nil {
		b.Fatal(err)
	}
	s, err := NewServer(Options{World: w, Limits: Limits{Off: true}})
	if err != nil {
		b.Fatal(err)
	}
	url, err := s.Start("127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	in := &cloudwatch.GetMetricDataInput{StartTime: aws.Time(w.Start()), EndTime: aws.Time(w.Now)}
	for i := range 500 {
		f := w.Regions[0].Functions[i%len(w.Regions[0].Functions)]
		metric := []string{"Invocations", "Duration", "Errors", "ConcurrentExecutions", "Throttles"}[i%5]
		in.MetricDataQueries = append(in.MetricDataQueries, stat(fmt.Sprintf("m%d", i), f.Name, metric, []string{"Sum", "p99", "Maximum"}[i%3], time.Hour))
	}
	client := cloudwatch.NewFromConfig(configFor(url, w.Regions[0].Name, ExampleCredential()))
	for b.Loop() {
		out, err := client.GetMetricData(context.Background(), in)
		if err != nil {
			b.Fatal(err)
		}
		points := 0
		for _, result := range out.MetricDataResults {
			points += len(result.Values)
		}
		b.ReportMetric(float64(points), "points")
	}
}
