package untaggedresources

import (
	"errors"
	"time"

	"github.com/shopspring/decimal"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/price"
)

// usage is what a function used in the window, scaled to a month of 730 hours.
type usage struct {
	source    string   // reports, metrics; empty when neither was read
	requests  float64  // a month
	gbSeconds float64  // a month
	usd       *float64 // a month; nil when unknown
	unpriced  string   // why usd is unknown although the usage is not
}

// meter prices usage: at what the bill says a GB-second costs, else at the list.
type meter struct {
	book   *price.Book
	bill   *price.Bill
	window analysis.Window
}

// mbMS turns megabytes × milliseconds into GB-seconds.
func mbMS(x float64) decimal.Decimal { return price.GBSeconds(1, decimal.NewFromFloat(x)) }

func (m meter) usage(f function) (usage, error) {
	byArch := map[string]decimal.Decimal{}
	var u usage
	var requests float64
	hours := m.window.To.Sub(m.window.From).Hours()
	switch {
	case f.ReportInvocations > 0:
		u.source, requests = "reports", float64(f.ReportInvocations)
		byArch["x86_64"], byArch["arm64"] = mbMS(f.ReportX86MBMS), mbMS(f.ReportArmMBMS)
		hours = m.reportHours(f)
	case f.MetricReads > 0:
		// Duration leaves out INIT, and the memory size may have been another.
		u.source, requests = "metrics", f.MetricInvocations
		byArch[f.Architecture] = mbMS(f.MetricDurationMS * float64(f.MemoryMB))
	default:
		return u, nil
	}
	scale := analysis.HoursPerMonth / hours
	usd, err := m.price(f, byArch, requests)
	var missing *price.ErrNoPrice
	switch {
	case errors.As(err, &missing):
		u.unpriced = err.Error()
	case err != nil:
		return usage{}, err
	default:
		monthly := usd.InexactFloat64() * scale
		u.usd = &monthly
	}
	u.requests = requests * scale
	for _, gbs := range byArch {
		u.gbSeconds += gbs.InexactFloat64() * scale
	}
	return u, nil
}

// reportHours is the part of the window in which reports of the account and
// region were read.
func (m meter) reportHours(f function) float64 {
	from := m.window.From.Truncate(24 * time.Hour)
	if f.ScopeFirstDay.After(from) {
		from = f.ScopeFirstDay
	}
	return m.window.To.Sub(from).Hours()
}

// price of the window's usage. What was not used needs no price.
func (m meter) price(f function, byArch map[string]decimal.Decimal, requests float64) (decimal.Decimal, error) {
	at := price.At(m.window)
	sum := decimal.Zero
	for _, arch := range []string{"x86_64", "arm64"} {
		if byArch[arch].IsZero() {
			continue
		}
		rate, ok := m.bill.GBSecond(f.Account, f.Region, arch)
		if !ok {
			var err error
			if rate, err = m.book.Rate(price.GBSecond, f.Region, arch, at); err != nil {
				return decimal.Zero, err
			}
		}
		sum = sum.Add(byArch[arch].Mul(rate))
	}
	if requests == 0 {
		return sum, nil
	}
	rate, err := m.book.Rate(price.Request, f.Region, f.Architecture, at)
	if err != nil {
		return decimal.Zero, err
	}
	return sum.Add(decimal.NewFromFloat(requests).Mul(rate)), nil
}
