// Package engine schedules collectors, then analyzers, and keeps what they did:
// outcomes, coverage, the life of findings, and the snapshot that metrics and
// pages are served from.
package engine

import (
	"context"
	"fmt"
	"log/slog"
	"sync"
	"sync/atomic"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/config"
	"github.com/faaswarden/faaswarden/internal/price"
	"github.com/faaswarden/faaswarden/internal/store"
)

// Scope is one account and region that collectors run in.
type Scope struct {
	Account   string
	Partition string
	Region    string
	First     bool       // of the first account's home region: collectors that run once run here
	Home      bool       // the region in which per-account collectors run
	AWS       aws.Config // credentials and endpoint; not yet metered or limited
	Err       error      // why nothing can be read here; nil for a scope that can be entered
}

// Options say what to run, where, and how gently.
type Options struct {
	Store      *store.Store
	Config     *config.Config
	Suites     config.Suites
	Scopes     []Scope
	Now        func() time.Time // nil means time.Now
	Shards     int              // how many daemons share the accounts, and the API budget with them; zero means 1
	RateFactor float64          // multiplies AWS's request quotas; zero means 1. Only the simulated account raises it.
	Poll       time.Duration    // how often the schedule is looked at when nothing happens; zero means ten seconds
	Logger     *slog.Logger
	Progress   func(Progress) // may be nil; called from several goroutines
}

// Progress is one step of long work, for a person who waits.
type Progress struct {
	Stage string // collect or analyze
	What  string // "us-east-1 metrics"
	Done  int    // steps that this report adds: 0 at a step's start, 1 at its end
	Total int    // steps of the stage
}

// Engine runs collectors and analyses. Its methods may be called from any
// goroutine: an account's region is collected once at a time, and one analysis
// runs at a time, each beside the other.
type Engine struct {
	opts     Options
	log      *slog.Logger
	limiter  *collect.Limiter
	budget   *collect.Budget
	rates    []collect.Rate
	book     *price.Book
	order    []*collect.Collector
	settings atomic.Pointer[settings]
	snapshot atomic.Pointer[Snapshot]
	health   atomic.Pointer[Health]
	busy     chan struct{} // holds one token: an analysis or retention at a time
	places   places        // where collectors run now
	publish  sync.Mutex    // held while a snapshot is made from the one before
	cycleSeq atomic.Int64
	patience atomic.Int64 // nanoseconds that a run waits for a store that is away
}

// New orders the collectors and prepares an engine; it starts nothing.
func New(opts Options) (*Engine, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	if opts.RateFactor == 0 {
		opts.RateFactor = 1
	}
	if opts.Poll == 0 {
		opts.Poll = defaultPoll
	}
	if opts.Progress == nil {
		opts.Progress = func(Progress) {}
	}
	order, err := collect.Order(opts.Suites.Collectors)
	if err != nil {
		return nil, fmt.Errorf("order collectors: %w", err)
	}
	e := &Engine{
		opts: opts, log: opts.Logger.With("component", "engine"), order: order,
		limiter: collect.NewLimiter(collect.LimiterOptions{Share: opts.Config.AWS.RateHeadroom, Factor: opts.RateFactor}),
		busy:    make(chan struct{}, 1), places: places{held: map[place]chan struct{}{}},
	}
	e.settings.Store(&settings{opts.Config, opts.Scopes})
	return e, nil
}

// Open loads what an earlier process left: prices are refreshed, this month's
// API spend counts against the budget, and the last snapshot is served again.
func (e *Engine) Open(ctx context.Context) error {
	if err := e.seedPrices(ctx); err != nil {
		return err
	}
	spent, err := e.monthSpend(ctx)
	if err != nil {
		return err
	}
	e.budget = collect.NewBudget(collect.BudgetOptions{Ceilings: e.ceilings(), Spent: spent, Now: e.opts.Now})
	s, err := e.loadSnapshot(ctx, analysis.Window{})
	if err != nil {
		return err
	}
	e.snapshot.Store(s)
	e.health.Store(&Health{Since: time.Now()})
	return nil
}

// Snapshot is what the last analysis and collection left; never nil after Open.
func (e *Engine) Snapshot() *Snapshot { return e.snapshot.Load() }

// acquire waits for the one token; release gives it back.
func (e *Engine) acquire(ctx context.Context) (release func(), err error) {
	select {
	case e.busy <- struct{}{}:
		return func() { <-e.busy }, nil
	case <-ctx.Done():
		return nil, ctx.Err()
	}
}

// seedPrices writes the embedded price snapshot, where a newer row replaces an
// older, and reads from it what API calls cost.
func (e *Engine) seedPrices(ctx context.Context) error {
	rows, err := price.Snapshot()
	if err != nil {
		return fmt.Errorf("read the embedded price snapshot: %w", err)
	}
	now := e.opts.Now()
	for i := range rows {
		rows[i].CollectedAt = now
	}
	if e.book, err = price.NewBook(rows); err != nil {
		return fmt.Errorf("read the embedded price snapshot: %w", err)
	}
	if e.rates, err = Rates(e.book, now); err != nil {
		return err
	}
	if err := insert(ctx, e.opts.Store, rows); err != nil {
		return fmt.Errorf("write the price snapshot: %w", err)
	}
	return nil
}

// Rates are what AWS API calls cost by the book at a time.
func Rates(book *price.Book, at time.Time) ([]collect.Rate, error) {
	rates, err := collect.Rates(func(item string) (float64, error) {
		usd, err := book.Rate(item, "us-east-1", "", at)
		return usd.InexactFloat64(), err
	})
	if err != nil {
		return nil, fmt.Errorf("read the prices of AWS API calls: %w", err)
	}
	return rates, nil
}

// monthSpend is what the calls to the services of this engine's accounts have
// cost since the month began, in USD by service.
func (e *Engine) monthSpend(ctx context.Context) (map[string]float64, error) {
	type row struct {
		Account string  `ch:"account"`
		Service string  `ch:"service"`
		USD     float64 `ch:"usd"`
	}
	now := e.opts.Now().UTC()
	month := time.Date(now.Year(), now.Month(), 1, 0, 0, 0, 0, time.UTC)
	mine := map[string]bool{}
	for _, s := range e.settings.Load().scopes {
		mine[s.Account] = true
	}
	spent := map[string]float64{}
	for r, err := range store.Select[row](ctx, e.opts.Store,
		"SELECT account, service, sum(usd) AS usd FROM api_calls FINAL WHERE collected_at >= {month:DateTime} GROUP BY account, service ORDER BY account, service",
		map[string]any{"month": month}) {
		if err != nil {
			return nil, fmt.Errorf("read this month's API spend: %w", err)
		}
		if e.opts.Shards <= 1 || mine[r.Account] {
			spent[r.Service] += r.USD
		}
	}
	return spent, nil
}

// ceilings are this engine's: of what the configuration allows all daemons, an
// equal share for each.
func (e *Engine) ceilings() collect.Ceilings {
	c := e.Config().AWS.Ceilings()
	n := float64(max(1, e.opts.Shards))
	c.USD /= n
	shares := map[string]float64{}
	for service, usd := range c.ServiceUSD {
		shares[service] = usd / n
	}
	c.ServiceUSD = shares
	return c
}
