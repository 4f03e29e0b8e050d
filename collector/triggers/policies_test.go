package triggers

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// qualifiers gives a run the aliases and versions in use.
func qualifiers(arns ...string) func(context.Context, collect.ResourceKind) ([]string, error) {
	return func(_ context.Context, kind collect.ResourceKind) ([]string, error) {
		if kind != collect.QualifierResources {
			return nil, errors.New("another kind was asked for")
		}
		return arns, nil
	}
}

// An alias's policy is read beside the function's own, each once; it is rows
// and no edges, and a token that callers prove themselves with is not kept.
func TestPoliciesOfQualifiers(t *testing.T) {
	t.Parallel()
	const token = "amzn1.ask.skill.5f1c"
	live := `{"Policy":"{\"Statement\":{\"Sid\":\"skill\",\"Effect\":\"Allow\",\"Principal\":{\"Service\":\"alexa-appkit.amazon.com\"},\"Action\":\"lambda:InvokeFunction\",\"Resource\":\"` + arnPrefix + `orders:live\",\"Condition\":{\"StringEquals\":{\"lambda:EventSourceToken\":\"` + token + `\"}}}}"}`
	wire := account(t)
	wire.On("lambda:GetPolicy", collecttest.Select(map[string]collecttest.Answer{
		"Qualifier=live": collecttest.Body(live),
		"Qualifier=2":    collecttest.Fail("lambda", 404, "ResourceNotFoundException", "The resource you requested does not exist."),
	}, wire.Answer("lambda:GetPolicy")))
	f := collecttest.New(t, Collector, collecttest.Options{Wire: wire, Functions: functions()})
	f.Resources = qualifiers(arnPrefix+"orders:live", arnPrefix+"orders:2", arnPrefix+"gone:live")
	f.Collect(t)
	f.Secret(t, token, nil)
	if diff := cmp.Diff([]string(nil), f.GapList()); diff != "" {
		t.Error(diff)
	}
	requests := wire.Requests("lambda:GetPolicy")
	if slices.Sort(requests); len(requests) != 4 || len(slices.Compact(requests)) != 4 {
		t.Errorf("requests %v", requests)
	}
	var rows []schema.FunctionPolicyStatement
	for _, row := range collecttest.Rows[schema.FunctionPolicyStatement](f.Sink) {
		if row.Qualifier != "" {
			rows = append(rows, row)
		}
	}
	want := []schema.FunctionPolicyStatement{{
		Account: f.Account, Region: f.Region, FunctionARN: arnPrefix + "orders", Qualifier: "live", SID: "skill", Effect: "Allow", PrincipalType: "Service",
		Principal: "alexa-appkit.amazon.com", Actions: []string{"lambda:InvokeFunction"}, Condition: `{"StringEquals":{"lambda:EventSourceToken":[]}}`, CollectedAt: f.Now,
	}}
	if diff := cmp.Diff(want, rows); diff != "" {
		t.Errorf("rows (-want +got):\n%s", diff)
	}
	for _, e := range collecttest.Rows[schema.Edge](f.Sink) {
		if e.SourceKind == "policy" && strings.Contains(e.SrcARN, "alexa") {
			t.Errorf("edge %+v", e)
		}
	}
}

