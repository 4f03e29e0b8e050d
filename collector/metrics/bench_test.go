package metrics

import (
	"context"
	"fmt"
	"runtime"
	"sync"
	"testing"
	"time"

	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// countingSink drops rows, so that the benchmark measures the collector alone.
type countingSink struct {
	rows    int
	largest int
}

func (s *countingSink) Put(_ context.Context, rows ...schema.Row) error {
	s.rows += len(rows)
	s.largest = max(s.largest, len(rows))
	return nil
}
func (s *countingSink) Flush(context.Context) error { return nil }

// BenchmarkCollect reads 200 active functions over 30 days by the hour, from
// the answer's bytes to rows, and reports rows/s and the heap in use at the end.
func BenchmarkCollect(b *testing.B) {
	var names []string
	for i := range 200 {
		names = append(names, fmt.Sprintf("busy-%03d", i))
	}
	o := options(names...)
	o.Window.From = now.Add(-30 * day)
	fake := &cloudWatch{value: func(q asked, ts time.Time) (float64, bool) { return float64(ts.Hour()), q.Metric != "Throttles" }}
	var mu sync.Mutex
	encoded := map[string]*collecttest.Response{}
	fake.fail = func(c call) *collecttest.Response {
		key := fmt.Sprint(c.From, c.To, len(c.Queries), c.Queries[0].Metric, c.Queries[0].Dimensions)
		mu.Lock()
		defer mu.Unlock()
		if encoded[key] == nil {
			resp := fake.points(c)
			encoded[key] = &resp
		}
		return encoded[key]
	}
	newRun(b, fake, o).Collect(b)
	rows := 0
	b.ReportAllocs()
	b.ResetTimer()
	for b.Loop() {
		f := newRun(b, fake, o)
		sink := &countingSink{}
		f.Run.Sink = sink
		f.Collect(b)
		rows += sink.rows
		if sink.largest > chunk {
			b.Fatalf("%d rows at once", sink.largest)
		}
	}
	b.ReportMetric(float64(rows)/b.Elapsed().Seconds(), "rows/s")
	b.ReportMetric(float64(rows)/float64(b.N), "rows/op")
	runtime.GC()
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(m.HeapInuse)/1e6, "heap-MB")
}
