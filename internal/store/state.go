package store

import (
	"context"
	"fmt"
	"maps"
	"sync"
	"time"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// State returns a collector's cursors in one account and region. Save flushes
// sink first, so that a cursor never points past rows that were lost.
func (s *Store) State(collector, account, region string, sink collect.Sink) collect.State {
	return &state{store: s, sink: sink, now: time.Now, scope: map[string]any{"collector": collector, "account": account, "region": region}}
}

type state struct {
	store *Store
	sink  collect.Sink
	now   func() time.Time
	scope map[string]any
	mu    sync.Mutex // one save at a time, so that versions grow
}

const readCursor = `SELECT collector, account, region, key, value, collected_at
FROM cursors FINAL
WHERE collector = {collector:String} AND account = {account:String} AND region = {region:String} AND key = {key:String}
ORDER BY collected_at`

// Load returns the value last saved under key, "" when there is none.
func (st *state) Load(ctx context.Context, key string) (string, error) {
	c, err := st.read(ctx, key)
	if err != nil {
		return "", fmt.Errorf("load cursor %s: %w", key, err)
	}
	return c.Value, nil
}

// Save stores value under key once every row put before is durable.
func (st *state) Save(ctx context.Context, key, value string) error {
	st.mu.Lock()
	defer st.mu.Unlock()
	if err := st.sink.Flush(ctx); err != nil {
		return fmt.Errorf("save cursor %s: flush the rows before it: %w", key, err)
	}
	last, err := st.read(ctx, key)
	if err != nil {
		return fmt.Errorf("save cursor %s: %w", key, err)
	}
	// The newest version wins, also when the machine's clock went back or two
	// saves fall into one millisecond.
	at := st.now().UTC().Truncate(time.Millisecond)
	if !at.After(last.CollectedAt) {
		at = last.CollectedAt.Add(time.Millisecond)
	}
	next := schema.Cursor{
		Collector: st.scope["collector"].(string), Account: st.scope["account"].(string), Region: st.scope["region"].(string),
		Key: key, Value: value, CollectedAt: at,
	}
	if err := st.store.Insert(ctx, next); err != nil {
		return fmt.Errorf("save cursor %s: %w", key, err)
	}
	return nil
}

func (st *state) read(ctx context.Context, key string) (schema.Cursor, error) {
	params := map[string]any{"key": key}
	maps.Copy(params, st.scope)
	var found schema.Cursor
	for c, err := range Select[schema.Cursor](ctx, st.store, readCursor, params) {
		if err != nil {
			return schema.Cursor{}, err
		}
		found = c
	}
	return found, nil
}
