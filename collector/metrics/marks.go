package metrics

import (
	"cmp"
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"slices"
	"strings"
	"time"

	"github.com/faaswarden/faaswarden/internal/collect"
)

// mark says which hours of a resource have been read wholly: from low to high.
type mark struct{ low, high time.Time }

// marks are those of a section. A mark of its own for every resource lets a
// failed batch hold back its resources alone, and a resource seen for the first
// time be read from the lookback's start.
type marks struct {
	key    string
	prefix string // of most resources, left out of what is stored
	at     map[string]mark
}

// loadMarks reads a section's marks. A cursor that cannot be parsed is as good
// as none: reading again is harmless.
func loadMarks(ctx context.Context, r *collect.Run, section string) (*marks, error) {
	m := &marks{
		key: section, prefix: fmt.Sprintf("arn:%s:lambda:%s:%s:function:", r.Partition, r.Region, r.Account), at: map[string]mark{},
	}
	var stored map[string][2]int64
	if err := loadJSON(ctx, r, section, &stored); err != nil {
		return nil, err
	}
	for resource, hours := range stored {
		if name, short := strings.CutPrefix(resource, "~"); short {
			resource = m.prefix + name
		}
		m.at[resource] = mark{fromHours(hours[0]), fromHours(hours[1])}
	}
	return m, nil
}

// save keeps the marks of the resources that are still known.
func (m *marks) save(ctx context.Context, state collect.State, known map[string]bool) error {
	stored := make(map[string][2]int64, len(m.at))
	for resource, at := range m.at {
		if known[resource] {
			if name, own := strings.CutPrefix(resource, m.prefix); own {
				resource = "~" + name
			}
			stored[resource] = [2]int64{toHours(at.low), toHours(at.high)}
		}
	}
	return saveJSON(ctx, state, m.key, stored)
}

// A pass reads a stretch of time of everything. The first is the newest, and
// brings up to date what earlier runs have read; the others go back in history.
type pass struct {
	n        int // 0 is the newest
	from, to time.Time
}

func (p pass) history() bool { return p.n > 0 }

// depths are where the passes of a first run end. CloudWatch keeps minutes for
// 15 days, five minutes for 63 and hours for 455 (DOC:api-getmetricdata), and
// zoom reads what throttled hours have left of those. The last stretch is cut
// in two, so that a function's hours fit into one page of an answer.
var depths = []time.Duration{minuteRetention, coarseRetention, 259 * day, hourRetention}

const (
	minuteRetention = 15 * day
	coarseRetention = 63 * day
	hourRetention   = 455 * day
)

// passes lists the stretches from to back to first, the newest first. Every
// stretch costs what a stretch of an hour does, so there are few of them.
func passes(first, to time.Time) []pass {
	var list []pass
	end := to
	for i, depth := range depths {
		from := to.Add(-depth)
		if from.Before(first) {
			from = first
		}
		if !from.Before(end) {
			break
		}
		list = append(list, pass{n: i, from: from, to: end})
		end = from
	}
	return list
}

// window is what a pass reads of a resource; the zero window when there is
// nothing left to read.
func (c *collection) window(p pass, m *marks, resource string) window {
	at, known := m.at[resource]
	switch {
	case p.history() && known && !at.low.After(p.from):
		return window{} // an earlier run has read it
	case p.history() && known:
		return window{p.from, at.low, hour}
	case !known || at.high.Before(p.to.Add(-coarseRetention)):
		return window{p.from, p.to, hour}
	case c.resumed && at.high.Equal(p.to):
		return window{} // the run that was cut short within this hour has read it
	}
	from := at.high.Add(-c.Collector.Overlap) // late points are seen again
	if from.Before(c.first) {
		from = c.first
	}
	if from.Before(at.low) && at.low.Before(p.to) {
		from = at.low
	}
	if !from.Before(p.to) {
		from = p.to.Add(-hour) // the clock went backwards
	}
	return window{from, p.to, hour}
}

// read moves a mark over a window that was answered wholly.
func (m *marks) read(resource string, w window) {
	at, known := m.at[resource]
	if !known || w.from.After(at.high) || w.to.Before(at.low) {
		m.at[resource] = mark{w.from, w.to}
		return
	}
	if w.from.Before(at.low) {
		at.low = w.from
	}
	if w.to.After(at.high) {
		at.high = w.to
	}
	m.at[resource] = at
}

// byWindow groups things by what is to be read of them, the oldest window first.
func byWindow[T any](list []T, of func(T) window) []group[T] {
	groups := map[window][]T{}
	for _, item := range list {
		if w := of(item); w != (window{}) {
			groups[w] = append(groups[w], item)
		}
	}
	windows := slices.SortedFunc(maps.Keys(groups), func(a, b window) int {
		return cmp.Or(a.from.Compare(b.from), a.to.Compare(b.to))
	})
	var out []group[T]
	for _, w := range windows {
		out = append(out, group[T]{w, groups[w]})
	}
	return out
}

type group[T any] struct {
	window
	members []T
}

func toHours(t time.Time) int64   { return t.Unix() / int64(hour/time.Second) }
func fromHours(n int64) time.Time { return time.Unix(n*int64(hour/time.Second), 0).UTC() }

// loadJSON reads a cursor into v, and leaves v as it is where there is none.
func loadJSON(ctx context.Context, r *collect.Run, key string, v any) error {
	text, err := r.State.Load(ctx, key)
	if err != nil {
		return fmt.Errorf("load the cursor of %s: %w", key, err)
	}
	if text == "" {
		return nil
	}
	if err := json.Unmarshal([]byte(text), v); err != nil {
		r.Log.Warn("cursor unreadable, reading again", "section", key, "error", err)
	}
	return nil
}

func saveJSON(ctx context.Context, state collect.State, key string, v any) error {
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Errorf("encode the cursor of %s: %w", key, err)
	}
	if err := state.Save(ctx, key, string(text)); err != nil {
		return fmt.Errorf("save the cursor of %s: %w", key, err)
	}
	return nil
}
