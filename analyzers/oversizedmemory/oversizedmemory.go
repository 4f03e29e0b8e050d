// Package oversizedmemory finds functions that pay for memory they never touch,
// and those that run into the memory they have.
package oversizedmemory

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"math"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/price"
)

//go:embed doc.md
var doc string

//go:embed query.sql
var query string

// Analyzer judges every function's memory size by its REPORT lines.
var Analyzer = &analysis.Analyzer{
	Name:        "oversizedmemory",
	Title:       "functions that pay for memory they never touch, or run into the memory they have",
	Doc:         doc,
	Stage:       analysis.Performance,
	Category:    analysis.Cost,
	Severity:    analysis.Medium,
	Remediation: "Set the memory size to what the function uses, with headroom.",
	Query:       query,
	Params: []analysis.Param{
		{Name: "headroom", Kind: analysis.Number, Default: 1.25, Min: 1, Max: 4, InGo: true, Doc: "factor on the p99.9 of the memory used"},
		{Name: "step_mb", Kind: analysis.Integer, Default: int64(64), Min: 1, Max: 1024, InGo: true, Doc: "MB the recommended size is rounded up to; the least reduction worth a finding"},
		{Name: "min_invocations", Kind: analysis.Integer, Default: int64(50), Min: 1, Max: 1e9, InGo: true, Doc: "invocations at the current size below which nothing is concluded"},
		{Name: "min_days", Kind: analysis.Number, Default: 7.0, Min: 1, Max: 90, InGo: true, Doc: "days of the account and region whose reports must have been read to conclude anything: fewer may miss what runs once a week"},
		{Name: "trusted_invocations", Kind: analysis.Integer, Default: int64(1000), Min: 1, Max: 1e9, InGo: true, Doc: "invocations from which a recommendation may lie below the highest memory ever used"},
		{Name: "min_savings_usd", Kind: analysis.Number, Default: 0.10, Min: 0, Max: 1e6, InGo: true, Doc: "expected USD a month below which a finding is not worth its reading"},
		{Name: "min_reduction", Kind: analysis.Number, Default: 0.10, Min: 0, Max: 1, InGo: true, Doc: "share of the memory, and of a measured cost, below which a reduction is not worth a finding"},
		{Name: "constant_share", Kind: analysis.Number, Default: 0.5, Min: 0, Max: 1, InGo: true, Doc: "share of the duration assumed not to depend on memory where the function's own history does not tell"},
		{Name: "undersized", Kind: analysis.Number, Default: 0.95, Min: 0.5, Max: 1, InGo: true, Doc: "share of the memory size whose use counts as running into it"},
	},
	Reads: []string{
		"functions_current", "reports_current", "provisioned_concurrency_current", "metric_reads_current", "metrics_hourly",
		"prices_current", "costs_current",
	},
	Run: run,
}

// row is a row of query.sql.
type row struct {
	Account           string      `ch:"account"`
	Region            string      `ch:"region"`
	FunctionARN       string      `ch:"function_arn"`
	FunctionName      string      `ch:"function_name"`
	Architecture      string      `ch:"architecture"`
	MemoryMB          uint32      `ch:"memory_mb"`
	LastModified      time.Time   `ch:"last_modified"`
	Provisioned       int64       `ch:"provisioned"`
	MetricReadSeconds uint64      `ch:"metric_read_seconds"`
	MetricInvocations float64     `ch:"metric_invocations"`
	ScopeFirstDay     time.Time   `ch:"scope_first_day"`
	LastDay           time.Time   `ch:"last_day"`
	Sizes             []uint32    `ch:"sizes"`
	Versions          [][]string  `ch:"versions"`
	Invocations       []uint64    `ch:"invocations"`
	LastDayInvocs     []uint64    `ch:"last_day_invocations"`
	Days              []uint64    `ch:"days"`
	FirstDays         []time.Time `ch:"first_days"`
	BilledMS          []float64   `ch:"billed_ms"`
	BilledMSSq        []float64   `ch:"billed_ms_sq"`
	DayVariance       []float64   `ch:"daily_mean_variance"`
	UsedMBMax         []float64   `ch:"used_mb_max"`
	UsedMBP999        []float64   `ch:"used_mb_p999"`
	AtLimit           []uint64    `ch:"at_limit"`
	LimitErrors       []uint64    `ch:"limit_errors"`
}

func (r row) subject() analysis.Subject {
	return analysis.Subject{Resource: r.FunctionARN, Account: r.Account, Region: r.Region}
}

