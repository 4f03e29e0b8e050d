package awssim

import (
	"context"
	"math"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/budgets"
	"github.com/aws/aws-sdk-go-v2/service/computeoptimizer"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer"
	cetypes "github.com/aws/aws-sdk-go-v2/service/costexplorer/types"
	"github.com/aws/aws-sdk-go-v2/service/costoptimizationhub"
	hubtypes "github.com/aws/aws-sdk-go-v2/service/costoptimizationhub/types"
)

// testGovernance has one of everything that governs cost.
func testGovernance() CostGovernance {
	monitor := "arn:aws:ce::111122223333:anomalymonitor/1"
	return CostGovernance{
		Budgets: []*Budget{
			{Name: "all", Share: 1, Thresholds: []BudgetThreshold{{"ACTUAL", 80, "a@example.com"}}, CreatedAt: noon},
			{Name: "lambda", Service: "AWS Lambda", TagKey: "owner", TagValue: "payments", Share: 1, CreatedAt: noon},
		},
		AnomalyMonitors: []*AnomalyMonitor{
			{ARN: monitor, Name: "services", Type: "DIMENSIONAL", Dimension: "SERVICE", CreatedAt: noon},
			{ARN: monitor + "2", Name: "team", Type: "CUSTOM", CreatedAt: noon, Specification: obj{"Tags": obj{"Key": "owner", "Values": []string{"a"}}}},
		},
		AnomalySubscriptions: []*AnomalySubscription{{ARN: monitor + "s", Name: "daily", Monitors: []string{monitor}, Frequency: "DAILY", FromUSD: 10, Email: "a@example.com"}},
		ResourceCosts:        true, Optimizer: true, OptimizationHub: true, InactiveTags: []string{"aws:createdBy", "team"},
		SavingsPlans: &SavingsPlan{ARN: "arn:aws:savingsplans::111122223333:savingsplan/1", USDPerHour: 0.5, Discount: planDiscount},
	}
}

