package insights_test

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/awssim/insights"
)

// event is a Lambda log event that stands for n.
type event struct {
	at       time.Time
	typ      string
	log      string
	stream   string
	duration float64
	memory   float64
	initMS   float64
	message  string
	n        float64
}

var day = time.Date(2026, 11, 20, 0, 0, 0, 0, time.UTC)

func events() []event {
	return []event{
		{at: day.Add(time.Hour), typ: "REPORT", log: "1:/aws/lambda/a", stream: "2026/11/20/[$LATEST]aa", duration: 14.97, memory: 1.28e8, initMS: 345.65, message: "REPORT one", n: 1},
		{at: day.Add(2 * time.Hour), typ: "REPORT", log: "1:/aws/lambda/a", stream: "2026/11/20/[7]bb", duration: 20, memory: 1.28e8, message: "REPORT two", n: 9},
		{at: day.Add(26 * time.Hour), typ: "REPORT", log: "1:/aws/lambda/b", stream: "2026/11/21/[$LATEST]cc", duration: 100, memory: 1e9, message: "REPORT three", n: 10},
		{at: day.Add(27 * time.Hour), typ: "START", log: "1:/aws/lambda/b", stream: "2026/11/21/[$LATEST]cc", message: "START four", n: 1},
	}
}

func fields(name string) func(*event) insights.Value {
	number := func(get func(*event) float64) func(*event) insights.Value {
		return func(e *event) insights.Value {
			if f := get(e); f != 0 {
				return insights.Number(f)
			}
			return insights.Value{}
		}
	}
	switch name {
	case "@timestamp":
		return func(e *event) insights.Value { return insights.Instant(e.at) }
	case "@type":
		return func(e *event) insights.Value { return insights.Text(e.typ) }
	case "@log":
		return func(e *event) insights.Value { return insights.Text(e.log) }
	case "@logStream":
		return func(e *event) insights.Value { return insights.Text(e.stream) }
	case "@message":
		return func(e *event) insights.Value { return insights.Text(e.message) }
	case "@duration":
		return number(func(e *event) float64 { return e.duration })
	case "@memorySize":
		return number(func(e *event) float64 { return e.memory })
	case "@initDuration":
		return number(func(e *event) float64 { return e.initMS })
	default:
		return nil
	}
}

func run(t *testing.T, query string) (insights.Result, error) {
	t.Helper()
	q, err := insights.Parse(query)
	if err != nil {
		return insights.Result{}, err
	}
	list := events()
	return insights.Run(context.Background(), q, insights.Input[event]{
		Fields: fields,
		Weight: func(e *event) float64 { return e.n },
		Records: func(yield func(*event) bool) {
			for i := range list {
				if !yield(&list[i]) {
					return
				}
			}
		},
	}, insights.MaxRows)
}

// table is rows as "field=value" words.
func table(rows [][]insights.Cell) []string {
	out := []string{}
	for _, row := range rows {
		var words []string
		for _, cell := range row {
			words = append(words, cell.Field+"="+cell.Value)
		}
		out = append(out, strings.Join(words, " "))
	}
	return out
}

