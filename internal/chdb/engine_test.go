package chdb

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

func TestInsertAndSelect(t *testing.T) {
	t.Parallel()
	db := database(t)
	mustExec(t, db, "CREATE TABLE t (a UInt64, s String, ts DateTime) ENGINE = MergeTree ORDER BY a")
	batch, err := db.PrepareBatch(t.Context(), "INSERT INTO t")
	if err != nil {
		t.Fatal(err)
	}
	at := time.Date(2026, 11, 23, 1, 2, 3, 0, time.UTC)
	for i := range 3 {
		if err := batch.Append(uint64(i), "x'y\\", at); err != nil {
			t.Fatal(err)
		}
	}
	if err := batch.Send(); err != nil {
		t.Fatal(err)
	}
	type row struct {
		A  uint64    `ch:"a"`
		S  string    `ch:"s"`
		TS time.Time `ch:"ts"`
	}
	var got []row
	if err := db.Select(t.Context(), &got, "SELECT a, s, ts FROM t ORDER BY a"); err != nil {
		t.Fatal(err)
	}
	want := []row{{0, "x'y\\", at}, {1, "x'y\\", at}, {2, "x'y\\", at}}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
}
