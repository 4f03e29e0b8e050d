// Package scheduler collects EventBridge Scheduler's schedules and what they invoke.
package scheduler

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
	"github.com/aws/aws-sdk-go-v2/service/scheduler"
	"github.com/aws/aws-sdk-go-v2/service/scheduler/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

//go:embed doc.md
var doc string

// Collector reads the schedules of one region.
var Collector = &collect.Collector{
	Name:   "scheduler",
	Title:  "EventBridge Scheduler's schedules and what they invoke",
	Doc:    doc,
	Writes: []string{"schedules", "edges"},
	Actions: []collect.Action{
		{Name: "scheduler:ListSchedules", Blinds: "schedules, and what they invoke"},
		{Name: "scheduler:GetSchedule", Blinds: "when a schedule runs, its retries and its dead-letter queue; what it invokes where its target is an API action"},
	},
	Scope:    collect.PerRegion,
	Every:    every,
	Timeout:  30 * time.Minute,
	Params:   []collect.Param{{Name: "details", Default: int64(5000), Doc: "schedules of a region whose details are read; the rest, as of one-time schedules by the thousand, is listed without them"}},
	Estimate: estimate,
	Collect:  run,
}

const (
	every  = 6 * time.Hour
	atOnce = 8
)

// estimate: a listing a region, and a schedule for every tenth function.
func estimate(i collect.Inventory) collect.APICost {
	return collect.APICost{Calls: (i.Scopes() + float64(i.Functions)/10) * collect.RunsPerMonth(every)}
}

// errLimit is why a schedule's details were not asked for.
var errLimit = errors.New("more schedules than collectors.scheduler.details allows: raise it to read them all")

type reader struct {
	*collect.Run
	client *scheduler.Client
	probe  *collect.Probe
}

func run(ctx context.Context, r *collect.Run) error {
	s := &reader{Run: r, client: scheduler.NewFromConfig(r.AWS), probe: r.Probe("schedules", "", "scheduler:GetSchedule").Also("edges", "scheduler")}
	list, err := s.list(ctx)
	switch {
	case collect.Stop(err):
		return err
	case err != nil:
		s.Gap("schedules", "", "", "scheduler:ListSchedules", err)
		s.Gap("edges", "scheduler", "", "scheduler:ListSchedules", err)
	}
	listed := err == nil
	limit, _ := r.Params["details"].(int64)
	detailed := list[:min(len(list), int(max(limit, 0)))]
	err = collect.Each(ctx, atOnce, detailed, s.read)
	for _, rest := range list[len(detailed):] {
		if err == nil {
			err = s.put(ctx, rest, nil)
		}
	}
	whole := s.probe.Close() && len(detailed) == len(list)
	if len(detailed) < len(list) {
		s.Gap("schedules", "", "", "scheduler:GetSchedule", errLimit)
	}
	if whole && listed && err == nil {
		s.Complete("schedules", "")
		s.Complete("edges", "scheduler")
	}
	return err
}

// list reads every page, also those before one that fails.
func (s *reader) list(ctx context.Context) ([]types.ScheduleSummary, error) {
	var list []types.ScheduleSummary
	malformed := false
	err := collect.Pages(ctx, "scheduler:ListSchedules", func(ctx context.Context, token *string) (*string, error) {
		out, err := s.client.ListSchedules(ctx, &scheduler.ListSchedulesInput{NextToken: token, MaxResults: aws.Int32(100)})
		if err != nil {
			return nil, fmt.Errorf("list schedules: %w", err)
		}
		for _, item := range out.Schedules {
			if aws.ToString(item.Arn) == "" || aws.ToString(item.Name) == "" || item.Target == nil {
				malformed = true
				continue
			}
			list = append(list, item)
		}
		return out.NextToken, nil
	})
	if err == nil && malformed {
		err = errors.New("a schedule lacks its ARN, its name or its target")
	}
	return list, err
}

