package chdb

import (
	"errors"
	"runtime"
	"unsafe"
)

// conn is one engine connection. It runs one statement at a time; its owner
// serialises calls. Settings, the current database and temporary tables live
// and die with it.
type conn struct {
	lib    *library
	handle unsafe.Pointer // chdb_connection *, what close takes
	raw    unsafe.Pointer // chdb_connection, what statements take
}

// param is one {name:Type} value, bound by the engine and never spliced into
// the statement.
type param struct{ name, value string }

// dial connects with the given command-line style arguments. The engine gives
// no reason for a refusal here; what it knows it prints on descriptor 2.
func dial(lib *library, args []string) (*conn, error) {
	var pin runtime.Pinner
	defer pin.Unpin()
	handle := lib.connect(int32(len(args)), argv(&pin, args))
	if handle == nil {
		return nil, errors.New("the engine refused the connection")
	}
	raw := *(*unsafe.Pointer)(handle)
	if raw == nil {
		return nil, errors.New("the engine returned an empty connection")
	}
	return &conn{lib: lib, handle: handle, raw: raw}, nil
}

func (c *conn) close() {
	if c.handle != nil {
		c.lib.closeConn(c.handle)
		c.handle, c.raw = nil, nil
	}
}

// statement is the shape the three parameterised entry points share.
type statement func(conn, sql unsafe.Pointer, sqlLen uintptr, format unsafe.Pointer, formatLen uintptr, names, nameLens, values, valueLens unsafe.Pointer, count uintptr) unsafe.Pointer

// call lays out the parameters and runs fn. Strings stay where Go put them: the
// call is synchronous and the engine copies what it keeps.
func (c *conn) call(fn statement, sql, format string, params []param) unsafe.Pointer {
	var pin runtime.Pinner
	defer pin.Unpin()
	n := len(params)
	var names, values, nameLens, valueLens unsafe.Pointer
	if n > 0 {
		text := make([]unsafe.Pointer, 2*n)
		lens := make([]uintptr, 2*n)
		for i, p := range params {
			text[i], lens[i] = pinned(&pin, p.name), uintptr(len(p.name))
			text[n+i], lens[n+i] = pinned(&pin, p.value), uintptr(len(p.value))
		}
		pin.Pin(&text[0])
		pin.Pin(&lens[0])
		names, values = unsafe.Pointer(&text[0]), unsafe.Pointer(&text[n])
		nameLens, valueLens = unsafe.Pointer(&lens[0]), unsafe.Pointer(&lens[n])
	}
	out := fn(c.raw, textPointer(sql), uintptr(len(sql)), textPointer(format), uintptr(len(format)),
		names, nameLens, values, valueLens, uintptr(n))
	runtime.KeepAlive(sql)
	runtime.KeepAlive(format)
	runtime.KeepAlive(params)
	return out
}

// emptyText stands in for the address of an empty string, which Go leaves nil
// and the engine would take for a missing value.
var emptyText = new(byte)

func pinned(pin *runtime.Pinner, s string) unsafe.Pointer {
	if s == "" {
		return unsafe.Pointer(emptyText)
	}
	data := unsafe.StringData(s)
	pin.Pin(data)
	return unsafe.Pointer(data)
}

// query runs a statement to its end and holds its whole result.
func (c *conn) query(sql, format string, params ...param) *result {
	return &result{lib: c.lib, ptr: c.call(c.lib.query, sql, format, params)}
}

// exec runs a statement for its effect.
func (c *conn) exec(sql string, params ...param) error {
	r := c.query(sql, "TabSeparated", params...)
	defer r.close()
	return r.err()
}

// text runs a statement and copies its whole result.
func (c *conn) text(sql, format string, params ...param) (string, error) {
	r := c.query(sql, format, params...)
	defer r.close()
	if err := r.err(); err != nil {
		return "", err
	}
	return string(r.bytes()), nil
}

// result is the engine's answer to a statement, in memory the engine owns until
// close.
type result struct {
	lib *library
	ptr unsafe.Pointer
}

func (r *result) close() {
	if r.ptr != nil {
		r.lib.destroy(r.ptr)
		r.ptr = nil
	}
}

// err is the statement's failure as an *Error, or nil.
func (r *result) err() error {
	if r.ptr == nil {
		return newError("the engine returned no result")
	}
	if text := goString(r.lib.resultError(r.ptr)); text != "" {
		return newError(text)
	}
	return nil
}

// bytes is the result's text, valid until close.
func (r *result) bytes() []byte {
	n := r.lib.resultLength(r.ptr)
	if n == 0 {
		return nil
	}
	return unsafe.Slice((*byte)(r.lib.resultBuffer(r.ptr)), int(n))
}

// progress counts what a statement read from and wrote to storage.
type progress struct{ readRows, readBytes, writtenRows, writtenBytes uint64 }

func (p *progress) add(r *result) {
	p.readRows += r.lib.resultRowsRead(r.ptr)
	p.readBytes += r.lib.resultBytesRead(r.ptr)
	p.writtenRows += r.lib.resultRowsWritten(r.ptr)
	p.writtenBytes += r.lib.resultBytesWritten(r.ptr)
}
