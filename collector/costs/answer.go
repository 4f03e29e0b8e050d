package costs

import (
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer/types"
	"github.com/shopspring/decimal"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

var errMalformed = errors.New("malformed answer")

// scale is how many decimals the store keeps.
const scale = 12

// answer gathers what the pages of one reading say of its days.
type answer struct {
	grouping grouping
	net      bool                          // net costs were asked for
	seen     map[time.Time]map[string]bool // day → keys of the groups with a cost
	open     map[time.Time]bool            // days that AWS may still restate
}

func newAnswer(g grouping, net bool) *answer {
	return &answer{grouping: g, net: net, seen: map[time.Time]map[string]bool{}, open: map[time.Time]bool{}}
}

// metrics is how many of the metrics were asked for.
func (a *answer) metrics() int {
	if a.net {
		return len(metrics)
	}
	return len(metrics) - 2
}

// page turns a page into rows. A page of which any part is malformed gives none.
func (a *answer) page(r *collect.Run, results []types.ResultByTime, from, to time.Time) ([]schema.CostDay, error) {
	var rows []schema.CostDay
	for _, result := range results {
		if result.TimePeriod == nil {
			return nil, fmt.Errorf("%w: a result without its day", errMalformed)
		}
		start, err := time.Parse(time.DateOnly, aws.ToString(result.TimePeriod.Start))
		if err != nil || start.Before(from) || !start.Before(to) {
			return nil, fmt.Errorf("%w: day %q was not asked for", errMalformed, aws.ToString(result.TimePeriod.Start))
		}
		if result.Estimated {
			a.open[start] = true
		}
		for _, group := range result.Groups {
			row, err := a.row(r, start, group)
			if err != nil {
				return nil, fmt.Errorf("%s %v: %w", start.Format(time.DateOnly), group.Keys, err)
			}
			if isZero(row) {
				continue // days of no cost and no usage are not rows
			}
			row.XEstimated = result.Estimated
			if a.seen[start] == nil {
				a.seen[start] = map[string]bool{}
			}
			a.seen[start][key(group.Keys)] = true
			rows = append(rows, row)
		}
	}
	return rows, nil
}

// key joins a group's keys; keysOf takes them apart.
func key(keys []string) string { return strings.Join(keys, "\n") }

func keysOf(key string) []string { return strings.Split(key, "\n") }

// row is a group's day. The amounts are decimal throughout: what AWS sends is
// what is stored.
func (a *answer) row(r *collect.Run, start time.Time, group types.Group) (schema.CostDay, error) {
	row, err := blank(r, a.grouping, start, group.Keys)
	if err != nil {
		return schema.CostDay{}, err
	}
	fields := []struct {
		name string
		to   *decimal.Decimal
		unit *string
	}{
		{"UnblendedCost", &row.BilledCost, &row.BillingCurrency},
		{"AmortizedCost", &row.EffectiveCost, nil},
		{"UsageQuantity", &row.ConsumedQuantity, &row.ConsumedUnit},
		{"NetUnblendedCost", &row.XNetUnblendedCost, nil},
		{"NetAmortizedCost", &row.XNetAmortizedCost, nil},
	}
	for _, m := range fields[:a.metrics()] {
		value, ok := group.Metrics[m.name]
		if !ok || value.Amount == nil {
			return schema.CostDay{}, fmt.Errorf("%w: no %s", errMalformed, m.name)
		}
		amount, err := decimal.NewFromString(*value.Amount)
		if err != nil {
			return schema.CostDay{}, fmt.Errorf("%w: %s %q", errMalformed, m.name, *value.Amount)
		}
		*m.to = amount.Round(scale)
		if unit := aws.ToString(value.Unit); m.unit != nil && unit != "N/A" { // of several units
			*m.unit = unit
		}
	}
	if !a.net { // without negotiated rates nothing is taken off
		row.XNetUnblendedCost, row.XNetAmortizedCost = row.BilledCost, row.EffectiveCost
	}
	return row, nil
}

// blank is a row without amounts.
func blank(r *collect.Run, g grouping, start time.Time, keys []string) (schema.CostDay, error) {
	if len(keys) != 2 {
		return schema.CostDay{}, fmt.Errorf("%w: %d keys for two groupings", errMalformed, len(keys))
	}
	row := schema.CostDay{
		BillingAccountId: r.Params["payer"].(string), SubAccountId: r.Account, ServiceName: g.service, XGrouping: g.name,
		ChargePeriodStart: start, ChargePeriodEnd: start.AddDate(0, 0, 1), CollectedAt: r.Now,
	}
	for i, what := range g.keys {
		switch what {
		case byService:
			row.ServiceName = keys[i]
		case byUsageType:
			row.XUsageType = keys[i]
		case byAccount:
			row.SubAccountId = keys[i]
		case byTag:
			value, ok := strings.CutPrefix(keys[i], g.tagKey+"$") // KEY$VALUE, and KEY$ for untagged
			if !ok {
				return schema.CostDay{}, fmt.Errorf("%w: %q is not a value of tag %s", errMalformed, keys[i], g.tagKey)
			}
			row.TagValue = value
		}
	}
	row.RegionId = region(row.ServiceName, row.XUsageType)
	return row, nil
}

func isZero(row schema.CostDay) bool {
	return row.BilledCost.IsZero() && row.EffectiveCost.IsZero() && row.XNetUnblendedCost.IsZero() &&
		row.XNetAmortizedCost.IsZero() && row.ConsumedQuantity.IsZero()
}
