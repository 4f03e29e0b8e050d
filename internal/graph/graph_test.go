package graph_test

import (
	"fmt"
	"math/rand/v2"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/graph"
)

func fn(name string) string     { return "arn:aws:lambda:us-east-1:111122223333:function:" + name }
func queue(name string) string  { return "arn:aws:sqs:us-east-1:111122223333:" + name }
func topic(name string) string  { return "arn:aws:sns:us-east-1:111122223333:" + name }
func bucket(name string) string { return "arn:aws:s3:::" + name }
func bus(name string) string    { return "arn:aws:events:us-east-1:111122223333:event-bus/" + name }
func rule(name string) string   { return "arn:aws:events:us-east-1:111122223333:rule/" + name }

func pipe(name string) string   { return "arn:aws:pipes:us-east-1:111122223333:pipe/" + name }
func flow(name string) string   { return "arn:aws:states:us-east-1:111122223333:stateMachine:" + name }
func stream(name string) string { return "arn:aws:kinesis:us-east-1:111122223333:stream/" + name }

func writes(src, dst string) graph.Edge {
	return graph.Edge{Src: src, Dst: dst, Kind: "writes", Source: "iam", Certainty: graph.PermittedAndReferenced, Enabled: true}
}

func trigger(src, dst, source string) graph.Edge {
	return graph.Edge{Src: src, Dst: dst, Kind: "trigger", Source: source, Certainty: graph.Configured, Enabled: true}
}

func with(e graph.Edge, change func(*graph.Edge)) graph.Edge {
	change(&e)
	return e
}

func filter(e graph.Edge, text string) graph.Edge {
	e.Filter = text
	return e
}

func off(e graph.Edge) graph.Edge {
	e.Enabled = false
	return e
}

// loopsOf is the functions of each loop, by short name.
func loopsOf(edges ...graph.Edge) [][]string {
	var names [][]string
	for _, l := range graph.New(edges).Loops() {
		var members []string
		for _, f := range l.Functions {
			members = append(members, f[strings.LastIndexByte(f, ':')+1:])
		}
		names = append(names, members)
	}
	return names
}

