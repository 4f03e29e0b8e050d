// Package focus imports cost exports, FOCUS 1.0 to 1.2 and CUR 2.0 of AWS Data
// Exports, in CSV and Parquet, into focus_costs.
//
// The embedded engine reads the files; rows never pass through this process when
// the embedded store is also where they go, and pass in batches when a server is.
//
// What a caller may rely on:
//   - Every row of every file is checked before the first one is written. A file
//     that is not what it should be imports nothing, and the error names the
//     file, the column and the row.
//   - An import is seen whole or not at all: its rows are shown once all of them
//     are stored and focus_imports says so.
//   - For a billing period of a billing account in an export, the newest import
//     is the one shown; those before it are deleted after it is.
//   - Costs are decimals of twelve places, in the currency of the file.
package focus

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"time"

	"github.com/faaswarden/faaswarden/internal/schema"
	"github.com/faaswarden/faaswarden/internal/store"
)

// Options say what is imported.
type Options struct {
	Files  []File
	Export string // its name: a later import of the same name replaces this one

	Reader   *store.Store     // embedded store whose engine reads the files; nil: the target, if it is embedded
	Now      func() time.Time // nil: time.Now
	Progress func(Step)       // nil: nobody is told
}

// Step is one of the work's, told when it begins and when it is done.
type Step struct {
	Stage       string // check, import
	File        string
	Done, Total int
}

// Result is what was imported.
type Result struct {
	ImportID string
	Rows     uint64
	Imports  []schema.FocusImport
	Ignored  map[string][]string // file → its columns that are not kept
	Others   []string            // exports that hold one of the same billing periods of the same accounts
}

type importer struct {
	Options
	target *store.Store
	links  string // folder of links to the files, by names without wildcards
	id     string
	at     time.Time
}

// source is a file that was checked.
type source struct {
	File
	plan  *plan
	parts []schema.FocusImport
	rows  uint64
}

// Import reads the files into the target, all of them or none.
func Import(ctx context.Context, target *store.Store, o Options) (result *Result, err error) {
	i, err := newImporter(target, o)
	if err != nil {
		return nil, err
	}
	defer func() { err = errors.Join(err, os.RemoveAll(i.links)) }()
	sources, err := i.checkAll(ctx)
	if err != nil {
		return nil, fmt.Errorf("nothing was imported: %w", err)
	}
	if err := i.write(ctx, sources); err != nil {
		return nil, errors.Join(fmt.Errorf("nothing was imported: %w", err), i.takeBack(ctx))
	}
	result = i.result(sources)
	if result.Others, err = i.others(ctx, result.Imports); err != nil {
		return result, err
	}
	return result, i.supersede(ctx, result.Imports)
}

func newImporter(target *store.Store, o Options) (*importer, error) {
	if len(o.Files) == 0 {
		return nil, errors.New("import: no file is given")
	}
	if o.Export == "" {
		return nil, errors.New("import: the export has no name")
	}
	if o.Reader == nil {
		o.Reader = target
	}
	if !o.Reader.Embedded() {
		return nil, errors.New("import: files are read by the embedded engine, and none is given")
	}
	if o.Now == nil {
		o.Now = time.Now
	}
	if o.Progress == nil {
		o.Progress = func(Step) {}
	}
	links, err := os.MkdirTemp("", "faaswarden-import-")
	if err != nil {
		return nil, fmt.Errorf("import: %w", err)
	}
	return &importer{Options: o, target: target, links: links, id: rand.Text(), at: o.Now().UTC().Truncate(time.Millisecond)}, nil
}

// checkAll reads every file and reports the faults of all of them.
func (i *importer) checkAll(ctx context.Context) ([]source, error) {
	var sources []source
	var faults []error
	var rows uint64
	for n, f := range i.Files {
		i.Progress(Step{Stage: "check", File: f.Name, Done: n, Total: len(i.Files)})
		s, err := i.check(ctx, n, f)
		if ctx.Err() != nil {
			return nil, context.Cause(ctx)
		}
		if err != nil {
			faults = append(faults, fmt.Errorf("%s: %w", f.Name, err))
			continue
		}
		rows += s.rows
		sources = append(sources, s)
	}
	i.Progress(Step{Stage: "check", Done: len(i.Files), Total: len(i.Files)})
	if len(faults) == 0 && rows == 0 {
		faults = append(faults, errors.New("the files hold no row"))
	}
	return sources, errors.Join(faults...)
}

