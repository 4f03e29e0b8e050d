package metrics

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strconv"
	"time"

	"github.com/faaswarden/faaswarden/internal/collect"
)

const longestSpan = 24 * hour

var (
	zoomMetrics       = []statistic{{"Throttles", "Sum"}, {"Invocations", "Sum"}, {"ConcurrentExecutions", "Maximum"}}
	zoomBusiest       = []statistic{{"ConcurrentExecutions", "Maximum"}}
	zoomRegionMetrics = []statistic{{"ClaimedAccountConcurrency", "Maximum"}, {"UnreservedConcurrentExecutions", "Maximum"}}
)

// plan is what the functions of each pass have shown to be worth asking for.
// It is kept until it is done, so that a run that was cut short loses nothing
// of it.
type plan struct {
	Passes map[int]*findings `json:",omitempty"`
	Spans  []*span           `json:",omitempty"` // chosen, and not yet read
	Zoomed map[int64]string  `json:",omitempty"` // hour → signature of the throttles it was read for
	Spent  int               `json:",omitempty"` // hours chosen in this run
}

// findings are of the functions of one pass.
type findings struct {
	Hours  hours    `json:",omitempty"`
	Groups []string `json:",omitempty"` // log groups of active functions
}

func (p *plan) of(pass int) *findings {
	if p.Passes == nil {
		p.Passes = map[int]*findings{}
	}
	if p.Passes[pass] == nil {
		p.Passes[pass] = &findings{}
	}
	return p.Passes[pass]
}

// span is a run of hours with throttles that are read in the same calls.
type span struct {
	From, To  int64 // hours
	Period    int64 // seconds
	Throttled []string
	Busiest   []string         // took the most concurrency in one of the hours, and not throttled
	Signed    map[int64]string // hour → signature
	Done      int              // units read
	Partial   bool             // an answer was not complete
}

func (s *span) window() window {
	return window{fromHours(s.From), fromHours(s.To), time.Duration(s.Period) * time.Second}
}

func (p *plan) save(ctx context.Context, state collect.State) error {
	return saveJSON(ctx, state, "plan", p)
}

// merge adds what a block has learnt; the same block twice adds nothing.
func (p *findings) merge(h hours, busiest int) {
	if p.Hours == nil {
		p.Hours = hours{}
	}
	for n, learnt := range h {
		into := p.Hours.at(fromHours(n))
		maps.Copy(into.Throttled, learnt.Throttled)
		for function, maximum := range learnt.Busiest {
			into.busy(function, maximum, busiest)
		}
	}
	slices.Sort(p.Groups)
	p.Groups = slices.Compact(p.Groups)
}

// zoom reads hours with throttles by the minute: what was throttled, how much
// of the account's concurrency was claimed, and by whom.
func (c *collection) zoom(ctx context.Context, p pass) error {
	throttled := c.plan.of(p.n).Hours
	c.plan.Spans = append(c.plan.Spans, c.spans(throttled, c.hoursToZoom(throttled))...)
	delete(c.plan.Passes, p.n) // whatever it asked for has been read, or is in the spans
	if err := c.plan.save(ctx, c.State); err != nil {
		return err
	}
	return c.readSpans(ctx)
}

func (c *collection) readSpans(ctx context.Context) error {
	for len(c.plan.Spans) > 0 {
		s := c.plan.Spans[0]
		if err := c.zoomSpan(ctx, s); err != nil {
			return err
		}
		if !s.Partial { // else it is read again, while its hours are in the overlap
			if c.plan.Zoomed == nil {
				c.plan.Zoomed = map[int64]string{}
			}
			maps.Copy(c.plan.Zoomed, s.Signed)
		}
		c.plan.Spans = c.plan.Spans[1:]
	}
	return c.plan.save(ctx, c.State)
}

