package recursiveloops

import (
	"cmp"
	"fmt"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/graph"
)

// finding says what was concluded, with the evidence that convinced.
func (f *facts) finding() analysis.Finding {
	out := analysis.Finding{
		Subject:     f.Members[0].subject(),
		Severity:    f.severity,
		Confidence:  f.confidence,
		Savings:     f.burn.Savings,
		Unpriced:    f.burn.Unpriced,
		Summary:     f.summary(),
		Evidence:    f.evidence(),
		Remediation: f.remediation(),
	}
	for _, m := range f.Members[1:] {
		out.Members = append(out.Members, m.subject())
	}
	if ring := f.ring(); ring != "" {
		out.Key = ring // one function may be fed by several rings of queues
	}
	return out
}

// ring is the first node of a loop that has no function in it; empty for others.
func (f *facts) ring() string {
	for _, n := range f.Loop.Nodes {
		if n.Kind == graph.Function {
			return ""
		}
	}
	if len(f.Loop.Nodes) == 0 {
		return ""
	}
	return f.Loop.Nodes[0].ARN
}

// shown is the cycle a person should read: of the surest, the shortest.
func (f *facts) shown() graph.Cycle {
	var best graph.Cycle
	for _, c := range f.Cycles {
		if best == nil || c.Certainty() > best.Certainty() {
			best = c
		}
	}
	return startingAt(best, f.Members[0].ARN)
}

// startingAt turns a cycle so that it begins with a function: the one named, if
// the cycle passes it.
func startingAt(c graph.Cycle, arn string) graph.Cycle {
	at := slices.IndexFunc(c, func(s graph.Step) bool { return s.Src == arn })
	if at < 0 {
		at = max(0, slices.IndexFunc(c, func(s graph.Step) bool { return s.SrcKind == graph.Function }))
	}
	return slices.Concat(c[at:], c[:at])
}

// path is the shown cycle in short names: orders → queue jobs → orders.
func (f *facts) path() string {
	c := f.shown()
	if len(c) == 0 {
		return f.Members[0].Name
	}
	names := []string{called(c[0].Src, c[0].SrcKind)}
	for _, s := range c {
		names = append(names, called(s.Dst, s.DstKind))
	}
	return strings.Join(names, " → ")
}

// called is a node as a sentence calls it: functions by name, others with their kind.
func called(arn, kind string) string {
	switch kind {
	case graph.Function:
		return shortName(arn)
	case graph.StateMachine:
		return "state machine " + shortName(arn)
	default:
		return kind + " " + shortName(arn)
	}
}

func (f *facts) summary() string {
	head := strings.ToUpper(string(f.class[:1])) + string(f.class[1:]) + " loop of " + plural(len(f.Members), "function") + " (" + f.path() + ")"
	if len(f.Cycles) == 0 {
		head = "Confirmed loop through " + f.Members[0].Name + ", its path not visible"
	}
	return head + ": " + f.because() + "."
}

// because is the reason for the class, with its numbers.
func (f *facts) because() string {
	switch {
	case f.Exempt != nil:
		return fmt.Sprintf("exempted until %s (%s)", f.Exempt.Until, f.Exempt.Reason)
	case f.stopped() != "":
		return "stopped for now, because " + f.stopped() + " has a reserved concurrency of 0"
	case f.Dropped > 0:
		return fmt.Sprintf("Lambda dropped %s recursive invocations, the last in the hour of %s%s", count(f.Dropped), stamp(f.LastDrop), f.burning())
	case f.class == confirmed || f.class == probable && f.Surge != nil:
		return fmt.Sprintf("%s invocations since %s are %.1f times the baseline, %s%s",
			count(f.Surge.Actual), stamp(f.at(f.Surge.First)), f.Surge.factor(), f.ingressText(), f.burning())
	case f.class == probable:
		return fmt.Sprintf("at its ceiling of %s for %d of the last 24 hours, and %s was sent %s messages while its known feeders were invoked %s times",
			count(f.Ceiling), f.PinnedHours, shortName(f.Sends.Queue), count(f.Sends.Messages), count(f.UpstreamPerHour*hoursPerDay))
	case f.class == intentional:
		text := "RecursiveLoop=Allow on " + names(f.allowed())
		if f.unguarded() {
			text += " and no reserved concurrency, so nothing bounds it"
		}
		return text
	case f.Surge != nil:
		return fmt.Sprintf("%.1f times the baseline since %s, which %s explains with %.1f times its own",
			f.Surge.factor(), stamp(f.at(f.Surge.First)), f.Upstream, f.Ingress)
	case len(f.Hours) == 0:
		return "output can come back as input, and the invocations were not read"
	default:
		return fmt.Sprintf("output can come back as input; %s invocations in %.0f days show no surge", count(f.Hours.sum()), float64(len(f.Hours))/hoursPerDay)
	}
}

