package awssim

import (
	"math"
	"slices"
	"strconv"
	"strings"
	"time"
)

// MetricID names a metric as ListMetrics returns it.
type MetricID struct {
	Namespace string
	Name      string
	Dims      map[string]string
}

// MetricQuery asks for one statistic of one metric in half-open [From, To).
type MetricQuery struct {
	Namespace string
	Metric    string
	Dims      map[string]string
	Stat      string // Sum, Average, Maximum, Minimum, SampleCount, p50 … p99.9
	From, To  time.Time
	Period    time.Duration
}

// Datapoint is the value of one period, named by the period's start.
type Datapoint struct {
	Time  time.Time
	Value float64
}

// cell is what a metric was in some stretch of time; count 0: nothing was emitted.
type cell struct{ sum, min, max, count float64 }

// once is a cell of a single observation.
func once(value float64) cell { return cell{value, value, value, 1} }

func (c cell) with(other cell) cell {
	switch {
	case other.count == 0:
		return c
	case c.count == 0:
		return other
	}
	return cell{c.sum + other.sum, math.Min(c.min, other.min), math.Max(c.max, other.max), c.count + other.count}
}

// stat is the cell's statistic. Percentiles are interpolated between mean and
// maximum; Duration's are computed from the lines instead where hours are asked.
func (c cell) stat(name string) (float64, bool) {
	switch name {
	case "Sum":
		return c.sum, true
	case "Average":
		return c.sum / c.count, true
	case "Minimum":
		return c.min, true
	case "Maximum":
		return c.max, true
	case "SampleCount":
		return c.count, true
	}
	share, ok := percentile(name)
	if !ok {
		return 0, false
	}
	mean := c.sum / c.count
	if share <= 0.5 {
		return c.min + (mean-c.min)*2*share, true
	}
	return mean + (c.max-mean)*math.Pow(2*share-1, 8), true
}

// percentile parses "p99.9" into 0.999.
func percentile(stat string) (float64, bool) {
	digits, ok := strings.CutPrefix(stat, "p")
	if !ok {
		return 0, false
	}
	p, err := strconv.ParseFloat(digits, 64)
	if err != nil || p < 0 || p > 100 {
		return 0, false
	}
	return p / 100, true
}

// emitter is a metric: what it was in an hour, and in each of the hour's minutes.
// Hours are named by how long ago they are.
type emitter struct {
	hour    func(ago int) cell
	hourSum func(ago int) (sum float64, emitted bool) // the same as hour's sum, cheaper; may be nil
	minutes func(ago int) [60]cell
	lines   *Function // Duration only: whose lines give the percentiles
}

// Datapoints answers a query, oldest first. Periods in which nothing was emitted
// have no point; a metric that does not exist has none at all. Retention is the
// caller's matter. The period must be a multiple of a minute.
func (r *Region) Datapoints(q MetricQuery) []Datapoint {
	e, ok := r.emitter(q)
	if !ok || q.Period < time.Minute || q.Period%time.Minute != 0 {
		return nil
	}
	start, end := r.world.Start(), r.world.Now
	if q.To.Before(end) {
		end = q.To
	}
	first := q.From.Truncate(q.Period)
	if first.Before(q.From) {
		first = first.Add(q.Period)
	}
	if first.Before(start) {
		first = start.Truncate(q.Period)
	}
	if share, ok := percentile(q.Stat); ok && e.lines != nil && q.Period%time.Hour == 0 {
		return r.linePercentiles(e.lines, share, first, end, q.Period)
	}
	return r.read(e, q.Stat, first, end, q.Period)
}

func (r *Region) read(e emitter, stat string, first, end time.Time, period time.Duration) []Datapoint {
	var out []Datapoint
	cells := periodReader{world: r.world, emitter: &e, sumOnly: stat == "Sum"}
	for at := first; at.Before(end); at = at.Add(period) {
		c := cells.cell(at, period)
		if c.count == 0 {
			continue
		}
		value, ok := c.stat(stat)
		if !ok {
			return nil
		}
		out = append(out, Datapoint{at, value})
	}
	return out
}

// wholeHour is an hour's cell, of which only the sum is right when nothing else is wanted.
func (e *emitter) wholeHour(ago int, sumOnly bool) cell {
	if e.hourSum == nil || !sumOnly {
		return e.hour(ago)
	}
	sum, emitted := e.hourSum(ago)
	if !emitted {
		return cell{}
	}
	return cell{sum: sum, count: 1}
}

// periodReader merges hours, or minutes, to periods. It remembers the last hour's minutes.
type periodReader struct {
	world   *World
	emitter *emitter
	sumOnly bool
	minutes [60]cell
	loaded  int // hours ago; 0: none
}

func (r *periodReader) cell(at time.Time, period time.Duration) cell {
	var c cell
	if period%time.Hour == 0 {
		for k := range int(period / time.Hour) {
			if ago := r.world.hoursAgo(at.Add(time.Duration(k) * time.Hour)); r.world.known(ago) {
				c = c.with(r.emitter.wholeHour(ago, r.sumOnly))
			}
		}
		return c
	}
	for k := range int(period / time.Minute) {
		minute := at.Add(time.Duration(k) * time.Minute)
		ago := r.world.hoursAgo(minute)
		if !r.world.known(ago) {
			continue
		}
		if ago != r.loaded {
			r.minutes, r.loaded = r.emitter.minutes(ago), ago
		}
		c = c.with(r.minutes[minute.Minute()])
	}
	return c
}

// hoursAgo numbers the hour that holds an instant; 1 is the last before Now.
func (w *World) hoursAgo(at time.Time) int {
	return int((w.Now.Sub(at) + time.Hour - 1) / time.Hour)
}

// known reports whether an hour is in the history.
func (w *World) known(ago int) bool { return ago >= 1 && ago <= w.Days*24 }

// hour is the start of the hour so long ago.
func (w *World) hour(ago int) time.Time { return w.Now.Add(-time.Duration(ago) * time.Hour) }

// linePercentiles are weighted percentiles of the durations on REPORT lines.
func (r *Region) linePercentiles(f *Function, share float64, first, end time.Time, period time.Duration) []Datapoint {
	var out []Datapoint
	t := r.tally(f)
	day, lines := -1, []sample(nil)
	for at := first; at.Before(end); at = at.Add(period) {
		var part []sample
		for k := range int(period / time.Hour) {
			ago := r.world.hoursAgo(at.Add(time.Duration(k) * time.Hour))
			if !r.world.known(ago) {
				continue
			}
			if d := (ago - 1) / 24; d != day {
				day, lines = d, f.load.samples(t, d)
			}
			hour := float64(hourOfDay(ago))
			for _, s := range lines {
				if math.Floor(s.second/3600) == hour {
					part = append(part, s)
				}
			}
		}
		if len(part) > 0 {
			out = append(out, Datapoint{at, weightedPercentile(part, share)})
		}
	}
	return out
}

func weightedPercentile(lines []sample, share float64) float64 {
	slices.SortFunc(lines, func(a, b sample) int {
		if a.durationMS < b.durationMS {
			return -1
		}
		return 1
	})
	total := 0.0
	for _, s := range lines {
		total += float64(s.weight)
	}
	rank, seen := share*total, 0.0
	for _, s := range lines {
		if seen += float64(s.weight); seen >= rank {
			return s.durationMS
		}
	}
	return lines[len(lines)-1].durationMS
}
