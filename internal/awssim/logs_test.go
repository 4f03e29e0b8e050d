package awssim

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	logstypes "github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"
	"github.com/google/go-cmp/cmp"
)

// generated is a small world with traffic, the same for all tests.
var generated = sync.OnceValues(func() (*World, error) {
	return Generate(GenerateOptions{Seed: 7, Functions: 40, Days: 10, Now: noon.Truncate(24 * time.Hour)})
})

func traffic(t testing.TB) *World {
	t.Helper()
	w, err := generated()
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// rowsOf asks a query over all of the world's time and waits for its rows.
func rowsOf(t testing.TB, client *cloudwatchlogs.Client, in *cloudwatchlogs.StartQueryInput) ([]map[string]string, *logstypes.QueryStatistics) {
	t.Helper()
	ctx := context.Background()
	started, err := client.StartQuery(ctx, in)
	if err != nil {
		t.Fatal(err)
	}
	for {
		out, err := client.GetQueryResults(ctx, &cloudwatchlogs.GetQueryResultsInput{QueryId: started.QueryId})
		if err != nil {
			t.Fatal(err)
		}
		switch out.Status {
		case logstypes.QueryStatusScheduled, logstypes.QueryStatusRunning:
			time.Sleep(time.Millisecond)
			continue
		case logstypes.QueryStatusComplete:
		default:
			t.Fatalf("the query ended %s", out.Status)
		}
		rows := make([]map[string]string, len(out.Results))
		for i, row := range out.Results {
			rows[i] = map[string]string{}
			for _, cell := range row {
				rows[i][*cell.Field] = *cell.Value
			}
		}
		return rows, out.Statistics
	}
}

// over is a query over all of the world's time.
func over(w *World, query string, groups ...string) *cloudwatchlogs.StartQueryInput {
	return &cloudwatchlogs.StartQueryInput{
		StartTime: aws.Int64(w.Start().Unix()), EndTime: aws.Int64(w.Now.Unix() - 1), QueryString: aws.String(query), LogGroupNames: groups,
	}
}

// TestQueryMatchesLines: a query over the whole region adds up to the lines of
// its log groups, weighed by what they stand for.
func TestQueryMatchesLines(t *testing.T) {
	t.Parallel()
	w := traffic(t)
	h := serve(t, Options{World: w, Limits: Limits{Off: true}})
	r := w.Regions[0]
	want := map[string]float64{}
	lines, bytes := 0.0, 0.0
	for _, g := range r.LogGroups() {
		if !strings.HasPrefix(g.Name, "/aws/lambda/") {
			continue
		}
		from, to := maxTime(w.Start(), keptSince(g, w.Now)), w.Now.Add(time.Millisecond-time.Second) // the end is inclusive
		bytes += r.IncomingBytes(g.Name, from, to)
		for line := range r.ReportLines(g.Name, from, to) {
			lines += float64(line.Weight)
			if !line.JSON {
				want[w.Account+":"+g.Name] += float64(line.Weight) * line.DurationMS
			}
		}
	}
	client := cloudwatchlogs.NewFromConfig(h.config(r.Name))
	rows, statistics := rowsOf(t, client, over(w, `SOURCE logGroups(namePrefix: ["/aws/lambda/"]) | filter @type = "REPORT" | stats sum(@duration) as ms by @log`))
	got := map[string]float64{}
	for _, row := range rows {
		ms, err := strconv.ParseFloat(row["ms"], 64)
		if err != nil {
			t.Fatal(err)
		}
		got[row["@log"]] = ms
	}
	if len(want) < 3 || len(got) != len(want) {
		t.Fatalf("%d groups, want %d", len(got), len(want))
	}
	for _, log := range slices.Sorted(maps.Keys(want)) {
		if math.Abs(got[log]-want[log]) > 1e-6*want[log]+1e-3 {
			t.Errorf("%s: %v ms, want %v", log, got[log], want[log])
		}
	}
	if math.Abs(statistics.RecordsScanned-lines) > 0.5 || math.Abs(statistics.BytesScanned-bytes) > 1e-3*bytes {
		t.Errorf("scanned %v records and %v bytes, want %v and %v", statistics.RecordsScanned, statistics.BytesScanned, lines, bytes)
	}
	if billed := h.Calls().Operation("logs", "StartQuery"); math.Abs(billed.Billed-bytes/1e9) > 1e-3 || billed.BilledUnit != "GB" {
		t.Errorf("the ledger says %+v, want %v GB", billed, bytes/1e9)
	}
}

// groupWith is a log group whose lines are, or are not, JSON.
func groupWith(t *testing.T, w *World, json bool) (region, group string, line ReportLine) {
	t.Helper()
	for _, r := range w.Regions {
		for _, g := range r.LogGroups() {
			for line := range r.ReportLines(g.Name, maxTime(w.Start(), keptSince(g, w.Now)), w.Now) {
				if line.JSON == json {
					return r.Name, g.Name, line
				}
				break
			}
		}
	}
	t.Fatal("the world has no such group")
	return "", "", ReportLine{}
}

// TestFieldsOfLines: lines of text have Lambda's fields, lines of JSON the paths
// of their members, in the units and the notation of Logs Insights.
func TestFieldsOfLines(t *testing.T) {
	t.Parallel()
	w := traffic(t)
	h := serve(t, Options{World: w, Limits: Limits{Off: true}})
	region, group, line := groupWith(t, w, false)
	client := cloudwatchlogs.NewFromConfig(h.config(region))
	rows, _ := rowsOf(t, client, over(w, `fields @requestId, @duration, @billedDuration, @memorySize, type, @log, @timestamp, @logStream | sort @timestamp asc`, group))
	i := slices.IndexFunc(rows, func(row map[string]string) bool { return row["@requestId"] == line.RequestID })
	if i < 0 {
		t.Fatal("the first line is missing")
	}
	got := rows[i]
	delete(got, "@ptr")
	want := map[string]string{
		"@requestId": line.RequestID, "@log": w.Account + ":" + group, "@timestamp": line.Time.Format("2006-01-02 15:04:05.000"), "@logStream": line.Stream,
		"@duration": insightsNumber(line.DurationMS), "@billedDuration": insightsNumber(float64(line.BilledMS)), "@memorySize": insightsNumber(float64(line.MemoryMB) * 1e6),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	region, group, line = groupWith(t, w, true)
	client = cloudwatchlogs.NewFromConfig(h.config(region))
	rows, _ = rowsOf(t, client, over(w, `filter type = "platform.report" and record.requestId = "`+line.RequestID+`" | fields @duration, record.metrics.durationMs, record.metrics.memorySizeMB, record.status`, group))
	if len(rows) != 1 {
		t.Fatalf("%d rows, want 1", len(rows))
	}
	delete(rows[0], "@ptr")
	status := line.Status
	if status == "" {
		status = "success"
	}
	want = map[string]string{
		"record.metrics.durationMs": insightsNumber(line.DurationMS), "record.metrics.memorySizeMB": insightsNumber(float64(line.MemoryMB)), "record.status": status,
	}
	if diff := cmp.Diff(want, rows[0]); diff != "" {
		t.Error(diff)
	}
}

// insightsNumber prints as Java does, for the sizes that lines have.
func insightsNumber(f float64) string {
	if f >= 1e7 {
		s := strconv.FormatFloat(f/math.Pow(10, math.Floor(math.Log10(f))), 'f', -1, 64)
		if !strings.Contains(s, ".") {
			s += ".0"
		}
		return fmt.Sprintf("%sE%d", s, int(math.Floor(math.Log10(f))))
	}
	s := strconv.FormatFloat(f, 'f', -1, 64)
	if !strings.Contains(s, ".") {
		s += ".0"
	}
	return s
}

func TestQueriesThatAreRefused(t *testing.T) {
	t.Parallel()
	w := traffic(t)
	h := serve(t, Options{World: w, Limits: Limits{Off: true}})
	region, group, _ := groupWith(t, w, false)
	client := cloudwatchlogs.NewFromConfig(h.config(region))
	many := make([]string, 51)
	for i := range many {
		many[i] = group
	}
	backwards := over(w, "fields @message", group)
	backwards.StartTime, backwards.EndTime = backwards.EndTime, backwards.StartTime
	for name, test := range map[string]struct {
		in   *cloudwatchlogs.StartQueryInput
		want string
	}{
		"unknown command":    {over(w, "fields @message | summarise", group), "MalformedQueryException"},
		"late fault":         {over(w, "filter sum(@duration) > 3", group), "MalformedQueryException"},
		"no such group":      {over(w, "fields @message", "/aws/lambda/nosuch"), "ResourceNotFoundException"},
		"no group":           {over(w, "fields @message"), "InvalidParameterException"},
		"group and SOURCE":   {over(w, `SOURCE logGroups(namePrefix: ["/aws"]) | fields @message`, group), "InvalidParameterException"},
		"too many groups":    {over(w, "fields @message", many...), "InvalidParameterException"},
		"backwards in time":  {backwards, "InvalidParameterException"},
		"limit out of range": {&cloudwatchlogs.StartQueryInput{StartTime: aws.Int64(0), EndTime: aws.Int64(1), QueryString: aws.String("fields @message"), LogGroupNames: []string{group}, Limit: aws.Int32(10_001)}, "InvalidParameterException"},
	} {
		if _, err := client.StartQuery(context.Background(), test.in); codeOf(err) != test.want {
			t.Errorf("%s: got %v, want %s", name, err, test.want)
		}
	}
	var malformed *logstypes.MalformedQueryException
	_, err := client.StartQuery(context.Background(), over(w, "fields @message | summarise", group))
	if !errors.As(err, &malformed) || malformed.QueryCompileError == nil || *malformed.QueryCompileError.Location.StartCharOffset != 18 {
		t.Errorf("got %v, which does not tell where", err)
	}
	if _, err := client.GetQueryResults(context.Background(), &cloudwatchlogs.GetQueryResultsInput{QueryId: aws.String("nosuch")}); codeOf(err) != "ResourceNotFoundException" {
		t.Errorf("an unknown query: %v", err)
	}
}

// TestQueryStates: a query runs for a while, can be stopped, and too many at
// once are refused.
func TestQueryStates(t *testing.T) {
	t.Parallel()
	w := traffic(t)
	h := serve(t, Options{World: w, Limits: Limits{Off: true}, QueryTime: time.Hour})
	region, group, _ := groupWith(t, w, false)
	ctx, client := context.Background(), cloudwatchlogs.NewFromConfig(h.config(region))
	started, err := client.StartQuery(ctx, over(w, "stats count(*)", group))
	if err != nil {
		t.Fatal(err)
	}
	state := func() logstypes.QueryStatus {
		out, err := client.GetQueryResults(ctx, &cloudwatchlogs.GetQueryResultsInput{QueryId: started.QueryId})
		if err != nil {
			t.Fatal(err)
		}
		if len(out.Results) != 0 {
			t.Errorf("%s with %d rows", out.Status, len(out.Results))
		}
		return out.Status
	}
	if s := state(); s != logstypes.QueryStatusRunning && s != logstypes.QueryStatusScheduled {
		t.Errorf("the query is %s", s)
	}
	stop := &cloudwatchlogs.StopQueryInput{QueryId: started.QueryId}
	if out, err := client.StopQuery(ctx, stop); err != nil || !out.Success {
		t.Errorf("stop: %v, %v", out, err)
	}
	if s := state(); s != logstypes.QueryStatusCancelled {
		t.Errorf("the stopped query is %s", s)
	}
	if _, err := client.StopQuery(ctx, stop); codeOf(err) != "InvalidParameterException" {
		t.Errorf("stop again: %v", err)
	}
	var refused error
	for range maxQueries + 1 {
		if _, refused = client.StartQuery(ctx, over(w, "stats count(*)", group)); refused != nil {
			break
		}
	}
	if codeOf(refused) != "LimitExceededException" {
		t.Errorf("more than %d queries at once: %v", maxQueries, refused)
	}
}

func TestFilterLogEvents(t *testing.T) {
	t.Parallel()
	w := traffic(t)
	h := serve(t, Options{World: w, Limits: Limits{Off: true}})
	region, group, line := groupWith(t, w, false)
	ctx, client := context.Background(), cloudwatchlogs.NewFromConfig(h.config(region))
	count := func(in cloudwatchlogs.FilterLogEventsInput) (n, pages int) {
		in.LogGroupName = &group
		all := cloudwatchlogs.NewFilterLogEventsPaginator(client, &in)
		for all.HasMorePages() {
			page, err := all.NextPage(ctx)
			if err != nil {
				t.Fatal(err)
			}
			n += len(page.Events)
			pages++
		}
		return n, pages
	}
	all, _ := count(cloudwatchlogs.FilterLogEventsInput{})
	if reports, pages := count(cloudwatchlogs.FilterLogEventsInput{FilterPattern: aws.String(`"REPORT RequestId" -START`), Limit: aws.Int32(7)}); reports != all || pages != (all+6)/7 {
		t.Errorf("%d of %d events on %d pages", reports, all, pages)
	}
	if one, _ := count(cloudwatchlogs.FilterLogEventsInput{FilterPattern: aws.String(`"` + line.RequestID + `"`)}); one != 1 {
		t.Errorf("%d events of one request", one)
	}
	at := aws.Int64(line.Time.UnixMilli())
	if now, _ := count(cloudwatchlogs.FilterLogEventsInput{StartTime: at, EndTime: at, LogStreamNames: []string{line.Stream}}); now < 1 || now > 3 {
		t.Errorf("%d events at one instant", now)
	}
	if none, _ := count(cloudwatchlogs.FilterLogEventsInput{FilterPattern: aws.String(`{ $.type = "platform.report" }`)}); none != 0 {
		t.Errorf("%d lines of text are JSON", none)
	}
	if _, err := client.FilterLogEvents(ctx, &cloudwatchlogs.FilterLogEventsInput{LogGroupName: &group, FilterPattern: aws.String("[a, b]")}); codeOf(err) != "InvalidParameterException" {
		t.Errorf("a pattern that is not simulated: %v", err)
	}
}

// BenchmarkReportQuery is the query of a month of a fleet, as the reports
// collector asks it.
func BenchmarkReportQuery(b *testing.B) {
	w, err := Generate(GenerateOptions{Seed: 1, Now: noon})
	if err != nil {
		b.Fatal(err)
	}
	s, err := NewServer(Options{World: w, Limits: Limits{Off: true}})
	if err != nil {
		b.Fatal(err)
	}
	url, err := s.Start("127.0.0.1:0")
	if err != nil {
		b.Fatal(err)
	}
	defer func() { _ = s.Close() }()
	query := `SOURCE logGroups(namePrefix: ["/aws/lambda/"]) | filter @type = "REPORT"
		| parse @logStream /^\d+\/\d+\/\d+\/?(?<fn>[^\[\]]*)\[(?<version>[^\]]+)\]/
		| parse @message /Duration: (?<cold_ms>[\d.]+) ms\s+Billed Duration: (?<cold_billed_ms>[\d.]+) ms.*Init Duration: /
		| stats count(*) as invocations, sum(@duration) as duration_sum, pct(@duration, 50) as p50, pct(@duration, 99) as p99, max(@duration) as m,
		sum(@billedDuration * @billedDuration) as sq, pct(@maxMemoryUsed, 99.9) as used, sum(floor(@maxMemoryUsed / @memorySize)) as at_limit,
		count(@initDuration) as cold, sum(cold_billed_ms - cold_ms) as beyond, latest(@message) as sample,
		sum(strcontains(@message, "Status: timeout")) as timeouts, sum(strcontains(@message, "Status: error")) as errors
		by @log, fn, version, @memorySize, bin(1d) | limit 10000`
	client := cloudwatchlogs.NewFromConfig(configFor(url, w.Regions[0].Name, ExampleCredential()))
	for b.Loop() {
		rows, statistics := rowsOf(b, client, over(w, query))
		b.ReportMetric(float64(len(rows)), "rows")
		b.ReportMetric(statistics.RecordsScanned, "events")
	}
}
