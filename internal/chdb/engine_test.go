package chdb

import (
	"context"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/go-cmp/cmp"
)

func TestInsertAndSelect(t *testing.T) {
	t.Parallel()
	db := database(t)
	mustExec(t, db, "CREATE TABLE t (a UInt64, s String, ts DateTime) ENGINE = MergeTree ORDER BY a")
	batch, err := db.PrepareBatch(t.Context(), "INSERT INTO t")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 23, 1, 2, 3, 0, time.UTC)
	for i := range 3 {
		if err := batch.Append(uint64(i), "x'y\\", at); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
	type row struct {
		A  uint64    `ch:"a"`
		S  string    `ch:"s"`
		TS time.Time `ch:"ts"`
	}
	var got []row
	if err := db.Select(t.Context(), &got, "SELECT a, s, ts FROM t ORDER BY a"); err != nil {
		t.Fatal(err)
	}
	want := []row{{0, "x'y\\", at}, {1, "x'y\\", at}, {2, "x'y\\", at}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}

// Close stops what runs, whoever holds it; the engine is then closed for good,
// and another may be opened in the same process, on another path.
func TestClose(t *testing.T) {
	t.Parallel()
	const want = `reading on: the embedded engine is closed
waiting for data: the embedded engine is closed
afterwards: the embedded engine is closed
classifying: the embedded engine is closed
again: <nil>
another engine: 1
`
	if diff := cmp.Diff(want, newChild(t, "close", filepath.Join(t.TempDir(), "data")).run(t)); diff != "" {
		t.Error(diff)
	}
}

func childClose(path string) error {
	ctx := context.Background()
	e, err := Open(ctx, Options{Path: path})
	if err != nil {
		return err
	}
	for _, s := range []string{"CREATE DATABASE w", "CREATE TABLE w.t (a UInt64) ENGINE = MergeTree ORDER BY a"} {
		if err := e.keeper.exec(s); err != nil {
			return err
		}
	}
	rt := e.RoundTripper()
	res, err := post(ctx, rt, "default_format=TSV", strings.NewReader("SELECT number FROM system.numbers"))
	if err != nil {
		return err
	}
	defer closeBody(res.Body)
	reader, writer := io.Pipe() // never written to nor closed by us
	inserted := make(chan error, 1)
	go func() {
		_, err := post(ctx, rt, "query=INSERT+INTO+w.t+FORMAT+TSV", reader) //nolint:bodyclose // there is no response
		inserted <- err
	}()
	if _, err := writer.Write([]byte("1\n")); err != nil { // the insert has begun to read
		return err
	}
	if err := e.Close(); err != nil {
		return err
	}
	_, err = io.Copy(io.Discard, res.Body)
	fmt.Println("reading on:", err)
	fmt.Println("waiting for data:", <-inserted)
	_, err = post(ctx, rt, "", strings.NewReader("SELECT 1")) //nolint:bodyclose // there is no response
	fmt.Println("afterwards:", err)
	_, err = e.Classify("SELECT 1")
	fmt.Println("classifying:", err)
	fmt.Println("again:", e.Close())
	return withEngine(Options{Path: path + "-2"}, func(_ *Engine, conn driver.Conn) error {
		var one uint8
		err := conn.QueryRow(ctx, "SELECT 1").Scan(&one)
		fmt.Println("another engine:", one)
		return err
	})
}

// A path may hold what XML and SQL would trip over, and be reached through a
// link; the options reach the engine.
func TestOptions(t *testing.T) {
	t.Parallel()
	dir := filepath.Join(t.TempDir(), "da ta & <x>'é\"")
	if err := os.MkdirAll(dir, 0o700); err != nil {
		t.Fatal(err)
	}
	link := filepath.Join(t.TempDir(), "link")
	if err := os.Symlink(dir, link); err != nil {
		t.Fatal(err)
	}
	want := "threads: 1\ntotal memory: 241\npath: " + dir + "/data\n"
	if diff := cmp.Diff(want, newChild(t, "limits", link).run(t)); diff != "" {
		t.Error(diff)
	}
}

func childLimits(dir string) error {
	opts := Options{Path: filepath.Join(dir, "data", "..", "data") + "/", MaxServerMemory: 512 << 20, Threads: 1}
	return withEngine(opts, func(e *Engine, conn driver.Conn) error {
		ctx := context.Background()
		var threads uint64
		if err := conn.QueryRow(ctx, "SELECT toUInt64(getSetting('max_threads'))").Scan(&threads); err != nil {
			return err
		}
		fmt.Println("threads:", threads)
		fmt.Println("total memory:", exceptionCode(conn.Exec(ctx, "SELECT uniqExact(number) FROM numbers(1000000000)")))
		fmt.Println("path:", e.opts.Path)
		return nil
	})
}
