package schema

import (
	"reflect"
	"slices"
	"strings"
	"testing"
)

// Every table is either aged by a declared retention or declared to be kept.
func TestEveryTableHasARetention(t *testing.T) {
	t.Parallel()
	aged := map[string][]string{}
	keys := map[string]bool{}
	for _, r := range Retentions {
		aged[r.Table] = append(aged[r.Table], r.Only)
		if keys[r.Key] {
			t.Errorf("two retentions have the key %s", r.Key)
		}
		keys[r.Key] = true
		if r.Least <= 0 || r.Default < r.Least || r.Doc == "" {
			t.Errorf("%s: %+v", r.Key, r)
		}
	}
	for _, row := range RowTypes() {
		name := row.Table()
		kept := slices.Contains(KeptForever, name)
		if kept == (aged[name] != nil) {
			t.Errorf("table %s must be either in Retentions or in KeptForever", name)
		}
		delete(aged, name)
		for _, r := range Retentions {
			if r.Table == name {
				checkColumns(t, row, append(slices.Clone(r.Scope), r.Time))
			}
		}
	}
	for name := range aged {
		t.Errorf("a retention names table %s, which has no row type", name)
	}
}

func checkColumns(t *testing.T, row Row, names []string) {
	t.Helper()
	for _, name := range names {
		found := false
		for field := range reflect.TypeOf(row).Fields() {
			found = found || field.Tag.Get("ch") == name
		}
		if !found {
			t.Errorf("table %s has no column %s", row.Table(), name)
		}
	}
}

// A table whose view shows only what the newest complete reading saw must be
// aged by that scope.
func TestScopesFollowTheViews(t *testing.T) {
	t.Parallel()
	list, err := Migrations()
	if err != nil {
		t.Fatal(err)
	}
	var all strings.Builder
	for _, m := range list {
		all.WriteString(m.SQL)
	}
	for _, r := range Retentions {
		view := strings.Contains(all.String(), "FROM "+r.Table+" AS t FINAL\n    LEFT JOIN") || strings.Contains(all.String(), "FROM "+r.Table+" AS t FINAL\nLEFT JOIN")
		if view != (len(r.Scope) > 0) {
			t.Errorf("%s: its view goes by complete readings: %v, and its retention: %v", r.Table, view, len(r.Scope) > 0)
		}
		if len(r.Scope) == 3 && !strings.Contains(all.String(), "t."+r.Scope[2]+" = c.kind") {
			t.Errorf("%s: no view joins %s with the kind of a reading", r.Table, r.Scope[2])
		}
	}
}
