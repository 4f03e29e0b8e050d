package metrics

import (
	"math"
	"sync/atomic"
	"testing"
	"time"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
)

// account is a simulated account at a time of its history that the test moves.
type account struct {
	world  *awssim.World
	server *awssim.Server
	now    atomic.Int64
	run    map[string]collecttest.Options // by region
	calls  uint64                         // in the ledger
	errors uint64                         // of those
}

func simulateAccount(t testing.TB, functions, days int, faults ...awssim.Fault) *account {
	t.Helper()
	world, err := awssim.Generate(awssim.GenerateOptions{Functions: functions, Days: days, Now: now})
	if err != nil {
		t.Fatal(err)
	}
	a := &account{world: world, run: map[string]collecttest.Options{}}
	a.now.Store(world.Now.Unix())
	a.server, a.run = serveAccount(t, world, func() time.Time { return time.Unix(a.now.Load(), 0) }, faults)
	return a
}

// collect runs the collector in every region at a time, and returns what the
// ledger says it was billed.
func (a *account) collect(t testing.TB, at time.Time, lookback time.Duration) (metrics float64) {
	t.Helper()
	a.now.Store(at.Unix())
	for _, region := range a.world.Regions {
		o := a.run[region.Name]
		o.Now, o.Window = at, collect.Window{From: at.Add(-lookback), To: at}
		f := simRun(t, region, o)
		f.Collect(t)
		o.State = f.State.Values()
		a.run[region.Name] = o
		for _, call := range f.Meter.Ledger(f.Run) {
			metrics += call.Units
			a.calls += call.Calls
			a.errors += call.Errors
		}
	}
	return metrics
}

func (a *account) billed() float64 {
	return a.server.Calls().Operation("monitoring", "GetMetricData").Billed
}

func (a *account) active(lookback time.Duration) (n int) {
	for _, region := range a.world.Regions {
		for _, f := range region.Functions {
			for _, d := range region.Datapoints(awssim.MetricQuery{
				Namespace: lambda, Metric: "Invocations", Dims: map[string]string{"FunctionName": f.Name}, Stat: "Sum",
				From: a.world.Now.Add(-lookback), To: a.world.Now, Period: day,
			}) {
				if d.Value > 0 {
					n++
					break
				}
			}
		}
	}
	return n
}

// A month of runs costs what the plan announced, within a tenth, and the ledger
// is what CloudWatch billed.
func TestMonthCostsWhatWasEstimated(t *testing.T) {
	t.Parallel()
	const month = 30 * day
	a := simulateAccount(t, 120, 32)
	begin := a.world.Now.Add(-month)
	first := a.collect(t, begin, 2*day)
	ledger, before := 0.0, a.billed()
	if first != before && a.errors == 0 {
		t.Errorf("the first run: %g metrics in the ledger, %g billed", first, before)
	}
	callsBefore := a.server.Calls().Operation("monitoring", "GetMetricData").Calls
	for at := begin.Add(every); !at.After(a.world.Now); at = at.Add(every) {
		ledger += a.collect(t, at, month)
	}
	billed := a.billed() - before
	// An answer that is lost on its way is asked for again, which is billed again
	// and charged once; when none is, the two are the same.
	if lost := float64(a.errors) * maxQueries; billed < ledger || billed-ledger > lost {
		record := a.server.Calls().Operation("monitoring", "GetMetricData")
		t.Errorf("%g metrics in the ledger, %g billed; %d calls in the ledger, %d of them failed; the account saw %+v", ledger, billed, a.calls, a.errors, record)
	}
	want := Collector.Estimate(collect.Inventory{
		Accounts: 1, Regions: 2, Functions: 120, ActiveFunctions: a.active(month), Days: 30,
	})
	scale := float64(month) / float64(730*hour)
	if off := billed/(want.Units*scale) - 1; math.Abs(off) > 0.1 {
		t.Errorf("%g metrics billed in 30 days, %.0f estimated: %+.0f %%", billed, want.Units*scale, 100*off)
	}
	calls := float64(a.server.Calls().Operation("monitoring", "GetMetricData").Calls - callsBefore)
	// Calls are free, and the last of each section is filled in part.
	if off := calls/(want.Calls*scale) - 1; math.Abs(off) > 0.25 {
		t.Errorf("%g calls in 30 days, %.0f estimated: %+.0f %%", calls, want.Calls*scale, 100*off)
	}
	t.Logf("%d of 120 functions active; %.1f metrics and %.2f calls a poll", a.active(month), billed/120, calls/120)
}
