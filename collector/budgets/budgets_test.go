package budgets

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

const (
	first = `{"Budgets":[{"BudgetName":"lambda","BudgetType":"COST","TimeUnit":"MONTHLY","BudgetLimit":{"Amount":"100.0","Unit":"USD"},
		"CalculatedSpend":{"ActualSpend":{"Amount":"91.234","Unit":"USD"},"ForecastedSpend":{"Amount":"130.5","Unit":"USD"}},
		"CostFilters":{"Service":["AWS Lambda"]},"TimePeriod":{"Start":1761955200,"End":3706473600},"LastUpdatedTime":1793000000,"HealthStatus":{"Status":"HEALTHY"}}],"NextToken":"more"}`
	second = `{"Budgets":[
		{"BudgetName":"planned","BudgetType":"COST","TimeUnit":"MONTHLY","PlannedBudgetLimits":{"1790812800":{"Amount":"5","Unit":"USD"},"1793491200":{"Amount":"7","Unit":"USD"},"1796083200":{"Amount":"9","Unit":"USD"}},
		 "FilterExpression":{"Tags":{"Key":"owner","Values":["a"]}}},
		{"BudgetName":"young","BudgetType":"USAGE","TimeUnit":"DAILY","AutoAdjustData":{"AutoAdjustType":"HISTORICAL"},"CalculatedSpend":{"ActualSpend":{"Amount":"3","Unit":"GB"}}}]}`
	notes = `{"BudgetNotificationsForAccount":[{"BudgetName":"lambda","Notifications":[
		{"NotificationType":"ACTUAL","ComparisonOperator":"GREATER_THAN","Threshold":80,"ThresholdType":"PERCENTAGE","NotificationState":"ALARM"},
		{"NotificationType":"FORECASTED","ComparisonOperator":"GREATER_THAN","Threshold":150,"ThresholdType":"ABSOLUTE_VALUE","NotificationState":"OK"}]}]}`
)

func well() map[string]collecttest.Answer {
	return map[string]collecttest.Answer{
		"budgets:DescribeBudgets":                       collecttest.Select(map[string]collecttest.Answer{`"NextToken":"more"`: collecttest.Body(second)}, collecttest.Body(first)),
		"budgets:DescribeBudgetNotificationsForAccount": collecttest.Body(notes),
	}
}

func TestBudgets(t *testing.T) {
	t.Parallel()
	wire := collecttest.NewWire(well())
	f := collecttest.New(t, Collector, collecttest.Options{Wire: wire})
	f.Collect(t)
	f.Golden(t, "budgets")
	if got := wire.Calls("budgets:DescribeBudgetNotificationsForAccount"); got != 1 {
		t.Errorf("%d calls for the notifications of all budgets", got)
	}
}

// An account without budgets is an answer, and is not asked for notifications.
func TestNoBudgets(t *testing.T) {
	t.Parallel()
	wire := collecttest.NewWire(map[string]collecttest.Answer{"budgets:DescribeBudgets": collecttest.Body(`{}`)})
	f := collecttest.New(t, Collector, collecttest.Options{Wire: wire})
	f.Collect(t)
	if len(f.Gaps()) != 0 || len(f.CompletionList()) != 1 || wire.Calls("budgets:DescribeBudgetNotificationsForAccount") != 0 {
		t.Errorf("gaps %v, completions %v", f.Gaps(), f.CompletionList())
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	collecttest.Failures(t, Collector, collecttest.Options{}, well(), collecttest.Failure{
		Operation: "budgets:DescribeBudgets", Action: action, Table: table, Repeated: collecttest.Body(`{"Budgets":[],"NextToken":"again"}`), Lost: []string{"budgets/"},
		Malformed: map[string]collecttest.Answer{
			"no name":   collecttest.Body(`{"Budgets":[{"BudgetType":"COST","TimeUnit":"DAILY"}]}`),
			"no number": collecttest.Body(`{"Budgets":[{"BudgetName":"a","BudgetLimit":{"Amount":"much","Unit":"USD"}}]}`),
		},
	})
	collecttest.Failures(t, Collector, collecttest.Options{}, well(), collecttest.Failure{
		Operation: "budgets:DescribeBudgetNotificationsForAccount", Action: action, Table: table, Kind: "notifications",
		Repeated: collecttest.Body(`{"BudgetNotificationsForAccount":[],"NextToken":"again"}`),
	})
}

// Notifications that cannot be read cost no budget, and are known not to be read.
func TestBudgetsWithoutNotifications(t *testing.T) {
	t.Parallel()
	answers := well()
	delete(answers, "budgets:DescribeBudgetNotificationsForAccount")
	f := collecttest.New(t, Collector, collecttest.Options{Wire: collecttest.NewWire(answers)})
	f.Collect(t)
	rows := collecttest.Rows[schema.Budget](f.Sink)
	if len(rows) != 3 || rows[0].NotificationsRead || len(f.CompletionList()) != 1 {
		t.Errorf("%d budgets, completions %v", len(rows), f.CompletionList())
	}
}

// The simulated account's budgets are stored as its bill makes them, and nobody's
// address with them.
func TestSimulatedAccount(t *testing.T) {
	t.Parallel()
	world := collecttest.Month(t)
	account := collecttest.Serve(t, awssim.Options{World: world})
	f := account.Run(t, Collector, collecttest.Options{Rates: collecttest.PageRates()})
	f.Collect(t)
	want, got := map[string]awssim.BudgetSpend{}, map[string]awssim.BudgetSpend{}
	notified := 0
	for _, b := range world.Budgets {
		want[b.Name] = world.BudgetSpend(b)
		notified += len(b.Thresholds)
	}
	for _, b := range collecttest.Rows[schema.Budget](f.Sink) {
		got[b.Name] = awssim.BudgetSpend{Limit: b.LimitAmount.InexactFloat64(), Actual: b.ActualAmount.InexactFloat64(), Forecast: b.ForecastAmount.InexactFloat64()}
		notified -= len(b.NotificationTypes)
	}
	if diff := cmp.Diff(want, got); diff != "" || notified != 0 {
		t.Errorf("budgets, %d notifications missing (-want +got):\n%s", notified, diff)
	}
	over := 0
	for _, b := range want {
		if b.Forecast > b.Limit {
			over++
		}
	}
	if over == 0 || over == len(want) {
		t.Errorf("%d of %d budgets are forecast to be passed", over, len(want))
	}
	f.Secret(t, "finops@example.com", nil)
	account.SameLedger(t, f)
	if f.Meter.USD() != 0 {
		t.Error("budgets are free to ask")
	}
}

func TestSimulatedDenial(t *testing.T) {
	t.Parallel()
	account := collecttest.Serve(t, awssim.Options{World: collecttest.Month(t), Deny: []string{action}})
	f := account.Run(t, Collector, collecttest.Options{})
	f.Collect(t)
	if got := strings.Join(f.GapList(), ", "); got != "budgets/ denied" || len(f.CompletionList()) != 0 {
		t.Errorf("gaps %s, completions %v", got, f.CompletionList())
	}
}

func TestEstimate(t *testing.T) {
	t.Parallel()
	if cost := Collector.Estimate(collect.Inventory{Accounts: 3}); cost.USD != 0 || cost.Units != 0 || cost.Calls < 180 || cost.Calls > 190 {
		t.Errorf("%+v", cost)
	}
}
