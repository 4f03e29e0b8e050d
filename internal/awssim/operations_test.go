package awssim

import (
	"context"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	cwtypes "github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatchlogs"
	"github.com/aws/aws-sdk-go-v2/service/costexplorer"
	cetypes "github.com/aws/aws-sdk-go-v2/service/costexplorer/types"
	"github.com/aws/aws-sdk-go-v2/service/ec2"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"github.com/aws/aws-sdk-go-v2/service/oam"
	"github.com/aws/aws-sdk-go-v2/service/resourcegroupstaggingapi"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	sqstypes "github.com/aws/aws-sdk-go-v2/service/sqs/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// An sdkCall is one call of an SDK client, by the name the server knows it by.
type sdkCall struct {
	name string
	call func(context.Context, aws.Config) (any, error)
}

// sdkCalls are one call of every operation, answered well by the test's world.
func sdkCalls() []sdkCall {
	worker := aws.String("worker")
	day := &cetypes.DateInterval{Start: aws.String("2026-11-01"), End: aws.String("2026-11-08")}
	topic, role := aws.String("arn:aws:sns:us-east-1:111122223333:alarms"), aws.String("worker")
	return slices.Concat([]sdkCall{
		{"sts.GetCallerIdentity", func(ctx context.Context, c aws.Config) (any, error) {
			return sts.NewFromConfig(c).GetCallerIdentity(ctx, nil)
		}},
		{"sts.AssumeRole", func(ctx context.Context, c aws.Config) (any, error) {
			return sts.NewFromConfig(c).AssumeRole(ctx, &sts.AssumeRoleInput{RoleArn: aws.String("arn:aws:iam::111122223333:role/other"), RoleSessionName: aws.String("audit")})
		}},
		{"monitoring.ListMetrics", func(ctx context.Context, c aws.Config) (any, error) {
			return cloudwatch.NewFromConfig(c).ListMetrics(ctx, &cloudwatch.ListMetricsInput{Namespace: aws.String("AWS/Lambda")})
		}},
		{"monitoring.GetMetricData", func(ctx context.Context, c aws.Config) (any, error) {
			return cloudwatch.NewFromConfig(c).GetMetricData(ctx, metricData("Invocations", "Sum", 3600, noon.Add(-48*time.Hour), noon))
		}},
		{"monitoring.GetMetricStatistics", func(ctx context.Context, c aws.Config) (any, error) {
			return cloudwatch.NewFromConfig(c).GetMetricStatistics(ctx, &cloudwatch.GetMetricStatisticsInput{
				Namespace: aws.String("AWS/Lambda"), MetricName: aws.String("Duration"), Period: aws.Int32(3600), StartTime: aws.Time(noon.Add(-48 * time.Hour)),
				EndTime: aws.Time(noon), Statistics: []cwtypes.Statistic{"Sum", "Maximum"}, ExtendedStatistics: []string{"p99"},
			})
		}},
		{"logs.DescribeLogGroups", func(ctx context.Context, c aws.Config) (any, error) {
			return cloudwatchlogs.NewFromConfig(c).DescribeLogGroups(ctx, &cloudwatchlogs.DescribeLogGroupsInput{LogGroupNamePrefix: aws.String("/aws/")})
		}},
		{"logs.StartQuery", func(ctx context.Context, c aws.Config) (any, error) {
			return cloudwatchlogs.NewFromConfig(c).StartQuery(ctx, startQueryInput(`SOURCE logGroups(namePrefix: ["/aws/lambda/"]) | filter @type="REPORT" | stats count(*) by @log`))
		}},
		{"ce.GetCostAndUsage", func(ctx context.Context, c aws.Config) (any, error) {
			return costexplorer.NewFromConfig(c).GetCostAndUsage(ctx, &costexplorer.GetCostAndUsageInput{
				TimePeriod: day, Granularity: "DAILY", Metrics: []string{"UnblendedCost", "UsageQuantity"},
				GroupBy: []cetypes.GroupDefinition{{Type: "DIMENSION", Key: aws.String("SERVICE")}, {Type: "TAG", Key: aws.String("owner")}},
			})
		}},
		{"ce.GetTags", func(ctx context.Context, c aws.Config) (any, error) {
			return costexplorer.NewFromConfig(c).GetTags(ctx, &costexplorer.GetTagsInput{TimePeriod: day})
		}},
		{"ce.GetDimensionValues", func(ctx context.Context, c aws.Config) (any, error) {
			return costexplorer.NewFromConfig(c).GetDimensionValues(ctx, &costexplorer.GetDimensionValuesInput{TimePeriod: day, Dimension: "SERVICE"})
		}},
		{"tagging.GetResources", func(ctx context.Context, c aws.Config) (any, error) {
			return resourcegroupstaggingapi.NewFromConfig(c).GetResources(ctx, &resourcegroupstaggingapi.GetResourcesInput{ResourceTypeFilters: []string{"lambda", "ec2:subnet"}})
		}},
		{"sqs.ListQueues", func(ctx context.Context, c aws.Config) (any, error) { return sqs.NewFromConfig(c).ListQueues(ctx, nil) }},
		{"sqs.GetQueueAttributes", func(ctx context.Context, c aws.Config) (any, error) {
			return sqs.NewFromConfig(c).GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{
				QueueUrl: aws.String("https://sqs.us-east-1.amazonaws.com/111122223333/jobs"), AttributeNames: []sqstypes.QueueAttributeName{"All"},
			})
		}},
		{"sns.ListTopics", func(ctx context.Context, c aws.Config) (any, error) { return sns.NewFromConfig(c).ListTopics(ctx, nil) }},
		{"sns.ListSubscriptions", func(ctx context.Context, c aws.Config) (any, error) {
			return sns.NewFromConfig(c).ListSubscriptions(ctx, nil)
		}},
		{"sns.ListSubscriptionsByTopic", func(ctx context.Context, c aws.Config) (any, error) {
			return sns.NewFromConfig(c).ListSubscriptionsByTopic(ctx, &sns.ListSubscriptionsByTopicInput{TopicArn: topic})
		}},
		{"sns.GetTopicAttributes", func(ctx context.Context, c aws.Config) (any, error) {
			return sns.NewFromConfig(c).GetTopicAttributes(ctx, &sns.GetTopicAttributesInput{TopicArn: topic})
		}},
		{"sns.GetSubscriptionAttributes", func(ctx context.Context, c aws.Config) (any, error) {
			return sns.NewFromConfig(c).GetSubscriptionAttributes(ctx, &sns.GetSubscriptionAttributesInput{SubscriptionArn: aws.String(*topic + ":007")})
		}},
		{"s3.ListBuckets", func(ctx context.Context, c aws.Config) (any, error) { return s3.NewFromConfig(c).ListBuckets(ctx, nil) }},
		{"s3.GetBucketLocation", func(ctx context.Context, c aws.Config) (any, error) {
			return s3.NewFromConfig(c).GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: aws.String("archive")})
		}},
		{"s3.GetBucketNotificationConfiguration", func(ctx context.Context, c aws.Config) (any, error) {
			return s3.NewFromConfig(c).GetBucketNotificationConfiguration(ctx, &s3.GetBucketNotificationConfigurationInput{Bucket: aws.String("uploads")})
		}},
		{"oam.ListSinks", func(ctx context.Context, c aws.Config) (any, error) {
			return oam.NewFromConfig(c).ListSinks(ctx, nil)
		}},
		{"oam.ListAttachedLinks", func(ctx context.Context, c aws.Config) (any, error) {
			sink := "arn:aws:oam:us-east-1:111122223333:sink/" + oamID("sink", "111122223333", "us-east-1")
			return oam.NewFromConfig(c).ListAttachedLinks(ctx, &oam.ListAttachedLinksInput{SinkIdentifier: aws.String(sink)})
		}},
		{"events.ListEventBuses", func(ctx context.Context, c aws.Config) (any, error) {
			return eventbridge.NewFromConfig(c).ListEventBuses(ctx, nil)
		}},
		{"events.ListRules", func(ctx context.Context, c aws.Config) (any, error) {
			return eventbridge.NewFromConfig(c).ListRules(ctx, nil)
		}},
		{"events.DescribeRule", func(ctx context.Context, c aws.Config) (any, error) {
			return eventbridge.NewFromConfig(c).DescribeRule(ctx, &eventbridge.DescribeRuleInput{Name: aws.String("placed"), EventBusName: aws.String("orders")})
		}},
		{"events.ListTargetsByRule", func(ctx context.Context, c aws.Config) (any, error) {
			return eventbridge.NewFromConfig(c).ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: aws.String("nightly")})
		}},
		{"iam.GetAccountAuthorizationDetails", func(ctx context.Context, c aws.Config) (any, error) {
			return iam.NewFromConfig(c).GetAccountAuthorizationDetails(ctx, nil)
		}},
		{"iam.GenerateServiceLastAccessedDetails", func(ctx context.Context, c aws.Config) (any, error) {
			return iam.NewFromConfig(c).GenerateServiceLastAccessedDetails(ctx, &iam.GenerateServiceLastAccessedDetailsInput{Arn: aws.String("arn:aws:iam::111122223333:role/service/worker")})
		}},
		{"iam.GetRole", func(ctx context.Context, c aws.Config) (any, error) {
			return iam.NewFromConfig(c).GetRole(ctx, &iam.GetRoleInput{RoleName: role})
		}},
		{"iam.ListRolePolicies", func(ctx context.Context, c aws.Config) (any, error) {
			return iam.NewFromConfig(c).ListRolePolicies(ctx, &iam.ListRolePoliciesInput{RoleName: role})
		}},
		{"iam.GetRolePolicy", func(ctx context.Context, c aws.Config) (any, error) {
			return iam.NewFromConfig(c).GetRolePolicy(ctx, &iam.GetRolePolicyInput{RoleName: role, PolicyName: aws.String("queue")})
		}},
		{"iam.ListAttachedRolePolicies", func(ctx context.Context, c aws.Config) (any, error) {
			return iam.NewFromConfig(c).ListAttachedRolePolicies(ctx, &iam.ListAttachedRolePoliciesInput{RoleName: role})
		}},
		{"iam.GetPolicy", func(ctx context.Context, c aws.Config) (any, error) {
			return iam.NewFromConfig(c).GetPolicy(ctx, &iam.GetPolicyInput{PolicyArn: aws.String("arn:aws:iam::aws:policy/AdministratorAccess")})
		}},
		{"iam.GetPolicyVersion", func(ctx context.Context, c aws.Config) (any, error) {
			return iam.NewFromConfig(c).GetPolicyVersion(ctx, &iam.GetPolicyVersionInput{PolicyArn: aws.String("arn:aws:iam::111122223333:policy/boundary"), VersionId: aws.String("v3")})
		}},
	}, lambdaCalls(worker), ec2Calls(), organizationCalls(), guardCalls(), costCalls(day), lambdaFamilyCalls(worker), wiringCalls())
}

