package store

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"

	"github.com/faaswarden/faaswarden/internal/chdb"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

var _ collect.Sink = (*Sink)(nil)

const (
	sinkMaxRows   = 200_000 // rows held at most by all sinks that share; about 60 MiB of metric points
	sinkLeastRows = 8_000   // and by one of very many
	sinkMinWait   = 250 * time.Millisecond
	sinkMaxWait   = 15 * time.Second
)

// Sink buffers rows per table on their way to the store. Rows that Put took are
// held until a write of them succeeds, however often it fails. It is safe for
// concurrent use.
type Sink struct {
	insert   func(context.Context, ...schema.Row) error
	batch    int
	capacity int
	patience time.Duration

	writing chan struct{} // holds one token while a write runs

	mu       sync.Mutex
	tables   []string // in order of first appearance
	buffered map[string][]schema.Row
	held     int           // rows buffered or being written
	freed    chan struct{} // closed and replaced whenever held falls
	written  map[string]uint64
	failures int       // writes that failed in a row
	retryAt  time.Time // before it, Put does not try to write on its own
}

// SinkOptions say how a sink behaves. The zero value is a sink by itself that
// tells of a failed write at once.
type SinkOptions struct {
	Sharers  int           // how many sinks are at work at once: together they hold a bounded number of rows
	Patience time.Duration // how long Flush waits for a store that is away
}

// Sink returns an empty sink onto the store. A quarter of what it may hold is
// worth writing without being asked.
func (s *Store) Sink(o SinkOptions) *Sink {
	rows := max(sinkLeastRows, sinkMaxRows/max(1, o.Sharers))
	k := newSink(s.Insert, rows/4, rows)
	k.patience = o.Patience
	return k
}

func newSink(insert func(context.Context, ...schema.Row) error, batch, capacity int) *Sink {
	return &Sink{
		insert: insert, batch: batch, capacity: capacity,
		writing:  make(chan struct{}, 1),
		buffered: map[string][]schema.Row{}, written: map[string]uint64{},
		freed: make(chan struct{}),
	}
}

// Put takes rows. It returns at once while there is room; when the buffer is
// full it writes, and while the store is away it waits, until the context ends.
// After an error none of the rows were taken.
func (k *Sink) Put(ctx context.Context, rows ...schema.Row) error {
	for start := 0; start < len(rows); start += k.capacity {
		if err := k.put(ctx, rows[start:min(start+k.capacity, len(rows))]); err != nil {
			return err
		}
	}
	return nil
}

func (k *Sink) put(ctx context.Context, rows []schema.Row) error {
	for {
		taken, due, freed := k.take(rows)
		if taken {
			if due {
				k.writeIfIdle(ctx)
			}
			return nil
		}
		err := k.flush(ctx)
		if err == nil {
			continue
		}
		if !transient(err) {
			return fmt.Errorf("buffer is full: %w", err)
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("buffer is full and the store is away: %w (last attempt: %w)", context.Cause(ctx), err)
		case <-freed:
		case <-time.After(k.wait()):
		}
	}
}

// take adds rows to the buffer if they fit. due says that some table has
// enough rows for a write.
func (k *Sink) take(rows []schema.Row) (taken, due bool, freed <-chan struct{}) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if k.held > 0 && k.held+len(rows) > k.capacity {
		return false, false, k.freed
	}
	for _, row := range rows {
		table := row.Table()
		if _, ok := k.buffered[table]; !ok {
			k.tables = append(k.tables, table)
		}
		k.buffered[table] = append(k.buffered[table], row)
		due = due || len(k.buffered[table]) >= k.batch
	}
	k.held += len(rows)
	return true, due && !time.Now().Before(k.retryAt), k.freed
}

// writeIfIdle writes full batches unless somebody already is. A failure is kept
// for later: the rows stay, and Flush or a full buffer will tell.
func (k *Sink) writeIfIdle(ctx context.Context) {
	select {
	case k.writing <- struct{}{}:
		defer func() { <-k.writing }()
		_ = k.write(ctx, k.batch)
	default:
	}
}

