// Package metrics reads CloudWatch metrics of functions and of the queues, NAT
// gateways and log groups around them, hourly, and by the minute where
// something was throttled.
package metrics

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"time"

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
	Reads:  []string{"functions", "queues", "nat_gateways", "provisioned_concurrency", "event_source_mappings", "aliases", "edges"},
	Actions: []collect.Action{{
		Name:   action,
		Blinds: "invocations, errors, durations, throttles and concurrency of functions, and the traffic of queues, NAT gateways, rules and log groups",
	}, {
		Name: listSinks, With: "linked_accounts",
		Blinds: "which accounts' metrics a monitoring account may read; name them in source_accounts instead",
	}, {
		Name: listAttachedLinks, With: "linked_accounts",
		Blinds: "which accounts' metrics a monitoring account may read; name them in source_accounts instead",
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
		{Name: "monitoring_account", Default: "", Doc: "the account that reads the metrics of source accounts through CloudWatch's cross-account observability; empty: each account that is no source account"},
		{Name: "source_accounts", Default: []string{}, Doc: "ids of accounts whose functions' metrics the monitoring account reads; their own runs read none, which would be paid for twice"},
		{Name: "linked_accounts", Default: false, Doc: "also the accounts that are linked to the monitoring account, as CloudWatch's Observability Access Manager lists them"},
	},
	Estimate: estimate,
	Collect:  run,
}

// collection is the state of one run.
type collection struct {
	*collect.Run
	reader  *reader
	first   time.Time // start of the lookback
	to      time.Time // exclusive end of every window, on the hour
	resumed bool      // an earlier run within this hour was cut short

	functions []schema.Function          // own ones, and those of source accounts
	byARN     map[string]schema.Function // the same
	streams   map[string]bool            // functions that read Kinesis, DynamoDB or Kafka
	kafka     map[string]bool            // functions that read Kafka

	marks *marks // of functions
	plan  plan
}

func run(ctx context.Context, r *collect.Run) error {
	c, err := newCollection(ctx, r)
	if err != nil {
		return err
	}
	if elsewhere, err := c.readElsewhere(); elsewhere || err != nil {
		return err
	}
	err = c.read(ctx)
	switch {
	case errors.Is(err, errTimeUp):
		// Not a failure: everything that was read is kept, and so is where to go on.
		r.Gap("metric_points", "history", noFunction(r), action, err)
		return nil
	case err != nil:
		return err
	case len(r.Gaps()) == 0:
		r.Complete("metric_points", "")
		r.Complete("metric_reads", "")
	}
	return nil
}

func newCollection(ctx context.Context, r *collect.Run) (*collection, error) {
	to := r.Window.To.UTC().Truncate(hour)
	first := r.Window.From.UTC().Truncate(hour)
	if !first.Before(to) {
		return nil, fmt.Errorf("the window from %s to %s holds no whole hour", r.Window.From, r.Window.To)
	}
	if oldest := to.Add(-hourRetention); first.Before(oldest) {
		first = oldest
	}
	return &collection{Run: r, reader: newReader(ctx, r), first: first, to: to}, nil
}

// read brings everything up to date and then goes back in history, pass by pass.
func (c *collection) read(ctx context.Context) error {
	if err := c.begin(ctx); err != nil {
		return err
	}
	if err := c.finishBlock(ctx); err != nil {
		return err
	}
	if err := c.readSpans(ctx); err != nil {
		return err
	}
	for _, p := range passes(c.first, c.to) {
		for _, step := range []func(context.Context, pass) error{c.readFunctions, c.readAround, c.readLogGroups, c.zoom} {
			if err := step(ctx, p); err != nil {
				return err
			}
		}
	}
	return c.end(ctx)
}

// begin loads what earlier runs left and notes that this one is under way.
func (c *collection) begin(ctx context.Context) error {
	if err := c.inventory(ctx); err != nil {
		return err
	}
	if err := loadJSON(ctx, c.Run, "plan", &c.plan); err != nil {
		return err
	}
	var underWay int64
	if err := loadJSON(ctx, c.Run, "under_way", &underWay); err != nil {
		return err
	}
	var err error
	if c.marks, err = loadMarks(ctx, c.Run, "functions"); err != nil {
		return err
	}
	if c.resumed = underWay == toHours(c.to); c.resumed {
		return nil
	}
	c.plan.Spent = 0
	return saveJSON(ctx, c.State, "under_way", toHours(c.to))
}

// end notes that nothing is left to do.
func (c *collection) end(ctx context.Context) error {
	c.plan.forget(c.first)
	c.plan.Spent = 0
	if err := c.plan.save(ctx, c.State); err != nil {
		return err
	}
	if err := c.marks.save(ctx, c.State, c.knownFunctions()); err != nil {
		return err
	}
	return saveJSON(ctx, c.State, "under_way", 0)
}

