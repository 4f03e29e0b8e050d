package reports

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

const (
	maxGroups    = 50     // log groups by name in a query (DOC:API_StartQuery)
	maxRows      = 10_000 // of a result; one that is this long may have been cut
	maxGroupDays = 2_000  // of a query, so that a result rarely is: a function has some rows a day
	maxDenied    = 8      // refusals in a row after which no more queries are tried

	firstPoll   = 100 * time.Millisecond
	longestPoll = 5 * time.Second
	stopping    = 5 * time.Second // for StopQuery, when the run itself is over
)

// format is how a function's platform lines are written.
type format string

const (
	textFormat format = "Text"
	jsonFormat format = "JSON"
)

func formatOf(f schema.Function) format {
	if f.LogFormat == string(jsonFormat) {
		return jsonFormat
	}
	return textFormat
}

// The log stream's name tells the version and, in groups that are not the
// function's own, the function: YYYY/MM/DD/[VERSION]ID, YYYY/MM/DD/NAME[VERSION]ID.
const parseStream = `parse @logStream /^\d+\/\d+\/\d+\/?(?<fn>[^\[\]]*)\[(?<version>[^\]]+)\]/`

// queries yield all that a day's row needs in one scan. What is asked of lines
// with an Init Duration alone comes from a parse that only those match. The
// parts of a line that Insights discovers are in milliseconds and decimal bytes;
// those of a platform.report are in milliseconds and MB.
var queries = map[format]string{
	textFormat: strings.Join([]string{
		`filter @type = "REPORT"`,
		parseStream,
		`parse @message /Duration: (?<cold_ms>[\d.]+) ms\s+Billed Duration: (?<cold_billed_ms>[\d.]+) ms.*Init Duration: /`,
		stats(`@duration`, `@billedDuration`, `@maxMemoryUsed`, `@memorySize`, `@initDuration`) + `,
sum(strcontains(@message, "Status: timeout")) as timeouts,
sum(strcontains(@message, "Status: error")) as errors,
sum(strcontains(@message, "Restore Duration: ")) as restores
by @log, fn, version, @memorySize, bin(1d)`,
		`limit 10000`,
	}, "\n| "),
	jsonFormat: strings.Join([]string{
		`filter type = "platform.report"`,
		parseStream,
		`parse @message /"durationMs":\s*(?<cold_ms>[\d.]+).*"billedDurationMs":\s*(?<cold_billed_ms>[\d.]+).*"initDurationMs":/`,
		stats(`record.metrics.durationMs`, `record.metrics.billedDurationMs`, `record.metrics.maxMemoryUsedMB`,
			`record.metrics.memorySizeMB`, `record.metrics.initDurationMs`) + `,
sum(strcontains(record.status, "timeout")) as timeouts,
sum(strcontains(record.status, "error")) as errors,
count(record.metrics.restoreDurationMs) as restores
by @log, fn, version, record.metrics.memorySizeMB, bin(1d)`,
		`limit 10000`,
	}, "\n| "),
}

func stats(duration, billed, used, memory, init string) string {
	return strings.NewReplacer("DURATION", duration, "BILLED", billed, "USED", used, "MEMORY", memory, "INIT", init).Replace(
		`stats count(*) as invocations,
sum(DURATION) as duration_sum,
pct(DURATION, 50) as duration_p50,
pct(DURATION, 99) as duration_p99,
max(DURATION) as duration_max,
sum(BILLED) as billed_sum,
sum(BILLED * BILLED) as billed_sum_sq,
pct(BILLED, 50) as billed_p50,
pct(BILLED, 99) as billed_p99,
max(USED) as used_max,
pct(USED, 50) as used_p50,
pct(USED, 99) as used_p99,
pct(USED, 99.9) as used_p999,
sum(floor(USED / MEMORY)) as at_limit,
count(INIT) as init_count,
sum(INIT) as init_sum,
pct(INIT, 99) as init_p99,
sum(cold_billed_ms - cold_ms) as cold_beyond,
latest(@message) as sample`)
}

var (
	errFull    = fmt.Errorf("the result has %d rows or more, and may have been cut", maxRows)
	errSlow    = errors.New("the query took longer than query_timeout and was stopped")
	errTimeout = errors.New("gave up after the 60 minutes that Logs Insights allows a query")
	errState   = errors.New("the query did not complete")
	errParse   = errors.New("malformed result")
)

// work reads a job in all of its groups' formats and moves the marks of the
// groups that were read wholly. An error ends the run.
func (c *collection) work(ctx context.Context, j job) error {
	for _, f := range j.groups[0].formats { // the same for all groups of a job
		days := max(1, maxGroupDays/len(j.groups))
		for from := j.from; from.Before(j.to); from = from.AddDate(0, 0, days) {
			part := job{j.groups, from, from.AddDate(0, 0, days)}
			if part.to.After(j.to) {
				part.to = j.to
			}
			if err := c.read(ctx, part, f); err != nil {
				return err
			}
		}
	}
	return c.settle(ctx, j)
}

// settle moves the marks. Lines may still arrive for a day that has just ended.
func (c *collection) settle(ctx context.Context, j job) error {
	mark := j.to
	if c.Now.Sub(j.to) < c.Params["settle"].(time.Duration) {
		mark = j.to.AddDate(0, 0, -1)
	}
	c.mu.Lock()
	defer c.mu.Unlock()
	for _, g := range j.groups {
		if !c.failed[g] {
			c.marks.at[g.name] = mark
		}
	}
	return c.marks.save(ctx, c.Run)
}