func TestLoops(t *testing.T) {
	t.Parallel()
	const inFilter, outFilter = `{"prefix":"in/"}`, `{"prefix":"out/"}`
	s3 := func(b, f, text string) graph.Edge { return filter(trigger(bucket(b), f, "s3"), text) }
	put := func(f, b, key string) graph.Edge { return writes(f, bucket(b)+"/"+key) }
	target := func(r, f string) graph.Edge {
		return with(trigger(rule(r), f, "events"), func(e *graph.Edge) { e.Kind = "target" })
	}

	for name, c := range map[string]struct {
		edges []graph.Edge
		want  [][]string
	}{
		"nothing": {},
		"a chain is no loop": {
			edges: []graph.Edge{writes(fn("a"), queue("q")), trigger(queue("q"), fn("b"), "esm")},
		},
		"a function feeds the queue that feeds it": {
			edges: []graph.Edge{writes(fn("a"), queue("q")), trigger(queue("q"), fn("a"), "esm")},
			want:  [][]string{{"a"}},
		},
		"a queue told by its URL and a mapping on a qualified function": {
			edges: []graph.Edge{
				writes(fn("a")+":live", "https://sqs.us-east-1.amazonaws.com/111122223333/q"),
				trigger(queue("q"), fn("a")+":$LATEST", "esm"),
			},
			want: [][]string{{"a"}},
		},
		"a disabled mapping breaks the loop": {
			edges: []graph.Edge{writes(fn("a"), queue("q")), off(trigger(queue("q"), fn("a"), "esm"))},
		},
		"a function invokes itself": {
			edges: []graph.Edge{writes(fn("a"), fn("a"))},
			want:  [][]string{{"a"}},
		},
		"two functions and a topic": {
			edges: []graph.Edge{writes(fn("b"), topic("t")), trigger(topic("t"), fn("a"), "sns"), writes(fn("a"), fn("b"))},
			want:  [][]string{{"a", "b"}},
		},
		"a table's stream leads back to the writer": {
			edges: []graph.Edge{
				writes(fn("a"), "arn:aws:dynamodb:us-east-1:111122223333:table/T"),
				trigger("arn:aws:dynamodb:us-east-1:111122223333:table/T/stream/2026-01-01T00:00:00.000", fn("a"), "esm"),
			},
			want: [][]string{{"a"}},
		},
		"written keys meet the notification": {
			edges: []graph.Edge{put(fn("a"), "b", "*"), s3("b", fn("a"), inFilter)},
			want:  [][]string{{"a"}},
		},
		"written keys miss the notification": {
			edges: []graph.Edge{put(fn("a"), "b", "out/*"), s3("b", fn("a"), inFilter)},
		},
		"suffixes tell keys apart": {
			edges: []graph.Edge{put(fn("a"), "b", "img/*.thumb"), s3("b", fn("a"), `{"prefix":"img/","suffix":".jpg"}`)},
		},
		"a notification of removed objects takes no writes": {
			edges: []graph.Edge{put(fn("a"), "b", "*"), with(s3("b", fn("a"), ""), func(e *graph.Edge) {
				e.Attributes = map[string]string{"events": "s3:ObjectRemoved:*,s3:ObjectRestore:Completed"}
			})},
		},
		"a notification of removed and created objects does": {
			edges: []graph.Edge{put(fn("a"), "b", "*"), with(s3("b", fn("a"), ""), func(e *graph.Edge) {
				e.Attributes = map[string]string{"events": "s3:ObjectRemoved:*,s3:ObjectCreated:Put"}
			})},
			want: [][]string{{"a"}},
		},
		"an unfiltered notification takes every key": {
			edges: []graph.Edge{put(fn("a"), "b", "out/*"), s3("b", fn("a"), `{"prefix":"","suffix":""}`)},
			want:  [][]string{{"a"}},
		},
		"each writer meets its own filter only": {
			edges: []graph.Edge{
				put(fn("a"), "b", "in/*"), s3("b", fn("c"), inFilter), // a → c
				put(fn("c"), "b", "done/*"), s3("b", fn("a"), outFilter), // nobody → a
			},
		},
		"a loop may pass one bucket twice": {
			edges: []graph.Edge{
				put(fn("a"), "b", "out/*"), s3("b", fn("c"), outFilter),
				put(fn("c"), "b", "in/*"), s3("b", fn("a"), inFilter),
			},
			want: [][]string{{"a", "c"}},
		},
		"dead letters come back to their queue": {
			edges: []graph.Edge{
				trigger(queue("q"), fn("a"), "esm"),
				with(trigger(fn("a"), queue("q"), "invoke_config"), func(e *graph.Edge) { e.Kind = "dlq" }),
			},
			want: [][]string{{"a"}},
		},
		"two queues redrive into each other and keep one function busy": {
			edges: []graph.Edge{
				trigger(queue("q"), queue("r"), "sqs"), trigger(queue("r"), queue("q"), "sqs"),
				trigger(queue("q"), fn("a"), "esm"),
			},
			want: [][]string{{"a"}},
		},
		"two queues redrive into each other and nobody reads them": {
			edges: []graph.Edge{trigger(queue("q"), queue("r"), "sqs"), trigger(queue("r"), queue("q"), "sqs")},
		},
		"a rule's ARN tells its bus": {
			edges: []graph.Edge{writes(fn("a"), bus("orders")), filter(target("orders/r", fn("a")), `{"source":["shop"]}`)},
			want:  [][]string{{"a"}},
		},
		"a rule on another bus": {
			edges: []graph.Edge{writes(fn("a"), bus("orders")), filter(target("r", fn("a")), `{"source":["shop"]}`)},
		},
		"PutEvents cannot bear an aws source": {
			edges: []graph.Edge{writes(fn("a"), bus("default")), filter(target("r", fn("a")), `{"source":["aws.ec2"]}`)},
		},
		"a bus told straight to the function": {
			edges: []graph.Edge{writes(fn("a"), bus("default")), filter(trigger(bus("default"), fn("a"), "events"), `{"source":["aws.ec2","shop"]}`)},
			want:  [][]string{{"a"}},
		},
		"the writer's detail-type is another": {
			edges: []graph.Edge{
				with(writes(fn("a"), bus("default")), func(e *graph.Edge) { e.Attributes = map[string]string{"detail_type": "Shipped"} }),
				filter(target("r", fn("a")), `{"source":["shop"],"detail-type":["Ordered"]}`),
			},
		},
		"a rule's dead letters are not its events": {
			edges: []graph.Edge{
				writes(fn("a"), bus("default")),
				filter(target("r", fn("b")), `{"source":["aws.ec2"]}`),
				with(trigger(rule("r"), queue("dead"), "events"), func(e *graph.Edge) { e.Kind = "dlq" }),
				trigger(queue("dead"), fn("a"), "esm"),
			},
		},
		"a schedule takes no events": {
			edges: []graph.Edge{
				writes(fn("a"), bus("default")),
				with(target("r", fn("a")), func(e *graph.Edge) { e.Kind = "schedule" }),
			},
		},
		"a bucket's events reach a function over the default bus": {
			edges: []graph.Edge{
				put(fn("a"), "b", "in/*"), trigger(bucket("b"), bus("default"), "s3"),
				filter(target("r", fn("a")), `{"source":["aws.s3"],"detail":{"bucket":{"name":["b"]},"object":{"key":[{"prefix":"in/"}]}}}`),
			},
			want: [][]string{{"a"}},
		},
		"over the bus, the rule's key prefix keeps them apart": {
			edges: []graph.Edge{
				put(fn("a"), "b", "out/*"), trigger(bucket("b"), bus("default"), "s3"),
				filter(target("r", fn("a")), `{"source":["aws.s3"],"detail":{"bucket":{"name":["b"]},"object":{"key":[{"prefix":"in/"}]}}}`),
			},
		},
		"a function starts the state machine that invokes it, by a version": {
			edges: []graph.Edge{writes(fn("a"), flow("f")), trigger(flow("f")+":3", fn("a")+":live", "statemachines")},
			want:  [][]string{{"a"}},
		},
		"a state machine's task writes to the queue of the function that starts it": {
			edges: []graph.Edge{writes(fn("a"), flow("f")), trigger(flow("f"), queue("q"), "statemachines"), trigger(queue("q"), fn("a"), "esm")},
			want:  [][]string{{"a"}},
		},
		"a state machine inside another": {
			edges: []graph.Edge{
				writes(fn("a"), flow("outer")), trigger(flow("outer"), flow("inner"), "statemachines"), trigger(flow("inner"), fn("a"), "statemachines"),
				trigger(flow("inner"), fn("b"), "statemachines"),
			},
			want: [][]string{{"a"}},
		},
		"a state machine that invokes several functions in turn is no loop": {
			edges: []graph.Edge{trigger(flow("f"), fn("a"), "statemachines"), trigger(flow("f"), fn("b"), "statemachines"), writes(fn("a"), queue("q")), writes(fn("b"), queue("q"))},
		},
		"a state machine puts an event that the rule does not take": {
			edges: []graph.Edge{
				writes(fn("a"), flow("f")),
				with(trigger(flow("f"), bus("default"), "statemachines"), func(e *graph.Edge) { e.Attributes = map[string]string{"source": "shop", "detail_type": "done"} }),
				filter(target("r", fn("a")), `{"source":["shop"],"detail-type":["placed"]}`),
			},
		},
		"a state machine puts the event that the rule takes": {
			edges: []graph.Edge{
				writes(fn("a"), flow("f")),
				with(trigger(flow("f"), bus("default"), "statemachines"), func(e *graph.Edge) { e.Attributes = map[string]string{"source": "shop", "detail_type": "placed"} }),
				filter(target("r", fn("a")), `{"source":["shop"],"detail-type":["placed"]}`),
			},
			want: [][]string{{"a"}},
		},
		"a function enriches what the pipe takes from the stream that it writes to": {
			edges: []graph.Edge{writes(fn("a"), stream("s")), trigger(stream("s")+"/consumer/c:1", pipe("p"), "pipes"), trigger(pipe("p"), fn("a"), "pipes")},
			want:  [][]string{{"a"}},
		},
		"a pipe brings the queue what another function enriches": {
			edges: []graph.Edge{
				writes(fn("a"), queue("q")), trigger(queue("q"), pipe("p"), "pipes"), trigger(pipe("p"), fn("b"), "pipes"),
				trigger(pipe("p"), queue("r"), "pipes"), trigger(queue("r"), fn("a"), "esm"),
			},
			want: [][]string{{"a"}},
		},
		"a stopped pipe breaks the loop": {
			edges: []graph.Edge{writes(fn("a"), queue("q")), off(trigger(queue("q"), pipe("p"), "pipes")), off(trigger(pipe("p"), fn("a"), "pipes"))},
		},
		"a pipe onward is a chain": {
			edges: []graph.Edge{writes(fn("a"), queue("q")), trigger(queue("q"), pipe("p"), "pipes"), trigger(pipe("p"), flow("f"), "pipes"), trigger(flow("f"), fn("b"), "statemachines")},
		},
		"a schedule, an API and a load balancer begin what they invoke": {
			edges: []graph.Edge{
				trigger("arn:aws:scheduler:us-east-1:111122223333:schedule/default/s", fn("a"), "scheduler"),
				trigger("arn:aws:execute-api:us-east-1:111122223333:api1", fn("a"), "apis"),
				trigger("arn:aws:elasticloadbalancing:us-east-1:111122223333:loadbalancer/app/l/1", fn("a"), "loadbalancers"),
				writes(fn("a"), queue("q")),
			},
		},
		"over the bus, the rule names another bucket": {
			edges: []graph.Edge{
				put(fn("a"), "b", "*"), trigger(bucket("b"), bus("default"), "s3"),
				filter(target("r", fn("a")), `{"source":["aws.s3"],"detail":{"bucket":{"name":["c"]}}}`),
			},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			if diff := cmp.Diff(c.want, loopsOf(c.edges...)); diff != "" {
				t.Errorf("loops (-want +got):\n%s", diff)
			}
		})
	}
}

