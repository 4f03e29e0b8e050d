package engine

import (
	"context"
	"errors"
	"fmt"
	"runtime/debug"
	"slices"
	"time"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/analysis/evidence"
	"github.com/faaswarden/faaswarden/internal/config"
	"github.com/faaswarden/faaswarden/internal/schema"
	"github.com/faaswarden/faaswarden/internal/store"
)

// AnalyzeOptions narrow an analysis.
type AnalyzeOptions struct {
	AsOf time.Time // end of the window; zero means the last full hour
	Only []string  // analyzer names; empty means all enabled
}

// Analyze runs analyzers over the store and publishes a new snapshot. A failing
// analyzer keeps its earlier findings and is an outcome in the snapshot; the
// error is the store's or the context's.
func (e *Engine) Analyze(ctx context.Context, opts AnalyzeOptions) (*Snapshot, error) {
	release, err := e.acquire(ctx)
	if err != nil {
		return nil, err
	}
	defer release()
	to := opts.AsOf
	if to.IsZero() {
		to = e.opts.Now().UTC().Truncate(time.Hour)
	}
	window := analysis.Window{From: to.Add(-time.Duration(e.Config().Analysis.Window)), To: to}
	sight, err := e.loadSight(ctx, window)
	if err != nil {
		return nil, err
	}
	owners, err := e.loadOwners(ctx)
	if err != nil {
		return nil, err
	}
	for _, a := range e.opts.Suites.Analyzers {
		if len(opts.Only) > 0 && !contains(opts.Only, a.Name) {
			continue
		}
		settings, err := config.AnalyzerSettings(e.Config(), a)
		if err != nil {
			return nil, err
		}
		if !settings.Enabled {
			continue
		}
		if err := e.analyzeOne(ctx, a, settings, window, sight, owners); err != nil {
			return nil, err
		}
		e.opts.Progress(Progress{Stage: "analyze", What: a.Name, Done: 1, Total: len(e.opts.Suites.Analyzers)})
	}
	e.publish.Lock()
	defer e.publish.Unlock()
	s, err := e.loadSnapshot(ctx, window)
	if err != nil {
		return nil, err
	}
	e.snapshot.Store(s)
	e.log.Info("analysis finished", "open_findings", len(s.Findings), "window_end", to, "blind_sources", len(s.Blind))
	return s, nil
}

// analyzeOne runs one analyzer and stores its verdicts, findings and run.
func (e *Engine) analyzeOne(ctx context.Context, a *analysis.Analyzer, settings config.Analyzer, w analysis.Window, sight *sight, owners map[string]string) error {
	started := time.Now()
	pass := analysis.NewPass(a, w)
	pass.Severity, pass.Params = settings.Severity, settings.Params
	evidence.Bind(pass, e.opts.Store.Query)
	pass.Blind = sight.blind
	runErr := protect(func() error { return a.Run(ctx, pass) })
	if ctx.Err() != nil {
		return fmt.Errorf("analyze %s: %w", a.Name, ctx.Err())
	}
	for _, scope := range sight.scopes() {
		if b, blind := sight.blind(scope, inventoryTable, listing); blind && slices.Contains(a.Reads, inventoryTable+"_current") {
			pass.CannotDetermine(scope, b)
		}
	}
	result, misuse := pass.Result()
	now := e.opts.Now().UTC()
	run := schema.AnalyzerRun{
		RunID: fmt.Sprintf("%s-%06d", now.Format("20060102T150405.000"), e.cycleSeq.Add(1)), Analyzer: a.Name,
		StartedAt: now, FinishedAt: now.Add(time.Since(started)), WindowFrom: w.From, WindowTo: w.To, Outcome: "ok",
	}
	if err := errors.Join(runErr, misuse); err != nil {
		run.Outcome, run.Detail = "failed", err.Error()
		e.log.Error("analyzer failed", "analyzer", a.Name, "error", err)
		return insert(ctx, e.opts.Store, []schema.AnalyzerRun{run})
	}
	for _, j := range result.Judgements {
		switch j.Verdict {
		case analysis.OK:
			run.OK++
		case analysis.Violation:
			run.Violations++
		default:
			run.CannotDetermine++
		}
	}
	run.Findings = uint64(len(result.Findings))
	for i := range result.Findings {
		own(&result.Findings[i].Subject, owners)
	}
	for i := range result.Judgements {
		own(&result.Judgements[i].Subject, owners)
	}
	return e.storeAnalysis(ctx, run, result)
}

// Where the inventory itself could not be read there is nothing to judge, and
// yet a blind analyzer never reports zero: it owes one verdict on the scope.
const (
	inventoryTable = "functions"
	listing        = "listing" // no gap is of this kind alone; a gap of the whole table matches every kind
)

func own(s *analysis.Subject, owners map[string]string) {
	if s.Owner == "" {
		s.Owner = owners[s.Resource]
	}
}

// loadOwners reads who owns a resource: the first of the configured tag keys it has.
func (e *Engine) loadOwners(ctx context.Context) (map[string]string, error) {
	type row struct {
		Resource string            `ch:"resource_arn"`
		Tags     map[string]string `ch:"tags"`
	}
	owners := map[string]string{}
	for r, err := range store.Select[row](ctx, e.opts.Store, "SELECT resource_arn, tags FROM tags_current WHERE status = 'read' ORDER BY resource_arn", nil) {
		if err != nil {
			return nil, fmt.Errorf("read owners: %w", err)
		}
		for _, key := range e.Config().Analysis.OwnerTags {
			if v := r.Tags[key]; v != "" {
				owners[r.Resource] = v
				break
			}
		}
	}
	return owners, nil
}

func contains(list []string, name string) bool { return slices.Contains(list, name) }

func stack() []byte { return debug.Stack() }

// insert writes rows of one type.
func insert[T schema.Row](ctx context.Context, s *store.Store, rows []T) error {
	if len(rows) == 0 {
		return nil
	}
	list := make([]schema.Row, len(rows))
	for i, r := range rows {
		list[i] = r
	}
	return s.Insert(ctx, list...)
}
