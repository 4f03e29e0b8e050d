package store

import (
	"context"
	"errors"
	"fmt"
	"sync"
	"testing"
	"testing/synctest"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/chdb"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// fakeTables stands in for the store behind a sink.
type fakeTables struct {
	mu     sync.Mutex
	fail   error         // what every insert fails with, nil: none
	hold   chan struct{} // inserts wait for it to close, nil: they do not
	rows   map[string][]string
	tries  int
	widest int // rows of the largest insert
}

func (f *fakeTables) insert(ctx context.Context, rows ...schema.Row) error {
	f.mu.Lock()
	hold := f.hold
	f.tries++
	f.widest = max(f.widest, len(rows))
	f.mu.Unlock()
	if hold != nil {
		select {
		case <-hold:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	f.mu.Lock()
	defer f.mu.Unlock()
	if f.fail != nil {
		return f.fail
	}
	if f.rows == nil {
		f.rows = map[string][]string{}
	}
	for _, row := range rows {
		f.rows[row.Table()] = append(f.rows[row.Table()], fmt.Sprint(row))
	}
	return nil
}

func (f *fakeTables) set(fail error) {
	f.mu.Lock()
	defer f.mu.Unlock()
	f.fail = fail
}

func (f *fakeTables) stored() int {
	f.mu.Lock()
	defer f.mu.Unlock()
	n := 0
	for _, rows := range f.rows {
		n += len(rows)
	}
	return n
}

// rowA and rowB go to different tables.
type (
	rowA int
	rowB int
)

func (rowA) Table() string { return "a" }
func (rowB) Table() string { return "b" }

func numbered(from, to int) []schema.Row {
	var rows []schema.Row
	for i := from; i < to; i++ {
		rows = append(rows, rowA(i))
	}
	return rows
}

var errAway = errors.New("connection refused")

func put(t *testing.T, k *Sink, rows ...schema.Row) {
	t.Helper()
	if err := k.Put(t.Context(), rows...); err != nil {
		t.Fatal(err)
	}
}

func TestSinkWritesFullTablesByItself(t *testing.T) {
	t.Parallel()
	f := &fakeTables{}
	k := newSink(f.insert, 10, 100)
	put(t, k, numbered(0, 9)...)
	put(t, k, rowB(1))
	if f.tries != 0 {
		t.Fatalf("%d inserts before a table had enough rows", f.tries)
	}
	put(t, k, rowA(9))
	if f.stored() != 10 || k.Buffered() != 1 || k.Written() != 10 {
		t.Errorf("stored %d, buffered %d, written %d; want 10, 1, 10", f.stored(), k.Buffered(), k.Written())
	}
	if err := k.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{"a": {"0", "1", "2", "3", "4", "5", "6", "7", "8", "9"}, "b": {"1"}}
	if diff := cmp.Diff(want, f.rows); diff != "" {
		t.Errorf("tables (-want +got):\n%s", diff)
	}
}

func TestSinkKeepsRowsOfAFailedFlush(t *testing.T) {
	t.Parallel()
	f := &fakeTables{fail: errAway}
	k := newSink(f.insert, 5, 100)
	put(t, k, numbered(0, 7)...) // the write it tries by itself fails, quietly
	for range 2 {
		if err := k.Flush(t.Context()); !errors.Is(err, errAway) {
			t.Fatalf("flush while the store is away: %v, want its error", err)
		}
	}
	put(t, k, rowA(7), rowB(0))
	if k.Buffered() != 9 || k.Written() != 0 {
		t.Fatalf("buffered %d, written %d; want 9 and 0", k.Buffered(), k.Written())
	}
	f.set(nil)
	if err := k.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := map[string][]string{"a": {"0", "1", "2", "3", "4", "5", "6", "7"}, "b": {"0"}}
	if diff := cmp.Diff(want, f.rows); diff != "" {
		t.Errorf("tables, in the order of Put (-want +got):\n%s", diff)
	}
	if k.Buffered() != 0 || k.Written() != 9 {
		t.Errorf("buffered %d, written %d; want 0 and 9", k.Buffered(), k.Written())
	}
}

// While the store is away Put takes rows up to the capacity, then blocks; when
// the store is back everything arrives, once.
func TestSinkBlocksWhenFull(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fakeTables{fail: errAway}
		k := newSink(f.insert, 10, 50)
		put(t, k, numbered(0, 50)...)
		done := make(chan error, 1)
		go func() { done <- k.Put(t.Context(), numbered(50, 75)...) }()
		time.Sleep(time.Hour)
		synctest.Wait()
		select {
		case err := <-done:
			t.Fatalf("a full sink took more: %v", err)
		default:
		}
		if k.Buffered() != 50 {
			t.Errorf("buffered %d rows, want the capacity of 50", k.Buffered())
		}
		if tries := f.tries; tries < 100 || tries > 1000 {
			t.Errorf("%d attempts in an hour, want backing off to every 15 s", tries)
		}
		f.set(nil)
		if err := <-done; err != nil {
			t.Fatal(err)
		}
		if err := k.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		if f.stored() != 75 || k.Written() != 75 {
			t.Errorf("stored %d, written %d; want 75", f.stored(), k.Written())
		}
	})
}

func TestSinkStopsWaitingWithItsContext(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fakeTables{fail: errAway}
		k := newSink(f.insert, 10, 20)
		put(t, k, numbered(0, 20)...)
		ctx, cancel := context.WithTimeout(t.Context(), time.Minute)
		defer cancel()
		err := k.Put(ctx, rowA(20))
		if !errors.Is(err, context.DeadlineExceeded) || !errors.Is(err, errAway) {
			t.Errorf("waiting ended with %v, want the deadline and the cause", err)
		}
		if k.Buffered() != 20 {
			t.Errorf("buffered %d: rows of a failed Put were taken", k.Buffered())
		}
	})
}