// sizesSeen lists the row's arrays by size, the smallest first.
func (r row) sizesSeen() []size {
	list := make([]size, len(r.Sizes))
	for i, mb := range r.Sizes {
		list[i] = size{
			memoryMB: float64(mb), n: float64(r.Invocations[i]), days: float64(r.Days[i]),
			billedMS: r.BilledMS[i], billedMSSq: r.BilledMSSq[i], dayVariance: r.DayVariance[i],
			usedMax: r.UsedMBMax[i], usedP999: r.UsedMBP999[i],
			atLimit: float64(r.AtLimit[i]), limitErrors: float64(r.LimitErrors[i]), lastDay: float64(r.LastDayInvocs[i]),
			firstDay: r.FirstDays[i], versions: slices.Sorted(slices.Values(r.Versions[i])),
		}
	}
	slices.SortFunc(list, func(a, b size) int { return cmp.Compare(a.memoryMB, b.memoryMB) })
	return list
}

func run(ctx context.Context, p *analysis.Pass) error {
	book, err := price.Load(ctx, p)
	if err != nil {
		return err
	}
	bill, err := price.LoadBill(ctx, p)
	if err != nil {
		return err
	}
	j := judge{p: p, book: book, bill: bill, limits: limitsOf(p)}
	for r, err := range analysis.Select[row](ctx, p) {
		if err != nil {
			return err
		}
		if err := j.function(r); err != nil {
			return err
		}
	}
	return nil
}

type judge struct {
	p      *analysis.Pass
	book   *price.Book
	bill   *price.Bill
	limits limits
}

// limits are the parameters, read once.
type limits struct {
	headroom, step, minInvocations, minDays, trusted float64
	minSavings, minReduction, prior, undersized      float64
}

func limitsOf(p *analysis.Pass) limits {
	return limits{
		headroom: p.Float("headroom"), step: float64(p.Int("step_mb")),
		minInvocations: float64(p.Int("min_invocations")), minDays: p.Float("min_days"), trusted: float64(p.Int("trusted_invocations")),
		minSavings: p.Float("min_savings_usd"), minReduction: p.Float("min_reduction"),
		prior: p.Float("constant_share"), undersized: p.Float("undersized"),
	}
}

// function gives one function its verdict.
func (j judge) function(r row) error {
	s := r.subject()
	if b, blind := j.p.Blind(s, "reports_daily", ""); blind {
		j.p.CannotDetermine(s, b)
		return nil
	}
	sizes := r.sizesSeen()
	if len(sizes) == 0 {
		j.p.CannotDetermine(s, r.silence(j.p.Window))
		return nil
	}
	current, ok := r.current(sizes)
	if !ok {
		j.p.CannotDetermine(s, analysis.Blindness{Reason: analysis.NoData, Detail: fmt.Sprintf(
			"the memory size became %d MB on %s and nothing was invoked since", r.MemoryMB, r.LastModified.Format(time.DateOnly))})
		return nil
	}
	if current.atLimit > 0 && current.usedMax >= j.limits.undersized*current.memoryMB {
		j.p.Violation(j.undersized(r, current))
		return nil
	}
	if b, short := j.tooShort(r, current); short {
		j.p.CannotDetermine(s, b)
		return nil
	}
	return j.oversized(r, current, sizes)
}

// tooShort says why what was read is too little to conclude anything from.
func (j judge) tooShort(r row, current size) (analysis.Blindness, bool) {
	b := analysis.Blindness{Reason: analysis.NoData}
	days := j.p.Window.To.Sub(r.readFrom(j.p.Window)).Hours() / 24
	switch {
	case current.n < j.limits.minInvocations:
		b.Detail = fmt.Sprintf("%.0f invocations with %.0f MB in the window: %.0f are needed", current.n, current.memoryMB, j.limits.minInvocations)
	case days < j.limits.minDays:
		b.Detail = fmt.Sprintf("the region's reports reach back %.1f days: %.0f are needed, to have seen what runs once a week", days, j.limits.minDays)
	}
	return b, b.Detail != ""
}

// silence explains a function without REPORT lines by its Invocations metric.
func (r row) silence(w analysis.Window) analysis.Blindness {
	b := analysis.Blindness{Reason: analysis.NoData}
	read := float64(r.MetricReadSeconds) / w.To.Sub(w.From).Seconds()
	switch {
	case r.MetricInvocations > 0:
		b.Detail = fmt.Sprintf("%.0f invocations and not one REPORT line on %s: the function may not be allowed to write its log", r.MetricInvocations, r.Architecture)
	case read >= 0.95:
		b.Detail = "not invoked in the window"
	default:
		b.Detail = fmt.Sprintf("no REPORT line on %s, and Invocations was read for only %.0f %% of the window", r.Architecture, 100*read)
	}
	return b
}

