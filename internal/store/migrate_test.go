package store_test

import (
	"context"
	"strings"
	"testing"

	"github.com/faaswarden/faaswarden/internal/schema"
	"github.com/faaswarden/faaswarden/internal/store"
	"github.com/faaswarden/faaswarden/internal/store/storetest"
)

const (
	one = "-- The first.\nCREATE TABLE one\n(\n    a String COMMENT 'x; y'\n)\nENGINE = ReplacingMergeTree()\nORDER BY a;\n\nCREATE VIEW one_current AS\nSELECT * FROM one FINAL;\n"
	two = "CREATE TABLE two\n(\n    b String\n)\nENGINE = ReplacingMergeTree()\nORDER BY (b);\n"
)

func migrations(texts ...string) []schema.Migration {
	var list []schema.Migration
	for i, text := range texts {
		list = append(list, schema.Migration{Name: []string{"0001_one", "0002_two", "0003_three"}[i], SQL: text})
	}
	return list
}

// reopen opens one database of the shared engine again and again.
func reopen(t *testing.T, o store.Options, list []schema.Migration) error {
	t.Helper()
	s, err := store.OpenMigrations(t.Context(), o, list)
	if err != nil {
		return err
	}
	return s.Close()
}

func TestMigrations(t *testing.T) {
	engine := storetest.Engine(t)
	o := store.Options{Engine: engine, Database: storetest.Database()}
	readOnly := o
	readOnly.ReadOnly = true
	drop(t, o)

	if err := reopen(t, readOnly, migrations(one)); err == nil || !strings.Contains(err.Error(), "is not a store yet") {
		t.Errorf("reading what does not exist: %v, want to be told so", err)
	}
	for range 2 {
		if err := reopen(t, o, migrations(one)); err != nil {
			t.Fatalf("open: %v", err)
		}
	}
	if err := reopen(t, readOnly, migrations(one)); err != nil {
		t.Errorf("reading a store that is up to date: %v", err)
	}
	if err := reopen(t, readOnly, migrations(one, two)); err == nil || !strings.Contains(err.Error(), "lacks migration 0002_two") {
		t.Errorf("reading a store that is behind: %v, want the missing migration", err)
	}
	if err := reopen(t, o, migrations(one, two)); err != nil {
		t.Fatalf("apply a further migration: %v", err)
	}
	err := reopen(t, o, migrations(strings.Replace(one, "x; y", "z", 1), two))
	if err == nil || !strings.Contains(err.Error(), "migration 0001_one was changed after it was applied") {
		t.Errorf("an edited migration: %v, want an error that names it", err)
	}
	err = reopen(t, o, migrations(one))
	if err == nil || !strings.Contains(err.Error(), "0002_two, which this binary does not know: a newer faaswarden made it; run that version or newer") {
		t.Errorf("a newer store: %v, want an error with the migration and the remedy", err)
	}
	err = reopen(t, o, migrations(two))
	if err == nil || strings.Count(err.Error(), "migration 000") < 2 {
		t.Errorf("two faults at once: %v, want both", err)
	}
}

// A migration that was interrupted halfway is finished by the next Open.
func TestInterruptedMigration(t *testing.T) {
	o := store.Options{Engine: storetest.Engine(t), Database: storetest.Database()}
	drop(t, o)
	broken := two + "CREATE VIEW broken AS\nSELECT * FROM no_such_table;\n"
	err := reopen(t, o, migrations(one, broken))
	if err == nil || !strings.Contains(err.Error(), "apply migration 0002_two: CREATE OR REPLACE VIEW "+o.Database+".broken AS") {
		t.Fatalf("a broken migration: %v, want its name and its statement", err)
	}
	if err := reopen(t, o, migrations(one, two)); err != nil {
		t.Errorf("the next attempt: %v", err)
	}
}

// Every statement of the schema has a form that can be repeated and clustered.
func TestSchemaOnlyHoldsWhatCanBeRendered(t *testing.T) {
	t.Parallel()
	list, err := schema.Migrations()
	if err != nil {
		t.Fatal(err)
	}
	for _, m := range list {
		for _, statement := range store.SplitStatements(m.SQL) {
			if _, err := store.Render(statement, "d", ""); err != nil {
				t.Errorf("%s: %v", m.Name, err)
			}
		}
	}
}

// Every table has a row type in the conformance suite, with its columns.
func TestEveryTableHasARowType(t *testing.T) {
	s := storetest.Open(t)
	known := map[string]bool{"schema_migrations": true}
	for _, row := range schema.RowTypes() {
		known[row.Table()] = true
	}
	type table struct {
		Name string `ch:"name"`
	}
	sql := "SELECT name FROM system.tables WHERE database = {d:String} AND engine NOT LIKE '%View%' ORDER BY name"
	for row, err := range store.Select[table](t.Context(), s, sql, map[string]any{"d": s.Database()}) {
		if err != nil {
			t.Fatal(err)
		}
		if !known[row.Name] {
			t.Errorf("no row type is known for table %s", row.Name)
		}
		delete(known, row.Name)
	}
	for name := range known {
		t.Errorf("a row type names table %s, which does not exist", name)
	}
}

// drop removes a test's database when the test ends.
func drop(t *testing.T, o store.Options) {
	t.Helper()
	t.Cleanup(func() {
		other := o
		other.Database = storetest.Database()
		s, err := store.Open(context.Background(), other)
		if err != nil {
			t.Error(err)
			return
		}
		defer closeStore(t, s)
		for _, name := range []string{o.Database, other.Database} {
			if err := s.Exec(context.Background(), "DROP DATABASE IF EXISTS "+name, nil); err != nil {
				t.Error(err)
			}
		}
	})
}
