package triggers

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strconv"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sqs"
	"github.com/aws/aws-sdk-go-v2/service/sqs/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

func (t *reader) readQueues(ctx context.Context) error {
	client := sqs.NewFromConfig(t.AWS)
	var urls []string
	err := collect.Pages(ctx, "sqs:ListQueues", func(ctx context.Context, token *string) (*string, error) {
		out, err := client.ListQueues(ctx, &sqs.ListQueuesInput{MaxResults: aws.Int32(1000), NextToken: token})
		if err != nil {
			return nil, fmt.Errorf("list queues: %w", err)
		}
		urls = append(urls, out.QueueUrls...)
		return out.NextToken, nil
	})
	if collect.Stop(err) {
		return err
	}
	if err != nil {
		t.Gap("queues", "", "", "sqs:ListQueues", err)
		t.Gap("edges", "sqs", "", "sqs:ListQueues", err)
	}
	listed := err == nil
	probe := t.Probe("queues", "", "sqs:GetQueueAttributes").Also("edges", "sqs")
	err = collect.Each(ctx, atOnce, urls, func(ctx context.Context, url string) error {
		if probe.Hopeless() {
			return nil
		}
		err := t.readQueue(ctx, client, url)
		if collect.Stop(err) {
			return err
		}
		probe.Answered(t.queueARN(url), err)
		return nil
	})
	if probe.Close() && listed && err == nil {
		t.Complete("queues", "")
		t.Complete("edges", "sqs")
	}
	return err
}

func (t *reader) readQueue(ctx context.Context, client *sqs.Client, url string) error {
	out, err := client.GetQueueAttributes(ctx, &sqs.GetQueueAttributesInput{QueueUrl: &url, AttributeNames: []types.QueueAttributeName{
		types.QueueAttributeNameQueueArn, types.QueueAttributeNameVisibilityTimeout,
		types.QueueAttributeNameMessageRetentionPeriod, types.QueueAttributeNameRedrivePolicy,
	}})
	if _, gone := errors.AsType[*types.QueueDoesNotExist](err); gone {
		return nil // deleted since it was listed
	}
	if err != nil {
		return fmt.Errorf("get queue attributes: %w", err)
	}
	attributes := out.Attributes
	row := schema.Queue{
		Account: t.Account, Region: t.Region, QueueARN: attributes["QueueArn"], URL: url,
		FIFO: strings.HasSuffix(url, ".fifo"), CollectedAt: t.Now,
	}
	if row.QueueARN == "" {
		return errors.New("the queue's attributes lack its ARN")
	}
	for name, field := range map[string]*int64{"VisibilityTimeout": &row.VisibilityS, "MessageRetentionPeriod": &row.RetentionS} {
		if *field, err = strconv.ParseInt(attributes[name], 10, 64); err != nil {
			return fmt.Errorf("the queue's %s is no number", name)
		}
	}
	var edges []schema.Edge
	if text := attributes["RedrivePolicy"]; text != "" {
		if row.RedriveTargetARN, row.MaxReceiveCount, err = redrive(text); err != nil {
			return err
		}
		e := t.edge("sqs", "redrive", row.QueueARN, row.RedriveTargetARN, "RedrivePolicy")
		e.Attributes["max_receive_count"] = strconv.FormatInt(row.MaxReceiveCount, 10)
		edges = append(edges, e)
	}
	if err := collect.Put(ctx, t.Run, row); err != nil {
		return err
	}
	return collect.Put(ctx, t.Run, edges...)
}

// redrive reads a redrive policy; the count is a number or a string of one.
func redrive(text string) (target string, maxReceives int64, _ error) {
	var policy struct {
		Target      string          `json:"deadLetterTargetArn"`
		MaxReceives json.RawMessage `json:"maxReceiveCount"`
	}
	if json.Unmarshal([]byte(text), &policy) != nil || policy.Target == "" {
		return "", 0, errors.New("the redrive policy names no dead-letter target")
	}
	// A subscription's policy has no count; it is zero then.
	maxReceives, _ = strconv.ParseInt(strings.Trim(string(policy.MaxReceives), `"`), 10, 64)
	return policy.Target, maxReceives, nil
}

// queueARN is the ARN that a queue's URL stands for: https://HOST/ACCOUNT/NAME.
func (t *reader) queueARN(url string) string {
	parts := strings.Split(url, "/")
	if len(parts) < 2 {
		return url
	}
	return "arn:" + t.Partition + ":sqs:" + t.Region + ":" + parts[len(parts)-2] + ":" + parts[len(parts)-1]
}
