package graph

import (
	"cmp"
	"maps"
	"slices"
)

// Loop is a strongly connected component through which a function can cause its
// own next invocation.
type Loop struct {
	Functions []string // ARNs, ordered; never empty
	Nodes     []Node   // everything in the loop, by ARN
	Edges     []Edge   // the edges inside the loop
	members   []int    // vertices, ordered
}

// Loops lists the loops, ordered by their first function. A ring without a
// function in it, such as two queues that redrive into each other, belongs to
// the functions it feeds; one that feeds none is no loop.
func (g *Graph) Loops() []Loop {
	var loops []Loop
	for _, members := range g.components() {
		if l := g.loop(members); len(l.Functions) > 0 {
			loops = append(loops, l)
		}
	}
	slices.SortFunc(loops, func(a, b Loop) int {
		return cmp.Or(slices.Compare(a.Functions, b.Functions), cmp.Compare(a.Nodes[0].ARN, b.Nodes[0].ARN))
	})
	return loops
}

func (g *Graph) loop(members []int) Loop {
	l := Loop{members: members}
	functions, fed, nodes := map[string]bool{}, map[string]bool{}, map[Node]bool{}
	for _, v := range members {
		node := g.vertices[v].node
		nodes[node] = true
		if node.Kind == Function {
			functions[node.ARN] = true
		}
		for _, a := range g.arcs[v] {
			if _, inside := slices.BinarySearch(members, a.to); inside {
				l.Edges = append(l.Edges, a.edges...)
			} else if to := g.vertices[a.to].node; to.Kind == Function {
				fed[to.ARN] = true
			}
		}
	}
	if len(functions) == 0 {
		functions = fed
	}
	l.Functions = slices.Sorted(maps.Keys(functions))
	l.Nodes = slices.SortedFunc(maps.Keys(nodes), func(a, b Node) int { return cmp.Compare(a.ARN, b.ARN) })
	slices.SortStableFunc(l.Edges, compareEdges)
	l.Edges = slices.CompactFunc(l.Edges, func(a, b Edge) bool { return compareEdges(a, b) == 0 })
	return l
}

// components lists the strongly connected components that hold a cycle (Tarjan,
// with a stack of its own: an estate can be deeper than a goroutine should go).
func (g *Graph) components() [][]int {
	t := tarjan{g: g, order: make([]int, len(g.vertices)), low: make([]int, len(g.vertices)), onStack: make([]bool, len(g.vertices))}
	for v := range g.vertices {
		if t.order[v] == 0 {
			t.visit(v)
		}
	}
	slices.SortFunc(t.found, func(a, b []int) int { return cmp.Compare(a[0], b[0]) })
	return t.found
}

type tarjan struct {
	g       *Graph
	order   []int // 1-based time of discovery; 0 means not yet
	low     []int
	onStack []bool
	stack   []int
	clock   int
	found   [][]int
}

// frame is a vertex being visited and the next of its arcs to follow.
type frame struct{ v, next int }

func (t *tarjan) visit(root int) {
	calls := []frame{t.enter(root)}
	for len(calls) > 0 {
		f := &calls[len(calls)-1]
		if f.next < len(t.g.arcs[f.v]) {
			to := t.g.arcs[f.v][f.next].to
			f.next++
			if t.order[to] == 0 {
				calls = append(calls, t.enter(to))
			} else if t.onStack[to] {
				t.low[f.v] = min(t.low[f.v], t.order[to])
			}
			continue
		}
		done := f.v
		calls = calls[:len(calls)-1]
		if len(calls) > 0 {
			parent := calls[len(calls)-1].v
			t.low[parent] = min(t.low[parent], t.low[done])
		}
		t.leave(done)
	}
}

func (t *tarjan) enter(v int) frame {
	t.clock++
	t.order[v], t.low[v] = t.clock, t.clock
	t.stack = append(t.stack, v)
	t.onStack[v] = true
	return frame{v: v}
}

// leave pops the component that v is the root of, if it is one.
func (t *tarjan) leave(v int) {
	if t.low[v] != t.order[v] {
		return
	}
	at := len(t.stack) - 1
	for t.stack[at] != v {
		at--
	}
	component := slices.Clone(t.stack[at:])
	t.stack = t.stack[:at]
	for _, u := range component {
		t.onStack[u] = false
	}
	if len(component) > 1 || t.g.selfArc(v) {
		slices.Sort(component)
		t.found = append(t.found, component)
	}
}

func (g *Graph) selfArc(v int) bool {
	return slices.ContainsFunc(g.arcs[v], func(a arc) bool { return a.to == v })
}

// Step is one hop of a cycle: the surest edge, and the others that run beside it.
type Step struct {
	Edge
	Also []Edge
}

// Cycle is a closed walk in which each Step ends where the next begins. It visits
// no vertex twice; a bucket or bus may appear twice, once for each filter.
type Cycle []Step

// Certainty is that of the least sure step.
func (c Cycle) Certainty() Certainty {
	least := Configured
	for _, s := range c {
		least = min(least, s.Certainty)
	}
	return least
}

// stepBudget bounds the search of one loop; a component so dense that it is not
// enough has more cycles than anybody would read.
const stepBudget = 1 << 21

