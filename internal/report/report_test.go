package report

import (
	"bytes"
	"encoding/csv"
	"encoding/json"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/schema"
)

func row() schema.Finding {
	at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	return schema.Finding{
		Fingerprint: "abc", Analyzer: "sample", Resource: "arn:aws:lambda:us-east-1:111122223333:function:a", Account: "111122223333",
		Region: "us-east-1", Owner: "=cmd|' /C calc'!A0", Severity: "high", Confidence: "low",
		SavingsLow: 1, SavingsExpected: 1234.5, SavingsHigh: 2000, Summary: "Uses \x1b[31m10 %\x1b[0m of its memory, \"really\".",
		Evidence: `{"n":1}`, Remediation: "-1", Status: "open", FirstSeen: at, LastSeen: at,
	}
}

func TestJSONIsTheContract(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := WriteFindings(&b, "json", FromRows([]schema.Finding{row()})); err != nil {
		t.Fatal(err)
	}
	var got []map[string]any
	if err := json.Unmarshal(b.Bytes(), &got); err != nil {
		t.Fatal(err)
	}
	want := []map[string]any{{
		"fingerprint": "abc", "analyzer": "sample", "resource": "arn:aws:lambda:us-east-1:111122223333:function:a", "account": "111122223333",
		"region": "us-east-1", "owner": "=cmd|' /C calc'!A0", "severity": "high", "confidence": "low",
		"savings_usd": map[string]any{"low": 1.0, "expected": 1234.5, "high": 2000.0},
		"summary":     "Uses \x1b[31m10 %\x1b[0m of its memory, \"really\".", "evidence": map[string]any{"n": 1.0}, "remediation": "-1",
		"status": "open", "first_seen": "2026-11-01T00:00:00Z", "last_seen": "2026-11-01T00:00:00Z",
	}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("JSON (-want +got):\n%s", diff)
	}
}

func TestNoFindingsAreAnEmptyArray(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := WriteFindings(&b, "json", FromRows(nil)); err != nil || strings.TrimSpace(b.String()) != "[]" {
		t.Errorf("%q, %v", b.String(), err)
	}
}

func TestCSVDefusesFormulas(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := WriteFindings(&b, "csv", FromRows([]schema.Finding{row()})); err != nil {
		t.Fatal(err)
	}
	rows, err := csv.NewReader(&b).ReadAll()
	if err != nil {
		t.Fatal(err)
	}
	if len(rows) != 2 || len(rows[1]) != len(csvHeader) {
		t.Fatalf("rows are %v", rows)
	}
	got := map[string]string{}
	for i, name := range rows[0] {
		got[name] = rows[1][i]
	}
	for name, want := range map[string]string{"owner": "'=cmd|' /C calc'!A0", "remediation": "'-1", "savings_expected_usd": "1234.50", "evidence": `{"n":1}`} {
		if got[name] != want {
			t.Errorf("%s is %q, want %q", name, got[name], want)
		}
	}
}

func TestTableCannotSteerTheTerminal(t *testing.T) {
	t.Parallel()
	var b bytes.Buffer
	if err := WriteFindings(&b, "table", FromRows([]schema.Finding{row()})); err != nil {
		t.Fatal(err)
	}
	if strings.Contains(b.String(), "\x1b") {
		t.Errorf("an escape sequence of a name reaches the terminal: %q", b.String())
	}
	if !strings.Contains(b.String(), "$1,235") || !strings.Contains(b.String(), "$1.00 – $2,000") {
		t.Errorf("the amounts are missing:\n%s", b.String())
	}
}

func TestUnknownFormat(t *testing.T) {
	t.Parallel()
	err := WriteFindings(&bytes.Buffer{}, "xml", nil)
	if err == nil || !strings.Contains(err.Error(), `format "xml" is unknown: use table, json or csv`) {
		t.Errorf("error is %v", err)
	}
}

func TestUSD(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{0: "$0.00", 0.5: "$0.50", 99.99: "$99.99", 100: "$100", 1234.5: "$1,235", 1234567: "$1,234,567"} {
		if got := USD(v); got != want {
			t.Errorf("USD(%v) is %s, want %s", v, got, want)
		}
	}
}
