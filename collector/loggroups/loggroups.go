// Package loggroups reads the log groups of a region: how long they keep what
// functions write, at what protection, and where it goes from there.
package loggroups

import (
	"context"
	_ "embed"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

//go:embed doc.md
var doc string

const (
	every    = 24 * time.Hour
	pageSize = 50 // of every listing here

	groupsAction        = "logs:DescribeLogGroups"
	filtersAction       = "logs:DescribeMetricFilters"
	policiesAction      = "logs:DescribeAccountPolicies"
	subscriptionsAction = "logs:DescribeSubscriptionFilters"

	// A run asks about so many groups' subscriptions unless told otherwise:
	// half a quota of five a second gets through them in three minutes and a half.
	defaultSubscriptions = 500
)

// Collector reads log groups and what is made of their events.
var Collector = &collect.Collector{
	Name:   "loggroups",
	Title:  "log groups: retention, class, size, protection, metric and subscription filters",
	Doc:    doc,
	Writes: []string{"log_groups", "log_metric_filters", "log_account_policies", "log_subscriptions"},
	Reads:  []string{"functions"},
	Actions: []collect.Action{
		{Name: groupsAction, Blinds: "retention, class and size of log groups, and which of them no function writes to"},
		{Name: filtersAction, Blinds: "metrics that are made of functions' logs, and alarms on them"},
		{Name: policiesAction, Blinds: "data protection and subscriptions that the account imposes on all log groups"},
		{Name: subscriptionsAction, Blinds: "where functions' logs are sent"},
	},
	Scope: collect.PerRegion,
	Every: every,
	Params: []collect.Param{{
		Name: "subscriptions_per_run", Default: int64(defaultSubscriptions),
		Doc: "so many log groups are asked about their subscription filters in a run, a call each, in turns; 0 asks about none",
	}},
	Estimate: estimate,
	Collect:  run,
}

// estimate: a page of fifty groups, and a call for each group that is asked
// about its subscriptions. The calls are free.
func estimate(inv collect.Inventory) collect.APICost {
	groups := float64(inv.Functions)
	asked := min(groups, inv.Scopes()*defaultSubscriptions)
	return collect.APICost{Calls: collect.RunsPerMonth(every) * (groups/pageSize + asked + inv.Scopes()*float64(2+len(policyTypes)))}
}

// policyTypes are the account's policies that concern where logs go and what
// they hide.
var policyTypes = []types.PolicyType{types.PolicyTypeDataProtectionPolicy, types.PolicyTypeSubscriptionFilterPolicy}

// collection is the state of one run.
type collection struct {
	*collect.Run
	api     *cloudwatchlogs.Client
	writers map[string][]string // functions by the log group they write to
	used    []string            // groups that exist and that functions write to
}

func run(ctx context.Context, r *collect.Run) error {
	c := &collection{Run: r, api: cloudwatchlogs.NewFromConfig(r.AWS), writers: writersOf(r.Functions)}
	steps := []step{
		{"log_groups", "", groupsAction, c.readGroups},
		{"log_metric_filters", "", filtersAction, c.readMetricFilters},
	}
	for _, t := range policyTypes {
		steps = append(steps, step{"log_account_policies", string(t), policiesAction, func(ctx context.Context) error { return c.readPolicies(ctx, t) }})
	}
	for _, s := range steps {
		if err := c.take(ctx, s); err != nil {
			return err
		}
	}
	return c.readSubscriptions(ctx)
}

// step is one listing and the evidence it gives.
type step struct {
	table, kind, action string
	read                func(context.Context) error
}

// take reads a listing. What cannot be read costs its own table alone.
func (c *collection) take(ctx context.Context, s step) error {
	err := s.read(ctx)
	switch {
	case err == nil:
		c.Complete(s.table, s.kind)
	case ctx.Err() != nil, collect.Stop(err):
		return fmt.Errorf("read %s in %s: %w", s.table, c.Region, err)
	default:
		c.Gap(s.table, s.kind, "", s.action, err)
	}
	return nil
}

// writersOf lists the functions by the log group that their $LATEST writes to.
func writersOf(functions []schema.Function) map[string][]string {
	writers := map[string][]string{}
	for _, f := range functions {
		group := f.LogGroup
		if group == "" {
			group = "/aws/lambda/" + f.FunctionName
		}
		writers[group] = append(writers[group], f.FunctionARN)
	}
	for _, list := range writers {
		slices.Sort(list)
	}
	return writers
}

func (c *collection) readGroups(ctx context.Context) error {
	return collect.Pages(ctx, groupsAction, func(ctx context.Context, token *string) (*string, error) {
		out, err := c.api.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{NextToken: token, Limit: aws.Int32(pageSize)})
		if err != nil {
			return nil, err
		}
		rows := make([]schema.LogGroup, 0, len(out.LogGroups))
		for _, g := range out.LogGroups {
			row := c.group(g)
			rows = append(rows, row)
			if len(row.Functions) > 0 && row.Class != string(types.LogGroupClassDelivery) {
				c.used = append(c.used, row.LogGroupName)
			}
		}
		return out.NextToken, collect.Put(ctx, c.Run, rows...)
	})
}

func (c *collection) group(g types.LogGroup) schema.LogGroup {
	name := aws.ToString(g.LogGroupName)
	row := schema.LogGroup{
		Account: c.Account, Region: c.Region, LogGroupName: name, LogGroupARN: strings.TrimSuffix(aws.ToString(g.Arn), ":*"),
		Class: string(g.LogGroupClass), StoredBytes: uint64(max(0, aws.ToInt64(g.StoredBytes))), CreatedAt: time.UnixMilli(aws.ToInt64(g.CreationTime)).UTC(),
		KMSKeyARN: aws.ToString(g.KmsKeyId), DataProtection: string(g.DataProtectionStatus), DeletionProtection: aws.ToBool(g.DeletionProtectionEnabled),
		Functions: c.writers[name], CollectedAt: c.Now,
	}
	if row.LogGroupARN == "" {
		row.LogGroupARN = fmt.Sprintf("arn:%s:logs:%s:%s:log-group:%s", c.Partition, c.Region, c.Account, name)
	}
	if row.Class == "" {
		row.Class = string(types.LogGroupClassStandard) // what groups were before there were classes
	}
	if g.RetentionInDays != nil {
		days := int64(*g.RetentionInDays)
		row.RetentionDays = &days
	}
	for _, p := range g.InheritedProperties {
		row.Inherited = append(row.Inherited, string(p))
	}
	return row
}
