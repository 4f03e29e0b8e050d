package chdb

import (
	"context"
	"fmt"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// The benchmark's rows are shaped like what is collected: 1,000 functions of
// two accounts in two regions, five metrics of each, 200 hours of each metric.
const (
	benchFunctions = 1000
	benchMetrics   = 5
	benchHours     = 200
	benchRows      = benchFunctions * benchMetrics * benchHours
	benchBatch     = 100_000
)

const benchDDL = `CREATE TABLE %s (
	account LowCardinality(String), region LowCardinality(String), metric LowCardinality(String),
	resource String, ts DateTime, value Float64, collected_at DateTime
) ENGINE = ReplacingMergeTree(collected_at) ORDER BY (account, region, metric, resource, ts)`

// benchTable makes a table as an engine opened with the durability would.
func benchTable(b *testing.B, db driver.Conn, name string, d Durability) {
	b.Helper()
	var settings []string
	for _, s := range d.mergeTree() {
		settings = append(settings, s.name+" = "+s.value)
	}
	mustExec(b, db, fmt.Sprintf(benchDDL, name)+" SETTINGS "+strings.Join(settings, ", "))
}

// insertMetrics inserts benchRows rows in batches, in the order a collector
// brings them: a function's metrics one after the other.
func insertMetrics(ctx context.Context, db driver.Conn, table string) error {
	start := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	metrics := [benchMetrics]string{"Invocations", "Errors", "Throttles", "Duration", "ConcurrentExecutions"}
	resources := make([]string, benchFunctions)
	for fn := range resources {
		resources[fn] = benchResource(fn)
	}
	var batch driver.Batch
	var err error
	for n := range benchRows {
		if n%benchBatch == 0 {
			if batch, err = db.PrepareBatch(ctx, "INSERT INTO "+table); err != nil {
				return err
			}
		}
		fn, metric, hour := n/(benchMetrics*benchHours), n/benchHours%benchMetrics, n%benchHours
		err = batch.Append(benchAccount(fn), benchRegion(fn), metrics[metric], resources[fn],
			start.Add(time.Duration(hour)*time.Hour), float64(n%977), start)
		if err != nil {
			return err
		}
		if n%benchBatch == benchBatch-1 {
			if err := batch.Send(); err != nil {
				return err
			}
		}
	}
	return nil
}

func benchAccount(fn int) string { return [...]string{"111111111111", "222222222222"}[fn%2] }

func benchRegion(fn int) string { return [...]string{"us-east-1", "eu-west-1"}[fn/2%2] }

func benchResource(fn int) string {
	return fmt.Sprintf("arn:aws:lambda:%s:%s:function:service-%04d", benchRegion(fn), benchAccount(fn), fn)
}

// cpuSeconds is what the process has used of the processors, which a busy
// machine changes less than it changes the clock.
func cpuSeconds(b *testing.B) float64 {
	b.Helper()
	var u syscall.Rusage
	if err := syscall.Getrusage(syscall.RUSAGE_SELF, &u); err != nil {
		b.Fatal(err)
	}
	return time.Duration(u.Utime.Nano() + u.Stime.Nano()).Seconds()
}

// BenchmarkInsert inserts a million rows through clickhouse-go's batches.
func BenchmarkInsert(b *testing.B) {
	for _, d := range []Durability{Durable, Relaxed} {
		b.Run(d.String(), func(b *testing.B) {
			db := database(b)
			table := 0
			used := cpuSeconds(b)
			for b.Loop() {
				b.StopTimer()
				name := fmt.Sprintf("t%d", table)
				table++
				benchTable(b, db, name, d)
				b.StartTimer()
				if err := insertMetrics(b.Context(), db, name); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(benchRows)*float64(b.N)/b.Elapsed().Seconds(), "rows/s")
			b.ReportMetric((cpuSeconds(b)-used)/float64(b.N), "cpu-s/op")
			var rows uint64
			if err := db.QueryRow(b.Context(), "SELECT count() FROM t0 FINAL").Scan(&rows); err != nil || rows != benchRows {
				b.Fatalf("%d rows, %v", rows, err)
			}
		})
	}
}

// BenchmarkAggregate sums a million rows per function, collapsed and not.
func BenchmarkAggregate(b *testing.B) {
	db := database(b)
	benchTable(b, db, "t", Relaxed)
	if err := insertMetrics(b.Context(), db, "t"); err != nil {
		b.Fatal(err)
	}
	for _, final := range []string{"", " FINAL"} {
		b.Run("per function"+final, func(b *testing.B) {
			for b.Loop() {
				if n := aggregate(b, db, "SELECT resource, sum(value), max(ts) FROM t"+final+" GROUP BY resource ORDER BY resource"); n != benchFunctions {
					b.Fatalf("%d functions", n)
				}
			}
		})
	}
}

func aggregate(b *testing.B, db driver.Conn, query string) int {
	b.Helper()
	rows, err := db.Query(b.Context(), query)
	if err != nil {
		b.Fatal(err)
	}
	n := 0
	for rows.Next() {
		var resource string
		var sum float64
		var last time.Time
		if err := rows.Scan(&resource, &sum, &last); err != nil {
			b.Fatal(err)
		}
		n++
	}
	if err := rows.Err(); err != nil {
		b.Fatal(err)
	}
	return n
}

// BenchmarkSmallInserts is the price of durability where it shows: a thousand
// rows at a time, each insert synced before it returns.
func BenchmarkSmallInserts(b *testing.B) {
	for _, d := range []Durability{Durable, Relaxed} {
		b.Run(d.String(), func(b *testing.B) {
			db := database(b)
			benchTable(b, db, "t", d)
			at := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
			for b.Loop() {
				batch, err := db.PrepareBatch(b.Context(), "INSERT INTO t")
				if err != nil {
					b.Fatal(err)
				}
				for i := range 1000 {
					if err := batch.Append("1", "us-east-1", "Errors", benchResource(i), at, 1.0, at); err != nil {
						b.Fatal(err)
					}
				}
				if err := batch.Send(); err != nil {
					b.Fatal(err)
				}
			}
			b.ReportMetric(float64(b.N)/b.Elapsed().Seconds(), "inserts/s")
		})
	}
}

// BenchmarkRequest is what one request costs beyond its statement.
func BenchmarkRequest(b *testing.B) {
	db := connect(b, shared.RoundTripper(), "")
	outside := connect(b, shared.ReadOnlyRoundTripper(), "")
	for _, c := range []struct {
		name string
		db   driver.Conn
	}{{"inside", db}, {"outside", outside}} {
		b.Run(c.name, func(b *testing.B) {
			for b.Loop() {
				var one uint8
				if err := c.db.QueryRow(b.Context(), "SELECT 1").Scan(&one); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}