func (f *facts) ingressText() string {
	if f.Upstream == "" {
		return "with no upstream to compare"
	}
	return fmt.Sprintf("while %s stayed at %.1f times its own", f.Upstream, f.Ingress)
}

func (f *facts) burning() string {
	if f.burn.USDPerHour == 0 {
		return ""
	}
	if f.burn.USDPerHour < 0.005 {
		return "; the excess burns less than a cent an hour"
	}
	return fmt.Sprintf("; the excess burns $%.2f an hour", f.burn.USDPerHour)
}

func (f *facts) at(hour int) time.Time { return f.start().Add(time.Duration(hour) * time.Hour) }

func (f *facts) evidence() map[string]any {
	e := map[string]any{
		"class":     string(f.class),
		"functions": f.Loop.Functions,
		"signals":   f.signals(),
	}
	if c := f.shown(); len(c) > 0 {
		e["cycle"] = steps(c)
		e["cycles"] = cycleCount(len(f.Cycles), f.AllCycles)
	}
	if f.Dropped > 0 {
		e["recursive_invocations_dropped"] = f.Dropped
		e["last_dropped_at"] = stamp(f.LastDrop)
	}
	if len(f.Hours) > 0 {
		e["invocations_by_day"] = f.byDay()
	}
	if f.burn.Unpriced == "" && (f.class == confirmed || f.class == probable) {
		e["burn_usd_per_hour"] = significant(f.burn.USDPerHour)
		e["peak_burn_usd_per_hour"] = significant(f.burn.PeakUSDPerHour)
		e["burned_usd"] = significant(f.burn.SpentUSD)
		e["excess_invocations"] = round(f.burn.Excess, 0)
		e["downstream_unpriced"] = f.downstream()
	}
	if settings := f.guards(); len(settings) > 0 {
		e["recursive_loop"] = settings
	}
	if len(f.allowed()) > 0 {
		e["unguarded"] = f.unguarded()
	}
	if x := cmp.Or(f.Exempt, f.Expired); x != nil {
		e["exemption"] = map[string]any{"resource": x.Resource, "reason": x.Reason, "owner": x.Owner, "until": x.Until, "holds": f.Exempt != nil}
	}
	if len(f.Unknown) > 0 {
		e["unknown"] = f.Unknown
	}
	return e
}

// signals is what was measured, whether or not it speaks for a loop.
func (f *facts) signals() map[string]any {
	s := map[string]any{}
	if f.Surge != nil {
		s["surge"] = map[string]any{
			"since": stamp(f.at(f.Surge.First)), "factor": round(f.Surge.factor(), 2),
			"invocations": f.Surge.Actual, "expected": round(f.Surge.Expected, 0), "growing": f.Growth,
		}
	}
	if f.Upstream != "" {
		s["upstream"] = map[string]any{"of": f.Upstream, "factor": round(f.Ingress, 2), "flat": f.flat()}
	}
	if f.Sends != nil {
		s["messages"] = map[string]any{
			"queue": f.Sends.Queue, "sent": f.Sends.Messages, "invocations": f.Sends.Invocations,
			"factor": round(f.Sends.Factor, 2), "keeps_pace": f.Sends.follows(),
		}
	}
	if f.PinnedHours > 0 {
		s["concurrency"] = map[string]any{"ceiling": f.Ceiling, "hours_at_ceiling": f.PinnedHours, "pinned": f.pinned()}
	}
	return s
}

