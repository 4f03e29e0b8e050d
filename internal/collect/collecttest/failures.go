package collecttest

import (
	"maps"
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/faaswarden/faaswarden/internal/collect"
)

// Failure says what the failure of one operation must cost.
type Failure struct {
	Operation string // whose answer fails: "ce:GetAnomalies"
	Action    string // that the gap names; the operation when empty
	Table     string
	Kind      string
	Repeated  Answer            // a page whose token is that of the page itself; nil for operations without pages
	Malformed map[string]Answer // answers that can be read and make no sense, by name
	Lost      []string          // completions, as CompletionList writes them, that there must not be
}

// Failures breaks one operation in every usual way, on top of answers that are
// well, and fails the test unless each costs exactly its own evidence: a gap of
// the action and nothing else, and not what the failure must lose.
func Failures(t *testing.T, c *collect.Collector, o Options, answers map[string]Answer, failure Failure) {
	t.Helper()
	service, _, _ := strings.Cut(failure.Operation, ":")
	broken := map[string]Answer{
		"denied": Deny(failure.Operation), "html": HTML(http.StatusNotFound),
		"truncated": Body(`{"`), "validation": Fail(service, http.StatusBadRequest, "ValidationException", "1 validation error"),
	}
	if failure.Repeated != nil {
		broken["repeated token"] = failure.Repeated
	}
	maps.Copy(broken, failure.Malformed)
	action := or(failure.Action, failure.Operation)
	for name, answer := range broken {
		t.Run(failure.Operation+" "+name, func(t *testing.T) {
			t.Parallel()
			o := o
			o.Wire = NewWire(answers).On(failure.Operation, answer)
			f := New(t, c, o)
			f.Collect(t)
			gaps := f.Gaps()
			if len(gaps) == 0 {
				t.Fatal("no gap")
			}
			for _, g := range gaps {
				if g.TableName != failure.Table || g.Kind != failure.Kind || g.Action != action || g.Detail == "" || (g.Outcome == "denied") != (name == "denied") {
					t.Errorf("gap %+v", g)
				}
			}
			for _, lost := range failure.Lost {
				if slices.Contains(f.CompletionList(), lost) {
					t.Errorf("%s is said to be complete", lost)
				}
			}
		})
	}
}
