package store

import (
	"context"
	"errors"
	"fmt"
	"math/bits"
	"reflect"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"

	"github.com/faaswarden/faaswarden/internal/schema"
)

// ErrSameStore says that a store was to be copied into itself.
var ErrSameStore = errors.New("the target is the store itself; remedy: name another server or database")

// Copied is what became of one table.
type Copied struct {
	Table          string
	Source, Target Digest
}

// OK says that the target has the rows of the source and no others.
func (c Copied) OK() bool { return c.Source == c.Target }

// Digest tells sets of rows apart, in whatever order they are stored.
type Digest struct {
	Rows uint64 `ch:"rows"`
	Sum  uint64 `ch:"total"` // of the rows' hashes
	Xor  uint64 `ch:"mixed"` // of the same
}

// String is the checksum as people compare it.
func (d Digest) String() string { return fmt.Sprintf("%016x", d.Sum^bits.RotateLeft64(d.Xor, 32)) }

func (d Digest) plus(o Digest) Digest {
	return Digest{d.Rows + o.Rows, d.Sum + o.Sum, d.Xor ^ o.Xor}
}

// Copy writes the newest version of every row of one store into another, which
// Open has migrated, and then compares both, table by table. Rows are streamed in
// bounded memory. Repeating a copy that broke off ends as an unbroken one would.
// A table that differs is an error that names it; what was compared is returned
// all the same. progress, which may be nil, is told of rows on their way.
func Copy(ctx context.Context, from, to *Store, progress func(table string, rows uint64)) ([]Copied, error) {
	same, err := sameStore(ctx, from, to)
	if err != nil {
		return nil, err
	}
	if same {
		return nil, fmt.Errorf("copy %s to %s: %w", from.display, to.display, ErrSameStore)
	}
	if progress == nil {
		progress = func(string, uint64) {}
	}
	for _, row := range schema.RowTypes() {
		if err := copyTable(ctx, from, to, row, progress); err != nil {
			return nil, fmt.Errorf("copy table %s: %w", row.Table(), err)
		}
	}
	return compare(ctx, from, to)
}

// sameStore compares where the engine keeps a table of both.
func sameStore(ctx context.Context, a, b *Store) (bool, error) {
	type row struct {
		UUID  string   `ch:"id"`
		Paths []string `ch:"paths"`
	}
	var found [2]row
	for i, s := range []*Store{a, b} {
		table := "schema_migrations"
		if s.cluster != "" {
			table += "_local"
		}
		list, err := SelectAll[row](ctx, s, "SELECT toString(uuid) AS id, data_paths AS paths FROM system.tables WHERE database = {d:String} AND name = {t:String} ORDER BY name",
			map[string]any{"d": s.database, "t": table})
		if err != nil {
			return false, fmt.Errorf("find out where %s is: %w", s.display, err)
		}
		for _, r := range list {
			found[i] = r
		}
	}
	return found[0].UUID != "" && reflect.DeepEqual(found[0], found[1]), nil
}

// compare digests both stores, table by table.
func compare(ctx context.Context, from, to *Store) ([]Copied, error) {
	var all []Copied
	var faults []error
	for _, row := range schema.RowTypes() {
		c := Copied{Table: row.Table()}
		stretches, err := from.stretches(ctx, row)
		if err != nil {
			return all, err
		}
		for _, where := range stretches {
			for _, side := range []struct {
				store *Store
				sum   *Digest
			}{{from, &c.Source}, {to, &c.Target}} {
				d, err := side.store.digest(ctx, row, where)
				if err != nil {
					return all, fmt.Errorf("digest table %s of %s: %w", c.Table, side.store.display, err)
				}
				*side.sum = side.sum.plus(d)
			}
		}
		all = append(all, c)
		if !c.OK() {
			faults = append(faults, fmt.Errorf("table %s differs: %d rows, checksum %s in the source, %d rows, checksum %s in the target",
				c.Table, c.Source.Rows, c.Source, c.Target.Rows, c.Target))
		}
	}
	if len(faults) > 0 {
		faults = append(faults, errors.New("remedy: stop what writes to either store and repeat the copy; a target that holds other rows is to be emptied first"))
	}
	return all, errors.Join(faults...)
}

// Digest tells what all the rows of a table are, by their newest versions.
func (s *Store) Digest(ctx context.Context, row schema.Row) (Digest, error) {
	stretches, err := s.stretches(ctx, row)
	if err != nil {
		return Digest{}, err
	}
	var all Digest
	for _, where := range stretches {
		d, err := s.digest(ctx, row, where)
		if err != nil {
			return Digest{}, fmt.Errorf("digest table %s: %w", row.Table(), err)
		}
		all = all.plus(d)
	}
	return all, nil
}

