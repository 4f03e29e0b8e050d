package metrics

import (
	"context"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/smithy-go"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

const (
	maxQueries    = 500     // metrics in one GetMetricData call (DOC:cloudwatch_limits)
	maxDatapoints = 100_800 // datapoints in one answer; more make further pages
	parallel      = 2       // calls under way at once: CloudWatch reads 396,000 datapoints a second for an account
	chunk         = 8192    // rows handed to the sink at once
	enough        = 3       // failed calls in a row after which no more are made
)

// window is half-open and aligned to the period.
type window struct {
	from, to time.Time
	period   time.Duration
}

func (w window) points() int { return int(w.to.Sub(w.from) / w.period) }

// Statuses of metric_reads. An empty status means the series was not asked for.
const (
	complete = "complete"
	partial  = "partial"
)

// answer is how CloudWatch answered for one series.
type answer struct {
	status string
	points uint64
	err    error // why the status is not complete
}

var (
	errPartial  = errors.New("CloudWatch returned a part of the datapoints and no way to get the rest")
	errInternal = errors.New("CloudWatch reports an internal error for this metric")
	errMissing  = errors.New("the answer does not mention this metric")
	errShape    = errors.New("malformed answer: timestamps and values do not pair, or a value is not a number")
	errNotAsked = errors.New("not asked for: earlier calls failed")
	// errForbidden is the refusal of a single metric inside an answer.
	errForbidden = &smithy.GenericAPIError{Code: "AccessDenied", Message: "CloudWatch forbids this metric"}
)

// errTimeUp ends a run before its deadline would end it in the middle of a call that is paid for.
var errTimeUp = errors.New("the run's time is up: what is left is read by the next run, which goes on where this one stopped")

// reader asks GetMetricData and writes what it answers. Several batches are
// under way at once; callbacks and the sink see one at a time.
type reader struct {
	run    *collect.Run
	api    *cloudwatch.Client
	margin time.Duration // before the deadline in which no call is begun

	mu       sync.Mutex
	answered bool          // some call has succeeded
	failures int           // calls failed in a row
	stopped  error         // why no further call is made
	blind    bool          // a gap already covers everything
	late     bool          // the deadline is near
	slowest  time.Duration // of the calls so far
}

func newReader(ctx context.Context, r *collect.Run) *reader {
	reader := &reader{run: r, api: cloudwatch.NewFromConfig(r.AWS)}
	if deadline, ok := ctx.Deadline(); ok {
		reader.margin = min(10*time.Second, time.Until(deadline)/20)
	}
	return reader
}

// unit is series that are asked for in the same call: a resource is answered
// as a whole or not at all, and a cursor needs no more than its name.
type unit []series

// batch is some units of one read, and their series one after the other.
type batch struct {
	low, high int // units
	list      []series
	owner     []int // which unit each series is of
	answers   []answer
}

// batches cuts units into calls, each answered in one page.
func batches(w window, units []unit) []*batch {
	size := min(maxQueries, max(1, maxDatapoints/w.points()))
	var list []*batch
	for i, u := range units {
		last := len(list) - 1
		if last < 0 || len(list[last].list)+len(u) > size {
			list = append(list, &batch{low: i})
			last++
		}
		b := list[last]
		b.high, b.list = i+1, append(b.list, u...)
		for range u {
			b.owner = append(b.owner, i)
		}
	}
	for _, b := range list {
		b.answers = make([]answer, len(b.list))
	}
	return list
}

// observer is shown every point, and after every call which of its units were
// answered wholly: whatever done saves, a later run need not ask again. Both
// may be told the same twice, and neither is called by two at once.
type observer struct {
	see  func(unit int, s series, ts time.Time, v float64)
	done func(ctx context.Context, low int, whole []bool) error
}

// read asks for every unit in the window, writes points and metric_reads, and
// records a gap for what was not answered wholly. An error ends the run.
func (r *reader) read(ctx context.Context, w window, units []unit, o observer) error {
	err := collect.Each(ctx, parallel, batches(w, units), func(ctx context.Context, b *batch) error {
		return r.ask(ctx, w, b, o)
	})
	r.mu.Lock()
	defer r.mu.Unlock()
	switch {
	case err != nil:
		return fmt.Errorf("read metrics in %s: %w", r.run.Region, err)
	case r.late:
		return errTimeUp
	}
	return nil
}

// ask reads one batch, and once more those of its series for which CloudWatch
// had an internal error.
func (r *reader) ask(ctx context.Context, w window, b *batch, o observer) error {
	if r.timeUp(ctx) {
		return nil // not as an error, which would cut off the calls under way
	}
	see := func(i int, ts time.Time, v float64) {
		if o.see != nil {
			o.see(b.owner[i], b.list[i], ts, v)
		}
	}
	if err := r.call(ctx, w, b.list, b.answers, see); err != nil {
		return err
	}
	if err := r.askAgain(ctx, w, b, see); err != nil {
		return err
	}
	r.mu.Lock()
	defer r.mu.Unlock()
	if err := r.report(ctx, w, b); err != nil || o.done == nil {
		return err
	}
	whole := make([]bool, b.high-b.low)
	for i := range whole {
		whole[i] = true
	}
	for i, a := range b.answers {
		if a.status != complete {
			whole[b.owner[i]-b.low] = false
		}
	}
	return o.done(ctx, b.low, whole)
}

// timeUp reports that another call might not end before the deadline.
func (r *reader) timeUp(ctx context.Context) bool {
	deadline, ok := ctx.Deadline()
	r.mu.Lock()
	defer r.mu.Unlock()
	if ok && time.Until(deadline) < r.margin+2*r.slowest {
		r.late = true
	}
	return r.late
}

func (r *reader) askAgain(ctx context.Context, w window, b *batch, see func(int, time.Time, float64)) error {
	var again []int
	for i, a := range b.answers {
		if errors.Is(a.err, errInternal) {
			again = append(again, i)
		}
	}
	if len(again) == 0 {
		return nil
	}
	retried, results := make([]series, len(again)), make([]answer, len(again))
	for j, i := range again {
		retried[j] = b.list[i]
	}
	// Points of the first call are written and shown again, which is harmless.
	err := r.call(ctx, w, retried, results, func(j int, ts time.Time, v float64) { see(again[j], ts, v) })
	for j, i := range again {
		if results[j].status != "" {
			b.answers[i] = results[j]
		}
	}
	return err
}

// call makes one GetMetricData call and reads all its pages. Failures that
// cost no more than the batch are left in answers.
func (r *reader) call(ctx context.Context, w window, list []series, answers []answer, see func(int, time.Time, float64)) error {
	if r.hopeless() {
		return nil
	}
	in := &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(w.from), EndTime: aws.Time(w.to),
		ScanBy: types.ScanByTimestampAscending, MetricDataQueries: r.queries(w, list),
	}
	began := time.Now()
	err := collect.Pages(ctx, action, func(ctx context.Context, token *string) (*string, error) {
		in.NextToken = token
		out, err := r.api.GetMetricData(ctx, in)
		if err != nil {
			return nil, err
		}
		r.run.Meter.Bill("cloudwatch", "GetMetricData", "metric", float64(len(list)))
		return out.NextToken, r.take(ctx, w, list, answers, out.MetricDataResults, see)
	})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && collect.Stop(err):
		return err
	}
	r.note(err, time.Since(began))
	if !errors.Is(err, collect.ErrBudget) { // refused before it was sent: never asked
		conclude(answers, err)
	}
	return nil
}