// hoursToZoom lists hours with throttles that have not been read, or have been
// restated since, up to the limit, the most throttled first; in order of time.
func (c *collection) hoursToZoom(throttled hours) []int64 {
	var list []int64
	for n, h := range throttled {
		if len(h.Throttled) > 0 && c.Now.Sub(fromHours(n)) < coarseRetention && c.plan.Zoomed[n] != h.signature() {
			list = append(list, n)
		}
	}
	slices.SortFunc(list, func(a, b int64) int {
		return cmp.Or(cmp.Compare(throttled[b].total(), throttled[a].total()), cmp.Compare(b, a))
	})
	limit := int(c.Params["zoom_hours"].(int64))
	if left := max(0, limit-c.plan.Spent); len(list) > left {
		c.Log.Info("throttled hours left unread by the minute", "hours", len(list)-left, "zoom_hours", limit)
		list = list[:left]
	}
	c.plan.Spent += len(list)
	slices.Sort(list)
	return list
}

// spans joins neighbouring hours of the same period: CloudWatch bills metrics
// asked for, not minutes answered.
func (c *collection) spans(throttled hours, list []int64) []*span {
	var spans []*span
	for _, n := range list {
		period := time.Minute
		if c.Now.Sub(fromHours(n)) >= minuteRetention {
			period = 5 * time.Minute
		}
		last := len(spans) - 1
		if last < 0 || spans[last].To != n || spans[last].window().period != period || n-spans[last].From >= int64(longestSpan/hour) {
			spans = append(spans, &span{From: n, Period: int64(period / time.Second), Signed: map[int64]string{}})
			last++
		}
		s, h := spans[last], throttled[n]
		s.To, s.Signed[n] = n+1, h.signature()
		s.Throttled = slices.AppendSeq(s.Throttled, maps.Keys(h.Throttled))
		s.Busiest = slices.AppendSeq(s.Busiest, maps.Keys(h.Busiest))
	}
	for _, s := range spans {
		slices.Sort(s.Throttled)
		s.Throttled = slices.Compact(s.Throttled)
		slices.Sort(s.Busiest)
		s.Busiest = slices.DeleteFunc(slices.Compact(s.Busiest), func(arn string) bool {
			_, throttled := slices.BinarySearch(s.Throttled, arn)
			return throttled
		})
	}
	return spans
}

// units are the span's, always in the same order: Done counts them.
func (c *collection) units(s *span) []unit {
	var units []unit
	add := func(arn string, statistics []statistic) {
		t := namedTarget(c.Run, arn)
		t.statistics = statistics
		units = append(units, t.series())
	}
	for _, arn := range s.Throttled {
		add(arn, zoomMetrics)
	}
	for _, arn := range s.Busiest {
		add(arn, zoomBusiest)
	}
	region := target{account: c.Account, namespace: lambda, statistics: zoomRegionMetrics}
	return append(units, region.series())
}

func (c *collection) zoomSpan(ctx context.Context, s *span) error {
	units := c.units(s)
	skipped := min(s.Done, len(units))
	finished := map[int]int{} // calls may end out of order; only what has no hole before it is done
	return c.reader.read(ctx, s.window(), units[skipped:], observer{done: func(ctx context.Context, low int, whole []bool) error {
		s.Partial = s.Partial || slices.Contains(whole, false)
		finished[skipped+low] = len(whole)
		for finished[s.Done] > 0 {
			s.Done += finished[s.Done]
		}
		return c.plan.save(ctx, c.State)
	}})
}

// signature tells whether an hour's throttles were restated.
func (h *hourPlan) signature() string {
	return strconv.Itoa(len(h.Throttled)) + "/" + strconv.FormatFloat(h.total(), 'g', -1, 64)
}

func (h *hourPlan) total() float64 {
	var sum float64
	for _, n := range slices.Sorted(maps.Values(h.Throttled)) { // in one order, for one sum
		sum += n
	}
	return sum
}

// forget drops the hours that no later run will see again.
func (p *plan) forget(first time.Time) {
	maps.DeleteFunc(p.Zoomed, func(n int64, _ string) bool { return fromHours(n).Before(first) })
}
