// Package analysistest runs an analyzer over scenarios: txtar files that say
// what the store held and what must be concluded from it. The rows go into the
// real embedded engine, so a query is tested by the engine that runs it.
//
// A scenario is testdata/NAME.txtar. It opens with prose that says what it
// shows; then come its files, all but window optional:
//
//	-- window --               two times, half-open: 2026-10-01 2026-10-31
//	-- params.json --          parameters that differ from their defaults
//	-- TABLE.jsonl --          rows, one JSON object a line
//	-- metric_points.series -- metric points in short; see readSeries
//	-- gaps.jsonl --           evidence gaps: table_name, kind, resource, action, outcome, detail
//	-- setup.sql --            further statements, each ended by ";" at a line's end
//	-- want --                 the verdicts; `go test -update` writes them, a person reads the diff
//
// Columns left out of a row have the table's default, and these: account
// 111122223333, region us-east-1, collected_at the window's end; a function is a
// Zip on x86_64 with 128 MB, its ARN made from function_name; a report is of
// $LATEST on x86_64 on the window's first day; resource_tags are answered by
// lambda:ListTags; edges are configured and enabled; a gap is a denial. A value
// "function:NAME" is short for that function's ARN. "@days": N repeats a row
// with a day for N consecutive days. Prices are the embedded snapshot unless the
// scenario brings its own prices.jsonl.
package analysistest

import (
	"context"
	"errors"
	"flag"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/analysis/evidence"
	"github.com/faaswarden/faaswarden/internal/chdb"
	"github.com/faaswarden/faaswarden/internal/price"
	"github.com/faaswarden/faaswarden/internal/schema"
	"github.com/faaswarden/faaswarden/internal/store"
)

var update = flag.Bool("update", false, "rewrite the want section of every scenario")

// Run checks the analyzer's declaration, then runs every scenario of testdata
// as a subtest. It holds the engine while it runs, so it is not parallel and a
// test binary calls it from one test at a time.
func Run(t *testing.T, a *analysis.Analyzer) {
	t.Helper()
	relations, err := schema.Relations()
	if err != nil {
		t.Fatal(err)
	}
	if err := analysis.Validate([]*analysis.Analyzer{a}, relations); err != nil {
		t.Errorf("the declaration has faults:\n%v", err)
	}
	files, err := filepath.Glob(filepath.Join("testdata", "*.txtar"))
	if err != nil {
		t.Fatal(err)
	}
	if len(files) == 0 {
		t.Fatal("testdata holds no *.txtar: an analyzer without scenarios is not tested")
	}
	engine := openEngine(t)
	for i, file := range files {
		name := strings.TrimSuffix(filepath.Base(file), ".txtar")
		t.Run(name, func(t *testing.T) {
			runFile(t, a, file, store.Options{Engine: engine, Database: fmt.Sprintf("scenario_%d", i)})
		})
	}
}

// openEngine opens the embedded engine for the length of the test. An engine
// that is missing fails the test and says how to get it: a test that was not
// run has shown nothing.
func openEngine(t *testing.T) *chdb.Engine {
	t.Helper()
	library, err := chdb.Ensure(t.Context(), chdb.InstallOptions{})
	if err != nil {
		t.Fatalf("scenarios run on the embedded engine: %v", err)
	}
	engine, err := chdb.Open(t.Context(), chdb.Options{Path: t.TempDir(), Library: library, Durability: chdb.Relaxed})
	if err != nil {
		t.Fatalf("open the embedded engine: %v", err)
	}
	t.Cleanup(func() {
		if err := engine.Close(); err != nil {
			t.Errorf("close the embedded engine: %v", err)
		}
	})
	return engine
}

func runFile(t *testing.T, a *analysis.Analyzer, file string, opts store.Options) {
	t.Helper()
	text, err := os.ReadFile(file)
	if err != nil {
		t.Fatal(err)
	}
	s, err := parseScenario(text)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	got, err := s.run(t.Context(), a, opts)
	if err != nil {
		t.Fatalf("%s: %v", file, err)
	}
	if *update {
		if err := os.WriteFile(file, s.update(got), 0o644); err != nil {
			t.Fatal(err)
		}
		return
	}
	if diff := cmp.Diff(strings.Split(s.want, "\n"), strings.Split(got, "\n")); diff != "" {
		t.Errorf("%s: verdicts differ (-want +got); when the new ones are right, go test -update\n%s", file, diff)
	}
}

// run loads the scenario and returns the analyzer's verdicts as text.
func (s *scenario) run(ctx context.Context, a *analysis.Analyzer, opts store.Options) (string, error) {
	db, err := store.Open(ctx, opts)
	if err != nil {
		return "", err
	}
	got, err := s.judge(ctx, a, db)
	return got, errors.Join(err, db.Close())
}

func (s *scenario) judge(ctx context.Context, a *analysis.Analyzer, db *store.Store) (string, error) {
	if err := s.load(ctx, db); err != nil {
		return "", err
	}
	p, err := s.pass(a)
	if err != nil {
		return "", err
	}
	evidence.Bind(p, db.Query)
	gaps, err := evidence.LoadGaps(ctx, db.Query)
	if err != nil {
		return "", err
	}
	p.Blind = gaps.Blind
	failure := a.Run(ctx, p)
	result, misuse := p.Result()
	if misuse != nil {
		return "", fmt.Errorf("misuse of the Pass: %w", misuse)
	}
	return render(result, failure)
}

// load inserts the scenario's rows, then runs its setup.
func (s *scenario) load(ctx context.Context, db *store.Store) error {
	own := false
	for _, t := range s.tables {
		own = own || t.table == "prices"
		if len(t.rows) == 0 {
			continue
		}
		sql, err := t.insertSQL()
		if err != nil {
			return err
		}
		if err := db.Exec(ctx, sql, nil); err != nil {
			return fmt.Errorf("insert into %s: %w", t.table, err)
		}
	}
	if !own {
		if err := loadPrices(ctx, db); err != nil {
			return err
		}
	}
	for _, sql := range s.setup {
		if err := db.Exec(ctx, sql, nil); err != nil {
			return fmt.Errorf("setup.sql: %s: %w", sql, err)
		}
	}
	return nil
}

func loadPrices(ctx context.Context, db *store.Store) error {
	prices, err := price.Snapshot()
	if err != nil {
		return err
	}
	rows := make([]schema.Row, len(prices))
	for i, p := range prices {
		rows[i] = p
	}
	if err := db.Insert(ctx, rows...); err != nil {
		return fmt.Errorf("insert prices: %w", err)
	}
	return nil
}

// pass has every parameter at its default, or at the scenario's value.
func (s *scenario) pass(a *analysis.Analyzer) (*analysis.Pass, error) {
	p := analysis.NewPass(a, s.window)
	for _, param := range a.Params {
		value, ok := s.params[param.Name]
		if !ok {
			value = param.Default
		}
		delete(s.params, param.Name)
		resolved, err := param.Resolve(value)
		if err != nil {
			return nil, fmt.Errorf("params.json: %w", err)
		}
		p.Params[param.Name] = resolved
	}
	for name := range s.params {
		return nil, fmt.Errorf("params.json: %s has no parameter %s", a.Name, name)
	}
	return p, nil
}
