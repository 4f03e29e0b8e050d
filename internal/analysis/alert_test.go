package analysis

import (
	"strings"
	"testing"
)

func TestExprFault(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct{ name, expr, want string }{
		{"a metric", `faaswarden_findings > 3`, ""},
		{"matchers and text", `faaswarden_findings{severity="critical",resource!~"up|{down}"} > 0`, ""},
		{"functions, ranges, offsets and durations", `max_over_time(faaswarden_coverage_ratio[1d]) - faaswarden_coverage_ratio offset 1h30m > 2e-1`, ""},
		{"grouping before and after", `sum by (account, region) (faaswarden_findings) / on (account) group_left (team) sum(faaswarden_functions) without (instance)`, ""},
		{"set operators in any case", `faaswarden_findings and on (analyzer) faaswarden_coverage_ratio OR faaswarden_functions unless ignoring (x) faaswarden_findings > bool Inf`, ""},
		{"a comment", "faaswarden_findings # not up\n> 1", ""},
		{"a function alone", `time() > 3`, "expr reads no metric of faaswarden"},
		{"text alone", `label_replace(vector(1), "a", "faaswarden_findings", "b", "c")`, "expr reads no metric of faaswarden"},
		{"somebody else's metric beside ours", `faaswarden_findings and up`, "expr reads up, which"},
		{"a recording rule", `faaswarden_findings > job:wanted:sum`, "expr reads job:wanted:sum, which"},
		{"no name", `{job="faaswarden"}`, "without naming their metric"},
		{"no name after an operator", `faaswarden_findings and {job="faaswarden"}`, "without naming their metric"},
		{"the name as a matcher", `faaswarden_findings{__name__=~".+"}`, "without naming their metric"},
	} {
		got := exprFault(tt.expr)
		if tt.want == "" && got != "" || !strings.Contains(got, tt.want) {
			t.Errorf("%s: fault %q, want %q", tt.name, got, tt.want)
		}
	}
}

func TestAlertsOfASuiteHaveNamesOfTheirOwn(t *testing.T) {
	t.Parallel()
	first, second := good(), good()
	second.Name = "undersizedmemory"
	err := Validate([]*Analyzer{first, second}, relations)
	const want = `analyzer undersizedmemory: alert "MuchWasted" is declared by oversizedmemory already`
	if err == nil || err.Error() != want {
		t.Errorf("faults: %v, want %s", err, want)
	}
}
