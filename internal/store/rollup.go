package store

import (
	"context"
	"encoding/json"
	"fmt"
	"strings"
	"time"

	"github.com/faaswarden/faaswarden/internal/schema"
)

// level is one step of a metric's way to coarser points: hours are made of what
// is finer, days are made of hours.
type level struct {
	name   string // of the cursor that remembers how far it is
	key    string // of the retention of the points it is made of
	source string // condition of those points, in metric_points
	floor  string // function that gives the period a point falls into
	parts  string // what those points are called in the name of a statistic
	held   string // the made points of a day, {from} to {to}, for comparison
	insert string // where they go, from columns of due
}

// keyColumns name a series together with its statistic.
const keyColumns = "account, region, namespace, metric, stat, resource, qualifier"

var levels = []level{
	{
		name: "hours", key: "metric_points_minute", source: "period_s < 3600", floor: "toStartOfHour", parts: "minutes",
		held: `SELECT ` + keyColumns + `, ts AS bucket, rolled_from = 0 AS collected, collected_at AS at
    FROM metric_points FINAL WHERE period_s = 3600 AND ts >= {from:DateTime} AND ts < {to:DateTime}`,
		insert: `INSERT INTO metric_points (` + keyColumns + `, period_s, ts, value, collected_at, rolled_from)
SELECT ` + keyColumns + `, 3600, bucket, made_value, made_at, made_from FROM `,
	},
	{
		name: "days", key: "metric_points_hourly", source: "period_s >= 3600", floor: "toStartOfDay", parts: "hours",
		held: `SELECT ` + keyColumns + `, toDateTime(day, 'UTC') AS bucket, 0 AS collected, collected_at AS at
    FROM metric_days FINAL WHERE day >= toDate({from:DateTime}) AND day < toDate({to:DateTime})`,
		insert: `INSERT INTO metric_days (` + keyColumns + `, day, value, points, collected_at)
SELECT ` + keyColumns + `, toDate(bucket), made_value, made_points, made_at FROM `,
	},
}

// combined makes coarser points of all statistics but averages. A percentile of
// a day is not a function of its hours' percentiles: what is kept is their
// maximum, under a name that says so.
const combined = `SELECT account, region, namespace, metric,
        if(stat IN ('Sum', 'SampleCount', 'Minimum', 'Maximum') OR position(stat, ' (max of ') > 0, stat, concat(stat, ' (max of PARTS)')) AS stat_made,
        resource, qualifier, FLOOR(ts) AS bucket, period_s,
        multiIf(stat IN ('Sum', 'SampleCount'), sum(value), stat = 'Minimum', min(value), max(value)) AS made,
        count() AS n, max(collected_at) AS newest
    FROM metric_points FINAL
    WHERE SOURCE AND stat != 'Average' AND ts >= {from:DateTime} AND ts < {to:DateTime}
    GROUP BY account, region, namespace, metric, stat, resource, qualifier, bucket, period_s`

// averaged makes averages. Each point weighs as much as it has samples: its
// SampleCount or, for it is the same, its Sum divided by its Average. Where a
// period has a point without either, all of its points weigh the same.
const averaged = `SELECT account, region, namespace, metric, 'Average' AS stat_made, resource, qualifier, bucket, period_s,
        if(min(weight) > 0, sum(average * weight) / sum(weight), avg(average)) AS made,
        count() AS n, max(at) AS newest
    FROM
    (
        SELECT account, region, namespace, metric, resource, qualifier, ts, FLOOR(ts) AS bucket, period_s,
            sumIf(value, stat = 'Average') AS average,
            sumIf(value, stat = 'SampleCount') AS samples,
            sumIf(value, stat = 'Sum') AS total,
            multiIf(samples > 0, samples, average != 0 AND total / average > 0, total / average, 0) AS weight,
            maxIf(collected_at, stat = 'Average') AS at
        FROM metric_points FINAL
        WHERE SOURCE AND stat IN ('Average', 'SampleCount', 'Sum') AND ts >= {from:DateTime} AND ts < {to:DateTime}
        GROUP BY account, region, namespace, metric, resource, qualifier, ts, period_s
        HAVING countIf(stat = 'Average') > 0
    )
    GROUP BY account, region, namespace, metric, resource, qualifier, bucket, period_s`

