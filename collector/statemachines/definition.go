package statemachines

import (
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"
)

// definition is what is kept of a definition in the Amazon States Language.
type definition struct {
	language string
	timeoutS *int64
	states   int64
	tasks    []task
}

// task is a Task state.
type task struct {
	path            string
	resource        string
	action          string // service:action
	pattern         string
	named           map[string]string // the members of the call's input that name a resource, each a literal
	repeated        bool
	retries         int64
	maximumAttempts int64
	catches         int64
	timeoutS        *int64
	heartbeatS      *int64
}

// machine is a state machine or a branch of one, as the language spells it.
type machine struct {
	QueryLanguage  string
	TimeoutSeconds *float64
	States         map[string]state
}

type state struct {
	Type             string
	Resource         string
	Parameters       json.RawMessage // JSONPath
	Arguments        json.RawMessage // JSONata
	Retry            []retrier
	Catch            []json.RawMessage
	TimeoutSeconds   any // a number, or text that is computed
	HeartbeatSeconds any
	Branches         []machine // Parallel
	Iterator         *machine  // Map, as it was once
	ItemProcessor    *machine  // Map
}

type retrier struct{ MaxAttempts *float64 }

const (
	defaultAttempts = 3   // of a retrier that does not say
	deepest         = 100 // branches in branches; nobody nests like this, and a parser must end
)

// parse reads the tasks off a definition. An error never quotes it.
func parse(text string) (definition, error) {
	var m machine
	if json.Unmarshal([]byte(text), &m) != nil || len(m.States) == 0 {
		return definition{}, errors.New("the definition is not the Amazon States Language, or was not given: a key of the customer's own needs kms:Decrypt")
	}
	d := definition{language: m.QueryLanguage}
	if d.language == "" {
		d.language = "JSONPath"
	}
	d.timeoutS = seconds(deref(m.TimeoutSeconds))
	return d, d.walk(m, "", false, 0)
}

func deref(n *float64) any {
	if n == nil {
		return nil
	}
	return *n
}

// walk visits the states by name, so that the same definition gives the same rows.
func (d *definition) walk(m machine, above string, repeated bool, depth int) error {
	if depth > deepest {
		return fmt.Errorf("the definition nests more than %d levels", deepest)
	}
	for _, name := range slices.Sorted(maps.Keys(m.States)) {
		s, path := m.States[name], above+name
		d.states++
		if s.Type == "Task" {
			d.tasks = append(d.tasks, taskOf(s, path, repeated))
		}
		for i, b := range s.Branches {
			if err := d.walk(b, fmt.Sprintf("%s/%d/", path, i+1), repeated, depth+1); err != nil {
				return err
			}
		}
		for _, each := range []*machine{s.Iterator, s.ItemProcessor} {
			if each == nil {
				continue
			}
			if err := d.walk(*each, path+"/", true, depth+1); err != nil {
				return err
			}
		}
	}
	return nil
}

func taskOf(s state, path string, repeated bool) task {
	t := task{
		path: path, resource: s.Resource, repeated: repeated, retries: int64(len(s.Retry)), catches: int64(len(s.Catch)),
		timeoutS: seconds(s.TimeoutSeconds), heartbeatS: seconds(s.HeartbeatSeconds),
	}
	for _, r := range s.Retry {
		attempts := int64(defaultAttempts)
		if r.MaxAttempts != nil {
			attempts = int64(*r.MaxAttempts)
		}
		t.maximumAttempts = max(t.maximumAttempts, attempts)
	}
	t.action, t.pattern = integration(s.Resource)
	t.named = literals(s.Parameters, s.Arguments)
	return t
}

// seconds is a duration that is written down; one that is computed is none.
func seconds(v any) *int64 {
	n, ok := v.(float64)
	if !ok || n != math.Trunc(n) {
		return nil
	}
	whole := int64(n)
	return &whole
}

