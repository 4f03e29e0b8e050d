package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/faaswarden/faaswarden/internal/schema"
)

// RetainOptions say what is old.
type RetainOptions struct {
	Now  time.Time                // what ages are counted from
	Keep map[string]time.Duration // by schema.Retention's key; a missing one has its default
}

// Retained is what one round of retention did.
type Retained struct {
	Made    uint64            // coarser metric points
	Deleted map[string]uint64 // rows, by schema.Retention's key
}

// Retain makes coarser metric points where finer ones are complete, and deletes
// what is older than it is kept. A metric's points go only when what was made of
// them is there, and no row goes that a view of the present still shows. What
// fails does not keep the rest from being done, and is done next time.
func (s *Store) Retain(ctx context.Context, o RetainOptions) (Retained, error) {
	out := Retained{Deleted: map[string]uint64{}}
	made, rollErr := s.rollUpAll(ctx, o.Now)
	out.Made = made
	faults := []error{rollErr}
	for _, r := range schema.Retentions {
		cutoff := o.cutoff(r)
		l := levelOf(r)
		if cutoff.Unix() <= 0 || l != nil && rollErr != nil {
			continue // nothing is that old, or what is made of it may be missing
		}
		if ctx.Err() != nil {
			return out, errors.Join(append(faults, ctx.Err())...)
		}
		n, err := s.retainOne(ctx, r, l, cutoff)
		if err != nil {
			faults = append(faults, fmt.Errorf("delete old rows of %s: %w", r.Key, err))
		}
		if n > 0 {
			out.Deleted[r.Key] = n
		}
	}
	return out, errors.Join(faults...)
}

// cutoff is the start of the oldest UTC day that is kept.
func (o RetainOptions) cutoff(r schema.Retention) time.Time {
	keep, ok := o.Keep[r.Key]
	if !ok {
		keep = r.Default
	}
	return o.Now.UTC().Add(-keep).Truncate(day)
}

func (s *Store) retainOne(ctx context.Context, r schema.Retention, l *level, cutoff time.Time) (uint64, error) {
	if l != nil {
		return s.dropFiner(ctx, *l, cutoff)
	}
	conditions, err := s.oldRows(ctx, r, cutoff)
	var deleted uint64
	for _, where := range conditions {
		n, err := s.DeleteRows(ctx, r.Table, where)
		if err != nil {
			return deleted, err
		}
		deleted += n
	}
	return deleted, err
}

// oldRows are conditions for the rows to delete. They hold literals and no
// subqueries, which replicated tables refuse in a deletion.
func (s *Store) oldRows(ctx context.Context, r schema.Retention, cutoff time.Time) ([]string, error) {
	old := earlier(r.Time, cutoff)
	switch {
	case len(r.Scope) > 0:
		scopes, err := s.completeScopes(ctx, r, cutoff)
		if err != nil || len(scopes) == 0 {
			return nil, err
		}
		return []string{fmt.Sprintf("%s AND (%s) IN (%s)", old, strings.Join(r.Scope, ", "), strings.Join(scopes, ", "))}, nil
	case r.Runs != "":
		runs, err := s.shownRuns(ctx, r.Runs, cutoff)
		if err != nil || len(runs) == 0 {
			return []string{old}, err
		}
		return []string{fmt.Sprintf("%s AND run_id NOT IN (%s)", old, strings.Join(runs, ", "))}, nil
	case r.Row != "":
		return s.oldNames(ctx, r, old)
	default:
		return []string{old}, nil
	}
}

// earlier is the condition that a time column lies before a UTC day.
func earlier(column string, d time.Time) string {
	if column == "day" {
		return fmt.Sprintf("day < toDate('%s')", d.UTC().Format(time.DateOnly))
	}
	return fmt.Sprintf("%s < toDateTime(%d, 'UTC')", column, d.Unix())
}

// completeScopes are the scopes, as tuples, that were read wholly since cutoff:
// what is older there is of resources that are gone. Of a scope that nobody has
// read since, everything stays.
func (s *Store) completeScopes(ctx context.Context, r schema.Retention, cutoff time.Time) ([]string, error) {
	type scope struct {
		Account string `ch:"account"`
		Region  string `ch:"region"`
		Kind    string `ch:"kind"`
	}
	sql := `SELECT account, region, kind FROM complete_reads
WHERE table_name = {table:String} AND completed_at >= {cutoff:DateTime}
ORDER BY account, region, kind`
	list, err := SelectAll[scope](ctx, s, sql, map[string]any{"table": r.Table, "cutoff": cutoff})
	if err != nil {
		return nil, fmt.Errorf("read which scopes were read wholly: %w", err)
	}
	var tuples []string
	for _, c := range list {
		parts := []string{Literal(c.Account), Literal(c.Region), Literal(c.Kind)}
		if len(r.Scope) == 2 && c.Kind != "" {
			continue // a reading of another kind, which the view does not go by
		}
		tuples = append(tuples, "("+strings.Join(parts[:len(r.Scope)], ", ")+")")
	}
	return tuples, nil
}

