package analysistest

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/price"
)

// probe uses everything a scenario can hold.
var probe = &analysis.Analyzer{
	Name: "probe", Title: "a probe of what scenarios can say", Doc: "## Why\nw\n## How it is computed\nh\n## What it will not catch\nc\n## Remediation\nr\n",
	Stage: analysis.Operations, Category: analysis.Reliability, Severity: analysis.Medium, Remediation: "Do something.",
	Query: `-- A row is a function.
SELECT
    f.function_arn AS arn,
    f.account      AS account,
    f.region       AS region,
    f.memory_mb    AS memory_mb,
    m.total        AS total,
    m.points       AS points,
    r.days         AS days
FROM functions_current AS f
LEFT JOIN
(
    SELECT account, region, resource, sum(value) AS total, count() AS points
    FROM metrics_hourly
    WHERE metric = 'Throttles' AND ts >= {from:DateTime} AND ts < {to:DateTime}
    GROUP BY account, region, resource
) AS m ON m.account = f.account AND m.region = f.region AND m.resource = f.function_arn
LEFT JOIN
(
    SELECT account, region, function_arn, uniqExact(day) AS days
    FROM reports_current
    GROUP BY account, region, function_arn
) AS r ON r.account = f.account AND r.region = f.region AND r.function_arn = f.function_arn
WHERE total >= {least:Float64} OR {least:Float64} = 0
ORDER BY arn`,
	Params:   []analysis.Param{{Name: "least", Kind: analysis.Number, Default: 0.0, Doc: "least total"}, {Name: "fail", Kind: analysis.List, Default: []string{}, InGo: true, Doc: "fail with this"}},
	Reads:    []string{"functions_current", "metrics_hourly", "metric_reads_current", "reports_current", "prices_current"},
	Measures: []analysis.Measure{{Name: "probed_count", Help: "Functions probed.", Labels: []string{"kind"}}},
	Run:      runProbe,
}

type probeRow struct {
	ARN      string  `ch:"arn"`
	Account  string  `ch:"account"`
	Region   string  `ch:"region"`
	MemoryMB uint32  `ch:"memory_mb"`
	Total    float64 `ch:"total"`
	Points   uint64  `ch:"points"`
	Days     uint64  `ch:"days"`
}

func runProbe(ctx context.Context, p *analysis.Pass) error {
	if fail := p.Strings("fail"); len(fail) > 0 {
		return errors.New(fail[0])
	}
	book, err := price.Load(ctx, p)
	if err != nil {
		return err
	}
	n := 0
	for row, err := range analysis.Select[probeRow](ctx, p) {
		if err != nil {
			return err
		}
		n++
		subject := analysis.Subject{Resource: row.ARN, Account: row.Account, Region: row.Region}
		if b, blind := p.Blind(subject, "resource_tags", "lambda:ListTags"); blind {
			p.CannotDetermine(subject, b)
			continue
		}
		if row.Total == 0 {
			p.OK(subject)
			continue
		}
		usd, err := book.Rate(price.GBSecond, row.Region, "arm64", price.At(p.Window))
		if err != nil {
			return err
		}
		p.Violation(analysis.Finding{
			Subject: subject, Confidence: analysis.ConfidenceHigh, Summary: "throttled",
			Savings:  analysis.Interval{Low: 1, Expected: 2, High: 3.456},
			Evidence: map[string]any{"total": row.Total, "points": row.Points, "memory_mb": row.MemoryMB, "days": row.Days, "gb_second_usd": usd.String()},
			Members:  []analysis.Subject{{Resource: "arn:member", Account: row.Account, Region: row.Region}},
			Key:      "k", Remediation: "aws one\naws two",
		})
	}
	p.Measure(analysis.Measurement{Name: "probed_count", Account: Account, Region: Region, Labels: []string{"all"}, Value: float64(n)})
	return nil
}

func TestRun(t *testing.T) { Run(t, probe) }

func TestParseScenarioRefuses(t *testing.T) {
	t.Parallel()
	const head = "Prose.\n-- window --\n2026-10-01 2026-10-02\n"
	for _, tt := range []struct{ name, text, want string }{
		{"no prose", "-- window --\n2026-10-01 2026-10-02\n", "prose"},
		{"no window", "Prose.\n-- want --\n", `no file "window"`},
		{"one end", "Prose.\n-- window --\n2026-10-01\n", "want two times, have 1"},
		{"a window backwards", "Prose.\n-- window --\n2026-10-02 2026-10-01\n", "is not before"},
		{"a time in words", "Prose.\n-- window --\nmonday tuesday\n", `"monday" is neither a day`},
		{"an unknown file", head + "-- wants --\n", "wants: not a file of a scenario"},
		{"rows that are no JSON", head + "-- functions.jsonl --\n{}\n{oops\n", "functions.jsonl: line 2:"},
		{"days of nothing", head + "-- reports_daily.jsonl --\n" + `{"@days": 0}`, "must be a count"},
		{"days without a day", head + "-- functions.jsonl --\n" + `{"@days": 2}`, `without a first "day"`},
		{"a series too short", head + "-- metric_points.series --\nfunction:a Throttles Sum: 1\n", "want RESOURCE METRIC STAT PERIOD FROM"},
		{"a series without a period", head + "-- metric_points.series --\nfunction:a Throttles Sum hourly 2026-10-01: 1\n", `period "hourly"`},
		{"a value in words", head + "-- metric_points.series --\nfunction:a Throttles Sum 1h 2026-10-01: many\n", `"many" is neither a number`},
		{"a count that is none", head + "-- metric_points.series --\nfunction:a Throttles Sum 1h 2026-10-01: 1*x\n", "the count after *"},
	} {
		_, err := parseScenario([]byte(tt.text))
		if err == nil || !strings.Contains(err.Error(), tt.want) {
			t.Errorf("%s: error %v, want one with %q", tt.name, err, tt.want)
		}
	}
}

func TestPassRefusesParams(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, params, want string }{
		{"unknown", `{"wishes": 1}`, "params.json: probe has no parameter wishes"},
		{"of another type", `{"least": "much"}`, "params.json: least is much (string): must be a number"},
	} {
		s, err := parseScenario([]byte("Prose.\n-- window --\n2026-10-01 2026-10-02\n-- params.json --\n" + tt.params + "\n"))
		if err != nil {
			t.Fatal(err)
		}
		if _, err := s.pass(probe); err == nil || err.Error() != tt.want {
			t.Errorf("%s: error %v, want %s", tt.name, err, tt.want)
		}
	}
}

func TestUpdateKeepsTheRest(t *testing.T) {
	t.Parallel()
	const text = "Prose.\n-- window --\n2026-10-01 2026-10-02\n-- want --\nold\n"
	s, err := parseScenario([]byte(text))
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(strings.Replace(text, "old", "new", 1), string(s.update("new\n"))); diff != "" {
		t.Errorf("updated scenario (-want +got):\n%s", diff)
	}
}
