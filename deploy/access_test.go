package deploy

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/faaswarden/faaswarden/internal/chdb"
	"github.com/faaswarden/faaswarden/internal/schema"
	"github.com/faaswarden/faaswarden/internal/store"
)

// rehearsal is a user of the file as the embedded engine can play it. What it
// does not know of, opening a setting to a user who only reads, is checked by
// checkServer and by the text alone.
func rehearsal(users *node, name string) *chdb.Rehearsal {
	user := users.at("users", name)
	return &chdb.Rehearsal{
		Grants:   user.at("grants").values("query"),
		Profiles: strings.ReplaceAll(users.at("profiles").Inner, "<changeable_in_readonly/>", ""),
		Settings: profileSettings(users, user.value("profile")),
	}
}

// statement is one statement of a user, and the code it must be refused with;
// empty means that it must run.
type statement struct{ sql, code string }

// TestAccess plays both users of the ClickHouse server on the embedded engine:
// the daemon's can do all that the store does and no more, and Grafana's can
// read within its limits.
func TestAccess(t *testing.T) {
	users, err := parseXML(read(t, usersFile))
	if err != nil {
		t.Fatal(err)
	}
	path := filepath.Join(t.TempDir(), "store")
	t.Run(writerUser, func(t *testing.T) { writerMay(t, path, rehearsal(users, writerUser)) })
	t.Run(readerUser, func(t *testing.T) { readerMay(t, path, rehearsal(users, readerUser)) })
	t.Run("too few grants", func(t *testing.T) { fewerGrantsFail(t, rehearsal(users, writerUser)) })
}

func openEngine(t *testing.T, path string, r *chdb.Rehearsal) *chdb.Engine {
	t.Helper()
	engine, err := chdb.Open(t.Context(), chdb.Options{Path: path, Durability: chdb.Relaxed, Rehearsal: r})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := engine.Close(); err != nil {
			t.Error(err)
		}
	})
	return engine
}

// openStore migrates and returns the store of the database that the grants name.
func openStore(t *testing.T, engine *chdb.Engine) *store.Store {
	t.Helper()
	s, err := store.Open(t.Context(), store.Options{Engine: engine, Database: database})
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

func writerMay(t *testing.T, path string, r *chdb.Rehearsal) {
	engine := openEngine(t, path, r)
	for range 2 { // a start that migrates, and one that finds it done
		if err := live(t.Context(), openStore(t, engine)); err != nil {
			t.Fatal(err)
		}
	}
	runAll(t, engine, []statement{
		{"SELECT count() FROM faaswarden.functions_current", ""},
		{"SELECT sum(bytes_on_disk) FROM system.parts WHERE database = 'faaswarden'", ""},

		{"DROP TABLE faaswarden.functions", "497"},
		{"TRUNCATE TABLE faaswarden.functions", "497"},
		{"DROP DATABASE faaswarden", "497"},
		{"CREATE DATABASE elsewhere", "497"},
		{"CREATE TABLE default.t (a UInt8) ENGINE = Memory", "497"},
		{"CREATE USER intruder", "497"},
		{"GRANT SELECT ON *.* TO default", "497"},
		{"SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')", "497"},
		{"SELECT * FROM file('/etc/passwd', 'LineAsString')", "497"},
		{"SYSTEM FLUSH LOGS", "497"},
	})
}

func readerMay(t *testing.T, path string, r *chdb.Rehearsal) {
	runAll(t, openEngine(t, path, r), []statement{
		{"SELECT count() FROM faaswarden.functions_current", ""},
		{"SHOW TABLES FROM faaswarden", ""},
		{"SELECT name, type FROM system.columns WHERE database = 'faaswarden'", ""}, // the data source's query builder

		{"INSERT INTO faaswarden.functions (account) VALUES ('x')", "497"},
		{"DROP TABLE faaswarden.functions", "497"},
		{"ALTER TABLE faaswarden.functions DELETE WHERE 1", "497"},
		{"CREATE TABLE faaswarden.t (a UInt8) ENGINE = Memory", "497"},
		{"SELECT * FROM url('http://127.0.0.1:1/', 'CSV', 'a String')", "497"},
		{"SELECT * FROM file('/etc/passwd', 'LineAsString')", "497"},

		{"SET readonly = 0", "164"},
		{"SELECT 1 SETTINGS max_memory_usage = 0", "164"},
		{"SELECT 1 SETTINGS max_rows_to_read = 0", "164"},
		{"SELECT count() FROM numbers(600000000) WHERE number % 7 = 1", "158"},             // max_rows_to_read
		{"SELECT number FROM numbers(1000001)", "396"},                                     // max_result_rows
		{"SELECT length(groupArray(number)) FROM numbers(400000000)", "241"},               // max_memory_usage
		{"SELECT getSetting('max_execution_time') = 30 AND sleepEachRow(0) = 0 AS ok", ""}, // the limit in seconds is in force
	})
}

// live does with a store what the daemon does in a year: it writes, reads what
// tables take, rolls metrics up and deletes what is old.
func live(ctx context.Context, s *store.Store) error {
	now := time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)
	rows := []schema.Row{schema.Function{Account: "111122223333", Region: "eu-west-1", FunctionARN: "arn", Version: "$LATEST"}}
	for h := range 48 {
		rows = append(rows, schema.MetricPoint{
			Account: "111122223333", Region: "eu-west-1", Namespace: "AWS/Lambda", Metric: "Invocations", Stat: "Sum", Resource: "arn",
			PeriodS: 3600, TS: now.AddDate(-2, 0, 0).Add(time.Duration(h) * time.Hour), Value: 1, CollectedAt: now.AddDate(-2, 0, 3),
		})
	}
	if err := s.Insert(ctx, rows...); err != nil {
		return err
	}
	if _, err := s.Sizes(ctx); err != nil {
		return err
	}
	if _, err := s.Stats(ctx); err != nil {
		return err
	}
	if _, err := s.Digest(ctx, schema.MetricPoint{}); err != nil { // as store copy compares
		return err
	}
	done, err := s.Retain(ctx, store.RetainOptions{Now: now})
	if err == nil && done.Deleted["metric_points_hourly"] == 0 {
		return fmt.Errorf("retention deleted nothing: %+v", done)
	}
	return err
}

