package awssim

import (
	"slices"
	"time"
)

// codedeployService is CodeDeploy. AWS publishes no number for its requests; ten
// a second is a choice.
func codedeployService() *service {
	application := param{name: "applicationName", required: true}
	return &service{
		name: "codedeploy", prefix: "codedeploy", protocol: awsJSON11, target: "CodeDeploy_20141006",
		words: map[failure]wording{
			failBadToken: {status: 400, code: "InvalidNextTokenException"},
		},
		quotas: []quota{{name: "requests", perSecond: 10}},
		operations: []operation{
			{name: "ListApplications", run: listApplications, resource: anyApplication},
			{name: "BatchGetApplications", run: batchGetApplications, resource: anyApplication, params: []param{{name: "applicationNames", required: true, list: true}}},
			{name: "ListDeploymentGroups", run: listDeploymentGroups, resource: applicationResource, params: []param{application}},
			{
				name: "BatchGetDeploymentGroups", run: batchGetDeploymentGroups, resource: applicationResource,
				params: []param{application, {name: "deploymentGroupNames", required: true, list: true}},
			},
			{name: "ListDeployments", run: listDeployments, resource: anyApplication},
			{name: "BatchGetDeployments", run: batchGetDeployments, resource: anyApplication, params: []param{{name: "deploymentIds", required: true, list: true}}},
			{
				name: "GetDeploymentConfig", run: getDeploymentConfig, params: []param{{name: "deploymentConfigName", required: true}},
				resource: func(c *call) string { return c.arn("codedeploy", "deploymentconfig:"+c.str("deploymentConfigName")) },
			},
		},
	}
}

func anyApplication(c *call) string { return c.arn("codedeploy", "application:*") }
func applicationResource(c *call) string {
	return c.arn("codedeploy", "application:"+c.str("applicationName"))
}

// CodeDeploy's pages and batches.
const (
	codeDeployPage     = 100
	maxDeploymentBatch = 25
	maxNameBatch       = 100
)

var codeDeployPages = paging{token: "nextToken", size: codeDeployPage}

func listApplications(c *call) (obj, error) {
	items, next, err := page(c, codeDeployPages, c.world().Applications)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(items))
	for i, a := range items {
		names[i] = a.Name
	}
	return compact(obj{"applications": names, "nextToken": next}), nil
}

// application finds the application by name.
func (c *call) application(name string) (*Application, error) {
	i := slices.IndexFunc(c.world().Applications, func(a *Application) bool { return a.Name == name })
	if i < 0 {
		return nil, errorf(400, "ApplicationDoesNotExistException", "No application found for name: %s", name)
	}
	return c.world().Applications[i], nil
}

func tooMany(names []string, most int) error {
	if len(names) > most {
		return errorf(400, "BatchLimitExceededException", "The number of names exceeds the limit of %d.", most)
	}
	return nil
}

func batchGetApplications(c *call) (obj, error) {
	names := c.strings("applicationNames")
	if err := tooMany(names, maxNameBatch); err != nil {
		return nil, err
	}
	infos := []obj{}
	for _, name := range names {
		if a, err := c.application(name); err == nil {
			infos = append(infos, obj{
				"applicationName": a.Name, "applicationId": a.ID, "computePlatform": a.Platform, "createTime": a.CreatedAt, "linkedToGitHub": false,
			})
		}
	}
	return obj{"applicationsInfo": infos}, nil
}

func listDeploymentGroups(c *call) (obj, error) {
	a, err := c.application(c.str("applicationName"))
	if err != nil {
		return nil, err
	}
	items, next, err := page(c, codeDeployPages, a.Groups)
	if err != nil {
		return nil, err
	}
	names := make([]string, len(items))
	for i, g := range items {
		names[i] = g.Name
	}
	return compact(obj{"applicationName": a.Name, "deploymentGroups": names, "nextToken": next}), nil
}

func batchGetDeploymentGroups(c *call) (obj, error) {
	a, err := c.application(c.str("applicationName"))
	if err != nil {
		return nil, err
	}
	names := c.strings("deploymentGroupNames")
	if err := tooMany(names, maxNameBatch); err != nil {
		return nil, err
	}
	infos := []obj{}
	for _, g := range a.Groups {
		if slices.Contains(names, g.Name) {
			infos = append(infos, c.deploymentGroup(a, g))
		}
	}
	return obj{"deploymentGroupsInfo": infos, "errorMessage": ""}, nil
}

func (c *call) deploymentGroup(a *Application, g *DeploymentGroup) obj {
	o := obj{
		"applicationName": a.Name, "deploymentGroupName": g.Name, "deploymentGroupId": g.ID, "deploymentConfigName": g.Config, "computePlatform": a.Platform,
		"serviceRoleArn": g.RoleARN, "deploymentStyle": obj{"deploymentType": "BLUE_GREEN", "deploymentOption": "WITH_TRAFFIC_CONTROL"},
		"outdatedInstancesStrategy": "UPDATE", "terminationHookEnabled": false, "triggerConfigurations": []obj{},
		"autoRollbackConfiguration": obj{"enabled": len(g.RollbackEvents) > 0, "events": orEmpty(g.RollbackEvents)},
		"alarmConfiguration": obj{
			"enabled": len(g.Alarms) > 0, "ignorePollAlarmFailure": g.IgnoreFailure, "alarms": mapOf(g.Alarms, func(name string) obj { return obj{"name": name} }),
		},
	}
	if g.TriggerARN != "" {
		o["triggerConfigurations"] = []obj{{"triggerName": "notify", "triggerTargetArn": g.TriggerARN, "triggerEvents": []string{"DeploymentFailure", "DeploymentRollback"}}}
	}
	for _, d := range c.world().Deployments { // newest first
		if d.Application == a.Name && d.Group == g.Name {
			o["lastAttemptedDeployment"] = obj{"deploymentId": d.ID, "status": d.Status, "createTime": d.CreatedAt, "endTime": d.CompletedAt}
			break
		}
	}
	return o
}

