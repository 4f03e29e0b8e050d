package awssim

import (
	"math"
	"sync"
	"time"

	"golang.org/x/time/rate"
)

// Limits scales the services' request quotas. The zero value is the real ones.
type Limits struct {
	Off    bool
	Factor float64 // 1 when zero
}

// A quota is how many requests a second a group of operations may make in one
// account and region; its bucket holds one second's worth unless burst says more.
type quota struct {
	name      string
	perSecond float64
	burst     int
}

// quotaFor is the quota an operation counts against, and whether there is one.
func (s *service) quotaFor(op *operation) (quota, bool) {
	for i, q := range s.quotas {
		if q.name == op.quota || op.quota == "" && i == 0 {
			return q, true
		}
	}
	return quota{}, false
}

// bucketKey names a token bucket.
type bucketKey struct{ account, region, service, quota string }

// buckets holds the token buckets of all quotas.
type buckets struct {
	limits Limits
	mu     sync.Mutex
	held   map[bucketKey]*rate.Limiter
}

// take reports whether n more units fit now. More than a whole bucket count as
// one: a single answer is never too large for an idle quota.
func (b *buckets) take(key bucketKey, q quota, now time.Time, n int) bool {
	if b.limits.Off {
		return true
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	limiter := b.held[key]
	if limiter == nil {
		limiter = b.limiter(q)
		b.held[key] = limiter
	}
	return limiter.AllowN(now, min(n, limiter.Burst()))
}

func (b *buckets) limiter(q quota) *rate.Limiter {
	factor := b.limits.Factor
	if factor == 0 {
		factor = 1
	}
	burst := math.Max(q.perSecond, float64(q.burst)) * factor
	return rate.NewLimiter(rate.Limit(q.perSecond*factor), max(1, int(math.Ceil(burst))))
}
