package reports

import (
	"context"
	"errors"
	"fmt"
	"math"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// reportLine is a REPORT line in a function's own group, daysAgo whole days back.
func reportLine(name, version string, daysAgo int, report string) line {
	at := today().AddDate(0, 0, -daysAgo).Add(5 * time.Hour)
	return line{
		group: "/aws/lambda/" + name, stream: at.Format("2006/01/02") + "/[" + version + "]0123456789abcdef", at: at,
		message: report,
	}
}

func warm(id string) string {
	return "REPORT RequestId: " + id + "\tDuration: 10.50 ms\tBilled Duration: 11 ms\tMemory Size: 128 MB\tMax Memory Used: 64 MB\t\n"
}

// One scan of a day's lines yields all of its row: sums, quantiles, cold starts
// and whether they were billed, timeouts, exhausted memory and errors.
func TestRow(t *testing.T) {
	t.Parallel()
	const rest = "Memory Size: 128 MB\tMax Memory Used: "
	fake := &logs{lines: []line{
		reportLine("api", "7", 1, "REPORT RequestId: a\tDuration: 10.50 ms\tBilled Duration: 11 ms\t"+rest+"64 MB\t\n"),
		reportLine("api", "7", 1, "REPORT RequestId: b\tDuration: 20.00 ms\tBilled Duration: 321 ms\t"+rest+"70 MB\tInit Duration: 300.25 ms\t\n"),
		reportLine("api", "7", 1, "REPORT RequestId: c\tDuration: 3003.21 ms\tBilled Duration: 3000 ms\t"+rest+"66 MB\tStatus: timeout\n"),
		reportLine("api", "7", 1, "REPORT RequestId: d\tDuration: 50.00 ms\tBilled Duration: 50 ms\t"+rest+"128 MB\tStatus: error\tError Type: Runtime.OutOfMemory\n"),
		reportLine("api", "7", 1, "START RequestId: e Version: 7\n"),
		reportLine("api", "7", 1, "an application line with Duration: 99 ms\n"),
	}}
	f := newRun(t, fake, function("api"))
	f.Collect(t)
	want := []schema.ReportDay{{
		Account: "123456789012", Region: "eu-west-1", FunctionARN: arnOf("api"), Version: "7", MemoryMB: 128, Architecture: "arm64",
		Day: today().AddDate(0, 0, -1), Invocations: 4,
		DurationMSSum: 3083.71, DurationMSMax: 3003.21, BilledMSSum: 3382,
		BilledMSSumSq: 11*11 + 321*321 + 3000*3000 + 50*50,
		UsedMBMax:     128, InitCount: 1, InitMSSum: 300.25, InitMSP99: 300.25,
		Timeouts: 1, AtMemoryLimit: 1, Errors: 1, InitBilled: new(true), SampleRequestID: "d", CollectedAt: now,
	}}
	got := collecttest.Rows[schema.ReportDay](f.Sink)
	quantiles := cmpopts.IgnoreFields(schema.ReportDay{}, "DurationMSP50", "DurationMSP99", "BilledMSP50", "BilledMSP99", "UsedMBP50", "UsedMBP99", "UsedMBP999", "SampleRequestID")
	if diff := cmp.Diff(want, got, quantiles, cmpopts.EquateApprox(0, 1e-6)); diff != "" {
		t.Fatalf("rows (-want +got):\n%s", diff)
	}
	r := got[0]
	if r.DurationMSP50 < 10.5 || r.DurationMSP50 > 50 || r.DurationMSP99 < r.DurationMSP50 || r.BilledMSP99 < 321 || r.UsedMBP50 < 64 || r.UsedMBP50 > 70 || r.UsedMBP999 < r.UsedMBP99 {
		t.Errorf("quantiles: %+v", r)
	}
	if !slices.Contains([]string{"a", "b", "c", "d"}, r.SampleRequestID) {
		t.Errorf("sample %q", r.SampleRequestID)
	}
	if len(f.Gaps()) != 0 || len(f.Completions()) != 1 {
		t.Errorf("gaps %v, completions %v", gaps(f), f.Completions())
	}
}

// The recorded lines, aggregated by the query, agree with the parser.
func TestQueryAgreesWithParser(t *testing.T) {
	t.Parallel()
	fake := &logs{}
	byMemory := map[uint32]Report{}
	for _, recorded := range recordedLines(t) {
		fake.lines = append(fake.lines, reportLine("api", "$LATEST", 1, recorded.Line))
		r, err := ParseReport(recorded.Line)
		if err != nil || byMemory[uint32(r.MemoryMB)] != (Report{}) {
			byMemory[uint32(r.MemoryMB)] = Report{MemoryMB: -1} // no report, or several of one size
			continue
		}
		byMemory[uint32(r.MemoryMB)] = r
	}
	text, inJSON := function("api"), function("json")
	inJSON.LogFormat, inJSON.LogGroup = "JSON", "/aws/lambda/api" // both formats in one group
	f := newRun(t, fake, text, inJSON)
	f.Collect(t)
	checked := 0
	for _, row := range collecttest.Rows[schema.ReportDay](f.Sink) {
		want := byMemory[row.MemoryMB]
		if want.MemoryMB < 0 {
			continue
		}
		checked++
		billed, known := want.InitBilled()
		same := row.DurationMSSum == want.DurationMS && row.BilledMSSum == want.BilledMS && row.UsedMBMax == want.MaxUsedMB &&
			(row.InitCount == 1) == (want.InitMS != nil) && (row.Timeouts == 1) == (want.Status == "timeout") &&
			row.Snapstart == (want.RestoreMS != nil) && (row.InitBilled != nil) == known && (!known || *row.InitBilled == billed)
		if !same {
			t.Errorf("row %+v\nline %+v", row, want)
		}
	}
	if checked != 3 {
		t.Errorf("%d lines compared, want those of 1536, 3009 and 10240 MB", checked)
	}
}

// Functions that log in JSON have their platform.report objects read.
func TestJSONFormat(t *testing.T) {
	t.Parallel()
	object := func(id string, extra, status string) string {
		return `{"time":"2026-11-22T05:00:00.000Z","type":"platform.report","record":{"requestId":"` + id + `","metrics":{"durationMs":10.500,"billedDurationMs":11,` +
			`"memorySizeMB":512,"maxMemoryUsedMB":512` + extra + `},"status":"` + status + `"}}`
	}
	fake := &logs{lines: []line{
		reportLine("api", "$LATEST", 1, object("a", "", "success")),
		reportLine("api", "$LATEST", 1, object("b", `,"initDurationMs":200.125`, "timeout")),
		reportLine("api", "$LATEST", 1, object("c", `,"restoreDurationMs":100,"billedRestoreDurationMs":20`, "error")),
		reportLine("api", "$LATEST", 1, `{"level":"INFO","message":"an application line"}`),
	}}
	api := function("api")
	api.LogFormat = "JSON"
	f := newRun(t, fake, api)
	f.Collect(t)
	want := []schema.ReportDay{{
		Account: "123456789012", Region: "eu-west-1", FunctionARN: arnOf("api"), Version: "$LATEST", MemoryMB: 512, Architecture: "arm64",
		Day: today().AddDate(0, 0, -1), Invocations: 3,
		DurationMSSum: 31.5, DurationMSP50: 10.5, DurationMSP99: 10.5, DurationMSMax: 10.5,
		BilledMSSum: 33, BilledMSSumSq: 363, BilledMSP50: 11, BilledMSP99: 11,
		UsedMBMax: 512, UsedMBP50: 512, UsedMBP99: 512, UsedMBP999: 512,
		InitCount: 1, InitMSSum: 200.125, InitMSP99: 200.125, Timeouts: 1, AtMemoryLimit: 3, Errors: 1,
		Snapstart: true, InitBilled: new(false), CollectedAt: now,
	}}
	if diff := cmp.Diff(want, collecttest.Rows[schema.ReportDay](f.Sink), cmpopts.IgnoreFields(schema.ReportDay{}, "SampleRequestID")); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
}

// In a group that functions share, the stream says whose line it is; lines of
// functions that are not in the inventory are nobody's.
func TestSharedGroup(t *testing.T) {
	t.Parallel()
	shared := func(name, version string) line {
		l := reportLine(name, version, 1, warm("a"))
		l.group, l.stream = "/shop/all", l.at.Format("2006/01/02")+"/"+name+"["+version+"]0123"
		return l
	}
	fake := &logs{lines: []line{shared("orders", "3"), shared("orders", "4"), shared("billing-v2_x", "$LATEST"), shared("deleted", "1")}}
	orders, billing := function("orders"), function("billing-v2_x")
	orders.LogGroup, billing.LogGroup = "/shop/all", "/shop/all"
	f := newRun(t, fake, orders, billing)
	f.Collect(t)
	want := []string{"billing-v2_x $LATEST 128 2026-11-22 1", "orders 3 128 2026-11-22 1", "orders 4 128 2026-11-22 1"}
	if diff := cmp.Diff(want, rowNames(f)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if q := fake.asked(); len(q) != 1 || !slices.Equal(q[0].Groups, []string{"/shop/all"}) {
		t.Errorf("queries: %+v", q)
	}
}

// A function that never logged has no group: no rows, no gap, and no query that
// would fail for all.
func TestMissingGroup(t *testing.T) {
	t.Parallel()
	fake := &logs{lines: []line{reportLine("api", "1", 1, warm("a"))}}
	f := newRun(t, fake, function("api"), function("never"))
	f.Collect(t)
	if diff := cmp.Diff([]string{"api 1 128 2026-11-22 1"}, rowNames(f)); diff != "" || len(f.Gaps()) != 0 {
		t.Errorf("gaps %v, rows (-want +got):\n%s", gaps(f), diff)
	}
	if strings.Contains(f.State.Values()[cursor], "never") {
		t.Errorf("the cursor moved for a group that is not there: %s", f.State.Values()[cursor])
	}
}

// Days are read whole and once; a new function from the lookback's start.
func TestDaysAreReadOnce(t *testing.T) {
	t.Parallel()
	fake := &logs{lines: []line{reportLine("api", "1", 1, warm("a")), reportLine("api", "1", 0, warm("today")), reportLine("new", "1", 1, warm("b"))}}
	f := newRun(t, fake, function("api"))
	f.Collect(t)
	if q := fake.asked(); len(q) != 1 || q[0].From != today().AddDate(0, 0, -3) || q[0].To != today() {
		t.Errorf("first run: %+v", q)
	}
	g := newRun(t, fake, function("api"), function("new"))
	if err := g.State.Save(t.Context(), cursor, f.State.Values()[cursor]); err != nil {
		t.Fatal(err)
	}
	g.Collect(t)
	if q := fake.asked()[1:]; len(q) != 1 || !slices.Equal(q[0].Groups, []string{"/aws/lambda/new"}) || q[0].From != today().AddDate(0, 0, -3) {
		t.Errorf("second run: %+v", q)
	}
}

// A day that has just ended may still receive lines: it is read again.
func TestUnsettledDayIsReadAgain(t *testing.T) {
	t.Parallel()
	fake := &logs{lines: []line{reportLine("api", "1", 1, warm("a"))}}
	state := map[string]string{}
	for _, at := range []time.Time{today().Add(time.Hour), today().Add(9 * time.Hour)} {
		f := collecttest.New(t, Collector, collecttest.Options{
			Now: at, Window: collect.Window{From: at.AddDate(0, 0, -3), To: at}, Functions: []schema.Function{function("api")}, Wire: fake.wire(), State: state,
		})
		f.Collect(t)
		state = f.State.Values()
	}
	q := fake.asked()
	if len(q) != 2 || q[1].From != today().AddDate(0, 0, -1) || q[1].To != today() {
		t.Errorf("queries: %+v", q)
	}
	if want := `{"/aws/lambda/api":"2026-11-23"}`; state[cursor] != want {
		t.Errorf("cursor %s, want %s", state[cursor], want)
	}
}

// Queries include both of their ends. A line at midnight belongs to the day that
// begins, and one just before it is not lost.
func TestMidnight(t *testing.T) {
	t.Parallel()
	at := func(offset time.Duration) line {
		l := reportLine("api", "1", 1, warm("a"))
		l.at = today().Add(offset)
		return l
	}
	fake := &logs{lines: []line{at(-24 * time.Hour), at(-time.Millisecond), at(0), at(time.Millisecond)}}
	f := newRun(t, fake, function("api"))
	f.Collect(t)
	if diff := cmp.Diff([]string{"api 1 128 2026-11-22 2"}, rowNames(f)); diff != "" || len(f.Gaps()) != 0 {
		t.Errorf("gaps %v, rows (-want +got):\n%s", gaps(f), diff)
	}
}

// No query names more than 50 groups, and none mixes formats or classes.
func TestBatches(t *testing.T) {
	t.Parallel()
	fake := &logs{groups: map[string]string{}}
	var functions []schema.Function
	for i := range 130 {
		f := function(fmt.Sprintf("f%03d", i))
		fake.groups[f.LogGroup] = "STANDARD"
		if i%10 == 0 {
			f.LogFormat = "JSON"
		}
		if i%10 == 1 {
			fake.groups[f.LogGroup] = "INFREQUENT_ACCESS"
		}
		functions = append(functions, f)
	}
	f := newRun(t, fake, functions...)
	f.Collect(t)
	total := 0
	for _, q := range fake.asked() {
		total += len(q.Groups)
		kinds := map[string]bool{}
		for _, name := range q.Groups {
			kinds[name[len(name)-1:]] = true
		}
		if len(q.Groups) > 50 || kinds["0"] && len(kinds) > 1 || kinds["1"] && len(kinds) > 1 {
			t.Errorf("a query of %d groups: %v", len(q.Groups), q.Groups)
		}
		if wantJSON := kinds["0"]; wantJSON != strings.Contains(q.Text, "platform.report") {
			t.Errorf("groups %v are asked: %s", q.Groups, q.Text)
		}
	}
	if total != 130 {
		t.Errorf("%d groups in all queries", total)
	}
}

// A result at the limit may have been cut: its days are asked for in halves.
func TestFullResultIsSplit(t *testing.T) {
	t.Parallel()
	fake := &logs{lines: []line{reportLine("api", "1", 1, warm("a")), reportLine("api", "1", 2, warm("b")), reportLine("api", "1", 3, warm("c"))}}
	fake.rows = func(rows [][]map[string]string, from, to time.Time) [][]map[string]string {
		if to.Sub(from) > day {
			return make([][]map[string]string, maxRows)
		}
		return rows
	}
	f := newRun(t, fake, function("api"))
	f.Collect(t)
	if diff := cmp.Diff([]string{"api 1 128 2026-11-20 1", "api 1 128 2026-11-21 1", "api 1 128 2026-11-22 1"}, rowNames(f)); diff != "" || len(f.Gaps()) != 0 {
		t.Errorf("gaps %v, rows (-want +got):\n%s", gaps(f), diff)
	}
	fake.rows = func(rows [][]map[string]string, _, _ time.Time) [][]map[string]string {
		return make([][]map[string]string, maxRows)
	}
	f = newRun(t, fake, function("api"))
	f.Collect(t)
	if diff := cmp.Diff([]string{"api logs:GetQueryResults failed"}, gaps(f)); diff != "" || f.State.Values()[cursor] != "{}" {
		t.Errorf("cursor %s, gaps (-want +got):\n%s", f.State.Values()[cursor], diff)
	}
}

// A log group that may not be queried costs its functions' reports alone.
func TestOneDeniedGroup(t *testing.T) {
	t.Parallel()
	fake := &logs{lines: []line{reportLine("a", "1", 1, warm("a")), reportLine("b", "1", 1, warm("b")), reportLine("secret", "1", 1, warm("c"))}}
	fake.start = func(names []string) *collecttest.Response {
		if slices.Contains(names, "/aws/lambda/secret") {
			resp := collecttest.Deny(startAction)(nil, "")
			return &resp
		}
		return nil
	}
	f := newRun(t, fake, function("a"), function("b"), function("secret"))
	f.Collect(t)
	if diff := cmp.Diff([]string{"a 1 128 2026-11-22 1", "b 1 128 2026-11-22 1"}, rowNames(f)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"secret logs:StartQuery denied"}, gaps(f)); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
	if len(f.Completions()) != 0 {
		t.Error("complete, though a group is missing")
	}
}

// When queries are refused altogether, few are tried and one gap says so.
func TestDenied(t *testing.T) {
	t.Parallel()
	for _, action := range []string{startAction, resultsAction} {
		fake := &logs{groups: map[string]string{}}
		var functions []schema.Function
		for i := range 200 {
			f := function(fmt.Sprintf("f%03d", i))
			fake.groups[f.LogGroup] = "STANDARD"
			functions = append(functions, f)
		}
		wire := fake.wire().On(action, collecttest.Deny(action))
		f := newRun(t, fake, functions...)
		f.AWS.HTTPClient = wire
		f.Collect(t)
		if n := wire.Calls(startAction); n > maxDenied+3 {
			t.Errorf("%s denied: %d queries tried", action, n)
		}
		scope := 0
		for _, g := range f.Gaps() {
			if g.Action != action || g.Outcome != "denied" {
				t.Errorf("gap %+v", g)
			}
			if g.Resource == "" {
				scope++
			}
		}
		if scope != 1 || len(f.Gaps()) > maxDenied {
			t.Errorf("%s denied: %d gaps, %d for everything", action, len(f.Gaps()), scope)
		}
	}
}

// Without the listing, sizes and missing groups are unknown, which is said; the
// queries find out for themselves.
func TestListingDenied(t *testing.T) {
	t.Parallel()
	fake := &logs{lines: []line{reportLine("a", "1", 1, warm("a")), reportLine("b", "1", 1, warm("b"))}}
	f := newRun(t, fake, function("a"), function("b"), function("never"))
	f.AWS.HTTPClient = fake.wire().On(describeAction, collecttest.Deny(describeAction))
	f.Collect(t)
	if diff := cmp.Diff([]string{"a 1 128 2026-11-22 1", "b 1 128 2026-11-22 1"}, rowNames(f)); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	if diff := cmp.Diff([]string{"arn:aws:logs:eu-west-1:123456789012:log-group:* logs:DescribeLogGroups denied"}, gaps(f)); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
}

func TestQueryFailures(t *testing.T) {
	t.Parallel()
	status := func(s string) *collecttest.Response {
		resp := jsonResponse(map[string]any{"status": s, "results": []any{}, "statistics": map[string]any{"bytesScanned": 1e9}})
		return &resp
	}
	for name, test := range map[string]struct {
		result *collecttest.Response
		detail string
	}{
		"failed":    {status("Failed"), "did not complete: Failed"},
		"cancelled": {status("Cancelled"), "did not complete: Cancelled"},
		"timeout":   {status("Timeout"), "gave up after the 60 minutes"},
		"truncated": {&collecttest.Response{Body: `{"status":"Complete","results":[[{"fie`}, "GetQueryResults"},
		"html":      {&collecttest.Response{Status: http.StatusNotFound, Body: "<html>proxy</html>"}, "404"},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := &logs{lines: []line{reportLine("api", "1", 1, warm("a"))}, result: func(string, int) *collecttest.Response { return test.result }}
			f := newRun(t, fake, function("api"))
			f.Window.From = today().AddDate(0, 0, -1)
			f.Collect(t)
			got := f.Gaps()
			if len(got) != 1 || got[0].Resource != arnOf("api") || got[0].Outcome != "failed" || !strings.Contains(got[0].Detail, test.detail) {
				t.Errorf("gaps: %+v", got)
			}
			if len(f.Sink.All()) != 0 || f.State.Values()[cursor] != "{}" {
				t.Errorf("rows %v, cursor %s", f.Sink.All(), f.State.Values()[cursor])
			}
		})
	}
}

