// Package triggers collects who can make a function run: event source
// mappings, resource policies, notifications, subscriptions, rules, and where
// results and failures go from there.
package triggers

import (
	"context"
	_ "embed"
	"encoding/json"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/lambda"
	"golang.org/x/sync/errgroup"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

//go:embed doc.md
var doc string

// Collector reads the triggers of one region.
var Collector = &collect.Collector{
	Name:   "triggers",
	Title:  "what invokes functions, and where their results and failures go",
	Doc:    doc,
	Writes: []string{"edges", "event_source_mappings", "event_source_mapping_details", "event_invoke_configs", "function_policy_statements", "queues"},
	Reads:  []string{"functions", "aliases"},
	Actions: []collect.Action{
		{Name: "lambda:ListEventSourceMappings", Blinds: "queues, streams and tables that invoke functions"},
		{Name: "lambda:GetPolicy", Blinds: "who may invoke a function, or one of its aliases: sources in other accounts and services that cannot be asked themselves"},
		{Name: "lambda:ListFunctionEventInvokeConfigs", Blinds: "destinations, retries and event age of asynchronous invocations"},
		{Name: "sqs:ListQueues", Blinds: "queues, their visibility timeouts and dead-letter queues"},
		{Name: "sqs:GetQueueAttributes", Blinds: "a queue's visibility timeout and dead-letter queue"},
		{Name: "sns:ListSubscriptions", Blinds: "topics that invoke functions or feed queues"},
		{Name: "sns:GetSubscriptionAttributes", Blinds: "filter policies of subscriptions: they then count as unfiltered"},
		{Name: "s3:ListAllMyBuckets", Blinds: "buckets whose notifications invoke functions"},
		{Name: "s3:GetBucketLocation", Blinds: "the region of buckets listed without one"},
		{Name: "s3:GetBucketNotification", Blinds: "a bucket's notifications"},
		{Name: "events:ListEventBuses", Blinds: "event buses other than the default one"},
		{Name: "events:ListRules", Blinds: "rules and schedules of a bus"},
		{Name: "events:ListTargetsByRule", Blinds: "what a rule invokes"},
	},
	Scope:    collect.PerRegion,
	Every:    every,
	Timeout:  45 * time.Minute,
	Params:   []collect.Param{collect.PeriodParam("resource policies and event invoke configs")},
	Estimate: estimate,
	Collect:  run,
}

const (
	every  = 6 * time.Hour
	atOnce = 8
	// Of a hundred functions, so many have an alias, and with it a version in
	// use, that may have a policy of its own: the estimate assumes it.
	published = 0.2
)

// estimate: in each run eight listings a region, and a call for whatever feeds
// a function; in each period two calls a function, and two more for those with
// an alias.
func estimate(i collect.Inventory) collect.APICost {
	functions := float64(i.Functions)
	run, period := 8*i.Scopes()+functions, functions*(2+2*published)
	return collect.APICost{Calls: run*collect.RunsPerMonth(every) + period*collect.RunsPerMonth(collect.DefaultPeriod)}
}

// reader is one run.
type reader struct {
	*collect.Run
	lambda *lambda.Client
}

// run reads the sources side by side: each has a quota of its own, and none
// waits for another. An error is the end of the run; everything else is a gap.
func run(ctx context.Context, r *collect.Run) error {
	t := &reader{Run: r, lambda: lambda.NewFromConfig(r.AWS)}
	group, ctx := errgroup.WithContext(ctx)
	for _, source := range []struct {
		name string
		read func(context.Context) error
	}{
		{"event source mappings", t.readMappings},
		{"resource policies", t.readPolicies},
		{"event invoke configs", t.readInvokeConfigs},
		{"dead-letter queues of functions", t.writeDeadLetters},
		{"queues", t.readQueues},
		{"subscriptions", t.readSubscriptions},
		{"bucket notifications", t.readBuckets},
		{"event rules", t.readBuses},
	} {
		group.Go(func() error {
			if err := source.read(ctx); err != nil {
				return fmt.Errorf("read %s: %w", source.name, err)
			}
			return nil
		})
	}
	return group.Wait()
}

// edge is an edge of this run between two ARNs, each reduced to its node.
func (t *reader) edge(source, kind, src, dst, via string) schema.Edge {
	return t.Edge(source, kind, src, dst, via)
}

// writeDeadLetters needs no call: the inventory names the targets.
func (t *reader) writeDeadLetters(ctx context.Context) error {
	var edges []schema.Edge
	for _, fn := range t.Functions {
		if fn.DLQARN != "" {
			edges = append(edges, t.edge("function", "dlq", fn.FunctionARN, fn.DLQARN, "DeadLetterConfig"))
		}
	}
	t.Complete("edges", "function")
	return collect.Put(ctx, t.Run, edges...)
}

// compact is a value as one line of JSON, "" when it is empty.
func compact(v any) string {
	text, err := json.Marshal(v)
	if err != nil || string(text) == "{}" || string(text) == "null" {
		return ""
	}
	return string(text)
}