func TestQueries(t *testing.T) {
	t.Parallel()
	tests := []struct {
		name, query string
		want        []string
	}{
		{
			"fields as Java prints them", `fields @duration, @memorySize | filter @type = "REPORT" | limit 2`,
			[]string{"@duration=14.97 @memorySize=1.28E8", "@duration=20.0 @memorySize=1.28E8"},
		},
		{
			"missing fields are left out", `fields @log, @initDuration | filter @duration >= 20`,
			[]string{"@log=1:/aws/lambda/a", "@log=1:/aws/lambda/b"},
		},
		{
			"weights count", `filter @type="REPORT" | stats count(*) as n, sum(@duration), avg(@duration) as mean by @log | sort @log`,
			[]string{"@log=1:/aws/lambda/a n=10 sum(@duration)=194.97 mean=19.497", "@log=1:/aws/lambda/b n=10 sum(@duration)=1000 mean=100"},
		},
		{
			"percentiles weigh", `stats pct(@duration, 50) as p50, pct(@duration, 99) as p99, min(@duration) as least, max(@duration) as most`,
			[]string{"p50=20 p99=100 least=14.97 most=100.0"},
		},
		{
			"count of a field counts where it is", `stats count(@initDuration) as cold, count(*) as n, count_distinct(@log) as logs`,
			[]string{"cold=1 n=21 logs=2"},
		},
		{
			"days", `stats count(*) as n by bin(1d) as day | sort day desc`,
			[]string{"day=2026-11-21 00:00:00.000 n=11", "day=2026-11-20 00:00:00.000 n=10"},
		},
		{
			"an unnamed column is called by its text", `stats count(*) by bin(1d) | sort count(*) desc, bin(1d) | limit 1`,
			[]string{"bin(1d)=2026-11-21 00:00:00.000 count(*)=11"},
		},
		{
			"groups of several keys", `filter @type = "REPORT" | stats max(@memorySize)/1000000 as mb by @log, bin(1h) as hour | sort hour | display hour, mb`,
			[]string{"hour=2026-11-20 01:00:00.000 mb=128", "hour=2026-11-20 02:00:00.000 mb=128", "hour=2026-11-21 02:00:00.000 mb=1000"},
		},
		{
			"arithmetic over aggregates", `filter @type="REPORT" | stats sum(@duration) / count(*) * 1000 as us`,
			[]string{"us=59748.5"},
		},
		{
			"named groups of a stream", `filter @type = "REPORT" | parse @logStream /\[(?<version>[^\]]+)\]/ | stats count(*) as n by version | sort version`,
			[]string{"version=$LATEST n=11", "version=7 n=9"},
		},
		{
			"glob", `parse @logStream "*/*/*/[*]*" as y, m, d, version, id | filter version = 7 | display y, id`,
			[]string{"y=2026 id=bb"},
		},
		{
			"parse without a match leaves the fields missing", `parse @message "START *" as what | filter ispresent(what) | display what`,
			[]string{"what=four"},
		},
		{
			"like, in, and, or, not", `filter (@log like /lambda\/b$/ or @duration in [14.97, 15]) and not @type in ["START"] | display @message`,
			[]string{"@message=REPORT one", "@message=REPORT three"},
		},
		{"not like a part", `filter @message not like "REPORT" | display @message`, []string{"@message=START four"}},
		{
			"missing compares to nothing", `filter @duration != 20 | display @message`,
			[]string{"@message=REPORT one", "@message=REPORT three"},
		},
		{
			"latest and earliest", `stats latest(@message) as l, earliest(@message) as e, latest(@timestamp) as at`,
			[]string{"l=START four e=REPORT one at=2026-11-21 03:00:00.000"},
		},
		{"standard deviation", `filter @log like "lambda/a" | stats stddev(@duration) as s`, []string{"s=1.509"}},
		{
			"computed fields", `fields @duration / 1000 as seconds, strlen(@message) as length, toupper(@type) as t, concat("x", @type) as c | filter length > 11 | display seconds, length, t, c`,
			[]string{"seconds=0.1 length=12 t=REPORT c=xREPORT"},
		},
		{"nothing matched is no row", `filter @type = "NONE" | stats count(*)`, []string{}},
		{"a filter after stats", `stats count(*) as n by @log | filter n > 10`, []string{"@log=1:/aws/lambda/b n=11"}},
		{"comments and SOURCE", "SOURCE logGroups(namePrefix: [\"/aws/lambda/\"]) # all\n| filter @type = 'START' | display @type", []string{"@type=START"}},
		{"default fields", `filter @type = "START"`, []string{"@timestamp=2026-11-21 03:00:00.000 @message=START four"}},
		{"an unknown field is missing", `fields nosuch, @type | limit 1`, []string{"@type=REPORT"}},
		{
			"coalesce and greatest", `filter @type="REPORT" | fields coalesce(@initDuration, 0) as i, greatest(@duration, 50) as g | display i, g | limit 2`,
			[]string{"i=345.65 g=50", "i=0 g=50"},
		},
	}
	for _, test := range tests {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			result, err := run(t, test.query)
			if err != nil {
				t.Fatal(err)
			}
			if diff := cmp.Diff(test.want, table(result.Rows)); diff != "" {
				t.Errorf("%s (-want +got):\n%s", test.query, diff)
			}
		})
	}
}

