package graph

import (
	"encoding/json"
	"fmt"
	"path"
	"slices"
	"strings"
)

// eventPattern is an EventBridge pattern, as far as it is understood here.
type eventPattern struct {
	Source     []json.RawMessage `json:"source"`
	DetailType []json.RawMessage `json:"detail-type"`
	Or         []eventPattern    `json:"$or"`
	Detail     json.RawMessage   `json:"detail"`
}

// bucketDetail is the part of a pattern's detail that S3's events are told apart by.
type bucketDetail struct {
	Bucket struct {
		Name []json.RawMessage `json:"name"`
	} `json:"bucket"`
	Object struct {
		Key []json.RawMessage `json:"key"`
	} `json:"object"`
}

// bucketDetail is empty, and so asks for nothing, when the detail has another form.
func (p eventPattern) bucketDetail() bucketDetail {
	var d bucketDetail
	if json.Unmarshal(p.Detail, &d) != nil {
		return bucketDetail{}
	}
	return d
}

// eventPasses checks what a writer puts on a bus against a rule's pattern. A
// custom event cannot bear a source that starts with "aws.": PutEvents refuses it.
func eventPasses(in, out Edge) (bool, string) {
	var p eventPattern
	if json.Unmarshal([]byte(out.Filter), &p) != nil {
		return true, ""
	}
	switch {
	case in.SrcKind == Bucket:
		return false, "" // a bucket's events take the edge of bucketToRule
	case in.SrcKind != Function && in.SrcKind != StateMachine:
		return true, ""
	}
	if !p.everyAlternative(func(q eventPattern) bool { return admits(q.Source, customSource) }) {
		return false, "the pattern asks for sources that PutEvents cannot bear (aws.*)"
	}
	for _, field := range []struct {
		name, value string
		of          func(eventPattern) []json.RawMessage
	}{
		{"source", in.Attributes["source"], func(q eventPattern) []json.RawMessage { return q.Source }},
		{"detail-type", in.Attributes["detail_type"], func(q eventPattern) []json.RawMessage { return q.DetailType }},
	} {
		takes := func(q eventPattern) bool {
			return admits(field.of(q), func(c condition) bool { return c.admits(field.value) })
		}
		if field.value != "" && !p.everyAlternative(takes) {
			return false, fmt.Sprintf("the pattern does not admit the writer's %s %q", field.name, field.value)
		}
	}
	return true, ""
}

// everyAlternative asks the pattern itself and, when it has a $or, one of its branches.
func (p eventPattern) everyAlternative(ok func(eventPattern) bool) bool {
	return ok(p) && (len(p.Or) == 0 || slices.ContainsFunc(p.Or, ok))
}

// condition is one alternative of a pattern's field: a literal or an operator.
type condition struct {
	equals *string
	op     map[string]json.RawMessage
}

func readCondition(text json.RawMessage) condition {
	var literal string
	if json.Unmarshal(text, &literal) == nil && string(text) != "null" {
		return condition{equals: &literal}
	}
	var op map[string]json.RawMessage
	if json.Unmarshal(text, &op) != nil {
		return condition{}
	}
	return condition{op: op}
}

// admits reports whether one of a field's conditions holds. A field that the
// pattern does not mention admits everything.
func admits(field []json.RawMessage, ok func(condition) bool) bool {
	if len(field) == 0 {
		return true
	}
	return slices.ContainsFunc(field, func(text json.RawMessage) bool { return ok(readCondition(text)) })
}

// argument is the operator's value when it is one string.
func (c condition) argument(op string) (string, bool) {
	var text string
	raw, has := c.op[op]
	return text, has && json.Unmarshal(raw, &text) == nil
}

// customSource reports whether some source outside aws.* meets the condition.
func customSource(c condition) bool {
	if c.equals != nil {
		return !strings.HasPrefix(*c.equals, "aws.")
	}
	if prefix, ok := c.argument("prefix"); ok {
		return !strings.HasPrefix(prefix, "aws.")
	}
	if wildcard, ok := c.argument("wildcard"); ok {
		return !strings.HasPrefix(wildcard, "aws.")
	}
	return true
}

// admits reports whether the value meets the condition; what is not understood is met.
func (c condition) admits(value string) bool {
	if c.equals != nil {
		return *c.equals == value
	}
	if prefix, ok := c.argument("prefix"); ok {
		return strings.HasPrefix(value, prefix)
	}
	if suffix, ok := c.argument("suffix"); ok {
		return strings.HasSuffix(value, suffix)
	}
	if text, ok := c.argument("equals-ignore-case"); ok {
		return strings.EqualFold(text, value)
	}
	if wildcard, ok := c.argument("wildcard"); ok {
		return glob(wildcard, value)
	}
	if raw, ok := c.op["anything-but"]; ok {
		return !refuses(raw, value)
	}
	return true
}

