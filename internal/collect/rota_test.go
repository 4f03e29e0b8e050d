package collect_test

import (
	"context"
	"errors"
	"fmt"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// rotating is an account of functions whose details are read by a rota; its
// state lives on from run to run.
type rotating struct {
	functions []schema.Function
	state     map[string]string
	read      map[string]time.Time
}

var rotaStart = time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)

func newRotating(n int) *rotating {
	a := &rotating{read: map[string]time.Time{}}
	for i := range n {
		name := fmt.Sprintf("f%03d", i)
		a.functions = append(a.functions, schema.Function{FunctionName: name, FunctionARN: "arn:aws:lambda:eu-west-1:123456789012:function:" + name, RevisionID: "r1"})
	}
	return a
}

var rotaCollector = &collect.Collector{Name: "sample", Params: []collect.Param{collect.PeriodParam("details")}}

// run is a run so long after the start, and returns whom it asked about. ask
// may be nil.
func (a *rotating) run(t *testing.T, after time.Duration, ask func(name string) error) (asked []string, f *collecttest.Fixture, err error) {
	t.Helper()
	f = collecttest.New(t, rotaCollector, collecttest.Options{Now: rotaStart.Add(after), Functions: a.functions, State: a.state})
	rota, err := f.NewRota(t.Context(), "details")
	if err != nil {
		t.Fatal(err)
	}
	err = rota.AskFunctions(t.Context(), 1, f.Probe("aliases", "", "lambda:ListAliases"), func(ctx context.Context, fn schema.Function) error {
		if ctx.Err() != nil {
			return ctx.Err() // as a call would
		}
		asked = append(asked, fn.FunctionName)
		if ask != nil {
			if err := ask(fn.FunctionName); err != nil {
				return err
			}
		}
		a.read[fn.FunctionName] = f.Now
		return collect.Put(t.Context(), f.Run, schema.Alias{FunctionARN: fn.FunctionARN})
	})
	a.state = f.State.Values()
	return asked, f, err
}

func (a *rotating) mustRun(t *testing.T, after time.Duration) ([]string, *collecttest.Fixture) {
	t.Helper()
	asked, f, err := a.run(t, after, nil)
	if err != nil {
		t.Fatal(err)
	}
	return asked, f
}

// Every function is read at first, then a share in each run, none later than
// the period after its last reading; what is complete is complete since the
// oldest of them.
func TestRotaReadsAllInAPeriod(t *testing.T) {
	t.Parallel()
	a := newRotating(100)
	calls := 0
	for hour := 0; hour <= 24*10; hour += 6 {
		asked, f := a.mustRun(t, time.Duration(hour)*time.Hour)
		calls += len(asked)
		oldest := f.Now
		for name, at := range a.read {
			if age := f.Now.Sub(at); age > 24*time.Hour {
				t.Errorf("hour %d: %s was read %s ago", hour, name, age)
			}
			if at.Before(oldest) {
				oldest = at
			}
		}
		want := []schema.Completion{{Collector: "sample", Account: "123456789012", Region: "eu-west-1", TableName: "aliases", CollectedAt: oldest}}
		if diff := cmp.Diff(want, f.Completions()); diff != "" {
			t.Errorf("hour %d: completions (-want +got):\n%s", hour, diff)
		}
		if hour > 0 && len(asked) != 25 {
			t.Errorf("hour %d: %d functions were read, want a quarter", hour, len(asked))
		}
	}
	if calls != 100+40*25 {
		t.Errorf("%d calls", calls)
	}
}

