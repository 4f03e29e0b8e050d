package awssim

import "math"

func throttleScenarios() []scenario {
	return []scenario{
		{name: "burst", functions: 2, plant: (*scene).exhaustedAccount},
		{name: "fanout", functions: 1, plant: (*scene).asyncBacklog},
		{name: "settle", functions: 1, plant: (*scene).mappingTooNarrow},
		{name: "captcha", functions: 1, plant: (*scene).reservedTooLow},
		{name: "retired", functions: 1, plant: (*scene).killSwitch},
		{name: "badge", functions: 1, plant: (*scene).handful},
		{name: "greeting", functions: 1, plant: (*scene).handful},
		{name: "survey", functions: 1, days: 40, plant: (*scene).longAgo},
	}
}

// perMinute is how many invocations a minute so many sandboxes serve.
func (l *load) perMinute(sandboxes int) float64 {
	return float64(sandboxes) * 60_000 / (l.phases[0].meanMS * l.burst)
}

// reservedTooLow: every day demand exceeds the reservation for an hour or so.
func (sc *scene) reservedTooLow() {
	f := sc.function("")
	limit := around(f.random, 4, 12)
	meanMS := between(f.random, 200, 600)
	f.traffic(0, meanMS)
	f.onAPI()
	f.reserve(limit)
	f.load.perHour = between(f.random, 0.13, 0.2) * 60 * f.load.perMinute(limit)
	f.load.surge = &surge{
		hourOfDay: around(f.random, 7, 18), minutes: around(f.random, 60, 100), hours: 2,
		perMinute: between(f.random, 1.45, 1.8) * f.load.perMinute(limit), ceiling: limit, mode: refused,
	}
	sc.planted(throttled, f.ARN, Certain, "reserved concurrency of %d is reached every day from %d:00 UTC", limit, f.load.surge.hourOfDay)
}

// squeeze is an account limit to exhaust. The batch is invoked directly, by a
// fan-out of fixed width, so that it is never throttled itself.
type squeeze struct {
	aggressor, victim *build
	hourOfDay         int
	minutes           int
	victimLimit       int
}

// exhaustedAccount: a nightly batch takes all the concurrency there is, and
// another function gets too little in the same minutes.
func (sc *scene) exhaustedAccount() {
	for _, other := range sc.squeezes {
		if other.victim.site == sc.site { // one a region: a limit is exhausted once
			sc.reservedTooLow()
			sc.spare()
			return
		}
	}
	batch, victim := sc.function("-batch"), sc.function("-api")
	q := &squeeze{aggressor: batch, victim: victim, hourOfDay: around(victim.random, 1, 4), minutes: around(victim.random, 10, 16), victimLimit: around(victim.random, 8, 15)}
	batch.memory(256)
	batch.traffic(6, between(batch.random, 9_000, 22_000)).burst = 1
	batch.load.initMS = 0
	batch.Environment["WORKERS"] = "as many as the quota allows"
	victim.traffic(between(victim.random, 800, 2500), between(victim.random, 120, 250))
	victim.onAPI()
	victim.load.surge = &surge{
		hourOfDay: q.hourOfDay, minutes: q.minutes, hours: 1, ceiling: q.victimLimit, mode: refused,
		perMinute: between(victim.random, 1.5, 2.1) * victim.load.perMinute(q.victimLimit),
	}
	sc.squeezes = append(sc.squeezes, q)
	sc.planted(throttled, victim.ARN, Certain, "the account's limit is exhausted every night from %d:00 UTC by %s", q.hourOfDay, batch.ARN)
}

// spare is a second, ordinary function where a scenario cannot be played twice.
func (sc *scene) spare() {
	f := sc.function("-spare")
	f.traffic(between(f.random, 100, 900), between(f.random, 60, 300))
	f.onAPI()
}

// exhaust gives the aggressor, on each day of the week, what the others leave.
func (q *squeeze) exhaust() {
	r, l := q.aggressor.site.region, q.aggressor.load
	free := r.ConcurrencyLimit - heldConcurrency(r) - q.victimLimit
	var demand [7]float64
	for ago := 1; ago <= hoursPerWeek; ago++ {
		if hourOfDay(ago) == q.hourOfDay {
			demand[hourOfWeek(ago)/24] = math.Floor(l.perMinute(free - int(q.others(ago))))
		}
	}
	l.surge = &surge{hourOfDay: q.hourOfDay, minutes: q.minutes, hours: 1, weekly: &demand, ceiling: free + 10, mode: refused}
}

