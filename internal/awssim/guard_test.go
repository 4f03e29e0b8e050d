package awssim

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/codedeploy"
	cdtypes "github.com/aws/aws-sdk-go-v2/service/codedeploy/types"
	"github.com/aws/aws-sdk-go-v2/service/inspector2"
	"github.com/aws/aws-sdk-go-v2/service/servicequotas"
	"github.com/aws/aws-sdk-go-v2/service/xray"
)

// fillOperations gives the test's world one of everything that watches, deploys
// and inspects functions.
func fillOperations(r *Region) {
	errors := &AlarmMetric{Namespace: "AWS/Lambda", Name: "Errors", Dims: map[string]string{"FunctionName": "worker"}, Stat: "Sum"}
	alarm := func(name string) *Alarm {
		return &Alarm{
			Name: name, ARN: "arn:aws:cloudwatch:us-east-1:111122223333:alarm:" + name, Threshold: 5, Comparison: "GreaterThanThreshold", PeriodS: 300, Evaluation: 3,
			Datapoints: 2, TreatMissing: "notBreaching", ActionsEnabled: true, Actions: []string{"arn:aws:sns:us-east-1:111122223333:alarms"}, State: "OK", StateSince: noon, ConfiguredAt: noon,
		}
	}
	plain, tail, math, band, both := alarm("errors"), alarm("duration"), alarm("rate"), alarm("traffic"), alarm("both")
	plain.Metric = errors
	tail.Metric = &AlarmMetric{Namespace: "AWS/Lambda", Name: "Duration", Dims: errors.Dims, Stat: "p99"}
	math.Queries = []AlarmQuery{{ID: "m1", Metric: errors, PeriodS: 300}, {ID: "e1", Expression: "m1 * 2", PeriodS: 60, Returns: true}}
	band.Queries, band.ThresholdID = []AlarmQuery{{ID: "m1", Metric: errors, PeriodS: 300, Returns: true}, {ID: "band", Expression: "ANOMALY_DETECTION_BAND(m1, 2)", Returns: true}}, "band"
	both.Rule = `ALARM("errors") OR ALARM("duration")`
	r.Alarms = []*Alarm{both, tail, plain, math, band}
	r.AnomalyDetectors = []*AnomalyDetector{{ID: "one", Metric: errors, State: "TRAINED"}, {ID: "two", Queries: math.Queries, State: "PENDING_TRAINING"}}
	r.groups = append(r.groups, LogGroup{Name: "/aws/lambda/zz-filtered", ARN: "arn:aws:logs:us-east-1:111122223333:log-group:/aws/lambda/zz-filtered", CreatedAt: noon})
	r.GroupSettings = map[string]GroupSettings{"/aws/lambda/zz-filtered": {KMSKeyARN: "arn:aws:kms:us-east-1:111122223333:key/1", DataProtection: "ACTIVATED", Inherited: true}}
	r.MetricFilters = []*MetricFilter{
		{Name: "errors", LogGroup: "/aws/lambda/zz-filtered", Pattern: "ERROR", Namespace: "App", Metric: "errors", CreatedAt: noon},
		{Name: "slow", LogGroup: "/aws/lambda/zz-filtered", Pattern: "{ $.ms > 5 }", Namespace: "App", Metric: "slow", Dimensions: map[string]string{"path": "$.path"}, CreatedAt: noon},
	}
	r.SubscriptionFilters = []*SubscriptionFilter{{Name: "central", LogGroup: "/aws/lambda/zz-filtered", Destination: "arn:aws:logs:us-east-1:999988887777:destination:central", CreatedAt: noon}}
	r.LogPolicies = []*LogPolicy{{Name: "mask", Type: "DATA_PROTECTION_POLICY", Document: "{}", Criteria: "", UpdatedAt: noon}}
	r.SamplingRules = []*SamplingRule{{Name: "checkout", ARN: "arn:aws:xray:us-east-1:111122223333:sampling-rule/checkout", Priority: 1, Reservoir: 2, Rate: 0.5, Service: "*", Type: "*", Host: "*", Method: "*", Path: "*", Resource: "*", ModifiedAt: noon}}
	r.Applications = []*Application{{Name: "shop", ID: "a", Platform: "Lambda", CreatedAt: noon, Groups: []*DeploymentGroup{{
		Name: "worker", ID: "g", Config: "CodeDeployDefault.LambdaCanary10Percent5Minutes", Alarms: []string{"errors"}, RollbackEvents: []string{"DEPLOYMENT_FAILURE"},
		TriggerARN: "arn:aws:sns:us-east-1:111122223333:alarms", RoleARN: "arn:aws:iam::111122223333:role/deploy",
	}}}}
	deployment := func(id string, days int) *Deployment {
		return &Deployment{ID: id, Application: "shop", Group: "worker", Config: "CodeDeployDefault.LambdaAllAtOnce", Platform: "Lambda", Status: "Succeeded", Creator: "user", AppSpec: "{}", CreatedAt: noon.AddDate(0, 0, -days), CompletedAt: noon}
	}
	failed := deployment("d-2", 2)
	failed.Status, failed.ErrorCode, failed.RolledBackBy, failed.AppSpec = "Failed", "ALARM_ACTIVE", "d-1", ""
	r.Deployments = []*Deployment{deployment("d-1", 1), failed, deployment("d-3", 40)}
	r.Inspector = Inspector{
		Lambda: "ENABLED", Coverage: []*Coverage{{ResourceID: lambdaARN + "worker:$LATEST", Function: "worker", Runtime: "NODEJS_22_X", ScanType: "PACKAGE", Status: "ACTIVE", Reason: "SUCCESSFUL", ScannedAt: noon}},
		Findings: []*FindingCount{{ResourceID: lambdaARN + "worker:$LATEST", Function: "worker", Critical: 1, High: 2, Medium: 3, Total: 7}},
	}
	r.RaisedQuotas = map[string]float64{"L-9FEE3D26": 500}
}

