package loggroups

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

func (c *collection) readMetricFilters(ctx context.Context) error {
	return collect.Pages(ctx, filtersAction, func(ctx context.Context, token *string) (*string, error) {
		out, err := c.api.DescribeMetricFilters(ctx, &cloudwatchlogs.DescribeMetricFiltersInput{NextToken: token, Limit: aws.Int32(pageSize)})
		if err != nil {
			return nil, err
		}
		var rows []schema.LogMetricFilter
		for _, f := range out.MetricFilters {
			for _, m := range f.MetricTransformations {
				rows = append(rows, schema.LogMetricFilter{
					Account: c.Account, Region: c.Region, LogGroupName: aws.ToString(f.LogGroupName), FilterName: aws.ToString(f.FilterName),
					MetricNamespace: aws.ToString(m.MetricNamespace), MetricName: aws.ToString(m.MetricName),
					Dimensions: slices.Sorted(maps.Keys(m.Dimensions)), CollectedAt: c.Now,
				})
			}
		}
		return out.NextToken, collect.Put(ctx, c.Run, rows...)
	})
}

func (c *collection) readPolicies(ctx context.Context, kind types.PolicyType) error {
	return collect.Pages(ctx, policiesAction, func(ctx context.Context, token *string) (*string, error) {
		out, err := c.api.DescribeAccountPolicies(ctx, &cloudwatchlogs.DescribeAccountPoliciesInput{PolicyType: kind, NextToken: token})
		if err != nil {
			return nil, err
		}
		rows := make([]schema.LogAccountPolicy, 0, len(out.AccountPolicies))
		for _, p := range out.AccountPolicies {
			rows = append(rows, schema.LogAccountPolicy{
				Account: c.Account, Region: c.Region, PolicyType: string(kind), PolicyName: aws.ToString(p.PolicyName), Scope: string(p.Scope),
				SelectionCriteria: aws.ToString(p.SelectionCriteria), DestinationARN: destination(aws.ToString(p.PolicyDocument)),
				UpdatedAt: time.UnixMilli(aws.ToInt64(p.LastUpdatedTime)).UTC(), CollectedAt: c.Now,
			})
		}
		return out.NextToken, collect.Put(ctx, c.Run, rows...)
	})
}

// destination is where a subscription policy sends events, "" for policies of
// other types and documents that are not JSON.
func destination(document string) string {
	var subscription struct{ DestinationArn string }
	if json.Unmarshal([]byte(document), &subscription) != nil {
		return ""
	}
	return subscription.DestinationArn
}

const cursor = "subscriptions"

// readSubscriptions asks about the subscription filters of groups that
// functions write to. There is no listing of them all, so it takes a call each;
// where there are too many for a run they take turns by name, and each row is
// as old as its reading.
func (c *collection) readSubscriptions(ctx context.Context) error {
	most := int(c.Params["subscriptions_per_run"].(int64))
	if most <= 0 || len(c.used) == 0 {
		return nil // not wanted, or nothing to ask about
	}
	last, err := c.State.Load(ctx, cursor)
	if err != nil {
		return fmt.Errorf("load the cursor of subscription filters: %w", err)
	}
	turn := turnOf(c.used, last, most)
	probe := c.Probe("log_subscriptions", "", subscriptionsAction)
	err = collect.Each(ctx, 4, turn, func(ctx context.Context, group string) error {
		if probe.Hopeless() {
			return nil // the gap for all of them says why
		}
		return c.readSubscription(ctx, probe, group)
	})
	if err != nil {
		return fmt.Errorf("read subscription filters in %s: %w", c.Region, err)
	}
	probe.Close()
	if err := c.State.Save(ctx, cursor, turn[len(turn)-1]); err != nil {
		return fmt.Errorf("save the cursor of subscription filters: %w", err)
	}
	return nil
}

// turnOf is the groups of this run: those after the last one asked about, and
// from the beginning again.
func turnOf(groups []string, last string, most int) []string {
	sorted := slices.Clone(groups)
	slices.Sort(sorted)
	start, found := slices.BinarySearch(sorted, last)
	if found {
		start++
	}
	turn := append(slices.Clone(sorted[start:]), sorted[:start]...)
	return turn[:min(most, len(turn))]
}

func (c *collection) readSubscription(ctx context.Context, probe *collect.Probe, group string) error {
	row := schema.LogSubscription{Account: c.Account, Region: c.Region, LogGroupName: group, CollectedAt: c.Now}
	err := collect.Pages(ctx, subscriptionsAction, func(ctx context.Context, token *string) (*string, error) {
		out, err := c.api.DescribeSubscriptionFilters(ctx, &cloudwatchlogs.DescribeSubscriptionFiltersInput{
			LogGroupName: aws.String(group), NextToken: token, Limit: aws.Int32(pageSize),
		})
		if err != nil {
			return nil, err
		}
		for _, f := range out.SubscriptionFilters {
			row.FilterNames = append(row.FilterNames, aws.ToString(f.FilterName))
			row.DestinationARNs = append(row.DestinationARNs, aws.ToString(f.DestinationArn))
		}
		return out.NextToken, nil
	})
	switch {
	case ctx.Err() != nil, collect.Stop(err):
		return err
	case collect.Code(err) == "ResourceNotFoundException":
		return nil // deleted since it was listed
	case err != nil:
		probe.Answered(fmt.Sprintf("arn:%s:logs:%s:%s:log-group:%s", c.Partition, c.Region, c.Account, group), err)
		return nil
	}
	probe.Answered(group, nil)
	return collect.Put(ctx, c.Run, row)
}
