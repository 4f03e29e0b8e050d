package config

import (
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/faaswarden/faaswarden/internal/schema"
)

// settling is what must be kept beyond a window, for it ends now and its first
// day is whole.
const settling = 24 * time.Hour

// Retention is how long the rows of each schema.Retention's key are kept. A
// default that is shorter than what analyzers look back into is longer here;
// Validate refuses one that was set so.
func (c *Config) Retention() map[string]time.Duration {
	keep := map[string]time.Duration{}
	for _, r := range schema.Retentions {
		keep[r.Key] = max(r.Default, c.needed(r))
		if set, ok := c.Store.Retention[r.Key]; ok {
			keep[r.Key] = time.Duration(set)
		}
	}
	return keep
}

// needed is how far back into a table somebody looks: the analyzers, or the
// first collection, whose rows are paid for.
func (c *Config) needed(r schema.Retention) time.Duration {
	switch {
	case !r.Window:
		return r.Least
	case r.Key == "metric_points_minute":
		return max(r.Least, time.Duration(c.Analysis.Window)+settling)
	default:
		return max(r.Least, time.Duration(c.Analysis.Window)+settling, time.Duration(c.AWS.Lookback)+settling)
	}
}

func (c *Config) validateRetention(f *faults) {
	var keys []string
	for _, r := range schema.Retentions {
		keys = append(keys, r.Key)
	}
	for _, key := range slices.Sorted(maps.Keys(c.Store.Retention)) {
		f.check(slices.Contains(keys, key), "store.retention."+key, "is unknown", "use one of "+strings.Join(keys, ", "))
	}
	for _, r := range schema.Retentions {
		if set, ok := c.Store.Retention[r.Key]; ok {
			c.validateKept(f, r, time.Duration(set))
		}
	}
	c.validateRollups(f)
}

func (c *Config) validateKept(f *faults, r schema.Retention, keep time.Duration) {
	path, is := "store.retention."+r.Key, "is "+Duration(keep).String()
	f.check(keep >= r.Least, path, is, fmt.Sprintf("give at least %s", Duration(r.Least)))
	if keep < r.Least {
		return
	}
	f.check(keep >= c.needed(r), path, is+", less than is looked back into",
		fmt.Sprintf("give at least %s, or shorten analysis.window (%s) or aws.lookback (%s)", Duration(c.needed(r)), c.Analysis.Window, c.AWS.Lookback))
}

// validateRollups holds what coarser points are for: they outlive the finer ones
// that they are made of.
func (c *Config) validateRollups(f *faults) {
	keep := c.Retention()
	for _, pair := range [][2]string{{"metric_points_minute", "metric_points_hourly"}, {"metric_points_hourly", "metric_days"}} {
		finer, coarser := keep[pair[0]], keep[pair[1]]
		f.check(coarser >= finer, "store.retention."+pair[1], fmt.Sprintf("is %s, less than %s (%s), of which it is made", Duration(coarser), pair[0], Duration(finer)),
			fmt.Sprintf("give at least %s, or less to %s", Duration(finer), pair[0]))
	}
}
