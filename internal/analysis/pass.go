package analysis

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"iter"
	"math"
	"time"
)

// Rows is the part of a driver's row cursor that analyzers need.
type Rows interface {
	Next() bool
	ScanStruct(dest any) error
	Err() error
	Close() error
}

// Pass is what one analyzer is given for one run. It is used from one goroutine.
type Pass struct {
	Analyzer *Analyzer
	Window   Window
	Severity Severity       // the analyzer's, or the operator's override
	Params   map[string]any // every declared Param, defaults resolved

	// Query runs ClickHouse SQL with {name:Type} parameters. Standard and
	// declared parameters are always bound; params adds to them.
	Query func(ctx context.Context, sql string, params map[string]any) (Rows, error)

	// Blind says whether the evidence of a table is missing for a resource.
	// kind narrows it where a table has several sources ("s3" of edges);
	// empty asks about the table as a whole.
	Blind func(s Subject, table, kind string) (Blindness, bool)

	findings     []Finding
	judgements   []Judgement
	judged       map[string]int // resource → index in judgements
	measurements []Measurement
	faults       []error
}

// Result is everything a Pass gathered.
type Result struct {
	Findings     []Finding
	Judgements   []Judgement
	Measurements []Measurement
}

// NewPass returns a Pass ready for Analyzer.Run.
func NewPass(a *Analyzer, w Window) *Pass {
	return &Pass{
		Analyzer: a, Window: w, Severity: a.Severity,
		Params: map[string]any{}, judged: map[string]int{},
		Blind: func(Subject, string, string) (Blindness, bool) { return Blindness{}, false },
	}
}

// Select runs the analyzer's own query and yields its rows as T, a struct with
// `ch` tags. The error, if any, comes last with a zero T.
func Select[T any](ctx context.Context, p *Pass) iter.Seq2[T, error] {
	return SelectSQL[T](ctx, p, p.Analyzer.Query, nil)
}

// SelectSQL is Select for a further query of the same analyzer.
func SelectSQL[T any](ctx context.Context, p *Pass, sql string, params map[string]any) iter.Seq2[T, error] {
	return func(yield func(T, error) bool) {
		var zero T
		rows, err := p.Query(ctx, sql, params)
		if err != nil {
			yield(zero, fmt.Errorf("query %s: %w", p.Analyzer.Name, err))
			return
		}
		defer rows.Close() //nolint:errcheck // Err below tells what Close would.
		for rows.Next() {
			var row T
			if err := rows.ScanStruct(&row); err != nil {
				yield(zero, fmt.Errorf("scan a row of %s: %w", p.Analyzer.Name, err))
				return
			}
			if !yield(row, nil) {
				return
			}
		}
		if err := rows.Err(); err != nil {
			yield(zero, fmt.Errorf("read rows of %s: %w", p.Analyzer.Name, err))
		}
	}
}

// Violation reports a finding; the subject's verdict, and its members', is violation.
// Analyzer, Severity and Remediation default to the analyzer's own.
func (p *Pass) Violation(f Finding) {
	f.Analyzer = p.Analyzer.Name
	if f.Severity == 0 {
		f.Severity = p.Severity
	}
	if f.Remediation == "" {
		f.Remediation = p.Analyzer.Remediation
	}
	f.Savings = Interval{cents(f.Savings.Low), cents(f.Savings.Expected), cents(f.Savings.High)}
	if err := f.validate(); err != nil {
		p.faults = append(p.faults, err)
		return
	}
	p.findings = append(p.findings, f)
	p.judge(Judgement{Subject: f.Subject, Verdict: Violation, Detail: f.Summary})
	for _, m := range f.Members {
		p.judge(Judgement{Subject: m, Verdict: Violation, Detail: "covered by the finding on " + f.Resource})
	}
}

// Graded is the severity for an analyzer that grades its findings: the given
// one, unless the operator has set one for the analyzer.
func (p *Pass) Graded(s Severity) Severity {
	if p.Severity != p.Analyzer.Severity {
		return p.Severity
	}
	return s
}

// OK says that the subject was judged and is fine.
func (p *Pass) OK(s Subject) { p.judge(Judgement{Subject: s, Verdict: OK}) }

