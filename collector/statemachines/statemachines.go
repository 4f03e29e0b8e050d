// Package statemachines collects Step Functions' state machines and the functions
// that their tasks invoke.
package statemachines

import (
	"context"
	_ "embed"
	"errors"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/sfn"
	"github.com/aws/aws-sdk-go-v2/service/sfn/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

//go:embed doc.md
var doc string

// Collector reads the state machines of one region.
var Collector = &collect.Collector{
	Name:   "statemachines",
	Title:  "Step Functions' state machines and what their tasks invoke",
	Doc:    doc,
	Writes: []string{"state_machines", "state_machine_tasks", "edges"},
	Actions: []collect.Action{
		{Name: "states:ListStateMachines", Blinds: "state machines, and the functions they invoke"},
		{Name: "states:DescribeStateMachine", Blinds: "a state machine's tasks, their retries and catchers, and what it logs"},
	},
	Scope:    collect.PerRegion,
	Every:    every,
	Timeout:  30 * time.Minute,
	Estimate: estimate,
	Collect:  run,
}

const (
	every  = 6 * time.Hour
	atOnce = 4
)

// estimate: a listing a region, and a state machine for every tenth function.
func estimate(i collect.Inventory) collect.APICost {
	return collect.APICost{Calls: (i.Scopes() + float64(i.Functions)/10) * collect.RunsPerMonth(every)}
}

type reader struct {
	*collect.Run
	client *sfn.Client
	probe  *collect.Probe
}

func run(ctx context.Context, r *collect.Run) error {
	m := &reader{Run: r, client: sfn.NewFromConfig(r.AWS)}
	m.probe = r.Probe("state_machines", "", "states:DescribeStateMachine").Also("state_machine_tasks", "").Also("edges", "statemachines")
	return collect.Survey(ctx, m.probe, atOnce, "states:ListStateMachines", m.list, m.read)
}

// list reads every page, also those before one that fails.
func (m *reader) list(ctx context.Context) ([]types.StateMachineListItem, error) {
	var list []types.StateMachineListItem
	malformed := false
	err := collect.Pages(ctx, "states:ListStateMachines", func(ctx context.Context, token *string) (*string, error) {
		out, err := m.client.ListStateMachines(ctx, &sfn.ListStateMachinesInput{NextToken: token, MaxResults: 1000})
		if err != nil {
			return nil, fmt.Errorf("list state machines: %w", err)
		}
		for _, item := range out.StateMachines {
			if aws.ToString(item.StateMachineArn) == "" {
				malformed = true
				continue
			}
			list = append(list, item)
		}
		return out.NextToken, nil
	})
	if err == nil && malformed {
		err = errors.New("a state machine lacks its ARN")
	}
	return list, err
}

// read asks for one state machine. What is not told leaves what the listing gave.
func (m *reader) read(ctx context.Context, item types.StateMachineListItem) error {
	row := schema.StateMachine{
		Account: m.Account, Region: m.Region, StateMachineARN: *item.StateMachineArn, StateMachineName: aws.ToString(item.Name),
		Type: string(item.Type), CollectedAt: m.Now,
	}
	if m.probe.Hopeless() {
		return collect.Put(ctx, m.Run, row)
	}
	out, err := m.client.DescribeStateMachine(ctx, &sfn.DescribeStateMachineInput{StateMachineArn: item.StateMachineArn})
	if _, gone := errors.AsType[*types.StateMachineDoesNotExist](err); gone {
		return nil // deleted since it was listed
	}
	if collect.Stop(err) {
		return err
	}
	if err != nil {
		m.probe.Answered(row.StateMachineARN, fmt.Errorf("describe state machine: %w", err))
		return collect.Put(ctx, m.Run, row)
	}
	tasks, edges, err := m.describe(&row, out)
	m.probe.Answered(row.StateMachineARN, err)
	if err := collect.Put(ctx, m.Run, row); err != nil {
		return err
	}
	if err := collect.Put(ctx, m.Run, tasks...); err != nil {
		return err
	}
	return collect.Put(ctx, m.Run, edges...)
}

// describe fills a row and reads the tasks off the definition, of which nothing
// else is kept.
func (m *reader) describe(row *schema.StateMachine, out *sfn.DescribeStateMachineOutput) (rows []schema.StateMachineTask, edges []schema.Edge, _ error) {
	row.DetailsRead, row.Status, row.RoleARN = true, string(out.Status), aws.ToString(out.RoleArn)
	if l := out.LoggingConfiguration; l != nil {
		row.LoggingLevel, row.LogsExecutionData = string(l.Level), l.IncludeExecutionData
	}
	if t := out.TracingConfiguration; t != nil {
		row.Tracing = t.Enabled
	}
	d, err := parse(aws.ToString(out.Definition))
	if err != nil {
		return nil, nil, err
	}
	row.DefinitionRead, row.QueryLanguage, row.TimeoutS, row.States = true, d.language, d.timeoutS, d.states
	for _, t := range d.tasks {
		task := schema.StateMachineTask{
			Account: m.Account, Region: m.Region, StateMachineARN: row.StateMachineARN, StatePath: t.path, Resource: t.resource,
			Action: t.action, Pattern: t.pattern, TargetARN: m.target(t), Repeated: t.repeated, Retries: t.retries,
			MaximumAttempts: t.maximumAttempts, Catches: t.catches, TimeoutS: t.timeoutS, HeartbeatS: t.heartbeatS, CollectedAt: m.Now,
		}
		rows, edges = append(rows, task), append(edges, m.edges(task, t.named)...)
	}
	return rows, edges, nil
}

// edges lead from a state machine to what a task reaches, as far as the
// definition names it. A state machine that starts itself goes on in a new
// execution, as AWS advises for long ones: that is a task, and no edge.
func (m *reader) edges(t schema.StateMachineTask, named map[string]string) []schema.Edge {
	if t.TargetARN == "" || t.TargetARN == t.StateMachineARN {
		return nil
	}
	e := collect.With(m.Edge("statemachines", "target", t.StateMachineARN, t.TargetARN, t.StatePath), map[string]string{"action": t.Action, "pattern": t.Pattern})
	for attribute, member := range map[string]string{"source": "Source", "detail_type": "DetailType"} { // rules are checked against them
		if t.Action == "events:putEvents" && named[member] != "" {
			e.Attributes[attribute] = named[member]
		}
	}
	return []schema.Edge{e}
}
