package analysis

import (
	"context"
	"errors"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const goodDoc = "## Why\nBecause.\n## How it is computed\nSo.\n## What it will not catch\nMuch.\n## Remediation\nDo it.\n"

// good is an analyzer without a fault; every case spoils one thing.
func good() *Analyzer {
	return &Analyzer{
		Name: "oversizedmemory", Title: "functions with too much memory", Doc: goodDoc,
		Stage: Performance, Category: Cost, Severity: Medium, Remediation: "Lower it.",
		Query:    "-- A row is a function.\nSELECT arn FROM functions_current WHERE mb > {limit:Float64} AND ts < {to:DateTime} ORDER BY arn",
		Params:   []Param{{Name: "limit", Kind: Number, Default: 1.5, Doc: "MB"}},
		Reads:    []string{"functions_current"},
		Measures: []Measure{{Name: "waste_ratio", Help: "Share that is wasted."}},
		Alerts: []Alert{{
			Name: "MuchWasted", Severity: High, For: time.Hour, Expr: "faaswarden_waste_ratio > 0.5",
			Summary: "{{ $value | humanizePercentage }} is wasted.", Description: "Lower it.",
		}},
		Run: func(context.Context, *Pass) error { return nil },
	}
}

var relations = []string{"functions_current", "reports_current"}

func TestValidate(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name  string
		spoil func(*Analyzer)
		want  string // empty: no fault
	}{
		{"nothing", func(*Analyzer) {}, ""},
		{"a name in capitals", func(a *Analyzer) { a.Name = "OversizedMemory" }, "name must match"},
		{"no title", func(a *Analyzer) { a.Title = "" }, "title must be one clause"},
		{"a title that is a sentence", func(a *Analyzer) { a.Title += "." }, "title must be one clause"},
		{"no remediation", func(a *Analyzer) { a.Remediation = "" }, "remediation is empty"},
		{"no Run", func(a *Analyzer) { a.Run = nil }, "Run is nil"},
		{"a stage that is none", func(a *Analyzer) { a.Stage = "later" }, `stage "later" is not one of`},
		{"a category that is none", func(a *Analyzer) { a.Category = "taste" }, `category "taste" is not one of`},
		{"no severity", func(a *Analyzer) { a.Severity = 0 }, "severity 0 is not a level"},
		{"a heading that is missing", func(a *Analyzer) { a.Doc = strings.Replace(goodDoc, "## What it will not catch\n", "", 1) }, `lacks the heading "## What it will not catch"`},
		{"headings in another order", func(a *Analyzer) { a.Doc = strings.Replace(goodDoc, "## Why\n", "", 1) + "## Why\n" }, "lacks the heading"},
		{"a heading with nothing below", func(a *Analyzer) { a.Doc = strings.Replace(goodDoc, "Much.\n", "\n", 1) }, `"## What it will not catch" is empty`},
		{"a query without order", func(a *Analyzer) { a.Query = strings.Replace(a.Query, "ORDER BY arn", "", 1) }, "query.sql has no ORDER BY"},
		{"an order in a comment", func(a *Analyzer) { a.Query = strings.Replace(a.Query, "ORDER BY", "-- ORDER BY", 1) }, "query.sql has no ORDER BY"},
		{"a query with a clock", func(a *Analyzer) { a.Query = strings.Replace(a.Query, "{to:DateTime}", "now()", 1) }, "query.sql calls now()"},
		{"a clock in another case", func(a *Analyzer) { a.Query = strings.Replace(a.Query, "{to:DateTime}", "Today ()", 1) }, "query.sql calls Today ()"},
		{"a clock in a comment", func(a *Analyzer) { a.Query = "-- A row is a function, not now().\n" + a.Query }, ""},
		{"a query that says nothing of its rows", func(a *Analyzer) { a.Query = strings.TrimPrefix(a.Query, "-- A row is a function.\n") }, "must open with a comment"},
		{"a placeholder of nothing", func(a *Analyzer) { a.Params = nil }, "query.sql uses {limit:…}, which is no declared parameter"},
		{"a parameter of nothing", func(a *Analyzer) {
			a.Params = append(a.Params, Param{Name: "idle", Kind: Integer, Default: int64(1), Doc: "days"})
		}, "parameter idle is neither a placeholder of query.sql nor marked InGo"},
		{"a parameter for Go", func(a *Analyzer) {
			a.Params = append(a.Params, Param{Name: "idle", Kind: Integer, Default: int64(1), Doc: "days", InGo: true})
		}, ""},
		{"an object", func(a *Analyzer) {
			a.Params = append(a.Params, Param{Name: "policy", Kind: Object, Default: map[string]any{}, Doc: "rules"})
		}, ""},
		{"a parameter without a Doc", func(a *Analyzer) { a.Params[0].Doc = "" }, `parameter "limit" needs a lower-case name and a Doc`},
		{"a default of another type", func(a *Analyzer) { a.Params[0].Default = "much" }, "parameter limit: default: limit is much (string): must be a number"},
		{"a default out of bounds", func(a *Analyzer) { a.Params[0].Min, a.Params[0].Max = 2, 3 }, "must lie between 2 and 3"},
		{"nothing read", func(a *Analyzer) { a.Reads = nil }, "Reads is empty"},
		{"a table that nobody writes", func(a *Analyzer) { a.Reads = append(a.Reads, "wishes") }, "reads wishes, which no collector writes"},
		{"a table that is read and not named", func(a *Analyzer) { a.Reads = []string{"reports_current"} }, "query.sql reads functions_current, which Reads does not name"},
		{"a measure without a unit", func(a *Analyzer) { a.Measures[0].Name = "waste" }, `measure "waste" must end in a unit`},
		{"a measure by the hour", func(a *Analyzer) { a.Measures[0].Name = "waste_usd_per_hour" }, ""},
		{"an alert in lower case", func(a *Analyzer) { a.Alerts[0].Name = "much_wasted" }, `alert "much_wasted": name must match`},
		{"an alert without an expr", func(a *Analyzer) { a.Alerts[0].Expr = " " }, `alert "MuchWasted": expr is empty`},
		{"an alert without a summary", func(a *Analyzer) { a.Alerts[0].Summary = "" }, `alert "MuchWasted": summary is empty`},
		{"an alert without a description", func(a *Analyzer) { a.Alerts[0].Description = "" }, `alert "MuchWasted": description is empty`},
		{"an alert without a severity", func(a *Analyzer) { a.Alerts[0].Severity = 0 }, `alert "MuchWasted": severity 0 is not a level`},
		{"an alert that holds for less than nothing", func(a *Analyzer) { a.Alerts[0].For = -time.Minute }, `alert "MuchWasted": for is -1m0s: must not be negative`},
		{"an alert on somebody else's metric", func(a *Analyzer) { a.Alerts[0].Expr = "up == 0" }, `alert "MuchWasted": expr reads up, which is no metric of faaswarden`},
		{"an alert of two severities", func(a *Analyzer) {
			milder := a.Alerts[0]
			milder.Severity--
			a.Alerts = append(a.Alerts, milder)
		}, ""},
		{"two alerts of one name", func(a *Analyzer) { a.Alerts = append(a.Alerts, a.Alerts[0]) }, `alert "MuchWasted" is declared by oversizedmemory already`},
		{"a measure without help", func(a *Analyzer) { a.Measures[0].Help = "" }, `measure "waste_ratio" must end in a unit`},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			a := good()
			tt.spoil(a)
			err := Validate([]*Analyzer{a}, relations)
			switch {
			case tt.want == "" && err != nil:
				t.Errorf("faults: %v", err)
			case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
				t.Errorf("faults: %v\nwant one with: %s", err, tt.want)
			}
		})
	}
}

