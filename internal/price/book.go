package price

import (
	"cmp"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/shopspring/decimal"

	"github.com/faaswarden/faaswarden/internal/schema"
)

// The items of the price book.
const (
	Request             = "lambda.request"                        // per request
	GBSecond            = "lambda.gb_second"                      // on-demand duration
	ProvisionedGBSecond = "lambda.provisioned_gb_second"          // provisioned concurrency held
	ProvisionedDuration = "lambda.provisioned_duration_gb_second" // duration under provisioned concurrency
	EphemeralGBSecond   = "lambda.ephemeral_gb_second"            // storage beyond 512 MB, while running
	NATHour             = "nat.hour"
	NATGB               = "nat.gb"
	EndpointHour        = "endpoint.hour" // an interface endpoint in one availability zone
	EndpointGB          = "endpoint.gb"
	LogsIngestGB        = "logs.ingest_gb"
	LogsStorageGBMonth  = "logs.storage_gb_month"
	IPv4Hour            = "ipv4.hour"
	CostExplorerPage    = "api.ce.page"
	CloudWatchMetric    = "api.cloudwatch.metric"  // a metric asked for in GetMetricData
	CloudWatchRequest   = "api.cloudwatch.request" // any other CloudWatch request
	LogsScannedGB       = "api.logs.scanned_gb"
)

// ErrNoPrice says that the book has no row for what was asked.
type ErrNoPrice struct {
	Item, Region, Arch string
	At                 time.Time
}

func (e *ErrNoPrice) Error() string {
	where := "no region"
	if e.Region != "" {
		where = e.Region
	}
	if e.Arch != "" {
		where += ", " + e.Arch
	}
	return fmt.Sprintf("no price of %s in %s on %s", e.Item, where, e.At.UTC().Format(time.DateOnly))
}

// Book answers what something costs, where and when. It is read-only once made.
type Book struct{ tiers map[key][]tier }

type key struct{ item, region, arch string }

// tier is one row: usd a unit from the from-th monthly unit on.
type tier struct {
	from               decimal.Decimal
	usd                decimal.Decimal
	validFrom, validTo time.Time
}

func (t tier) valid(at time.Time) bool { return !at.Before(t.validFrom) && at.Before(t.validTo) }

func (t tier) overlaps(u tier) bool {
	return t.from.Equal(u.from) && t.validFrom.Before(u.validTo) && u.validFrom.Before(t.validTo)
}

// NewBook checks the rows and reports every fault: negative prices, empty or
// overlapping validity, and tiers that do not begin at zero.
func NewBook(rows []schema.Price) (*Book, error) {
	b := &Book{tiers: map[key][]tier{}}
	var faults []error
	for _, r := range rows {
		k := key{r.Item, r.Region, r.Arch}
		t := tier{r.TierFrom, r.USD, r.ValidFrom, r.ValidTo}
		switch {
		case r.USD.IsNegative() || r.TierFrom.IsNegative():
			faults = append(faults, fmt.Errorf("%s in %q, %q: negative: %s USD from unit %s", r.Item, r.Region, r.Arch, r.USD, r.TierFrom))
		case !r.ValidFrom.Before(r.ValidTo):
			faults = append(faults, fmt.Errorf("%s in %q, %q: valid_from %s is not before valid_to %s",
				r.Item, r.Region, r.Arch, r.ValidFrom.Format(time.DateOnly), r.ValidTo.Format(time.DateOnly)))
		case slices.ContainsFunc(b.tiers[k], t.overlaps):
			faults = append(faults, fmt.Errorf("%s in %q, %q: two rows from unit %s are valid on %s",
				r.Item, r.Region, r.Arch, r.TierFrom, r.ValidFrom.Format(time.DateOnly)))
		}
		b.tiers[k] = append(b.tiers[k], t)
	}
	for k, list := range b.tiers {
		slices.SortFunc(list, func(x, y tier) int { return cmp.Or(x.from.Cmp(y.from), x.validFrom.Compare(y.validFrom)) })
		if !list[0].from.IsZero() {
			faults = append(faults, fmt.Errorf("%s in %q, %q: no tier begins at 0", k.item, k.region, k.arch))
		}
	}
	if err := errors.Join(faults...); err != nil {
		return nil, fmt.Errorf("price book: %w", err)
	}
	return b, nil
}

// lookup finds the tiers valid at a time, lowest first. A row without region or
// architecture is for every one; the more particular row wins.
func (b *Book) lookup(item, region, arch string, at time.Time) ([]tier, error) {
	for _, k := range []key{{item, region, arch}, {item, region, ""}, {item, "", arch}, {item, "", ""}} {
		var valid []tier
		for _, t := range b.tiers[k] {
			if t.valid(at) {
				valid = append(valid, t)
			}
		}
		if len(valid) > 0 && valid[0].from.IsZero() {
			return valid, nil
		}
	}
	return nil, &ErrNoPrice{Item: item, Region: region, Arch: arch, At: at}
}

// Rate is the price of the first unit: what usage costs that fills no tier.
func (b *Book) Rate(item, region, arch string, at time.Time) (decimal.Decimal, error) {
	tiers, err := b.lookup(item, region, arch, at)
	if err != nil {
		return decimal.Zero, err
	}
	return tiers[0].usd, nil
}

// USD is the price of units used in one month by one payer: each tier's price
// applies to the units within it.
func (b *Book) USD(item, region, arch string, units decimal.Decimal, at time.Time) (decimal.Decimal, error) {
	if units.IsNegative() {
		return decimal.Zero, fmt.Errorf("price %s units of %s: negative", units, item)
	}
	tiers, err := b.lookup(item, region, arch, at)
	if err != nil {
		return decimal.Zero, err
	}
	sum := decimal.Zero
	for i, t := range tiers {
		upper := units
		if i+1 < len(tiers) {
			upper = decimal.Min(units, tiers[i+1].from)
		}
		if in := upper.Sub(t.from); in.IsPositive() {
			sum = sum.Add(in.Mul(t.usd))
		}
	}
	return sum, nil
}
