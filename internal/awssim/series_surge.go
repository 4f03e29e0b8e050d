package awssim

import "math"

// surge is a recurring demand beyond what the function's concurrency can serve.
type surge struct {
	hourOfDay  int // at which it starts, every day
	minutes    int // how long demand is raised
	hours      int // how long it takes until everything is as before, in whole hours
	perMinute  float64
	ceiling    int         // concurrency at which throttling begins
	mode       waiting     // what happens to what is throttled
	untilAgo   int         // only as long as at least so many hours ago; 0: to the end
	weekly     *[7]float64 // exactly this demand a minute, Monday first; takes the place of perMinute
	throttling float64     // throttles for each waiting event (async) or served message (queue) in a minute
}

// waiting says what becomes of a throttled attempt.
type waiting int

const (
	refused waiting = iota // the caller gets 429 and gives up
	async                  // Lambda keeps the event and tries again
	queued                 // the message stays in the queue
)

// surgeMin is a minute of a surge.
type surgeMin struct {
	arrived, served, throttled uint32
	waiting                    uint32  // at the end of the minute
	ageS                       float64 // of the oldest that waits
}

// playSurge replaces the counts of a day's surge hours by playing out their minutes.
func (l *load) playSurge(t *tally, day int) {
	s := l.surge
	first := day*24 + 24 - s.hourOfDay // hours ago of the surge's first hour
	last := first - s.hours + 1
	if last < 1 || first > len(t.hours) || last < s.untilAgo {
		return
	}
	random := newReseedable()
	demand := s.perMinute * math.Exp(0.05*random.at(l.key, forSurge+uint64(day)).NormFloat64())
	if s.weekly != nil {
		demand = s.weekly[hourOfWeek(first)/24]
	}
	waiting, carry := 0.0, 0.0
	for ago := first; ago >= last; ago-- {
		base := l.minutes(random, ago, t.at(ago).invocations)
		p, _ := l.phaseAt(ago)
		perMinute := float64(s.ceiling) * 60_000 / (p.meanMS * l.burst)
		var played [60]surgeMin
		for m := range played {
			arrived := base[m]
			if (first-ago)*60+m < s.minutes {
				arrived += uint32(demand)
			}
			played[m] = s.play(arrived, perMinute, &waiting, &carry)
		}
		l.settle(t, ago, &played)
	}
}

// play serves one minute's arrivals and what waited before them.
func (s *surge) play(arrived uint32, perMinute float64, waiting, carry *float64) surgeMin {
	m := surgeMin{arrived: arrived}
	demand := float64(arrived) + *waiting
	served := math.Min(demand, math.Floor(perMinute+*carry))
	*carry = math.Min(1, perMinute+*carry-math.Floor(perMinute+*carry))
	m.served = uint32(served)
	left := demand - served
	if s.mode == refused {
		m.throttled = uint32(left)
		return m
	}
	*waiting = left
	m.waiting = uint32(left)
	m.ageS = 60 * left / perMinute
	switch {
	case left == 0:
	case s.mode == async:
		m.throttled = uint32(math.Ceil(left * s.throttling))
	default:
		m.throttled = uint32(math.Ceil(served * s.throttling))
	}
	return m
}

// settle makes an hour's counts those of its played minutes.
func (l *load) settle(t *tally, ago int, played *[60]surgeMin) {
	n, throttles := 0, uint32(0)
	for _, m := range played {
		n += int(m.served)
		throttles += m.throttled
	}
	h := l.outcomes(newRand(l.key, forSurge+1<<32+uint64(ago)), n)
	h.throttles = throttles
	*t.at(ago) = h
	t.surging[ago] = played
}
