// Package graph is the invocation graph of an estate: who can cause whom to run,
// how that is known, and where events can come back to their origin.
//
// It is exact about filters: a function that writes out/* into a bucket whose
// notification covers in/* does not close a loop, though both touch the bucket.
package graph

import (
	"cmp"
	"fmt"
	"maps"
	"slices"
)

// Node kinds, as the edges table spells them.
const (
	Function     = "function"
	Queue        = "queue"
	Topic        = "topic"
	Bucket       = "bucket"
	Bus          = "bus"
	Rule         = "rule"
	Stream       = "stream"
	Table        = "table"
	StateMachine = "statemachine"
	API          = "api"
	LoadBalancer = "loadbalancer"
	Pipe         = "pipe"
	Schedule     = "schedule"
	Cluster      = "cluster" // a message broker: Kafka, ActiveMQ, RabbitMQ
	Service      = "service"
	Other        = "other"
)

// Certainty says how an edge is known. Larger is surer.
type Certainty int

// Certainties, least first. Unread marks an edge that nobody has seen: it stands
// for evidence that could not be read, and serves to ask what that could hide.
const (
	Unread Certainty = iota
	Referenced
	Permitted
	PermittedAndReferenced
	Configured
)

var certaintyNames = []string{"unread", "referenced", "permitted", "permitted_and_referenced", "configured"}

func (c Certainty) String() string {
	if c < 0 || int(c) >= len(certaintyNames) {
		return fmt.Sprintf("invalid(%d)", int(c))
	}
	return certaintyNames[c]
}

// ParseCertainty reads a certainty as the edges table spells it.
func ParseCertainty(name string) (Certainty, error) {
	if i := slices.Index(certaintyNames, name); i >= 0 {
		return Certainty(i), nil
	}
	return Unread, fmt.Errorf("unknown certainty %q: use one of %v", name, certaintyNames)
}

// Edge says that events flow from Src to Dst.
type Edge struct {
	Src, Dst         string // ARNs; New makes them canonical
	SrcKind, DstKind string // node kinds; derived from the ARN when empty
	Kind             string // trigger, invoke_permission, writes, destination, dlq, redrive, subscription, target, schedule
	Source           string // which source showed it: esm, policy, s3, sns, sqs, events, invoke_config, iam, scheduler, pipes, states, …
	Certainty        Certainty
	Enabled          bool
	Filter           string            // JSON, as the edges table describes it
	Via              string            // mapping UUID, rule name, statement id, policy name
	Attributes       map[string]string // further facts; PutEvents writers may state "source" and "detail_type"
}

// Node is a place events pass through.
type Node struct{ ARN, Kind string }

// Pruned is an edge, or a pair of consecutive edges, that events cannot take.
type Pruned struct {
	Edge   Edge
	After  *Edge // the edge before it, when only the pair is impossible
	Reason string
}

// Graph is immutable once built and safe for concurrent readers.
//
// Inside, a filtered edge leaves through a port, a vertex of its own between the
// node and the edge's end. Only writers that can satisfy the filter lead to the
// port, so reachability over vertices respects every pair of write and filter.
type Graph struct {
	vertices []vertex
	index    map[string]int // ARN → vertex of the node
	arcs     [][]arc        // by source vertex, ordered by target
	edges    []Edge         // the enabled edges, canonical and ordered
	disabled []Edge
	barred   []barred
}

// barred is a pair of places in edges that events cannot take one after the other.
type barred struct {
	in, out int
	reason  string
}

// vertex is a node, or a port of one.
type vertex struct {
	node Node
	port int // place of the filtered edge that leaves through here; -1 for the node itself
}

// arc leads to a vertex over parallel edges, the surest first. An arc out of a
// port carries the filtered edge; an arc into one carries the write before it.
type arc struct {
	to    int
	edges []Edge
}

// New builds the graph. Edges may come in any order and more than once; the
// result depends on the set alone.
func New(edges []Edge) *Graph {
	g := &Graph{index: map[string]int{}}
	for _, e := range normalize(edges) {
		if !e.Enabled {
			g.disabled = append(g.disabled, e)
			continue
		}
		g.edges = append(g.edges, e)
	}
	g.addNodes()
	g.addArcs()
	return g
}

// normalize makes ARNs canonical, adds the edges that ARNs and notifications
// imply, and returns an ordered set.
func normalize(edges []Edge) []Edge {
	all := make([]Edge, 0, len(edges))
	for _, e := range edges {
		all = append(all, canonicalEdge(e))
	}
	all = append(all, busToRule(all)...)
	all = append(all, bucketToRule(all)...)
	slices.SortStableFunc(all, compareEdges)
	return slices.CompactFunc(all, func(a, b Edge) bool {
		return compareEdges(a, b) == 0 && maps.Equal(a.Attributes, b.Attributes)
	})
}