// Waiting for a store that refuses the rows themselves would never end.
func TestSinkDoesNotWaitForARefusal(t *testing.T) {
	t.Parallel()
	for _, refusal := range []error{
		&clickhouse.Exception{Code: 16, Message: "no such column"}, unfit{errors.New("column ts: year 9999")}, errReadOnly, chdb.ErrClosed,
	} {
		f := &fakeTables{fail: fmt.Errorf("insert: %w", refusal)}
		k := newSink(f.insert, 10, 20)
		put(t, k, numbered(0, 20)...)
		if err := k.Put(t.Context(), rowA(20)); !errors.Is(err, refusal) {
			t.Errorf("a full sink on a store that refuses: %v, want the refusal at once", err)
		}
		if k.Buffered() != 20 {
			t.Errorf("buffered %d, want the 20 taken before", k.Buffered())
		}
	}
}

func TestSinkTakesMoreThanItHolds(t *testing.T) {
	t.Parallel()
	f := &fakeTables{}
	k := newSink(f.insert, 10, 20)
	put(t, k, numbered(0, 1005)...)
	if err := k.Flush(t.Context()); err != nil {
		t.Fatal(err)
	}
	if f.stored() != 1005 || f.widest > 20 {
		t.Errorf("stored %d in inserts of up to %d; want 1005 and 20", f.stored(), f.widest)
	}
}

// Flush promises rows that another goroutine is just writing, too.
func TestFlushWaitsForAWriteUnderWay(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fakeTables{hold: make(chan struct{})}
		k := newSink(f.insert, 10, 100)
		go func() { _ = k.Put(t.Context(), numbered(0, 10)...) }()
		synctest.Wait() // the write has begun and hangs
		flushed := make(chan error, 1)
		go func() { flushed <- k.Flush(t.Context()) }()
		synctest.Wait()
		select {
		case err := <-flushed:
			t.Fatalf("flush returned %v while rows were on their way", err)
		default:
		}
		ctx, cancel := context.WithTimeout(t.Context(), time.Second)
		defer cancel()
		if err := k.Flush(ctx); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("a flush with a deadline: %v, want the deadline", err)
		}
		close(f.hold)
		if err := <-flushed; err != nil {
			t.Fatal(err)
		}
		if f.stored() != 10 || k.Buffered() != 0 {
			t.Errorf("stored %d, buffered %d; want 10 and 0", f.stored(), k.Buffered())
		}
	})
}

// Eight goroutines put through failures that come and go; every row arrives once.
func TestSinkUnderConcurrency(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := &fakeTables{}
		k := newSink(f.insert, 50, 200)
		stop := make(chan struct{})
		go func() {
			for i := 0; ; i++ {
				select {
				case <-stop:
					return
				case <-time.After(time.Second):
					f.set([]error{nil, errAway}[i%2])
				}
			}
		}()
		var group sync.WaitGroup
		for w := range 8 {
			group.Go(func() {
				for i := range 200 {
					if err := k.Put(t.Context(), rowA(w*1000+i), rowB(w*1000+i)); err != nil {
						t.Error(err)
					}
					time.Sleep(10 * time.Millisecond)
				}
			})
		}
		group.Wait()
		close(stop)
		synctest.Wait()
		f.set(nil)
		if err := k.Flush(t.Context()); err != nil {
			t.Fatal(err)
		}
		for _, table := range []string{"a", "b"} {
			seen := map[string]bool{}
			for _, row := range f.rows[table] {
				if seen[row] {
					t.Errorf("row %s of %s arrived twice", row, table)
				}
				seen[row] = true
			}
			if len(seen) != 1600 {
				t.Errorf("%d rows of %s arrived, want 1600", len(seen), table)
			}
		}
	})
}

// A patient sink waits for a store that comes back, and tells at once of a
// refusal that names the rows' own fault.
func TestPatientFlush(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		back := time.Now().Add(5 * time.Minute)
		var written int
		k := newSink(func(_ context.Context, rows ...schema.Row) error {
			if time.Now().Before(back) {
				return errAway
			}
			written += len(rows)
			return nil
		}, 10, 40)
		k.patience = time.Hour
		if err := k.Put(t.Context(), numbered(0, 30)...); err != nil {
			t.Fatal(err)
		}
		if err := k.Flush(t.Context()); err != nil || written != 30 {
			t.Errorf("%d rows written: %v", written, err)
		}
		if waited := time.Since(back); waited < 0 || waited > 2*sinkMaxWait {
			t.Errorf("the flush ended %s after the store was back", waited)
		}
		back = time.Now().Add(2 * time.Hour)
		if err := k.Put(t.Context(), numbered(30, 35)...); err != nil {
			t.Fatal(err)
		}
		if err := k.Flush(t.Context()); !errors.Is(err, errAway) || k.Buffered() != 5 {
			t.Errorf("beyond its patience: %v, %d rows kept", err, k.Buffered())
		}
	})
}
