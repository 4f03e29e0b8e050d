package awssim

import (
	"encoding/json"
	"fmt"
	"math"
	"net/netip"
	"slices"
	"strings"
	"testing"
	"time"
)

// What follows judges worlds by plain rules of its own, so that the truth does not
// rest on the analyzers it is there to test.

// verdicts collects, for one analyzer, what is found.
type verdicts map[string]string // ARN → why

// compare holds that every certain fault is found, and nothing that was not planted.
func (v verdicts) compare(t *testing.T, w *World, analyzer string) {
	t.Helper()
	known := map[string]Class{}
	for _, p := range w.Truth.Planted {
		if p.Analyzer != analyzer {
			continue
		}
		known[p.Resource] = p.Class
		if _, found := v[p.Resource]; p.Class == Certain && !found {
			t.Errorf("seed %d, %d days: %s does not show on %s: %s", w.Seed, w.Days, analyzer, p.Resource, p.Note)
		}
	}
	for arn, why := range v {
		if known[arn] == "" {
			t.Errorf("seed %d, %d days: %s shows on %s, where it was not planted: %s", w.Seed, w.Days, analyzer, arn, why)
		}
	}
}

// worlds are judged in parallel.
func worlds(t *testing.T, seeds, days []int, judge func(*testing.T, *World)) {
	t.Helper()
	t.Parallel()
	for _, seed := range seeds {
		for _, d := range days {
			t.Run(fmt.Sprintf("seed %d, %d days", seed, d), func(t *testing.T) {
				t.Parallel()
				judge(t, generate(t, GenerateOptions{Seed: int64(seed), Days: d}))
			})
		}
	}
}

var manySeeds = []int{1, 2, 3, 4, 5, 6, 7, 8, 9, 10, 11, 12, 13, 14, 15, 16, 17, 18, 19, 20}

func TestTruthOfTags(t *testing.T) {
	required := [][]string{{"owner", "team", "Owner"}, {"cost-center", "CostCenter", "costcenter"}, {"environment", "env", "Environment", "stage"}}
	worlds(t, manySeeds, []int{1}, func(t *testing.T, w *World) {
		found := verdicts{}
		for _, r := range w.Regions {
			for _, f := range r.Functions {
				for _, keys := range required {
					if !slices.ContainsFunc(keys, func(k string) bool { return f.Tags[k] != "" }) {
						found[f.ARN] = "no " + keys[0]
					}
				}
			}
		}
		found.compare(t, w, untaggedResources)
	})
}

func TestTruthOfThrottles(t *testing.T) {
	worlds(t, []int{1, 2, 3, 4, 5, 6}, []int{1, 7, 30}, func(t *testing.T, w *World) {
		found := verdicts{}
		for _, r := range w.Regions {
			for _, f := range r.Functions {
				of := map[string]string{"FunctionName": f.Name}
				read := func(metric string) (list []float64, sum float64) {
					days := r.points(MetricID{"AWS/Lambda", metric, of}, "Sum", w.Start(), w.Now, 24*time.Hour)
					for at := w.Start(); at.Before(w.Now); at = at.AddDate(0, 0, 1) {
						list = append(list, days[at])
						sum += days[at]
					}
					return list, sum
				}
				throttles, total := read("Throttles")
				invocations, all := read("Invocations")
				worst := 0.0
				for i := range throttles {
					if throttles[i] >= 100 {
						worst = math.Max(worst, throttles[i]/(throttles[i]+invocations[i]))
					}
				}
				switch {
				case worst >= 0.05 && total/(total+all) >= 0.02 && total >= 1000, worst > 0 && all == 0:
					found[f.ARN] = fmt.Sprintf("%.0f throttles, %.1f %% on a day, %.1f %% in all", total, 100*worst, 100*total/(total+all))
				case total >= 50:
					t.Errorf("%s is between the chairs: %.0f throttles, %.2f %% on a day", f.ARN, total, 100*worst)
				}
			}
		}
		found.compare(t, w, throttled)
	})
}