func (r *reader) queries(w window, list []series) []types.MetricDataQuery {
	out := make([]types.MetricDataQuery, len(list))
	for i, s := range list {
		out[i] = types.MetricDataQuery{
			Id: aws.String("m" + strconv.Itoa(i)),
			MetricStat: &types.MetricStat{
				Metric: &types.Metric{
					Namespace: aws.String(s.namespace), MetricName: aws.String(s.metric), Dimensions: s.dimensions,
				},
				Period: aws.Int32(int32(w.period / time.Second)), Stat: aws.String(s.stat),
			},
		}
		if s.account != r.run.Account {
			out[i].AccountId = aws.String(s.account) // of a source account, read from this monitoring account
		}
	}
	return out
}

// take writes the points of a page and keeps each series' status, which a
// later page may better.
func (r *reader) take(
	ctx context.Context, w window, list []series, answers []answer, results []types.MetricDataResult, see func(int, time.Time, float64),
) error {
	r.mu.Lock()
	defer r.mu.Unlock()
	rows := make([]schema.MetricPoint, 0, chunk)
	for _, result := range results {
		i, ok := index(result.Id, len(list))
		if !ok {
			continue // nothing that was asked for
		}
		answers[i].status, answers[i].err = status(result)
		if len(result.Timestamps) != len(result.Values) {
			answers[i].status, answers[i].err = string(collect.Failed), errShape
			continue
		}
		s := list[i]
		for j, ts := range result.Timestamps {
			ts, v := ts.UTC(), result.Values[j]
			if math.IsNaN(v) || math.IsInf(v, 0) {
				answers[i].status, answers[i].err = string(collect.Failed), errShape
				continue
			}
			if ts.Before(w.from) || !ts.Before(w.to) {
				continue // not of the window that was asked for
			}
			answers[i].points++
			see(i, ts, v)
			rows = append(rows, schema.MetricPoint{
				Account: s.account, Region: r.run.Region, Namespace: s.namespace, Metric: s.metric, Stat: s.stat,
				Resource: s.resource, Qualifier: s.qualifier, PeriodS: uint32(w.period / time.Second), TS: ts, Value: v,
				CollectedAt: r.run.Now,
			})
			if len(rows) == chunk {
				if err := collect.Put(ctx, r.run, rows...); err != nil {
					return err
				}
				rows = rows[:0]
			}
		}
	}
	return collect.Put(ctx, r.run, rows...)
}

