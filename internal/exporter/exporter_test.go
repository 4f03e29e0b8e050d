package exporter

import (
	"errors"
	"fmt"
	"math"
	"net/http"
	"net/http/httptest"
	"os/exec"
	"strings"
	"testing"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus/promhttp"
	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"
	"github.com/prometheus/common/model"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/analysis/evidence"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/config"
	"github.com/faaswarden/faaswarden/internal/engine"
	"github.com/faaswarden/faaswarden/internal/schema"
	"github.com/faaswarden/faaswarden/internal/store"
)

var at = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

var sample = &analysis.Analyzer{
	Name:     "sample",
	Measures: []analysis.Measure{{Name: "tag_coverage_ratio", Help: "Share of functions that are tagged.", Labels: []string{"key"}}},
}

func used(name string, usd, throttles float64) engine.Usage {
	return engine.Usage{
		Account: "111122223333", Region: "us-east-1", Function: name, Read: true, Priced: true, MonthlyUSD: usd,
		Tags: map[string]string{"cost-center": "42"}, Day: engine.DayUsage{USD: usd / 30, Invocations: 10, Throttles: throttles},
	}
}

func snapshot() *engine.Snapshot {
	run := schema.AnalyzerRun{Analyzer: "sample", Outcome: "ok", StartedAt: at, FinishedAt: at.Add(2 * time.Second), OK: 6, Violations: 2, CannotDetermine: 2}
	found := func(resource string, usd float64) schema.Finding {
		return schema.Finding{
			Fingerprint: "f-" + resource, Analyzer: "sample", Resource: resource, Account: "111122223333", Region: "us-east-1",
			Severity: "high", Confidence: "low", SavingsLow: usd / 2, SavingsExpected: usd, SavingsHigh: usd * 2,
		}
	}
	return &engine.Snapshot{
		At: at, Window: analysis.Window{From: at.AddDate(0, 0, -30), To: at}, Functions: 10,
		Analyzers: []engine.AnalyzerSummary{{
			Analyzer: sample, Run: run, LastSuccess: run.FinishedAt, Open: 3,
			CannotDetermine: []engine.ReasonCount{{Analyzer: "sample", Reason: "denied", Detail: "lambda:GetPolicy", Count: 2}},
		}},
		Findings:     []schema.Finding{found("arn:a", 30), found("arn:\n\"b\"\xff", 20), found("arn:c", 10)},
		Measurements: []schema.Measurement{{Analyzer: "sample", Name: "tag_coverage_ratio", Account: "111122223333", Region: "us-east-1", Labels: []string{"owner"}, Value: 0.75}},
		Collectors: []engine.Status{{
			Collector: "functions", Account: "111122223333", Region: "us-east-1", Outcome: "ok", Partial: true, Seconds: 1.5,
			LastStartedAt: at, LastSuccessAt: at,
		}},
		Blind: []evidence.Gap{},
		API:   []engine.APISpend{{Account: "111122223333", Service: "ce", Operation: "GetCostAndUsage", Calls: 3, USD: 0.03}},
		Usage: []engine.Usage{
			used("dear", 90, 3), used("second", 20, 0), used("third", 5, 0), used("fourth", 2, 0),
			{Account: "111122223333", Region: "us-east-1", Function: "blind"},
			{Account: "111122223333", Region: "us-east-1", Function: "unpriced", Read: true, Day: engine.DayUsage{Invocations: 50}},
		},
		Limits: []engine.Limit{{
			Account: "111122223333", Region: "us-east-1", Functions: 10, Concurrency: 1000, PeakRead: true, Peak: 750, CodeBytes: 5, CodeLimitBytes: 10,
		}},
		Tables: []store.TableSize{{Table: "metric_points", Rows: 900, Bytes: 4096}},
		Costs:  []engine.DayCost{{Account: "111122223333", Region: "us-east-1", Service: "AWS Lambda", Day: at, USD: 12.5}},
	}
}

// options serve a snapshot under a configuration that a test may change.
func options(s *engine.Snapshot, change func(*config.Config)) Options {
	c := config.Default()
	c.Metrics.TopFindings, c.Metrics.TopFunctions, c.Metrics.TagLabels = 2, 2, []string{"cost-center", "team"}
	if change != nil {
		change(c)
	}
	return Options{
		Snapshot: func() *engine.Snapshot { return s }, Config: func() *config.Config { return c },
		Health: func() *engine.Health { return &engine.Health{} }, Reload: func() Reload { return Reload{OK: true, Success: at} },
		Suites: config.Suites{Analyzers: []*analysis.Analyzer{sample}, Collectors: []*collect.Collector{{Name: "functions", Every: 6 * time.Hour}}},
	}
}

