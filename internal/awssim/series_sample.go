package awssim

import (
	"math"
	"math/rand/v2"
)

// sample is a REPORT line before it is written out: weight invocations that went
// the same way.
type sample struct {
	second     float64 // since the day's midnight
	weight     uint32
	phase      uint8
	end        ending
	durationMS float64
	coldMS     float64 // of initialisation, or of a SnapStart restore; 0: warm
	usedMB     int
}

// ending is how an invocation ended.
type ending uint8

const (
	succeeded ending = iota
	handlerFailed
	timedOut
	outOfMemory
)

// billedMS is what one of the sample's invocations is billed: since August 2025
// initialisation counts too, and of a restore the part that AWS bills.
func (l *load) billedMS(s *sample) int64 {
	if l.restore {
		return int64(math.Ceil(s.durationMS)) + billedRestoreMS(s.coldMS)
	}
	return int64(math.Ceil(s.durationMS + s.coldMS))
}

func billedRestoreMS(restoreMS float64) int64 { return int64(math.Ceil(restoreMS * 0.45)) }

// drawn is a point of the joint distribution of duration and memory, as standard
// normal deviates, that stands for weight invocations.
type drawn struct {
	weight              uint32
	duration, memoryUse float64
}

// everyInvocation is the number of invocations a day up to which each has a line.
const everyInvocation = 180

// draw represents n invocations by at most some 180 points. Both distributions'
// upper two hundredths have points of their own, of weights growing from 1 away
// from the maximum, so that maxima and p99.9 come out as of n single draws.
func draw(r *rand.Rand, n int) []drawn {
	if n <= everyInvocation {
		out := make([]drawn, n)
		for i := range out {
			out[i] = drawn{1, r.NormFloat64(), r.NormFloat64()}
		}
		return out
	}
	const points = 110
	tail := n / 50
	below := 1 - float64(tail)/float64(n)
	out := make([]drawn, 0, points+100)
	bulk := n - 2*tail
	order := r.Perm(points)
	for i := range points {
		weight := bulk*(i+1)/points - bulk*i/points
		out = append(out, drawn{
			uint32(weight),
			quantile(below * (float64(order[i]) + r.Float64()) / points),
			quantile(below * (float64(i) + r.Float64()) / points),
		})
	}
	step := 1.0
	for done := 0; done < tail; step *= 1.35 {
		weight := min(int(step), tail-done)
		top := func() float64 { return quantile(1 - (float64(done)+float64(weight)*open(r))/float64(n)) }
		rest := func() float64 { return quantile(below * open(r)) }
		out = append(out, drawn{uint32(weight), rest(), top()}, drawn{uint32(weight), top(), rest()})
		done += weight
	}
	r.Shuffle(len(out), func(i, j int) { out[i], out[j] = out[j], out[i] })
	return out
}

// open draws from (0, 1), without its ends.
func open(r *rand.Rand) float64 { return math.Max(r.Float64(), 1e-12) }

// samples are the lines of a day (0: the last). In every hour their weights sum to
// its invocations.
func (l *load) samples(t *tally, day int) []sample {
	total := 0
	for ago := day*24 + 24; ago > day*24; ago-- {
		total += int(t.at(ago).regular())
	}
	r := newRand(l.key, forSamples+uint64(day))
	placing := placing{load: l, random: r, points: draw(r, total)}
	for ago := day*24 + 24; ago > day*24; ago-- {
		placing.hour(ago, t.at(ago))
	}
	return placing.out
}

// regular are the invocations that follow the function's distributions.
func (h *hourCount) regular() uint32 { return h.invocations - h.timeouts - h.ooms - h.batch }

// placing lays the day's points end to end along its hours.
type placing struct {
	load   *load
	random *rand.Rand
	points []drawn
	out    []sample
}