func lambdaCalls(worker *string) []sdkCall {
	return []sdkCall{
		{"lambda.ListFunctions", func(ctx context.Context, c aws.Config) (any, error) {
			return lambda.NewFromConfig(c).ListFunctions(ctx, nil)
		}},
		{"lambda.GetFunction", func(ctx context.Context, c aws.Config) (any, error) {
			return lambda.NewFromConfig(c).GetFunction(ctx, &lambda.GetFunctionInput{FunctionName: worker})
		}},
		{"lambda.GetFunctionConfiguration", func(ctx context.Context, c aws.Config) (any, error) {
			return lambda.NewFromConfig(c).GetFunctionConfiguration(ctx, &lambda.GetFunctionConfigurationInput{FunctionName: worker, Qualifier: aws.String("live")})
		}},
		{"lambda.GetFunctionConcurrency", func(ctx context.Context, c aws.Config) (any, error) {
			return lambda.NewFromConfig(c).GetFunctionConcurrency(ctx, &lambda.GetFunctionConcurrencyInput{FunctionName: worker})
		}},
		{"lambda.ListTags", func(ctx context.Context, c aws.Config) (any, error) {
			return lambda.NewFromConfig(c).ListTags(ctx, &lambda.ListTagsInput{Resource: aws.String(lambdaARN + "worker")})
		}},
		{"lambda.GetPolicy", func(ctx context.Context, c aws.Config) (any, error) {
			return lambda.NewFromConfig(c).GetPolicy(ctx, &lambda.GetPolicyInput{FunctionName: aws.String(lambdaARN + "worker")})
		}},
		{"lambda.ListEventSourceMappings", func(ctx context.Context, c aws.Config) (any, error) {
			return lambda.NewFromConfig(c).ListEventSourceMappings(ctx, nil)
		}},
		{"lambda.GetEventSourceMapping", func(ctx context.Context, c aws.Config) (any, error) {
			return lambda.NewFromConfig(c).GetEventSourceMapping(ctx, &lambda.GetEventSourceMappingInput{UUID: aws.String("bb57fe00-6653-4ea8-a32e-13b4fc98a4f0")})
		}},
		{"lambda.ListFunctionEventInvokeConfigs", func(ctx context.Context, c aws.Config) (any, error) {
			return lambda.NewFromConfig(c).ListFunctionEventInvokeConfigs(ctx, &lambda.ListFunctionEventInvokeConfigsInput{FunctionName: worker})
		}},
		{"lambda.GetFunctionEventInvokeConfig", func(ctx context.Context, c aws.Config) (any, error) {
			return lambda.NewFromConfig(c).GetFunctionEventInvokeConfig(ctx, &lambda.GetFunctionEventInvokeConfigInput{FunctionName: worker})
		}},
		{"lambda.ListAliases", func(ctx context.Context, c aws.Config) (any, error) {
			return lambda.NewFromConfig(c).ListAliases(ctx, &lambda.ListAliasesInput{FunctionName: worker})
		}},
		{"lambda.ListVersionsByFunction", func(ctx context.Context, c aws.Config) (any, error) {
			return lambda.NewFromConfig(c).ListVersionsByFunction(ctx, &lambda.ListVersionsByFunctionInput{FunctionName: worker})
		}},
		{"lambda.ListProvisionedConcurrencyConfigs", func(ctx context.Context, c aws.Config) (any, error) {
			return lambda.NewFromConfig(c).ListProvisionedConcurrencyConfigs(ctx, &lambda.ListProvisionedConcurrencyConfigsInput{FunctionName: worker})
		}},
		{"lambda.GetFunctionRecursionConfig", func(ctx context.Context, c aws.Config) (any, error) {
			return lambda.NewFromConfig(c).GetFunctionRecursionConfig(ctx, &lambda.GetFunctionRecursionConfigInput{FunctionName: worker})
		}},
		{"lambda.GetAccountSettings", func(ctx context.Context, c aws.Config) (any, error) {
			return lambda.NewFromConfig(c).GetAccountSettings(ctx, nil)
		}},
	}
}

