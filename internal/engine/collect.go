package engine

import (
	"context"
	"errors"
	"fmt"
	"maps"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
	"github.com/faaswarden/faaswarden/internal/store"
)

const (
	defaultTimeout = 30 * time.Minute
	// closing is how long a run's last rows may take to be written after its context ended.
	closing = 30 * time.Second
)

// Collect runs the named collectors (all enabled ones when none is named)
// in every scope now, and returns the runs as stored. The error is the store's
// or the context's; a failing collector is an outcome, not an error.
func (e *Engine) Collect(ctx context.Context, only ...string) ([]schema.CollectorRun, error) {
	tasks, err := e.tasks(func(t task) bool { return len(only) == 0 || contains(only, t.collector.Name) })
	if err != nil {
		return nil, err
	}
	results := make(chan []schema.CollectorRun, len(tasks))
	group, groupCtx := errgroup.WithContext(ctx)
	group.SetLimit(e.Config().AWS.Concurrency)
	caches := newCaches(e.opts.Now)
	for _, list := range byPlace(tasks) {
		group.Go(func() error {
			runs, err := e.collectPlace(groupCtx, list, caches.of(list[0].scope.Account), len(tasks))
			results <- runs
			return err
		})
	}
	err = group.Wait()
	close(results)
	var runs []schema.CollectorRun
	for r := range results {
		runs = append(runs, r...)
	}
	if err == nil {
		err = e.refreshOperations(ctx)
	}
	return runs, err
}

// runOne runs one collector in one scope and stores what became of it.
func (e *Engine) runOne(ctx context.Context, t task, cache *collect.Cache) (finished, error) {
	started := time.Now()
	run, sink, err := e.newRun(ctx, t, cache)
	if err != nil {
		return finished{}, err
	}
	timeout := t.collector.Timeout
	if timeout == 0 {
		timeout = defaultTimeout
	}
	runCtx, cancel := context.WithTimeout(ctx, timeout)
	defer cancel()
	collectErr := protect(func() error { return t.collector.Collect(runCtx, run) })

	closeCtx, cancelClose := lasting(ctx)
	defer cancelClose()
	if err := sink.Flush(closeCtx); err != nil {
		return finished{}, fmt.Errorf("write rows of %s in %s %s: %w", t.collector.Name, t.scope.Account, t.scope.Region, err)
	}
	record := e.record(run, sink, collectErr)
	record.FinishedAt = run.Now.Add(time.Since(started))
	if err := e.storeRun(closeCtx, run, record, collectErr); err != nil {
		return finished{}, err
	}
	e.log.Info("collector finished", "collector", t.collector.Name, "account", t.scope.Account, "region", t.scope.Region,
		"outcome", record.Outcome, "partial", record.Partial, "rows", record.RowsWritten, "api_calls", record.APICalls, "detail", record.Detail)
	return finished{record, run.Meter.Answered()}, ctx.Err()
}

// newRun builds what the collector is given.
func (e *Engine) newRun(ctx context.Context, t task, cache *collect.Cache) (*collect.Run, *store.Sink, error) {
	now := e.opts.Now().UTC()
	sink := e.sink()
	meter := collect.NewMeter(e.rates, e.budget)
	run := &collect.Run{
		ID:        fmt.Sprintf("%s-%06d", now.Format("20060102T150405.000"), e.cycleSeq.Add(1)),
		Collector: t.collector, Account: t.scope.Account, Partition: t.scope.Partition, Region: t.scope.Region,
		Now: now, Window: collect.Window{From: now.Add(-e.lookback(t.collector)), To: now},
		AWS:  collect.Instrument(t.scope.AWS, meter, e.limiter, collect.InstrumentOptions{Account: t.scope.Account}),
		Sink: sink, State: e.opts.Store.State(t.collector.Name, t.scope.Account, t.scope.Region, sink),
		Log:    e.opts.Logger.With("collector", t.collector.Name, "account", t.scope.Account, "region", t.scope.Region),
		Params: maps.Clone(t.settings.Params), Meter: meter, Cache: cache,
	}
	run.Resources = func(ctx context.Context, kind string) ([]string, error) {
		return e.resources(ctx, t.scope, kind)
	}
	if contains(t.collector.Reads, "functions") {
		functions, err := e.functions(ctx, t.scope)
		if err != nil {
			return nil, nil, err
		}
		run.Functions = functions
	}
	return run, sink, nil
}

