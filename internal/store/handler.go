package store

import (
	"errors"
	"log/slog"
	"net/http"

	"github.com/faaswarden/faaswarden/internal/store/httpd"
)

// HandlerOptions say how the store is served.
type HandlerOptions struct {
	User     string // empty means default
	Password string // empty admits callers that ask for localhost, and nobody else
	Prefix   string // path under which the handler is mounted
	// Writable lets an authenticated caller make databases, tables and views
	// and insert rows, as Open and Insert over http:// do.
	Writable bool
	Logger   *slog.Logger // nil discards
}

// Handler serves the embedded store as ClickHouse's HTTP interface; package
// httpd says what it lets through. The caller decides where to listen.
func (s *Store) Handler(o HandlerOptions) (http.Handler, error) {
	if s.engine == nil {
		return nil, errors.New("serve the store: it is on a ClickHouse server, which serves itself")
	}
	h := httpd.Options{
		Read: s.engine.ReadOnlyRoundTripper(), Classify: s.engine.Classify, Database: s.database,
		User: o.User, Password: o.Password, Prefix: o.Prefix, Logger: o.Logger,
	}
	if o.Writable && !s.readOnly {
		h.Write = s.engine.RoundTripper()
	}
	return httpd.New(h)
}
