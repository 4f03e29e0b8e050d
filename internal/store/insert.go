package store

import (
	"context"
	"errors"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"golang.org/x/sync/errgroup"

	"github.com/faaswarden/faaswarden/internal/schema"
)

// maxBatchRows bounds a batch: the driver holds one whole in memory, twice.
const maxBatchRows = 200_000

// errReadOnly refuses a write to a store that was opened to be read.
var errReadOnly = errors.New("the store is open read-only")

// Insert writes rows, grouped by table, in batches. When it returns nil every
// row is stored; when it fails some rows may be. Rows are idempotent, so giving
// all of them again is safe. It may be called from many goroutines.
func (s *Store) Insert(ctx context.Context, rows ...schema.Row) error {
	if s.readOnly && len(rows) > 0 {
		return fmt.Errorf("insert %d rows: %w", len(rows), errReadOnly)
	}
	pieces, err := s.pieces(rows)
	if err != nil || len(pieces) == 0 {
		return err
	}
	if len(pieces) == 1 {
		return s.insertOne(ctx, pieces[0])
	}
	return s.insertAll(ctx, pieces)
}

// piece is what fits one batch.
type piece struct {
	shape *shape
	rows  []reflect.Value
}

func (p piece) wrap(err error) error {
	return fmt.Errorf("insert %d rows into %s: %w", len(p.rows), p.shape.table, explainAccess(err))
}

// pieces sorts rows by type, in the order in which types first appear, and
// cuts them to batches.
func (s *Store) pieces(rows []schema.Row) ([]piece, error) {
	groups, err := s.group(rows)
	if err != nil {
		return nil, err
	}
	var list []piece
	for _, g := range groups {
		for chunk := range slices.Chunk(g.rows, maxBatchRows) {
			list = append(list, piece{g.shape, chunk})
		}
	}
	return list, nil
}

func (s *Store) insertOne(ctx context.Context, p piece) error {
	batch, err := s.fillBatch(ctx, p)
	if err != nil {
		return err
	}
	return s.send(batch, p)
}

// filled is a batch ready to be sent.
type filled struct {
	batch driver.Batch
	piece piece
}

// insertAll sends batches one after the other while the next is being filled:
// filling keeps this process busy and sending the engine.
func (s *Store) insertAll(ctx context.Context, pieces []piece) error {
	workers, ctx := errgroup.WithContext(ctx)
	ready := make(chan filled)
	workers.Go(func() error {
		defer close(ready)
		for _, p := range pieces {
			batch, err := s.fillBatch(ctx, p)
			if err != nil {
				return err
			}
			select {
			case ready <- filled{batch, p}:
			case <-ctx.Done():
				return errors.Join(ctx.Err(), batch.Close())
			}
		}
		return nil
	})
	workers.Go(func() error {
		for f := range ready {
			if err := s.send(f.batch, f.piece); err != nil {
				return err
			}
		}
		return nil
	})
	return workers.Wait()
}

// unfit is a fault of the rows themselves, which trying again does not mend.
type unfit struct{ error }

func (u unfit) Unwrap() error { return u.error }

// shape is how one row type is laid out as columns.
type shape struct {
	table   string
	columns []string
	fields  []int // index of each column's struct field
	insert  string
}

func newShape(t reflect.Type, table string) (*shape, error) {
	if t.Kind() != reflect.Struct || !identifierPattern.MatchString(table) {
		return nil, fmt.Errorf("insert %s: a row must be a struct that names its table", t)
	}
	sh := &shape{table: table}
	for i := range t.NumField() {
		if name := t.Field(i).Tag.Get("ch"); name != "" && name != "-" {
			sh.columns = append(sh.columns, name)
			sh.fields = append(sh.fields, i)
		}
	}
	if len(sh.columns) == 0 {
		return nil, fmt.Errorf("insert %s: no field has a ch tag", t)
	}
	sh.insert = fmt.Sprintf("INSERT INTO %s (%s)", table, strings.Join(sh.columns, ", "))
	return sh, nil
}

// group sorts rows by type, keeping the order in which types first appear.
func (s *Store) group(rows []schema.Row) ([]piece, error) {
	var groups []piece
	index := map[reflect.Type]int{}
	for _, row := range rows {
		v := reflect.Indirect(reflect.ValueOf(row))
		if !v.IsValid() {
			return nil, errors.New("insert: a row is nil")
		}
		i, ok := index[v.Type()]
		if !ok {
			sh, err := s.shapeOf(v.Type(), row.Table())
			if err != nil {
				return nil, err
			}
			i = len(groups)
			index[v.Type()] = i
			groups = append(groups, piece{shape: sh})
		}
		groups[i].rows = append(groups[i].rows, v)
	}
	return groups, nil
}

func (s *Store) shapeOf(t reflect.Type, table string) (*shape, error) {
	if known, ok := s.shapes.Load(t); ok {
		return known.(*shape), nil
	}
	sh, err := newShape(t, table)
	if err != nil {
		return nil, err
	}
	s.shapes.Store(t, sh)
	return sh, nil
}

