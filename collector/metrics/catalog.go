package metrics

import (
	"fmt"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/aws/arn"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

const lambda = "AWS/Lambda"

// statistic is what is asked of a metric.
type statistic struct{ metric, stat string }

// Throttled calls are no invocations: a function with no concurrency left has
// throttles alone, so both are asked of every function. A dropped recursive
// invocation has some sixteen others before it, so it can wait for the second.
var firstStage = []statistic{{"Invocations", "Sum"}, {"Throttles", "Sum"}}

// Of durations, Average is not asked for: it is the Sum divided by Invocations, and every
// statistic is billed.
var secondStage = []statistic{
	{"Errors", "Sum"},
	{"Duration", "Sum"},
	{"Duration", "Maximum"},
	{"Duration", "p99"},
	{"ConcurrentExecutions", "Maximum"},
	{"RecursiveInvocationsDropped", "Sum"},
}

var asyncArrival = []statistic{{"AsyncEventsReceived", "Sum"}}

var asyncStage = []statistic{
	{"AsyncEventAge", "Maximum"},
	{"AsyncEventsDropped", "Sum"},
	{"DeadLetterErrors", "Sum"},
	{"DestinationDeliveryFailures", "Sum"},
}

var streamStage = []statistic{{"IteratorAge", "Maximum"}}

var kafkaStage = []statistic{{"OffsetLag", "Maximum"}}

// Lambda Insights' own metrics, of functions that have its layer.
var insightsMetrics = []statistic{
	{"memory_utilization", "Maximum"},
	{"used_memory_max", "Maximum"},
	{"init_duration", "Maximum"},
	{"tmp_used", "Maximum"},
}

var regionMetrics = []statistic{
	{"ConcurrentExecutions", "Maximum"},
	{"UnreservedConcurrentExecutions", "Maximum"},
	{"ClaimedAccountConcurrency", "Maximum"},
}

var provisionedMetrics = []statistic{
	{"ProvisionedConcurrentExecutions", "Maximum"},
	{"ProvisionedConcurrencyUtilization", "Maximum"},
	{"ProvisionedConcurrencyInvocations", "Sum"},
	{"ProvisionedConcurrencySpilloverInvocations", "Sum"},
}

// Each version that an alias divides its traffic among: what a comparison of the
// two needs. Concurrency is the function's as a whole.
var weightedMetrics = []statistic{
	{"Invocations", "Sum"},
	{"Errors", "Sum"},
	{"Duration", "Sum"},
	{"Duration", "Maximum"},
}

// The opt-in metrics of a mapping's EventCount group.
var mappingMetrics = []statistic{
	{"PolledEventCount", "Sum"},
	{"FilteredOutEventCount", "Sum"},
	{"InvokedEventCount", "Sum"},
	{"FailedInvokeEventCount", "Sum"},
	{"DroppedEventCount", "Sum"},
	{"OnFailureDestinationDeliveredEventCount", "Sum"},
	{"DeletedEventCount", "Sum"},
}

var ruleMetrics = []statistic{{"FailedInvocations", "Sum"}}

var queueMetrics = []statistic{
	{"NumberOfMessagesSent", "Sum"},
	{"ApproximateNumberOfMessagesVisible", "Maximum"},
	{"ApproximateAgeOfOldestMessage", "Maximum"},
}

var natMetrics = []statistic{
	{"BytesOutToDestination", "Sum"},
	{"BytesInFromDestination", "Sum"},
	{"BytesInFromSource", "Sum"},
}

var logGroupMetrics = []statistic{{"IncomingBytes", "Sum"}}

// target is a resource and what is asked of it.
type target struct {
	account, namespace, resource, qualifier string
	dimensions                              []types.Dimension
	statistics                              []statistic
}

// mark is the target's key among the marks; a region's own is its account.
func (t target) mark() string {
	switch {
	case t.resource == "":
		return t.account
	case t.qualifier == "":
		return t.resource
	}
	return t.resource + ":" + t.qualifier
}

func (t target) series() unit {
	list := make(unit, len(t.statistics))
	for i, s := range t.statistics {
		list[i] = series{target: t, statistic: s}
	}
	return list
}

// series is one statistic of one metric of one resource.
type series struct {
	target
	statistic
}

func dimension(name, value string) types.Dimension {
	return types.Dimension{Name: aws.String(name), Value: aws.String(value)}
}

func functionTarget(f schema.Function) target {
	return target{
		account: f.Account, namespace: lambda, resource: f.FunctionARN,
		dimensions: []types.Dimension{dimension("FunctionName", f.FunctionName)},
	}
}

// namedTarget is the function that an ARN names, whether it is still there or not.
func namedTarget(r *collect.Run, functionARN string) target {
	return functionTarget(namedFunction(r, functionARN))
}

func namedFunction(r *collect.Run, functionARN string) schema.Function {
	f := schema.Function{Account: r.Account, Region: r.Region, FunctionARN: functionARN, Version: "$LATEST"}
	if a, err := arn.Parse(functionARN); err == nil {
		f.Account, f.FunctionName = a.AccountID, strings.TrimPrefix(a.Resource, "function:")
	}
	return f
}

// insightsLayer is in the ARN of the layer that AWS publishes in every region,
// under an account of its own in each partition.
const insightsLayer = ":layer:LambdaInsightsExtension"

func hasInsights(f schema.Function) bool {
	return slices.ContainsFunc(f.Layers, func(layer string) bool { return strings.Contains(layer, insightsLayer) })
}

func insightsTarget(f schema.Function) target {
	return target{
		account: f.Account, namespace: "LambdaInsights", resource: f.FunctionARN,
		dimensions: []types.Dimension{dimension("function_name", f.FunctionName)}, statistics: insightsMetrics,
	}
}

// provisionedTargets are aliases and versions with provisioned concurrency,
// given as qualified ARNs. What an idle one does not emit is zero.
func provisionedTargets(r *collect.Run, qualified []string) []target {
	var list []target
	for _, text := range qualified {
		if f, rest, ok := qualifiedFunction(r, text, 1); ok {
			t := functionTarget(f)
			t.qualifier, t.statistics = rest[0], provisionedMetrics
			t.dimensions = append(t.dimensions, dimension("Resource", f.FunctionName+":"+rest[0]))
			list = append(list, t)
		}
	}
	return list
}

// weightedTargets are the versions that weighted aliases send traffic to,
// given as ARNs with alias and version: arn:…:function:NAME:ALIAS:VERSION.
func weightedTargets(r *collect.Run, qualified []string) []target {
	var list []target
	for _, text := range qualified {
		if f, rest, ok := qualifiedFunction(r, text, 2); ok {
			t := functionTarget(f)
			t.qualifier, t.statistics = rest[0]+":"+rest[1], weightedMetrics
			t.dimensions = append(t.dimensions, dimension("Resource", f.FunctionName+":"+rest[0]), dimension("ExecutedVersion", rest[1]))
			list = append(list, t)
		}
	}
	return list
}

// qualifiedFunction takes an ARN with n parts after the function's name apart.
func qualifiedFunction(r *collect.Run, text string, n int) (f schema.Function, rest []string, ok bool) {
	a, err := arn.Parse(text)
	parts := strings.Split(a.Resource, ":") // function:NAME:…
	if err != nil || len(parts) != 2+n {
		return schema.Function{}, nil, false
	}
	a.Resource = strings.Join(parts[:2], ":")
	return namedFunction(r, a.String()), parts[2:], true
}

func mappingTargets(r *collect.Run, arns []string) []target {
	var list []target
	for _, text := range arns {
		if _, uuid, ok := strings.Cut(text, ":event-source-mapping:"); ok {
			list = append(list, target{
				account: r.Account, namespace: lambda, resource: text,
				dimensions: []types.Dimension{dimension("EventSourceMappingUUID", uuid)}, statistics: mappingMetrics,
			})
		}
	}
	return list
}

// ruleTargets are EventBridge rules: rule/NAME on the default bus, else rule/BUS/NAME.
func ruleTargets(r *collect.Run, arns []string) []target {
	var list []target
	for _, text := range arns {
		_, path, ok := strings.Cut(text, ":rule/")
		if !ok {
			continue
		}
		t := target{account: r.Account, namespace: "AWS/Events", resource: text, statistics: ruleMetrics}
		if at := strings.LastIndex(path, "/"); at >= 0 {
			t.dimensions = append(t.dimensions, dimension("EventBusName", path[:at]))
			path = path[at+1:]
		}
		t.dimensions = append(t.dimensions, dimension("RuleName", path))
		list = append(list, t)
	}
	return list
}

// databaseTargets are the databases that functions of a VPC connect to. Those
// whose service counts no connections by what the ARN names are left out.
func databaseTargets(r *collect.Run, arns []string) []target {
	kinds := map[string]struct{ namespace, metric, dimension string }{
		"rds:db":              {"AWS/RDS", "DatabaseConnections", "DBInstanceIdentifier"},
		"rds:cluster":         {"AWS/RDS", "DatabaseConnections", "DBClusterIdentifier"},
		"redshift:cluster":    {"AWS/Redshift", "DatabaseConnections", "ClusterIdentifier"},
		"elasticache:cluster": {"AWS/ElastiCache", "CurrConnections", "CacheClusterId"},
	}
	var list []target
	for _, text := range arns {
		a, err := arn.Parse(text)
		kind, id, _ := strings.Cut(a.Resource, ":")
		k, known := kinds[a.Service+":"+kind]
		if err != nil || !known || id == "" || a.AccountID != r.Account || a.Region != r.Region {
			continue
		}
		list = append(list, target{
			account: r.Account, namespace: k.namespace, resource: text,
			dimensions: []types.Dimension{dimension(k.dimension, id)}, statistics: []statistic{{k.metric, "Maximum"}},
		})
	}
	return list
}

// queueTargets are the queues that other collectors have found and those that
// functions name: as dead-letter queues and in their environment variables.
func queueTargets(r *collect.Run, found []string) []target {
	arns := slices.Clone(found)
	for _, f := range r.Functions {
		for _, ref := range append([]string{f.DLQARN}, f.EnvRefs...) {
			arns = append(arns, queueARN(ref, r.Partition))
		}
	}
	slices.Sort(arns)
	var list []target
	for _, text := range slices.Compact(arns) {
		a, err := arn.Parse(text)
		if err != nil || a.Service != "sqs" || a.AccountID != r.Account || a.Region != r.Region {
			continue // no queue, or one whose metrics are kept elsewhere
		}
		list = append(list, target{
			account: r.Account, namespace: "AWS/SQS", resource: text,
			dimensions: []types.Dimension{dimension("QueueName", a.Resource)}, statistics: queueMetrics,
		})
	}
	return list
}

// queueARN is the ARN of a queue given as an ARN or as a URL:
// https://sqs.REGION.amazonaws.com/ACCOUNT/NAME.
func queueARN(ref, partition string) string {
	rest, isURL := strings.CutPrefix(ref, "https://sqs.")
	if !isURL {
		return ref
	}
	host, path, _ := strings.Cut(rest, "/")
	region, _, _ := strings.Cut(host, ".")
	account, name, ok := strings.Cut(strings.TrimSuffix(path, "/"), "/")
	if !ok || strings.Contains(name, "/") {
		return ""
	}
	return fmt.Sprintf("arn:%s:sqs:%s:%s:%s", partition, region, account, name)
}

func natTargets(r *collect.Run, arns []string) []target {
	var list []target
	for _, text := range arns {
		_, id, ok := strings.Cut(text, ":natgateway/")
		if !ok {
			continue
		}
		list = append(list, target{
			account: r.Account, namespace: "AWS/NATGateway", resource: text,
			dimensions: []types.Dimension{dimension("NatGatewayId", id)}, statistics: natMetrics,
		})
	}
	return list
}

// logGroupTargets are the log groups of functions that did something: the
// others' groups grow by nothing.
func logGroupTargets(r *collect.Run, names []string) []target {
	slices.Sort(names)
	var list []target
	for _, name := range slices.Compact(names) {
		list = append(list, target{
			account: r.Account, namespace: "AWS/Logs",
			resource:   fmt.Sprintf("arn:%s:logs:%s:%s:log-group:%s", r.Partition, r.Region, r.Account, name),
			dimensions: []types.Dimension{dimension("LogGroupName", name)}, statistics: logGroupMetrics,
		})
	}
	return list
}
