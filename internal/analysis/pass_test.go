package analysis

import (
	"context"
	"errors"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var window = Window{
	From: time.Date(2026, time.October, 1, 0, 0, 0, 0, time.UTC),
	To:   time.Date(2026, time.October, 11, 0, 0, 0, 0, time.UTC),
}

var orders = Subject{Resource: "arn:orders", Account: "111122223333", Region: "us-east-1"}

func finding() Finding {
	return Finding{Subject: orders, Confidence: ConfidenceLow, Summary: "Too much.", Evidence: map[string]any{"n": 1}}
}

func TestViolationFillsWhatTheAnalyzerDeclares(t *testing.T) {
	t.Parallel()
	p := NewPass(good(), window)
	f := finding()
	f.Savings = Interval{1.004, 2.345, 3.999}
	p.Violation(f)
	result, err := p.Result()
	if err != nil {
		t.Fatal(err)
	}
	f.Analyzer, f.Severity, f.Remediation, f.Savings = "oversizedmemory", Medium, "Lower it.", Interval{1, 2.35, 4}
	want := Result{
		Findings:   []Finding{f},
		Judgements: []Judgement{{Subject: orders, Verdict: Violation, Detail: "Too much."}},
	}
	if diff := cmp.Diff(want, result); diff != "" {
		t.Errorf("result (-want +got):\n%s", diff)
	}
}

func TestViolationRefuses(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		spoil func(*Finding)
		want  string
	}{
		{"no resource", func(f *Finding) { f.Resource = "" }, "resource and account must be set"},
		{"no account", func(f *Finding) { f.Account = "" }, "resource and account must be set"},
		{"no confidence", func(f *Finding) { f.Confidence = 0 }, "confidence 0 is not a level"},
		{"no summary", func(f *Finding) { f.Summary = "" }, "summary is empty"},
		{"no evidence", func(f *Finding) { f.Evidence = nil }, "evidence is empty"},
		{"negative savings", func(f *Finding) { f.Savings = Interval{-1, 0, 0} }, "0 ≤ low ≤ expected ≤ high"},
		{"savings out of order", func(f *Finding) { f.Savings = Interval{0, 2, 1} }, "0 ≤ low ≤ expected ≤ high"},
		{"savings that are no number", func(f *Finding) { f.Savings.Expected = math.NaN() }, "savings are not finite"},
		{"endless savings", func(f *Finding) { f.Savings.High = math.Inf(1) }, "savings are not finite"},
		{"unpriced savings", func(f *Finding) { f.Unpriced, f.Savings = "no price", Interval{1, 1, 1} }, "unpriced (no price) and yet savings"},
	} {
		p := NewPass(good(), window)
		f := finding()
		tt.spoil(&f)
		p.Violation(f)
		result, err := p.Result()
		if err == nil || !strings.Contains(err.Error(), tt.want) || len(result.Findings) != 0 {
			t.Errorf("%s: %d findings, error %v, want %s", tt.name, len(result.Findings), err, tt.want)
		}
	}
}

// TestOneVerdict holds the tri-state: one verdict a resource, a violation above
// the others, and any other second verdict a slip of the analyzer.
func TestOneVerdict(t *testing.T) {
	t.Parallel()
	ok := func(p *Pass) { p.OK(orders) }
	blind := func(p *Pass) { p.CannotDetermine(orders, Blindness{Denied, "lambda:ListTags"}) }
	violation := func(p *Pass) { p.Violation(finding()) }
	member := func(p *Pass) {
		f := finding()
		f.Resource, f.Members = "arn:other", []Subject{orders}
		p.Violation(f)
	}
	for _, tt := range []struct {
		name  string
		steps []func(*Pass)
		want  Verdict
		fault bool
	}{
		{"ok", []func(*Pass){ok}, OK, false},
		{"blind", []func(*Pass){blind}, CannotDetermine, false},
		{"ok, then a violation", []func(*Pass){ok, violation}, Violation, false},
		{"a violation, then ok", []func(*Pass){violation, ok}, Violation, false},
		{"two violations", []func(*Pass){violation, violation}, Violation, false},
		{"blind, then a member of a finding", []func(*Pass){blind, member}, Violation, false},
		{"ok twice", []func(*Pass){ok, ok}, OK, true},
		{"ok, then blind", []func(*Pass){ok, blind}, OK, true},
	} {
		p := NewPass(good(), window)
		for _, step := range tt.steps {
			step(p)
		}
		result, err := p.Result()
		var got Verdict
		for _, j := range result.Judgements {
			if j.Resource == orders.Resource {
				got = j.Verdict
			}
		}
		if got != tt.want || (err != nil) != tt.fault {
			t.Errorf("%s: verdict %s, fault %v; want %s, fault %t", tt.name, got, err, tt.want, tt.fault)
		}
	}
	p := NewPass(good(), window)
	p.OK(Subject{Resource: "arn:orders"})
	if _, err := p.Result(); err == nil {
		t.Error("a verdict without an account is taken")
	}
}