// guardCalls are one call of every operation of what watches, deploys and
// inspects functions.
func guardCalls() []sdkCall {
	return []sdkCall{
		{"monitoring.DescribeAlarms", func(ctx context.Context, c aws.Config) (any, error) {
			return cloudwatch.NewFromConfig(c).DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{AlarmTypes: []cwtypes.AlarmType{"MetricAlarm", "CompositeAlarm"}})
		}},
		{"monitoring.DescribeAnomalyDetectors", func(ctx context.Context, c aws.Config) (any, error) {
			return cloudwatch.NewFromConfig(c).DescribeAnomalyDetectors(ctx, &cloudwatch.DescribeAnomalyDetectorsInput{
				AnomalyDetectorTypes: []cwtypes.AnomalyDetectorType{"SINGLE_METRIC", "METRIC_MATH"},
			})
		}},
		{"logs.DescribeMetricFilters", func(ctx context.Context, c aws.Config) (any, error) {
			return cloudwatchlogs.NewFromConfig(c).DescribeMetricFilters(ctx, nil)
		}},
		{"logs.DescribeSubscriptionFilters", func(ctx context.Context, c aws.Config) (any, error) {
			return cloudwatchlogs.NewFromConfig(c).DescribeSubscriptionFilters(ctx, &cloudwatchlogs.DescribeSubscriptionFiltersInput{LogGroupName: aws.String("/aws/lambda/zz-filtered")})
		}},
		{"logs.DescribeAccountPolicies", func(ctx context.Context, c aws.Config) (any, error) {
			return cloudwatchlogs.NewFromConfig(c).DescribeAccountPolicies(ctx, &cloudwatchlogs.DescribeAccountPoliciesInput{PolicyType: "DATA_PROTECTION_POLICY"})
		}},
		{"codedeploy.ListApplications", func(ctx context.Context, c aws.Config) (any, error) {
			return codedeploy.NewFromConfig(c).ListApplications(ctx, nil)
		}},
		{"codedeploy.BatchGetApplications", func(ctx context.Context, c aws.Config) (any, error) {
			return codedeploy.NewFromConfig(c).BatchGetApplications(ctx, &codedeploy.BatchGetApplicationsInput{ApplicationNames: []string{"shop"}})
		}},
		{"codedeploy.ListDeploymentGroups", func(ctx context.Context, c aws.Config) (any, error) {
			return codedeploy.NewFromConfig(c).ListDeploymentGroups(ctx, &codedeploy.ListDeploymentGroupsInput{ApplicationName: aws.String("shop")})
		}},
		{"codedeploy.BatchGetDeploymentGroups", func(ctx context.Context, c aws.Config) (any, error) {
			return codedeploy.NewFromConfig(c).BatchGetDeploymentGroups(ctx, &codedeploy.BatchGetDeploymentGroupsInput{ApplicationName: aws.String("shop"), DeploymentGroupNames: []string{"worker"}})
		}},
		{"codedeploy.ListDeployments", func(ctx context.Context, c aws.Config) (any, error) {
			return codedeploy.NewFromConfig(c).ListDeployments(ctx, nil)
		}},
		{"codedeploy.BatchGetDeployments", func(ctx context.Context, c aws.Config) (any, error) {
			return codedeploy.NewFromConfig(c).BatchGetDeployments(ctx, &codedeploy.BatchGetDeploymentsInput{DeploymentIds: []string{"d-1", "d-2"}})
		}},
		{"codedeploy.GetDeploymentConfig", func(ctx context.Context, c aws.Config) (any, error) {
			return codedeploy.NewFromConfig(c).GetDeploymentConfig(ctx, &codedeploy.GetDeploymentConfigInput{DeploymentConfigName: aws.String("CodeDeployDefault.LambdaCanary10Percent5Minutes")})
		}},
		{"inspector2.BatchGetAccountStatus", func(ctx context.Context, c aws.Config) (any, error) {
			return inspector2.NewFromConfig(c).BatchGetAccountStatus(ctx, &inspector2.BatchGetAccountStatusInput{AccountIds: []string{testAccount, "999988887777"}})
		}},
		{"inspector2.ListCoverage", func(ctx context.Context, c aws.Config) (any, error) {
			return inspector2.NewFromConfig(c).ListCoverage(ctx, &inspector2.ListCoverageInput{MaxResults: aws.Int32(100)})
		}},
		{"inspector2.ListFindingAggregations", func(ctx context.Context, c aws.Config) (any, error) {
			return inspector2.NewFromConfig(c).ListFindingAggregations(ctx, &inspector2.ListFindingAggregationsInput{AggregationType: "AWS_LAMBDA_FUNCTION"})
		}},
		{"servicequotas.ListServiceQuotas", func(ctx context.Context, c aws.Config) (any, error) {
			return servicequotas.NewFromConfig(c).ListServiceQuotas(ctx, &servicequotas.ListServiceQuotasInput{ServiceCode: aws.String("lambda")})
		}},
		{"servicequotas.ListAWSDefaultServiceQuotas", func(ctx context.Context, c aws.Config) (any, error) {
			return servicequotas.NewFromConfig(c).ListAWSDefaultServiceQuotas(ctx, &servicequotas.ListAWSDefaultServiceQuotasInput{ServiceCode: aws.String("vpc")})
		}},
		{"xray.GetSamplingRules", func(ctx context.Context, c aws.Config) (any, error) {
			return xray.NewFromConfig(c).GetSamplingRules(ctx, nil)
		}},
	}
}