func (s *Store) digest(ctx context.Context, row schema.Row, where string) (Digest, error) {
	sh, err := s.shapeOf(reflect.TypeOf(row), row.Table())
	if err != nil {
		return Digest{}, err
	}
	types, err := s.columnTypes(ctx, sh)
	if err != nil {
		return Digest{}, err
	}
	parts := make([]string, len(types))
	for i, c := range types {
		parts[i] = hashed(c.Name, c.Type)
	}
	sql := fmt.Sprintf("SELECT count() AS rows, sum(hash) AS total, groupBitXor(hash) AS mixed FROM (SELECT cityHash64(%s) AS hash FROM %s FINAL WHERE %s)",
		strings.Join(parts, ", "), sh.table, where)
	list, err := SelectAll[Digest](ctx, s, sql, nil)
	if err != nil {
		return Digest{}, err
	}
	return list[0], nil
}

// hashed is a column as arguments of a hash: NULL counts, and a map's order does not.
func hashed(name, kind string) string {
	switch {
	case strings.HasPrefix(kind, "Nullable("):
		return fmt.Sprintf("isNull(%s), ifNull(toString(%s), '')", name, name)
	case strings.HasPrefix(kind, "Map("):
		return fmt.Sprintf("mapKeys(mapSort(%s)), mapValues(mapSort(%s))", name, name)
	}
	return name
}

const (
	stretchRows = 2_000_000 // rows worked on by one statement, which a server limits to a minute or so
	stretchDays = 5 * 366   // an insert may fall into a hundred partitions, and tables have one a month
	copyBatch   = maxBatchRows / 2
)

// stretches are conditions that part a table's rows by their time, each naming a
// bounded number of them. Together they name every row.
func (s *Store) stretches(ctx context.Context, row schema.Row) ([]string, error) {
	type dayCount struct {
		Day  time.Time `ch:"d"`
		Rows uint64    `ch:"n"`
	}
	column := schema.TimeColumn(row.Table())
	list, err := SelectAll[dayCount](ctx, s, fmt.Sprintf("SELECT toDate(%s) AS d, count() AS n FROM %s GROUP BY d ORDER BY d", column, row.Table()), nil)
	if err != nil {
		return nil, fmt.Errorf("count the rows of table %s: %w", row.Table(), err)
	}
	var cuts []time.Time // starts of stretches but the first
	var rows uint64
	var first time.Time
	for i, d := range list {
		if i > 0 && (rows+d.Rows > stretchRows || d.Day.Sub(first) > stretchDays*day) {
			cuts, rows, first = append(cuts, d.Day), 0, d.Day
		}
		if i == 0 {
			first = d.Day
		}
		rows += d.Rows
	}
	return between(column, cuts), nil
}

// between are the conditions of the stretches that cuts make.
func between(column string, cuts []time.Time) []string {
	if len(cuts) == 0 {
		return []string{"1"}
	}
	conditions := []string{earlier(column, cuts[0])}
	for i, cut := range cuts {
		where := "NOT " + earlier(column, cut)
		if i+1 < len(cuts) {
			where += " AND " + earlier(column, cuts[i+1])
		}
		conditions = append(conditions, where)
	}
	return conditions
}

func copyTable(ctx context.Context, from, to *Store, like schema.Row, progress func(string, uint64)) error {
	stretches, err := from.stretches(ctx, like)
	if err != nil {
		return err
	}
	for _, where := range stretches {
		if err := copyRows(ctx, from, to, like, where, progress); err != nil {
			return err
		}
	}
	return nil
}

// copyRows reads the next batch while the one before is being written.
func copyRows(ctx context.Context, from, to *Store, like schema.Row, where string, progress func(string, uint64)) error {
	work, ctx := errgroup.WithContext(ctx)
	batches := make(chan []schema.Row)
	work.Go(func() error {
		defer close(batches)
		return from.readBatches(ctx, like, where, batches)
	})
	work.Go(func() error {
		for batch := range batches {
			if err := to.Insert(ctx, batch...); err != nil {
				return err
			}
			progress(like.Table(), uint64(len(batch)))
		}
		return nil
	})
	return work.Wait()
}

// readBatches sends the newest versions of rows, in batches.
func (s *Store) readBatches(ctx context.Context, like schema.Row, where string, batches chan<- []schema.Row) error {
	sh, err := s.shapeOf(reflect.TypeOf(like), like.Table())
	if err != nil {
		return err
	}
	found, err := s.Query(ctx, fmt.Sprintf("SELECT %s FROM %s FINAL WHERE %s", strings.Join(sh.columns, ", "), sh.table, where), nil)
	if err != nil {
		return fmt.Errorf("read rows: %w", err)
	}
	defer found.Close() //nolint:errcheck // Err tells what went wrong.
	send := func(batch []schema.Row) error {
		if len(batch) == 0 {
			return nil
		}
		select {
		case batches <- batch:
			return nil
		case <-ctx.Done():
			return ctx.Err()
		}
	}
	var batch []schema.Row
	for found.Next() {
		row := reflect.New(reflect.TypeOf(like))
		if err := found.ScanStruct(row.Interface()); err != nil {
			return fmt.Errorf("scan a row: %w", err)
		}
		batch = append(batch, row.Interface().(schema.Row))
		if len(batch) < copyBatch {
			continue
		}
		if err := send(batch); err != nil {
			return err
		}
		batch = make([]schema.Row, 0, copyBatch)
	}
	if err := found.Err(); err != nil {
		return fmt.Errorf("read rows: %w", err)
	}
	return send(batch)
}
