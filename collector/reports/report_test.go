package reports

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"os"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// recorded is a line as people meet it, with the fields it must yield.
type recorded struct {
	Line            string   `json:"line"`
	DurationMS      *float64 `json:"duration_ms"`
	BilledMS        float64  `json:"billed_ms"`
	MemoryMB        float64  `json:"memory_mb"`
	MaxUsedMB       float64  `json:"max_used_mb"`
	InitMS          *float64 `json:"init_ms"`
	RestoreMS       *float64 `json:"restore_ms"`
	BilledRestoreMS *float64 `json:"billed_restore_ms"`
	Status          string   `json:"status"`
	ErrorType       string   `json:"error_type"`
	Note            string   `json:"note"`
}

func recordedLines(t testing.TB) []recorded {
	t.Helper()
	text, err := os.ReadFile("testdata/report_lines.jsonl")
	if err != nil {
		t.Fatal(err)
	}
	var list []recorded
	for line := range bytes.Lines(text) {
		var r recorded
		if err := json.Unmarshal(line, &r); err != nil {
			t.Fatal(err)
		}
		list = append(list, r)
	}
	if len(list) < 11 {
		t.Fatalf("only %d recorded lines", len(list))
	}
	return list
}

func TestParseReportOnRecordedLines(t *testing.T) {
	t.Parallel()
	for _, want := range recordedLines(t) {
		got, err := ParseReport(want.Line)
		if want.DurationMS == nil {
			if !errors.Is(err, ErrNotReport) {
				t.Errorf("%q: %+v, %v, want ErrNotReport", want.Line, got, err)
			}
			continue
		}
		if err != nil {
			t.Errorf("%q: %v", want.Line, err)
			continue
		}
		report := Report{
			RequestID: got.RequestID, DurationMS: *want.DurationMS, BilledMS: want.BilledMS, MemoryMB: want.MemoryMB, MaxUsedMB: want.MaxUsedMB,
			InitMS: want.InitMS, RestoreMS: want.RestoreMS, BilledRestoreMS: want.BilledRestoreMS, Status: want.Status, ErrorType: want.ErrorType,
			TraceID: got.TraceID, SegmentID: got.SegmentID, Sampled: got.Sampled,
		}
		if diff := cmp.Diff(report, got); diff != "" || !strings.Contains(want.Line, got.RequestID) || got.RequestID == "" {
			t.Errorf("%q (-want +got):\n%s", want.Line, diff)
		}
	}
}

// The recorded lines' notes say of most cold starts whether their init was billed.
func TestInitBilledOnRecordedLines(t *testing.T) {
	t.Parallel()
	want := map[float64][2]bool{ // billed duration → billed, known
		15: {false, false}, 800: {false, true}, 7814: {true, true}, 546: {true, true}, 3000: {false, false}, 600000: {false, false},
		2521: {false, false}, 1769: {true, true}, 202: {false, true}, 1155: {false, true},
	}
	seen := 0
	for _, line := range recordedLines(t) {
		r, err := ParseReport(line.Line)
		if err != nil {
			continue
		}
		seen++
		billed, known := r.InitBilled()
		if [2]bool{billed, known} != want[r.BilledMS] {
			t.Errorf("%s: billed %v, known %v", line.Line, billed, known)
		}
	}
	if seen != len(want) {
		t.Errorf("%d reports, want %d", seen, len(want))
	}
}

func TestInitBilled(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		name          string
		beyond, init  float64
		lines         uint64
		step          float64
		billed, known bool
	}{
		{"nothing to judge by", 10, 0, 0, 1, false, false},
		{"a day of billed cold starts", 30_500, 30_450, 100, 1, true, true},
		{"a day of unbilled ones", 49, 30_450, 100, 1, false, true},
		{"an init below the rounding", 0.7, 0.4, 1, 1, false, false},
		{"a short init of a native binary", 18.3, 17.9, 1, 1, true, true},
		{"rounded to a hundred, short init", 70, 60, 1, 100, false, false},
		{"decimals hide a hundredth", 542.00, 542.01, 1, 1, true, true},
	} {
		billed, known := initBilled(test.beyond, test.init, test.lines, test.step)
		if billed != test.billed || known != test.known {
			t.Errorf("%s: billed %v, known %v", test.name, billed, known)
		}
	}
}

func TestParseReportFields(t *testing.T) {
	t.Parallel()
	ms := func(v float64) *float64 { return &v }
	for _, test := range []struct {
		line string
		want Report
	}{
		{
			"REPORT RequestId: a\tDuration: 1 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 128 MB\tStatus: error\tError Type: Runtime.OutOfMemory\n" +
				"XRAY TraceId: 1-2-3\tSegmentId: 4\tSampled: true\t",
			Report{
				RequestID: "a", DurationMS: 1, BilledMS: 2, MemoryMB: 128, MaxUsedMB: 128, Status: "error", ErrorType: "Runtime.OutOfMemory",
				TraceID: "1-2-3", SegmentID: "4", Sampled: true,
			},
		},
		{
			`{"time":"2026-11-01T00:00:00.000Z","type":"platform.report","record":{"requestId":"b","metrics":{"durationMs":5.5,"billedDurationMs":90,` +
				`"memorySizeMB":512,"maxMemoryUsedMB":100,"restoreDurationMs":400.5,"billedRestoreDurationMs":84},"status":"timeout","errorType":"Sandbox.Timedout",` +
				`"tracing":{"spanId":"s","type":"X-Amzn-Trace-Id","value":"Root=1-2-3;Parent=9;Sampled=1"}}}`,
			Report{
				RequestID: "b", DurationMS: 5.5, BilledMS: 90, MemoryMB: 512, MaxUsedMB: 100, RestoreMS: ms(400.5), BilledRestoreMS: ms(84),
				Status: "timeout", ErrorType: "Sandbox.Timedout", TraceID: "1-2-3", SegmentID: "s", Sampled: true,
			},
		},
	} {
		got, err := ParseReport(test.line)
		if err != nil {
			t.Errorf("%q: %v", test.line, err)
		}
		if diff := cmp.Diff(test.want, got); diff != "" {
			t.Errorf("%q (-want +got):\n%s", test.line, diff)
		}
	}
}