// TestThrottlesHaveTheirCause looks at every throttled minute of the last day.
func TestThrottlesHaveTheirCause(t *testing.T) {
	worlds(t, []int{1, 2, 3, 4}, []int{8}, func(t *testing.T, w *World) {
		for _, r := range w.Regions {
			mapped := map[string]int{}
			for _, m := range r.Mappings {
				if m.MaximumConcurrency != nil {
					mapped[m.FunctionARN] = *m.MaximumConcurrency
				}
			}
			claimed := r.points(MetricID{"AWS/Lambda", "ClaimedAccountConcurrency", nil}, "Maximum", w.Start(), w.Now, time.Minute)
			for _, f := range r.Functions {
				of := map[string]string{"FunctionName": f.Name}
				busy := r.points(MetricID{"AWS/Lambda", "ConcurrentExecutions", of}, "Maximum", w.Start(), w.Now, time.Minute)
				throttles := r.points(MetricID{"AWS/Lambda", "Throttles", of}, "Sum", w.Start(), w.Now, time.Minute)
				for at, n := range throttles {
					switch {
					case n == 0 || f.load.spots != nil:
					case f.ReservedConcurrency != nil && busy[at] == float64(*f.ReservedConcurrency):
					case mapped[f.ARN] > 0 && busy[at] == float64(mapped[f.ARN]):
					case claimed[at] >= 0.96*float64(r.ConcurrencyLimit):
					default:
						t.Fatalf("seed %d: %s is throttled at %v at %v of %v: no limit is reached (claimed %v)", w.Seed, f.Name, at, busy[at], f.ReservedConcurrency, claimed[at])
					}
				}
			}
			for at, n := range claimed {
				if n > float64(r.ConcurrencyLimit) {
					t.Errorf("%v claimed at %v: more than there is", n, at)
				}
			}
		}
	})
}

// TestAggressorsAreNotThrottled holds for large accounts too, where others vary more.
func TestAggressorsAreNotThrottled(t *testing.T) {
	t.Parallel()
	for _, n := range []int{100, 2500} {
		w := generate(t, GenerateOptions{Seed: 2, Functions: n, Days: 7})
		for _, r := range w.Regions {
			aggressors := slices.DeleteFunc(slices.Clone(r.Functions), func(f *Function) bool { return f.load == nil || f.load.surge == nil || f.load.surge.weekly == nil })
			if r.UnreservedConcurrency() < 100 {
				t.Errorf("%s: AWS keeps 100 unreserved, there are %d", r.Name, r.UnreservedConcurrency())
			}
			if len(aggressors) > 1 {
				t.Errorf("%s has %d aggressors", r.Name, len(aggressors))
			}
			for _, f := range aggressors {
				of := map[string]string{"FunctionName": f.Name}
				if got := r.points(MetricID{"AWS/Lambda", "Throttles", of}, "Maximum", w.Start(), w.Now, 24*time.Hour); len(got) != 7 || got[w.Start()] != 0 {
					t.Errorf("%d functions: throttles of %s: %v", n, f.Name, got)
				}
				hour := w.Now.Add(-time.Duration(24-f.load.surge.hourOfDay) * time.Hour)
				for range 7 {
					claimed := r.points(MetricID{"AWS/Lambda", "ClaimedAccountConcurrency", nil}, "Maximum", hour, hour.Add(5*time.Minute), time.Minute)
					for at, v := range claimed {
						if v < 0.95*float64(r.ConcurrencyLimit) {
							t.Errorf("%d functions: %v of %d claimed at %v", n, v, r.ConcurrencyLimit, at)
						}
					}
					hour = hour.AddDate(0, 0, -1)
				}
			}
		}
	}
}

