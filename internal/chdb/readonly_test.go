package chdb

import (
	"context"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// outsideTable makes a table for statements from outside to look at.
func outsideTable(t *testing.T) (database string) {
	t.Helper()
	db := databaseName(t)
	mustExec(t, connect(t, shared.RoundTripper(), db),
		"CREATE TABLE t (a UInt64, file String) ENGINE = MergeTree ORDER BY a",
		"INSERT INTO t SELECT number, 'f' FROM numbers(3)",
		"CREATE VIEW v AS SELECT a FROM t")
	return db
}

// What a data source asks of a server is answered.
func TestOutsideMayRead(t *testing.T) {
	t.Parallel()
	rt := shared.ReadOnlyRoundTripper()
	db := outsideTable(t)
	cases := []struct{ query, sql, want string }{
		{"", "SELECT sum(a) FROM t", "3\n"},
		{"", "SELECT count() FROM v", "3\n"},
		{"", "WITH x AS (SELECT 1 AS y) SELECT y FROM x", "1\n"},
		{"", "(SELECT 1) UNION ALL (SELECT 1)", "1\n1\n"},
		{"", "SELECT t.file FROM t ORDER BY a LIMIT 1", "f\n"},
		{"", "SELECT 'file', '/etc/passwd', 'it''s a file('", "file\t/etc/passwd\tit\\'s a file(\n"},
		{"", "SHOW TABLES", "t\nv\n"},
		{"", "EXISTS t", "1\n"},
		{"", "DESCRIBE TABLE v", "a\tUInt64\t\t\t\t\t\n"},
		{"", "EXPLAIN SYNTAX SELECT 1 FROM t", "SELECT 1\nFROM t\n"},
		{"", "SELECT name FROM system.tables WHERE database = currentDatabase() ORDER BY name", "t\nv\n"},
		{"", "SELECT count() FROM system.columns WHERE database = '" + db + "' AND table = 't'", "2\n"},
		{"", "SELECT * FROM numbers(2)", "0\n1\n"},
		{"", "SELECT max(x) FROM values('x UInt8', 1, 2)", "2\n"},
		{"param_a=2", "SELECT a FROM t WHERE a = {a:UInt64}", "2\n"},
		{"param_c=a", "SELECT max({c:Identifier}) FROM t", "2\n"},
		{"limit=1&readonly=2&max_execution_time=5", "SELECT a FROM t ORDER BY a", "0\n"},
		{"max_memory_usage=0", "SELECT getSetting('max_memory_usage')", "1073741824\n"},
		{"max_execution_time=0", "SELECT getSetting('max_execution_time')", "60\n"},
		{"max_execution_time=3", "SELECT getSetting('max_execution_time')", "3\n"},
		{"session_timezone=Asia/Tokyo", "SELECT toString(toDateTime(0))", "1970-01-01 09:00:00\n"},
		{"output_format_json_quote_64bit_integers=1", "SELECT a FROM t WHERE a = 1 FORMAT JSONEachRow", "{\"a\":\"1\"}\n"},
	}
	for _, c := range cases {
		got := send(t, rt, "database="+db+"&"+c.query, c.sql)
		if diff := cmp.Diff(answer{Status: 200, Body: c.want}, got); diff != "" {
			t.Errorf("%s: %s", c.sql, diff)
		}
	}
}

// Each line is a way out, or a way to change something, that at least one guard
// of the engine lets pass; it must be refused, and leave no trace.
func TestOutsideMayNotDoMore(t *testing.T) {
	t.Parallel()
	rt := shared.ReadOnlyRoundTripper()
	db := outsideTable(t)
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret")
	if err := os.WriteFile(secret, []byte("canary_7d1f"), 0o644); err != nil {
		t.Fatal(err)
	}
	listener, dialled := listen(t)
	place := strings.NewReplacer("SECRET", secret, "TARGET", filepath.Join(dir, "out"), "ADDR", listener)

	const readonly, denied, syntax = 164, 497, 62
	cases := []struct {
		code int
		sql  string
	}{
		// Files through a function, whatever it is written like.
		{denied, "SELECT file('SECRET')"},
		{denied, "SELECT `file`('SECRET')"},
		{denied, "SELECT \"file\"('SECRET')"},
		{denied, "SELECT `f\\x69le`('SECRET')"},
		{denied, "SELECT file /* ( */ ('SECRET')"},
		{denied, "SELECT ‘'’, file(‘SECRET’), ‘'’"},
		{denied, "SELECT * APPLY file FROM (SELECT 'SECRET')"},
		{denied, "SELECT * APPLY(file) FROM (SELECT 'SECRET')"},
		{denied, "SELECT * APPLY x -> file(x) FROM (SELECT 'SECRET')"},
		{denied, "SELECT * REPLACE (file(x) AS x) FROM (SELECT 'SECRET' AS x)"},
		{denied, "SELECT arrayMap(file, ['SECRET'])"},
		{denied, "SELECT arrayMap(x -> file(x), ['SECRET'])"},
		{denied, "WITH file('SECRET') AS x SELECT x"},
		{denied, "SELECT 1 FROM numbers(1) WHERE length(file('SECRET')) > 0"},
		{denied, "EXPLAIN SELECT file('SECRET')"},
		{denied, "EXPLAIN PIPELINE SELECT file('SECRET')"},
		{denied, "DESCRIBE TABLE (SELECT file('SECRET'))"},
		{denied, "SELECT catboostEvaluate('SECRET', 1)"},
		// A text that means another thing when its escapes are undone once.
		{denied, `SELECT 'a\\', file('SECRET'), 'b'`},
		{denied, `SELECT 'a\\' AS x, file('SECRET') AS y, 'c\\'`},
		{syntax, "file('SECRET')"},
		// Files and the network as tables.
		{denied, "SELECT * FROM file('SECRET', 'LineAsString')"},
		{denied, "SELECT 1 IN file('SECRET', 'LineAsString')"},
		{denied, "SELECT * FROM default.`SECRET`"},
		{denied, "DESCRIBE TABLE file('SECRET', 'LineAsString')"},
		{denied, "DESCRIBE TABLE default.`SECRET`"},
		{denied, "SELECT * FROM filesystem('SECRET')"},
		{denied, "SELECT * FROM url('http://ADDR/', 'LineAsString')"},
		{denied, "DESCRIBE TABLE url('http://ADDR/')"},
		{denied, "SELECT * FROM s3('http://ADDR/bucket/x', 'LineAsString')"},
		{denied, "DESCRIBE TABLE s3('http://ADDR/bucket/x')"},
		{denied, "SELECT * FROM remote('ADDR', system.one)"},
		{denied, "SELECT * FROM mysql('ADDR', 'a', 'b', 'c', 'd')"},
		{denied, "SELECT * FROM postgresql('ADDR', 'a', 'b', 'c', 'd')"},
		{denied, "SELECT * FROM sqlite('SECRET', 'a')"},
		{denied, "SELECT * FROM sqlite('TARGET', 'a')"},
		{denied, "DESCRIBE TABLE sqlite('TARGET', 'a')"},
		{denied, "SELECT * FROM deltaLakeLocal('TARGET')"},
		{denied, "DESCRIBE TABLE icebergLocal('TARGET')"},
		{denied, "SELECT * FROM paimonLocal('TARGET')"},
		{denied, "SELECT * FROM mongodb('ADDR', 'a', 'b', 'c', 'd', 'e String')"},
		{denied, "SELECT * FROM redis('ADDR', 'a', 'a String, b String')"},
		{denied, "SELECT * FROM azureBlobStorage('http://ADDR/', 'a', 'b', 'c', 'd', 'CSV', 'auto', 'e String')"},
		{denied, "SELECT * FROM hdfs('hdfs://ADDR/x', 'TSV', 'a String')"},
		{denied, "SELECT * FROM executable('SECRET', 'TSV', 'a String')"},
		// Files as output.
		{readonly, "SELECT 1 INTO OUTFILE 'TARGET'"},
		{readonly, "(SELECT 1) INTO OUTFILE 'TARGET'"},
		{readonly, "EXPLAIN SELECT 1 INTO OUTFILE 'TARGET'"},
		{readonly, "SHOW TABLES INTO OUTFILE 'TARGET'"},
		{readonly, "SHOW PROCESSLIST INTO OUTFILE 'TARGET'"},
		{readonly, "DESCRIBE TABLE t INTO OUTFILE 'TARGET'"},
		{readonly, "INSERT INTO FUNCTION file('TARGET', 'CSV', 'a UInt8') VALUES (1)"},
		{readonly, "BACKUP TABLE t TO File('TARGET')"},
		// The engine itself.
		{readonly, "SYSTEM SHUTDOWN"},
		{readonly, "SYSTEM KILL"},
		{readonly, "/* x */ system /* y */ shutdown"},
		{readonly, "SYSTEM STOP MERGES"},
		{readonly, "KILL QUERY WHERE 1"},
		{readonly, "SET max_threads = 1"},
		{readonly, "SET ROLE inside"},
		{readonly, "SET readonly = 0"},
		{readonly, "USE system"},
		{60, "SELECT * FROM system.stack_trace"},
		{60, "SELECT * FROM system.jemalloc_profile_text"},
		// Data and definitions.
		{readonly, "INSERT INTO t VALUES (9, 'x')"},
		{readonly, "INSERT INTO t SELECT 9, 'x'"},
		{readonly, "CREATE TABLE u (a UInt8) ENGINE = Memory"},
		{readonly, "CREATE TEMPORARY TABLE u (a UInt8)"},
		{readonly, "CREATE VIEW u AS SELECT 1"},
		{readonly, "CREATE FUNCTION u AS x -> x"},
		{readonly, "ALTER TABLE t DELETE WHERE 1"},
		{readonly, "DELETE FROM t WHERE 1"},
		{readonly, "TRUNCATE TABLE t"},
		{readonly, "DROP TABLE t"},
		{readonly, "OPTIMIZE TABLE t"},
		{readonly, "RENAME TABLE t TO u"},
		{readonly, "DETACH TABLE t"},
		{readonly, "GRANT inside TO outside"},
		// Settings, limits and several statements.
		{readonly, "SELECT 1 SETTINGS readonly = 0"},
		{readonly, "SELECT 1 SETTINGS max_memory_usage = 0"},
		{readonly, "SELECT 1 FORMAT Template SETTINGS format_template_row = 'SECRET'"},
		{syntax, "SELECT 1; SYSTEM SHUTDOWN"},
		{syntax, "DROP TABLE t PARALLEL WITH DROP TABLE v"},
		{syntax, "exit"},
		{syntax, "quit"},
		{syntax, ""},
	}
	for _, c := range cases {
		got := send(t, rt, "database="+db, place.Replace(c.sql))
		if got.Code != fmt.Sprint(c.code) || strings.Contains(got.Body, "canary_7d1f") {
			t.Errorf("%s: got %s %s, want code %d", c.sql, got.Code, clip(got.Body), c.code)
		}
	}
	for _, name := range []string{"file", " file ", `f\x69le`, "FILE"} {
		params := url.Values{"database": {db}, "param_f": {name}}.Encode()
		if got := send(t, rt, params, place.Replace("SELECT arrayMap({f:Identifier}, ['SECRET'])")); got.Code != "497" {
			t.Errorf("%s as an identifier: %+v", name, got)
		}
	}
	for query, code := range map[string]string{
		"readonly=0": "", "format_schema=x": "164", "output_format_schema=x": "164", "allow_ddl=1": "164", "max_memory_usagee=1": "115",
	} {
		if got := send(t, rt, query, "SELECT 1"); got.Code != code {
			t.Errorf("setting %s: got %+v, want code %q", query, got, code)
		}
	}
	insert := url.Values{"database": {db}, "query": {"INSERT INTO t FORMAT TSV"}}.Encode()
	if got := send(t, rt, insert, "9\tx\n"); got.Code != "164" {
		t.Errorf("an insert with data: %+v", got)
	}

	if got := send(t, shared.RoundTripper(), "database="+db, "SELECT count() FROM t"); got.Body != "3\n" {
		t.Errorf("the table now has %q rows", got.Body)
	}
	if left, err := filepath.Glob(filepath.Join(dir, "*")); err != nil || !slices.Equal(left, []string{secret}) {
		t.Errorf("files now: %v, %v", left, err)
	}
	if n := dialled(); n > 0 {
		t.Errorf("the engine dialled out %d times", n)
	}
}

// listen accepts connections and counts them.
func listen(t *testing.T) (address string, dialled func() int) {
	t.Helper()
	l, err := new(net.ListenConfig).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	count := make(chan int, 1)
	go func() {
		n := 0
		for {
			c, err := l.Accept()
			if err != nil {
				count <- n
				return
			}
			n++
			_ = c.Close()
		}
	}()
	return l.Addr().String(), func() int {
		_ = l.Close()
		return <-count
	}
}

// A statement from outside is stopped by its limits, which it cannot lift.
func TestOutsideLimits(t *testing.T) {
	t.Parallel()
	rt := &transport{engine: shared, outside: &Limits{Memory: 20 << 20, Time: time.Second, Statement: 200}}
	cases := []struct{ query, sql, code string }{
		{"", "SELECT uniqExact(number) FROM numbers(100000000)", "241"},
		{"max_memory_usage=100000000000", "SELECT uniqExact(number) FROM numbers(100000000)", "241"},
		{"", "SELECT sum(cityHash64(number)) FROM system.numbers", "159"},
		{"max_execution_time=600", "SELECT sum(cityHash64(number)) FROM system.numbers", "159"},
		{"", "SELECT " + strings.Repeat("1,", 100) + "1", "307"},
	}
	for _, c := range cases {
		if got := send(t, rt, c.query, c.sql); got.Code != c.code {
			t.Errorf("%s %s: got %s, want code %s", c.query, c.sql, got.Code, c.code)
		}
	}
	endless := "SELECT number FROM system.numbers"
	if got := send(t, rt, "", endless); !strings.Contains(got.Body, "Code: 159.") {
		t.Errorf("an endless stream was not ended by its limit: %d bytes", len(got.Body))
	}
}

func TestOutsideThroughDriver(t *testing.T) {
	t.Parallel()
	db := connect(t, shared.ReadOnlyRoundTripper(), outsideTable(t))
	ctx, cancel := context.WithTimeout(t.Context(), time.Minute) // clickhouse-go makes a setting of it
	defer cancel()
	var sum uint64
	if err := db.QueryRow(ctx, "SELECT sum(a) FROM t").Scan(&sum); err != nil || sum != 3 {
		t.Errorf("got %d, %v", sum, err)
	}
	if err := db.Ping(ctx); err != nil {
		t.Error(err)
	}
	if err := db.Exec(ctx, "DROP TABLE t"); exceptionCode(err) != 164 {
		t.Errorf("got %v", err)
	}
}

func TestRefuseFileFunctions(t *testing.T) {
	t.Parallel()
	for sql, refused := range map[string]bool{
		"SELECT file('x')":                     true,
		"SELECT `File`('x')":                   true,
		"CREATE VIEW v AS SELECT * APPLY file": true,
		"SELECT t.file FROM t":                 false,
		"SELECT 'file(', files, myfile(1)":     false,
	} {
		err := RefuseFileFunctions(sql)
		if _, ok := errors.AsType[*Error](err); ok != refused {
			t.Errorf("%s: %v", sql, err)
		}
	}
}
