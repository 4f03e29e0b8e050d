package metrics

import (
	"cmp"
	"context"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/faaswarden/faaswarden/internal/schema"
)

// blockSize is how many functions are read in stages before the next ones are.
// What the stages have learnt is saved after every call, so a block is small
// enough to be written often and large enough to fill calls.
const blockSize = 500

// block is functions that share a window, and what the stages have learnt of
// them. It is the cursor of work that is paid for and not finished.
type block struct {
	Pass      int
	From, To  int64 // hours
	Functions []string
	State     []traffic
	Hours     hours
}

func (b *block) window() window { return window{fromHours(b.From), fromHours(b.To), hour} }

// traffic is what the stages have learnt about one function.
type traffic struct {
	Stage     int  `json:",omitempty"` // how many are done
	Active    bool `json:",omitempty"` // invoked, throttled, or events arrived for it
	Async     bool `json:",omitempty"` // events arrived for it
	Unsettled bool `json:",omitempty"` // an answer was not complete
}

// A stage asks of a function what the stages before it have shown to be worth
// asking.
type stage func(c *collection, f schema.Function, t traffic) []target

var stages = []stage{(*collection).activity, (*collection).behaviour, (*collection).outcomes}

// activity is asked of every function. An event for a function whose
// concurrency is reserved to zero is neither an invocation nor a throttle: it
// goes to the dead letters at once.
func (c *collection) activity(f schema.Function, _ traffic) []target {
	t := functionTarget(f)
	t.statistics = firstStage
	if silenced(f) {
		t.statistics = slices.Concat(firstStage, asyncArrival)
	}
	return []target{t}
}

func silenced(f schema.Function) bool {
	return f.ReservedConcurrency != nil && *f.ReservedConcurrency == 0
}

// behaviour is asked of functions that did something.
func (c *collection) behaviour(f schema.Function, state traffic) []target {
	if !state.Active {
		return nil // nothing happened, so there is nothing more to ask
	}
	t := functionTarget(f)
	t.statistics = slices.Clone(secondStage)
	if !silenced(f) {
		t.statistics = append(t.statistics, asyncArrival...)
	}
	if c.streams[f.FunctionARN] {
		t.statistics = append(t.statistics, streamStage...)
	}
	if c.kafka[f.FunctionARN] {
		t.statistics = append(t.statistics, kafkaStage...)
	}
	if !hasInsights(f) {
		return []target{t}
	}
	return []target{t, insightsTarget(f)}
}

// outcomes is asked of functions for which events arrived.
func (c *collection) outcomes(f schema.Function, state traffic) []target {
	if !state.Async {
		return nil // no event arrived whose fate could be asked for
	}
	t := functionTarget(f)
	t.statistics = asyncStage
	return []target{t}
}

// readFunctions reads functions in stages, each narrowed by what the one before
// showed, block by block. What was begun by a run that was cut short is
// finished first, in its own window.
func (c *collection) readFunctions(ctx context.Context, p pass) error {
	for _, g := range byWindow(c.functions, func(f schema.Function) window { return c.window(p, c.marks, f.FunctionARN) }) {
		for members := range slices.Chunk(g.members, blockSize) {
			b := &block{Pass: p.n, From: toHours(g.from), To: toHours(g.to), State: make([]traffic, len(members)), Hours: hours{}}
			for _, f := range members {
				b.Functions = append(b.Functions, f.FunctionARN)
			}
			if err := c.readBlock(ctx, b); err != nil {
				return err
			}
		}
	}
	return nil
}

// finishBlock goes on with the block of a run that was cut short, without
// those of its functions that are gone.
func (c *collection) finishBlock(ctx context.Context) error {
	var b block
	if err := loadJSON(ctx, c.Run, "block", &b); err != nil {
		return err
	}
	if len(b.Functions) == 0 || len(b.State) != len(b.Functions) {
		return nil
	}
	open := block{Pass: b.Pass, From: b.From, To: b.To, Hours: b.Hours}
	if open.Hours == nil {
		open.Hours = hours{}
	}
	for i, arn := range b.Functions {
		if _, known := c.byARN[arn]; known {
			open.Functions, open.State = append(open.Functions, arn), append(open.State, b.State[i])
		}
	}
	return c.readBlock(ctx, &open)
}