// What a listing leaves out unless it is asked for, and what it refuses.
func TestListingsOfOperations(t *testing.T) {
	t.Parallel()
	h := serve(t, Options{World: testWorld(), Limits: Limits{Off: true}})
	ctx, cfg := context.Background(), h.config("us-east-1")
	watch := cloudwatch.NewFromConfig(cfg)
	alarms, err := watch.DescribeAlarms(ctx, nil)
	if err != nil || len(alarms.MetricAlarms) != 4 || len(alarms.CompositeAlarms) != 0 {
		t.Errorf("without a type: %d metric and %d composite alarms, %v", len(alarms.MetricAlarms), len(alarms.CompositeAlarms), err)
	}
	detectors, err := watch.DescribeAnomalyDetectors(ctx, nil)
	if err != nil || len(detectors.AnomalyDetectors) != 1 {
		t.Errorf("without a type: %d detectors, %v", len(detectors.AnomalyDetectors), err)
	}
	deploy := codedeploy.NewFromConfig(cfg)
	recent, err := deploy.ListDeployments(ctx, &codedeploy.ListDeploymentsInput{CreateTimeRange: &cdtypes.TimeRange{Start: aws.Time(noon.AddDate(0, 0, -30)), End: aws.Time(noon)}})
	if err != nil || !slices.Equal(recent.Deployments, []string{"d-1", "d-2"}) {
		t.Errorf("of thirty days: %v, %v", recent, err)
	}
	if _, err := deploy.BatchGetDeployments(ctx, &codedeploy.BatchGetDeploymentsInput{DeploymentIds: make([]string, 26)}); codeOf(err) != "BatchLimitExceededException" {
		t.Errorf("26 deployments: %v", err)
	}
	if _, err := deploy.ListDeploymentGroups(ctx, &codedeploy.ListDeploymentGroupsInput{ApplicationName: aws.String("gone")}); codeOf(err) != "ApplicationDoesNotExistException" {
		t.Errorf("groups of no application: %v", err)
	}
	if _, err := servicequotas.NewFromConfig(cfg).ListServiceQuotas(ctx, &servicequotas.ListServiceQuotasInput{ServiceCode: aws.String("nothing")}); codeOf(err) != "NoSuchResourceException" {
		t.Errorf("quotas of no service: %v", err)
	}
	if _, err := cloudwatchlogs.NewFromConfig(cfg).DescribeAccountPolicies(ctx, &cloudwatchlogs.DescribeAccountPoliciesInput{PolicyType: "NONE"}); codeOf(err) != "InvalidParameterException" {
		t.Errorf("policies of no type: %v", err)
	}
	elsewhere := h.config("eu-west-1")
	covered, err := inspector2.NewFromConfig(elsewhere).ListCoverage(ctx, nil)
	if err != nil || len(covered.CoveredResources) != 0 {
		t.Errorf("coverage where Inspector is not enabled: %v, %v", covered, err)
	}
}

