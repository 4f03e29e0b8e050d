// Package streams collects Kinesis streams and the streams of DynamoDB tables.
package streams

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/dynamodb"
	dynamotypes "github.com/aws/aws-sdk-go-v2/service/dynamodb/types"
	"github.com/aws/aws-sdk-go-v2/service/kinesis"
	"github.com/aws/aws-sdk-go-v2/service/kinesis/types"
	"golang.org/x/sync/errgroup"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

//go:embed doc.md
var doc string

// Collector reads the streams of one region.
var Collector = &collect.Collector{
	Name:   "streams",
	Title:  "Kinesis streams and the streams of DynamoDB tables",
	Doc:    doc,
	Writes: []string{"streams"},
	Actions: []collect.Action{
		{Name: "kinesis:ListStreams", Blinds: "Kinesis streams"},
		{Name: "kinesis:DescribeStreamSummary", Blinds: "a stream's shards, retention and consumers"},
		{Name: "dynamodb:ListTables", Blinds: "streams of DynamoDB tables"},
		{Name: "dynamodb:DescribeTable", Blinds: "whether a table has a stream, and what its records hold"},
	},
	Scope:    collect.PerRegion,
	Every:    every,
	Timeout:  30 * time.Minute,
	Estimate: estimate,
	Collect:  run,
}

const (
	every  = 24 * time.Hour
	atOnce = 4
)

// estimate: two listings a region, and a table or stream for every fifth function.
func estimate(i collect.Inventory) collect.APICost {
	return collect.APICost{Calls: (2*i.Scopes() + float64(i.Functions)/5) * collect.RunsPerMonth(every)}
}

type reader struct {
	*collect.Run
	kinesis *kinesis.Client
	dynamo  *dynamodb.Client
}

// run reads both services side by side. They share a table, so they are complete
// together.
func run(ctx context.Context, r *collect.Run) error {
	s := &reader{Run: r, kinesis: kinesis.NewFromConfig(r.AWS), dynamo: dynamodb.NewFromConfig(r.AWS)}
	var streams, tables bool
	group, groupCtx := errgroup.WithContext(ctx)
	group.Go(func() (err error) {
		streams, err = s.readStreams(groupCtx)
		return err
	})
	group.Go(func() (err error) {
		tables, err = s.readTables(groupCtx)
		return err
	})
	err := group.Wait()
	if streams && tables && err == nil {
		s.Complete("streams", "")
	}
	return err
}

func (s *reader) row(kind, arn, name string) schema.Stream {
	return schema.Stream{Account: s.Account, Region: s.Region, Kind: kind, StreamARN: arn, StreamName: name, CollectedAt: s.Now}
}

// readStreams reads the Kinesis streams and reports whether it was all of them.
func (s *reader) readStreams(ctx context.Context) (whole bool, _ error) {
	probe := s.Probe("streams", "", "kinesis:DescribeStreamSummary")
	return collect.SurveyPart(ctx, probe, atOnce, "kinesis:ListStreams", s.listStreams, func(ctx context.Context, item types.StreamSummary) error {
		return s.readStream(ctx, probe, item)
	})
}

// listStreams reads every page, also those before one that fails.
func (s *reader) listStreams(ctx context.Context) ([]types.StreamSummary, error) {
	var list []types.StreamSummary
	malformed := false
	err := collect.Pages(ctx, "kinesis:ListStreams", func(ctx context.Context, token *string) (*string, error) {
		out, err := s.kinesis.ListStreams(ctx, &kinesis.ListStreamsInput{NextToken: token, Limit: aws.Int32(1000)})
		if err != nil {
			return nil, fmt.Errorf("list streams: %w", err)
		}
		for _, item := range out.StreamSummaries {
			if aws.ToString(item.StreamARN) == "" {
				malformed = true
				continue
			}
			list = append(list, item)
		}
		return out.NextToken, nil
	})
	if err == nil && malformed {
		err = errors.New("a stream lacks its ARN")
	}
	return list, err
}

