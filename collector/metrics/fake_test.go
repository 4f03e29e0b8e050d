package metrics

import (
	"fmt"
	"net/http"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"

	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
)

// asked is one query of a GetMetricData request as CloudWatch reads it.
type asked struct {
	ID         string
	Namespace  string
	Metric     string
	Stat       string
	Dimensions string // FunctionName=a,Resource=a:live
	Period     int
}

func (a asked) name() string { return a.Dimensions + " " + a.Metric + " " + a.Stat }

// call is one GetMetricData request.
type call struct {
	From, To time.Time
	Queries  []asked
	Token    string
}

// cloudWatch answers GetMetricData in rpc-v2-cbor from a function.
type cloudWatch struct {
	value  func(q asked, ts time.Time) (float64, bool)
	status func(q asked) string // Complete when nil or empty
	page   int                  // datapoints in one answer; CloudWatch's own limit when zero
	fail   func(c call) *collecttest.Response

	mu    sync.Mutex
	calls []call
}

func (f *cloudWatch) wire() *collecttest.Wire {
	return collecttest.NewWire(map[string]collecttest.Answer{action: f.answer})
}

func (f *cloudWatch) requests() []call {
	f.mu.Lock()
	defer f.mu.Unlock()
	return slices.Clone(f.calls)
}

// names lists what was asked, each once, sorted.
func (f *cloudWatch) names() []string {
	var list []string
	for _, c := range f.requests() {
		for _, q := range c.Queries {
			list = append(list, q.name())
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func (f *cloudWatch) answer(_ *http.Request, body string) collecttest.Response {
	c, err := parseCall(body)
	if err != nil {
		return collecttest.Response{Status: http.StatusBadRequest, Body: err.Error()}
	}
	f.mu.Lock()
	f.calls = append(f.calls, c)
	f.mu.Unlock()
	if f.fail != nil {
		if resp := f.fail(c); resp != nil {
			return *resp
		}
	}
	return f.points(c)
}

// points fills pages in the order of the queries, each oldest first.
func (f *cloudWatch) points(c call) collecttest.Response {
	limit := f.page
	if limit == 0 {
		limit = maxDatapoints
	}
	skip := 0
	if c.Token != "" {
		fmt.Sscanf(c.Token, "after-%d", &skip) //nolint:errcheck // a token of our own
	}
	var results []map[string]any
	n, sent := 0, 0
	for _, q := range c.Queries {
		var times, values []any
		left := false
		period := time.Duration(q.Period) * time.Second
		for ts := c.From; ts.Before(c.To); ts = ts.Add(period) {
			v, ok := f.value(q, ts)
			if !ok {
				continue
			}
			if n++; n <= skip {
				continue
			}
			if sent == limit {
				left = true
				break
			}
			sent++
			times, values = append(times, cbor.Tag{Number: 1, Content: float64(ts.Unix())}), append(values, v)
		}
		status := "Complete"
		if f.status != nil && f.status(q) != "" {
			status = f.status(q)
		}
		if left {
			status = "PartialData"
		}
		if times == nil {
			times, values = []any{}, []any{}
		}
		results = append(results, map[string]any{"Id": q.ID, "Label": q.Metric, "StatusCode": status, "Timestamps": times, "Values": values})
		if left {
			break
		}
	}
	out := map[string]any{"MetricDataResults": results}
	if sent == limit && results[len(results)-1]["StatusCode"] == "PartialData" {
		out["NextToken"] = fmt.Sprintf("after-%d", skip+sent)
	}
	return cborResponse(out)
}

func cborResponse(v any) collecttest.Response {
	body, err := cbor.Marshal(v)
	if err != nil {
		return collecttest.Response{Err: err}
	}
	return collecttest.Response{Header: cborHeader(), Body: string(body)}
}

func cborHeader() http.Header {
	return http.Header{"Smithy-Protocol": {"rpc-v2-cbor"}, "Content-Type": {"application/cbor"}}
}

func cborError(status int, code, message string) *collecttest.Response {
	resp := cborResponse(map[string]any{"__type": "com.amazonaws.cloudwatch#" + code, "message": message})
	resp.Status = status
	return &resp
}

func parseCall(body string) (call, error) {
	var in struct {
		StartTime, EndTime time.Time
		NextToken          string
		ScanBy             string
		MetricDataQueries  []struct {
			Id         string
			MetricStat struct {
				Metric struct {
					Namespace, MetricName string
					Dimensions            []struct{ Name, Value string }
				}
				Period int
				Stat   string
			}
		}
	}
	if err := cbor.Unmarshal([]byte(body), &in); err != nil {
		return call{}, fmt.Errorf("parse the request: %w", err)
	}
	c := call{From: in.StartTime.UTC(), To: in.EndTime.UTC(), Token: in.NextToken}
	for _, q := range in.MetricDataQueries {
		var dims []string
		for _, d := range q.MetricStat.Metric.Dimensions {
			dims = append(dims, d.Name+"="+d.Value)
		}
		c.Queries = append(c.Queries, asked{
			ID: q.Id, Namespace: q.MetricStat.Metric.Namespace, Metric: q.MetricStat.Metric.MetricName,
			Stat: q.MetricStat.Stat, Period: q.MetricStat.Period, Dimensions: strings.Join(dims, ","),
		})
	}
	return c, nil
}

func TestRequestIsReadAsCloudWatchReadsIt(t *testing.T) {
	t.Parallel()
	fake := &cloudWatch{value: func(asked, time.Time) (float64, bool) { return 0, false }}
	f := newRun(t, fake, options("idle"))
	f.Collect(t)
	first := fake.requests()[0]
	if first.From.IsZero() || len(first.Queries) != 2 || first.Queries[0].Dimensions != "FunctionName=idle" || first.Queries[0].Period != 3600 {
		t.Errorf("first request: %+v", first)
	}
}
