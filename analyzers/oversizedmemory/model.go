package oversizedmemory

import (
	"math"
	"time"

	"github.com/shopspring/decimal"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/price"
)

// model is what a function would cost with less memory.
type model struct {
	size   size
	use    use     // of memory, with any size
	target float64 // MB
	hours  float64 // the size was observed
	share  share   // of the duration that memory does not change
	fit    *fit    // nil without an experiment
}

// saved is the share of the cost that goes when the duration stays.
func (m model) saved() float64 { return 1 - m.target/m.size.memoryMB }

// gbSecondsPerMonth of running with the current size, scaled to 730 hours.
func (m model) gbSecondsPerMonth() decimal.Decimal {
	return perMonth(price.GBSeconds(uint32(m.size.memoryMB), decimal.NewFromFloat(m.size.billedMS)), m.hours)
}

func perMonth(amount decimal.Decimal, hours float64) decimal.Decimal {
	if hours <= 0 {
		return decimal.Zero
	}
	return amount.Mul(decimal.NewFromFloat(analysis.HoursPerMonth)).Div(decimal.NewFromFloat(hours))
}

// usdPerMonth of running with the current size; requests cost the same with any.
func (m model) usdPerMonth(r rates) decimal.Decimal { return m.gbSecondsPerMonth().Mul(r.duration) }

// heldUSD is what less memory saves of provisioned concurrency, which is paid
// whether or not anything runs.
func (m model) heldUSD(r rates, provisioned int64) decimal.Decimal {
	held := time.Duration(analysis.HoursPerMonth * float64(time.Hour))
	return price.ProvisionedGBSeconds(uint32(m.size.memoryMB-m.target), provisioned, held).Mul(r.held)
}

// savings of a month. Of the cost of running, the share that memory does not
// change falls with the memory; the rest takes longer in proportion and costs
// the same.
func (m model) savings(r rates, provisioned int64) analysis.Interval {
	running := m.usdPerMonth(r).Mul(decimal.NewFromFloat(m.saved()))
	held := m.heldUSD(r, provisioned)
	usd := func(part float64) float64 { return running.Mul(decimal.NewFromFloat(part)).Add(held).InexactFloat64() }
	return analysis.Interval{Low: usd(m.share.low), Expected: usd(m.share.expected), High: usd(m.share.high)}
}

// oneCPU is the memory that comes with one whole CPU (DOC:configuration-memory).
const oneCPU = 1769.0

// slowdown is how much longer the invocations would take at the expected share,
// for code that uses one CPU.
func (m model) slowdown() float64 {
	return (1 - m.share.expected) * math.Max(0, math.Min(m.size.memoryMB, oneCPU)/m.target-1)
}

// The borders of the confidence levels; doc.md states them.
const (
	weekDays       = 7
	fortnightDays  = 14
	mediumSpread   = 0.10 // standard error of the mean duration, relative
	narrowInterval = 1.0  // width of the interval, relative to what is expected
)

// confidence is as doc.md defines it.
func (m model) confidence(l limits) analysis.Confidence {
	enough := m.size.n >= l.trusted && m.size.days >= weekDays && m.hours >= weekDays*24 &&
		m.size.standardError() <= mediumSpread*m.size.mean()
	if !enough {
		return analysis.ConfidenceLow
	}
	narrow := m.share.high-m.share.low <= narrowInterval*m.share.expected
	if m.fit != nil && narrow && m.fit.smallestMB <= m.target && m.size.days >= fortnightDays {
		return analysis.ConfidenceHigh
	}
	return analysis.ConfidenceMedium
}

func round(x float64, decimals int) float64 {
	scale := math.Pow10(decimals)
	return math.Round(x*scale) / scale
}