func TestPrunedSaysWhy(t *testing.T) {
	t.Parallel()
	g := graph.New([]graph.Edge{
		writes(fn("a"), bucket("b")+"/out/*"),
		filter(trigger(bucket("b"), fn("a"), "s3"), `{"prefix":"in/"}`),
		off(trigger(queue("q"), fn("a"), "esm")),
	})
	var got []string
	for _, p := range g.Pruned() {
		got = append(got, p.Edge.Src+": "+p.Reason)
	}
	want := []string{
		queue("q") + ": disabled",
		bucket("b") + `: keys out/* never match prefix "in/" suffix ""`,
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("pruned (-want +got):\n%s", diff)
	}
}

func TestCyclesAreShortestFirst(t *testing.T) {
	t.Parallel()
	g := graph.New([]graph.Edge{
		writes(fn("a"), fn("b")), writes(fn("b"), fn("a")), writes(fn("b"), fn("c")), writes(fn("c"), fn("a")), writes(fn("c"), fn("c")),
		with(writes(fn("a"), fn("b")), func(e *graph.Edge) { e.Certainty = graph.Permitted; e.Via = "wide" }),
	})
	loop := g.Loops()[0]
	cycles, complete := g.Cycles(loop, 10)
	var got []string
	for _, c := range cycles {
		var names []string
		for _, s := range c {
			names = append(names, fmt.Sprintf("%s(%s,+%d)", s.Src[len(s.Src)-1:], s.Certainty, len(s.Also)))
		}
		got = append(got, strings.Join(names, " ")+" least "+c.Certainty().String())
	}
	const par = "permitted_and_referenced"
	want := []string{
		"c(" + par + ",+0) least " + par,
		"a(" + par + ",+1) b(" + par + ",+0) least " + par,
		"a(" + par + ",+1) b(" + par + ",+0) c(" + par + ",+0) least " + par,
	}
	if diff := cmp.Diff(want, got); diff != "" || !complete {
		t.Errorf("complete %v, cycles (-want +got):\n%s", complete, diff)
	}
	if some, complete := g.Cycles(loop, 2); len(some) != 2 || complete {
		t.Errorf("with limit 2: %d cycles, complete %v", len(some), complete)
	}
}