// costCalls are one call of every operation that governs cost.
func costCalls(day *cetypes.DateInterval) []sdkCall {
	recent := &cetypes.DateInterval{Start: aws.String("2026-11-15"), End: aws.String("2026-11-22")}
	rest := &cetypes.DateInterval{Start: aws.String("2026-11-22"), End: aws.String("2026-12-01")}
	return []sdkCall{
		{"ce.GetCostAndUsageWithResources", func(ctx context.Context, c aws.Config) (any, error) {
			return costexplorer.NewFromConfig(c).GetCostAndUsageWithResources(ctx, &costexplorer.GetCostAndUsageWithResourcesInput{
				TimePeriod: recent, Granularity: "DAILY", Metrics: []string{"UnblendedCost"}, Filter: serviceFilter("AWS Lambda"),
				GroupBy: []cetypes.GroupDefinition{{Type: "DIMENSION", Key: aws.String("RESOURCE_ID")}},
			})
		}},
		{"ce.GetCostForecast", func(ctx context.Context, c aws.Config) (any, error) {
			return costexplorer.NewFromConfig(c).GetCostForecast(ctx, &costexplorer.GetCostForecastInput{
				TimePeriod: rest, Granularity: "MONTHLY", Metric: "UNBLENDED_COST", PredictionIntervalLevel: aws.Int32(80),
			})
		}},
		{"ce.GetAnomalyMonitors", func(ctx context.Context, c aws.Config) (any, error) {
			return costexplorer.NewFromConfig(c).GetAnomalyMonitors(ctx, &costexplorer.GetAnomalyMonitorsInput{})
		}},
		{"ce.GetAnomalySubscriptions", func(ctx context.Context, c aws.Config) (any, error) {
			return costexplorer.NewFromConfig(c).GetAnomalySubscriptions(ctx, &costexplorer.GetAnomalySubscriptionsInput{})
		}},
		{"ce.GetAnomalies", func(ctx context.Context, c aws.Config) (any, error) {
			return costexplorer.NewFromConfig(c).GetAnomalies(ctx, &costexplorer.GetAnomaliesInput{DateInterval: &cetypes.AnomalyDateInterval{StartDate: aws.String("2026-10-01")}})
		}},
		{"ce.GetSavingsPlansCoverage", func(ctx context.Context, c aws.Config) (any, error) {
			return costexplorer.NewFromConfig(c).GetSavingsPlansCoverage(ctx, &costexplorer.GetSavingsPlansCoverageInput{TimePeriod: day, Granularity: "DAILY"})
		}},
		{"ce.GetSavingsPlansUtilization", func(ctx context.Context, c aws.Config) (any, error) {
			return costexplorer.NewFromConfig(c).GetSavingsPlansUtilization(ctx, &costexplorer.GetSavingsPlansUtilizationInput{TimePeriod: day, Granularity: "DAILY"})
		}},
		{"ce.ListCostAllocationTags", func(ctx context.Context, c aws.Config) (any, error) {
			return costexplorer.NewFromConfig(c).ListCostAllocationTags(ctx, &costexplorer.ListCostAllocationTagsInput{})
		}},
		{"budgets.DescribeBudgets", func(ctx context.Context, c aws.Config) (any, error) {
			return budgets.NewFromConfig(c).DescribeBudgets(ctx, &budgets.DescribeBudgetsInput{AccountId: aws.String(testAccount)})
		}},
		{"budgets.DescribeBudgetNotificationsForAccount", func(ctx context.Context, c aws.Config) (any, error) {
			return budgets.NewFromConfig(c).DescribeBudgetNotificationsForAccount(ctx, &budgets.DescribeBudgetNotificationsForAccountInput{AccountId: aws.String(testAccount)})
		}},
		{"compute-optimizer.GetEnrollmentStatus", func(ctx context.Context, c aws.Config) (any, error) {
			return computeoptimizer.NewFromConfig(c).GetEnrollmentStatus(ctx, nil)
		}},
		{"compute-optimizer.GetLambdaFunctionRecommendations", func(ctx context.Context, c aws.Config) (any, error) {
			return computeoptimizer.NewFromConfig(c).GetLambdaFunctionRecommendations(ctx, &computeoptimizer.GetLambdaFunctionRecommendationsInput{})
		}},
		{"cost-optimization-hub.ListEnrollmentStatuses", func(ctx context.Context, c aws.Config) (any, error) {
			return costoptimizationhub.NewFromConfig(c).ListEnrollmentStatuses(ctx, nil)
		}},
		{"cost-optimization-hub.ListRecommendations", func(ctx context.Context, c aws.Config) (any, error) {
			return costoptimizationhub.NewFromConfig(c).ListRecommendations(ctx, &costoptimizationhub.ListRecommendationsInput{
				Filter: &hubtypes.Filter{ResourceTypes: []hubtypes.ResourceType{"LambdaFunction", "ComputeSavingsPlans"}},
			})
		}},
	}
}

func serviceFilter(service string) *cetypes.Expression {
	return &cetypes.Expression{Dimensions: &cetypes.DimensionValues{Key: "SERVICE", Values: []string{service}}}
}

// governed is a world of a month with every fault planted, served, and what
// SDK clients are made from.
func governed(t *testing.T, o Options) (*World, *harness, aws.Config) {
	t.Helper()
	w := generate(t, GenerateOptions{Seed: 12, Days: 20})
	o.World, o.Limits = w, Limits{Off: true}
	h := serve(t, o)
	return w, h, h.config("us-east-1")
}

