package awssim

import (
	"context"
	"encoding/base64"
	"fmt"
	"iter"
	"runtime"
	"strings"
	"sync"
	"time"

	"github.com/faaswarden/faaswarden/internal/awssim/insights"
)

// The states of a Logs Insights query.
const (
	queryScheduled = "Scheduled"
	queryRunning   = "Running"
	queryComplete  = "Complete"
	queryCancelled = "Cancelled"
	queryFailed    = "Failed"
)

// A logQuery is a Logs Insights query that was started.
type logQuery struct {
	region, account string
	world           *Region
	query           *insights.Query
	groups          []LogGroup
	from, to        time.Time // half-open
	now             time.Time
	limit           int
	bytes           float64   // what it scans
	notBefore       time.Time // it does not complete earlier

	stop context.CancelFunc
	mu   sync.Mutex
	at   string // state; Scheduled when empty
	got  insights.Result
}

// logRecord is a log event as a query sees it.
type logRecord struct {
	ReportLine
	log     string // account:group
	written string // the line, once it was asked for
}

// message is the line, written out at most once.
func (r *logRecord) message() string {
	if r.written == "" {
		r.written = r.Text()
	}
	return r.written
}

// queryStore holds the queries of a server and runs as many at once as there are
// processors.
type queryStore struct {
	ctx    context.Context //nolint:containedctx // the life of the queries, which outlive the requests that start them
	cancel context.CancelFunc
	slots  chan struct{}
	wait   sync.WaitGroup
	mu     sync.Mutex
	byID   map[string]*logQuery
	ids    []string // oldest first
}

// maxKept is how many queries can still be asked for their results.
const maxKept = 1000

func newQueryStore() *queryStore {
	ctx, cancel := context.WithCancel(context.Background())
	return &queryStore{ctx: ctx, cancel: cancel, slots: make(chan struct{}, runtime.GOMAXPROCS(0)), byID: map[string]*logQuery{}}
}

// close ends what runs and waits for it.
func (s *queryStore) close() {
	s.cancel()
	s.wait.Wait()
}

// start runs a query and returns its id.
func (s *queryStore) start(q *logQuery) string {
	ctx, stop := context.WithCancel(s.ctx)
	q.stop = stop
	id := newRequestID()
	s.mu.Lock()
	s.byID[id] = q
	if s.ids = append(s.ids, id); len(s.ids) > maxKept {
		delete(s.byID, s.ids[0])
		s.ids = s.ids[1:]
	}
	s.mu.Unlock()
	s.wait.Go(func() {
		defer stop()
		select {
		case s.slots <- struct{}{}:
			defer func() { <-s.slots }()
			q.run(ctx)
		case <-ctx.Done():
			q.set(queryCancelled)
		}
	})
	return id
}

func (s *queryStore) find(id string) *logQuery {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.byID[id]
}

// running is how many queries have not ended.
func (s *queryStore) running(now time.Time) int {
	s.mu.Lock()
	defer s.mu.Unlock()
	n := 0
	for _, q := range s.byID {
		if state, _ := q.state(now); state == queryScheduled || state == queryRunning {
			n++
		}
	}
	return n
}

func (q *logQuery) set(state string) {
	q.mu.Lock()
	defer q.mu.Unlock()
	q.at = state
}

// state is where the query stands; the result is there once it is complete.
func (q *logQuery) state(now time.Time) (string, insights.Result) {
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.at == "":
		return queryScheduled, insights.Result{}
	case q.at == queryComplete && now.Before(q.notBefore):
		return queryRunning, insights.Result{}
	default:
		return q.at, q.got
	}
}

// cancel stops the query and reports whether it was still going on.
func (q *logQuery) cancel(now time.Time) bool {
	state, _ := q.state(now)
	if state != queryScheduled && state != queryRunning {
		return false
	}
	q.stop()
	q.mu.Lock()
	defer q.mu.Unlock()
	q.at, q.got = queryCancelled, insights.Result{}
	return true
}

// check finds faults of the query that only show against log events.
func (q *logQuery) check() error {
	_, err := insights.Run(context.Background(), q.query, q.input(func(func(*logRecord) bool) {}), 1)
	return err
}

// scan adds up the bytes of the log groups in the asked time.
func (q *logQuery) scan() {
	for _, g := range q.groups {
		if from := maxTime(q.from, keptSince(g, q.now)); from.Before(q.to) {
			q.bytes += q.world.IncomingBytes(g.Name, from, q.to)
		}
	}
}

func (q *logQuery) run(ctx context.Context) {
	q.set(queryRunning)
	result, err := insights.Run(ctx, q.query, q.input(q.records), q.limit)
	q.mu.Lock()
	defer q.mu.Unlock()
	switch {
	case q.at == queryCancelled || ctx.Err() != nil:
		q.at = queryCancelled
	case err != nil:
		q.at = queryFailed
	default:
		q.at, q.got = queryComplete, result
	}
}

