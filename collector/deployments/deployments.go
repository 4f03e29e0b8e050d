// Package deployments reads how CodeDeploy shifts functions' traffic to new
// versions, and what became of its deployments.
package deployments

import (
	"context"
	_ "embed"
	"fmt"
	"maps"
	"slices"
	"sync"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

//go:embed doc.md
var doc string

const (
	every = 24 * time.Hour

	nameBatch       = 100 // applications or deployment groups described at once
	deploymentBatch = 25  // deployments described at once

	applicationsAction = "codedeploy:ListApplications"
	platformsAction    = "codedeploy:BatchGetApplications"
	groupNamesAction   = "codedeploy:ListDeploymentGroups"
	groupsAction       = "codedeploy:BatchGetDeploymentGroups"
	configAction       = "codedeploy:GetDeploymentConfig"
	listAction         = "codedeploy:ListDeployments"
	deploymentsAction  = "codedeploy:BatchGetDeployments"

	groupsTable      = "deployment_groups"
	deploymentsTable = "deployments"
)

// Collector reads CodeDeploy's deployment groups and deployments of functions.
var Collector = &collect.Collector{
	Name:   "deployments",
	Title:  "how CodeDeploy shifts traffic to new versions, and what became of its deployments",
	Doc:    doc,
	Writes: []string{groupsTable, deploymentsTable},
	Actions: []collect.Action{
		{Name: applicationsAction, Blinds: "everything of CodeDeploy"},
		{Name: platformsAction, Blinds: "which applications deploy functions"},
		{Name: groupNamesAction, Blinds: "how functions are deployed"},
		{Name: groupsAction, Blinds: "alarms and rollbacks that guard deployments"},
		{Name: configAction, Blinds: "whether traffic shifts at once or step by step"},
		{Name: listAction, Blinds: "deployments and rollbacks of functions"},
		{Name: deploymentsAction, Blinds: "deployments and rollbacks of functions"},
	},
	Scope: collect.PerRegion,
	Every: every,
	Params: []collect.Param{
		{Name: "days", Default: int64(30), Doc: "deployments of so many days are read, and those under way are read again"},
	},
	Estimate: estimate,
	Collect:  run,
}

// estimate: one listing where CodeDeploy is not used. Where it is, one in ten
// functions having a group is taken for granted, and a deployment a week of each.
func estimate(inv collect.Inventory) collect.APICost {
	const share, perMonth = 0.1, 4.3
	groups := share * float64(inv.Functions)
	perRun := 3*inv.Scopes() + groups/10 + groups*perMonth*(1.0/100+1.0/deploymentBatch)
	return collect.APICost{Calls: collect.RunsPerMonth(every) * perRun}
}

// collection is the state of one run.
type collection struct {
	*collect.Run
	api *codedeploy.Client

	mu     sync.Mutex
	groups []types.DeploymentGroupInfo
	shifts map[string]shift
}

func run(ctx context.Context, r *collect.Run) error {
	c := &collection{Run: r, api: codedeploy.NewFromConfig(r.AWS), shifts: map[string]shift{}}
	names, action, err := c.applications(ctx)
	if err != nil {
		return c.blind(ctx, action, err)
	}
	if err := c.readGroups(ctx, names); err != nil {
		return fmt.Errorf("read deployment groups in %s: %w", r.Region, err)
	}
	if len(names) == 0 {
		c.Complete(deploymentsTable, "")
		return nil // no function is deployed here, so there are no deployments either
	}
	if err := c.readDeployments(ctx); err != nil {
		return fmt.Errorf("read deployments in %s: %w", r.Region, err)
	}
	return nil
}

// blind is the end of a run that does not know the applications: a gap of
// everything, unless the error ends it anyway.
func (c *collection) blind(ctx context.Context, action string, err error) error {
	if ctx.Err() != nil || collect.Stop(err) {
		return fmt.Errorf("list applications in %s: %w", c.Region, err)
	}
	c.Gap(groupsTable, "", "", action, err)
	c.Gap(deploymentsTable, "", "", action, err)
	return nil
}

// applications lists the applications of the Lambda platform and says which
// action failed, if one did.
func (c *collection) applications(ctx context.Context) (lambda []string, action string, err error) {
	var all []string
	err = collect.Pages(ctx, applicationsAction, func(ctx context.Context, token *string) (*string, error) {
		out, err := c.api.ListApplications(ctx, &codedeploy.ListApplicationsInput{NextToken: token})
		if err != nil {
			return nil, err
		}
		all = append(all, out.Applications...)
		return out.NextToken, nil
	})
	if err != nil {
		return nil, applicationsAction, err
	}
	for part := range slices.Chunk(all, nameBatch) {
		out, err := c.api.BatchGetApplications(ctx, &codedeploy.BatchGetApplicationsInput{ApplicationNames: part})
		if err != nil {
			return nil, platformsAction, err
		}
		for _, a := range out.ApplicationsInfo {
			if a.ComputePlatform == types.ComputePlatformLambda {
				lambda = append(lambda, aws.ToString(a.ApplicationName))
			}
		}
	}
	return lambda, "", nil
}

// readGroups describes the groups of every application, then the configurations
// they name. One application that is refused costs its own groups.
func (c *collection) readGroups(ctx context.Context, applications []string) error {
	names, details := c.Probe(groupsTable, "", groupNamesAction), c.Probe(groupsTable, "", groupsAction)
	err := collect.Each(ctx, 4, applications, func(ctx context.Context, name string) error {
		action, err := c.describe(ctx, name)
		switch {
		case ctx.Err() != nil, collect.Stop(err):
			return err
		case collect.Code(err) == "ApplicationDoesNotExistException":
			return nil // deleted since it was listed
		}
		arn := fmt.Sprintf("arn:%s:codedeploy:%s:%s:application:%s", c.Partition, c.Region, c.Account, name)
		if action == groupNamesAction {
			names.Answered(arn, err)
			return nil
		}
		names.Answered(arn, nil)
		details.Answered(arn, err)
		return nil
	})
	if err != nil {
		return err
	}
	if err := c.readShifts(ctx); err != nil {
		return err
	}
	if allNames, allDetails := names.Close(), details.Close(); allNames && allDetails {
		c.Complete(groupsTable, "")
	}
	rows := make([]schema.DeploymentGroup, len(c.groups))
	for i, g := range c.groups {
		rows[i] = c.group(g)
	}
	return collect.Put(ctx, c.Run, rows...)
}

// describe reads an application's groups and says which action it asked last:
// an application without groups is asked for their names alone.
func (c *collection) describe(ctx context.Context, application string) (action string, err error) {
	var names []string
	err = collect.Pages(ctx, groupNamesAction, func(ctx context.Context, token *string) (*string, error) {
		out, err := c.api.ListDeploymentGroups(ctx, &codedeploy.ListDeploymentGroupsInput{ApplicationName: aws.String(application), NextToken: token})
		if err != nil {
			return nil, err
		}
		names = append(names, out.DeploymentGroups...)
		return out.NextToken, nil
	})
	if err != nil || len(names) == 0 {
		return groupNamesAction, err
	}
	for part := range slices.Chunk(names, nameBatch) {
		out, err := c.api.BatchGetDeploymentGroups(ctx, &codedeploy.BatchGetDeploymentGroupsInput{ApplicationName: aws.String(application), DeploymentGroupNames: part})
		if err != nil {
			return groupsAction, err
		}
		c.mu.Lock()
		c.groups = append(c.groups, out.DeploymentGroupsInfo...)
		c.mu.Unlock()
	}
	return groupsAction, nil
}

func (c *collection) group(g types.DeploymentGroupInfo) schema.DeploymentGroup {
	config := aws.ToString(g.DeploymentConfigName)
	s := c.shifts[config]
	row := schema.DeploymentGroup{
		Account: c.Account, Region: c.Region, Application: aws.ToString(g.ApplicationName), DeploymentGroup: aws.ToString(g.DeploymentGroupName),
		ConfigName: config, Shift: s.kind, ShiftPercent: s.percent, ShiftMinutes: s.minutes, ServiceRoleARN: aws.ToString(g.ServiceRoleArn), CollectedAt: c.Now,
	}
	if a := g.AlarmConfiguration; a != nil {
		row.AlarmsEnabled, row.IgnoreAlarmFailure = a.Enabled, a.IgnorePollAlarmFailure
		for _, alarm := range a.Alarms {
			row.Alarms = append(row.Alarms, aws.ToString(alarm.Name))
		}
	}
	if b := g.AutoRollbackConfiguration; b != nil {
		row.RollbackEnabled = b.Enabled
		for _, event := range b.Events {
			row.RollbackEvents = append(row.RollbackEvents, string(event))
		}
	}
	for _, t := range g.TriggerConfigurations {
		row.TriggerARNs = append(row.TriggerARNs, aws.ToString(t.TriggerTargetArn))
	}
	if last := g.LastAttemptedDeployment; last != nil {
		row.LastStatus, row.LastDeploymentID, row.LastAttemptedAt = string(last.Status), aws.ToString(last.DeploymentId), last.CreateTime
	}
	return row
}

// shift is how a configuration moves traffic.
type shift struct {
	kind             string
	percent, minutes int64
}

// readShifts asks once about each configuration that groups name. One that
// cannot be read leaves its groups without, which is a gap of theirs.
func (c *collection) readShifts(ctx context.Context) error {
	names := map[string]bool{}
	for _, g := range c.groups {
		if name := aws.ToString(g.DeploymentConfigName); name != "" {
			names[name] = true
		}
	}
	probe := c.Probe(groupsTable, "", configAction)
	for _, name := range slices.Sorted(maps.Keys(names)) {
		out, err := c.api.GetDeploymentConfig(ctx, &codedeploy.GetDeploymentConfigInput{DeploymentConfigName: aws.String(name)})
		if ctx.Err() != nil || collect.Stop(err) {
			return err
		}
		probe.Answered(fmt.Sprintf("arn:%s:codedeploy:%s:%s:deploymentconfig:%s", c.Partition, c.Region, c.Account, name), err)
		if err == nil && out.DeploymentConfigInfo != nil {
			c.shifts[name] = shiftOf(out.DeploymentConfigInfo.TrafficRoutingConfig)
		}
	}
	probe.Close()
	return nil
}

func shiftOf(t *types.TrafficRoutingConfig) shift {
	switch {
	case t == nil:
		return shift{}
	case t.TimeBasedCanary != nil:
		return shift{"canary", int64(t.TimeBasedCanary.CanaryPercentage), int64(t.TimeBasedCanary.CanaryInterval)}
	case t.TimeBasedLinear != nil:
		return shift{"linear", int64(t.TimeBasedLinear.LinearPercentage), int64(t.TimeBasedLinear.LinearInterval)}
	case t.Type == types.TrafficRoutingTypeAllAtOnce:
		return shift{kind: "all_at_once"}
	default:
		return shift{}
	}
}
