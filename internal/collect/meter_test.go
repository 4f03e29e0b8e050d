package collect

import (
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/faaswarden/faaswarden/internal/schema"
)

func testRates(t *testing.T) []Rate {
	t.Helper()
	rates, err := Rates(func(item string) (float64, error) {
		return map[string]float64{
			"api.ce.page": 0.01, "api.cloudwatch.metric": 0.00001, "api.cloudwatch.request": 0.00001, "api.logs.scanned_gb": 0.005,
		}[item], nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return rates
}

func TestRatesRefuseAnItemWithoutPrice(t *testing.T) {
	t.Parallel()
	_, err := Rates(func(item string) (float64, error) {
		if item == "api.ce.page" {
			return 0, errors.New("not in the price book")
		}
		return 1, nil
	})
	if err == nil || err.Error() != "price of api.ce.page: not in the price book" {
		t.Errorf("error: %v", err)
	}
}

func TestMeter(t *testing.T) {
	t.Parallel()
	throttle := &apiError{"ThrottlingException"}
	for _, tt := range []struct {
		name string
		use  func(m *Meter)
		want []schema.APICall
	}{
		{
			"a free call costs its request only",
			func(m *Meter) {
				m.Count("lambda", "ListFunctions", nil)
				m.Count("lambda", "ListFunctions", throttle)
				m.Count("lambda", "ListFunctions", &apiError{"AccessDenied"})
			},
			[]schema.APICall{{Service: "lambda", Operation: "ListFunctions", Calls: 3, Errors: 2, Throttles: 1}},
		},
		{
			"a page charged ahead and billed by the collector is one page",
			func(m *Meter) {
				mustCharge(t, m, "ce", "GetCostAndUsage", 1)
				m.Count("ce", "GetCostAndUsage", nil)
				m.Bill("Cost Explorer", "GetCostAndUsage", "page", 1)
			},
			[]schema.APICall{{Service: "ce", Operation: "GetCostAndUsage", Calls: 1, Units: 1, Unit: "page", USD: 0.01}},
		},
		{
			"a page the collector does not bill is paid all the same",
			func(m *Meter) { mustCharge(t, m, "ce", "GetCostAndUsage", 1) },
			[]schema.APICall{{Service: "ce", Operation: "GetCostAndUsage", Units: 1, Unit: "page", USD: 0.01}},
		},
		{
			"a call that AWS did not answer is refunded",
			func(m *Meter) { mustCharge(t, m, "ce", "GetCostAndUsage", 1)() },
			[]schema.APICall{{Service: "ce", Operation: "GetCostAndUsage", Unit: "page"}},
		},
		{
			"two calls ahead, billed one after the other",
			func(m *Meter) {
				mustCharge(t, m, "cloudwatch", "GetMetricData", 500)
				mustCharge(t, m, "cloudwatch", "GetMetricData", 300)
				m.Bill("cloudwatch", "GetMetricData", "metric", 300)
				m.Bill("cloudwatch", "GetMetricData", "metric", 500)
			},
			[]schema.APICall{{Service: "cloudwatch", Operation: "GetMetricData", Units: 800, Unit: "metric", USD: 0.008}},
		},
		{
			"what only the answer tells is added",
			func(m *Meter) {
				mustCharge(t, m, "logs", "StartQuery", 0)
				m.Bill("logs", "GetQueryResults", "GB", 2.5)
			},
			[]schema.APICall{
				{Service: "logs", Operation: "GetQueryResults", Units: 2.5, Unit: "GB", USD: 0.0125},
				{Service: "logs", Operation: "StartQuery", Unit: "GB"},
			},
		},
		{
			"other cloudwatch calls are billed by the request",
			func(m *Meter) { mustCharge(t, m, "cloudwatch", "ListMetrics", 1) },
			[]schema.APICall{{Service: "cloudwatch", Operation: "ListMetrics", Units: 1, Unit: "request", USD: 0.00001}},
		},
		{
			"log group listings are free",
			func(m *Meter) { mustCharge(t, m, "logs", "DescribeLogGroups", 1) },
			[]schema.APICall{},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			m := NewMeter(testRates(t), nil)
			tt.use(m)
			run := &Run{ID: "r", Collector: &Collector{Name: "c"}, Account: "1", Region: "x", Now: time.Unix(5, 0)}
			got := m.Ledger(run)
			var usd float64
			for i := range got {
				usd += got[i].USD
				if got[i].RunID != "r" || got[i].Collector != "c" || got[i].Account != "1" || got[i].Region != "x" || !got[i].CollectedAt.Equal(run.Now) {
					t.Errorf("row without its run: %+v", got[i])
				}
				got[i].RunID, got[i].Collector, got[i].Account, got[i].Region, got[i].CollectedAt = "", "", "", "", time.Time{}
			}
			if diff := cmp.Diff(tt.want, got, cmpopts.EquateApprox(0, 1e-12)); diff != "" {
				t.Errorf("ledger (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(usd, m.USD(), cmpopts.EquateApprox(0, 1e-12)); diff != "" {
				t.Errorf("USD (-ledger +got):\n%s", diff)
			}
		})
	}
}

func TestNilMeterOnlyForgets(t *testing.T) {
	t.Parallel()
	var m *Meter
	m.Bill("ce", "GetCostAndUsage", "page", 1)
	m.Count("ce", "GetCostAndUsage", nil)
	if _, err := m.charge("ce", "GetCostAndUsage", 1); err != nil {
		t.Error(err)
	}
	if m.USD() != 0 || m.Calls() != 0 || m.Ledger(&Run{}) != nil {
		t.Error("a nil meter counted")
	}
}

func TestBudget(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 30, 23, 59, 0, 0, time.UTC)
	budget := NewBudget(BudgetOptions{Ceilings: Ceilings{USD: 0.05}, Spent: map[string]float64{"ce": 0.02}, Now: func() time.Time { return now }})
	a, b := NewMeter(testRates(t), budget), NewMeter(testRates(t), budget)

	mustCharge(t, a, "ce", "GetCostAndUsage", 1)
	refund := mustCharge(t, b, "ce", "GetCostAndUsage", 1)
	mustCharge(t, a, "ce", "GetCostAndUsage", 1)
	_, err := b.charge("ce", "GetCostAndUsage", 1)
	if !errors.Is(err, ErrBudget) || Classify(err) != Skipped || Stop(err) {
		t.Errorf("the sixth page of five: %v", err)
	}
	if _, err := a.charge("logs", "StartQuery", 0); !errors.Is(err, ErrBudget) {
		t.Errorf("a query of unknown cost at the ceiling: %v", err)
	}
	if _, err := a.charge("logs", "GetQueryResults", 1); err != nil {
		t.Errorf("reading a query that is paid for: %v", err)
	}
	if _, err := a.charge("lambda", "ListFunctions", 1); err != nil {
		t.Errorf("a free call at the ceiling: %v", err)
	}
	refund()
	mustCharge(t, b, "ce", "GetCostAndUsage", 1)

	now = now.Add(time.Hour)
	if got := budget.SpentUSD(); got != 0 {
		t.Errorf("spent in the new month: %v", got)
	}
	mustCharge(t, b, "ce", "GetCostAndUsage", 1)
}

func TestBudgetOfOneService(t *testing.T) {
	t.Parallel()
	budget := NewBudget(BudgetOptions{
		Ceilings: Ceilings{USD: 1, ServiceUSD: map[string]float64{"ce": 0.02, "logs": 0}}, Spent: map[string]float64{"ce": 0.01, "cloudwatch": 0.5},
	})
	m := NewMeter(testRates(t), budget)
	mustCharge(t, m, "ce", "GetCostAndUsage", 1)
	_, err := m.charge("ce", "GetCostAndUsage", 1)
	if !errors.Is(err, ErrBudget) || !strings.Contains(err.Error(), "spent $0.0200 of the $0.02 for ce") {
		t.Errorf("the third page of two: %v", err)
	}
	if _, err := m.charge("logs", "StartQuery", 0); !errors.Is(err, ErrBudget) {
		t.Errorf("a query of a service that may cost nothing: %v", err)
	}
	mustCharge(t, m, "cloudwatch", "GetMetricData", 100) // has only the ceiling of all
	if got := budget.SpentUSD(); math.Abs(got-0.521) > 1e-9 {
		t.Errorf("spent $%v", got)
	}
	budget.SetCeilings(Ceilings{USD: 1})
	mustCharge(t, m, "ce", "GetCostAndUsage", 1)
}

func TestZeroCeilingRefusesPricedCallsAlone(t *testing.T) {
	t.Parallel()
	m := NewMeter(testRates(t), NewBudget(BudgetOptions{}))
	if _, err := m.charge("ce", "GetCostAndUsage", 1); !errors.Is(err, ErrBudget) {
		t.Errorf("error: %v", err)
	}
	mustCharge(t, m, "iam", "GetRole", 1)
}

func TestPrice(t *testing.T) {
	t.Parallel()
	rates := testRates(t)
	if got := (APICost{Units: 300, Unit: "page"}).Price(rates).USD; got != 3 {
		t.Errorf("300 pages: $%v", got)
	}
	if got := (APICost{Units: 300, Unit: "page", USD: 1}).Price(rates).USD; got != 1 {
		t.Errorf("priced already: $%v", got)
	}
	if got := (APICost{Calls: 300}).Price(rates).USD; got != 0 {
		t.Errorf("free calls: $%v", got)
	}
}

func mustCharge(t *testing.T, m *Meter, service, operation string, units float64) (refund func()) {
	t.Helper()
	refund, err := m.charge(service, operation, units)
	if err != nil {
		t.Fatal(err)
	}
	return refund
}
