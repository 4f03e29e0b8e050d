package collect

import (
	"context"
	"fmt"
	"hash/fnv"
	"maps"
	"math"
	"slices"
	"strconv"
	"strings"
	"sync"
	"time"

	"github.com/faaswarden/faaswarden/internal/schema"
)

// A Rota decides about which of many things an action is asked in a run, so
// that asking about each costs few calls: about those never read or changed
// since, and about a share of the rest in turn, so that in a period each is
// read again. A reading is remembered once its rows are durable; a run that
// was stopped goes on where it stopped. It is safe for concurrent use.
type Rota struct {
	run    *Run
	key    string
	period time.Duration

	mu       sync.Mutex
	planned  time.Time // of the run before; zero for the first
	readings map[string]reading
	listed   map[string]string // what there is now → its mark
	due      map[string]bool
	unsaved  int
}

// reading is what is remembered of one thing.
type reading struct {
	at   time.Time
	mark string // digest of the Item's Mark when it was read
	note string
}

// Item is a thing to ask about. ID is unique in the run's scope; Mark changes
// when the thing does.
type Item struct{ ID, Mark string }

// PeriodParam is the parameter of collectors that have a Rota.
func PeriodParam(of string) Param {
	return Param{
		Name: "details_every", Default: 24 * time.Hour,
		Doc: "every so often " + of + " of each function are read again, a share of the functions in each run; those of new and changed functions are read at once; 0 reads all in every run",
	}
}

// DefaultPeriod is PeriodParam's, for estimates.
const DefaultPeriod = 24 * time.Hour

// saveShare of a plan, and no fewer than saveLeast readings, are lost at most
// when a run is killed.
const (
	saveShare = 10
	saveLeast = 100
)

// NewRota loads what earlier runs have read under the key, with the period of
// the collector's details_every parameter.
func (r *Run) NewRota(ctx context.Context, key string) (*Rota, error) {
	period, ok := r.Params["details_every"].(time.Duration)
	if !ok || period < 0 {
		return nil, fmt.Errorf("collect %s: parameter details_every must be a duration of 0 or more, such as 24h", r.Collector.Name)
	}
	return r.RotaOf(ctx, key, period)
}

// RotaOf is NewRota with a period of the collector's own.
func (r *Run) RotaOf(ctx context.Context, key string, period time.Duration) (*Rota, error) {
	o := &Rota{run: r, key: "rota " + key, period: period}
	text, err := r.State.Load(ctx, o.key)
	if err != nil {
		return nil, fmt.Errorf("load which %s were read: %w", key, err)
	}
	o.planned, o.readings = parseReadings(text)
	return o, nil
}

// Plan decides about which items to ask now. What is not among them is
// forgotten when they are all there is.
func (o *Rota) Plan(items []Item, all bool) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.listed, o.due = make(map[string]string, len(items)), map[string]bool{}
	var waiting []string
	overdue := 0 // their turn has come by themselves
	for _, item := range items {
		o.listed[item.ID] = digest(item.Mark)
	}
	for id, mark := range o.listed {
		read, known := o.readings[id]
		switch {
		case !known || read.mark != mark || read.at.After(o.run.Now):
			o.due[id] = true
		case o.run.Now.Sub(read.at) >= o.period:
			o.due[id] = true
			overdue++
		default:
			waiting = append(waiting, id)
		}
	}
	if all {
		maps.DeleteFunc(o.readings, func(id string, _ reading) bool { _, there := o.listed[id]; return !there })
	}
	slices.SortFunc(waiting, func(a, b string) int {
		if c := o.readings[a].at.Compare(o.readings[b].at); c != 0 {
			return c
		}
		return strings.Compare(digest(a), digest(b)) // so that names alike do not take turns together
	})
	for _, id := range waiting[:min(max(0, o.share()-overdue), len(waiting))] {
		o.due[id] = true
	}
}

// share is how many are read again in this run though they need not be: as many
// of all as the time since the run before is of the period.
func (o *Rota) share() int {
	if o.planned.IsZero() || o.period <= 0 {
		return 0
	}
	elapsed := float64(o.run.Now.Sub(o.planned)) / float64(o.period)
	return int(math.Ceil(float64(len(o.listed)) * min(1, max(0, elapsed))))
}

// Due reports whether it is the item's turn.
func (o *Rota) Due(id string) bool {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.due[id]
}

// Again makes it the item's turn whatever the plan was.
func (o *Rota) Again(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.due[id] = true
}

// Note is what the item's last reading left to be remembered.
func (o *Rota) Note(id string) string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.readings[id].note
}

// Read notes that the item was read and its rows have been put. The note must
// not hold tabs or line breaks.
func (o *Rota) Read(ctx context.Context, id, note string) error {
	o.mu.Lock()
	defer o.mu.Unlock()
	o.readings[id] = reading{at: o.run.Now, mark: o.listed[id], note: note}
	o.unsaved++
	if o.unsaved < max(saveLeast, len(o.due)/saveShare) {
		return nil
	}
	return o.saveLocked(ctx)
}

// Gone forgets an item that turned out to be no more.
func (o *Rota) Gone(id string) {
	o.mu.Lock()
	defer o.mu.Unlock()
	delete(o.readings, id)
	delete(o.listed, id)
	delete(o.due, id)
}

