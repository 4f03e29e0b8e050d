package store_test

import (
	"fmt"
	"net/http/httptest"
	"net/url"
	"os"
	"strings"
	"testing"

	"github.com/faaswarden/faaswarden/internal/store"
	"github.com/faaswarden/faaswarden/internal/store/storetest"
)

// TestConformance runs one suite over every way to a store. CLICKHOUSE_DSN adds
// a server of the caller's, in a database that the test makes and drops.
func TestConformance(t *testing.T) {
	t.Run("in process", func(t *testing.T) {
		storetest.Run(t, func(t *testing.T) *store.Store { return storetest.Open(t) })
	})
	for _, compression := range []string{"none", "lz4", "zstd", "gzip"} {
		t.Run("over HTTP, "+compression, func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) *store.Store { return overHTTP(t, compression) })
		})
	}
	if dsn := os.Getenv("CLICKHOUSE_DSN"); dsn != "" {
		t.Run("CLICKHOUSE_DSN", func(t *testing.T) {
			storetest.Run(t, func(t *testing.T) *store.Store { return openDSN(t, dsn) })
		})
	}
}

// password has what a URL must escape.
const password = "p@ss:w/rd?&#%"

// overHTTP serves an embedded store on loopback and opens that address.
func overHTTP(t *testing.T, compression string) *store.Store {
	t.Helper()
	served := storetest.Open(t)
	handler, err := served.Handler(store.HandlerOptions{User: "writer", Password: password, Writable: true})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	address := strings.TrimPrefix(server.URL, "http://")
	dsn := fmt.Sprintf("http://%s@%s/%s?compress=%s", url.UserPassword("writer", password), address, served.Database(), compression)
	s, err := store.Open(t.Context(), store.Options{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

func openDSN(t *testing.T, dsn string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{DSN: dsn, Database: storetest.Database()})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Exec(t.Context(), "DROP DATABASE "+s.Database(), nil); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}
