// Package httpd serves the embedded engine as ClickHouse's HTTP interface, so
// that Grafana, a BI tool or any ClickHouse client can read the store.
//
// What it promises: a caller proves who it is before anything runs; a statement
// runs read-only unless the server was made writable; nothing from outside
// reaches a file, the network or the engine's control; settings are taken from
// short lists; results are streamed in bounded memory; and an error has
// ClickHouse's code and form.
package httpd

import (
	"context"
	"crypto/rand"
	"errors"
	"io"
	"log/slog"
	"net/http"
	"net/url"
	"path"
	"regexp"
	"strings"
	"sync"
	"time"

	"github.com/faaswarden/faaswarden/internal/chdb"
)

// Options say what is served to whom. Read, Classify and Database are required.
type Options struct {
	// Read answers statements that must not change anything.
	Read http.RoundTripper
	// Write answers what a writer may do: make the store's tables and insert
	// into them. nil serves read-only.
	Write http.RoundTripper
	// Classify is the engine's judgement of a statement.
	Classify func(sql string) (chdb.Class, error)
	// Database is what clients get when they name none, or "default".
	Database string

	User     string // empty means default
	Password string // empty admits anyone who asks for localhost by name or address

	Prefix        string        // path under which it is mounted, such as /clickhouse
	MaxStatement  int64         // bytes of SQL; 0 means 1 MiB
	MaxInsert     int64         // bytes of an insert's data; 0 means 4 GiB
	MaxConcurrent int           // statements at a time; 0 means 8
	QueueTime     time.Duration // how long a statement waits for its turn; 0 means 10 s
	IdleTime      time.Duration // how long a client may neither send nor take a byte; 0 means 60 s
	Version       string        // of the engine, for the Server header
	Logger        *slog.Logger  // nil discards
}

func (o Options) withDefaults() Options {
	setDefault(&o.User, "default")
	setDefault(&o.MaxStatement, 1<<20)
	setDefault(&o.MaxInsert, 4<<30)
	setDefault(&o.MaxConcurrent, 8)
	setDefault(&o.QueueTime, 10*time.Second)
	setDefault(&o.IdleTime, time.Minute)
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Prefix = strings.TrimSuffix(path.Clean("/"+o.Prefix), "/")
	return o
}

func setDefault[T comparable](field *T, value T) {
	var zero T
	if *field == zero {
		*field = value
	}
}

// New returns the handler. It starts nothing and holds nothing to close.
func New(o Options) (http.Handler, error) {
	if o.Read == nil || o.Classify == nil || o.Database == "" {
		return nil, errors.New("serve the store: Read, Classify and Database are required")
	}
	o = o.withDefaults()
	return &handler{o: o, turns: make(chan struct{}, o.MaxConcurrent), log: o.Logger.With(slog.String("component", "store_http"))}, nil
}

type handler struct {
	o     Options
	turns chan struct{}
	log   *slog.Logger

	deniedMu sync.Mutex
	denied   map[string]bool // function names no writer may use; nil until asked for
}

// ServeHTTP answers one request.
func (h *handler) ServeHTTP(w http.ResponseWriter, r *http.Request) {
	w.Header().Set("X-Content-Type-Options", "nosniff")
	w.Header().Set("X-ClickHouse-Server-Display-Name", "faaswarden")
	// A deadline of the connection's last request would cut this one.
	_ = http.NewResponseController(w).SetWriteDeadline(time.Time{})
	name, ok := strings.CutPrefix(r.URL.Path, h.o.Prefix)
	switch {
	case !ok || name != "" && name != "/" && name != "/ping" && name != "/replicas_status":
		refuse(w, http.StatusNotFound, 0, "", "there is no handle %s; use %s/", r.URL.Path, h.o.Prefix)
	case r.Method != http.MethodGet && r.Method != http.MethodHead && r.Method != http.MethodPost:
		w.Header().Set("Allow", "GET, HEAD, POST")
		refuse(w, http.StatusMethodNotAllowed, 0, "", "method %s is not supported", r.Method)
	case name == "/ping" || name == "/replicas_status":
		answerOK(w)
	default:
		h.serveStatement(w, r)
	}
}

