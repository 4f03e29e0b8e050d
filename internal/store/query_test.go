package store_test

import (
	"errors"
	"io"
	"strings"
	"testing"

	"github.com/faaswarden/faaswarden/internal/store"
	"github.com/faaswarden/faaswarden/internal/store/storetest"
)

// TestFormatRows holds what QueryRaw does over clickhouse://, whose answers are
// blocks: the server writes each row as text.
func TestFormatRows(t *testing.T) {
	s := storetest.Open(t)
	for _, c := range []struct{ sql, format, want string }{
		{"SELECT number AS n, 'a,\"b' AS s FROM numbers(2);", "CSV", "0,\"a,\"\"b\"\n1,\"a,\"\"b\"\n"},
		{"SELECT 1 AS n -- the end", "TSV", "1\n"},
		{"SELECT number AS n FROM numbers(0)", "TSV", ""},
		{"SELECT 'x' AS s", "JSONEachRow", "{\"s\":\"x\"}\n"},
	} {
		r, err := store.FormatRows(t.Context(), s.Conn(), c.sql, c.format)
		if err != nil {
			t.Errorf("%s: %v", c.sql, err)
			continue
		}
		got, err := io.ReadAll(r)
		if err != nil || string(got) != c.want {
			t.Errorf("%s as %s: %q, %v; want %q", c.sql, c.format, got, err, c.want)
		}
		if err := r.Close(); err != nil {
			t.Error(err)
		}
	}
	if _, err := store.FormatRows(t.Context(), s.Conn(), "SELECT 1", "Parquet"); err == nil || !strings.Contains(err.Error(), "http://") {
		t.Errorf("a format that is no row format: %v, want to be told of http://", err)
	}
	endless, err := store.FormatRows(t.Context(), s.Conn(), "SELECT number FROM system.numbers", "TSV")
	if err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadFull(endless, make([]byte, 1000)); err != nil {
		t.Fatal(err)
	}
	if err := endless.Close(); err != nil {
		t.Error(err)
	}
	failing, err := store.FormatRows(t.Context(), s.Conn(), "SELECT throwIf(number = 400000) FROM numbers(500000)", "TSV")
	if err == nil {
		_, err = io.Copy(io.Discard, failing)
		err = errors.Join(err, failing.Close())
	}
	if err == nil || !strings.Contains(err.Error(), "395") {
		t.Errorf("a statement that fails late: %v, want code 395", err)
	}
}

// A server serves itself; only the embedded engine needs a handler.
func TestOnlyTheEmbeddedStoreIsServed(t *testing.T) {
	s := overHTTP(t, "lz4")
	if _, err := s.Handler(store.HandlerOptions{}); err == nil || !strings.Contains(err.Error(), "serves itself") {
		t.Errorf("serving a server's store: %v, want a refusal", err)
	}
	if s.Detached() != nil {
		t.Errorf("a server's damaged parts are not ours to list: %v", s.Detached())
	}
}
