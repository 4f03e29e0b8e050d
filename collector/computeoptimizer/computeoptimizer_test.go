package computeoptimizer

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

type object = map[string]any

func metric(name, statistic string, value float64) object {
	return object{"name": name, "statistic": statistic, "value": value}
}

func savings(percent, usd float64) object {
	return object{"savingsOpportunityPercentage": percent, "estimatedMonthlySavings": object{"currency": "USD", "value": usd}}
}

const function = "arn:aws:lambda:eu-west-1:123456789012:function:"

func well() map[string]collecttest.Answer {
	first := object{"lambdaFunctionRecommendations": []object{{
		"functionArn": function + "orders:$LATEST", "functionVersion": "$LATEST", "accountId": "123456789012", "currentMemorySize": 1024,
		"numberOfInvocations": 5000, "lookbackPeriodInDays": 14.0, "lastRefreshTimestamp": time.Date(2026, 10, 31, 1, 0, 0, 0, time.UTC),
		"finding": "NotOptimized", "findingReasonCodes": []string{"MemoryOverprovisioned"},
		"utilizationMetrics": []object{metric("Duration", "Maximum", 900), metric("Duration", "Average", 250.5), metric("Memory", "Maximum", 301), metric("Memory", "Average", 200)},
		"memorySizeRecommendationOptions": []object{
			{"rank": 2, "memorySize": 512},
			{
				"rank": 1, "memorySize": 848, "savingsOpportunity": savings(12, 3.5), "savingsOpportunityAfterDiscounts": savings(12, 3.1),
				"projectedUtilizationMetrics": []object{metric("Duration", "LowerBound", 240), metric("Duration", "Expected", 260), metric("Duration", "UpperBound", 310)},
			},
		},
	}}, "nextToken": "more"}
	second := object{"lambdaFunctionRecommendations": []object{
		{"functionArn": function + "large:3", "currentMemorySize": 3008, "finding": "Unavailable", "findingReasonCodes": []string{"Inconclusive"}},
		{"functionArn": function + "fine:$LATEST", "currentMemorySize": 256, "finding": "Optimized", "lookbackPeriodInDays": 14.0, "numberOfInvocations": 60},
	}}
	return map[string]collecttest.Answer{
		statusAction: collecttest.CBOR(object{"status": "Active", "memberAccountsEnrolled": false}),
		adviceAction: collecttest.Sequence(collecttest.CBOR(first), collecttest.CBOR(second)),
	}
}

func TestRecommendations(t *testing.T) {
	t.Parallel()
	f := collecttest.New(t, Collector, collecttest.Options{Wire: collecttest.NewWire(well())})
	f.Collect(t)
	f.Golden(t, "recommendations")
}

