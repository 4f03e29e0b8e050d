package recursiveloops

import (
	"fmt"
	"math"
	"time"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/graph"
)

// facts is everything that is known of one loop, and what follows from it.
type facts struct {
	Loop      graph.Loop
	Members   []function // those of the estate, by ARN; the first names the finding
	Cycles    []graph.Cycle
	AllCycles bool // Cycles has every cycle of the loop
	Exempt    *analysis.Exemption
	Expired   *analysis.Exemption // an exemption whose time is over
	History   *history

	Dropped           float64
	FirstDrop         time.Time
	LastDrop          time.Time
	Hours             hourly // invocations of the members, over the hours that were read
	FirstHour         int    // of Hours, in the window
	Baseline          hourly // of Hours
	Surge             *surge
	Upstream          string  // what Ingress is of: "3 feeding functions", "the rest of the account"; empty when not known
	Ingress           float64 // the upstream's own factor over the surge
	UpstreamPerHour   float64 // invocations of known feeders, in the last day
	Sends             *sends  // of a queue of the loop
	PinnedHours       int     // in the surge, or the last day without one
	Ceiling           float64
	Growth            bool
	Unknown           []string // evidence that could not be had
	class             class
	confidence        analysis.Confidence
	burn              burn
	severity          analysis.Severity
	flatFactor, depth float64
}

// sends compares the messages that went into a queue of the loop with the
// invocations, over the surge or the last day.
type sends struct {
	Queue       string
	Messages    float64
	Invocations float64
	Factor      float64 // over the queue's own baseline; 0 without one
}

// examine gathers the facts of a loop and concludes.
func (j *judge) examine(l graph.Loop, h *history) *facts {
	cycles, all := j.graph.Cycles(l, maxCycles)
	f := j.factsOf(l, j.estate.members(l), cycles, all)
	f.History = h
	f.readInvocations(j)
	f.readUpstream(j)
	f.readQueues(j)
	f.readConcurrency(j)
	f.conclude(j)
	return f
}

// maxCycles is how many cycles of a loop are looked at; the shortest is shown.
const maxCycles = 50

// factsOf starts the facts of a loop with what the functions' own rows say.
func (j *judge) factsOf(l graph.Loop, members []function, cycles []graph.Cycle, all bool) *facts {
	f := &facts{Loop: l, Members: members, Cycles: cycles, AllCycles: all, flatFactor: j.settings.flatFactor, depth: j.settings.guardDepth}
	for _, m := range members {
		f.Dropped += m.Dropped
		if m.Dropped > 0 && (f.FirstDrop.IsZero() || m.DroppedFirst.Before(f.FirstDrop)) {
			f.FirstDrop = m.DroppedFirst
		}
		if m.Dropped > 0 && m.DroppedLast.After(f.LastDrop) {
			f.LastDrop = m.DroppedLast
		}
		switch {
		case m.RecursiveLoop == "Allow": // Lambda does not emit the metric
		case !m.droppedKnown():
			f.unknown(j, m, "RecursiveInvocationsDropped of %s", m.Name)
		}
	}
	f.Exempt, f.Expired = exempted(j.settings.exemptions, members, j.p.Window.To)
	return f
}

func (f *facts) unknown(j *judge, m function, format string, args ...any) {
	text := "the metric " + fmt.Sprintf(format, args...) + " was not read"
	if b, blind := j.p.Blind(m.subject(), "metric_points", ""); blind {
		text += fmt.Sprintf(": %s (%s)", b.Detail, b.Reason)
	}
	f.Unknown = append(f.Unknown, text)
}

// readInvocations sums the members' invocations over the hours that were read of
// every member, and looks for a surge.
func (f *facts) readInvocations(j *judge) {
	h := f.History
	first, end := 0, h.hours
	var arns []string
	for _, m := range f.Members {
		if !m.InvocationsRead {
			f.unknown(j, m, "Invocations of %s", m.Name)
			return
		}
		from, to := h.between(m.InvocationsFrom, m.InvocationsTo)
		first, end = max(first, from), min(end, to)
		arns = append(arns, m.ARN)
	}
	total, _ := h.of("Invocations", arns...)
	if first >= end {
		return
	}
	f.Hours, f.FirstHour = total[first:end], first
	f.Baseline = baseline(f.Hours, f.start(), len(f.Hours))
	if s, found := j.settings.surge.find(f.Hours, f.start()); found {
		f.Surge = &s
		f.Baseline = baseline(f.Hours, f.start(), s.First)
		f.Growth = grows(f.Hours, f.Baseline, s.First)
	}
}

// start is the beginning of Hours.
func (f *facts) start() time.Time {
	return f.History.start.Add(time.Duration(f.FirstHour) * time.Hour)
}

// recent is the first hour, in Hours, of the surge or of the last day.
func (f *facts) recent() int {
	if f.Surge != nil {
		return f.Surge.First
	}
	return max(0, len(f.Hours)-hoursPerDay)
}

