package triggers

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge"
	"github.com/aws/aws-sdk-go-v2/service/eventbridge/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// bus is an event bus by name, and by ARN for gaps.
type bus struct{ name, arn string }

func (t *reader) readBuses(ctx context.Context) error {
	client := eventbridge.NewFromConfig(t.AWS)
	// The default bus always is; without a listing its rules can still be read.
	buses := []bus{{"default", "arn:" + t.Partition + ":events:" + t.Region + ":" + t.Account + ":event-bus/default"}}
	err := collect.Pages(ctx, "events:ListEventBuses", func(ctx context.Context, token *string) (*string, error) {
		out, err := client.ListEventBuses(ctx, &eventbridge.ListEventBusesInput{NextToken: token, Limit: aws.Int32(100)})
		if err != nil {
			return nil, fmt.Errorf("list event buses: %w", err)
		}
		for _, b := range out.EventBuses {
			if name := aws.ToString(b.Name); name != "" && name != "default" {
				buses = append(buses, bus{name, aws.ToString(b.Arn)})
			}
		}
		return out.NextToken, nil
	})
	if collect.Stop(err) {
		return err
	}
	if err != nil {
		t.Gap("edges", "events", "", "events:ListEventBuses", err)
	}
	listed := err == nil
	rules := t.Probe("edges", "events", "events:ListRules")
	targets := t.Probe("edges", "events", "events:ListTargetsByRule")
	err = collect.Each(ctx, atOnce, buses, func(ctx context.Context, b bus) error {
		err := t.readBus(ctx, client, targets, b)
		if collect.Stop(err) {
			return err
		}
		rules.Answered(b.arn, err)
		return nil
	})
	rulesRead, targetsRead := rules.Close(), targets.Close()
	if rulesRead && targetsRead && listed && err == nil {
		t.Complete("edges", "events")
	}
	return err
}

func (t *reader) readBus(ctx context.Context, client *eventbridge.Client, targets *collect.Probe, b bus) error {
	return collect.Pages(ctx, "events:ListRules", func(ctx context.Context, token *string) (*string, error) {
		out, err := client.ListRules(ctx, &eventbridge.ListRulesInput{EventBusName: &b.name, NextToken: token, Limit: aws.Int32(100)})
		if err != nil {
			return nil, fmt.Errorf("list rules: %w", err)
		}
		for i := range out.Rules {
			if err := t.readRule(ctx, client, targets, b, &out.Rules[i]); err != nil {
				return nil, err
			}
		}
		return out.NextToken, nil
	})
}

// readRule writes an edge for each of a rule's targets. What stays unread is
// the bus's gap: any event on it may take the rule.
func (t *reader) readRule(ctx context.Context, client *eventbridge.Client, probe *collect.Probe, b bus, rule *types.Rule) error {
	if aws.ToString(rule.Arn) == "" || aws.ToString(rule.Name) == "" {
		return errors.New("a rule lacks its ARN or its name")
	}
	if probe.Hopeless() {
		return nil
	}
	var edges []schema.Edge
	err := collect.Pages(ctx, "events:ListTargetsByRule", func(ctx context.Context, token *string) (*string, error) {
		out, err := client.ListTargetsByRule(ctx, &eventbridge.ListTargetsByRuleInput{Rule: rule.Name, EventBusName: &b.name, NextToken: token, Limit: aws.Int32(100)})
		if err != nil {
			return nil, fmt.Errorf("list targets: %w", err)
		}
		for i := range out.Targets {
			edges = append(edges, t.targetEdges(rule, &out.Targets[i])...)
		}
		return out.NextToken, nil
	})
	if _, gone := errors.AsType[*types.ResourceNotFoundException](err); gone {
		return nil // deleted since it was listed
	}
	if collect.Stop(err) {
		return err
	}
	probe.Answered(b.arn, err)
	return collect.Put(ctx, t.Run, edges...)
}

// targetEdges is a rule's edges to one target: for its pattern, for its
// schedule (a rule may have both) and to the target's dead-letter queue.
func (t *reader) targetEdges(rule *types.Rule, target *types.Target) []schema.Edge {
	if aws.ToString(target.Arn) == "" {
		return nil
	}
	edge := func(kind, dst string) schema.Edge {
		e := t.edge("events", kind, *rule.Arn, dst, *rule.Name)
		e.Enabled = strings.HasPrefix(string(rule.State), "ENABLED")
		if by := aws.ToString(rule.ManagedBy); by != "" {
			e.Attributes["managed_by"] = by
		}
		return e
	}
	var edges []schema.Edge
	if pattern := aws.ToString(rule.EventPattern); pattern != "" {
		e := edge("target", *target.Arn)
		e.Filter = pattern
		edges = append(edges, e)
	}
	if schedule := aws.ToString(rule.ScheduleExpression); schedule != "" {
		e := edge("schedule", *target.Arn)
		e.Attributes["schedule"] = schedule
		edges = append(edges, e)
	}
	if d := target.DeadLetterConfig; d != nil && aws.ToString(d.Arn) != "" {
		edges = append(edges, edge("dlq", *d.Arn))
	}
	return edges
}