// read asks one query and writes its rows. A query that is refused, too slow or
// too large is split, by days and then by groups, until what cannot be read
// stands alone and is a gap.
func (c *collection) read(ctx context.Context, j job, f format) error {
	action, err := startAction, c.stop()
	if err == nil {
		var rows []schema.ReportDay
		rows, action, err = c.query(ctx, j, f)
		if err == nil {
			c.allowed()
			return collect.Put(ctx, c.Run, rows...)
		}
	}
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case collect.Stop(err):
		return err
	case c.mustStop(action, err):
		for _, g := range j.groups {
			c.gap(g, action, err)
		}
		return nil
	}
	parts := split(j, err)
	for _, part := range parts {
		if err := c.read(ctx, part, f); err != nil {
			return err
		}
	}
	switch {
	case len(parts) > 0:
	case missing(err):
		c.Log.Debug("no log group: its functions have never logged", "log_group", j.groups[0].name)
	default:
		for _, g := range j.groups {
			c.gap(g, action, err)
		}
	}
	return nil
}

// split says what smaller jobs may succeed where one has failed; none for
// failures that size has nothing to do with.
func split(j job, err error) []job {
	large := errors.Is(err, errFull) || errors.Is(err, errSlow) || errors.Is(err, errTimeout)
	if n := j.days(); large && n > 1 {
		middle := j.from.AddDate(0, 0, n/2)
		return []job{{j.groups, j.from, middle}, {j.groups, middle, j.to}}
	}
	if n := len(j.groups); n > 1 && (large || missing(err) || collect.Classify(err) == collect.Denied) {
		return []job{{j.groups[:n/2], j.from, j.to}, {j.groups[n/2:], j.from, j.to}}
	}
	return nil
}

func missing(err error) bool {
	var gone *types.ResourceNotFoundException
	return errors.As(err, &gone)
}

func (c *collection) stop() error {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.stopped
}

func (c *collection) allowed() {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.denied, c.answered = 0, true
}

// mustStop says whether no query can succeed: nothing may be spent, results may
// not be fetched, or so many queries in a row were refused that the refusal is
// not about single log groups. When none has succeeded before, one gap says so
// for everything.
func (c *collection) mustStop(action string, err error) bool {
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.stopped != nil {
		return true
	}
	outcome := collect.Classify(err)
	if outcome == collect.Denied {
		c.denied++
	}
	if outcome == collect.Skipped || outcome == collect.Denied && (c.denied >= maxDenied || action == resultsAction) {
		c.stopped = err
	}
	if c.stopped != nil && !c.answered {
		c.blind = true
		c.Gap("reports_daily", "", "", action, err)
	}
	return c.stopped != nil
}

// query runs one Insights query to its end, pays for what it scanned and
// returns its rows. action is the one that an error is about.
func (c *collection) query(ctx context.Context, j job, f format) (rows []schema.ReportDay, action string, err error) {
	names := make([]string, len(j.groups))
	for i, g := range j.groups {
		names[i] = g.name
	}
	started, err := c.api.StartQuery(ctx, &cloudwatchlogs.StartQueryInput{
		LogGroupNames: names, QueryString: aws.String(queries[f]),
		// Both ends are inclusive, of instants: a second less would lose the day's
		// last lines. What is of the next day is left out of the rows.
		StartTime: aws.Int64(j.from.Unix()), EndTime: aws.Int64(j.to.Unix()),
	})
	if err != nil {
		return nil, startAction, err
	}
	out, err := c.await(ctx, aws.ToString(started.QueryId))
	if out != nil && out.Statistics != nil {
		c.Meter.Bill("logs", "StartQuery", "GB", out.Statistics.BytesScanned/1e9)
	}
	if err != nil {
		return nil, resultsAction, err
	}
	if len(out.Results) >= maxRows {
		return nil, resultsAction, errFull
	}
	return c.rows(j, f, out.Results), resultsAction, nil
}

// await polls until the query has ended. A query that nobody will wait for any
// longer is stopped: it costs what it scans. The last answer comes with any error.
func (c *collection) await(ctx context.Context, id string) (out *cloudwatchlogs.GetQueryResultsOutput, err error) {
	deadline := time.NewTimer(c.Params["query_timeout"].(time.Duration))
	defer deadline.Stop()
	defer func() {
		if out == nil || running(out.Status) {
			c.stopQuery(ctx, id)
		}
	}()
	for wait := firstPoll; ; wait = min(wait*5/4, longestPoll) { // a fifth of the time waited so far
		poll := time.NewTimer(wait)
		select {
		case <-ctx.Done():
			poll.Stop()
			return out, ctx.Err()
		case <-deadline.C:
			poll.Stop()
			return out, errSlow
		case <-poll.C:
		}
		answer, err := c.api.GetQueryResults(ctx, &cloudwatchlogs.GetQueryResultsInput{QueryId: aws.String(id)})
		if err != nil {
			return out, err
		}
		switch out = answer; {
		case out.Status == types.QueryStatusComplete:
			return out, nil
		case out.Status == types.QueryStatusTimeout:
			return out, errTimeout
		case !running(out.Status):
			return out, fmt.Errorf("%w: %s", errState, out.Status)
		}
	}
}

func running(s types.QueryStatus) bool {
	return s == types.QueryStatusScheduled || s == types.QueryStatusRunning || s == types.QueryStatusUnknown
}

// stopQuery is a courtesy: whether it succeeds changes nothing here.
func (c *collection) stopQuery(ctx context.Context, id string) {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), stopping)
	defer cancel()
	if _, err := c.api.StopQuery(ctx, &cloudwatchlogs.StopQueryInput{QueryId: aws.String(id)}); err != nil {
		c.Log.Debug("query not stopped", "error", err)
	}
}
