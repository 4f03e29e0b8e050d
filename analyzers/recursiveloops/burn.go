package recursiveloops

import (
	"math"

	"github.com/shopspring/decimal"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/price"
)

// burn is what a loop's excess invocations cost.
type burn struct {
	USDPerHour     float64 // over the last day of the surge, or over the window for dropped chains
	PeakUSDPerHour float64
	SpentUSD       float64 // in the window, so far
	Excess         float64 // invocations
	Savings        analysis.Interval
	Unpriced       string
}

// unit is what one more invocation of the loop costs.
type unit struct{ usd float64 }

// burnOf prices the excess: invocations beyond the baseline of a surge or, where
// the guard cut the chains short, the chains it cut. A loop that is only
// possible, or meant, saves nothing.
func (j *judge) burnOf(f *facts) burn {
	if f.class != confirmed && f.class != probable {
		return burn{}
	}
	if f.Surge == nil && f.Dropped == 0 {
		return burn{Unpriced: "no baseline tells the loop's own invocations from those wanted"}
	}
	u, why := j.unitOf(f.Members)
	if why != "" {
		return burn{Unpriced: why}
	}
	surged := surgeBurn(f, u, j.settings.horizonHours)
	dropped := dropBurn(f, u, j.p.Window)
	if dropped.Savings.Expected > surged.Savings.Expected {
		return dropped
	}
	return surged
}

// unitOf is the members' cost of an invocation: requests and summed duration over
// the window, divided once.
func (j *judge) unitOf(members []function) (unit, string) {
	total, invocations := decimal.Zero, 0.0
	at := price.At(j.p.Window)
	for _, m := range members {
		if m.Invocations > 0 && !m.DurationRead {
			return unit{}, "Duration of " + m.Name + " was not read"
		}
		requests, err := j.book.Requests(m.Region, m.Architecture, uint64(m.Invocations), at)
		if err != nil {
			return unit{}, err.Error()
		}
		duration, err := j.book.Duration(m.Region, m.Architecture, m.MemoryMB, decimal.NewFromFloat(m.DurationMS), at)
		if err != nil {
			return unit{}, err.Error()
		}
		total, invocations = total.Add(requests).Add(duration), invocations+m.Invocations
	}
	if invocations == 0 {
		return unit{}, "no invocations were read to price the loop by"
	}
	return unit{usd: total.InexactFloat64() / invocations}, ""
}

// surgeBurn prices a surge. What was burned is sure; what will be rests on the
// last day's rate for at most horizon hours; the most is the peak hour for a month.
func surgeBurn(f *facts, u unit, horizon float64) burn {
	if f.Surge == nil {
		return burn{}
	}
	excess := f.Hours[f.Surge.First:].minus(f.Baseline[f.Surge.First:])
	last := excess[max(0, len(excess)-hoursPerDay):]
	peak := 0.0
	for _, v := range last {
		peak = math.Max(peak, v)
	}
	b := burn{
		Excess:         f.Surge.excess(),
		USDPerHour:     last.sum() / float64(len(last)) * u.usd,
		PeakUSDPerHour: peak * u.usd,
		SpentUSD:       f.Surge.excess() * u.usd,
	}
	b.Savings.Expected = b.USDPerHour * math.Min(horizon, analysis.HoursPerMonth)
	b.Savings.High = math.Max(b.PeakUSDPerHour*analysis.HoursPerMonth, b.Savings.Expected)
	if f.class == confirmed {
		b.Savings.Low = math.Min(b.SpentUSD, b.Savings.Expected)
	}
	return b
}

// dropBurn prices what the guard let through: each drop ends a chain of depth
// invocations, the first of which was wanted. Nothing of it is sure, because a
// chain that was cut may have been meant.
func dropBurn(f *facts, u unit, w analysis.Window) burn {
	excess := f.Dropped * (f.depth - 1)
	spent := excess * u.usd
	monthly := w.Monthly(spent)
	return burn{
		Excess: excess, SpentUSD: spent,
		USDPerHour: monthly / analysis.HoursPerMonth, PeakUSDPerHour: monthly / analysis.HoursPerMonth,
		Savings: analysis.Interval{Expected: monthly, High: monthly},
	}
}
