package chdb

import (
	"errors"
	"net/http"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/google/go-cmp/cmp"
)

// exceptionCode is the code of the ClickHouse exception in err, 0 without one.
func exceptionCode(err error) int32 {
	if e, ok := errors.AsType[*clickhouse.Exception](err); ok {
		return e.Code
	}
	return 0
}

// The engine's codes and names reach clickhouse-go as a server's would.
func TestErrorCodesSurvive(t *testing.T) {
	t.Parallel()
	db := database(t)
	mustExec(t, db, "CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a")
	cases := []struct {
		sql  string
		code int32
		name string
	}{
		{"SELECT nothing", 47, "UNKNOWN_IDENTIFIER"},
		{"SELECT * FROM nothing", 60, "UNKNOWN_TABLE"},
		{"SELECT * FROM nothing.t", 81, "UNKNOWN_DATABASE"},
		{"SELEC 1", 62, "SYNTAX_ERROR"},
		{"SELECT nofunction(1)", 46, "UNKNOWN_FUNCTION"},
		{"SELECT plus(1)", 42, "NUMBER_OF_ARGUMENTS_DOESNT_MATCH"},
		{"SELECT 1 + 'x'", 43, "ILLEGAL_TYPE_OF_ARGUMENT"},
		{"SELECT toUInt8('x')", 6, "CANNOT_PARSE_TEXT"},
		{"SELECT throwIf(1, 'thrown')", 395, "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO"},
		{"SELECT 1 SETTINGS nonsense = 1", 115, "UNKNOWN_SETTING"},
		{"SELECT sum(number) FROM numbers(1000000000000) SETTINGS max_execution_time = 0.1", 159, "TIMEOUT_EXCEEDED"},
		{"SELECT uniqExact(number) FROM numbers(100000000) SETTINGS max_memory_usage = 1000000", 241, "MEMORY_LIMIT_EXCEEDED"},
		{"SELECT * FROM numbers(10) SETTINGS max_result_rows = 1", 396, "TOO_MANY_ROWS_OR_BYTES"},
		{"CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a", 57, "TABLE_ALREADY_EXISTS"},
		{"ALTER TABLE t DROP COLUMN b", 10, "NOT_FOUND_COLUMN_IN_BLOCK"},
		{"INSERT INTO t (b) VALUES (1)", 16, "NO_SUCH_COLUMN_IN_TABLE"},
		{"CREATE TABLE u (a Nonsense) ENGINE = Memory", 50, "UNKNOWN_TYPE"},
		{"CREATE TABLE u (a UInt8) ENGINE = Nonsense", 56, "UNKNOWN_STORAGE"},
	}
	for _, c := range cases {
		err := db.Exec(t.Context(), c.sql)
		e, ok := errors.AsType[*clickhouse.Exception](err)
		if !ok {
			t.Errorf("%s: %v is no *clickhouse.Exception", c.sql, err)
			continue
		}
		if e.Code != c.code || e.CodeName != c.name {
			t.Errorf("%s: got %d %s, want %d %s", c.sql, e.Code, e.CodeName, c.code, c.name)
		}
		if strings.Contains(e.Message, "/*fw:") {
			t.Errorf("%s: the message shows our tag: %s", c.sql, e.Message)
		}
	}
}

// A failure after rows have been sent arrives as the same exception.
func TestErrorAfterTheFirstRows(t *testing.T) {
	t.Parallel()
	db := database(t)
	rows, err := db.Query(t.Context(), "SELECT number, throwIf(number = 3000000, 'too far') FROM numbers(10000000) SETTINGS max_block_size = 10000, max_threads = 1")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	for rows.Next() {
		n++
	}
	e, ok := errors.AsType[*clickhouse.Exception](rows.Err())
	if !ok || e.Code != 395 || e.CodeName != "FUNCTION_THROW_IF_VALUE_IS_NON_ZERO" || !strings.Contains(e.Message, "too far") {
		t.Errorf("after %d rows: %v", n, rows.Err())
	}
	if ok && (strings.Contains(e.Message, "__exception__") || !strings.HasSuffix(e.Message, "(FUNCTION_THROW_IF_VALUE_IS_NON_ZERO)")) {
		t.Errorf("the message is not whole: %q", e.Message)
	}
	if n == 0 {
		t.Error("no row came before the failure: the result was not streamed")
	}
	if err := rows.Close(); exceptionCode(err) != 395 {
		t.Errorf("closing says %v", err)
	}
	var one uint8 // the connection is as good as new
	if err := db.QueryRow(t.Context(), "SELECT 1").Scan(&one); err != nil {
		t.Error(err)
	}
}

func TestNewError(t *testing.T) {
	t.Parallel()
	cases := []struct {
		text   string
		want   Error
		status int
	}{
		{"Code: 60. DB::Exception: no table (UNKNOWN_TABLE)\n", Error{60, "Code: 60. DB::Exception: no table (UNKNOWN_TABLE)"}, http.StatusNotFound},
		{"Code: 164. DB::Exception: x", Error{164, "Code: 164. DB::Exception: x"}, http.StatusForbidden},
		{"something else", Error{1002, "Code: 1002. DB::Exception: something else"}, http.StatusInternalServerError},
		{"Code: 0. odd", Error{1002, "Code: 0. odd"}, http.StatusInternalServerError},
		{"x Code: 60. y", Error{1002, "Code: 1002. DB::Exception: x Code: 60. y"}, http.StatusInternalServerError},
	}
	for _, c := range cases {
		got := newError(c.text)
		if diff := cmp.Diff(c.want, *got); diff != "" {
			t.Errorf("%q: %s", c.text, diff)
		}
		if got.status() != c.status {
			t.Errorf("%q: status %d, want %d", c.text, got.status(), c.status)
		}
	}
}

// The tag before a statement must not show in what the engine says of it.
func TestPositionsAreThoseOfTheStatement(t *testing.T) {
	t.Parallel()
	rt := shared.RoundTripper()
	cases := []struct{ sql, want string }{
		{"SELECT 1 +", "failed at position 11 ("},
		{"SELECT\n1 FROM", "(line 2, col "},
		{"SELEC 1", "failed at position 7 ("},
	}
	for _, c := range cases {
		if got := send(t, rt, "", c.sql); !strings.Contains(got.Body, c.want) || strings.Contains(got.Body, "/*fw:") {
			t.Errorf("%q: %s", c.sql, clip(got.Body))
		}
	}
	const tag = "/*fw:x:1*/ "
	got := untagged("Syntax error: failed at position 12 (x) (line 1, col 12): "+tag+"x; failed at position 3", tag)
	if want := "Syntax error: failed at position 1 (x) (line 1, col 1): x; failed at position 3"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}