// refuses reports whether an anything-but names the value plainly.
func refuses(raw json.RawMessage, value string) bool {
	var one string
	if json.Unmarshal(raw, &one) == nil {
		return one == value
	}
	var many []string
	return json.Unmarshal(raw, &many) == nil && slices.Contains(many, value)
}

// glob matches EventBridge's wildcard, in which * alone is special.
func glob(pattern, value string) bool {
	parts := strings.Split(pattern, "*")
	if len(parts) == 1 {
		return pattern == value
	}
	rest, ok := strings.CutPrefix(value, parts[0])
	if !ok {
		return false
	}
	last := parts[len(parts)-1]
	for _, part := range parts[1 : len(parts)-1] {
		_, after, found := strings.Cut(rest, part)
		if !found {
			return false
		}
		rest = after
	}
	return strings.HasSuffix(rest, last)
}

// busToRule gives each rule with targets the edge from its bus, which the rule's
// ARN implies, unless it was told. Schedules take nothing from a bus, and to a
// rule's dead letters only what its targets refused.
func busToRule(edges []Edge) []Edge {
	told := map[string]bool{}
	for _, e := range edges {
		if e.DstKind == Rule && e.SrcKind == Bus {
			told[e.Dst] = true
		}
	}
	var derived []Edge
	for _, e := range edges {
		bus := BusOf(e.Src)
		if e.SrcKind != Rule || bus == "" || told[e.Src] || e.Source != "events" || e.Kind != "target" {
			continue
		}
		e.Src, e.SrcKind, e.Dst, e.DstKind, e.Kind, e.Via = bus, Bus, e.Src, Rule, "trigger", path.Base(e.Src)
		derived = append(derived, e)
	}
	return derived
}

// bucketToRule leads a bucket that notifies EventBridge straight to the rules
// that take its events, filtered by the object keys their patterns ask for, so
// that the filter meets the writers of the bucket.
func bucketToRule(edges []Edge) []Edge {
	rules := map[string][]Edge{} // bus → its filtered edges
	for _, e := range edges {
		if e.SrcKind == Bus {
			rules[e.Src] = append(rules[e.Src], e)
		}
	}
	var derived []Edge
	for _, e := range edges {
		if e.SrcKind != Bucket || e.DstKind != Bus {
			continue
		}
		for _, rule := range rules[e.Dst] {
			derived = append(derived, bucketEvents(e, rule)...)
		}
	}
	return derived
}

// bucketEvents is the edges from a bucket over a bus's rule: one for each object
// key the pattern asks for, none when it asks for other events or buckets.
func bucketEvents(notify, rule Edge) []Edge {
	var p eventPattern
	if json.Unmarshal([]byte(rule.Filter), &p) != nil {
		return nil // a rule without pattern takes no events: it is a schedule, or unknown and kept through the bus
	}
	bucket := notify.Src[strings.LastIndexByte(notify.Src, ':')+1:]
	fromS3 := func(q eventPattern) bool {
		return admits(q.Source, func(c condition) bool { return c.admits("aws.s3") }) &&
			admits(q.bucketDetail().Bucket.Name, func(c condition) bool { return c.admits(bucket) })
	}
	if !p.everyAlternative(fromS3) {
		return nil
	}
	e := rule
	e.Src, e.SrcKind, e.Filter = notify.Src, Bucket, ""
	e.Enabled = rule.Enabled && notify.Enabled
	e.Certainty = min(rule.Certainty, notify.Certainty)
	keys := p.bucketDetail().Object.Key
	if len(keys) == 0 || len(p.Or) > 0 {
		return []Edge{e}
	}
	var list []Edge
	for _, key := range keys {
		e.Filter = keyCondition(readCondition(key))
		list = append(list, e)
	}
	return list
}

// keyCondition turns a pattern's condition on the object key into a key filter;
// empty, which admits every key, when prefix and suffix cannot express it.
func keyCondition(c condition) string {
	var f keyFilter
	switch prefix, isPrefix := c.argument("prefix"); {
	case isPrefix:
		f.Prefix = prefix
	case c.equals != nil:
		f.Prefix, f.Suffix = *c.equals, *c.equals // keys that both start and end with it include it
	default:
		suffix, isSuffix := c.argument("suffix")
		if !isSuffix {
			return ""
		}
		f.Suffix = suffix
	}
	text, _ := json.Marshal(f) // a struct of strings cannot fail
	return string(text)
}