// What the generated account answers in the SDK's eyes is what was said, with
// real amounts too.
func TestGeneratedGovernanceOnTheWire(t *testing.T) {
	t.Parallel()
	w, h, cfg := governed(t, Options{})
	findings := map[string]int{}
	for _, region := range w.Regions {
		out, err := computeoptimizer.NewFromConfig(h.config(region.Name)).GetLambdaFunctionRecommendations(t.Context(), &computeoptimizer.GetLambdaFunctionRecommendationsInput{})
		if err != nil {
			t.Fatal(err)
		}
		for _, r := range out.LambdaFunctionRecommendations {
			findings[string(r.Finding)]++
		}
	}
	if findings["NotOptimized"] == 0 || findings["Optimized"] == 0 || findings["Unavailable"] == 0 {
		t.Errorf("findings: %v", findings)
	}
	hub, err := costoptimizationhub.NewFromConfig(cfg).ListRecommendations(t.Context(), &costoptimizationhub.ListRecommendationsInput{})
	if err != nil || len(hub.Items) < 2 {
		t.Fatalf("%d items, %v", len(hub.Items), err)
	}
	saved := 0.0
	for _, r := range w.Regions {
		for _, a := range r.Advice() {
			saved += a.SavingsUSD
		}
	}
	for _, item := range hub.Items {
		if *item.CurrentResourceType == "LambdaFunction" {
			saved -= *item.EstimatedMonthlySavings
		}
	}
	if math.Abs(saved) > 1e-6 {
		t.Errorf("the hub's savings differ from Compute Optimizer's by $%.6f", saved)
	}
}

// A growing loop shows as an anomaly of Lambda in its region.
func TestLoopsAreAnomalies(t *testing.T) {
	t.Parallel()
	w, _, cfg := governed(t, Options{})
	out, err := costexplorer.NewFromConfig(cfg).GetAnomalies(t.Context(), &costexplorer.GetAnomaliesInput{DateInterval: &cetypes.AnomalyDateInterval{StartDate: aws.String("2026-10-01")}})
	if err != nil || len(out.Anomalies) == 0 {
		t.Fatalf("%d anomalies, %v", len(out.Anomalies), err)
	}
	for _, a := range out.Anomalies {
		from, err := time.Parse(zoned, *a.AnomalyStartDate)
		if err != nil {
			t.Fatal(err)
		}
		billed := 0.0
		for _, l := range w.BillLines(from, w.Now) {
			if l.Service == lambdaOnBill && l.Region == *a.RootCauses[0].Region {
				billed += l.Final.Unblended
			}
		}
		if *a.Impact.TotalActualSpend > billed || a.Impact.TotalImpact <= 0 {
			t.Errorf("anomaly of $%.2f with an impact of $%.2f, while $%.2f were billed", *a.Impact.TotalActualSpend, a.Impact.TotalImpact, billed)
		}
	}
}

// Resource-level costs add up to the bill's Lambda lines.
func TestResourcesAddUpToTheBill(t *testing.T) {
	t.Parallel()
	w, _, _ := governed(t, Options{})
	from := w.Now.AddDate(0, 0, -14)
	sums := map[time.Time]float64{}
	for _, l := range w.resourceLines(from, w.Now) {
		sums[l.Date] += l.Unblended
	}
	for _, l := range w.BillLines(from, w.Now) {
		if l.Service == lambdaOnBill {
			sums[l.Date] -= l.Unblended
		}
	}
	for day, usd := range sums {
		if math.Abs(usd) > 1e-6 {
			t.Errorf("%s: resources differ from the bill by $%.9f", day.Format(time.DateOnly), usd)
		}
	}
}

