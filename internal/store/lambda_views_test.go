package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/schema"
	"github.com/faaswarden/faaswarden/internal/store"
	"github.com/faaswarden/faaswarden/internal/store/storetest"
)

// function_changes shows what changed from one reading to the next, and
// function_tombstones_current the functions that are still gone.
func TestFunctionChangesAndTombstones(t *testing.T) {
	s := storetest.Open(t)
	at := func(hour int) time.Time { return time.Date(2026, 11, 1, hour, 0, 0, 0, time.UTC) }
	config := func(arn string, changes uint32, first, written, modified time.Time, memory uint32, reserved *int64, read bool) schema.FunctionConfig {
		return schema.FunctionConfig{
			Account: "1", Region: "r", FunctionARN: arn, Version: "$LATEST", LastModified: modified, ConfigHash: time.Duration(memory).String(),
			RevisionID: "rev", MemoryMB: memory, ReservedConcurrency: reserved, ReservedRead: read, Changes: changes, FirstSeen: first, CollectedAt: written,
		}
	}
	seven := int64(7)
	rows := []schema.Row{
		config("a", 0, at(1), at(1), at(0), 512, nil, false),
		config("a", 1, at(2), at(2), at(0), 512, nil, true), // now read: no change
		config("a", 2, at(7), at(7), at(5), 1024, nil, true),
		config("a", 3, at(13), at(13), at(5), 1024, &seven, true),
		config("a", 4, at(19), at(19), at(18), 512, nil, true), // back, and two changes at once
		config("a", 4, at(19), at(20), at(18), 512, nil, true), // written once more
		config("b", 0, at(1), at(1), at(0), 128, nil, true),
		schema.Function{Account: "1", Region: "r", FunctionARN: "again", Version: "$LATEST", CollectedAt: at(9)},
		schema.FunctionTombstone{Account: "1", Region: "r", FunctionARN: "again", DeletedAt: at(3), CollectedAt: at(3)},
		schema.FunctionTombstone{Account: "1", Region: "r", FunctionARN: "gone", DeletedAt: at(3), CollectedAt: at(3)},
	}
	for _, row := range rows {
		if err := s.Insert(t.Context(), row); err != nil {
			t.Fatal(err)
		}
	}
	type change struct {
		Function  string    `ch:"function_arn"`
		Setting   string    `ch:"setting"`
		From      string    `ch:"from_value"`
		To        string    `ch:"to_value"`
		ChangedAt time.Time `ch:"changed_at"`
		SeenAt    time.Time `ch:"seen_at"`
	}
	got, err := store.SelectAll[change](t.Context(), s, `SELECT function_arn, setting, from_value, to_value, changed_at, seen_at FROM function_changes
ORDER BY seen_at, setting`, nil)
	if err != nil {
		t.Fatal(err)
	}
	want := []change{
		{"a", "memory_mb", "512", "1024", at(5), at(7)},
		{"a", "reserved_concurrency", "none", "7", at(13), at(13)},
		{"a", "memory_mb", "1024", "512", at(18), at(19)},
		{"a", "reserved_concurrency", "7", "none", at(18), at(19)},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("changes (-want +got):\n%s", diff)
	}
	type tombstone struct {
		Function string `ch:"function_arn"`
	}
	gone, err := store.SelectAll[tombstone](t.Context(), s, "SELECT function_arn FROM function_tombstones_current ORDER BY function_arn", nil)
	if err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]tombstone{{"gone"}}, gone); diff != "" {
		t.Errorf("tombstones (-want +got):\n%s", diff)
	}
}
