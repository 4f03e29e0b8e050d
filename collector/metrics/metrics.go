// Package metrics reads CloudWatch metrics of functions and of the queues, NAT
// gateways and log groups around them, hourly, and by the minute where
// something was throttled.
package metrics

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

//go:embed doc.md
var doc string

const (
	hour   = time.Hour
	day    = 24 * hour
	action = "cloudwatch:GetMetricData"
	every  = 6 * hour
)

// Collector reads metric_points, and says in metric_reads what it asked for.
var Collector = &collect.Collector{
	Name:   "metrics",
	Title:  "hourly CloudWatch metrics, by the minute where something was throttled",
	Doc:    doc,
	Writes: []string{"metric_points", "metric_reads"},
	Reads:  []string{"functions", "queues", "nat_gateways", "provisioned_concurrency", "event_source_mappings"},
	Actions: []collect.Action{{
		Name:   action,
		Blinds: "invocations, errors, durations, throttles and concurrency of functions, and the traffic of queues, NAT gateways and log groups",
	}},
	Scope:    collect.PerRegion,
	Every:    every,
	Lookback: 30 * day,
	// An asynchronous event lives for at most six hours: with twice that, what
	// becomes of an event is in the same window as its arrival.
	Overlap: 12 * hour,
	Params: []collect.Param{
		{Name: "zoom_hours", Default: int64(168), Doc: "at most so many hours with throttles are read by the minute in one run, the most throttled first; 0 reads none"},
		{Name: "zoom_busiest", Default: int64(5), Doc: "how many of the region's busiest functions are read by the minute beside a throttled one, to name who took the concurrency"},
	},
	Estimate: estimate,
	Collect:  run,
}

// estimate is the steady state: every poll asks two metrics of each function
// and the rest of those that were invoked. What CloudWatch bills is the number
// of metrics asked for, not the datapoints in the answer.
func estimate(inv collect.Inventory) collect.APICost {
	const (
		daysPerMonth = 365.25 / 12
		asyncShare   = 0.3 // of the active functions; the others are not asked for asynchronous outcomes
	)
	polls := daysPerMonth * float64(day/every)
	active := float64(inv.ActiveFunctions)
	perPoll := float64(inv.Functions*len(firstStage)) +
		active*float64(len(secondStage)+len(logGroupMetrics)) +
		active*asyncShare*float64(len(asyncStage)) +
		float64(inv.Regions*len(regionMetrics))
	return collect.APICost{Calls: polls * (perPoll/maxQueries + float64(4*inv.Regions)), Units: polls * perPoll, Unit: "metric"}
}

// collection is the state of one run.
type collection struct {
	*collect.Run
	reader *reader
	to     time.Time // exclusive end of every window, on the hour

	marks     *marks                         // of functions, saved last
	active    []schema.Function              // invoked or throttled in the window
	throttled map[time.Time][]throttledHour  // hour → functions with throttles in it
	busiest   map[time.Time][]concurrentHour // hour with throttles → functions by concurrency, the highest first
}

type throttledHour struct {
	function  schema.Function
	throttles float64
}

type concurrentHour struct {
	function schema.Function
	maximum  float64
}

func run(ctx context.Context, r *collect.Run) error {
	to := r.Window.To.UTC().Truncate(hour)
	if !r.Window.From.UTC().Truncate(hour).Before(to) {
		return fmt.Errorf("the window from %s to %s holds no whole hour", r.Window.From, r.Window.To)
	}
	c := &collection{
		Run: r, reader: &reader{run: r, api: cloudwatch.NewFromConfig(r.AWS)}, to: to,
		throttled: map[time.Time][]throttledHour{}, busiest: map[time.Time][]concurrentHour{},
	}
	steps := []func(context.Context) error{
		c.readFunctions, c.readRegion, c.readProvisioned, c.readQueues, c.readNATGateways, c.readLogGroups, c.zoom, c.saveFunctions,
	}
	for _, step := range steps {
		if err := step(ctx); err != nil {
			return err
		}
	}
	if len(r.Gaps()) == 0 {
		r.Complete("metric_points", "")
		r.Complete("metric_reads", "")
	}
	return nil
}

