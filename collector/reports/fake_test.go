package reports

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/faaswarden/faaswarden/internal/awssim/insights"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

var now = time.Date(2026, 11, 23, 10, 0, 0, 0, time.UTC)

// line is a log event as a group holds it.
type line struct {
	group, stream string
	at            time.Time
	message       string
}

// value is a field of a line as Logs Insights discovers it in Lambda's logs.
func (l *line) value(name string) insights.Value {
	switch name {
	case "@timestamp":
		return insights.Instant(l.at)
	case "@log":
		return insights.Text("123456789012:" + l.group)
	case "@logStream":
		return insights.Text(l.stream)
	case "@message":
		return insights.Text(l.message)
	case "@type":
		word, _, _ := strings.Cut(l.message, " ")
		return insights.Text(word)
	}
	if strings.HasPrefix(l.message, "{") {
		return l.jsonValue(name)
	}
	r, err := ParseReport(l.message)
	if err != nil {
		return insights.Value{}
	}
	switch name {
	case "@duration":
		return insights.Number(r.DurationMS)
	case "@billedDuration":
		return insights.Number(r.BilledMS)
	case "@memorySize":
		return insights.Number(r.MemoryMB * 1e6)
	case "@maxMemoryUsed":
		return insights.Number(r.MaxUsedMB * 1e6)
	case "@initDuration":
		if r.InitMS != nil {
			return insights.Number(*r.InitMS)
		}
	}
	return insights.Value{}
}

func (l *line) jsonValue(path string) insights.Value {
	var v any
	if err := json.Unmarshal([]byte(l.message), &v); err != nil {
		return insights.Value{}
	}
	for part := range strings.SplitSeq(path, ".") {
		object, ok := v.(map[string]any)
		if !ok {
			return insights.Value{}
		}
		v = object[part]
	}
	switch v := v.(type) {
	case float64:
		return insights.Number(v)
	case string:
		return insights.Text(v)
	}
	return insights.Value{}
}

// logs answers as CloudWatch Logs does over lines.
type logs struct {
	lines  []line
	groups map[string]string                               // name → class; those of the lines when nil
	polls  int                                             // answers that say Running before the result
	start  func(names []string) *collecttest.Response      // instead of a query id
	result func(id string, poll int) *collecttest.Response // instead of a result
	rows   func(rows [][]map[string]string, from, to time.Time) [][]map[string]string

	mu      sync.Mutex
	queries []query
	polled  map[string]int
	stopped []string
}

// query is what StartQuery was asked.
type query struct {
	Groups   []string
	From, To time.Time // both inclusive
	Text     string
}

func (l *logs) wire() *collecttest.Wire {
	return collecttest.NewWire(map[string]collecttest.Answer{
		describeAction: l.describe, startAction: l.startQuery, resultsAction: l.results, stopAction: l.stopQuery,
	})
}

func (l *logs) asked() []query {
	l.mu.Lock()
	defer l.mu.Unlock()
	return slices.Clone(l.queries)
}

func (l *logs) existing() map[string]string {
	if l.groups != nil {
		return l.groups
	}
	out := map[string]string{}
	for _, line := range l.lines {
		out[line.group] = "STANDARD"
	}
	return out
}

func (l *logs) describe(_ *http.Request, body string) collecttest.Response {
	var in struct {
		LogGroupNamePrefix, NextToken string
	}
	if err := json.Unmarshal([]byte(body), &in); err != nil {
		return collecttest.Response{Err: err}
	}
	existing := l.existing()
	var found []map[string]any
	next := ""
	for _, name := range slices.Sorted(maps.Keys(existing)) {
		if !strings.HasPrefix(name, in.LogGroupNamePrefix) || name <= in.NextToken {
			continue
		}
		if len(found) == 50 {
			next = found[49]["logGroupName"].(string)
			break
		}
		found = append(found, map[string]any{
			"logGroupName": name, "logGroupClass": existing[name], "storedBytes": 30_000_000,
			"creationTime": now.AddDate(0, 0, -30).UnixMilli(), "arn": "arn:aws:logs:eu-west-1:123456789012:log-group:" + name + ":*",
		})
	}
	out := map[string]any{"logGroups": found}
	if next != "" {
		out["nextToken"] = next
	}
	return jsonResponse(out)
}

func (l *logs) startQuery(_ *http.Request, body string) collecttest.Response {
	var in struct {
		StartTime, EndTime int64
		QueryString        string
		LogGroupNames      []string
	}
	if err := json.Unmarshal([]byte(body), &in); err != nil {
		return collecttest.Response{Err: err}
	}
	l.mu.Lock()
	defer l.mu.Unlock()
	l.queries = append(l.queries, query{in.LogGroupNames, time.Unix(in.StartTime, 0).UTC(), time.Unix(in.EndTime, 0).UTC(), in.QueryString})
	id := fmt.Sprintf("q%d", len(l.queries)-1)
	if l.start != nil {
		if resp := l.start(in.LogGroupNames); resp != nil {
			return *resp
		}
	}
	for _, name := range in.LogGroupNames {
		if l.existing()[name] == "" {
			return collecttest.Fail("logs", http.StatusBadRequest, "ResourceNotFoundException", "log group "+name+" does not exist")(nil, "")
		}
	}
	return jsonResponse(map[string]any{"queryId": id})
}

