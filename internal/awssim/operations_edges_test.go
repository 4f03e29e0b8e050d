package awssim

import (
	"context"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/apigateway"
	"github.com/aws/aws-sdk-go-v2/service/apigatewayv2"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/kafka"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/mq"
	"github.com/aws/aws-sdk-go-v2/service/pipes"
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
)

// fillWiring adds one of everything that invokes functions beside mappings,
// notifications and rules.
func fillWiring(r *Region, tags map[string]string) {
	arn := func(service, resource string) string {
		return "arn:aws:" + service + ":us-east-1:111122223333:" + resource
	}
	bus := arn("events", "event-bus/default")
	r.Schedules = []*Schedule{{
		Name: "daily", ARN: arn("scheduler", "schedule/default/daily"), Group: "default", State: "ENABLED", Expression: "rate(1 day)", Timezone: "UTC", FlexibleMinutes: 15,
		TargetARN: lambdaARN + "worker", Input: `{"x":1}`, RoleARN: "arn:aws:iam::111122223333:role/other", DLQARN: arn("sqs", "dead"), MaximumAgeS: new(3600), MaximumRetries: new(0), CreatedAt: noon,
	}}
	r.Pipes = []*Pipe{{
		Name: "clicks", ARN: arn("pipes", "pipe/clicks"), State: "RUNNING", SourceARN: arn("kinesis", "stream/clicks"), EnrichmentARN: lambdaARN + "worker",
		TargetARN: arn("states", "stateMachine:flow"), RoleARN: "arn:aws:iam::111122223333:role/other", Filters: []string{`{"data":{"a":[1]}}`}, BatchSize: 10, DLQARN: arn("sqs", "dead"), CreatedAt: noon,
	}}
	r.StateMachines = []*StateMachine{{
		Name: "flow", ARN: arn("states", "stateMachine:flow"), Type: "EXPRESS", Definition: `{"StartAt":"A","States":{}}`, RoleARN: "arn:aws:iam::111122223333:role/other",
		LoggingLevel: "ALL", Tracing: true, CreatedAt: noon,
	}}
	stage := APIStage{Name: "prod", ThrottleRate: 50, ThrottleBurst: 100, CacheGB: "0.5", Tracing: true, LoggingLevel: "INFO"}
	r.RESTAPIs = []*API{{
		ID: "a1b2c3d4e5", Name: "shop", Protocol: "REST", EndpointType: "PRIVATE", VPCEndpointIDs: []string{"vpce-2"}, Authorizer: lambdaARN + "image", CreatedAt: noon,
		Routes: []APIRoute{{Method: "POST", Path: "/orders", FunctionARN: lambdaARN + "worker", TimeoutMS: 29_000, Authorization: "CUSTOM"}, {Method: "OPTIONS", Path: "/orders", TimeoutMS: 29_000, Authorization: "NONE"}},
		Stages: []APIStage{stage},
	}}
	r.HTTPAPIs = []*API{{
		ID: "f6g7h8i9j0", Name: "chat", Protocol: "WEBSOCKET", Authorizer: lambdaARN + "image", CreatedAt: noon, Stages: []APIStage{stage},
		Routes: []APIRoute{{Path: "$connect", FunctionARN: lambdaARN + "worker", TimeoutMS: 29_000, Authorization: "CUSTOM"}},
	}}
	r.TargetGroups = []*TargetGroup{{
		Name: "workers", ARN: arn("elasticloadbalancing", "targetgroup/workers/1"), LoadBalancerARN: arn("elasticloadbalancing", "loadbalancer/app/front/2"), FunctionARN: lambdaARN + "worker",
	}}
	r.Streams = []*Stream{{Name: "clicks", ARN: arn("kinesis", "stream/clicks"), Shards: 4, Tags: tags}}
	r.Tables = []*Table{{Name: "orders", ARN: arn("dynamodb", "table/orders"), StreamARN: arn("dynamodb", "table/orders/stream/2025-01-01T00:00:00.000"), Tags: tags}}
	r.Clusters = []*Cluster{
		{Name: "events", ARN: arn("kafka", "cluster/events/u-7"), State: "ACTIVE", Hosts: []string{"b-1.events", "b-2.events"}, SubnetIDs: []string{"subnet-1"}, GroupIDs: []string{"sg-1"}, CreatedAt: noon},
		{Name: "light", ARN: arn("kafka", "cluster/light/u-s1"), State: "ACTIVE", Serverless: true, SubnetIDs: []string{"subnet-1"}, GroupIDs: []string{"sg-1"}, CreatedAt: noon},
	}
	r.Brokers = []*Broker{{
		ID: "b-1", Name: "jobs", ARN: arn("mq", "broker:jobs:b-1"), Engine: "RABBITMQ", State: "RUNNING", Endpoint: "amqps://b-1.mq.us-east-1.on.aws:5671", Public: true,
		SubnetIDs: []string{"subnet-1"}, GroupIDs: []string{"sg-1"}, CreatedAt: noon,
	}}
	r.Archives = []*Archive{{Name: "all", BusARN: bus, State: "ENABLED", RetentionDays: 30, Events: 5, Bytes: 500, CreatedAt: noon}}
	r.BusPolicies = map[string]string{"default": `{"Statement":[]}`}
}