// fewerGrantsFail takes each privilege on the database away and wants the store
// to miss it: none is granted for nothing.
func fewerGrantsFail(t *testing.T, r *chdb.Rehearsal) {
	tried := 0
	for i, grant := range r.Grants {
		list, on, _ := strings.Cut(strings.TrimPrefix(grant, "GRANT "), " ON ")
		if strings.HasPrefix(on, "system.") {
			continue // the engine shows these to everybody; a server with its own configuration does not
		}
		for privilege := range strings.SplitSeq(list, ", ") {
			others := slices.DeleteFunc(strings.Split(list, ", "), func(p string) bool { return p == privilege })
			fewer := *r
			fewer.Grants = slices.Delete(slices.Clone(r.Grants), i, i+1)
			if len(others) > 0 {
				fewer.Grants = append(fewer.Grants, "GRANT "+strings.Join(others, ", ")+" ON "+on)
			}
			tried++
			if err := openWith(t, &fewer); err == nil || !strings.Contains(err.Error(), "497") {
				t.Errorf("without %s ON %s: %v, want a refusal", privilege, on, err)
			}
		}
	}
	if tried < 8 {
		t.Errorf("only %d privileges were tried", tried)
	}
}

// openWith opens a fresh store as a user, and lives with it.
func openWith(t *testing.T, r *chdb.Rehearsal) (err error) {
	t.Helper()
	engine, err := chdb.Open(t.Context(), chdb.Options{Path: filepath.Join(t.TempDir(), "store"), Durability: chdb.Relaxed, Rehearsal: r})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, engine.Close()) }()
	s, err := store.Open(t.Context(), store.Options{Engine: engine, Database: database})
	if err != nil {
		return err
	}
	return errors.Join(live(t.Context(), s), s.Close())
}

func runAll(t *testing.T, engine *chdb.Engine, list []statement) {
	t.Helper()
	for _, s := range list {
		code, text := run(t.Context(), engine.RoundTripper(), s.sql)
		if code != s.code {
			t.Errorf("%s: code %q, want %q: %.300s", s.sql, code, s.code, text)
		}
	}
}

// run sends one statement as a client over HTTP does and returns the code of
// its refusal.
func run(ctx context.Context, rt http.RoundTripper, sql string) (code, text string) {
	req, err := http.NewRequestWithContext(ctx, http.MethodPost, "http://embedded/?default_format=TSV", strings.NewReader(sql))
	if err != nil {
		return "request", err.Error()
	}
	res, err := rt.RoundTrip(req)
	if err != nil {
		return "transport", err.Error()
	}
	defer res.Body.Close() //nolint:errcheck // read to its end
	body, err := io.ReadAll(res.Body)
	if code := res.Header.Get("X-ClickHouse-Exception-Code"); code != "" {
		return code, string(body)
	}
	if err != nil {
		return "body", err.Error()
	}
	if _, late, ok := strings.Cut(string(body), "__exception__"); ok { // after the first rows
		_, late, _ = strings.Cut(late, "Code: ")
		code, _, _ := strings.Cut(late, ".")
		return code, late
	}
	return "", string(body)
}
