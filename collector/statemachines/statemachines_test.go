package statemachines

import (
	"encoding/json"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

const prefix = "arn:aws:states:eu-west-1:123456789012:stateMachine:"

// orders has a task of every kind that is recognised, and of some that are not.
const orders = `{"Comment":"hunter2","StartAt":"Charge","TimeoutSeconds":3600,"States":{
 "Charge":{"Type":"Task","Resource":"arn:aws:lambda:eu-west-1:123456789012:function:charge:live","TimeoutSeconds":30,"HeartbeatSecondsPath":"$.h",
   "Retry":[{"ErrorEquals":["Lambda.TooManyRequestsException"],"MaxAttempts":6},{"ErrorEquals":["States.ALL"]}],"Catch":[{"ErrorEquals":["States.ALL"],"Next":"Failed"}],"Next":"All"},
 "All":{"Type":"Parallel","Branches":[
   {"StartAt":"Notify","States":{"Notify":{"Type":"Task","Resource":"arn:aws:states:::sns:publish","Parameters":{"TopicArn":"arn:aws:sns:eu-west-1:123456789012:orders","Message":"hunter2"},"End":true}}},
   {"StartAt":"Ask","States":{"Ask":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke.waitForTaskToken","HeartbeatSeconds":600,"Parameters":{"FunctionName":"ask","Payload":{"token.$":"$$.Task.Token"}},"End":true}}}],"Next":"Each"},
 "Each":{"Type":"Map","ItemProcessor":{"StartAt":"Ship","States":{
   "Ship":{"Type":"Task","Resource":"arn:aws:states:::sqs:sendMessage","Parameters":{"QueueUrl":"https://sqs.eu-west-1.amazonaws.com/123456789012/shipping","MessageBody":"x"},"Next":"Put"},
   "Put":{"Type":"Task","Resource":"arn:aws:states:::dynamodb:putItem","Parameters":{"TableName":"orders","Item":{}},"End":true}}},"Next":"Emit"},
 "Old":{"Type":"Map","Iterator":{"StartAt":"Any","States":{"Any":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Parameters":{"FunctionName.$":"$.function"},"End":true}}},"Next":"Emit"},
 "Emit":{"Type":"Task","Resource":"arn:aws:states:::events:putEvents","Parameters":{"Entries":[{"Source":"shop","DetailType":"done","Detail":{}}]},"Next":"Sub"},
 "Sub":{"Type":"Task","Resource":"arn:aws:states:::states:startExecution.sync:2","Parameters":{"StateMachineArn":"arn:aws:states:eu-west-1:123456789012:stateMachine:refund"},"Next":"Again"},
 "Again":{"Type":"Task","Resource":"arn:aws:states:::states:startExecution","Parameters":{"StateMachineArn":"arn:aws:states:eu-west-1:123456789012:stateMachine:orders"},"Next":"Glue"},
 "Glue":{"Type":"Task","Resource":"arn:aws:states:::glue:startJobRun.sync","Parameters":{"JobName":"j"},"Next":"Hand"},
 "Hand":{"Type":"Task","Resource":"arn:aws:states:eu-west-1:123456789012:activity:pack","End":true},
 "Failed":{"Type":"Fail"}}}`

const computed = `{"QueryLanguage":"JSONata","StartAt":"A","States":{
 "A":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Arguments":{"FunctionName":"arn:aws:lambda:eu-west-1:123456789012:function:price"},"Next":"B"},
 "B":{"Type":"Task","Resource":"arn:aws:states:::lambda:invoke","Arguments":{"FunctionName":"{% $states.input.f %}"},"TimeoutSeconds":"{% 5 %}","Next":"C"},
 "C":{"Type":"Task","Resource":"arn:aws:states:::aws-sdk:sfn:startExecution","Arguments":{"StateMachineArn":"arn:aws:states:eu-west-1:123456789012:stateMachine:orders"},"End":true}}}`

func described(name, kind, definition string) collecttest.Answer {
	text, err := json.Marshal(definition)
	if err != nil {
		return nil
	}
	return collecttest.Body(`{"stateMachineArn":"` + prefix + name + `","name":"` + name + `","type":"` + kind + `","status":"ACTIVE","roleArn":"arn:aws:iam::123456789012:role/s","creationDate":1.7e9,` +
		`"definition":` + string(text) + `,"loggingConfiguration":{"level":"ALL","includeExecutionData":true},"tracingConfiguration":{"enabled":true}}`)
}

func listed(name, kind string) string {
	return `{"stateMachineArn":"` + prefix + name + `","name":"` + name + `","type":"` + kind + `","creationDate":1.7e9}`
}

func wire() *collecttest.Wire {
	return collecttest.NewWire(map[string]collecttest.Answer{
		"states:ListStateMachines": collecttest.Select(map[string]collecttest.Answer{
			`"nextToken":"n"`: collecttest.Body(`{"stateMachines":[` + listed("price", "EXPRESS") + `,` + listed("gone", "STANDARD") + `]}`),
		}, collecttest.Body(`{"nextToken":"n","stateMachines":[`+listed("orders", "STANDARD")+`]}`)),
		"states:DescribeStateMachine": collecttest.Select(map[string]collecttest.Answer{
			":stateMachine:orders": described("orders", "STANDARD", orders),
			":stateMachine:price":  described("price", "EXPRESS", computed),
			":stateMachine:gone":   collecttest.Fail("states", 400, "StateMachineDoesNotExist", "State Machine Does Not Exist"),
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
}

func TestOneActionLess(t *testing.T) {
	t.Parallel()
	all := []string{"edges/statemachines", "state_machine_tasks/", "state_machines/"}
	collecttest.OneActionLess(t, Collector, wire, collecttest.Options{}, []collecttest.Less{
		{Operation: "states:ListStateMachines", Gaps: all},
		{Operation: "states:DescribeStateMachine", Gaps: all, Rows: 3},
	})
}

// A definition that cannot be understood is that machine's gap, and no word of
// it is kept.
func TestDefinitionsThatAreNone(t *testing.T) {
	t.Parallel()
	deep := strings.Repeat(`{"States":{"m":{"Type":"Map","Iterator":`, deepest+2) + `{"States":{"t":{"Type":"Task"}}}` + strings.Repeat(`}}}`, deepest+2)
	for name, definition := range map[string]string{
		"empty": "", "no JSON": `{"States": hunter2`, "no states": `{"Comment":"hunter2"}`, "states of the wrong kind": `{"States":{"A":["hunter2"]}}`, "too deep": deep,
	} {
		f := collecttest.New(t, Collector, collecttest.Options{Wire: wire().On("states:DescribeStateMachine", collecttest.Select(map[string]collecttest.Answer{
			":stateMachine:orders": described("orders", "STANDARD", definition),
		}, described("price", "EXPRESS", computed)))})
		f.Collect(t)
		want := []string{"edges/statemachines arn:…:orders failed", "state_machine_tasks/ arn:…:orders failed", "state_machines/ arn:…:orders failed"}
		if diff := cmp.Diff(want, f.GapList()); diff != "" {
			t.Errorf("%s: gaps (-want +got):\n%s", name, diff)
		}
		f.Secret(t, "hunter2", nil)
		if n := len(collecttest.Rows[schema.StateMachineTask](f.Sink)); n != 6 {
			t.Errorf("%s: %d tasks of the two other machines, want 6", name, n)
		}
	}
}

func TestMalformedListings(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{`{"stateMachines":[{"name":"x"}]}`, `{"nextToken":"again","stateMachines":[]}`} {
		f := collecttest.New(t, Collector, collecttest.Options{Wire: wire().On("states:ListStateMachines", collecttest.Body(answer))})
		f.Collect(t)
		if diff := cmp.Diff([]string{"edges/statemachines failed", "state_machine_tasks/ failed", "state_machines/ failed"}, f.GapList()); diff != "" {
			t.Errorf("%s: gaps (-want +got):\n%s", answer, diff)
		}
	}
}

// The state machines of a simulated region are those of its world: one task each,
// that of the function it is named after.
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
		for _, m := range region.StateMachines {
			want[m.ARN] = region.Function(strings.TrimSuffix(m.Name, "-flow")).ARN
			seen++
		}
		for _, e := range collecttest.Rows[schema.Edge](f.Sink) {
			got[e.SrcARN] += e.DstARN
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("state machines of %s (-want +got):\n%s", region.Name, diff)
		}
		for _, task := range collecttest.Rows[schema.StateMachineTask](f.Sink) {
			if task.Repeated != strings.HasPrefix(task.StatePath, "Each/") || task.Action != "lambda:invoke" {
				t.Errorf("task: %+v", task)
			}
		}
	}
	if seen < 3 {
		t.Errorf("the world has %d state machines", seen)
	}
}