func TestADenseLoopStillYieldsACycle(t *testing.T) {
	t.Parallel()
	var edges []graph.Edge
	const size = 2000 // more than the search is ready to measure
	for i := range size {
		edges = append(edges, writes(fn(fmt.Sprint(i)), fn(fmt.Sprint((i+1)%size))))
	}
	g := graph.New(edges)
	cycles, complete := g.Cycles(g.Loops()[0], 5)
	if len(cycles) != 1 || len(cycles[0]) != size || complete {
		t.Fatalf("got %d cycles, complete %v", len(cycles), complete)
	}
}

func TestThroughIsAShortestCycle(t *testing.T) {
	t.Parallel()
	g := graph.New([]graph.Edge{
		writes(fn("a"), fn("b")), writes(fn("b"), fn("c")), writes(fn("c"), fn("a")),
		writes(fn("b"), fn("a")), writes(fn("d"), fn("a")),
	})
	ways := g.Ways(g.Loops()[0])
	for name, want := range map[string]int{"a": 2, "b": 2, "c": 3} {
		c, ok := ways.Through(fn(name))
		if !ok || len(c) != want || c[0].Src != fn(name) || c[len(c)-1].Dst != fn(name) {
			t.Errorf("through %s: %v %v, want %d steps from and to it", name, ok, c, want)
		}
	}
	for _, outside := range []string{fn("d"), fn("unheard-of")} {
		if c, ok := ways.Through(outside); ok {
			t.Errorf("through %s: %v, want nothing", outside, c)
		}
	}
}

