package store_test

import (
	"errors"
	"path/filepath"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/schema"
	"github.com/faaswarden/faaswarden/internal/store"
)

func openAt(t *testing.T, o store.Options) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), o)
	if err != nil {
		t.Fatal(err)
	}
	return s
}

func closeStore(t *testing.T, s *store.Store) {
	t.Helper()
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestEmbeddedStore opens one folder again and again, each way.
func TestEmbeddedStore(t *testing.T) {
	o := store.Options{DSN: "embedded:" + filepath.Join(t.TempDir(), "store")}
	s := openAt(t, o)
	row := schema.Function{Account: "1", FunctionARN: "arn", FunctionName: "kept"}
	if err := s.Insert(t.Context(), row); err != nil {
		t.Fatal(err)
	}
	if _, err := store.Open(t.Context(), store.Options{DSN: "embedded:" + t.TempDir()}); err == nil {
		t.Error("a second engine was started in one process")
	}
	if got := s.Detached(); len(got) != 0 {
		t.Errorf("a new store has damaged parts: %v", got)
	}
	closeStore(t, s)

	o.Relaxed = true
	s = openAt(t, o)
	wantNames(t, s, "kept")
	closeStore(t, s)

	o.ReadOnly = true
	s = openAt(t, o)
	wantNames(t, s, "kept")
	if err := s.Insert(t.Context(), row); err == nil || !strings.Contains(err.Error(), "read-only") {
		t.Errorf("an insert into a store opened read-only: %v", err)
	}
	if err := s.Exec(t.Context(), "TRUNCATE TABLE functions", nil); err == nil {
		t.Error("a statement that writes ran in a store opened read-only")
	}
	wantNames(t, s, "kept")
	if handler, err := s.Handler(store.HandlerOptions{Writable: true}); err != nil || handler == nil {
		t.Errorf("serving a store opened read-only: %v", err)
	}
	closeStore(t, s)
	if err := s.Exec(t.Context(), "SELECT 1", nil); !errors.Is(err, clickhouse.ErrConnectionClosed) {
		t.Errorf("a statement after Close: %v, want that it is closed", err)
	}
}

func wantNames(t *testing.T, s *store.Store, want ...string) {
	t.Helper()
	type function struct {
		Name string `ch:"function_name"`
	}
	var got []string
	for f, err := range store.Select[function](t.Context(), s, "SELECT function_name FROM functions_current ORDER BY function_name", nil) {
		if err != nil {
			t.Fatal(err)
		}
		got = append(got, f.Name)
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("functions (-want +got):\n%s", diff)
	}
}

func TestEmbeddedStoreRefuses(t *testing.T) {
	dir := t.TempDir()
	for _, c := range []struct {
		o    store.Options
		want string
	}{
		{store.Options{}, "store address: it is empty"},
		{store.Options{DSN: "embedded:" + dir, Cluster: "c"}, "cluster c needs a server"},
		{store.Options{DSN: "embedded:" + dir, Cluster: "c'"}, "must be a name"},
		{store.Options{DSN: "embedded:" + dir, Database: "default"}, "embedded engine's own"},
		{store.Options{DSN: "embedded:" + filepath.Join(dir, "none"), ReadOnly: true}, "there is no store at"},
		{store.Options{DSN: "embedded:/proc/faaswarden"}, "/proc/faaswarden"},
	} {
		s, err := store.Open(t.Context(), c.o)
		if err == nil {
			closeStore(t, s)
		}
		if err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%+v: %v, want %q", c.o, err, c.want)
		}
	}
}
