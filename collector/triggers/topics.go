package triggers

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sns"
	"github.com/aws/aws-sdk-go-v2/service/sns/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

func (t *reader) readSubscriptions(ctx context.Context) error {
	client := sns.NewFromConfig(t.AWS)
	var inside []types.Subscription
	err := collect.Pages(ctx, "sns:ListSubscriptions", func(ctx context.Context, token *string) (*string, error) {
		out, err := client.ListSubscriptions(ctx, &sns.ListSubscriptionsInput{NextToken: token})
		if err != nil {
			return nil, fmt.Errorf("list subscriptions: %w", err)
		}
		for _, s := range out.Subscriptions {
			// Mail, SMS and HTTP endpoints end outside of AWS; their addresses are nobody's business here.
			if strings.HasPrefix(aws.ToString(s.Endpoint), "arn:") && aws.ToString(s.TopicArn) != "" {
				inside = append(inside, s)
			}
		}
		return out.NextToken, nil
	})
	switch {
	case collect.Stop(err):
		return err
	case err != nil:
		t.Gap("edges", "sns", "", "sns:ListSubscriptions", err)
	default:
		t.Complete("edges", "sns")
	}
	probe := t.Probe("edges", "sns_filter", "sns:GetSubscriptionAttributes")
	err = collect.Each(ctx, atOnce, inside, func(ctx context.Context, s types.Subscription) error {
		return t.readSubscription(ctx, client, probe, s)
	})
	probe.Close()
	return err
}

// readSubscription writes a subscription's edge, with its filter where that can
// be read. Without it the edge stands, and says so.
func (t *reader) readSubscription(ctx context.Context, client *sns.Client, probe *collect.Probe, s types.Subscription) error {
	e := t.edge("sns", "subscription", *s.TopicArn, *s.Endpoint, aws.ToString(s.SubscriptionArn))
	edges := []schema.Edge{e}
	switch {
	case !strings.HasPrefix(e.Via, "arn:"):
		edges[0].Enabled = false // PendingConfirmation: nothing is delivered yet
		return collect.Put(ctx, t.Run, edges...)
	case probe.Hopeless():
		e.Attributes["filter"] = "not read"
		return collect.Put(ctx, t.Run, edges...)
	}
	out, err := client.GetSubscriptionAttributes(ctx, &sns.GetSubscriptionAttributesInput{SubscriptionArn: s.SubscriptionArn})
	var gone *types.NotFoundException
	switch {
	case collect.Stop(err):
		return err
	case errors.As(err, &gone):
		return nil // deleted since it was listed
	case err != nil:
		e.Attributes["filter"] = "not read"
	default:
		edges, err = t.subscriptionEdges(e, out.Attributes)
	}
	probe.Answered(e.Via, err)
	return collect.Put(ctx, t.Run, edges...)
}

func (t *reader) subscriptionEdges(e schema.Edge, attributes map[string]string) ([]schema.Edge, error) {
	e.Filter = attributes["FilterPolicy"]
	for attribute, name := range map[string]string{"filter_scope": "FilterPolicyScope", "raw": "RawMessageDelivery"} {
		if v := attributes[name]; v != "" {
			e.Attributes[attribute] = v
		}
	}
	text := attributes["RedrivePolicy"]
	if text == "" {
		return []schema.Edge{e}, nil
	}
	target, _, err := redrive(text)
	if err != nil {
		return []schema.Edge{e}, err
	}
	return []schema.Edge{e, t.edge("sns", "dlq", e.SrcARN, target, e.Via)}, nil
}