// What a generated world has is of functions, log groups, queues and versions
// that exist in it, and of every kind.
func TestGeneratedOperations(t *testing.T) {
	t.Parallel()
	w := generate(t, GenerateOptions{Functions: 400, Days: 30})
	kinds := map[string]int{}
	for _, r := range w.Regions {
		for _, a := range r.Alarms {
			kinds[kindOfAlarm(a)]++
			checkAlarm(t, r, a)
		}
		for _, f := range r.MetricFilters {
			kinds["filter"]++
			if !slices.ContainsFunc(r.groups, func(g LogGroup) bool { return g.Name == f.LogGroup }) {
				t.Errorf("filter of %s, which does not exist", f.LogGroup)
			}
		}
		kinds["subscription"] += len(r.SubscriptionFilters)
		for _, d := range r.Deployments {
			kinds[d.Platform+" "+d.Status]++
			checkDeployment(t, r, d)
		}
		for _, c := range r.Inspector.Coverage {
			kinds[c.ScanType+" "+c.Reason]++
			if r.Function(strings.TrimSuffix(c.ResourceID, ":$LATEST")) == nil {
				t.Errorf("coverage of %s, which does not exist", c.ResourceID)
			}
		}
		kinds["findings"] += len(r.Inspector.Findings)
	}
	for _, kind := range []string{
		"metric", "math", "insights", "band", "composite", "queue", "filter", "subscription", "findings", "Lambda Succeeded", "Server Succeeded",
		"PACKAGE SUCCESSFUL", "CODE SUCCESSFUL", "PACKAGE UNSUPPORTED_RUNTIME", "PACKAGE EXCLUDED_BY_TAG",
	} {
		if kinds[kind] == 0 {
			t.Errorf("the world has no %s: %v", kind, kinds)
		}
	}
}

func kindOfAlarm(a *Alarm) string {
	switch {
	case a.Rule != "":
		return "composite"
	case a.ThresholdID != "":
		return "band"
	case a.Metric != nil && a.Metric.Namespace == "AWS/SQS":
		return "queue"
	case a.Metric != nil:
		return "metric"
	case strings.HasPrefix(a.Queries[0].Expression, "SELECT"):
		return "insights"
	default:
		return "math"
	}
}

func checkAlarm(t *testing.T, r *Region, a *Alarm) {
	t.Helper()
	metrics := []*AlarmMetric{a.Metric}
	for _, q := range a.Queries {
		metrics = append(metrics, q.Metric)
	}
	for _, m := range metrics {
		if m == nil {
			continue
		}
		if name := m.Dims["FunctionName"]; name != "" && r.Function(name) == nil {
			t.Errorf("alarm %s is of function %s, which does not exist", a.Name, name)
		}
		if name := m.Dims["QueueName"]; name != "" && !slices.ContainsFunc(r.Queues, func(q *Queue) bool { return q.Name == name }) {
			t.Errorf("alarm %s is of queue %s, which does not exist", a.Name, name)
		}
	}
}

func checkDeployment(t *testing.T, r *Region, d *Deployment) {
	t.Helper()
	if d.Platform != "Lambda" {
		return
	}
	var spec struct {
		Resources []map[string]struct {
			Properties struct{ Name, Alias, CurrentVersion, TargetVersion string }
		}
	}
	if err := json.Unmarshal([]byte(d.AppSpec), &spec); err != nil {
		t.Fatalf("deployment %s: %v", d.ID, err)
	}
	for name, resource := range spec.Resources[0] {
		f := r.Function(name)
		if f == nil || f.Aliases[0].Name != resource.Properties.Alias {
			t.Errorf("deployment %s is of %s, which does not exist", d.ID, fmt.Sprint(resource))
			continue
		}
		for _, v := range []string{resource.Properties.CurrentVersion, resource.Properties.TargetVersion} {
			if !slices.ContainsFunc(f.Versions, func(c Configuration) bool { return c.Version == v }) {
				t.Errorf("deployment %s moves %s to or from version %s, which does not exist", d.ID, name, v)
			}
		}
	}
	if d.CreatedAt.After(r.world.Now.Add(3 * time.Hour)) {
		t.Errorf("deployment %s is of the future: %s", d.ID, d.CreatedAt)
	}
}