// wiringCalls are one call of every operation that fillWiring answers.
func wiringCalls() []sdkCall {
	machine, cluster := aws.String("arn:aws:states:us-east-1:111122223333:stateMachine:flow"), aws.String("arn:aws:kafka:us-east-1:111122223333:cluster/events/u-7")
	rest, socket := aws.String("a1b2c3d4e5"), aws.String("f6g7h8i9j0")
	return []sdkCall{
		{"events.ListArchives", func(ctx context.Context, c aws.Config) (any, error) {
			return eventbridge.NewFromConfig(c).ListArchives(ctx, nil)
		}},
		{"scheduler.ListSchedules", func(ctx context.Context, c aws.Config) (any, error) {
			return scheduler.NewFromConfig(c).ListSchedules(ctx, nil)
		}},
		{"scheduler.GetSchedule", func(ctx context.Context, c aws.Config) (any, error) {
			return scheduler.NewFromConfig(c).GetSchedule(ctx, &scheduler.GetScheduleInput{Name: aws.String("daily")})
		}},
		{"pipes.ListPipes", func(ctx context.Context, c aws.Config) (any, error) {
			return pipes.NewFromConfig(c).ListPipes(ctx, nil)
		}},
		{"pipes.DescribePipe", func(ctx context.Context, c aws.Config) (any, error) {
			return pipes.NewFromConfig(c).DescribePipe(ctx, &pipes.DescribePipeInput{Name: aws.String("clicks")})
		}},
		{"states.ListStateMachines", func(ctx context.Context, c aws.Config) (any, error) {
			return sfn.NewFromConfig(c).ListStateMachines(ctx, nil)
		}},
		{"states.DescribeStateMachine", func(ctx context.Context, c aws.Config) (any, error) {
			return sfn.NewFromConfig(c).DescribeStateMachine(ctx, &sfn.DescribeStateMachineInput{StateMachineArn: machine})
		}},
		{"apigateway.GetRestApis", func(ctx context.Context, c aws.Config) (any, error) {
			return apigateway.NewFromConfig(c).GetRestApis(ctx, nil)
		}},
		{"apigateway.GetResources", func(ctx context.Context, c aws.Config) (any, error) {
			return apigateway.NewFromConfig(c).GetResources(ctx, &apigateway.GetResourcesInput{RestApiId: rest, Embed: []string{"methods"}})
		}},
		{"apigateway.GetStages", func(ctx context.Context, c aws.Config) (any, error) {
			return apigateway.NewFromConfig(c).GetStages(ctx, &apigateway.GetStagesInput{RestApiId: rest})
		}},
		{"apigateway.GetAuthorizers", func(ctx context.Context, c aws.Config) (any, error) {
			return apigateway.NewFromConfig(c).GetAuthorizers(ctx, &apigateway.GetAuthorizersInput{RestApiId: rest})
		}},
		{"apigateway.GetApis", func(ctx context.Context, c aws.Config) (any, error) {
			return apigatewayv2.NewFromConfig(c).GetApis(ctx, nil)
		}},
		{"apigateway.GetRoutes", func(ctx context.Context, c aws.Config) (any, error) {
			return apigatewayv2.NewFromConfig(c).GetRoutes(ctx, &apigatewayv2.GetRoutesInput{ApiId: socket})
		}},
		{"apigateway.GetIntegrations", func(ctx context.Context, c aws.Config) (any, error) {
			return apigatewayv2.NewFromConfig(c).GetIntegrations(ctx, &apigatewayv2.GetIntegrationsInput{ApiId: socket})
		}},
		{"apigateway.GetHttpStages", func(ctx context.Context, c aws.Config) (any, error) {
			return apigatewayv2.NewFromConfig(c).GetStages(ctx, &apigatewayv2.GetStagesInput{ApiId: socket})
		}},
		{"apigateway.GetHttpAuthorizers", func(ctx context.Context, c aws.Config) (any, error) {
			return apigatewayv2.NewFromConfig(c).GetAuthorizers(ctx, &apigatewayv2.GetAuthorizersInput{ApiId: socket})
		}},
		{"elasticloadbalancing.DescribeTargetGroups", func(ctx context.Context, c aws.Config) (any, error) {
			return elasticloadbalancingv2.NewFromConfig(c).DescribeTargetGroups(ctx, nil)
		}},
		{"elasticloadbalancing.DescribeTargetHealth", func(ctx context.Context, c aws.Config) (any, error) {
			return elasticloadbalancingv2.NewFromConfig(c).DescribeTargetHealth(ctx, &elasticloadbalancingv2.DescribeTargetHealthInput{TargetGroupArn: aws.String("arn:aws:elasticloadbalancing:us-east-1:111122223333:targetgroup/workers/1")})
		}},
		{"kinesis.ListStreams", func(ctx context.Context, c aws.Config) (any, error) {
			return kinesis.NewFromConfig(c).ListStreams(ctx, nil)
		}},
		{"kinesis.DescribeStreamSummary", func(ctx context.Context, c aws.Config) (any, error) {
			return kinesis.NewFromConfig(c).DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamName: aws.String("clicks")})
		}},
		{"dynamodb.ListTables", func(ctx context.Context, c aws.Config) (any, error) {
			return dynamodb.NewFromConfig(c).ListTables(ctx, nil)
		}},
		{"dynamodb.DescribeTable", func(ctx context.Context, c aws.Config) (any, error) {
			return dynamodb.NewFromConfig(c).DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: aws.String("orders")})
		}},
		{"kafka.ListClustersV2", func(ctx context.Context, c aws.Config) (any, error) {
			return kafka.NewFromConfig(c).ListClustersV2(ctx, nil)
		}},
		{"kafka.GetBootstrapBrokers", func(ctx context.Context, c aws.Config) (any, error) {
			return kafka.NewFromConfig(c).GetBootstrapBrokers(ctx, &kafka.GetBootstrapBrokersInput{ClusterArn: cluster})
		}},
		{"mq.ListBrokers", func(ctx context.Context, c aws.Config) (any, error) { return mq.NewFromConfig(c).ListBrokers(ctx, nil) }},
		{"mq.DescribeBroker", func(ctx context.Context, c aws.Config) (any, error) {
			return mq.NewFromConfig(c).DescribeBroker(ctx, &mq.DescribeBrokerInput{BrokerId: aws.String("b-1")})
		}},
	}
}
