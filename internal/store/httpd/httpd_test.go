package httpd_test

import (
	"bytes"
	"compress/gzip"
	"context"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"net/url"
	"os"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"sync/atomic"
	"testing"
	"time"

	"github.com/ClickHouse/ch-go/compress"
	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/schema"
	"github.com/faaswarden/faaswarden/internal/store"
	"github.com/faaswarden/faaswarden/internal/store/httpd"
	"github.com/faaswarden/faaswarden/internal/store/storetest"
)

const user, password = "reader", "correct horse"

// served is a store with one row of functions, behind a server on loopback.
type served struct {
	*store.Store
	url string
}

func serve(t *testing.T, change func(*httpd.Options)) served {
	t.Helper()
	s := storetest.Open(t)
	if err := s.Insert(t.Context(), schema.Function{Account: "1", FunctionARN: "arn", FunctionName: "only"}); err != nil {
		t.Fatal(err)
	}
	engine := storetest.Engine(t)
	o := httpd.Options{
		Read: engine.ReadOnlyRoundTripper(), Classify: engine.Classify, Database: s.Database(),
		User: user, Password: password,
	}
	if change != nil {
		change(&o)
	}
	handler, err := httpd.New(o)
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	t.Cleanup(server.Close)
	return served{s, server.URL}
}

func writable(t *testing.T) func(*httpd.Options) {
	return func(o *httpd.Options) { o.Write = storetest.Engine(t).RoundTripper() }
}

type answer struct {
	status int
	code   string
	header http.Header
	body   string
}

// ask sends a request with the right password.
func (s served) ask(t *testing.T, method, query, body string, headers ...string) answer {
	t.Helper()
	return s.send(t, method, query, strings.NewReader(body), append([]string{"X-ClickHouse-User", user, "X-ClickHouse-Key", password}, headers...)...)
}