// An account that has not opted in is an answer, and is not asked for advice.
func TestNotOptedIn(t *testing.T) {
	t.Parallel()
	required := well()
	required[adviceAction] = func(*http.Request, string) collecttest.Response {
		resp := collecttest.CBOR(object{"__type": "com.amazonaws.computeoptimizer#OptInRequiredException", "message": "not registered"})(nil, "")
		resp.Status = http.StatusBadRequest
		return resp
	}
	inactive := map[string]collecttest.Answer{statusAction: collecttest.CBOR(object{"status": "Inactive", "statusReason": "never"})}
	for name, answers := range map[string]map[string]collecttest.Answer{"inactive": inactive, "opt-in required": required} {
		f := collecttest.New(t, Collector, collecttest.Options{Wire: collecttest.NewWire(answers)})
		f.Collect(t)
		features := collecttest.Rows[schema.CostFeature](f.Sink)
		if len(f.Gaps()) != 0 || len(features) != 1 || features[0].Enabled || !strings.Contains(features[0].Detail, "opted in") || len(f.CompletionList()) != 2 {
			t.Errorf("%s: gaps %v, features %+v", name, f.Gaps(), features)
		}
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	collecttest.Failures(t, Collector, collecttest.Options{}, well(), collecttest.Failure{
		Operation: adviceAction, Table: table, Kind: kind, Lost: []string{"recommendations/" + kind, "cost_features/" + kind},
		Repeated: collecttest.CBOR(object{"lambdaFunctionRecommendations": []object{}, "nextToken": "again"}),
		Malformed: map[string]collecttest.Answer{
			"no function": collecttest.CBOR(object{"lambdaFunctionRecommendations": []object{{"finding": "Optimized"}}}),
			"no finding":  collecttest.CBOR(object{"lambdaFunctionRecommendations": []object{{"functionArn": function + "a"}}}),
			"json":        collecttest.Body(`{"lambdaFunctionRecommendations":[]}`),
		},
	})
}

// An enrollment that cannot be read does not keep the advice from being read.
func TestEnrollmentDenied(t *testing.T) {
	t.Parallel()
	answers := well()
	delete(answers, statusAction)
	f := collecttest.New(t, Collector, collecttest.Options{Wire: collecttest.NewWire(answers)})
	f.Collect(t)
	if got := f.GapList(); !slices.Equal(got, []string{"cost_features/" + kind + " denied"}) || len(collecttest.Rows[schema.Recommendation](f.Sink)) != 3 {
		t.Errorf("gaps %v", got)
	}
}

func TestSimulatedAccount(t *testing.T) {
	t.Parallel()
	world := collecttest.Month(t)
	account := collecttest.Serve(t, awssim.Options{World: world})
	var runs []*collecttest.Fixture
	recommended := 0
	for _, region := range world.Regions {
		f := account.Run(t, Collector, collecttest.Options{Region: region.Name, Rates: collecttest.PageRates()})
		f.Collect(t)
		runs = append(runs, f)
		want := map[string]awssim.Advice{}
		for _, a := range region.Advice() {
			want[a.Function.ARN] = a
		}
		for _, row := range collecttest.Rows[schema.Recommendation](f.Sink) {
			a, ok := want[row.Resource]
			if !ok || row.Finding != a.Finding || int(row.RecommendedMemoryMB) != a.RecommendedMB || int64(row.Invocations) != a.Invocations {
				t.Errorf("%s: %+v, want %+v", row.Resource, row, a)
			}
			if row.SavingsUSD != nil {
				recommended++
				if math.Abs(*row.SavingsUSD-a.SavingsUSD) > 1e-9 || *row.DurationLowerMS > *row.DurationExpectedMS || *row.DurationExpectedMS > *row.DurationUpperMS {
					t.Errorf("%s: saves $%g in %g … %g ms, want $%g", row.Resource, *row.SavingsUSD, *row.DurationLowerMS, *row.DurationUpperMS, a.SavingsUSD)
				}
			}
			delete(want, row.Resource)
		}
		if len(want) != 0 || len(f.Gaps()) != 0 {
			t.Errorf("%s: %d functions without a row, gaps %v", region.Name, len(want), f.Gaps())
		}
	}
	if recommended == 0 {
		t.Error("nothing was recommended")
	}
	account.SameLedger(t, runs...)
}

func TestSimulatedFaults(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		options awssim.Options
		outcome string
	}{
		"denied":         {awssim.Options{Deny: []string{adviceAction}}, "denied"},
		"repeated token": {awssim.Options{Faults: []awssim.Fault{{Service: "compute-optimizer", Operation: "GetLambdaFunctionRecommendations", Kind: awssim.FaultRepeatToken}}}, "failed"},
		"html":           {awssim.Options{Faults: []awssim.Fault{{Service: "compute-optimizer", Operation: "GetLambdaFunctionRecommendations", Kind: awssim.FaultHTML404}}}, "failed"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			test.options.World = collecttest.Month(t)
			f := collecttest.Serve(t, test.options).Run(t, Collector, collecttest.Options{Region: "eu-west-1"})
			f.Collect(t)
			if got := f.GapList(); !slices.Equal(got, []string{"recommendations/" + kind + " " + test.outcome}) || len(f.CompletionList()) != 0 {
				t.Errorf("gaps %v, completions %v", got, f.CompletionList())
			}
		})
	}
}

func TestEstimate(t *testing.T) {
	t.Parallel()
	cost := Collector.Estimate(collect.Inventory{Accounts: 2, Regions: 2, Functions: 1000})
	if cost.Units != 0 || cost.USD != 0 || cost.Calls < 500 || cost.Calls > 600 {
		t.Errorf("%+v", cost)
	}
}
