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
	{"AsyncEventsReceived", "Sum"},
	{"RecursiveInvocationsDropped", "Sum"},
}

var asyncStage = []statistic{
	{"AsyncEventAge", "Maximum"},
	{"AsyncEventsDropped", "Sum"},
	{"DeadLetterErrors", "Sum"},
	{"DestinationDeliveryFailures", "Sum"},
}

var streamStage = []statistic{{"IteratorAge", "Maximum"}}

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
	namespace, resource, qualifier string
	dimensions                     []types.Dimension
	statistics                     []statistic
}

// mark is the target's key among the marks; the region's own is empty.
func (t target) mark() string {
	if t.qualifier == "" {
		return t.resource
	}
	return t.resource + ":" + t.qualifier
}

func (t target) series(s statistic) series {
	return series{target: t, statistic: s}
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
		namespace: lambda, resource: f.FunctionARN,
		dimensions: []types.Dimension{dimension("FunctionName", f.FunctionName)},
	}
}

// expand lists the series to ask of functions, and which function each is of.
func expand(functions []schema.Function, ask func(i int) []statistic) (list []series, owner []int) {
	for i, f := range functions {
		statistics := ask(i)
		if len(statistics) == 0 {
			continue
		}
		t := functionTarget(f)
		for _, s := range statistics {
			list, owner = append(list, t.series(s)), append(owner, i)
		}
	}
	return list, owner
}

// provisionedTargets are aliases and versions with provisioned concurrency,
// given as qualified ARNs.
func provisionedTargets(qualified []string) []target {
	var list []target
	for _, text := range qualified {
		a, err := arn.Parse(text)
		parts := strings.Split(a.Resource, ":") // function:NAME:QUALIFIER
		if err != nil || len(parts) != 3 {
			continue
		}
		list = append(list, target{
			namespace: lambda, resource: strings.TrimSuffix(text, ":"+parts[2]), qualifier: parts[2],
			dimensions: []types.Dimension{dimension("FunctionName", parts[1]), dimension("Resource", parts[1]+":"+parts[2])},
			statistics: provisionedMetrics,
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
			namespace: "AWS/SQS", resource: text,
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

func natTargets(arns []string) []target {
	var list []target
	for _, text := range arns {
		_, id, ok := strings.Cut(text, ":natgateway/")
		if !ok {
			continue
		}
		list = append(list, target{
			namespace: "AWS/NATGateway", resource: text,
			dimensions: []types.Dimension{dimension("NatGatewayId", id)}, statistics: natMetrics,
		})
	}
	return list
}

// logGroupTargets are the log groups of functions that did something: the
// others' groups grow by nothing.
func logGroupTargets(r *collect.Run, active []schema.Function) []target {
	var names []string
	for _, f := range active {
		if f.LogGroup != "" {
			names = append(names, f.LogGroup)
		}
	}
	slices.Sort(names)
	var list []target
	for _, name := range slices.Compact(names) {
		list = append(list, target{
			namespace:  "AWS/Logs",
			resource:   fmt.Sprintf("arn:%s:logs:%s:%s:log-group:%s", r.Partition, r.Region, r.Account, name),
			dimensions: []types.Dimension{dimension("LogGroupName", name)}, statistics: logGroupMetrics,
		})
	}
	return list
}
