package metrics

import (
	"context"
	"errors"
	"fmt"
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

var now = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)

func arnOf(name string) string { return "arn:aws:lambda:eu-west-1:123456789012:function:" + name }

func function(name string) schema.Function {
	return schema.Function{
		Account: "123456789012", Region: "eu-west-1", FunctionARN: arnOf(name), FunctionName: name,
		Version: "$LATEST", LogGroup: "/aws/lambda/" + name,
	}
}

// options describe a run at now over two days with functions of these names.
func options(names ...string) collecttest.Options {
	o := collecttest.Options{Now: now, Window: collect.Window{From: now.Add(-48 * hour), To: now}}
	for _, name := range names {
		o.Functions = append(o.Functions, function(name))
	}
	return o
}

func newRun(t testing.TB, fake *cloudWatch, o collecttest.Options) *collecttest.Fixture {
	t.Helper()
	o.Wire = fake.wire()
	return collecttest.New(t, Collector, o)
}

// constant has the busy functions invoked ten times an hour.
func constant(q asked, _ time.Time) (float64, bool) {
	if !strings.Contains(q.Dimensions, "busy") {
		return 0, false
	}
	switch q.Metric {
	case "Invocations":
		return 10, true
	case "Throttles":
		return 0, true
	case "Duration", "ConcurrentExecutions", "Errors", "IncomingBytes":
		return 1, true
	}
	return 0, false
}

func statuses(f *collecttest.Fixture) map[string]string {
	out := map[string]string{}
	for _, r := range collecttest.Rows[schema.MetricRead](f.Sink) {
		out[strings.TrimPrefix(r.Resource, arnOf(""))+" "+r.Metric+" "+r.Stat] = r.Status
	}
	return out
}

func gaps(f *collecttest.Fixture) []string {
	var list []string
	for _, g := range f.Gaps() {
		list = append(list, fmt.Sprintf("%s %s %s %s", g.TableName, g.Kind, strings.TrimPrefix(g.Resource, arnOf("")), g.Outcome))
	}
	slices.Sort(list)
	return list
}

// An idle function is asked for invocations and throttles and nothing else: the
// rest is known to be nothing, and every question costs.
func TestIdleFunctionsAreAskedLittle(t *testing.T) {
	t.Parallel()
	fake := &cloudWatch{value: constant}
	f := newRun(t, fake, options("busy", "idle"))
	f.Collect(t)
	want := []string{
		" ClaimedAccountConcurrency Maximum",
		" ConcurrentExecutions Maximum",
		" UnreservedConcurrentExecutions Maximum",
		"FunctionName=busy AsyncEventsReceived Sum",
		"FunctionName=busy ConcurrentExecutions Maximum",
		"FunctionName=busy Duration Maximum",
		"FunctionName=busy Duration Sum",
		"FunctionName=busy Duration p99",
		"FunctionName=busy Errors Sum",
		"FunctionName=busy Invocations Sum",
		"FunctionName=busy RecursiveInvocationsDropped Sum",
		"FunctionName=busy Throttles Sum",
		"FunctionName=idle Invocations Sum",
		"FunctionName=idle Throttles Sum",
		"LogGroupName=/aws/lambda/busy IncomingBytes Sum",
	}
	if diff := cmp.Diff(want, fake.names()); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]schema.Completion{
		{Collector: "metrics", Account: "123456789012", Region: "eu-west-1", TableName: "metric_points", CollectedAt: now},
		{Collector: "metrics", Account: "123456789012", Region: "eu-west-1", TableName: "metric_reads", CollectedAt: now},
	}, f.Completions()); diff != "" {
		t.Errorf("completions (-want +got):\n%s", diff)
	}
}

