package chdb

import (
	"context"
	"errors"
	"io"
	"math/rand/v2"
	"net/url"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// A statement that is running when its context ends is stopped in the engine,
// and the caller gets the context's error. None of these would end by itself
// within the test.
func TestContextStopsStatements(t *testing.T) {
	t.Parallel()
	db := database(t)
	mustExec(t, db,
		"CREATE TABLE t (a UInt64, s String) ENGINE = MergeTree ORDER BY a",
		"CREATE TABLE many (a UInt64, s String) ENGINE = MergeTree ORDER BY a")
	cases := map[string]string{
		"aggregate":     "SELECT sum(cityHash64(number)) FROM system.numbers",
		"nothing found": "SELECT number FROM system.numbers WHERE cityHash64(number) = 0",
		"sleep":         "SELECT sleepEachRow(0.1) FROM numbers(1000) SETTINGS max_block_size = 1",
		"stream":        "SELECT * FROM system.numbers",
		"whole result":  "SELECT number FROM numbers(1000000000000) WHERE NOT ignore(number) AND number % 1000000 = 0 FORMAT JSON",
		"insert select": "INSERT INTO t SELECT number, 'x' FROM system.numbers",
	}
	for name, sql := range cases {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			marker := "stopped_" + newInstance()
			ctx, cancel := context.WithCancel(t.Context())
			defer cancel()
			done := make(chan error, 1)
			go func() {
				rows, err := db.Query(ctx, "/* "+marker+" */ "+sql)
				if err == nil {
					for rows.Next() {
					}
					err = errors.Join(rows.Err(), rows.Close())
				}
				done <- err
			}()
			waitUntil(t, func() bool { return runningStatements(t, marker) == 1 })
			cancel()
			if err := <-done; !errors.Is(err, context.Canceled) {
				t.Errorf("got %v, want context.Canceled", err)
			}
			waitUntil(t, func() bool { return runningStatements(t, marker) == 0 })
		})
	}
}

// An insert whose sender stalls ends with its context, and inserts nothing.
func TestContextStopsAnInsertThatWaitsForData(t *testing.T) {
	t.Parallel()
	db := database(t)
	mustExec(t, db, "CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
	var name string
	if err := db.QueryRow(t.Context(), "SELECT currentDatabase()").Scan(&name); err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithCancel(t.Context())
	r, w := io.Pipe()
	go func() {
		_, _ = w.Write([]byte("1\n2\n")) // then nothing more, and no end
		cancel()
	}()
	err := postError(ctx, url.Values{"query": {"INSERT INTO " + name + ".t FORMAT TSV"}}.Encode(), r)
	if !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
	if _, err := w.Write([]byte("3\n")); err == nil {
		t.Error("the sender was not told")
	}
	var rows uint64
	if err := db.QueryRow(t.Context(), "SELECT count() FROM t").Scan(&rows); err != nil || rows != 0 {
		t.Errorf("%d rows, %v", rows, err)
	}
}

func TestEndedContextRunsNothing(t *testing.T) {
	t.Parallel()
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := postError(ctx, "", strings.NewReader("SELECT 1")); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}

// Deadlines that fall anywhere in a request's life leave nothing behind: no
// statement, no engine connection, no goroutine that holds the engine.
func TestDeadlinesAtAnyMoment(t *testing.T) {
	t.Parallel()
	db := database(t)
	mustExec(t, db, "CREATE TABLE t (a UInt64) ENGINE = MergeTree ORDER BY a")
	marker := "storm_" + newInstance()
	var group errgroup.Group
	for w := range 4 {
		group.Go(func() error {
			random := rand.New(rand.NewPCG(1, uint64(w)))
			for range 50 {
				ctx, cancel := context.WithTimeout(t.Context(), time.Duration(random.IntN(6_000))*time.Microsecond)
				var n uint64
				err := db.QueryRow(ctx, "/* "+marker+" */ SELECT sum(cityHash64(number)) FROM system.numbers").Scan(&n)
				cancel()
				if err == nil {
					return errors.New("an endless statement ended")
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	waitUntil(t, func() bool { return runningStatements(t, marker) == 0 })
	var one uint8
	if err := db.QueryRow(t.Context(), "SELECT 1").Scan(&one); err != nil {
		t.Errorf("afterwards: %v", err)
	}
}

// Closing the body of a stream stops the statement rather than draining it.
func TestCloseStopsTheStream(t *testing.T) {
	t.Parallel()
	marker := "closed_" + newInstance()
	res, err := post(t.Context(), shared.RoundTripper(), "default_format=Native", strings.NewReader("SELECT number AS "+marker+" FROM system.numbers"))
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(res.Body, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	if err := res.Body.Close(); err != nil {
		t.Fatal(err)
	}
	if _, err := res.Body.Read(make([]byte, 1)); err == nil {
		t.Error("a closed body is read")
	}
	waitUntil(t, func() bool { return runningStatements(t, marker) == 0 })
}