func index(id *string, n int) (int, bool) {
	text, ok := strings.CutPrefix(aws.ToString(id), "m")
	i, err := strconv.Atoi(text)
	return i, ok && err == nil && i >= 0 && i < n
}

func status(result types.MetricDataResult) (string, error) {
	switch result.StatusCode {
	case types.StatusCodeComplete:
		return complete, nil
	case types.StatusCodePartialData:
		return partial, explained(errPartial, result.Messages)
	case types.StatusCodeForbidden:
		return string(collect.Denied), explained(errForbidden, result.Messages)
	default:
		return string(collect.Failed), explained(errInternal, result.Messages)
	}
}

func explained(err error, messages []types.MessageData) error {
	for _, m := range messages {
		err = fmt.Errorf("%w: %s %s", err, aws.ToString(m.Code), aws.ToString(m.Value))
	}
	return err
}

// conclude gives a status to what the pages left open.
func conclude(answers []answer, err error) {
	for i, a := range answers {
		switch {
		case err == nil && a.status == "":
			answers[i].status, answers[i].err = string(collect.Failed), errMissing
		case err != nil && a.status == "":
			answers[i].status, answers[i].err = string(collect.Classify(err)), err
		case err != nil && a.status == partial:
			answers[i].err = err // the pages ended early
		}
	}
}

// note counts how calls end. A refusal is for all metrics alike, and calls that
// keep failing will not be helped by more of them.
func (r *reader) note(err error, took time.Duration) {
	r.mu.Lock()
	defer r.mu.Unlock()
	r.slowest = max(r.slowest, took)
	if err == nil {
		r.answered, r.failures = true, 0
		return
	}
	r.failures++
	outcome := collect.Classify(err)
	if r.stopped == nil && (outcome == collect.Denied || outcome == collect.Skipped || r.failures >= enough) {
		r.stopped = err
	}
}

func (r *reader) hopeless() bool {
	r.mu.Lock()
	defer r.mu.Unlock()
	return r.stopped != nil
}

// report writes how each series of a batch was answered and records gaps for
// those that were not answered wholly: one for everything when nothing ever
// was. The caller holds the lock.
func (r *reader) report(ctx context.Context, w window, b *batch) error {
	if r.stopped != nil && !r.answered && !r.blind {
		r.blind = true
		r.run.Gap("metric_points", "", "", action, r.stopped)
	}
	reads := make([]schema.MetricRead, 0, len(b.list))
	for i, a := range b.answers {
		s := b.list[i]
		if a.status == "" {
			a.err = fmt.Errorf("%w: %w", errNotAsked, r.stopped)
		} else {
			reads = append(reads, schema.MetricRead{
				Account: s.account, Region: r.run.Region, Namespace: s.namespace, Metric: s.metric, Stat: s.stat,
				Resource: s.resource, Qualifier: s.qualifier, PeriodS: uint32(w.period / time.Second),
				FromTS: w.from, ToTS: w.to, Status: a.status, Points: a.points, CollectedAt: r.run.Now,
			})
		}
		if a.err != nil && !r.blind {
			r.gap(s, a.err)
		}
	}
	return collect.Put(ctx, r.run, reads...)
}

// gap records that a series lacks points.
func (r *reader) gap(s series, err error) {
	resource := s.resource
	if resource == "" {
		resource = noFunction(r.run)
	}
	r.run.Gap("metric_points", s.metric, resource, action, err)
}

// noFunction is the resource of gaps that take nothing away from what is known
// of functions: those of a region's own metrics, of history, of other accounts.
func noFunction(r *collect.Run) string {
	return fmt.Sprintf("arn:%s:lambda:%s:%s:*", r.Partition, r.Region, r.Account)
}