// Flush returns nil once every row put before it is durable. After an error all
// rows that were not written stay buffered for the next Flush.
func (k *Sink) Flush(ctx context.Context) error {
	giveUp := time.Now().Add(k.patience)
	for {
		err := k.flush(ctx)
		if err == nil || !transient(err) || time.Now().After(giveUp) {
			return err
		}
		select {
		case <-ctx.Done():
			return fmt.Errorf("the store is away: %w (last attempt: %w)", context.Cause(ctx), err)
		case <-time.After(k.wait()):
		}
	}
}

// flush writes what is buffered, once.
func (k *Sink) flush(ctx context.Context) error {
	select {
	case k.writing <- struct{}{}:
	case <-ctx.Done():
		return fmt.Errorf("wait for a write of %d rows: %w", k.Buffered(), context.Cause(ctx))
	}
	defer func() { <-k.writing }()
	return k.write(ctx, 1)
}

// write inserts the rows of every table that has at least atLeast of them. The
// caller holds the token of writing.
func (k *Sink) write(ctx context.Context, atLeast int) error {
	var faults []error
	for _, table := range k.tablesWith(atLeast) {
		rows := k.remove(table)
		err := k.insert(ctx, rows...)
		k.settle(table, rows, err)
		if err != nil {
			faults = append(faults, err)
		}
	}
	return errors.Join(faults...)
}

func (k *Sink) tablesWith(atLeast int) []string {
	k.mu.Lock()
	defer k.mu.Unlock()
	var list []string
	for _, table := range k.tables {
		if n := len(k.buffered[table]); n > 0 && n >= atLeast {
			list = append(list, table)
		}
	}
	return list
}

func (k *Sink) remove(table string) []schema.Row {
	k.mu.Lock()
	defer k.mu.Unlock()
	rows := k.buffered[table]
	k.buffered[table] = nil
	return rows
}

// settle counts written rows, or puts them back before those that came since.
func (k *Sink) settle(table string, rows []schema.Row, err error) {
	k.mu.Lock()
	defer k.mu.Unlock()
	if err != nil {
		k.buffered[table] = slices.Concat(rows, k.buffered[table])
		k.failures++
		k.retryAt = time.Now().Add(k.backoff())
		return
	}
	k.written[table] += uint64(len(rows))
	k.held -= len(rows)
	k.failures, k.retryAt = 0, time.Time{}
	close(k.freed)
	k.freed = make(chan struct{})
}

// backoff doubles from sinkMinWait to sinkMaxWait. The caller holds mu.
func (k *Sink) backoff() time.Duration {
	return min(sinkMinWait<<min(k.failures-1, 10), sinkMaxWait)
}

func (k *Sink) wait() time.Duration {
	k.mu.Lock()
	defer k.mu.Unlock()
	return max(time.Until(k.retryAt), sinkMinWait)
}

// Buffered is how many rows were taken and are not yet stored.
func (k *Sink) Buffered() int {
	k.mu.Lock()
	defer k.mu.Unlock()
	return k.held
}

// Written is how many rows were stored, over all tables.
func (k *Sink) Written() uint64 {
	k.mu.Lock()
	defer k.mu.Unlock()
	var n uint64
	for _, rows := range k.written {
		n += rows
	}
	return n
}

// transientCodes are the server's refusals that pass by themselves.
var transientCodes = []int32{
	159, // TIMEOUT_EXCEEDED
	202, // TOO_MANY_SIMULTANEOUS_QUERIES
	209, // SOCKET_TIMEOUT
	210, // NETWORK_ERROR
	241, // MEMORY_LIMIT_EXCEEDED
	242, // TABLE_IS_READ_ONLY: a replica that lost its keeper
	243, // NOT_ENOUGH_SPACE
	252, // TOO_MANY_PARTS
	279, // ALL_CONNECTION_TRIES_FAILED
	285, // TOO_FEW_LIVE_REPLICAS
	319, // UNKNOWN_STATUS_OF_INSERT
	999, // KEEPER_EXCEPTION
}

// transient says whether writing the same rows again may succeed. A refusal
// that names the rows' own fault never will.
func transient(err error) bool {
	if exception, ok := errors.AsType[*clickhouse.Exception](err); ok {
		return slices.Contains(transientCodes, exception.Code)
	}
	if _, ok := errors.AsType[unfit](err); ok {
		return false
	}
	return !errors.Is(err, errReadOnly) && !errors.Is(err, clickhouse.ErrConnectionClosed) && !errors.Is(err, chdb.ErrClosed)
}