// shownRuns are runs older than cutoff that some view still shows, as literals:
// the newest of each, the newest that succeeded, and those that findings name.
var shownRuns = map[string]string{
	"collector_runs": `SELECT run_id FROM
(
    SELECT collector, account, region, argMax(run_id, started_at) AS run_id, max(started_at) AS at FROM collector_runs GROUP BY collector, account, region
    UNION ALL
    SELECT collector, account, region, argMax(run_id, started_at) AS run_id, max(started_at) AS at FROM collector_runs WHERE outcome IN ('ok', 'nodata') GROUP BY collector, account, region
)
WHERE at < {cutoff:DateTime}
GROUP BY run_id
ORDER BY run_id`,
	"analyzer_runs": `SELECT run_id FROM
(
    SELECT argMax(run_id, started_at) AS run_id, max(started_at) AS at FROM analyzer_runs GROUP BY analyzer
    UNION ALL
    SELECT argMax(run_id, started_at) AS run_id, max(started_at) AS at FROM analyzer_runs WHERE outcome = 'ok' GROUP BY analyzer
    UNION ALL
    SELECT run_id, max(started_at) AS at FROM analyzer_runs WHERE run_id IN (SELECT run_id FROM findings FINAL) GROUP BY run_id
)
WHERE at < {cutoff:DateTime}
GROUP BY run_id
ORDER BY run_id`,
}

func (s *Store) shownRuns(ctx context.Context, table string, cutoff time.Time) ([]string, error) {
	type run struct {
		ID string `ch:"run_id"`
	}
	list, err := SelectAll[run](ctx, s, shownRuns[table], map[string]any{"cutoff": cutoff})
	if err != nil {
		return nil, fmt.Errorf("read which runs are still shown: %w", err)
	}
	ids := make([]string, len(list))
	for i, r := range list {
		ids[i] = Literal(r.ID)
	}
	return ids, nil
}

// namesAtOnce keeps a deletion below the length a server takes for a statement.
const namesAtOnce = 5000

// oldNames names the rows whose newest version is to be deleted.
func (s *Store) oldNames(ctx context.Context, r schema.Retention, old string) ([]string, error) {
	type name struct {
		Name string `ch:"name"`
	}
	sql := fmt.Sprintf("SELECT %s AS name FROM %s FINAL WHERE %s AND %s ORDER BY name", r.Row, r.Table, old, r.Only)
	list, err := SelectAll[name](ctx, s, sql, nil)
	if err != nil {
		return nil, fmt.Errorf("read which are old: %w", err)
	}
	var conditions []string
	for names := range slices.Chunk(list, namesAtOnce) {
		quoted := make([]string, len(names))
		for i, n := range names {
			quoted[i] = Literal(n.Name)
		}
		conditions = append(conditions, fmt.Sprintf("%s AND %s IN (%s)", old, r.Row, strings.Join(quoted, ", ")))
	}
	return conditions, nil
}

// Literal is a string as SQL writes it.
func Literal(text string) string { return "'" + elementEscaper.Replace(text) + "'" }

// DeleteRows deletes the rows of a table for which a condition holds, on every
// node that has them, and returns how many there were. It returns when they are
// gone, and leaves a table that has none untouched.
func (s *Store) DeleteRows(ctx context.Context, table, where string) (uint64, error) {
	n, err := s.countRows(ctx, table+" WHERE "+where, nil)
	if err != nil || n == 0 {
		return 0, err
	}
	statement, err := deletion(s.database, s.cluster, table, where)
	if err != nil {
		return 0, err
	}
	return n, s.Exec(ctx, statement, nil)
}

// deletion is the statement that deletes rows of a table, on a cluster from the
// table of every node.
func deletion(database, cluster, table, where string) (string, error) {
	on, err := onCluster(cluster)
	if err != nil {
		return "", err
	}
	if on != "" {
		table += "_local"
	}
	return fmt.Sprintf("ALTER TABLE %s.%s%s DELETE WHERE %s SETTINGS mutations_sync = 1", database, table, on, where), nil
}

// countRows counts what a FROM clause names.
func (s *Store) countRows(ctx context.Context, from string, params map[string]any) (uint64, error) {
	type count struct {
		N uint64 `ch:"n"`
	}
	list, err := SelectAll[count](ctx, s, "SELECT count() AS n FROM "+from, params)
	if err != nil {
		return 0, err
	}
	return list[0].N, nil
}