// Rows that make no sense are not stored: each is its function's gap, and the
// others stand.
func TestMalformedRows(t *testing.T) {
	t.Parallel()
	for name, change := range map[string]func(map[string]string){
		"not a number":    func(c map[string]string) { replace(c, "duration_sum", "many") },
		"negative":        func(c map[string]string) { replace(c, "billed_sum", "-1") },
		"no day":          func(c map[string]string) { replace(c, "bin(1d)", "yesterday") },
		"no memory size":  func(c map[string]string) { replace(c, "@memorySize", "0") },
		"no invocations":  func(c map[string]string) { replace(c, "invocations", "0") },
		"infinite number": func(c map[string]string) { replace(c, "used_max", "Infinity") },
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			fake := &logs{lines: []line{reportLine("bad", "1", 1, warm("a")), reportLine("good", "1", 1, warm("b"))}}
			fake.rows = func(rows [][]map[string]string, _, _ time.Time) [][]map[string]string {
				for _, row := range rows {
					bad := slices.ContainsFunc(row, func(c map[string]string) bool { return strings.HasSuffix(c["value"], "/bad") })
					for _, cell := range row {
						if bad {
							change(cell)
						}
					}
				}
				return rows
			}
			f := newRun(t, fake, function("bad"), function("good"))
			f.Collect(t)
			if diff := cmp.Diff([]string{"good 1 128 2026-11-22 1"}, rowNames(f)); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff([]string{"bad logs:GetQueryResults failed"}, gaps(f)); diff != "" {
				t.Errorf("gaps (-want +got):\n%s", diff)
			}
		})
	}
}

