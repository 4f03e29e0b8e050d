package chdb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/ext"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
)

// answer is what came back for one request.
type answer struct {
	Status int
	Code   string
	Body   string
}

// send posts a body and reads the whole answer.
func send(t *testing.T, rt http.RoundTripper, query string, body string) answer {
	t.Helper()
	res, err := post(t.Context(), rt, query, strings.NewReader(body))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(res.Body)
	if err := errors.Join(err, res.Body.Close()); err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header.Get("X-ClickHouse-Exception-Code"), string(text)}
}

// The HTTP interface as a server speaks it: statement and data in the URL or
// in the body, settings and parameters in the URL.
func TestHTTPInterface(t *testing.T) {
	t.Parallel()
	rt := shared.RoundTripper()
	name := "http_" + newInstance()
	send(t, rt, "", "CREATE DATABASE "+name)
	t.Cleanup(func() {
		if err := shared.keeper.exec("DROP DATABASE " + name); err != nil {
			t.Error(err)
		}
	})
	send(t, rt, "database="+name, "CREATE TABLE t (a UInt8, b String) ENGINE = MergeTree ORDER BY a")
	in := func(statement string) string { return url.Values{"database": {name}, "query": {statement}}.Encode() }

	cases := []struct {
		name, query, body string
		want              answer
	}{
		{"statement in the body", "", "SELECT 1 + 1", answer{Status: 200, Body: "2\n"}},
		{"statement in the URL", in("SELECT 1 + 1"), "", answer{Status: 200, Body: "2\n"}},
		{"statement in both", in("SELECT 1"), "+ 2", answer{Status: 200, Body: "3\n"}},
		{"format of the statement", "default_format=TSV", "SELECT 1 AS x FORMAT JSONEachRow", answer{Status: 200, Body: "{\"x\":1}\n"}},
		{"format of the URL", "default_format=JSONCompactEachRow", "SELECT 1 AS x", answer{Status: 200, Body: "[1]\n"}},
		{"format that is not streamed", "", "SELECT number FROM numbers(3) FORMAT CSVWithNames", answer{Status: 200, Body: "\"number\"\n0\n1\n2\n"}},
		{"trailing semicolon", "", "SELECT 1;", answer{Status: 200, Body: "1\n"}},
		{"parenthesised union", "", "(SELECT 1) UNION ALL (SELECT 1)", answer{Status: 200, Body: "1\n1\n"}},
		{"show", "", "SHOW DATABASES LIKE '" + name + "'", answer{Status: 200, Body: name + "\n"}},
		{"setting", "max_result_rows=1&result_overflow_mode=throw", "SELECT number FROM numbers(2)", answer{Status: 500, Code: "396"}},
		{"setting with a quote", "session_timezone='", "SELECT 1", answer{Status: 400, Code: "36"}},
		{"unknown setting", "nonsense=1", "SELECT 1", answer{Status: 400, Code: "115"}},
		{"setting that is no name", "a%20b=1", "SELECT 1", answer{Status: 400, Code: "115"}},
		{"settings of the wire are ignored", "query_id=x&wait_end_of_query=1&session_id=y&role=z&compress=0", "SELECT 1", answer{Status: 200, Body: "1\n"}},
		{"parameter", "param_x=a%27b", "SELECT {x:String}", answer{Status: 200, Body: "a\\'b\n"}},
		{"unknown database", "database=nonsense", "SELECT 1", answer{Status: 404, Code: "81"}},
		{"unknown database at hello", "default_format=Native&database=nonsense", helloQuery, answer{Status: 404, Code: "81"}},
		{"two statements", "", "SELECT 1; SELECT 2", answer{Status: 400, Code: "62"}},
		{"two statements that write", in("TRUNCATE TABLE t; DROP TABLE t"), "", answer{Status: 400, Code: "62"}},
		{"a comment", "", "/* nothing */ -- at all", answer{Status: 400, Code: "62"}},
		{"nothing", "", "", answer{Status: 400, Code: "62"}},
		{"compressed data", "decompress=1", "SELECT 1", answer{Status: 501, Code: "48"}},
		{"insert, data in the body", in("INSERT INTO t FORMAT CSV"), "1,one\n2,\"t,wo\"\n", answer{Status: 200}},
		{"insert, settings and columns", in("INSERT INTO t (b, a) SETTINGS input_format_null_as_default = 1 FORMAT JSONEachRow"), `{"a":3,"b":"three"}`, answer{Status: 200}},
		{"insert, values in the body", in("INSERT INTO t VALUES"), "(4, 'four'), (5, 'fi;ve')", answer{Status: 200}},
		{"insert, no format", in("INSERT INTO t"), "(6, 'six')", answer{Status: 200}},
		{"insert, all in the URL", in("INSERT INTO t VALUES (7, 'seven')"), "", answer{Status: 200}},
		{"insert, all in the body", "database=" + name, "INSERT INTO t FORMAT CSV\n8,eight\n", answer{Status: 200}},
		{"insert select", in("INSERT INTO t SELECT 9, {s:String}") + "&param_s=nine", "", answer{Status: 200}},
		{"insert of nothing", in("INSERT INTO t FORMAT Native"), "", answer{Status: 200}},
		{"insert of nothing but values", in("INSERT INTO t VALUES"), "", answer{Status: 200}},
		{"insert, values in both", in("INSERT INTO t VALUES (10, 'ten'),"), "(11, 'eleven')", answer{Status: 200}},
		{"insert of nonsense", in("INSERT INTO t FORMAT CSV"), "x,y,z\n", answer{Status: 500, Code: "27"}},
		{"insert of half a block", in("INSERT INTO t FORMAT Native"), "\x02\x01\x01a\x05UInt8", answer{Status: 500, Code: "33"}},
		{"insert into nothing", in("INSERT INTO nothing FORMAT CSV"), "1\n", answer{Status: 404, Code: "60"}},
		{"insert in a format there is not", in("INSERT INTO t FORMAT Nonsense"), "1\n", answer{Status: 500, Code: "73"}},
	}
	for _, c := range cases {
		got := send(t, rt, c.query, c.body)
		if c.want.Code != "" {
			got.Body = "" // the words are the engine's
		}
		if diff := cmp.Diff(c.want, got); diff != "" {
			t.Errorf("%s: %s", c.name, diff)
		}
	}
	rows := send(t, rt, "database="+name, "SELECT a, b FROM t ORDER BY a")
	want := "1\tone\n2\tt,wo\n3\tthree\n4\tfour\n5\tfi;ve\n6\tsix\n7\tseven\n8\teight\n9\tnine\n10\tten\n11\televen\n"
	if diff := cmp.Diff(want, rows.Body); diff != "" {
		t.Error(diff)
	}
}

