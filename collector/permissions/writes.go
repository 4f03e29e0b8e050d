package permissions

import (
	"cmp"
	"encoding/json"
	"maps"
	"slices"
	"strings"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// writeActions are those that put events where they may come back from, by the
// kind of what they write to.
func writeActions(kind string) []string {
	switch kind {
	case "queue":
		return []string{"sqs:SendMessage"}
	case "topic":
		return []string{"sns:Publish"}
	case "bucket":
		return []string{"s3:PutObject"}
	case "table":
		return []string{"dynamodb:PutItem", "dynamodb:UpdateItem", "dynamodb:BatchWriteItem"}
	case "stream":
		return []string{"kinesis:PutRecord", "kinesis:PutRecords"}
	case "bus":
		return []string{"events:PutEvents"}
	case "function":
		return []string{"lambda:InvokeFunction", "lambda:InvokeAsync"}
	case "statemachine":
		return []string{"states:StartExecution"}
	}
	return nil
}

// target is something the function may write to: a resource, or a pattern of
// the role's policy that covers several.
type target struct {
	node, kind string
	pattern    string // the policy's resource, when it covers several nodes
	referenced bool
}

// scopes are the resources that a policy must allow for a write to the target:
// a bucket's objects, a function by any qualifier.
func (t target) scopes() []string {
	switch {
	case t.pattern != "":
		return []string{t.pattern}
	case t.kind == "bucket":
		return []string{t.node + "/*"}
	case t.kind == "function":
		return []string{t.node, t.node + ":*"}
	}
	return []string{t.node}
}

// targets lists what the function's environment names and what its role's
// policies name. Permission is not judged here.
func targets(references []string, r *role) []target {
	found := map[string]target{}
	for _, reference := range references {
		node, kind := collect.Node(reference)
		if writeActions(kind) != nil {
			found[node] = target{node: node, kind: kind, referenced: true}
		}
	}
	for _, s := range r.Statements {
		if s.Effect != "Allow" {
			continue
		}
		for _, resource := range s.Resources {
			t, ok := named(resourcePattern(resource))
			if !ok || !slices.ContainsFunc(writeActions(t.kind), s.about) {
				continue
			}
			if _, known := found[t.node]; !known {
				found[t.node] = t
			}
		}
	}
	return slices.SortedFunc(maps.Values(found), func(a, b target) int { return cmp.Compare(a.node, b.node) })
}

// named is the target that a policy's resource names. A resource of all
// services, or of all kinds of a service, names none.
func named(resource string) (target, bool) {
	node, kind := collect.Node(resource)
	t := target{node: node, kind: kind}
	if strings.ContainsAny(node, "*?") {
		t.pattern = resource
	}
	return t, writeActions(kind) != nil
}

// grant is a permission to write to a target.
type grant struct {
	policy      string
	action      string
	key         string // a bucket's object keys
	conditional bool
}

// grants lists how the role may write to the target: one for each policy, and
// of a bucket one for each key pattern; the widest alone when it covers all.
func (r *role) grants(t target) []grant {
	var list []grant
	for _, s := range r.Statements {
		if s.Effect != "Allow" {
			continue
		}
		for _, action := range writeActions(t.kind) {
			if s.about(action) {
				list = append(list, r.granted(s, action, t)...)
			}
		}
	}
	slices.SortStableFunc(list, func(a, b grant) int {
		return cmp.Or(cmp.Compare(a.key, b.key), cmp.Compare(a.policy, b.policy), cmp.Compare(a.action, b.action))
	})
	if i := slices.IndexFunc(list, func(g grant) bool { return g.key == "*" }); i >= 0 {
		list = slices.DeleteFunc(list, func(g grant) bool { return g.key != "*" })
	}
	return slices.CompactFunc(list, func(a, b grant) bool { return a.key == b.key && a.policy == b.policy })
}

// granted is what one statement allows of one action on the target, after
// denials and the boundary.
func (r *role) granted(s statement, action string, t target) []grant {
	var list []grant
	add := func(scope, key string) {
		if s.touches(scope) && !r.denies(action, scope) && r.bounds(action, scope) {
			list = append(list, grant{s.Policy, action, key, s.Condition != ""})
		}
	}
	if t.kind != "bucket" || t.pattern != "" {
		for _, scope := range t.scopes() {
			add(scope, "")
		}
		return list[:min(len(list), 1)]
	}
	if len(s.NotResources) > 0 {
		add(t.node+"/*", "*")
		return list
	}
	for _, resource := range s.Resources {
		for _, key := range after(resourcePattern(resource), t.node+"/") {
			if key != "" {
				add(t.node+"/"+key, key)
			}
		}
	}
	return list
}

// denies reports a denial of everything in scope. One with a condition may not
// apply, and does not count.
func (r *role) denies(action, scope string) bool {
	return slices.ContainsFunc(slices.Concat(r.Statements, r.Boundary), func(s statement) bool {
		return s.Effect == "Deny" && s.Condition == "" && s.about(action) && s.spans(scope)
	})
}

// bounds reports whether the permissions boundary, if there is one, lets some of scope pass.
func (r *role) bounds(action, scope string) bool {
	return !r.Bounded || slices.ContainsFunc(r.Boundary, func(s statement) bool {
		return s.Effect == "Allow" && s.about(action) && s.touches(scope)
	})
}

// edges are the function's writes, as far as its role and environment tell.
func edges(run *collect.Run, fn schema.Function, r *role) []schema.Edge {
	var list []schema.Edge
	for _, t := range targets(fn.EnvRefs, r) {
		e := schema.Edge{
			Account: run.Account, Region: run.Region, SrcARN: fn.FunctionARN, SrcKind: "function", DstARN: t.node, DstKind: t.kind,
			Kind: "writes", SourceKind: "iam", Enabled: true, CollectedAt: run.Now,
		}
		grants := r.grants(t)
		for _, g := range grants {
			e.Certainty, e.Via, e.Filter = "permitted", g.policy, ""
			if t.referenced {
				e.Certainty = "permitted_and_referenced"
			}
			if g.key != "" {
				e.Filter = keyPattern(g.key)
			}
			if g.key != "" && g.key != "*" {
				e.Via += " " + g.key // several key patterns of one policy are several edges
			}
			e.Attributes = map[string]string{"action": g.action}
			if g.conditional {
				e.Attributes["conditional"] = "true"
			}
			list = append(list, e)
		}
		if len(grants) == 0 && t.referenced && !r.whole() {
			e.Certainty, e.Via = "referenced", "environment"
			list = append(list, e)
		}
	}
	return list
}

// keyPattern is a write's filter; strings always marshal.
func keyPattern(key string) string {
	text, _ := json.Marshal(map[string]string{"key_pattern": key})
	return string(text)
}