func ec2Calls() []sdkCall {
	return []sdkCall{
		{"ec2.DescribeSubnets", func(ctx context.Context, c aws.Config) (any, error) {
			return ec2.NewFromConfig(c).DescribeSubnets(ctx, nil)
		}},
		{"ec2.DescribeSecurityGroups", func(ctx context.Context, c aws.Config) (any, error) {
			return ec2.NewFromConfig(c).DescribeSecurityGroups(ctx, nil)
		}},
		{"ec2.DescribeRouteTables", func(ctx context.Context, c aws.Config) (any, error) {
			return ec2.NewFromConfig(c).DescribeRouteTables(ctx, nil)
		}},
		{"ec2.DescribeNatGateways", func(ctx context.Context, c aws.Config) (any, error) {
			return ec2.NewFromConfig(c).DescribeNatGateways(ctx, nil)
		}},
		{"ec2.DescribeVpcEndpoints", func(ctx context.Context, c aws.Config) (any, error) {
			return ec2.NewFromConfig(c).DescribeVpcEndpoints(ctx, nil)
		}},
		{"ec2.DescribeNetworkInterfaces", func(ctx context.Context, c aws.Config) (any, error) {
			return ec2.NewFromConfig(c).DescribeNetworkInterfaces(ctx, nil)
		}},
		{"ec2.DescribeRegions", func(ctx context.Context, c aws.Config) (any, error) {
			return ec2.NewFromConfig(c).DescribeRegions(ctx, &ec2.DescribeRegionsInput{AllRegions: aws.Bool(true)})
		}},
		{"iam.SimulatePrincipalPolicy", func(ctx context.Context, c aws.Config) (any, error) {
			return iam.NewFromConfig(c).SimulatePrincipalPolicy(ctx, &iam.SimulatePrincipalPolicyInput{
				PolicySourceArn: aws.String("arn:aws:iam::111122223333:role/reader"), ActionNames: []string{"lambda:ListFunctions", "lambda:GetPolicy"},
			})
		}},
		{"ec2.DescribeVpcs", func(ctx context.Context, c aws.Config) (any, error) {
			return ec2.NewFromConfig(c).DescribeVpcs(ctx, nil)
		}},
		{"ec2.DescribeVpcPeeringConnections", func(ctx context.Context, c aws.Config) (any, error) {
			return ec2.NewFromConfig(c).DescribeVpcPeeringConnections(ctx, nil)
		}},
	}
}