// Settings, the current database and temporary tables end with their request.
func TestNothingLeaksBetweenRequests(t *testing.T) {
	t.Parallel()
	rt := shared.RoundTripper()
	for _, s := range []string{"SET max_block_size = 7", "USE system", "CREATE TEMPORARY TABLE leak (a UInt8)"} {
		if got := send(t, rt, "max_threads=1", s); got.Status != 200 {
			t.Fatalf("%s: %+v", s, got)
		}
	}
	got := send(t, rt, "", "SELECT getSetting('max_block_size') = 7, currentDatabase(), getSetting('max_threads') = 1")
	if want := "0\tdefault\t0\n"; got.Body != want {
		t.Errorf("got %q, want %q", got.Body, want)
	}
	if got := send(t, rt, "", "SELECT * FROM leak"); got.Code != "60" {
		t.Errorf("the temporary table is still there: %+v", got)
	}
}

func TestSummaryCountsRows(t *testing.T) {
	t.Parallel()
	db := database(t)
	mustExec(t, db, "CREATE TABLE t (a UInt8) ENGINE = MergeTree ORDER BY a")
	var name string
	if err := db.QueryRow(t.Context(), "SELECT currentDatabase()").Scan(&name); err != nil {
		t.Fatal(err)
	}
	query := url.Values{"query": {"INSERT INTO " + name + ".t FORMAT TSV"}}.Encode()
	res, err := post(t.Context(), shared.RoundTripper(), query, strings.NewReader("1\n2\n3\n"))
	if err != nil {
		t.Fatal(err)
	}
	defer closeBody(res.Body)
	if got := res.Header.Get("X-ClickHouse-Summary"); !strings.Contains(got, `"written_rows":"3"`) {
		t.Errorf("summary: %s", got)
	}
}

func TestExternalTablesAreRefused(t *testing.T) {
	t.Parallel()
	table, err := ext.NewTable("e", ext.Column("a", "UInt8"))
	if err != nil {
		t.Fatal(err)
	}
	if err := table.Append(uint8(1)); err != nil {
		t.Fatal(err)
	}
	ctx := clickhouse.Context(t.Context(), clickhouse.WithExternalTable(table))
	_, err = connect(t, shared.RoundTripper(), "").Query(ctx, "SELECT * FROM e")
	if exceptionCode(err) != 48 || !strings.Contains(err.Error(), "external tables") {
		t.Errorf("got %v", err)
	}
}

func TestPing(t *testing.T) {
	t.Parallel()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://embedded/ping", nil)
	if err != nil {
		t.Fatal(err)
	}
	res, err := shared.RoundTripper().RoundTrip(req)
	if err != nil {
		t.Fatal(err)
	}
	defer closeBody(res.Body)
	if text, err := io.ReadAll(res.Body); err != nil || string(text) != "Ok.\n" {
		t.Errorf("got %q, %v", text, err)
	}
}

// closes records that it was closed.
type closes struct {
	io.Reader
	closed bool
}

