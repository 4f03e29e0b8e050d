package metrics

import (
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// fleet is a region of which three functions in ten are active, and one of
// those gets asynchronous events.
func fleet(functions int) (*cloudWatch, collecttest.Options) {
	names := make([]string, functions)
	for i := range names {
		switch i % 10 {
		case 0:
			names[i] = fmt.Sprintf("busy-async-%05d", i)
		case 1, 2:
			names[i] = fmt.Sprintf("busy-%05d", i)
		default:
			names[i] = fmt.Sprintf("idle-%05d", i)
		}
	}
	return &cloudWatch{value: func(q asked, ts time.Time) (float64, bool) {
		if q.Metric == "AsyncEventsReceived" && strings.Contains(q.Dimensions, "async") {
			return 1, true
		}
		return constant(q, ts)
	}}, options(names...)
}

// What a poll costs grows no faster than the account: per function it is flat
// or falls, in metrics and in calls, for the first run and for the later ones.
func TestGrowth(t *testing.T) {
	t.Parallel()
	type cost struct{ firstMetrics, firstCalls, metrics, calls float64 }
	var last cost
	for _, n := range []int{100, 1_000, 10_000} {
		fake, o := fleet(n)
		f := newRun(t, fake, o)
		f.Collect(t)
		first := fake.requests()
		later, o := fleet(n)
		o.Now, o.State = now.Add(every), f.State.Values()
		o.Window = collect.Window{From: o.Now.Add(-48 * hour), To: o.Now}
		newRun(t, later, o).Collect(t)
		per := func(list []call) (metrics, calls float64) {
			for _, c := range list {
				metrics += float64(len(c.Queries))
			}
			return metrics / float64(n), float64(len(list)) / float64(n)
		}
		var now cost
		now.firstMetrics, now.firstCalls = per(first)
		now.metrics, now.calls = per(later.requests())
		t.Logf("%6d functions: first run %.3f metrics and %.4f calls a function, later %.3f and %.4f", n, now.firstMetrics, now.firstCalls, now.metrics, now.calls)
		if n > 100 && (now.firstMetrics > last.firstMetrics || now.firstCalls > last.firstCalls || now.metrics > last.metrics || now.calls > last.calls) {
			t.Errorf("%d functions cost more each than a tenth of them: %+v, before %+v", n, now, last)
		}
		// 2 of each, 8 more of the active and 4 more of those with events, and the region's.
		if want := 2 + 0.3*8 + 0.1*4 + 3/float64(n); now.metrics > want+1e-9 {
			t.Errorf("%d functions: %g metrics each, want %g", n, now.metrics, want)
		}
		last = now
	}
}

// BenchmarkPlanning decides what a poll asks of 10,000 functions and cuts it
// into calls, without making them.
func BenchmarkPlanning(b *testing.B) {
	fake, o := fleet(10_000)
	f := newRun(b, fake, o)
	c, err := newCollection(b.Context(), f.Run)
	if err != nil {
		b.Fatal(err)
	}
	if err := c.begin(b.Context()); err != nil {
		b.Fatal(err)
	}
	states := make([]traffic, len(c.functions))
	for i := range states {
		states[i] = traffic{Active: i%10 < 3, Async: i%10 == 0}
	}
	for _, fn := range c.functions {
		c.marks.read(fn.FunctionARN, window{c.first, c.to.Add(-every), hour})
	}
	asked := 0
	b.ReportAllocs()
	for b.Loop() {
		asked = 0
		p := passes(c.first, c.to)[0]
		for _, g := range byWindow(c.functions, func(fn schema.Function) window { return c.window(p, c.marks, fn.FunctionARN) }) {
			for n := range stages {
				var units []unit
				for i, fn := range g.members {
					var u unit
					for _, t := range stages[n](c, fn, states[i]) {
						u = append(u, t.series()...)
					}
					if len(u) > 0 {
						units = append(units, u)
					}
				}
				for _, batch := range batches(g.window, units) {
					asked += len(batch.list)
				}
			}
		}
	}
	if asked != 10_000*2+3_000*7+1_000*4 {
		b.Fatalf("%d metrics", asked)
	}
	b.ReportMetric(float64(len(c.functions))*float64(b.N)/b.Elapsed().Seconds(), "functions/s")
}

// Throttled and failed calls cost nothing and are repeated: the ledger counts
// the metrics that CloudWatch bills and every call that it saw.
func TestLedgerIsTheBill(t *testing.T) {
	t.Parallel()
	for _, kind := range []awssim.FaultKind{awssim.FaultThrottle, awssim.FaultServerError, awssim.FaultUnavailable, awssim.FaultHTML500, awssim.FaultDenied} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			a := simulateAccount(t, 40, 3, awssim.Fault{Service: "monitoring", Operation: "GetMetricData", Nth: 3, Count: 2, Kind: kind})
			ledger := a.collect(t, a.world.Now, 3*day)
			record := a.server.Calls().Operation("monitoring", "GetMetricData")
			if ledger != record.Billed || ledger == 0 {
				t.Errorf("%g metrics in the ledger, %g billed", ledger, record.Billed)
			}
			if record.Throttled+record.Failed+record.Denied == 0 {
				t.Errorf("no call failed: %+v", record)
			}
		})
	}
}
