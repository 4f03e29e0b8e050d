package store_test

import (
	"context"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/faaswarden/faaswarden/internal/schema"
	"github.com/faaswarden/faaswarden/internal/store"
	"github.com/faaswarden/faaswarden/internal/store/storetest"
)

// today is the day on which retention runs in these tests.
var today = time.Date(2026, 11, 20, 9, 30, 0, 0, time.UTC)

func daysAgo(n int) time.Time { return today.Truncate(24*time.Hour).AddDate(0, 0, -n) }

// series names a metric of one function.
type series struct{ metric, stat string }

// at is a point of an hour, or of fewer seconds, of a series, collected an hour after its start.
func (s series) at(start time.Time, period int, value float64) schema.MetricPoint {
	return schema.MetricPoint{
		Account: "1", Region: "r", Namespace: "AWS/Lambda", Metric: s.metric, Stat: s.stat, Resource: "arn:f",
		PeriodS: uint32(period), TS: start, Value: value, CollectedAt: start.Add(time.Hour),
	}
}

func put(t *testing.T, s *store.Store, rows ...schema.Row) {
	t.Helper()
	if err := s.Insert(t.Context(), rows...); err != nil {
		t.Fatal(err)
	}
}

func putPoints(t *testing.T, s *store.Store, points []schema.MetricPoint) {
	t.Helper()
	rows := make([]schema.Row, len(points))
	for i, p := range points {
		rows[i] = p
	}
	put(t, s, rows...)
}

func rowsOf[T any](t *testing.T, s *store.Store, sql string) []T {
	t.Helper()
	var list []T
	for row, err := range store.Select[T](t.Context(), s, sql, nil) {
		if err != nil {
			t.Fatalf("%s: %v", sql, err)
		}
		list = append(list, row)
	}
	return list
}

// made is a point that retention made.
type made struct {
	Metric string  `ch:"metric"`
	Stat   string  `ch:"stat"`
	Hour   uint8   `ch:"h"`
	Value  float64 `ch:"value"`
	Points uint64  `ch:"n"`
}

const (
	daysMade  = "SELECT metric, stat, toUInt8(0) AS h, value, toUInt64(points) AS n FROM metrics_daily ORDER BY metric, stat"
	hoursMade = "SELECT metric, stat, toUInt8(toHour(ts)) AS h, value, toUInt64(rolled_from) AS n FROM metric_points FINAL WHERE period_s = 3600 ORDER BY metric, stat, h"
)

func want(t *testing.T, s *store.Store, sql string, want ...made) {
	t.Helper()
	if diff := cmp.Diff(want, rowsOf[made](t, s, sql), cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Errorf("made points (-want +got):\n%s", diff)
	}
}

func rollUp(t *testing.T, s *store.Store, now time.Time) uint64 {
	t.Helper()
	n, err := store.RollUp(t.Context(), s, now)
	if err != nil {
		t.Fatal(err)
	}
	return n
}

func retain(t *testing.T, s *store.Store, now time.Time) store.Retained {
	t.Helper()
	done, err := s.Retain(t.Context(), store.RetainOptions{Now: now})
	if err != nil {
		t.Fatal(err)
	}
	return done
}

// Each statistic is combined in its own way; what cannot be combined says what it is.
func TestDaysByStatistic(t *testing.T) {
	s := storetest.Open(t)
	d := daysAgo(5)
	var points []schema.MetricPoint
	hour := func(n int, metric string, values map[string]float64) {
		for stat, v := range values {
			points = append(points, series{metric, stat}.at(d.Add(time.Duration(n)*time.Hour), 3600, v))
		}
	}
	hour(0, "Duration", map[string]float64{"Sum": 1000, "Average": 100, "Maximum": 300, "Minimum": 5, "p99": 290, "IQM": 99})
	hour(7, "Duration", map[string]float64{"Sum": 9000, "Average": 50, "Maximum": 200, "Minimum": 9, "p99": 180, "IQM": 45})
	hour(3, "Latency", map[string]float64{"SampleCount": 1, "Average": 10})
	hour(4, "Latency", map[string]float64{"SampleCount": 3, "Average": 2})
	hour(3, "Plain", map[string]float64{"Average": 1, "Sum": 10}) // the other hour has no weight
	hour(4, "Plain", map[string]float64{"Average": 3})
	putPoints(t, s, points)
	rollUp(t, s, today)
	want(t, s, daysMade,
		made{"Duration", "Average", 0, 10000. / 190, 2}, // 10 calls of 100 ms and 180 of 50
		made{"Duration", "IQM (max of hours)", 0, 99, 2},
		made{"Duration", "Maximum", 0, 300, 2},
		made{"Duration", "Minimum", 0, 5, 2},
		made{"Duration", "Sum", 0, 10000, 2},
		made{"Duration", "p99 (max of hours)", 0, 290, 2},
		made{"Latency", "Average", 0, 4, 2},
		made{"Latency", "SampleCount", 0, 4, 2},
		made{"Plain", "Average", 0, 2, 2},
		made{"Plain", "Sum", 0, 10, 1},
	)
	if n := rollUp(t, s, today); n != 0 {
		t.Errorf("the second time made %d points", n)
	}
	type count struct {
		N uint64 `ch:"n"`
	}
	if got := rowsOf[count](t, s, "SELECT count() AS n FROM metrics_hourly")[0].N; got != uint64(len(points)) {
		t.Errorf("metrics_hourly has %d points, want the %d that were collected", got, len(points))
	}
}

