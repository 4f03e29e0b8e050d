package collect

import (
	"context"
	"sync"
)

// Cache keeps answers that several runs of one cycle need, such as a role that
// functions of two regions share. The engine gives one to all runs of an
// account's cycle. It is safe for concurrent use; a nil Cache keeps nothing.
type Cache struct {
	mu      sync.Mutex
	entries map[string]*cached
}

type cached struct {
	ready chan struct{}
	value any
	err   error
}

// NewCache returns an empty Cache.
func NewCache() *Cache { return &Cache{entries: map[string]*cached{}} }

// Cached returns the value kept under key, asking for it when there is none.
// Of several that ask at once one does; a refusal is kept like any answer, but
// not the end of somebody else's context.
func Cached[T any](ctx context.Context, c *Cache, key string, ask func(context.Context) (T, error)) (T, error) {
	if c == nil {
		return ask(ctx)
	}
	for {
		c.mu.Lock()
		e := c.entries[key]
		if e == nil {
			e = &cached{ready: make(chan struct{})}
			c.entries[key] = e
			c.mu.Unlock()
			return fill(ctx, c, key, e, ask)
		}
		c.mu.Unlock()
		select {
		case <-e.ready:
		case <-ctx.Done():
			var zero T
			return zero, ctx.Err()
		}
		if e.err == nil || !Stop(e.err) {
			value, _ := e.value.(T) // one key has one type
			return value, e.err
		}
	}
}

func fill[T any](ctx context.Context, c *Cache, key string, e *cached, ask func(context.Context) (T, error)) (T, error) {
	value, err := ask(ctx)
	e.value, e.err = value, err
	if Stop(err) {
		c.mu.Lock()
		delete(c.entries, key)
		c.mu.Unlock()
	}
	close(e.ready)
	return value, err
}
