// Package collecttest runs a collector in a test: a sink and a state in
// memory, a run with everything a collector is given, and wire answers that
// the real SDK clients read.
package collecttest

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"flag"
	"fmt"
	"log/slog"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

var update = flag.Bool("update", false, "rewrite golden files")

// Sink keeps rows in memory, in the order of arrival. It is safe for concurrent use.
type Sink struct {
	PutErr error // returned by every Put when set

	mu      sync.Mutex
	rows    []schema.Row
	flushes int
}

// Put keeps rows.
func (s *Sink) Put(_ context.Context, rows ...schema.Row) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.PutErr != nil {
		return s.PutErr
	}
	s.rows = append(s.rows, rows...)
	return nil
}

// Flush counts itself.
func (s *Sink) Flush(context.Context) error {
	s.mu.Lock()
	defer s.mu.Unlock()
	s.flushes++
	return nil
}

// Flushes is how often Flush was called.
func (s *Sink) Flushes() int {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.flushes
}

// All returns every row put so far.
func (s *Sink) All() []schema.Row {
	s.mu.Lock()
	defer s.mu.Unlock()
	return slices.Clone(s.rows)
}

// Rows returns the rows of one type, sorted by their JSON, so that concurrent
// collectors compare equal.
func Rows[T schema.Row](s *Sink) []T {
	var list []T
	for _, row := range s.All() {
		if r, ok := row.(T); ok {
			list = append(list, r)
		}
	}
	slices.SortFunc(list, func(a, b T) int { return strings.Compare(text(a), text(b)) })
	return list
}

// State is a collector's cursors in memory. It is safe for concurrent use.
type State struct {
	Sink *Sink // flushed before a cursor is saved, as the contract promises

	mu     sync.Mutex
	values map[string]string
}

// Load returns the value saved under key, "" when there is none.
func (s *State) Load(_ context.Context, key string) (string, error) {
	s.mu.Lock()
	defer s.mu.Unlock()
	return s.values[key], nil
}

// Save flushes the sink and keeps the value.
func (s *State) Save(ctx context.Context, key, value string) error {
	if s.Sink != nil {
		if err := s.Sink.Flush(ctx); err != nil {
			return err
		}
	}
	s.mu.Lock()
	defer s.mu.Unlock()
	if s.values == nil {
		s.values = map[string]string{}
	}
	s.values[key] = value
	return nil
}

// Values returns a copy of what was saved.
func (s *State) Values() map[string]string {
	s.mu.Lock()
	defer s.mu.Unlock()
	return maps.Clone(s.values)
}

// Options describe a run; the zero value of each field means the default.
type Options struct {
	Account   string    // 123456789012
	Region    string    // eu-west-1
	Partition string    // aws
	Now       time.Time // 2026-11-01 12:00 UTC
	Window    collect.Window
	Functions []schema.Function
	Params    map[string]any // over the collector's defaults
	State     map[string]string

	AWS      aws.Config // wins over Endpoint and Wire
	Endpoint string     // base URL of a server that speaks the wire protocols, such as the simulated account
	Wire     *Wire      // answers in memory

	Rates   []collect.Rate
	Budget  *collect.Budget
	Limiter *collect.Limiter // nil: no waiting
}

// Fixture is a run and everything that it leaves behind.
type Fixture struct {
	*collect.Run
	Sink  *Sink
	State *State
	Log   *Buffer // what was logged, debug included
}

// New returns a run of the collector that nothing outside the test can see.
func New(t testing.TB, c *collect.Collector, o Options) *Fixture {
	t.Helper()
	o.Account = or(o.Account, "123456789012")
	o.Region = or(o.Region, "eu-west-1")
	o.Partition = or(o.Partition, "aws")
	if o.Now.IsZero() {
		o.Now = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)
	}
	params := map[string]any{}
	for _, p := range c.Params {
		params[p.Name] = p.Default
	}
	maps.Copy(params, o.Params)
	sink := &Sink{}
	f := &Fixture{Sink: sink, State: &State{Sink: sink, values: maps.Clone(o.State)}, Log: &Buffer{}}
	meter := collect.NewMeter(o.Rates, o.Budget)
	f.Run = &collect.Run{
		ID: "run-1", Collector: c, Account: o.Account, Partition: o.Partition, Region: o.Region,
		Now: o.Now, Window: o.Window, Functions: o.Functions, Params: params,
		Sink: sink, State: f.State, Meter: meter,
		Log: slog.New(slog.NewTextHandler(f.Log, &slog.HandlerOptions{Level: slog.LevelDebug})),
		AWS: collect.Instrument(config(o), meter, o.Limiter, collect.InstrumentOptions{Account: o.Account}),
	}
	return f
}

// Collect runs the collector and fails the test when it returns an error.
func (f *Fixture) Collect(t testing.TB) {
	t.Helper()
	if err := f.Collector.Collect(t.Context(), f.Run); err != nil {
		t.Fatalf("collect %s: %v", f.Collector.Name, err)
	}
}

