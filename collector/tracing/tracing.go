// Package tracing reads X-Ray's sampling rules, which decide how much of
// functions' traffic is traced.
package tracing

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/xray"
	"github.com/aws/aws-sdk-go-v2/service/xray/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

//go:embed doc.md
var doc string

const (
	every  = 24 * time.Hour
	action = "xray:GetSamplingRules"
	table  = "sampling_rules"
)

// Collector reads X-Ray's sampling rules.
var Collector = &collect.Collector{
	Name:    "tracing",
	Title:   "X-Ray's sampling rules: how much of functions' traffic is traced",
	Doc:     doc,
	Writes:  []string{table},
	Actions: []collect.Action{{Name: action, Blinds: "how much of functions' traffic is traced, and at what cost"}},
	Scope:   collect.PerRegion,
	Every:   every,
	Estimate: func(inv collect.Inventory) collect.APICost {
		return collect.APICost{Calls: collect.RunsPerMonth(every) * inv.Scopes()}
	},
	Collect: run,
}

func run(ctx context.Context, r *collect.Run) error {
	api := xray.NewFromConfig(r.AWS)
	err := collect.Pages(ctx, action, func(ctx context.Context, token *string) (*string, error) {
		out, err := api.GetSamplingRules(ctx, &xray.GetSamplingRulesInput{NextToken: token})
		if err != nil {
			return nil, err
		}
		var rows []schema.SamplingRule
		for _, record := range out.SamplingRuleRecords {
			if record.SamplingRule != nil && record.SamplingRule.RuleName != nil {
				rows = append(rows, rule(r, record))
			}
		}
		return out.NextToken, collect.Put(ctx, r, rows...)
	})
	switch {
	case err == nil:
		r.Complete(table, "")
	case ctx.Err() != nil, collect.Stop(err):
		return fmt.Errorf("read sampling rules in %s: %w", r.Region, err)
	default:
		r.Gap(table, "", "", action, err)
	}
	return nil
}

func rule(r *collect.Run, record types.SamplingRuleRecord) schema.SamplingRule {
	s := record.SamplingRule
	return schema.SamplingRule{
		Account: r.Account, Region: r.Region, RuleName: aws.ToString(s.RuleName), RuleARN: aws.ToString(s.RuleARN), Priority: int64(aws.ToInt32(s.Priority)),
		ReservoirPerSecond: int64(s.ReservoirSize), FixedRate: s.FixedRate, ServiceName: aws.ToString(s.ServiceName), ServiceType: aws.ToString(s.ServiceType),
		Host: aws.ToString(s.Host), HTTPMethod: aws.ToString(s.HTTPMethod), URLPath: aws.ToString(s.URLPath), ResourceARN: aws.ToString(s.ResourceARN),
		ModifiedAt: record.ModifiedAt, CollectedAt: r.Now,
	}
}
