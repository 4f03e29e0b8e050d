package chdb

import (
	"context"
	"errors"
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

// shared is the one engine of this test binary: a process has one at a time.
var shared *Engine

func TestMain(m *testing.M) {
	if code, ok := runChild(); ok {
		os.Exit(code)
	}
	code, err := runTests(m)
	if err != nil {
		fmt.Fprintln(os.Stderr, err)
		code = 1
	}
	os.Exit(code)
}

func runTests(m *testing.M) (code int, err error) {
	ctx := context.Background()
	if _, err := Ensure(ctx, InstallOptions{Progress: os.Stderr}); err != nil {
		return 1, err
	}
	dir, err := os.MkdirTemp("", "chdb-test-*")
	if err != nil {
		return 1, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(dir)) }()
	shared, err = Open(ctx, Options{Path: filepath.Join(dir, "data"), Durability: Relaxed})
	if err != nil {
		return 1, err
	}
	code = m.Run()
	return code, shared.Close()
}

// connect opens clickhouse-go over a round tripper.
func connect(tb testing.TB, rt http.RoundTripper, database string) driver.Conn {
	tb.Helper()
	conn, err := clickhouse.Open(&clickhouse.Options{
		Protocol:      clickhouse.HTTP,
		Addr:          []string{"embedded:0"},
		Auth:          clickhouse.Auth{Database: database},
		TransportFunc: func(*http.Transport) (http.RoundTripper, error) { return rt, nil },
	})
	if err != nil {
		tb.Fatal(err)
	}
	tb.Cleanup(func() {
		if err := conn.Close(); err != nil {
			tb.Error(err)
		}
	})
	return conn
}

// database makes a database of the test's own and a connection in it.
func database(tb testing.TB) driver.Conn {
	tb.Helper()
	return connect(tb, shared.RoundTripper(), databaseName(tb))
}

// databaseName makes a database of the test's own.
func databaseName(tb testing.TB) string {
	tb.Helper()
	name := "test_" + newInstance()
	admin := connect(tb, shared.RoundTripper(), "")
	mustExec(tb, admin, "CREATE DATABASE "+name)
	tb.Cleanup(func() {
		if err := admin.Exec(context.Background(), "DROP DATABASE "+name); err != nil {
			tb.Error(err)
		}
	})
	return name
}

// mustExec runs statements that the test depends on.
func mustExec(tb testing.TB, conn driver.Conn, statements ...string) {
	tb.Helper()
	for _, s := range statements {
		if err := conn.Exec(tb.Context(), s); err != nil {
			tb.Fatalf("%s: %v", s, err)
		}
	}
}