// A complete answer without points is zero activity, and is on record as such.
func TestZeroIsToldFromUnknown(t *testing.T) {
	t.Parallel()
	fake := &cloudWatch{value: constant}
	f := newRun(t, fake, options("busy", "idle"))
	f.Collect(t)
	reads := collecttest.Rows[schema.MetricRead](f.Sink)
	find := func(resource, metric string) *schema.MetricRead {
		for _, r := range reads {
			if r.Resource == arnOf(resource) && r.Metric == metric {
				return &r
			}
		}
		return nil
	}
	want := &schema.MetricRead{
		Account: "123456789012", Region: "eu-west-1", Namespace: lambda, Metric: "Invocations", Stat: "Sum", Resource: arnOf("idle"),
		PeriodS: 3600, FromTS: now.Add(-48 * hour), ToTS: now, Status: "complete", Points: 0, CollectedAt: now,
	}
	if diff := cmp.Diff(want, find("idle", "Invocations")); diff != "" {
		t.Errorf("the idle function's invocations (-want +got):\n%s", diff)
	}
	if r := find("busy", "Invocations"); r == nil || r.Points != 48 {
		t.Errorf("the busy function's invocations: %+v", r)
	}
	if r := find("idle", "Errors"); r != nil {
		t.Errorf("errors of the idle function were never asked for, yet: %+v", r)
	}
	first := collecttest.Rows[schema.MetricPoint](f.Sink)[0]
	if first.PeriodS != 3600 || first.TS.Truncate(hour) != first.TS || first.CollectedAt != now {
		t.Errorf("a point: %+v", first)
	}
}

// Windows are aligned to the hour whenever the run starts, and a run within the
// same hour asks for the same window.
func TestWindowsAreAligned(t *testing.T) {
	t.Parallel()
	for _, offset := range []time.Duration{0, 7*time.Minute + 3*time.Second, 59*time.Minute + 59*time.Second} {
		fake := &cloudWatch{value: constant}
		o := options("busy")
		o.Now = now.Add(offset)
		o.Window = collect.Window{From: o.Now.Add(-48 * hour), To: o.Now}
		newRun(t, fake, o).Collect(t)
		for _, c := range fake.requests() {
			if c.From != now.Add(-48*hour) || c.To != now {
				t.Errorf("started %s after the hour: asked for %s to %s", offset, c.From, c.To)
			}
		}
	}
}

// The second run reads on from the first, with the overlap; a function that is
// new to it is read from the lookback's start.
func TestWatermarks(t *testing.T) {
	t.Parallel()
	o := options("busy")
	o.Window.From = now.Add(-30 * day)
	f := newRun(t, &cloudWatch{value: constant}, o)
	f.Collect(t)

	// The second run looks back over a month again, in two passes: the newest 15
	// days, and what is before them of the function that is new.
	later := options("busy", "busy-new")
	later.Now = now.Add(6 * hour)
	later.Window = collect.Window{From: later.Now.Add(-30 * day), To: later.Now}
	later.State = f.State.Values()
	fake := &cloudWatch{value: constant}
	newRun(t, fake, later).Collect(t)
	from := map[string]time.Time{}
	for _, c := range fake.requests() {
		for _, q := range c.Queries {
			if q.Metric == "Invocations" {
				from[q.Dimensions+c.To.Format(" 01-02")] = c.From
			}
		}
	}
	middle := later.Now.Add(-15 * day)
	want := map[string]time.Time{
		"FunctionName=busy" + later.Now.Format(" 01-02"): now.Add(-Collector.Overlap), "FunctionName=busy-new" + later.Now.Format(" 01-02"): middle,
		"FunctionName=busy-new" + middle.Format(" 01-02"): later.Window.From,
	}
	if diff := cmp.Diff(want, from); diff != "" {
		t.Errorf("windows begin (-want +got):\n%s", diff)
	}
}

// Functions that are gone are neither asked for again nor remembered.
func TestDeletedFunctionsAreForgotten(t *testing.T) {
	t.Parallel()
	f := newRun(t, &cloudWatch{value: constant}, options("busy", "busy-gone"))
	f.Collect(t)
	later := options("busy")
	later.State = f.State.Values()
	fake := &cloudWatch{value: constant}
	g := newRun(t, fake, later)
	g.Collect(t)
	for _, name := range fake.names() {
		if strings.Contains(name, "gone") {
			t.Errorf("asked for %s", name)
		}
	}
	if strings.Contains(g.State.Values()["functions"], "gone") {
		t.Errorf("still remembered: %s", g.State.Values()["functions"])
	}
}