func (e *Engine) lookback(c *collect.Collector) time.Duration {
	if c.Lookback == 0 {
		return 0
	}
	return time.Duration(e.Config().AWS.Lookback)
}

// functions is the scope's inventory as last read.
func (e *Engine) functions(ctx context.Context, s Scope) ([]schema.Function, error) {
	var list []schema.Function
	const query = `SELECT * FROM functions_current
WHERE account = {account:String} AND region = {region:String} AND version = '$LATEST' ORDER BY function_arn`
	for f, err := range store.Select[schema.Function](ctx, e.opts.Store, query, map[string]any{"account": s.Account, "region": s.Region}) {
		if err != nil {
			return nil, fmt.Errorf("read the inventory of %s %s: %w", s.Account, s.Region, err)
		}
		list = append(list, f)
	}
	return list, nil
}

// resourceQueries are the lists Run.Resources gives.
var resourceQueries = map[collect.ResourceKind]string{
	collect.QueueResources: `SELECT queue_arn AS arn FROM queues_current
WHERE account = {account:String} AND region = {region:String} ORDER BY arn`,
	collect.NATGatewayResources: `SELECT concat('arn:', {partition:String}, ':ec2:', region, ':', account, ':natgateway/', nat_gateway_id) AS arn
FROM nat_gateways_current WHERE account = {account:String} AND region = {region:String} ORDER BY arn`,
	collect.ProvisionedResources: `SELECT concat(function_arn, ':', qualifier) AS arn FROM provisioned_concurrency_current
WHERE account = {account:String} AND region = {region:String} ORDER BY arn`,
	collect.StreamConsumerResources: `SELECT DISTINCT function_arn AS arn FROM event_source_mappings_current
WHERE account = {account:String} AND region = {region:String} AND NOT match(source_arn, '^arn:[a-z-]+:sqs:') ORDER BY arn`,
	collect.KafkaConsumerResources: `SELECT DISTINCT function_arn AS arn FROM event_source_mappings_current
WHERE account = {account:String} AND region = {region:String} AND (source_arn = '' OR match(source_arn, '^arn:[a-z-]+:kafka:')) ORDER BY arn`,
	collect.MeasuredMappingResources: `SELECT concat('arn:', {partition:String}, ':lambda:', region, ':', account, ':event-source-mapping:', uuid) AS arn
FROM event_source_mapping_details_current WHERE account = {account:String} AND region = {region:String} AND notEmpty(metrics) ORDER BY arn`,
	collect.WeightedAliasResources: `SELECT concat(function_arn, ':', alias, ':', arrayJoin(arrayConcat([version], mapKeys(weights)))) AS arn FROM aliases_current
WHERE account = {account:String} AND region = {region:String} AND notEmpty(weights) ORDER BY arn`,
	collect.RuleResources: `SELECT DISTINCT src_arn AS arn FROM edges_current
WHERE account = {account:String} AND region = {region:String} AND source_kind = 'events' AND src_kind = 'rule' AND enabled ORDER BY arn`,
	collect.LinkedFunctionResources: `SELECT DISTINCT function_arn AS arn FROM functions_current
WHERE account != {account:String} AND region = {region:String} AND version = '$LATEST' ORDER BY arn`,
	collect.QualifierResources: `SELECT arn FROM
(
    SELECT concat(function_arn, ':', alias) AS arn FROM aliases_current WHERE account = {account:String} AND region = {region:String}
    UNION ALL
    SELECT concat(function_arn, ':', version) AS arn FROM functions_current WHERE account = {account:String} AND region = {region:String} AND version != '$LATEST'
)
ORDER BY arn`,
}

