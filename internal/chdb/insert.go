package chdb

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"runtime"
	"strings"
	"unsafe"
)

// insertChunkBytes is how much of an insert's data is handed over at a time.
// The engine copies it and holds the caller back when it falls behind.
const insertChunkBytes = 1 << 20

// insert streams the request's body into a table. The answer comes after the
// engine has committed; under Durable, after the rows are on disk.
func (s *session) insert(req *http.Request, r *request) (*http.Response, error) {
	stop := context.AfterFunc(s.ctx, func() { closeBody(req.Body) }) // unblocks a stalled reader
	defer stop()
	sql, format := insertTarget(r.sql)
	var stream unsafe.Pointer
	s.engine.interruptible(s.ctx, s.tag, func() {
		stream = s.conn.call(s.conn.lib.insertOpen, s.tag+sql, format, r.params)
	})
	if stream == nil {
		return nil, newError("the engine returned no insert stream")
	}
	lib := s.conn.lib
	defer lib.insertDestroy(stream)
	if text := goString(lib.insertError(stream)); text != "" {
		return nil, s.failed(newError(text))
	}
	if err := s.appendAll(stream, r.data); err != nil {
		s.cancel() // the engine's own cancel waits for the work in hand
		s.engine.interruptible(s.ctx, s.tag, func() { lib.insertCancel(stream) })
		return nil, err
	}
	p, err := s.commit(stream)
	if err != nil {
		return nil, err
	}
	s.end()
	res := success(req, http.NoBody)
	res.ContentLength = 0
	setSummary(res.Header, p)
	return res, nil
}

// insertTarget splits an INSERT whose data follows into what the engine's insert
// stream takes: the statement without FORMAT or VALUES, and the format's name.
func insertTarget(sql string) (target, format string) {
	if name, cut, ok := formatClause(sql); ok {
		return strings.TrimRight(cut, "; \t\r\n"), name
	}
	l := lexer{sql: sql}
	for t := l.next(); t.kind != tokenEnd; t = l.next() {
		if t.is("VALUES") {
			return sql[:t.start], "Values"
		}
	}
	return sql, "Values"
}

// errAppend says that the engine has given up on an insert; finishing the
// stream tells why.
var errAppend = errors.New("the engine stopped taking data")

func (s *session) appendAll(stream unsafe.Pointer, data io.Reader) error {
	buf := s.engine.buffers.Get().(*[]byte)
	defer s.engine.buffers.Put(buf)
	for {
		n, readErr := fill(data, *buf)
		if err := s.stopped(); err != nil {
			return err
		}
		if n > 0 {
			if err := s.appendChunk(stream, (*buf)[:n]); errors.Is(err, errAppend) {
				return nil // commit reports the cause
			}
		}
		if readErr == io.EOF { //nolint:errorlint // a reader's own end; a wrapped one is a body that broke off
			return nil
		}
		if readErr != nil {
			return fmt.Errorf("read the data to insert: %w", readErr)
		}
	}
}

// fill reads until buf is full or the reader ends, and gives the reader's own
// error: io.ReadFull would make a broken body look like its end.
func fill(r io.Reader, buf []byte) (n int, err error) {
	for n < len(buf) && err == nil {
		var more int
		more, err = r.Read(buf[n:])
		n += more
	}
	return n, err
}

func (s *session) appendChunk(stream unsafe.Pointer, chunk []byte) error {
	var state int32
	s.engine.interruptible(s.ctx, s.tag, func() {
		state = s.conn.lib.insertAppend(stream, unsafe.Pointer(&chunk[0]), uintptr(len(chunk)))
	})
	runtime.KeepAlive(chunk)
	if state != 0 {
		return errAppend
	}
	return nil
}

func (s *session) commit(stream unsafe.Pointer) (progress, error) {
	var done *result
	s.engine.interruptible(s.ctx, s.tag, func() {
		done = &result{lib: s.conn.lib, ptr: s.conn.lib.insertDone(stream)}
	})
	defer done.close()
	if err := s.failed(done.err()); err != nil {
		return progress{}, err
	}
	var p progress
	p.add(done)
	return p, nil
}
