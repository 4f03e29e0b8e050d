package insights

import (
	"testing"

	"github.com/google/go-cmp/cmp"
)

// TestPatternsLookBeforeTheyMatch: the texts looked for are in every match.
func TestPatternsLookBeforeTheyMatch(t *testing.T) {
	t.Parallel()
	for _, test := range []struct {
		expr     string
		literals []string
		matches  map[string]bool
	}{
		{`Duration: (?<a>[\d.]+) ms.*Init`, []string{"Duration: ", " ms", "Init"}, map[string]bool{"Duration: 1 ms Init": true, "Duration: 1 ms": false, "Init Duration:  ms": false}},
		{`(?i)error`, nil, map[string]bool{"an ERROR": true, "none": false}},
		{`a|b`, nil, map[string]bool{"a": true, "b": true, "c": false}},
		{`(ab)?c`, []string{"c"}, map[string]bool{"c": true, "ab": false}},
		{`(?:xy){2,}z*`, []string{"xy"}, map[string]bool{"xyxy": true, "xy": false}},
	} {
		p, err := compilePattern(test.expr)
		if err != nil {
			t.Fatal(err)
		}
		if diff := cmp.Diff(test.literals, p.literals); diff != "" {
			t.Errorf("%s: %s", test.expr, diff)
		}
		for text, want := range test.matches {
			if got := p.matches(text); got != want || (p.submatches(text) != nil) != want {
				t.Errorf("%s on %q: %v", test.expr, text, got)
			}
		}
	}
}
