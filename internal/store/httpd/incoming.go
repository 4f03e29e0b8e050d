package httpd

import (
	"compress/gzip"
	"compress/zlib"
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strings"
	"time"

	"github.com/ClickHouse/ch-go/compress"
)

// incoming is a request being taken apart.
type incoming struct {
	handler *handler
	w       http.ResponseWriter
	r       *http.Request
	query   url.Values

	sql    string
	data   io.Reader // an insert's rows; nil for any other statement
	format string    // of the answer
}

// errTruncated says that a request's body ended early. It stands in for
// io.ErrUnexpectedEOF, which further readers take for the end of the data.
var errTruncated = errors.New("the request's body ended early")

var insertPattern = regexp.MustCompile(`(?is)^\s*INSERT\b`)

// read finds the statement and, for an insert, its data. As with a ClickHouse
// server, the body follows the URL's query.
func (in *incoming) read() error {
	if strings.HasPrefix(in.r.Header.Get("Content-Type"), "multipart/") {
		return newFault(http.StatusNotImplemented, 48, "NOT_IMPLEMENTED", "external tables are not supported")
	}
	body, err := in.body()
	if err != nil {
		return err
	}
	in.format = firstOf(in.r.Header.Get("X-ClickHouse-Format"), in.query.Get("default_format"), "TabSeparated")
	in.sql = in.query.Get("query")
	if in.sql != "" && insertPattern.MatchString(in.sql) {
		in.data = &limited{r: body, left: in.handler.o.MaxInsert}
		return in.checkLength(0)
	}
	text, err := io.ReadAll(io.LimitReader(body, in.handler.o.MaxStatement+1))
	if err != nil {
		return fmt.Errorf("read the statement: %w", err)
	}
	if err := in.checkLength(len(text)); err != nil {
		return err
	}
	if in.sql != "" && len(text) > 0 {
		in.sql += "\n"
	}
	in.sql += string(text)
	if strings.TrimSpace(in.sql) == "" {
		return newFault(http.StatusBadRequest, 62, "SYNTAX_ERROR", "Empty query")
	}
	if m := formatPattern.FindStringSubmatch(in.sql); m != nil {
		in.format = m[1]
	}
	return nil
}

// formatPattern finds a statement's own choice of format, for the answer's headers.
var formatPattern = regexp.MustCompile(`(?i)\bFORMAT\s+(\w+)\s*;?\s*$`)

func (in *incoming) checkLength(more int) error {
	if limit := in.handler.o.MaxStatement; int64(len(in.sql)+more) > limit {
		return newFault(http.StatusRequestEntityTooLarge, 307, "TOO_MANY_BYTES", "the statement is longer than %d bytes", limit)
	}
	return nil
}

// body is the request's body as it was before transport compression.
func (in *incoming) body() (io.Reader, error) {
	var body io.Reader = &patient{in: in.r.Body, control: http.NewResponseController(in.w), idle: in.handler.o.IdleTime}
	if in.r.Method == http.MethodGet {
		body = http.NoBody
	}
	switch encoding := in.r.Header.Get("Content-Encoding"); encoding {
	case "", "identity":
	case "gzip":
		unpacked, err := gzip.NewReader(body)
		if err != nil {
			return nil, newFault(http.StatusBadRequest, 354, "ZLIB_INFLATE_FAILED", "the body is not gzip")
		}
		body = unpacked
	case "deflate":
		unpacked, err := zlib.NewReader(body)
		if err != nil {
			return nil, newFault(http.StatusBadRequest, 354, "ZLIB_INFLATE_FAILED", "the body is not deflate")
		}
		body = unpacked
	default:
		return nil, newFault(http.StatusUnsupportedMediaType, 48, "NOT_IMPLEMENTED", "Content-Encoding %.20q is not supported; use gzip, deflate or none", encoding)
	}
	if in.query.Get("decompress") == "1" {
		counted := &counter{r: body}
		body = &blocks{counted: counted, r: compress.NewReader(counted)}
	}
	return &whole{body}, nil
}

// outgoing is the request as the engine gets it. Nothing of the caller's
// headers or credentials goes along.
func (in *incoming) outgoing(ctx context.Context, values url.Values) *http.Request {
	values.Set("default_format", in.format)
	body := io.NopCloser(strings.NewReader(in.sql))
	if in.data != nil {
		values.Set("query", in.sql)
		body = io.NopCloser(in.data)
	}
	target := &url.URL{Scheme: "http", Host: "embedded", Path: "/", RawQuery: values.Encode()}
	req := &http.Request{Method: http.MethodPost, URL: target, Header: http.Header{}, Body: body}
	return req.WithContext(ctx)
}

// patient reads a body whose sender may pause, but not for longer than idle.
// The deadline ends with the body, because past it it would end the request; of
// a body that broke off it stays, because the server then tries to read on.
type patient struct {
	in      io.Reader
	control *http.ResponseController
	idle    time.Duration
}

func (p *patient) Read(b []byte) (int, error) {
	_ = p.control.SetReadDeadline(time.Now().Add(p.idle)) // not every ResponseWriter has deadlines
	n, err := p.in.Read(b)
	if errors.Is(err, io.EOF) {
		_ = p.control.SetReadDeadline(time.Time{})
	}
	return n, err
}

// whole tells a body that broke off from one that ended.
type whole struct{ r io.Reader }

func (w *whole) Read(b []byte) (int, error) {
	n, err := w.r.Read(b)
	if errors.Is(err, io.ErrUnexpectedEOF) {
		err = errTruncated
	}
	return n, err
}

// counter counts what was read through it.
type counter struct {
	r io.Reader
	n int64
}

func (c *counter) Read(b []byte) (int, error) {
	n, err := c.r.Read(b)
	c.n += int64(n)
	return n, err
}

// blocks reads ClickHouse's compressed blocks. Their reader reports io.EOF
// wrapped, both between blocks and inside of one that broke off.
type blocks struct {
	counted *counter
	r       io.Reader
}

func (b *blocks) Read(p []byte) (int, error) {
	before := b.counted.n
	n, err := b.r.Read(p)
	switch {
	case !errors.Is(err, io.EOF):
		return n, err
	case b.counted.n > before:
		return n, errTruncated
	default:
		return n, io.EOF
	}
}

// limited fails, rather than ends, when more comes than is allowed.
type limited struct {
	r    io.Reader
	left int64
}

func (l *limited) Read(b []byte) (int, error) {
	n, err := l.r.Read(b)
	if l.left -= int64(n); l.left < 0 {
		return 0, newFault(http.StatusRequestEntityTooLarge, 307, "TOO_MANY_BYTES", "the insert is larger than the server takes")
	}
	return n, err
}

func firstOf(values ...string) string {
	for _, v := range values {
		if v != "" {
			return v
		}
	}
	return ""
}
