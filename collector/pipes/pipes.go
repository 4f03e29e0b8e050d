// Package pipes collects EventBridge Pipes: what they read, which function
// enriches it, and where it goes.
package pipes

import (
	"cmp"
	"context"
	_ "embed"
	"encoding/json"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/pipes"
	"github.com/aws/aws-sdk-go-v2/service/pipes/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

//go:embed doc.md
var doc string

// Collector reads the pipes of one region.
var Collector = &collect.Collector{
	Name:   "pipes",
	Title:  "EventBridge Pipes: their sources, enrichments and targets",
	Doc:    doc,
	Writes: []string{"pipes", "edges"},
	Actions: []collect.Action{
		{Name: "pipes:ListPipes", Blinds: "pipes, and the functions they invoke"},
		{Name: "pipes:DescribePipe", Blinds: "a pipe's filters, batches, retries and dead-letter queue: it then counts as unfiltered"},
	},
	Scope:    collect.PerRegion,
	Every:    every,
	Timeout:  15 * time.Minute,
	Estimate: estimate,
	Collect:  run,
}

const (
	every  = 6 * time.Hour
	atOnce = 4
)

// estimate: a listing a region, and a pipe for every fiftieth function.
func estimate(i collect.Inventory) collect.APICost {
	return collect.APICost{Calls: (i.Scopes() + float64(i.Functions)/50) * collect.RunsPerMonth(every)}
}

type reader struct {
	*collect.Run
	client *pipes.Client
	probe  *collect.Probe
}

func run(ctx context.Context, r *collect.Run) error {
	p := &reader{Run: r, client: pipes.NewFromConfig(r.AWS), probe: r.Probe("pipes", "", "pipes:DescribePipe").Also("edges", "pipes")}
	return collect.Survey(ctx, p.probe, atOnce, "pipes:ListPipes", p.list, p.read)
}

// list reads every page, also those before one that fails.
func (p *reader) list(ctx context.Context) ([]types.Pipe, error) {
	var list []types.Pipe
	malformed := false
	err := collect.Pages(ctx, "pipes:ListPipes", func(ctx context.Context, token *string) (*string, error) {
		out, err := p.client.ListPipes(ctx, &pipes.ListPipesInput{NextToken: token, Limit: aws.Int32(100)})
		if err != nil {
			return nil, fmt.Errorf("list pipes: %w", err)
		}
		for i := range out.Pipes {
			item := out.Pipes[i]
			if aws.ToString(item.Arn) == "" || aws.ToString(item.Name) == "" {
				malformed = true
				continue
			}
			list = append(list, item)
		}
		return out.NextToken, nil
	})
	if err == nil && malformed {
		err = errors.New("a pipe lacks its ARN or its name")
	}
	return list, err
}

// read asks for one pipe. What is not told leaves what the listing gave.
func (p *reader) read(ctx context.Context, item types.Pipe) error {
	if p.probe.Hopeless() {
		return p.put(ctx, item, nil)
	}
	out, err := p.client.DescribePipe(ctx, &pipes.DescribePipeInput{Name: item.Name})
	if _, gone := errors.AsType[*types.NotFoundException](err); gone {
		return nil // deleted since it was listed
	}
	if collect.Stop(err) {
		return err
	}
	if err != nil {
		out, err = nil, fmt.Errorf("describe pipe: %w", err)
	}
	p.probe.Answered(*item.Arn, err)
	return p.put(ctx, item, out)
}

// put writes a pipe's row and edges; details may be nil.
func (p *reader) put(ctx context.Context, item types.Pipe, details *pipes.DescribePipeOutput) error {
	row := schema.Pipe{
		Account: p.Account, Region: p.Region, PipeARN: *item.Arn, PipeName: *item.Name, State: string(item.CurrentState),
		DesiredState: string(item.DesiredState), StateReason: aws.ToString(item.StateReason), SourceARN: aws.ToString(item.Source),
		EnrichmentARN: aws.ToString(item.Enrichment), TargetARN: aws.ToString(item.Target), CollectedAt: p.Now,
	}
	if details != nil {
		row.DetailsRead, row.RoleARN = true, aws.ToString(details.RoleArn)
		if c := details.LogConfiguration; c != nil {
			row.LogLevel = string(c.Level)
		}
		describe(&row, details.SourceParameters)
	}
	if err := collect.Put(ctx, p.Run, row); err != nil {
		return err
	}
	return collect.Put(ctx, p.Run, p.edges(row)...)
}

// edges are a pipe's hops. A source outside of AWS is none: it has no ARN.
func (p *reader) edges(row schema.Pipe) []schema.Edge {
	var edges []schema.Edge
	add := func(kind, src, dst, role string) {
		if !strings.HasPrefix(src, "arn:") || !strings.HasPrefix(dst, "arn:") {
			return
		}
		e := p.Edge("pipes", kind, src, dst, row.PipeName)
		e.Enabled = row.State != string(types.PipeStateStopped) && row.DesiredState != string(types.RequestedPipeStateStopped)
		if role == "source" {
			e.Filter = row.Filters
			if !row.DetailsRead {
				e.Attributes["filter"] = "not read"
			}
		}
		e.Attributes["role"] = role
		edges = append(edges, e)
	}
	add("trigger", row.SourceARN, row.PipeARN, "source")
	add("target", row.PipeARN, row.EnrichmentARN, "enrichment")
	add("target", row.PipeARN, row.TargetARN, "target")
	add("dlq", row.PipeARN, row.DLQARN, "dead letters")
	return edges
}

// batch is what the sources' parameters have in common.
type batch struct {
	size, window, retries, age *int32
	dead                       *types.DeadLetterConfig
}

func describe(row *schema.Pipe, s *types.PipeSourceParameters) {
	if s == nil {
		return
	}
	row.Filters = filters(s.FilterCriteria)
	b := batchOf(s)
	row.BatchSize, row.BatchWindowS = collect.Wide(b.size), collect.Wide(b.window)
	row.MaximumRetries, row.MaximumAgeS = collect.Wide(b.retries), collect.Wide(b.age)
	if b.dead != nil {
		row.DLQARN = aws.ToString(b.dead.Arn)
	}
}

func batchOf(s *types.PipeSourceParameters) batch {
	switch {
	case s.SqsQueueParameters != nil:
		q := s.SqsQueueParameters
		return batch{size: q.BatchSize, window: q.MaximumBatchingWindowInSeconds}
	case s.KinesisStreamParameters != nil:
		k := s.KinesisStreamParameters
		return batch{k.BatchSize, k.MaximumBatchingWindowInSeconds, k.MaximumRetryAttempts, k.MaximumRecordAgeInSeconds, k.DeadLetterConfig}
	case s.DynamoDBStreamParameters != nil:
		d := s.DynamoDBStreamParameters
		return batch{d.BatchSize, d.MaximumBatchingWindowInSeconds, d.MaximumRetryAttempts, d.MaximumRecordAgeInSeconds, d.DeadLetterConfig}
	case s.ManagedStreamingKafkaParameters != nil:
		k := s.ManagedStreamingKafkaParameters
		return batch{size: k.BatchSize, window: k.MaximumBatchingWindowInSeconds}
	case s.SelfManagedKafkaParameters != nil:
		k := s.SelfManagedKafkaParameters
		return batch{size: k.BatchSize, window: k.MaximumBatchingWindowInSeconds}
	case s.ActiveMQBrokerParameters != nil:
		m := s.ActiveMQBrokerParameters
		return batch{size: m.BatchSize, window: m.MaximumBatchingWindowInSeconds}
	case s.RabbitMQBrokerParameters != nil:
		m := s.RabbitMQBrokerParameters
		return batch{size: m.BatchSize, window: m.MaximumBatchingWindowInSeconds}
	}
	return batch{}
}

// filters is a pipe's filter criteria as AWS's API spells them.
func filters(c *types.FilterCriteria) string {
	if c == nil || len(c.Filters) == 0 {
		return ""
	}
	type filter struct{ Pattern string }
	var list struct{ Filters []filter }
	for _, f := range c.Filters {
		list.Filters = append(list.Filters, filter{cmp.Or(aws.ToString(f.Pattern), "{}")})
	}
	text, err := json.Marshal(list)
	if err != nil {
		return ""
	}
	return string(text)
}
