package store_test

import (
	"context"
	"fmt"
	"path/filepath"
	"testing"
	"time"

	"github.com/faaswarden/faaswarden/internal/schema"
	"github.com/faaswarden/faaswarden/internal/store"
)

// million is thirty days of seven hourly metrics for 200 functions: 1,008,000 rows.
func million() []schema.Row {
	const functions, hours = 200, 30 * 24
	metrics := []struct{ name, stat string }{
		{"Invocations", "Sum"},
		{"Errors", "Sum"},
		{"Throttles", "Sum"},
		{"Duration", "Average"},
		{"Duration", "p99"},
		{"ConcurrentExecutions", "Maximum"},
		{"DeadLetterErrors", "Sum"},
	}
	from := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	rows := make([]schema.Row, 0, functions*hours*len(metrics))
	for f := range functions {
		arn := fmt.Sprintf("arn:aws:lambda:us-east-1:123456789012:function:service-%03d", f)
		for _, m := range metrics {
			for h := range hours {
				rows = append(rows, schema.MetricPoint{
					Account: "123456789012", Region: "us-east-1", Namespace: "AWS/Lambda", Metric: m.name, Stat: m.stat,
					Resource: arn, PeriodS: 3600, TS: from.Add(time.Duration(h) * time.Hour),
					Value: float64((h*31 + f*17) % 997), CollectedAt: from.AddDate(0, 1, 0),
				})
			}
		}
	}
	return rows
}

func benchStore(b *testing.B, relaxed bool) *store.Store {
	b.Helper()
	s, err := store.Open(context.Background(), store.Options{DSN: "embedded:" + filepath.Join(b.TempDir(), "store"), Relaxed: relaxed})
	if err != nil {
		b.Fatal(err)
	}
	b.Cleanup(func() {
		if err := s.Close(); err != nil {
			b.Error(err)
		}
	})
	return s
}

// BenchmarkInsertMillion writes a million metric rows through Store.Insert;
// durable is what a daemon runs with, relaxed the demo.
func BenchmarkInsertMillion(b *testing.B) {
	rows := million()
	for _, mode := range []struct {
		name    string
		relaxed bool
	}{{"durable", false}, {"relaxed", true}} {
		b.Run(mode.name, func(b *testing.B) {
			s := benchStore(b, mode.relaxed)
			for b.Loop() {
				if err := s.Insert(b.Context(), rows...); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(len(rows)*b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}

// BenchmarkAggregateMillion sums a month of a million rows per function, through
// the view that analyzers read.
func BenchmarkAggregateMillion(b *testing.B) {
	s := benchStore(b, true)
	rows := million()
	if err := s.Insert(b.Context(), rows...); err != nil {
		b.Fatal(err)
	}
	if err := s.Exec(b.Context(), "OPTIMIZE TABLE metric_points FINAL", nil); err != nil {
		b.Fatal(err)
	}
	type usage struct {
		Resource    string  `ch:"resource"`
		Invocations float64 `ch:"invocations"`
		Duration    float64 `ch:"duration"`
	}
	params := map[string]any{
		"account": "123456789012", "region": "us-east-1",
		"from": time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC), "to": time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC),
	}
	for _, c := range []struct{ name, sql string }{
		{"every metric", `SELECT resource, sumIf(value, metric = 'Invocations') AS invocations, avgIf(value, metric = 'Duration') AS duration
FROM metrics_hourly
WHERE account = {account:String} AND region = {region:String} AND ts >= {from:DateTime} AND ts < {to:DateTime}
GROUP BY resource
ORDER BY resource`},
		{"one metric", `SELECT resource, sum(value) AS invocations, 0. AS duration
FROM metrics_hourly
WHERE account = {account:String} AND region = {region:String} AND metric = 'Invocations' AND stat = 'Sum' AND ts >= {from:DateTime} AND ts < {to:DateTime}
GROUP BY resource
ORDER BY resource`},
	} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				n := 0
				for _, err := range store.Select[usage](b.Context(), s, c.sql, params) {
					if err != nil {
						b.Fatal(err)
					}
					n++
				}
				if n != 200 {
					b.Fatalf("%d functions, want 200", n)
				}
			}
			b.ReportMetric(float64(len(rows)*b.N)/b.Elapsed().Seconds(), "rows/s")
		})
	}
}
