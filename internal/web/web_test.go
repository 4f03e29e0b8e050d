package web

import (
	"errors"
	"fmt"
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
	return ask(t, Options{Snapshot: func() *engine.Snapshot { return s }}, path)
}

// ask is get with what a test says of the store.
func ask(t *testing.T, o Options, path string) (int, http.Header, string) {
	t.Helper()
	o.Registry, o.Logger, o.Version = prometheus.NewRegistry(), slog.New(slog.DiscardHandler), "test"
	if o.Health == nil {
		o.Health = func() *engine.Health { return &engine.Health{} }
	}
	h, err := New(o)
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
		Usage: []engine.Usage{
			{Account: "111122223333", Region: "us-east-1", Function: "<i>dear</i>", Read: true, Priced: true, MonthlyUSD: 1234.5, Day: engine.DayUsage{Invocations: 98765}},
			{Account: "111122223333", Region: "us-east-1", Function: "unread"},
		},
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

func TestHealthMeansWhatItSays(t *testing.T) {
	t.Parallel()
	now := time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	for _, tt := range []struct {
		name          string
		embedded      bool
		away          time.Duration // since the store stopped answering; 0: it answers
		health, ready int
		says          string
	}{
		{"all is well", true, 0, 200, 200, "ready"},
		{"the engine is slow", true, time.Minute, 200, 503, "the store has not answered for 1m0s"},
		{"the engine is stuck", true, 3 * time.Minute, 503, 503, "the store has not answered for 3m0s"},
		{"the server is away", false, time.Hour, 200, 503, "the store has not answered for 1h0m0s"},
	} {
		h := &engine.Health{Since: now.Add(-tt.away)}
		if tt.away > 0 {
			h.Fault = errors.New("no answer")
		}
		o := Options{Snapshot: analyzed, Health: func() *engine.Health { return h }, Embedded: tt.embedded, Now: func() time.Time { return now }}
		if _, _, body := ask(t, o, "/"); strings.Contains(body, "The store has not answered") != (tt.away > 0) {
			t.Errorf("%s: the overview does not say so", tt.name)
		}
		if code, _, body := ask(t, o, "/healthz"); code != tt.health {
			t.Errorf("%s: /healthz answers %d %s", tt.name, code, body)
		}
		if code, _, body := ask(t, o, "/readyz"); code != tt.ready || !strings.Contains(body, tt.says) {
			t.Errorf("%s: /readyz answers %d %s", tt.name, code, body)
		}
	}
}

func TestOverviewShowsAnswersAndEscapesNames(t *testing.T) {
	t.Parallel()
	code, header, body := get(t, analyzed(), "/")
	if code != http.StatusOK || !strings.Contains(header.Get("Content-Security-Policy"), "default-src 'none'") {
		t.Fatalf("%d %v", code, header)
	}
	for _, want := range []string{"$2.00", "$1.00 – $3.00", "50 %", "2 × denied: lambda:GetPolicy", "lambda:ListFunctions", "Lambda functions", "$1,235", "98,765", "one function has no known cost", "its usage could not be read"} {
		if !strings.Contains(body, want) {
			t.Errorf("the page lacks %q", want)
		}
	}
	for _, hostile := range []string{"<script>", "<img src=x", `"><b>`, "<i>"} {
		if strings.Contains(body, hostile) {
			t.Errorf("the page holds %q unescaped", hostile)
		}
	}
}

// Findings that save nothing are shown beside any number of dear ones.
func TestOverviewShowsFindingsOfEveryAnalyzer(t *testing.T) {
	t.Parallel()
	s := analyzed()
	for i := range 60 {
		s.Findings = append(s.Findings, schema.Finding{Analyzer: "dear", Resource: fmt.Sprintf("arn:aws:lambda:us-east-1:1:function:dear-%d", i), SavingsExpected: 9, SavingsHigh: 9})
	}
	s.Findings = append(s.Findings, schema.Finding{Analyzer: "throttles", Resource: "arn:aws:lambda:us-east-1:1:function:throttled"})
	_, _, body := get(t, s, "/")
	if !strings.Contains(body, "<b>throttled</b>") || !strings.Contains(body, "The first 27 of 62") || strings.Contains(body, "dear-25<") {
		t.Errorf("the page is not the first 25 of each analyzer:\n%s", body)
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
