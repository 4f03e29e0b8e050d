package collect

import (
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws/arn"
)

// Function splits a function ARN into the unqualified ARN, the name and the
// qualifier ("" when there is none). ok is false for any other ARN.
func Function(functionARN string) (unqualified, name, qualifier string, ok bool) {
	a, err := arn.Parse(functionARN)
	if err != nil || a.Service != "lambda" {
		return "", "", "", false
	}
	rest, ok := strings.CutPrefix(a.Resource, "function:")
	if !ok || rest == "" {
		return "", "", "", false
	}
	name, qualifier, _ = strings.Cut(rest, ":")
	a.Resource = "function:" + name
	return a.String(), name, qualifier, true
}

// Node names what an ARN stands for in the invocation graph: one node for a
// function with all its versions, a table with its streams, a stream with its
// consumers, a bucket with its objects, an API with its routes.
func Node(text string) (node, kind string) {
	a, err := arn.Parse(text)
	if err != nil {
		return text, "other"
	}
	first, second, _ := strings.Cut(a.Resource, "/")
	name, _, _ := strings.Cut(second, "/")
	whole := func(resource string) string { a.Resource = resource; return a.String() }
	switch a.Service {
	case "lambda":
		if unqualified, _, _, ok := Function(text); ok {
			return unqualified, "function"
		}
	case "sqs":
		return text, "queue"
	case "sns":
		topic, _, _ := strings.Cut(a.Resource, ":") // a subscription's ARN goes on
		return whole(topic), "topic"
	case "s3":
		return whole(first), "bucket"
	case "dynamodb":
		if first == "table" {
			return whole("table/" + name), "table"
		}
	case "kinesis":
		if first == "stream" {
			return whole("stream/" + name), "stream"
		}
	case "events":
		switch first {
		case "event-bus":
			return text, "bus"
		case "rule":
			return text, "rule"
		}
	case "states":
		if rest, ok := strings.CutPrefix(a.Resource, "stateMachine:"); ok {
			machine, _, _ := strings.Cut(rest, ":")
			return whole("stateMachine:" + machine), "statemachine"
		}
	case "execute-api":
		return whole(first), "api"
	case "pipes":
		if first == "pipe" {
			return text, "pipe"
		}
	case "scheduler":
		if first == "schedule" {
			return text, "schedule"
		}
	case "elasticloadbalancing":
		if first == "loadbalancer" {
			return text, "loadbalancer"
		}
	case "kafka":
		if first == "cluster" {
			return text, "cluster"
		}
	case "mq":
		if strings.HasPrefix(a.Resource, "broker:") {
			return text, "cluster"
		}
	}
	return text, "other"
}
