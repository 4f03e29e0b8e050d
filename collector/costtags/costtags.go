// Package costtags reads which tag keys reach the bill, from Cost Explorer.
package costtags

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

//go:embed doc.md
var doc string

const (
	every  = 3 * 24 * time.Hour
	action = "ce:ListCostAllocationTags"
	table  = "cost_allocation_tags"
)

// Collector reads cost_allocation_tags.
var Collector = &collect.Collector{
	Name:   "costtags",
	Title:  "which tag keys are activated for billing",
	Doc:    doc,
	Writes: []string{table},
	Actions: []collect.Action{
		{Name: action, Blinds: "whether the tag keys that a policy demands reach the bill"},
	},
	Scope:    collect.PerAccount,
	Every:    every,
	Estimate: estimate,
	Collect:  run,
}

func estimate(inv collect.Inventory) collect.APICost {
	n := collect.RunsPerMonth(every) * float64(max(1, inv.Accounts))
	return collect.APICost{Calls: n, Units: n, Unit: "page"}
}

func run(ctx context.Context, r *collect.Run) error {
	client := costexplorer.NewFromConfig(r.AWS, func(o *costexplorer.Options) { o.Region = collect.BillingRegion(r.Partition) })
	err := collect.Pages(ctx, action, func(ctx context.Context, token *string) (*string, error) {
		out, err := client.ListCostAllocationTags(ctx, &costexplorer.ListCostAllocationTagsInput{MaxResults: aws.Int32(1000), NextToken: token})
		if err != nil {
			return nil, err
		}
		r.Meter.Bill("ce", "ListCostAllocationTags", "page", 1)
		var rows []schema.CostAllocationTag
		for _, t := range out.CostAllocationTags {
			if aws.ToString(t.TagKey) == "" || t.Status == "" {
				return nil, fmt.Errorf("%w: a tag without its key or status", collect.ErrMalformed)
			}
			rows = append(rows, schema.CostAllocationTag{
				Account: r.Account, Region: r.Region, TagKey: *t.TagKey, Type: string(t.Type), Status: string(t.Status),
				LastUpdatedAt: collect.ParseInstant(t.LastUpdatedDate), LastUsedAt: collect.ParseInstant(t.LastUsedDate), CollectedAt: r.Now,
			})
		}
		return out.NextToken, collect.Put(ctx, r, rows...)
	})
	if err == nil {
		r.Complete(table, "")
		return nil
	}
	if err := r.Absorb(ctx, table, "", action, remedy(err)); err != nil {
		return fmt.Errorf("list cost-allocation tags: %w", err)
	}
	return nil
}

// remedy tells a member of an organization, whom no policy would help.
func remedy(err error) error {
	if strings.Contains(err.Error(), "Linked account") {
		return errors.New("tags of an organization are activated in its paying account, which alone may list them: collect from that account too (" + err.Error() + ")")
	}
	return collect.CostExplorerRemedy(err)
}