// A later run asks about those whose turn it is, and completes what is written
// since the first.
func TestPoliciesAreReadInTurn(t *testing.T) {
	t.Parallel()
	first := collecttest.New(t, Collector, collecttest.Options{Wire: account(t), Functions: functions()})
	first.Collect(t)
	wire := account(t)
	second := collecttest.New(t, Collector, collecttest.Options{Wire: wire, Functions: functions(), State: first.State.Values(), Now: first.Now.Add(6 * time.Hour)})
	second.Collect(t)
	for _, action := range []string{"lambda:GetPolicy", "lambda:ListFunctionEventInvokeConfigs"} {
		if n := wire.Calls(action); n != 1 {
			t.Errorf("%s was called %d times of 2 functions", action, n)
		}
	}
	if diff := cmp.Diff(first.CompletionList(), second.CompletionList()); diff != "" {
		t.Error(diff)
	}
	for _, c := range second.Completions() {
		turns := c.TableName == "function_policy_statements" || c.TableName == "event_invoke_configs" || c.Kind == "policy" || c.Kind == "invoke_config"
		if turns != c.CollectedAt.Equal(first.Now) || !turns && !c.CollectedAt.Equal(second.Now) {
			t.Errorf("%s/%s is complete since %s", c.TableName, c.Kind, c.CollectedAt)
		}
	}
}

