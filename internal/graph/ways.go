package graph

import "slices"

// Ways finds cycles through the members of one loop. What it needs to know of
// the loop is worked out once, so that asking for every member of a large one
// stays cheap. It is not safe for concurrent use.
type Ways struct {
	g       *Graph
	members []int         // vertices, ordered
	place   map[int]int32 // vertex → index in members
	before  [][]int32     // by place: the places with an arc to it
	busiest int32         // the place with the most arcs
	hub     *tree         // of a large loop: the ways to and from there; made when first needed
}

// tree holds, by place, the first arc of the shortest way to a root, and the
// last one of the shortest way from it.
type tree struct {
	root    int32
	next    []hop
	arrival []hop
}

// hop is an arc and the place at its other end, as seen from where it is kept.
type hop struct {
	arc   arc
	place int32
}

// exactMembers bounds the loops in which a shortest cycle is searched for each
// member: the work grows with the square of their size.
const exactMembers = 1000

// Ways prepares a loop of the graph.
func (g *Graph) Ways(l Loop) *Ways {
	w := &Ways{g: g, members: l.members, place: make(map[int]int32, len(l.members)), before: make([][]int32, len(l.members))}
	for i, v := range l.members {
		w.place[v] = int32(i)
	}
	most := -1
	for i, v := range l.members {
		for _, a := range g.arcs[v] {
			if to, inside := w.place[a.to]; inside {
				w.before[to] = append(w.before[to], int32(i))
			}
		}
		if n := len(g.arcs[v]); n > most {
			w.busiest, most = int32(i), n
		}
	}
	return w
}

// Through is a cycle that passes a node; ok is false when the node is not in the
// loop. It is a shortest one, unless the loop has more than a thousand members:
// then it is the shortest way to the busiest of them and back, which may pass
// another member twice.
func (w *Ways) Through(arn string) (c Cycle, ok bool) {
	v, known := w.g.index[Canonical(arn)]
	start, inside := w.place[v]
	if !known || !inside {
		return nil, false
	}
	if len(w.members) <= exactMembers || start == w.busiest {
		return cycleOf(w.around(start)), true
	}
	if w.hub == nil {
		w.hub = w.treeOf(w.busiest)
	}
	return cycleOf(w.hub.andBack(start)), true
}

// around is a shortest cycle through a place.
func (w *Ways) around(start int32) []arc {
	back := w.distances(start)
	h := w.nearest(start, back)
	path := []arc{h.arc}
	for h.place != start {
		h = w.nearest(h.place, back)
		path = append(path, h.arc)
	}
	return path
}

// nearest is the first arc of a shortest way to where distances fall.
func (w *Ways) nearest(at int32, back []int32) hop {
	best := hop{place: -1}
	for _, a := range w.g.arcs[w.members[at]] {
		if to, inside := w.place[a.to]; inside && (best.place < 0 || back[to] < back[best.place]) {
			best = hop{a, to}
		}
	}
	return best
}

// distances counts, by place, the arcs left to a place.
func (w *Ways) distances(end int32) []int32 {
	back := make([]int32, len(w.members))
	for i := range back {
		back[i] = -1
	}
	back[end] = 0
	for queue := []int32{end}; len(queue) > 0; queue = queue[1:] {
		for _, i := range w.before[queue[0]] {
			if back[i] < 0 {
				back[i] = back[queue[0]] + 1
				queue = append(queue, i)
			}
		}
	}
	return back
}

func (w *Ways) treeOf(root int32) *tree {
	t := &tree{root: root, next: make([]hop, len(w.members)), arrival: make([]hop, len(w.members))}
	back := w.distances(root)
	for i := range t.arrival {
		t.next[i] = w.nearest(int32(i), back)
		t.arrival[i].place = -1
	}
	t.arrival[root].place = root
	for queue := []int32{root}; len(queue) > 0; queue = queue[1:] {
		for _, a := range w.g.arcs[w.members[queue[0]]] {
			if to, inside := w.place[a.to]; inside && t.arrival[to].place < 0 {
				t.arrival[to] = hop{a, queue[0]}
				queue = append(queue, to)
			}
		}
	}
	return t
}

// andBack is the shortest way from a place to the root, and from there back.
func (t *tree) andBack(start int32) []arc {
	var there, back []arc
	for at := start; at != t.root; at = t.next[at].place {
		there = append(there, t.next[at].arc)
	}
	for at := start; at != t.root; at = t.arrival[at].place {
		back = append(back, t.arrival[at].arc)
	}
	slices.Reverse(back)
	return append(there, back...)
}
