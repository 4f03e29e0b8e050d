// Package codesigning collects which functions take signed code only.
package codesigning

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/lambda/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

//go:embed doc.md
var doc string

// Collector reads the code signing configurations of one region.
var Collector = &collect.Collector{
	Name:   "codesigning",
	Title:  "code signing configurations and the functions they are attached to",
	Doc:    doc,
	Writes: []string{table},
	Actions: []collect.Action{
		{Name: listConfigs, Blinds: "code signing altogether"},
		{Name: listFunctions, Blinds: "which functions take signed code only"},
	},
	Scope:    collect.PerRegion,
	Every:    every,
	Estimate: estimate,
	Collect:  run,
}

const (
	table         = "code_signing_configs"
	listConfigs   = "lambda:ListCodeSigningConfigs"
	listFunctions = "lambda:ListFunctionsByCodeSigningConfig"
	every         = 24 * time.Hour
	pageSize      = 50
)

// estimate: a listing, and one configuration with all functions; in a region
// that signs no code it is one call.
func estimate(i collect.Inventory) collect.APICost {
	return collect.APICost{Calls: (2*i.Scopes() + float64(i.Functions)/pageSize) * collect.RunsPerMonth(every)}
}

func run(ctx context.Context, r *collect.Run) error {
	client := lambda.NewFromConfig(r.AWS)
	configs, err := list(ctx, client)
	if collect.Stop(err) {
		return err
	}
	if err != nil {
		r.Gap(table, "", "", listConfigs, err)
	}
	probe := r.Probe(table, "functions", listFunctions)
	for _, c := range configs {
		row, err := config(r, c)
		if err == nil {
			row.Functions, err = functions(ctx, client, row.ConfigARN)
		}
		if collect.Stop(err) {
			return err
		}
		probe.Answered(row.ConfigARN, err)
		if err != nil {
			continue // a configuration without its functions would say that it has none
		}
		if err := collect.Put(ctx, r, row); err != nil {
			return err
		}
	}
	if probe.Close() && err == nil {
		r.Complete(table, "")
	}
	return nil
}

// list reads every page; of a listing that breaks off, the pages before stay.
func list(ctx context.Context, client *lambda.Client) (configs []types.CodeSigningConfig, _ error) {
	return configs, collect.Pages(ctx, listConfigs, func(ctx context.Context, marker *string) (*string, error) {
		out, err := client.ListCodeSigningConfigs(ctx, &lambda.ListCodeSigningConfigsInput{Marker: marker, MaxItems: aws.Int32(pageSize)})
		if err != nil {
			return nil, fmt.Errorf("list code signing configurations: %w", err)
		}
		configs = append(configs, out.CodeSigningConfigs...)
		return out.NextMarker, nil
	})
}

// functions lists a configuration's functions, by unqualified ARN.
func functions(ctx context.Context, client *lambda.Client, config string) ([]string, error) {
	var arns []string
	err := collect.Pages(ctx, listFunctions, func(ctx context.Context, marker *string) (*string, error) {
		out, err := client.ListFunctionsByCodeSigningConfig(ctx, &lambda.ListFunctionsByCodeSigningConfigInput{
			CodeSigningConfigArn: &config, Marker: marker, MaxItems: aws.Int32(pageSize),
		})
		if err != nil {
			return nil, fmt.Errorf("list functions of a code signing configuration: %w", err)
		}
		for _, arn := range out.FunctionArns {
			unqualified, _, _, ok := collect.Function(arn)
			if !ok {
				return nil, errors.New("the listing holds what is no function")
			}
			arns = append(arns, unqualified)
		}
		return out.NextMarker, nil
	})
	slices.Sort(arns)
	return slices.Compact(arns), err
}

func config(r *collect.Run, c types.CodeSigningConfig) (schema.CodeSigningConfig, error) {
	row := schema.CodeSigningConfig{
		Account: r.Account, Region: r.Region, ConfigARN: aws.ToString(c.CodeSigningConfigArn), Description: aws.ToString(c.Description),
		LastModified: collect.ParseInstant(c.LastModified), CollectedAt: r.Now,
	}
	if row.ConfigARN == "" {
		return row, errors.New("a code signing configuration lacks its ARN")
	}
	if c.CodeSigningPolicies != nil {
		row.OnUntrusted = string(c.CodeSigningPolicies.UntrustedArtifactOnDeployment)
	}
	if c.AllowedPublishers != nil {
		row.Publishers = c.AllowedPublishers.SigningProfileVersionArns
	}
	return row, nil
}