func config(o Options) aws.Config {
	cfg := o.AWS
	if cfg.Region == "" {
		cfg.Region = o.Region
	}
	if cfg.Credentials == nil {
		cfg.Credentials = credentials.NewStaticCredentialsProvider("AKIDEXAMPLE", "wJalrXUtnFEMI/K7MDENG/bPxRfiCYEXAMPLEKEY", "")
	}
	if o.Wire != nil && cfg.HTTPClient == nil {
		cfg.HTTPClient = o.Wire
	}
	if o.Endpoint != "" && cfg.BaseEndpoint == nil {
		cfg.BaseEndpoint = aws.String(o.Endpoint)
	}
	if cfg.HTTPClient == nil && cfg.BaseEndpoint == nil {
		cfg.HTTPClient = NewWire(nil) // everything denied: a test never reaches AWS
	}
	return cfg
}

// Golden compares everything the run left (rows, gaps, completions; in a
// stable order, collected_at and run_id left out) with testdata/NAME.golden.
// go test -update rewrites the file; a person reads the difference.
func (f *Fixture) Golden(t testing.TB, name string) {
	t.Helper()
	path := filepath.Join("testdata", name+".golden")
	got := f.Dump()
	if *update {
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			t.Fatal(err)
		}
		if err := os.WriteFile(path, []byte(got), 0o644); err != nil {
			t.Fatal(err)
		}
	}
	want, err := os.ReadFile(path)
	if err != nil {
		t.Fatalf("read golden file (go test -update writes it): %v", err)
	}
	if diff := cmp.Diff(string(want), got); diff != "" {
		t.Errorf("%s (-want +got):\n%s", path, diff)
	}
}

// Dump is everything the run left, one JSON object a line under its table's
// name, empty fields and those that are the same in every row left out.
func (f *Fixture) Dump() string {
	tables := map[string][]string{}
	add := func(table string, row any) { tables[table] = append(tables[table], text(row)) }
	for _, row := range f.Sink.All() {
		add(row.Table(), row)
	}
	for _, gap := range f.Gaps() {
		gap.Detail = "" // the service's own words, which Secret looks at
		add(gap.Table(), gap)
	}
	for _, c := range f.Completions() {
		add(c.Table(), c)
	}
	var b strings.Builder
	for _, table := range slices.Sorted(maps.Keys(tables)) {
		lines := tables[table]
		slices.Sort(lines)
		fmt.Fprintf(&b, "# %s\n%s\n\n", table, strings.Join(lines, "\n"))
	}
	return b.String()
}

// text is a row as JSON without what is empty or the same in every row.
func text(row any) string {
	raw, err := json.Marshal(row)
	if err != nil {
		return err.Error()
	}
	var fields map[string]any
	dec := json.NewDecoder(bytes.NewReader(raw))
	dec.UseNumber()
	if err := dec.Decode(&fields); err != nil {
		return err.Error()
	}
	for _, same := range []string{"Account", "Region", "CollectedAt", "RunID", "Collector"} {
		delete(fields, same)
	}
	maps.DeleteFunc(fields, func(_ string, v any) bool {
		switch v := v.(type) {
		case nil:
			return true
		case string:
			return v == ""
		case json.Number:
			return v == "0"
		case bool:
			return !v
		case []any:
			return len(v) == 0
		case map[string]any:
			return len(v) == 0
		}
		return false
	})
	var b bytes.Buffer
	enc := json.NewEncoder(&b)
	enc.SetEscapeHTML(false)
	if err := enc.Encode(fields); err != nil {
		return err.Error()
	}
	return strings.TrimSpace(b.String())
}

// Secret fails the test when text appears anywhere in what the run left: rows,
// gaps, completions, cursors, the log and err.
func (f *Fixture) Secret(t testing.TB, secret string, err error) {
	t.Helper()
	places := map[string]string{"rows": f.Dump(), "gaps": fmt.Sprint(f.Gaps()), "log": f.Log.String(), "cursors": fmt.Sprint(f.State.Values())}
	for ; err != nil; err = errors.Unwrap(err) {
		places["error "+fmt.Sprintf("%T", err)] = fmt.Sprintf("%v %+v", err, err)
	}
	for place, found := range places {
		if strings.Contains(found, secret) {
			t.Errorf("the secret shows in %s", place)
		}
	}
}

// Buffer is a log's output. It is safe for concurrent use.
type Buffer struct {
	mu sync.Mutex
	b  bytes.Buffer
}

// Write appends.
func (b *Buffer) Write(p []byte) (int, error) {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.Write(p)
}

// String is everything written.
func (b *Buffer) String() string {
	b.mu.Lock()
	defer b.mu.Unlock()
	return b.b.String()
}

func or(value, fallback string) string {
	if value == "" {
		return fallback
	}
	return value
}

// GapList is what the run could not read, "table/kind resource outcome", sorted
// and without repetition; ARNs are shortened to their last part.
func (f *Fixture) GapList() []string {
	var list []string
	for _, g := range f.Gaps() {
		resource := ""
		if g.Resource != "" {
			resource = "arn:…" + g.Resource[strings.LastIndex(g.Resource, ":"):] + " "
		}
		list = append(list, g.TableName+"/"+g.Kind+" "+resource+g.Outcome)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// CompletionList is what the run read wholly, "table/kind", sorted.
func (f *Fixture) CompletionList() []string {
	var list []string
	for _, c := range f.Completions() {
		list = append(list, c.TableName+"/"+c.Kind)
	}
	slices.Sort(list)
	return list
}
