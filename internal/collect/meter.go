package collect

import (
	"errors"
	"fmt"
	"maps"
	"slices"
	"strings"
	"sync"
	"time"

	"github.com/faaswarden/faaswarden/internal/schema"
)

// ErrBudget refuses a priced call that would pass the month's ceiling. The call
// is not made; what it would have read is a gap with outcome skipped.
var ErrBudget = errors.New("the month's API budget would be passed")

// Rate is what AWS charges for calls of a service. The number comes from the
// price book; which calls it concerns is known here.
type Rate struct {
	Item       string   // the price book's item: api.ce.page
	Service    string   // IAM prefix: ce, cloudwatch, logs
	Operations []string // empty: the service's operations that no other rate names
	Unit       string   // page, metric, request, GB
	USD        float64  // per unit
}

// pricedCalls are the calls that AWS charges for; their prices are the book's.
func pricedCalls() []Rate {
	return []Rate{
		{Item: "api.ce.page", Service: "ce", Unit: "page"},
		{Item: "api.cloudwatch.metric", Service: "cloudwatch", Operations: []string{"GetMetricData"}, Unit: "metric"},
		{Item: "api.cloudwatch.request", Service: "cloudwatch", Unit: "request"},
		{Item: "api.logs.scanned_gb", Service: "logs", Operations: []string{"StartQuery", "GetQueryResults"}, Unit: "GB"},
	}
}

// PricedServices are the IAM prefixes of the services with calls that AWS charges for.
func PricedServices() []string {
	var names []string
	for _, r := range pricedCalls() {
		names = append(names, r.Service)
	}
	slices.Sort(names)
	return slices.Compact(names)
}

// Rates pairs the calls that AWS charges for with the price book's numbers.
// An item without a price is an error: a paid call must never look free.
func Rates(usd func(item string) (float64, error)) ([]Rate, error) {
	rates := pricedCalls()
	var faults []error
	for i := range rates {
		price, err := usd(rates[i].Item)
		if err != nil {
			faults = append(faults, fmt.Errorf("price of %s: %w", rates[i].Item, err))
		}
		rates[i].USD = price
	}
	return rates, errors.Join(faults...)
}

// Price completes an estimate with the rate of its unit.
func (c APICost) Price(rates []Rate) APICost {
	if c.USD != 0 {
		return c
	}
	for _, r := range rates {
		if strings.EqualFold(r.Unit, c.Unit) {
			c.USD = c.Units * r.USD
		}
	}
	return c
}

// BudgetOptions say what may be spent on AWS API calls in a calendar month, UTC.
type BudgetOptions struct {
	Ceilings Ceilings
	Spent    map[string]float64 // USD already spent this month, from the ledger, by service (IAM prefix)
	Now      func() time.Time   // time.Now when nil
}

// Ceilings are what may be spent in a month, in USD.
type Ceilings struct {
	USD        float64            // of all services; zero refuses every priced call; for no ceiling, use a nil Budget
	ServiceUSD map[string]float64 // of single services by IAM prefix: ce, cloudwatch, logs
}

// Budget is a month's ceilings shared by all runs. It is safe for concurrent
// use; a nil Budget has no ceiling.
type Budget struct {
	now func() time.Time

	mu       sync.Mutex
	ceilings Ceilings
	month    time.Time
	spent    map[string]float64 // by service
}

// NewBudget returns a Budget with what the month has cost so far.
func NewBudget(o BudgetOptions) *Budget {
	if o.Now == nil {
		o.Now = time.Now
	}
	b := &Budget{now: o.Now, ceilings: o.Ceilings, month: month(o.Now()), spent: map[string]float64{}}
	maps.Copy(b.spent, o.Spent)
	return b
}