// answerOK is what ClickHouse says when it is well.
func answerOK(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/html; charset=UTF-8")
	_, _ = io.WriteString(w, "Ok.\n") // the client is gone: nobody to tell
}

func (h *handler) serveStatement(w http.ResponseWriter, r *http.Request) {
	query, err := url.ParseQuery(r.URL.RawQuery)
	if err != nil {
		refuse(w, http.StatusBadRequest, 36, "BAD_ARGUMENTS", "malformed URL query")
		return
	}
	if r.Method != http.MethodPost && !query.Has("query") {
		answerOK(w)
		return
	}
	if fault := h.authenticate(r, query); fault != nil {
		fault.write(w)
		return
	}
	if r.Method == http.MethodHead {
		return // 200 without running anything
	}
	ctx, cancel := context.WithCancel(r.Context())
	defer cancel()
	if !h.takeTurn(ctx) {
		refuse(w, http.StatusServiceUnavailable, 202, "TOO_MANY_SIMULTANEOUS_QUERIES", "%d statements are running; try again", h.o.MaxConcurrent)
		return
	}
	defer func() { <-h.turns }()
	if err := h.run(ctx, w, r, query); err != nil {
		h.report(w, err)
	}
}

func (h *handler) takeTurn(ctx context.Context) bool {
	wait := time.NewTimer(h.o.QueueTime)
	defer wait.Stop()
	select {
	case h.turns <- struct{}{}:
		return true
	case <-wait.C:
		return false
	case <-ctx.Done():
		return false
	}
}

// run reads the statement, decides what it may do and streams the answer. An
// error is returned only while nothing has been answered.
func (h *handler) run(ctx context.Context, w http.ResponseWriter, r *http.Request, query url.Values) error {
	in := &incoming{handler: h, w: w, r: r, query: query}
	if err := in.read(); err != nil {
		return err
	}
	transport, writes, err := h.transportFor(ctx, in)
	if err != nil {
		return err
	}
	settings, err := h.settings(query, writes)
	if err != nil {
		return err
	}
	res, err := transport.RoundTrip(in.outgoing(ctx, settings))
	if err != nil {
		return err
	}
	defer res.Body.Close() //nolint:errcheck // it was only read
	return h.respond(w, r, query, in, res)
}

// report answers with an error that stopped a request before its answer began.
func (h *handler) report(w http.ResponseWriter, err error) {
	if fault, ok := errors.AsType[*fault](err); ok {
		fault.write(w)
		return
	}
	switch {
	case errors.Is(err, context.Canceled):
		// Mostly nobody is left to read this, but a client that only stopped
		// sending must not take silence for success.
		refuse(w, http.StatusBadRequest, 394, "QUERY_WAS_CANCELLED", "the request broke off; nothing was inserted")
	case errors.Is(err, errTruncated):
		refuse(w, http.StatusBadRequest, 33, "CANNOT_READ_ALL_DATA", "the request ended before its data did; nothing was inserted")
	case errors.Is(err, chdb.ErrClosed):
		refuse(w, http.StatusServiceUnavailable, 210, "NETWORK_ERROR", "the store is closing")
	default:
		h.log.Debug("a request failed", slog.Any("err", err))
		refuse(w, http.StatusBadRequest, 1002, "UNKNOWN_EXCEPTION", "%v", err)
	}
}

var idPattern = regexp.MustCompile(`^[A-Za-z0-9_.:-]{1,64}$`)

// queryID is the client's own, or a fresh one.
func queryID(query url.Values) string {
	if id := query.Get("query_id"); idPattern.MatchString(id) {
		return id
	}
	return strings.ToLower(rand.Text())
}