// Hours are made of minutes only where CloudWatch's own were not collected.
func TestHoursOfMinutes(t *testing.T) {
	s := storetest.Open(t)
	d := daysAgo(5)
	sum, peak, p90 := series{"Throttles", "Sum"}, series{"ConcurrentExecutions", "Maximum"}, series{"Duration", "p90"}
	put(t, s,
		sum.at(d, 3600, 100), sum.at(d, 60, 1), sum.at(d.Add(time.Minute), 60, 2), // collected: stays
		sum.at(d.Add(2*time.Hour), 60, 3), sum.at(d.Add(2*time.Hour+59*time.Minute), 60, 4),
		peak.at(d.Add(2*time.Hour), 300, 9), peak.at(d.Add(2*time.Hour+5*time.Minute), 300, 12),
		p90.at(d.Add(2*time.Hour), 60, 7), p90.at(d.Add(2*time.Hour+time.Minute), 60, 6),
	)
	// An hour that was read by the minute, and in fives later: the later reading counts, alone.
	later := sum.at(d.Add(2*time.Hour), 300, 8)
	later.CollectedAt = d.Add(72 * time.Hour)
	put(t, s, later)
	rollUp(t, s, today)
	want(t, s, hoursMade,
		made{"ConcurrentExecutions", "Maximum", 2, 12, 300},
		made{"Duration", "p90 (max of minutes)", 2, 7, 60},
		made{"Throttles", "Sum", 0, 100, 0},
		made{"Throttles", "Sum", 2, 8, 300},
	)
	want(t, s, daysMade,
		made{"ConcurrentExecutions", "Maximum", 0, 12, 1},
		made{"Duration", "p90 (max of minutes)", 0, 7, 1},
		made{"Throttles", "Sum", 0, 108, 2},
	)
	// What CloudWatch answers later replaces what was made.
	collected := sum.at(d.Add(2*time.Hour), 3600, 9)
	collected.CollectedAt = d.Add(80 * time.Hour)
	put(t, s, collected)
	rollUp(t, s, today.Add(24*time.Hour))
	if got := rowsOf[made](t, s, daysMade)[2].Value; got != 109 {
		t.Errorf("the day has %v throttles, want 109", got)
	}
}

// A day is made a day after its end, and again when something comes later still.
func TestDaysAreCompleteAndFollowLatePoints(t *testing.T) {
	s := storetest.Open(t)
	calls := series{"Invocations", "Sum"}
	put(t, s, calls.at(daysAgo(2), 3600, 5), calls.at(daysAgo(1), 3600, 7), calls.at(daysAgo(0), 3600, 9))
	rollUp(t, s, today)
	want(t, s, daysMade, made{"Invocations", "Sum", 0, 5, 1})

	late := calls.at(daysAgo(2).Add(23*time.Hour), 3600, 100)
	late.CollectedAt = today
	restated := calls.at(daysAgo(2), 3600, 6)
	restated.CollectedAt = today
	put(t, s, late, restated)
	if n := rollUp(t, s, today.Add(24*time.Hour)); n != 2 {
		t.Errorf("%d points were made, want the late one's day and the next", n)
	}
	want(t, s, daysMade, made{"Invocations", "Sum", 0, 106, 2}, made{"Invocations", "Sum", 0, 7, 1})
}

