// Package runtimemanagement collects how functions take new versions of their
// runtime: by themselves, with the next deployment, or not at all.
package runtimemanagement

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

//go:embed doc.md
var doc string

// Collector reads the runtime management of one region.
var Collector = &collect.Collector{
	Name:    "runtimemanagement",
	Title:   "how functions take new versions of their runtime",
	Doc:     doc,
	Writes:  []string{"runtime_management"},
	Reads:   []string{"functions"},
	Actions: []collect.Action{{Name: action, Blinds: "functions pinned to a version of their runtime, which no security patch reaches"}},
	Scope:   collect.PerRegion,
	Every:   6 * time.Hour,
	Timeout: 45 * time.Minute,
	Params:  []collect.Param{collect.PeriodParam("runtime management")},
	Estimate: func(i collect.Inventory) collect.APICost {
		return collect.APICost{Calls: float64(i.Functions) * collect.RunsPerMonth(collect.DefaultPeriod)}
	},
	Collect: run,
}

const (
	action = "lambda:GetRuntimeManagementConfig"
	atOnce = 8
)

func run(ctx context.Context, r *collect.Run) error {
	rota, err := r.NewRota(ctx, "runtimes")
	if err != nil {
		return err
	}
	client := lambda.NewFromConfig(r.AWS)
	// An image holds its own runtime, which Lambda does not manage.
	r.Functions = slices.DeleteFunc(slices.Clone(r.Functions), func(fn schema.Function) bool { return fn.PackageType == "Image" })
	return rota.AskFunctions(ctx, atOnce, r.Probe("runtime_management", "", action), func(ctx context.Context, fn schema.Function) error {
		out, err := client.GetRuntimeManagementConfig(ctx, &lambda.GetRuntimeManagementConfigInput{FunctionName: &fn.FunctionName})
		if err != nil {
			return fmt.Errorf("get runtime management: %w", err)
		}
		if out.UpdateRuntimeOn == "" {
			return errors.New("the answer does not say when the runtime is updated")
		}
		return collect.Put(ctx, r, schema.RuntimeManagement{
			Account: r.Account, Region: r.Region, FunctionARN: fn.FunctionARN, UpdateRuntimeOn: string(out.UpdateRuntimeOn),
			RuntimeVersionARN: aws.ToString(out.RuntimeVersionArn), CollectedAt: r.Now,
		})
	})
}