// due are the coarser points that are missing, or older than a point they are
// made of. One that was collected is never made, and one whose finer points were
// deleted, which {open} tells, is never made again from the few that came late.
// Of two finer periods the one that was read last counts, and then the finest.
const due = `(
SELECT account, region, namespace, metric, stat_made AS stat, resource, qualifier, bucket,
    argMaxIf(made, (newest, -toInt64(period_s)), finer = 1) AS made_value,
    argMaxIf(n, (newest, -toInt64(period_s)), finer = 1) AS made_points,
    argMaxIf(period_s, (newest, -toInt64(period_s)), finer = 1) AS made_from,
    maxIf(newest, finer = 1) AS made_at
FROM
(
    SELECT *, 1 AS finer, 0 AS collected FROM (MADE)
    UNION ALL
    SELECT account, region, namespace, metric, stat AS stat_made, resource, qualifier, bucket, toUInt32(0) AS period_s,
        toFloat64(0) AS made, toUInt64(0) AS n, at AS newest, 0 AS finer, collected
    FROM (HELD)
)
GROUP BY account, region, namespace, metric, stat_made, resource, qualifier, bucket
HAVING max(finer) = 1 AND max(collected) = 0
    AND (min(finer) = 1 OR {open:Bool} AND maxIf(newest, finer = 0) < made_at)
)`

// levelOf is the level that is made of a retention's rows, if one is.
func levelOf(r schema.Retention) *level {
	for i := range levels {
		if levels[i].key == r.Key {
			return &levels[i]
		}
	}
	return nil
}

// due is the level's statements that select what is to be made.
func (l level) due() []string {
	var list []string
	for _, made := range []string{combined, averaged} {
		text := strings.NewReplacer("MADE", made, "HELD", l.held).Replace(due)
		list = append(list, strings.NewReplacer("FLOOR", l.floor, "SOURCE", l.source, "PARTS", l.parts).Replace(text))
	}
	return list
}

// progress is how far a level has come, kept in a cursor.
type progress struct {
	Until   time.Time `json:"until"`   // days before it have been looked at
	Through time.Time `json:"through"` // and all points collected by then
	Closed  time.Time `json:"closed"`  // points of days before it have been deleted
}

func (s *Store) loadProgress(ctx context.Context, l level) (p progress, err error) {
	text, err := s.State("retention", "", "", s.Sink(SinkOptions{})).Load(ctx, l.name)
	if err != nil || text == "" {
		return p, err
	}
	if err := json.Unmarshal([]byte(text), &p); err != nil {
		return p, fmt.Errorf("read cursor retention %s: %w", l.name, err)
	}
	return p, nil
}

func (s *Store) saveProgress(ctx context.Context, l level, p progress) error {
	text, err := json.Marshal(p)
	if err != nil {
		return fmt.Errorf("write cursor retention %s: %w", l.name, err)
	}
	return s.State("retention", "", "", s.Sink(SinkOptions{})).Save(ctx, l.name, string(text))
}

// settled is how long after its end a day is given to late points before coarser
// points are made of it. What comes later still makes them again.
const settled = day

const day = 24 * time.Hour

// rollUpAll makes the points of every level, the finer first: days are made of
// the hours that were made of minutes, too.
func (s *Store) rollUpAll(ctx context.Context, now time.Time) (made uint64, err error) {
	for _, l := range levels {
		n, err := s.rollUp(ctx, l, now)
		made += n
		if err != nil {
			return made, fmt.Errorf("make %s of metric points: %w", l.name, err)
		}
	}
	return made, nil
}

// rollUp makes the level's points of every day that has something new, and
// returns how many. It deletes nothing, and may be broken off anywhere.
func (s *Store) rollUp(ctx context.Context, l level, now time.Time) (made uint64, err error) {
	p, err := s.loadProgress(ctx, l)
	if err != nil {
		return 0, err
	}
	next := p
	next.Until = now.Add(-settled).Truncate(day)
	spans, err := s.changedSpans(ctx, l, p, next.Until)
	if err != nil {
		return 0, err
	}
	for _, sp := range spans {
		n, err := s.makePoints(ctx, l, sp)
		if err != nil {
			return made, err
		}
		made += n
		next.Through = latest(next.Through, sp.newest)
	}
	if next == p {
		return made, nil
	}
	return made, s.saveProgress(ctx, l, next)
}

func latest(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}

