package metrics

import (
	"context"
	"encoding/json"
	"fmt"
	"slices"
	"time"

	"github.com/faaswarden/faaswarden/internal/collect"
)

// marks say up to when each resource of a section has been read wholly. A mark
// of its own for every resource lets a failed batch hold back its resources
// alone, and a resource seen for the first time be read from the lookback's start.
type marks struct {
	key string
	at  map[string]time.Time
}

// loadMarks reads a section's marks. A cursor that cannot be parsed is as good
// as none: reading again is harmless.
func loadMarks(ctx context.Context, r *collect.Run, section string) (*marks, error) {
	m := &marks{key: section, at: map[string]time.Time{}}
	text, err := r.State.Load(ctx, m.key)
	if err != nil {
		return nil, fmt.Errorf("load the cursor of %s: %w", section, err)
	}
	if text == "" {
		return m, nil
	}
	var hours map[string]int64
	if err := json.Unmarshal([]byte(text), &hours); err != nil {
		r.Log.Warn("cursor unreadable, reading from the lookback's start", "section", section, "error", err)
		return m, nil
	}
	for resource, n := range hours {
		m.at[resource] = time.Unix(n*int64(hour/time.Second), 0).UTC()
	}
	return m, nil
}

// save keeps the marks of the resources that are still known.
func (m *marks) save(ctx context.Context, state collect.State, known []string) error {
	hours := make(map[string]int64, len(known))
	for resource, mark := range m.at {
		hours[resource] = mark.Unix() / int64(hour/time.Second)
	}
	slices.Sort(known)
	for resource := range hours {
		if _, found := slices.BinarySearch(known, resource); !found {
			delete(hours, resource)
		}
	}
	text, err := json.Marshal(hours)
	if err != nil {
		return fmt.Errorf("encode the cursor of %s: %w", m.key, err)
	}
	if err := state.Save(ctx, m.key, string(text)); err != nil {
		return fmt.Errorf("save the cursor of %s: %w", m.key, err)
	}
	return nil
}
