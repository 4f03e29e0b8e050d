package web

import (
	"io"
	"log/slog"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/prometheus/client_golang/prometheus"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/engine"
	"github.com/faaswarden/faaswarden/internal/schema"
)

func get(t *testing.T, s *engine.Snapshot, path string) (int, http.Header, string) {
	t.Helper()
	h, err := New(Options{Snapshot: func() *engine.Snapshot { return s }, Registry: prometheus.NewRegistry(), Logger: slog.New(slog.DiscardHandler), Version: "test"})
	if err != nil {
		t.Fatal(err)
	}
	w := httptest.NewRecorder()
	h.ServeHTTP(w, httptest.NewRequestWithContext(t.Context(), http.MethodGet, path, nil))
	body, err := io.ReadAll(w.Result().Body)
	if err != nil {
		t.Fatal(err)
	}
	return w.Code, w.Header(), string(body)
}

func analyzed() *engine.Snapshot {
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	return &engine.Snapshot{
		At: at, Window: analysis.Window{From: at.AddDate(0, 0, -30), To: at}, Functions: 3,
		Analyzers: []engine.AnalyzerSummary{{
			Analyzer: &analysis.Analyzer{Name: "sample", Title: "samples"}, Open: 1, Savings: analysis.Interval{Low: 1, Expected: 2, High: 3},
			Run:             schema.AnalyzerRun{Outcome: "ok", OK: 1, Violations: 1, CannotDetermine: 2},
			CannotDetermine: []engine.ReasonCount{{Reason: "denied", Detail: "lambda:GetPolicy", Count: 2}},
		}},
		Findings: []schema.Finding{{
			Analyzer: "sample", Resource: `arn:aws:lambda:us-east-1:111122223333:function:<script>alert(1)</script>`, Summary: `<img src=x onerror=alert(2)>`,
			Owner: `"><b>`, SavingsLow: 1, SavingsExpected: 2, SavingsHigh: 3, Evidence: `{"x":"</pre><script>"}`, Remediation: "aws lambda …",
		}},
		Collectors: []engine.Status{{Collector: "functions", Account: "111122223333", Region: "us-east-1", Outcome: "denied", Detail: "lambda:ListFunctions"}},
	}
}

func TestReadyMeansAnalyzed(t *testing.T) {
	t.Parallel()
	if code, _, body := get(t, &engine.Snapshot{}, "/readyz"); code != http.StatusServiceUnavailable || !strings.Contains(body, "no analysis has finished yet") {
		t.Errorf("before: %d %s", code, body)
	}
	if code, _, _ := get(t, analyzed(), "/readyz"); code != http.StatusOK {
		t.Errorf("after: %d", code)
	}
	if code, _, _ := get(t, &engine.Snapshot{}, "/healthz"); code != http.StatusOK {
		t.Errorf("health: %d", code)
	}
}

func TestOverviewShowsAnswersAndEscapesNames(t *testing.T) {
	t.Parallel()
	code, header, body := get(t, analyzed(), "/")
	if code != http.StatusOK || !strings.Contains(header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Fatalf("%d %v", code, header)
	}
	for _, want := range []string{"$2.00", "$1.00 – $3.00", "50 %", "2 × denied: lambda:GetPolicy", "lambda:ListFunctions", "Lambda functions"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, hostile := range []string{"<script>", "<img src=x", `"><b>`} {
		if strings.Contains(body, hostile) {
			t.Errorf("the page holds %q unescaped", hostile)
		}
	}
}

func TestOverviewBeforeTheFirstAnalysis(t *testing.T) {
	t.Parallel()
	if _, _, body := get(t, &engine.Snapshot{}, "/"); !strings.Contains(body, "No analysis has finished yet") || strings.Contains(body, "$0.00") {
		t.Errorf("an empty store looks like zero findings:\n%s", body)
	}
}

func TestUnknownPathsAndMethods(t *testing.T) {
	t.Parallel()
	if code, _, _ := get(t, analyzed(), "/../etc/passwd"); code == http.StatusOK {
		t.Error("a path outside is served")
	}
	if code, _, _ := get(t, analyzed(), "/nothing"); code != http.StatusNotFound {
		t.Errorf("an unknown path answers %d", code)
	}
}
