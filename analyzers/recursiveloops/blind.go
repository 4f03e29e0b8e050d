package recursiveloops

import (
	"maps"
	"path"
	"slices"
	"strings"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/graph"
)

// Hubs stand for "any of these", so that one unreadable source costs one edge
// and not one for each thing it might reach.
const (
	anything    = "anything that can lead to a function"
	anyPush     = "any queue, topic or bus"
	anyQueue    = "any queue"
	anyOpen     = "any function whose resource policy is not known"
	unlisted    = "any source that only a resource policy shows"
	anyMapping  = "a mapping in "           // and the region
	anyMatching = "any destination within " // and the ARN pattern
)

// findSuspects lists the functions that no seen loop holds, but that a loop could hold
// if evidence which could not be read says the worst; each with the first
// evidence that such a loop would need.
func (j *judge) findSuspects() map[string]analysis.Blindness {
	s := &suspicion{judge: j, known: j.graph, via: map[string]analysis.Blindness{}}
	for _, f := range j.estate.functions {
		s.unreadOf(f)
	}
	for _, n := range j.graph.Nodes() {
		s.unreadFrom(n)
	}
	found := map[string]analysis.Blindness{}
	if len(s.via) == 0 {
		return found // everything was read
	}
	s.hubs()
	worst := graph.New(slices.Concat(j.estate.edges, s.edges))
	for _, l := range worst.Loops() {
		ways := worst.Ways(l)
		for _, f := range j.estate.members(l) {
			if b, ok := s.reason(ways, f.ARN); ok {
				found[f.ARN] = b
			}
		}
	}
	return found
}

// suspicion gathers the edges that unread evidence could hold.
type suspicion struct {
	judge *judge
	known *graph.Graph
	edges []graph.Edge
	via   map[string]analysis.Blindness // Edge.Via → what was not read

	closed []function // those whose resource policy is known wholly
}

func (s *suspicion) add(src, dst string, b analysis.Blindness) {
	via := string(b.Reason) + " " + b.Detail
	s.via[via] = b
	s.edges = append(s.edges, graph.Edge{Src: src, Dst: dst, Kind: "unread", Certainty: graph.Unread, Enabled: true, Via: via})
}

// lead adds an edge into or out of a hub: possible, but not what is missing.
func (s *suspicion) lead(src, dst string) {
	s.edges = append(s.edges, graph.Edge{Src: src, Dst: dst, Kind: "unread", Certainty: graph.Unread, Enabled: true})
}

// unreadOf adds what a function could do, or be invoked by, as far as its own
// evidence is missing.
func (s *suspicion) unreadOf(f function) {
	p, subject := s.judge.p, f.subject()
	role := subject
	role.Resource = f.RoleARN
	if b, blind := firstBlind(p, "iam", subject, role); blind {
		s.add(f.ARN, anything, b)
	}
	if b, blind := p.Blind(subject, "edges", "esm"); blind {
		s.add(anyMapping+f.Region, f.ARN, b)
	}
	if b, blind := p.Blind(subject, "edges", "invoke_config"); blind {
		for _, pattern := range s.judge.estate.wide[f.ARN] {
			s.add(f.ARN, anyMatching+pattern, b)
		}
	}
	b, blind := p.Blind(subject, "edges", "policy")
	if blind {
		s.add(unlisted, f.ARN, b)
	}
	if blind || s.aliased(f) {
		s.lead(anyOpen, f.ARN)
		return
	}
	s.closed = append(s.closed, f)
}

// aliased reports whether the function may have resource policies of its aliases,
// which are not read.
func (s *suspicion) aliased(f function) bool {
	_, blind := s.judge.p.Blind(f.subject(), "aliases", "")
	return blind || f.Aliases > 0
}

// unreadFrom adds what a bucket, topic, bus, queue or pulled source could lead to,
// as far as its own configuration was not read.
func (s *suspicion) unreadFrom(n graph.Node) {
	p := s.judge.p
	switch n.Kind {
	case graph.Bucket:
		s.unreadPush(n, "s3", "s3.amazonaws.com", anyPush)
	case graph.Topic:
		s.unreadPush(n, "sns", "sns.amazonaws.com", anyQueue)
	case graph.Bus:
		s.unreadPush(n, "events", "events.amazonaws.com", anyPush)
	case graph.Queue:
		if b, blind := p.Blind(s.place(n.ARN), "edges", "sqs"); blind {
			s.add(n.ARN, anyQueue, b)
		}
	case graph.StateMachine:
		if b, blind := p.Blind(s.place(n.ARN), "edges", "statemachines"); blind {
			s.add(n.ARN, anything, b)
		}
	}
	if pulled(n.Kind) {
		s.lead(n.ARN, anyMapping+regionOf(n.ARN))
	} else if n.Kind != graph.Function && !s.judge.estate.listed(n.ARN) {
		s.lead(n.ARN, unlisted)
	}
}

