// Package budgets reads AWS Budgets: limits, what was spent against them, and at
// which thresholds somebody is told.
package budgets

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/budgets"
	"github.com/aws/aws-sdk-go-v2/service/budgets/types"
	"github.com/shopspring/decimal"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

//go:embed doc.md
var doc string

const (
	every  = 24 * time.Hour
	action = "budgets:ViewBudget"
	table  = "budgets"
)

// Collector reads budgets.
var Collector = &collect.Collector{
	Name:   "budgets",
	Title:  "AWS budgets with their spend and notifications",
	Doc:    doc,
	Writes: []string{table},
	Actions: []collect.Action{
		{Name: action, Blinds: "whether the account has a budget, and how near its limit it is"},
	},
	Scope:    collect.PerAccount,
	Every:    every,
	Estimate: estimate,
	Collect:  run,
}

// estimate counts calls, which are free.
func estimate(inv collect.Inventory) collect.APICost {
	return collect.APICost{Calls: collect.RunsPerMonth(every) * 2 * float64(max(1, inv.Accounts))}
}

func run(ctx context.Context, r *collect.Run) error {
	client := budgets.NewFromConfig(r.AWS, func(o *budgets.Options) { o.Region = collect.BillingRegion(r.Partition) })
	rows, err := list(ctx, r, client)
	if err != nil {
		if err := r.Absorb(ctx, table, "", action, err); err != nil {
			return fmt.Errorf("read budgets: %w", err)
		}
		return nil
	}
	if len(rows) > 0 {
		if err := notifications(ctx, r, client, rows); err != nil {
			return fmt.Errorf("read notifications: %w", err)
		}
	}
	if err := collect.Put(ctx, r, rows...); err != nil {
		return err
	}
	r.Complete(table, "")
	return nil
}

func list(ctx context.Context, r *collect.Run, client *budgets.Client) ([]schema.Budget, error) {
	var rows []schema.Budget
	err := collect.Pages(ctx, action, func(ctx context.Context, token *string) (*string, error) {
		out, err := client.DescribeBudgets(ctx, &budgets.DescribeBudgetsInput{
			AccountId: aws.String(r.Account), MaxResults: aws.Int32(100), NextToken: token, ShowFilterExpression: aws.Bool(true),
		})
		if err != nil {
			return nil, err
		}
		for i := range out.Budgets {
			row, err := budget(r, &out.Budgets[i])
			if err != nil {
				return nil, err
			}
			rows = append(rows, row)
		}
		return out.NextToken, nil
	})
	return rows, err
}

func budget(r *collect.Run, b *types.Budget) (schema.Budget, error) {
	row := schema.Budget{
		Account: r.Account, Region: r.Region, Name: aws.ToString(b.BudgetName), Type: string(b.BudgetType), TimeUnit: string(b.TimeUnit),
		Filters: filters(b), LastUpdatedAt: collect.Instant(b.LastUpdatedTime), CollectedAt: r.Now,
		PeriodStart: collect.Instant(nil), PeriodEnd: collect.Instant(nil),
	}
	if row.Name == "" {
		return row, fmt.Errorf("%w: a budget without its name", collect.ErrMalformed)
	}
	if b.AutoAdjustData != nil {
		row.AutoAdjust = string(b.AutoAdjustData.AutoAdjustType)
	}
	if b.HealthStatus != nil {
		row.Health = string(b.HealthStatus.Status)
	}
	if b.TimePeriod != nil {
		row.PeriodStart, row.PeriodEnd = collect.Instant(b.TimePeriod.Start), collect.Instant(b.TimePeriod.End)
	}
	spends := []spend{{"BudgetLimit", limit(b, r.Now), &row.LimitAmount}}
	if b.CalculatedSpend != nil {
		spends = append(spends, spend{"ActualSpend", b.CalculatedSpend.ActualSpend, &row.ActualAmount},
			spend{"ForecastedSpend", b.CalculatedSpend.ForecastedSpend, &row.ForecastAmount})
	}
	for _, s := range spends {
		if s.value == nil {
			continue // AWS names no planned limit, or cannot forecast yet
		}
		amount, err := collect.Amount(s.name+" of "+row.Name, s.value.Amount)
		if err != nil {
			return row, err
		}
		*s.to, row.Unit = &amount, aws.ToString(s.value.Unit)
	}
	return row, nil
}

type spend struct {
	name  string
	value *types.Spend
	to    **decimal.Decimal
}

// limit is the present period's: of planned limits, which are keyed by the
// second they begin, the last that has begun.
func limit(b *types.Budget, now time.Time) *types.Spend {
	if b.BudgetLimit != nil {
		return b.BudgetLimit
	}
	var found *types.Spend
	latest := time.Time{}
	for key, planned := range b.PlannedBudgetLimits {
		seconds, err := decimal.NewFromString(key)
		if err != nil {
			continue // no time: nothing says when it applies
		}
		begins := time.Unix(seconds.IntPart(), 0)
		if !begins.After(now) && begins.After(latest) {
			found, latest = &planned, begins
		}
	}
	return found
}

// filters is what a budget counts, however old the budget is.
func filters(b *types.Budget) string {
	if b.FilterExpression != nil {
		return collect.CompactJSON(b.FilterExpression)
	}
	return collect.CompactJSON(b.CostFilters) //nolint:staticcheck // deprecated, and what budgets made before FilterExpression have
}

// notifications adds thresholds to the budgets. Those that cannot be read cost
// no budget.
func notifications(ctx context.Context, r *collect.Run, client *budgets.Client, rows []schema.Budget) error {
	byName := map[string][]types.Notification{}
	err := collect.Pages(ctx, action, func(ctx context.Context, token *string) (*string, error) {
		out, err := client.DescribeBudgetNotificationsForAccount(ctx, &budgets.DescribeBudgetNotificationsForAccountInput{
			AccountId: aws.String(r.Account), MaxResults: aws.Int32(100), NextToken: token,
		})
		if err != nil {
			return nil, err
		}
		for _, b := range out.BudgetNotificationsForAccount {
			byName[aws.ToString(b.BudgetName)] = append(byName[aws.ToString(b.BudgetName)], b.Notifications...)
		}
		return out.NextToken, nil
	})
	if failed := r.Absorb(ctx, table, "notifications", action, err); failed != nil || err != nil {
		return failed
	}
	for i := range rows {
		row := &rows[i]
		row.NotificationsRead = true
		for _, n := range byName[row.Name] {
			row.NotificationTypes = append(row.NotificationTypes, string(n.NotificationType))
			row.NotificationOperators = append(row.NotificationOperators, string(n.ComparisonOperator))
			row.NotificationThresholds = append(row.NotificationThresholds, n.Threshold)
			row.NotificationUnits = append(row.NotificationUnits, string(n.ThresholdType))
			row.NotificationStates = append(row.NotificationStates, string(n.NotificationState))
		}
	}
	return nil
}
