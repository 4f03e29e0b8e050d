package metrics

import (
	"context"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// Each family is asked for where the inventory shows it, with the dimensions
// that its service publishes, and nowhere else.
func TestFamilies(t *testing.T) {
	t.Parallel()
	const account = "eu-west-1:123456789012:"
	found := map[collect.ResourceKind][]string{
		collect.ProvisionedResources:     {arnOf("busy") + ":live", arnOf("busy")},
		collect.WeightedAliasResources:   {arnOf("busy") + ":live:7", arnOf("busy") + ":live:8", arnOf("busy") + ":live"},
		collect.MeasuredMappingResources: {"arn:aws:lambda:" + account + "event-source-mapping:14e0db71-5d35-4eb5-b481-8945cf9d10c2", "arn:odd"},
		collect.RuleResources: {
			"arn:aws:events:" + account + "rule/nightly", "arn:aws:events:" + account + "rule/partner/orders", "arn:aws:events:" + account + "event-bus/default",
		},
		collect.DatabaseResources: {
			"arn:aws:rds:" + account + "db:orders", "arn:aws:rds:" + account + "cluster:ledger", "arn:aws:redshift:" + account + "cluster:dw",
			"arn:aws:elasticache:" + account + "cluster:sessions", "arn:aws:rds:" + account + "db-proxy:prx-1", "arn:aws:es:" + account + "domain/logs",
			"arn:aws:rds:us-east-1:123456789012:db:elsewhere", "arn:aws:rds:eu-west-1:999999999999:db:theirs", "not an arn",
		},
		collect.StreamConsumerResources: {arnOf("busy-stream"), arnOf("busy-kafka")},
		collect.KafkaConsumerResources:  {arnOf("busy-kafka")},
	}
	o := options("busy", "busy-stream", "busy-kafka", "busy-insights", "idle-insights", "idle-silenced", "idle")
	for i, f := range o.Functions {
		o.Functions[i].LogGroup = ""
		if strings.HasSuffix(f.FunctionName, "insights") {
			o.Functions[i].Layers = []string{"arn:aws:lambda:eu-west-1:123456789012:layer:ours:1", "arn:aws:lambda:eu-west-1:580247275435:layer:LambdaInsightsExtension:53"}
		}
		if f.FunctionName == "idle-silenced" {
			o.Functions[i].ReservedConcurrency = new(int64)
		}
	}
	fake := &cloudWatch{value: constant}
	f := newRun(t, fake, o)
	f.Resources = func(_ context.Context, kind collect.ResourceKind) ([]string, error) { return found[kind], nil }
	f.Collect(t)
	common := map[string]bool{}
	for _, s := range slices.Concat(firstStage, secondStage, regionMetrics) {
		common[s.metric] = true
	}
	got := map[string][]string{}
	for _, c := range fake.requests() {
		for _, q := range c.Queries {
			if q.Namespace == lambda && common[q.Metric] && strings.Count(q.Dimensions, "=") < 2 {
				continue // asked of every function, or of every active one
			}
			key := q.Namespace + " " + q.Dimensions
			got[key] = append(got[key], q.Metric+" "+q.Stat)
		}
	}
	weighted := []string{"Invocations Sum", "Errors Sum", "Duration Sum", "Duration Maximum"}
	arrival := "AsyncEventsReceived Sum"
	want := map[string][]string{
		"AWS/Lambda FunctionName=busy":          {arrival},
		"AWS/Lambda FunctionName=busy-insights": {arrival},
		"AWS/Lambda FunctionName=busy-kafka":    {arrival, "IteratorAge Maximum", "OffsetLag Maximum"},
		"AWS/Lambda FunctionName=busy-stream":   {arrival, "IteratorAge Maximum"},
		"AWS/Lambda FunctionName=idle-silenced": {arrival},
		"AWS/Lambda FunctionName=busy,Resource=busy:live": {
			"ProvisionedConcurrentExecutions Maximum", "ProvisionedConcurrencyUtilization Maximum",
			"ProvisionedConcurrencyInvocations Sum", "ProvisionedConcurrencySpilloverInvocations Sum",
		},
		"AWS/Lambda FunctionName=busy,Resource=busy:live,ExecutedVersion=7": weighted,
		"AWS/Lambda FunctionName=busy,Resource=busy:live,ExecutedVersion=8": weighted,
		"AWS/Lambda EventSourceMappingUUID=14e0db71-5d35-4eb5-b481-8945cf9d10c2": {
			"PolledEventCount Sum", "FilteredOutEventCount Sum", "InvokedEventCount Sum", "FailedInvokeEventCount Sum",
			"DroppedEventCount Sum", "OnFailureDestinationDeliveredEventCount Sum", "DeletedEventCount Sum",
		},
		"AWS/Events RuleName=nightly":                     {"FailedInvocations Sum"},
		"AWS/Events EventBusName=partner,RuleName=orders": {"FailedInvocations Sum"},
		"AWS/RDS DBInstanceIdentifier=orders":             {"DatabaseConnections Maximum"},
		"AWS/RDS DBClusterIdentifier=ledger":              {"DatabaseConnections Maximum"},
		"AWS/Redshift ClusterIdentifier=dw":               {"DatabaseConnections Maximum"},
		"AWS/ElastiCache CacheClusterId=sessions":         {"CurrConnections Maximum"},
		"LambdaInsights function_name=busy-insights":      {"memory_utilization Maximum", "used_memory_max Maximum", "init_duration Maximum", "tmp_used Maximum"},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("asked (-want +got):\n%s", diff)
	}
	qualifiers := map[string]bool{}
	for _, r := range collecttest.Rows[schema.MetricRead](f.Sink) {
		if r.Qualifier != "" {
			qualifiers[r.Qualifier] = r.Resource == arnOf("busy")
		}
	}
	if diff := cmp.Diff(map[string]bool{"live": true, "live:7": true, "live:8": true}, qualifiers); diff != "" {
		t.Errorf("qualifiers (-want +got):\n%s", diff)
	}
}

// Events for a function that may not run are neither invocations nor throttles;
// they alone make it active, and what became of them is asked for.
func TestSilencedFunctionWithEvents(t *testing.T) {
	t.Parallel()
	fake := &cloudWatch{value: func(q asked, _ time.Time) (float64, bool) { return 1, q.Metric == "AsyncEventsReceived" }}
	o := options("silenced")
	o.Functions[0].ReservedConcurrency = new(int64)
	f := newRun(t, fake, o)
	f.Collect(t)
	got, asked := statuses(f), 0
	for _, s := range slices.Concat(secondStage, asyncStage) {
		if got["silenced "+s.metric+" "+s.stat] != "complete" {
			t.Errorf("%s %s: %q", s.metric, s.stat, got["silenced "+s.metric+" "+s.stat])
		}
	}
	for _, c := range fake.requests() {
		for _, q := range c.Queries {
			if q.Metric == "AsyncEventsReceived" {
				asked++
			}
		}
	}
	if asked != 1 {
		t.Errorf("arrivals are paid for %d times", asked)
	}
}