// current is the size that invocations run with now. That is $LATEST's, unless
// traffic goes to a published version with a size of its own.
func (r row) current(sizes []size) (size, bool) {
	var latest *size
	busiest := sizes[0]
	for i, s := range sizes {
		if s.memoryMB == float64(r.MemoryMB) && slices.Contains(s.versions, "$LATEST") {
			latest = &sizes[i]
		}
		if s.lastDay > busiest.lastDay {
			busiest = s
		}
	}
	switch {
	case !slices.Contains(busiest.versions, "$LATEST"):
		return busiest, true // the work is done by a published version
	case latest != nil && (latest.lastDay > 0 || latest.memoryMB == busiest.memoryMB):
		return *latest, true
	}
	return size{}, false // what ran last is no longer what is configured
}

// use is the memory that invocations of any size needed; what runs once a week
// may last have run with another size.
type use struct{ invocations, p999, peak float64 }

func usedBy(sizes []size) use {
	var u use
	for _, s := range sizes {
		u.invocations += s.n
		u.p999, u.peak = max(u.p999, s.usedP999), max(u.peak, s.usedMax)
	}
	return u
}

// recommend is the size to set: what nearly every invocation needs, with
// headroom. With few invocations the highest use ever seen is a floor as well.
func (l limits) recommend(u use) float64 {
	mb := l.roundUp(u.p999 * l.headroom)
	if u.invocations < l.trusted {
		mb = max(mb, l.roundUp(u.peak))
	}
	return max(mb, leastMemoryMB)
}

// leastMemoryMB is the smallest size Lambda offers.
const leastMemoryMB = 128

func (l limits) roundUp(mb float64) float64 { return math.Ceil(mb/l.step) * l.step }

func (j judge) oversized(r row, current size, sizes []size) error {
	needed := usedBy(sizes)
	target := j.limits.recommend(needed)
	reduction := current.memoryMB - target
	if reduction < j.limits.step || reduction < j.limits.minReduction*current.memoryMB {
		j.p.OK(r.subject())
		return nil
	}
	m := model{size: current, use: needed, target: target, hours: r.hours(j.p.Window, current, sizes), share: share{0, j.limits.prior, 1}}
	if f, ok := fitSizes(experiments(sizes, j.limits.minInvocations)); ok {
		m.fit, m.share = &f, f.shareOf(current)
	}
	if m.fit != nil && m.share.expected*m.saved() < j.limits.minReduction {
		j.p.OK(r.subject()) // its own history shows that it needs the CPU that comes with the memory
		return nil
	}
	rates, err := j.rates(r)
	var missing *price.ErrNoPrice
	switch {
	case errors.As(err, &missing):
		j.p.Violation(j.finding(r, m, rates, analysis.Interval{}, err.Error()))
		return nil
	case err != nil:
		return err
	}
	savings := m.savings(rates, r.Provisioned)
	if savings.Expected < j.limits.minSavings {
		j.p.OK(r.subject())
		return nil
	}
	j.p.Violation(j.finding(r, m, rates, savings, ""))
	return nil
}

// experiments are the sizes with enough invocations to compare.
func experiments(sizes []size, least float64) []size {
	var list []size
	for _, s := range sizes {
		if s.n >= least {
			list = append(list, s)
		}
	}
	return list
}

// readFrom is the first day on which any function of the account and region has
// reports; what lies before may not have been read.
func (r row) readFrom(w analysis.Window) time.Time {
	from := w.From.Truncate(24 * time.Hour)
	if r.ScopeFirstDay.After(from) {
		from = r.ScopeFirstDay
	}
	return from
}

// hours is how long the current size has been observed: since the first day it
// was seen where another was seen before it, else since reports were read.
func (r row) hours(w analysis.Window, current size, sizes []size) float64 {
	from := r.readFrom(w)
	for _, s := range sizes {
		if s.firstDay.Before(current.firstDay) && current.firstDay.After(from) {
			from = current.firstDay
		}
	}
	return w.To.Sub(from).Hours()
}

// rates are what the function's GB-seconds cost.
type rates struct {
	duration decimal.Decimal // a GB-second of running
	held     decimal.Decimal // a GB-second of provisioned concurrency
	source   string
}

// rates prefers what the bill says a GB-second costs to the list price. Under
// provisioned concurrency both the running and the holding have list prices of
// their own.
func (j judge) rates(r row) (rates, error) {
	at := price.At(j.p.Window)
	if r.Provisioned > 0 {
		duration, err := j.book.Rate(price.ProvisionedDuration, r.Region, r.Architecture, at)
		if err != nil {
			return rates{}, err
		}
		held, err := j.book.Rate(price.ProvisionedGBSecond, r.Region, r.Architecture, at)
		return rates{duration, held, "list, provisioned concurrency"}, err
	}
	if usd, ok := j.bill.GBSecond(r.Account, r.Region, r.Architecture); ok {
		return rates{usd, decimal.Zero, "bill"}, nil
	}
	usd, err := j.book.Rate(price.GBSecond, r.Region, r.Architecture, at)
	return rates{usd, decimal.Zero, "list"}, err
}
