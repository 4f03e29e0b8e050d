package chdb_test

import (
	"context"
	"errors"
	"io"
	"maps"
	"net/http"
	"net/http/httptest"
	"net/url"
	"strings"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/faaswarden/faaswarden/internal/chdb"
	"github.com/faaswarden/faaswarden/internal/schema"
	"github.com/faaswarden/faaswarden/internal/store"
)

// serve makes a server of a round tripper.
func serve(t *testing.T, rt http.RoundTripper) (address string) {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		r.URL.Scheme, r.URL.Host, r.RequestURI = "http", "embedded", ""
		res, err := rt.RoundTrip(r)
		if err != nil {
			http.Error(w, err.Error(), http.StatusInternalServerError)
			return
		}
		defer res.Body.Close() //nolint:errcheck // it was only read
		maps.Copy(w.Header(), res.Header)
		w.WriteHeader(res.StatusCode)
		_, _ = io.Copy(w, res.Body) // the client is gone: nobody to tell
	}))
	t.Cleanup(server.Close)
	return strings.TrimPrefix(server.URL, "http://")
}

// storeIn makes a store in a database of the shared engine.
func storeIn(t *testing.T, database string) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Engine: chdb.Shared(), Database: database})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := s.Exec(context.Background(), "DROP DATABASE "+database+" SYNC", nil); err != nil {
			t.Error(err)
		}
		if err := s.Close(); err != nil {
			t.Error(err)
		}
	})
	return s
}

// run runs one statement with all rights.
func run(t *testing.T, database, sql string) {
	t.Helper()
	conn, err := clickhouse.Open(&clickhouse.Options{
		Protocol: clickhouse.HTTP, Addr: []string{"embedded:0"}, Auth: clickhouse.Auth{Database: database},
		TransportFunc: func(*http.Transport) (http.RoundTripper, error) { return chdb.Shared().RoundTripper(), nil },
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := errors.Join(conn.Exec(t.Context(), sql), conn.Close()); err != nil {
		t.Fatal(err)
	}
}

// TestUserWithoutGrants opens stores as a user whom the engine itself refuses to
// write, and expects to be told which grant is missing and what to do.
func TestUserWithoutGrants(t *testing.T) {
	made := storeIn(t, "access_made")
	empty := storeIn(t, "access_empty")
	if err := empty.Exec(t.Context(), "DROP TABLE schema_migrations", nil); err != nil {
		t.Fatal(err)
	}
	address := serve(t, chdb.Shared().Confined())
	open := func(database string) (*store.Store, error) {
		return store.Open(t.Context(), store.Options{DSN: "http://" + address + "/" + database + "?compress=none"})
	}
	for database, wants := range map[string][]string{
		"access_none":  {"create database access_none", "497", "remedy: GRANT CREATE DATABASE ON access_none.* to the address's user", "deploy/clickhouse/users.d", "`faaswarden store ddl`"},
		"access_empty": {"prepare migrations", "497", "remedy: GRANT CREATE TABLE ON access_empty.schema_migrations", "`faaswarden store ddl`"},
	} {
		s, err := open(database)
		if err == nil {
			t.Errorf("%s was opened: %v", database, s.Close())
			continue
		}
		for _, want := range append(wants, "open the store http://"+address+"/"+database) {
			if !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %q lacks %q", database, err, want)
			}
		}
	}

	// A store that has everything, an administrator's doing, is opened without a
	// statement that changes it.
	script, err := store.Script("access_script", "", time.Now())
	if err != nil {
		t.Fatal(err)
	}
	for i, sql := range script {
		database := ""
		if i > 1 && script[1] == "USE access_script" { // each statement here has a session of its own
			database = "access_script"
		}
		run(t, database, sql)
	}
	t.Cleanup(func() {
		if err := made.Exec(context.Background(), "DROP DATABASE access_script SYNC", nil); err != nil {
			t.Error(err)
		}
	})
	s, err := open("access_script")
	if err != nil {
		t.Fatal(err)
	}
	err = s.Insert(t.Context(), schema.Cursor{Key: "k"})
	if err == nil || !strings.Contains(err.Error(), "insert 1 rows into cursors: ") || !strings.Contains(err.Error(), "; remedy: GRANT INSERT(") || strings.Count(err.Error(), "remedy") != 1 {
		t.Errorf("an insert without the grant: %v", err)
	}
	err = s.Exec(t.Context(), "ALTER TABLE cursors DELETE WHERE 1", nil)
	if err == nil || !strings.Contains(err.Error(), "; remedy: GRANT ALTER DELETE ON access_script.cursors to the address's user") {
		t.Errorf("a deletion without the grant: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}

// TestServedStoreRefuses opens a store over the HTTP interface with the wrong
// password, and with the right one where it is served to be read.
func TestServedStoreRefuses(t *testing.T) {
	served := storeIn(t, "access_served")
	handler, err := served.Handler(store.HandlerOptions{User: "reader", Password: "p@ss"})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	for _, c := range []struct {
		password, database string
		wants              []string
	}{
		{"wrong", "access_served", []string{"516", "remedy: check the user and the password of the address"}},
		{"p@ss", "access_other", []string{"164", "remedy: give the address of a user that may write", "`faaswarden store serve --writable`"}},
	} {
		dsn := "http://" + url.UserPassword("reader", c.password).String() + "@" + strings.TrimPrefix(server.URL, "http://") + "/" + c.database
		s, err := store.Open(t.Context(), store.Options{DSN: dsn})
		if err == nil {
			t.Errorf("%s was opened: %v", c.database, s.Close())
			continue
		}
		for _, want := range c.wants {
			if !strings.Contains(err.Error(), want) || strings.Contains(err.Error(), c.password) {
				t.Errorf("%q lacks %q, or shows the password", err, want)
			}
		}
	}
	dsn := "http://reader:p%40ss@" + strings.TrimPrefix(server.URL, "http://") + "/access_served"
	s, err := store.Open(t.Context(), store.Options{DSN: dsn})
	if err != nil {
		t.Fatal(err)
	}
	if err := s.Insert(t.Context(), schema.Cursor{Key: "k"}); err == nil || !strings.Contains(err.Error(), "store serve --writable") {
		t.Errorf("an insert into a store that is served to be read: %v", err)
	}
	if err := s.Close(); err != nil {
		t.Error(err)
	}
}
