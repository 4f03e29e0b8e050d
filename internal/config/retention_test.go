package config

import (
	"path/filepath"
	"testing"
	"time"

	"github.com/faaswarden/faaswarden/internal/schema"
)

// A month of running never deletes what the default windows need, nor do the
// defaults under a window that was made longer.
func TestDefaultRetentionCoversTheWindow(t *testing.T) {
	t.Parallel()
	for _, window := range []time.Duration{30 * 24 * time.Hour, 120 * 24 * time.Hour, 455 * 24 * time.Hour} {
		c := Default()
		c.Analysis.Window, c.AWS.Lookback = Duration(window), Duration(window)
		if err := c.Validate(Suites{}); err != nil {
			t.Errorf("window %s: %v", window, err)
		}
		keep := c.Retention()
		if len(keep) != len(schema.Retentions) {
			t.Errorf("%d of %d retentions are resolved", len(keep), len(schema.Retentions))
		}
		for _, r := range schema.Retentions {
			if keep[r.Key] < r.Default || r.Window && keep[r.Key] < window+settling {
				t.Errorf("window %s: %s is kept %s", window, r.Key, keep[r.Key])
			}
		}
	}
}

func TestRetentionIsTheFiles(t *testing.T) {
	t.Parallel()
	c, err := Load(filepath.Join("testdata", "retention.ok.yml"), sample)
	if err != nil {
		t.Fatal(err)
	}
	keep := c.Retention()
	for key, days := range map[string]int{"metric_points_minute": 31, "metric_points_hourly": 90, "functions": 35, "aliases": 400} {
		if got := keep[key]; got != time.Duration(days)*24*time.Hour {
			t.Errorf("%s is kept %s, want %d days", key, got, days)
		}
	}
}