// In a large loop every member has a cycle, from it and back to it, whose steps
// are joined: two for what the busiest member leads to, more for those behind.
func TestThroughALargeLoop(t *testing.T) {
	t.Parallel()
	g := graph.New(crowd(3000))
	ways := g.Ways(g.Loops()[0])
	for i := range 3000 {
		c, ok := ways.Through(fn(fmt.Sprint(i)))
		if !ok || len(c) > 4 {
			t.Fatalf("through %d: %v, %d steps", i, ok, len(c))
		}
		for n, step := range c {
			if next := c[(n+1)%len(c)]; step.Dst != next.Src {
				t.Fatalf("through %d: %s leads to %s, and the next step begins at %s", i, step.Src, step.Dst, next.Src)
			}
		}
		if c[0].Src != fn(fmt.Sprint(i)) {
			t.Fatalf("through %d begins at %s", i, c[0].Src)
		}
	}
}

// crowd are functions that all write to one queue, which invokes the even ones;
// these write to the odd ones.
func crowd(n int) []graph.Edge {
	var edges []graph.Edge
	for i := range n {
		edges = append(edges, writes(fn(fmt.Sprint(i)), queue("q")))
		if i%2 == 0 {
			edges = append(edges, trigger(queue("q"), fn(fmt.Sprint(i)), "esm"), writes(fn(fmt.Sprint(i)), fn(fmt.Sprint(i+1))))
		}
	}
	return edges
}

// BenchmarkThroughALargeLoop asks for every member: the work a member must not
// grow with their number.
func BenchmarkThroughALargeLoop(b *testing.B) {
	for _, n := range []int{2_000, 20_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			g := graph.New(crowd(n))
			l := g.Loops()[0]
			for b.Loop() {
				ways := g.Ways(l)
				for i := range n {
					if _, ok := ways.Through(fn(fmt.Sprint(i))); !ok {
						b.Fatal(i)
					}
				}
			}
			b.ReportMetric(float64(b.Elapsed().Nanoseconds())/float64(b.N)/float64(n), "ns/member")
		})
	}
}

func TestFeedersAndDownstream(t *testing.T) {
	t.Parallel()
	g := graph.New([]graph.Edge{
		writes(fn("a"), queue("q")), trigger(queue("q"), fn("a"), "esm"),
		writes(fn("api"), topic("t")), trigger(topic("t"), queue("q"), "sns"), // over a topic
		writes(fn("direct"), fn("a")),
		writes(fn("far"), fn("api")), // behind another function
		writes(fn("a"), fn("after")), writes(fn("after"), topic("u")), trigger(topic("u"), fn("last"), "sns"),
	})
	want := []string{fn("api"), fn("direct")}
	if diff := cmp.Diff(want, g.Feeders(g.Loops()[0])); diff != "" {
		t.Errorf("feeders (-want +got):\n%s", diff)
	}
	want = []string{fn("after"), fn("last")}
	if diff := cmp.Diff(want, g.Downstream(g.Loops()[0])); diff != "" {
		t.Errorf("downstream (-want +got):\n%s", diff)
	}
}

