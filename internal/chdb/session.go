package chdb

import (
	"context"
	"errors"
	"io"
	"net/http"
	"regexp"
	"strconv"
	"strings"
	"sync"
	"unsafe"
)

// session is one request's engine connection: nothing set in it, selected in it
// or left running in it reaches another request.
type session struct {
	engine  *Engine
	conn    *conn
	tag     string
	outside bool // the statement comes from outside the process

	ctx    context.Context // ends with the request, the engine or the session; kept because the body outlives the call, as in net/http
	cancel context.CancelFunc
	unhook func() bool
	once   sync.Once
}

// newSession connects, selects the database and applies the settings. Limits
// are given for a statement from outside.
func (e *Engine) newSession(ctx context.Context, r *request, limits *Limits) (*session, error) {
	args := e.connectArgs()
	settings := r.settings
	if limits != nil {
		var err error
		if settings, err = e.outsideSettings(settings, *limits); err != nil {
			return nil, err
		}
		args = append(args, limits.connectArgs()...)
	}
	c, err := dial(e.lib, args)
	if err != nil {
		return nil, newError(err.Error())
	}
	s := &session{engine: e, conn: c, tag: e.newTag(), outside: limits != nil}
	e.work.Add(1) // begin holds the group above zero
	s.ctx, s.cancel = context.WithCancel(ctx)
	s.unhook = context.AfterFunc(e.closing, s.cancel)
	if err := s.prepare(r.database, settings); err != nil {
		s.end()
		return nil, err
	}
	return s, nil
}

// end closes the connection; only the first call does anything.
func (s *session) end() {
	s.once.Do(func() {
		s.cancel()
		s.unhook()
		s.conn.close()
		s.engine.work.Done()
	})
}

func (s *session) prepare(database string, settings []setting) error {
	if database != "" {
		if err := s.conn.exec("USE " + quoteName(database)); err != nil {
			return err
		}
	}
	if rehearsal := s.engine.opts.Rehearsal; rehearsal != nil && !s.outside {
		if err := s.rehearse(rehearsal); err != nil {
			return err
		}
	}
	if len(settings) > 0 {
		if err := s.conn.exec(setStatement(settings)); err != nil {
			return err
		}
	}
	if s.outside {
		return s.confine()
	}
	return nil
}

func setStatement(settings []setting) string {
	assignments := make([]string, len(settings))
	for i, s := range settings {
		assignments[i] = s.name + "=" + quoteText(s.value)
	}
	return "SET " + strings.Join(assignments, ", ")
}

func quoteText(s string) string {
	return "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`, "\x00", `\0`).Replace(s) + "'"
}

func quoteName(s string) string {
	return "`" + strings.NewReplacer(`\`, `\\`, "`", "\\`", "\x00", `\0`).Replace(s) + "`"
}

// answer runs the request's statement. On an error the caller ends the session.
func (s *session) answer(req *http.Request, r *request) (*http.Response, error) {
	if r.sql == helloQuery && r.format == "Native" {
		defer s.end()
		return hello(req, s.engine.version)
	}
	if empty := (&lexer{sql: r.sql}).next(); empty.kind == tokenEnd {
		return nil, refuse(codeSyntaxError, "SYNTAX_ERROR", "Empty query")
	}
	class, err := classify(s.conn, r.sql)
	if err != nil {
		return nil, err
	}
	if class.Statements > 1 {
		return nil, refuse(codeSyntaxError, "SYNTAX_ERROR", "%d statements in one request; send them one at a time", class.Statements)
	}
	if s.outside {
		if err := s.admit(class, r); err != nil {
			return nil, err
		}
	}
	switch {
	case r.data != nil:
		return s.insert(req, r)
	case streamable(r.sql, r.format):
		return s.stream(req, r)
	default:
		return s.whole(req, r)
	}
}

// whole runs a statement to its end before answering. The result stays in the
// engine's memory and is read from there.
func (s *session) whole(req *http.Request, r *request) (*http.Response, error) {
	var out *result
	s.engine.interruptible(s.ctx, s.tag, func() {
		out = s.conn.query(s.tag+r.sql, r.format, r.params...)
	})
	if err := s.failed(out.err()); err != nil {
		out.close()
		return nil, err
	}
	var p progress
	p.add(out)
	b := newBody(s)
	b.chunk, b.rest, b.err = out, out.bytes(), io.EOF
	res := success(req, b)
	res.ContentLength = int64(len(b.rest))
	b.watch()
	setSummary(res.Header, p)
	return res, nil
}

// stream answers with the first piece of the result; the body fetches the rest.
// Waiting for the first piece lets most failures be answered as such.
func (s *session) stream(req *http.Request, r *request) (*http.Response, error) {
	var stream unsafe.Pointer
	s.engine.interruptible(s.ctx, s.tag, func() {
		stream = s.conn.call(s.conn.lib.streamQuery, s.tag+r.sql, r.format, r.params)
	})
	handle := &result{lib: s.conn.lib, ptr: stream}
	if err := s.failed(handle.err()); err != nil {
		handle.close()
		if refused, ok := errors.AsType[*Error](err); ok && refused.Code == codeBadArguments && strings.Contains(refused.Text, "Streaming query is not supported") {
			return s.whole(req, r) // nothing has run yet
		}
		return nil, err
	}
	b := newBody(s)
	b.stream = handle
	b.native = answerFormat(r.sql, r.format) == "Native"
	if err := b.fetch(); err != nil {
		b.close()
		return nil, err
	}
	res := success(req, b)
	res.Header.Set("X-ClickHouse-Exception-Tag", b.exceptionTag)
	b.watch()
	return res, nil
}

// failed turns the engine's report into what the caller is told: the context's
// own error when that is why the statement ended, and otherwise the report
// without the tag this package put before the statement.
func (s *session) failed(err error) error {
	if err == nil {
		return nil
	}
	if cause := s.stopped(); cause != nil {
		return cause
	}
	e, ok := errors.AsType[*Error](err)
	if !ok {
		return err
	}
	return &Error{Code: e.Code, Text: untagged(e.Text, s.tag)}
}

// stopped says why the session must not go on, or nil.
func (s *session) stopped() error {
	if s.engine.closing.Err() != nil {
		return ErrClosed
	}
	return s.ctx.Err()
}

var (
	positionPattern = regexp.MustCompile(`(failed at position )(\d+)`)
	columnPattern   = regexp.MustCompile(`(\(line 1, col )(\d+)\)`)
)

// untagged removes the tag from an error and moves the positions it shifted.
func untagged(text, tag string) string {
	shift := func(pattern *regexp.Regexp, suffix string) {
		text = pattern.ReplaceAllStringFunc(text, func(m string) string {
			parts := pattern.FindStringSubmatch(m)
			n, err := strconv.Atoi(parts[2])
			if err != nil || n <= len(tag) {
				return m
			}
			return parts[1] + strconv.Itoa(n-len(tag)) + suffix
		})
	}
	shift(positionPattern, "")
	shift(columnPattern, ")")
	return strings.ReplaceAll(text, tag, "")
}

var _ io.ReadCloser = (*body)(nil)
