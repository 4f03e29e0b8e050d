// Package report writes findings and summaries for people and for scripts:
// table, JSON and CSV. The JSON field names are a contract.
package report

import (
	"encoding/json"
	"fmt"
	"math"
	"strings"
	"time"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// Finding is a finding as scripts read it.
type Finding struct {
	Fingerprint string          `json:"fingerprint"`
	Analyzer    string          `json:"analyzer"`
	Resource    string          `json:"resource"`
	Members     []string        `json:"members,omitempty"` // further resources the finding covers
	Account     string          `json:"account"`
	Region      string          `json:"region"`
	Owner       string          `json:"owner"`
	Severity    string          `json:"severity"`
	Confidence  string          `json:"confidence"`
	Savings     Savings         `json:"savings_usd"`        // a month
	Unpriced    string          `json:"unpriced,omitempty"` // why savings_usd is not known
	Summary     string          `json:"summary"`
	Evidence    json.RawMessage `json:"evidence"`
	Remediation string          `json:"remediation"`
	Status      string          `json:"status"`
	FirstSeen   time.Time       `json:"first_seen"`
	LastSeen    time.Time       `json:"last_seen"`
}

// Savings is monthly USD.
type Savings struct {
	Low      float64 `json:"low"`
	Expected float64 `json:"expected"`
	High     float64 `json:"high"`
}

// Name is the resource's own name, the last part of its ARN.
func (f Finding) Name() string { return f.Resource[strings.LastIndexByte(f.Resource, ':')+1:] }

// FromRow turns a stored finding into its public form.
func FromRow(r schema.Finding) Finding {
	return Finding{
		Fingerprint: r.Fingerprint, Analyzer: r.Analyzer, Resource: r.Resource, Members: r.Members,
		Account: r.Account, Region: r.Region, Owner: r.Owner, Severity: r.Severity, Confidence: r.Confidence,
		Savings:  Savings{r.SavingsLow, r.SavingsExpected, r.SavingsHigh},
		Unpriced: r.Unpriced, Summary: r.Summary, Evidence: json.RawMessage(r.Evidence), Remediation: r.Remediation,
		Status: r.Status, FirstSeen: r.FirstSeen.UTC(), LastSeen: r.LastSeen.UTC(),
	}
}

// FromRows is FromRow for a list; it is never nil, so JSON shows [].
func FromRows(rows []schema.Finding) []Finding {
	list := make([]Finding, len(rows))
	for i, r := range rows {
		list[i] = FromRow(r)
	}
	return list
}

// USD is an amount for people: cents below a hundred dollars, whole dollars above.
func USD(v float64) string {
	if v >= 100 {
		return "$" + Thousands(uint64(v+0.5))
	}
	return fmt.Sprintf("$%.2f", v)
}

// Thousands is a count for people.
func Thousands(n uint64) string {
	if n < 1000 {
		return fmt.Sprint(n)
	}
	return fmt.Sprintf("%s,%03d", Thousands(n/1000), n%1000)
}

// RoundSavings rounds a sum of savings to the cent.
func RoundSavings(s analysis.Interval) Savings {
	cents := func(v float64) float64 { return math.Round(v*100) / 100 }
	return Savings{cents(s.Low), cents(s.Expected), cents(s.High)}
}

// Range is an interval for people; a finding that saves nothing says so with a dash.
func (s Savings) Range() string {
	if s.High == 0 {
		return "–"
	}
	return USD(s.Low) + " – " + USD(s.High)
}

// Expectation is the expected amount for people: a dash when nothing is saved,
// and "unpriced" when there is a reason for not knowing.
func (s Savings) Expectation(unpriced string) string {
	switch {
	case unpriced != "":
		return "unpriced"
	case s.Expected == 0:
		return "–"
	}
	return USD(s.Expected)
}
