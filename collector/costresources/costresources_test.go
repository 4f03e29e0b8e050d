package costresources

import (
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

const (
	first = `{"ResultsByTime":[{"TimePeriod":{"Start":"2026-10-18","End":"2026-10-19"},"Estimated":false,"Total":{},"Groups":[
		{"Keys":["arn:aws:lambda:eu-west-1:123456789012:function:orders","EU-Lambda-GB-Second"],"Metrics":{"UnblendedCost":{"Amount":"1.2345678901234","Unit":"USD"},
			"AmortizedCost":{"Amount":"1.1","Unit":"USD"},"UsageQuantity":{"Amount":"74074","Unit":"Lambda-GB-Second"}}},
		{"Keys":["arn:aws:lambda:eu-west-1:123456789012:function:idle","EU-Request"],"Metrics":{"UnblendedCost":{"Amount":"0","Unit":"USD"},
			"AmortizedCost":{"Amount":"0","Unit":"USD"},"UsageQuantity":{"Amount":"0","Unit":"N/A"}}}]}],"NextPageToken":"more"}`
	second = `{"ResultsByTime":[{"TimePeriod":{"Start":"2026-10-31","End":"2026-11-01"},"Estimated":true,"Total":{},"Groups":[
		{"Keys":["NoResourceId","Request"],"Metrics":{"UnblendedCost":{"Amount":"0.5","Unit":"USD"},"AmortizedCost":{"Amount":"0.5","Unit":"USD"},"UsageQuantity":{"Amount":"2500000","Unit":"Requests"}}}]}]}`
)

var (
	on   = map[string]any{"opted_in": true}
	well = map[string]collecttest.Answer{
		action: collecttest.Select(map[string]collecttest.Answer{`"NextPageToken":"more"`: collecttest.Body(second)}, collecttest.Body(first)),
	}
)

func TestResources(t *testing.T) {
	t.Parallel()
	wire := collecttest.NewWire(well)
	f := collecttest.New(t, Collector, collecttest.Options{Wire: wire, Params: on, Rates: collecttest.PageRates()})
	f.Collect(t)
	f.Golden(t, "resources")
	if asked := wire.Requests(action)[0]; !strings.Contains(asked, `{"End":"2026-11-01","Start":"2026-10-18"}`) || !strings.Contains(asked, "RESOURCE_ID") {
		t.Errorf("asked %s", asked)
	}
	if f.Meter.USD() != 0.02 {
		t.Errorf("$%g for two pages", f.Meter.USD())
	}
}

// Nothing is asked, and nothing said, unless the operator wants it.
func TestOff(t *testing.T) {
	t.Parallel()
	wire := collecttest.NewWire(nil)
	f := collecttest.New(t, Collector, collecttest.Options{Wire: wire})
	f.Collect(t)
	if wire.Calls(action) != 0 || len(f.Gaps())+len(f.CompletionList())+len(f.Sink.All()) != 0 {
		t.Errorf("%d calls, gaps %v, completions %v", wire.Calls(action), f.Gaps(), f.CompletionList())
	}
}

// Later runs read what is new and the days before it that may be restated.
func TestLaterRunsReadLess(t *testing.T) {
	t.Parallel()
	wire := collecttest.NewWire(map[string]collecttest.Answer{action: collecttest.Body(`{"ResultsByTime":[]}`)})
	now := time.Date(2026, 11, 2, 5, 0, 0, 0, time.UTC)
	for _, test := range []struct{ cursor, want string }{
		{"", `{"End":"2026-11-02","Start":"2026-10-19"}`},
		{"2026-11-01", `{"End":"2026-11-02","Start":"2026-10-28"}`},
		{"2026-09-01", `{"End":"2026-11-02","Start":"2026-10-19"}`},
		{"never", `{"End":"2026-11-02","Start":"2026-10-19"}`},
	} {
		f := collecttest.New(t, Collector, collecttest.Options{Wire: wire, Now: now, Params: on, State: map[string]string{cursor: test.cursor}})
		f.Collect(t)
		asked := wire.Requests(action)
		if got := asked[len(asked)-1]; !strings.Contains(got, test.want) {
			t.Errorf("after %q asked %s, want %s", test.cursor, got, test.want)
		}
		if got := f.State.Values()[cursor]; got != "2026-11-02" {
			t.Errorf("the cursor is %q", got)
		}
	}
}

// An account that has not switched the data on is an answer, however it is told.
func TestNotOptedIn(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]collecttest.Answer{
		"no data": collecttest.Fail("ce", http.StatusBadRequest, "DataUnavailableException", "Data is not available. Please try to adjust the time period."),
		"refused": collecttest.Fail("ce", http.StatusBadRequest, "AccessDeniedException", "Resource level data is not enabled for this account"),
	} {
		f := collecttest.New(t, Collector, collecttest.Options{Wire: collecttest.NewWire(map[string]collecttest.Answer{action: answer}), Params: on})
		f.Collect(t)
		features := collecttest.Rows[schema.CostFeature](f.Sink)
		if len(f.Gaps()) != 0 || len(features) != 1 || features[0].Enabled || !strings.Contains(features[0].Detail, "not opted in") || !slices.Equal(f.CompletionList(), []string{"cost_features/resource_costs"}) {
			t.Errorf("%s: gaps %v, features %+v, completions %v", name, f.Gaps(), features, f.CompletionList())
		}
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	result := func(groups string) collecttest.Answer {
		return collecttest.Body(`{"ResultsByTime":[{"TimePeriod":{"Start":"2026-10-31"},"Groups":[` + groups + `]}]}`)
	}
	collecttest.Failures(t, Collector, collecttest.Options{Params: on}, well, collecttest.Failure{
		Operation: action, Table: table, Repeated: collecttest.Body(`{"ResultsByTime":[],"NextPageToken":"again"}`), Lost: []string{"cost_resources_daily/", "cost_features/resource_costs"},
		Malformed: map[string]collecttest.Answer{
			"one key":     result(`{"Keys":["arn:a"]}`),
			"no metric":   result(`{"Keys":["arn:a","Request"],"Metrics":{}}`),
			"no number":   result(`{"Keys":["arn:a","Request"],"Metrics":{"UnblendedCost":{"Amount":"dear"}}}`),
			"no day":      collecttest.Body(`{"ResultsByTime":[{"Groups":[]}]}`),
			"another day": collecttest.Body(`{"ResultsByTime":[{"TimePeriod":{"Start":"2020-01-01"},"Groups":[]}]}`),
			"not enabled": collecttest.Fail("ce", http.StatusBadRequest, "ValidationException", "User not enabled for cost explorer access"),
		},
	})
}

// What is stored of functions adds up to the account's Lambda bill.
func TestSimulatedAccount(t *testing.T) {
	t.Parallel()
	world := collecttest.Month(t)
	account := collecttest.Serve(t, awssim.Options{World: world})
	f := account.Run(t, Collector, collecttest.Options{Params: on, Rates: collecttest.PageRates()})
	f.Collect(t)
	if len(f.Gaps()) != 0 {
		t.Fatalf("gaps %v", f.Gaps())
	}
	type key struct {
		day           time.Time
		region, usage string
	}
	sums := map[key]float64{}
	functions := map[string]bool{}
	for _, row := range collecttest.Rows[schema.ResourceCostDay](f.Sink) {
		sums[key{row.Day, row.Region, row.UsageType}] += row.UnblendedCost.InexactFloat64()
		functions[row.Resource] = true
	}
	for _, l := range world.BillLines(world.Now.AddDate(0, 0, -keptDays), world.Now) {
		if l.Service == lambdaService {
			sums[key{l.Date, l.Region, l.UsageType}] -= l.Unblended
		}
	}
	for k, usd := range sums {
		if math.Abs(usd) > 1e-6 {
			t.Errorf("%v: functions differ from the bill by $%.9f", k, usd)
		}
	}
	if len(functions) < 90 {
		t.Errorf("%d functions have a cost", len(functions))
	}
	if ledger := f.Meter.Ledger(f.Run); ledger[0].Units < 2 {
		t.Errorf("one page held everything: %+v", ledger)
	}
	account.SameLedger(t, f)
}

func TestSimulatedFaults(t *testing.T) {
	t.Parallel()
	out, err := awssim.Generate(awssim.GenerateOptions{Functions: 10, Days: 3, Now: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	out.ResourceCosts = false
	for name, test := range map[string]struct {
		options awssim.Options
		want    string
	}{
		"denied":         {awssim.Options{World: collecttest.Month(t), Deny: []string{action}}, "cost_resources_daily/ denied"},
		"repeated token": {awssim.Options{World: collecttest.Month(t), Faults: []awssim.Fault{{Service: "ce", Kind: awssim.FaultRepeatToken}}}, "cost_resources_daily/ failed"},
		"not opted in":   {awssim.Options{World: out}, ""},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			account := collecttest.Serve(t, test.options)
			f := account.Run(t, Collector, collecttest.Options{Params: on, Rates: collecttest.PageRates()})
			f.Collect(t)
			if got := strings.Join(f.GapList(), ", "); got != test.want || slices.Contains(f.CompletionList(), "cost_resources_daily/") {
				t.Errorf("gaps %s, completions %v", got, f.CompletionList())
			}
			account.SameLedger(t, f)
		})
	}
}

func TestEstimate(t *testing.T) {
	t.Parallel()
	if cost := Collector.Estimate(collect.Inventory{Accounts: 1, Functions: 1000}); cost.Calls != 0 || cost.Units != 0 {
		t.Errorf("switched off it plans %+v", cost)
	}
}