func replace(cell map[string]string, field, value string) {
	if cell["field"] == field {
		cell["value"] = value
	}
}

// A query is polled until it is done, and stopped when nobody waits any longer.
func TestPollingAndStopping(t *testing.T) {
	t.Parallel()
	fake := &logs{lines: []line{reportLine("api", "1", 1, warm("a"))}, polls: 2}
	f := newRun(t, fake, function("api"))
	f.Collect(t)
	if len(rowNames(f)) != 1 || len(fake.stopped) != 0 {
		t.Errorf("rows %v, stopped %v", rowNames(f), fake.stopped)
	}

	slow := &logs{lines: fake.lines, polls: 1 << 30}
	f = newRun(t, slow, function("api"))
	f.Window.From = today().AddDate(0, 0, -1)
	f.Params["query_timeout"] = 150 * time.Millisecond
	f.Collect(t)
	if len(slow.stopped) != 1 || len(f.Gaps()) != 1 || !strings.Contains(f.Gaps()[0].Detail, "query_timeout") {
		t.Errorf("too slow: stopped %v, gaps %+v", slow.stopped, f.Gaps())
	}

	ctx, cancel := context.WithCancel(t.Context())
	ended := &logs{lines: fake.lines, result: func(string, int) *collecttest.Response { cancel(); return nil }, polls: 1 << 30}
	f = newRun(t, ended, function("api"))
	if err := Collector.Collect(ctx, f.Run); !errors.Is(err, context.Canceled) {
		t.Errorf("ended context: %v", err)
	}
	if len(ended.stopped) != 1 {
		t.Errorf("a query was left running: %v", ended.stopped)
	}
}