// CloudWatch answers for each metric on its own. What it does not answer wholly
// is not taken for zero, and is asked for again in full the next time.
func TestStatusCodesAreHonoured(t *testing.T) {
	t.Parallel()
	for _, test := range []struct{ code, status, outcome string }{
		{"PartialData", "partial", "failed"},
		{"InternalError", "failed", "failed"},
		{"Forbidden", "denied", "denied"},
		{"SomethingNew", "failed", "failed"},
	} {
		t.Run(test.code, func(t *testing.T) {
			t.Parallel()
			fake := &cloudWatch{value: constant, status: func(q asked) string {
				if q.name() == "FunctionName=busy-a Invocations Sum" {
					return test.code
				}
				return ""
			}}
			f := newRun(t, fake, options("busy-a", "busy-b"))
			f.Collect(t)
			if got := statuses(f)["busy-a Invocations Sum"]; got != test.status {
				t.Errorf("status %q, want %q", got, test.status)
			}
			if got := statuses(f)["busy-b Invocations Sum"]; got != "complete" {
				t.Errorf("the other function's status is %q", got)
			}
			if diff := cmp.Diff([]string{"metric_points Invocations busy-a " + test.outcome}, gaps(f)); diff != "" {
				t.Errorf("gaps (-want +got):\n%s", diff)
			}
			if marks := f.State.Values()["functions"]; strings.Contains(marks, "busy-a") || !strings.Contains(marks, "busy-b") {
				t.Errorf("cursor %s", marks)
			}
			if n := len(f.Completions()); n != 0 {
				t.Errorf("%d completions of what is not complete", n)
			}
		})
	}
}

// An internal error is CloudWatch's to mend: asking once more gets the answer,
// and what it says counts once.
func TestInternalErrorIsAskedAgain(t *testing.T) {
	t.Parallel()
	answered := map[string]int{}
	fake := &cloudWatch{value: constant, status: func(q asked) string {
		if answered[q.name()]++; q.Metric == "Invocations" && answered[q.name()] < 3 { // status asks twice an answer
			return "InternalError"
		}
		return ""
	}}
	f := newRun(t, fake, options("busy"))
	f.Collect(t)
	if got := statuses(f); got["busy Invocations Sum"] != "complete" || got["busy Errors Sum"] != "complete" {
		t.Errorf("statuses: %v", got)
	}
	if len(f.Gaps()) != 0 {
		t.Errorf("gaps: %v", gaps(f))
	}
}

// A call that fails costs the metrics in it and no others; none of them vanishes
// without a trace.
func TestFailedBatchCostsOnlyItself(t *testing.T) {
	t.Parallel()
	var names []string
	for i := range 260 { // two batches of the first stage: 500 and 20 metrics
		names = append(names, fmt.Sprintf("idle-%03d", i))
	}
	fake := &cloudWatch{value: constant, fail: func(c call) *collecttest.Response {
		if len(c.Queries) == 20 {
			return cborError(500, "InternalServiceFault", "try later")
		}
		return nil
	}}
	f := newRun(t, fake, options(names...))
	f.Collect(t)
	count := map[string]int{}
	for name, status := range statuses(f) {
		if strings.Contains(name, "idle") {
			count[status]++
		}
	}
	if diff := cmp.Diff(map[string]int{"complete": 500, "failed": 20}, count); diff != "" {
		t.Errorf("metric_reads (-want +got):\n%s", diff)
	}
	if n := len(f.Gaps()); n != 20 {
		t.Errorf("%d gaps, want one for each metric of the failed call: %v", n, gaps(f))
	}
	if marks := f.State.Values()["functions"]; !strings.Contains(marks, "idle-249") || strings.Contains(marks, "idle-250") {
		t.Error("the cursor moved for what was not read, or not for what was")
	}
}

// A refusal is for all metrics: one call, one gap that names the action.
func TestDenied(t *testing.T) {
	t.Parallel()
	fake := &cloudWatch{value: constant, fail: func(call) *collecttest.Response {
		return cborError(403, "AccessDenied", "not authorized to perform: cloudwatch:GetMetricData")
	}}
	f := newRun(t, fake, options("busy", "idle"))
	f.Collect(t)
	if n := len(fake.requests()); n != 1 {
		t.Errorf("%d calls after a refusal", n)
	}
	got := f.Gaps()
	if len(got) != 1 || got[0].Outcome != "denied" || got[0].Action != action || got[0].Resource != "" || got[0].Kind != "" {
		t.Errorf("gaps: %+v", got)
	}
	if diff := cmp.Diff(map[string]string{
		"busy Invocations Sum": "denied", "busy Throttles Sum": "denied", "idle Invocations Sum": "denied", "idle Throttles Sum": "denied",
	}, statuses(f)); diff != "" {
		t.Errorf("metric_reads (-want +got):\n%s", diff)
	}
	if f.Meter.USD() != 0 {
		t.Errorf("a refusal cost $%g", f.Meter.USD())
	}
}