func (c *closes) Close() error { c.closed = true; return nil }

// A RoundTripper must close the request's body, on every path: clickhouse-go
// has a goroutine at the other end of it.
func TestRequestBodyIsClosed(t *testing.T) {
	t.Parallel()
	ended, cancel := context.WithCancel(t.Context())
	cancel()
	for _, ctx := range []context.Context{t.Context(), ended} {
		for _, body := range []string{"SELECT 1", "nonsense"} {
			c := &closes{Reader: strings.NewReader(body)}
			res, err := post(ctx, shared.RoundTripper(), "", c)
			if err == nil {
				_ = res.Body.Close()
			}
			if !c.closed {
				t.Errorf("the body %q was left open (context: %v)", body, ctx.Err())
			}
		}
	}
}

// A statement that is too long is refused before it is held.
func TestStatementTooLong(t *testing.T) {
	t.Parallel()
	long := io.MultiReader(strings.NewReader("SELECT '"), io.LimitReader(zeros{}, maxStatementBytes))
	res, err := post(t.Context(), shared.RoundTripper(), "", long)
	if err != nil {
		t.Fatal(err)
	}
	defer closeBody(res.Body)
	if res.StatusCode != http.StatusRequestEntityTooLarge {
		t.Errorf("status %d", res.StatusCode)
	}
}

type zeros struct{}

func (zeros) Read(p []byte) (int, error) {
	for i := range p {
		p[i] = '0'
	}
	return len(p), nil
}

// Many connections at a time, each with its own statements, settings and
// results; every row inserted is there once.
func TestConcurrentRequests(t *testing.T) {
	t.Parallel()
	db := database(t)
	mustExec(t, db, "CREATE TABLE t (w UInt8, i UInt32) ENGINE = MergeTree ORDER BY (w, i)")
	var group errgroup.Group
	for w := range 8 {
		group.Go(func() error {
			for n := range 10 {
				if err := insertAndLook(t.Context(), db, w, n); err != nil {
					return fmt.Errorf("worker %d: %w", w, err)
				}
			}
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		t.Fatal(err)
	}
	var rows, distinct uint64
	if err := db.QueryRow(t.Context(), "SELECT count(), uniqExact(w, i) FROM t").Scan(&rows, &distinct); err != nil {
		t.Fatal(err)
	}
	if rows != 8*10*100 || distinct != rows {
		t.Errorf("%d rows, %d distinct, want %d", rows, distinct, 8*10*100)
	}
}

func insertAndLook(ctx context.Context, db clickhouse.Conn, w, n int) error {
	batch, err := db.PrepareBatch(ctx, "INSERT INTO t")
	if err != nil {
		return err
	}
	for i := range 100 {
		if err := batch.Append(uint8(w), uint32(n*100+i)); err != nil {
			return err
		}
	}
	if err := batch.Send(); err != nil {
		return err
	}
	limited := clickhouse.Context(ctx, clickhouse.WithSettings(clickhouse.Settings{"limit": w + 1}))
	rows, err := db.Query(limited, "SELECT number FROM system.numbers")
	if err != nil {
		return err
	}
	got := 0
	for rows.Next() {
		got++
	}
	if got != w+1 {
		return fmt.Errorf("got %d rows, want %d", got, w+1)
	}
	return errors.Join(rows.Err(), rows.Close())
}

func TestHelloIsARevisionZeroServer(t *testing.T) {
	t.Parallel()
	v, err := connect(t, shared.RoundTripper(), "").ServerVersion()
	if err != nil {
		t.Fatal(err)
	}
	if v.Revision != 0 || v.Timezone.String() != "UTC" || fmt.Sprint(v.Version) != strings.Join(strings.Split(shared.Version(), ".")[:3], ".") {
		t.Errorf("hello: %+v", v)
	}
	if !strings.HasPrefix(shared.Version(), minimumVersion) {
		t.Errorf("version %s", shared.Version())
	}
}

func TestBodyIsReadInAnyPieces(t *testing.T) {
	t.Parallel()
	res, err := post(t.Context(), shared.RoundTripper(), "default_format=TSV", strings.NewReader("SELECT number FROM numbers(100000)"))
	if err != nil {
		t.Fatal(err)
	}
	var got bytes.Buffer
	for buf := make([]byte, 7); ; {
		n, err := res.Body.Read(buf)
		got.Write(buf[:n])
		if errors.Is(err, io.EOF) {
			break
		}
		if err != nil {
			t.Fatal(err)
		}
	}
	var want bytes.Buffer
	for i := range 100000 {
		fmt.Fprintln(&want, i)
	}
	if !bytes.Equal(got.Bytes(), want.Bytes()) {
		t.Errorf("got %d bytes, want %d", got.Len(), want.Len())
	}
	if err := errors.Join(res.Body.Close(), res.Body.Close()); err != nil {
		t.Error(err)
	}
}