func listDeployments(c *call) (obj, error) {
	application, group := c.str("applicationName"), c.str("deploymentGroupName")
	if (application == "") != (group == "") {
		return nil, errorf(400, "DeploymentGroupNameRequiredException", "Deployment group name is required when an application name is given.")
	}
	window := c.object("createTimeRange")
	from, hasFrom := asTime(window["start"])
	to, hasTo := asTime(window["end"])
	var ids []string
	for _, d := range c.world().Deployments {
		switch {
		case application != "" && (d.Application != application || d.Group != group):
		case hasFrom && d.CreatedAt.Before(from), hasTo && d.CreatedAt.After(to):
		default:
			ids = append(ids, d.ID)
		}
	}
	items, next, err := page(c, codeDeployPages, ids)
	if err != nil {
		return nil, err
	}
	return compact(obj{"deployments": orEmpty(items), "nextToken": next}), nil
}

func batchGetDeployments(c *call) (obj, error) {
	ids := c.strings("deploymentIds")
	if err := tooMany(ids, maxDeploymentBatch); err != nil {
		return nil, err
	}
	infos := []obj{}
	for _, d := range c.world().Deployments {
		if slices.Contains(ids, d.ID) {
			infos = append(infos, deployment(d))
		}
	}
	return obj{"deploymentsInfo": infos}, nil
}

func deployment(d *Deployment) obj {
	o := obj{
		"deploymentId": d.ID, "applicationName": d.Application, "deploymentGroupName": d.Group, "deploymentConfigName": d.Config, "computePlatform": d.Platform,
		"status": d.Status, "creator": d.Creator, "createTime": d.CreatedAt, "startTime": d.CreatedAt.Add(2 * time.Second),
	}
	if !d.CompletedAt.IsZero() {
		o["completeTime"] = d.CompletedAt
	}
	if d.AppSpec != "" {
		o["revision"] = obj{"revisionType": "AppSpecContent", "appSpecContent": obj{"content": d.AppSpec}}
	} else {
		o["revision"] = obj{"revisionType": "S3", "s3Location": obj{"bucket": "deployments", "key": d.Application + ".yml", "bundleType": "YAML"}}
	}
	if d.ErrorCode != "" {
		o["errorInformation"] = obj{"code": d.ErrorCode, "message": "One or more alarms have been activated according to the Amazon CloudWatch metrics you selected."}
	}
	if d.RollbackOf != "" || d.RolledBackBy != "" {
		o["rollbackInfo"] = compact(obj{"rollbackTriggeringDeploymentId": text(d.RollbackOf), "rollbackDeploymentId": text(d.RolledBackBy)})
	}
	return o
}

// trafficShift is how a predefined configuration moves traffic.
type trafficShift struct {
	config  string
	kind    string
	percent int
	minutes int
}

// trafficShifts are the configurations of the Lambda platform that AWS defines
// (https://docs.aws.amazon.com/codedeploy/latest/userguide/deployment-configurations.html).
func trafficShifts() []trafficShift {
	const prefix = "CodeDeployDefault.Lambda"
	return []trafficShift{
		{prefix + "AllAtOnce", "AllAtOnce", 0, 0},
		{prefix + "Canary10Percent5Minutes", "TimeBasedCanary", 10, 5},
		{prefix + "Canary10Percent10Minutes", "TimeBasedCanary", 10, 10},
		{prefix + "Canary10Percent15Minutes", "TimeBasedCanary", 10, 15},
		{prefix + "Canary10Percent30Minutes", "TimeBasedCanary", 10, 30},
		{prefix + "Linear10PercentEvery1Minute", "TimeBasedLinear", 10, 1},
		{prefix + "Linear10PercentEvery2Minutes", "TimeBasedLinear", 10, 2},
		{prefix + "Linear10PercentEvery3Minutes", "TimeBasedLinear", 10, 3},
		{prefix + "Linear10PercentEvery10Minutes", "TimeBasedLinear", 10, 10},
	}
}

func getDeploymentConfig(c *call) (obj, error) {
	name := c.str("deploymentConfigName")
	all := trafficShifts()
	i := slices.IndexFunc(all, func(s trafficShift) bool { return s.config == name })
	if i < 0 {
		return nil, errorf(400, "DeploymentConfigDoesNotExistException", "No Deployment Configuration found for name: %s", name)
	}
	s := all[i]
	routing := obj{"type": s.kind}
	switch s.kind {
	case "TimeBasedCanary":
		routing["timeBasedCanary"] = obj{"canaryPercentage": s.percent, "canaryInterval": s.minutes}
	case "TimeBasedLinear":
		routing["timeBasedLinear"] = obj{"linearPercentage": s.percent, "linearInterval": s.minutes}
	}
	return obj{"deploymentConfigInfo": obj{"deploymentConfigName": name, "computePlatform": "Lambda", "trafficRoutingConfig": routing}}, nil
}
