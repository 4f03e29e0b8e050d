package chdb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"slices"
	"strconv"
	"strings"

	"github.com/ClickHouse/ch-go/proto"
)

// RoundTripper presents the engine as a ClickHouse server's HTTP interface, for
// Options.TransportFunc of clickhouse-go. Scheme, host, user and password of a
// request are ignored, and nothing is compressed in either direction. It may be
// shared by any number of connections: each request has an engine connection of
// its own, from the request to the Close of the response's body.
func (e *Engine) RoundTripper() http.RoundTripper { return &transport{engine: e} }

type transport struct {
	engine  *Engine
	outside *Limits // bounds statements from outside; nil for those from inside
}

// RoundTrip answers a request. A statement's failure is a response with the
// engine's code and text, as from a server; the error result is left for a
// cancelled context, a closed engine and a body that cannot be read.
func (t *transport) RoundTrip(req *http.Request) (*http.Response, error) {
	defer closeBody(req.Body)
	ctx := req.Context()
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	if err := t.engine.begin(); err != nil {
		return nil, err
	}
	defer t.engine.work.Done()
	res, err := t.answer(ctx, req)
	if err == nil {
		return res, nil
	}
	if cause := ctx.Err(); cause != nil {
		return nil, cause
	}
	refused, ok := errors.AsType[*Error](err)
	if !ok {
		return nil, err
	}
	return failure(req, refused), nil
}

func (t *transport) answer(ctx context.Context, req *http.Request) (*http.Response, error) {
	if strings.HasSuffix(req.URL.Path, "/ping") {
		return success(req, io.NopCloser(strings.NewReader("Ok.\n"))), nil
	}
	limit := int64(maxStatementBytes)
	if t.outside != nil {
		limit = t.outside.Statement
	}
	r, err := readRequest(req, limit)
	if err != nil {
		return nil, err
	}
	s, err := t.engine.newSession(ctx, r, t.outside)
	if err != nil {
		return nil, err
	}
	res, err := s.answer(req, r)
	if err != nil {
		s.end()
		return nil, err
	}
	return res, nil
}

func closeBody(body io.Closer) {
	if body != nil {
		_ = body.Close() // what could be read has been
	}
}

func success(req *http.Request, body io.ReadCloser) *http.Response {
	return &http.Response{
		Status: "200 OK", StatusCode: http.StatusOK,
		Proto: "HTTP/1.1", ProtoMajor: 1, ProtoMinor: 1,
		Header:        make(http.Header),
		Body:          body,
		ContentLength: -1,
		Request:       req,
	}
}

// failure is the answer to a statement that failed before its first row.
func failure(req *http.Request, e *Error) *http.Response {
	res := success(req, io.NopCloser(strings.NewReader(e.Text)))
	res.StatusCode = e.status()
	res.Status = fmt.Sprintf("%d %s", res.StatusCode, http.StatusText(res.StatusCode))
	res.ContentLength = int64(len(e.Text))
	res.Header.Set("X-ClickHouse-Exception-Code", strconv.Itoa(e.Code))
	res.Header.Set("Content-Type", "text/plain; charset=UTF-8")
	return res
}

// helloQuery is what clickhouse-go asks of every new connection.
const helloQuery = "SELECT displayName(), version(), revision(), timezone()"

// helloRevision is the protocol at which clickhouse-go decodes the hello's
// answer, before it knows the server's.
const helloRevision = 54480

// hello answers by hand with revision 0, because the engine writes Native
// blocks without the header that a later revision of the protocol has.
func hello(req *http.Request, version string) (*http.Response, error) {
	var name, ver, zone proto.ColStr
	var revision proto.ColUInt32
	name.Append("faaswarden embedded")
	ver.Append(version)
	revision.Append(0)
	zone.Append("UTC")
	block := proto.Block{Info: proto.BlockInfo{BucketNum: -1}, Columns: 4, Rows: 1}
	var buf proto.Buffer
	err := block.EncodeBlock(&buf, helloRevision, []proto.InputColumn{
		{Name: "displayName()", Data: name},
		{Name: "version()", Data: ver},
		{Name: "revision()", Data: revision},
		{Name: "timezone()", Data: zone},
	})
	if err != nil {
		return nil, fmt.Errorf("encode the hello: %w", err)
	}
	return success(req, io.NopCloser(bytes.NewReader(buf.Buf))), nil
}

// streamedFormats are those whose output is the same when it is cut into pieces.
// Of the others the engine ends each piece as if it were the last: CSV headers
// repeat, JSON becomes several documents, Parquet is corrupt.
var streamedFormats = []string{
	"Native", "TSV", "TabSeparated", "TSVRaw", "TabSeparatedRaw", "CSV",
	"JSONEachRow", "JSONLines", "NDJSON", "JSONCompactEachRow", "RowBinary",
}

// streamable reports whether a statement's result can be fetched in pieces. The
// engine streams queries only, not SHOW, DESCRIBE, EXPLAIN or anything else.
func streamable(sql, format string) bool {
	if !slices.Contains(streamedFormats, answerFormat(sql, format)) {
		return false
	}
	switch firstKeyword(sql) {
	case "SELECT", "WITH", "FROM":
		return true
	default:
		return false
	}
}

// answerFormat is the format a statement names, or else the request's.
func answerFormat(sql, format string) string {
	if named, _, ok := formatClause(sql); ok {
		return named
	}
	return format
}