func TestParseReportRejects(t *testing.T) {
	t.Parallel()
	const rest = "Billed Duration: 2 ms Memory Size: 128 MB Max Memory Used: 64 MB"
	for _, test := range []struct{ line, want string }{
		{"REPORT RequestId: a " + rest, "Duration is missing"},
		{"REPORT RequestId: a Duration: NaN ms " + rest, `"NaN" is not a number`},
		{"REPORT RequestId: a Duration: -1 ms " + rest, `"-1" is not a number`},
		{"REPORT RequestId: a Duration: 1e999 ms " + rest, "is not a number"},
		{"REPORT RequestId: a Duration: 1 ms Duration: 1 ms " + rest, "Duration appears twice"},
		{"REPORT RequestId: a Duration: 1 ms " + rest + " Status:", "Status has no value"},
		{"REPORT RequestId: a Duration: 1 ms " + rest + " and more", `"and more" belongs to no field`},
		{`{"type":"platform.report","record":{"metrics":{"durationMs":1}}}`, "billedDurationMs is missing"},
		{`{"type":"platform.report","record":{"metrics":{"durationMs":"x"}}}`, "platform.report: json"},
		{`{"type":"platform.report","record":{"metrics":{"durationMs":-1,"billedDurationMs":1,"memorySizeMB":1,"maxMemoryUsedMB":1}}}`, "durationMs is negative"},
	} {
		if _, err := ParseReport(test.line); err == nil || errors.Is(err, ErrNotReport) || !strings.Contains(err.Error(), test.want) {
			t.Errorf("%q: %v, want %q", test.line, err, test.want)
		}
	}
	for _, line := range []string{
		"", "REPORT", "INIT_START Runtime Version: x", "{", "{}", `{"type":7}`, `{"type":"function","record":"REPORT"}`, "{not json}",
		"a REPORT RequestId: b", "INIT_REPORT Init Duration: 10 ms",
	} {
		if _, err := ParseReport(line); !errors.Is(err, ErrNotReport) {
			t.Errorf("%q: %v, want ErrNotReport", line, err)
		}
	}
}

// text is the line that Lambda would write for a report.
func text(r Report) string {
	number := func(v float64) string { return fmt.Sprintf("%v", v) }
	parts := []string{
		"REPORT RequestId: " + r.RequestID, "Duration: " + number(r.DurationMS) + " ms", "Billed Duration: " + number(r.BilledMS) + " ms",
		"Memory Size: " + number(r.MemoryMB) + " MB", "Max Memory Used: " + number(r.MaxUsedMB) + " MB",
	}
	for _, f := range []struct {
		name string
		v    *float64
	}{{"Init Duration", r.InitMS}, {"Restore Duration", r.RestoreMS}, {"Billed Restore Duration", r.BilledRestoreMS}} {
		if f.v != nil {
			parts = append(parts, f.name+": "+number(*f.v)+" ms")
		}
	}
	for _, f := range [][2]string{{"Status", r.Status}, {"Error Type", r.ErrorType}, {"XRAY TraceId", r.TraceID}, {"SegmentId", r.SegmentID}} {
		if f[1] != "" {
			parts = append(parts, f[0]+": "+f[1])
		}
	}
	if r.Sampled {
		parts = append(parts, "Sampled: true")
	}
	return strings.Join(parts, "\t") + "\t\n"
}

// FuzzParseReport holds that no line makes the parser panic, that what it
// accepts is sane, and that writing what it read and reading that again gives
// the same report.
func FuzzParseReport(f *testing.F) {
	for _, r := range recordedLines(f) {
		f.Add(r.Line)
	}
	f.Add("REPORT RequestId: a\tDuration: 1 ms\tBilled Duration: 2 ms\tMemory Size: 128 MB\tMax Memory Used: 128 MB\tStatus: error\tError Type: X")
	f.Add(`{"type":"platform.report","record":{"requestId":":","metrics":{"durationMs":1e300,"billedDurationMs":1,"memorySizeMB":1,"maxMemoryUsedMB":1}}}`)
	f.Fuzz(func(t *testing.T, line string) {
		r, err := ParseReport(line)
		if err != nil {
			if r != (Report{}) {
				t.Fatalf("an error and a report: %+v", r)
			}
			return
		}
		for _, v := range []float64{r.DurationMS, r.BilledMS, r.MemoryMB, r.MaxUsedMB} {
			if v < 0 || math.IsNaN(v) || math.IsInf(v, 0) {
				t.Fatalf("%v in %+v", v, r)
			}
		}
		if _, known := r.InitBilled(); known && r.InitMS == nil {
			t.Fatalf("knows of an init that was not: %+v", r)
		}
		if strings.HasPrefix(strings.TrimSpace(line), "{") {
			return // values of the JSON form may hold spaces, which the text form has no way to write
		}
		again, err := ParseReport(text(r))
		if err != nil {
			t.Fatalf("%q was read as %+v, which reads as: %v", line, r, err)
		}
		if diff := cmp.Diff(r, again); diff != "" {
			t.Fatalf("%q (-first +again):\n%s", line, diff)
		}
	})
}
