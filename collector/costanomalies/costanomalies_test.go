package costanomalies

import (
	"maps"
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
	first = `{"Anomalies":[{"AnomalyId":"a1","MonitorArn":"arn:aws:ce::123456789012:anomalymonitor/m1","AnomalyStartDate":"2026-10-03T00:00:00Z","AnomalyEndDate":"2026-10-06T00:00:00Z",
		"DimensionValue":"AWS Lambda","AnomalyScore":{"MaxScore":0.9,"CurrentScore":0.5},"Feedback":"PLANNED_ACTIVITY",
		"Impact":{"MaxImpact":40.5,"TotalImpact":100.25,"TotalActualSpend":120.25,"TotalExpectedSpend":20,"TotalImpactPercentage":501.25},
		"RootCauses":[{"Service":"AWS Lambda","Region":"us-east-1","LinkedAccount":"123456789012","UsageType":"Request","Impact":{"Contribution":1}},
			{"Service":"AWS Lambda","Region":"eu-west-1","LinkedAccount":"123456789012","UsageType":"EU-Lambda-GB-Second","Impact":{"Contribution":99.25}}]}],"NextPageToken":"more"}`
	second   = `{"Anomalies":[{"AnomalyId":"a2","MonitorArn":"arn:m","AnomalyStartDate":"2026-10-30","AnomalyScore":{"MaxScore":0.1,"CurrentScore":0.1},"Impact":{"MaxImpact":3,"TotalImpact":3}}]}`
	watching = `{"AnomalyMonitors":[{"MonitorArn":"arn:m1","MonitorName":"services","MonitorType":"DIMENSIONAL","MonitorDimension":"SERVICE","CreationDate":"2025-01-02T03:04:05Z",
			"LastEvaluatedDate":"2026-11-01T06:00:00Z","LastUpdatedDate":"2025-01-02","DimensionalValueCount":12},
		{"MonitorArn":"arn:m2","MonitorName":"team","MonitorType":"CUSTOM","MonitorSpecification":{"Tags":{"Key":"owner","Values":["a"]}}}]}`
	telling = `{"AnomalySubscriptions":[{"SubscriptionName":"daily","Frequency":"DAILY","MonitorArnList":["arn:m1"],
		"Subscribers":[{"Address":"secret@example.com","Type":"EMAIL","Status":"CONFIRMED"},{"Address":"gone@example.com","Type":"EMAIL","Status":"DECLINED"}],
		"ThresholdExpression":{"Dimensions":{"Key":"ANOMALY_TOTAL_IMPACT_ABSOLUTE","Values":["100"],"MatchOptions":["GREATER_THAN_OR_EQUAL"]}}}]}`
)

func well() map[string]collecttest.Answer {
	return map[string]collecttest.Answer{
		anomaliesAction:     collecttest.Select(map[string]collecttest.Answer{`"NextPageToken":"more"`: collecttest.Body(second)}, collecttest.Body(first)),
		monitorsAction:      collecttest.Body(watching),
		subscriptionsAction: collecttest.Body(telling),
	}
}

func TestAnomalies(t *testing.T) {
	t.Parallel()
	wire := collecttest.NewWire(well())
	f := collecttest.New(t, Collector, collecttest.Options{Wire: wire, Rates: collecttest.PageRates()})
	f.Collect(t)
	f.Golden(t, "anomalies")
	f.Secret(t, "secret@example.com", nil)
	if asked := wire.Requests(anomaliesAction)[0]; !strings.Contains(asked, `"StartDate":"2026-08-03"`) {
		t.Errorf("asked %s", asked)
	}
	if usd := f.Meter.USD(); math.Abs(usd-0.04) > 1e-9 {
		t.Errorf("$%g for four pages", usd)
	}
}