// unreadPush adds the functions an unreadable source could invoke: those whose
// resource policy lets it in, or is not known.
func (s *suspicion) unreadPush(n graph.Node, kind, principal, further string) {
	var b analysis.Blindness
	blind := false
	for _, place := range s.places(n.ARN) {
		if b, blind = s.judge.p.Blind(place, "edges", kind); blind {
			break
		}
	}
	if !blind {
		return
	}
	s.add(n.ARN, further, b)
	s.add(n.ARN, anyOpen, b)
	for _, f := range s.closed {
		if s.letsIn(f, n.ARN, principal) {
			s.add(n.ARN, f.ARN, b)
		}
	}
}

// letsIn reports whether a function's resource policy admits the source.
func (s *suspicion) letsIn(f function, source, principal string) bool {
	return slices.ContainsFunc(s.judge.estate.admits[f.ARN], func(admitted string) bool {
		switch {
		case admitted == principal || admitted == "*" || graph.Canonical(admitted) == source:
			return true
		case graph.KindOf(source) == graph.Bus: // policies name the rule, not its bus
			return graph.BusOf(admitted) == source || strings.Contains(admitted, "*") && strings.Contains(admitted, ":events:")
		default:
			return matches(admitted, source)
		}
	})
}

// hubs joins each hub to what it stands for.
func (s *suspicion) hubs() {
	for _, n := range s.known.Nodes() {
		if n.Kind == graph.Queue {
			s.lead(anyQueue, n.ARN)
		}
		switch n.Kind {
		case graph.Queue, graph.Topic, graph.Bus:
			s.lead(anyPush, n.ARN)
		}
		if n.Kind != graph.Function {
			s.lead(anything, n.ARN)
		}
	}
	for _, f := range s.judge.estate.functions {
		s.lead(anything, f.ARN)
	}
	patterns := map[string]bool{}
	for _, list := range s.judge.estate.wide {
		for _, pattern := range list {
			patterns[pattern] = true
		}
	}
	for _, pattern := range slices.Sorted(maps.Keys(patterns)) {
		for _, n := range s.known.Nodes() {
			if destination(n.Kind) && matches(pattern, n.ARN) {
				s.lead(anyMatching+pattern, n.ARN)
			}
		}
	}
}

// reason names the first thing on a short worst-case loop that was not read.
func (s *suspicion) reason(ways *graph.Ways, function string) (analysis.Blindness, bool) {
	cycle, ok := ways.Through(function)
	if !ok {
		return analysis.Blindness{}, false
	}
	for _, step := range cycle {
		for _, e := range append([]graph.Edge{step.Edge}, step.Also...) {
			if b, unread := s.via[e.Via]; unread && e.Certainty == graph.Unread {
				return b, true
			}
		}
	}
	return analysis.Blindness{}, false
}

// place is where a node's own configuration would have been read.
func (s *suspicion) place(arn string) analysis.Subject {
	return analysis.Subject{Resource: arn, Account: accountOf(arn), Region: regionOf(arn)}
}

// places are those of a node whose ARN does not tell: a bucket may be read in any
// region of the estate.
func (s *suspicion) places(arn string) []analysis.Subject {
	if place := s.place(arn); place.Account != "" {
		return []analysis.Subject{place}
	}
	var list []analysis.Subject
	for _, account := range slices.Sorted(maps.Keys(s.judge.estate.regions)) {
		for _, region := range s.judge.estate.regions[account] {
			list = append(list, analysis.Subject{Resource: arn, Account: account, Region: region})
		}
	}
	return list
}

func firstBlind(p *analysis.Pass, kind string, subjects ...analysis.Subject) (analysis.Blindness, bool) {
	for _, s := range subjects {
		if b, blind := p.Blind(s, "edges", kind); blind {
			return b, true
		}
	}
	return analysis.Blindness{}, false
}

// pulled reports whether Lambda polls sources of this kind over mappings.
func pulled(kind string) bool {
	return kind == graph.Queue || kind == graph.Stream || kind == graph.Table || kind == graph.Cluster
}

// destination reports whether results of asynchronous invocations can be sent there.
func destination(kind string) bool {
	return kind == graph.Queue || kind == graph.Topic || kind == graph.Bus || kind == graph.Function
}

// matches reports whether an ARN pattern with wildcards covers an ARN. Segments
// are not told apart, as IAM does not.
func matches(pattern, arn string) bool {
	if pattern == "*" {
		return true
	}
	ok, err := path.Match(flat.Replace(pattern), flat.Replace(arn))
	return err == nil && ok
}

// flat hides what path.Match treats apart: it keeps * from crossing a slash, and
// ARNs have none of its other specials.
var flat = strings.NewReplacer("/", "\x00", "[", "\x01", `\`, "\x02")
