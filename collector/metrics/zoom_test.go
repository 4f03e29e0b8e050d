package metrics

import (
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// throttling has the victim throttled at these hours, while hogs run: hog-1
// with one execution at a time, hog-2 with two and so on.
func throttling(hours ...time.Time) func(asked, time.Time) (float64, bool) {
	return func(q asked, ts time.Time) (float64, bool) {
		name := strings.TrimPrefix(q.Dimensions, "FunctionName=")
		switch {
		case name == "victim" && q.Metric == "Throttles":
			return 3, slices.Contains(hours, ts.Truncate(hour))
		case strings.HasPrefix(name, "hog-") && q.Metric == "Invocations":
			return 1, true
		case strings.HasPrefix(name, "hog-") && q.Metric == "ConcurrentExecutions":
			return float64(name[len(name)-1] - '0'), true
		case name == "" && q.Metric == "ClaimedAccountConcurrency":
			return 1000, true
		}
		return 0, false
	}
}

// minutes lists calls of a shorter period: window, period and what was asked.
func minutes(fake *cloudWatch) []string {
	var list []string
	for _, c := range fake.requests() {
		if c.Queries[0].Period == 3600 {
			continue
		}
		var names []string
		for _, q := range c.Queries {
			names = append(names, strings.TrimPrefix(q.Dimensions, "FunctionName=")+"/"+q.Metric)
		}
		list = append(list, c.From.Format("02T15")+" to "+c.To.Format("02T15")+" "+
			(time.Duration(c.Queries[0].Period)*time.Second).String()+" "+strings.Join(names, " "))
	}
	return list
}

// Hours with throttles are read by the minute: the victim, the account's
// concurrency, and the two busiest others, so that an aggressor can be named.
func TestZoom(t *testing.T) {
	t.Parallel()
	fake := &cloudWatch{value: throttling(now.Add(-20*hour), now.Add(-19*hour), now.Add(-3*hour))}
	o := options("victim", "hog-1", "hog-2", "hog-3")
	o.Params = map[string]any{"zoom_busiest": int64(2)}
	f := newRun(t, fake, o)
	f.Collect(t)
	const list = " 1m0s victim/Throttles victim/Invocations victim/ConcurrentExecutions" +
		" hog-2/ConcurrentExecutions hog-3/ConcurrentExecutions /ClaimedAccountConcurrency /UnreservedConcurrentExecutions"
	if diff := cmp.Diff([]string{"22T04 to 22T06" + list, "22T21 to 22T22" + list}, minutes(fake)); diff != "" {
		t.Errorf("read by the minute (-want +got):\n%s", diff)
	}
	points := 0
	for _, p := range collecttest.Rows[schema.MetricPoint](f.Sink) {
		if p.PeriodS == 60 && p.Resource == arnOf("victim") && p.Metric == "Throttles" {
			points++
		}
	}
	if points != 180 {
		t.Errorf("%d points of the victim's throttles, want 180", points)
	}
}

// The minute points of an hour are read once, unless its throttles are
// restated.
func TestZoomOnce(t *testing.T) {
	t.Parallel()
	at := now.Add(-2 * hour)
	f := newRun(t, &cloudWatch{value: throttling(at)}, options("victim"))
	f.Collect(t)
	again := options("victim")
	again.State = f.State.Values()
	fake := &cloudWatch{value: throttling(at)}
	newRun(t, fake, again).Collect(t)
	if got := minutes(fake); len(got) != 0 {
		t.Errorf("read again: %v", got)
	}
	restated := &cloudWatch{value: func(q asked, ts time.Time) (float64, bool) {
		v, ok := throttling(at)(q, ts)
		return v + 1, ok
	}}
	newRun(t, restated, again).Collect(t)
	if got := minutes(restated); len(got) != 1 {
		t.Errorf("restated throttles were read in %d calls", len(got))
	}
}

// An hour whose minutes were not answered is read in the next run.
func TestZoomIsRepeatedAfterFailure(t *testing.T) {
	t.Parallel()
	broken := &cloudWatch{value: throttling(now.Add(-2 * hour)), fail: func(c call) *collecttest.Response {
		if c.Queries[0].Period == 60 {
			return cborError(500, "InternalServiceFault", "try later")
		}
		return nil
	}}
	f := newRun(t, broken, options("victim"))
	f.Collect(t)
	if len(f.Gaps()) == 0 {
		t.Error("no gap")
	}
	again := options("victim")
	again.State = f.State.Values()
	fake := &cloudWatch{value: throttling(now.Add(-2 * hour))}
	newRun(t, fake, again).Collect(t)
	if n := len(minutes(fake)); n != 1 {
		t.Errorf("%d calls by the minute", n)
	}
}

// CloudWatch keeps minutes for 15 days and five minutes for 63; the most
// throttled hours come first when not all may be read.
func TestZoomPeriodsAndLimit(t *testing.T) {
	t.Parallel()
	hours := []time.Time{now.Add(-70 * day), now.Add(-40 * day), now.Add(-15 * day), now.Add(-15*day + hour), now.Add(-hour)}
	o := options("victim")
	o.Window.From = now.Add(-80 * day)
	o.Params = map[string]any{"zoom_busiest": int64(0)}
	fake := &cloudWatch{value: throttling(hours...)}
	newRun(t, fake, o).Collect(t)
	const list = " victim/Throttles victim/Invocations victim/ConcurrentExecutions /ClaimedAccountConcurrency /UnreservedConcurrentExecutions"
	want := []string{ // the newest stretch of 15 days first
		"08T00 to 08T01 5m0s" + list, "08T01 to 08T02 1m0s" + list, "22T23 to 23T00 1m0s" + list, "14T00 to 14T01 5m0s" + list,
	}
	if diff := cmp.Diff(want, minutes(fake)); diff != "" {
		t.Errorf("read by the minute (-want +got):\n%s", diff)
	}

	o.Params["zoom_hours"] = int64(1)
	fake = &cloudWatch{value: func(q asked, ts time.Time) (float64, bool) {
		v, ok := throttling(hours...)(q, ts)
		if q.Metric == "Throttles" && ts.Equal(hours[3]) {
			v = 50
		}
		return v, ok
	}}
	f := newRun(t, fake, o)
	f.Collect(t)
	if diff := cmp.Diff(want[1:2], minutes(fake)); diff != "" {
		t.Errorf("with one hour allowed (-want +got):\n%s", diff)
	}
	if !strings.Contains(f.Log.String(), "throttled hours left unread by the minute") {
		t.Error("what was left out is not in the log")
	}
}
