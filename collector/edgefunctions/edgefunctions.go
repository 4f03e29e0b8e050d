// Package edgefunctions collects the functions that CloudFront runs: Lambda@Edge
// and CloudFront Functions, where they are attached, and where copies of them
// run.
package edgefunctions

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront"
	"github.com/aws/aws-sdk-go-v2/service/cloudfront/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

//go:embed doc.md
var doc string

// Collector reads the distributions of one account.
var Collector = &collect.Collector{
	Name:   "edgefunctions",
	Title:  "functions at CloudFront's edge, and where copies of them run",
	Doc:    doc,
	Writes: []string{"edge_functions", "edge_replicas"},
	Actions: []collect.Action{
		{Name: listDistributions, Blinds: "functions that CloudFront runs, and with them who invokes Lambda@Edge"},
		{Name: listReplicas, Blinds: "the regions in which copies of Lambda@Edge functions run, log and count"},
	},
	Scope:    collect.PerAccount,
	Every:    every,
	Estimate: estimate,
	Collect:  run,
}

const (
	listDistributions = "cloudfront:ListDistributions"
	listReplicas      = "lambda:ListFunctions"
	every             = 24 * time.Hour
)

// estimate: a page of distributions, and for an account with functions at the
// edge one call a region of edge caches.
func estimate(i collect.Inventory) collect.APICost {
	perRun := float64(max(1, i.Accounts)) * float64(1+len(edgeRegions))
	return collect.APICost{Calls: perRun * collect.RunsPerMonth(every)}
}

// run asks about copies only where a distribution runs a Lambda function, or
// where it cannot be known whether one does.
func run(ctx context.Context, r *collect.Run) error {
	if r.Partition != "aws" {
		r.Gap("edge_functions", "", "", listDistributions, fmt.Errorf("not read in partition %s, where CloudFront has an endpoint of its own", r.Partition))
		r.Complete("edge_replicas", "") // Lambda@Edge is in partition aws alone
		return nil
	}
	atEdge, err := readDistributions(ctx, r)
	if err != nil {
		return fmt.Errorf("read distributions: %w", err)
	}
	if !atEdge {
		r.Complete("edge_replicas", "")
		return nil
	}
	if err := readReplicas(ctx, r); err != nil {
		return fmt.Errorf("read copies of Lambda@Edge functions: %w", err)
	}
	return nil
}

// readDistributions writes who runs where, and reports whether Lambda@Edge is
// among it, or may be.
func readDistributions(ctx context.Context, r *collect.Run) (atEdge bool, _ error) {
	client := cloudfront.NewFromConfig(r.AWS, func(o *cloudfront.Options) { o.Region = "us-east-1" })
	malformed := false
	err := collect.Pages(ctx, listDistributions, func(ctx context.Context, marker *string) (*string, error) {
		out, err := client.ListDistributions(ctx, &cloudfront.ListDistributionsInput{Marker: marker})
		if err != nil {
			return nil, fmt.Errorf("list distributions: %w", err)
		}
		if out.DistributionList == nil {
			return nil, errors.New("the answer lacks the distributions")
		}
		for i := range out.DistributionList.Items {
			rows, ok := distribution(r, &out.DistributionList.Items[i])
			malformed = malformed || !ok
			for _, row := range rows {
				atEdge = atEdge || row.Kind == "lambda"
			}
			if err := collect.Put(ctx, r, rows...); err != nil {
				return nil, err
			}
		}
		return out.DistributionList.NextMarker, nil
	})
	if err == nil && malformed {
		err = errors.New("a distribution lacks its id, or one of its functions has no ARN")
	}
	switch {
	case collect.Stop(err):
		return false, err
	case err != nil:
		r.Gap("edge_functions", "", "", listDistributions, err)
		return true, nil
	}
	r.Complete("edge_functions", "")
	return atEdge, nil
}

// distribution is what one runs, in each of its behaviours. The listing keeps
// the form in which a distribution is configured.
func distribution(r *collect.Run, d *types.DistributionSummary) (rows []schema.EdgeFunction, ok bool) {
	like := schema.EdgeFunction{
		Account: r.Account, Region: r.Region, DistributionID: aws.ToString(d.Id), DomainName: aws.ToString(d.DomainName), Enabled: aws.ToBool(d.Enabled),
		Status: aws.ToString(d.Status), PriceClass: string(d.PriceClass), LastModified: aws.ToTime(d.LastModifiedTime).UTC(), CollectedAt: r.Now,
	}
	if d.LastModifiedTime == nil {
		like.LastModified = time.Unix(0, 0).UTC()
	}
	if d.Aliases != nil {
		like.Aliases = d.Aliases.Items
	}
	ok = like.DistributionID != ""
	add := func(path string, lambdas *types.LambdaFunctionAssociations, functions *types.FunctionAssociations) {
		if lambdas != nil {
			for _, a := range lambdas.Items {
				row := like
				arn, _, version, named := collect.Function(aws.ToString(a.LambdaFunctionARN))
				row.PathPattern, row.EventType, row.Kind, row.FunctionARN, row.Version, row.IncludeBody = path, string(a.EventType), "lambda", arn, version, aws.ToBool(a.IncludeBody)
				rows, ok = append(rows, row), ok && named
			}
		}
		if functions != nil {
			for _, a := range functions.Items {
				row := like
				row.PathPattern, row.EventType, row.Kind, row.FunctionARN = path, string(a.EventType), "cloudfront", aws.ToString(a.FunctionARN)
				rows, ok = append(rows, row), ok && row.FunctionARN != ""
			}
		}
	}
	if b := d.DefaultCacheBehavior; b != nil {
		add("*", b.LambdaFunctionAssociations, b.FunctionAssociations)
	}
	if d.CacheBehaviors != nil {
		for i := range d.CacheBehaviors.Items {
			b := &d.CacheBehaviors.Items[i]
			add(aws.ToString(b.PathPattern), b.LambdaFunctionAssociations, b.FunctionAssociations)
		}
	}
	if !ok {
		return nil, false
	}
	return rows, true
}
