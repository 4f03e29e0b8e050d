package triggers

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/s3"
	"github.com/aws/aws-sdk-go-v2/service/s3/types"
	"github.com/aws/smithy-go"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

func (t *reader) readBuckets(ctx context.Context) error {
	client := s3.NewFromConfig(t.AWS, func(o *s3.Options) {
		o.UsePathStyle = o.BaseEndpoint != nil // an endpoint of one's own has no subdomain for each bucket
	})
	buckets, err := t.listBuckets(ctx, client)
	if collect.Stop(err) {
		return err
	}
	if err != nil {
		t.Gap("edges", "s3", "", "s3:ListAllMyBuckets", err)
	}
	listed := err == nil
	probe := t.Probe("edges", "s3", "s3:GetBucketNotification")
	placing := t.Probe("edges", "s3", "s3:GetBucketLocation")
	err = collect.Each(ctx, atOnce, buckets, func(ctx context.Context, b types.Bucket) error {
		here, err := t.here(ctx, client, placing, b)
		if err != nil || !here || probe.Hopeless() {
			return err
		}
		err = t.readBucket(ctx, client, *b.Name)
		if collect.Stop(err) {
			return err
		}
		probe.Answered(t.bucketARN(*b.Name), err)
		return nil
	})
	placed, read := placing.Close(), probe.Close()
	if placed && read && listed && err == nil {
		t.Complete("edges", "s3")
	}
	return err
}

// listBuckets lists the region's buckets; where the answer does not name
// regions, all of the account's.
func (t *reader) listBuckets(ctx context.Context, client *s3.Client) ([]types.Bucket, error) {
	var buckets []types.Bucket
	err := collect.Pages(ctx, "s3:ListBuckets", func(ctx context.Context, token *string) (*string, error) {
		out, err := client.ListBuckets(ctx, &s3.ListBucketsInput{BucketRegion: &t.Region, MaxBuckets: aws.Int32(1000), ContinuationToken: token})
		if err != nil {
			return nil, fmt.Errorf("list buckets: %w", err)
		}
		for _, b := range out.Buckets {
			if aws.ToString(b.Name) == "" {
				return nil, errors.New("a listed bucket has no name")
			}
			buckets = append(buckets, b)
		}
		return out.ContinuationToken, nil
	})
	return buckets, err
}

// here reports whether a bucket is in the run's region.
func (t *reader) here(ctx context.Context, client *s3.Client, probe *collect.Probe, b types.Bucket) (bool, error) {
	if b.BucketRegion != nil {
		return *b.BucketRegion == t.Region, nil
	}
	if probe.Hopeless() {
		return false, nil
	}
	out, err := client.GetBucketLocation(ctx, &s3.GetBucketLocationInput{Bucket: b.Name})
	switch {
	case collect.Stop(err):
		return false, err
	case noSuchBucket(err): // deleted since it was listed
	case err != nil:
		probe.Answered(t.bucketARN(*b.Name), err)
	default:
		probe.Answered(t.bucketARN(*b.Name), nil)
		return t.Region == located(string(out.LocationConstraint)), nil
	}
	return false, nil
}

// located is the region of a location constraint, which spells two of them its own way.
func located(constraint string) string {
	switch constraint {
	case "":
		return "us-east-1"
	case "EU":
		return "eu-west-1"
	default:
		return constraint
	}
}

func (t *reader) readBucket(ctx context.Context, client *s3.Client, name string) error {
	out, err := client.GetBucketNotificationConfiguration(ctx, &s3.GetBucketNotificationConfigurationInput{Bucket: &name})
	if noSuchBucket(err) {
		return nil // deleted since it was listed
	}
	if err != nil {
		return fmt.Errorf("get bucket notification: %w", err)
	}
	var edges []schema.Edge
	add := func(id, target *string, events []types.Event, filter *types.NotificationConfigurationFilter) {
		e := t.edge("s3", "trigger", t.bucketARN(name), aws.ToString(target), aws.ToString(id))
		e.Filter = keyFilter(filter)
		list := make([]string, len(events))
		for i, event := range events {
			list[i] = string(event)
		}
		e.Attributes["events"] = strings.Join(list, ",")
		edges = append(edges, e)
	}
	for _, c := range out.LambdaFunctionConfigurations {
		add(c.Id, c.LambdaFunctionArn, c.Events, c.Filter)
	}
	for _, c := range out.QueueConfigurations {
		add(c.Id, c.QueueArn, c.Events, c.Filter)
	}
	for _, c := range out.TopicConfigurations {
		add(c.Id, c.TopicArn, c.Events, c.Filter)
	}
	if out.EventBridgeConfiguration != nil {
		bus := "arn:" + t.Partition + ":events:" + t.Region + ":" + t.Account + ":event-bus/default"
		edges = append(edges, t.edge("s3", "trigger", t.bucketARN(name), bus, "EventBridgeConfiguration"))
	}
	return collect.Put(ctx, t.Run, edges...)
}

// keyFilter is a notification's filter as the edges table spells it.
func keyFilter(f *types.NotificationConfigurationFilter) string {
	if f == nil || f.Key == nil {
		return ""
	}
	var keys struct {
		Prefix string `json:"prefix,omitempty"`
		Suffix string `json:"suffix,omitempty"`
	}
	for _, rule := range f.Key.FilterRules {
		switch strings.ToLower(string(rule.Name)) {
		case "prefix":
			keys.Prefix = aws.ToString(rule.Value)
		case "suffix":
			keys.Suffix = aws.ToString(rule.Value)
		}
	}
	return compact(keys)
}

func (t *reader) bucketARN(name string) string { return "arn:" + t.Partition + ":s3:::" + name }

func noSuchBucket(err error) bool {
	var api smithy.APIError
	return errors.As(err, &api) && api.ErrorCode() == "NoSuchBucket"
}
