package awssim

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

var sunday = time.Date(2026, 11, 23, 0, 0, 0, 0, time.UTC) // the end of a Sunday

func generate(t testing.TB, o GenerateOptions) *World {
	t.Helper()
	if o.Now.IsZero() {
		o.Now = sunday
	}
	w, err := Generate(o)
	if err != nil {
		t.Fatal(err)
	}
	return w
}

// configuration is everything a world tells about its configuration.
func configuration(t *testing.T, w *World) string {
	t.Helper()
	out, err := json.MarshalIndent(w, "", " ")
	if err != nil {
		t.Fatal(err)
	}
	return string(out)
}

// numbers are the series of some metrics, the lines and the bill of a world, by
// hours before its end.
func numbers(w *World) map[string][]float64 {
	out := map[string][]float64{}
	for _, r := range w.Regions {
		for i, id := range r.Metrics() {
			if i%7 != 0 {
				continue
			}
			key := fmt.Sprint(r.Name, id)
			for _, p := range r.Datapoints(MetricQuery{id.Namespace, id.Name, id.Dims, "Maximum", w.Start(), w.Now, time.Hour}) {
				out[key] = append(out[key], w.Now.Sub(p.Time).Hours(), p.Value)
			}
		}
		for line := range r.ReportLines(r.Functions[len(r.Functions)/2].LogGroup(), w.Start(), w.Now) {
			out["lines"] = append(out["lines"], w.Now.Sub(line.Time).Seconds(), line.DurationMS, float64(line.MaxUsedMB), float64(line.Weight))
		}
	}
	for _, line := range w.BillLines(w.Start(), w.Now) {
		out[line.Region+line.UsageType] = append(out[line.Region+line.UsageType], w.Now.Sub(line.Date).Hours(), line.Quantity, line.Final.NetAmortized)
	}
	return out
}

func TestSameSeedSameWorld(t *testing.T) {
	t.Parallel()
	o := GenerateOptions{Seed: 7, Functions: 120, Days: 6}
	a, b := generate(t, o), generate(t, o)
	if diff := cmp.Diff(configuration(t, a), configuration(t, b)); diff != "" {
		t.Errorf("configuration differs:\n%s", diff)
	}
	if diff := cmp.Diff(numbers(a), numbers(b)); diff != "" {
		t.Errorf("series differ:\n%s", diff)
	}
	o.Seed = 8
	if configuration(t, a) == configuration(t, generate(t, o)) {
		t.Error("another seed gave the same world")
	}
}

// TestNumbersDoNotDependOnTheDate holds the promise that the simulated week ends
// with the data.
func TestNumbersDoNotDependOnTheDate(t *testing.T) {
	t.Parallel()
	a := generate(t, GenerateOptions{Seed: 3, Functions: 110, Days: 5})
	for _, later := range []int{1, 45} {
		b := generate(t, GenerateOptions{Seed: 3, Functions: 110, Days: 5, Now: sunday.AddDate(0, 0, later).Add(5 * time.Hour)})
		if b.Now != sunday.AddDate(0, 0, later) {
			t.Fatalf("Now is %v, want a midnight", b.Now)
		}
		if diff := cmp.Diff(a.Truth, b.Truth); diff != "" {
			t.Errorf("%d days later the truth differs:\n%s", later, diff)
		}
		if diff := cmp.Diff(numbers(a), numbers(b)); diff != "" {
			t.Errorf("%d days later series differ:\n%s", later, diff)
		}
	}
}

// TestMoreFunctionsLeaveTheOthersAlone compares functions that two worlds share.
func TestMoreFunctionsLeaveTheOthersAlone(t *testing.T) {
	t.Parallel()
	small := generate(t, GenerateOptions{Seed: 5, Functions: 200, Days: 4})
	for _, n := range []int{201, 390, 520} {
		large := generate(t, GenerateOptions{Seed: 5, Functions: n, Days: 4})
		for i, r := range small.Regions {
			for _, f := range r.Functions {
				compareFunctions(t, f, large.Regions[i].Function(f.Name))
			}
		}
	}
}

func compareFunctions(t *testing.T, a, b *Function) {
	t.Helper()
	if b == nil {
		t.Errorf("%s is gone", a.Name)
		return
	}
	mine, theirs := *a, *b
	mine.region, mine.load, theirs.region, theirs.load = nil, nil, nil, nil
	if diff := cmp.Diff(mine, theirs, cmp.AllowUnexported(Function{})); diff != "" {
		t.Errorf("%s differs:\n%s", a.Name, diff)
	}
	if a.load == nil || a.load.surge != nil && a.load.surge.weekly != nil {
		return // dead, or the one that takes what all the others leave
	}
	if diff := cmp.Diff(a.region.tally(a).hours, b.region.tally(b).hours, cmp.AllowUnexported(hourCount{})); diff != "" {
		t.Errorf("invocations of %s differ:\n%s", a.Name, diff)
	}
	if diff := cmp.Diff(a.load.samples(a.region.tally(a), 1), b.load.samples(b.region.tally(b), 1), cmp.AllowUnexported(sample{})); diff != "" {
		t.Errorf("lines of %s differ:\n%s", a.Name, diff)
	}
}