// TestOrderOfEdgesDoesNotMatter holds the promise that the same set of edges
// gives the same loops and cycles.
func TestOrderOfEdgesDoesNotMatter(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(7, 7))
	for range 50 {
		edges := randomEdges(r, 12, 30)
		first := describe(graph.New(edges))
		r.Shuffle(len(edges), func(i, j int) { edges[i], edges[j] = edges[j], edges[i] })
		edges = append(edges, edges[0]) // a duplicate changes nothing
		if diff := cmp.Diff(first, describe(graph.New(edges))); diff != "" {
			t.Fatalf("shuffled edges change the graph (-first +shuffled):\n%s", diff)
		}
	}
}

func describe(g *graph.Graph) []string {
	var out []string
	for _, l := range g.Loops() {
		cycles, complete := g.Cycles(l, 20)
		out = append(out, fmt.Sprint(l.Functions, l.Nodes, l.Edges, complete, g.Feeders(l)))
		for _, c := range cycles {
			out = append(out, fmt.Sprint(c))
		}
	}
	return out
}

// randomEdges joins functions at random, some of the edges twice over.
func randomEdges(r *rand.Rand, nodes, count int) []graph.Edge {
	var edges []graph.Edge
	for i := range count {
		e := writes(fn(fmt.Sprint(r.IntN(nodes))), fn(fmt.Sprint(r.IntN(nodes))))
		e.Via = fmt.Sprint(i % 3)
		edges = append(edges, e)
	}
	return edges
}

// TestAgainstBruteForce compares loops and cycles of random graphs with what
// closure and exhaustive walking give.
func TestAgainstBruteForce(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(1, 2))
	for range 300 {
		nodes := 1 + r.IntN(7)
		edges := randomEdges(r, nodes, r.IntN(2*nodes+3))
		g := graph.New(edges)
		var got []string
		var loops [][]string
		for _, l := range g.Loops() {
			loops = append(loops, l.Functions)
			cycles, complete := g.Cycles(l, 1<<20)
			if !complete {
				t.Fatalf("not complete for %d nodes", nodes)
			}
			for _, c := range cycles {
				got = append(got, walk(c))
			}
		}
		next := successors(edges)
		if diff := cmp.Diff(bruteLoops(next), loops); diff != "" {
			t.Fatalf("loops of %v (-brute +got):\n%s", next, diff)
		}
		slices.Sort(got)
		if diff := cmp.Diff(bruteCycles(next), got); diff != "" {
			t.Fatalf("cycles of %v (-brute +got):\n%s", next, diff)
		}
	}
}

func walk(c graph.Cycle) string {
	var names []string
	for i, s := range c {
		if s.Dst != c[(i+1)%len(c)].Src {
			return "broken cycle"
		}
		names = append(names, s.Src)
	}
	return strings.Join(names, " ")
}

func successors(edges []graph.Edge) map[string][]string {
	next := map[string][]string{}
	for _, e := range edges {
		if !slices.Contains(next[e.Src], e.Dst) {
			next[e.Src] = append(next[e.Src], e.Dst)
		}
	}
	return next
}

func bruteLoops(next map[string][]string) [][]string {
	reach := map[[2]string]bool{}
	var visit func(from, at string)
	visit = func(from, at string) {
		for _, to := range next[at] {
			if !reach[[2]string{from, to}] {
				reach[[2]string{from, to}] = true
				visit(from, to)
			}
		}
	}
	for v := range next {
		visit(v, v)
	}
	var loops [][]string
	for v := range next {
		if !reach[[2]string{v, v}] {
			continue
		}
		members := []string{v}
		for w := range next {
			if w != v && reach[[2]string{v, w}] && reach[[2]string{w, v}] {
				members = append(members, w)
			}
		}
		slices.Sort(members)
		if !slices.ContainsFunc(loops, func(l []string) bool { return slices.Equal(l, members) }) {
			loops = append(loops, members)
		}
	}
	slices.SortFunc(loops, slices.Compare[[]string])
	return loops
}

// bruteCycles walks every simple path from each vertex and keeps those that close
// and start at their smallest vertex.
func bruteCycles(next map[string][]string) []string {
	var found []string
	var extend func(path []string)
	extend = func(path []string) {
		for _, to := range next[path[len(path)-1]] {
			if to == path[0] {
				found = append(found, strings.Join(path, " "))
			} else if to > path[0] && !slices.Contains(path, to) {
				extend(append(slices.Clone(path), to))
			}
		}
	}
	for v := range next {
		extend([]string{v})
	}
	slices.Sort(found)
	return found
}

