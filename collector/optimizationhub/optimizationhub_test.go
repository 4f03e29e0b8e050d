package optimizationhub

import (
	"math"
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
	first = `{"items":[{"accountId":"123456789012","actionType":"Rightsize","currencyCode":"USD","currentResourceSummary":"1024 MB memory","currentResourceType":"LambdaFunction",
		"estimatedMonthlyCost":0.0922,"estimatedMonthlySavings":0.0121,"estimatedSavingsPercentage":12.0,"implementationEffort":"Low","lastRefreshTimestamp":1707332837.778,
		"recommendationId":"id1","recommendationLookbackPeriodInDays":14,"recommendedResourceSummary":"848 MB memory","recommendedResourceType":"LambdaFunction","region":"us-east-1",
		"resourceArn":"arn:aws:lambda:us-east-1:123456789012:function:orders:$LATEST","resourceId":"orders","restartNeeded":false,"rollbackPossible":true,"source":"ComputeOptimizer"}],"nextToken":"more"}`
	second = `{"items":[{"accountId":"123456789012","actionType":"PurchaseSavingsPlans","currencyCode":"USD","currentResourceType":"ComputeSavingsPlans","recommendedResourceType":"ComputeSavingsPlans",
		"recommendedResourceSummary":"$0.050/hour Compute Savings Plans","estimatedMonthlyCost":40,"estimatedMonthlySavings":5.5,"recommendationId":"id2","region":"Global","source":"CostExplorer"},
		{"recommendationId":"id3","currentResourceType":"LambdaFunction","currencyCode":"CNY","estimatedMonthlySavings":7,"resourceArn":"arn:aws-cn:lambda:cn-north-1:123456789012:function:x"}]}`
	enrolled = `{"items":[{"accountId":"123456789012","status":"Active","createdTimestamp":1700000000}]}`
)

func well() map[string]collecttest.Answer {
	return map[string]collecttest.Answer{
		statusAction: collecttest.Body(enrolled),
		adviceAction: collecttest.Select(map[string]collecttest.Answer{`"nextToken":"more"`: collecttest.Body(second)}, collecttest.Body(first)),
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
	for name, body := range map[string]string{
		"none": `{"items":[]}`, "inactive": `{"items":[{"accountId":"123456789012","status":"Inactive"}]}`, "another account": `{"items":[{"accountId":"999999999999","status":"Active"}]}`,
	} {
		wire := collecttest.NewWire(map[string]collecttest.Answer{statusAction: collecttest.Body(body)})
		f := collecttest.New(t, Collector, collecttest.Options{Wire: wire})
		f.Collect(t)
		features := collecttest.Rows[schema.CostFeature](f.Sink)
		if len(f.Gaps()) != 0 || len(features) != 1 || features[0].Enabled || wire.Calls(adviceAction) != 0 || len(f.CompletionList()) != 2 {
			t.Errorf("%s: gaps %v, features %+v", name, f.Gaps(), features)
		}
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	collecttest.Failures(t, Collector, collecttest.Options{}, well(), collecttest.Failure{
		Operation: adviceAction, Table: table, Kind: kind, Lost: []string{"recommendations/" + kind, "cost_features/" + kind},
		Repeated: collecttest.Body(`{"items":[],"nextToken":"again"}`),
		Malformed: map[string]collecttest.Answer{
			"no id":   collecttest.Body(`{"items":[{"currentResourceType":"LambdaFunction"}]}`),
			"no type": collecttest.Body(`{"items":[{"recommendationId":"a"}]}`),
		},
	})
	collecttest.Failures(t, Collector, collecttest.Options{}, well(), collecttest.Failure{
		Operation: statusAction, Table: "cost_features", Kind: kind, Repeated: collecttest.Body(`{"items":[],"nextToken":"again"}`),
	})
}

// An answer of a real account, sanitised by those who recorded it.
func TestRecorded(t *testing.T) {
	t.Parallel()
	f := collecttest.Replay(t, "testdata/recorded").Run(t, Collector, collecttest.Options{Account: "644160558196"})
	f.Collect(t)
	f.Golden(t, "recorded")
}

func TestMemory(t *testing.T) {
	t.Parallel()
	for summary, want := range map[string]uint32{"1024 MB memory": 1024, "": 0, "t3.micro": 0, "99999999999 MB memory": 0} {
		if got := memory(&summary); got != want {
			t.Errorf("%q: %d", summary, got)
		}
	}
}

func TestSimulatedAccount(t *testing.T) {
	t.Parallel()
	world := collecttest.Month(t)
	account := collecttest.Serve(t, awssim.Options{World: world})
	f := account.Run(t, Collector, collecttest.Options{Rates: collecttest.PageRates()})
	f.Collect(t)
	want := map[string]float64{}
	for _, region := range world.Regions {
		for _, a := range region.Advice() {
			if a.SavingsUSD > 0 {
				want[a.Function.ARN] = a.SavingsUSD
			}
		}
	}
	purchases := 0
	for _, row := range collecttest.Rows[schema.Recommendation](f.Sink) {
		if row.Action == "PurchaseSavingsPlans" {
			purchases++
			continue
		}
		if usd, ok := want[row.Resource]; !ok || math.Abs(*row.SavingsUSD-usd) > 1e-9 || row.RecommendedMemoryMB == 0 || !strings.Contains(row.Resource, row.ResourceRegion) {
			t.Errorf("%+v, want $%g", row, usd)
		}
		delete(want, row.Resource)
	}
	if len(want) != 0 || purchases != 1 || len(f.Gaps()) != 0 {
		t.Errorf("%d functions without a row, %d purchases, gaps %v", len(want), purchases, f.Gaps())
	}
	account.SameLedger(t, f)
}

func TestSimulatedFaults(t *testing.T) {
	t.Parallel()
	out, err := awssim.Generate(awssim.GenerateOptions{Functions: 10, Days: 3, Now: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	out.OptimizationHub = false
	for name, test := range map[string]struct {
		options awssim.Options
		want    []string
	}{
		"denied":       {awssim.Options{World: collecttest.Month(t), Deny: []string{adviceAction}}, []string{"recommendations/" + kind + " denied"}},
		"not opted in": {awssim.Options{World: out}, nil},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := collecttest.Serve(t, test.options).Run(t, Collector, collecttest.Options{})
			f.Collect(t)
			if got := f.GapList(); !slices.Equal(got, test.want) {
				t.Errorf("gaps %v", got)
			}
		})
	}
}

func TestEstimate(t *testing.T) {
	t.Parallel()
	cost := Collector.Estimate(collect.Inventory{Accounts: 2, Functions: 1000})
	if cost.Units != 0 || cost.USD != 0 || cost.Calls < 400 || cost.Calls > 450 {
		t.Errorf("%+v", cost)
	}
}
