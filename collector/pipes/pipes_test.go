package pipes

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

const prefix = "arn:aws:pipes:eu-west-1:123456789012:pipe/"

// wire has a running pipe with an enrichment, a stopped one, one that reads a
// Kafka cluster outside of AWS, and one that is gone when it is asked for.
func wire() *collecttest.Wire {
	item := func(name, state, source, enrichment, target string) string {
		return `{"Arn":"` + prefix + name + `","Name":"` + name + `","CurrentState":"` + state + `","DesiredState":"` + state + `","Source":"` + source + `","Enrichment":"` + enrichment + `","Target":"` + target + `"}`
	}
	const (
		queue, stream   = "arn:aws:sqs:eu-west-1:123456789012:jobs", "arn:aws:kinesis:eu-west-1:123456789012:stream/clicks"
		function, table = "arn:aws:lambda:eu-west-1:123456789012:function:enrich:live", "arn:aws:dynamodb:eu-west-1:123456789012:table/t/stream/2025"
	)
	return collecttest.NewWire(map[string]collecttest.Answer{
		"pipes:ListPipes": collecttest.Select(map[string]collecttest.Answer{
			"NextToken=n": collecttest.Body(`{"Pipes":[` + item("kafka", "RUNNING", "smk://kafka.example.com:9092", "", function) + `,` + item("gone", "RUNNING", queue, "", function) + `]}`),
		}, collecttest.Body(`{"NextToken":"n","Pipes":[`+item("clicks", "RUNNING", stream, function, queue)+`,`+item("rows", "STOPPED", table, "", "arn:aws:states:eu-west-1:123456789012:stateMachine:flow")+`]}`)),
		"pipes:DescribePipe": collecttest.Select(map[string]collecttest.Answer{
			"/clicks": collecttest.Body(`{"RoleArn":"arn:aws:iam::123456789012:role/p","TargetParameters":{"InputTemplate":"hunter2"},"LogConfiguration":{"Level":"ERROR"},"SourceParameters":{` +
				`"FilterCriteria":{"Filters":[{"Pattern":"{\"data\":{\"a\":[1]}}"}]},"KinesisStreamParameters":{"StartingPosition":"LATEST","BatchSize":10,"MaximumRetryAttempts":-1,` +
				`"MaximumRecordAgeInSeconds":60,"MaximumBatchingWindowInSeconds":5,"DeadLetterConfig":{"Arn":"arn:aws:sqs:eu-west-1:123456789012:dead"}}}}`),
			"/rows":  collecttest.Body(`{"SourceParameters":{"DynamoDBStreamParameters":{"StartingPosition":"LATEST","BatchSize":1}}}`),
			"/kafka": collecttest.Body(`{"SourceParameters":{"SelfManagedKafkaParameters":{"TopicName":"t","BatchSize":100}}}`),
			"/gone":  collecttest.Fail("pipes", 404, "NotFoundException", "Pipe gone does not exist."),
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
	both := []string{"edges/pipes", "pipes/"}
	collecttest.OneActionLess(t, Collector, wire, collecttest.Options{}, []collecttest.Less{
		{Operation: "pipes:ListPipes", Gaps: both},
		{Operation: "pipes:DescribePipe", Gaps: both, Rows: 4 + 3 + 2 + 1 + 2}, // pipes and their edges, but for dead letters
	})
}

// An edge whose filter was refused stands, and says that it may be narrower.
func TestUnreadFiltersLeaveTheEdge(t *testing.T) {
	t.Parallel()
	f := collecttest.New(t, Collector, collecttest.Options{Wire: wire().On("pipes:DescribePipe", nil)})
	f.Collect(t)
	found := false
	for _, e := range collecttest.Rows[schema.Edge](f.Sink) {
		if e.Attributes["role"] == "source" && e.Via == "clicks" {
			found = e.Attributes["filter"] == "not read" && e.Filter == ""
		}
	}
	if !found {
		t.Error("the edge from the source is lost, or does not say that its filter was not read")
	}
}

func TestMalformedPieces(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{`{"Pipes":[{"Name":"x"}]}`, `{"NextToken":"again","Pipes":[]}`} {
		f := collecttest.New(t, Collector, collecttest.Options{Wire: wire().On("pipes:ListPipes", collecttest.Body(answer))})
		f.Collect(t)
		if diff := cmp.Diff([]string{"edges/pipes failed", "pipes/ failed"}, f.GapList()); diff != "" {
			t.Errorf("%s: gaps (-want +got):\n%s", answer, diff)
		}
	}
}

// The pipes of a simulated region are those of its world.
func TestSimulatedAccount(t *testing.T) {
	t.Parallel()
	account := collecttest.Simulate(t, awssim.Options{})
	seen := 0
	for _, region := range account.World.Regions {
		f := account.Run(t, Collector, collecttest.Options{Region: region.Name})
		f.Collect(t)
		f.NotThrottled(t)
		if gaps := f.GapList(); len(gaps) > 0 {
			t.Errorf("gaps: %v", gaps)
		}
		want, got := map[string]string{}, map[string]string{}
		edges := 0
		for _, p := range region.Pipes {
			want[p.ARN] = strings.Join([]string{p.State, p.SourceARN, p.EnrichmentARN, p.TargetARN, `{"Filters":[{"Pattern":` + quoted(p.Filters[0]) + `}]}`}, " ")
			edges += 2
			if p.EnrichmentARN != "" {
				edges++
			}
			seen++
		}
		for _, p := range collecttest.Rows[schema.Pipe](f.Sink) {
			got[p.PipeARN] = strings.Join([]string{p.State, p.SourceARN, p.EnrichmentARN, p.TargetARN, p.Filters}, " ")
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("pipes of %s (-want +got):\n%s", region.Name, diff)
		}
		if n := len(collecttest.Rows[schema.Edge](f.Sink)); n != edges {
			t.Errorf("%d edges, want %d", n, edges)
		}
	}
	if seen < 2 {
		t.Errorf("the world has %d pipes", seen)
	}
}

func quoted(text string) string { return `"` + strings.ReplaceAll(text, `"`, `\"`) + `"` }
