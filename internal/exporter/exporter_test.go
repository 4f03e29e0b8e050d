package exporter

import (
	"fmt"
	"os/exec"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus/testutil/promlint"
	dto "github.com/prometheus/client_model/go"
	"github.com/prometheus/common/expfmt"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/analysis/evidence"
	"github.com/faaswarden/faaswarden/internal/engine"
	"github.com/faaswarden/faaswarden/internal/schema"
)

var at = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

var sample = &analysis.Analyzer{
	Name:     "sample",
	Measures: []analysis.Measure{{Name: "tag_coverage_ratio", Help: "Share of functions that are tagged.", Labels: []string{"key"}}},
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
		Costs: []engine.DayCost{{Account: "111122223333", Region: "us-east-1", Service: "AWS Lambda", Day: at, USD: 12.5}},
	}
}

// expose renders the metrics as a scrape would see them.
func expose(t *testing.T, s *engine.Snapshot, topN int) string {
	t.Helper()
	families := gather(t, s, topN)
	var b strings.Builder
	for _, f := range families {
		if _, err := expfmt.MetricFamilyToText(&b, f); err != nil {
			t.Fatal(err)
		}
	}
	return b.String()
}

func gather(t *testing.T, s *engine.Snapshot, topN int) []*dto.MetricFamily {
	t.Helper()
	r, err := New(Options{Snapshot: func() *engine.Snapshot { return s }, Analyzers: []*analysis.Analyzer{sample}, TopN: topN}).Registry()
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
	text := expose(t, snapshot(), 2)
	for _, want := range []string{
		`faaswarden_functions 10`,
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
	text := expose(t, &engine.Snapshot{Analyzers: []engine.AnalyzerSummary{{Analyzer: sample}}}, 0)
	for _, name := range []string{"faaswarden_functions", "faaswarden_coverage_ratio", "faaswarden_judgements", "faaswarden_analysis_window_end"} {
		if strings.Contains(text, name) {
			t.Errorf("%s is shown before anything ran:\n%s", name, text)
		}
	}
}

func TestSeriesOfAGoneFindingDisappear(t *testing.T) {
	t.Parallel()
	s := snapshot()
	s.Findings = s.Findings[:1]
	if text := expose(t, s, 0); strings.Contains(text, "arn:c") {
		t.Error("the series of a finding that is gone is still there")
	}
}

func TestNamesFollowTheConventions(t *testing.T) {
	t.Parallel()
	problems, err := promlint.NewWithMetricFamilies(gather(t, snapshot(), 2)).Lint()
	if err != nil {
		t.Fatal(err)
	}
	for _, p := range problems {
		t.Errorf("%s: %s", p.Metric, p.Text)
	}
}

func TestPromtoolAcceptsTheMetrics(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "promtool", "check", "metrics")
	cmd.Stdin = strings.NewReader(expose(t, snapshot(), 2))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool check metrics: %v (Debian's package prometheus has it)\n%s", err, out)
	}
}

func BenchmarkScrapeTenThousandFindings(b *testing.B) {
	s := snapshot()
	for i := range 10_000 {
		f := s.Findings[0]
		f.Fingerprint = fmt.Sprint(i)
		s.Findings = append(s.Findings, f)
	}
	r, err := New(Options{Snapshot: func() *engine.Snapshot { return s }}).Registry()
	if err != nil {
		b.Fatal(err)
	}
	b.ReportAllocs()
	for b.Loop() {
		if _, err := r.Gather(); err != nil {
			b.Fatal(err)
		}
	}
}
