package store

import (
	"context"
	"fmt"
)

// TableSize is what one table takes on disk.
type TableSize struct {
	Table        string `ch:"table"`
	Rows         uint64 `ch:"rows"`         // stored rows; versions that a merge has not yet collapsed count
	Bytes        uint64 `ch:"bytes"`        // compressed, with marks and the primary key
	Uncompressed uint64 `ch:"uncompressed"` // bytes
}

// Sizes tells what every table takes, ordered by name. It reads the engine's
// bookkeeping and no rows, so its cost does not grow with the store. On a
// cluster it is the sum over the shards, of one replica each.
func (s *Store) Sizes(ctx context.Context) ([]TableSize, error) {
	sql := `SELECT
    ` + s.plainName("name") + ` AS table,
    sum(ifNull(total_rows, 0)) AS rows,
    sum(ifNull(total_bytes, 0)) AS bytes,
    sum(ifNull(total_bytes_uncompressed, 0)) AS uncompressed
FROM ` + s.everyShard("tables") + `
WHERE database = {database:String} AND endsWith(engine, 'MergeTree')
GROUP BY table
ORDER BY table`
	list, err := SelectAll[TableSize](ctx, s, sql, map[string]any{"database": s.database})
	if err != nil {
		return nil, fmt.Errorf("read the sizes of the store's tables: %w", err)
	}
	return list, nil
}

// plainName is an expression for a table's name as the schema has it, from a
// column that on a cluster names the table of one node.
func (s *Store) plainName(column string) string {
	if s.cluster == "" {
		return column
	}
	return "replaceRegexpOne(" + column + ", '_local$', '')"
}

// everyShard is a system table as one replica of each shard has it.
func (s *Store) everyShard(table string) string {
	if s.cluster == "" {
		return "system." + table
	}
	return "cluster('" + s.cluster + "', system." + table + ")"
}
