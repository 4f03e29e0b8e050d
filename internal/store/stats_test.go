package store_test

import (
	"testing"
	"time"

	"github.com/faaswarden/faaswarden/internal/schema"
	"github.com/faaswarden/faaswarden/internal/store/storetest"
)

func TestStats(t *testing.T) {
	s := storetest.Open(t)
	putPoints(t, s, year())
	put(t, s, schema.Function{FunctionARN: "a", Version: "$LATEST"}, schema.Function{FunctionARN: "a", Version: "1"}, schema.Function{FunctionARN: "b", Version: "$LATEST"})
	stats, err := s.Stats(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	largest := stats.Tables[0]
	if largest.Table != "metric_points" || largest.Rows != 500*48+60*5 || largest.Bytes == 0 || largest.Uncompressed <= largest.Bytes {
		t.Errorf("the largest table is %+v", largest)
	}
	if want := daysAgo(1).Add(23 * time.Hour); largest.Oldest != daysAgo(500) || largest.Newest != want {
		t.Errorf("its points are from %s to %s, want %s to %s", largest.Oldest, largest.Newest, daysAgo(500), want)
	}
	if len(stats.Points) != 2 || stats.Points[0].PeriodS != 60 || stats.Points[0].Rows != 300 || stats.Points[0].Oldest != daysAgo(60) || stats.Points[1].Rows != 500*48 {
		t.Errorf("by period: %+v", stats.Points)
	}
	if stats.Functions != 2 {
		t.Errorf("%d functions, want 2", stats.Functions)
	}
	for _, table := range stats.Tables {
		if table.Rows == 0 && (!table.Oldest.IsZero() || table.Bytes != 0) {
			t.Errorf("an empty table: %+v", table)
		}
	}
}
