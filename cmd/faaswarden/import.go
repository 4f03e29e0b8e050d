package main

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/faaswarden/faaswarden/internal/engine"
	"github.com/faaswarden/faaswarden/internal/report"
	"github.com/faaswarden/faaswarden/internal/store"
	"github.com/faaswarden/faaswarden/internal/store/focus"
)

type importFlags struct {
	source
	export string
}

func newImport(c *cli) *cobra.Command {
	cmd := &cobra.Command{Use: "import", Short: "Import what others export"}
	f := &importFlags{}
	costs := &cobra.Command{
		Use:   "focus PATH...",
		Short: "Import cost exports: FOCUS 1.0 to 1.2, or CUR 2.0",
		Long: `Imports exports of AWS Data Exports: FOCUS 1.0 to 1.2, or CUR 2.0, as .csv, .csv.gz or
.parquet. A path is a file, a folder that is searched for such files, or a pattern.
Every row of every file is checked before the first one is written: where anything is
wrong nothing is imported, and the file, the column and the row are named.

Import an export whole, all files of a billing period at once: of each billing period
of an account the newest import of the same --export is the one that counts, so that
importing again replaces, and late corrections are newer versions.`,
		Example: `  faaswarden import focus --data ./data export/BILLING_PERIOD=2026-10/
  faaswarden import focus --config faaswarden.yml --export payer 'export/*.parquet'`,
		Args: cobra.MinimumNArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error { return c.importFocus(cmd.Context(), f, args) },
	}
	f.flags(costs)
	costs.Flags().StringVar(&f.export, "export", "focus", "name of the export: a later import of the same name replaces this one")
	cmd.AddCommand(costs)
	return cmd
}

func (c *cli) importFocus(ctx context.Context, f *importFlags, paths []string) (err error) {
	if f.export == "" {
		return usageError{errors.New("--export is empty: give the export a name")}
	}
	files, err := exportFiles(paths)
	if err != nil {
		return usageError{err}
	}
	target, _, err := c.openStore(ctx, &f.source, false)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, target.Close()) }()
	reader, done, err := c.reader(ctx, target)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, done()) }()
	bar, started := c.newProgress(), time.Now()
	result, err := focus.Import(ctx, target, focus.Options{Files: files, Export: f.export, Reader: reader, Progress: stepper(bar)})
	bar.finish()
	if err != nil {
		return err
	}
	return c.printImport(result, time.Since(started))
}

// reader is the embedded engine that reads the files: the store's own, or one
// beside a server.
func (c *cli) reader(ctx context.Context, target *store.Store) (*store.Store, func() error, error) {
	if target.Embedded() {
		return target, func() error { return nil }, nil
	}
	dir, err := os.MkdirTemp("", "faaswarden-reader-")
	if err != nil {
		return nil, nil, fmt.Errorf("make room to read the files: %w", err)
	}
	opts := c.storeOptions()
	opts.DSN = "embedded:" + filepath.Join(dir, "store")
	reader, err := store.Open(ctx, opts)
	if err != nil {
		return nil, nil, errors.Join(err, os.RemoveAll(dir))
	}
	return reader, func() error { return errors.Join(reader.Close(), os.RemoveAll(dir)) }, nil
}

// stepper shows an import's steps as the engine's are shown.
func stepper(bar *progress) func(focus.Step) {
	last := map[string]int{}
	return func(s focus.Step) {
		what := s.File
		if what == "" {
			what = "all files"
		}
		bar.step(engine.Progress{Stage: s.Stage, What: what, Done: s.Done - last[s.Stage], Total: s.Total})
		last[s.Stage] = s.Done
	}
}

// exportFiles are the files that the paths name: files, those in folders, and
// those that fit patterns.
func exportFiles(paths []string) ([]focus.File, error) {
	var list []focus.File
	for _, path := range paths {
		found, err := filesAt(path)
		if err != nil {
			return nil, err
		}
		if len(found) == 0 {
			return nil, fmt.Errorf("%s: there is no .csv, .csv.gz or .parquet file", path)
		}
		for _, name := range found {
			if !slices.ContainsFunc(list, func(f focus.File) bool { return f.Path == name }) {
				list = append(list, focus.File{Path: name, Name: filepath.Base(name)})
			}
		}
	}
	return list, nil
}

func filesAt(path string) ([]string, error) {
	if strings.HasPrefix(path, "s3://") {
		return nil, fmt.Errorf("%s: files in S3 are not read; remedy: fetch them (aws s3 sync %s FOLDER) and import the folder", path, path)
	}
	info, err := os.Stat(path)
	if errors.Is(err, fs.ErrNotExist) && strings.ContainsAny(path, "*?[") {
		matches, err := filepath.Glob(path)
		if err != nil {
			return nil, fmt.Errorf("%s: %w", path, err)
		}
		return slices.DeleteFunc(matches, func(name string) bool { return !focus.Importable(name) }), nil
	}
	if err != nil {
		return nil, err
	}
	if !info.IsDir() {
		return []string{path}, nil
	}
	var found []string
	err = filepath.WalkDir(path, func(name string, entry fs.DirEntry, err error) error {
		if err == nil && !entry.IsDir() && focus.Importable(name) {
			found = append(found, name)
		}
		return err
	})
	return found, err
}

func (c *cli) printImport(r *focus.Result, took time.Duration) error {
	fmt.Fprintf(c.stdout, "%d rows of %d files imported in %.1fs.\n\n", r.Rows, len(fileNames(r)), took.Seconds())
	t := report.NewTable(c.stdout, "billing account", "period", "schema", "rows", "billed", "effective", "currency", "file")
	for _, i := range r.Imports {
		t.AppendRow([]any{
			i.BillingAccountID, i.BillingPeriodStart.Format("2006-01"), i.SchemaVersion, i.Rows, i.BilledCost.StringFixed(2), i.EffectiveCost.StringFixed(2), i.BillingCurrency, i.File,
		})
	}
	right(t, 4, 5, 6)
	t.Render()
	for _, file := range fileNames(r) {
		if columns := r.Ignored[file]; len(columns) > 0 {
			fmt.Fprintf(c.stdout, "\n%s: not kept: %s\n", file, strings.Join(columns, ", "))
		}
	}
	if len(r.Others) > 0 {
		fmt.Fprintf(c.stdout, "\nAlso imported, as other exports with a period of the same accounts: %s. Sum only one of them.\n", strings.Join(r.Others, ", "))
	}
	return nil
}

// fileNames are the files of an import, each once.
func fileNames(r *focus.Result) []string {
	var names []string
	for _, i := range r.Imports {
		if !slices.Contains(names, i.File) {
			names = append(names, i.File)
		}
	}
	return names
}
