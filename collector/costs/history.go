package costs

import (
	"context"
	"encoding/json"
	"fmt"
	"maps"
	"math/big"
	"slices"
	"strings"
	"time"

	"github.com/aws/aws-sdk-go-v2/service/costexplorer/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// history is what a grouping's earlier readings said: up to when days are
// final, and which groups the open days had. A restatement may move all of a
// group's cost elsewhere; the group is then missing from the answer, and its
// rows must not stay.
type history struct {
	FinalUntil time.Time           `json:"final_until"`
	Filter     string              `json:"filter"` // what was read; another filter makes the groups incomparable
	Keys       []string            `json:"keys"`   // of all groups
	Days       map[string]*big.Int `json:"days"`   // day → bits of the keys that had a cost
}

func cursor(label string) string { return "costs/" + label }

// loadHistory reads a grouping's cursor. Other filters' are no good.
func loadHistory(ctx context.Context, r *collect.Run, g grouping) (*history, error) {
	h, err := parseHistory(ctx, r, g.label)
	if err != nil {
		return nil, err
	}
	if filter := describe(g.filter); h.Filter != filter {
		h = &history{Filter: filter}
	}
	if h.Days == nil {
		h.Days = map[string]*big.Int{}
	}
	return h, nil
}

// parseHistory reads a cursor. One that cannot be parsed is as good as none: the
// days are read again.
func parseHistory(ctx context.Context, r *collect.Run, label string) (*history, error) {
	text, err := r.State.Load(ctx, cursor(label))
	if err != nil {
		return nil, fmt.Errorf("load the cursor: %w", err)
	}
	h := &history{}
	if text == "" {
		return h, nil
	}
	if err := json.Unmarshal([]byte(text), h); err != nil {
		r.Log.Warn("cursor unreadable, reading from the previous month", "grouping", label, "error", err)
		return &history{}, nil
	}
	return h, nil
}

// describe is a filter as text.
func describe(e *types.Expression) string {
	var parts []string
	if e.Dimensions != nil {
		parts = append(parts, fmt.Sprint(e.Dimensions.Key, e.Dimensions.Values))
	}
	for i := range e.And {
		parts = append(parts, describe(&e.And[i]))
	}
	if e.Not != nil {
		parts = append(parts, "not "+describe(e.Not))
	}
	return strings.Join(parts, ";")
}

// vanished are rows of zero for groups that a day had and has no longer: newer
// versions that take the older ones' place.
func (h *history) vanished(r *collect.Run, a *answer, from, to time.Time) []schema.CostDay {
	var rows []schema.CostDay
	for _, date := range slices.Sorted(maps.Keys(h.Days)) {
		start, err := time.Parse(time.DateOnly, date)
		if err != nil || start.Before(from) || !start.Before(to) {
			continue
		}
		for i, key := range h.Keys {
			if h.Days[date].Bit(i) == 0 || a.seen[start][key] {
				continue
			}
			row, err := blank(r, a.grouping, start, keysOf(key))
			if err != nil {
				continue // not a key of ours
			}
			row.BillingCurrency, row.XEstimated = "USD", a.open[start]
			rows = append(rows, row)
		}
	}
	return rows
}

// learn replaces what was known of the days that were read, and moves the mark
// over days that AWS will not restate.
func (h *history) learn(a *answer, from, to time.Time) {
	last := map[string]map[string]bool{}
	for date, bits := range h.Days {
		if start, err := time.Parse(time.DateOnly, date); err != nil || !start.Before(from) {
			continue // read again, or not a day
		}
		last[date] = map[string]bool{}
		for i, key := range h.Keys {
			last[date][key] = bits.Bit(i) == 1
		}
	}
	h.FinalUntil = from
	for start := from; start.Before(to); start = start.AddDate(0, 0, 1) {
		if !a.open[start] && h.FinalUntil.Equal(start) {
			h.FinalUntil = start.AddDate(0, 0, 1)
		}
		last[start.Format(time.DateOnly)] = a.seen[start]
	}
	h.pack(last)
}

// pack keeps the days that are not final, each as bits of the keys' positions.
func (h *history) pack(days map[string]map[string]bool) {
	all := map[string]bool{}
	for date, keys := range days {
		if start, err := time.Parse(time.DateOnly, date); err != nil || start.Before(h.FinalUntil) {
			delete(days, date)
			continue
		}
		maps.Copy(all, keys)
	}
	h.Keys = slices.Sorted(maps.Keys(all))
	h.Days = map[string]*big.Int{}
	for date, keys := range days {
		bits := &big.Int{}
		for i, key := range h.Keys {
			if keys[key] {
				bits.SetBit(bits, i, 1)
			}
		}
		h.Days[date] = bits
	}
}

// until is the day after the last that was read; zero when none was.
func (h *history) until() time.Time {
	until := h.FinalUntil
	for date := range h.Days {
		if day, err := time.Parse(time.DateOnly, date); err == nil && !day.Before(until) {
			until = day.AddDate(0, 0, 1)
		}
	}
	return until
}

func (h *history) save(ctx context.Context, r *collect.Run, g grouping) error {
	text, err := json.Marshal(h)
	if err != nil {
		return fmt.Errorf("encode the cursor: %w", err)
	}
	if err := r.State.Save(ctx, cursor(g.label), string(text)); err != nil {
		return fmt.Errorf("save the cursor: %w", err)
	}
	return nil
}