// Everything that a mapping of Kafka, MQ or DocumentDB has, but its secrets.
func TestDetailsOfMappings(t *testing.T) {
	t.Parallel()
	const secret = "arn:aws:secretsmanager:eu-west-1:123456789012:secret:kafka-a1b2c3"
	f := collecttest.New(t, Collector, collecttest.Options{Functions: functions(), Wire: account(t).On("lambda:ListEventSourceMappings", collecttest.Body(`{"EventSourceMappings":[
		{"UUID":"k","FunctionArn":"`+arnPrefix+`orders","State":"Enabled","BatchSize":100,"Topics":["t"],"StartingPosition":"TRIM_HORIZON","MaximumRecordAgeInSeconds":-1,
		 "ProvisionedPollerConfig":{"MinimumPollers":2,"MaximumPollers":9,"PollerGroupName":"g"},"MetricsConfig":{"Metrics":["EventCount","KafkaMetrics"]},"LoggingConfig":{"SystemLogLevel":"WARN"},
		 "SelfManagedEventSource":{"Endpoints":{"KAFKA_BOOTSTRAP_SERVERS":["b2.example:9096","b1.example:9096"]}},"SelfManagedKafkaEventSourceConfig":{"ConsumerGroupId":"c","ConsumptionMode":"Queue"},
		 "SourceAccessConfigurations":[{"Type":"VPC_SUBNET","URI":"subnet:subnet-1"},{"Type":"SASL_SCRAM_512_AUTH","URI":"`+secret+`"},{"Type":"VPC_SUBNET","URI":"subnet:subnet-2"}],
		 "DestinationConfig":{"OnFailure":{"Destination":"arn:aws:sns:eu-west-1:123456789012:failed"}},"KMSKeyArn":"arn:aws:kms:eu-west-1:123456789012:key/k","LastModified":1790000000.5},
		{"UUID":"m","FunctionArn":"`+arnPrefix+`orders","EventSourceArn":"arn:aws:mq:eu-west-1:123456789012:broker:b:b-1","Queues":["q"],"LastProcessingResult":"OK","StateTransitionReason":"USER_INITIATED"},
		{"UUID":"d","FunctionArn":"`+arnPrefix+`orders","EventSourceArn":"arn:aws:rds:eu-west-1:123456789012:cluster:c","DocumentDBEventSourceConfig":{"DatabaseName":"shop","CollectionName":"orders","FullDocument":"UpdateLookup"}},
		{"UUID":"s","FunctionArn":"`+arnPrefix+`orders","EventSourceArn":"arn:aws:kinesis:eu-west-1:123456789012:stream/clicks","ParallelizationFactor":4,"TumblingWindowInSeconds":30,"FunctionResponseTypes":["ReportBatchItemFailures"]},
		{"UUID":"a","FunctionArn":"`+arnPrefix+`orders","EventSourceArn":"arn:aws:kafka:eu-west-1:123456789012:cluster/c/1","AmazonManagedKafkaEventSourceConfig":{"ConsumerGroupId":"z"}}]}`))})
	f.Collect(t)
	f.Secret(t, secret, nil)
	got := map[string]schema.EventSourceMappingDetail{}
	for _, row := range collecttest.Rows[schema.EventSourceMappingDetail](f.Sink) {
		got[row.UUID] = row
	}
	two, nine, four, thirty, infinite := int64(2), int64(9), int64(4), int64(30), int64(-1)
	base := schema.EventSourceMappingDetail{Account: f.Account, Region: f.Region, FunctionARN: arnPrefix + "orders", LastModified: time.Unix(0, 0).UTC(), CollectedAt: f.Now}
	k, m, d, s, a := base, base, base, base, base
	k.UUID, k.SourceKind, k.MinimumPollers, k.MaximumPollers, k.PollerGroup, k.OnFailureARN = "k", "kafka", &two, &nine, "g", "arn:aws:sns:eu-west-1:123456789012:failed"
	k.StartingPosition, k.MaximumRecordAgeS, k.Metrics, k.LogLevel, k.Topics = "TRIM_HORIZON", &infinite, []string{"EventCount", "KafkaMetrics"}, "WARN", []string{"t"}
	k.ConsumerGroup, k.ConsumptionMode, k.BrokerHosts = "c", "Queue", []string{"b1.example:9096", "b2.example:9096"}
	k.SourceAccess, k.FiltersEncryptedBy = []string{"SASL_SCRAM_512_AUTH", "VPC_SUBNET"}, "arn:aws:kms:eu-west-1:123456789012:key/k"
	k.LastModified = time.Unix(1790000000, 500_000_000).UTC()
	m.UUID, m.SourceKind, m.Queues, m.LastProcessingResult, m.StateTransitionReason = "m", "mq", []string{"q"}, "OK", "USER_INITIATED"
	d.UUID, d.SourceKind, d.DocumentDBDatabase, d.DocumentDBCollection, d.FullDocument = "d", "documentdb", "shop", "orders", "UpdateLookup"
	s.UUID, s.SourceKind, s.ParallelizationFactor, s.TumblingWindowS, s.ReportBatchFailures = "s", "kinesis", &four, &thirty, true
	a.UUID, a.SourceKind, a.ConsumerGroup = "a", "kafka", "z"
	if diff := cmp.Diff(map[string]schema.EventSourceMappingDetail{"k": k, "m": m, "d": d, "s": s, "a": a}, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
}

// The simulated account's policies of aliases, and its mappings in full.
func TestSimulatedDetails(t *testing.T) {
	t.Parallel()
	account := collecttest.Simulate(t, awssim.Options{})
	region := account.World.Region("us-east-1")
	var arns []string
	want := map[string]bool{}
	for _, fn := range region.Functions {
		for _, alias := range fn.Aliases {
			arns = append(arns, alias.ARN)
		}
		if e := region.Extras[fn.Name]; e != nil {
			for qualifier := range e.QualifierPolicies {
				want[fn.ARN+":"+qualifier] = true
			}
		}
	}
	f := account.Run(t, Collector, collecttest.Options{Region: region.Name, Functions: inventory(region)})
	f.Resources = qualifiers(arns...)
	f.Collect(t)
	f.NotThrottled(t)
	got := map[string]bool{}
	for _, row := range collecttest.Rows[schema.FunctionPolicyStatement](f.Sink) {
		if row.Qualifier != "" {
			got[row.FunctionARN+":"+row.Qualifier] = true
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
		t.Errorf("policies of aliases (-want +got):\n%s", diff)
	}
	details := map[string]schema.EventSourceMappingDetail{}
	for _, row := range collecttest.Rows[schema.EventSourceMappingDetail](f.Sink) {
		details[row.UUID] = row
	}
	for _, m := range region.Mappings {
		if d := details[m.UUID]; d.StartingPosition != m.StartingPosition || d.ReportBatchFailures != m.PartialResponses || d.SourceKind == "other" || d.OnFailureARN != m.OnFailureARN {
			t.Errorf("%+v is read as %+v", m, d)
		}
	}
}
