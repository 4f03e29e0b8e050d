package awssim

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"maps"
	"net"
	"net/http"
	"strconv"
	"strings"
	"sync"
	"time"

	v4 "github.com/aws/aws-sdk-go-v2/aws/signer/v4"
	"golang.org/x/time/rate"
)

// Options say what account a server shows, and how. Exactly one of World and
// Recording is set.
type Options struct {
	World       *World
	Members     []*World // further accounts, reached by assuming their roles; World's is the organisation's management account
	Recording   *Recording
	Now         func() time.Time // the account's time; the world's Now, or the wall clock for a recording
	Clock       func() time.Time // the wall clock; time.Now
	ClockSkew   time.Duration    // how far the wall clock of the services is ahead of Clock
	Credentials []Credential     // accepted keys; ExampleCredential when none
	AssumeRoles []string         // ARNs of roles that may be assumed, beside those of the world
	Limits      Limits
	Deny        []string // IAM actions with * and ?, "lambda:GetPolicy"; optionally followed by a space and an ARN pattern
	Faults      []Fault
	Restate     bool          // Cost Explorer shows final amounts for the days it first estimated
	QueryTime   time.Duration // how long a Logs Insights query keeps running at least
	Logger      *slog.Logger  // nil is silent
}

// Server shows a simulated or recorded account to AWS clients. It is an
// http.Handler's maker and, between Start and Close, a listener.
type Server struct {
	options  Options
	log      *slog.Logger
	services map[string]*service
	worlds   map[string]*World // by account
	signer   *v4.Signer
	ledger   *ledger
	buckets  *buckets
	faults   *faults
	identity Identity // of credentials that name none

	changing    sync.RWMutex // held by who reads the worlds, and by Change
	mu          sync.Mutex
	credentials map[string]Credential
	empty       map[[2]string]*Region // by account and name: regions in which nothing is

	lastAccessed lastAccessedJobs

	queries *queryStore
	series  seriesHold
	replay  *replay
	listen  *http.Server

	observe func(operation string, answer obj) // for tests: what handlers produce
}

const (
	defaultUser    = "faaswarden"
	maxRequestBody = 8 << 20
	shutdownWait   = 2 * time.Second
)

// NewServer prepares a server. It holds no goroutine or socket until Start, but
// for Logs Insights queries, which Close ends.
func NewServer(o Options) (*Server, error) {
	if (o.World == nil) == (o.Recording == nil) {
		return nil, errors.New("a simulated account needs a world or a recording, and not both")
	}
	s := &Server{
		options: o, log: o.Logger, services: map[string]*service{}, signer: v4.NewSigner(), ledger: newLedger(),
		buckets: &buckets{limits: o.Limits, held: map[bucketKey]*rate.Limiter{}}, faults: &faults{},
		credentials: map[string]Credential{}, empty: map[[2]string]*Region{}, worlds: map[string]*World{}, queries: newQueryStore(),
	}
	if s.log == nil {
		s.log = slog.New(slog.DiscardHandler)
	}
	for _, svc := range services() {
		s.services[svc.name] = svc
	}
	account := ""
	if o.World != nil {
		account = o.World.Account
		for _, w := range append([]*World{o.World}, o.Members...) {
			if s.worlds[w.Account] != nil {
				return nil, fmt.Errorf("account %s is simulated twice", w.Account)
			}
			s.worlds[w.Account] = w
		}
	} else {
		account = o.Recording.Account()
		s.replay = newReplay(o.Recording)
	}
	s.identity = Identity{Account: account, ARN: fmt.Sprintf("arn:%s:iam::%s:user/%s", s.partition(), account, defaultUser), UserID: "AIDACKCEVSQ6C2EXAMPLE"}
	keys := o.Credentials
	if len(keys) == 0 {
		keys = []Credential{ExampleCredential()}
	}
	for _, key := range keys {
		s.grant(key)
	}
	s.faults.add(o.Faults)
	return s, nil
}