// write stores the rows, and then says that they are there.
func (i *importer) write(ctx context.Context, sources []source) error {
	var imports []schema.Row
	for n, s := range sources {
		i.Progress(Step{Stage: "import", File: s.Name, Done: n, Total: len(sources)})
		if err := i.copyRows(ctx, s); err != nil {
			return fmt.Errorf("%s: %w", s.Name, err)
		}
		for _, part := range s.parts {
			imports = append(imports, part)
		}
	}
	if err := i.verify(ctx, sources); err != nil {
		return err
	}
	i.Progress(Step{Stage: "import", Done: len(sources), Total: len(sources)})
	return i.target.Insert(ctx, imports...)
}

// verify counts what was stored: a file that changed after it was checked is not
// what was checked.
func (i *importer) verify(ctx context.Context, sources []source) error {
	type stored struct {
		Rows uint64 `ch:"n"`
	}
	list, err := store.SelectAll[stored](ctx, i.target, "SELECT count() AS n FROM focus_costs WHERE x_ImportID = {import:String}", map[string]any{"import": i.id})
	if err != nil {
		return fmt.Errorf("count what was stored: %w", err)
	}
	var want uint64
	for _, s := range sources {
		want += s.rows
	}
	if list[0].Rows != want {
		return fmt.Errorf("%d rows were checked and %d stored: a file changed meanwhile; remedy: import it when nothing writes to it", want, list[0].Rows)
	}
	return nil
}

// takeBack deletes what an import that failed had stored, also when its context
// has ended. Until then these rows are not shown.
func (i *importer) takeBack(ctx context.Context) error {
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), time.Minute)
	defer cancel()
	if _, err := i.target.DeleteRows(ctx, "focus_costs", "x_ImportID = "+store.Literal(i.id)); err != nil {
		return fmt.Errorf("take back what was stored: %w", err)
	}
	return nil
}

func (i *importer) result(sources []source) *Result {
	r := &Result{ImportID: i.id, Ignored: map[string][]string{}}
	for _, s := range sources {
		r.Rows += s.rows
		r.Imports = append(r.Imports, s.parts...)
		if len(s.plan.ignored) > 0 {
			r.Ignored[s.Name] = s.plan.ignored
		}
	}
	return r
}

// supersede deletes the rows of earlier imports of what was imported.
func (i *importer) supersede(ctx context.Context, imports []schema.FocusImport) error {
	type scope struct {
		account string
		start   int64
	}
	done := map[scope]bool{}
	for _, part := range imports {
		s := scope{part.BillingAccountID, part.BillingPeriodStart.Unix()}
		if done[s] {
			continue
		}
		done[s] = true
		earlier := fmt.Sprintf("x_ExportName = %s AND BillingAccountId = %s AND BillingPeriodStart = toDateTime(%d, 'UTC') AND x_ImportedAt < fromUnixTimestamp64Milli(%d, 'UTC')",
			store.Literal(i.Export), store.Literal(s.account), s.start, i.at.UnixMilli())
		if _, err := i.target.DeleteRows(ctx, "focus_costs", earlier); err != nil {
			return fmt.Errorf("imported; the rows that it supersedes are not shown any more, but could not be deleted: %w", err)
		}
	}
	return nil
}

// others are exports that also hold what was imported: whoever adds up both
// counts it twice.
func (i *importer) others(ctx context.Context, imports []schema.FocusImport) ([]string, error) {
	type other struct {
		Name string `ch:"name"`
	}
	var accounts []string
	var starts []string
	for _, part := range imports {
		accounts = append(accounts, part.BillingAccountID)
		starts = append(starts, fmt.Sprint(part.BillingPeriodStart.Unix()))
	}
	list, err := store.SelectAll[other](ctx, i.target, `SELECT DISTINCT toString(export_name) AS name
FROM focus_imports
WHERE export_name != {export:String} AND (billing_account_id, toString(toUnixTimestamp(billing_period_start))) IN (arrayZip({accounts:Array(String)}, {starts:Array(String)}))
ORDER BY name`, map[string]any{"export": i.Export, "accounts": accounts, "starts": starts})
	if err != nil {
		return nil, fmt.Errorf("look for other exports of the same periods: %w", err)
	}
	var names []string
	for _, o := range list {
		names = append(names, o.Name)
	}
	return names, nil
}

// link gives a file a name without wildcards, which the engine would expand.
func (i *importer) link(n int, f File, ending string) (string, error) {
	target, err := filepath.Abs(f.Path)
	if err != nil {
		return "", err
	}
	name := filepath.Join(i.links, fmt.Sprintf("%06d%s", n, ending))
	return name, os.Symlink(target, name)
}
