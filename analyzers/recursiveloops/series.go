package recursiveloops

import (
	"context"
	"maps"
	"slices"
	"time"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/graph"
)

const (
	hoursPerDay  = 24
	hoursPerWeek = 168
)

// seriesRow is a row of series.sql.
type seriesRow struct {
	Resource string    `ch:"resource"`
	Metric   string    `ch:"metric"`
	Hours    []int64   `ch:"hours"`
	Values   []float64 `ch:"hour_values"`
}

// ingressRow is a row of ingress.sql.
type ingressRow struct {
	Account     string  `ch:"account"`
	Hour        int64   `ch:"hour"`
	Invocations float64 `ch:"invocations"`
}

// hourly is one value for each hour of the window, oldest first; an hour without
// a datapoint is zero, as CloudWatch does not emit idle hours.
type hourly []float64

func (h hourly) sum() float64 {
	total := 0.0
	for _, v := range h {
		total += v
	}
	return total
}

func (h hourly) plus(other hourly) hourly { return h.combine(other, 1) }

// minus never falls below zero: restated points may make a part exceed its whole.
func (h hourly) minus(other hourly) hourly { return h.combine(other, -1) }

func (h hourly) combine(other hourly, sign float64) hourly {
	if len(other) == 0 {
		return h
	}
	out := make(hourly, max(len(h), len(other)))
	copy(out, h)
	for i, v := range other {
		out[i] = max(0, out[i]+sign*v)
	}
	return out
}

// history is the hourly series of everything near a loop.
type history struct {
	start    time.Time // of the first hour
	hours    int
	series   map[[2]string]hourly // resource, metric
	accounts map[string]hourly    // account → invocations of all its functions
	looped   []string             // every function in a loop or downstream of one
}

func newHistory(w analysis.Window) *history {
	start := w.From.UTC().Truncate(time.Hour)
	return &history{
		start: start, hours: int(w.To.Sub(start) / time.Hour),
		series: map[[2]string]hourly{}, accounts: map[string]hourly{},
	}
}

// loadHistory reads the series of the loops' functions and queues and of the
// functions around them. Estates without loops cost no query.
func loadHistory(ctx context.Context, p *analysis.Pass, g *graph.Graph, loops []graph.Loop) (*history, error) {
	h := newHistory(p.Window)
	if len(loops) == 0 {
		return h, nil
	}
	wanted, looped := map[string]bool{}, map[string]bool{}
	for _, l := range loops {
		for _, arn := range slices.Concat(l.Functions, g.Downstream(l)) {
			wanted[arn], looped[arn] = true, true
		}
		for _, arn := range g.Feeders(l) {
			wanted[arn] = true
		}
		for _, n := range l.Nodes {
			if n.Kind == graph.Queue {
				wanted[n.ARN] = true
			}
		}
	}
	h.looped = slices.Sorted(maps.Keys(looped))
	params := map[string]any{"resources": slices.Sorted(maps.Keys(wanted))}
	for row, err := range analysis.SelectSQL[seriesRow](ctx, p, seriesQuery, params) {
		if err != nil {
			return nil, err
		}
		h.series[[2]string{row.Resource, row.Metric}] = dense(row.Hours, row.Values, h.hours)
	}
	for row, err := range analysis.SelectSQL[ingressRow](ctx, p, ingressQuery, nil) {
		if err != nil {
			return nil, err
		}
		if h.accounts[row.Account] == nil {
			h.accounts[row.Account] = make(hourly, h.hours)
		}
		if row.Hour < int64(h.hours) {
			h.accounts[row.Account][row.Hour] += row.Invocations
		}
	}
	return h, nil
}

func dense(hours []int64, values []float64, n int) hourly {
	out := make(hourly, n)
	for i, hour := range hours {
		if hour >= 0 && hour < int64(n) {
			out[hour] += values[i]
		}
	}
	return out
}

// of is the sum of a metric over resources; known is false when none has a datapoint.
func (h *history) of(metric string, arns ...string) (total hourly, known bool) {
	total = make(hourly, h.hours)
	for _, arn := range arns {
		if s, ok := h.series[[2]string{arn, metric}]; ok {
			total, known = total.plus(s), true
		}
	}
	return total, known
}

// driven is an account's invocations in loops and in what they carry along, which
// is no yardstick for a loop.
func (h *history) driven(account string) hourly {
	own := slices.DeleteFunc(slices.Clone(h.looped), func(arn string) bool { return accountOf(arn) != account })
	total, _ := h.of("Invocations", own...)
	return total
}