// inventory learns which functions there are. A function that is gone is in no
// inventory, and is neither asked for nor remembered; its rows stay.
func (c *collection) inventory(ctx context.Context) error {
	c.streams, c.kafka, c.byARN = map[string]bool{}, map[string]bool{}, map[string]schema.Function{}
	for _, arn := range c.resources(ctx, collect.StreamConsumerResources) {
		c.streams[arn] = true
	}
	for _, arn := range c.resources(ctx, collect.KafkaConsumerResources) {
		c.kafka[arn] = true
	}
	linked, err := c.linkedFunctions(ctx)
	if err != nil {
		return err
	}
	c.functions = slices.Concat(c.Functions, linked)
	for i := range c.functions {
		if c.functions[i].Account == "" {
			c.functions[i].Account = c.Account
		}
		c.byARN[c.functions[i].FunctionARN] = c.functions[i]
	}
	return nil
}

// readAround reads what surrounds functions: resources whose statistics do not
// depend on each other. Each is read only where the inventory says it exists.
func (c *collection) readAround(ctx context.Context, p pass) error {
	found := func(kind collect.ResourceKind) []string { return c.resources(ctx, kind) }
	sections := []struct {
		name    string
		targets []target
	}{
		{"region", c.regionTargets()},
		{"provisioned", provisionedTargets(c.Run, found(collect.ProvisionedResources))},
		{"weighted", weightedTargets(c.Run, found(collect.WeightedAliasResources))},
		{"mappings", mappingTargets(c.Run, found(collect.MeasuredMappingResources))},
		{"queues", queueTargets(c.Run, found(collect.QueueResources))},
		{"rules", ruleTargets(c.Run, found(collect.RuleResources))},
		{"nat_gateways", natTargets(c.Run, found(collect.NATGatewayResources))},
		{"databases", databaseTargets(c.Run, found(collect.DatabaseResources))},
	}
	for _, s := range sections {
		if err := c.readTargets(ctx, p, s.name, s.targets, nil); err != nil {
			return err
		}
	}
	return nil
}

// regionTargets are the concurrency of every account that has functions.
func (c *collection) regionTargets() []target {
	var list []target
	seen := map[string]bool{}
	for _, f := range c.functions {
		if !seen[f.Account] {
			seen[f.Account] = true
			list = append(list, target{account: f.Account, namespace: lambda, statistics: regionMetrics})
		}
	}
	return list
}

// readLogGroups reads the log groups of functions that the pass found active.
// The marks of the others are kept, for the day they wake up.
func (c *collection) readLogGroups(ctx context.Context, p pass) error {
	all := map[string]bool{}
	for _, f := range c.Functions {
		if f.LogGroup != "" {
			all[logGroupTargets(c.Run, []string{f.LogGroup})[0].mark()] = true
		}
	}
	return c.readTargets(ctx, p, "log_groups", logGroupTargets(c.Run, c.plan.of(p.n).Groups), all)
}

// readTargets reads resources, those first whose windows begin first. known are
// those whose marks are kept, the targets when nil.
func (c *collection) readTargets(ctx context.Context, p pass, section string, targets []target, known map[string]bool) error {
	if len(targets) == 0 {
		return nil
	}
	marks, err := loadMarks(ctx, c.Run, section)
	if err != nil {
		return err
	}
	if known == nil {
		known = map[string]bool{}
		for _, t := range targets {
			known[t.mark()] = true
		}
	}
	for _, g := range byWindow(targets, func(t target) window { return c.window(p, marks, t.mark()) }) {
		units := make([]unit, len(g.members))
		for i, t := range g.members {
			units[i] = t.series()
		}
		err := c.reader.read(ctx, g.window, units, observer{done: func(ctx context.Context, low int, whole []bool) error {
			for i, ok := range whole {
				if ok {
					marks.read(g.members[low+i].mark(), g.window)
				}
			}
			return marks.save(ctx, c.State, known)
		}})
		if err != nil {
			return err
		}
	}
	return nil
}

// resources asks what other collectors have found. What cannot be learnt is
// not asked for, which metric_reads shows.
func (c *collection) resources(ctx context.Context, kind collect.ResourceKind) []string {
	if c.Resources == nil {
		return nil
	}
	list, err := c.Resources(ctx, kind)
	switch {
	case errors.Is(err, collect.ErrNotKept):
		return nil // nothing collects them
	case err != nil && !errors.Is(err, context.Canceled):
		c.Log.Warn("resources unknown, their metrics are not read", "kind", kind, "error", err)
	}
	slices.Sort(list)
	return slices.Compact(list)
}