// cohort is functions that share a window, and what the stages have learnt of them.
type cohort struct {
	window
	functions []schema.Function
	state     []traffic
}

// readFunctions reads functions in stages, each narrowed by what the one
// before showed: all functions, those with traffic, those with asynchronous
// traffic. A stage is asked of everybody before the next begins, so that the
// hours with throttles are known when the region's busiest functions are.
func (c *collection) readFunctions(ctx context.Context) error {
	marks, err := loadMarks(ctx, c.Run, "functions")
	if err != nil {
		return err
	}
	streams := map[string]bool{}
	for _, arn := range c.resources(ctx, collect.StreamConsumerResources) {
		streams[arn] = true
	}
	cohorts := c.cohorts(marks)
	stages := []func(context.Context, *cohort) error{
		c.askAll,
		func(ctx context.Context, co *cohort) error { return c.askActive(ctx, co, streams) },
		c.askAsync,
	}
	for _, stage := range stages {
		for _, co := range cohorts {
			if err := stage(ctx, co); err != nil {
				return err
			}
		}
	}
	for _, co := range cohorts {
		for i, f := range co.functions {
			if co.state[i].total > 0 {
				c.active = append(c.active, f)
			}
			if !co.state[i].unsettled {
				marks.at[f.FunctionARN] = c.to
			}
		}
	}
	c.marks = marks
	return nil
}

// saveFunctions keeps how far functions were read. It comes after everything
// that is asked because of what their metrics showed: a run that ends before it
// is repeated from where it began.
func (c *collection) saveFunctions(ctx context.Context) error {
	known := make([]string, len(c.Functions))
	for i, f := range c.Functions {
		known[i] = f.FunctionARN
	}
	return c.marks.save(ctx, c.State, known)
}

func (c *collection) cohorts(m *marks) []*cohort {
	byFrom := map[time.Time]*cohort{}
	for _, f := range c.Functions {
		from := c.from(m, f.FunctionARN)
		if byFrom[from] == nil {
			byFrom[from] = &cohort{window: window{from, c.to, hour}}
		}
		byFrom[from].functions = append(byFrom[from].functions, f)
		byFrom[from].state = append(byFrom[from].state, traffic{})
	}
	list := slices.Collect(maps.Values(byFrom))
	slices.SortFunc(list, func(a, b *cohort) int { return a.from.Compare(b.from) })
	return list
}

func (c *collection) askAll(ctx context.Context, co *cohort) error {
	list, owner := expand(co.functions, func(int) []statistic { return firstStage })
	answers, err := c.reader.read(ctx, co.window, list, func(i int, ts time.Time, v float64) {
		co.state[owner[i]].total += v
		if list[i].metric == "Throttles" && v > 0 {
			at := ts.Truncate(hour)
			c.throttled[at] = append(c.throttled[at], throttledHour{co.functions[owner[i]], v})
		}
	})
	settle(co.state, owner, answers)
	return err
}

func (c *collection) askActive(ctx context.Context, co *cohort, streams map[string]bool) error {
	list, owner := expand(co.functions, func(i int) []statistic {
		switch {
		case co.state[i].total == 0:
			return nil // nothing happened, so there is nothing more to ask
		case streams[co.functions[i].FunctionARN]:
			return slices.Concat(secondStage, streamStage)
		default:
			return secondStage
		}
	})
	answers, err := c.reader.read(ctx, co.window, list, func(i int, ts time.Time, v float64) {
		switch list[i].metric {
		case "AsyncEventsReceived":
			co.state[owner[i]].async += v
		case "ConcurrentExecutions":
			c.noteConcurrency(co.functions[owner[i]], ts.Truncate(hour), v)
		}
	})
	settle(co.state, owner, answers)
	return err
}

func (c *collection) askAsync(ctx context.Context, co *cohort) error {
	list, owner := expand(co.functions, func(i int) []statistic {
		if co.state[i].async == 0 {
			return nil // no asynchronous event arrived whose fate could be asked for
		}
		return asyncStage
	})
	answers, err := c.reader.read(ctx, co.window, list, nil)
	settle(co.state, owner, answers)
	return err
}

