package chdb

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func TestClassify(t *testing.T) {
	t.Parallel()
	cases := []struct {
		sql  string
		want Class
	}{
		{"SELECT 1", Class{Kind: ReadOnly, Statements: 1}},
		{"SHOW TABLES", Class{Kind: ReadOnly, Statements: 1}},
		{"DESCRIBE TABLE t", Class{Kind: ReadOnly, Statements: 1}},
		{"EXPLAIN SELECT 1", Class{Kind: ReadOnly, Statements: 1}},
		{"INSERT INTO t FORMAT Native", Class{Kind: Mutating, Statements: 1}},
		{"INSERT INTO t VALUES (1)", Class{Kind: Mutating, Statements: 1}},
		{"CREATE TABLE t (a UInt8) ENGINE = Memory", Class{Kind: Mutating, Statements: 1}},
		{"CREATE TABLE t ON CLUSTER c (a UInt8) ENGINE = ReplicatedMergeTree ORDER BY a", Class{Kind: Mutating, Statements: 1}},
		{"DROP DATABASE d", Class{Kind: Mutating, Statements: 1, DatabaseLifecycle: true}},
		{"CREATE FUNCTION f AS x -> x", Class{Kind: Global, Statements: 1}},
		{"SYSTEM SHUTDOWN", Class{Kind: Control, Statements: 1}},
		{"SET a = 1", Class{Kind: Control, Statements: 1}},
		{"KILL QUERY WHERE 1", Class{Kind: Control, Statements: 1}},
		{"SELECT 1 INTO OUTFILE 'x'", Class{Kind: Control, Statements: 1}},
		{"SELECT * FROM s3('http://h/b/k', 'id', 'secret')", Class{Kind: ReadOnly, Statements: 1, HasSecrets: true}},
		{"SELECT 1; DROP TABLE t", Class{Kind: Mutating, Statements: 2}},
		{"SELECT (", Class{Kind: Unknown}},
		{"", Class{Kind: Unknown}},
	}
	for _, c := range cases {
		got, err := shared.Classify(c.sql)
		if err != nil {
			t.Errorf("%s: %v", c.sql, err)
			continue
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.sql, diff)
		}
	}
}

func TestKindNames(t *testing.T) {
	t.Parallel()
	for kind, want := range map[Kind]string{ReadOnly: "read-only", Mutating: "mutating", Global: "global", Control: "control", Unknown: "unknown", 9: "unknown", -1: "unknown"} {
		if got := kind.String(); got != want {
			t.Errorf("kind %d is %q, want %q", int(kind), got, want)
		}
	}
}