// readStream asks for one stream. What is not told leaves what the listing gave.
func (s *reader) readStream(ctx context.Context, probe *collect.Probe, item types.StreamSummary) error {
	row := s.row("kinesis", *item.StreamARN, aws.ToString(item.StreamName))
	row.Status = string(item.StreamStatus)
	if m := item.StreamModeDetails; m != nil {
		row.Mode = string(m.StreamMode)
	}
	if probe.Hopeless() {
		return collect.Put(ctx, s.Run, row)
	}
	out, err := s.kinesis.DescribeStreamSummary(ctx, &kinesis.DescribeStreamSummaryInput{StreamARN: item.StreamARN})
	if _, gone := errors.AsType[*types.ResourceNotFoundException](err); gone {
		return nil // deleted since it was listed
	}
	if collect.Stop(err) {
		return err
	}
	switch {
	case err != nil:
		err = fmt.Errorf("describe stream: %w", err)
	case out.StreamDescriptionSummary == nil:
		err = errors.New("the stream's answer is empty")
	default:
		d := out.StreamDescriptionSummary
		row.DetailsRead, row.Encryption = true, string(d.EncryptionType)
		row.Shards, row.RetentionH, row.Consumers = collect.Wide(d.OpenShardCount), collect.Wide(d.RetentionPeriodHours), collect.Wide(d.ConsumerCount)
	}
	probe.Answered(row.StreamARN, err)
	return collect.Put(ctx, s.Run, row)
}

// readTables reads the streams of tables and reports whether it was all of them.
func (s *reader) readTables(ctx context.Context) (whole bool, _ error) {
	probe := s.Probe("streams", "", "dynamodb:DescribeTable")
	return collect.SurveyPart(ctx, probe, atOnce, "dynamodb:ListTables", s.listTables, func(ctx context.Context, name string) error {
		return s.readTable(ctx, probe, name)
	})
}

// listTables reads every page, also those before one that fails.
func (s *reader) listTables(ctx context.Context) ([]string, error) {
	var names []string
	err := collect.Pages(ctx, "dynamodb:ListTables", func(ctx context.Context, after *string) (*string, error) {
		out, err := s.dynamo.ListTables(ctx, &dynamodb.ListTablesInput{ExclusiveStartTableName: after, Limit: aws.Int32(100)})
		if err != nil {
			return nil, fmt.Errorf("list tables: %w", err)
		}
		names = append(names, out.TableNames...)
		return out.LastEvaluatedTableName, nil
	})
	return names, err
}

const dynamoRetentionH = 24 // of every DynamoDB stream; it cannot be changed

func (s *reader) readTable(ctx context.Context, probe *collect.Probe, name string) error {
	if probe.Hopeless() {
		return nil
	}
	arn := "arn:" + s.Partition + ":dynamodb:" + s.Region + ":" + s.Account + ":table/" + name
	out, err := s.dynamo.DescribeTable(ctx, &dynamodb.DescribeTableInput{TableName: &name})
	if _, gone := errors.AsType[*dynamotypes.ResourceNotFoundException](err); gone {
		return nil // deleted since it was listed
	}
	if collect.Stop(err) {
		return err
	}
	switch {
	case err != nil:
		err = fmt.Errorf("describe table: %w", err)
	case out.Table == nil:
		err = errors.New("the table's answer is empty")
	}
	probe.Answered(arn, err)
	if err != nil {
		return nil //nolint:nilerr // the gap tells
	}
	spec, stream := out.Table.StreamSpecification, aws.ToString(out.Table.LatestStreamArn)
	if spec == nil || !aws.ToBool(spec.StreamEnabled) || stream == "" {
		return nil // the table has no stream
	}
	row := s.row("dynamodb", stream, name)
	row.TableARN, row.Status, row.DetailsRead = arn, string(out.Table.TableStatus), true
	row.ViewType, row.RetentionH = string(spec.StreamViewType), aws.Int64(dynamoRetentionH)
	return collect.Put(ctx, s.Run, row)
}
