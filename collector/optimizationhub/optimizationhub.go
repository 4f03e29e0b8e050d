// Package optimizationhub reads what AWS's Cost Optimization Hub advises to save
// on Lambda and by Compute Savings Plans.
package optimizationhub

import (
	"context"
	_ "embed"
	"fmt"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	hub "github.com/aws/aws-sdk-go-v2/service/costoptimizationhub"
	"github.com/aws/aws-sdk-go-v2/service/costoptimizationhub/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

//go:embed doc.md
var doc string

const (
	every = 24 * time.Hour
	table = "recommendations"
	kind  = "optimization_hub"

	statusAction = "cost-optimization-hub:ListEnrollmentStatuses"
	adviceAction = "cost-optimization-hub:ListRecommendations"
)

// Collector reads recommendations of the Cost Optimization Hub.
var Collector = &collect.Collector{
	Name:   "optimizationhub",
	Title:  "the Cost Optimization Hub's advice on Lambda and Compute Savings Plans",
	Doc:    doc,
	Writes: []string{table, "cost_features"},
	Actions: []collect.Action{
		{Name: statusAction, Blinds: "whether the account has opted in to the Cost Optimization Hub"},
		{Name: adviceAction, Blinds: "what AWS advises to save on Lambda, by Compute Savings Plans too"},
	},
	Scope:    collect.PerAccount,
	Every:    every,
	Estimate: estimate,
	Collect:  run,
}

// estimate counts calls, which are free.
func estimate(inv collect.Inventory) collect.APICost {
	return collect.APICost{Calls: collect.RunsPerMonth(every) * (2*float64(max(1, inv.Accounts)) + float64(inv.Functions)/100)}
}

func run(ctx context.Context, r *collect.Run) error {
	client := hub.NewFromConfig(r.AWS, func(o *hub.Options) { o.Region = collect.BillingRegion(r.Partition) })
	enrolled, err := enrollment(ctx, r, client)
	if failed := r.Absorb(ctx, "cost_features", kind, statusAction, err); failed != nil {
		return fmt.Errorf("read the enrollment of the Cost Optimization Hub: %w", failed)
	}
	if err == nil && !enrolled {
		r.Complete(table, kind)
		return collect.Feature(ctx, r, kind, false, "not opted in: it is free, and is switched on in the Cost Optimization Hub of the Billing console")
	}
	err = read(ctx, r, client)
	if err == nil {
		r.Complete(table, kind)
		return collect.Feature(ctx, r, kind, true, "")
	}
	if err := r.Absorb(ctx, table, kind, adviceAction, err); err != nil {
		return fmt.Errorf("read the Cost Optimization Hub's recommendations: %w", err)
	}
	return nil
}

// enrollment reports whether the account itself is enrolled.
func enrollment(ctx context.Context, r *collect.Run, client *hub.Client) (bool, error) {
	enrolled := false
	err := collect.Pages(ctx, statusAction, func(ctx context.Context, token *string) (*string, error) {
		out, err := client.ListEnrollmentStatuses(ctx, &hub.ListEnrollmentStatusesInput{NextToken: token})
		if err != nil {
			return nil, err
		}
		for _, item := range out.Items {
			enrolled = enrolled || item.Status == types.EnrollmentStatusActive && aws.ToString(item.AccountId) == r.Account
		}
		return out.NextToken, nil
	})
	return enrolled, err
}

func read(ctx context.Context, r *collect.Run, client *hub.Client) error {
	in := &hub.ListRecommendationsInput{Filter: &types.Filter{
		AccountIds: []string{r.Account}, ResourceTypes: []types.ResourceType{types.ResourceTypeLambdaFunction, types.ResourceTypeComputeSavingsPlans},
	}}
	return collect.Pages(ctx, adviceAction, func(ctx context.Context, token *string) (*string, error) {
		in.NextToken = token
		out, err := client.ListRecommendations(ctx, in)
		if err != nil {
			return nil, err
		}
		rows := make([]schema.Recommendation, len(out.Items))
		for i := range out.Items {
			if rows[i], err = recommendation(r, &out.Items[i]); err != nil {
				return nil, err
			}
		}
		return out.NextToken, collect.Put(ctx, r, rows...)
	})
}

func recommendation(r *collect.Run, a *types.Recommendation) (schema.Recommendation, error) {
	row := schema.Recommendation{
		Account: r.Account, Region: r.Region, Source: kind, RecommendationID: aws.ToString(a.RecommendationId), Resource: unqualified(aws.ToString(a.ResourceArn)),
		ResourceRegion: aws.ToString(a.Region), ResourceType: aws.ToString(a.CurrentResourceType), Action: aws.ToString(a.ActionType),
		CurrentSummary: aws.ToString(a.CurrentResourceSummary), RecommendedSummary: aws.ToString(a.RecommendedResourceSummary),
		LookbackDays: float64(aws.ToInt32(a.RecommendationLookbackPeriodInDays)), Effort: aws.ToString(a.ImplementationEffort),
		RestartNeeded: aws.ToBool(a.RestartNeeded), RollbackPossible: aws.ToBool(a.RollbackPossible), RefreshedAt: collect.Instant(a.LastRefreshTimestamp), CollectedAt: r.Now,
	}
	if row.RecommendationID == "" || row.ResourceType == "" {
		return row, fmt.Errorf("%w: a recommendation without its id or resource type", collect.ErrMalformed)
	}
	row.CurrentMemoryMB, row.RecommendedMemoryMB = memory(a.CurrentResourceSummary), memory(a.RecommendedResourceSummary)
	if currency := aws.ToString(a.CurrencyCode); currency == "" || currency == "USD" {
		row.MonthlyCostUSD, row.SavingsUSD = a.EstimatedMonthlyCost, a.EstimatedMonthlySavings
	}
	row.SavingsPercent = a.EstimatedSavingsPercentage
	return row, nil
}

var memoryPattern = regexp.MustCompile(`^(\d+) MB memory$`)

// memory is the size that a summary of a function tells: "1024 MB memory".
func memory(summary *string) uint32 {
	match := memoryPattern.FindStringSubmatch(aws.ToString(summary))
	if match == nil {
		return 0
	}
	mb, err := strconv.ParseUint(match[1], 10, 32)
	if err != nil {
		return 0
	}
	return uint32(mb)
}

// unqualified is a function's ARN without a version: arn:aws:lambda:REGION:ACCOUNT:function:NAME.
func unqualified(arn string) string {
	const parts = 7
	split := strings.Split(arn, ":")
	return strings.Join(split[:min(parts, len(split))], ":")
}