// fillBatch prepares a batch with the rows of p. The batch holds a connection
// until it is sent or closed.
func (s *Store) fillBatch(ctx context.Context, p piece) (driver.Batch, error) {
	types, err := s.columnTypes(ctx, p.shape)
	if err != nil {
		return nil, p.wrap(err)
	}
	ctx = clickhouse.Context(ctx, clickhouse.WithColumnNamesAndTypes(types))
	batch, err := s.conn.PrepareBatch(ctx, p.shape.insert)
	if err != nil {
		return nil, p.wrap(err)
	}
	if err := fill(batch, p.shape, types, p.rows); err != nil {
		return nil, p.wrap(unfit{errors.Join(err, batch.Close())})
	}
	return batch, nil
}

func (s *Store) send(batch driver.Batch, p piece) error {
	if err := batch.Send(); err != nil {
		s.columns.Delete(p.shape) // another process may have changed the table
		return p.wrap(err)
	}
	return nil
}

// fill appends column by column, which costs a fraction of row by row.
func fill(batch driver.Batch, sh *shape, types []clickhouse.ColumnNameAndType, rows []reflect.Value) error {
	rowType := rows[0].Type()
	for i, field := range sh.fields {
		fieldType := rowType.Field(field).Type
		values := reflect.MakeSlice(reflect.SliceOf(fieldType), len(rows), len(rows))
		for n, row := range rows {
			values.Index(n).Set(row.Field(field))
		}
		list := values.Interface()
		if times, ok := list.([]time.Time); ok {
			if err := checkTimes(times, types[i].Type); err != nil {
				return fmt.Errorf("column %s: %w", sh.columns[i], err)
			}
		}
		if err := batch.Column(i).Append(list); err != nil {
			return fmt.Errorf("column %s: %w", sh.columns[i], err)
		}
		// The driver ends a batch of uneven columns as if it were empty and
		// calls that success.
		if got := batch.Columns()[i].Rows(); got != len(rows) {
			return fmt.Errorf("column %s took %d of %d values", sh.columns[i], got, len(rows))
		}
	}
	return nil
}

// timeRanges says what the engine's time types hold; the driver wraps around
// silently outside of it.
var timeRanges = []struct {
	prefix   string
	from, to time.Time // inclusive
}{
	{"DateTime64", time.Date(1900, 1, 1, 0, 0, 0, 0, time.UTC), time.Date(2262, 4, 11, 0, 0, 0, 0, time.UTC)},
	{"DateTime", time.Unix(0, 0).UTC(), time.Unix(1<<32-1, 0).UTC()},
	{"Date", time.Unix(0, 0).UTC(), time.Date(2149, 6, 6, 23, 59, 59, 0, time.UTC)},
}

// checkTimes refuses times a column cannot hold. The zero time is stored as 1970-01-01.
func checkTimes(times []time.Time, kind string) error {
	for _, r := range timeRanges {
		if !strings.HasPrefix(kind, r.prefix) {
			continue
		}
		for _, t := range times {
			if !t.IsZero() && (t.Before(r.from) || t.After(r.to)) {
				return fmt.Errorf("%s is outside of what %s holds (%s to %s)", t.Format(time.RFC3339), r.prefix, r.from.Format(time.DateOnly), r.to.Format(time.DateOnly))
			}
		}
		return nil
	}
	return nil
}

// columnTypes is what the store declares for a shape's columns, in the shape's
// order. It is asked once: the driver would ask before every batch.
func (s *Store) columnTypes(ctx context.Context, sh *shape) ([]clickhouse.ColumnNameAndType, error) {
	if known, ok := s.columns.Load(sh); ok {
		return known.([]clickhouse.ColumnNameAndType), nil
	}
	type column struct {
		Name string `ch:"name"`
		Type string `ch:"type"`
	}
	declared := map[string]string{}
	sql := "SELECT name, type FROM system.columns WHERE database = {database:String} AND table = {table:String} ORDER BY position"
	for c, err := range Select[column](ctx, s, sql, map[string]any{"database": s.database, "table": sh.table}) {
		if err != nil {
			return nil, fmt.Errorf("read the columns of %s: %w", sh.table, err)
		}
		declared[c.Name] = c.Type
	}
	if len(declared) == 0 {
		return nil, unfit{fmt.Errorf("database %s has no table %s", s.database, sh.table)}
	}
	types := make([]clickhouse.ColumnNameAndType, len(sh.columns))
	for i, name := range sh.columns {
		kind, ok := declared[name]
		if !ok {
			return nil, unfit{fmt.Errorf("table %s has no column %s", sh.table, name)}
		}
		types[i] = clickhouse.ColumnNameAndType{Name: name, Type: kind}
	}
	s.columns.Store(sh, types)
	return types, nil
}
