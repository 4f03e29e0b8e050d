package brokers

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

const (
	clusters = "arn:aws:kafka:eu-west-1:123456789012:cluster/"
	brokers  = "arn:aws:mq:eu-west-1:123456789012:broker:"
)

// wire has a provisioned cluster, a serverless one, and one that is gone; an
// ActiveMQ broker, and one that is gone.
func wire() *collecttest.Wire {
	return collecttest.NewWire(map[string]collecttest.Answer{
		"kafka:ListClustersV2": collecttest.Select(map[string]collecttest.Answer{
			"nextToken=n": collecttest.Body(`{"clusterInfoList":[{"clusterArn":"` + clusters + `light/u-s1","clusterName":"light","state":"ACTIVE","clusterType":"SERVERLESS","serverless":{"vpcConfigs":[{"subnetIds":["subnet-2"],"securityGroupIds":["sg-2"]}],"clientAuthentication":{"sasl":{"iam":{"enabled":true}}}}},` +
				`{"clusterArn":"` + clusters + `gone/u-2","clusterName":"gone","state":"DELETING","clusterType":"PROVISIONED"}]}`),
		}, collecttest.Body(`{"nextToken":"n","clusterInfoList":[{"clusterArn":"`+clusters+`events/u-1","clusterName":"events","state":"ACTIVE","clusterType":"PROVISIONED","provisioned":{"numberOfBrokerNodes":3,"currentBrokerSoftwareInfo":{"kafkaVersion":"3.8.x"},`+
			`"clientAuthentication":{"sasl":{"iam":{"enabled":true},"scram":{"enabled":true}},"tls":{"enabled":true},"unauthenticated":{"enabled":true}},"encryptionInfo":{"encryptionInTransit":{"clientBroker":"TLS_PLAINTEXT"}},`+
			`"brokerNodeGroupInfo":{"clientSubnets":["subnet-1"],"securityGroups":["sg-1"],"instanceType":"kafka.m7g.large","connectivityInfo":{"publicAccess":{"type":"SERVICE_PROVIDED_EIPS"}}}}}]}`)),
		"kafka:GetBootstrapBrokers": collecttest.Select(map[string]collecttest.Answer{
			"u-1":  collecttest.Body(`{"bootstrapBrokerStringSaslIam":"b-2.events.kafka:9098,b-1.events.kafka:9098","bootstrapBrokerStringTls":"b-1.events.kafka:9094","bootstrapBrokerStringPublicTls":"b-1-public.events.kafka:9194"}`),
			"u-s1": collecttest.Body(`{"bootstrapBrokerStringSaslIam":"boot-x.kafka-serverless:9098"}`),
			"u-2":  collecttest.Fail("kafka", 404, "NotFoundException", "The cluster is not found."),
		}, nil),
		"mq:ListBrokers": collecttest.Select(map[string]collecttest.Answer{
			"nextToken=n": collecttest.Body(`{"brokerSummaries":[{"brokerArn":"` + brokers + `gone:b-2","brokerId":"b-2","brokerName":"gone","brokerState":"DELETION_IN_PROGRESS","engineType":"RABBITMQ"}]}`),
		}, collecttest.Body(`{"nextToken":"n","brokerSummaries":[{"brokerArn":"`+brokers+`jobs:b-1","brokerId":"b-1","brokerName":"jobs","brokerState":"RUNNING","engineType":"ACTIVEMQ","hostInstanceType":"mq.m5.large"}]}`)),
		"mq:DescribeBroker": collecttest.Select(map[string]collecttest.Answer{
			"b-1": collecttest.Body(`{"brokerId":"b-1","authenticationStrategy":"SIMPLE","engineVersion":"5.18","publiclyAccessible":true,"subnetIds":["subnet-1"],"securityGroups":["sg-1"],"users":[{"username":"hunter2"}],` +
				`"brokerInstances":[{"consoleURL":"https://b-1-1.mq","endpoints":["ssl://b-1-1.mq:61617","amqp+ssl://b-1-1.mq:5671"]},{"endpoints":["ssl://b-1-2.mq:61617"]}]}`),
			"b-2": collecttest.Fail("mq", 404, "NotFoundException", "Can't find requested broker."),
		}, nil),
	})
}

func TestAccount(t *testing.T) {
	t.Parallel()
	relations, err := schema.Relations()
	if err != nil {
		t.Fatal(err)
	}
	collecttest.Declared(t, Collector, relations)
	f := collecttest.New(t, Collector, collecttest.Options{Wire: wire()})
	f.Collect(t)
	f.Golden(t, "account")
	f.Secret(t, "hunter2", nil)
}

func TestOneActionLess(t *testing.T) {
	t.Parallel()
	gaps := []string{"brokers/"}
	collecttest.OneActionLess(t, Collector, wire, collecttest.Options{}, []collecttest.Less{
		{Operation: "kafka:ListClustersV2", Gaps: gaps, Rows: 1},
		{Operation: "kafka:GetBootstrapBrokers", Gaps: gaps, Rows: 4}, // listed, without host names
		{Operation: "mq:ListBrokers", Gaps: gaps, Rows: 2},
		{Operation: "mq:DescribeBroker", Gaps: gaps, Rows: 4},
	})
}

func TestMalformedPieces(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ operation, answer string }{
		{"kafka:ListClustersV2", `{"clusterInfoList":[{"clusterName":"x"}]}`},
		{"kafka:ListClustersV2", `{"nextToken":"again","clusterInfoList":[]}`},
		{"mq:ListBrokers", `{"brokerSummaries":[{"brokerName":"x"}]}`},
		{"mq:ListBrokers", `{"nextToken":"again","brokerSummaries":[]}`},
	} {
		f := collecttest.New(t, Collector, collecttest.Options{Wire: wire().On(tt.operation, collecttest.Body(tt.answer))})
		f.Collect(t)
		if diff := cmp.Diff([]string{"brokers/ failed"}, f.GapList()); diff != "" || len(f.Completions()) > 0 {
			t.Errorf("%s: completions %v, gaps (-want +got):\n%s", tt.operation, f.Completions(), diff)
		}
	}
}

// The brokers of a simulated region are those of its world.
func TestSimulatedAccount(t *testing.T) {
	t.Parallel()
	account := collecttest.Simulate(t, awssim.Options{})
	for _, region := range account.World.Regions {
		f := account.Run(t, Collector, collecttest.Options{Region: region.Name})
		f.Collect(t)
		f.NotThrottled(t)
		if gaps := f.GapList(); len(gaps) > 0 {
			t.Errorf("gaps: %v", gaps)
		}
		want, got := map[string][]string{}, map[string][]string{}
		for _, c := range region.Clusters {
			want[c.ARN] = append([]string{c.State}, c.Hosts...)
		}
		for _, b := range region.Brokers {
			want[b.ARN] = []string{b.State, b.ID + ".mq." + region.Name + ".on.aws"}
		}
		for _, b := range collecttest.Rows[schema.Broker](f.Sink) {
			got[b.BrokerARN] = append([]string{b.State}, b.Hosts...)
		}
		if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
			t.Errorf("brokers of %s (-want +got):\n%s", region.Name, diff)
		}
	}
}
