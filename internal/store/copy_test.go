package store_test

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/schema"
	"github.com/faaswarden/faaswarden/internal/store"
	"github.com/faaswarden/faaswarden/internal/store/storetest"
)

// Every value of every table arrives, over the HTTP interface too; a row that
// was tampered with is found, whichever it is.
func TestCopy(t *testing.T) {
	from, to := storetest.Open(t), overHTTP(t, "lz4")
	storetest.Fill(t, from, 7)
	put(t, from, schema.Cursor{Key: "versioned", Value: "old", CollectedAt: daysAgo(2)})
	put(t, from, schema.Cursor{Key: "versioned", Value: "new", CollectedAt: daysAgo(1)})
	seen := map[string]uint64{}
	copied, err := store.Copy(t.Context(), from, to, func(table string, rows uint64) { seen[table] += rows })
	if err != nil {
		t.Fatal(err)
	}
	for i, row := range schema.RowTypes() {
		c := copied[i]
		want := uint64(8)
		if row.Table() == "cursors" {
			want = 9
		}
		if c.Table != row.Table() || !c.OK() || c.Source.Rows != want || c.Source.Sum == 0 || seen[c.Table] != want {
			t.Errorf("%s: %+v, %d rows on their way; want %d rows", row.Table(), c, seen[c.Table], want)
		}
	}
	if _, err := store.Copy(t.Context(), from, to, nil); err != nil {
		t.Errorf("the second copy: %v", err)
	}
}

func TestCopyFindsWhatDiffers(t *testing.T) {
	from, to := storetest.Open(t), storetest.Open(t)
	storetest.Fill(t, from, 3)
	for table, tamper := range map[string]string{
		"event_source_mappings": "UPDATE maximum_retries = NULL WHERE maximum_retries IS NOT NULL AND bisect",
		"aliases":               "UPDATE weights = mapFromArrays(mapKeys(weights), arrayMap(v -> v + 1, mapValues(weights))) WHERE notEmpty(weights)",
		"functions":             "UPDATE env_names = arrayReverse(env_names) WHERE notEmpty(env_names)",
		"metric_points":         "UPDATE value = -value WHERE value != 0",
		"findings":              "DELETE WHERE evidence = ''",
	} {
		if _, err := store.Copy(t.Context(), from, to, nil); err != nil {
			t.Fatalf("before %s is tampered with: %v", table, err)
		}
		if err := to.Exec(t.Context(), fmt.Sprintf("ALTER TABLE %s %s SETTINGS mutations_sync = 1", table, tamper), nil); err != nil {
			t.Fatal(err)
		}
		source, err := from.Digest(t.Context(), like(table))
		if err != nil {
			t.Fatal(err)
		}
		target, err := to.Digest(t.Context(), like(table))
		if err != nil || source == target {
			t.Errorf("%s was tampered with, and has the digest %v like the source: %v", table, target, err)
		}
		if err := to.Exec(t.Context(), "TRUNCATE TABLE "+table, nil); err != nil {
			t.Fatal(err)
		}
	}
	put(t, to, schema.Cursor{Key: "of another store"})
	copied, err := store.Copy(t.Context(), from, to, nil)
	if err == nil || !strings.Contains(err.Error(), "table cursors differs: 4 rows, checksum ") || !strings.Contains(err.Error(), "5 rows") || !strings.Contains(err.Error(), "remedy: ") {
		t.Errorf("a target with a row of its own: %v", err)
	}
	if strings.Count(err.Error(), " differs") != 1 || len(copied) != len(schema.RowTypes()) {
		t.Errorf("%d tables were compared: %v", len(copied), err)
	}
}

func like(table string) schema.Row {
	for _, row := range schema.RowTypes() {
		if row.Table() == table {
			return row
		}
	}
	return nil
}

func TestCopyIntoItself(t *testing.T) {
	s := storetest.Open(t)
	other, err := store.Open(t.Context(), store.Options{Engine: storetest.Engine(t), Database: s.Database(), ReadOnly: true})
	if err != nil {
		t.Fatal(err)
	}
	defer closeStore(t, other)
	if _, err := store.Copy(t.Context(), other, s, nil); !errors.Is(err, store.ErrSameStore) {
		t.Errorf("a store copied into itself: %v", err)
	}
}

// A copy that broke off is finished by the next, as if nothing had happened.
func TestInterruptedCopy(t *testing.T) {
	from, to := storetest.Open(t), storetest.Open(t)
	putPoints(t, from, year())
	storetest.Fill(t, from, 3)
	ctx, cancel := context.WithCancel(t.Context())
	_, err := store.Copy(ctx, from, to, func(table string, _ uint64) {
		if table == "metric_points" {
			cancel()
		}
	})
	if !errors.Is(err, context.Canceled) {
		t.Fatalf("an interrupted copy ended with %v", err)
	}
	copied, err := store.Copy(t.Context(), from, to, nil)
	if err != nil || len(copied) != len(schema.RowTypes()) {
		t.Errorf("the next copy: %v", err)
	}
}

// Stretches name every row once.
func TestBetween(t *testing.T) {
	t.Parallel()
	cut := func(n int) time.Time { return time.Date(2026, 1, n, 0, 0, 0, 0, time.UTC) }
	for _, c := range []struct {
		column string
		cuts   []time.Time
		want   []string
	}{
		{"ts", nil, []string{"1"}},
		{"day", []time.Time{cut(2)}, []string{"day < toDate('2026-01-02')", "NOT day < toDate('2026-01-02')"}},
		{"ts", []time.Time{cut(2), cut(4)}, []string{
			"ts < toDateTime(1767312000, 'UTC')",
			"NOT ts < toDateTime(1767312000, 'UTC') AND ts < toDateTime(1767484800, 'UTC')",
			"NOT ts < toDateTime(1767484800, 'UTC')",
		}},
	} {
		if diff := cmp.Diff(c.want, store.Between(c.column, c.cuts)); diff != "" {
			t.Errorf("%s %v (-want +got):\n%s", c.column, c.cuts, diff)
		}
	}
}
