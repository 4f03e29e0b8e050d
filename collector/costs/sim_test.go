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

// An account at list prices is read without net costs, and each page is
// metered as it is billed.
func TestSimulatedListPrices(t *testing.T) {
	t.Parallel()
	world := generate(t)
	world.ListPrices = true
	account := collecttest.Serve(t, awssim.Options{World: world})
	f := account.Run(t, Collector, collecttest.Options{Window: collect.Window{From: world.Start(), To: world.Now}, Rates: collecttest.PageRates()})
	f.Collect(t)
	if len(f.Gaps()) != 0 || len(f.Completions()) != 1 {
		t.Fatalf("gaps %v", f.Gaps())
	}
	compare(t, "at list prices", lines(world, false), sums(f))
	for _, row := range collecttest.Rows[schema.CostDay](f.Sink) {
		if !row.XNetUnblendedCost.Equal(row.BilledCost) {
			t.Fatalf("net cost %s of %s", row.XNetUnblendedCost, row.BilledCost)
		}
	}
	account.SameLedger(t, f)
}

// One reading of the payer is the bill of every member, and its members ask nothing.
func TestSimulatedPayer(t *testing.T) {
	t.Parallel()
	world := generate(t)
	worlds := []*awssim.World{world}
	for i := range 3 {
		member, err := awssim.Generate(awssim.GenerateOptions{
			Account: fmt.Sprintf("22223333444%d", i), Seed: int64(2 + i), Functions: 20, Days: 10, Now: world.Now,
		})
		if err != nil {
			t.Fatal(err)
		}
		worlds = append(worlds, member)
	}
	account := collecttest.Serve(t, awssim.Options{World: world, Members: worlds[1:]})
	o := collecttest.Options{Window: collect.Window{From: world.Start(), To: world.Now}, Rates: collecttest.PageRates(), Params: map[string]any{"payer": world.Account}}
	f := account.Run(t, Collector, o)
	f.Collect(t)
	if len(f.Gaps()) != 0 || len(f.Completions()) != 1 {
		t.Fatalf("gaps %v", f.Gaps())
	}
	o.Account = worlds[1].Account
	member := collecttest.New(t, Collector, o)
	member.Collect(t)
	if member.Meter.Calls() != 0 || len(member.Gaps()) != 0 {
		t.Errorf("a member made %d calls, gaps %v", member.Meter.Calls(), member.Gaps())
	}
	account.SameLedger(t, f, member)

	want, got := map[string]float64{}, map[string]float64{}
	for _, w := range worlds {
		for _, l := range w.BillLines(w.Start(), w.Now) {
			day := l.Date.Format(time.DateOnly)
			usage := l.UsageType
			if l.Service != lambdaService && l.Service != "AmazonCloudWatch" {
				usage = ""
			}
			want[fmt.Sprint("usage_type ", w.Account, " ", day, " ", l.Service, usage)] += l.Unblended
			if l.Service == lambdaService {
				want[fmt.Sprint("tag:owner ", w.Account, " ", day, " ", l.Service, l.Tags["owner"])] += l.Unblended
			}
		}
	}
	for _, r := range collecttest.Rows[schema.CostDay](f.Sink) {
		got[fmt.Sprint(r.XGrouping, " ", r.SubAccountId, " ", r.ChargePeriodStart.Format(time.DateOnly), " ", r.ServiceName, r.XUsageType, r.TagValue)] += r.BilledCost.InexactFloat64()
		if r.BillingAccountId != world.Account || r.XUsageType == "" && r.RegionId != "" {
			t.Fatalf("row %+v", r)
		}
	}
	compare(t, "of all members", want, got)
}

// What an account has read for itself is not read again as its own payer: the
// coarser rows would count beside the finer ones.
func TestPayerTakesOver(t *testing.T) {
	t.Parallel()
	world := generate(t)
	account := collecttest.Serve(t, awssim.Options{World: world})
	o := collecttest.Options{Window: collect.Window{From: world.Start(), To: world.Now.AddDate(0, 0, -3)}}
	own := account.Run(t, Collector, o)
	own.Collect(t)
	o.State, o.Window.To, o.Params = own.State.Values(), world.Now, map[string]any{"payer": world.Account}
	payer := account.Run(t, Collector, o)
	payer.Collect(t)
	total, want := 0.0, 0.0
	for _, row := range collecttest.Rows[schema.CostDay](payer.Sink) {
		if row.ChargePeriodStart.Before(world.Now.AddDate(0, 0, -3)) {
			t.Fatalf("a day is read twice: %+v", row)
		}
	}
	for _, f := range []*collecttest.Fixture{own, payer} {
		for _, row := range collecttest.Rows[schema.CostDay](f.Sink) {
			if row.XGrouping == "usage_type" {
				total += row.BilledCost.InexactFloat64()
			}
		}
	}
	for _, l := range world.BillLines(world.Start(), world.Now) {
		want += l.Unblended
	}
	if math.Abs(total-want) > 1e-6 {
		t.Errorf("$%.6f stored, $%.6f on the bill", total, want)
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