func (s served) send(t *testing.T, method, query string, body io.Reader, headers ...string) answer {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), method, s.url+query, body)
	if err != nil {
		t.Fatal(err)
	}
	for pair := range slices.Chunk(headers, 2) {
		if req.Header.Set(pair[0], pair[1]); pair[0] == "Host" {
			req.Host = pair[1]
		}
	}
	client := &http.Client{Transport: &http.Transport{DisableCompression: true, DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer res.Body.Close() //nolint:errcheck // ReadAll tells what went wrong.
	text, err := io.ReadAll(res.Body)
	if err != nil {
		t.Fatal(err)
	}
	return answer{res.StatusCode, res.Header.Get("X-ClickHouse-Exception-Code"), res.Header, string(text)}
}

func TestServesAsClickHouseDoes(t *testing.T) {
	s := serve(t, func(o *httpd.Options) { o.Prefix = "/clickhouse/" })
	for _, c := range []struct {
		name, method, query, body string
		headers                   []string
		status                    int
		want                      string
	}{
		{"ping", "GET", "/clickhouse/ping", "", nil, 200, "Ok.\n"},
		{"a replica's status", "GET", "/clickhouse/replicas_status", "", nil, 200, "Ok.\n"},
		{"no statement", "GET", "/clickhouse/", "", nil, 200, "Ok.\n"},
		{"no trailing slash", "GET", "/clickhouse", "", nil, 200, "Ok.\n"},
		{"HEAD", "HEAD", "/clickhouse/?query=SELECT+1", "", nil, 200, ""},
		{"outside of the prefix", "GET", "/?query=SELECT+1", "", nil, 404, "there is no handle /; use /clickhouse/\n"},
		{"another path", "GET", "/clickhouse/play", "", nil, 404, "there is no handle /clickhouse/play; use /clickhouse/\n"},
		{"PUT", "PUT", "/clickhouse/", "", nil, 405, "method PUT is not supported\n"},
		{"a GET", "GET", "/clickhouse/?query=SELECT+1", "", nil, 200, "1\n"},
		{"a POST", "POST", "/clickhouse/", "SELECT 1", nil, 200, "1\n"},
		{"a statement in two halves", "POST", "/clickhouse/?query=SELECT", "1 + 1", nil, 200, "2\n"},
		{"an empty POST", "POST", "/clickhouse/", "", nil, 400, "Code: 62. DB::Exception: Empty query. (SYNTAX_ERROR)\n"},
		{"a parameter", "POST", "/clickhouse/?param_x=it%27s", "SELECT {x:String}", nil, 200, "it\\'s\n"},
		{"the store is the default database", "POST", "/clickhouse/", "SELECT function_name FROM functions", nil, 200, "only\n"},
		{"default means the store", "POST", "/clickhouse/?database=default", "SELECT function_name FROM functions", nil, 200, "only\n"},
		{"a format in the statement", "POST", "/clickhouse/", "SELECT 1 AS a FORMAT JSONEachRow", nil, 200, "{\"a\":1}\n"},
		{"a format in the URL", "POST", "/clickhouse/?default_format=CSVWithNames", "SELECT 1 AS a, 'b' AS c", nil, 200, "\"a\",\"c\"\n1,\"b\"\n"},
		{"a format in a header", "POST", "/clickhouse/", "SELECT 1 AS a", []string{"X-ClickHouse-Format", "JSONEachRow"}, 200, "{\"a\":1}\n"},
		{"a setting that shapes the answer", "POST", "/clickhouse/?limit=1", "SELECT number FROM numbers(5)", nil, 200, "0\n"},
		{"names of the protocol", "POST", "/clickhouse/?session_id=a&quota_key=b&wait_end_of_query=1&client_protocol_version=1&readonly=2", "SELECT 1", nil, 200, "1\n"},
		{"DESCRIBE", "POST", "/clickhouse/", "SELECT count() > 30 FROM system.tables WHERE database = currentDatabase()", nil, 200, "1\n"},
	} {
		got := s.ask(t, c.method, c.query, c.body, c.headers...)
		if got.status != c.status || got.body != c.want {
			t.Errorf("%s: %d %q, want %d %q", c.name, got.status, got.body, c.status, c.want)
		}
	}
	got := s.ask(t, "POST", "/clickhouse/?query_id=mine-1&default_format=JSON", "SELECT 1 AS a")
	for name, want := range map[string]string{
		"Content-Type": "application/json; charset=UTF-8", "X-ClickHouse-Query-Id": "mine-1", "X-ClickHouse-Format": "JSON",
		"X-ClickHouse-Timezone": "UTC", "X-Content-Type-Options": "nosniff",
	} {
		if got.header.Get(name) != want {
			t.Errorf("header %s is %q, want %q", name, got.header.Get(name), want)
		}
	}
}

func TestErrorsHaveClickHousesCode(t *testing.T) {
	s := serve(t, nil)
	for _, c := range []struct{ query, body, code, text string }{
		{"/", "SELEC 1", "62", "SYNTAX_ERROR"},
		{"/", "SELECT * FROM nothing", "60", "UNKNOWN_TABLE"},
		{"/", "SELECT nothing", "47", "UNKNOWN_IDENTIFIER"},
		{"/", "SELECT {x:String}", "456", "UNKNOWN_QUERY_PARAMETER"},
		{"/?database=nothing", "SELECT 1", "81", "UNKNOWN_DATABASE"},
		{"/?no_such_setting=1", "SELECT 1", "115", "UNKNOWN_SETTING"},
		{"/?allow_ddl=1", "SELECT 1", "164", "READONLY"},
		{"/", "SELECT 1; SELECT 2", "62", "SYNTAX_ERROR"},
		{"/?compress=1&network_compression_method=LZX", "SELECT 1", "89", "UNKNOWN_COMPRESSION_METHOD"},
		{"/?query=%zz", "", "36", "BAD_ARGUMENTS"},
	} {
		got := s.ask(t, "POST", c.query, c.body)
		if got.status < 400 || got.code != c.code || !strings.Contains(got.body, c.text) || !strings.HasPrefix(got.body, "Code: "+c.code+". ") {
			t.Errorf("%s %s: %d, code %s, %q; want code %s and %s", c.query, c.body, got.status, got.code, got.body, c.code, c.text)
		}
	}
	for _, c := range []struct{ name, value string }{{"Content-Type", "multipart/form-data; boundary=x"}, {"Content-Encoding", "snappy"}, {"Content-Encoding", "gzip"}} {
		if got := s.ask(t, "POST", "/", "SELECT 1", c.name, c.value); got.status < 400 {
			t.Errorf("a body with %s: %s was accepted: %q", c.name, c.value, got.body)
		}
	}
}

func TestAuthentication(t *testing.T) {
	s := serve(t, nil)
	basic := func(u, p string) []string {
		r := httptest.NewRequestWithContext(t.Context(), "GET", "/", nil)
		r.SetBasicAuth(u, p)
		return []string{"Authorization", r.Header.Get("Authorization")}
	}
	for _, c := range []struct {
		name    string
		query   string
		headers []string
		status  int
	}{
		{"nothing", "", nil, 401},
		{"Basic", "", basic(user, password), 200},
		{"Basic with a wrong password", "", basic(user, "wrong"), 403},
		{"Basic with a wrong user", "", basic("root", password), 403},
		{"Basic with an empty password", "", basic(user, ""), 403},
		{"a prefix of the password", "", basic(user, password[:5]), 403},
		{"the password and more", "", basic(user, password+"x"), 403},
		{"headers", "", []string{"X-ClickHouse-User", user, "X-ClickHouse-Key", password}, 200},
		{"headers, wrong key", "", []string{"X-ClickHouse-User", user, "X-ClickHouse-Key", "wrong"}, 403},
		{"headers without a key", "", []string{"X-ClickHouse-User", user}, 403},
		{"URL", "&user=" + user + "&password=" + url.QueryEscape(password), nil, 200},
		{"URL, wrong password", "&user=" + user + "&password=wrong", nil, 403},
		{"the wrong header outranks the right URL", "&user=" + user + "&password=" + url.QueryEscape(password), basic(user, "wrong"), 403},
		{"a bearer token", "", []string{"Authorization", "Bearer x"}, 403},
	} {
		got := s.send(t, "GET", "/?query=SELECT+1"+c.query, nil, c.headers...)
		if got.status != c.status {
			t.Errorf("%s: %d %q, want %d", c.name, got.status, got.body, c.status)
		}
		if c.status != 200 && (got.code != "516" || strings.Contains(got.body, password)) {
			t.Errorf("%s: code %s, %q; want 516 and no password", c.name, got.code, got.body)
		}
		if (got.header.Get("WWW-Authenticate") != "") != (c.status == 401) {
			t.Errorf("%s: WWW-Authenticate is %q", c.name, got.header.Get("WWW-Authenticate"))
		}
	}
}

// Without a password the store is open to whoever reaches the address as
// itself: a web page that rebinds its own name to loopback does not.
func TestWithoutPassword(t *testing.T) {
	s := serve(t, func(o *httpd.Options) { o.User, o.Password = "", "" })
	for host, status := range map[string]int{
		"localhost": 200, "localhost:8123": 200, "127.0.0.1:8123": 200, "127.0.0.9": 200, "[::1]:8123": 200, "[::1]": 200,
		"attacker.example": 403, "attacker.example:8123": 403, "10.0.0.1": 403, "localhost.attacker.example": 403, "0.0.0.0": 403,
	} {
		if got := s.send(t, "GET", "/?query=SELECT+1", nil, "Host", host); got.status != status {
			t.Errorf("Host %s: %d %q, want %d", host, got.status, got.body, status)
		}
	}
	if got := s.send(t, "GET", "/?query=SELECT+1&user=default&password=guess", nil); got.status != 403 {
		t.Errorf("a wrong password was accepted: %d", got.status)
	}
}

// TestHostileStatements sends what must never work, to a server that only
// reads and to one that writes: nothing may come back from outside the store,
// be left behind, or be dialled.
func TestHostileStatements(t *testing.T) {
	dir := t.TempDir()
	secret := filepath.Join(dir, "secret.txt")
	const canary = "canary-7f3a"
	if err := os.WriteFile(secret, []byte(canary+"\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	address, dials := listen(t)
	for _, mode := range []struct {
		name   string
		change func(*httpd.Options)
	}{{"read-only", nil}, {"writable", writable(t)}} {
		t.Run(mode.name, func(t *testing.T) {
			s := serve(t, mode.change)
			for _, statement := range hostile(secret, dir, address) {
				for _, query := range []string{"/", "/?database=default", "/?readonly=0&query="} {
					body := statement
					if strings.HasSuffix(query, "query=") {
						query, body = query+url.QueryEscape(statement), ""
					}
					got := s.ask(t, "POST", query, body)
					if got.status == http.StatusOK || got.code == "" || strings.Contains(got.body, canary) {
						t.Errorf("%s %s\n\tanswered %d, code %s: %.200q", query, statement, got.status, got.code, got.body)
					}
				}
			}
			if got := s.ask(t, "POST", "/", "SELECT count(), any(function_name) FROM functions"); got.body != "1\tonly\n" {
				t.Errorf("functions now hold %q", got.body)
			}
		})
	}
	left, err := os.ReadDir(dir)
	if err != nil {
		t.Fatal(err)
	}
	if len(left) != 1 {
		t.Errorf("files were written: %v", left)
	}
	if n := dials.Load(); n != 0 {
		t.Errorf("the engine dialled out %d times", n)
	}
}

// listen counts connections to an address of this machine.
func listen(t *testing.T) (address string, dials *atomic.Int64) {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() { shut(t, l) })
	dials = &atomic.Int64{}
	go func() {
		for {
			c, err := l.Accept()
			if err != nil {
				return
			}
			dials.Add(1)
			_ = c.Close() // whoever dialled has been counted
		}
	}()
	return l.Addr().String(), dials
}

func hostile(secret, dir, address string) []string {
	replace := strings.NewReplacer("SECRET", secret, "DIR", dir, "ADDR", address)
	var list []string
	for line := range strings.Lines(hostileStatements) {
		if line = strings.TrimSpace(line); line != "" {
			list = append(list, replace.Replace(line))
		}
	}
	return append(list,
		"SELECT 1;\nSYSTEM SHUTDOWN",
		"SELECT file\n(\n'"+secret+"')",
		"SELECT 1 AS a -- '\n, file('"+secret+"') -- '",
		"SELECT '\\\\', file('"+secret+"'), '\\\\'",
		"SELECT '\\\\', file('"+secret+"') --\\\\'",
		"SELECT $$ ' $$, file('"+secret+"') AS x, $$ ' $$",
	)
}

const hostileStatements = `
SELECT * FROM file('SECRET', 'LineAsString')
SELECT * FROM FILE('SECRET', 'LineAsString')
SELECT * FROM ` + "`file`('SECRET', 'LineAsString')" + `
SELECT * FROM ` + "`fi\\x6ce`('SECRET', 'LineAsString')" + `
SELECT * FROM "file"/**/('SECRET', 'LineAsString')
SELECT file('SECRET')
SELECT FILE('SECRET')
SELECT ` + "`file`('SECRET')" + `
SELECT ` + "`\\x66ile`('SECRET')" + `
SELECT file/* */('SECRET')
SELECT arrayMap(file, ['SECRET'])
SELECT arrayMap(x -> file(x), ['SECRET'])
SELECT 'SECRET' AS p APPLY file
SELECT * APPLY(file) FROM (SELECT 'SECRET' AS p)
WITH 'SECRET' AS p SELECT file(p)
WITH x AS (SELECT * FROM file('SECRET', 'LineAsString')) SELECT * FROM x
SELECT * FROM view(SELECT file('SECRET'))
SELECT * FROM viewExplain('EXPLAIN', '', (SELECT * FROM file('SECRET', 'LineAsString')))
SELECT (SELECT file('SECRET'))
SELECT 1 IN (SELECT file('SECRET'))
SELECT 1 WHERE file('SECRET') = ''
DESCRIBE file('SECRET', 'LineAsString')
DESCRIBE (SELECT * FROM file('SECRET', 'LineAsString'))
EXPLAIN SELECT file('SECRET')
EXPLAIN AST SELECT file('SECRET')
EXPLAIN ESTIMATE SELECT * FROM file('SECRET', 'LineAsString')
SELECT * FROM (EXPLAIN SELECT file('SECRET'))
SELECT * FROM default.` + "`SECRET`" + `
DESCRIBE TABLE default.` + "`SECRET`" + `
SELECT * FROM merge('default', '.*')
SELECT * FROM filesystem('DIR')
SELECT * FROM icebergLocal('DIR')
SELECT * FROM deltaLakeLocal('DIR')
SELECT * FROM sqlite('DIR/x.db', 't')
SELECT * FROM executable('x.sh', 'TSV', 'a String')
SELECT * FROM eval('SELECT 1')
SELECT catboostEvaluate('SECRET', 1)
SELECT * FROM url('http://ADDR/x', 'LineAsString')
SELECT * FROM url('http://ADDR/x')
DESCRIBE url('http://ADDR/x')
DESCRIBE TABLE s3('http://ADDR/bucket/x')
SELECT * FROM s3('http://ADDR/bucket/x', 'LineAsString')
SELECT * FROM gcs('http://ADDR/bucket/x', 'LineAsString')
SELECT * FROM azureBlobStorage('http://ADDR/x', 'c', 'b')
SELECT * FROM remote('ADDR', system.one)
SELECT * FROM remoteSecure('ADDR', system.one)
SELECT * FROM cluster('default', system.one)
SELECT * FROM mysql('ADDR', 'd', 't', 'u', 'p')
SELECT * FROM postgresql('ADDR', 'd', 't', 'u', 'p')
SELECT * FROM mongodb('ADDR', 'd', 'c', 'u', 'p', 'a String')
SELECT * FROM redis('ADDR', 'k', 'k String, v String')
SELECT * FROM hdfs('hdfs://ADDR/x', 'TSV', 'a String')
SELECT * FROM jdbc('ADDR', 't')
SELECT * FROM odbc('DSN=x', 't')
SELECT aiGenerate('x', 'y')
SELECT 1 INTO OUTFILE 'DIR/out'
SELECT 1 INTO OUTFILE 'DIR/out' AND STDOUT
SELECT 1 INTO OUTFILE 'DIR/out' TRUNCATE FORMAT TSV
SELECT 1 FORMAT TSV INTO OUTFILE 'DIR/out'
EXPLAIN SELECT 1 INTO OUTFILE 'DIR/out'
SHOW TABLES INTO OUTFILE 'DIR/out'
INSERT INTO FUNCTION file('DIR/out', 'TSV', 'a Int8') VALUES (1)
INSERT INTO TABLE FUNCTION file('DIR/out', 'TSV', 'a Int8') SELECT 1
INSERT INTO FUNCTION url('http://ADDR/x', 'TSV', 'a Int8') SELECT 1
INSERT INTO FUNCTION remote('ADDR', d.t) SELECT 1
INSERT INTO functions (account) SELECT file('SECRET')
INSERT INTO functions (account) SELECT * FROM file('SECRET', 'LineAsString')
INSERT INTO functions (account) VALUES (file('SECRET'))
INSERT INTO functions (account) FROM INFILE 'SECRET' FORMAT LineAsString
INSERT INTO functions (account) SELECT 'x'
INSERT INTO functions (account) SETTINGS input_format_values_interpret_expressions = 1 VALUES ('x')
INSERT INTO system.one VALUES (1)
CREATE TABLE t1 (a String) ENGINE = File(TSV, 'DIR/out')
CREATE TABLE t2 (a String) ENGINE = URL('http://ADDR/x', TSV)
CREATE TABLE t3 (a String) ENGINE = S3('http://ADDR/b/x')
CREATE TABLE t4 (a String) ENGINE = MySQL('ADDR', 'd', 't', 'u', 'p')
CREATE TABLE t5 (a String) ENGINE = Memory
CREATE TABLE t6 (a String) ENGINE = Distributed('c', 'd', 't')
CREATE TABLE t7 (a String) ENGINE = Executable('x.sh', 'TSV')
CREATE TABLE t8 (a String DEFAULT file('SECRET')) ENGINE = MergeTree ORDER BY a
CREATE TABLE t9 (a String DEFAULT arrayMap(file, ['SECRET'])[1]) ENGINE = MergeTree ORDER BY a
CREATE TABLE t10 (a String MATERIALIZED ` + "`fi\\x6ce`('SECRET')" + `) ENGINE = MergeTree ORDER BY tuple()
CREATE TABLE t11 ENGINE = MergeTree ORDER BY tuple() AS SELECT file('SECRET') AS a
CREATE TABLE t12 ENGINE = MergeTree ORDER BY tuple() AS SELECT * FROM url('http://ADDR/x', TSV, 'a String')
CREATE TABLE t13 AS file('SECRET', 'LineAsString')
CREATE TABLE t14 (a String) ENGINE = File(TSV, 'DIR/out') COMMENT 'ENGINE = MergeTree'
CREATE TABLE system.t15 (a String) ENGINE = MergeTree ORDER BY a
CREATE TABLE default.t16 (a String) ENGINE = MergeTree ORDER BY a
CREATE TABLE t17 (a String) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = local, path = 'DIR/')
CREATE TABLE t18 (a String) ENGINE = MergeTree ORDER BY a SETTINGS disk = disk(type = s3, endpoint = 'http://ADDR/b/', access_key_id = 'a', secret_access_key = 'b')
CREATE TABLE t19 UUID '00000000-0000-0000-0000-000000000001' (a String) ENGINE = MergeTree('DIR', '') ORDER BY a
CREATE TEMPORARY TABLE t20 (a String)
CREATE VIEW v1 AS SELECT file('SECRET') AS a
CREATE VIEW v2 AS SELECT arrayMap(file, ['SECRET']) AS a
CREATE VIEW v3 AS SELECT * FROM file('SECRET', 'LineAsString')
CREATE VIEW v4 AS SELECT * FROM url('http://ADDR/x', TSV, 'a String')
CREATE VIEW v5 AS SELECT * FROM ` + "`url`('http://ADDR/x', TSV, 'a String')" + `
CREATE VIEW v9 AS SELECT * FROM default.` + "`SECRET`" + `
CREATE VIEW v10 AS SELECT * FROM "default".` + "`SECRET`" + `
CREATE VIEW v11 AS SELECT * FROM ` + "`d\x65fault`.`SECRET`" + `
CREATE TABLE t22 (a String) ENGINE = MergeTree ORDER BY a AS SELECT * FROM default.` + "`SECRET`" + `
CREATE TABLE t23 AS default.` + "`SECRET`" + ` ENGINE = MergeTree ORDER BY tuple()
CREATE TABLE t24 CLONE AS functions
CREATE TABLE t25 (a String) ENGINE = ReplicatedMergeTree('/x', 'y') ORDER BY a
CREATE TABLE t26 (a String) ENGINE = MergeTree ORDER BY a TTL now() + INTERVAL 1 SECOND TO DISK 'DIR'
CREATE VIEW v6 AS SELECT 'SECRET' AS p APPLY file
CREATE OR REPLACE VIEW functions_current AS SELECT file('SECRET') AS a
CREATE MATERIALIZED VIEW v7 ENGINE = File(TSV, 'DIR/out') AS SELECT 1 AS a
CREATE MATERIALIZED VIEW v8 ENGINE = MergeTree ORDER BY a AS SELECT file('SECRET') AS a
CREATE DICTIONARY d1 (a String) PRIMARY KEY a SOURCE(FILE(path 'SECRET' format 'LineAsString')) LAYOUT(FLAT()) LIFETIME(0)
CREATE DICTIONARY d2 (a String) PRIMARY KEY a SOURCE(HTTP(url 'http://ADDR/' format 'TSV')) LAYOUT(FLAT()) LIFETIME(0)
CREATE FUNCTION f1 AS (x) -> file(x)
CREATE DATABASE d3 ENGINE = Filesystem('DIR')
CREATE DATABASE d4 ENGINE = MySQL('ADDR', 'd', 'u', 'p')
CREATE DATABASE d5 ENGINE = Overlay
CREATE DATABASE d7 ENGINE = Memory
CREATE DATABASE system
CREATE NAMED COLLECTION n1 AS url = 'http://ADDR'
CREATE USER u1
ATTACH TABLE t21 FROM 'DIR' (a String) ENGINE = MergeTree ORDER BY a
ATTACH DATABASE d6 ENGINE = Atomic
DETACH TABLE functions
DROP TABLE functions
DROP DATABASE system
TRUNCATE TABLE functions
DELETE FROM functions WHERE 1
ALTER TABLE functions DELETE WHERE 1
ALTER TABLE functions ADD COLUMN x String DEFAULT file('SECRET')
ALTER TABLE functions ADD COLUMN IF NOT EXISTS x String ALIAS file('SECRET')
ALTER TABLE functions ADD COLUMN IF NOT EXISTS x String ALIAS arrayMap(file, ['SECRET'])[1]
ALTER TABLE functions ADD COLUMN IF NOT EXISTS x String, DELETE WHERE 1
ALTER TABLE functions ADD COLUMN IF NOT EXISTS x String, (DROP COLUMN handler)
ALTER TABLE functions MODIFY COLUMN handler String DEFAULT (SELECT a FROM url('http://ADDR/', TSV, 'a String'))
ALTER TABLE functions MODIFY SETTING storage_policy = 'x'
ALTER TABLE functions MODIFY TTL collected_at
ALTER TABLE functions DROP COLUMN handler
ALTER TABLE system.one ADD COLUMN IF NOT EXISTS x String
ALTER TABLE functions FREEZE
UPDATE functions SET state = 'x' WHERE 1
RENAME TABLE functions TO f
EXCHANGE TABLES functions AND aliases
OPTIMIZE TABLE functions FINAL
UNDROP TABLE functions
BACKUP TABLE functions TO File('DIR/b')
RESTORE TABLE functions FROM File('DIR/b')
SYSTEM SHUTDOWN
SYSTEM KILL
SYSTEM FLUSH LOGS
SYSTEM STOP MERGES
SYSTEM RELOAD CONFIG
KILL QUERY WHERE 1
SET readonly = 0
SET allow_ddl = 1
SET ROLE ALL
USE system
GRANT ALL ON *.* TO default
EXECUTE AS x SELECT 1
SELECT 1 SETTINGS readonly = 0
SELECT 1 SETTINGS max_execution_time = 0, max_memory_usage = 0
SELECT * FROM (SELECT * FROM file('SECRET', 'LineAsString') SETTINGS readonly = 0)
SELECT * FROM (SELECT * FROM url('http://ADDR/x', 'LineAsString') SETTINGS readonly = 0)
SELECT * FROM (SELECT * FROM sqlite('DIR/y.db', 't') SETTINGS readonly = 0)
SELECT 1; DROP TABLE functions
SELECT 1; SELECT 2
BEGIN TRANSACTION
exit
quit
PREPARE x AS SELECT 1
MOVE USER x TO y
`

func TestWriterMay(t *testing.T) {
	s := serve(t, writable(t))
	database := storetest.Database()
	t.Cleanup(func() {
		if err := s.Exec(context.Background(), "DROP DATABASE IF EXISTS "+database, nil); err != nil {
			t.Error(err)
		}
	})
	for _, c := range []struct{ query, body string }{
		{"/", "CREATE DATABASE IF NOT EXISTS " + database},
		{"/", "CREATE TABLE IF NOT EXISTS " + database + ".t (a String COMMENT 'calls file(x) and url(y), it''s ENGINE = File', n UInt32 CODEC(Delta, ZSTD(1))) ENGINE = ReplacingMergeTree(n) ORDER BY a"},
		{"/", "CREATE OR REPLACE VIEW " + database + ".v AS SELECT a, format('{}', a) AS b FROM " + database + ".t FINAL"},
		{"/", "ALTER TABLE " + database + ".t ADD COLUMN IF NOT EXISTS m UInt32 COMMENT 'one), (two' CODEC(ZSTD(1))"},
		{"/", "ALTER TABLE " + database + ".t MODIFY COLUMN m CODEC(Delta, ZSTD(3))"},
		{"/?query=" + url.QueryEscape("INSERT INTO "+database+".t (a, n) FORMAT CSV"), "one,1\ntwo,2\n"},
		{"/?query=" + url.QueryEscape("INSERT INTO "+database+".t FORMAT JSONEachRow"), `{"a":"three","n":3}`},
	} {
		if got := s.ask(t, "POST", c.query, c.body); got.status != 200 {
			t.Errorf("%s %s: %d %s", c.query, c.body, got.status, got.body)
		}
	}
	if got := s.ask(t, "POST", "/", "SELECT groupArray(b) FROM (SELECT b FROM "+database+".v ORDER BY b)"); got.body != "['one','three','two']\n" {
		t.Errorf("the view reads %q", got.body)
	}
	insert := "/?query=" + url.QueryEscape("INSERT INTO "+database+".t FORMAT CSV")
	for name, got := range map[string]answer{
		"by GET":                s.ask(t, "GET", insert, ""),
		"under readonly=1":      s.ask(t, "POST", insert+"&readonly=1", "four,4\n"),
		"under readonly=2":      s.ask(t, "POST", insert+"&readonly=2", "four,4\n"),
		"with a setting":        s.ask(t, "POST", insert+"&async_insert_deduplicate=1", "four,4\n"),
		"in a format with code": s.ask(t, "POST", strings.Replace(insert, "CSV", "Values", 1), "('four', 4)"),
	} {
		if got.status != 403 {
			t.Errorf("an insert %s: %d %q, want 403", name, got.status, got.body)
		}
	}
	if got := s.ask(t, "POST", "/", "SELECT count() FROM "+database+".t"); got.body != "3\n" {
		t.Errorf("%s rows are stored, want 3", got.body)
	}
}

func TestLimits(t *testing.T) {
	s := serve(t, func(o *httpd.Options) {
		writable(t)(o)
		o.MaxStatement, o.MaxInsert, o.MaxConcurrent, o.QueueTime = 1000, 2000, 1, time.Millisecond
	})
	long := "SELECT '" + strings.Repeat("x", 1000) + "'"
	insert := "/?query=" + url.QueryEscape("INSERT INTO cursors (key) FORMAT TSV")
	for name, got := range map[string]answer{
		"a long statement in the body":  s.ask(t, "POST", "/", long),
		"a long statement in the URL":   s.ask(t, "POST", "/?query="+url.QueryEscape(long), ""),
		"a long statement in halves":    s.ask(t, "POST", "/?query="+url.QueryEscape(long[:600]), long[600:]),
		"a packed statement":            s.ask(t, "POST", "/", packed(t, long), "Content-Encoding", "gzip"),
		"more to insert than is taken":  s.ask(t, "POST", insert, strings.Repeat("key\n", 1000)),
		"much more than that, unpacked": s.ask(t, "POST", insert, packed(t, strings.Repeat("key\n", 100_000)), "Content-Encoding", "gzip"),
	} {
		if got.status != 413 || got.code != "307" {
			t.Errorf("%s: %d, code %s, %q; want 413 and 307", name, got.status, got.code, got.body)
		}
	}
	if got := s.ask(t, "POST", "/", "SELECT count() FROM cursors"); got.body != "0\n" {
		t.Errorf("a refused insert left rows: %s", got.body)
	}
	if got := s.ask(t, "POST", "/", packed(t, "SELECT 1"), "Content-Encoding", "gzip"); got.body != "1\n" {
		t.Errorf("a packed statement: %q", got.body)
	}
	busy := s.begin(t, "SELECT number FROM system.numbers")
	if got := s.ask(t, "POST", "/", "SELECT 1"); got.status != 503 || got.code != "202" {
		t.Errorf("one statement too many: %d, code %s, %q; want 503 and 202", got.status, got.code, got.body)
	}
	shut(t, busy)
	s.untilAnswered(t, "SELECT 1", "1\n")
}

func packed(t *testing.T, text string) string {
	t.Helper()
	var b bytes.Buffer
	w := gzip.NewWriter(&b)
	if _, err := io.WriteString(w, text); err != nil {
		t.Fatal(err)
	}
	if err := w.Close(); err != nil {
		t.Fatal(err)
	}
	return b.String()
}

// begin sends a statement and returns its body once the answer has begun.
func (s served) begin(t *testing.T, statement string) io.ReadCloser {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), "POST", s.url, strings.NewReader(statement))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(user, password)
	res, err := (&http.Client{Transport: &http.Transport{DisableKeepAlives: true}}).Do(req)
	if err != nil {
		t.Fatal(err)
	}
	return res.Body
}

