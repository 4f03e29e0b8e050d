package chdb

import (
	"context"
	"crypto/rand"
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"net/http"
	"strconv"
	"strings"
	"sync"
)

// body is a response's body: a whole result, or a stream whose next piece is
// fetched when the last has been read. It reads from the engine's own memory,
// so what Go holds does not grow with the result.
//
// The engine connection is freed by Close, or at once when the request's
// context ends, whichever comes first.
type body struct {
	session      *session
	exceptionTag string
	native       bool // the format is Native

	mu     sync.Mutex // held while a piece is fetched or copied
	unhook func() bool
	closed bool
	stream *result // nil for a whole result
	chunk  *result
	rest   []byte // unread part of chunk
	frame  []byte // exception to append after the rows already sent
	err    error  // what Read returns once rest and frame are empty
}

func newBody(s *session) *body {
	return &body{session: s, exceptionTag: newExceptionTag()}
}

// watch makes the body close with the request's context. It comes last: until
// then the body is its maker's alone.
func (b *body) watch() {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.unhook = context.AfterFunc(b.session.ctx, b.close)
}

// Read copies the next bytes. An exception frame is never mixed with rows in
// one Read, so a caller that compresses rows can pass the frame on plain.
func (b *body) Read(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	for {
		if len(b.rest) > 0 {
			n := copy(p, b.rest)
			b.rest = b.rest[n:]
			return n, nil
		}
		if len(b.frame) > 0 {
			n := copy(p, b.frame)
			b.frame = b.frame[n:]
			return n, nil
		}
		if b.err != nil {
			return 0, b.err
		}
		if err := b.fetch(); err != nil {
			b.fail(err)
		}
	}
}

// fail ends the body: with an exception frame for a failure of the engine, and
// with a read error when the request was given up.
func (b *body) fail(err error) {
	refused, ok := errors.AsType[*Error](err)
	if !ok {
		b.err = err
		return
	}
	text := refused.Text
	if b.native {
		text = framePadding + text
	}
	b.frame = exceptionFrame(b.exceptionTag, text)
	b.err = io.EOF
}

// fetch replaces the chunk with the stream's next. The caller holds mu, or has
// not yet called watch.
func (b *body) fetch() error {
	s := b.session
	if err := s.stopped(); err != nil {
		return err
	}
	b.drop()
	s.engine.interruptible(s.ctx, s.tag, func() {
		b.chunk = &result{lib: s.conn.lib, ptr: s.conn.lib.streamFetch(s.conn.raw, b.stream.ptr)}
	})
	if err := s.failed(b.chunk.err()); err != nil {
		return err
	}
	if b.rest = b.chunk.bytes(); len(b.rest) == 0 {
		b.err = io.EOF
	}
	return nil
}

func (b *body) drop() {
	if b.chunk != nil {
		b.chunk.close()
		b.chunk, b.rest = nil, nil
	}
}

// Close stops the statement if it still runs and frees its connection. It may
// be called while another goroutine reads, and more than once.
func (b *body) Close() error {
	b.session.cancel() // a fetch under way returns early
	b.close()
	return nil
}

func (b *body) close() {
	b.mu.Lock()
	defer b.mu.Unlock()
	if b.closed {
		return
	}
	b.closed = true
	if b.unhook != nil {
		b.unhook()
	}
	stopped := b.session.stopped()
	b.drop()
	b.frame = nil
	b.session.cancel()
	if b.stream != nil {
		b.stop()
	}
	b.session.end()
	if stopped != nil {
		b.err = stopped
	} else if b.err == nil || errors.Is(b.err, io.EOF) {
		b.err = http.ErrBodyReadAfterClose
	}
}

// stop ends the stream. Unless it has come to its end by itself the statement is
// killed meanwhile, because the engine's own cancel waits for the work in hand,
// which may be a whole aggregation.
func (b *body) stop() {
	s := b.session
	if !errors.Is(b.err, io.EOF) {
		s.engine.interruptible(s.ctx, s.tag, func() {
			s.conn.lib.streamStop(s.conn.raw, b.stream.ptr)
		})
	}
	b.stream.close()
}

// framePadding precedes the text of an exception among Native blocks. A reader
// takes the frame's first bytes for a block before it sees its mistake; what
// clickhouse-go has not taken by then it reads twice, and the message is whole
// only when it is all in that part. The frame's "\r\n_" reads as ten rows whose
// first column has a name of 95 bytes, and a blank as a type name of 32.
var framePadding = strings.Repeat(" ", 160)

// exceptionFrame is how a ClickHouse server reports a failure after the first
// row, when the status has been sent.
func exceptionFrame(tag, text string) []byte {
	const marker = "\r\n__exception__\r\n"
	return fmt.Appendf(nil, "%s%s\r\n%s\n%d %s%s", marker, tag, text, len(text)+1, tag, marker)
}

func newExceptionTag() string { return rand.Text()[:16] }

// setSummary reports a finished statement's reads and writes as a server does.
func setSummary(h http.Header, p progress) {
	text, err := json.Marshal(map[string]string{
		"read_rows": strconv.FormatUint(p.readRows, 10), "read_bytes": strconv.FormatUint(p.readBytes, 10),
		"written_rows": strconv.FormatUint(p.writtenRows, 10), "written_bytes": strconv.FormatUint(p.writtenBytes, 10),
	})
	if err == nil {
		h.Set("X-ClickHouse-Summary", string(text))
	}
}