// integration splits a task's resource into what it calls and how it waits:
// arn:aws:states:::lambda:invoke.waitForTaskToken, or
// arn:aws:states:::aws-sdk:sqs:sendMessage, or a function, or an activity.
func integration(resource string) (action, pattern string) {
	parts := strings.SplitN(resource, ":", 6)
	switch {
	case len(parts) != 6 || parts[0] != "arn":
		return "", "request_response"
	case parts[2] == "lambda" && strings.HasPrefix(parts[5], "function:"):
		return "lambda:invoke", "request_response"
	case parts[2] != "states":
		return "", "request_response"
	case strings.HasPrefix(parts[5], "activity:"):
		return "states:activity", "callback"
	}
	call, suffix, _ := strings.Cut(strings.TrimPrefix(parts[5], "aws-sdk:"), ".")
	service, operation, _ := strings.Cut(call, ":")
	switch service {
	case "sfn":
		service = "states"
	case "eventbridge":
		service = "events"
	}
	switch {
	case strings.HasPrefix(suffix, "sync"): // sync:2 gives the answer as JSON
		pattern = "sync"
	case suffix == "waitForTaskToken":
		pattern = "callback"
	default:
		pattern = "request_response"
	}
	return service + ":" + operation, pattern
}

// naming are the members of a call's input that name the resource it reaches.
var naming = []string{"FunctionName", "QueueUrl", "TopicArn", "TargetArn", "StateMachineArn", "TableName", "Bucket", "StreamName", "StreamARN", "StreamArn"}

// literals are the naming members that are written down, in either query
// language; one that is computed at run time is not among them. Of one
// event that is put, the bus, the source and the detail type are read off the entry.
func literals(inputs ...json.RawMessage) map[string]string {
	found := map[string]string{}
	for _, input := range inputs {
		var members map[string]json.RawMessage
		if json.Unmarshal(input, &members) != nil {
			continue
		}
		for _, name := range naming {
			if text, ok := literal(members[name]); ok {
				found[name] = text
			}
		}
		var entries []map[string]json.RawMessage
		if json.Unmarshal(members["Entries"], &entries) == nil && len(entries) == 1 {
			_, given := entries[0]["EventBusName"]
			_, computed := entries[0]["EventBusName.$"]
			if bus, ok := literal(entries[0]["EventBusName"]); ok {
				found["EventBusName"] = bus
			} else if !given && !computed {
				found["EventBusName"] = "default"
			}
			for _, name := range []string{"Source", "DetailType"} {
				if text, ok := literal(entries[0][name]); ok {
					found[name] = text
				}
			}
		}
	}
	return found
}

// literal is a text that stands for itself: JSONata writes what it computes in {% %}.
func literal(raw json.RawMessage) (string, bool) {
	var text string
	if json.Unmarshal(raw, &text) != nil || text == "" {
		return "", false
	}
	return text, !strings.HasPrefix(text, "{%") && !strings.HasPrefix(text, "$.")
}

// target is the resource that a task reaches, "" when that is chosen at run time
// or nothing that events go on from.
func (m *reader) target(t task) string {
	local := func(service, resource, name string) string {
		if name == "" || strings.HasPrefix(name, "arn:") {
			return name
		}
		return "arn:" + m.Partition + ":" + service + ":" + m.Region + ":" + m.Account + ":" + resource + name
	}
	switch t.action {
	case "lambda:invoke", "lambda:invokeAsync":
		if strings.Contains(t.resource, ":lambda:") && !strings.Contains(t.resource, ":::") {
			return t.resource
		}
		if t.named["FunctionName"] != "" {
			return m.FunctionARN(t.named["FunctionName"])
		}
	case "sqs:sendMessage", "sqs:sendMessageBatch":
		return m.QueueARN(t.named["QueueUrl"])
	case "sns:publish", "sns:publishBatch":
		return firstOf(t.named, "TopicArn", "TargetArn")
	case "states:startExecution", "states:startSyncExecution":
		return t.named["StateMachineArn"]
	case "events:putEvents":
		return local("events", "event-bus/", t.named["EventBusName"])
	case "dynamodb:putItem", "dynamodb:updateItem", "dynamodb:deleteItem":
		return local("dynamodb", "table/", t.named["TableName"])
	case "kinesis:putRecord", "kinesis:putRecords":
		if arn := firstOf(t.named, "StreamARN", "StreamArn"); arn != "" {
			return arn
		}
		return local("kinesis", "stream/", t.named["StreamName"])
	case "s3:putObject", "s3:copyObject":
		if t.named["Bucket"] != "" {
			return "arn:" + m.Partition + ":s3:::" + t.named["Bucket"]
		}
	}
	return ""
}

func firstOf(named map[string]string, members ...string) string {
	for _, member := range members {
		if named[member] != "" {
			return named[member]
		}
	}
	return ""
}
