package reports

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs/types"

	"github.com/faaswarden/faaswarden/internal/collect"
)

const defaultPrefix = "/aws/lambda/"

// existing narrows groups to those that are there. A function whose group is
// not has never logged: it has no rows, which is not the same as zero. When the
// listing fails, all groups are tried, with their sizes unknown.
func (c *collection) existing(ctx context.Context, groups []*group) ([]*group, error) {
	found := map[string]types.LogGroup{}
	for _, prefix := range prefixes(groups) {
		err := c.list(ctx, prefix, found)
		if err == nil {
			continue
		}
		if ctx.Err() != nil || collect.Stop(err) {
			return nil, fmt.Errorf("list log groups in %s: %w", c.Region, err)
		}
		c.Gap("reports_daily", "", fmt.Sprintf("arn:%s:logs:%s:%s:log-group:*", c.Partition, c.Region, c.Account), describeAction, err)
		return groups, nil
	}
	var kept []*group
	for _, g := range groups {
		described, ok := found[g.name]
		if !ok {
			c.Log.Debug("no log group: its functions have never logged", "log_group", g.name)
			continue
		}
		if g.class = described.LogGroupClass; g.class == types.LogGroupClassDelivery {
			c.gap(g, startAction, fmt.Errorf("log group %s is of the DELIVERY class, which cannot be queried", g.name))
			continue
		}
		g.bytesPerDay = perDay(described, c.Now)
		kept = append(kept, g)
	}
	return kept, nil
}

// prefixes are what to list: all default groups at once, others by name.
func prefixes(groups []*group) []string {
	var list []string
	for _, g := range groups {
		if strings.HasPrefix(g.name, defaultPrefix) {
			list = append(list, defaultPrefix)
		} else {
			list = append(list, g.name)
		}
	}
	slices.Sort(list)
	return slices.Compact(list)
}

func (c *collection) list(ctx context.Context, prefix string, found map[string]types.LogGroup) error {
	return collect.Pages(ctx, describeAction, func(ctx context.Context, token *string) (*string, error) {
		out, err := c.api.DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{
			LogGroupNamePrefix: aws.String(prefix), NextToken: token, Limit: aws.Int32(50),
		})
		if err != nil {
			return nil, err
		}
		for _, g := range out.LogGroups {
			found[aws.ToString(g.LogGroupName)] = g
		}
		return out.NextToken, nil
	})
}

// perDay spreads what a group holds over the days it holds it for.
func perDay(g types.LogGroup, now time.Time) float64 {
	age := now.Sub(time.UnixMilli(aws.ToInt64(g.CreationTime))).Hours() / 24
	if kept := aws.ToInt32(g.RetentionInDays); kept > 0 {
		age = min(age, float64(kept))
	}
	return float64(aws.ToInt64(g.StoredBytes)) / max(1, age)
}

// marks say up to which day, exclusive, each log group has been read.
type marks struct{ at map[string]time.Time }

const cursor = "log_groups"

// loadMarks reads the cursor. One that cannot be parsed is as good as none:
// reading again costs a scan and changes nothing.
func loadMarks(ctx context.Context, r *collect.Run) (*marks, error) {
	m := &marks{at: map[string]time.Time{}}
	text, err := r.State.Load(ctx, cursor)
	if err != nil {
		return nil, fmt.Errorf("load the cursor of log groups: %w", err)
	}
	days := map[string]string{}
	if text != "" {
		if err := json.Unmarshal([]byte(text), &days); err != nil {
			r.Log.Warn("cursor unreadable, reading from the lookback's start", "error", err)
		}
	}
	for name, text := range days {
		if at, err := time.Parse(time.DateOnly, text); err == nil {
			m.at[name] = at
		}
	}
	return m, nil
}

// save keeps the marks of groups that functions still use.
func (m *marks) save(ctx context.Context, r *collect.Run) error {
	used := map[string]bool{}
	for _, g := range groupsOf(r.Functions) {
		used[g.name] = true
	}
	days := map[string]string{}
	for name, at := range m.at {
		if used[name] {
			days[name] = at.Format(time.DateOnly)
		}
	}
	text, err := json.Marshal(days)
	if err != nil {
		return fmt.Errorf("encode the cursor of log groups: %w", err)
	}
	if err := r.State.Save(ctx, cursor, string(text)); err != nil {
		return fmt.Errorf("save the cursor of log groups: %w", err)
	}
	return nil
}