// year is what a daemon that ran for years holds of one function: hours of 500
// days, and minutes of 60.
func year() []schema.MetricPoint {
	calls, peak := series{"Invocations", "Sum"}, series{"ConcurrentExecutions", "Maximum"}
	var points []schema.MetricPoint
	for d := range 500 {
		for h := range 24 {
			at := daysAgo(d + 1).Add(time.Duration(h) * time.Hour)
			points = append(points, calls.at(at, 3600, float64(d)), peak.at(at, 3600, float64(h)))
		}
	}
	for d := range 60 {
		for m := range 5 {
			points = append(points, peak.at(daysAgo(d+1).Add(time.Duration(m)*time.Minute), 60, float64(m)))
		}
	}
	return points
}

type tally struct {
	Hours   uint64  `ch:"hours"`
	Minutes uint64  `ch:"minutes"`
	Oldest  string  `ch:"oldest"`
	Days    uint64  `ch:"days"`
	Calls   float64 `ch:"calls"`
}

const tallyQuery = `SELECT
    (SELECT count() FROM metric_points FINAL WHERE period_s = 3600) AS hours,
    (SELECT count() FROM metric_points FINAL WHERE period_s < 3600) AS minutes,
    (SELECT toString(toDate(min(ts))) FROM metric_points) AS oldest,
    (SELECT count() FROM metrics_daily) AS days,
    (SELECT sum(value) FROM metrics_daily WHERE metric = 'Invocations') AS calls`

// everything is the tally of year once its old points are gone: 455 days of
// hours and 45 of minutes before today, and every settled day.
var everything = tally{
	Hours: 455 * 48, Minutes: 45 * 5, Oldest: daysAgo(455).Format(time.DateOnly), Days: 499 * 2,
	Calls: 24 * 499 * 500 / 2, // the newest day, with 0 calls an hour, has not settled
}

func TestOldPointsGoOnceDaysAreMade(t *testing.T) {
	s := storetest.Open(t)
	putPoints(t, s, year())
	done := retain(t, s, today)
	if diff := cmp.Diff(map[string]uint64{"metric_points_hourly": 45 * 48, "metric_points_minute": 15 * 5}, done.Deleted); diff != "" || done.Made != 499*2 {
		t.Errorf("%d made, want %d; deleted (-want +got):\n%s", done.Made, 499*2, diff)
	}
	for range 2 {
		if diff := cmp.Diff([]tally{everything}, rowsOf[tally](t, s, tallyQuery)); diff != "" {
			t.Errorf("what is left (-want +got):\n%s", diff)
		}
		if done := retain(t, s, today); done.Made != 0 || len(done.Deleted) != 0 {
			t.Errorf("the next round did something: %+v", done)
		}
	}

	// A straggler of a day whose hours are gone must not become the whole day.
	late := series{"Invocations", "Sum"}.at(daysAgo(460), 3600, 1)
	late.CollectedAt = today
	other := series{"Errors", "Sum"}.at(daysAgo(460), 3600, 3)
	put(t, s, late, other)
	if done := retain(t, s, today.Add(24*time.Hour)); done.Deleted["metric_points_hourly"] != 48+2 {
		t.Errorf("deleted %v, want a day and the stragglers", done.Deleted)
	}
	type value struct {
		V float64 `ch:"v"`
	}
	kept := "SELECT sum(value) AS v FROM metrics_daily WHERE day = '" + daysAgo(460).Format(time.DateOnly) + "' AND metric = "
	if got := rowsOf[value](t, s, kept+"'Invocations'")[0].V; got != 24*459 {
		t.Errorf("a straggler left %v calls of its day, want %d", got, 24*459)
	}
	if got := rowsOf[value](t, s, kept+"'Errors'")[0].V; got != 3 {
		t.Errorf("a series that came late has %v on its day, want 3", got)
	}
}

// Broken off anywhere, retention has lost nothing, and the next round finishes it.
func TestInterruptedRetention(t *testing.T) {
	s := storetest.Open(t)
	putPoints(t, s, year())
	interrupted := 0
	for after := 4 * time.Millisecond; ; after = after * 5 / 4 {
		ctx, cancel := context.WithTimeout(t.Context(), after)
		_, err := s.Retain(ctx, store.RetainOptions{Now: today})
		cancel()
		nothingLost(t, s, after)
		if err == nil {
			break
		}
		interrupted++
	}
	if interrupted < 3 {
		t.Errorf("retention was interrupted %d times only", interrupted)
	}
	retain(t, s, today)
	if diff := cmp.Diff([]tally{everything}, rowsOf[tally](t, s, tallyQuery)); diff != "" {
		t.Errorf("in the end (-want +got):\n%s", diff)
	}
}

