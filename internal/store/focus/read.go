package focus

import (
	"context"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/shopspring/decimal"
	"golang.org/x/sync/errgroup"

	"github.com/faaswarden/faaswarden/internal/schema"
	"github.com/faaswarden/faaswarden/internal/store"
)

// readSettings keep the engine strict about records, and its memory bounded.
const readSettings = "input_format_csv_allow_variable_number_of_columns = 0, input_format_allow_errors_num = 0, input_format_with_names_use_header = 1, " +
	"input_format_skip_unknown_fields = 1, max_memory_usage = 2147483648"

// writeSettings bound the blocks that rows are written in.
const writeSettings = readSettings + ", max_insert_threads = 1, min_insert_block_size_rows = 262144, min_insert_block_size_bytes = 134217728, optimize_on_insert = 0"

// serverBatch is how many rows on their way to a server are held.
const serverBatch = 20_000

// check reads a file whole without writing any of it.
func (i *importer) check(ctx context.Context, n int, f File) (source, error) {
	ending, isCSV, ok := endingOf(f.Name)
	if !ok {
		return source{}, errors.New("its name ends in none of .csv, .csv.gz and .parquet")
	}
	path, err := i.link(n, f, ending)
	if err != nil {
		return source{}, err
	}
	list, err := i.columnsOf(ctx, f, path, isCSV)
	if err != nil {
		return source{}, err
	}
	p, err := newPlan(list, isCSV)
	if err != nil {
		return source{}, err
	}
	p.path = path
	s := source{File: f, plan: p}
	err = i.checkRows(ctx, &s)
	return s, err
}

// columnsOf is the header of a CSV file, or the schema of a Parquet file.
func (i *importer) columnsOf(ctx context.Context, f File, path string, isCSV bool) ([]column, error) {
	if isCSV {
		return f.header()
	}
	if err := f.checkParquet(); err != nil {
		return nil, err
	}
	rows, err := i.Reader.Conn().Query(ctx, "DESCRIBE TABLE file("+store.Literal(path)+", 'Parquet')")
	if err != nil {
		return nil, fmt.Errorf("read its columns: %w", explain(err))
	}
	defer rows.Close() //nolint:errcheck // Err tells what went wrong
	var list []column
	for rows.Next() {
		var c column
		var rest [5]string
		if err := rows.Scan(&c.Name, &c.Type, &rest[0], &rest[1], &rest[2], &rest[3], &rest[4]); err != nil {
			return nil, fmt.Errorf("read its columns: %w", err)
		}
		list = append(list, c)
	}
	return list, rows.Err()
}

// group is what a file has of one account, billing period and currency.
type group struct {
	Account   string          `ch:"account"`
	Start     time.Time       `ch:"period_start"`
	End       time.Time       `ch:"period_end"`
	Currency  string          `ch:"currency"`
	Rows      uint64          `ch:"n"`
	Billed    decimal.Decimal `ch:"billed"`
	Effective decimal.Decimal `ch:"effective"`
	Faults    []uint64        `ch:"faults"` // of each check the first row that fails it, 0 for none
}

// checkRows makes every check of every row in one reading.
func (i *importer) checkRows(ctx context.Context, s *source) error {
	checks := s.plan.checks()
	firsts := make([]string, len(checks))
	for n, c := range checks {
		firsts[n] = "minIf(row, ifNull(" + c.bad + ", 0))"
	}
	out := s.plan.layout.outputs(s.plan.has)
	sql := fmt.Sprintf(`SELECT toString(%s) AS account, ifNull(%s, toDateTime(0, 'UTC')) AS period_start, ifNull(%s, toDateTime(0, 'UTC')) AS period_end, toString(%s) AS currency,
    count() AS n, ifNull(sum(%s), 0) AS billed, ifNull(sum(%s), 0) AS effective, [%s] AS faults
FROM %s
GROUP BY account, period_start, period_end, currency
ORDER BY account, period_start, period_end, currency
SETTINGS %s`, out["BillingAccountId"], out["BillingPeriodStart"], out["BillingPeriodEnd"], out["BillingCurrency"], out["BilledCost"], out["EffectiveCost"],
		strings.Join(firsts, ", "), s.plan.source(), readSettings)
	work, reading := errgroup.WithContext(ctx)
	var bytes uint64
	var sum string
	work.Go(func() (err error) {
		bytes, sum, err = s.digest()
		return err
	})
	var groups []group
	work.Go(func() (err error) {
		groups, err = store.SelectAll[group](reading, i.Reader, sql, nil)
		return err
	})
	if err := work.Wait(); err != nil {
		return s.explain(err)
	}
	if err := i.firstFaults(ctx, s.plan, checks, groups); err != nil {
		return err
	}
	for _, g := range groups {
		s.rows += g.Rows
		s.parts = append(s.parts, schema.FocusImport{
			ExportName: i.Export, BillingAccountID: g.Account, BillingPeriodStart: g.Start, BillingPeriodEnd: g.End, BillingCurrency: g.Currency,
			ImportID: i.id, File: s.Name, SchemaVersion: s.plan.layout.name, Rows: g.Rows, Bytes: bytes, SHA256: sum,
			BilledCost: g.Billed, EffectiveCost: g.Effective, ImportedAt: i.at,
		})
	}
	return nil
}