func TestMeasure(t *testing.T) {
	t.Parallel()
	a := good()
	a.Measures = []Measure{{Name: "waste_ratio", Help: "Waste.", Labels: []string{"key"}}}
	p := NewPass(a, window)
	fine := Measurement{Name: "waste_ratio", Account: "111122223333", Labels: []string{"all"}, Value: 0.5}
	p.Measure(fine)
	p.Measure(Measurement{Name: "waste_ratio", Value: 1})
	p.Measure(Measurement{Name: "wishes_count", Value: 1})
	result, err := p.Result()
	if diff := cmp.Diff([]Measurement{fine}, result.Measurements); diff != "" {
		t.Errorf("measurements (-want +got):\n%s", diff)
	}
	if err == nil || strings.Count(err.Error(), "which it does not declare") != 2 {
		t.Errorf("faults: %v", err)
	}
}

func TestGraded(t *testing.T) {
	t.Parallel()
	p := NewPass(good(), window)
	if got := p.Graded(High); got != High {
		t.Errorf("graded %s, want what the analyzer says", got)
	}
	p.Severity = Info
	if got := p.Graded(High); got != Info {
		t.Errorf("graded %s, want what the operator says", got)
	}
}

func TestParams(t *testing.T) {
	t.Parallel()
	p := NewPass(good(), window)
	p.Params = map[string]any{"f": 0.5, "i": int64(2), "d": time.Minute, "l": []string{"a"}, "o": map[string]any{"depth": 3}}
	if p.Float("f") != 0.5 || p.Int("i") != 2 || p.Duration("d") != time.Minute || p.Strings("l")[0] != "a" {
		t.Error("a parameter changed on its way")
	}
	var object struct {
		Depth int `json:"depth"`
	}
	if err := p.Object("o", &object); err != nil || object.Depth != 3 {
		t.Errorf("object %+v, %v", object, err)
	}
	var other struct {
		Width int `json:"width"`
	}
	if err := p.Object("o", &other); err == nil || !strings.Contains(err.Error(), `oversizedmemory.o`) {
		t.Errorf("an unknown key of an object is taken: %v", err)
	}
	defer func() {
		if text, ok := recover().(string); !ok || !strings.Contains(text, `parameter "f" is float64, asked as int64`) {
			t.Errorf("asking for another type: %v", text)
		}
	}()
	p.Int("f")
}

func TestWindow(t *testing.T) {
	t.Parallel()
	if got := window.Days(); got != 10 {
		t.Errorf("%v days, want 10", got)
	}
	if got := window.Monthly(240); got != 730 {
		t.Errorf("240 in 240 hours are %v a month, want 730", got)
	}
	if got := (Window{}).Monthly(5); got != 0 {
		t.Errorf("an empty window scales to %v", got)
	}
}

// cursor is a driver's rows: values, then an error.
type cursor struct {
	values  []string
	at      int
	scanErr error
	err     error
	closed  bool
}

func (c *cursor) Next() bool   { c.at++; return c.at <= len(c.values) }
func (c *cursor) Err() error   { return c.err }
func (c *cursor) Close() error { c.closed = true; return nil }

func (c *cursor) ScanStruct(dest any) error {
	*dest.(*struct{ Name string }) = struct{ Name string }{c.values[c.at-1]}
	return c.scanErr
}

func TestSelect(t *testing.T) {
	t.Parallel()
	failure := errors.New("broken")
	for _, tt := range []struct {
		name     string
		rows     *cursor
		queryErr error
		want     []string
		err      string
	}{
		{"rows", &cursor{values: []string{"a", "b"}}, nil, []string{"a", "b"}, ""},
		{"no rows", &cursor{}, nil, nil, ""},
		{"a query that fails", &cursor{}, failure, nil, "query oversizedmemory: broken"},
		{"a row that does not fit", &cursor{values: []string{"a"}, scanErr: failure}, nil, nil, "scan a row of oversizedmemory: broken"},
		{"rows that break off", &cursor{values: []string{"a"}, err: failure}, nil, []string{"a"}, "read rows of oversizedmemory: broken"},
	} {
		p := NewPass(good(), window)
		p.Query = func(context.Context, string, map[string]any) (Rows, error) { return tt.rows, tt.queryErr }
		var got []string
		text := ""
		for row, err := range Select[struct{ Name string }](t.Context(), p) {
			if err != nil {
				text = err.Error()
				continue
			}
			got = append(got, row.Name)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" || text != tt.err {
			t.Errorf("%s: error %q, want %q; rows (-want +got):\n%s", tt.name, text, tt.err, diff)
		}
		if tt.queryErr == nil && !tt.rows.closed {
			t.Errorf("%s: the rows are left open", tt.name)
		}
	}
}

func TestSelectClosesWhenTheAnalyzerStops(t *testing.T) {
	t.Parallel()
	rows := &cursor{values: []string{"a", "b"}}
	p := NewPass(good(), window)
	p.Query = func(context.Context, string, map[string]any) (Rows, error) { return rows, nil }
	for range Select[struct{ Name string }](t.Context(), p) {
		break
	}
	if !rows.closed || rows.at != 1 {
		t.Errorf("closed %t after %d rows", rows.closed, rows.at)
	}
}