// grant accepts a credential from now on.
func (s *Server) grant(c Credential) {
	if c.Identity == (Identity{}) {
		c.Identity = s.identity
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	s.credentials[c.AccessKeyID] = c
}

func (s *Server) credential(key string) (Credential, bool) {
	s.mu.Lock()
	defer s.mu.Unlock()
	c, ok := s.credentials[key]
	return c, ok
}

// Handler is the server as an HTTP handler.
func (s *Server) Handler() http.Handler { return http.HandlerFunc(s.serve) }

// Start listens on the address and serves until Close. It returns the URL to
// give to AWS clients as their endpoint.
func (s *Server) Start(address string) (string, error) {
	listener, err := (&net.ListenConfig{}).Listen(context.Background(), "tcp", address)
	if err != nil {
		return "", fmt.Errorf("listen for AWS clients: %w", err)
	}
	server := &http.Server{
		Handler: s.Handler(), ReadHeaderTimeout: 10 * time.Second,
		ErrorLog: slog.NewLogLogger(s.log.Handler(), slog.LevelDebug),
	}
	s.mu.Lock()
	s.listen = server
	s.mu.Unlock()
	go func() {
		if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
			s.log.Error("the simulated account stopped", "error", err)
		}
	}()
	return "http://" + listener.Addr().String(), nil
}

// Close stops listening, ends running queries and waits for both.
func (s *Server) Close() error {
	s.queries.close()
	s.mu.Lock()
	server := s.listen
	s.listen = nil
	s.mu.Unlock()
	if server == nil {
		return nil
	}
	ctx, cancel := context.WithTimeout(context.Background(), shutdownWait)
	defer cancel()
	if err := server.Shutdown(ctx); err == nil {
		return nil
	}
	if err := server.Close(); err != nil {
		return fmt.Errorf("stop the simulated account: %w", err)
	}
	return nil
}

// Calls is what was asked so far.
func (s *Server) Calls() Stats { return s.ledger.stats() }

// Inject arms further faults; the returned function takes them away again.
func (s *Server) Inject(list ...Fault) (remove func()) { return s.faults.add(list) }

// now is the account's time.
func (s *Server) now() time.Time {
	switch {
	case s.options.Now != nil:
		return s.options.Now().UTC()
	case s.options.World != nil:
		return s.options.World.Now
	default:
		return s.clock()
	}
}

// clock is the wall clock of the services.
func (s *Server) clock() time.Time {
	now := time.Now
	if s.options.Clock != nil {
		now = s.options.Clock
	}
	return now().Add(s.options.ClockSkew).UTC()
}

// partition is the account's.
func (s *Server) partition() string {
	if s.options.World != nil && s.options.World.Partition != "" {
		return s.options.World.Partition
	}
	return "aws"
}