// What was scanned is billed, by the bytes that the answer tells.
func TestScanIsBilled(t *testing.T) {
	t.Parallel()
	rates, err := collect.Rates(func(string) (float64, error) { return 0.005, nil })
	if err != nil {
		t.Fatal(err)
	}
	fake := &logs{lines: []line{reportLine("api", "1", 1, warm("a"))}}
	f := collecttest.New(t, Collector, collecttest.Options{
		Now: now, Window: collect.Window{From: today().AddDate(0, 0, -3), To: now}, Functions: []schema.Function{function("api")}, Wire: fake.wire(), Rates: rates,
	})
	f.Collect(t)
	if got := f.Meter.USD(); math.Abs(got-2.5*0.005) > 1e-12 {
		t.Errorf("billed $%g for 2.5 GB", got)
	}
}

// A run keeps within max_scan_gb: first the oldest days go, then the largest groups.
func TestScanLimit(t *testing.T) {
	t.Parallel()
	fake := &logs{lines: []line{reportLine("api", "1", 1, warm("a")), reportLine("web", "1", 1, warm("b"))}}
	for _, test := range []struct {
		gb     float64
		days   int
		groups int
	}{{1, 3, 2}, {0.0045, 2, 2}, {0.002, 1, 2}, {0.0015, 1, 1}, {0, 0, 0}} { // each group has 1 MB a day
		f := newRun(t, fake, function("api"), function("web"))
		f.Params["max_scan_gb"] = test.gb
		before := len(fake.asked())
		f.Collect(t)
		days, groups := 0, 0
		for _, q := range fake.asked()[before:] {
			days, groups = int(q.To.Sub(q.From)/day), len(q.Groups)
		}
		if days != test.days || groups != test.groups {
			t.Errorf("%g GB: %d days of %d groups, want %d of %d", test.gb, days, groups, test.days, test.groups)
		}
		if left := test.days < 3 || test.groups < 2; left != (len(f.Gaps()) > 0) {
			t.Errorf("%g GB: gaps %v", test.gb, gaps(f))
		}
	}
}

// A class that cannot be queried is a gap of its functions.
func TestDeliveryClass(t *testing.T) {
	t.Parallel()
	fake := &logs{groups: map[string]string{"/aws/lambda/api": "DELIVERY"}}
	f := newRun(t, fake, function("api"))
	f.Collect(t)
	if diff := cmp.Diff([]string{"api logs:StartQuery failed"}, gaps(f)); diff != "" || len(fake.asked()) != 0 {
		t.Errorf("%d queries, gaps (-want +got):\n%s", len(fake.asked()), diff)
	}
}

func TestEstimate(t *testing.T) {
	t.Parallel()
	cost := Collector.Estimate(collect.Inventory{Regions: 1, Functions: 1000, ActiveFunctions: 300, LogBytesPerMonth: 500e9})
	if cost.Units != 500 || cost.Unit != "GB" || cost.Calls <= 0 {
		t.Errorf("%+v", cost)
	}
}