func (l *logs) results(_ *http.Request, body string) collecttest.Response {
	var in struct{ QueryID string }
	if err := json.Unmarshal([]byte(body), &in); err != nil {
		return collecttest.Response{Err: err}
	}
	l.mu.Lock()
	if l.polled == nil {
		l.polled = map[string]int{}
	}
	l.polled[in.QueryID]++
	poll := l.polled[in.QueryID]
	var n int
	fmt.Sscanf(in.QueryID, "q%d", &n) //nolint:errcheck // an id of our own
	q := l.queries[n]
	l.mu.Unlock()
	if l.result != nil {
		if resp := l.result(in.QueryID, poll); resp != nil {
			return *resp
		}
	}
	if poll <= l.polls {
		return jsonResponse(map[string]any{"status": "Running", "results": []any{}, "statistics": map[string]any{"bytesScanned": 1e6}})
	}
	rows, err := l.evaluate(q)
	if err != nil {
		return collecttest.Fail("logs", http.StatusBadRequest, "MalformedQueryException", err.Error())(nil, "")
	}
	return jsonResponse(map[string]any{"status": "Complete", "results": rows, "statistics": map[string]any{"bytesScanned": 2.5e9}})
}

// evaluate runs the query text itself over the lines.
func (l *logs) evaluate(q query) ([][]map[string]string, error) {
	parsed, err := insights.Parse(q.Text)
	if err != nil {
		return nil, err
	}
	result, err := insights.Run(context.Background(), parsed, insights.Input[line]{
		Fields: func(name string) func(*line) insights.Value {
			return func(line *line) insights.Value { return line.value(name) }
		},
		Weight:  func(*line) float64 { return 1 },
		Pointer: func(*line) string { return "" },
		Records: func(yield func(*line) bool) {
			for i := range l.lines {
				line := &l.lines[i]
				if slices.Contains(q.Groups, line.group) && !line.at.Before(q.From) && !line.at.After(q.To) && !yield(line) {
					return
				}
			}
		},
	}, maxRows)
	if err != nil {
		return nil, err
	}
	rows := make([][]map[string]string, 0, len(result.Rows))
	for _, row := range result.Rows {
		var cells []map[string]string
		for _, cell := range row {
			cells = append(cells, map[string]string{"field": cell.Field, "value": cell.Value})
		}
		rows = append(rows, cells)
	}
	if l.rows != nil {
		rows = l.rows(rows, q.From, q.To)
	}
	return rows, nil
}

func (l *logs) stopQuery(_ *http.Request, body string) collecttest.Response {
	l.mu.Lock()
	defer l.mu.Unlock()
	l.stopped = append(l.stopped, body)
	return jsonResponse(map[string]any{"success": true})
}

func jsonResponse(v any) collecttest.Response {
	body, err := json.Marshal(v)
	if err != nil {
		return collecttest.Response{Err: err}
	}
	return collecttest.Response{Body: string(body)}
}

func arnOf(name string) string { return "arn:aws:lambda:eu-west-1:123456789012:function:" + name }

func function(name string) schema.Function {
	return schema.Function{
		Account: "123456789012", Region: "eu-west-1", FunctionARN: arnOf(name), FunctionName: name, Version: "$LATEST",
		Architecture: "arm64", LogGroup: "/aws/lambda/" + name, LogFormat: "Text",
	}
}

// newRun is a run at now, which reads the three days before today.
func newRun(t testing.TB, fake *logs, functions ...schema.Function) *collecttest.Fixture {
	t.Helper()
	return collecttest.New(t, Collector, collecttest.Options{
		Now: now, Window: collect.Window{From: today().AddDate(0, 0, -3), To: now}, Functions: functions, Wire: fake.wire(),
	})
}

func today() time.Time { return now.Truncate(day) }

func gaps(f *collecttest.Fixture) []string {
	var list []string
	for _, g := range f.Gaps() {
		list = append(list, fmt.Sprintf("%s %s %s", strings.TrimPrefix(g.Resource, arnOf("")), g.Action, g.Outcome))
	}
	slices.Sort(list)
	return list
}

func rowNames(f *collecttest.Fixture) []string {
	var list []string
	for _, r := range collecttest.Rows[schema.ReportDay](f.Sink) {
		list = append(list, fmt.Sprintf("%s %s %d %s %d", strings.TrimPrefix(r.FunctionARN, arnOf("")), r.Version, r.MemoryMB, r.Day.Format(time.DateOnly), r.Invocations))
	}
	slices.Sort(list)
	return list
}