// untilAnswered repeats a statement until it gives the wanted answer; the
// test's own deadline ends it.
func (s served) untilAnswered(t *testing.T, statement, want string) {
	t.Helper()
	var got answer
	for range 500 {
		if got = s.ask(t, "POST", "/", statement); got.body == want {
			return
		}
		time.Sleep(20 * time.Millisecond)
	}
	t.Errorf("%s answers %q, want %q", statement, got.body, want)
}

// An endless result is read a little and left: the statement ends with its reader.
func TestALeavingClientStopsItsStatement(t *testing.T) {
	s := serve(t, nil)
	body := s.begin(t, "SELECT number FROM system.numbers")
	if _, err := io.ReadFull(body, make([]byte, 4<<20)); err != nil {
		t.Fatal(err)
	}
	shut(t, body)
	silent, stop := context.WithCancel(t.Context())
	req, err := http.NewRequestWithContext(silent, "POST", s.url, strings.NewReader("SELECT count() FROM system.numbers WHERE NOT ignore(sipHash64(number))"))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(user, password)
	done := make(chan error, 1)
	go func() {
		res, err := http.DefaultClient.Do(req)
		if err == nil {
			err = res.Body.Close()
		}
		done <- err
	}()
	s.untilAnswered(t, "SELECT count() FROM system.processes WHERE query ILIKE '%sipHash64(number%' AND query NOT ILIKE '%processes%'", "1\n")
	stop()
	if err := <-done; err == nil {
		t.Error("an endless statement answered")
	}
	s.untilAnswered(t, "SELECT count() FROM system.processes WHERE query ILIKE '%system.numbers%' AND query NOT ILIKE '%processes%'", "0\n")
}

