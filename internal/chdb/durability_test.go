package chdb

import (
	"context"
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/go-cmp/cmp"
	"golang.org/x/sync/errgroup"
)

// TestKilledWriterLosesNothing kills a process that inserts from four
// goroutines, and finds every row whose insert had returned. It is the test
// binary's own death only: power loss was measured apart, by hand.
func TestKilledWriterLosesNothing(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "data")
	acknowledged := map[string]bool{}
	for round := range 3 {
		c := newChild(t, "write", path)
		c.cmd.Env = append(c.cmd.Env, "CHDB_TEST_ROUND="+strconv.Itoa(round))
		c.start(t)
		for range 40 {
			acknowledged[c.line(t)] = true
		}
		if err := c.cmd.Process.Kill(); err != nil {
			t.Fatal(err)
		}
		for c.stdout.Scan() { // printed before it died
			acknowledged[c.stdout.Text()] = true
		}
		_ = c.cmd.Wait()
	}
	lines := ask(t, path,
		"SELECT groupArray(batch) FROM (SELECT batch FROM w.t GROUP BY batch HAVING count() = 100)",
		"SELECT count() FROM (SELECT batch FROM w.t GROUP BY batch HAVING count() != 100)")
	whole := map[string]bool{}
	for b := range strings.SplitSeq(strings.Trim(lines[0], "[]"), ",") {
		whole[strings.Trim(b, "'")] = true
	}
	for b := range acknowledged {
		if !whole[b] {
			t.Errorf("batch %s was acknowledged and is not whole", b)
		}
	}
	if lines[1] != "0" {
		t.Errorf("%s batches are there in part", lines[1])
	}
}

// childWrite inserts batches of 100 rows from four goroutines and prints each
// batch's name after its insert has returned, until it is killed.
func childWrite(path string) error {
	round := os.Getenv("CHDB_TEST_ROUND")
	return withEngine(Options{Path: path}, func(_ *Engine, conn driver.Conn) error {
		ctx := context.Background()
		for _, s := range []string{
			"CREATE DATABASE IF NOT EXISTS w",
			"CREATE TABLE IF NOT EXISTS w.t (batch String, i UInt32) ENGINE = MergeTree ORDER BY (batch, i)",
		} {
			if err := conn.Exec(ctx, s); err != nil {
				return err
			}
		}
		var writers errgroup.Group
		for w := range 4 {
			writers.Go(func() error {
				for n := 0; ; n++ {
					name := fmt.Sprintf("%s-%d-%d", round, w, n)
					if err := writeBatch(ctx, conn, name); err != nil {
						return err
					}
					fmt.Println(name)
				}
			})
		}
		return writers.Wait()
	})
}

func writeBatch(ctx context.Context, conn driver.Conn, name string) error {
	batch, err := conn.PrepareBatch(ctx, "INSERT INTO w.t")
	if err != nil {
		return err
	}
	for i := range 100 {
		if err := batch.Append(name, uint32(i)); err != nil {
			return err
		}
	}
	return batch.Send()
}

// Tables are durable unless the engine was opened relaxed, whatever their DDL
// leaves unsaid, and broken parts never keep the engine from opening.
func TestDurabilityIsEveryTablesDefault(t *testing.T) {
	t.Parallel()
	const ask1 = "SELECT arraySort(groupArray(name || '=' || value)) FROM system.merge_tree_settings WHERE changed"
	got := ask(t, filepath.Join(t.TempDir(), "data"), ask1)
	var want []string
	for _, s := range []string{
		"fsync_after_insert=1", "fsync_part_directory=1", "max_suspicious_broken_parts=1000000",
		"max_suspicious_broken_parts_bytes=1000000000000", "min_compressed_bytes_to_fsync_after_merge=1", "min_rows_to_fsync_after_merge=1",
	} {
		want = append(want, "'"+s+"'")
	}
	if diff := cmp.Diff("["+strings.Join(want, ",")+"]", got[0]); diff != "" {
		t.Error(diff)
	}
	var relaxed []string
	if err := connect(t, shared.RoundTripper(), "").QueryRow(t.Context(), ask1).Scan(&relaxed); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"max_suspicious_broken_parts=1000000", "max_suspicious_broken_parts_bytes=1000000000000"}, relaxed); diff != "" {
		t.Error(diff)
	}
}

// A part damaged while the engine was down is set aside when it starts; its rows
// are gone from the table without an error, so it is reported.
func TestDetachedPartsAreReported(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "data")
	lines := ask(t, path,
		"CREATE DATABASE w",
		"CREATE TABLE w.t (a UInt64) ENGINE = MergeTree ORDER BY a",
		"SYSTEM STOP MERGES w.t",
		"INSERT INTO w.t SELECT number FROM numbers(1000)",
		"INSERT INTO w.t SELECT number FROM numbers(1000)",
		"ALTER TABLE w.t DETACH PART 'all_2_2_0'",
		"ALTER TABLE w.t ATTACH PART 'all_2_2_0'",
		"INSERT INTO w.t SELECT number FROM numbers(5)",
		"ALTER TABLE w.t DETACH PART 'all_4_4_0'", // by hand: not to be reported
		"SELECT path FROM system.parts WHERE table = 't' AND active ORDER BY name LIMIT 1")
	part := lines[len(lines)-1]
	if err := os.Truncate(filepath.Join(part, "data.bin"), 3); err != nil {
		t.Fatal(err)
	}
	var got []DetachedPart
	if err := json.Unmarshal([]byte(newChild(t, "detached", path).run(t)), &got); err != nil {
		t.Fatal(err)
	}
	want := []DetachedPart{{Database: "w", Table: "t", Name: "broken-on-start_" + filepath.Base(part), Reason: "broken-on-start"}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if rows := ask(t, path, "SELECT count() FROM w.t"); rows[0] != "1000" {
		t.Errorf("%s rows are left, want those of the sound part", rows[0])
	}
}
