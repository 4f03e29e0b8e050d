// Package savingsplans reads how far Savings Plans cover Lambda and how far the
// commitments are used, from Cost Explorer.
package savingsplans

import (
	"context"
	_ "embed"
	"fmt"
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
	every = 24 * time.Hour
	table = "savings_plans_daily"

	utilizationAction = "ce:GetSavingsPlansUtilization"
	coverageAction    = "ce:GetSavingsPlansCoverage"
)

// Collector reads savings_plans_daily.
var Collector = &collect.Collector{
	Name:   "savingsplans",
	Title:  "how far Savings Plans cover Lambda, and how far they are used, by day",
	Doc:    doc,
	Writes: []string{table, "cost_features"},
	Actions: []collect.Action{
		{Name: utilizationAction, Blinds: "whether there are Savings Plans, and what of them is paid for nothing"},
		{Name: coverageAction, Blinds: "what of Lambda's cost Savings Plans cover"},
	},
	Scope:    collect.PerAccount,
	Every:    every,
	Estimate: estimate,
	Collect:  run,
}

func estimate(inv collect.Inventory) collect.APICost {
	n := collect.RunsPerMonth(every) * 2 * float64(max(1, inv.Accounts)) // utilization and coverage
	return collect.APICost{Calls: n, Units: n, Unit: "page"}
}

// run reads utilization first: an account without plans is told there, and is
// not asked for their coverage.
func run(ctx context.Context, r *collect.Run) error {
	client := costexplorer.NewFromConfig(r.AWS, func(o *costexplorer.Options) { o.Region = collect.BillingRegion(r.Partition) })
	period := days(r.Now)
	err := utilization(ctx, r, client, period)
	if collect.DataUnavailable(err) {
		r.Complete(table, "utilization")
		r.Complete(table, "coverage")
		return collect.Feature(ctx, r, "savings_plans", false, collect.Describe(err))
	}
	if err == nil {
		r.Complete(table, "utilization")
		err = collect.Feature(ctx, r, "savings_plans", true, "")
	}
	if err := r.Absorb(ctx, table, "utilization", utilizationAction, collect.CostExplorerRemedy(err)); err != nil {
		return fmt.Errorf("read the utilization of Savings Plans: %w", err)
	}
	err = coverage(ctx, r, client, period)
	if err == nil || collect.DataUnavailable(err) { // nothing that a plan could cover is an answer too
		r.Complete(table, "coverage")
		return nil
	}
	if err := r.Absorb(ctx, table, "coverage", coverageAction, collect.CostExplorerRemedy(err)); err != nil {
		return fmt.Errorf("read the coverage of Savings Plans: %w", err)
	}
	return nil
}

// days are the whole days of this month and the previous one: AWS applies plans
// to a day's usage up to the month's end. On the second of a month they are
// those of the previous month and one more.
func days(now time.Time) *types.DateInterval {
	today := now.UTC().Truncate(24 * time.Hour)
	from := time.Date(today.Year(), today.Month()-1, 1, 0, 0, 0, 0, time.UTC)
	return &types.DateInterval{Start: aws.String(from.Format(time.DateOnly)), End: aws.String(today.Format(time.DateOnly))}
}

func dimension(key types.Dimension, value string) types.Expression {
	return types.Expression{Dimensions: &types.DimensionValues{Key: key, Values: []string{value}}}
}

// utilization is answered in one page.
func utilization(ctx context.Context, r *collect.Run, client *costexplorer.Client, period *types.DateInterval) error {
	own := dimension(types.DimensionLinkedAccount, r.Account)
	out, err := client.GetSavingsPlansUtilization(ctx, &costexplorer.GetSavingsPlansUtilizationInput{
		TimePeriod: period, Granularity: types.GranularityDaily,
		Filter: &own,
	})
	if err != nil {
		return err
	}
	r.Meter.Bill("ce", "GetSavingsPlansUtilization", "page", 1)
	rows := make([]schema.SavingsPlansDay, len(out.SavingsPlansUtilizationsByTime))
	for i := range out.SavingsPlansUtilizationsByTime {
		if rows[i], err = used(r, &out.SavingsPlansUtilizationsByTime[i]); err != nil {
			return err
		}
	}
	return collect.Put(ctx, r, rows...)
}

