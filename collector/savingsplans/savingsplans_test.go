package savingsplans

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
	usedBody = `{"SavingsPlansUtilizationsByTime":[{"TimePeriod":{"Start":"2026-11-01","End":"2026-11-02"},
		"Utilization":{"TotalCommitment":"24.0","UsedCommitment":"18.5","UnusedCommitment":"5.5","UtilizationPercentage":"77.083333"},
		"Savings":{"NetSavings":"-2.9","OnDemandCostEquivalent":"21.1"},"AmortizedCommitment":{"TotalAmortizedCommitment":"24.0"}},
		{"TimePeriod":{"Start":"2026-11-02","End":"2026-11-03"},"Utilization":{"TotalCommitment":"24","UsedCommitment":"24","UnusedCommitment":"0","UtilizationPercentage":"100"}}],
		"Total":{"Utilization":{"TotalCommitment":"48","UsedCommitment":"42.5","UnusedCommitment":"5.5","UtilizationPercentage":"88.5"}}}`
	coveredFirst = `{"SavingsPlansCoverages":[{"TimePeriod":{"Start":"2026-11-01","End":"2026-11-02"},"Attributes":{},
		"Coverage":{"SpendCoveredBySavingsPlans":"18.5","OnDemandCost":"40.25","TotalCost":"58.75","CoveragePercentage":"31.489361702127659574"}}],"NextToken":"more"}`
	coveredSecond = `{"SavingsPlansCoverages":[{"TimePeriod":{"Start":"2026-11-02","End":"2026-11-03"},
		"Coverage":{"SpendCoveredBySavingsPlans":"24","OnDemandCost":"0","TotalCost":"24","CoveragePercentage":"100"}}]}`
)

func well() map[string]collecttest.Answer {
	return map[string]collecttest.Answer{
		utilizationAction: collecttest.Body(usedBody),
		coverageAction:    collecttest.Select(map[string]collecttest.Answer{`"NextToken":"more"`: collecttest.Body(coveredSecond)}, collecttest.Body(coveredFirst)),
	}
}

func TestSavingsPlans(t *testing.T) {
	t.Parallel()
	wire := collecttest.NewWire(well())
	f := collecttest.New(t, Collector, collecttest.Options{Wire: wire, Now: time.Date(2026, 11, 3, 8, 0, 0, 0, time.UTC)})
	f.Collect(t)
	f.Golden(t, "plans")
	if asked := wire.Requests(coverageAction)[0]; !strings.Contains(asked, `{"End":"2026-11-03","Start":"2026-10-01"}`) || !strings.Contains(asked, `"MaxResults":62`) {
		t.Errorf("asked %s", asked)
	}
}