// A failure after the first rows is reported in the body, in each encoding as
// ClickHouse's clients look for it.
func TestLateFailure(t *testing.T) {
	s := serve(t, nil)
	const statement = "SELECT number FROM system.numbers WHERE NOT ignore(throwIf(number = 400000, 'late'))"
	for _, c := range []struct {
		name, query string
		headers     []string
		unpack      func(*testing.T, string) string
	}{
		{"plain", "/", nil, func(_ *testing.T, s string) string { return s }},
		{"gzip", "/?enable_http_compression=1", []string{"Accept-Encoding", "gzip"}, gunzip},
		{"native LZ4", "/?compress=1", nil, func(_ *testing.T, s string) string { return s }},
		{"native ZSTD", "/?compress=1&network_compression_method=ZSTD", nil, func(_ *testing.T, s string) string { return s }},
	} {
		got := s.ask(t, "POST", c.query, statement, c.headers...)
		text := c.unpack(t, got.body)
		tag := got.header.Get("X-ClickHouse-Exception-Tag")
		start, end := "\r\n__exception__\r\n"+tag+"\r\nCode: 395. ", " "+tag+"\r\n__exception__\r\n"
		if got.status != 200 || len(tag) != 16 || strings.Count(text, start) != 1 || !strings.HasSuffix(text, end) {
			t.Errorf("%s: %d, tag %q, body ends in %q", c.name, got.status, tag, text[max(0, len(text)-300):])
		}
	}
}