// Monitors are looked at once a week, and again the next day when they or their
// subscriptions could not be read.
func TestMonitorsOnceAWeek(t *testing.T) {
	t.Parallel()
	day := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	wire := collecttest.NewWire(well())
	state := map[string]string{}
	run := func(at time.Time) {
		f := collecttest.New(t, Collector, collecttest.Options{Wire: wire, Now: at, State: state})
		f.Collect(t)
		state = f.State.Values()
	}
	wire.On(subscriptionsAction, collecttest.Deny(subscriptionsAction))
	run(day)
	wire.On(subscriptionsAction, collecttest.Body(telling))
	for i := 1; i <= 8; i++ {
		run(day.AddDate(0, 0, i))
	}
	if got := []int{wire.Calls(anomaliesAction), wire.Calls(monitorsAction), wire.Calls(subscriptionsAction)}; !slices.Equal(got, []int{18, 3, 3}) {
		t.Errorf("calls of anomalies, monitors and subscriptions in nine days: %v", got)
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	collecttest.Failures(t, Collector, collecttest.Options{}, well(), collecttest.Failure{
		Operation: anomaliesAction, Table: "cost_anomalies", Repeated: collecttest.Body(`{"Anomalies":[],"NextPageToken":"again"}`), Lost: []string{"cost_anomalies/"},
		Malformed: map[string]collecttest.Answer{
			"no id":     collecttest.Body(`{"Anomalies":[{"Impact":{"TotalImpact":1},"AnomalyStartDate":"2026-10-30"}]}`),
			"no impact": collecttest.Body(`{"Anomalies":[{"AnomalyId":"a","AnomalyStartDate":"2026-10-30"}]}`),
			"no day":    collecttest.Body(`{"Anomalies":[{"AnomalyId":"a","Impact":{"TotalImpact":1},"AnomalyStartDate":"yesterday"}]}`),
		},
	})
	collecttest.Failures(t, Collector, collecttest.Options{}, well(), collecttest.Failure{
		Operation: monitorsAction, Table: "cost_anomaly_monitors", Repeated: collecttest.Body(`{"AnomalyMonitors":[],"NextPageToken":"again"}`), Lost: []string{"cost_anomaly_monitors/"},
		Malformed: map[string]collecttest.Answer{"no arn": collecttest.Body(`{"AnomalyMonitors":[{"MonitorName":"a"}]}`)},
	})
	collecttest.Failures(t, Collector, collecttest.Options{}, well(), collecttest.Failure{
		Operation: subscriptionsAction, Table: "cost_anomaly_monitors", Kind: "subscriptions", Repeated: collecttest.Body(`{"AnomalySubscriptions":[],"NextPageToken":"again"}`),
	})
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
	want := map[string]float64{}
	for _, a := range world.Anomalies() {
		want[a.ID+" "+a.Region] = a.Impact()
	}
	for _, a := range collecttest.Rows[schema.CostAnomaly](f.Sink) {
		key := a.AnomalyID + " " + a.CauseRegions[0]
		if usd, ok := want[key]; !ok || math.Abs(usd-a.TotalImpactUSD) > 1e-9 {
			t.Errorf("anomaly %s: $%g, want $%g", key, a.TotalImpactUSD, usd)
		}
		delete(want, key)
	}
	if len(want) != 0 || len(world.Anomalies()) == 0 {
		t.Errorf("%d anomalies, of which these are not stored: %v", len(world.Anomalies()), slices.Collect(maps.Keys(want)))
	}
	monitors := collecttest.Rows[schema.CostAnomalyMonitor](f.Sink)
	if len(monitors) != len(world.AnomalyMonitors) {
		t.Errorf("%d monitors", len(monitors))
	}
	f.Secret(t, "finops@example.com", nil)
	account.SameLedger(t, f)
}

func TestSimulatedFaults(t *testing.T) {
	t.Parallel()
	for name, o := range map[string]awssim.Options{
		"denied":         {Deny: []string{anomaliesAction}},
		"repeated token": {Faults: []awssim.Fault{{Service: "ce", Operation: "GetAnomalies", Kind: awssim.FaultRepeatToken}}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			o.World = collecttest.Month(t)
			f := collecttest.Serve(t, o).Run(t, Collector, collecttest.Options{})
			f.Collect(t)
			if got := f.CompletionList(); len(f.Gaps()) != 1 || !slices.Equal(got, []string{"cost_anomaly_monitors/"}) {
				t.Errorf("gaps %v, completions %v", f.GapList(), got)
			}
		})
	}
}

func TestEstimate(t *testing.T) {
	t.Parallel()
	if usd := Collector.Estimate(collect.Inventory{Accounts: 1}).Price(collecttest.PageRates()).USD; usd < 0.38 || usd > 0.41 {
		t.Errorf("$%.2f a month", usd)
	}
}
