package scheduler

import (
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

const prefix = "arn:aws:scheduler:eu-west-1:123456789012:schedule/"

func summary(name, state, target string) string {
	return `{"Arn":"` + prefix + `default/` + name + `","Name":"` + name + `","GroupName":"default","State":"` + state + `","CreationDate":1.7e9,"Target":{"Arn":"` + target + `"}}`
}

// wire has a schedule of a function, one of an API action, a disabled one of a
// state machine's version, and one that is gone when it is asked for.
func wire() *collecttest.Wire {
	const action = "arn:aws:scheduler:::aws-sdk:"
	function := "arn:aws:lambda:eu-west-1:123456789012:function:orders:live"
	return collecttest.NewWire(map[string]collecttest.Answer{
		"scheduler:ListSchedules": collecttest.Select(map[string]collecttest.Answer{
			"NextToken=n": collecttest.Body(`{"Schedules":[` + summary("flow", "DISABLED", "arn:aws:states:eu-west-1:123456789012:stateMachine:flow:2") + `,` + summary("gone", "ENABLED", function) + `]}`),
		}, collecttest.Body(`{"NextToken":"n","Schedules":[`+summary("daily", "ENABLED", function)+`,`+summary("send", "ENABLED", action+"sqs:sendMessage")+`]}`)),
		"scheduler:GetSchedule": collecttest.Select(map[string]collecttest.Answer{
			"/daily": collecttest.Body(`{"Arn":"` + prefix + `default/daily","ScheduleExpression":"cron(0 3 * * ? *)","ScheduleExpressionTimezone":"Europe/Berlin","State":"ENABLED",` +
				`"FlexibleTimeWindow":{"Mode":"FLEXIBLE","MaximumWindowInMinutes":15},"ActionAfterCompletion":"NONE","StartDate":1.7e9,"Target":{"Arn":"` + function + `",` +
				`"RoleArn":"arn:aws:iam::123456789012:role/s","Input":"{\"token\":\"hunter2\"}","DeadLetterConfig":{"Arn":"arn:aws:sqs:eu-west-1:123456789012:dead"},"RetryPolicy":{"MaximumEventAgeInSeconds":60,"MaximumRetryAttempts":0}}}`),
			"/send": collecttest.Body(`{"ScheduleExpression":"at(2026-12-01T00:00:00)","Target":{"Arn":"` + action + `sqs:sendMessage","Input":"{\"QueueUrl\":\"https://sqs.eu-west-1.amazonaws.com/123456789012/jobs\",\"MessageBody\":\"hunter2\"}"}}`),
			"/flow": collecttest.Body(`{"ScheduleExpression":"rate(1 hour)","Target":{"Arn":"arn:aws:states:eu-west-1:123456789012:stateMachine:flow:2"}}`),
			"/gone": collecttest.Fail("scheduler", 404, "ResourceNotFoundException", "Schedule gone does not exist."),
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
	if got, want := Collector.Estimate(collect.Inventory{Accounts: 1, Regions: 2, Functions: 100}).Calls, 12*730.0/6; got != want {
		t.Errorf("estimate %v, want %v", got, want)
	}
}

func TestOneActionLess(t *testing.T) {
	t.Parallel()
	both := []string{"edges/scheduler", "schedules/"}
	collecttest.OneActionLess(t, Collector, wire, collecttest.Options{}, []collecttest.Less{
		{Operation: "scheduler:ListSchedules", Gaps: both},
		{Operation: "scheduler:GetSchedule", Gaps: both, Rows: 4 + 3}, // the API action's edge is not known
	})
}

func TestMalformedPieces(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		operation, answer string
		gaps              []string
	}{
		{"scheduler:ListSchedules", `{"Schedules":[{"Name":"x"}]}`, []string{"edges/scheduler failed", "schedules/ failed"}},
		{"scheduler:ListSchedules", `{"NextToken":"again","Schedules":[]}`, []string{"edges/scheduler failed", "schedules/ failed"}},
		{"scheduler:GetSchedule", `{}`, []string{
			"edges/scheduler arn:…:schedule/default/daily failed", "edges/scheduler arn:…:schedule/default/flow failed",
			"edges/scheduler arn:…:schedule/default/gone failed", "edges/scheduler arn:…:schedule/default/send failed",
			"schedules/ arn:…:schedule/default/daily failed", "schedules/ arn:…:schedule/default/flow failed",
			"schedules/ arn:…:schedule/default/gone failed", "schedules/ arn:…:schedule/default/send failed",
		}},
	} {
		f := collecttest.New(t, Collector, collecttest.Options{Wire: wire().On(tt.operation, collecttest.Body(tt.answer))})
		f.Collect(t)
		if diff := cmp.Diff(tt.gaps, f.GapList()); diff != "" {
			t.Errorf("%s %s: gaps (-want +got):\n%s", tt.operation, tt.answer, diff)
		}
	}
}

// Beyond the limit, schedules are listed and not asked for, and the run says so.
func TestMoreThanTheLimit(t *testing.T) {
	t.Parallel()
	f := collecttest.New(t, Collector, collecttest.Options{Wire: wire(), Params: map[string]any{"details": int64(1)}})
	f.Collect(t)
	rows := collecttest.Rows[schema.Schedule](f.Sink)
	read := 0
	for _, r := range rows {
		if r.DetailsRead {
			read++
		}
	}
	if len(rows) != 4 || read != 1 || len(f.Completions()) != 0 || len(f.Gaps()) != 1 || !strings.Contains(f.Gaps()[0].Detail, "collectors.scheduler.details") {
		t.Errorf("%d rows, %d read, completions %v, gaps %v", len(rows), read, f.Completions(), f.Gaps())
	}
}

func TestASinkThatFailsEndsTheRun(t *testing.T) {
	t.Parallel()
	f := collecttest.New(t, Collector, collecttest.Options{Wire: wire()})
	f.Sink.PutErr = errors.New("disk full")
	if err := Collector.Collect(t.Context(), f.Run); err == nil || !strings.Contains(err.Error(), "disk full") {
		t.Errorf("error: %v", err)
	}
}

// The schedules of a simulated region are those of its world, and each invokes
// the function that the world says.
func TestSimulatedAccount(t *testing.T) {
	t.Parallel()
	account := collecttest.Simulate(t, awssim.Options{})
	seen := 0
	for _, region := range account.World.Regions {
		f := account.Run(t, Collector, collecttest.Options{Region: region.Name})
		f.Collect(t)
		f.NotThrottled(t)
		f.Secret(t, awssim.Canary, nil)
		if gaps := f.GapList(); len(gaps) > 0 {
			t.Errorf("gaps: %v", gaps)
		}
		want, got := map[string]string{}, map[string]string{}
		for _, s := range region.Schedules {
			want[s.ARN] = strings.Join([]string{s.State, s.Expression, s.Timezone, target(s)}, " ")
			seen++
		}
		for _, s := range collecttest.Rows[schema.Schedule](f.Sink) {
			got[s.ScheduleARN] = strings.Join([]string{s.State, s.Expression, s.Timezone, s.DestinationARN}, " ")
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("schedules of %s (-want +got):\n%s", region.Name, diff)
		}
		if edges := collecttest.Rows[schema.Edge](f.Sink); len(edges) != len(region.Schedules) {
			t.Errorf("%d edges, want %d", len(edges), len(region.Schedules))
		}
	}
	if seen < 2 {
		t.Errorf("the world has %d schedules", seen)
	}
}

// target is the function of a schedule, which an API action names in its input.
func target(s *awssim.Schedule) string {
	if _, rest, ok := strings.Cut(s.Input, `"FunctionName":"`); ok {
		arn, _, _ := strings.Cut(rest, `"`)
		return arn
	}
	return s.TargetARN
}