// expose renders the metrics as a scrape would see them.
func expose(t *testing.T, o Options) string {
	t.Helper()
	var b strings.Builder
	for _, f := range gather(t, o) {
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func gather(t *testing.T, o Options) []*dto.MetricFamily {
	t.Helper()
	r, err := New(o).Registry()
	if err != nil {
		t.Fatal(err)
	}
	families, err := r.Gather()
	if err != nil {
		t.Fatal(err)
	}
	return families
}

func TestMetrics(t *testing.T) {
	t.Parallel()
	text := expose(t, options(snapshot(), nil))
	for _, want := range []string{
		`faaswarden_functions{account="111122223333",region="us-east-1"} 10`,
		`faaswarden_function_monthly_cost_usd{account="111122223333",function="dear",region="us-east-1"} 90`,
		`faaswarden_function_monthly_cost_usd{account="111122223333",function="other",region="us-east-1"} 7`,
		`faaswarden_function_day_invocations{account="111122223333",function="other",region="us-east-1"} 70`,
		`faaswarden_function_day_throttles{account="111122223333",function="dear",region="us-east-1"} 3`,
		`faaswarden_function_tags_info{account="111122223333",function="dear",region="us-east-1",tag_cost_center="42",tag_team=""} 1`,
		`faaswarden_functions_without_usage{account="111122223333",region="us-east-1"} 1`,
		`faaswarden_functions_unpriced{account="111122223333",region="us-east-1"} 1`,
		`faaswarden_account_concurrency_headroom_ratio{account="111122223333",region="us-east-1"} 0.25`,
		`faaswarden_account_code_storage_bytes{account="111122223333",region="us-east-1"} 5`,
		`faaswarden_collector_interval_seconds{collector="functions"} 21600`,
		`faaswarden_analysis_interval_seconds 3600`,
		`faaswarden_api_budget_usd 25`,
		`faaswarden_store_up 1`,
		`faaswarden_store_size_bytes{table="metric_points"} 4096`,
		`faaswarden_store_rows{table="metric_points"} 900`,
		`faaswarden_series_budget 20000`,
		`faaswarden_series_dropped 0`,
		`faaswarden_config_last_reload_success 1`,
		`faaswarden_findings{account="111122223333",analyzer="sample",confidence="low",region="us-east-1",severity="high"} 3`,
		`faaswarden_finding_monthly_savings_usd{account="111122223333",analyzer="sample",bound="expected",confidence="low",fingerprint="f-arn:a",region="us-east-1",resource="arn:a",severity="high"} 30`,
		`bound="high",confidence="low",fingerprint="",region="us-east-1",resource="other",severity="high"} 20`,
		`faaswarden_coverage_ratio{analyzer="sample"} 0.8`,
		`faaswarden_judgements{analyzer="sample",verdict="cannot_determine"} 2`,
		`faaswarden_cannot_determine{analyzer="sample",reason="denied"} 2`,
		`faaswarden_tag_coverage_ratio{account="111122223333",key="owner",region="us-east-1"} 0.75`,
		`faaswarden_billed_cost_usd{account="111122223333",region="us-east-1",service="AWS Lambda"} 12.5`,
		`faaswarden_collector_last_run_partial{account="111122223333",collector="functions",region="us-east-1"} 1`,
		`faaswarden_api_cost_usd{account="111122223333",operation="GetCostAndUsage",service="ce"} 0.03`,
	} {
		if !strings.Contains(text, want) {
			t.Errorf("the exposition lacks %s\n%s", want, text)
		}
	}
	if n := strings.Count(text, "faaswarden_finding_monthly_savings_usd{"); n != 9 {
		t.Errorf("%d savings series, want 3 bounds × (2 + other)", n)
	}
}

func TestNothingRunYetIsAbsentNotZero(t *testing.T) {
	t.Parallel()
	text := expose(t, options(&engine.Snapshot{Analyzers: []engine.AnalyzerSummary{{Analyzer: sample}}}, nil))
	for _, name := range []string{"faaswarden_functions", "faaswarden_coverage_ratio", "faaswarden_judgements", "faaswarden_analysis_window_end"} {
		if strings.Contains(text, name) {
			t.Errorf("%s is shown before anything ran:\n%s", name, text)
		}
	}
}

// What is gone from the snapshot is gone from the next scrape of the same exporter.
func TestSeriesDisappearWithTheirFunction(t *testing.T) {
	t.Parallel()
	before, after := snapshot(), snapshot()
	after.Findings = after.Findings[1:]
	after.Usage = after.Usage[1:]
	shown := before
	o := options(before, nil)
	o.Snapshot = func() *engine.Snapshot { return shown }
	r, err := New(o).Registry()
	if err != nil {
		t.Fatal(err)
	}
	for _, s := range []*engine.Snapshot{before, after} {
		shown = s
		families, err := r.Gather()
		if err != nil {
			t.Fatal(err)
		}
		text := fmt.Sprint(families)
		for _, name := range []string{"arn:a", `"dear"`} {
			if got, want := strings.Contains(text, name), s == before; got != want {
				t.Errorf("%s is shown: %t, want %t", name, got, want)
			}
		}
	}
}

// A tag may hold anything, and a measurement may be told twice or by an older
// version with other labels: the page stays whole and readable.
func TestHostileLabels(t *testing.T) {
	t.Parallel()
	long := strings.Repeat("é", 2000)
	s := snapshot()
	s.Usage[0].Tags = map[string]string{"cost-center": "a\nb\"c\\", "team": long + "1"}
	s.Usage[1].Tags = map[string]string{"team": long + "2"}
	s.Measurements = append(s.Measurements, s.Measurements[0])
	s.Measurements = append(s.Measurements, schema.Measurement{Name: "tag_coverage_ratio", Account: "111122223333", Region: "us-east-1", Labels: []string{"a", "b"}})
	text := expose(t, options(s, nil))
	if want := `tag_cost_center="a\nb\"c\\"`; !strings.Contains(text, want) {
		t.Errorf("the exposition lacks %s", want)
	}
	parser := expfmt.NewTextParser(model.UTF8Validation)
	families, err := parser.TextToMetricFamilies(strings.NewReader(text))
	if err != nil {
		t.Fatalf("the exposition cannot be read back: %v", err)
	}
	teams := map[string]bool{}
	for _, m := range families["faaswarden_function_tags_info"].GetMetric() {
		for _, l := range m.GetLabel() {
			if l.GetName() != "tag_team" {
				continue
			}
			teams[l.GetValue()] = true
			if len(l.GetValue()) > maxLabelBytes+12 || !utf8.ValidString(l.GetValue()) {
				t.Errorf("a label of %d bytes", len(l.GetValue()))
			}
		}
	}
	if len(teams) != 2 {
		t.Errorf("two long tags with one beginning are shown as %d", len(teams))
	}
	if !strings.Contains(text, "faaswarden_series_dropped 1\n") {
		t.Error("the measurement with other labels is not counted as left out")
	}
	promtool(t, text)
}

// However small the budget, it is kept, the sums stay right, and what was left
// out is counted.
func TestSeriesBudgetIsKept(t *testing.T) {
	t.Parallel()
	for _, budget := range []int{40, 60, 100, 300, 3000} {
		s := crowd(1000)
		shown, lost, monthly := 0, 0.0, 0.0
		for _, f := range gather(t, options(s, func(c *config.Config) {
			c.Metrics.SeriesBudget, c.Metrics.TopFindings, c.Metrics.TopFunctions = budget, 10_000, 10_000
		})) {
			shown += len(f.GetMetric())
			for _, m := range f.GetMetric() {
				switch f.GetName() {
				case "faaswarden_series":
					if int(m.GetGauge().GetValue()) > budget {
						t.Errorf("faaswarden_series says %v of a budget of %d", m.GetGauge().GetValue(), budget)
					}
				case "faaswarden_series_dropped":
					lost = m.GetGauge().GetValue()
				case "faaswarden_function_monthly_cost_usd":
					monthly += m.GetGauge().GetValue()
				}
			}
		}
		if shown > budget {
			t.Errorf("%d series are shown of a budget of %d", shown, budget)
		}
		if lost == 0 {
			t.Errorf("a budget of %d leaves nothing out", budget)
		}
		if want := 1000.0 * 1001 / 2; budget >= 60 && math.Abs(monthly-want) > 1e-6 {
			t.Errorf("with a budget of %d the functions' costs add up to %v, want %v", budget, monthly, want)
		}
	}
}

// crowd is a snapshot of n functions, dearest first, with a finding each.
func crowd(n int) *engine.Snapshot {
	s := snapshot()
	s.Usage, s.Findings = nil, nil
	for i := range n {
		s.Usage = append(s.Usage, used(fmt.Sprintf("function-%05d", i), float64(n-i), 0))
		s.Findings = append(s.Findings, schema.Finding{
			Fingerprint: fmt.Sprint(i), Analyzer: "sample", Resource: fmt.Sprintf("arn:aws:lambda:us-east-1:111122223333:function:function-%05d", i),
			Account: "111122223333", Region: "us-east-1", Severity: "high", Confidence: "low", SavingsLow: 1, SavingsExpected: 2, SavingsHigh: 3,
		})
	}
	return s
}

func TestStoreAndReloadAreToldAtOnce(t *testing.T) {
	t.Parallel()
	o := options(snapshot(), nil)
	o.Health = func() *engine.Health { return &engine.Health{Fault: errors.New("away")} }
	o.Reload = func() Reload { return Reload{Success: at} }
	text := expose(t, o)
	for _, want := range []string{"faaswarden_store_up 0\n", "faaswarden_config_last_reload_success 0\n", "faaswarden_config_last_reload_success_timestamp_seconds 1.7934912e+09\n"} {
		if !strings.Contains(text, want) {
			t.Errorf("the exposition lacks %s", want)
		}
	}
}

// A simulated account has a clock of its own; Prometheus compares with its.
func TestTimesFollowTheScrapersClock(t *testing.T) {
	t.Parallel()
	o := options(snapshot(), nil)
	o.Ahead = time.Hour
	text := expose(t, o)
	for _, name := range []string{`analysis_window_end_timestamp_seconds`, `collector_last_success_timestamp_seconds{account="111122223333",collector="functions",region="us-east-1"}`, `config_last_reload_success_timestamp_seconds`} {
		if want := fmt.Sprintf("faaswarden_%s %v\n", name, float64(at.Add(time.Hour).Unix())); !strings.Contains(text, want) {
			t.Errorf("the exposition lacks %s", want)
		}
	}
}

func TestNamesFollowTheConventions(t *testing.T) {
	t.Parallel()
	problems, err := promlint.NewWithMetricFamilies(gather(t, options(snapshot(), nil))).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestPromtoolAcceptsTheMetrics(t *testing.T) {
	t.Parallel()
	promtool(t, expose(t, options(snapshot(), nil)))
}

func promtool(t *testing.T, text string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "promtool", "check", "metrics")
	cmd.Stdin = strings.NewReader(text)
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool check metrics: %v (Debian's package prometheus has it)\n%s", err, out)
	}
}

// BenchmarkScrape answers GET /metrics for 10,000 functions with a finding each:
// as configured by default, and with series for every one of them.
func BenchmarkScrape(b *testing.B) {
	for _, tt := range []struct {
		name string
		top  int
	}{{"top-50", 50}, {"all-10000", 10_000}} {
		b.Run(tt.name, func(b *testing.B) {
			o := options(crowd(10_000), func(c *config.Config) {
				c.Metrics.TopFunctions, c.Metrics.TopFindings, c.Metrics.SeriesBudget = tt.top, tt.top, 200_000
			})
			r, err := New(o).Registry()
			if err != nil {
				b.Fatal(err)
			}
			h := promhttp.HandlerFor(r, promhttp.HandlerOpts{})
			b.ReportAllocs()
			bytes, lines := 0, 0
			for b.Loop() {
				w := httptest.NewRecorder()
				h.ServeHTTP(w, httptest.NewRequestWithContext(b.Context(), http.MethodGet, "/metrics", nil))
				if w.Code != http.StatusOK {
					b.Fatal(w.Body.String())
				}
				bytes = w.Body.Len()
				if lines == 0 {
					lines = strings.Count(w.Body.String(), "\nfaaswarden_")
				}
			}
			b.ReportMetric(float64(bytes), "bytes/scrape")
			b.ReportMetric(float64(lines), "series/scrape")
		})
	}
}
