// Package tags collects the tags of every function, and remembers for each
// source whether they could be read, so that a refusal never looks like an
// untagged function.
package tags

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

//go:embed doc.md
var doc string

// Collector reads the tags of one region's functions.
var Collector = &collect.Collector{
	Name:   "tags",
	Title:  "tags of functions, with the source that told them",
	Doc:    doc,
	Writes: []string{"resource_tags"},
	Reads:  []string{"functions"},
	Actions: []collect.Action{
		{Name: listing, Blinds: "tags in bulk; every function is then asked for with lambda:ListTags"},
		{Name: single, Blinds: "whether a function absent from the tagging service is untagged"},
	},
	Scope:    collect.PerRegion,
	Every:    every,
	Timeout:  30 * time.Minute,
	Estimate: estimate,
	Collect:  run,
}

const (
	listing  = "tag:GetResources"
	single   = "lambda:ListTags"
	every    = 6 * time.Hour
	atOnce   = 4
	pageSize = 100
	untagged = 0.2 // share of functions without tags that the estimate assumes
)

// estimate: the tagged functions in pages of 100, the others one by one.
func estimate(i collect.Inventory) collect.APICost {
	functions := float64(i.Functions)
	return collect.APICost{Calls: (i.Scopes() + functions*(1-untagged)/pageSize + functions*untagged) * collect.RunsPerMonth(every)}
}

func run(ctx context.Context, r *collect.Run) error {
	listed, err := list(ctx, r)
	if err != nil {
		return err
	}
	var absent []schema.Function
	for _, fn := range r.Functions {
		if !listed[fn.FunctionARN] {
			absent = append(absent, fn)
		}
	}
	client := lambda.NewFromConfig(r.AWS)
	probe := r.Probe("resource_tags", single, single)
	if err := collect.Each(ctx, atOnce, absent, func(ctx context.Context, fn schema.Function) error {
		return ask(ctx, r, client, probe, fn)
	}); err != nil {
		return fmt.Errorf("read tags: %w", err)
	}
	probe.Close()
	// Every function now has a row of this run: in the listing, or of its own,
	// refusals included. Older rows of this source say nothing any more.
	r.Complete("resource_tags", single)
	return nil
}

// list writes what the tagging service knows and returns which functions it has.
func list(ctx context.Context, r *collect.Run) (listed map[string]bool, _ error) {
	listed = map[string]bool{}
	client := resourcegroupstaggingapi.NewFromConfig(r.AWS)
	err := collect.Pages(ctx, listing, func(ctx context.Context, token *string) (*string, error) {
		out, err := client.GetResources(ctx, &resourcegroupstaggingapi.GetResourcesInput{
			ResourceTypeFilters: []string{"lambda:function"}, ResourcesPerPage: aws.Int32(pageSize), PaginationToken: token,
		})
		if err != nil {
			return nil, fmt.Errorf("list tagged functions: %w", err)
		}
		var rows []schema.ResourceTags
		for _, mapping := range out.ResourceTagMappingList {
			unqualified, _, _, ok := collect.Function(aws.ToString(mapping.ResourceARN))
			if !ok {
				continue // the filter names functions; whatever else came is none
			}
			listed[unqualified] = true
			row := answer(r, unqualified, listing)
			row.Tags = map[string]string{}
			for _, tag := range mapping.Tags {
				row.Tags[aws.ToString(tag.Key)] = aws.ToString(tag.Value)
			}
			rows = append(rows, row)
		}
		return out.PaginationToken, collect.Put(ctx, r, rows...)
	})
	switch {
	case collect.Stop(err):
		return nil, err
	case err != nil:
		r.Gap("resource_tags", listing, "", listing, err)
	default:
		r.Complete("resource_tags", listing)
	}
	return listed, nil
}

// ask reads one function's tags from Lambda and writes the answer, whichever it is.
func ask(ctx context.Context, r *collect.Run, client *lambda.Client, probe *collect.Probe, fn schema.Function) error {
	row := answer(r, fn.FunctionARN, single)
	err := probe.Refusal()
	if !probe.Hopeless() {
		var out *lambda.ListTagsOutput
		out, err = client.ListTags(ctx, &lambda.ListTagsInput{Resource: &fn.FunctionARN})
		var gone *types.ResourceNotFoundException
		switch {
		case collect.Stop(err):
			return err
		case errors.As(err, &gone):
			return nil // deleted since the inventory was read
		case err == nil:
			row.Tags = out.Tags
		}
		probe.Answered(fn.FunctionARN, err)
	}
	if err != nil {
		row.Status, row.Detail = string(collect.Classify(err)), collect.Describe(err)
	}
	return collect.Put(ctx, r, row)
}

func answer(r *collect.Run, functionARN, source string) schema.ResourceTags {
	return schema.ResourceTags{
		Account: r.Account, Region: r.Region, ResourceARN: functionARN, Source: source, Status: "read", CollectedAt: r.Now,
	}
}