// An account without plans is an answer, for one request.
func TestNoPlans(t *testing.T) {
	t.Parallel()
	wire := collecttest.NewWire(map[string]collecttest.Answer{
		utilizationAction: collecttest.Fail("ce", http.StatusBadRequest, "DataUnavailableException", "Savings Plans data is not available"),
	})
	f := collecttest.New(t, Collector, collecttest.Options{Wire: wire})
	f.Collect(t)
	f.Golden(t, "none")
	if wire.Calls(coverageAction) != 0 {
		t.Error("the coverage of no plans was asked for")
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	collecttest.Failures(t, Collector, collecttest.Options{}, well(), collecttest.Failure{
		Operation: utilizationAction, Table: table, Kind: "utilization", Lost: []string{"savings_plans_daily/utilization", "cost_features/savings_plans"},
		Malformed: map[string]collecttest.Answer{
			"no day":    collecttest.Body(`{"SavingsPlansUtilizationsByTime":[{"Utilization":{}}]}`),
			"no amount": collecttest.Body(`{"SavingsPlansUtilizationsByTime":[{"TimePeriod":{"Start":"2026-11-01"},"Utilization":{"TotalCommitment":"1"}}]}`),
		},
	})
	collecttest.Failures(t, Collector, collecttest.Options{}, well(), collecttest.Failure{
		Operation: coverageAction, Table: table, Kind: "coverage", Lost: []string{"savings_plans_daily/coverage"},
		Repeated: collecttest.Body(`{"SavingsPlansCoverages":[],"NextToken":"again"}`),
		Malformed: map[string]collecttest.Answer{
			"no amounts": collecttest.Body(`{"SavingsPlansCoverages":[{"TimePeriod":{"Start":"2026-11-01"}}]}`),
			"no number":  collecttest.Body(`{"SavingsPlansCoverages":[{"TimePeriod":{"Start":"2026-11-01"},"Coverage":{"SpendCoveredBySavingsPlans":"some"}}]}`),
		},
	})
}

// planned is a small account with a plan that covers some of its use.
func planned(t *testing.T) *awssim.World {
	t.Helper()
	world, err := awssim.Generate(awssim.GenerateOptions{Functions: 40, Days: 6, Now: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	world.SavingsPlans = &awssim.SavingsPlan{ARN: "arn:aws:savingsplans::123456789012:savingsplan/1", USDPerHour: 0.01, Discount: 0.12}
	return world
}

func TestSimulatedAccount(t *testing.T) {
	t.Parallel()
	world := planned(t)
	account := collecttest.Serve(t, awssim.Options{World: world})
	f := account.Run(t, Collector, collecttest.Options{Rates: collecttest.PageRates()})
	f.Collect(t)
	if len(f.Gaps()) != 0 || !slices.Equal(f.CompletionList(), []string{"cost_features/savings_plans", "savings_plans_daily/coverage", "savings_plans_daily/utilization"}) {
		t.Fatalf("gaps %v, completions %v", f.Gaps(), f.CompletionList())
	}
	eligible := map[time.Time]float64{}
	for _, l := range world.BillLines(world.Start(), world.Now) {
		if l.Service == "AWS Lambda" && strings.Contains(l.UsageType, "GB-Second") && !strings.Contains(l.UsageType, "Storage") || strings.Contains(l.UsageType, "Provisioned-Concurrency") {
			eligible[l.Date] += l.Final.Unblended
		}
	}
	seen := 0
	for _, row := range collecttest.Rows[schema.SavingsPlansDay](f.Sink) {
		use := eligible[row.Day]
		if row.Measure != "coverage" || use == 0 {
			continue
		}
		seen++
		covered, onDemand := row.CoveredUSD.InexactFloat64(), row.OnDemandUSD.InexactFloat64()
		if math.Abs(covered/0.88+onDemand-use) > 1e-6 || covered > 0.24+1e-9 {
			t.Errorf("%s: $%g covered, $%g on demand, of $%g", row.Day.Format(time.DateOnly), covered, onDemand, use)
		}
	}
	if seen != world.Days {
		t.Errorf("%d days of coverage, want %d", seen, world.Days)
	}
	account.SameLedger(t, f)
}

// The common account has no plans, and asking costs it nothing.
func TestSimulatedAccountWithoutPlans(t *testing.T) {
	t.Parallel()
	account := collecttest.Serve(t, awssim.Options{World: collecttest.Month(t)})
	f := account.Run(t, Collector, collecttest.Options{Rates: collecttest.PageRates()})
	f.Collect(t)
	features := collecttest.Rows[schema.CostFeature](f.Sink)
	if len(f.Gaps()) != 0 || len(features) != 1 || features[0].Enabled || f.Meter.USD() != 0 {
		t.Errorf("gaps %v, features %+v", f.Gaps(), features)
	}
	account.SameLedger(t, f)
}

func TestSimulatedDenial(t *testing.T) {
	t.Parallel()
	account := collecttest.Serve(t, awssim.Options{World: planned(t), Deny: []string{coverageAction}})
	f := account.Run(t, Collector, collecttest.Options{})
	f.Collect(t)
	if got := strings.Join(f.GapList(), ", "); got != "savings_plans_daily/coverage denied" {
		t.Errorf("gaps %s", got)
	}
}

func TestEstimate(t *testing.T) {
	t.Parallel()
	if usd := Collector.Estimate(collect.Inventory{Accounts: 1}).Price(collecttest.PageRates()).USD; usd < 0.60 || usd > 0.62 {
		t.Errorf("$%.2f a month", usd)
	}
}
