package collecttest

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/faaswarden/faaswarden/internal/collect"
)

// Less is an operation that AWS refuses, and what is then missing.
type Less struct {
	Operation string   // on the wire: "scheduler:GetSchedule"
	Action    string   // of the gap, where IAM calls it otherwise
	Gaps      []string // evidence, "table/kind"; without completion
	Rows      int      // that are still written
}

// OneActionLess runs a collector with each operation denied, and again with an
// answer that is no AWS's: the gap is the operation's own, the completions are
// those of what was read all the same, and the run ends without an error.
func OneActionLess(t *testing.T, c *collect.Collector, wire func() *Wire, o Options, cases []Less) {
	t.Helper()
	o.Wire = wire()
	whole := New(t, c, o)
	whole.Collect(t)
	if gaps := whole.GapList(); len(gaps) > 0 {
		t.Fatalf("gaps when nothing is refused: %v", gaps)
	}
	for _, less := range cases {
		for outcome, answer := range map[string]Answer{"denied": nil, "failed": HTML(404)} {
			t.Run(less.Operation+" "+outcome, func(t *testing.T) {
				t.Parallel()
				o := o
				o.Wire = wire().On(less.Operation, answer)
				f := New(t, c, o)
				f.Collect(t)
				checkGaps(t, f, less, outcome)
				want := slices.DeleteFunc(whole.CompletionList(), func(done string) bool { return slices.Contains(less.Gaps, done) })
				if diff := cmp.Diff(want, f.CompletionList(), cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("completions (-want +got):\n%s", diff)
				}
				if rows := len(f.Sink.All()); rows != less.Rows {
					t.Errorf("%d rows are left, want %d", rows, less.Rows)
				}
			})
		}
	}
}

func checkGaps(t *testing.T, f *Fixture, less Less, outcome string) {
	t.Helper()
	action := or(less.Action, less.Operation)
	var got []string
	for _, g := range f.Gaps() {
		got = append(got, g.TableName+"/"+g.Kind)
		if g.Outcome != outcome || !strings.EqualFold(g.Action, action) {
			t.Errorf("gap: %+v", g)
		}
	}
	slices.Sort(got)
	if diff := cmp.Diff(less.Gaps, slices.Compact(got)); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
}

// Declared checks a collector's declaration, as the suite's start does.
func Declared(t *testing.T, c *collect.Collector, relations []string) {
	t.Helper()
	alone := *c
	alone.Reads = nil
	if err := collect.Validate([]*collect.Collector{&alone}, relations); err != nil {
		t.Error(err)
	}
}
