package chdb

import (
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"slices"
	"sort"
	"strings"
)

// maxStatementBytes bounds the text of a statement from inside the process,
// which is held in memory whole. Data belongs in a batch, which is streamed.
const maxStatementBytes = 64 << 20

// request is what an HTTP request asks of the engine.
type request struct {
	sql      string
	data     io.Reader // an INSERT's data, streamed; nil when there is none
	format   string    // of the answer, unless the statement names one
	database string
	settings []setting
	params   []param
}

// protocolNames are the URL names of ClickHouse's HTTP interface that are not
// settings, and those that govern the wire, of which there is none here.
var protocolNames = []string{
	"add_http_cors_header", "buffer_size", "client_protocol_version", "compress", "database", "decompress",
	"default_format", "enable_http_compression", "http_write_exception_in_output_format", "http_zlib_compression_level",
	"network_compression_method", "network_zstd_compression_level", "password", "query", "query_id",
	"quota_key", "role", "send_progress_in_http_headers", "session_check", "session_id",
	"session_timeout", "stacktrace", "user", "wait_end_of_query",
}

var settingName = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

// readRequest takes a request apart. An *Error is the caller's fault and is to
// be answered; any other error means that the body could not be read.
func readRequest(req *http.Request, maxStatement int64) (*request, error) {
	if strings.HasPrefix(req.Header.Get("Content-Type"), "multipart/") {
		return nil, refuse(codeNotImplemented, "NOT_IMPLEMENTED", "external tables are not supported by the embedded engine; insert into a table instead")
	}
	query, err := url.ParseQuery(req.URL.RawQuery)
	if err != nil {
		return nil, refuse(codeBadArguments, "BAD_ARGUMENTS", "malformed URL query: %v", err)
	}
	if isSet(query.Get("compress")) || isSet(query.Get("decompress")) || req.Header.Get("Content-Encoding") != "" {
		return nil, refuse(codeNotImplemented, "NOT_IMPLEMENTED", "the embedded engine neither compresses nor decompresses; open clickhouse-go without Compression")
	}
	r := &request{
		sql:      query.Get("query"),
		format:   firstOf(req.Header.Get("X-ClickHouse-Format"), query.Get("default_format"), "TabSeparated"),
		database: firstOf(req.Header.Get("X-ClickHouse-Database"), query.Get("database")),
	}
	if err := r.readValues(query); err != nil {
		return nil, err
	}
	return r, r.readBody(req.Body, maxStatement)
}

// readValues sorts the URL's names into parameters and settings, in name order
// so that the same request always makes the same statements.
func (r *request) readValues(query url.Values) error {
	names := make([]string, 0, len(query))
	for name := range query {
		names = append(names, name)
	}
	sort.Strings(names)
	for _, name := range names {
		value := query.Get(name)
		if p, ok := strings.CutPrefix(name, "param_"); ok {
			r.params = append(r.params, param{p, value})
			continue
		}
		if slices.Contains(protocolNames, name) {
			continue
		}
		if !settingName.MatchString(name) {
			return refuse(codeUnknownSetting, "UNKNOWN_SETTING", "setting %q is not a name", name)
		}
		r.settings = append(r.settings, setting{name, value})
	}
	return nil
}

// readBody completes the statement. As on a server, the body follows the query
// of the URL; when that is an INSERT that ends where data begins, the body is
// the data.
func (r *request) readBody(body io.Reader, limit int64) error {
	if body == nil {
		body = http.NoBody
	}
	if awaitsData(r.sql) {
		r.data = body
		return nil
	}
	text, err := io.ReadAll(io.LimitReader(body, limit+1))
	if err != nil {
		return fmt.Errorf("read the request: %w", err)
	}
	if int64(len(text))+int64(len(r.sql)) > limit {
		return refuse(codeTooManyBytes, "TOO_MANY_BYTES", "the statement is longer than %d bytes; send data as a batch", limit)
	}
	if len(text) > 0 && r.sql != "" {
		r.sql += "\n"
	}
	r.sql += string(text)
	return nil
}

// awaitsData reports whether a statement is an INSERT that ends where its data
// would begin: after FORMAT and a name, after VALUES, or with neither.
func awaitsData(sql string) bool {
	l := lexer{sql: sql}
	if !l.next().is("INSERT") {
		return false
	}
	last := token{}
	for t := l.next(); t.kind != tokenEnd; t = l.next() {
		if t.is("SELECT") || t.is("WITH") {
			return false
		}
		if last.is("VALUES") {
			return t.text == ";"
		}
		if t.is("FORMAT") {
			_, _, ends := formatClause(sql)
			return ends
		}
		last = t
	}
	return true
}

// isSet reads a flag of the URL.
func isSet(value string) bool { return value != "" && value != "0" }

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
