package store_test

import (
	"flag"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/schema"
	"github.com/faaswarden/faaswarden/internal/store"
	"github.com/faaswarden/faaswarden/internal/store/storetest"
)

var update = flag.Bool("update", false, "rewrite golden files")

// TestDDLParses gives every statement, for one server and for a cluster, to the
// engine's own parser.
func TestDDLParses(t *testing.T) {
	s := storetest.Open(t)
	for _, cluster := range []string{"", "analytics", "{cluster}"} {
		statements, err := store.DDL("faaswarden", cluster)
		if err != nil {
			t.Fatal(err)
		}
		for _, sql := range statements {
			if err := s.Exec(t.Context(), "EXPLAIN AST "+sql, nil); err != nil {
				t.Errorf("%v\n%s", err, sql)
			}
		}
	}
}

// TestClusterDDL holds what makes a cluster's tables right: every statement is
// for all nodes, every table is replicated, and the versions of a row share a shard.
func TestClusterDDL(t *testing.T) {
	t.Parallel()
	statements, err := store.DDL("costs", "c1")
	if err != nil {
		t.Fatal(err)
	}
	relations, err := schema.Relations()
	if err != nil {
		t.Fatal(err)
	}
	all := strings.Join(statements, "\n")
	for _, name := range append(relations, "schema_migrations") {
		if strings.Contains(all, "VIEW costs."+name+" ON CLUSTER 'c1'") {
			continue
		}
		for _, want := range []string{
			"CREATE TABLE IF NOT EXISTS costs." + name + "_local ON CLUSTER 'c1'\n",
			"CREATE TABLE IF NOT EXISTS costs." + name + " ON CLUSTER 'c1'\nAS costs." + name + "_local\nENGINE = Distributed('c1', 'costs', '" + name + "_local', cityHash64(",
		} {
			if !strings.Contains(all, want) {
				t.Errorf("%s: no statement with %q", name, want)
			}
		}
	}
	for _, sql := range statements {
		if !strings.Contains(strings.SplitN(sql, "\n", 2)[0], " ON CLUSTER 'c1'") {
			t.Errorf("not for the whole cluster: %s", sql)
		}
		if strings.HasPrefix(sql, "ALTER TABLE ") {
			continue
		}
		_, order, local := strings.Cut(sql, "\nORDER BY ")
		if strings.Contains(sql, "_local ON CLUSTER") != local {
			t.Errorf("a local table is one with a sorting key: %s", sql)
		}
		key := strings.Trim(order, "()")
		if local && !strings.Contains(all, "_local', cityHash64("+key+"))") {
			t.Errorf("no table is sharded by the whole sorting key %s", key)
		}
	}
	golden(t, "aliases.cluster.sql", pick(statements, "costs.aliases"))
}

// pick returns the statements that make a table or view.
func pick(statements []string, name string) string {
	var b strings.Builder
	for _, sql := range statements {
		words := strings.Fields(sql)
		if slices.ContainsFunc(words[:min(7, len(words))], func(w string) bool { return w == name || w == name+"_local" || w == name+"_current" }) {
			b.WriteString(sql + ";\n\n")
		}
	}
	return b.String()
}

func golden(t *testing.T, name, got string) {
	t.Helper()
	path := filepath.Join("testdata", name)
	if *update {
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s is stale; go test -run %s -update rewrites it (-want +got):\n%s", path, t.Name(), diff)
	}
}

// A column changes on every node; the table over them is told of what it must know.
func TestAlterOnACluster(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		change string
		want   []string
	}{
		{"ADD COLUMN IF NOT EXISTS a UInt8", []string{"ALTER TABLE d.t_local ON CLUSTER 'c'\nADD COLUMN IF NOT EXISTS a UInt8", "ALTER TABLE d.t ON CLUSTER 'c'\nADD COLUMN IF NOT EXISTS a UInt8"}},
		{"MODIFY COLUMN a UInt16 CODEC(ZSTD(1))", []string{"ALTER TABLE d.t_local ON CLUSTER 'c'\nMODIFY COLUMN a UInt16 CODEC(ZSTD(1))", "ALTER TABLE d.t ON CLUSTER 'c'\nMODIFY COLUMN a UInt16 CODEC(ZSTD(1))"}},
		{"MODIFY COLUMN a CODEC(ZSTD(1))", []string{"ALTER TABLE d.t_local ON CLUSTER 'c'\nMODIFY COLUMN a CODEC(ZSTD(1))"}},
	} {
		got, err := store.Render("ALTER TABLE t\n"+c.change, "d", "c")
		if diff := cmp.Diff(c.want, got); diff != "" || err != nil {
			t.Errorf("%s: %v (-want +got):\n%s", c.change, err, diff)
		}
		if got, err := store.Render("ALTER TABLE t\n"+c.change, "d", ""); err != nil || len(got) != 1 || got[0] != "ALTER TABLE d.t\n"+c.change {
			t.Errorf("%s on one server: %q, %v", c.change, got, err)
		}
	}
}

func TestRenderRefuses(t *testing.T) {
	t.Parallel()
	for _, c := range []struct{ statement, cluster, want string }{
		{"ALTER TABLE functions ADD COLUMN x String", "", "may hold only CREATE TABLE, CREATE VIEW and ALTER TABLE of one column"},
		{"ALTER TABLE functions\nADD COLUMN x String", "", "may hold only"},
		{"ALTER TABLE functions\nDROP COLUMN handler", "", "may hold only"},
		{"CREATE TABLE t (a String) ENGINE = Memory", "", "may hold only"},
		{"CREATE VIEW v AS\nSELECT 1", "c'1", "cluster \"c'1\" must be a name or a {macro}"},
		{"CREATE VIEW v AS\nSELECT 1", "a b", "must be a name"},
	} {
		if _, err := store.Render(c.statement, "d", c.cluster); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s on cluster %q: %v, want %q", c.statement, c.cluster, err, c.want)
		}
	}
	if _, err := store.DDL("no-name", ""); err == nil {
		t.Error("a database that is no name was rendered")
	}
}

func TestSplitStatements(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		sql  string
		want []string
	}{
		{"", nil},
		{" \n-- only a comment", nil},
		{"SELECT 1", []string{"SELECT 1"}},
		{"SELECT 1;;\nSELECT 2;\n", []string{"SELECT 1", "SELECT 2"}},
		{"-- one; two\nSELECT 1;\n/* three; */ -- four;\nSELECT 2", []string{"SELECT 1", "SELECT 2"}},
		{"SELECT ';', 'it\\'s;', `a;b`, \"c;d\" -- e;\n, 1;SELECT 2", []string{"SELECT ';', 'it\\'s;', `a;b`, \"c;d\" -- e;\n, 1", "SELECT 2"}},
		{"SELECT 'it''s;' /* ; */;SELECT 'open;", []string{"SELECT 'it''s;' /* ; */", "SELECT 'open;"}},
	} {
		if diff := cmp.Diff(c.want, store.SplitStatements(c.sql)); diff != "" {
			t.Errorf("%q (-want +got):\n%s", c.sql, diff)
		}
	}
}