func TestValidateReportsEveryFaultOfEveryAnalyzer(t *testing.T) {
	t.Parallel()
	first, second := good(), good()
	first.Run, first.Remediation = nil, ""
	err := Validate([]*Analyzer{first, second}, relations)
	want := []string{
		"analyzer oversizedmemory: remediation is empty",
		"analyzer oversizedmemory: Run is nil",
		"analyzer oversizedmemory is listed twice",
	}
	if err == nil {
		t.Fatal("no fault")
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Errorf("faults (-want +got):\n%s", diff)
	}
}

func TestLevels(t *testing.T) {
	t.Parallel()
	for s := Info; s <= Critical; s++ {
		text, err := s.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var back Severity
		if err := back.UnmarshalText(text); err != nil || back != s {
			t.Errorf("severity %s reads back as %s, %v", text, back, err)
		}
	}
	for c := ConfidenceLow; c <= ConfidenceHigh; c++ {
		text, err := c.MarshalText()
		if err != nil {
			t.Fatal(err)
		}
		var back Confidence
		if err := back.UnmarshalText(text); err != nil || back != c {
			t.Errorf("confidence %s reads back as %s, %v", text, back, err)
		}
	}
	for _, name := range []string{"", "urgent", "High"} {
		if s, err := ParseSeverity(name); err == nil || s != 0 {
			t.Errorf("%q is severity %s", name, s)
		}
	}
	if got := Severity(9).String(); got != "invalid(9)" {
		t.Errorf("severity 9 is %s", got)
	}
	if err := new(Confidence).UnmarshalText([]byte("certain")); err == nil || errors.Unwrap(err) != nil {
		t.Errorf("confidence certain: %v", err)
	}
}
