package engine

import (
	"cmp"
	"context"
	"errors"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/config"
	"github.com/faaswarden/faaswarden/internal/schema"
	"github.com/faaswarden/faaswarden/internal/store"
)

const (
	// defaultPoll is how often the schedule is looked at when nothing happens;
	// collectors' own intervals are minutes to days.
	defaultPoll = 10 * time.Second
	// refusedRetry is when a run that could not send a single request is tried again.
	refusedRetry = 10 * time.Minute
	// enterTimeout is how long getting an account's credentials may take.
	enterTimeout = 30 * time.Second
	// storePatience is how long runs of a daemon hold what they have read while
	// the store is away; their number bounds the memory that takes.
	storePatience = time.Hour
	// silentBeforeLeaving is how many collectors in a row a region leaves
	// without any answer before the rest is not tried.
	silentBeforeLeaving = 3
)

// place is an account's region.
type place struct{ account, region string }

// places are where collectors run now.
type places struct {
	mu   sync.Mutex
	held map[place]chan struct{} // closed when it is free again
}

// try takes a place unless somebody has it.
func (p *places) try(at place) bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	if p.held[at] != nil {
		return false
	}
	p.held[at] = make(chan struct{})
	return true
}

// take waits for a place.
func (p *places) take(ctx context.Context, at place) error {
	for !p.try(at) {
		p.mu.Lock()
		free := p.held[at]
		p.mu.Unlock()
		if free == nil {
			continue
		}
		select {
		case <-free:
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	return nil
}

func (p *places) leave(at place) {
	p.mu.Lock()
	defer p.mu.Unlock()
	close(p.held[at])
	delete(p.held, at)
}

// task is one collector in one scope.
type task struct {
	collector *collect.Collector
	settings  config.Collector
	scope     Scope
}

func (t task) key() [3]string { return [3]string{t.collector.Name, t.scope.Account, t.scope.Region} }
func (t task) place() place   { return place{t.scope.Account, t.scope.Region} }

// dueAt is when a task whose newest run is last is to run again.
func (t task) dueAt(last Status) time.Time {
	interval := t.settings.Every
	read := last.Outcome == string(collect.OK) || last.Outcome == string(collect.NoData)
	if !read && last.APICalls == 0 {
		interval = min(interval, refusedRetry)
	}
	return last.LastStartedAt.Add(interval)
}

// tasks lists enabled collectors × scopes, in the suite's dependency order.
func (e *Engine) tasks(want func(task) bool) ([]task, error) {
	var list []task
	for _, c := range e.order {
		settings, err := config.CollectorSettings(e.Config(), c)
		if err != nil {
			return nil, err
		}
		if !settings.Enabled {
			continue
		}
		for _, s := range e.settings.Load().scopes {
			t := task{collector: c, settings: settings, scope: s}
			if s.suits(c) && want(t) {
				list = append(list, t)
			}
		}
	}
	return list, nil
}

// suits reports whether the collector runs here.
func (s Scope) suits(c *collect.Collector) bool {
	switch c.Scope {
	case collect.Once:
		return s.First
	case collect.PerAccount:
		return s.Home
	default:
		return true
	}
}

// byPlace groups tasks by account and region, in the order in which a place
// first appears.
func byPlace(tasks []task) [][]task {
	index := map[place]int{}
	var groups [][]task
	for _, t := range tasks {
		i, ok := index[t.place()]
		if !ok {
			i = len(groups)
			index[t.place()] = i
			groups = append(groups, nil)
		}
		groups[i] = append(groups[i], t)
	}
	return groups
}

// due lists what is to be collected now, the place that has waited longest first.
func (e *Engine) due(ctx context.Context) ([][]task, error) {
	last := map[[3]string]Status{}
	for s, err := range store.Select[Status](ctx, e.opts.Store, statusQuery, nil) {
		if err != nil {
			return nil, fmt.Errorf("read collector status: %w", err)
		}
		last[[3]string{s.Collector, s.Account, s.Region}] = s
	}
	now := e.opts.Now()
	tasks, err := e.tasks(func(t task) bool { return !now.Before(t.dueAt(last[t.key()])) })
	if err != nil {
		return nil, err
	}
	groups := byPlace(tasks)
	slices.SortStableFunc(groups, func(a, b []task) int {
		return cmp.Compare(oldest(a, last).UnixNano(), oldest(b, last).UnixNano())
	})
	return groups, nil
}

func oldest(tasks []task, last map[[3]string]Status) time.Time {
	at := tasks[0].dueAt(last[tasks[0].key()])
	for _, t := range tasks[1:] {
		if d := t.dueAt(last[t.key()]); d.Before(at) {
			at = d
		}
	}
	return at
}

// Run collects and analyzes on schedule until ctx ends, and sees to retention
// once a day. Every account's region is on a schedule of its own: one that is
// slow or does not answer delays no other. What fails is logged and tried again
// when due; it never ends the loop.
func (e *Engine) Run(ctx context.Context) error {
	// Rows that were read and paid for wait for a store that is away; a command
	// that runs once tells of it at once.
	e.patience.Store(int64(storePatience))
	defer e.patience.Store(0)
	ended := make(chan struct{}, 1) // a place was collected
	var running sync.WaitGroup
	defer running.Wait()
	running.Go(func() { e.runAnalyses(ctx, ended) })
	slots := make(chan struct{}, e.Config().AWS.Concurrency)
	caches := newCaches(e.opts.Now)
	freed := make(chan struct{}, 1)
	for ctx.Err() == nil {
		groups, err := e.due(ctx)
		if err != nil && ctx.Err() == nil {
			e.log.Error("the schedule could not be read", "error", err)
		}
		for _, list := range groups {
			if !acquireSlot(slots) {
				break
			}
			at := list[0].place()
			if !e.places.try(at) {
				<-slots
				continue
			}
			running.Go(func() {
				_, err := e.runPlace(ctx, list, caches.of(at.account), len(list))
				<-slots
				signal(freed)
				if err != nil && ctx.Err() == nil {
					e.log.Error("collection failed", "account", at.account, "region", at.region, "error", err)
					// What could not be stored is due again at once, and is read and paid for again.
					wait(ctx, e.opts.Poll)
				}
				e.places.leave(at)
				signal(freed)
				signal(ended)
			})
		}
		select {
		case <-ctx.Done():
		case <-freed:
		case <-time.After(e.opts.Poll):
		}
	}
	return nil
}

func acquireSlot(slots chan struct{}) bool {
	select {
	case slots <- struct{}{}:
		return true
	default:
		return false
	}
}

// wait returns after some time, or when the context ends.
func wait(ctx context.Context, d time.Duration) {
	select {
	case <-ctx.Done():
	case <-time.After(d):
	}
}

// signal tells whoever listens, once.
func signal(c chan<- struct{}) {
	select {
	case c <- struct{}{}:
	default:
	}
}

// runAnalyses publishes what collection did, analyzes when nothing is being
// collected any more or the last analysis is old, and sees to retention.
func (e *Engine) runAnalyses(ctx context.Context, collected <-chan struct{}) {
	var analyzed, retainAt time.Time
	fresh := false // something was collected since the last analysis
	for {
		select {
		case <-ctx.Done():
			return
		case <-collected:
			fresh = true
			if err := e.refreshOperations(ctx); err != nil && ctx.Err() == nil {
				e.log.Error("the newest collection could not be read", "error", err)
			}
		case <-time.After(e.opts.Poll):
		}
		old := e.opts.Now().Sub(analyzed) >= time.Duration(e.Config().Analysis.Every)
		if ctx.Err() == nil && (old || fresh && e.places.idle()) {
			if _, err := e.Analyze(ctx, AnalyzeOptions{}); err != nil && ctx.Err() == nil {
				e.log.Error("analysis failed", "error", err)
			}
			analyzed, fresh = e.opts.Now(), false
		}
		if ctx.Err() == nil && !e.opts.Now().Before(retainAt) {
			retainAt = e.retainDue(ctx)
		}
	}
}

// idle reports whether nothing is being collected.
func (p *places) idle() bool {
	p.mu.Lock()
	defer p.mu.Unlock()
	return len(p.held) == 0
}

// caches keep an account's answers for the runs of its regions that begin
// close together.
type caches struct {
	now  func() time.Time
	mu   sync.Mutex
	kept map[string]agedCache
}

type agedCache struct {
	*collect.Cache
	since time.Time
}

// cacheAge is how long an answer serves the runs of other regions.
const cacheAge = 15 * time.Minute

func newCaches(now func() time.Time) *caches { return &caches{now: now, kept: map[string]agedCache{}} }

func (c *caches) of(account string) *collect.Cache {
	c.mu.Lock()
	defer c.mu.Unlock()
	maps.DeleteFunc(c.kept, func(_ string, known agedCache) bool { return c.now().Sub(known.since) >= cacheAge })
	if known, ok := c.kept[account]; ok {
		return known.Cache
	}
	c.kept[account] = agedCache{collect.NewCache(), c.now()}
	return c.kept[account].Cache
}

// collectPlace runs a place's tasks once the place is free.
func (e *Engine) collectPlace(ctx context.Context, tasks []task, cache *collect.Cache, total int) ([]schema.CollectorRun, error) {
	at := tasks[0].place()
	if err := e.places.take(ctx, at); err != nil {
		return nil, err
	}
	defer e.places.leave(at)
	return e.runPlace(ctx, tasks, cache, total)
}

// runPlace runs collectors of one account's region in order: what one reads
// another has written. They share its rate limits, so running them at once
// would gain nothing. Where the account cannot be entered, or the region
// answers nothing, the rest is recorded and not tried.
func (e *Engine) runPlace(ctx context.Context, tasks []task, cache *collect.Cache, total int) ([]schema.CollectorRun, error) {
	var runs []schema.CollectorRun
	refused := e.enter(ctx, tasks[0].scope)
	silent := 0
	for _, t := range tasks {
		step := Progress{Stage: "collect", What: t.scope.Region + " " + t.collector.Name, Total: total}
		e.opts.Progress(step)
		run, err := e.runOrRefuse(ctx, t, cache, refused)
		if err != nil {
			return runs, err
		}
		runs = append(runs, run.CollectorRun)
		if silent++; run.answered || run.APICalls == 0 {
			silent = 0
		}
		if silent == silentBeforeLeaving && refused == nil {
			refused = fmt.Errorf("%s did not answer %d collectors in a row, the last with: %s", t.scope.Region, silent, run.Detail)
		}
		step.Done = 1
		e.opts.Progress(step)
	}
	return runs, nil
}

// enter says why nothing can be read in a scope.
func (e *Engine) enter(ctx context.Context, s Scope) error {
	if s.Err != nil || s.AWS.Credentials == nil {
		return s.Err
	}
	ctx, cancel := context.WithTimeout(ctx, enterTimeout)
	defer cancel()
	if _, err := s.AWS.Credentials.Retrieve(ctx); err != nil {
		return fmt.Errorf("get credentials for account %s: %w", s.Account, err)
	}
	return nil
}

// finished is a run that was stored, and whether AWS answered any of it.
type finished struct {
	schema.CollectorRun
	answered bool
}

// runOrRefuse runs one collector, or records why it was not run.
func (e *Engine) runOrRefuse(ctx context.Context, t task, cache *collect.Cache, refused error) (finished, error) {
	if refused == nil {
		return e.runOne(ctx, t, cache)
	}
	if errors.Is(refused, context.Canceled) {
		return finished{}, refused
	}
	run, sink, err := e.newRun(ctx, t, cache)
	if err != nil {
		return finished{}, err
	}
	record := e.record(run, sink, refused)
	record.FinishedAt = run.Now
	closeCtx, cancel := lasting(ctx)
	defer cancel()
	if err := e.storeRun(closeCtx, run, record, refused); err != nil {
		return finished{}, err
	}
	e.log.Warn("collector not run", "collector", t.collector.Name, "account", t.scope.Account, "region", t.scope.Region, "outcome", record.Outcome, "detail", record.Detail)
	return finished{CollectorRun: record}, nil
}
