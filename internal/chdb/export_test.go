package chdb

import (
	"errors"
	"net/http"
)

// Shared is the engine of this test binary.
func Shared() *Engine { return shared }

// Confined answers as a server does to a user who may read everything and
// write nothing: each statement runs under the role outside, and the engine's
// own grants are all that stops it.
func (e *Engine) Confined() http.RoundTripper { return confined{e} }

type confined struct{ engine *Engine }

// RoundTrip answers a request.
func (c confined) RoundTrip(req *http.Request) (*http.Response, error) {
	defer closeBody(req.Body)
	r, err := readRequest(req, maxStatementBytes)
	if err != nil {
		return nil, err
	}
	s, err := c.engine.newSession(req.Context(), r, nil)
	if err != nil {
		return nil, err
	}
	if err = s.conn.exec("SET ROLE " + outsideRole); err == nil {
		var res *http.Response
		if res, err = s.answer(req, r); err == nil {
			return res, nil
		}
	}
	s.end()
	if refused, ok := errors.AsType[*Error](err); ok {
		return failure(req, refused), nil
	}
	return nil, err
}