func TestRotaReadsNewAndChangedAtOnce(t *testing.T) {
	t.Parallel()
	a := newRotating(3)
	a.mustRun(t, 0)
	a.functions[1].RevisionID = "r2"
	a.functions = append(a.functions, schema.Function{FunctionName: "new", RevisionID: "r1"})
	asked, f := a.mustRun(t, time.Second)
	if !slices.Contains(asked, "f001") || !slices.Contains(asked, "new") || len(asked) > 3 {
		t.Errorf("asked about %v", asked)
	}
	if at := f.Completions()[0].CollectedAt; !at.Equal(rotaStart) {
		t.Errorf("complete since %s", at)
	}
	// What is deleted is forgotten, and no longer holds the completion back.
	a.functions = a.functions[1:2]
	a.mustRun(t, 2*time.Second)
	if strings.Contains(a.state["rota details"], "f000") || !strings.Contains(a.state["rota details"], "f001") {
		t.Errorf("remembered: %q", a.state["rota details"])
	}
}

// A run that is stopped in the middle loses nothing: the next one reads what it
// did not, and what is complete is complete since the first's readings.
func TestRotaResumes(t *testing.T) {
	t.Parallel()
	for stopAt := range 7 {
		a := newRotating(7)
		n := 0
		first, f, err := a.run(t, 0, func(string) error {
			if n++; n > stopAt {
				return context.Canceled
			}
			return nil
		})
		if !errors.Is(err, context.Canceled) || len(f.Completions()) > 0 {
			t.Fatalf("stopped at %d: %v, completions %v", stopAt, err, f.Completions())
		}
		second, f := a.mustRun(t, time.Hour)
		if len(first) != stopAt+1 || len(second) != 7-stopAt || len(a.read) != 7 {
			t.Errorf("stopped at %d: read %v, then %v", stopAt, first, second)
		}
		since := rotaStart
		if stopAt == 0 {
			since = f.Now
		}
		if c := f.Completions(); len(c) != 1 || !c[0].CollectedAt.Equal(since) {
			t.Errorf("stopped at %d: completions %v", stopAt, c)
		}
	}
}

// What could not be read keeps the rest from being called complete, and is
// asked about in the next run whosever turn it is.
func TestRotaAsksAgainAfterAFailure(t *testing.T) {
	t.Parallel()
	a := newRotating(4)
	fail := func(name string) error {
		if name == "f002" {
			return errors.New("no answer")
		}
		return nil
	}
	_, f, err := a.run(t, 0, fail)
	if err != nil || len(f.Completions()) != 0 {
		t.Fatalf("%v, completions %v", err, f.Completions())
	}
	if diff := cmp.Diff([]string{"aliases/ arn:…:f002 failed"}, f.GapList()); diff != "" {
		t.Error(diff)
	}
	asked, f := a.mustRun(t, 0)
	if diff := cmp.Diff([]string{"f002"}, asked); diff != "" || len(f.Completions()) != 1 {
		t.Errorf("%s completions %v", diff, f.Completions())
	}
}

func TestRotaForgetsWhatItCannotRead(t *testing.T) {
	t.Parallel()
	a := newRotating(2)
	a.state = map[string]string{"rota details": "x\nf000\tnonsense\tr\t\nf001"}
	if asked, _ := a.mustRun(t, 0); len(asked) != 2 {
		t.Errorf("asked about %v", asked)
	}
}

func TestRotaOfNoPeriodReadsAll(t *testing.T) {
	t.Parallel()
	a := newRotating(5)
	a.mustRun(t, 0)
	f := collecttest.New(t, rotaCollector, collecttest.Options{Now: rotaStart.Add(time.Hour), Functions: a.functions, State: a.state, Params: map[string]any{"details_every": time.Duration(0)}})
	rota, err := f.NewRota(t.Context(), "details")
	if err != nil {
		t.Fatal(err)
	}
	n := 0
	err = rota.AskFunctions(t.Context(), 1, f.Probe("aliases", "", "lambda:ListAliases"), func(context.Context, schema.Function) error { n++; return nil })
	if err != nil || n != 5 {
		t.Errorf("%d were read: %v", n, err)
	}
	f.Params["details_every"] = -time.Hour
	if _, err := f.NewRota(t.Context(), "details"); err == nil {
		t.Error("a negative period was taken")
	}
}