func used(r *collect.Run, u *types.SavingsPlansUtilizationByTime) (schema.SavingsPlansDay, error) {
	row := schema.SavingsPlansDay{Account: r.Account, Measure: "utilization", CollectedAt: r.Now}
	if u.TimePeriod == nil || u.Utilization == nil {
		return row, fmt.Errorf("%w: a utilization without its day or amounts", collect.ErrMalformed)
	}
	fields := []field{
		{"TotalCommitment", u.Utilization.TotalCommitment, &row.CommitmentUSD},
		{"UsedCommitment", u.Utilization.UsedCommitment, &row.UsedUSD},
		{"UnusedCommitment", u.Utilization.UnusedCommitment, &row.UnusedUSD},
		{"UtilizationPercentage", u.Utilization.UtilizationPercentage, &row.Percent},
	}
	if u.Savings != nil {
		fields = append(fields, field{"NetSavings", u.Savings.NetSavings, &row.NetSavingsUSD},
			field{"OnDemandCostEquivalent", u.Savings.OnDemandCostEquivalent, &row.OnDemandEquivalentUSD})
	}
	return row, fill(&row, u.TimePeriod, fields)
}

func coverage(ctx context.Context, r *collect.Run, client *costexplorer.Client, period *types.DateInterval) error {
	in := &costexplorer.GetSavingsPlansCoverageInput{
		TimePeriod: period, Granularity: types.GranularityDaily, MaxResults: aws.Int32(62), // all the days in one page
		Metrics: []string{"SpendCoveredBySavingsPlans"},
		Filter: &types.Expression{And: []types.Expression{
			dimension(types.DimensionLinkedAccount, r.Account), dimension(types.DimensionService, "AWS Lambda"),
		}},
	}
	return collect.Pages(ctx, coverageAction, func(ctx context.Context, token *string) (*string, error) {
		in.NextToken = token
		out, err := client.GetSavingsPlansCoverage(ctx, in)
		if err != nil {
			return nil, err
		}
		r.Meter.Bill("ce", "GetSavingsPlansCoverage", "page", 1)
		rows := make([]schema.SavingsPlansDay, len(out.SavingsPlansCoverages))
		for i := range out.SavingsPlansCoverages {
			if rows[i], err = covered(r, &out.SavingsPlansCoverages[i]); err != nil {
				return nil, err
			}
		}
		return out.NextToken, collect.Put(ctx, r, rows...)
	})
}

func covered(r *collect.Run, c *types.SavingsPlansCoverage) (schema.SavingsPlansDay, error) {
	row := schema.SavingsPlansDay{Account: r.Account, Measure: "coverage", CollectedAt: r.Now}
	if c.TimePeriod == nil || c.Coverage == nil {
		return row, fmt.Errorf("%w: a coverage without its day or amounts", collect.ErrMalformed)
	}
	return row, fill(&row, c.TimePeriod, []field{
		{"SpendCoveredBySavingsPlans", c.Coverage.SpendCoveredBySavingsPlans, &row.CoveredUSD},
		{"OnDemandCost", c.Coverage.OnDemandCost, &row.OnDemandUSD},
		{"TotalCost", c.Coverage.TotalCost, &row.TotalUSD},
		{"CoveragePercentage", c.Coverage.CoveragePercentage, &row.Percent},
	})
}

// field is an amount and where it goes.
type field struct {
	name string
	text *string
	to   *decimal.Decimal
}

func fill(row *schema.SavingsPlansDay, period *types.DateInterval, fields []field) (err error) {
	if row.Day, err = collect.Date("day", period.Start); err != nil {
		return err
	}
	for _, f := range fields {
		if *f.to, err = collect.Amount(f.name, f.text); err != nil {
			return err
		}
	}
	return nil
}
