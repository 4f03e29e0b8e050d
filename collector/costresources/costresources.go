// Package costresources reads what single functions are billed, from Cost
// Explorer's resource level.
package costresources

import (
	"context"
	_ "embed"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer/types"
	"github.com/shopspring/decimal"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

//go:embed doc.md
var doc string

const (
	every   = 24 * time.Hour
	action  = "ce:GetCostAndUsageWithResources"
	table   = "cost_resources_daily"
	feature = "resource_costs"

	keptDays      = 14
	overlapDays   = 4 // days that AWS may still restate, read again each day
	lambdaService = "AWS Lambda"
	noResource    = "NoResourceId" // what AWS calls cost that belongs to no resource
	cursor        = "costresources/read_until"
)

// Collector reads cost_resources_daily.
var Collector = &collect.Collector{
	Name:   "costresources",
	Title:  "what single functions are billed, by day; off unless asked for",
	Doc:    doc,
	Writes: []string{table, "cost_features"},
	Actions: []collect.Action{
		{Name: action, Blinds: "the bill of single functions: their cost is computed from their use alone", With: "opted_in"},
	},
	Scope: collect.PerAccount,
	Every: every,
	Params: []collect.Param{
		{Name: "opted_in", Default: false, Doc: "read the bill of single functions; Cost Explorer's daily resource-level data must be switched on in the Billing console, and each page costs"},
	},
	Estimate: estimate,
	Collect:  run,
}

// estimate is of an account where it is switched on: a page holds about a
// thousand groups, and a function has two or three a day. As it is off by
// default, nothing is planned.
func estimate(collect.Inventory) collect.APICost { return collect.APICost{Unit: "page"} }

func run(ctx context.Context, r *collect.Run) error {
	if !r.Params["opted_in"].(bool) {
		return nil // the operator did not ask for it
	}
	client := costexplorer.NewFromConfig(r.AWS, func(o *costexplorer.Options) { o.Region = collect.BillingRegion(r.Partition) })
	from, to, err := period(ctx, r)
	if err != nil {
		return err
	}
	err = read(ctx, r, client, from, to)
	switch {
	case err == nil:
		r.Complete(table, "")
		if err := r.State.Save(ctx, cursor, to.Format(time.DateOnly)); err != nil {
			return fmt.Errorf("save the cursor: %w", err)
		}
		return collect.Feature(ctx, r, feature, true, "")
	case optedOut(err):
		return collect.Feature(ctx, r, feature, false, "not opted in: switch on daily resource-level data for AWS Lambda in the Cost Management preferences of the paying account; "+
			"it appears within 48 hours ("+collect.Describe(err)+")")
	}
	if err := r.Absorb(ctx, table, "", action, collect.CostExplorerRemedy(err)); err != nil {
		return fmt.Errorf("read costs of functions: %w", err)
	}
	return nil
}

// optedOut tells an account that has not switched the data on from a denied
// permission, which AWS words as every service does.
func optedOut(err error) bool {
	text := strings.ToLower(err.Error())
	denied := collect.Classify(err) == collect.Denied && !strings.Contains(text, "not authorized to perform") && !strings.Contains(text, "not enabled for cost explorer")
	return collect.DataUnavailable(err) || denied
}

// period is what was not read yet and what may be restated, of the fourteen days
// that AWS keeps.
func period(ctx context.Context, r *collect.Run) (from, to time.Time, err error) {
	to = r.Now.UTC().Truncate(24 * time.Hour)
	from = to.AddDate(0, 0, -keptDays)
	text, err := r.State.Load(ctx, cursor)
	if err != nil {
		return from, to, fmt.Errorf("load the cursor: %w", err)
	}
	if until, err := time.Parse(time.DateOnly, text); err == nil {
		if again := until.AddDate(0, 0, -overlapDays); again.After(from) && again.Before(to) {
			from = again
		}
	}
	return from, to, nil
}

func read(ctx context.Context, r *collect.Run, client *costexplorer.Client, from, to time.Time) error {
	dimension := func(key types.Dimension, value string) types.Expression {
		return types.Expression{Dimensions: &types.DimensionValues{Key: key, Values: []string{value}}}
	}
	group := func(key string) types.GroupDefinition {
		return types.GroupDefinition{Type: types.GroupDefinitionTypeDimension, Key: aws.String(key)}
	}
	in := &costexplorer.GetCostAndUsageWithResourcesInput{
		TimePeriod:  &types.DateInterval{Start: aws.String(from.Format(time.DateOnly)), End: aws.String(to.Format(time.DateOnly))},
		Granularity: types.GranularityDaily, Metrics: []string{"UnblendedCost", "AmortizedCost", "UsageQuantity"},
		GroupBy: []types.GroupDefinition{group("RESOURCE_ID"), group("USAGE_TYPE")},
		Filter: &types.Expression{And: []types.Expression{
			dimension(types.DimensionLinkedAccount, r.Account), dimension(types.DimensionService, lambdaService),
		}},
	}
	return collect.Pages(ctx, action, func(ctx context.Context, token *string) (*string, error) {
		in.NextPageToken = token
		out, err := client.GetCostAndUsageWithResources(ctx, in)
		if err != nil {
			return nil, err
		}
		r.Meter.Bill("ce", "GetCostAndUsageWithResources", "page", 1)
		rows, err := page(r, out.ResultsByTime, from, to)
		if err != nil {
			return nil, err
		}
		return out.NextPageToken, collect.Put(ctx, r, rows...)
	})
}

func page(r *collect.Run, results []types.ResultByTime, from, to time.Time) ([]schema.ResourceCostDay, error) {
	var rows []schema.ResourceCostDay
	for _, result := range results {
		if result.TimePeriod == nil {
			return nil, fmt.Errorf("%w: a result without its day", collect.ErrMalformed)
		}
		day, err := collect.Date("day", result.TimePeriod.Start)
		if err != nil {
			return nil, err
		}
		if day.Before(from) || !day.Before(to) {
			return nil, fmt.Errorf("%w: day %s was not asked for", collect.ErrMalformed, day.Format(time.DateOnly))
		}
		for _, g := range result.Groups {
			row, err := cost(g)
			if err != nil {
				return nil, err
			}
			if row.UnblendedCost.IsZero() && row.AmortizedCost.IsZero() && row.UsageQuantity.IsZero() {
				continue // days of no cost and no usage are not rows
			}
			row.Account, row.Day, row.Estimated, row.CollectedAt = r.Account, day, result.Estimated, r.Now
			rows = append(rows, row)
		}
	}
	return rows, nil
}

func cost(g types.Group) (schema.ResourceCostDay, error) {
	if len(g.Keys) != 2 {
		return schema.ResourceCostDay{}, fmt.Errorf("%w: %d keys for two groupings", collect.ErrMalformed, len(g.Keys))
	}
	row := schema.ResourceCostDay{Service: lambdaService, Resource: g.Keys[0], UsageType: g.Keys[1]}
	if strings.EqualFold(row.Resource, noResource) {
		row.Resource = "" // the residual: it has a row, so that the sum is the bill's
	}
	if parts := strings.SplitN(row.Resource, ":", 6); len(parts) == 6 {
		row.Region = parts[3]
	}
	for _, m := range []struct {
		name string
		to   *decimal.Decimal
		unit *string
	}{
		{"UnblendedCost", &row.UnblendedCost, &row.Currency},
		{"AmortizedCost", &row.AmortizedCost, nil},
		{"UsageQuantity", &row.UsageQuantity, &row.UsageUnit},
	} {
		value, ok := g.Metrics[m.name]
		if !ok {
			return row, fmt.Errorf("%w: no %s of %s", collect.ErrMalformed, m.name, row.Resource)
		}
		var err error
		if *m.to, err = collect.Amount(m.name, value.Amount); err != nil {
			return row, err
		}
		if unit := aws.ToString(value.Unit); m.unit != nil && unit != "N/A" { // of several units
			*m.unit = unit
		}
	}
	return row, nil
}
