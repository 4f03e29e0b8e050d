package chdb

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

func tokens(sql string) []string {
	var out []string
	l := lexer{sql: sql}
	for t := l.next(); t.kind != tokenEnd; t = l.next() {
		out = append(out, t.text)
	}
	return out
}

func TestLexer(t *testing.T) {
	t.Parallel()
	cases := []struct {
		sql  string
		want []string
	}{
		{"SELECT 1", []string{"SELECT", "1"}},
		{"a/*b*/c -- d\ne #! f\n# g\nh", []string{"a", "c", "e", "h"}},
		{"a -- to the end", []string{"a"}},
		{"a /* to the end", []string{"a"}},
		{`'it''s' 'a\'b' 'open`, []string{"it's", "a'b", "open"}},
		{"`a b`.\"c\"\"d\"", []string{"a b", ".", `c"d`}},
		{"$$x'y$$ $t$ z $t$ $1", []string{"$$x'y$$", "$t$ z $t$", "$", "1"}},
		{"{p:Array(String)}", []string{"{", "p", ":", "Array", "(", "String", ")", "}"}},
		{"é-1", []string{"é", "-", "1"}},
		{" \u00a0\ufeff\tx", []string{"x"}},
		{"", nil},
	}
	for _, c := range cases {
		if diff := cmp.Diff(c.want, tokens(c.sql)); diff != "" {
			t.Errorf("%s: %s", c.sql, diff)
		}
	}
}

func TestFormatClause(t *testing.T) {
	t.Parallel()
	cases := []struct {
		sql, name, cut string
		ok             bool
	}{
		{"SELECT 1 FORMAT JSON", "JSON", "SELECT 1 ", true},
		{"SELECT 1 format `CSV` ;", "CSV", "SELECT 1  ;", true},
		{"SELECT 1 FORMAT TSV SETTINGS a = 1", "TSV", "SELECT 1  SETTINGS a = 1", true},
		{"INSERT INTO t (a, format) FORMAT Native", "Native", "INSERT INTO t (a, format) ", true},
		{"SELECT format, 1 AS format FROM t", "", "SELECT format, 1 AS format FROM t", false},
		{"SELECT format('{}', 1)", "", "SELECT format('{}', 1)", false},
		{"SELECT a format FROM t", "", "SELECT a format FROM t", false},
		{"SELECT ' FORMAT JSON' -- FORMAT CSV", "", "SELECT ' FORMAT JSON' -- FORMAT CSV", false},
		{"INSERT INTO t FORMAT CSV\n1,2", "", "INSERT INTO t FORMAT CSV\n1,2", false},
	}
	for _, c := range cases {
		name, cut, ok := formatClause(c.sql)
		if name != c.name || cut != c.cut || ok != c.ok {
			t.Errorf("%s: got %q, %q, %v", c.sql, name, cut, ok)
		}
	}
}

func TestAwaitsData(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]bool{
		"INSERT INTO t":                          true,
		"INSERT INTO t (a, b)":                   true,
		"INSERT INTO t FORMAT Native":            true,
		"insert into t settings a = 1 values":    true,
		"INSERT INTO t VALUES;":                  true,
		"/* x */ INSERT INTO t FORMAT CSV -- y":  true,
		"INSERT INTO t VALUES (1)":               false,
		"INSERT INTO t FORMAT CSV 1,2":           false,
		"INSERT INTO t SELECT 1":                 false,
		"INSERT INTO t WITH 1 AS x SELECT x":     false,
		"SELECT 1":                               false,
		"":                                       false,
		"INSERT INTO t (a) SELECT 1 FORMAT JSON": false,
	} {
		if got := awaitsData(sql); got != want {
			t.Errorf("%s: %v", sql, got)
		}
	}
}

func TestFirstKeyword(t *testing.T) {
	t.Parallel()
	for sql, want := range map[string]string{
		"select 1": "SELECT", "((SELECT 1))": "SELECT", "/* x */ With y": "WITH", "'x'": "", "": "", "+": "",
	} {
		if got := firstKeyword(sql); got != want {
			t.Errorf("%s: %q, want %q", sql, got, want)
		}
	}
}

// Any text is cut into tokens that lie in it, in order, and end.
func FuzzLexer(f *testing.F) {
	for _, s := range []string{"SELECT '\\", "`", "$a$", "/*", "--", "#", "'''", "é$é$", "\xff\xfe'", "FORMAT FORMAT x"} {
		f.Add(s)
	}
	f.Fuzz(func(t *testing.T, sql string) {
		l := lexer{sql: sql}
		end := 0
		for tok := l.next(); tok.kind != tokenEnd; tok = l.next() {
			if tok.start < end || tok.end <= tok.start || tok.end > len(sql) {
				t.Fatalf("token %+v after %d in %q", tok, end, sql)
			}
			end = tok.end
		}
		if _, cut, ok := formatClause(sql); ok == (cut == sql) && ok {
			t.Errorf("%q: a clause was found and not cut", sql)
		}
		awaitsData(sql)
	})
}
