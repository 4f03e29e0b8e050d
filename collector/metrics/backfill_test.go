package metrics

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// A first run over more than a year goes back in stretches as long as
// CloudWatch keeps minutes, five minutes and hours, the newest first; the
// oldest is cut in two, so that a function's metrics fit into one page.
func TestHistoryIsReadNewestFirst(t *testing.T) {
	t.Parallel()
	fake := &cloudWatch{value: constant}
	o := options("busy")
	o.Window.From = now.Add(-500 * day) // more than CloudWatch keeps
	newRun(t, fake, o).Collect(t)
	var got []string
	for _, c := range fake.requests() {
		if c.Token != "" {
			t.Errorf("the answer for %s to %s has a second page, which is paid for again", c.From, c.To)
		}
		if c.Queries[0].Metric == "Invocations" {
			got = append(got, fmt.Sprintf("%d to %d days ago", now.Sub(c.From)/day, now.Sub(c.To)/day))
		}
	}
	want := []string{"15 to 0 days ago", "63 to 15 days ago", "259 to 63 days ago", "455 to 259 days ago"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

// A longer lookback reads what is before the shorter one, and nothing twice.
func TestLongerLookback(t *testing.T) {
	t.Parallel()
	o := options("busy")
	o.Window.From = now.Add(-10 * day)
	f := newRun(t, &cloudWatch{value: constant}, o)
	f.Collect(t)
	longer := options("busy")
	longer.Now, longer.State = now.Add(6*hour), f.State.Values()
	longer.Window = collect.Window{From: longer.Now.Add(-40 * day), To: longer.Now}
	fake := &cloudWatch{value: constant}
	newRun(t, fake, longer).Collect(t)
	got := map[string]bool{}
	for _, c := range fake.requests() {
		if c.Queries[0].Metric == "Invocations" {
			got[fmt.Sprintf("%d to %d hours ago", now.Sub(c.From)/hour, now.Sub(c.To)/hour)] = true
		}
	}
	// The overlap; and what is before the ten days, all of it in the second stretch.
	want := map[string]bool{"12 to -6 hours ago": true, "954 to 240 hours ago": true}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
}

// world is a region with something of everything: functions that are busy,
// idle, throttled, asynchronous, read streams or carry Lambda Insights, and
// what surrounds them.
func everything() (*cloudWatch, collecttest.Options, func(context.Context, collect.ResourceKind) ([]string, error)) {
	bad := []time.Time{now.Add(-3 * hour), now.Add(-2 * hour), now.Add(-30 * hour), now.Add(-16 * day)}
	fake := &cloudWatch{value: func(q asked, ts time.Time) (float64, bool) {
		if q.Metric == "AsyncEventsReceived" && strings.Contains(q.Dimensions, "async") {
			return 3, true
		}
		if strings.Contains(q.Dimensions, "victim") && q.Metric == "Throttles" {
			return 1, slices.Contains(bad, ts.Truncate(hour))
		}
		if q.Metric == "ConcurrentExecutions" && q.Period == 3600 {
			return float64(len(q.Dimensions) + ts.Hour()), true
		}
		if strings.Contains(q.Namespace, "SQS") {
			return float64(ts.Hour()), true
		}
		return constant(q, ts)
	}}
	var names []string
	for i := range 160 {
		names = append(names, fmt.Sprintf("idle-%03d", i))
	}
	for i := range 6 {
		names = append(names, fmt.Sprintf("busy-%03d", i))
	}
	names = append(names, "busy-async", "busy-victim", "busy-stream")
	o := options(names...)
	o.Window.From = now.Add(-30 * day)
	o.Functions[len(names)-1].Layers = []string{"arn:aws:lambda:eu-west-1:580247275435:layer:LambdaInsightsExtension:53"}
	found := map[collect.ResourceKind][]string{
		collect.QueueResources:          {"arn:aws:sqs:eu-west-1:123456789012:orders", "arn:aws:sqs:eu-west-1:123456789012:dead"},
		collect.NATGatewayResources:     {"arn:aws:ec2:eu-west-1:123456789012:natgateway/nat-1"},
		collect.ProvisionedResources:    {arnOf("busy-000") + ":live"},
		collect.StreamConsumerResources: {arnOf("busy-stream")},
		collect.RuleResources:           {"arn:aws:events:eu-west-1:123456789012:rule/nightly"},
	}
	return fake, o, func(_ context.Context, kind collect.ResourceKind) ([]string, error) { return found[kind], nil }
}

// paid counts how often each series was paid for in a window.
type paid map[string]int

func (p paid) add(c call) {
	for _, q := range c.Queries {
		p[fmt.Sprintf("%s %s %d..%d/%d", q.Namespace, q.name(), c.From.Unix(), c.To.Unix(), q.Period)]++
	}
}

func dump(f *collecttest.Fixture) []string {
	var list []string
	for _, row := range f.Sink.All() {
		list = append(list, fmt.Sprint(row))
	}
	return list
}

func distinct(list []string) []string {
	list = slices.Clone(list)
	slices.Sort(list)
	return slices.Compact(list)
}

// However often a run is stopped, and at whichever call, the next goes on where
// it stopped: the rows are the same in the end, and nothing is paid for twice
// but the calls that were under way.
func TestStopAndResumeAtAnyCall(t *testing.T) {
	t.Parallel()
	fake, o, resources := everything()
	undisturbed := newRun(t, fake, o)
	undisturbed.Resources = resources
	undisturbed.Collect(t)
	want, calls := distinct(dump(undisturbed)), len(fake.requests())
	if calls < 20 || len(want) < 10_000 {
		t.Fatalf("the scenario is too small to show anything: %d calls, %d rows", calls, len(want))
	}
	for n := 1; n <= calls; n++ {
		rows, bill, over := stopAt(t, n)
		if got := distinct(rows); !slices.Equal(got, want) {
			t.Errorf("stopped at call %d of %d: %d rows, want %d", n, calls, len(got), len(want))
		}
		if over > parallel {
			t.Errorf("stopped at call %d of %d: %d calls were paid for twice, %d were under way: %v", n, calls, over, parallel, bill)
		}
	}
}

// stopAt stops a run at its nth call, resumes it, and returns the rows of both,
// what was paid twice, and how many calls of the second had been made before.
func stopAt(t *testing.T, n int) (rows []string, twice []string, over int) {
	t.Helper()
	fake, o, resources := everything()
	ctx, stop := context.WithCancel(t.Context())
	defer stop()
	var mu sync.Mutex
	made := 0
	fake.fail = func(call) *collecttest.Response {
		mu.Lock()
		defer mu.Unlock()
		if made++; made == n {
			stop()
		}
		return nil
	}
	first := newRun(t, fake, o)
	first.Resources = resources
	if err := Collector.Collect(ctx, first.Run); err != nil && !errors.Is(err, context.Canceled) {
		t.Fatalf("stopped at call %d: %v", n, err)
	}
	before := paid{}
	for _, c := range fake.requests() {
		before.add(c)
	}
	second, o, resources := everything()
	o.State = first.State.Values()
	resumed := newRun(t, second, o)
	resumed.Resources = resources
	resumed.Collect(t)
	for _, c := range second.requests() {
		again := paid{}
		again.add(c)
		repeats := 0
		for key := range again {
			if before[key] > 0 {
				repeats++
				twice = append(twice, key)
			}
		}
		if repeats > 0 {
			over++
		}
	}
	return append(dump(first), dump(resumed)...), twice, over
}

// A run that was stopped goes on hours later too: what it had begun is finished
// in its own window, and everything is brought up to date.
func TestResumeHoursLater(t *testing.T) {
	t.Parallel()
	for n := 1; n < 12; n++ {
		fake, o, resources := everything()
		ctx, stop := context.WithCancel(t.Context())
		made := 0
		var mu sync.Mutex
		fake.fail = func(call) *collecttest.Response {
			mu.Lock()
			defer mu.Unlock()
			if made++; made == n {
				stop()
			}
			return nil
		}
		first := newRun(t, fake, o)
		first.Resources = resources
		if err := Collector.Collect(ctx, first.Run); !errors.Is(err, context.Canceled) {
			t.Fatalf("stopped at call %d: %v", n, err)
		}
		stop()
		second, later, resources := everything()
		later.Now, later.State = now.Add(9*hour+20*time.Minute), first.State.Values()
		later.Window = collect.Window{From: later.Now.Add(-30 * day), To: later.Now}
		resumed := newRun(t, second, later)
		resumed.Resources = resources
		resumed.Collect(t)
		if gaps := gaps(resumed); len(gaps) > 0 {
			t.Errorf("stopped at call %d: gaps %v", n, gaps)
		}
		read := map[string]map[int64]bool{}
		for _, row := range append(first.Sink.All(), resumed.Sink.All()...) {
			if r, ok := row.(schema.MetricRead); ok && r.Metric == "Invocations" && r.PeriodS == 3600 {
				if read[r.Resource] == nil {
					read[r.Resource] = map[int64]bool{}
				}
				for h := r.FromTS; h.Before(r.ToTS); h = h.Add(hour) {
					read[r.Resource][h.Unix()] = true
				}
			}
		}
		end := later.Now.Truncate(hour)
		for _, f := range later.Functions {
			for h := end.Add(-30*day + hour); h.Before(end); h = h.Add(hour) {
				if !read[f.FunctionARN][h.Unix()] {
					t.Fatalf("stopped at call %d: %s was never read at %s", n, f.FunctionName, h)
				}
			}
		}
	}
}

// A run that could not end before its deadline stops between two calls, keeps
// what it has, says what is left, and costs nothing twice.
func TestDeadline(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		fake, o, resources := everything()
		fake.fail = func(call) *collecttest.Response { time.Sleep(10 * time.Second); return nil }
		ctx, cancel := context.WithTimeout(t.Context(), 2*time.Minute)
		defer cancel()
		f := newRun(t, fake, o)
		f.Resources = resources
		if err := Collector.Collect(ctx, f.Run); err != nil {
			t.Fatalf("the run failed: %v", err)
		}
		if ctx.Err() != nil {
			t.Error("the run went on to its deadline")
		}
		if diff := cmp.Diff([]string{"metric_points history arn:aws:lambda:eu-west-1:123456789012:* failed"}, rawGaps(f)); diff != "" {
			t.Errorf("gaps (-want +got):\n%s", diff)
		}
		if len(f.Completions()) != 0 {
			t.Errorf("complete, with a part left: %v", f.Completions())
		}
		before := paid{}
		for _, c := range fake.requests() {
			before.add(c)
		}
		again, o, resources := everything()
		o.State = f.State.Values()
		second := newRun(t, again, o)
		second.Resources = resources
		second.Collect(t)
		for _, c := range again.requests() {
			before.add(c)
		}
		maps.DeleteFunc(before, func(_ string, n int) bool { return n == 1 })
		if len(before) > 0 {
			t.Errorf("paid for twice: %v", before)
		}
		if len(second.Completions()) == 0 {
			t.Error("the second run did not finish")
		}
	})
}

func rawGaps(f *collecttest.Fixture) []string {
	var list []string
	for _, g := range f.Gaps() {
		list = append(list, fmt.Sprintf("%s %s %s %s", g.TableName, g.Kind, g.Resource, g.Outcome))
	}
	return list
}
