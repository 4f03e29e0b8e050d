package httpd

import (
	"bytes"
	"compress/gzip"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/ch-go/compress"
)

// chunkBytes is how much of a result is held between engine and client.
const chunkBytes = 256 << 10

// respond streams the engine's answer to the client.
func (h *handler) respond(w http.ResponseWriter, r *http.Request, query url.Values, in *incoming, res *http.Response) error {
	for _, name := range []string{"X-ClickHouse-Exception-Code", "X-ClickHouse-Exception-Tag", "X-ClickHouse-Summary"} {
		if v := res.Header.Get(name); v != "" {
			w.Header().Set(name, v)
		}
	}
	if res.StatusCode != http.StatusOK {
		return h.relayFailure(w, res)
	}
	w.Header().Set("X-ClickHouse-Query-Id", queryID(query))
	w.Header().Set("X-ClickHouse-Format", in.format)
	w.Header().Set("X-ClickHouse-Timezone", "UTC")
	w.Header().Set("Content-Type", contentType(in.format))
	w.Header().Set("Cache-Control", "no-store")
	encoder, err := newEncoder(w, r, query)
	if err != nil {
		return err
	}
	out := &patientWriter{encoder: encoder, control: http.NewResponseController(w), idle: h.o.IdleTime}
	if err := relay(out, res.Body, res.Header.Get("X-ClickHouse-Exception-Tag")); err != nil {
		// The answer has begun: cutting the connection is the only way left to
		// tell the client that this is not all of it.
		h.log.Debug("an answer broke off")
		panic(http.ErrAbortHandler)
	}
	return nil
}

func (h *handler) relayFailure(w http.ResponseWriter, res *http.Response) error {
	text, err := io.ReadAll(io.LimitReader(res.Body, 64<<10))
	if err != nil {
		return fmt.Errorf("read the engine's refusal: %w", err)
	}
	f := &fault{status: res.StatusCode, code: atoi(res.Header.Get("X-ClickHouse-Exception-Code")), text: string(text)}
	if !strings.HasSuffix(f.text, "\n") {
		f.text += "\n"
	}
	f.write(w)
	return nil
}

// relay copies body to out in chunks. The frame that reports a late failure is
// handed over apart from the rows before it, because native compression
// leaves it plain.
func relay(out *patientWriter, body io.Reader, tag string) error {
	marker := []byte("\r\n__exception__\r\n" + tag + "\r\n")
	buf := make([]byte, chunkBytes)
	framed := false
	for {
		n, err := body.Read(buf)
		if n > 0 {
			framed = framed || tag != "" && bytes.HasPrefix(buf[:n], marker)
			if err := out.write(buf[:n], framed); err != nil {
				return err
			}
		}
		if errors.Is(err, io.EOF) {
			return out.encoder.close()
		}
		if err != nil {
			return err
		}
	}
}

// encoder writes rows in the encoding the client asked for.
type encoder interface {
	rows([]byte) error
	frame([]byte) error // an exception after rows
	close() error
}

// patientWriter writes for a client that may pause, but not for longer than idle.
type patientWriter struct {
	encoder encoder
	control *http.ResponseController
	idle    time.Duration
}

func (p *patientWriter) write(b []byte, framed bool) error {
	_ = p.control.SetWriteDeadline(time.Now().Add(p.idle)) // not every ResponseWriter has deadlines
	if framed {
		return p.encoder.frame(b)
	}
	return p.encoder.rows(b)
}

func newEncoder(w http.ResponseWriter, r *http.Request, query url.Values) (encoder, error) {
	if query.Get("compress") == "1" {
		return newNativeEncoder(w, query.Get("network_compression_method"))
	}
	if query.Get("enable_http_compression") == "1" && strings.Contains(r.Header.Get("Accept-Encoding"), "gzip") {
		w.Header().Set("Content-Encoding", "gzip")
		return &gzipEncoder{gzip.NewWriter(w)}, nil
	}
	return &plainEncoder{w}, nil
}

type plainEncoder struct{ w io.Writer }

func (e *plainEncoder) rows(b []byte) error {
	_, err := e.w.Write(b)
	return err
}

func (e *plainEncoder) frame(b []byte) error { return e.rows(b) }

func (e *plainEncoder) close() error { return nil }

// gzipEncoder flushes before a frame: clients look for it in one piece.
type gzipEncoder struct{ w *gzip.Writer }

func (e *gzipEncoder) rows(b []byte) error {
	_, err := e.w.Write(b)
	return err
}

func (e *gzipEncoder) frame(b []byte) error {
	if err := e.w.Flush(); err != nil {
		return err
	}
	return e.rows(b)
}

func (e *gzipEncoder) close() error { return e.w.Close() }

// nativeEncoder writes ClickHouse's compressed blocks, and a frame as it is.
type nativeEncoder struct {
	w      io.Writer
	blocks *compress.Writer
}

func newNativeEncoder(w io.Writer, method string) (encoder, error) {
	switch strings.ToUpper(method) {
	case "", "LZ4", "LZ4HC":
		return &nativeEncoder{w, compress.NewWriter(compress.LevelZero, compress.LZ4)}, nil
	case "ZSTD":
		return &nativeEncoder{w, compress.NewWriter(compress.Level(1), compress.ZSTD)}, nil
	case "NONE":
		return &nativeEncoder{w, compress.NewWriter(compress.LevelZero, compress.None)}, nil
	}
	return nil, newFault(http.StatusBadRequest, 89, "UNKNOWN_COMPRESSION_METHOD", "compression method %.20q is not supported; use LZ4, ZSTD or NONE", method)
}

func (e *nativeEncoder) rows(b []byte) error {
	if err := e.blocks.Compress(b); err != nil {
		return fmt.Errorf("compress a block: %w", err)
	}
	_, err := e.w.Write(e.blocks.Data)
	return err
}

func (e *nativeEncoder) frame(b []byte) error {
	_, err := e.w.Write(b)
	return err
}

func (e *nativeEncoder) close() error { return nil }

// contentType is what ClickHouse calls a format; what a browser could render
// is given as plain text.
func contentType(format string) string {
	switch {
	case strings.HasPrefix(format, "JSON") && strings.Contains(format, "EachRow"), format == "NDJSON":
		return "application/x-ndjson; charset=UTF-8"
	case strings.HasPrefix(format, "JSON"):
		return "application/json; charset=UTF-8"
	case strings.HasPrefix(format, "CSV"):
		return "text/csv; charset=UTF-8"
	case strings.HasPrefix(format, "TSV"), strings.HasPrefix(format, "TabSeparated"):
		return "text/tab-separated-values; charset=UTF-8"
	case format == "Native", strings.HasPrefix(format, "RowBinary"), strings.HasPrefix(format, "Arrow"), format == "Parquet", format == "ORC", format == "Avro":
		return "application/octet-stream"
	}
	return "text/plain; charset=UTF-8"
}

func atoi(text string) int {
	n, _ := strconv.Atoi(text) // no number: no code
	return n
}
