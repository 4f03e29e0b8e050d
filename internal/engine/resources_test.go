package engine

import (
	"context"
	"errors"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// What collectors have last read of a scope is what other collectors are told.
func TestResources(t *testing.T) {
	const elsewhere = "arn:aws:lambda:eu-west-1:222222222222:function:theirs"
	queue, rule := "arn:aws:sqs:"+region+":"+account+":orders", "arn:aws:events:"+region+":"+account+":rule/nightly"
	writer := &collect.Collector{
		Name: "writer", Writes: []string{"functions", "aliases", "edges", "event_source_mappings", "queues", "nat_gateways", "provisioned_concurrency"},
		Scope: collect.PerRegion, Every: time.Hour,
		Collect: func(ctx context.Context, r *collect.Run) error {
			mapping := func(uuid, source string) schema.EventSourceMapping {
				return schema.EventSourceMapping{
					Account: account, Region: region, UUID: uuid, FunctionARN: arn(uuid), SourceARN: source, CollectedAt: r.Now,
				}
			}
			edge := func(src, kind string, enabled bool) schema.Edge {
				return schema.Edge{
					Account: account, Region: region, SrcARN: src, DstARN: arn("a"), Kind: kind, SourceKind: "events", SrcKind: "rule", DstKind: "function",
					Enabled: enabled, Attributes: map[string]string{}, CollectedAt: r.Now,
				}
			}
			return errors.Join(
				collect.Put(ctx, r,
					schema.Function{Account: account, Region: region, FunctionARN: arn("a"), FunctionName: "a", Version: "$LATEST", CollectedAt: r.Now},
					schema.Function{Account: "222222222222", Region: region, FunctionARN: elsewhere, FunctionName: "theirs", Version: "$LATEST", CollectedAt: r.Now},
					schema.Function{Account: "222222222222", Region: region, FunctionARN: elsewhere, FunctionName: "theirs", Version: "3", CollectedAt: r.Now}),
				collect.Put(ctx, r,
					schema.Alias{Account: account, Region: region, FunctionARN: arn("a"), Alias: "live", Version: "7", Weights: map[string]float64{"8": 0.1}, CollectedAt: r.Now},
					schema.Alias{Account: account, Region: region, FunctionARN: arn("a"), Alias: "plain", Version: "7", Weights: map[string]float64{}, CollectedAt: r.Now}),
				collect.Put(ctx, r, edge(rule, "target", true), edge(rule, "schedule", true), edge(rule+"-off", "target", false)),
				collect.Put(ctx, r,
					mapping("kafka", "arn:aws:kafka:"+region+":"+account+":cluster/c/1"), mapping("selfmanaged", ""),
					mapping("kinesis", "arn:aws:kinesis:"+region+":"+account+":stream/s"), mapping("sqs", queue)),
				collect.Put(ctx, r,
					schema.EventSourceMappingDetail{Account: account, Region: region, UUID: "counted", Metrics: []string{"EventCount"}, CollectedAt: r.Now},
					schema.EventSourceMappingDetail{Account: account, Region: region, UUID: "plain", CollectedAt: r.Now}),
				collect.Put(ctx, r, schema.Queue{Account: account, Region: region, QueueARN: queue, CollectedAt: r.Now}),
				collect.Put(ctx, r, schema.NATGateway{Account: account, Region: region, NatGatewayID: "nat-1", CollectedAt: r.Now}),
				collect.Put(ctx, r, schema.ProvisionedConcurrency{Account: account, Region: region, FunctionARN: arn("a"), Qualifier: "live", CollectedAt: r.Now}),
			)
		},
	}
	r := newRig(t, []*collect.Collector{writer}, nil)
	if _, err := r.Collect(t.Context()); err != nil {
		t.Fatal(err)
	}
	want := map[collect.ResourceKind][]string{
		collect.QueueResources:           {queue},
		collect.NATGatewayResources:      {"arn:aws:ec2:" + region + ":" + account + ":natgateway/nat-1"},
		collect.ProvisionedResources:     {arn("a") + ":live"},
		collect.StreamConsumerResources:  {arn("kafka"), arn("kinesis"), arn("selfmanaged")},
		collect.KafkaConsumerResources:   {arn("kafka"), arn("selfmanaged")},
		collect.WeightedAliasResources:   {arn("a") + ":live:7", arn("a") + ":live:8"},
		collect.RuleResources:            {rule},
		collect.QualifierResources:       {arn("a") + ":live", arn("a") + ":plain"},
		collect.MeasuredMappingResources: {"arn:aws:lambda:" + region + ":" + account + ":event-source-mapping:counted"},
		collect.LinkedFunctionResources:  {elsewhere},
	}
	scope := Scope{Account: account, Partition: "aws", Region: region}
	for kind := range resourceQueries {
		got, err := r.resources(t.Context(), scope, kind)
		if diff := cmp.Diff(want[kind], got); err != nil || diff != "" {
			t.Errorf("%s: %v (-want +got):\n%s", kind, err, diff)
		}
	}
	if got, err := r.resources(t.Context(), scope, "unheard of"); !errors.Is(err, collect.ErrNotKept) || slices.Contains(got, "") {
		t.Errorf("a kind that nothing keeps: %v, %v", got, err)
	}
}