// CannotDetermine says that the subject could not be judged, and why.
func (p *Pass) CannotDetermine(s Subject, b Blindness) {
	p.judge(Judgement{Subject: s, Verdict: CannotDetermine, Reason: b.Reason, Detail: b.Detail})
}

// judge keeps one verdict a subject; a violation outranks the others, and any
// other second verdict is a fault of the analyzer.
func (p *Pass) judge(j Judgement) {
	if j.Resource == "" || j.Account == "" {
		p.faults = append(p.faults, fmt.Errorf("analyzer %s judged a resource without ARN or account: %+v", p.Analyzer.Name, j))
		return
	}
	i, again := p.judged[j.Resource]
	if !again {
		p.judged[j.Resource] = len(p.judgements)
		p.judgements = append(p.judgements, j)
		return
	}
	earlier := p.judgements[i].Verdict
	if j.Verdict == Violation {
		p.judgements[i] = j
	}
	if j.Verdict != Violation && earlier != Violation {
		p.faults = append(p.faults, fmt.Errorf("analyzer %s judged %s twice", p.Analyzer.Name, j.Resource))
	}
}

// Measure reports one value of a declared Measure.
func (p *Pass) Measure(m Measurement) {
	for _, declared := range p.Analyzer.Measures {
		if declared.Name == m.Name && len(declared.Labels) == len(m.Labels) {
			p.measurements = append(p.measurements, m)
			return
		}
	}
	p.faults = append(p.faults, fmt.Errorf("analyzer %s measured %s with %d labels, which it does not declare", p.Analyzer.Name, m.Name, len(m.Labels)))
}

// Result is what was gathered; the error joins every misuse of the Pass.
func (p *Pass) Result() (Result, error) {
	return Result{p.findings, p.judgements, p.measurements}, errors.Join(p.faults...)
}

// Float returns a declared number parameter.
func (p *Pass) Float(name string) float64 { return param[float64](p, name) }

// Int returns a declared integer parameter.
func (p *Pass) Int(name string) int64 { return param[int64](p, name) }

// Duration returns a declared duration parameter.
func (p *Pass) Duration(name string) time.Duration { return param[time.Duration](p, name) }

// Strings returns a declared list parameter.
func (p *Pass) Strings(name string) []string { return param[[]string](p, name) }

// Object decodes a declared object parameter into dst, refusing unknown keys.
func (p *Pass) Object(name string, dst any) error {
	text, err := json.Marshal(p.Params[name])
	if err != nil {
		return fmt.Errorf("read parameter %s.%s: %w", p.Analyzer.Name, name, err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	if err := dec.Decode(dst); err != nil {
		return fmt.Errorf("read parameter %s.%s: %w", p.Analyzer.Name, name, err)
	}
	return nil
}

// param panics on an undeclared name or wrong type: Validate has proved the
// declarations, so this is a slip in the analyzer's own code.
func param[T any](p *Pass, name string) T {
	v, ok := p.Params[name].(T)
	if !ok {
		panic(fmt.Sprintf("analyzer %s: parameter %q is %T, asked as %T", p.Analyzer.Name, name, p.Params[name], v))
	}
	return v
}

func (f *Finding) validate() error {
	var faults []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf("finding of %s on %q: "+format, append([]any{f.Analyzer, f.Resource}, args...)...))
		}
	}
	check(f.Resource != "" && f.Account != "", "resource and account must be set")
	check(f.Confidence >= ConfidenceLow && f.Confidence <= ConfidenceHigh, "confidence %d is not a level", f.Confidence)
	check(f.Summary != "", "summary is empty")
	check(len(f.Evidence) > 0, "evidence is empty")
	s := f.Savings
	check(!math.IsNaN(s.Low+s.Expected+s.High) && !math.IsInf(s.High, 0), "savings are not finite: %v", s)
	check(0 <= s.Low && s.Low <= s.Expected && s.Expected <= s.High, "savings must be 0 ≤ low ≤ expected ≤ high: %v", s)
	check(f.Unpriced == "" || s == Interval{}, "unpriced (%s) and yet savings %v", f.Unpriced, s)
	return errors.Join(faults...)
}

func cents(usd float64) float64 { return math.Round(usd*100) / 100 }