// read asks for one schedule. What is not told leaves the row and the edge that
// the listing gave.
func (s *reader) read(ctx context.Context, item types.ScheduleSummary) error {
	if s.probe.Hopeless() {
		return s.put(ctx, item, nil)
	}
	out, err := s.client.GetSchedule(ctx, &scheduler.GetScheduleInput{Name: item.Name, GroupName: item.GroupName})
	if _, gone := errors.AsType[*types.ResourceNotFoundException](err); gone {
		return nil // deleted, or done, since it was listed
	}
	if collect.Stop(err) {
		return err
	}
	if err != nil {
		err = fmt.Errorf("get schedule: %w", err)
	} else if out.Target == nil {
		err = errors.New("the schedule's answer lacks its target")
	}
	s.probe.Answered(*item.Arn, err)
	if err != nil {
		out = nil
	}
	return s.put(ctx, item, out)
}

// put writes a schedule's row and edges; details may be nil.
func (s *reader) put(ctx context.Context, item types.ScheduleSummary, details *scheduler.GetScheduleOutput) error {
	row := schema.Schedule{
		Account: s.Account, Region: s.Region, ScheduleARN: *item.Arn, ScheduleName: *item.Name, ScheduleGroup: aws.ToString(item.GroupName),
		State: string(item.State), TargetARN: aws.ToString(item.Target.Arn), CollectedAt: s.Now,
	}
	input := ""
	if details != nil {
		describe(&row, details)
		input = aws.ToString(details.Target.Input)
	}
	row.DestinationARN = s.destination(row.TargetARN, input)
	if err := collect.Put(ctx, s.Run, row); err != nil {
		return err
	}
	var edges []schema.Edge
	add := func(kind, dst string) {
		e := collect.With(s.Edge("scheduler", kind, row.ScheduleARN, dst, row.ScheduleName), map[string]string{"schedule": row.Expression})
		e.Enabled = row.State != string(types.ScheduleStateDisabled)
		edges = append(edges, e)
	}
	if row.DestinationARN != "" {
		add("schedule", row.DestinationARN)
	}
	if row.DLQARN != "" {
		add("dlq", row.DLQARN)
	}
	return collect.Put(ctx, s.Run, edges...)
}

func describe(row *schema.Schedule, d *scheduler.GetScheduleOutput) {
	row.DetailsRead = true
	row.Expression, row.Timezone, row.AfterCompletion = aws.ToString(d.ScheduleExpression), aws.ToString(d.ScheduleExpressionTimezone), string(d.ActionAfterCompletion)
	row.StartsAt, row.EndsAt = instant(d.StartDate), instant(d.EndDate)
	row.TargetRoleARN = aws.ToString(d.Target.RoleArn)
	if w := d.FlexibleTimeWindow; w != nil {
		row.FlexibleMinutes = collect.Wide(w.MaximumWindowInMinutes)
	}
	if p := d.Target.RetryPolicy; p != nil {
		row.MaximumAgeS, row.MaximumRetries = collect.Wide(p.MaximumEventAgeInSeconds), collect.Wide(p.MaximumRetryAttempts)
	}
	if q := d.Target.DeadLetterConfig; q != nil {
		row.DLQARN = aws.ToString(q.Arn)
	}
}

func instant(t *time.Time) string {
	if t == nil {
		return ""
	}
	return t.UTC().Format(time.RFC3339)
}

// action is the input of an API action, as far as it names a resource. Payloads
// and messages beside it are not looked at.
type action struct {
	FunctionName    string
	QueueUrl        string
	TopicArn        string
	StateMachineArn string
}

// destination is the resource that a target reaches: itself or, of an API action
// such as arn:aws:scheduler:::aws-sdk:lambda:invoke, the one that the input names.
func (s *reader) destination(target, input string) string {
	if !strings.Contains(target, ":scheduler:::") {
		return target
	}
	var a action
	if json.Unmarshal([]byte(input), &a) != nil {
		return ""
	}
	switch {
	case a.FunctionName != "":
		return s.FunctionARN(a.FunctionName)
	case a.QueueUrl != "":
		return s.QueueARN(a.QueueUrl)
	default:
		return cmp.Or(a.TopicArn, a.StateMachineArn)
	}
}
