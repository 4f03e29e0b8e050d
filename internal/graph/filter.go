package graph

import (
	"encoding/json"
	"fmt"
	"strings"
)

// keyFilter is the filter of a notification out of a bucket (prefix and suffix)
// or of a write into one (key pattern).
type keyFilter struct {
	Prefix     string `json:"prefix,omitempty"`
	Suffix     string `json:"suffix,omitempty"`
	KeyPattern string `json:"key_pattern,omitempty"`
}

// filtered reports whether the edge's filter is one that a write can be checked
// against: object keys out of a bucket, event patterns out of a bus.
func filtered(e Edge) bool {
	return e.Filter != "" && (e.SrcKind == Bucket || e.SrcKind == Bus) || ignoresWrites(e)
}

// ignoresWrites reports whether a bucket's notification is known to be about other
// events than created objects, such as removed or restored ones.
func ignoresWrites(e Edge) bool {
	events := e.Attributes["events"]
	return e.SrcKind == Bucket && events != "" && !strings.Contains(events, "s3:ObjectCreated") && !strings.Contains(events, "s3:*")
}

// Passes reports whether events that enter a node over in can leave it over out.
// What cannot be decided passes; the reason is given when they cannot.
func Passes(in, out Edge) (ok bool, reason string) {
	switch {
	case !filtered(out):
		return true, ""
	case out.SrcKind == Bucket:
		return keyPasses(in, out)
	default:
		return eventPasses(in, out)
	}
}

// keyPasses checks a write's key pattern against a notification's prefix and suffix.
func keyPasses(in, out Edge) (bool, string) {
	if in.Kind == "writes" && ignoresWrites(out) {
		return false, "the notification is about " + out.Attributes["events"] + ", not about created objects"
	}
	var write, notify keyFilter
	if json.Unmarshal([]byte(out.Filter), &notify) != nil || json.Unmarshal([]byte(in.Filter), &write) != nil {
		return true, "" // nothing is known of the keys on one side
	}
	if write.KeyPattern == "" {
		return true, ""
	}
	if _, meet := KeyInBoth(write.KeyPattern, notify.Prefix, notify.Suffix); meet {
		return true, ""
	}
	return false, fmt.Sprintf("keys %s never match prefix %q suffix %q", write.KeyPattern, notify.Prefix, notify.Suffix)
}

// searchLimit bounds the states KeyInBoth visits; beyond it the answer is yes,
// for a loop that is not there costs a look, and one that is overlooked costs money.
const searchLimit = 1 << 18

// KeyInBoth finds an object key that an IAM pattern (* any run, ? any one
// character, ${…} anything) admits and that starts with prefix and ends with
// suffix. The key is an example; it is empty when the search was cut short.
func KeyInBoth(pattern, prefix, suffix string) (key string, ok bool) {
	m := matcher{tokens(pattern), append(literal(prefix), token{any: true}), append([]token{{any: true}}, literal(suffix)...)}
	type step struct {
		from state
		r    rune
	}
	var start state
	seen := map[state]step{start: {}}
	for queue := []state{start}; len(queue) > 0; queue = queue[1:] {
		s := queue[0]
		if m.accepts(s) {
			var runes []rune
			for ; s != start; s = seen[s].from {
				if r := seen[s].r; r != epsilon {
					runes = append([]rune{r}, runes...)
				}
			}
			return string(runes), true
		}
		if len(seen) > searchLimit {
			return "", true
		}
		m.next(s, func(to state, r rune) {
			if _, again := seen[to]; !again {
				seen[to] = step{s, r}
				queue = append(queue, to)
			}
		})
	}
	return "", false
}

// token is one character of a pattern.
type token struct {
	r   rune // the literal character
	one bool // any one character
	any bool // any run of characters, also none
}

func literal(text string) []token {
	var list []token
	for _, r := range text {
		list = append(list, token{r: r})
	}
	return list
}

// tokens reads an IAM resource pattern; a policy variable stands for anything.
func tokens(pattern string) []token {
	var list []token
	skipTo := 0
	for i, r := range pattern {
		if i < skipTo {
			continue
		}
		switch {
		case r == '$' && variable(pattern[i:]) > 0:
			list, skipTo = append(list, token{any: true}), i+variable(pattern[i:])
		case r == '*':
			list = append(list, token{any: true})
		case r == '?':
			list = append(list, token{one: true})
		default:
			list = append(list, token{r: r})
		}
	}
	return list
}

// variable is the length of the policy variable that text starts with, or 0.
func variable(text string) int {
	if !strings.HasPrefix(text, "${") {
		return 0
	}
	return strings.IndexByte(text, '}') + 1
}

// state is how far each of the three patterns has been read.
type state [3]int

type matcher [3][]token

func (m matcher) accepts(s state) bool {
	return s[0] == len(m[0]) && s[1] == len(m[1]) && s[2] == len(m[2])
}

// next visits every state one character away, and those a run may be left for.
func (m matcher) next(s state, visit func(state, rune)) {
	r := 'a' // stands where no pattern asks for a certain character
	for i, list := range m {
		if s[i] == len(list) {
			continue
		}
		switch t := list[s[i]]; {
		case t.any:
			leave := s
			leave[i]++
			visit(leave, epsilon)
		case !t.one:
			r = t.r
		}
	}
	to := s
	for i, list := range m {
		if s[i] == len(list) {
			return
		}
		switch t := list[s[i]]; {
		case t.any: // the run takes the character and goes on
		case t.one, t.r == r:
			to[i]++
		default:
			return
		}
	}
	visit(to, r)
}

// epsilon marks a step that reads no character.
const epsilon = -1