func TestTruthOfMemory(t *testing.T) {
	worlds(t, []int{1, 2, 3}, []int{30}, func(t *testing.T, w *World) {
		found := verdicts{}
		for _, r := range w.Regions {
			for _, g := range r.LogGroups() {
				for name, use := range r.memoryUse(w, g.Name) {
					f := r.Function(name)
					size := float64(f.MemoryMB)
					need := math.Max(128, 64*math.Ceil(1.25*use.p999/64))
					if use.n < 1000 {
						need = math.Max(need, 64*math.Ceil(use.longest/64))
					}
					switch {
					case use.n < 50:
					case use.longest >= 0.95*size:
						found[f.ARN] = fmt.Sprintf("%v of %v MB used", use.longest, size)
					case size-need >= 64 && (size-need)/size >= 0.09 && !cpuBound(use.meanMS):
						found[f.ARN] = fmt.Sprintf("%v MB, needs %v for a p99.9 of %v in %v invocations", size, need, use.p999, use.n)
						if use.n >= 1000 && need > size/2.5 {
							t.Errorf("%s is between the chairs: %s", f.ARN, found[f.ARN])
						}
					}
				}
			}
		}
		found.compare(t, w, oversizedMemory)
	})
}

// memoryUse of a function with its present size.
type memoryUse struct {
	n, longest, p999 float64
	meanMS           map[int]float64 // by memory size
}

func (r *Region) memoryUse(w *World, group string) map[string]memoryUse {
	out := map[string]memoryUse{}
	type total struct{ n, ms float64 }
	totals := map[string]map[int]total{}
	for at := w.Start(); at.Before(w.Now); at = at.AddDate(0, 0, 1) {
		day := map[string][]sample{}
		for line := range r.ReportLines(group, at, at.AddDate(0, 0, 1)) {
			name := line.FunctionName
			if totals[name] == nil {
				totals[name] = map[int]total{}
			}
			sum := totals[name][line.MemoryMB]
			totals[name][line.MemoryMB] = total{sum.n + float64(line.Weight), sum.ms + float64(line.Weight)*line.DurationMS}
			if line.MemoryMB == r.Function(name).MemoryMB {
				day[name] = append(day[name], sample{weight: uint32(line.Weight), durationMS: float64(line.MaxUsedMB)})
			}
		}
		for name, lines := range day {
			use := out[name]
			use.p999 = math.Max(use.p999, weightedPercentile(lines, 0.999))
			use.longest = math.Max(use.longest, weightedPercentile(lines, 1))
			for _, s := range lines {
				use.n += float64(s.weight)
			}
			out[name] = use
		}
	}
	for name, use := range out {
		use.meanMS = map[int]float64{}
		for size, sum := range totals[name] {
			use.meanMS[size] = sum.ms / sum.n
		}
		out[name] = use
	}
	return out
}

// cpuBound reports that a larger size was faster in the same measure.
func cpuBound(meanMS map[int]float64) bool {
	var sizes []int
	for size := range meanMS {
		sizes = append(sizes, size)
	}
	slices.Sort(sizes)
	if len(sizes) < 2 {
		return false
	}
	small, large := sizes[0], sizes[len(sizes)-1]
	return meanMS[small]*float64(small) > 0.9*meanMS[large]*float64(large)
}

func TestTruthOfVPCs(t *testing.T) {
	worlds(t, manySeeds, []int{1}, func(t *testing.T, w *World) {
		found := verdicts{}
		for _, r := range w.Regions {
			for _, f := range r.Functions {
				if f.VPC != nil && r.needOf(w, f) == "" {
					found[f.ARN] = "no need"
				}
			}
		}
		found.compare(t, w, needlessVPC)
		for _, n := range w.Truth.NearMisses {
			if n.Analyzer != needlessVPC {
				continue
			}
			for _, r := range w.Regions {
				if f := r.Function(n.Resource); f != nil && r.needOf(w, f) == "" {
					t.Errorf("%s has no need", n.Resource)
				}
			}
		}
	})
}

