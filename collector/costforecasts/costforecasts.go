// Package costforecasts reads what AWS expects the rest of the month to cost,
// from Cost Explorer.
package costforecasts

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

//go:embed doc.md
var doc string

const (
	every  = 24 * time.Hour
	action = "ce:GetCostForecast"
	table  = "cost_forecasts"

	lambdaService = "AWS Lambda" // as the SERVICE dimension names it
	metric        = types.MetricUnblendedCost
	level         = 80 // percent of cases within the interval
)

// Collector reads cost_forecasts.
var Collector = &collect.Collector{
	Name:   "costforecasts",
	Title:  "what AWS expects the rest of the month to cost, Lambda and in all",
	Doc:    doc,
	Writes: []string{table, "cost_features"},
	Actions: []collect.Action{
		{Name: action, Blinds: "AWS's own forecast of the month's cost"},
	},
	Scope:    collect.PerAccount,
	Every:    every,
	Estimate: estimate,
	Collect:  run,
}

func estimate(inv collect.Inventory) collect.APICost {
	n := collect.RunsPerMonth(every) * float64(len(targets)) * float64(max(1, inv.Accounts))
	return collect.APICost{Calls: n, Units: n, Unit: "page"}
}

// targets are the services that are forecast; the empty one is all of them.
var targets = []string{"", lambdaService}

func run(ctx context.Context, r *collect.Run) error {
	client := costexplorer.NewFromConfig(r.AWS, func(o *costexplorer.Options) { o.Region = collect.BillingRegion(r.Partition) })
	detail := ""
	for _, service := range targets {
		row, err := forecast(ctx, r, client, service)
		switch {
		case collect.DataUnavailable(err):
			detail = collect.Describe(err)
			continue // too little history: there is no forecast, and nothing is missing
		case err != nil:
			if err := r.Absorb(ctx, table, kind(service), action, collect.CostExplorerRemedy(err)); err != nil {
				return fmt.Errorf("forecast %s: %w", kind(service), err)
			}
			continue
		}
		if err := collect.Put(ctx, r, row); err != nil {
			return err
		}
	}
	if len(r.Gaps()) > 0 {
		return nil
	}
	r.Complete(table, "")
	return collect.Feature(ctx, r, "forecasts", detail == "", detail)
}

// kind names a target in gaps.
func kind(service string) string {
	if service == "" {
		return "all services"
	}
	return service
}

// forecast asks for the days from today to the month's end: what came before is
// on the bill.
func forecast(ctx context.Context, r *collect.Run, client *costexplorer.Client, service string) (schema.CostForecast, error) {
	today := r.Now.UTC().Truncate(24 * time.Hour)
	end := time.Date(today.Year(), today.Month()+1, 1, 0, 0, 0, 0, time.UTC)
	out, err := client.GetCostForecast(ctx, &costexplorer.GetCostForecastInput{
		TimePeriod:  &types.DateInterval{Start: aws.String(today.Format(time.DateOnly)), End: aws.String(end.Format(time.DateOnly))},
		Granularity: types.GranularityMonthly, Metric: metric, PredictionIntervalLevel: aws.Int32(level), Filter: filter(r.Account, service),
	})
	if err != nil {
		return schema.CostForecast{}, err
	}
	r.Meter.Bill("ce", "GetCostForecast", "page", 1)
	if len(out.ForecastResultsByTime) != 1 {
		return schema.CostForecast{}, fmt.Errorf("%w: %d forecasts for one month", collect.ErrMalformed, len(out.ForecastResultsByTime))
	}
	row := schema.CostForecast{
		Account: r.Account, Region: r.Region, Service: service, Metric: string(metric), MadeOn: today, PeriodStart: today, PeriodEnd: end,
		Currency: "USD", IntervalLevel: level, CollectedAt: r.Now,
	}
	if out.Total != nil && out.Total.Unit != nil {
		row.Currency = *out.Total.Unit
	}
	return row, amounts(&row, out.ForecastResultsByTime[0])
}

func amounts(row *schema.CostForecast, result types.ForecastResult) (err error) {
	if row.Mean, err = collect.Amount("MeanValue", result.MeanValue); err != nil {
		return err
	}
	if row.Lower, err = collect.Amount("PredictionIntervalLowerBound", result.PredictionIntervalLowerBound); err != nil {
		return err
	}
	row.Upper, err = collect.Amount("PredictionIntervalUpperBound", result.PredictionIntervalUpperBound)
	return err
}

// filter selects the account's own cost, also where it pays for others, of one
// service or of all.
func filter(account, service string) *types.Expression {
	own := types.Expression{Dimensions: &types.DimensionValues{Key: types.DimensionLinkedAccount, Values: []string{account}}}
	if service == "" {
		return &own
	}
	return &types.Expression{And: []types.Expression{
		own, {Dimensions: &types.DimensionValues{Key: types.DimensionService, Values: []string{service}}},
	}}
}