// Answers that are cut short or not CBOR at all are gaps, not rows and not a crash.
func TestMalformedAnswers(t *testing.T) {
	t.Parallel()
	whole := (&cloudWatch{value: constant}).points(call{From: now.Add(-2 * hour), To: now, Queries: []asked{{ID: "m0", Metric: "Invocations", Dimensions: "busy", Period: 3600}}})
	odd := cborResponse(map[string]any{"MetricDataResults": []map[string]any{{
		"Id": "m0", "StatusCode": "Complete", "Timestamps": []any{}, "Values": []any{1.5, math.NaN()},
	}, {"Id": "m77", "StatusCode": "Complete"}, {"Id": "x", "StatusCode": "Complete"}}})
	for name, resp := range map[string]collecttest.Response{
		"truncated":    {Header: cborHeader(), Body: whole.Body[:len(whole.Body)/2]},
		"empty":        {Header: cborHeader(), Body: "\xa0"},
		"html":         {Header: cborHeader(), Status: 200, Body: "<html><body>proxy</body></html>"},
		"inconsistent": odd,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := &cloudWatch{value: constant, fail: func(c call) *collecttest.Response {
				if c.Queries[0].Dimensions == "FunctionName=busy" {
					return &resp
				}
				return nil
			}}
			f := newRun(t, fake, options("busy"))
			f.Collect(t)
			if got := statuses(f)["busy Invocations Sum"]; got != "failed" {
				t.Errorf("status %q", got)
			}
			if len(f.Gaps()) == 0 {
				t.Error("no gap")
			}
			for _, p := range collecttest.Rows[schema.MetricPoint](f.Sink) {
				if p.Resource == arnOf("busy") && p.Metric == "Invocations" {
					t.Fatalf("a row from a malformed answer: %+v", p)
				}
			}
		})
	}
}

// Pages are read to the end, whatever their size.
func TestPages(t *testing.T) {
	t.Parallel()
	fake := &cloudWatch{value: constant, page: 7}
	f := newRun(t, fake, options("busy"))
	f.Collect(t)
	if len(f.Gaps()) != 0 {
		t.Fatalf("gaps: %v", gaps(f))
	}
	n := map[string]int{}
	for _, p := range collecttest.Rows[schema.MetricPoint](f.Sink) {
		n[p.Metric+" "+p.Stat]++
	}
	for name, count := range n {
		if count != 48 {
			t.Errorf("%s has %d points, want 48", name, count)
		}
	}
	for _, r := range collecttest.Rows[schema.MetricRead](f.Sink) {
		if r.Metric == "Duration" && r.Points != 48 {
			t.Errorf("metric_reads counts %d points of Duration %s", r.Points, r.Stat)
		}
	}
}

// A token that repeats ends the listing; what was read until then is kept and
// said to be partial.
func TestRepeatedToken(t *testing.T) {
	t.Parallel()
	fake := &cloudWatch{}
	fake.value = constant
	fake.fail = func(c call) *collecttest.Response {
		if c.Queries[0].Metric != "Invocations" {
			return nil
		}
		resp := cborResponse(map[string]any{"NextToken": "again", "MetricDataResults": []map[string]any{
			{"Id": "m0", "StatusCode": "PartialData", "Timestamps": []any{}, "Values": []any{}},
			{"Id": "m1", "StatusCode": "Complete", "Timestamps": []any{}, "Values": []any{}},
		}})
		return &resp
	}
	f := newRun(t, fake, options("busy"))
	f.Collect(t)
	got := statuses(f)
	if got["busy Invocations Sum"] != "partial" || got["busy Throttles Sum"] != "complete" {
		t.Errorf("statuses: %v", got)
	}
	if diff := cmp.Diff([]string{"metric_points Invocations busy failed"}, gaps(f)); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
}