// between cuts the hours that were read out of the window: before the first read
// and after the last, a missing point says nothing.
func (h *history) between(from, to time.Time) (first, end int) {
	clamp := func(t time.Time) int { return min(max(int(t.Sub(h.start)/time.Hour), 0), h.hours) }
	return clamp(from), clamp(to)
}

// surgeRule says what counts as a surge.
type surgeRule struct {
	Factor          float64
	MinExcess       float64
	MinBaselineDays int
}

// surge is a stretch, up to the end of what was read, in which every part
// exceeds the baseline of the same hours before it.
type surge struct {
	First            int // hour
	Actual, Expected float64
}

func (s surge) factor() float64 { return s.Actual / s.Expected }
func (s surge) excess() float64 { return s.Actual - s.Expected }

// find looks for the surge with the largest excess: it tries each day boundary
// before the end, and half and a quarter of the last day, as the beginning.
func (r surgeRule) find(h hourly, start time.Time) (best surge, found bool) {
	for _, first := range beginnings(len(h), r.MinBaselineDays) {
		expected := baseline(h, start, first)
		s := surge{First: first, Actual: h[first:].sum(), Expected: expected[first:].sum()}
		if s.Expected <= 0 || s.factor() < r.Factor || s.excess() < r.MinExcess || !r.sustained(h, expected, first) {
			continue
		}
		if !found || s.excess() > best.excess() {
			best, found = s, true
		}
	}
	return best, found
}

func beginnings(hours, baselineDays int) []int {
	list := []int{hours - 6, hours - 12}
	for first := hours - hoursPerDay; first >= 0; first -= hoursPerDay {
		list = append(list, first)
	}
	return slices.DeleteFunc(list, func(first int) bool { return first < baselineDays*hoursPerDay })
}

// sustained reports whether each day of a surge, counted back from its end, is
// one; its first part may be shorter than a day.
func (r surgeRule) sustained(h, expected hourly, first int) bool {
	for end := len(h); end > first; end -= hoursPerDay {
		from := max(first, end-hoursPerDay)
		if h[from:end].sum() < r.Factor*expected[from:end].sum() {
			return false
		}
	}
	return true
}

// baseline is what each hour would see if things went on as before hour first:
// the median of the same hour of the week where three weeks are known, else of
// the same hour of the day, else, for functions that run so rarely that this is
// zero throughout, the median day spread evenly. Medians, so that a bad day
// before does not hide or make a surge.
func baseline(h hourly, start time.Time, first int) hourly {
	season := hoursPerDay
	if first >= 3*hoursPerWeek {
		season = hoursPerWeek
	}
	slots := make([][]float64, season)
	for i, v := range h[:first] {
		slots[slot(start, i, season)] = append(slots[slot(start, i, season)], v)
	}
	medians := make([]float64, season)
	for i, values := range slots {
		medians[i] = median(values)
	}
	out := make(hourly, len(h))
	for i := range out {
		out[i] = medians[slot(start, i, season)]
	}
	if out.sum() > 0 {
		return out
	}
	var days []float64
	for end := first; end >= hoursPerDay; end -= hoursPerDay {
		days = append(days, h[end-hoursPerDay:end].sum())
	}
	even := median(days) / hoursPerDay
	for i := range out {
		out[i] = even
	}
	return out
}

// slot is an hour's place in the season.
func slot(start time.Time, hour, season int) int {
	return int(start.Unix()/3600+int64(hour)) % season
}

func median(values []float64) float64 {
	if len(values) == 0 {
		return 0
	}
	sorted := slices.Sorted(slices.Values(values))
	mid := len(sorted) / 2
	if len(sorted)%2 == 1 {
		return sorted[mid]
	}
	return (sorted[mid-1] + sorted[mid]) / 2
}

// grows reports whether a surge gained, window by window: three times in a row by
// a tenth or more, and not fallen to half since. The windows are six hours,
// measured against the baseline so that a morning is not taken for growth; the
// first is the one before the surge.
func grows(h, expected hourly, first int) bool {
	const window, rises, gain = 6, 3, 1.1
	last, most, run, grew := 0.0, 0.0, 0, false
	for from := first - window; from+window <= len(h); from += window {
		if from < 0 {
			continue
		}
		rate := h[from:from+window].sum() / max(expected[from:from+window].sum(), 1)
		if run++; last == 0 || rate < gain*last {
			run = 0
		}
		last, most, grew = rate, max(most, rate), grew || run >= rises
	}
	return grew && last >= most/2
}

// pinnedHours counts the hours at the ceiling of concurrency.
func pinnedHours(concurrency hourly, ceiling float64) int {
	n := 0
	for _, v := range concurrency {
		if ceiling > 0 && v >= 0.95*ceiling {
			n++
		}
	}
	return n
}
