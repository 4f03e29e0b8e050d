package price

import (
	"context"
	"fmt"
	"time"

	"github.com/shopspring/decimal"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/schema"
)

const pricesQuery = `-- A row is one tier of one item's price in one region.
SELECT
    item,
    region,
    arch,
    tier_from,
    unit,
    usd,
    valid_from,
    valid_to,
    source,
    collected_at
FROM prices_current
ORDER BY
    item,
    region,
    arch,
    tier_from,
    valid_from`

// Load reads the store's price book for an analyzer, which declares that it
// reads prices_current.
func Load(ctx context.Context, p *analysis.Pass) (*Book, error) {
	var rows []schema.Price
	for row, err := range analysis.SelectSQL[schema.Price](ctx, p, pricesQuery, nil) {
		if err != nil {
			return nil, fmt.Errorf("load prices: %w", err)
		}
		rows = append(rows, row)
	}
	return NewBook(rows)
}

// At is the instant whose prices an analysis of a window uses: its last.
func At(w analysis.Window) time.Time { return w.To.Add(-time.Nanosecond) }

// Bill is what the cost data say a GB-second really cost, after discounts,
// Savings Plans and the payer's free tier.
type Bill struct{ rates map[key]decimal.Decimal }

// billRow is the window's on-demand duration of one account, region and architecture.
type billRow struct {
	Account   string          `ch:"account"`
	Region    string          `ch:"region"`
	Arch      string          `ch:"arch"`
	USD       decimal.Decimal `ch:"usd"`
	GBSeconds decimal.Decimal `ch:"gb_seconds"`
}

// The usage type's prefix names the region (EUC1-); rows grouped by tag would
// count the same money twice.
const billQuery = `-- A row is the on-demand duration billed to one account in one region for one architecture.
SELECT
    SubAccountId                                              AS account,
    RegionId                                                  AS region,
    if(endsWith(x_UsageType, '-ARM'), 'arm64', 'x86_64')      AS arch,
    sum(EffectiveCost)                                        AS usd,
    sum(ConsumedQuantity)                                     AS gb_seconds
FROM costs_current
WHERE x_Grouping = 'usage_type'
    AND match(x_UsageType, '^([A-Z0-9]+-)?Lambda-GB-Second(-ARM)?$')
    AND BillingCurrency = 'USD'
    AND ChargePeriodStart >= {from:DateTime}
    AND ChargePeriodStart < {to:DateTime}
GROUP BY
    account,
    region,
    arch
ORDER BY
    account,
    region,
    arch`

// LoadBill reads the bill for an analyzer, which declares that it reads
// costs_current.
func LoadBill(ctx context.Context, p *analysis.Pass) (*Bill, error) {
	b := &Bill{rates: map[key]decimal.Decimal{}}
	for row, err := range analysis.SelectSQL[billRow](ctx, p, billQuery, nil) {
		if err != nil {
			return nil, fmt.Errorf("load billed rates: %w", err)
		}
		if row.GBSeconds.IsPositive() && !row.USD.IsNegative() {
			b.rates[key{row.Account, row.Region, row.Arch}] = row.USD.Div(row.GBSeconds)
		}
	}
	return b, nil
}

// GBSecond is the effective price of an on-demand GB-second; ok is false where
// the bill has none.
func (b *Bill) GBSecond(account, region, arch string) (usd decimal.Decimal, ok bool) {
	usd, ok = b.rates[key{account, region, arch}]
	return usd, ok
}