// region is a region of an account; one its world does not have is enabled and empty.
func (s *Server) region(account, name string) *Region {
	world := s.worlds[account]
	if r := world.Region(name); r != nil {
		return r
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	key := [2]string{account, name}
	r := s.empty[key]
	if r == nil {
		r = &Region{Name: name, ConcurrencyLimit: 1000, CodeSizeLimit: 300 << 30, world: world}
		s.empty[key] = r
	}
	return r
}

// A reply is what goes back to the client.
type reply struct {
	status int
	header map[string]string
	body   body
	fault  *Fault // of the transport
}

func (s *Server) serve(w http.ResponseWriter, r *http.Request) {
	requestID := newRequestID()
	payload, err := io.ReadAll(http.MaxBytesReader(w, r.Body, maxRequestBody))
	if err != nil {
		http.Error(w, "", http.StatusRequestEntityTooLarge)
		return
	}
	answer := s.answer(r, payload, requestID)
	h := w.Header()
	h.Set("Date", s.clock().Format(http.TimeFormat))
	h.Set("X-Amzn-RequestId", requestID)
	h.Set("Content-Type", answer.body.contentType)
	for name, value := range answer.header {
		h.Set(name, value)
	}
	answer.write(w, r)
}

// answer goes through everything a service does with a request.
func (s *Server) answer(r *http.Request, payload []byte, requestID string) reply {
	c := &call{server: s, requestID: requestID, queryMode: r.Header.Get("X-Amzn-Query-Mode") == "true"}
	header := r.Header.Get("Authorization")
	a, ok := parseAuthorization(header)
	c.service = s.services[a.service]
	known := c.service != nil
	if !known {
		c.service = &service{name: a.service, prefix: a.service, protocol: protocolOf(r), xml: queryNames()}
	}
	if !ok {
		return c.unsigned(header)
	}
	identity, fault := s.authenticate(c.service, a, r, payload)
	if fault != nil {
		return c.refuse(fault)
	}
	c.identity, c.region = identity, c.service.regionFor(a.region)
	name, params, fault := c.service.decode(r, payload)
	if fault != nil && name == "" {
		return c.refuse(fault)
	}
	c.params = params
	c.operation = c.service.operation(name)
	if c.operation == nil {
		if s.replay == nil || !known && name == "" {
			return c.refuse(c.service.unknown(name))
		}
		c.operation = &operation{name: name}
	}
	return c.carryOut(fault)
}

// unknown is the refusal of an operation that the service does not have.
func (s *service) unknown(name string) *apiError {
	switch s.protocol {
	case query:
		return s.fail(failUnknownOperation, "Could not find operation %s for version", name)
	case ec2Query:
		return s.fail(failUnknownOperation, "The action %s is not valid for this web service.", name)
	default:
		return s.fail(failUnknownOperation, "")
	}
}

// unsigned refuses a request without a readable signature.
func (c *call) unsigned(header string) reply {
	if header == "" {
		return c.refuse(c.service.fail(failMissingAuth, ""))
	}
	return c.refuse(c.service.fail(failIncompleteSignature,
		"Authorization header requires 'Credential' parameter. Authorization header requires 'Signature' parameter. "+
			"Authorization header requires 'SignedHeaders' parameter."))
}

// carryOut counts, limits, permits, validates and answers a call. malformed is
// what is wrong with its body.
func (c *call) carryOut(malformed *apiError) reply {
	s := c.server
	s.ledger.arrived(c, s.clock())
	answer, how, err := c.attempt(malformed)
	if err != nil {
		e := c.service.asAPIError(err)
		s.ledger.ended(c, c.kindOf(e, how), true, 0)
		answer.status, answer.header = e.status, c.errorHeader(e)
		answer.body = c.errorBody(e)
		s.log.Debug("refused", "service", c.service.name, "operation", c.operation.name, "region", c.region, "status", e.status, "code", e.code)
		return answer
	}
	s.ledger.ended(c, failInternal, answer.status >= http.StatusBadRequest, c.billed)
	s.log.Debug("answered", "service", c.service.name, "operation", c.operation.name, "region", c.region, "bytes", len(answer.body.data))
	return answer
}

// kindOf tells denials of single resources, which handlers raise, from other errors.
func (c *call) kindOf(e *apiError, how failure) failure {
	if e.code == c.service.fail(failDenied, "").code {
		return failDenied
	}
	return how
}

// attempt is the call but for counting. how says why it failed.
func (c *call) attempt(malformed *apiError) (answer reply, how failure, err error) {
	s := c.server
	struck := s.faults.hit(c, s.clock())
	if struck != nil {
		if e, how := c.faultError(struck.Kind); e != nil {
			return reply{}, how, e
		}
		if page, ok := htmlPage(struck.Kind); ok {
			return page, failInternal, nil
		}
		answer.fault = struck
		c.repeatToken, c.oldToken = struck.Kind == FaultRepeatToken, struck.Kind == FaultBadToken
	}
	if !c.withinQuota() {
		return answer, failThrottled, c.fail(failThrottled, "")
	}
	if malformed != nil {
		return answer, failMalformed, malformed
	}
	if !c.operation.free && denied(s.options.Deny, c.service.action(c.operation), c.resourceARN()) {
		return answer, failDenied, c.refused()
	}
	if err := c.validate(); err != nil {
		return answer, failValidation, err
	}
	result, err := c.run()
	if err != nil {
		return answer, failInternal, err
	}
	if s.observe != nil {
		s.observe(c.service.name+"."+c.operation.name, result)
	}
	answer.status = http.StatusOK
	answer.body, err = c.service.encode(c.operation, result, c.requestID)
	if c.service.protocol == rpcCBOR {
		answer.header = map[string]string{"Smithy-Protocol": "rpc-v2-cbor"}
	}
	return answer, failInternal, err
}

// run answers from the recording or from the world.
func (c *call) run() (obj, error) {
	if c.server.replay != nil {
		return c.server.replay.answer(c)
	}
	if c.operation.run == nil { // it exists, and the account's policies do not allow it
		return nil, c.refused()
	}
	c.server.changing.RLock()
	defer c.server.changing.RUnlock()
	return c.operation.run(c)
}

// withinQuota takes from the operation's token bucket.
func (c *call) withinQuota() bool {
	q, ok := c.service.quotaFor(c.operation)
	return !ok || c.server.buckets.take(bucketKey{c.account(), c.region, c.service.name, q.name}, q, c.server.clock(), 1)
}

// faultError is the error of a fault that is one.
func (c *call) faultError(kind FaultKind) (*apiError, failure) {
	switch kind {
	case FaultServerError:
		return c.fail(failInternal, ""), failInternal
	case FaultUnavailable:
		return c.fail(failUnavailable, ""), failUnavailable
	case FaultThrottle:
		return c.fail(failThrottled, ""), failThrottled
	case FaultExpired:
		return c.fail(failExpired, ""), failExpired
	case FaultDenied:
		return c.refused(), failDenied
	case FaultInvalid:
		return c.fail(failBadSignature, ""), failBadSignature
	default:
		return nil, 0
	}
}

// htmlPage is what a proxy between client and service answers.
func htmlPage(kind FaultKind) (reply, bool) {
	status := map[FaultKind]int{FaultHTML404: http.StatusNotFound, FaultHTML500: http.StatusInternalServerError}[kind]
	if status == 0 {
		return reply{}, false
	}
	title := fmt.Sprintf("%d %s", status, http.StatusText(status))
	page := "<html>\r\n<head><title>" + title + "</title></head>\r\n<body>\r\n<center><h1>" + title + "</h1></center>\r\n</body>\r\n</html>\r\n"
	return reply{status: status, body: body{data: []byte(page), contentType: "text/html"}}, true
}

// refuse is an error before the operation is known; it is not counted.
func (c *call) refuse(e *apiError) reply {
	c.server.log.Debug("refused", "service", c.service.name, "region", c.region, "status", e.status, "code", e.code)
	return reply{status: e.status, header: c.errorHeader(e), body: c.errorBody(e)}
}

func (c *call) errorBody(e *apiError) body {
	b, err := c.service.encodeError(e, c.requestID)
	if err != nil {
		return body{data: []byte(err.Error()), contentType: "text/plain"}
	}
	return b
}

// errorHeader is what errors say outside their body.
func (c *call) errorHeader(e *apiError) map[string]string {
	h := map[string]string{}
	maps.Copy(h, e.header)
	switch c.service.protocol {
	case restJSON:
		h["X-Amzn-ErrorType"] = e.code
	case rpcCBOR:
		h["Smithy-Protocol"] = "rpc-v2-cbor"
	default: // the body says it all
	}
	if e.queryCode != "" && c.queryMode {
		fault := "Sender"
		if e.receiver {
			fault = "Receiver"
		}
		h["X-Amzn-Query-Error"] = e.queryCode + ";" + fault
	}
	return h
}

// write sends the reply, or what a fault of the transport leaves of it.
func (a reply) write(w http.ResponseWriter, r *http.Request) {
	data := a.body.data
	if a.fault != nil {
		switch a.fault.Kind {
		case FaultSlow:
			wait(r.Context(), a.fault.Delay)
		case FaultReset:
			reset(w)
			return
		case FaultMalform:
			data = data[:len(data)/2]
		default: // not of the transport, or later
		}
	}
	w.Header().Set("Content-Length", strconv.Itoa(len(data)))
	w.WriteHeader(a.status)
	if a.fault != nil && a.fault.Kind == FaultTrickle {
		trickle(r.Context(), w, data, a.fault.Delay)
		return
	}
	if a.fault != nil && a.fault.Kind == FaultTruncate {
		_, _ = w.Write(data[:len(data)/2])
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
		panic(http.ErrAbortHandler) // net/http's way to break off an answer
	}
	_, _ = w.Write(data) // a client that went away does not miss it
}

// trickle sends an answer a byte at a time, until the client gives up.
func trickle(ctx context.Context, w http.ResponseWriter, data []byte, every time.Duration) {
	for i := range data {
		if _, err := w.Write(data[i : i+1]); err != nil || ctx.Err() != nil {
			return
		}
		if f, ok := w.(http.Flusher); ok {
			f.Flush()
		}
		wait(ctx, every)
	}
}

// wait sleeps until the client gives up.
func wait(ctx context.Context, d time.Duration) {
	timer := time.NewTimer(d)
	defer timer.Stop()
	select {
	case <-ctx.Done():
	case <-timer.C:
	}
}

// reset closes the connection so that the client sees it reset.
func reset(w http.ResponseWriter) {
	hijacker, ok := w.(http.Hijacker)
	if !ok {
		panic(http.ErrAbortHandler)
	}
	conn, _, err := hijacker.Hijack()
	if err != nil {
		panic(http.ErrAbortHandler)
	}
	if tcp, ok := conn.(*net.TCPConn); ok {
		_ = tcp.SetLinger(0)
	}
	_ = conn.Close()
}

// newRequestID is a random UUID.
func newRequestID() string {
	var b [16]byte
	_, _ = rand.Read(b[:]) // documented never to fail
	b[6], b[8] = b[6]&0x0f|0x40, b[8]&0x3f|0x80
	id := fmt.Sprintf("%x", b)
	return strings.Join([]string{id[:8], id[8:12], id[12:16], id[16:20], id[20:]}, "-")
}
