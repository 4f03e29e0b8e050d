package awssim

import (
	"runtime"
	"slices"
	"sync"
)

// cachedHours bounds what a region remembers of computed histories: enough for
// some thousand functions over a month, about 100 MB at most. Beyond it the oldest are computed
// again when asked.
const cachedHours = 1_500_000

// seriesCache keeps computed histories and an index of what emits metrics.
type seriesCache struct {
	mu     sync.Mutex
	tallys map[*Function]*tally
	times  map[*Function][]hourTime
	queue  []*Function // in order of arrival
	hours  int

	indexed sync.Once
	index   seriesIndex

	summed sync.Once
	sums   regionSums
}

// seriesIndex finds what a metric's dimensions name.
type seriesIndex struct {
	functions map[string]*Function
	queues    map[string]*Queue
	topics    map[string]*Topic
	rules     map[string]*Rule
	gateways  map[string]*NATGateway
	groups    map[string][]*Function // by log group
}

func (r *Region) names() *seriesIndex {
	r.series.indexed.Do(func() {
		x := seriesIndex{
			functions: map[string]*Function{}, queues: map[string]*Queue{}, topics: map[string]*Topic{},
			rules: map[string]*Rule{}, gateways: map[string]*NATGateway{}, groups: map[string][]*Function{},
		}
		for _, f := range r.Functions {
			x.functions[f.Name] = f
			if f.load != nil {
				x.groups[f.LogGroup()] = append(x.groups[f.LogGroup()], f)
			}
		}
		for _, q := range r.Queues {
			x.queues[q.Name] = q
		}
		for _, t := range r.Topics {
			x.topics[t.Name] = t
		}
		for _, rule := range r.Rules {
			x.rules[rule.Name] = rule
		}
		for _, n := range r.NATGateways {
			x.gateways[n.ID] = n
		}
		r.series.index = x
	})
	return &r.series.index
}

// tally is the function's history in counts. f must have a load.
func (r *Region) tally(f *Function) *tally {
	c := &r.series
	c.mu.Lock()
	t := c.tallys[f]
	c.mu.Unlock()
	if t != nil {
		return t
	}
	t = f.load.count(r.world.Days)
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.tallys[f] != nil {
		return c.tallys[f] // another goroutine was faster
	}
	c.makeRoom(f, len(t.hours))
	c.tallys[f] = t
	return t
}

// timesOf is the function's history of durations.
func (r *Region) timesOf(f *Function) []hourTime {
	c := &r.series
	c.mu.Lock()
	out := c.times[f]
	c.mu.Unlock()
	if out != nil {
		return out
	}
	out = f.load.times(r.tally(f))
	c.mu.Lock()
	defer c.mu.Unlock()
	if c.times[f] != nil {
		return c.times[f]
	}
	c.makeRoom(f, len(out))
	c.times[f] = out
	return out
}

// makeRoom forgets the oldest functions until another history fits. The caller holds mu.
func (c *seriesCache) makeRoom(f *Function, hours int) {
	if c.tallys == nil {
		c.tallys, c.times = map[*Function]*tally{}, map[*Function][]hourTime{}
	}
	for c.hours+hours > cachedHours && len(c.queue) > 0 {
		old := c.queue[0]
		c.queue = c.queue[1:]
		if t := c.tallys[old]; t != nil {
			c.hours -= len(t.hours)
		}
		c.hours -= len(c.times[old])
		delete(c.tallys, old)
		delete(c.times, old)
	}
	if !slices.Contains(c.queue, f) {
		c.queue = append(c.queue, f)
	}
	c.hours += hours
}

// regionSums are the region's own metrics.
type regionSums struct {
	hours      []hourCount // oldest first; Throttles and the like of all functions together
	total      []float64   // concurrency by minute, oldest first
	unreserved []float64
	held       int // reserved, or provisioned without a reservation
}

// sums adds up all functions once, on all processors.
func (r *Region) sums() *regionSums {
	r.series.summed.Do(func() {
		minutes, workers := r.world.Days*24*60, runtime.GOMAXPROCS(0)
		parts := make([]regionSums, workers)
		parallel(workers, func(i int) {
			part := &parts[i]
			*part = regionSums{hours: make([]hourCount, minutes/60), total: make([]float64, minutes), unreserved: make([]float64, minutes)}
			for at := i; at < len(r.Functions); at += workers {
				part.add(r.Functions[at], r.world.Days)
			}
		})
		sums := &r.series.sums
		*sums = parts[0]
		for _, part := range parts[1:] {
			sums.merge(part)
		}
		for _, f := range r.Functions {
			if f.ReservedConcurrency != nil {
				sums.held += *f.ReservedConcurrency
				continue
			}
			for _, p := range f.ProvisionedConcurrency {
				sums.held += p.Requested
			}
		}
	})
	return &r.series.sums
}

// add sums thousandths of a sandbox, so that the order of adding is of no
// consequence.
func (s *regionSums) add(f *Function, days int) {
	if f.load == nil {
		return
	}
	t, random := f.load.count(days), newReseedable()
	for i, h := range t.hours {
		sum := &s.hours[i]
		sum.invocations += h.invocations
		sum.throttles += h.throttles
		sum.errors += h.failed()
		if h.invocations == 0 {
			continue
		}
		ago := len(t.hours) - i
		for m, n := range f.load.minuteCounts(random, t, ago) {
			busy := float64(int64(1000 * f.load.concurrency(ago, n.served)))
			s.total[i*60+m] += busy
			if f.ReservedConcurrency == nil {
				s.unreserved[i*60+m] += max(0, busy-1000*float64(f.load.provisioned))
			}
		}
	}
}

func (s *regionSums) merge(other regionSums) {
	for i, h := range other.hours {
		s.hours[i].invocations += h.invocations
		s.hours[i].throttles += h.throttles
		s.hours[i].errors += h.errors
	}
	for i := range other.total {
		s.total[i] += other.total[i]
		s.unreserved[i] += other.unreserved[i]
	}
}

// parallel calls do(0) … do(n−1) on all processors and waits.
func parallel(n int, do func(i int)) {
	var wg sync.WaitGroup
	workers := runtime.GOMAXPROCS(0)
	for start := range workers {
		wg.Go(func() {
			for i := start; i < n; i += workers {
				do(i)
			}
		})
	}
	wg.Wait()
}