// others is the unreserved concurrency that all other functions are expected to use.
func (q *squeeze) others(ago int) (sum float64) {
	for _, f := range q.aggressor.site.region.Functions {
		if f.load == nil || f == q.aggressor.Function || f == q.victim.Function || f.ReservedConcurrency != nil {
			continue
		}
		p, _ := f.load.phaseAt(ago)
		sum += math.Max(0, f.load.rate(ago)*p.meanMS*f.load.burst/3_600_000-float64(f.load.provisioned))
	}
	return sum
}

// heldConcurrency is reserved, or provisioned without a reservation.
func heldConcurrency(r *Region) (held int) {
	for _, f := range r.Functions {
		if f.ReservedConcurrency != nil {
			held += *f.ReservedConcurrency
			continue
		}
		for _, p := range f.ProvisionedConcurrency {
			held += p.Requested
		}
	}
	return held
}

// asyncBacklog: events arrive faster than the reservation lets them be served;
// they wait, age and are tried again.
func (sc *scene) asyncBacklog() {
	f := sc.function("")
	limit := around(f.random, 5, 10)
	f.traffic(0, between(f.random, 400, 900))
	f.onTopic(sc.site.topic(f.identity, f.Name+"-events"))
	f.reserve(limit)
	served := f.load.perMinute(limit)
	f.load.perHour = between(f.random, 0.1, 0.2) * 60 * served
	f.load.surge = &surge{
		hourOfDay: around(f.random, 6, 19), minutes: around(f.random, 8, 12), hours: 3,
		perMinute: between(f.random, 4, 6) * served, ceiling: limit, mode: async, throttling: between(f.random, 0.02, 0.03),
	}
	f.invokeConfig(f.deadLetters().ARN)
	f.DLQARN = ""
	sc.planted(throttled, f.ARN, Certain, "asynchronous events wait for the reserved %d every day from %d:00 UTC, up to an hour", limit, f.load.surge.hourOfDay)
}

// mappingTooNarrow: the mapping's maximum concurrency is below what its queue brings.
func (sc *scene) mappingTooNarrow() {
	f := sc.function("")
	limit := around(f.random, 3, 10)
	f.traffic(0, between(f.random, 500, 1500))
	q := sc.site.queue(f.identity, f.Name+"-queue")
	f.onQueue(q, 1, 1).MaximumConcurrency = &limit
	served := f.load.perMinute(limit)
	f.load.perHour = between(f.random, 0.1, 0.2) * 60 * served
	f.load.surge = &surge{
		hourOfDay: around(f.random, 5, 17), minutes: around(f.random, 60, 90), hours: 4,
		perMinute: between(f.random, 1.3, 1.7) * served, ceiling: limit, mode: queued, throttling: between(f.random, 0.2, 0.3),
	}
	sc.planted(throttled, f.ARN, Certain, "%s fills every day from %d:00 UTC while its mapping allows %d at once; pollers are throttled", q.Name, f.load.surge.hourOfDay, limit)
}

// killSwitch: somebody turned the function off, and callers still try.
func (sc *scene) killSwitch() {
	f := sc.function("")
	f.traffic(between(f.random, 15, 60), 100)
	f.onAPI()
	f.reserve(0)
	sc.planted(throttled, f.ARN, Possible, "reserved concurrency is 0: turned off, still called")
}

// handful was throttled in a few bad minutes.
func (sc *scene) handful() {
	f := sc.function("")
	f.traffic(between(f.random, 2000, 20_000), between(f.random, 30, 150)).shape = sc.shapes()[0]
	f.onAPI()
	n := around(f.random, 4, 12)
	f.load.spots = []spot{{ago: 24*2 + around(f.random, 5, 15), throttles: n}, {ago: 24*8 + around(f.random, 5, 15), throttles: n + 3}}
	sc.nearMiss(throttled, f.ARN, "%d throttles in all, one in many thousand", 2*n+3)
}

// longAgo was throttled, until somebody raised its reservation.
func (sc *scene) longAgo() {
	f := sc.function("")
	f.traffic(0, between(f.random, 150, 300))
	f.onAPI()
	f.reserve(30)
	f.load.perHour = 0.15 * 60 * f.load.perMinute(10)
	f.load.surge = &surge{
		hourOfDay: around(f.random, 8, 16), minutes: 60, hours: 1, perMinute: 1.5 * f.load.perMinute(10), ceiling: 10,
		mode: refused, untilAgo: 24 * 33,
	}
	sc.nearMiss(throttled, f.ARN, "throttled until 33 days ago only")
}
