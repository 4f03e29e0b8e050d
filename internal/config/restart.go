package config

import "reflect"

// NeedRestart names the keys that differ and are read only when the daemon
// starts: the store and the listener are open, the log is being written, and
// the rate limiters hold what was used.
func NeedRestart(old, next *Config) []string {
	var keys []string
	before, after := old.Store, next.Store
	before.Retention, after.Retention = nil, nil // read anew every day
	for _, part := range []struct {
		key       string
		old, next any
	}{
		{"store", before, after},
		{"web", old.Web, next.Web},
		{"log", old.Log, next.Log},
		{"aws.concurrency", old.AWS.Concurrency, next.AWS.Concurrency},
		{"aws.rate_headroom", old.AWS.RateHeadroom, next.AWS.RateHeadroom},
	} {
		if !reflect.DeepEqual(part.old, part.next) {
			keys = append(keys, part.key)
		}
	}
	return keys
}