// traffic is what the stages have learnt about one function.
type traffic struct {
	total, async float64
	unsettled    bool // an answer was not complete
}

func settle(state []traffic, owner []int, answers []answer) {
	for i, a := range answers {
		if a.status != complete {
			state[owner[i]].unsettled = true
		}
	}
}

// noteConcurrency keeps the busiest functions of an hour with throttles. The
// reader calls it from one goroutine at a time.
func (c *collection) noteConcurrency(f schema.Function, ts time.Time, maximum float64) {
	if len(c.throttled[ts]) == 0 {
		return
	}
	list := append(c.busiest[ts], concurrentHour{f, maximum})
	slices.SortFunc(list, func(a, b concurrentHour) int {
		return cmp.Or(cmp.Compare(b.maximum, a.maximum), cmp.Compare(a.function.FunctionARN, b.function.FunctionARN))
	})
	c.busiest[ts] = list[:min(len(list), int(c.Params["zoom_busiest"].(int64)))]
}

// from is where a resource's window begins: some way before what was read
// wholly, so that late points are seen, or at the lookback's start.
func (c *collection) from(m *marks, resource string) time.Time {
	first := c.Window.From.UTC().Truncate(hour)
	mark, ok := m.at[resource]
	if !ok {
		return first
	}
	from := mark.Add(-c.Collector.Overlap).Truncate(hour)
	if from.Before(first) {
		return first
	}
	if !from.Before(c.to) {
		return c.to.Add(-hour)
	}
	return from
}

// readTargets reads resources whose statistics do not depend on each other.
func (c *collection) readTargets(ctx context.Context, section string, targets []target) error {
	if len(targets) == 0 {
		return nil
	}
	marks, err := loadMarks(ctx, c.Run, section)
	if err != nil {
		return err
	}
	byFrom := map[time.Time][]target{}
	known := make([]string, 0, len(targets))
	for _, t := range targets {
		from := c.from(marks, t.mark())
		byFrom[from] = append(byFrom[from], t)
		known = append(known, t.mark())
	}
	for _, from := range slices.SortedFunc(maps.Keys(byFrom), time.Time.Compare) {
		group := byFrom[from]
		var list []series
		var owner []int
		for i, t := range group {
			for _, s := range t.statistics {
				list, owner = append(list, t.series(s)), append(owner, i)
			}
		}
		answers, err := c.reader.read(ctx, window{from, c.to, hour}, list, nil)
		if err != nil {
			return err
		}
		state := make([]traffic, len(group))
		settle(state, owner, answers)
		for i, t := range group {
			if !state[i].unsettled {
				marks.at[t.mark()] = c.to
			}
		}
	}
	return marks.save(ctx, c.State, known)
}

func (c *collection) readRegion(ctx context.Context) error {
	if len(c.Functions) == 0 {
		return nil // no functions, no concurrency to share
	}
	return c.readTargets(ctx, "region", []target{{namespace: lambda, statistics: regionMetrics}})
}

func (c *collection) readProvisioned(ctx context.Context) error {
	return c.readTargets(ctx, "provisioned", provisionedTargets(c.resources(ctx, collect.ProvisionedResources)))
}

func (c *collection) readQueues(ctx context.Context) error {
	return c.readTargets(ctx, "queues", queueTargets(c.Run, c.resources(ctx, collect.QueueResources)))
}

func (c *collection) readNATGateways(ctx context.Context) error {
	return c.readTargets(ctx, "nat_gateways", natTargets(c.resources(ctx, collect.NATGatewayResources)))
}

func (c *collection) readLogGroups(ctx context.Context) error {
	return c.readTargets(ctx, "log_groups", logGroupTargets(c.Run, c.active))
}

// resources asks what other collectors have found. What cannot be learnt is
// not asked for, which metric_reads shows.
func (c *collection) resources(ctx context.Context, kind collect.ResourceKind) []string {
	if c.Resources == nil {
		return nil
	}
	list, err := c.Resources(ctx, kind)
	if err != nil && !errors.Is(err, context.Canceled) {
		c.Log.Warn("resources unknown, their metrics are not read", "kind", kind, "error", err)
	}
	slices.Sort(list)
	return slices.Compact(list)
}