// cut is a series over the hours of Hours.
func (f *facts) cut(s hourly) hourly {
	return s[min(f.FirstHour, len(s)):min(f.FirstHour+len(f.Hours), len(s))]
}

// readUpstream measures what feeds the loop over the surge: the functions that
// lead into it or, when there are none, everything else in the account.
func (f *facts) readUpstream(j *judge) {
	if len(f.Hours) == 0 {
		return
	}
	feeders := j.graph.Feeders(f.Loop)
	upstream, known := f.History.of("Invocations", feeders...)
	if known {
		f.UpstreamPerHour = f.cut(upstream)[f.recent():].sum() / float64(len(f.Hours)-f.recent())
	}
	if f.Surge == nil {
		return
	}
	what := fmt.Sprintf("%d feeding function", len(feeders))
	if len(feeders) != 1 {
		what += "s"
	}
	if !known {
		all, ok := f.History.accounts[f.Members[0].Account]
		if !ok {
			return
		}
		what = "the rest of the account"
		upstream = all.minus(f.History.driven(f.Members[0].Account))
	}
	series := f.cut(upstream)
	if expected := baseline(series, f.start(), f.Surge.First)[f.Surge.First:].sum(); expected > 0 {
		f.Upstream, f.Ingress = what, series[f.Surge.First:].sum()/expected
	}
}

// flat reports whether the upstream is known and did not grow along.
func (f *facts) flat() bool { return f.Upstream != "" && f.Ingress <= f.flatFactor }

// readQueues takes the queue of the loop that was sent the most.
func (f *facts) readQueues(*judge) {
	if len(f.Hours) == 0 {
		return
	}
	for _, n := range f.Loop.Nodes {
		sent, known := f.History.of("NumberOfMessagesSent", n.ARN)
		if n.Kind != graph.Queue || !known {
			continue
		}
		series := f.cut(sent)
		s := sends{Queue: n.ARN, Messages: series[f.recent():].sum(), Invocations: f.Hours[f.recent():].sum()}
		if expected := baseline(series, f.start(), f.recent())[f.recent():].sum(); expected > 0 {
			s.Factor = s.Messages / expected
		}
		if f.Sends == nil || s.Messages > f.Sends.Messages {
			f.Sends = &s
		}
	}
}

// follows reports whether the queue's messages keep pace with the invocations:
// at least one for two of them (a batch carries more than one).
func (s *sends) follows() bool {
	return s != nil && s.Invocations > 0 && s.Messages >= 0.5*s.Invocations
}

// readConcurrency counts the hours in which a member ran at its ceiling.
func (f *facts) readConcurrency(*judge) {
	if len(f.Hours) == 0 {
		return
	}
	for _, m := range f.Members {
		series, known := f.History.of("ConcurrentExecutions", m.ARN)
		if n := pinnedHours(f.cut(series)[f.recent():], m.ceiling()); known && n > f.PinnedHours {
			f.PinnedHours, f.Ceiling = n, m.ceiling()
		}
	}
}

// pinned asks for three hours at the ceiling: one can be a burst.
func (f *facts) pinned() bool { return f.PinnedHours >= 3 }

// selfFed reports whether a loop without a baseline to compare with feeds itself:
// at its ceiling, and with more than twice the messages its known feeders explain.
func (f *facts) selfFed() bool {
	if !f.pinned() || !f.Sends.follows() {
		return false
	}
	return f.Sends.Messages > 2*f.UpstreamPerHour*float64(len(f.Hours)-f.recent())
}

// allowed lists the members that are set to RecursiveLoop=Allow.
func (f *facts) allowed() []function {
	var list []function
	for _, m := range f.Members {
		if m.RecursiveLoop == "Allow" {
			list = append(list, m)
		}
	}
	return list
}

// unguarded reports whether nothing bounds what an allowed loop can burn.
func (f *facts) unguarded() bool {
	if len(f.allowed()) == 0 {
		return false
	}
	for _, m := range f.Members {
		if m.ReservedRead && m.Reserved != nil {
			return false
		}
	}
	return true
}

// certainty is that of the surest cycle.
func (f *facts) certainty() graph.Certainty {
	best := graph.Unread
	for _, c := range f.Cycles {
		best = max(best, c.Certainty())
	}
	return best
}

// conclude turns the facts into class, confidence, severity and money.
func (f *facts) conclude(j *judge) {
	f.class = classify(f)
	f.confidence = confidence(f)
	f.severity = f.class.severity(j.p.Severity)
	f.burn = j.burnOf(f)
}

func round(v float64, digits int) float64 {
	scale := math.Pow10(digits)
	return math.Round(v*scale) / scale
}

// significant keeps three digits of an amount, however small.
func significant(v float64) float64 {
	if v == 0 {
		return 0
	}
	return round(v, 2-int(math.Floor(math.Log10(math.Abs(v)))))
}