func (e *Engine) resources(ctx context.Context, s Scope, kind string) ([]string, error) {
	query, ok := resourceQueries[kind]
	if !ok {
		return nil, fmt.Errorf("read resources of kind %q: %w", kind, collect.ErrNotKept)
	}
	type row struct {
		ARN string `ch:"arn"`
	}
	var list []string
	for r, err := range store.Select[row](ctx, e.opts.Store, query, map[string]any{"account": s.Account, "region": s.Region, "partition": s.Partition}) {
		if err != nil {
			return nil, fmt.Errorf("read %s of %s %s: %w", kind, s.Account, s.Region, err)
		}
		list = append(list, r.ARN)
	}
	return list, nil
}

// record sums a run up. Denied with nothing read is denied; denied with
// something read is ok and partial.
func (e *Engine) record(run *collect.Run, sink *store.Sink, err error) schema.CollectorRun {
	gaps := run.Gaps()
	r := schema.CollectorRun{
		RunID: run.ID, Collector: run.Collector.Name, Account: run.Account, Region: run.Region,
		StartedAt: run.Now, Partial: err != nil || len(gaps) > 0,
		RowsWritten: sink.Written(), APICalls: run.Meter.Calls(), APIUSD: run.Meter.USD(),
	}
	switch {
	case errors.Is(err, collect.ErrBudget):
		r.Outcome, r.Detail = string(collect.Skipped), collect.Describe(err)
	case err != nil:
		r.Outcome, r.Detail = string(collect.Classify(err)), collect.Describe(err)
	case r.RowsWritten == 0 && len(gaps) > 0:
		r.Outcome, r.Detail = gaps[0].Outcome, gaps[0].Action+": "+gaps[0].Detail
	case r.RowsWritten == 0:
		r.Outcome = string(collect.NoData)
	default:
		r.Outcome = string(collect.OK)
	}
	if r.Detail == "" && len(gaps) > 0 {
		r.Detail = fmt.Sprintf("%d gaps, the first: %s %s", len(gaps), gaps[0].Action, gaps[0].Outcome)
	}
	return r
}

// storeRun keeps a run's record, its gaps, its completions and its ledger. The
// completions go last: until they are there, older rows stay current.
func (e *Engine) storeRun(ctx context.Context, run *collect.Run, record schema.CollectorRun, runErr error) error {
	gaps := run.Gaps()
	if runErr != nil {
		for _, table := range run.Collector.Writes {
			gaps = append(gaps, schema.EvidenceGap{
				RunID: run.ID, Collector: run.Collector.Name, Account: run.Account, Region: run.Region,
				TableName: table, Outcome: record.Outcome, Detail: record.Detail, CollectedAt: run.Now,
			})
		}
	}
	for _, write := range []func() error{
		func() error { return keep(ctx, e.sink(), gaps) },
		func() error { return keep(ctx, e.sink(), run.Meter.Ledger(run)) },
		func() error { return keep(ctx, e.sink(), []schema.CollectorRun{record}) },
		func() error { return keep(ctx, e.sink(), run.Completions()) },
	} {
		if err := write(); err != nil {
			return fmt.Errorf("store the run of %s in %s %s: %w", run.Collector.Name, run.Account, run.Region, err)
		}
	}
	return nil
}

// sink is a run's way to the store.
func (e *Engine) sink() *store.Sink {
	return e.opts.Store.Sink(store.SinkOptions{Sharers: e.Config().AWS.Concurrency, Patience: time.Duration(e.patience.Load())})
}

// keep writes rows of one type and returns once they are durable.
func keep[T schema.Row](ctx context.Context, sink *store.Sink, rows []T) error {
	for _, r := range rows {
		if err := sink.Put(ctx, r); err != nil {
			return err
		}
	}
	return sink.Flush(ctx)
}

// lasting is ctx with some time more once it has ended: what was read is worth
// keeping even when a run was cut short.
func lasting(ctx context.Context) (context.Context, context.CancelFunc) {
	longer, cancel := context.WithCancel(context.WithoutCancel(ctx))
	stop := context.AfterFunc(ctx, func() { time.AfterFunc(closing, cancel) })
	return longer, func() { stop(); cancel() }
}

// protect turns a panic of one collector or analyzer into its error.
func protect(run func() error) (err error) {
	defer func() {
		if r := recover(); r != nil {
			err = fmt.Errorf("panic: %v\n%s", r, stack())
		}
	}()
	return run()
}