// TestFiltersAgainstBruteForce compares the loops of random writers and filtered
// notifications with a walk over edges, where each pair is asked whether it passes.
func TestFiltersAgainstBruteForce(t *testing.T) {
	t.Parallel()
	r := rand.New(rand.NewPCG(3, 4))
	keys := []string{"in/*", "out/*", "*", "in/x.jpg", "out/?"}
	filters := []string{``, `{"prefix":"in/"}`, `{"prefix":"out/"}`, `{"suffix":".jpg"}`, `{"prefix":"in/","suffix":".png"}`}
	for range 300 {
		var edges []graph.Edge
		for range 8 {
			f, b := fn(fmt.Sprint(r.IntN(4))), bucket(fmt.Sprint(r.IntN(2)))
			edges = append(edges, writes(f, b+"/"+keys[r.IntN(len(keys))]))
			f, b = fn(fmt.Sprint(r.IntN(4))), bucket(fmt.Sprint(r.IntN(2)))
			edges = append(edges, filter(trigger(b, f, "s3"), filters[r.IntN(len(filters))]))
		}
		g := graph.New(edges)
		want := functionsOnClosedWalks(g.Edges())
		var got []string
		for _, l := range g.Loops() {
			got = append(got, l.Functions...)
		}
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" {
			t.Fatalf("functions in loops of %v (-brute +got):\n%s", edges, diff)
		}
	}
}

func functionsOnClosedWalks(edges []graph.Edge) []string {
	var found []string
	for i, start := range edges {
		seen := make([]bool, len(edges))
		for todo := []int{i}; len(todo) > 0; todo = todo[1:] {
			for j, e := range edges {
				ok, _ := graph.Passes(edges[todo[0]], e)
				if edges[todo[0]].Dst == e.Src && ok && !seen[j] {
					seen[j] = true
					todo = append(todo, j)
				}
			}
		}
		if seen[i] && start.SrcKind == graph.Function && !slices.Contains(found, start.Src) {
			found = append(found, start.Src)
		}
	}
	slices.Sort(found)
	return found
}

// BenchmarkNew builds the graph of 10,000 functions, each behind its own queue
// and writing to a shared bucket that notifies a hundred of them.
func BenchmarkNew(b *testing.B) {
	var edges []graph.Edge
	for i := range 10_000 {
		f := fn(fmt.Sprint(i))
		edges = append(edges, trigger(queue(fmt.Sprint(i)), f, "esm"), writes(f, bucket("shared")+"/out/*"))
		if i < 100 {
			edges = append(edges, filter(trigger(bucket("shared"), f, "s3"), `{"prefix":"in/"}`))
		}
	}
	for b.Loop() {
		if loops := graph.New(edges).Loops(); len(loops) != 0 {
			b.Fatalf("%d loops", len(loops))
		}
	}
}

func TestKindsOfARNs(t *testing.T) {
	t.Parallel()
	for arn, want := range map[string]string{
		flow("f"): graph.StateMachine, pipe("p"): graph.Pipe, stream("s"): graph.Stream,
		"arn:aws:scheduler:us-east-1:111122223333:schedule/default/s":              graph.Schedule,
		"arn:aws:execute-api:us-east-1:111122223333:api1":                          graph.API,
		"arn:aws:elasticloadbalancing:us-east-1:111122223333:loadbalancer/app/l/1": graph.LoadBalancer,
		"arn:aws:kafka:us-east-1:111122223333:cluster/c/1":                         graph.Cluster,
		"arn:aws:mq:us-east-1:111122223333:broker:b:b-1":                           graph.Cluster,
	} {
		if got := graph.KindOf(arn); got != want {
			t.Errorf("%s is a %s, want %s", arn, got, want)
		}
	}
	for arn, want := range map[string]string{
		flow("f") + ":3": flow("f"), flow("f") + ":live": flow("f"),
		"arn:aws:states:us-east-1:111122223333:execution:f:1":           "arn:aws:states:us-east-1:111122223333:execution:f:1",
		"arn:aws:execute-api:us-east-1:111122223333:api1/*/POST/orders": "arn:aws:execute-api:us-east-1:111122223333:api1",
	} {
		if got := graph.Canonical(arn); got != want {
			t.Errorf("%s is spelled %s, want %s", arn, got, want)
		}
	}
}
