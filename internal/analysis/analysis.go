// Package analysis is the analyzer contract: what an analyzer declares, what it
// is given, and the three ways a judgement can end. It imports the standard
// library only, so an analyzer can be read, and tested, without the daemon.
package analysis

import (
	"context"
	"time"
)

// An Analyzer is a value that says which tables it reads and what it concludes.
// It is immutable after package initialisation; help, docs, config keys, metric
// labels, boards and alert rules are computed from it.
type Analyzer struct {
	Name        string    // = folder = package = metric label = config key = doc anchor
	Title       string    // one clause, no capital, no full stop
	Doc         string    // the embedded doc.md
	Stage       Stage     // which of the six review stages asks the question
	Category    Category  // what the finding is about
	Severity    Severity  // default; the operator may override it
	Remediation string    // one imperative sentence
	Query       string    // the embedded query.sql; every analyzer's main question
	Params      []Param   // exactly the {placeholders} of Query, less the standard ones, plus object params
	Reads       []string  // tables and views; Validate ties them to collectors' Writes
	Measures    []Measure // numbers about the estate as a whole that the analyzer reports beside its findings
	Alerts      []Alert   // what of all this somebody must be told at once; usually none
	Run         func(context.Context, *Pass) error
}

// Measure declares a number an analyzer reports about the estate as a whole,
// such as the share of spend that is tagged. It is exported as
// faaswarden_<Name>, so Name ends in its unit and Labels are a closed set.
type Measure struct {
	Name   string
	Help   string
	Labels []string // in addition to account and region
}

// Measurement is one value of a Measure.
type Measurement struct {
	Name            string
	Account, Region string
	Labels          []string // values, in the order of Measure.Labels
	Value           float64  // NaN when there is something to measure and its amount cannot be told
}

// StandardParams are the placeholders every query may use without declaring
// them. They are bound from the Pass's Window.
//
//	{from:DateTime}, {to:DateTime}   the half-open analysis window, UTC
//	{account:String}, {region:String} empty means every account or region
//	{resource:String}                empty means every resource; set by `explain`
const StandardParams = "from to account region resource"

// Window is half-open: From ≤ t < To. To is the analysis's only "now".
type Window struct{ From, To time.Time }

// Days is the window's length in days.
func (w Window) Days() float64 { return w.To.Sub(w.From).Hours() / 24 }

// Monthly scales an amount observed over the window to a month of 730 hours,
// the month AWS prices by.
func (w Window) Monthly(amount float64) float64 {
	h := w.To.Sub(w.From).Hours()
	if h <= 0 {
		return 0
	}
	return amount * HoursPerMonth / h
}

// HoursPerMonth is the month that AWS's pricing pages and calculator use.
const HoursPerMonth = 730.0

// Subject is the thing judged: an ARN and where it lives.
type Subject struct {
	Resource string // ARN
	Account  string // 12 digits
	Region   string // empty for global resources
	Owner    string // from tags; empty when not known
}

// Finding is an opinion with its evidence, its dollars and its doubt.
type Finding struct {
	Analyzer string // filled by the Pass
	Subject
	Severity    Severity
	Confidence  Confidence // what each level means is written in the analyzer's doc.md
	Savings     Interval   // monthly USD
	Unpriced    string     // why Savings could not be priced; empty when it was
	Summary     string     // one sentence with the numbers in it
	Evidence    map[string]any
	Remediation string    // a command or a Terraform/SAM line a person can paste
	Members     []Subject // further resources this one finding covers (the other functions of a loop); their verdict is violation too
	Key         string    // tells two findings of one analyzer on one resource apart; part of the fingerprint; usually empty
}

// Interval is monthly USD, Low ≤ Expected ≤ High, never negative.
type Interval struct{ Low, Expected, High float64 }

// Reason says why no judgement could be formed.
type Reason string

// The closed set of reasons for cannot-determine.
const (
	Denied    Reason = "denied"    // IAM refused the named action
	Throttled Reason = "throttled" // the service kept refusing for rate
	NoData    Reason = "no data"   // read, and nothing was there to judge by
	Stale     Reason = "stale"     // read too long ago for this window
	Failed    Reason = "failed"    // the source answered with an error or nonsense
	Unread    Reason = "not read"  // the source has never been read (disabled, budget reached, not run yet)
)

// Blindness is a reason with its detail: the denied action, the age, the error.
type Blindness struct {
	Reason Reason
	Detail string // "lambda:GetPolicy", "newest point 9h old", …
}

// Verdict is the tri-state outcome for one resource.
type Verdict string

// The three ways a judgement can end.
const (
	OK              Verdict = "ok"
	Violation       Verdict = "violation"
	CannotDetermine Verdict = "cannot_determine"
)

// Judgement is one (analyzer, resource) outcome, stored beside findings.
type Judgement struct {
	Subject
	Verdict Verdict
	Reason  Reason // only with CannotDetermine
	Detail  string
}
