package costs

import (
	"fmt"
	"math"
	"net/http/httptest"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// simulated serves a world and gives a run in it.
func simulated(t testing.TB, world *awssim.World, o awssim.Options) collecttest.Options {
	t.Helper()
	o.World, o.Limits = world, awssim.Limits{Off: true}
	server, err := awssim.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(server.Handler())
	t.Cleanup(listener.Close)
	key := awssim.ExampleCredential()
	return collecttest.Options{
		Account: world.Account, Region: "us-east-1", Now: world.Now, Window: collect.Window{From: world.Start(), To: world.Now},
		AWS: aws.Config{
			BaseEndpoint: aws.String(listener.URL), Region: "us-east-1",
			Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, ""),
		},
	}
}

func generate(t testing.TB) *awssim.World {
	t.Helper()
	world, err := awssim.Generate(awssim.GenerateOptions{Functions: 100, Days: 10, Now: time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	return world
}

// sums adds up what the store would show after these runs: the newest version of
// each row, by grouping, day, region and, for tags, value.
func sums(runs ...*collecttest.Fixture) map[string]float64 {
	newest := map[string]schema.CostDay{}
	for _, f := range runs {
		for _, row := range f.Sink.All() {
			if r, ok := row.(schema.CostDay); ok {
				newest[fmt.Sprint(r.XGrouping, r.ServiceName, r.XUsageType, r.RegionId, r.TagValue, r.ChargePeriodStart)] = r
			}
		}
	}
	out := map[string]float64{}
	for _, r := range newest {
		out[fmt.Sprintf("%s %s %s %s", r.XGrouping, r.ChargePeriodStart.Format(time.DateOnly), r.RegionId, r.TagValue)] += r.BilledCost.InexactFloat64()
	}
	return out
}

// lines adds up the account's own bill lines the same way.
func lines(world *awssim.World, final bool) map[string]float64 {
	out := map[string]float64{}
	for _, l := range world.BillLines(world.Start(), world.Now) {
		usd := l.Unblended
		if final {
			usd = l.Final.Unblended
		}
		date := l.Date.Format(time.DateOnly)
		out[fmt.Sprintf("usage_type %s %s ", date, l.Region)] += usd
		if l.Service == lambdaService {
			out[fmt.Sprintf("tag:owner %s %s %s", date, l.Region, l.Tags["owner"])] += usd
		}
	}
	return out
}

func compare(t *testing.T, what string, want, got map[string]float64) {
	t.Helper()
	for key, usd := range want {
		if math.Abs(usd-got[key]) > 1e-6 {
			t.Errorf("%s: %s is $%.9f on the bill, $%.9f stored", what, key, usd, got[key])
		}
	}
	for key := range got {
		if _, ok := want[key]; !ok {
			t.Errorf("%s: %s is stored and not on the bill", what, key)
		}
	}
}

// The stored days are the account's bill, by region and by tag, estimated days
// and restatements included.
func TestSimulatedAccount(t *testing.T) {
	t.Parallel()
	world := generate(t)
	o := simulated(t, world, awssim.Options{})
	first := collecttest.New(t, Collector, o)
	first.Collect(t)
	if len(first.Gaps()) != 0 {
		t.Fatalf("gaps: %+v", first.Gaps())
	}
	compare(t, "as estimated", lines(world, false), sums(first))

	restated := simulated(t, world, awssim.Options{Restate: true})
	restated.State = first.State.Values()
	second := collecttest.New(t, Collector, restated)
	second.Collect(t)
	compare(t, "as restated", lines(world, true), sums(first, second))
	days := map[time.Time]bool{}
	for _, row := range second.Sink.All() {
		days[row.(schema.CostDay).ChargePeriodStart] = true
	}
	if len(days) != 2 {
		t.Errorf("%d days were read again, want the two that were estimated", len(days))
	}
}

func TestSimulatedFaults(t *testing.T) {
	t.Parallel()
	world := generate(t)
	for name, options := range map[string]awssim.Options{
		"denied":         {Deny: []string{"ce:GetCostAndUsage"}},
		"repeated token": {Faults: []awssim.Fault{{Service: "ce", Kind: awssim.FaultRepeatToken}}},
		"truncated":      {Faults: []awssim.Fault{{Service: "ce", Kind: awssim.FaultTruncate}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := collecttest.New(t, Collector, simulated(t, world, options))
			f.Collect(t)
			if len(f.Gaps()) == 0 || len(f.Completions()) != 0 {
				t.Errorf("gaps %+v, completions %+v", f.Gaps(), f.Completions())
			}
			for _, g := range f.Gaps() {
				if g.Action != action || (g.Outcome == "denied") != (name == "denied") {
					t.Errorf("gap %+v", g)
				}
			}
		})
	}
}