func compareEdges(a, b Edge) int {
	return cmp.Or(
		cmp.Compare(a.Src, b.Src), cmp.Compare(a.Dst, b.Dst),
		-cmp.Compare(a.Certainty, b.Certainty),
		cmp.Compare(a.Source, b.Source), cmp.Compare(a.Kind, b.Kind), cmp.Compare(a.Via, b.Via),
		cmp.Compare(a.Filter, b.Filter), compareBool(b.Enabled, a.Enabled),
		cmp.Compare(a.SrcKind, b.SrcKind), cmp.Compare(a.DstKind, b.DstKind),
		cmp.Compare(fmt.Sprint(a.Attributes), fmt.Sprint(b.Attributes)),
	)
}

func compareBool(a, b bool) int {
	switch {
	case a == b:
		return 0
	case b:
		return -1
	default:
		return 1
	}
}

func (g *Graph) addNodes() {
	kinds := map[string]string{}
	for _, e := range g.edges {
		kinds[e.Src] = surerKind(kinds[e.Src], e.SrcKind)
		kinds[e.Dst] = surerKind(kinds[e.Dst], e.DstKind)
	}
	for _, arn := range slices.Sorted(maps.Keys(kinds)) {
		g.index[arn] = len(g.vertices)
		g.vertices = append(g.vertices, vertex{node: Node{ARN: arn, Kind: kinds[arn]}, port: -1})
	}
}

// surerKind keeps a told kind over none and a specific one over "other".
func surerKind(have, told string) string {
	if have == "" || have == Other && told != "" {
		return told
	}
	return have
}

// addArcs gives every filtered edge a port, then leads each edge from where it
// leaves to its end, and to those ports of its end that it can pass.
func (g *Graph) addArcs() {
	ports := map[string][]int{} // node → vertices of its ports
	leaves := make([]int, len(g.edges))
	for i, e := range g.edges {
		leaves[i] = g.index[e.Src]
		if filtered(e) {
			leaves[i] = len(g.vertices)
			ports[e.Src] = append(ports[e.Src], leaves[i])
			g.vertices = append(g.vertices, vertex{node: g.vertices[g.index[e.Src]].node, port: i})
		}
	}
	b := arcBuilder{arcs: make([][]arc, len(g.vertices)), at: map[[2]int]int{}}
	memo := passes{}
	for i, e := range g.edges {
		b.add(leaves[i], g.index[e.Dst], e)
		for _, port := range ports[e.Dst] {
			out := g.vertices[port].port
			ok, reason := memo.ask(e, g.edges[out])
			if ok {
				b.add(leaves[i], port, e)
			}
			if reason != "" {
				g.barred = append(g.barred, barred{i, out, reason})
			}
		}
	}
	g.arcs = b.ordered()
}

// passes remembers the answers of Passes: a bucket with a thousand writers has
// few different key patterns.
type passes map[[8]string]struct {
	ok     bool
	reason string
}

func (m passes) ask(in, out Edge) (ok bool, reason string) {
	key := [...]string{
		in.SrcKind, in.Kind, in.Filter, in.Attributes["source"], in.Attributes["detail_type"],
		out.SrcKind, out.Filter, out.Attributes["events"],
	}
	answer, known := m[key]
	if !known {
		answer.ok, answer.reason = Passes(in, out)
		m[key] = answer
	}
	return answer.ok, answer.reason
}

// arcBuilder gathers parallel edges into one arc.
type arcBuilder struct {
	arcs [][]arc
	at   map[[2]int]int // (from, to) → index in arcs[from]
}

func (b *arcBuilder) add(from, to int, e Edge) {
	key := [2]int{from, to}
	i, seen := b.at[key]
	if !seen {
		i = len(b.arcs[from])
		b.at[key] = i
		b.arcs[from] = append(b.arcs[from], arc{to: to})
	}
	b.arcs[from][i].edges = append(b.arcs[from][i].edges, e)
}

func (b *arcBuilder) ordered() [][]arc {
	for _, arcs := range b.arcs {
		slices.SortFunc(arcs, func(x, y arc) int { return cmp.Compare(x.to, y.to) })
		for _, a := range arcs {
			slices.SortStableFunc(a.edges, func(x, y Edge) int { return cmp.Compare(y.Certainty, x.Certainty) })
		}
	}
	return b.arcs
}

// Nodes lists every node, by ARN.
func (g *Graph) Nodes() []Node {
	var nodes []Node
	for _, v := range g.vertices {
		if v.port < 0 {
			nodes = append(nodes, v.node)
		}
	}
	return nodes
}

// Edges lists the enabled edges, ordered. The caller must not modify them.
func (g *Graph) Edges() []Edge { return g.edges }

// Pruned lists what events cannot take, and why: disabled edges first.
func (g *Graph) Pruned() []Pruned {
	var list []Pruned
	for _, e := range g.disabled {
		list = append(list, Pruned{Edge: e, Reason: "disabled"})
	}
	for _, p := range g.barred {
		list = append(list, Pruned{Edge: g.edges[p.out], After: &g.edges[p.in], Reason: p.reason})
	}
	return list
}
