package store

import (
	"cmp"
	"context"
	"fmt"
	"slices"
	"time"

	"github.com/faaswarden/faaswarden/internal/schema"
)

// Stats is what a store takes and for how long it goes back.
type Stats struct {
	Tables    []TableStats // the largest first
	Points    []PointStats // of metric_points, the finest first
	Functions uint64       // of the newest inventory
}

// TableStats is one table's part.
type TableStats struct {
	TableSize
	Oldest time.Time // by schema.TimeColumn; zero for an empty table
	Newest time.Time
}

// PointStats is one period's part of metric_points.
type PointStats struct {
	PeriodS uint32    `ch:"period_s"`
	Rows    uint64    `ch:"rows"`
	Oldest  time.Time `ch:"oldest"`
	Newest  time.Time `ch:"newest"`
}

// Stats measures the store. Unlike Sizes it reads a column of every table.
func (s *Store) Stats(ctx context.Context) (Stats, error) {
	var out Stats
	var err error
	if out.Tables, err = s.tableStats(ctx); err != nil {
		return out, err
	}
	out.Points, err = SelectAll[PointStats](ctx, s, "SELECT period_s, count() AS rows, min(ts) AS oldest, max(ts) AS newest FROM metric_points GROUP BY period_s ORDER BY period_s", nil)
	if err != nil {
		return out, fmt.Errorf("read the periods of metric points: %w", err)
	}
	out.Functions, err = s.countRows(ctx, "functions_current WHERE version = '$LATEST'", nil)
	if err != nil {
		return out, fmt.Errorf("count functions: %w", err)
	}
	return out, nil
}

func (s *Store) tableStats(ctx context.Context) ([]TableStats, error) {
	sizes, err := s.Sizes(ctx)
	if err != nil {
		return nil, err
	}
	slices.SortStableFunc(sizes, func(a, b TableSize) int { return cmp.Compare(b.Bytes, a.Bytes) })
	list := make([]TableStats, len(sizes))
	for i, size := range sizes {
		list[i].TableSize = size
		if size.Rows == 0 || size.Table == "schema_migrations" {
			continue
		}
		if list[i].Oldest, list[i].Newest, err = s.ages(ctx, size.Table); err != nil {
			return nil, err
		}
	}
	return list, nil
}

func (s *Store) ages(ctx context.Context, table string) (oldest, newest time.Time, err error) {
	type row struct {
		Oldest time.Time `ch:"oldest"`
		Newest time.Time `ch:"newest"`
	}
	column := schema.TimeColumn(table)
	list, err := SelectAll[row](ctx, s, fmt.Sprintf("SELECT min(%s) AS oldest, max(%s) AS newest FROM %s", column, column, table), nil)
	if err != nil {
		return oldest, newest, fmt.Errorf("read the ages of %s: %w", table, err)
	}
	return list[0].Oldest, list[0].Newest, nil
}
