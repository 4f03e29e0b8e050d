// Package loadbalancers collects the functions that stand behind load balancers.
package loadbalancers

import (
	"cmp"
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2"
	"github.com/aws/aws-sdk-go-v2/service/elasticloadbalancingv2/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

//go:embed doc.md
var doc string

// Collector reads the target groups of one region.
var Collector = &collect.Collector{
	Name:   "loadbalancers",
	Title:  "functions behind load balancers, and their health",
	Doc:    doc,
	Writes: []string{"load_balancer_targets", "edges"},
	Actions: []collect.Action{
		{Name: "elasticloadbalancing:DescribeTargetGroups", Blinds: "load balancers that invoke functions"},
		{Name: "elasticloadbalancing:DescribeTargetHealth", Blinds: "which function a target group has, and whether it is healthy"},
	},
	Scope:    collect.PerRegion,
	Every:    every,
	Timeout:  15 * time.Minute,
	Estimate: estimate,
	Collect:  run,
}

const (
	every  = 12 * time.Hour
	atOnce = 4
)

// estimate: a listing a region, and a target group for every fiftieth function.
func estimate(i collect.Inventory) collect.APICost {
	return collect.APICost{Calls: (i.Scopes() + float64(i.Functions)/50) * collect.RunsPerMonth(every)}
}

type reader struct {
	*collect.Run
	client *elasticloadbalancingv2.Client
	probe  *collect.Probe
}

func run(ctx context.Context, r *collect.Run) error {
	l := &reader{Run: r, client: elasticloadbalancingv2.NewFromConfig(r.AWS)}
	l.probe = r.Probe("load_balancer_targets", "", "elasticloadbalancing:DescribeTargetHealth").Also("edges", "loadbalancers")
	return collect.Survey(ctx, l.probe, atOnce, "elasticloadbalancing:DescribeTargetGroups", l.list, l.read)
}

// list reads every page and keeps the groups whose target is a function.
func (l *reader) list(ctx context.Context) ([]types.TargetGroup, error) {
	var groups []types.TargetGroup
	malformed := false
	err := collect.Pages(ctx, "elasticloadbalancing:DescribeTargetGroups", func(ctx context.Context, marker *string) (*string, error) {
		out, err := l.client.DescribeTargetGroups(ctx, &elasticloadbalancingv2.DescribeTargetGroupsInput{Marker: marker, PageSize: aws.Int32(400)})
		if err != nil {
			return nil, fmt.Errorf("list target groups: %w", err)
		}
		for i := range out.TargetGroups {
			g := out.TargetGroups[i]
			switch {
			case g.TargetType != types.TargetTypeEnumLambda: // instances and addresses are no functions
			case aws.ToString(g.TargetGroupArn) == "":
				malformed = true
			default:
				groups = append(groups, g)
			}
		}
		return out.NextMarker, nil
	})
	if err == nil && malformed {
		err = errors.New("a target group lacks its ARN")
	}
	return groups, err
}

func (l *reader) read(ctx context.Context, g types.TargetGroup) error {
	if l.probe.Hopeless() {
		return nil
	}
	out, err := l.client.DescribeTargetHealth(ctx, &elasticloadbalancingv2.DescribeTargetHealthInput{TargetGroupArn: g.TargetGroupArn})
	if _, gone := errors.AsType[*types.TargetGroupNotFoundException](err); gone {
		return nil // deleted since it was listed
	}
	if collect.Stop(err) {
		return err
	}
	if err != nil {
		l.probe.Answered(*g.TargetGroupArn, fmt.Errorf("describe target health: %w", err))
		return nil
	}
	rows, edges, err := l.targets(g, out.TargetHealthDescriptions)
	l.probe.Answered(*g.TargetGroupArn, err)
	if err := collect.Put(ctx, l.Run, rows...); err != nil {
		return err
	}
	return collect.Put(ctx, l.Run, edges...)
}

// targets is a row for each load balancer of the group; a group that none uses
// has one row, and no edge.
func (l *reader) targets(g types.TargetGroup, list []types.TargetHealthDescription) (rows []schema.LoadBalancerTarget, edges []schema.Edge, err error) {
	balancers := g.LoadBalancerArns
	if len(balancers) == 0 {
		balancers = []string{""}
	}
	for _, d := range list {
		if d.Target == nil {
			return rows, edges, errors.New("a target of the group is not named")
		}
		function, _, qualifier, ok := collect.Function(aws.ToString(d.Target.Id))
		if !ok {
			return rows, edges, errors.New("a target of the group is no function")
		}
		for _, balancer := range balancers {
			row := schema.LoadBalancerTarget{
				Account: l.Account, Region: l.Region, TargetGroupARN: *g.TargetGroupArn, TargetGroupName: aws.ToString(g.TargetGroupName),
				LoadBalancerARN: balancer, FunctionARN: function, Qualifier: qualifier, HealthChecks: aws.ToBool(g.HealthCheckEnabled),
				HealthCheckIntervalS: collect.Wide(g.HealthCheckIntervalSeconds), CollectedAt: l.Now,
			}
			if h := d.TargetHealth; h != nil {
				row.Health, row.HealthReason = string(h.State), string(h.Reason)
			}
			rows = append(rows, row)
			if balancer == "" {
				continue
			}
			e := l.Edge("loadbalancers", "trigger", balancer, function, *g.TargetGroupArn)
			if qualifier != "" {
				e.Attributes["qualifier"] = qualifier
			}
			e.Attributes["target_group"] = cmp.Or(row.TargetGroupName, row.TargetGroupARN)
			edges = append(edges, e)
		}
	}
	return rows, edges, nil
}
