// Package reports aggregates the REPORT lines that Lambda writes for every
// invocation, by function, version, memory size and day, with Logs Insights.
package reports

import (
	"cmp"
	"context"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

//go:embed doc.md
var doc string

const (
	day = 24 * time.Hour

	describeAction = "logs:DescribeLogGroups"
	startAction    = "logs:StartQuery"
	resultsAction  = "logs:GetQueryResults"
	stopAction     = "logs:StopQuery"
)

// Collector reads reports_daily.
var Collector = &collect.Collector{
	Name:   "reports",
	Title:  "memory, billed durations and cold starts of every invocation, by day",
	Doc:    doc,
	Writes: []string{"reports_daily"},
	Reads:  []string{"functions"},
	Actions: []collect.Action{
		{Name: describeAction, Blinds: "how much a query will scan, and which functions have never logged"},
		{Name: startAction, Blinds: "memory use, billed durations, cold starts and timeouts"},
		{Name: resultsAction, Blinds: "memory use, billed durations, cold starts and timeouts"},
		{Name: stopAction, Blinds: "nothing: queries that are no longer waited for run to their end, and are paid for"},
	},
	Scope:    collect.PerRegion,
	Every:    day,
	Lookback: 30 * day,
	Timeout:  time.Hour,
	Params: []collect.Param{
		{Name: "max_scan_gb", Default: 200.0, Doc: "a run scans no more than about so many GB of logs, the newest days first; what that leaves out is a gap"},
		{Name: "concurrency", Default: int64(3), Doc: "queries under way at once, of the 100 that AWS allows an account and region"},
		{Name: "query_timeout", Default: 15 * time.Minute, Doc: "a query that takes longer is stopped and asked again for half of its days"},
		{Name: "settle", Default: 2 * time.Hour, Doc: "how long after its end a day may still receive lines; one that was read earlier is read again"},
	},
	Estimate: estimate,
	Collect:  run,
}

// estimate is the steady state: every byte that functions log is scanned once.
func estimate(inv collect.Inventory) collect.APICost {
	const daysPerMonth = 365.25 / 12
	batches := float64(inv.ActiveFunctions)/maxGroups + float64(inv.Regions)
	const callsPerQuery = 6 // StartQuery and the polls of its result
	listing := float64(inv.Functions)/50 + float64(inv.Regions)
	return collect.APICost{
		Calls: daysPerMonth * (batches*callsPerQuery + listing),
		Units: inv.LogBytesPerMonth / 1e9, Unit: "GB",
	}
}

// group is a log group and the functions that write to it.
type group struct {
	name        string
	class       types.LogGroupClass
	formats     []format
	bytesPerDay float64 // predicted scan; zero when unknown
	functions   map[string]schema.Function
}

// job is log groups that are read over the same days, in whole.
type job struct {
	groups   []*group
	from, to time.Time // whole days, half-open
}

func (j job) days() int { return int(j.to.Sub(j.from) / day) }

// collection is the state of one run.
type collection struct {
	*collect.Run
	api   *cloudwatchlogs.Client
	marks *marks

	mu       sync.Mutex
	answered bool  // some query has succeeded
	stopped  error // why no further query is started
	blind    bool  // a gap already covers everything
	denied   int   // refusals in a row
	failed   map[*group]bool
	unknown  int // rows of functions that are not in the inventory
}

func run(ctx context.Context, r *collect.Run) error {
	c := &collection{Run: r, api: cloudwatchlogs.NewFromConfig(r.AWS), failed: map[*group]bool{}}
	var err error
	if c.marks, err = loadMarks(ctx, r); err != nil {
		return err
	}
	groups, err := c.existing(ctx, groupsOf(r.Functions))
	if err != nil {
		return err
	}
	jobs := c.plan(groups)
	limit := max(1, int(r.Params["concurrency"].(int64)))
	if err := collect.Each(ctx, limit, jobs, c.work); err != nil {
		return fmt.Errorf("read REPORT lines in %s: %w", r.Region, err)
	}
	if c.unknown > 0 {
		r.Log.Debug("aggregates of functions that are not in the inventory left out", "rows", c.unknown)
	}
	if len(r.Gaps()) == 0 {
		r.Complete("reports_daily", "")
	}
	return nil
}

// groupsOf lists the log groups of functions, by name.
func groupsOf(functions []schema.Function) []*group {
	byName := map[string]*group{}
	for _, f := range functions {
		name := cmp.Or(f.LogGroup, "/aws/lambda/"+f.FunctionName)
		g := byName[name]
		if g == nil {
			g = &group{name: name, functions: map[string]schema.Function{}}
			byName[name] = g
		}
		g.functions[f.FunctionName] = f
		if want := formatOf(f); !slices.Contains(g.formats, want) {
			g.formats = append(g.formats, want)
			slices.Sort(g.formats)
		}
	}
	return slices.SortedFunc(maps.Values(byName), func(a, b *group) int { return cmp.Compare(a.name, b.name) })
}

// plan says which days of which groups are read, in which batches, and keeps
// within the allowed scan.
func (c *collection) plan(groups []*group) []job {
	to := c.Window.To.UTC().Truncate(day)
	from := map[*group]time.Time{}
	for _, g := range groups {
		from[g] = maxTime(c.Window.From.UTC().Truncate(day), c.marks.at[g.name])
	}
	groups = c.withinScan(groups, from, to)

	type key struct {
		formats string
		class   types.LogGroupClass
		from    time.Time
	}
	batches := map[key][]*group{}
	for _, g := range groups {
		if !from[g].Before(to) {
			continue // every whole day has been read
		}
		k := key{fmt.Sprint(g.formats), g.class, from[g]}
		batches[k] = append(batches[k], g)
	}
	var jobs []job
	for k, list := range batches {
		for part := range slices.Chunk(list, maxGroups) {
			jobs = append(jobs, job{part, k.from, to})
		}
	}
	slices.SortFunc(jobs, func(a, b job) int { return cmp.Compare(a.groups[0].name, b.groups[0].name) })
	return jobs
}

// withinScan predicts what reading costs and, where that is more than allowed,
// leaves out the oldest days of all groups and, if a single day is still too
// much, the largest groups.
func (c *collection) withinScan(groups []*group, from map[*group]time.Time, to time.Time) []*group {
	allowed := c.Params["max_scan_gb"].(float64) * 1e9
	predict := func(list []*group, newest int) (bytes float64) {
		for _, g := range list {
			days := min(int(to.Sub(from[g])/day), newest)
			bytes += g.bytesPerDay * float64(max(0, days))
		}
		return bytes
	}
	longest := 0
	for _, g := range groups {
		longest = max(longest, int(to.Sub(from[g])/day))
	}
	days := longest
	for days > 1 && predict(groups, days) > allowed {
		days--
	}
	if days < longest {
		oldest := to.AddDate(0, 0, -days)
		c.gapAll(fmt.Errorf("days before %s left out: scanning them would pass max_scan_gb", oldest.Format(time.DateOnly)))
		for _, g := range groups {
			from[g] = maxTime(from[g], oldest)
		}
	}
	kept := slices.Clone(groups)
	slices.SortStableFunc(kept, func(a, b *group) int { return cmp.Compare(a.bytesPerDay, b.bytesPerDay) })
	for len(kept) > 0 && predict(kept, days) > allowed {
		largest := kept[len(kept)-1]
		c.gap(largest, startAction, fmt.Errorf("log group %s left out: a day of it would pass max_scan_gb", largest.name))
		kept = kept[:len(kept)-1]
	}
	c.Log.Info("scan predicted", "log_groups", len(kept), "gb", predict(kept, days)/1e9)
	slices.SortFunc(kept, func(a, b *group) int { return cmp.Compare(a.name, b.name) })
	return kept
}

// gap records that the functions of a group lack reports.
func (c *collection) gap(g *group, action string, err error) {
	c.mu.Lock()
	covered := c.blind || c.failed[g] // by a gap for everything, or the group's first
	c.failed[g] = true
	c.mu.Unlock()
	if covered {
		return
	}
	for _, name := range slices.Sorted(maps.Keys(g.functions)) {
		c.Gap("reports_daily", "", g.functions[name].FunctionARN, action, err)
	}
}

// gapAll records something that is missing from the region without hiding what
// was read: no function has the ARN of all log groups.
func (c *collection) gapAll(err error) {
	c.Gap("reports_daily", "", fmt.Sprintf("arn:%s:logs:%s:%s:log-group:*", c.Partition, c.Region, c.Account), startAction, err)
}

func maxTime(a, b time.Time) time.Time {
	if b.After(a) {
		return b
	}
	return a
}