// span is days that are worked on together.
type span struct {
	from, to time.Time // half-open, whole days
	open     bool      // finer points of them were not yet deleted
	points   uint64
	newest   time.Time // when the newest point was collected
}

func (sp span) String() string {
	return sp.from.Format(time.DateOnly) + " to " + sp.to.Add(-day).Format(time.DateOnly)
}

func (sp span) params() map[string]any {
	return map[string]any{"from": sp.from, "to": sp.to, "open": sp.open}
}

// spanPoints bounds what a statement holds in memory.
const spanPoints = 2_000_000

// changedSpans are the days before until with points that were collected, or
// whose day has settled, since the progress given.
func (s *Store) changedSpans(ctx context.Context, l level, p progress, until time.Time) ([]span, error) {
	type row struct {
		Day    time.Time `ch:"d"`
		Points uint64    `ch:"points"`
		Newest time.Time `ch:"newest"`
	}
	sql := `SELECT toDate(ts) AS d, count() AS points, max(collected_at) AS newest
FROM metric_points
WHERE ` + l.source + ` AND ts < {until:DateTime}
GROUP BY d
HAVING newest > {through:DateTime64(3)} OR d >= toDate({looked:DateTime})
ORDER BY d`
	var spans []span
	params := map[string]any{"until": until, "through": orEpoch(p.Through), "looked": orEpoch(p.Until)}
	for r, err := range Select[row](ctx, s, sql, params) {
		if err != nil {
			return nil, fmt.Errorf("look for points to make %s of: %w", l.name, err)
		}
		next := span{r.Day, r.Day.Add(day), !r.Day.Before(p.Closed), r.Points, r.Newest}
		if last := len(spans) - 1; last >= 0 && spans[last].open == next.open && spans[last].points+next.points <= spanPoints {
			spans[last].to, spans[last].newest = next.to, latest(spans[last].newest, next.newest)
			spans[last].points += next.points
			continue
		}
		spans = append(spans, next)
	}
	return spans, nil
}

func (s *Store) makePoints(ctx context.Context, l level, sp span) (uint64, error) {
	missing, err := s.missingPoints(ctx, l, sp)
	if err != nil || missing == 0 {
		return 0, err
	}
	for _, due := range l.due() {
		if err := s.Exec(ctx, l.insert+due, sp.params()); err != nil {
			return 0, fmt.Errorf("those of %s: %w", sp, err)
		}
	}
	return missing, nil
}

// missingPoints counts the points that are yet to be made.
func (s *Store) missingPoints(ctx context.Context, l level, sp span) (uint64, error) {
	var missing uint64
	for _, due := range l.due() {
		n, err := s.countRows(ctx, due, sp.params())
		if err != nil {
			return 0, fmt.Errorf("count the missing %s of %s: %w", l.name, sp, err)
		}
		missing += n
	}
	return missing, nil
}

// dropFiner deletes the points that the level's were made of from days before
// cutoff, once every one of those is there. A point that arrives meanwhile stays
// for the next time.
func (s *Store) dropFiner(ctx context.Context, l level, cutoff time.Time) (uint64, error) {
	p, err := s.loadProgress(ctx, l)
	if err != nil {
		return 0, err
	}
	spans, err := s.changedSpans(ctx, l, progress{Closed: p.Closed}, cutoff)
	if err != nil || len(spans) == 0 {
		return 0, err
	}
	var newest time.Time
	for _, sp := range spans {
		missing, err := s.missingPoints(ctx, l, sp)
		if err != nil {
			return 0, err
		}
		if missing > 0 {
			return 0, fmt.Errorf("%d points of the %s of %s are not made yet; what they are made of stays until they are", missing, l.name, sp)
		}
		newest = latest(newest, sp.newest)
	}
	if cutoff.After(p.Closed) {
		p.Closed = cutoff
		if err := s.saveProgress(ctx, l, p); err != nil {
			return 0, err
		}
	}
	return s.DeleteRows(ctx, "metric_points", fmt.Sprintf("%s AND ts < toDateTime(%d, 'UTC') AND collected_at <= toDateTime64('%s', 3, 'UTC')",
		l.source, cutoff.Unix(), newest.UTC().Format("2006-01-02 15:04:05.000")))
}

// orEpoch is a time that a parameter can hold.
func orEpoch(t time.Time) time.Time {
	if t.Before(time.Unix(0, 0)) {
		return time.Unix(0, 0).UTC()
	}
	return t
}