// SpentUSD is what the current month has cost.
func (b *Budget) SpentUSD() float64 {
	if b == nil {
		return 0
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.roll()
	return b.total()
}

// total is the month's cost of all services; the caller holds the lock.
func (b *Budget) total() float64 {
	var sum float64
	for _, usd := range b.spent {
		sum += usd
	}
	return sum
}

// SetCeilings changes what may be spent in a month.
func (b *Budget) SetCeilings(c Ceilings) {
	b.mu.Lock()
	defer b.mu.Unlock()
	b.ceilings = c
}

// take spends usd on a service, or refuses when that would pass its ceiling or
// that of all. A call whose cost only its answer tells takes nothing, and is
// refused at the ceiling.
func (b *Budget) take(service string, usd float64) error {
	if b == nil {
		return nil
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.roll()
	if spent := b.total(); passes(spent, usd, b.ceilings.USD) {
		return fmt.Errorf("spent $%.4f of $%.2f, the call costs $%.4f more: %w", spent, b.ceilings.USD, usd, ErrBudget)
	}
	if ceiling, ok := b.ceilings.ServiceUSD[service]; ok && passes(b.spent[service], usd, ceiling) {
		return fmt.Errorf("spent $%.4f of the $%.2f for %s, the call costs $%.4f more: %w", b.spent[service], ceiling, service, usd, ErrBudget)
	}
	b.spent[service] += usd
	return nil
}

// passes reports whether usd more would pass the ceiling, or it is reached.
func passes(spent, usd, ceiling float64) bool {
	const rounding = 1e-9
	return spent+usd > ceiling+rounding || spent >= ceiling-rounding
}

// add records what was spent without asking; negative gives back.
func (b *Budget) add(service string, usd float64) {
	if b == nil {
		return
	}
	b.mu.Lock()
	defer b.mu.Unlock()
	b.roll()
	b.spent[service] = max(0, b.spent[service]+usd)
}

func (b *Budget) roll() {
	if m := month(b.now()); !m.Equal(b.month) {
		b.month, b.spent = m, map[string]float64{}
	}
}

func month(t time.Time) time.Time {
	t = t.UTC()
	return time.Date(t.Year(), t.Month(), 1, 0, 0, 0, 0, time.UTC)
}

// Meter counts what a run's AWS calls cost, as AWS bills it. The AWS
// middleware counts requests, and charges a priced call before it is made by
// what the request tells (a page, the metrics asked for); collectors add the
// units that only an answer tells. Units billed by a collector that the
// middleware has already charged are not charged twice. It is safe for
// concurrent use; a nil or zero Meter counts without prices.
type Meter struct {
	rates  []Rate
	budget *Budget

	mu      sync.Mutex
	entries map[call]*entry
}

type call struct{ service, operation string }

type entry struct {
	calls, errors, throttles uint64
	answered                 bool // by the service itself, if only with a refusal
	unit                     string
	units                    float64 // billed, those charged ahead included
	ahead                    float64 // charged before the call and not yet confirmed by Bill
	usd                      float64
}

// NewMeter returns a Meter that prices calls at rates and spends from budget,
// which may be nil.
func NewMeter(rates []Rate, budget *Budget) *Meter { return &Meter{rates: rates, budget: budget} }

// Bill adds units of what AWS bills an operation by: "metric" for
// GetMetricData, "page" for Cost Explorer, "GB" for a Logs Insights scan.
func (m *Meter) Bill(service, operation, unit string, units float64) {
	if m == nil || units <= 0 {
		return
	}
	service = ServiceName(service)
	rate := m.rateOfUnit(service, operation, unit)
	m.mu.Lock()
	e := m.entry(service, operation)
	e.unit = unit
	confirmed := min(units, e.ahead)
	e.ahead -= confirmed
	e.units += units - confirmed
	usd := (units - confirmed) * rate.USD
	e.usd += usd
	m.mu.Unlock()
	m.budget.add(service, usd)
}

// charge pays for a call before it is made, or refuses it with ErrBudget.
// refund gives the money back when AWS did not answer it.
func (m *Meter) charge(service, operation string, units float64) (refund func(), err error) {
	rate, priced := m.rateOfCall(service, operation)
	if !priced {
		return func() {}, nil
	}
	usd := units * rate.USD
	if err := m.budget.take(service, usd); err != nil {
		return nil, fmt.Errorf("%s:%s: %w", service, operation, err)
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.entry(service, operation)
	e.unit = rate.Unit
	e.units += units
	e.ahead += units
	e.usd += usd
	return func() {
		m.budget.add(service, -usd)
		m.mu.Lock()
		defer m.mu.Unlock()
		e.units -= units
		e.ahead = max(0, e.ahead-units)
		e.usd -= usd
	}, nil
}

// chargeAgain pays for requests of a call that AWS billed beside the one that
// was paid for. The month's ceiling cannot stop what has been done.
func (m *Meter) chargeAgain(service, operation string, units float64) {
	rate, priced := m.rateOfCall(service, operation)
	if !priced {
		return
	}
	usd := units * rate.USD
	m.budget.add(service, usd)
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.entry(service, operation)
	e.unit = rate.Unit
	e.units += units
	e.usd += usd
}

// Count adds one request, retries included, and how it was answered. Calls
// through Instrument count themselves.
func (m *Meter) Count(service, operation string, err error) {
	if m == nil {
		return
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	e := m.entry(service, operation)
	e.calls++
	outcome := Classify(err)
	e.answered = e.answered || outcome == OK || outcome == Denied || outcome == Throttled || ExpiredCredentials(err)
	if err == nil {
		return
	}
	e.errors++
	if outcome == Throttled {
		e.throttles++
	}
}

// Answered reports whether any request of the run had an answer of the service
// itself, if only a refusal, and not failures alone.
func (m *Meter) Answered() bool {
	if m == nil {
		return false
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	for _, e := range m.entries {
		if e.answered {
			return true
		}
	}
	return false
}

// entry is the ledger line of an operation; the caller holds the lock.
func (m *Meter) entry(service, operation string) *entry {
	if m.entries == nil {
		m.entries = map[call]*entry{}
	}
	key := call{service, operation}
	if m.entries[key] == nil {
		m.entries[key] = &entry{}
	}
	return m.entries[key]
}

func (m *Meter) rateOfCall(service, operation string) (Rate, bool) {
	if m == nil {
		return Rate{}, false
	}
	rest, found := Rate{}, false
	for _, r := range m.rates {
		switch {
		case r.Service != service:
		case slices.Contains(r.Operations, operation):
			// Reading the results of a query that is already paid for is free.
			return r, operation != "GetQueryResults"
		case len(r.Operations) == 0:
			rest, found = r, true
		}
	}
	// Only the query languages' scans are priced in logs; the rest of cloudwatch and ce is.
	return rest, found
}

func (m *Meter) rateOfUnit(service, operation, unit string) Rate {
	for _, r := range m.rates {
		if r.Service == service && strings.EqualFold(r.Unit, unit) {
			return r
		}
	}
	rate, _ := m.rateOfCall(service, operation)
	return rate
}

// USD is what the run has cost so far.
func (m *Meter) USD() float64 {
	if m == nil {
		return 0
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var sum float64
	for _, e := range m.entries {
		sum += e.usd
	}
	return sum
}

// Calls is how many requests were sent, retries included.
func (m *Meter) Calls() uint64 {
	if m == nil {
		return 0
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	var sum uint64
	for _, e := range m.entries {
		sum += e.calls
	}
	return sum
}

// Ledger is the run's calls as rows of api_calls, by service and operation.
func (m *Meter) Ledger(run *Run) []schema.APICall {
	if m == nil {
		return nil
	}
	m.mu.Lock()
	defer m.mu.Unlock()
	rows := make([]schema.APICall, 0, len(m.entries))
	for key, e := range m.entries {
		rows = append(rows, schema.APICall{
			RunID: run.ID, Collector: run.Collector.Name, Account: run.Account, Region: run.Region,
			Service: key.service, Operation: key.operation,
			Calls: e.calls, Errors: e.errors, Throttles: e.throttles,
			Units: e.units, Unit: e.unit, USD: e.usd, CollectedAt: run.Now,
		})
	}
	slices.SortFunc(rows, func(a, b schema.APICall) int {
		return strings.Compare(a.Service+":"+a.Operation, b.Service+":"+b.Operation)
	})
	return rows
}

// ServiceName is the IAM prefix of a service, whichever of its names is given:
// the SDK's service id ("Cost Explorer"), the module's or the prefix itself.
func ServiceName(name string) string {
	switch lower := strings.ToLower(strings.ReplaceAll(name, " ", "")); lower {
	case "cloudwatchlogs":
		return "logs"
	case "monitoring":
		return "cloudwatch"
	case "costexplorer":
		return "ce"
	case "resourcegroupstaggingapi", "tagging":
		return "tag"
	case "eventbridge":
		return "events"
	case "sfn":
		return "states"
	case "apigatewayv2":
		return "apigateway"
	case "elasticloadbalancingv2":
		return "elasticloadbalancing"
	case "computeoptimizer":
		return "compute-optimizer"
	case "costoptimizationhub":
		return "cost-optimization-hub"
	default:
		return lower
	}
}
