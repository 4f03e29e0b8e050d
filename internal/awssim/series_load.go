package awssim

import (
	"math"
	"math/rand/v2"
)

// Hours are counted backwards: hour 1 ago is the last one before World.Now. Hour
// 1 … 24 ago are the last day, a Sunday.
const hoursPerWeek = 168

// hourOfDay is 0 … 23, UTC.
func hourOfDay(ago int) int { return 23 - (ago-1)%24 }

// hourOfWeek is 0 (Monday, midnight) … 167.
func hourOfWeek(ago int) int { return 24*(6-(ago-1)/24%7) + hourOfDay(ago) }

// A load is what drives a function: how often it is invoked, how long it takes,
// how much memory it touches and what goes wrong.
type load struct {
	key     uint64 // of the function's random streams
	bornAgo int    // hours ago at which it was created; 0: before the history

	perHour float64                // mean invocations an hour
	shape   *[hoursPerWeek]float64 // share of the mean in each hour of the week; nil: flat
	noise   float64                // standard deviation of the hourly factor's logarithm
	cron    func(ago int) int      // exact counts; takes the place of perHour
	growth  *growth
	batch   *batch
	surge   *surge
	spots   []spot

	phases   []phase // newest first
	used     spread  // MB
	usedCap  float64 // MB; 0: the memory size alone
	initMS   float64 // median; 0: no cold starts worth a line
	restore  bool    // cold starts are SnapStart restores
	errors   float64 // share of invocations whose handler failed
	timeouts float64 // share that ran into the timeout
	ooms     float64 // share killed for memory
	timeoutS int
	jsonLogs bool

	burst           float64 // peak over mean concurrency within a minute, ≥ 1
	async           bool    // invoked asynchronously: has AsyncEvents metrics
	stream          bool    // polls a stream: has IteratorAge
	killed          bool    // reserved concurrency of zero: every attempt is a throttle
	reserved        int     // ceiling of concurrency; 0: none
	droppedPerCall  float64 // RecursiveInvocationsDropped for each invocation
	provisioned     int
	alias           string
	logBytesPerCall float64
	natBytesOut     float64 // for each invocation, through its VPC's NAT gateway
	natBytesIn      float64
}

// growth multiplies the rate: doubling since some hour, up to a ceiling.
type growth struct {
	sinceAgo      int
	doublingHours float64
	ceiling       float64
}

// batch is a weekly run of different work by the same function.
type batch struct {
	hourOfWeek int
	count      int
	used       spread
	meanMS     float64
}

// spot is a short moment of throttling.
type spot struct {
	ago       int
	throttles int
}

// spread is a lognormal distribution.
type spread struct{ median, sigma float64 }

func (s spread) at(u float64) float64 {
	if s.sigma == 0 {
		return s.median
	}
	return s.median * math.Exp(s.sigma*quantile(u))
}

// withMean is the lognormal distribution of that mean.
func withMean(mean, sigma float64) spread {
	return spread{mean * math.Exp(-sigma*sigma/2), sigma}
}

// phase is a stretch of time between two deployments.
type phase struct {
	sinceAgo int // hours ago at which it began; 0: before the history
	version  string
	memoryMB int
	arch     string
	meanMS   float64
	sigma    float64
}

// phaseAt is the phase of an hour and its index.
func (l *load) phaseAt(ago int) (*phase, int) {
	for i := range l.phases {
		if p := &l.phases[i]; p.sinceAgo == 0 || ago <= p.sinceAgo {
			return p, i
		}
	}
	return &l.phases[len(l.phases)-1], len(l.phases) - 1
}

// rate is the mean number of invocations in an hour, before chance.
func (l *load) rate(ago int) float64 {
	if l.bornAgo > 0 && ago > l.bornAgo {
		return 0
	}
	if l.cron != nil {
		return float64(l.cron(ago))
	}
	rate := l.perHour
	if l.shape != nil {
		rate *= l.shape[hourOfWeek(ago)]
	}
	if g := l.growth; g != nil && ago < g.sinceAgo {
		rate *= math.Min(g.ceiling, math.Exp2(float64(g.sinceAgo-ago)/g.doublingHours))
	}
	return rate
}