func gunzip(t *testing.T, packed string) string {
	t.Helper()
	r, err := gzip.NewReader(strings.NewReader(packed))
	if err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(r)
	if err != nil {
		t.Fatal(err)
	}
	return string(text)
}

func TestCompressedAnswers(t *testing.T) {
	s := serve(t, nil)
	const statement = "SELECT number FROM numbers(200000)"
	want := s.ask(t, "POST", "/", statement).body
	if got := s.ask(t, "POST", "/?enable_http_compression=1", statement, "Accept-Encoding", "gzip, br"); gunzip(t, got.body) != want || got.header.Get("Content-Encoding") != "gzip" {
		t.Error("the gzip answer differs")
	}
	if got := s.ask(t, "POST", "/", statement, "Accept-Encoding", "gzip"); got.body != want {
		t.Error("an answer was compressed without enable_http_compression")
	}
	for _, method := range []string{"LZ4", "ZSTD", "NONE"} {
		got := s.ask(t, "POST", "/?compress=1&network_compression_method="+method, statement)
		text := make([]byte, len(want))
		if _, err := io.ReadFull(compress.NewReader(strings.NewReader(got.body)), text); err != nil || string(text) != want {
			t.Errorf("%s: the answer differs: %v", method, err)
		}
	}
}

// TestBrokenOffInserts: data that ends before its sender meant it to must not
// be taken for all of it.
func TestBrokenOffInserts(t *testing.T) {
	s := serve(t, writable(t))
	target := "/?query=" + url.QueryEscape("INSERT INTO cursors (key) FORMAT TSV")
	rows := strings.Repeat("key\n", 50_000)
	writer := compress.NewWriter(compress.LevelZero, compress.LZ4)
	if err := writer.Compress([]byte(rows)); err != nil {
		t.Fatal(err)
	}
	block := string(writer.Data)
	for name, c := range map[string]struct{ query, body string }{
		"gzip":                   {target, packed(t, rows)},
		"a block":                {target + "&decompress=1", block},
		"the second of a pair":   {target + "&decompress=1", block + block},
		"a block after its head": {target + "&decompress=1", block},
	} {
		cut := len(c.body) - 10
		if strings.HasSuffix(name, "head") {
			cut = 25 // bytes of a block's header
		}
		headers := []string{"X-ClickHouse-User", user, "X-ClickHouse-Key", password}
		if name == "gzip" {
			headers = append(headers, "Content-Encoding", "gzip")
		}
		if got := s.send(t, "POST", c.query, strings.NewReader(c.body[:cut]), headers...); got.code != "33" {
			t.Errorf("%s, cut short: %d %q, want code 33", name, got.status, got.body)
		}
	}
	for name, head := range map[string]string{
		"a length that is not kept": "Content-Length: 1000000\r\n\r\n" + rows,
		"a chunk that is missing":   "Transfer-Encoding: chunked\r\n\r\n" + strconv.FormatInt(int64(len(rows)), 16) + "\r\n" + rows + "\r\n",
	} {
		s.sendRaw(t, name, fmt.Sprintf("POST %s HTTP/1.1\r\nHost: localhost\r\nX-ClickHouse-User: %s\r\nX-ClickHouse-Key: %s\r\n%s", target, user, password, head))
	}
	if got := s.ask(t, "POST", "/", "SELECT count() FROM cursors"); got.body != "0\n" {
		t.Errorf("broken-off inserts left %s rows", strings.TrimSpace(got.body))
	}
	if got := s.ask(t, "POST", target+"&decompress=1", block); got.status != 200 {
		t.Errorf("a whole block: %d %q", got.status, got.body)
	}
}