func (c *collection) readBlock(ctx context.Context, b *block) error {
	for n := range stages {
		if err := c.readStage(ctx, b, n); err != nil {
			return err
		}
	}
	findings := c.plan.of(b.Pass)
	for i, arn := range b.Functions {
		if !b.State[i].Unsettled {
			c.marks.read(arn, b.window())
		}
		if f := c.byARN[arn]; b.State[i].Active && f.LogGroup != "" {
			findings.Groups = append(findings.Groups, f.LogGroup)
		}
	}
	// In this order, each of them can be repeated after a stop at any of them.
	findings.merge(b.Hours, int(c.Params["zoom_busiest"].(int64)))
	if err := c.plan.save(ctx, c.State); err != nil {
		return err
	}
	if err := c.marks.save(ctx, c.State, c.knownFunctions()); err != nil {
		return err
	}
	return c.State.Save(ctx, "block", "")
}

func (c *collection) knownFunctions() map[string]bool {
	known := make(map[string]bool, len(c.functions))
	for _, f := range c.functions {
		known[f.FunctionARN] = true
	}
	return known
}

func (c *collection) readStage(ctx context.Context, b *block, n int) error {
	var units []unit
	var owner []int
	for i, arn := range b.Functions {
		if b.State[i].Stage > n {
			continue // the run that was cut short has read it
		}
		var u unit
		for _, t := range stages[n](c, c.byARN[arn], b.State[i]) {
			u = append(u, t.series()...)
		}
		if len(u) > 0 {
			units, owner = append(units, u), append(owner, i)
		}
	}
	w, busiest := b.window(), int(c.Params["zoom_busiest"].(int64))
	zoomable := c.to.Sub(w.from) <= coarseRetention
	return c.reader.read(ctx, w, units, observer{
		see: func(u int, s series, ts time.Time, v float64) {
			i := owner[u]
			b.State[i].learn(s, v)
			if !zoomable {
				return
			}
			switch {
			case s.metric == "Throttles" && v > 0:
				b.Hours.at(ts).Throttled[b.Functions[i]] = v
			case s.metric == "ConcurrentExecutions":
				b.Hours.at(ts).busy(b.Functions[i], v, busiest)
			}
		},
		done: func(ctx context.Context, low int, whole []bool) error {
			for u, ok := range whole {
				state := &b.State[owner[low+u]]
				state.Stage, state.Unsettled = n+1, state.Unsettled || !ok
			}
			return saveJSON(ctx, c.State, "block", b)
		},
	})
}

func (t *traffic) learn(s series, v float64) {
	if v == 0 {
		return
	}
	switch s.metric {
	case "Invocations", "Throttles":
		t.Active = true
	case "AsyncEventsReceived":
		t.Active, t.Async = true, true
	}
}

// hours are those of a pass in which something was throttled, or may turn out
// to have been when all functions are read.
type hours map[int64]*hourPlan

// hourPlan names functions: those throttled in the hour, and those that took
// the most concurrency.
type hourPlan struct {
	Throttled map[string]float64 `json:"t,omitempty"`
	Busiest   map[string]float64 `json:"b,omitempty"`
}

func (h hours) at(ts time.Time) *hourPlan {
	n := toHours(ts)
	if h[n] == nil {
		h[n] = &hourPlan{Throttled: map[string]float64{}, Busiest: map[string]float64{}}
	}
	if h[n].Throttled == nil {
		h[n].Throttled = map[string]float64{}
	}
	if h[n].Busiest == nil {
		h[n].Busiest = map[string]float64{}
	}
	return h[n]
}

// busy keeps the busiest functions, the first by name of those that are equal.
func (h *hourPlan) busy(function string, maximum float64, limit int) {
	h.Busiest[function] = maximum
	if len(h.Busiest) <= limit {
		return
	}
	least := slices.MaxFunc(slices.Collect(maps.Keys(h.Busiest)), func(a, b string) int {
		return cmp.Or(cmp.Compare(h.Busiest[b], h.Busiest[a]), strings.Compare(a, b))
	})
	delete(h.Busiest, least)
}