func TestStatisticsCountEvents(t *testing.T) {
	t.Parallel()
	result, err := run(t, `filter @type = "REPORT" | stats count(*)`)
	if err != nil {
		t.Fatal(err)
	}
	if result.Scanned != 21 || result.Matched != 20 {
		t.Errorf("scanned %v, matched %v, want 21 and 20", result.Scanned, result.Matched)
	}
}

func TestSyntaxErrors(t *testing.T) {
	t.Parallel()
	for _, query := range []string{
		``, `fields`, `fields @duration |`, `stat count(*)`, `filter @type =`, `filter @type = "REPORT`, `filter @x like 5`,
		`stats @duration by @log`, `stats count(*) by`, `stats pct(@duration, 200)`, `parse @message "*" as a, b`, `parse @message /(a)/`,
		`parse @message /(?<a>[/`, `limit 0`, `limit 10001`, `fields nofunction(@x)`, `filter count(*) > 1`, `stats count(*) | stats count(*)`,
		`fields @x | SOURCE logGroups()`, `SOURCE logGroups(prefix: ["a"])`, `SOURCE logGroups(namePrefix: ["a","b","c","d","e","f"])`,
		`stats count(*) by bin(5x)`, `fields @a; fields @b`, `stats sum(@a, @b)`, `sort`, `display 1 as 2`,
	} {
		var syntax *insights.SyntaxError
		if _, err := run(t, query); !errors.As(err, &syntax) {
			t.Errorf("%q: got %v, want a syntax error", query, err)
		}
	}
}

func TestSource(t *testing.T) {
	t.Parallel()
	q, err := insights.Parse(`source loggroups(namePrefix: ["/aws/lambda/", "/x"], class: "STANDARD") | fields @message`)
	if err != nil {
		t.Fatal(err)
	}
	want := &insights.Source{NamePrefixes: []string{"/aws/lambda/", "/x"}, Class: "STANDARD"}
	if diff := cmp.Diff(want, q.Source); diff != "" {
		t.Error(diff)
	}
}

func TestLimitStopsReading(t *testing.T) {
	t.Parallel()
	result, err := run(t, `fields @type | limit 1`)
	if err != nil {
		t.Fatal(err)
	}
	if result.Scanned != 1 {
		t.Errorf("scanned %v events for one row", result.Scanned)
	}
}

func TestCancelled(t *testing.T) {
	t.Parallel()
	q, err := insights.Parse(`stats count(*)`)
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(context.Background())
	cancel()
	list := events()
	_, err = insights.Run(ctx, q, insights.Input[event]{
		Fields: fields, Weight: func(*event) float64 { return 1 },
		Records: func(yield func(*event) bool) {
			for i := range slices.All(list) {
				if !yield(&list[i]) {
					return
				}
			}
		},
	}, 10)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

// BenchmarkFleet is a month of 200 functions, a record for each of fifteen
// shapes of invocation an hour.
func BenchmarkFleet(b *testing.B) {
	q, err := insights.Parse(`filter @type = "REPORT" | parse @logStream /\[(?<version>[^\]]+)\]/
		| stats count(*), sum(@duration), max(@memorySize), pct(@duration, 99), count(@initDuration) by @log, version, bin(1d)`)
	if err != nil {
		b.Fatal(err)
	}
	logs := make([]string, 200)
	for i := range logs {
		logs[i] = "1:/aws/lambda/" + string(rune('a'+i%26)) + string(rune('a'+i/26))
	}
	read := 0
	for b.Loop() {
		records := 0
		_, err := insights.Run(context.Background(), q, insights.Input[event]{
			Fields: fields, Weight: func(e *event) float64 { return e.n },
			Records: func(yield func(*event) bool) {
				var e event
				for i := range 200 * 720 * 15 {
					e = event{at: day.Add(time.Duration(i%(720*15)) * 4 * time.Minute), typ: "REPORT", log: logs[i/(720*15)], stream: "2026/11/20/[7]bb", duration: float64(i % 997), memory: 1e8, n: 3}
					records++
					if !yield(&e) {
						return
					}
				}
			},
		}, insights.MaxRows)
		if err != nil {
			b.Fatal(err)
		}
		read += records
	}
	b.ReportMetric(float64(read)/b.Elapsed().Seconds(), "records/s")
}
