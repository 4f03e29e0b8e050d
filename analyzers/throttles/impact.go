package throttles

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/faaswarden/faaswarden/internal/analysis"
)

// mode is what becomes of a call that is throttled.
type mode string

// The modes (DOC:invocation-async, with-sqs, services-dynamodb-eventsourcemapping).
const (
	synchronous  mode = "synchronous"  // the caller gets 429, and may give up
	asynchronous mode = "asynchronous" // Lambda keeps the event and tries again, for six hours at most
	queue        mode = "queue"        // the message is seen again after the visibility timeout
	stream       mode = "stream"       // the shard stands still until the batch has run
)

// syncServices wait for the function's answer when they invoke it.
var syncServices = []string{
	"apigateway", "elasticloadbalancing", "cognito-idp", "lex", "lexv2", "alexa-appkit", "cloudfront", "vpc-lattice", "states", "appsync", "bedrock",
}

// modeOf what invokes the function; empty when that does not tell.
func modeOf(kind, arn string) mode {
	switch kind {
	case "queue":
		return queue
	case "stream", "table", "cluster":
		return stream
	case "bucket", "topic", "rule", "bus", "schedule":
		return asynchronous
	case "api", "loadbalancer", "pipe", "statemachine":
		return synchronous
	case "service":
		name, _, _ := strings.Cut(arn, ".")
		if slices.Contains(syncServices, name) {
			return synchronous
		}
		return asynchronous
	}
	return ""
}

// modes in which the function is invoked, as far as is known.
func (r row) modes() []mode {
	list := []mode{}
	add := func(m mode) {
		if m != "" && !slices.Contains(list, m) {
			list = append(list, m)
		}
	}
	for i, kind := range r.TriggerKinds {
		add(modeOf(kind, r.Triggers[i]))
	}
	for _, source := range r.MappingSources {
		if strings.Contains(source, ":sqs:") {
			add(queue)
		} else {
			add(stream)
		}
	}
	if r.AsyncReceived > 0 {
		add(asynchronous)
	}
	slices.Sort(list)
	return list
}

// severity grades what the throttles did. Callers that wait suffer at once;
// events and messages wait and come again.
func (c *throttling) severity(severeRatio float64) analysis.Severity {
	modes := c.modes()
	patient := len(modes) > 0 && !slices.Contains(modes, synchronous) && !slices.Contains(modes, stream)
	severe := c.worst() >= severeRatio
	switch {
	case c.cause == switchedOff:
		return analysis.Info
	case c.AsyncDropped > 0:
		return analysis.Critical
	case severe && !patient:
		return analysis.High
	case severe || !patient:
		return analysis.Medium
	}
	return analysis.Low
}

// worst is the share throttled on the worst day, or in the window if that is more.
func (r row) worst() float64 {
	return max(ratio(r.Throttles, r.Invocations), ratio(r.WorstThrottles, r.WorstInvocations))
}

// impact is one clause for each mode.
func (c *throttling) impact() string {
	var parts []string
	for _, m := range c.modes() {
		switch m {
		case synchronous:
			parts = append(parts, "callers got 429")
		case asynchronous:
			parts = append(parts, c.asyncImpact())
		case queue:
			parts = append(parts, "messages went back to their queue")
		case stream:
			parts = append(parts, "its stream stood still meanwhile")
		}
	}
	if len(parts) == 0 {
		return "callers got 429 or tried again: nothing known invokes it"
	}
	return strings.Join(parts, ", ")
}

func (c *throttling) asyncImpact() string {
	text := "events waited"
	if c.AsyncAgeMS > 0 {
		text += " up to " + (time.Duration(c.AsyncAgeMS) * time.Millisecond).Round(time.Second).String()
	}
	if c.AsyncDropped > 0 {
		text += fmt.Sprintf(" and %s were dropped", count(c.AsyncDropped))
	}
	return text
}