// What an account has not opted in to, or does not have, is refused as AWS does.
func TestOptedOut(t *testing.T) {
	t.Parallel()
	w := testWorld()
	w.CostGovernance = CostGovernance{ListPrices: true}
	h := serve(t, Options{World: w, Limits: Limits{Off: true}})
	cfg := h.config("us-east-1")
	ce := costexplorer.NewFromConfig(cfg)
	period := &cetypes.DateInterval{Start: aws.String("2026-11-15"), End: aws.String("2026-11-22")}
	for name, test := range map[string]struct {
		want string
		call func() error
	}{
		"resources": {"DataUnavailableException", func() error {
			_, err := ce.GetCostAndUsageWithResources(t.Context(), &costexplorer.GetCostAndUsageWithResourcesInput{
				TimePeriod: period, Granularity: "DAILY", Metrics: []string{"UnblendedCost"}, Filter: serviceFilter("AWS Lambda"),
				GroupBy: []cetypes.GroupDefinition{{Type: "DIMENSION", Key: aws.String("RESOURCE_ID")}},
			})
			return err
		}},
		"plans": {"DataUnavailableException", func() error {
			_, err := ce.GetSavingsPlansUtilization(t.Context(), &costexplorer.GetSavingsPlansUtilizationInput{TimePeriod: period, Granularity: "DAILY"})
			return err
		}},
		"net metrics": {"ValidationException", func() error {
			_, err := ce.GetCostAndUsage(t.Context(), &costexplorer.GetCostAndUsageInput{TimePeriod: period, Granularity: "DAILY", Metrics: []string{"NetUnblendedCost"}})
			return err
		}},
		"forecast of the past": {"ValidationException", func() error {
			_, err := ce.GetCostForecast(t.Context(), &costexplorer.GetCostForecastInput{TimePeriod: period, Granularity: "MONTHLY", Metric: "UNBLENDED_COST"})
			return err
		}},
		"optimizer": {"OptInRequiredException", func() error {
			_, err := computeoptimizer.NewFromConfig(cfg).GetLambdaFunctionRecommendations(t.Context(), &computeoptimizer.GetLambdaFunctionRecommendationsInput{})
			return err
		}},
		"hub": {"ValidationException", func() error {
			_, err := costoptimizationhub.NewFromConfig(cfg).ListRecommendations(t.Context(), &costoptimizationhub.ListRecommendationsInput{})
			return err
		}},
		"another account's budgets": {"AccessDeniedException", func() error {
			_, err := budgets.NewFromConfig(cfg).DescribeBudgets(t.Context(), &budgets.DescribeBudgetsInput{AccountId: aws.String("999999999999")})
			return err
		}},
	} {
		if got := codeOf(test.call()); got != test.want {
			t.Errorf("%s: %q, want %q", name, got, test.want)
		}
	}
	if billed := h.Calls().Operation("ce", "GetSavingsPlansUtilization").Billed; billed != 0 {
		t.Errorf("a refused request was billed as %v pages", billed)
	}
}

// The management account sees its members' bills, a member its own alone.
func TestPayerSeesItsMembers(t *testing.T) {
	t.Parallel()
	payer := generate(t, GenerateOptions{Functions: 20, Days: 3})
	member := generate(t, GenerateOptions{Account: "222233334444", Seed: 2, Functions: 20, Days: 3})
	key := Credential{AccessKeyID: "AKIAMEMBEREXAMPLE000", SecretAccessKey: "member-secret", Identity: Identity{Account: member.Account, ARN: "arn:aws:iam::222233334444:user/x", UserID: "AIDAX"}}
	h := serve(t, Options{World: payer, Members: []*World{member}, Limits: Limits{Off: true}, Credentials: []Credential{ExampleCredential(), key}})
	accounts := func(cfg aws.Config) int {
		out, err := costexplorer.NewFromConfig(cfg).GetDimensionValues(t.Context(), &costexplorer.GetDimensionValuesInput{
			TimePeriod: &cetypes.DateInterval{Start: aws.String(payer.Start().Format(time.DateOnly)), End: aws.String(payer.Now.Format(time.DateOnly))}, Dimension: "LINKED_ACCOUNT",
		})
		if err != nil {
			t.Fatal(err)
		}
		return len(out.DimensionValues)
	}
	if got := accounts(h.config("us-east-1")); got != 2 {
		t.Errorf("the payer sees %d accounts", got)
	}
	if got := accounts(configFor(h.url, "us-east-1", key)); got != 1 {
		t.Errorf("a member sees %d accounts", got)
	}
	_, err := costexplorer.NewFromConfig(configFor(h.url, "us-east-1", key)).ListCostAllocationTags(t.Context(), &costexplorer.ListCostAllocationTagsInput{})
	if codeOf(err) != "AccessDeniedException" {
		t.Errorf("a member's cost-allocation tags: %v", err)
	}
}