func (s served) dial(t *testing.T) net.Conn {
	t.Helper()
	conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", strings.TrimPrefix(s.url, "http://"))
	if err != nil {
		t.Fatal(err)
	}
	return conn
}

func shut(t *testing.T, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

// sendRaw sends a request that breaks off, and waits for the server to be done with it.
func (s served) sendRaw(t *testing.T, name, request string) {
	t.Helper()
	conn := s.dial(t)
	defer shut(t, conn)
	if _, err := io.WriteString(conn, request); err != nil {
		t.Fatal(err)
	}
	if err := conn.(*net.TCPConn).CloseWrite(); err != nil {
		t.Fatal(err)
	}
	text, err := io.ReadAll(conn)
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), "400 Bad Request") {
		t.Errorf("%s: answered %q, want a refusal", name, text)
	}
}

// A sender that stalls loses its turn.
func TestStalledSender(t *testing.T) {
	s := serve(t, func(o *httpd.Options) { o.MaxConcurrent, o.IdleTime = 1, 50*time.Millisecond })
	conn := s.dial(t)
	defer shut(t, conn)
	if _, err := fmt.Fprintf(conn, "POST / HTTP/1.1\r\nHost: localhost\r\nX-ClickHouse-User: %s\r\nX-ClickHouse-Key: %s\r\nContent-Length: 100\r\n\r\nSELECT", user, password); err != nil {
		t.Fatal(err)
	}
	if _, err := io.ReadAll(conn); err != nil {
		t.Fatal(err)
	}
	s.untilAnswered(t, "SELECT 1", "1\n")
}

func TestOptions(t *testing.T) {
	if _, err := httpd.New(httpd.Options{}); err == nil {
		t.Error("a handler without an engine was made")
	}
	diff := cmp.Diff(http.StatusOK, serve(t, nil).send(t, "GET", "/ping", nil).status)
	if diff != "" {
		t.Errorf("ping asks for no password (-want +got):\n%s", diff)
	}
}