// Cycles lists up to limit elementary cycles of a loop, shortest first, and at
// least one; complete says that there are no others.
func (g *Graph) Cycles(l Loop, limit int) (cycles []Cycle, complete bool) {
	s := search{g: g, local: map[int]int{}, limit: max(limit, 1), budget: stepBudget}
	for i, v := range l.members {
		s.local[v] = i
	}
	s.on = make([]bool, len(l.members))
	backs := make([][]int32, len(l.members)) // distances to each start; nil when no cycle starts there
	for i, start := range l.members {
		if s.spend(len(l.members)); s.budget < 0 {
			return s.atLeastOne(l), false
		}
		backs[i] = s.distances(start, l.members[i:])
	}
	for length := 1; length <= len(l.members); length++ {
		for i, start := range l.members {
			if backs[i] == nil {
				continue
			}
			s.start, s.length, s.back = start, length, backs[i]
			if !s.extend(start) {
				return s.atLeastOne(l), false
			}
		}
	}
	return s.found, true
}

// search walks the cycles of exactly length arcs whose smallest vertex is start.
type search struct {
	g             *Graph
	local         map[int]int // vertex → place in the loop's members
	on            []bool      // by place: on the path
	start, length int
	back          []int32 // by place: arcs back to start over vertices not smaller, -1 when there is no way
	path          []arc
	limit, budget int
	found         []Cycle
}

func (s *search) spend(steps int) { s.budget -= steps }

// atLeastOne is what was found or, when the search ended before its first cycle,
// a shortest one through the loop's first vertex.
func (s *search) atLeastOne(l Loop) []Cycle {
	if len(s.found) > 0 {
		return s.found
	}
	return []Cycle{cycleOf(s.g.Ways(l).around(0))}
}

// extend returns false when limit or budget ended the search.
func (s *search) extend(v int) bool {
	if s.spend(1); s.budget < 0 {
		return false
	}
	s.on[s.local[v]] = true
	defer func() { s.on[s.local[v]] = false }()
	for _, a := range s.g.arcs[v] {
		if !s.leads(a.to) {
			continue
		}
		s.path = append(s.path, a)
		switch {
		case a.to != s.start:
			if !s.extend(a.to) {
				return false
			}
		case len(s.found) == s.limit:
			return false
		default:
			s.found = append(s.found, cycleOf(s.path))
		}
		s.path = s.path[:len(s.path)-1]
	}
	return true
}

// leads reports whether a cycle of the wanted length may go on to v.
func (s *search) leads(v int) bool {
	i, inside := s.local[v]
	left := s.length - len(s.path) - 1 // arcs after the one to v
	switch {
	case !inside || s.back[i] < 0 || int(s.back[i]) > left:
		return false
	case v == s.start:
		return left == 0
	default:
		return !s.on[i]
	}
}

func cycleOf(path []arc) Cycle {
	c := make(Cycle, 0, len(path))
	for _, a := range path {
		c = append(c, Step{Edge: a.edges[0], Also: a.edges[1:]})
	}
	return c
}

// distances counts, by place, the arcs from each of the vertices back to start
// without leaving them; nil when start is on no cycle there.
func (s *search) distances(start int, vertices []int) []int32 {
	before := map[int][]int{}
	for _, v := range vertices {
		for _, a := range s.g.arcs[v] {
			if i, inside := s.local[a.to]; inside && i >= s.local[vertices[0]] {
				before[a.to] = append(before[a.to], v)
			}
		}
	}
	if len(before[start]) == 0 {
		return nil
	}
	back := make([]int32, len(s.local))
	for i := range back {
		back[i] = -1
	}
	back[s.local[start]] = 0
	for queue := []int{start}; len(queue) > 0; queue = queue[1:] {
		for _, v := range before[queue[0]] {
			if i := s.local[v]; back[i] < 0 {
				back[i] = back[s.local[queue[0]]] + 1
				queue = append(queue, v)
			}
		}
	}
	return back
}

// Feeders lists the functions outside a loop whose events reach it without
// passing another function: its upstream.
func (g *Graph) Feeders(l Loop) []string {
	before := make([][]int, len(g.vertices))
	for v, arcs := range g.arcs {
		for _, a := range arcs {
			before[a.to] = append(before[a.to], v)
		}
	}
	return g.around(l, func(v int) []int { return before[v] }, false)
}

// Downstream lists the functions outside a loop that its events reach, however far.
func (g *Graph) Downstream(l Loop) []string {
	after := func(v int) []int {
		var list []int
		for _, a := range g.arcs[v] {
			list = append(list, a.to)
		}
		return list
	}
	return g.around(l, after, true)
}

// around walks away from a loop and lists the functions met; beyond says whether
// to go on behind them.
func (g *Graph) around(l Loop, next func(v int) []int, beyond bool) []string {
	met, seen := map[string]bool{}, map[int]bool{}
	queue := slices.Clone(l.members)
	for _, f := range l.Functions {
		queue = append(queue, g.index[f])
	}
	for ; len(queue) > 0; queue = queue[1:] {
		for _, v := range next(queue[0]) {
			if seen[v] {
				continue
			}
			seen[v] = true
			node := g.vertices[v].node
			outside := node.Kind == Function && !slices.Contains(l.Functions, node.ARN)
			if outside {
				met[node.ARN] = true
			}
			if node.Kind != Function || outside && beyond {
				queue = append(queue, v)
			}
		}
	}
	return slices.Sorted(maps.Keys(met))
}
