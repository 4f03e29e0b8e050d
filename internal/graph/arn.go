package graph

import (
	"encoding/json"
	"net/url"
	"strings"
)

// Canonical gives an ARN the one spelling the graph uses: functions and
// state machines without qualifier, tables without stream, streams without
// consumer, buckets without key, APIs without route, queues by ARN even when told
// by URL. Other strings are returned as they are.
func Canonical(arn string) string {
	canonical, _ := canonicalKey(arn)
	return canonical
}

// canonicalKey is Canonical, and the object key pattern that a bucket ARN carried.
func canonicalKey(arn string) (canonical, key string) {
	if q, ok := queueURL(arn); ok {
		return q, ""
	}
	p := strings.SplitN(arn, ":", 6)
	if len(p) != 6 || p[0] != "arn" {
		return arn, ""
	}
	resource := p[5]
	switch p[2] {
	case "lambda":
		if name, ok := strings.CutPrefix(resource, "function:"); ok {
			name, _, _ = strings.Cut(name, ":")
			resource = "function:" + name
		}
	case "dynamodb":
		resource, _, _ = strings.Cut(resource, "/stream/")
		resource, _, _ = strings.Cut(resource, "/index/")
	case "kinesis":
		resource, _, _ = strings.Cut(resource, "/consumer/")
	case "s3":
		if !strings.HasPrefix(resource, "accesspoint") {
			resource, key, _ = strings.Cut(resource, "/")
		}
	case "states":
		if name, ok := strings.CutPrefix(resource, "stateMachine:"); ok { // a version or an alias may follow
			name, _, _ = strings.Cut(name, ":")
			resource = "stateMachine:" + name
		}
	case "execute-api":
		resource, _, _ = strings.Cut(resource, "/")
	}
	p[5] = resource
	return strings.Join(p, ":"), key
}

// queueURL turns https://sqs.REGION.amazonaws.com/ACCOUNT/NAME into the queue's ARN.
func queueURL(text string) (string, bool) {
	if !strings.HasPrefix(text, "https://") {
		return "", false
	}
	u, err := url.Parse(text)
	if err != nil {
		return "", false
	}
	host := strings.Split(u.Hostname(), ".")
	path := strings.Split(strings.Trim(u.Path, "/"), "/")
	if len(host) < 4 || host[0] != "sqs" || host[2] != "amazonaws" || len(path) != 2 {
		return "", false
	}
	return strings.Join([]string{"arn", partition(host[1]), "sqs", host[1], path[0], path[1]}, ":"), true
}

func partition(region string) string {
	switch {
	case strings.HasPrefix(region, "cn-"):
		return "aws-cn"
	case strings.HasPrefix(region, "us-gov-"):
		return "aws-us-gov"
	default:
		return "aws"
	}
}

// KindOf reads a node's kind off its ARN.
func KindOf(arn string) string {
	p := strings.SplitN(arn, ":", 6)
	if len(p) != 6 || p[0] != "arn" {
		if strings.HasSuffix(arn, ".amazonaws.com") {
			return Service
		}
		return Other
	}
	switch p[2] {
	case "lambda":
		if strings.HasPrefix(p[5], "function:") {
			return Function
		}
	case "sqs":
		return Queue
	case "sns":
		return Topic
	case "s3":
		return Bucket
	case "events":
		return eventsKind(p[5])
	case "kinesis":
		return Stream
	case "kafka", "mq":
		return Cluster
	case "dynamodb":
		return Table
	case "states":
		return StateMachine
	case "execute-api", "apigateway":
		return API
	case "elasticloadbalancing":
		return LoadBalancer
	case "pipes":
		return Pipe
	case "scheduler":
		return Schedule
	}
	return Other
}

func eventsKind(resource string) string {
	switch {
	case strings.HasPrefix(resource, "event-bus/"):
		return Bus
	case strings.HasPrefix(resource, "rule/"):
		return Rule
	default:
		return Other
	}
}

// BusOf is the ARN of the event bus a rule listens on; empty for no rule.
func BusOf(ruleARN string) string {
	head, name, ok := strings.Cut(ruleARN, ":rule/")
	if !ok {
		return ""
	}
	bus := "default"
	if custom, _, ok := strings.Cut(name, "/"); ok {
		bus = custom
	}
	return head + ":event-bus/" + bus
}

// Exact reports whether an ARN names one resource: no wildcard, no bare service.
func Exact(arn string) bool {
	canonical := Canonical(arn)
	return strings.HasPrefix(canonical, "arn:") && !strings.ContainsAny(canonical, "*?")
}

// canonicalEdge makes both ends canonical and keeps an object key as the write's filter.
func canonicalEdge(e Edge) Edge {
	e.Src = Canonical(e.Src)
	dst, key := canonicalKey(e.Dst)
	e.Dst = dst
	if key != "" && e.Filter == "" {
		text, _ := json.Marshal(keyFilter{KeyPattern: key}) // a struct of strings cannot fail
		e.Filter = string(text)
	}
	if e.SrcKind == "" || e.SrcKind == Other {
		e.SrcKind = KindOf(e.Src)
	}
	if e.DstKind == "" || e.DstKind == Other {
		e.DstKind = KindOf(e.Dst)
	}
	return e
}