func metricData(metric, stat string, period int32, from, to time.Time) *cloudwatch.GetMetricDataInput {
	return &cloudwatch.GetMetricDataInput{
		StartTime: aws.Time(from), EndTime: aws.Time(to), ScanBy: "TimestampAscending",
		MetricDataQueries: []cwtypes.MetricDataQuery{{Id: aws.String("m1"), MetricStat: &cwtypes.MetricStat{
			Metric: &cwtypes.Metric{Namespace: aws.String("AWS/Lambda"), MetricName: aws.String(metric), Dimensions: []cwtypes.Dimension{{Name: aws.String("FunctionName"), Value: aws.String("worker")}}},
			Period: aws.Int32(period), Stat: aws.String(stat),
		}}},
	}
}

func startQueryInput(query string) *cloudwatchlogs.StartQueryInput {
	return &cloudwatchlogs.StartQueryInput{
		StartTime: aws.Int64(noon.Add(-24 * time.Hour).Unix()), EndTime: aws.Int64(noon.Unix()), QueryString: aws.String(query),
	}
}

// TestEveryOperation asks every operation with the SDK's client and compares
// what the client read with what the handler said, member for member.
func TestEveryOperation(t *testing.T) {
	t.Parallel()
	h := serve(t, Options{World: testWorld(), Limits: Limits{Off: true}})
	for _, test := range sdkCalls() {
		t.Run(test.name, func(t *testing.T) {
			t.Parallel()
			out, err := test.call(context.Background(), h.config("us-east-1"))
			if err != nil {
				t.Fatal(err)
			}
			h.mu.Lock()
			answer, ok := h.answered[test.name]
			h.mu.Unlock()
			if !ok {
				t.Fatal("the server answered another operation")
			}
			if faults := matchWire(test.name, answer, reflect.ValueOf(out)); len(faults) > 0 {
				t.Error(strings.Join(faults, "\n"))
			}
		})
	}
}

// TestEveryOperationIsTested holds the table above to the services' own lists.
// The operations that need a query begun before have tests of their own.
func TestEveryOperationIsTested(t *testing.T) {
	t.Parallel()
	tested := map[string]bool{"logs.GetQueryResults": true, "logs.StopQuery": true, "logs.FilterLogEvents": true, "iam.GetServiceLastAccessedDetails": true}
	for _, call := range sdkCalls() {
		tested[call.name] = true
	}
	for _, svc := range services() {
		for _, op := range svc.operations {
			if op.run != nil && !tested[svc.name+"."+op.name] {
				t.Errorf("%s.%s is not tested", svc.name, op.name)
			}
		}
	}
}