// nothingLost requires of every day its hours or what was made of them.
func nothingLost(t *testing.T, s *store.Store, after time.Duration) {
	t.Helper()
	type row struct {
		Day   time.Time `ch:"d"`
		Hours uint64    `ch:"hours"`
		Sum   float64   `ch:"sum"`
		Made  []float64 `ch:"made"`
	}
	days := map[time.Time]row{}
	for _, r := range rowsOf[row](t, s, `SELECT d, sum(hour) AS hours, sumIf(value, hour = 1) AS sum, groupArrayIf(value, hour = 0) AS made
FROM (SELECT toDate(ts) AS d, value, 1 AS hour FROM metrics_hourly WHERE metric = 'Invocations' UNION ALL SELECT day, value, 0 FROM metrics_daily WHERE metric = 'Invocations')
GROUP BY d ORDER BY d`) {
		days[r.Day] = r
	}
	for n := range 500 {
		want := float64(24 * n)
		r := days[daysAgo(n+1)]
		if r.Hours == 24 && r.Sum == want && (len(r.Made) == 0 || r.Made[0] == want) || len(r.Made) == 1 && r.Made[0] == want {
			continue
		}
		t.Fatalf("interrupted after %v: of %s there is %+v, want %v calls", after, daysAgo(n+1).Format(time.DateOnly), r, want)
	}
}

// With some of what was made missing, nothing is deleted.
func TestNothingIsDeletedBeforeItsDay(t *testing.T) {
	s := storetest.Open(t)
	putPoints(t, s, year())
	rollUp(t, s, today) // and here the process ended
	whole := rowsOf[tally](t, s, tallyQuery)[0]
	if err := s.Exec(t.Context(), "ALTER TABLE metric_days DELETE WHERE day = '"+daysAgo(480).Format(time.DateOnly)+"' SETTINGS mutations_sync = 1", nil); err != nil {
		t.Fatal(err)
	}
	_, err := store.DropFiner(t.Context(), s, "days", daysAgo(455))
	if err == nil || !strings.Contains(err.Error(), "2 points of the days of ") {
		t.Errorf("deleting hours whose day is missing: %v", err)
	}
	if got := rowsOf[tally](t, s, tallyQuery)[0]; got.Hours != whole.Hours {
		t.Errorf("%d hours are left of %d", got.Hours, whole.Hours)
	}
	put(t, s, schema.Cursor{Collector: "retention", Key: "days", CollectedAt: time.Now().Add(time.Minute)}) // forget how far it was
	retain(t, s, today)
	if diff := cmp.Diff([]tally{everything}, rowsOf[tally](t, s, tallyQuery)); diff != "" {
		t.Errorf("in the end (-want +got):\n%s", diff)
	}
}

// The deletion of rows is for every node of a cluster, and one the parser takes.
func TestDeletionOnACluster(t *testing.T) {
	s := storetest.Open(t)
	for cluster, want := range map[string]string{
		"":          "ALTER TABLE d.metric_points DELETE WHERE ts < toDateTime(1, 'UTC') SETTINGS mutations_sync = 1",
		"{cluster}": "ALTER TABLE d.metric_points_local ON CLUSTER '{cluster}' DELETE WHERE ts < toDateTime(1, 'UTC') SETTINGS mutations_sync = 1",
	} {
		got, err := store.Deletion("d", cluster, "metric_points", "ts < toDateTime(1, 'UTC')")
		if got != want || err != nil {
			t.Errorf("on cluster %q: %q, %v", cluster, got, err)
		}
		if err := s.Exec(t.Context(), "EXPLAIN AST "+got, nil); err != nil {
			t.Error(err)
		}
	}
	if _, err := store.Deletion("d", "c'", "t", "1"); err == nil {
		t.Error("a cluster that is no name was accepted")
	}
}

// A level says what is missing before it says that it failed.
func TestRollUpNamesWhatFailed(t *testing.T) {
	s := storetest.Open(t)
	put(t, s, series{"Invocations", "Sum"}.at(daysAgo(5), 3600, 1))
	if err := s.Exec(t.Context(), "DROP TABLE metric_days", nil); err != nil {
		t.Fatal(err)
	}
	done, err := s.Retain(t.Context(), store.RetainOptions{Now: today.AddDate(2, 0, 0)})
	if err == nil || !strings.Contains(err.Error(), "make days of metric points: ") {
		t.Errorf("without a table for days: %v", err)
	}
	if got := fmt.Sprint(done.Deleted); got != "map[]" {
		t.Errorf("deleted %s", got)
	}
}
