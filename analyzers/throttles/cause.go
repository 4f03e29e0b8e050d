package throttles

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// cause is why calls were refused.
type cause string

// The causes.
const (
	switchedOff cause = "switched_off" // reserved concurrency of zero
	reserved    cause = "reserved"     // its own reservation was used up
	account     cause = "account"      // the account's concurrency in the region was used up
	provisioned cause = "provisioned"  // what spilled over its provisioned concurrency found no room
	burst       cause = "burst"        // it needed more environments at once than Lambda starts
	mapping     cause = "event_source" // its event sources asked for no more, and others were refused
	unknown     cause = "unknown"
)

const (
	// defaultLimit is the concurrency of a new account: where the limit is no
	// higher, it is reached before the rate at which Lambda starts environments.
	defaultLimit = 1000

	// burstRise is how many environments Lambda starts for a function in ten
	// seconds (DOC:gettingstarted-limits).
	burstRise = 1000

	// aggressorPeriods bounds for how many of a function's worst periods the
	// concurrency of all others is looked at.
	aggressorPeriods = 60
)

// causeOf a period's throttles. A function with a reservation has its
// concurrency for certain, so nobody else can be the cause.
func (r row) causeOf(s slot, near float64) cause {
	reaches := func(value, limit float64) bool { return limit > 0 && value >= near*limit }
	switch {
	case r.switchedOff():
		return switchedOff
	case r.Provisioned > 0 && s.Spillover > 0 && (r.Reserved == nil || *r.Reserved <= r.Provisioned):
		return provisioned
	case r.Reserved != nil && reaches(s.Concurrency, float64(*r.Reserved)):
		return reserved
	case r.Reserved == nil && reaches(s.Claimed, float64(r.AccountLimit)),
		r.Reserved == nil && s.Claimed < 0 && reaches(s.Unreserved, float64(r.UnreservedLimit)):
		return account
	case r.AccountLimit > defaultLimit && s.Concurrency >= 0 && s.Before >= 0 && s.Concurrency-s.Before >= burstRise:
		return burst
	case reaches(s.Concurrency, r.mappingMaximum()):
		return mapping
	}
	return unknown
}

// mappingMaximum is how many executions the function's event sources may have
// at once; 0 when one of them has no maximum.
func (r row) mappingMaximum() float64 {
	sum := 0.0
	for _, n := range r.MappingMaximums {
		if n == 0 {
			return 0
		}
		sum += float64(n)
	}
	return sum
}

// decide adds up the causes of the function's periods by their throttles; the
// largest is the case's.
func (c *throttling) decide(near float64) {
	c.shares, c.cause = map[cause]float64{}, unknown
	if c.switchedOff() {
		c.cause = switchedOff
		c.shares[switchedOff] = 1
		return
	}
	total := 0.0
	for _, s := range c.slots {
		c.shares[c.causeOf(s, near)] += s.Throttles
		total += s.Throttles
	}
	for k := range c.shares {
		c.shares[k] /= total
	}
	most := slices.SortedFunc(maps.Keys(c.shares), func(a, b cause) int {
		return cmp.Or(cmp.Compare(c.shares[b], c.shares[a]), cmp.Compare(a, b))
	})
	if len(most) > 0 {
		c.cause = most[0]
	}
}

// accountPeriods names the worst periods in which the account was the cause, as
// aggressors.sql takes them.
func (c *throttling) accountPeriods(near float64) []string {
	var list []string
	for _, s := range c.slots {
		if c.causeOf(s, near) != account || len(list) == aggressorPeriods {
			continue
		}
		list = append(list, fmt.Sprintf("%s|%d|%d", s.FunctionARN, s.PeriodS, s.TS.Unix()))
		c.unreserved += max(0, s.Unreserved)
	}
	return list
}

// aggressorShare is the part of the unreserved concurrency that a function took
// while this one was throttled.
func (c *throttling) aggressorShare(a aggressor) float64 {
	return min(1, a.Concurrency/max(c.unreserved, a.Seen))
}

// finePeriodS is the longest period that counts as fine: what CloudWatch keeps
// of minutes once they are 15 days old.
const finePeriodS = 300

// byTheMinute is the share of the throttles whose minute, or five, shows the
// case's cause.
func (c *throttling) byTheMinute(near float64) float64 {
	sum, total := 0.0, 0.0
	for _, s := range c.slots {
		total += s.Throttles
		if s.PeriodS <= finePeriodS && c.causeOf(s, near) == c.cause {
			sum += s.Throttles
		}
	}
	if total == 0 {
		return 0
	}
	return sum / total
}

// peak is the highest of a value over the function's throttled periods.
func (c *throttling) peak(value func(slot) float64) float64 {
	most := -1.0
	for _, s := range c.slots {
		most = max(most, value(s))
	}
	return most
}

// need is the concurrency at which nothing would have been throttled in the
// worst period: as many more as there were calls beyond those that ran.
func (c *throttling) need() float64 {
	most := 0.0
	for _, s := range c.slots {
		if s.Concurrency > 0 && s.Invocations > 0 {
			most = max(most, s.Concurrency*(s.Invocations+s.Throttles)/s.Invocations)
		}
	}
	return most
}
