package engine

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/price"
	"github.com/faaswarden/faaswarden/internal/store"
)

//go:embed usage.sql
var usageQuery string

// Usage is what one function used and cost. A function whose usage was not
// read has none: Read is false, and its numbers mean nothing.
type Usage struct {
	Account, Region, Function string
	Tags                      map[string]string // those the configuration shows; nil when not read
	Read                      bool
	Priced                    bool    // false where the price book has no price for the region
	MonthlyUSD                float64 // the window's cost, scaled to a month of 730 hours
	Day                       DayUsage
}

// DayUsage is the newest 24 hours that were read of the function's region.
type DayUsage struct {
	USD                            float64 // without INIT, which CloudWatch does not count
	Invocations, Errors, Throttles float64
	GBSeconds                      float64
}

// usageRow is a row of usage.sql.
type usageRow struct {
	Account           string            `ch:"account"`
	Region            string            `ch:"region"`
	FunctionARN       string            `ch:"function_arn"`
	FunctionName      string            `ch:"function_name"`
	Architecture      string            `ch:"architecture"`
	MemoryMB          uint32            `ch:"memory_mb"`
	EphemeralMB       uint32            `ch:"ephemeral_mb"`
	Tags              map[string]string `ch:"tags"`
	Provisioned       int64             `ch:"provisioned"`
	SeenFrom          time.Time         `ch:"seen_from"`
	DayTo             time.Time         `ch:"day_to"`
	ReadTo            time.Time         `ch:"read_to"`
	ReportFrom        time.Time         `ch:"report_from"`
	ReportInvocations uint64            `ch:"report_invocations"`
	ReportX86MBMS     float64           `ch:"report_x86_mb_ms"`
	ReportARMMBMS     float64           `ch:"report_arm_mb_ms"`
	ReportBilledMS    float64           `ch:"report_billed_ms"`
	MetricInvocations float64           `ch:"metric_invocations"`
	MetricDurationMS  float64           `ch:"metric_duration_ms"`
	DayInvocations    float64           `ch:"day_invocations"`
	DayDurationMS     float64           `ch:"day_duration_ms"`
	DayErrors         float64           `ch:"day_errors"`
	DayThrottles      float64           `ch:"day_throttles"`
}

// loadUsage reads what every function of the inventory used, dearest first.
func (e *Engine) loadUsage(ctx context.Context, w analysis.Window) ([]Usage, error) {
	if w.To.IsZero() {
		return nil, nil // nothing was analyzed yet
	}
	params := map[string]any{"from": w.From, "to": w.To, "tag_keys": e.Config().Metrics.TagLabels}
	var list []Usage
	for row, err := range store.Select[usageRow](ctx, e.opts.Store, usageQuery, params) {
		if err != nil {
			return nil, fmt.Errorf("read usage: %w", err)
		}
		u, err := row.usage(e.book, w)
		if err != nil {
			return nil, fmt.Errorf("price the usage of %s: %w", row.FunctionARN, err)
		}
		list = append(list, u)
	}
	slices.SortStableFunc(list, func(a, b Usage) int { return cmp.Compare(b.MonthlyUSD, a.MonthlyUSD) })
	return list, nil
}

func (r usageRow) usage(book *price.Book, w analysis.Window) (Usage, error) {
	u := Usage{Account: r.Account, Region: r.Region, Function: r.FunctionName, Tags: r.Tags}
	// A function that a later run could not read keeps its old reads: an hour's
	// slack covers functions that were asked for a moment before the others.
	if u.Read = r.ReadTo.Unix() > 0 && !r.ReadTo.Before(r.DayTo.Add(-time.Hour)); !u.Read {
		return u, nil
	}
	u.Day = DayUsage{
		Invocations: r.DayInvocations, Errors: r.DayErrors, Throttles: r.DayThrottles,
		GBSeconds: r.DayDurationMS / 1000 * float64(r.MemoryMB) / 1024,
	}
	at := price.At(w)
	day, err := r.cost(book, at, r.metricWork(r.DayInvocations, r.DayDurationMS), 24*time.Hour)
	if _, unpriced := errors.AsType[*price.ErrNoPrice](err); unpriced {
		return u, nil
	}
	if err != nil {
		return u, err
	}
	work, from := r.metricWork(r.MetricInvocations, r.MetricDurationMS), r.SeenFrom
	if r.ReportInvocations > 0 {
		work, from = r.reportWork(), r.ReportFrom
	}
	if from.Before(w.From) {
		from = w.From
	}
	observed := analysis.Window{From: from, To: w.To}
	usd, err := r.cost(book, at, work, w.To.Sub(from))
	if err != nil {
		return u, err
	}
	u.Priced, u.Day.USD, u.MonthlyUSD = true, day.InexactFloat64(), observed.Monthly(usd.InexactFloat64())
	return u, nil
}

// work is what a function did in some time, as it is billed.
type work struct {
	requests     float64
	x86MS, armMS decimal.Decimal // milliseconds × MB
	billedMS     float64
}

// reportWork is exact: REPORT lines tell the billed milliseconds, INIT included,
// and the memory each invocation had.
func (r usageRow) reportWork() work {
	return work{float64(r.ReportInvocations), decimal.NewFromFloat(r.ReportX86MBMS), decimal.NewFromFloat(r.ReportARMMBMS), r.ReportBilledMS}
}

// metricWork is what CloudWatch's Duration tells, at the memory the function has now.
func (r usageRow) metricWork(invocations, durationMS float64) work {
	k := work{requests: invocations, billedMS: durationMS}
	mbMS := decimal.NewFromFloat(durationMS * float64(r.MemoryMB))
	if r.Architecture == "arm64" {
		k.armMS = mbMS
	} else {
		k.x86MS = mbMS
	}
	return k
}

// cost is requests, on-demand duration, ephemeral storage and the provisioned
// concurrency held, at the first tier of the list price.
func (r usageRow) cost(book *price.Book, at time.Time, k work, held time.Duration) (decimal.Decimal, error) {
	sum := decimal.Zero
	for _, part := range []struct {
		item, arch string
		units      decimal.Decimal
	}{
		{price.Request, r.Architecture, decimal.NewFromFloat(k.requests)},
		{price.GBSecond, "x86_64", price.GBSeconds(1, k.x86MS)},
		{price.GBSecond, "arm64", price.GBSeconds(1, k.armMS)},
		{price.EphemeralGBSecond, r.Architecture, price.EphemeralGBSeconds(r.EphemeralMB, decimal.NewFromFloat(k.billedMS))},
		{price.ProvisionedGBSecond, r.Architecture, price.ProvisionedGBSeconds(r.MemoryMB, r.Provisioned, held)},
	} {
		if part.units.IsZero() && part.item != price.Request {
			continue // a price that is not needed need not be known
		}
		rate, err := book.Rate(part.item, r.Region, part.arch, at)
		if err != nil {
			return decimal.Zero, err
		}
		sum = sum.Add(part.units.Mul(rate))
	}
	return sum, nil
}