// maxFaults is how many of a file's faults are told.
const maxFaults = 10

// firstFaults names the first row that fails each check, in the order of rows.
func (i *importer) firstFaults(ctx context.Context, p *plan, checks []check, groups []group) error {
	type fault struct {
		row uint64
		check
	}
	var found []fault
	for n, c := range checks {
		first := uint64(0)
		for _, g := range groups {
			if row := g.Faults[n]; row > 0 && (first == 0 || row < first) {
				first = row
			}
		}
		if first > 0 {
			found = append(found, fault{first, c})
		}
	}
	slices.SortStableFunc(found, func(a, b fault) int { return int(a.row) - int(b.row) })
	var faults []error
	for _, f := range found[:min(len(found), maxFaults)] {
		value, err := i.valueAt(ctx, p, f.column, f.row)
		if err != nil {
			return err
		}
		faults = append(faults, fmt.Errorf("row %d: column %s%s %s", f.row, f.column, value, f.says))
	}
	return errors.Join(faults...)
}

// valueAt is a value as it stands in the file, quoted; nothing when it is empty
// or may be anybody's text.
func (i *importer) valueAt(ctx context.Context, p *plan, name string, row uint64) (string, error) {
	n := slices.IndexFunc(p.inputs, func(in input) bool { return in.name == name })
	if n < 0 || p.inputs[n].kind == object {
		return "", nil
	}
	type value struct {
		Text string `ch:"v"`
	}
	list, err := store.SelectAll[value](ctx, i.Reader, fmt.Sprintf("SELECT substringUTF8(t_%s, 1, 60) AS v FROM %s WHERE row = {row:UInt64} SETTINGS %s", name, p.source(), readSettings), map[string]any{"row": row})
	if err != nil {
		return "", fmt.Errorf("read row %d again: %w", row, err)
	}
	if len(list) == 0 || list[0].Text == "" {
		return "", nil
	}
	return fmt.Sprintf(" %q", list[0].Text), nil
}

// copyRows stores the rows of a file that was checked.
func (i *importer) copyRows(ctx context.Context, s source) error {
	params := map[string]any{"export": i.Export, "schema": s.plan.layout.name, "import": i.id, "file": s.Name, "at": i.at.UnixMilli()}
	names, exprs := s.plan.selection()
	query := fmt.Sprintf("SELECT %s FROM %s SETTINGS %s", strings.Join(exprs, ", "), s.plan.source(), writeSettings)
	if i.target == i.Reader {
		return s.explain(i.target.Exec(ctx, fmt.Sprintf("INSERT INTO focus_costs (%s) %s", strings.Join(names, ", "), query), params))
	}
	work, ctx := errgroup.WithContext(ctx)
	batches := make(chan []schema.Row)
	work.Go(func() error {
		defer close(batches)
		return i.batches(ctx, query, params, batches)
	})
	work.Go(func() error {
		for batch := range batches {
			if err := i.target.Insert(ctx, batch...); err != nil {
				return err
			}
		}
		return nil
	})
	return s.explain(work.Wait())
}

// batches sends the rows of a query while those before them are being written.
func (i *importer) batches(ctx context.Context, query string, params map[string]any, to chan<- []schema.Row) error {
	var batch []schema.Row
	send := func() error {
		select {
		case to <- batch:
			batch = make([]schema.Row, 0, serverBatch)
			return nil
		case <-ctx.Done():
			return context.Cause(ctx)
		}
	}
	for row, err := range store.Select[schema.FocusCost](ctx, i.Reader, query, params) {
		if err != nil {
			return err
		}
		if batch = append(batch, row); len(batch) < serverBatch {
			continue
		}
		if err := send(); err != nil {
			return err
		}
	}
	if len(batch) == 0 {
		return nil
	}
	return send()
}

var atRow = regexp.MustCompile(`\(at row (\d+)\)`)

// explain says in which row reading stopped. The engine's own words quote the
// file at length, so they are kept for what they alone can tell.
func (s *source) explain(err error) error {
	exception, ok := errors.AsType[*clickhouse.Exception](err)
	if !ok {
		return err
	}
	if s.plan.csv {
		if fault := s.misread(); fault != nil {
			return fault
		}
	}
	if m := atRow.FindStringSubmatch(exception.Message); m != nil {
		return fmt.Errorf("row %s: it cannot be read: %w", m[1], explain(err))
	}
	return explain(err)
}

// brief is an engine's error without what follows its first line.
type brief struct{ error }

func (b brief) Unwrap() error { return b.error }

func (b brief) Error() string {
	exception, ok := errors.AsType[*clickhouse.Exception](b.error)
	if !ok {
		return b.error.Error()
	}
	line, _, _ := strings.Cut(exception.Message, "\n")
	line, _, _ = strings.Cut(line, " before: ")
	line, _, _ = strings.Cut(line, ": While executing")
	return fmt.Sprintf("code %d: %.300s", exception.Code, line)
}

func explain(err error) error { return brief{err} }