// hourCount is what happened in an hour.
type hourCount struct {
	invocations uint32
	throttles   uint32
	errors      uint32 // handler failures; timeouts and OOMs are further errors
	timeouts    uint32
	ooms        uint32
	colds       uint32
	batch       uint32 // invocations of the weekly batch, among invocations
}

func (h hourCount) failed() uint32 { return h.errors + h.timeouts + h.ooms }

// tally is a function's history in counts.
type tally struct {
	hours   []hourCount           // oldest first
	surging map[int]*[60]surgeMin // by hours ago: those whose minutes were played out
}

func (t *tally) at(ago int) *hourCount { return &t.hours[len(t.hours)-ago] }

// purposes of a function's streams, combined with the hour or day.
const (
	forCount = iota << 40
	forMinutes
	forSamples
	forSurge
	forLines
)

// count plays the function's history hour by hour.
func (l *load) count(days int) *tally {
	t := &tally{hours: make([]hourCount, days*24), surging: map[int]*[60]surgeMin{}}
	random := newReseedable()
	for ago := days * 24; ago >= 1; ago-- {
		r := random.at(l.key, forCount+uint64(ago))
		*t.at(ago) = l.countHour(r, ago)
	}
	if l.surge != nil {
		for day := range days {
			l.playSurge(t, day)
		}
	}
	for _, s := range l.spots {
		if s.ago <= days*24 {
			t.at(s.ago).throttles += uint32(s.throttles)
		}
	}
	return t
}

func (l *load) countHour(r *rand.Rand, ago int) hourCount {
	rate := l.rate(ago)
	if rate == 0 {
		return hourCount{}
	}
	n := int(rate)
	if l.cron == nil {
		n = poisson(r, rate*math.Exp(l.noise*r.NormFloat64()))
	}
	if l.killed {
		return hourCount{throttles: uint32(n)}
	}
	h := l.outcomes(r, n)
	if b := l.batch; b != nil && hourOfWeek(ago) == b.hourOfWeek {
		h.batch = uint32(b.count)
		h.invocations += h.batch
	}
	return h
}

// outcomes divides n invocations into what became of them.
func (l *load) outcomes(r *rand.Rand, n int) hourCount {
	left := n
	take := func(share float64) uint32 {
		k := min(poisson(r, float64(n)*share), left)
		left -= k
		return uint32(k)
	}
	h := hourCount{invocations: uint32(n)}
	h.timeouts, h.ooms, h.errors = take(l.timeouts), take(l.ooms), take(l.errors)
	if l.initMS > 0 && n > 0 {
		// The busier a function, the seldomer it meets a fresh sandbox.
		share := 0.002 + math.Exp(-float64(n)/8)
		h.colds = uint32(min(poisson(r, float64(n)*share), int(h.invocations-h.timeouts-h.ooms)))
	}
	return h
}

// minutes spreads an ordinary hour's invocations over its minutes.
func (l *load) minutes(random reseedable, ago int, n uint32) (out [60]uint32) {
	r := random.at(l.key, forMinutes+uint64(ago))
	if n <= 40 {
		for range n {
			out[r.IntN(60)]++
		}
		return out
	}
	var cumulated [60]float64
	sum := 0.0
	for m := range cumulated {
		sum += 0.7 + 0.6*r.Float64()
		cumulated[m] = sum
	}
	done := uint32(0)
	for m := range out {
		upTo := uint32(math.Round(float64(n) * cumulated[m] / sum))
		out[m] = upTo - done
		done = upTo
	}
	return out
}

// concurrency is how many sandboxes n invocations in a minute kept busy, at the
// minute's peak.
func (l *load) concurrency(ago int, n uint32) float64 {
	if n == 0 {
		return 0
	}
	p, _ := l.phaseAt(ago)
	busy := float64(n) * p.meanMS / 60_000 * l.burst
	if l.reserved > 0 {
		busy = math.Min(busy, float64(l.reserved))
	}
	if l.surge != nil {
		busy = math.Min(busy, float64(l.surge.ceiling))
	}
	return busy
}