// No call asks for more than 500 metrics or 100,800 datapoints.
func TestCallsAreBounded(t *testing.T) {
	t.Parallel()
	var names []string
	for i := range 300 {
		names = append(names, fmt.Sprintf("idle-%03d", i))
	}
	for days, passes := range map[int]int{1: 1, 30: 2, 90: 3, 455: 4} {
		fake := &cloudWatch{value: constant}
		o := options(names...)
		o.Window.From = now.AddDate(0, 0, -days)
		f := newRun(t, fake, o)
		f.Collect(t)
		total := 0
		for _, c := range fake.requests() {
			points := len(c.Queries) * int(c.To.Sub(c.From)/hour)
			if len(c.Queries) > 500 || points > 100_800 {
				t.Errorf("%d days: a call for %d metrics and up to %d datapoints", days, len(c.Queries), points)
			}
			total += len(c.Queries)
		}
		if total != passes*603 {
			t.Errorf("%d days: %d metrics asked for, want 603 in each of %d passes", days, total, passes)
		}
	}
}

// Every statistic of every call is billed: the worst case of two readings of
// CloudWatch's price.
func TestEveryStatisticIsBilled(t *testing.T) {
	t.Parallel()
	rates, err := collect.Rates(func(string) (float64, error) { return 0.01 / 1000, nil })
	if err != nil {
		t.Fatal(err)
	}
	fake := &cloudWatch{value: constant}
	o := options("busy", "idle")
	o.Rates = rates
	f := newRun(t, fake, o)
	f.Collect(t)
	const metrics = 2*2 + 7 + 3 + 1
	if got := f.Meter.USD(); math.Abs(got-metrics*0.01/1000) > 1e-12 {
		t.Errorf("billed $%g, want %d metrics", got, metrics)
	}
}

// At the ceiling no call is made, and the gap says why.
func TestBudget(t *testing.T) {
	t.Parallel()
	rates, err := collect.Rates(func(string) (float64, error) { return 1, nil })
	if err != nil {
		t.Fatal(err)
	}
	fake := &cloudWatch{value: constant}
	o := options("busy")
	o.Rates, o.Budget = rates, collect.NewBudget(collect.BudgetOptions{Ceilings: collect.Ceilings{USD: 1}})
	f := newRun(t, fake, o)
	f.Collect(t)
	if n := len(fake.requests()); n != 0 {
		t.Errorf("%d calls over the ceiling", n)
	}
	if diff := cmp.Diff([]string{"metric_points   skipped"}, gaps(f)); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
	if n := len(collecttest.Rows[schema.MetricRead](f.Sink)); n != 0 {
		t.Errorf("%d metric_reads of what was never asked", n)
	}
}

