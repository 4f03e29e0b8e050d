// Package computeoptimizer reads AWS Compute Optimizer's advice on the memory of
// functions, as a second opinion.
package computeoptimizer

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/computeoptimizer"
	"github.com/aws/aws-sdk-go-v2/service/computeoptimizer/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

//go:embed doc.md
var doc string

const (
	every = 24 * time.Hour
	table = "recommendations"
	kind  = "compute_optimizer"

	statusAction = "compute-optimizer:GetEnrollmentStatus"
	adviceAction = "compute-optimizer:GetLambdaFunctionRecommendations"
)

// Collector reads recommendations of Compute Optimizer.
var Collector = &collect.Collector{
	Name:   "computeoptimizer",
	Title:  "Compute Optimizer's advice on functions' memory",
	Doc:    doc,
	Writes: []string{table, "cost_features"},
	Actions: []collect.Action{
		{Name: statusAction, Blinds: "whether the account has opted in to Compute Optimizer"},
		{Name: adviceAction, Blinds: "Compute Optimizer's second opinion on memory sizes"},
	},
	Scope:    collect.PerRegion,
	Every:    every,
	Estimate: estimate,
	Collect:  run,
}

// estimate counts calls, which are free: the status, and a page for each hundred
// functions.
func estimate(inv collect.Inventory) collect.APICost {
	return collect.APICost{Calls: collect.RunsPerMonth(every) * (2*inv.Scopes() + float64(inv.Functions)/100)}
}

func run(ctx context.Context, r *collect.Run) error {
	client := computeoptimizer.NewFromConfig(r.AWS)
	status, err := client.GetEnrollmentStatus(ctx, &computeoptimizer.GetEnrollmentStatusInput{})
	if failed := r.Absorb(ctx, "cost_features", kind, statusAction, err); failed != nil {
		return fmt.Errorf("read the enrollment of Compute Optimizer: %w", failed)
	}
	if err == nil && status.Status != types.StatusActive {
		return optedOut(ctx, r, strings.TrimSpace(string(status.Status)+" "+aws.ToString(status.StatusReason)))
	}
	err = read(ctx, r, client)
	switch {
	case collect.Code(err) == "OptInRequiredException":
		return optedOut(ctx, r, collect.Describe(err))
	case err == nil:
		r.Complete(table, kind)
		return collect.Feature(ctx, r, kind, true, "")
	}
	if err := r.Absorb(ctx, table, kind, adviceAction, err); err != nil {
		return fmt.Errorf("read Compute Optimizer's recommendations: %w", err)
	}
	return nil
}

// optedOut is an answer: there is no advice.
func optedOut(ctx context.Context, r *collect.Run, detail string) error {
	r.Complete(table, kind)
	return collect.Feature(ctx, r, kind, false, "not opted in: it is free, and is switched on in the Compute Optimizer console ("+detail+")")
}

func read(ctx context.Context, r *collect.Run, client *computeoptimizer.Client) error {
	return collect.Pages(ctx, adviceAction, func(ctx context.Context, token *string) (*string, error) {
		out, err := client.GetLambdaFunctionRecommendations(ctx, &computeoptimizer.GetLambdaFunctionRecommendationsInput{
			AccountIds: []string{r.Account}, NextToken: token,
		})
		if err != nil {
			return nil, err
		}
		rows := make([]schema.Recommendation, len(out.LambdaFunctionRecommendations))
		for i := range out.LambdaFunctionRecommendations {
			if rows[i], err = recommendation(r, &out.LambdaFunctionRecommendations[i]); err != nil {
				return nil, err
			}
		}
		return out.NextToken, collect.Put(ctx, r, rows...)
	})
}

func recommendation(r *collect.Run, a *types.LambdaFunctionRecommendation) (schema.Recommendation, error) {
	arn := aws.ToString(a.FunctionArn)
	if arn == "" || a.Finding == "" {
		return schema.Recommendation{}, fmt.Errorf("%w: a recommendation without its function or finding", collect.ErrMalformed)
	}
	row := schema.Recommendation{
		Account: r.Account, Region: r.Region, Source: kind, RecommendationID: arn, Resource: unqualified(arn), ResourceRegion: r.Region,
		ResourceType: "LambdaFunction", Finding: string(a.Finding), CurrentMemoryMB: uint32(max(0, a.CurrentMemorySize)), Invocations: uint64(max(0, a.NumberOfInvocations)),
		LookbackDays: a.LookbackPeriodInDays, CurrentSummary: fmt.Sprintf("%d MB memory", a.CurrentMemorySize),
		RollbackPossible: true, RefreshedAt: collect.Instant(a.LastRefreshTimestamp), CollectedAt: r.Now,
	}
	for _, reason := range a.FindingReasonCodes {
		row.Reasons = append(row.Reasons, string(reason))
	}
	for _, m := range a.UtilizationMetrics {
		switch {
		case m.Name == types.LambdaFunctionMetricNameDuration && m.Statistic == types.LambdaFunctionMetricStatisticAverage:
			row.DurationAverageMS = &m.Value
		case m.Name == types.LambdaFunctionMetricNameMemory && m.Statistic == types.LambdaFunctionMetricStatisticMaximum:
			row.MemoryMaximumMB = &m.Value
		}
	}
	if len(a.MemorySizeRecommendationOptions) > 0 {
		best := slices.MinFunc(a.MemorySizeRecommendationOptions, func(x, y types.LambdaFunctionMemoryRecommendationOption) int { return int(x.Rank - y.Rank) })
		option(&row, &best)
	}
	return row, nil
}

// option is the best of the sizes that are recommended.
func option(row *schema.Recommendation, o *types.LambdaFunctionMemoryRecommendationOption) {
	row.Action, row.Effort = "Rightsize", "Low"
	row.RecommendedMemoryMB, row.RecommendedSummary = uint32(max(0, o.MemorySize)), fmt.Sprintf("%d MB memory", o.MemorySize)
	for _, m := range o.ProjectedUtilizationMetrics {
		switch m.Statistic {
		case types.LambdaFunctionMemoryMetricStatisticLowerBound:
			row.DurationLowerMS = &m.Value
		case types.LambdaFunctionMemoryMetricStatisticExpected:
			row.DurationExpectedMS = &m.Value
		case types.LambdaFunctionMemoryMetricStatisticUpperBound:
			row.DurationUpperMS = &m.Value
		}
	}
	if s := o.SavingsOpportunity; s != nil {
		row.SavingsPercent = &s.SavingsOpportunityPercentage
		if s.EstimatedMonthlySavings != nil && s.EstimatedMonthlySavings.Currency == types.CurrencyUsd {
			row.SavingsUSD = &s.EstimatedMonthlySavings.Value
		}
	}
	if s := o.SavingsOpportunityAfterDiscounts; s != nil && s.EstimatedMonthlySavings != nil && s.EstimatedMonthlySavings.Currency == types.CurrencyUsd {
		row.SavingsDiscountedUSD = &s.EstimatedMonthlySavings.Value
	}
}

// unqualified is a function's ARN without a version: arn:aws:lambda:REGION:ACCOUNT:function:NAME.
func unqualified(arn string) string {
	const parts = 7
	split := strings.Split(arn, ":")
	return strings.Join(split[:min(parts, len(split))], ":")
}
