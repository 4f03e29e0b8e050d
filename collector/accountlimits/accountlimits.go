// Package accountlimits collects what Lambda lets an account do in a region.
package accountlimits

import (
	"context"
	_ "embed"
	"errors"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

//go:embed doc.md
var doc string

// Collector reads the Lambda limits of one region.
var Collector = &collect.Collector{
	Name:    "accountlimits",
	Title:   "the account's Lambda limits: concurrency and code storage",
	Doc:     doc,
	Writes:  []string{"account_limits"},
	Actions: []collect.Action{{Name: action, Blinds: "the account's concurrency limit: whether a throttle came from it"}},
	Scope:   collect.PerRegion,
	Every:   every,
	Estimate: func(i collect.Inventory) collect.APICost {
		return collect.APICost{Calls: i.Scopes() * collect.RunsPerMonth(every)}
	},
	Collect: run,
}

const (
	action = "lambda:GetAccountSettings"
	every  = time.Hour
)

func run(ctx context.Context, r *collect.Run) error {
	out, err := lambda.NewFromConfig(r.AWS).GetAccountSettings(ctx, &lambda.GetAccountSettingsInput{})
	if err == nil && (out.AccountLimit == nil || out.AccountUsage == nil) {
		err = errors.New("the answer lacks the limits or their use")
	}
	switch {
	case collect.Stop(err):
		return err
	case err != nil:
		r.Gap("account_limits", "", "", action, err)
		return nil
	}
	row := schema.AccountLimits{
		Account: r.Account, Region: r.Region, ConcurrentExecutions: int64(out.AccountLimit.ConcurrentExecutions),
		CodeSizeLimitBytes: out.AccountLimit.TotalCodeSize, CodeSizeUsedBytes: out.AccountUsage.TotalCodeSize,
		FunctionCount: out.AccountUsage.FunctionCount, CollectedAt: r.Now,
	}
	if n := out.AccountLimit.UnreservedConcurrentExecutions; n != nil {
		row.UnreservedConcurrentExecutions = int64(*n)
	}
	r.Complete("account_limits", "")
	return collect.Put(ctx, r, row)
}
