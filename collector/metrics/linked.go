package metrics

import (
	"context"
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/oam"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

const (
	listSinks         = "oam:ListSinks"
	listAttachedLinks = "oam:ListAttachedLinks"
	metricLinks       = "AWS::CloudWatch::Metric" // what a link must share
)

// readElsewhere reports that the run's account is a source account, whose
// metrics the monitoring account's run reads.
func (c *collection) readElsewhere() (bool, error) {
	sources, monitoring := c.Params["source_accounts"].([]string), c.Params["monitoring_account"].(string)
	for _, id := range append(slices.Clone(sources), monitoring) {
		if id != "" && (len(id) != 12 || strings.Trim(id, "0123456789") != "") {
			return false, fmt.Errorf("collectors.metrics: %q is no account id: give its twelve digits, in quotes", id)
		}
	}
	if !slices.Contains(sources, c.Account) || c.Account == monitoring {
		return false, nil
	}
	c.Log.Info("not read here: a source account of the monitoring account", "monitoring_account", monitoring)
	return true, nil
}

// linkedFunctions are the functions of source accounts, as their own inventory
// has them in the store. Only a monitoring account has any.
func (c *collection) linkedFunctions(ctx context.Context) ([]schema.Function, error) {
	if monitoring := c.Params["monitoring_account"].(string); monitoring != "" && monitoring != c.Account {
		return nil, nil
	}
	sources, err := c.sourceAccounts(ctx)
	if err != nil || len(sources) == 0 {
		return nil, err
	}
	var list []schema.Function
	for _, text := range c.resources(ctx, collect.LinkedFunctionResources) {
		f := namedFunction(c.Run, text)
		if f.FunctionName != "" && f.Account != c.Account && slices.Contains(sources, f.Account) {
			list = append(list, f)
		}
	}
	return list, nil
}

// sourceAccounts are those that are named, and those that are linked. Without
// permission to list the links, the named ones are still read.
func (c *collection) sourceAccounts(ctx context.Context) ([]string, error) {
	sources := slices.Clone(c.Params["source_accounts"].([]string))
	if !c.Params["linked_accounts"].(bool) {
		return sources, nil
	}
	client := oam.NewFromConfig(c.AWS)
	sinks, err := c.sinks(ctx, client)
	if err != nil {
		return sources, c.missingLinks(listSinks, err)
	}
	for _, sink := range sinks {
		linked, err := attached(ctx, client, sink)
		sources = append(sources, linked...)
		if err != nil {
			if err := c.missingLinks(listAttachedLinks, err); err != nil {
				return nil, err
			}
		}
	}
	return sources, nil
}

// missingLinks records that links could not be listed, which costs the linked
// accounts' metrics and no others.
func (c *collection) missingLinks(action string, err error) error {
	if collect.Stop(err) {
		return fmt.Errorf("list the accounts linked to %s: %w", c.Account, err)
	}
	c.Gap("metric_points", "linked_accounts", noFunction(c.Run), action, err)
	return nil
}

func (c *collection) sinks(ctx context.Context, client *oam.Client) ([]string, error) {
	var list []string
	err := collect.Pages(ctx, listSinks, func(ctx context.Context, token *string) (*string, error) {
		out, err := client.ListSinks(ctx, &oam.ListSinksInput{NextToken: token})
		if err != nil {
			return nil, err
		}
		for _, item := range out.Items {
			list = append(list, aws.ToString(item.Arn))
		}
		return out.NextToken, nil
	})
	return list, err
}

// attached lists the accounts that share metrics with a sink, as far as the
// listing went.
func attached(ctx context.Context, client *oam.Client, sink string) ([]string, error) {
	var list []string
	err := collect.Pages(ctx, listAttachedLinks, func(ctx context.Context, token *string) (*string, error) {
		out, err := client.ListAttachedLinks(ctx, &oam.ListAttachedLinksInput{SinkIdentifier: aws.String(sink), NextToken: token})
		if err != nil {
			return nil, err
		}
		for _, item := range out.Items {
			link, err := arn.Parse(aws.ToString(item.LinkArn))
			if err == nil && slices.Contains(item.ResourceTypes, metricLinks) {
				list = append(list, link.AccountID)
			}
		}
		return out.NextToken, nil
	})
	return list, err
}
