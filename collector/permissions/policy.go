package permissions

import (
	"bytes"
	"encoding/json"
	"errors"
	"net/url"
	"strings"

	"github.com/faaswarden/faaswarden/internal/collect"
)

// statement is one statement of a policy, its lists normalized.
type statement struct {
	Policy       string // inline name, managed ARN, or "boundary: " and the ARN
	Index        int
	Effect       string
	Actions      []string
	NotActions   []string
	Resources    []string
	NotResources []string
	Condition    string // JSON; empty when there is none
}

type jsonStatement struct {
	Effect      string
	Action      collect.Texts
	NotAction   collect.Texts
	Resource    collect.Texts
	NotResource collect.Texts
	Condition   json.RawMessage
}

// statementList are a policy document's, as a JSON list. The document arrives
// URL-encoded from some calls and plain from others. Errors do not quote it.
func statementList(document string) (json.RawMessage, error) {
	text := strings.TrimSpace(document)
	if !strings.HasPrefix(text, "{") {
		decoded, err := url.PathUnescape(text)
		if err != nil {
			return nil, errors.New("the policy document is neither JSON nor URL-encoded JSON")
		}
		text = decoded
	}
	var doc struct{ Statement json.RawMessage }
	if json.Unmarshal([]byte(text), &doc) != nil {
		return nil, errors.New("the policy document is not JSON")
	}
	raw := bytes.TrimSpace(doc.Statement)
	if len(raw) == 0 {
		return nil, errors.New("the policy document has no readable statements")
	}
	return raw, nil
}

// parse reads a policy document. Its errors do not quote it.
func parse(policy, document string) ([]statement, error) {
	raw, err := statementList(document)
	if err != nil {
		return nil, err
	}
	var list collect.OneOrMany[jsonStatement]
	if json.Unmarshal(raw, &list) != nil {
		return nil, errors.New("the policy document has no readable statements")
	}
	parsed := make([]statement, len(list))
	for i, s := range list {
		parsed[i] = statement{
			Policy: policy, Index: i, Effect: s.Effect, Actions: s.Action, NotActions: s.NotAction,
			Resources: s.Resource, NotResources: s.NotResource, Condition: collect.PolicyCondition(s.Condition),
		}
	}
	return parsed, nil
}

// about reports whether the statement speaks of an action. Actions compare
// without case.
func (s *statement) about(action string) bool {
	action = strings.ToLower(action)
	matches := func(patterns []string) bool {
		for _, p := range patterns {
			if covers(strings.ToLower(p), action) {
				return true
			}
		}
		return false
	}
	if len(s.NotActions) > 0 {
		return !matches(s.NotActions)
	}
	return matches(s.Actions)
}

// touches reports whether the statement speaks of anything within target, a
// pattern such as a bucket's objects.
func (s *statement) touches(target string) bool {
	if len(s.NotResources) > 0 {
		return !coveredBy(target, s.NotResources)
	}
	for _, r := range s.Resources {
		if overlap(resourcePattern(r), target) {
			return true
		}
	}
	return false
}

// spans reports whether the statement speaks of everything within target.
func (s *statement) spans(target string) bool {
	if len(s.NotResources) == 0 {
		return coveredBy(target, s.Resources)
	}
	for _, r := range s.NotResources {
		if overlap(resourcePattern(r), target) {
			return false
		}
	}
	return true
}

func coveredBy(target string, patterns []string) bool {
	for _, p := range patterns {
		if covers(resourcePattern(p), target) {
			return true
		}
	}
	return false
}

// resourcePattern is a resource with its policy variables as wildcards: what
// they stand for is known only when a request is made.
func resourcePattern(resource string) string {
	for {
		before, rest, found := strings.Cut(resource, "${")
		if !found {
			return resource
		}
		_, after, closed := strings.Cut(rest, "}")
		if !closed {
			return resource
		}
		resource = before + "*" + after
	}
}

// covers reports whether pattern, with IAM's * and ?, matches everything that
// text does. A wildcard in text is matched by a * alone; that errs on the side
// of not covering.
func covers(pattern, text string) bool {
	p, t, star, mark := 0, 0, -1, 0
	for t < len(text) {
		switch {
		case p < len(pattern) && pattern[p] == '*':
			star, mark = p, t
			p++
		case p < len(pattern) && (pattern[p] == text[t] && text[t] != '*' || pattern[p] == '?' && text[t] != '*'):
			p, t = p+1, t+1
		case star >= 0:
			mark++
			p, t = star+1, mark
		default:
			return false
		}
	}
	return strings.Trim(pattern[p:], "*") == ""
}

// overlap reports whether some text matches both patterns.
func overlap(a, b string) bool {
	// reach[j] says that a[:i] and b[:j] can match the same text so far.
	reach := make([]bool, len(b)+1)
	reach[0] = true
	for j := 1; j <= len(b) && b[j-1] == '*'; j++ {
		reach[j] = true
	}
	for i := 1; i <= len(a); i++ {
		next := make([]bool, len(b)+1)
		next[0] = reach[0] && a[i-1] == '*'
		for j := 1; j <= len(b); j++ {
			switch {
			case a[i-1] == '*' && b[j-1] == '*':
				next[j] = reach[j] || next[j-1] || reach[j-1]
			case a[i-1] == '*' || b[j-1] == '*':
				next[j] = reach[j] || next[j-1]
			default:
				next[j] = reach[j-1] && (a[i-1] == b[j-1] || a[i-1] == '?' || b[j-1] == '?')
			}
		}
		reach = next
	}
	return reach[len(b)]
}

// after lists what is left of pattern behind the literal prefix: the patterns
// of what may follow it. Empty when pattern matches nothing that starts so.
func after(pattern, prefix string) []string {
	at := map[int]bool{0: true}
	for i := range len(prefix) {
		next := map[int]bool{}
		for p := range at {
			for ; p < len(pattern) && pattern[p] == '*'; p++ {
				next[p] = true // the star takes the character and stays
			}
			if p < len(pattern) && (pattern[p] == prefix[i] || pattern[p] == '?') {
				next[p+1] = true
			}
		}
		at = next
	}
	var rests []string
	for p := range len(pattern) + 1 {
		if at[p] {
			rests = append(rests, pattern[p:])
		}
	}
	return rests
}
