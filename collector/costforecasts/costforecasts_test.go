package costforecasts

import (
	"math"
	"net/http"
	"strings"
	"testing"
	"time"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

func answer(mean, lower, upper string) collecttest.Answer {
	return collecttest.Body(`{"Total":{"Amount":"` + mean + `","Unit":"USD"},"ForecastResultsByTime":[{"TimePeriod":{"Start":"2026-11-20","End":"2026-12-01"},
		"MeanValue":"` + mean + `","PredictionIntervalLowerBound":"` + lower + `","PredictionIntervalUpperBound":"` + upper + `"}]}`)
}

var (
	now  = time.Date(2026, 11, 20, 9, 0, 0, 0, time.UTC)
	well = map[string]collecttest.Answer{
		action: collecttest.Select(map[string]collecttest.Answer{lambdaService: answer("12.5", "10", "15.25")}, answer("1234.567890123456789", "1000", "1500")),
	}
	insufficient = collecttest.Fail("ce", http.StatusBadRequest, "DataUnavailableException", "Insufficient amount of historical data.")
)

func TestForecasts(t *testing.T) {
	t.Parallel()
	wire := collecttest.NewWire(well)
	f := collecttest.New(t, Collector, collecttest.Options{Wire: wire, Now: now, Rates: collecttest.PageRates()})
	f.Collect(t)
	f.Golden(t, "forecasts")
	asked := strings.Join(wire.Requests(action), "\n")
	for _, part := range []string{`"TimePeriod":{"End":"2026-12-01","Start":"2026-11-20"}`, `"PredictionIntervalLevel":80`, `"MONTHLY"`, "LINKED_ACCOUNT"} {
		if strings.Count(asked, part) != 2 {
			t.Errorf("both requests should say %s: %s", part, asked)
		}
	}
	if usd := f.Meter.USD(); usd != 0.02 {
		t.Errorf("$%g for two requests", usd)
	}
}

// On the last day of a month and in December the period still has a day.
func TestLastDay(t *testing.T) {
	t.Parallel()
	wire := collecttest.NewWire(well)
	f := collecttest.New(t, Collector, collecttest.Options{Wire: wire, Now: time.Date(2026, 12, 31, 23, 0, 0, 0, time.UTC)})
	f.Collect(t)
	if asked := wire.Requests(action)[0]; !strings.Contains(asked, `"TimePeriod":{"End":"2027-01-01","Start":"2026-12-31"}`) {
		t.Errorf("asked %s", asked)
	}
}

// Too little history is an answer: no forecast, no gap.
func TestInsufficientHistory(t *testing.T) {
	t.Parallel()
	f := collecttest.New(t, Collector, collecttest.Options{Wire: collecttest.NewWire(map[string]collecttest.Answer{action: insufficient}), Now: now})
	f.Collect(t)
	f.Golden(t, "insufficient")
}

// What goes wrong with one forecast costs it alone.
func TestFailures(t *testing.T) {
	t.Parallel()
	all := answer("10", "5", "15")
	for name, broken := range map[string]collecttest.Answer{
		"denied": collecttest.Deny(action), "html": collecttest.HTML(http.StatusNotFound), "truncated": collecttest.Body(`{"To`),
		"no forecast": collecttest.Body(`{"ForecastResultsByTime":[]}`), "no number": answer("dear", "1", "2"), "no bound": answer("1", "", "2"),
		"not enabled": collecttest.Fail("ce", http.StatusBadRequest, "AccessDeniedException", "User not enabled for cost explorer access"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wire := collecttest.NewWire(map[string]collecttest.Answer{action: collecttest.Select(map[string]collecttest.Answer{lambdaService: broken}, all)})
			f := collecttest.New(t, Collector, collecttest.Options{Wire: wire, Now: now})
			f.Collect(t)
			outcome := "failed"
			if name == "denied" {
				outcome = "denied"
			}
			if got := strings.Join(f.GapList(), ", "); got != "cost_forecasts/AWS Lambda "+outcome || len(f.CompletionList()) != 0 {
				t.Errorf("gaps %s, completions %v", got, f.CompletionList())
			}
			if rows := collecttest.Rows[schema.CostForecast](f.Sink); len(rows) != 1 {
				t.Errorf("%d rows", len(rows))
			}
		})
	}
}

func TestSimulatedAccount(t *testing.T) {
	t.Parallel()
	world := collecttest.Month(t)
	account := collecttest.Serve(t, awssim.Options{World: world})
	f := account.Run(t, Collector, collecttest.Options{Rates: collecttest.PageRates()})
	f.Collect(t)
	if len(f.Gaps()) != 0 || len(f.CompletionList()) != 2 {
		t.Fatalf("gaps %v, completions %v", f.Gaps(), f.CompletionList())
	}
	total, lambda := 0.0, 0.0
	for _, l := range world.BillLines(world.Start(), world.Now) {
		total += l.Final.Unblended
		if l.Service == lambdaService {
			lambda += l.Final.Unblended
		}
	}
	for _, row := range collecttest.Rows[schema.CostForecast](f.Sink) {
		days := row.PeriodEnd.Sub(row.PeriodStart).Hours() / 24
		want := map[string]float64{"": total, lambdaService: lambda}[row.Service] / float64(world.Days) * days
		mean, lower, upper := row.Mean.InexactFloat64(), row.Lower.InexactFloat64(), row.Upper.InexactFloat64()
		if math.Abs(mean-want) > 1e-6 || lower >= mean || upper <= mean || days != 9 {
			t.Errorf("%q: %.4f in %.4f … %.4f over %.0f days, want %.4f", row.Service, mean, lower, upper, days, want)
		}
	}
	account.SameLedger(t, f)
}

func TestSimulatedDenial(t *testing.T) {
	t.Parallel()
	account := collecttest.Serve(t, awssim.Options{World: collecttest.Month(t), Deny: []string{action}})
	f := account.Run(t, Collector, collecttest.Options{Rates: collecttest.PageRates()})
	f.Collect(t)
	if got := strings.Join(f.GapList(), ", "); got != "cost_forecasts/AWS Lambda denied, cost_forecasts/all services denied" || f.Meter.USD() != 0 {
		t.Errorf("gaps %s, $%g", got, f.Meter.USD())
	}
	account.SameLedger(t, f)
}

func TestEstimate(t *testing.T) {
	t.Parallel()
	if usd := Collector.Estimate(collect.Inventory{Accounts: 1}).Price(collecttest.PageRates()).USD; usd < 0.60 || usd > 0.62 {
		t.Errorf("$%.2f a month", usd)
	}
}