// needOf is why a function needs its VPC, or "".
func (r *Region) needOf(w *World, f *Function) string {
	if len(f.FileSystems) > 0 {
		return "file system"
	}
	for _, value := range f.Environment {
		for _, private := range []string{".rds.amazonaws.com", ".internal", "://10."} {
			if strings.Contains(value, private) {
				return "names " + private
			}
		}
	}
	for _, s := range w.allowed(f) {
		for _, prefix := range []string{"rds-db:", "elasticache:", "es:", "kafka-cluster:"} {
			if strings.HasPrefix(s.action, prefix) {
				return s.action
			}
		}
	}
	routed := r.routedVPCs(f.VPC)
	for _, g := range r.SecurityGroups {
		if !slices.Contains(routed, g.VPCID) {
			continue
		}
		for _, p := range g.Ingress {
			for _, from := range p.Groups {
				self := from.GroupID == g.ID
				if slices.Contains(f.VPC.SecurityGroupIDs, from.GroupID) && (!self || r.othersIn(g.ID)) {
					return g.Name
				}
			}
			for _, cidr := range p.CIDRs {
				if r.covers(cidr, f.VPC.SubnetIDs) {
					return g.Name
				}
			}
		}
	}
	return ""
}

// routedVPCs are the function's own and those its subnets have a peering route to.
func (r *Region) routedVPCs(v *VPCConfig) []string {
	list := []string{v.VPCID}
	for _, table := range r.RouteTables {
		if !slices.ContainsFunc(v.SubnetIDs, func(id string) bool { return slices.Contains(table.SubnetIDs, id) }) {
			continue
		}
		for _, route := range table.Routes {
			for _, p := range r.Peerings {
				if route.Target == p.ID {
					list = append(list, p.Requester, p.Accepter)
				}
			}
		}
	}
	return list
}

// othersIn reports whether something that is no function uses the group.
func (r *Region) othersIn(group string) bool {
	return slices.ContainsFunc(r.Interfaces, func(e *Interface) bool { return e.Type != "lambda" && slices.Contains(e.SecurityGroupIDs, group) })
}

func (r *Region) covers(cidr string, subnets []string) bool {
	outer := netip.MustParsePrefix(cidr)
	return slices.ContainsFunc(r.Subnets, func(n *Subnet) bool {
		return slices.Contains(subnets, n.ID) && outer.Overlaps(netip.MustParsePrefix(n.CIDR))
	})
}

// grant is an action on a resource that a role allows.
type grant struct{ action, resource string }

func (w *World) allowed(f *Function) (list []grant) {
	role := w.Role(f.RoleARN)
	documents := []string{}
	for _, p := range role.Inline {
		documents = append(documents, p.Document)
	}
	for _, arn := range role.Attached {
		documents = append(documents, w.ManagedPolicy(arn).Document)
	}
	for _, text := range documents {
		var d document
		if err := json.Unmarshal([]byte(text), &d); err != nil {
			panic(err)
		}
		for _, s := range d.Statement {
			for _, action := range oneOrMore(s.Action) {
				for _, resource := range oneOrMore(s.Resource) {
					list = append(list, grant{action, resource})
				}
			}
		}
	}
	return list
}

func oneOrMore(v any) (list []string) {
	switch v := v.(type) {
	case string:
		return []string{v}
	case []any:
		for _, item := range v {
			list = append(list, item.(string))
		}
	}
	return list
}