func TestContextAndSinkErrorsEndTheRun(t *testing.T) {
	t.Parallel()
	fake := &cloudWatch{value: constant}
	f := newRun(t, fake, options("busy"))
	full := errors.New("disk full")
	f.Sink.PutErr = full
	if err := Collector.Collect(t.Context(), f.Run); !errors.Is(err, full) {
		t.Errorf("with a full disk: %v", err)
	}
	if f.State.Values()["functions"] != "" {
		t.Error("the cursor moved over rows that were not written")
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Collector.Collect(ctx, newRun(t, fake, options("busy")).Run); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
}

// Queues come from what triggers found and from what functions name, once
// each, and only those of this account and region.
func TestResourcesAroundFunctions(t *testing.T) {
	t.Parallel()
	o := options("busy")
	o.Functions[0].DLQARN = "arn:aws:sqs:eu-west-1:123456789012:dead"
	o.Functions[0].EnvRefs = []string{
		"https://sqs.eu-west-1.amazonaws.com/123456789012/orders", "arn:aws:sqs:us-east-1:123456789012:elsewhere",
		"arn:aws:sqs:eu-west-1:999999999999:theirs", "db.internal.example", "arn:aws:s3:::bucket", "https://sqs.eu-west-1.amazonaws.com/odd",
	}
	fake := &cloudWatch{value: constant}
	f := newRun(t, fake, o)
	f.Resources = func(_ context.Context, kind collect.ResourceKind) ([]string, error) {
		return map[string][]string{
			collect.QueueResources:          {"arn:aws:sqs:eu-west-1:123456789012:orders"},
			collect.NATGatewayResources:     {"arn:aws:ec2:eu-west-1:123456789012:natgateway/nat-1", "arn:odd"},
			collect.ProvisionedResources:    {arnOf("busy") + ":live", arnOf("busy")},
			collect.StreamConsumerResources: {arnOf("busy")},
		}[kind], nil
	}
	f.Collect(t)
	got := map[string][]string{}
	for _, r := range collecttest.Rows[schema.MetricRead](f.Sink) {
		if r.Namespace != lambda || r.Qualifier != "" || r.Metric == "IteratorAge" {
			key := r.Namespace + " " + r.Resource + " " + r.Qualifier
			got[key] = append(got[key], r.Metric+" "+r.Stat)
		}
	}
	nat := []string{"BytesInFromDestination Sum", "BytesInFromSource Sum", "BytesOutToDestination Sum"}
	queue := []string{"ApproximateAgeOfOldestMessage Maximum", "ApproximateNumberOfMessagesVisible Maximum", "NumberOfMessagesSent Sum"}
	want := map[string][]string{
		"AWS/SQS arn:aws:sqs:eu-west-1:123456789012:dead ":                         queue,
		"AWS/SQS arn:aws:sqs:eu-west-1:123456789012:orders ":                       queue,
		"AWS/NATGateway arn:aws:ec2:eu-west-1:123456789012:natgateway/nat-1 ":      nat,
		"AWS/Logs arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/busy ": {"IncomingBytes Sum"},
		"AWS/Lambda " + arnOf("busy") + " ":                                        {"IteratorAge Maximum"},
		"AWS/Lambda " + arnOf("busy") + " live": {
			"ProvisionedConcurrencyInvocations Sum", "ProvisionedConcurrencySpilloverInvocations Sum",
			"ProvisionedConcurrencyUtilization Maximum", "ProvisionedConcurrentExecutions Maximum",
		},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

// Resources that cannot be learnt are not asked for; the rest goes on.
func TestUnknownResources(t *testing.T) {
	t.Parallel()
	f := newRun(t, &cloudWatch{value: constant}, options("busy"))
	f.Resources = func(context.Context, collect.ResourceKind) ([]string, error) { return nil, errors.New("no such list") }
	f.Collect(t)
	if statuses(f)["busy Errors Sum"] != "complete" || !strings.Contains(f.Log.String(), "no such list") {
		t.Errorf("statuses %v, log %s", statuses(f), f.Log)
	}
}

// A function with asynchronous traffic is asked what became of its events.
func TestAsynchronousOutcomes(t *testing.T) {
	t.Parallel()
	fake := &cloudWatch{value: func(q asked, ts time.Time) (float64, bool) {
		if q.Metric == "AsyncEventsReceived" && strings.HasSuffix(q.Dimensions, "async") {
			return 1, true
		}
		return constant(q, ts)
	}}
	f := newRun(t, fake, options("busy-async", "busy-sync"))
	f.Collect(t)
	got := statuses(f)
	for _, s := range asyncStage {
		if got["busy-async "+s.metric+" "+s.stat] != "complete" || got["busy-sync "+s.metric+" "+s.stat] != "" {
			t.Errorf("%s: %q and %q", s.metric, got["busy-async "+s.metric+" "+s.stat], got["busy-sync "+s.metric+" "+s.stat])
		}
	}
}

// The parts of the estimate, one by one; TestMonthCostsWhatWasEstimated holds
// their sum against a month of runs.
func TestEstimate(t *testing.T) {
	t.Parallel()
	const polls = 730.0 / 6
	of := func(inv collect.Inventory) float64 { return Collector.Estimate(inv).Units / polls }
	for _, test := range []struct {
		name string
		inv  collect.Inventory
		want float64
	}{
		{"an empty region: its concurrency", collect.Inventory{Accounts: 1, Regions: 1}, 3},
		{"forty empty scopes", collect.Inventory{Accounts: 20, Regions: 2}, 120},
		{"an idle function and what is around it", collect.Inventory{Accounts: 1, Regions: 1, Functions: 100}, 3 + 100*(2+0.73*3+0.13+0.01*4+0.015*3+0.2)},
		{"an active one", collect.Inventory{Accounts: 1, Regions: 1, ActiveFunctions: 100}, 3 + 100*(8+0.34*4+0.1)},
	} {
		if got := of(test.inv); math.Abs(got-test.want) > 1e-9 {
			t.Errorf("%s: %g metrics a poll, want %g", test.name, got, test.want)
		}
	}
	cost := Collector.Estimate(collect.Inventory{Accounts: 1, Regions: 2, Functions: 1000, ActiveFunctions: 300, Days: 30})
	if usd := cost.Units * 0.01 / 1000; cost.Unit != "metric" || usd > 9.2 {
		t.Errorf("a thousand functions cost $%.2f a month, by the %s", usd, cost.Unit)
	}
}
