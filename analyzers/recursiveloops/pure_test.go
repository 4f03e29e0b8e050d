package recursiveloops

import (
	"math"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"
	"github.com/shopspring/decimal"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/graph"
	"github.com/faaswarden/faaswarden/internal/price"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// monday is the beginning of the series in these tests.
var monday = time.Date(2026, 9, 28, 0, 0, 0, 0, time.UTC)

// days repeats a day of a constant hourly rate for each value.
func days(perHour ...float64) hourly {
	var h hourly
	for _, v := range perHour {
		h = append(h, slices.Repeat([]float64{v}, hoursPerDay)...)
	}
	return h
}

func TestFindSurge(t *testing.T) {
	t.Parallel()
	rule := surgeRule{Factor: 3, MinExcess: 1000, MinBaselineDays: 3}
	night := func(day hourly, hours int, v float64) hourly {
		return append(day[:len(day)-hours], slices.Repeat([]float64{v}, hours)...)
	}
	for _, c := range []struct {
		name  string
		h     hourly
		want  bool
		first int
	}{
		{"flat", days(100, 100, 100, 100, 100, 100), false, 0},
		{"two days at ten times", days(100, 100, 100, 100, 1000, 1000), true, 96},
		{"exactly the factor", days(100, 100, 100, 100, 300), true, 96},
		{"just below the factor", days(100, 100, 100, 100, 299), false, 0},
		{"an excess too small to matter", days(10, 10, 10, 10, 50), false, 0},
		{"over before the end", days(100, 100, 100, 100, 1000, 1000, 100), false, 0},
		{"a baseline too short", days(100, 100, 1000), false, 0},
		{"nothing before it", days(0, 0, 0, 0, 1000), false, 0},
		{"six hours old", night(days(100, 100, 100, 100, 100), 6, 5000), true, 114},
		{"one bad day before does not hide it", days(100, 5000, 100, 100, 100, 1000), true, 120},
		{"half the window", days(100, 100, 100, 100, 100, 900, 900, 900, 900, 900), true, 120},
		{"shorter than any beginning", hourly{1, 2, 3}, false, 0},
	} {
		got, found := rule.find(c.h, monday)
		if found != c.want || found && got.First != c.first {
			t.Errorf("%s: %+v, %v; want %v from hour %d", c.name, got, found, c.want, c.first)
		}
	}
}

func TestBaseline(t *testing.T) {
	t.Parallel()
	t.Run("the same hour of the week from three weeks on", func(t *testing.T) {
		t.Parallel()
		week := days(10, 10, 10, 10, 10, 10, 90)
		got := baseline(slices.Concat(week, week, week, week), monday, 3*hoursPerWeek)
		if diff := cmp.Diff(week, got[3*hoursPerWeek:]); diff != "" {
			t.Errorf("baseline (-want +got):\n%s", diff)
		}
	})
	t.Run("the same hour of the day before that", func(t *testing.T) {
		t.Parallel()
		day := make(hourly, hoursPerDay)
		day[9] = 60
		h := slices.Concat(day, day, day, make(hourly, hoursPerDay))
		if got := baseline(h, monday, 72); got[72+9] != 60 || got[72+10] != 0 {
			t.Errorf("at nine %v, at ten %v; want 60 and 0", got[72+9], got[72+10])
		}
	})
	t.Run("the season starts where the series does", func(t *testing.T) {
		t.Parallel()
		h := make(hourly, 4*hoursPerDay)
		for i := 4; i < len(h); i += hoursPerDay {
			h[i] = 60 // always at nine, when the series starts at five
		}
		if got := baseline(h, monday.Add(5*time.Hour), 72); got[76] != 60 || got[75] != 0 {
			t.Errorf("baseline %v", got[72:80])
		}
	})
	t.Run("rare invocations are spread over the day", func(t *testing.T) {
		t.Parallel()
		h := make(hourly, 4*hoursPerDay)
		for d := range 3 {
			h[d*hoursPerDay+d] = 48 // once a day, never at the same hour
		}
		if got := baseline(h, monday, 72); got[72] != 2 || got[95] != 2 {
			t.Errorf("baseline %v and %v an hour, want 2", got[72], got[95])
		}
	})
}

func TestGrows(t *testing.T) {
	t.Parallel()
	flat := days(100, 100)
	for _, c := range []struct {
		name string
		h    hourly
		want bool
	}{
		{"steadily", append(days(100), slices.Concat(six(200), six(300), six(400), six(500))...), true},
		{"three times by a tenth", append(days(100), slices.Concat(six(1000), six(1101), six(1212), six(1212))...), true},
		{"twice by a tenth, then by less", append(days(100), slices.Concat(six(1000), six(1101), six(1210), six(1210))...), false},
		{"then level", append(days(100), slices.Concat(six(200), six(400), six(800), six(800))...), true},
		{"then down to less than half", append(days(100), slices.Concat(six(200), six(400), six(800), six(399))...), false},
		{"not after the first step", days(100, 1000), false},
		{"never three times in a row", append(days(100), slices.Concat(six(200), six(400), six(300), six(800))...), false},
		{"out of nothing", append(days(0), slices.Concat(six(0), six(0), six(2), six(3))...), false},
	} {
		if got := grows(c.h, flat, hoursPerDay); got != c.want {
			t.Errorf("%s: %v, want %v", c.name, got, c.want)
		}
	}
	if grows(hourly{1, 2, 3}, hourly{1, 1, 1}, 0) {
		t.Error("three hours are no window")
	}
	morning := append(days(100), slices.Concat(six(200), six(400), six(800), six(1600))...)
	usual := append(days(100), slices.Concat(six(100), six(200), six(400), six(800))...)
	if grows(morning, usual, hoursPerDay) {
		t.Error("a morning like every morning is no growth")
	}
}

func six(v float64) hourly { return slices.Repeat(hourly{v}, 6) }

func TestClassify(t *testing.T) {
	t.Parallel()
	ceiling := []function{{ARN: "f", Name: "f"}}
	allowed := []function{{ARN: "f", Name: "f", RecursiveLoop: "Allow"}}
	halted := []function{{ARN: "f", Name: "f", ReservedRead: true, Reserved: new(int64)}}
	surged := &surge{Actual: 1000, Expected: 100}
	keeps := &sends{Messages: 900, Invocations: 1000, Factor: 9}
	for _, c := range []struct {
		name string
		f    facts
		want class
	}{
		{"the graph alone", facts{Members: ceiling}, potential},
		{"dropped", facts{Members: ceiling, Dropped: 1}, confirmed},
		{"dropped, though exempted", facts{Members: ceiling, Dropped: 1, Exempt: &analysis.Exemption{}}, intentional},
		{"dropped, and stopped since", facts{Members: halted, Dropped: 1, Cycles: []graph.Cycle{{{Edge: graph.Edge{Src: "f"}}}}}, potential},
		{"surge, flat, messages", facts{Members: ceiling, Surge: surged, Upstream: "x", Ingress: 1, Sends: keeps}, confirmed},
		{"surge, flat, growth", facts{Members: ceiling, Surge: surged, Upstream: "x", Ingress: 1.5, Growth: true}, confirmed},
		{"surge, flat, pinned for three hours", facts{Members: ceiling, Surge: surged, Upstream: "x", Ingress: 1, PinnedHours: 3}, confirmed},
		{"surge, flat, pinned for two", facts{Members: ceiling, Surge: surged, Upstream: "x", Ingress: 1, PinnedHours: 2}, probable},
		{"surge, flat, messages that lag", facts{Members: ceiling, Surge: surged, Upstream: "x", Ingress: 1, Sends: &sends{Messages: 499, Invocations: 1000, Factor: 9}}, probable},
		{"surge, flat, messages that did not grow", facts{Members: ceiling, Surge: surged, Upstream: "x", Ingress: 1, Sends: &sends{Messages: 900, Invocations: 1000, Factor: 4.9}}, probable},
		{"surge with nothing to compare", facts{Members: ceiling, Surge: surged, Growth: true}, probable},
		{"surge that the upstream explains", facts{Members: ceiling, Surge: surged, Upstream: "x", Ingress: 1.51, Growth: true}, potential},
		{"allowed", facts{Members: allowed}, intentional},
		{"allowed and surging", facts{Members: allowed, Surge: surged, Upstream: "x", Ingress: 1}, probable},
		{"no baseline, pinned, messages beyond the feeders", facts{Members: ceiling, Hours: days(10), PinnedHours: 24, Sends: keeps, UpstreamPerHour: 18}, probable},
		{"no baseline, pinned, messages of the feeders", facts{Members: ceiling, Hours: days(10), PinnedHours: 24, Sends: keeps, UpstreamPerHour: 19}, potential},
	} {
		c.f.flatFactor = 1.5
		if got := classify(&c.f); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestSeverity(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		class      class
		most, want analysis.Severity
	}{
		{confirmed, analysis.Critical, analysis.Critical},
		{probable, analysis.Critical, analysis.High},
		{potential, analysis.Critical, analysis.Low},
		{intentional, analysis.Critical, analysis.Info},
		{confirmed, analysis.Medium, analysis.Medium},
		{probable, analysis.Medium, analysis.Medium},
	} {
		if got := c.class.severity(c.most); got != c.want {
			t.Errorf("%s at most %s: %s, want %s", c.class, c.most, got, c.want)
		}
	}
}

func TestConfidence(t *testing.T) {
	t.Parallel()
	cycle := func(c graph.Certainty, source, filter string) []graph.Cycle {
		return []graph.Cycle{{{Edge: graph.Edge{Certainty: graph.Configured, Source: source, Filter: filter}}, {Edge: graph.Edge{Certainty: c}}}}
	}
	for _, c := range []struct {
		name string
		f    facts
		want analysis.Confidence
	}{
		{"dropped without a cycle", facts{Dropped: 1, class: confirmed}, analysis.ConfidenceHigh},
		{"confirmed over named edges", facts{class: confirmed, Cycles: cycle(graph.PermittedAndReferenced, "esm", "")}, analysis.ConfidenceHigh},
		{"confirmed over a permission", facts{class: confirmed, Cycles: cycle(graph.Permitted, "esm", "")}, analysis.ConfidenceLow},
		{"potential over named edges", facts{class: potential, Cycles: cycle(graph.Configured, "esm", "")}, analysis.ConfidenceMedium},
		{"filter criteria in the only cycle", facts{class: potential, Cycles: cycle(graph.Configured, "esm", "{}")}, analysis.ConfidenceLow},
		{"a judged filter", facts{class: potential, Cycles: cycle(graph.Configured, "s3", `{"prefix":"in/"}`)}, analysis.ConfidenceMedium},
		{"a second cycle without filter", facts{class: potential, Cycles: append(cycle(graph.Configured, "esm", "{}"), cycle(graph.Configured, "sns", "")...)}, analysis.ConfidenceMedium},
	} {
		if got := confidence(&c.f); got != c.want {
			t.Errorf("%s: %s, want %s", c.name, got, c.want)
		}
	}
}

func TestSurgeBurn(t *testing.T) {
	t.Parallel()
	f := &facts{class: confirmed, Hours: days(100, 1100, 2100), Baseline: days(100, 100, 100), Surge: &surge{First: 24, Actual: 76_800, Expected: 4_800}}
	f.Hours[71] = 3100
	f.Surge.Actual += 1000
	u := unit{usd: 0.001}
	got := surgeBurn(f, u, 730)
	perHour := (2000.0*24 + 1000) / 24 * 0.001
	want := burn{
		Excess: 73_000, USDPerHour: perHour, PeakUSDPerHour: 3, SpentUSD: 73,
		Savings: analysis.Interval{Low: 73, Expected: perHour * 730, High: 3 * 730},
	}
	if diff := cmp.Diff(want, got, cmp.Comparer(near)); diff != "" {
		t.Errorf("burn (-want +got):\n%s", diff)
	}
	if capped := surgeBurn(f, u, 10).Savings; !near(capped.Expected, perHour*10) || !near(capped.Low, perHour*10) {
		t.Errorf("with a horizon of ten hours: %+v", capped)
	}
	f.class = probable
	if low := surgeBurn(f, u, 730).Savings.Low; low != 0 {
		t.Errorf("a probable loop surely saves %v, want 0", low)
	}
}

func TestDropBurn(t *testing.T) {
	t.Parallel()
	w := analysis.Window{From: monday, To: monday.Add(365 * time.Hour)} // half a month
	got := dropBurn(&facts{Dropped: 1000, depth: 16}, unit{usd: 0.001}, w)
	want := burn{Excess: 15_000, SpentUSD: 15, USDPerHour: 30.0 / 730, PeakUSDPerHour: 30.0 / 730, Savings: analysis.Interval{Expected: 30, High: 30}}
	if diff := cmp.Diff(want, got, cmp.Comparer(near)); diff != "" {
		t.Errorf("burn (-want +got):\n%s", diff)
	}
}

func TestBurnsAreSummedByFunctionAndClass(t *testing.T) {
	t.Parallel()
	loop := func(name string, c class, usd float64, unpriced string) *facts {
		return &facts{
			Members: []function{{Account: "111122223333", Region: "us-east-1", Name: name}},
			class:   c, burn: burn{USDPerHour: usd, Unpriced: unpriced},
		}
	}
	b := burns{}
	for _, f := range []*facts{
		loop("pump", confirmed, 1.5, ""), loop("jump", probable, 2, ""), loop("pump", confirmed, 0.25, ""), loop("pump", probable, 4, ""),
		loop("idle", potential, 0, ""), loop("meant", intentional, 0, ""), loop("dear", confirmed, 0, "no price"), loop("dear", confirmed, 3, ""),
	} {
		b.add(f)
	}
	p := analysis.NewPass(Analyzer, analysis.Window{})
	b.measure(p)
	result, err := p.Result()
	if err != nil {
		t.Fatal(err)
	}
	value := func(name string, c class, usd float64) analysis.Measurement {
		return analysis.Measurement{Name: burnMeasure, Account: "111122223333", Region: "us-east-1", Labels: []string{name, string(c)}, Value: usd}
	}
	want := []analysis.Measurement{
		value("pump", confirmed, 1.75), value("jump", probable, 2), value("pump", probable, 4), value("dear", confirmed, math.NaN()),
	}
	if diff := cmp.Diff(want, result.Measurements, cmpopts.EquateNaNs()); diff != "" {
		t.Errorf("measurements (-want +got):\n%s", diff)
	}
}

func near(a, b float64) bool { return a-b < 1e-9 && b-a < 1e-9 }

// TestUnit prices an invocation of two functions together: their requests and
// durations are summed before anything is divided.
func TestUnit(t *testing.T) {
	t.Parallel()
	row := func(item, arch, usd string) schema.Price {
		return schema.Price{Item: item, Region: "us-east-1", Arch: arch, USD: decimal.RequireFromString(usd), ValidFrom: monday.AddDate(-1, 0, 0), ValidTo: monday.AddDate(1, 0, 0)}
	}
	book, err := price.NewBook([]schema.Price{row(price.Request, "", "0.0000002"), row(price.GBSecond, "x86_64", "0.0000166667"), row(price.GBSecond, "arm64", "0.0000133334")})
	if err != nil {
		t.Fatal(err)
	}
	j := &judge{book: book, p: &analysis.Pass{Window: analysis.Window{From: monday, To: monday.AddDate(0, 0, 1)}}}
	members := []function{
		{Name: "a", Region: "us-east-1", Architecture: "x86_64", MemoryMB: 1024, Invocations: 1000, DurationMS: 1e6, DurationRead: true},
		{Name: "b", Region: "us-east-1", Architecture: "arm64", MemoryMB: 512, Invocations: 3000, DurationMS: 3e6, DurationRead: true},
	}
	got, why := j.unitOf(members)
	want := (4000*0.0000002 + 1000*0.0000166667 + 1500*0.0000133334) / 4000
	if why != "" || !near(got.usd, want) {
		t.Errorf("unit %v (%s), want %v", got.usd, why, want)
	}
	for name, change := range map[string]func(*function){
		"no price of lambda.request in mars-1": func(f *function) { f.Region = "mars-1" },
		"Duration of b was not read":           func(f *function) { f.DurationRead = false },
	} {
		changed := slices.Clone(members)
		change(&changed[1])
		if _, why := j.unitOf(changed); !strings.HasPrefix(why, name) {
			t.Errorf("unpriced because %q, want %q", why, name)
		}
	}
	if _, why := j.unitOf([]function{{Name: "idle", Region: "us-east-1", Architecture: "arm64"}}); why == "" {
		t.Error("a loop without invocations has a price")
	}
}

func TestExemptions(t *testing.T) {
	t.Parallel()
	members := []function{{ARN: "arn:f", Name: "f"}, {ARN: "arn:g", Name: "g"}}
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	list := []analysis.Exemption{{Resource: "f", Until: "2026-10-01"}, {Resource: "arn:g", Until: "2026-10-31"}, {Resource: "other", Until: "2030-01-01"}}
	if holds, ended := exempted(list, members, now); holds != nil || ended == nil || ended.Until != "2026-10-31" {
		t.Errorf("holds %v, ended %v; want the one that ended last", holds, ended)
	}
	list[0].Until = "2026-11-01"
	if holds, _ := exempted(list, members, now); holds == nil || holds.Resource != "f" {
		t.Errorf("holds %v, want that of f", holds)
	}
}

func TestMatches(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		pattern, arn string
		want         bool
	}{
		{"*", "arn:aws:sqs:us-east-1:1:q", true},
		{"arn:aws:sqs:*", "arn:aws:sqs:us-east-1:1:q", true},
		{"arn:aws:sqs:*:*:orders-*", "arn:aws:sqs:us-east-1:1:orders-new", true},
		{"arn:aws:sqs:*:*:orders-*", "arn:aws:sqs:us-east-1:1:bills", false},
		{"arn:aws:events:*:*:event-bus/*", "arn:aws:events:us-east-1:1:event-bus/a/b", true}, // IAM's * crosses slashes
		{"arn:aws:sqs:us-east-1:1:q?", "arn:aws:sqs:us-east-1:1:q1", true},
		{`arn:[\`, `arn:[\`, true},
	} {
		if got := matches(c.pattern, c.arn); got != c.want {
			t.Errorf("matches(%q, %q) = %v, want %v", c.pattern, c.arn, got, c.want)
		}
	}
}

func TestWidePatterns(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ actions, want []string }{
		{[]string{"sqs:receivemessage", "logs:*"}, nil},
		{[]string{"sqs:*"}, []string{"arn:*:sqs:*"}},
		{[]string{"sns:pub*", "lambda:invokefunction"}, []string{"arn:*:sns:*", "arn:*:lambda:*"}},
		{[]string{"*"}, []string{"arn:*:sqs:*", "arn:*:sns:*", "arn:*:lambda:*", "arn:*:events:*"}},
	} {
		if diff := cmp.Diff(c.want, widePatterns(c.actions)); diff != "" {
			t.Errorf("%v (-want +got):\n%s", c.actions, diff)
		}
	}
}

func TestNumbersInWords(t *testing.T) {
	t.Parallel()
	for v, want := range map[float64]string{0: "0", 999: "999", 1000: "1,000", 1234567.4: "1,234,567"} {
		if got := count(v); got != want {
			t.Errorf("count(%v) = %q, want %q", v, got, want)
		}
	}
	for v, want := range map[float64]float64{0: 0, 0.00012345: 0.000123, 12.345: 12.3, 98765: 98800} {
		if got := significant(v); !near(got, want) {
			t.Errorf("significant(%v) = %v, want %v", v, got, want)
		}
	}
}
