// Package costs reads what AWS bills a day, by service and usage type and by
// cost-allocation tag, from Cost Explorer.
package costs

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer/types"

	"github.com/faaswarden/faaswarden/internal/collect"
)

//go:embed doc.md
var doc string

const (
	day    = 24 * time.Hour
	action = "ce:GetCostAndUsage"
	every  = day

	lambdaService = "AWS Lambda" // as the SERVICE dimension names it
)

// Collector reads costs_daily.
var Collector = &collect.Collector{
	Name:   "costs",
	Title:  "what AWS bills, by day, service, usage type and tag",
	Doc:    doc,
	Writes: []string{"costs_daily"},
	Actions: []collect.Action{
		{Name: action, Blinds: "the bill: computed costs cannot be calibrated to it, and coverage in dollars is unknown"},
	},
	Scope:    collect.PerAccount,
	Every:    every,
	Lookback: 62 * day,
	Params: []collect.Param{
		{Name: "services", Default: []string{}, Doc: "services to read, as Cost Explorer names them; empty reads all, which gives Lambda's share of the bill its denominator"},
		{Name: "tag_keys", Default: []string{"owner"}, Doc: "cost-allocation tags by which Lambda's cost is read; each costs a page or more a run"},
	},
	Estimate: estimate,
	Collect:  run,
}

// estimate is the steady state: each run reads the days that are not final, in
// a page or two by usage type and one for each tag.
func estimate(inv collect.Inventory) collect.APICost {
	const (
		daysPerMonth = 365.25 / 12
		pages        = 2 + 1 // by usage type, and by the one tag of the default
	)
	n := daysPerMonth * float64(day/every) * pages * float64(inv.Accounts)
	return collect.APICost{Calls: n, Units: n, Unit: "page"}
}

// metrics are asked for in one call: totals that do not match the console are
// most often another metric.
var metrics = []string{"UnblendedCost", "AmortizedCost", "NetUnblendedCost", "NetAmortizedCost", "UsageQuantity"}

// grouping is one way to read the bill.
type grouping struct {
	name    string // x_Grouping
	tagKey  string // with tag:KEY
	groupBy []types.GroupDefinition
	filter  *types.Expression
}

func run(ctx context.Context, r *collect.Run) error {
	client := costexplorer.NewFromConfig(r.AWS, func(o *costexplorer.Options) { o.Region = collect.BillingRegion(r.Partition) })
	for _, g := range groupings(r) {
		if err := read(ctx, r, client, g); err != nil {
			return fmt.Errorf("read costs by %s: %w", g.name, err)
		}
	}
	if len(r.Gaps()) == 0 {
		r.Complete("costs_daily", "")
	}
	return nil
}

// groupings are by usage type for the services asked for, and by each tag for
// Lambda. All are of this account alone, also when it pays for others.
func groupings(r *collect.Run) []grouping {
	account := dimension(types.DimensionLinkedAccount, r.Account)
	byUsageType := types.GroupDefinition{Type: types.GroupDefinitionTypeDimension, Key: aws.String("USAGE_TYPE")}
	filter := &account
	if services := r.Params["services"].([]string); len(services) > 0 {
		filter = &types.Expression{And: []types.Expression{account, dimension(types.DimensionService, services...)}}
	}
	list := []grouping{{
		name:    "usage_type",
		groupBy: []types.GroupDefinition{{Type: types.GroupDefinitionTypeDimension, Key: aws.String("SERVICE")}, byUsageType},
		filter:  filter,
	}}
	for _, key := range r.Params["tag_keys"].([]string) {
		list = append(list, grouping{
			name: "tag:" + key, tagKey: key,
			groupBy: []types.GroupDefinition{{Type: types.GroupDefinitionTypeTag, Key: aws.String(key)}, byUsageType},
			filter:  &types.Expression{And: []types.Expression{account, dimension(types.DimensionService, lambdaService)}},
		})
	}
	return list
}

func dimension(key types.Dimension, values ...string) types.Expression {
	return types.Expression{Dimensions: &types.DimensionValues{Key: key, Values: values}}
}

// read reads one grouping from the first day that may still change.
func read(ctx context.Context, r *collect.Run, client *costexplorer.Client, g grouping) error {
	h, err := loadHistory(ctx, r, g)
	if err != nil {
		return err
	}
	from, to := period(r, h.FinalUntil)
	if !from.Before(to) {
		return nil // no whole day, or all of them are final
	}
	answer := newAnswer(g)
	in := &costexplorer.GetCostAndUsageInput{
		TimePeriod:  &types.DateInterval{Start: aws.String(from.Format(time.DateOnly)), End: aws.String(to.Format(time.DateOnly))},
		Granularity: types.GranularityDaily, Metrics: metrics, GroupBy: g.groupBy, Filter: g.filter,
	}
	err = collect.Pages(ctx, action, func(ctx context.Context, token *string) (*string, error) {
		in.NextPageToken = token
		out, err := client.GetCostAndUsage(ctx, in)
		if err != nil {
			return nil, err
		}
		r.Meter.Bill("ce", "GetCostAndUsage", "page", 1)
		rows, err := answer.page(r, out.ResultsByTime, from, to)
		if err != nil {
			return nil, err
		}
		return out.NextPageToken, collect.Put(ctx, r, rows...)
	})
	switch {
	case ctx.Err() != nil:
		return ctx.Err()
	case err != nil && collect.Stop(err):
		return err
	case err != nil:
		r.Gap("costs_daily", g.name, "", action, collect.CostExplorerRemedy(err))
		return nil
	}
	if err := collect.Put(ctx, r, h.vanished(r, answer, from, to)...); err != nil {
		return err
	}
	h.learn(answer, from, to)
	return h.save(ctx, r, g)
}

// period is the whole days to read: from the first that is not known to be
// final, and at the first run from the start of the previous month, since a
// month's bill is open until some days into the next. Cost Explorer keeps
// thirteen months beside the current one.
func period(r *collect.Run, finalUntil time.Time) (from, to time.Time) {
	to = r.Window.To.UTC().Truncate(day)
	from = r.Window.From.UTC().Truncate(day)
	month := time.Date(to.Year(), to.Month(), 1, 0, 0, 0, 0, time.UTC)
	if previous := month.AddDate(0, -1, 0); previous.Before(from) {
		from = previous
	}
	if finalUntil.After(from) {
		from = finalUntil
	}
	if kept := month.AddDate(0, -13, 0); from.Before(kept) {
		from = kept
	}
	return from, to
}