func TestTruthOfLoops(t *testing.T) {
	worlds(t, manySeeds, []int{14}, func(t *testing.T, w *World) {
		found := verdicts{}
		edges := w.eventEdges()
		for _, r := range w.Regions {
			for _, f := range r.Functions {
				if loop := members(edges, f.ARN); len(loop) > 0 && slices.Min(loop) == f.ARN {
					found[f.ARN] = strings.Join(loop, ", ")
				}
			}
		}
		for _, p := range w.Truth.Planted {
			if p.Analyzer != recursiveLoops {
				continue
			}
			if _, ok := found[p.Resource]; !ok {
				t.Errorf("seed %d: the loop of %s does not close: %s", w.Seed, p.Resource, p.Note)
			}
			if p.Class == Certain {
				w.checkProof(t, p, members(edges, p.Resource))
			}
		}
		found.compare(t, w, recursiveLoops)
	})
}

// members are the functions on a circle through the given one.
func members(edges map[string][]string, arn string) (list []string) {
	for other := range reach(edges, arn) {
		if strings.Contains(other, ":function:") && reach(edges, other)[arn] {
			list = append(list, other)
		}
	}
	return list
}

// reach is everything an event at arn can get to.
func reach(edges map[string][]string, arn string) map[string]bool {
	seen, open := map[string]bool{}, []string{arn}
	for len(open) > 0 {
		at := open[len(open)-1]
		open = open[:len(open)-1]
		for _, next := range edges[at] {
			if !seen[next] {
				seen[next] = true
				open = append(open, next)
			}
		}
	}
	return seen
}

// eventEdges is where events can flow.
func (w *World) eventEdges() map[string][]string {
	edges := map[string][]string{}
	add := func(from, to string) {
		if from != "" && to != "" {
			edges[from] = append(edges[from], to)
		}
	}
	for _, r := range w.Regions {
		for _, m := range r.Mappings {
			source, _, _ := strings.Cut(m.SourceARN, "/stream/")
			add(source, m.FunctionARN)
		}
		for _, q := range r.Queues {
			add(q.ARN, q.RedriveTarget)
		}
		for _, s := range r.Subscriptions {
			add(s.TopicARN, s.Endpoint)
		}
		for _, rule := range r.Rules {
			if rule.Pattern == "" || strings.Contains(rule.Pattern, `"aws.`) {
				continue
			}
			for _, target := range rule.Targets {
				add(fmt.Sprintf("arn:aws:events:%s:%s:event-bus/%s", r.Name, w.Account, rule.Bus), target.ARN)
			}
		}
		for _, f := range r.Functions {
			add(f.ARN, f.DLQARN)
			for _, c := range f.InvokeConfigs {
				add(f.ARN, c.OnFailureARN)
			}
			for _, g := range w.allowed(f) {
				w.writes(f, g, add)
			}
		}
	}
	return edges
}

// writes adds what a grant lets a function write to, where the policy or an
// environment variable names it.
func (w *World) writes(f *Function, g grant, add func(from, to string)) {
	service, action, _ := strings.Cut(g.action, ":")
	if !slices.Contains([]string{"SendMessage", "Publish", "PutObject", "PutEvents", "PutItem", "*"}, action) {
		return
	}
	for _, r := range w.Regions {
		for _, q := range r.Queues {
			named := slices.ContainsFunc(slices.Collect(mapValues(f.Environment)), func(v string) bool { return v == q.URL || v == q.ARN })
			if service == "sqs" && (g.resource == q.ARN || g.resource == "*" && named) {
				add(f.ARN, q.ARN)
			}
		}
		for _, k := range r.Buckets {
			keys, ok := strings.CutPrefix(g.resource, k.ARN+"/")
			if service != "s3" || !ok {
				continue
			}
			for _, n := range k.Notifications {
				if keysMeet(keys, n.Prefix, n.Suffix) {
					add(f.ARN, n.TargetARN)
				}
			}
		}
	}
	if slices.Contains([]string{"sns", "events", "dynamodb"}, service) {
		add(f.ARN, g.resource)
	}
}

func mapValues(m map[string]string) func(yield func(string) bool) {
	return func(yield func(string) bool) {
		for _, v := range m {
			if !yield(v) {
				return
			}
		}
	}
}