// TestLongerHistoriesEndAlike compares the days that two worlds share.
func TestLongerHistoriesEndAlike(t *testing.T) {
	t.Parallel()
	short, long := generate(t, GenerateOptions{Seed: 4, Days: 15}), generate(t, GenerateOptions{Seed: 4, Days: 32})
	for i, r := range short.Regions {
		for _, f := range r.Functions {
			if f.load == nil {
				continue
			}
			other := long.Regions[i].Function(f.Name)
			for ago := 1; ago <= 15*24; ago++ {
				if a, b := *r.tally(f).at(ago), *long.Regions[i].tally(other).at(ago); a != b {
					t.Fatalf("%s, %d hours ago: %+v in 15 days, %+v in 32", f.Name, ago, a, b)
				}
			}
		}
	}
}

func TestSizes(t *testing.T) {
	t.Parallel()
	for _, n := range []int{1, 2, 3, 7, 20, 66, 99, 100, 399, 431, 900} {
		for _, regions := range [][]string{{"us-east-1"}, {"us-east-1", "eu-west-1"}, {"us-west-2", "eu-central-1", "ap-south-1"}} {
			w := generate(t, GenerateOptions{Seed: 11, Functions: n, Days: 3, Regions: regions})
			got := 0
			for _, r := range w.Regions {
				got += len(r.Functions)
			}
			if got != n {
				t.Errorf("%d functions in %v: got %d", n, regions, got)
			}
			if len(w.Truth.Planted) == 0 {
				t.Errorf("%d functions: nothing is planted", n)
			}
			checkNames(t, w)
		}
	}
}

// checkNames holds that names are unique and what the truth names exists.
func checkNames(t *testing.T, w *World) {
	t.Helper()
	exists := map[string]bool{}
	for _, r := range w.Regions {
		var names []string
		for _, f := range r.Functions {
			if exists[f.ARN] {
				t.Errorf("two functions are %s", f.ARN)
			}
			exists[f.ARN] = true
			names = append(names, f.Name)
			if w.Role(f.RoleARN) == nil {
				t.Errorf("role %s of %s does not exist", f.RoleARN, f.Name)
			}
		}
		if !slices.IsSorted(names) {
			t.Errorf("functions of %s are not sorted", r.Name)
		}
		unique(t, r.Queues, func(q *Queue) string { return q.ARN })
		unique(t, r.Topics, func(q *Topic) string { return q.ARN })
		unique(t, r.Buckets, func(q *Bucket) string { return q.ARN })
		unique(t, r.Rules, func(q *Rule) string { return q.ARN })
		unique(t, r.EventBuses, func(q *EventBus) string { return q.ARN })
		unique(t, r.Mappings, func(q *Mapping) string { return q.UUID })
		unique(t, r.Subnets, func(q *Subnet) string { return q.ID })
		unique(t, r.Subnets, func(q *Subnet) string { return q.VPCID + q.CIDR })
		unique(t, r.SecurityGroups, func(q *SecurityGroup) string { return q.VPCID + q.Name })
		unique(t, r.RouteTables, func(q *RouteTable) string { return q.ID })
		unique(t, r.Interfaces, func(q *Interface) string { return q.ID })
		unique(t, r.Interfaces, func(q *Interface) string { return q.SubnetID + q.PrivateIP })
	}
	unique(t, w.Roles, func(q *Role) string { return q.Name })
	for _, p := range w.Truth.Planted {
		if !exists[p.Resource] {
			t.Errorf("planted %s does not exist", p.Resource)
		}
	}
	for _, n := range w.Truth.NearMisses {
		if !exists[n.Resource] {
			t.Errorf("near miss %s does not exist", n.Resource)
		}
	}
	for _, arn := range w.UnreadableTags {
		if !exists[arn] {
			t.Errorf("unreadable %s does not exist", arn)
		}
	}
}

func unique[T any](t *testing.T, list []*T, key func(*T) string) {
	t.Helper()
	seen := map[string]bool{}
	for _, item := range list {
		if seen[key(item)] {
			t.Errorf("%T %s exists twice", item, key(item))
		}
		seen[key(item)] = true
	}
}

// TestEveryScenarioIsPlayed holds what Generate promises of worlds of 100 functions.
func TestEveryScenarioIsPlayed(t *testing.T) {
	t.Parallel()
	w := generate(t, GenerateOptions{Functions: 100, Days: 40})
	want := 0
	for _, s := range scenarios() {
		want += s.functions
		found := false
		for _, r := range w.Regions {
			found = found || slices.ContainsFunc(r.Functions, func(f *Function) bool { return strings.Contains(f.Name, "-"+s.name+"-") })
		}
		if !found {
			t.Errorf("nothing of %s was planted", s.name)
		}
	}
	if want > 90 {
		t.Errorf("scenarios take %d functions: 100 leave no background", want)
	}
	names := map[string]bool{}
	for _, s := range scenarios() {
		if names[s.name] || slices.Contains(components(), s.name) {
			t.Errorf("the name %s is taken", s.name)
		}
		names[s.name] = true
	}
}