func (p *placing) hour(ago int, h *hourCount) {
	start := float64(hourOfDay(ago)) * 3600
	phase, index := p.load.phaseAt(ago)
	count := h.regular()
	failing := count - h.errors
	for at := uint32(0); at < count; {
		point := &p.points[0]
		weight := min(point.weight, count-at)
		cold := at < h.colds
		if cold {
			weight = min(weight, h.colds-at)
		}
		end := handlerFailed
		if at < failing {
			end, weight = succeeded, min(weight, failing-at)
		}
		s := sample{
			second: start + 3600*(float64(at)+float64(weight)/2)/float64(count), weight: weight, phase: uint8(index), end: end,
			durationMS: p.duration(phase, point.duration), usedMB: p.load.usedMB(phase, point.memoryUse),
		}
		if cold {
			s.coldMS = p.coldMS()
		}
		p.out = append(p.out, s)
		at += weight
		if point.weight -= weight; point.weight == 0 {
			p.points = p.points[1:]
		}
	}
	p.endings(start, phase, index, h)
	p.weekly(start, index, h)
}

func (p *placing) duration(phase *phase, deviate float64) float64 {
	ms := withMean(phase.meanMS, phase.sigma).median * math.Exp(phase.sigma*deviate)
	ms = math.Min(ms, 950*float64(p.load.timeoutS))
	return math.Max(0.5, math.Round(100*ms)/100)
}

func (p *placing) coldMS() float64 {
	return math.Round(100*p.load.initMS*math.Exp(0.25*p.random.NormFloat64())) / 100
}

// usedMB is bounded by the memory size, and below it by what the work can use.
func (l *load) usedMB(phase *phase, deviate float64) int {
	mb := l.used.median * math.Exp(l.used.sigma*deviate)
	if l.usedCap > 0 {
		mb = math.Min(mb, l.usedCap)
	}
	return int(math.Min(math.Round(mb), float64(phase.memoryMB)))
}

// endings adds the hour's timeouts and memory kills.
func (p *placing) endings(start float64, phase *phase, index int, h *hourCount) {
	if h.timeouts > 0 {
		p.out = append(p.out, sample{
			second: start + 3600*p.random.Float64(), weight: h.timeouts, phase: uint8(index), end: timedOut,
			durationMS: 1000 * float64(p.load.timeoutS), usedMB: p.load.usedMB(phase, p.random.NormFloat64()),
		})
	}
	if h.ooms > 0 {
		p.out = append(p.out, sample{
			second: start + 3600*p.random.Float64(), weight: h.ooms, phase: uint8(index), end: outOfMemory,
			durationMS: p.duration(phase, p.random.NormFloat64()), usedMB: phase.memoryMB,
		})
	}
}

// weekly adds the batch run, up to ten lines.
func (p *placing) weekly(start float64, index int, h *hourCount) {
	const lines = 10
	b, n := p.load.batch, int(h.batch)
	for i := range min(n, lines) {
		p.out = append(p.out, sample{
			second: start + 360*(float64(i)+p.random.Float64()), phase: uint8(index),
			weight:     uint32(n*(i+1)/min(n, lines) - n*i/min(n, lines)),
			durationMS: math.Round(100*withMean(b.meanMS, 0.2).at(open(p.random))) / 100,
			usedMB:     int(b.used.at(open(p.random))),
		})
	}
}

// hourTime sums up the durations of an hour.
type hourTime struct {
	sum      float64
	min, max float64
}

// times sums up every hour of the history, oldest first.
func (l *load) times(t *tally) []hourTime {
	out := make([]hourTime, len(t.hours))
	for day := range len(t.hours) / 24 {
		for _, s := range l.samples(t, day) {
			ago := day*24 + 24 - int(s.second/3600)
			h := &out[len(out)-ago]
			if h.sum == 0 || s.durationMS < h.min {
				h.min = s.durationMS
			}
			h.max = max(h.max, s.durationMS)
			h.sum += s.durationMS * float64(s.weight)
		}
	}
	return out
}