// keysMeet reports whether a key pattern such as out/*.webp can match a notification's filter.
func keysMeet(pattern, prefix, suffix string) bool {
	start, end, _ := strings.Cut(pattern, "*")
	return (strings.HasPrefix(start, prefix) || strings.HasPrefix(prefix, start)) &&
		(strings.HasSuffix(end, suffix) || strings.HasSuffix(suffix, end))
}

// checkProof holds that a certain loop was dropped by AWS, or explodes.
func (w *World) checkProof(t *testing.T, p Planted, loop []string) {
	t.Helper()
	var dropped, before, after float64
	for _, arn := range loop {
		for _, r := range w.Regions {
			f := r.Function(arn)
			if f == nil {
				continue
			}
			of := map[string]string{"FunctionName": f.Name}
			for _, v := range r.points(MetricID{"AWS/Lambda", "RecursiveInvocationsDropped", of}, "Sum", w.Start(), w.Now, time.Hour) {
				dropped += v
			}
			for at, v := range r.points(MetricID{"AWS/Lambda", "Invocations", of}, "Sum", w.Start(), w.Now, 24*time.Hour) {
				switch days := w.Now.Sub(at).Hours() / 24; {
				case days > 5:
					before += v / float64(w.Days-5)
				case days == 1:
					after += v
				}
			}
		}
	}
	if dropped == 0 && after < 10*before {
		t.Errorf("seed %d: %s: nothing was dropped, and %.0f invocations on the last day after %.0f a day before", w.Seed, p.Resource, after, before)
	}
}

// TestQueuesOfLoopsSeeTheirMessages compares messages with invocations.
func TestQueuesOfLoopsSeeTheirMessages(t *testing.T) {
	t.Parallel()
	w := generate(t, GenerateOptions{Seed: 3, Days: 10})
	compared := 0
	for _, p := range w.Truth.Planted {
		for _, r := range w.Regions {
			for _, q := range r.Queues {
				if q.consumer == nil || q.consumer.ARN != p.Resource || p.Analyzer != recursiveLoops {
					continue
				}
				sent := r.points(MetricID{"AWS/SQS", "NumberOfMessagesSent", map[string]string{"QueueName": q.Name}}, "Sum", w.Start(), w.Now, time.Hour)
				for at, n := range r.points(MetricID{"AWS/Lambda", "Invocations", map[string]string{"FunctionName": q.consumer.Name}}, "Sum", w.Start(), w.Now, time.Hour) {
					compared++
					if sent[at] != n {
						t.Errorf("%s: %v messages, %v invocations at %v", q.Name, sent[at], n, at)
					}
				}
			}
		}
	}
	if compared == 0 {
		t.Error("no loop has a queue")
	}
}

// TestShortHistoriesPromiseLess: what needs weeks is not certain after a day.
func TestShortHistoriesPromiseLess(t *testing.T) {
	t.Parallel()
	for _, p := range generate(t, GenerateOptions{Days: 2}).Truth.Planted {
		explodes := strings.Contains(p.Note, "double every") || strings.Contains(p.Note, "feed each other")
		oversized := p.Analyzer == oversizedMemory && !strings.Contains(p.Note, "undersized")
		if (explodes || oversized) && p.Class == Certain {
			t.Errorf("certain after two days: %s", p.Note)
		}
	}
}

func TestTruthIsJSON(t *testing.T) {
	t.Parallel()
	text, err := json.Marshal(Truth{
		Planted:    []Planted{{needlessVPC, "arn:a", Certain, "n"}},
		NearMisses: []NearMiss{{throttled, "arn:b", "m"}},
	})
	if err != nil {
		t.Fatal(err)
	}
	want := `{"planted":[{"analyzer":"needlessvpc","resource":"arn:a","class":"certain","note":"n"}],"near_misses":[{"analyzer":"throttles","resource":"arn:b","note":"m"}]}`
	if string(text) != want {
		t.Errorf("got %s, want %s", text, want)
	}
}
