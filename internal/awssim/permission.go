package awssim

import (
	"fmt"
	"strings"
)

// denied reports whether the caller's policies deny an action on a resource. A
// pattern is an IAM action with * and ?, alone or followed by a space and a
// pattern of ARNs.
func denied(patterns []string, action, resource string) bool {
	for _, pattern := range patterns {
		actions, resources, narrowed := strings.Cut(pattern, " ")
		if !wildcard(strings.ToLower(actions), strings.ToLower(action)) {
			continue
		}
		if !narrowed || wildcard(strings.TrimSpace(resources), resource) {
			return true
		}
	}
	return false
}

// wildcard matches as IAM does: * is any text, ? any character.
func wildcard(pattern, text string) bool {
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && (pattern[p] == '?' || pattern[p] == text[t]) && pattern[p] != '*':
			p++
			t++
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// resourceARN is what a denial of the call names, "" when it names nothing.
func (c *call) resourceARN() string {
	if c.operation.resource == nil {
		return ""
	}
	return c.operation.resource(c)
}

// refused is the denial of the call, in the service's words.
func (c *call) refused() *apiError {
	return c.refusedFor(c.service.action(c.operation), c.resourceARN())
}

// refusedFor is the denial of an action on a resource.
func (c *call) refusedFor(action, resource string) *apiError {
	if c.service.name == "sqs" {
		action = strings.ToLower(action) // as SQS writes its actions
	}
	on := ""
	if resource != "" {
		on = " on resource: " + resource
	}
	return c.fail(failDenied, "%s", fmt.Sprintf("User: %s is not authorized to perform: %s%s because no identity-based policy allows the %s action",
		c.identity.ARN, action, on, action))
}