func TestSomeNamesAreInBothRegions(t *testing.T) {
	t.Parallel()
	w := generate(t, GenerateOptions{Days: 1})
	shared := 0
	for _, f := range w.Regions[0].Functions {
		if w.Regions[1].Function(f.Name) != nil {
			shared++
		}
	}
	if shared < 2 {
		t.Errorf("%d names are in both regions, want some", shared)
	}
}

func TestRefusedOptions(t *testing.T) {
	t.Parallel()
	for want, o := range map[string]GenerateOptions{
		"the end of data, Now, must be set":        {},
		"functions must be 1 … 20000, not -1":      {Now: sunday, Functions: -1},
		"days must be 1 … 455, not 456":            {Now: sunday, Days: 456},
		`region "mars-north-1" is not simulated`:   {Now: sunday, Regions: []string{"mars-north-1"}},
		`region "us-east-1" is named twice`:        {Now: sunday, Regions: []string{"us-east-1", "us-east-1"}},
		"functions must be 1 … 20000, not 1000000": {Now: sunday, Functions: 1_000_000},
	} {
		if _, err := Generate(o); err == nil || err.Error() != "generate a world: "+want {
			t.Errorf("Generate(%+v) = %v, want %q", o, err, want)
		}
	}
}

// TestCanaryStaysInValues: secrets are where people put them, and nowhere else.
func TestCanaryStaysInValues(t *testing.T) {
	t.Parallel()
	w := generate(t, GenerateOptions{Days: 1})
	planted := 0
	for _, r := range w.Regions {
		for _, f := range r.Functions {
			for name, value := range f.Environment {
				planted += strings.Count(value, Canary)
				if strings.Contains(name, Canary) {
					t.Errorf("%s has the canary in a name", f.Name)
				}
			}
			f.Environment = nil
			for i := range f.Versions {
				f.Versions[i].Environment = nil
			}
		}
		for _, m := range r.StateMachines {
			planted += strings.Count(m.Definition, Canary)
			m.Definition = ""
		}
		for _, s := range r.Schedules {
			planted += strings.Count(s.Input, Canary)
			s.Input = ""
		}
	}
	if planted < 10 {
		t.Errorf("%d canaries are planted, want many", planted)
	}
	if strings.Contains(configuration(t, w), Canary) {
		t.Error("the canary is outside of environment variables' values, definitions and inputs")
	}
}

// TestPoliciesAreJSON parses every policy and pattern.
func TestPoliciesAreJSON(t *testing.T) {
	t.Parallel()
	w := generate(t, GenerateOptions{Days: 1})
	parse := func(of, text string) {
		var v map[string]any
		if err := json.Unmarshal([]byte(text), &v); err != nil {
			t.Errorf("%s: %v in %s", of, err, text)
		}
	}
	for _, role := range w.Roles {
		parse(role.Name, role.AssumeRolePolicy)
		if strings.Contains(role.AssumeRolePolicy, "Resource") {
			t.Errorf("the trust policy of %s has a resource", role.Name)
		}
		for _, p := range role.Inline {
			parse(role.Name, p.Document)
		}
		for _, arn := range role.Attached {
			if w.ManagedPolicy(arn) == nil {
				t.Errorf("%s attaches %s, which does not exist", role.Name, arn)
			}
		}
	}
	for _, p := range w.ManagedPolicies {
		parse(p.ARN, p.Document)
	}
	for _, r := range w.Regions {
		for _, f := range r.Functions {
			if f.Policy != "" {
				parse(f.Name, f.Policy)
			}
		}
		for _, rule := range r.Rules {
			if (rule.Pattern == "") == (rule.Schedule == "") {
				t.Errorf("%s needs a pattern or a schedule", rule.Name)
			}
			if rule.Pattern != "" {
				parse(rule.Name, rule.Pattern)
			}
		}
	}
}

func BenchmarkGenerate(b *testing.B) {
	for _, n := range []int{200, 10_000} {
		b.Run(fmt.Sprint(n), func(b *testing.B) {
			for b.Loop() {
				if _, err := Generate(GenerateOptions{Functions: n, Days: 30, Now: sunday}); err != nil {
					b.Fatal(err)
				}
			}
		})
	}
}

func TestHealthyWorldHasNothingPlanted(t *testing.T) {
	t.Parallel()
	w, err := Generate(GenerateOptions{Functions: 200, Days: 7, Now: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC), Healthy: true})
	if err != nil {
		t.Fatal(err)
	}
	functions := 0
	for _, r := range w.Regions {
		functions += len(r.Functions)
	}
	if functions != 200 || len(w.Truth.Planted) > 0 || len(w.Truth.NearMisses) > 0 {
		t.Errorf("%d functions, planted %v, near misses %v", functions, w.Truth.Planted, w.Truth.NearMisses)
	}
}
