// Package untaggedresources finds functions that lack the tags a policy
// requires, and says how much spend nobody can be asked about.
package untaggedresources

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/price"
)

//go:embed doc.md
var doc string

//go:embed query.sql
var query string

// Analyzer judges every function's tags by the policy.
var Analyzer = &analysis.Analyzer{
	Name:        "untaggedresources",
	Title:       "functions that lack required tags, weighted by what they spend",
	Doc:         doc,
	Stage:       analysis.CostStage,
	Category:    analysis.Governance,
	Severity:    analysis.Low,
	Remediation: "Tag the function in the template that owns it.",
	Query:       query,
	Params: []analysis.Param{
		{Name: "policy", Kind: analysis.Object, Default: defaultPolicy, Check: checkPolicy, Doc: "required keys with aliases, allowed values or a pattern, scopes and a first day; exemptions with reason, owner and last day"},
		{Name: "medium_usd", Kind: analysis.Number, Default: 10.0, Min: 0, Max: 1e9, InGo: true, Doc: "USD a month from which the severity is medium"},
		{Name: "high_usd", Kind: analysis.Number, Default: 100.0, Min: 0, Max: 1e9, InGo: true, Doc: "USD a month from which the severity is high"},
	},
	Reads: []string{
		"functions_current", "tags_current", "complete_reads", "reports_current", "metrics_hourly", "metric_reads_current",
		"prices_current", "costs_current",
	},
	Measures: []analysis.Measure{{
		Name:   "tag_coverage_ratio",
		Help:   "Share of the functions whose tags are known, by number, monthly USD or GB-seconds, that have an allowed value for a required key; key \"all\" means every one.",
		Labels: []string{"key", "weight"},
	}},
	Run: run,
}

// function is a row of query.sql.
type function struct {
	Account           string            `ch:"account"`
	Region            string            `ch:"region"`
	FunctionARN       string            `ch:"function_arn"`
	FunctionName      string            `ch:"function_name"`
	Architecture      string            `ch:"architecture"`
	MemoryMB          uint32            `ch:"memory_mb"`
	TagStatus         string            `ch:"tag_status"` // empty: no source has answered
	Tags              map[string]string `ch:"tags"`
	TagSource         string            `ch:"tag_source"`
	TagDetail         string            `ch:"tag_detail"`
	ListedWholly      bool              `ch:"listed_wholly"`
	LambdaAnswered    uint64            `ch:"lambda_answered"` // functions of the account whose tags Lambda told
	LambdaRefused     uint64            `ch:"lambda_refused"`
	ReportInvocations uint64            `ch:"report_invocations"`
	ReportX86MBMS     float64           `ch:"report_x86_mb_ms"`
	ReportArmMBMS     float64           `ch:"report_arm_mb_ms"`
	ScopeFirstDay     time.Time         `ch:"scope_first_day"`
	MetricInvocations float64           `ch:"metric_invocations"`
	MetricDurationMS  float64           `ch:"metric_duration_ms"`
	MetricReads       uint64            `ch:"metric_reads"`
}

func (f function) subject() analysis.Subject {
	return analysis.Subject{Resource: f.FunctionARN, Account: f.Account, Region: f.Region}
}

// The actions that tell tags; they are the kinds of gaps of resource_tags too.
const (
	listTags     = "lambda:ListTags"
	getFunction  = "lambda:GetFunction"
	getResources = "tag:GetResources"
)

func run(ctx context.Context, p *analysis.Pass) error {
	pol, err := parsePolicy(p.Params["policy"])
	if err != nil {
		return fmt.Errorf("policy: %w", err)
	}
	book, err := price.Load(ctx, p)
	if err != nil {
		return err
	}
	bill, err := price.LoadBill(ctx, p)
	if err != nil {
		return err
	}
	j := judge{p: p, policy: pol, meter: meter{book: book, bill: bill, window: p.Window}, coverage: newCoverage()}
	var known []function
	for f, err := range analysis.Select[function](ctx, p) {
		if err != nil {
			return err
		}
		if b, blind := unreadable(p, f); blind {
			p.CannotDetermine(f.subject(), b)
			continue
		}
		known = append(known, f)
	}
	j.siblings = newSiblings(pol, known)
	for _, f := range known {
		if err := j.function(f); err != nil {
			return err
		}
	}
	j.coverage.measure(p)
	return nil
}

// unreadable says why a function's tags are not known. Nobody's answer is never
// taken for no tags, with one exception: absentForCertain.
func unreadable(p *analysis.Pass, f function) (analysis.Blindness, bool) {
	if f.TagStatus == "read" || absentForCertain(p, f) {
		return analysis.Blindness{}, false
	}
	if b, blind := p.Blind(f.subject(), "resource_tags", listTags); blind {
		return b, true
	}
	switch f.TagStatus {
	case "denied":
		return analysis.Blindness{Reason: analysis.Denied, Detail: listTags}, true
	case "throttled":
		return analysis.Blindness{Reason: analysis.Throttled, Detail: listTags + ": " + f.TagDetail}, true
	case "failed":
		return analysis.Blindness{Reason: analysis.Failed, Detail: listTags + ": " + f.TagDetail}, true
	}
	for _, kind := range []string{getFunction, getResources} {
		if b, blind := p.Blind(f.subject(), "resource_tags", kind); blind {
			return b, true
		}
	}
	return analysis.Blindness{Reason: analysis.Unread, Detail: "no source has answered for its tags"}, true
}

// absentForCertain: the tagging service's listing was read to its end without
// the function in it, and Lambda tells nobody's tags in this account, so that
// its refusal is about the permission and not about this function. One refusal
// alone may be about the function.
func absentForCertain(p *analysis.Pass, f function) bool {
	if f.TagStatus != "denied" || !f.ListedWholly || f.LambdaAnswered > 0 || f.LambdaRefused < 2 {
		return false
	}
	_, blind := p.Blind(f.subject(), "resource_tags", getResources)
	return !blind
}

type judge struct {
	p        *analysis.Pass
	policy   *policy
	meter    meter
	siblings siblings
	coverage *coverage
}

// function gives one function, whose tags are known, its verdict.
func (j judge) function(f function) error {
	use, err := j.meter.usage(f)
	if err != nil {
		return err
	}
	s := j.policy.stand(f, price.At(j.p.Window))
	j.coverage.add(f, s, use)
	if len(s.in(missing))+len(s.in(invalid)) == 0 {
		j.p.OK(f.subject())
		return nil
	}
	j.p.Violation(j.finding(f, s, use))
	return nil
}

// confidence: Lambda's own answer is certain; the tagging service lags behind.
func (f function) confidence() analysis.Confidence {
	if f.TagStatus == "read" && f.TagSource != getResources {
		return analysis.ConfidenceHigh
	}
	return analysis.ConfidenceMedium
}

// severity is scaled by the spend that nobody can be asked about.
func (j judge) severity(use usage) analysis.Severity {
	s := analysis.Low
	switch {
	case use.usd == nil:
	case *use.usd >= j.p.Float("high_usd"):
		s = analysis.High
	case *use.usd >= j.p.Float("medium_usd"):
		s = analysis.Medium
	}
	return j.p.Graded(s)
}
