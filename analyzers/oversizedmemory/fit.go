package oversizedmemory

import (
	"cmp"
	"math"
	"slices"
	"time"
)

// size is what the REPORT lines say about one memory size.
type size struct {
	memoryMB    float64
	n           float64 // invocations
	days        float64 // days with invocations
	billedMS    float64 // sum
	billedMSSq  float64 // sum of squares
	dayVariance float64 // of the daily means
	usedMax     float64
	usedP999    float64
	atLimit     float64 // lines whose use reached the size
	limitErrors float64 // those that failed
	lastDay     float64 // invocations on the function's newest day
	firstDay    time.Time
	versions    []string
}

const (
	// roundingVariance is that of billed milliseconds, which are whole.
	roundingVariance = 1.0 / 12

	// drift is how far, at least, two periods of one function are taken to
	// differ for reasons other than memory: deployments, another mix of requests.
	drift = 0.02
)

// mean is the billed milliseconds of an invocation.
func (s size) mean() float64 { return s.billedMS / s.n }

// standardError of the mean: the larger of what the scatter of single
// invocations gives and what the scatter of days gives, because days differ by
// more than chance.
func (s size) standardError() float64 {
	variance := roundingVariance
	if s.n > 1 {
		mean := s.mean()
		variance = math.Max(variance, (s.billedMSSq-s.n*mean*mean)/(s.n-1))
	}
	between := 0.0
	if s.days > 1 {
		between = s.dayVariance / s.days
	}
	return math.Sqrt(math.Max(variance/s.n, between))
}

// fit is billed = constant + cpu/memory, by weighted least squares over sizes.
// An invocation's cost is proportional to constant × memory + cpu: what shrinks
// with memory is the constant share alone.
type fit struct {
	constantMS      float64
	constantMSError float64 // standard error
	smallestMB      float64 // the smallest size it rests on
	sizes           int
}

// fitSizes is ok only when the function ran with two sizes that differ.
func fitSizes(sizes []size) (f fit, ok bool) {
	if len(sizes) < 2 {
		return fit{}, false
	}
	var w, wx, wy, wxx, wxy float64
	for _, s := range sizes {
		weight, x, y := s.weight(), 1/s.memoryMB, s.mean()
		w += weight
		wx += weight * x
		wy += weight * y
		wxx += weight * x * x
		wxy += weight * x * y
	}
	det := w*wxx - wx*wx
	if det <= 0 {
		return fit{}, false
	}
	f = fit{constantMS: (wxx*wy - wx*wxy) / det, constantMSError: math.Sqrt(wxx / det), sizes: len(sizes)}
	cpu := (w*wxy - wx*wy) / det
	f.constantMSError *= math.Max(1, misfit(sizes, f.constantMS, cpu))
	f.smallestMB = slices.MinFunc(sizes, func(a, b size) int { return cmp.Compare(a.memoryMB, b.memoryMB) }).memoryMB
	return f, true
}

// weight of the size's mean in a fit.
func (s size) weight() float64 {
	e := math.Max(s.standardError(), drift*s.mean())
	return 1 / (e * e)
}

// misfit is how much farther the sizes lie from the curve than their standard
// errors explain; two sizes always lie on it.
func misfit(sizes []size, constant, cpu float64) float64 {
	if len(sizes) < 3 {
		return 1
	}
	chi2 := 0.0
	for _, s := range sizes {
		d := s.mean() - constant - cpu/s.memoryMB
		chi2 += s.weight() * d * d
	}
	return math.Sqrt(chi2 / float64(len(sizes)-2))
}

// share is the part of the duration that memory does not change, between 0
// (bound by CPU: less memory saves nothing) and 1 (waiting: all of it is saved).
type share struct{ low, expected, high float64 }

// shareOf turns the fit into a share of the duration at the current size; two
// standard errors either way.
func (f fit) shareOf(current size) share {
	at := func(ms float64) float64 { return math.Min(1, math.Max(0, ms/current.mean())) }
	return share{at(f.constantMS - 2*f.constantMSError), at(f.constantMS), at(f.constantMS + 2*f.constantMSError)}
}