// Close saves what was read and returns since when everything of the plan has
// been: all rows written since then are of things as they were read last.
// whole is false when something was never read, or its turn came and went.
func (o *Rota) Close(ctx context.Context) (since time.Time, whole bool, err error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	since, whole = o.run.Now, o.listed != nil
	for id, mark := range o.listed {
		read, known := o.readings[id]
		if !known || read.mark != mark || o.due[id] && !read.at.Equal(o.run.Now) {
			whole = false
			continue
		}
		if read.at.Before(since) {
			since = read.at
		}
	}
	o.planned = o.run.Now
	return since, whole, o.saveLocked(ctx)
}

// Break saves what was read by a run that ends before its time. That run's
// error is what matters: when saving fails too, the same is read again.
func (o *Rota) Break(ctx context.Context) {
	const patience = 10 * time.Second
	ctx, cancel := context.WithTimeout(context.WithoutCancel(ctx), patience)
	defer cancel()
	o.mu.Lock()
	defer o.mu.Unlock()
	if err := o.saveLocked(ctx); err != nil {
		o.run.Log.Debug("readings not remembered", "error", err)
	}
}

func (o *Rota) saveLocked(ctx context.Context) error {
	if err := o.run.State.Save(ctx, o.key, formatReadings(o.planned, o.readings)); err != nil {
		return sinkError{fmt.Errorf("remember %d readings: %w", len(o.readings), err)}
	}
	o.unsaved = 0
	return nil
}

// FunctionItem is a function as a Rota knows it.
func FunctionItem(fn schema.Function) Item {
	return Item{ID: fn.FunctionName, Mark: fn.RevisionID + " " + fn.LastModified.UTC().Format(time.RFC3339Nano)}
}

// AskFunctions asks about those functions of the run's inventory whose turn it
// is, and says what is whole by that: the probe's tables are complete since the
// oldest reading when nothing is missing.
func (o *Rota) AskFunctions(ctx context.Context, atOnce int, probe *Probe, ask func(context.Context, schema.Function) error) error {
	items := make([]Item, len(o.run.Functions))
	functions := make(map[string]schema.Function, len(o.run.Functions))
	for i, fn := range o.run.Functions {
		items[i] = FunctionItem(fn)
		functions[items[i].ID] = fn
	}
	o.Plan(items, true)
	err := o.Ask(ctx, atOnce, probe, func(ctx context.Context, id string) (string, error) {
		return functions[id].FunctionARN, ask(ctx, functions[id])
	})
	if err != nil {
		return err
	}
	return o.Finish(ctx, probe)
}

// Ask asks about all that is due, atOnce at a time; ask puts the rows of what
// the id names and returns the ARN that a gap calls it by. Things that are gone,
// or have nothing of the kind, answer ResourceNotFoundException, which is an
// answer. An error is the end of the run; what was read until then is kept.
func (o *Rota) Ask(ctx context.Context, atOnce int, probe *Probe, ask func(ctx context.Context, id string) (resource string, _ error)) error {
	err := Each(ctx, atOnce, o.turns(), func(ctx context.Context, id string) error {
		if probe.Hopeless() {
			return nil
		}
		resource, err := ask(ctx, id)
		if Code(err) == "ResourceNotFoundException" {
			err = nil
		}
		if Stop(err) {
			return err
		}
		probe.Answered(resource, err)
		if answered := err == nil; !answered {
			return nil // the probe has it
		}
		return o.Read(ctx, id, "")
	})
	if err != nil {
		o.Break(ctx)
	}
	return err
}

// turns lists what is due, in order.
func (o *Rota) turns() []string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return slices.Sorted(maps.Keys(o.due))
}

// Finish ends the probe and the plan, and completes the probe's tables.
func (o *Rota) Finish(ctx context.Context, probe *Probe) error {
	answered := probe.Close()
	since, whole, err := o.Close(ctx)
	if err != nil || !answered || !whole {
		return err
	}
	probe.complete(since)
	return nil
}

func formatReadings(planned time.Time, readings map[string]reading) string {
	var b strings.Builder
	b.WriteString(stamp(planned))
	for _, id := range slices.Sorted(maps.Keys(readings)) {
		r := readings[id]
		b.WriteString("\n" + id + "\t" + stamp(r.at) + "\t" + r.mark + "\t" + r.note)
	}
	return b.String()
}

// parseReadings reads what formatReadings wrote; lines that it did not write
// are left out, and what they were about is read again.
func parseReadings(text string) (planned time.Time, readings map[string]reading) {
	readings = map[string]reading{}
	first, rest, _ := strings.Cut(text, "\n")
	if at, ok := instant(first); ok {
		planned = at
	}
	for line := range strings.SplitSeq(rest, "\n") {
		fields := strings.Split(line, "\t")
		if len(fields) != 4 {
			continue
		}
		if at, ok := instant(fields[1]); ok {
			readings[fields[0]] = reading{at, fields[2], fields[3]}
		}
	}
	return planned, readings
}

// stamp is a time in milliseconds, as rows keep it.
func stamp(t time.Time) string {
	if t.IsZero() {
		return ""
	}
	return strconv.FormatInt(t.UnixMilli(), 36)
}

func instant(text string) (time.Time, bool) {
	ms, err := strconv.ParseInt(text, 36, 64)
	return time.UnixMilli(ms).UTC(), err == nil
}

// digest is a mark in few characters.
func digest(text string) string {
	h := fnv.New64a()
	_, _ = h.Write([]byte(text)) // documented never to fail
	return strconv.FormatUint(h.Sum64(), 36)
}