// records yields the events of all log groups in the asked time.
func (q *logQuery) records(yield func(*logRecord) bool) {
	for _, g := range q.groups {
		record := logRecord{log: q.account + ":" + g.Name}
		for line := range q.world.ReportLines(g.Name, maxTime(q.from, keptSince(g, q.now)), q.to) {
			record.ReportLine, record.written = line, ""
			if !yield(&record) {
				return
			}
		}
	}
}

func (q *logQuery) input(records iter.Seq[*logRecord]) insights.Input[logRecord] {
	return insights.Input[logRecord]{
		Records: records,
		Fields:  logField,
		Weight:  func(r *logRecord) float64 { return float64(r.Weight) },
		Pointer: func(r *logRecord) string {
			return base64.StdEncoding.EncodeToString(fmt.Appendf(nil, "%s|%d|%s", r.log, r.Time.UnixMilli(), r.RequestID))
		},
	}
}

// logField is a field that Logs Insights discovers in a Lambda log event, nil
// when there is none of that name. Lambda's own fields are found in lines of
// text; lines of JSON have the paths of their members instead.
func logField(name string) func(*logRecord) insights.Value {
	switch name {
	case "@timestamp":
		return func(r *logRecord) insights.Value { return insights.Instant(r.Time) }
	case "@ingestionTime":
		return func(r *logRecord) insights.Value { return insights.Instant(r.Time.Add(time.Second)) }
	case "@message":
		return func(r *logRecord) insights.Value { return insights.Text(r.message()) }
	case "@logStream":
		return func(r *logRecord) insights.Value { return insights.Text(r.Stream) }
	case "@log":
		return func(r *logRecord) insights.Value { return insights.Text(r.log) }
	}
	if strings.HasPrefix(name, "@") {
		return reportField(name)
	}
	return jsonField(name)
}

// reportField is a field of a REPORT line. Memory is in bytes of decimal
// megabytes, as Logs Insights has it.
func reportField(name string) func(*logRecord) insights.Value {
	const megabyte = 1e6
	get := map[string]func(*logRecord) insights.Value{
		"@type":           func(*logRecord) insights.Value { return insights.Text("REPORT") },
		"@requestId":      func(r *logRecord) insights.Value { return insights.Text(r.RequestID) },
		"@duration":       func(r *logRecord) insights.Value { return insights.Number(r.DurationMS) },
		"@billedDuration": func(r *logRecord) insights.Value { return insights.Number(float64(r.BilledMS)) },
		"@memorySize":     func(r *logRecord) insights.Value { return insights.Number(float64(r.MemoryMB) * megabyte) },
		"@maxMemoryUsed":  func(r *logRecord) insights.Value { return insights.Number(float64(r.MaxUsedMB) * megabyte) },
		"@initDuration":   func(r *logRecord) insights.Value { return positive(r.InitMS) },
	}[name]
	if get == nil {
		return nil
	}
	return func(r *logRecord) insights.Value {
		if r.JSON {
			return insights.Value{}
		}
		return get(r)
	}
}

// jsonField is a member of a platform.report object, by its path.
func jsonField(name string) func(*logRecord) insights.Value {
	get := map[string]func(*logRecord) insights.Value{
		"type": func(*logRecord) insights.Value { return insights.Text("platform.report") },
		"time": func(r *logRecord) insights.Value {
			return insights.Text(r.Time.UTC().Format("2006-01-02T15:04:05.000Z"))
		},
		"record.requestId":                       func(r *logRecord) insights.Value { return insights.Text(r.RequestID) },
		"record.status":                          func(r *logRecord) insights.Value { return optionalText(r.jsonStatus()) },
		"record.errorType":                       func(r *logRecord) insights.Value { return optionalText(r.ErrorType) },
		"record.metrics.durationMs":              func(r *logRecord) insights.Value { return insights.Number(r.DurationMS) },
		"record.metrics.billedDurationMs":        func(r *logRecord) insights.Value { return insights.Number(float64(r.BilledMS)) },
		"record.metrics.memorySizeMB":            func(r *logRecord) insights.Value { return insights.Number(float64(r.MemoryMB)) },
		"record.metrics.maxMemoryUsedMB":         func(r *logRecord) insights.Value { return insights.Number(float64(r.MaxUsedMB)) },
		"record.metrics.initDurationMs":          func(r *logRecord) insights.Value { return positive(r.InitMS) },
		"record.metrics.restoreDurationMs":       func(r *logRecord) insights.Value { return positive(r.RestoreMS) },
		"record.metrics.billedRestoreDurationMs": func(r *logRecord) insights.Value { return positive(float64(r.BilledRestoreMS)) },
	}[name]
	if get == nil {
		return nil
	}
	return func(r *logRecord) insights.Value {
		if !r.JSON {
			return insights.Value{}
		}
		return get(r)
	}
}

// jsonStatus is the outcome as platform.report names it.
func (l *ReportLine) jsonStatus() string {
	if l.Status == "" {
		return "success"
	}
	return l.Status
}

// positive is a number that is absent when it is zero.
func positive(f float64) insights.Value {
	if f == 0 {
		return insights.Value{}
	}
	return insights.Number(f)
}

func optionalText(s string) insights.Value {
	if s == "" {
		return insights.Value{}
	}
	return insights.Text(s)
}
