package chdb

import (
	"bytes"
	"context"
	"encoding/binary"
	"errors"
	"io"
	"math"
	"net/http"
	"net/url"
	"runtime"
	"strings"
	"testing"
	"time"
)

// heapWatch notes how far the heap rises above where it started.
type heapWatch struct {
	base, top uint64
}

func newHeapWatch() *heapWatch {
	runtime.GC()
	w := &heapWatch{}
	w.base = w.inUse()
	return w
}

func (w *heapWatch) inUse() uint64 {
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	return m.HeapAlloc
}

func (w *heapWatch) look() { w.top = max(w.top, w.inUse()) }

func (w *heapWatch) grownMB() float64 {
	return math.Max(0, float64(w.top)-float64(w.base)) / (1 << 20)
}

const streamedRows = 5_000_000

// These tests read the whole process's heap, so they do not run in parallel
// with the others.

// Five million rows pass through the transport, and what Go holds of them does
// not grow.
func TestResultIsStreamedInBoundedMemory(t *testing.T) {
	res, err := post(t.Context(), shared.RoundTripper(), "default_format=Native", strings.NewReader("SELECT number, toString(number) AS s, now() AS t FROM numbers(5000000)"))
	if err != nil {
		t.Fatal(err)
	}
	defer closeBody(res.Body)
	watch := newHeapWatch()
	var read int64
	for buf := make([]byte, 1<<16); ; {
		n, err := res.Body.Read(buf)
		if read>>23 != (read+int64(n))>>23 {
			watch.look() // every 8 MiB
		}
		read += int64(n)
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	watch.look()
	if read < 90<<20 {
		t.Errorf("only %d bytes came", read)
	}
	if got := watch.grownMB(); got > 16 {
		t.Errorf("the heap grew by %.0f MB while %d MB passed", got, read>>20)
	}
}

// Through clickhouse-go the heap holds a few blocks, however many pass.
func TestRowsAreStreamedInBoundedMemory(t *testing.T) {
	db := connect(t, shared.RoundTripper(), "")
	watch := newHeapWatch()
	rows, err := db.Query(t.Context(), "SELECT number, toString(number) AS s FROM numbers(5000000)")
	if err != nil {
		t.Fatal(err)
	}
	var n, sum uint64
	for rows.Next() {
		var number uint64
		var s string
		if err := rows.Scan(&number, &s); err != nil {
			t.Fatal(err)
		}
		sum += number
		if n++; n%250_000 == 0 {
			watch.look()
		}
	}
	if err := errors.Join(rows.Err(), rows.Close()); err != nil {
		t.Fatal(err)
	}
	if n != streamedRows || sum != streamedRows*(streamedRows-1)/2 {
		t.Errorf("%d rows with sum %d", n, sum)
	}
	if got := watch.grownMB(); got > 96 {
		t.Errorf("the heap grew by %.0f MB", got)
	}
}

// rowBinary writes rows of (UInt64, String) without ever holding many.
type rowBinary struct {
	next, rows uint64
	pending    bytes.Buffer
	look       func()
}

func (r *rowBinary) Read(p []byte) (int, error) {
	for r.pending.Len() < len(p) && r.next < r.rows {
		var row [24]byte
		binary.LittleEndian.PutUint64(row[:8], r.next)
		row[8] = 15
		copy(row[9:], "fifteen letters")
		r.pending.Write(row[:])
		if r.next++; r.next%500_000 == 0 {
			r.look()
		}
	}
	return r.pending.Read(p)
}

// Five million rows are inserted in one request without being held.
func TestInsertIsStreamedInBoundedMemory(t *testing.T) {
	db := database(t)
	mustExec(t, db, "CREATE TABLE t (a UInt64, s String) ENGINE = MergeTree ORDER BY a")
	var name string
	if err := db.QueryRow(t.Context(), "SELECT currentDatabase()").Scan(&name); err != nil {
		t.Fatal(err)
	}
	watch := newHeapWatch()
	query := url.Values{"query": {"INSERT INTO " + name + ".t FORMAT RowBinary"}}.Encode()
	res, err := post(t.Context(), shared.RoundTripper(), query, &rowBinary{rows: streamedRows, look: watch.look})
	if err != nil {
		t.Fatal(err)
	}
	defer closeBody(res.Body)
	if res.StatusCode != http.StatusOK {
		text, _ := io.ReadAll(res.Body)
		t.Fatalf("%s", text)
	}
	var rows, sum uint64
	if err := db.QueryRow(t.Context(), "SELECT count(), sum(a) FROM t").Scan(&rows, &sum); err != nil {
		t.Fatal(err)
	}
	if rows != streamedRows || sum != streamedRows*(streamedRows-1)/2 {
		t.Errorf("%d rows with sum %d", rows, sum)
	}
	if got := watch.grownMB(); got > 16 {
		t.Errorf("the heap grew by %.0f MB", got)
	}
}

// A body that breaks off inserts nothing and says why.
func TestInsertWhoseDataBreaksOff(t *testing.T) {
	t.Parallel()
	db := database(t)
	mustExec(t, db, "CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
	var name string
	if err := db.QueryRow(t.Context(), "SELECT currentDatabase()").Scan(&name); err != nil {
		t.Fatal(err)
	}
	for _, broken := range []error{errors.New("the line went dead"), io.ErrUnexpectedEOF} {
		body := io.MultiReader(strings.NewReader("1\n2\n"), errorReader{broken})
		err := postError(t.Context(), url.Values{"query": {"INSERT INTO " + name + ".t FORMAT TSV"}}.Encode(), body)
		if !errors.Is(err, broken) {
			t.Errorf("got %v, want %v", err, broken)
		}
	}
	var rows uint64
	if err := db.QueryRow(t.Context(), "SELECT count() FROM t").Scan(&rows); err != nil || rows != 0 {
		t.Errorf("%d rows, %v", rows, err)
	}
}

type errorReader struct{ err error }

func (r errorReader) Read([]byte) (int, error) { return 0, r.err }

// A stream that nobody reads any more is closed with its context, and its
// engine connection with it.
func TestAbandonedStreamIsFreed(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	const marker = "abandoned_9f2c"
	res, err := post(ctx, shared.RoundTripper(), "default_format=TSV", strings.NewReader("SELECT number AS "+marker+" FROM system.numbers"))
	if err != nil {
		t.Fatal(err)
	}
	defer closeBody(res.Body)
	if n := runningStatements(t, marker); n != 1 {
		t.Errorf("%d statements run, want 1", n)
	}
	cancel() // and neither read nor close
	waitUntil(t, func() bool { return runningStatements(t, marker) == 0 })
	if _, err := io.Copy(io.Discard, res.Body); !errors.Is(err, context.Canceled) {
		t.Errorf("reading on: %v", err)
	}
}

// runningStatements counts the engine's statements whose text has marker.
func runningStatements(t *testing.T, marker string) int {
	t.Helper()
	// In halves, or this statement would find itself: parameters show in its text.
	half := len(marker) / 2
	query := url.Values{"param_a": {marker[:half]}, "param_b": {marker[half:]}}.Encode()
	got := send(t, shared.RoundTripper(), query, "SELECT count() FROM system.processes WHERE position(query, {a:String} || {b:String}) > 0")
	n := 0
	for _, c := range strings.TrimSpace(got.Body) {
		n = n*10 + int(c-'0')
	}
	return n
}

// waitUntil polls a condition, and fails the test when it stays false.
func waitUntil(t *testing.T, holds func() bool) {
	t.Helper()
	for range 1000 {
		if holds() {
			return
		}
		time.Sleep(10 * time.Millisecond)
	}
	t.Fatal("waited in vain")
}
