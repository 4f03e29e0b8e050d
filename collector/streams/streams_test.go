package streams

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

const prefix = "arn:aws:kinesis:eu-west-1:123456789012:stream/"

func summary(name, mode string) string {
	return `{"StreamARN":"` + prefix + name + `","StreamName":"` + name + `","StreamStatus":"ACTIVE","StreamModeDetails":{"StreamMode":"` + mode + `"}}`
}

func table(name, members string) collecttest.Answer {
	return collecttest.Body(`{"Table":{"TableName":"` + name + `","TableStatus":"ACTIVE"` + members + `}}`)
}

// wire has two Kinesis streams and one that is gone, a table with a stream, one
// whose stream is off, one that never had one, and one that is gone.
func wire() *collecttest.Wire {
	const stream = `"LatestStreamArn":"arn:aws:dynamodb:eu-west-1:123456789012:table/orders/stream/2025-01-01T00:00:00.000"`
	return collecttest.NewWire(map[string]collecttest.Answer{
		"kinesis:ListStreams": collecttest.Select(map[string]collecttest.Answer{
			`"NextToken":"n"`: collecttest.Body(`{"HasMoreStreams":false,"StreamNames":["gone"],"StreamSummaries":[` + summary("gone", "ON_DEMAND") + `]}`),
		}, collecttest.Body(`{"HasMoreStreams":true,"NextToken":"n","StreamNames":["clicks","audit"],"StreamSummaries":[`+summary("clicks", "PROVISIONED")+`,`+summary("audit", "ON_DEMAND")+`]}`)),
		"kinesis:DescribeStreamSummary": collecttest.Select(map[string]collecttest.Answer{
			"stream/clicks": collecttest.Body(`{"StreamDescriptionSummary":{"StreamARN":"x","OpenShardCount":4,"RetentionPeriodHours":168,"ConsumerCount":2,"EncryptionType":"KMS"}}`),
			"stream/audit":  collecttest.Body(`{"StreamDescriptionSummary":{"StreamARN":"x","OpenShardCount":1,"RetentionPeriodHours":24,"ConsumerCount":0,"EncryptionType":"NONE"}}`),
			"stream/gone":   collecttest.Fail("kinesis", 400, "ResourceNotFoundException", "Stream gone not found."),
		}, nil),
		"dynamodb:ListTables": collecttest.Select(map[string]collecttest.Answer{
			`"ExclusiveStartTableName":"orders"`: collecttest.Body(`{"TableNames":["plain","gone"]}`),
		}, collecttest.Body(`{"TableNames":["off","orders"],"LastEvaluatedTableName":"orders"}`)),
		"dynamodb:DescribeTable": collecttest.Select(map[string]collecttest.Answer{
			`"orders"`: table("orders", `,`+stream+`,"StreamSpecification":{"StreamEnabled":true,"StreamViewType":"NEW_IMAGE"}`),
			`"off"`:    table("off", `,`+stream),
			`"plain"`:  table("plain", ""),
			`"gone"`:   collecttest.Fail("dynamodb", 400, "ResourceNotFoundException", "Requested resource not found"),
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
}

func TestOneActionLess(t *testing.T) {
	t.Parallel()
	gaps := []string{"streams/"}
	collecttest.OneActionLess(t, Collector, wire, collecttest.Options{}, []collecttest.Less{
		{Operation: "kinesis:ListStreams", Gaps: gaps, Rows: 1},
		{Operation: "kinesis:DescribeStreamSummary", Gaps: gaps, Rows: 4}, // listed, without details
		{Operation: "dynamodb:ListTables", Gaps: gaps, Rows: 2},
		{Operation: "dynamodb:DescribeTable", Gaps: gaps, Rows: 2},
	})
}

func TestMalformedPieces(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		operation, answer string
		gaps              []string
	}{
		{"kinesis:ListStreams", `{"HasMoreStreams":false,"StreamSummaries":[{"StreamName":"x"}]}`, []string{"streams/ failed"}},
		{"kinesis:ListStreams", `{"HasMoreStreams":true,"NextToken":"again","StreamSummaries":[]}`, []string{"streams/ failed"}},
		{"dynamodb:ListTables", `{"TableNames":[],"LastEvaluatedTableName":"again"}`, []string{"streams/ failed"}},
		{"kinesis:DescribeStreamSummary", `{}`, []string{"streams/ arn:…:stream/audit failed", "streams/ arn:…:stream/clicks failed", "streams/ arn:…:stream/gone failed"}},
		{"dynamodb:DescribeTable", `{}`, []string{"streams/ arn:…:table/gone failed", "streams/ arn:…:table/off failed", "streams/ arn:…:table/orders failed", "streams/ arn:…:table/plain failed"}},
	} {
		f := collecttest.New(t, Collector, collecttest.Options{Wire: wire().On(tt.operation, collecttest.Body(tt.answer))})
		f.Collect(t)
		if diff := cmp.Diff(tt.gaps, f.GapList()); diff != "" {
			t.Errorf("%s: gaps (-want +got):\n%s", tt.operation, diff)
		}
	}
}

// The streams of a simulated region are those of its world.
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
		want, got := map[string]int64{}, map[string]int64{}
		for _, s := range region.Streams {
			want[s.ARN] = int64(s.Shards)
		}
		for _, t := range region.Tables {
			if t.StreamARN != "" {
				want[t.StreamARN] = -1
			}
		}
		for _, s := range collecttest.Rows[schema.Stream](f.Sink) {
			got[s.StreamARN] = -1
			if s.Shards != nil {
				got[s.StreamARN] = *s.Shards
			}
		}
		if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
			t.Errorf("streams of %s (-want +got):\n%s", region.Name, diff)
		}
	}
}