// step is one hop of the cycle and how it is known.
type step struct {
	From      string `json:"from"`
	To        string `json:"to"`
	Kind      string `json:"kind"`
	Known     string `json:"known"`
	Certainty string `json:"certainty"`
	Filter    string `json:"filter,omitempty"`
}

func steps(c graph.Cycle) []step {
	list := make([]step, 0, len(c))
	for _, s := range c {
		list = append(list, step{From: s.Src, To: s.Dst, Kind: s.Kind, Known: known(s.Edge), Certainty: s.Certainty.String(), Filter: s.Filter})
	}
	return list
}

// known says in words which configuration the edge was read from.
func known(e graph.Edge) string {
	named := func(text string) string { return strings.TrimSpace(text + " " + e.Via) }
	switch e.Source {
	case "esm":
		if e.Kind == "destination" {
			return named("on-failure destination of event source mapping")
		}
		return named("event source mapping")
	case "s3":
		return named("notification of the bucket")
	case "sns":
		return named("subscription")
	case "sqs":
		return "redrive policy of the queue"
	case "events":
		return named("rule")
	case "function":
		return "dead-letter target of the function"
	case "invoke_config":
		return named("destination of asynchronous invocations:")
	case "iam":
		if e.Certainty >= graph.PermittedAndReferenced {
			return named("its role may write there and its environment names it:")
		}
		return named("its role may write there:")
	case "policy":
		return named("resource policy statement")
	case "statemachines":
		return named("task of the state machine:")
	case "pipes":
		return named("pipe")
	case "scheduler":
		return named("schedule")
	case "apis":
		return named("route of the API:")
	case "loadbalancers":
		return named("target group")
	default:
		return named(e.Source)
	}
}

// day is one UTC day of a loop's invocations.
type day struct {
	Day         string  `json:"day"`
	Invocations float64 `json:"invocations"`
	Baseline    float64 `json:"baseline"`
}

// byDay is the last two weeks, and everything since the surge began.
func (f *facts) byDay() []day {
	first := max(0, len(f.Hours)-14*hoursPerDay)
	if f.Surge != nil {
		first = min(first, f.Surge.First)
	}
	var list []day
	for i := first; i < len(f.Hours); i++ {
		name := f.at(i).Format(time.DateOnly)
		if len(list) == 0 || list[len(list)-1].Day != name {
			list = append(list, day{Day: name})
		}
		d := &list[len(list)-1]
		d.Invocations += f.Hours[i]
		d.Baseline = round(d.Baseline+f.Baseline[i], 1)
	}
	return list
}

// downstream names what else the loop is billed for.
func (f *facts) downstream() []string {
	charges := map[string]string{
		graph.Pipe: "events of pipe ", graph.API: "requests of API ",
		graph.Queue: "requests of queue ", graph.Topic: "deliveries of topic ", graph.Bucket: "requests and storage of bucket ",
		graph.Bus: "events of bus ", graph.Table: "writes to table ", graph.Stream: "records of stream ", graph.StateMachine: "transitions of state machine ",
	}
	list := []string{}
	for _, n := range f.Loop.Nodes {
		if charge := charges[n.Kind]; charge != "" {
			list = append(list, charge+n.ARN)
		}
	}
	return list
}

// guards is each member's recursion setting, where it was read.
func (f *facts) guards() map[string]string {
	settings := map[string]string{}
	for _, m := range f.Members {
		if m.RecursiveLoop != "" {
			settings[m.ARN] = m.RecursiveLoop
		}
	}
	return settings
}

func cycleCount(n int, all bool) string {
	if all {
		return strconv.Itoa(n)
	}
	return fmt.Sprintf("more than %d", n)
}

func names(list []function) string {
	var out []string
	for _, f := range list {
		out = append(out, f.Name)
	}
	return strings.Join(out, ", ")
}

func plural(n int, noun string) string {
	if n == 1 {
		return "1 " + noun
	}
	return fmt.Sprintf("%d %ss", n, noun)
}

// count writes a whole number in groups of three.
func count(v float64) string {
	digits := strconv.FormatFloat(v, 'f', 0, 64)
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = digits[:i] + "," + digits[i:]
	}
	return digits
}

func stamp(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") }
