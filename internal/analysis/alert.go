package analysis

import (
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

// Alert declares a condition of the analyzer's metrics that somebody must be
// told of before the next look at a board. Prometheus knows it as
// Faaswarden<Name>; the label severity and the runbook are made from the
// analyzer. Metrics move once an analysis, over a window of days, so For is
// seldom needed.
type Alert struct {
	Name        string        // CamelCase, unique over the suite
	Expr        string        // PromQL over faaswarden_ metrics; its value and labels are the templates'
	For         time.Duration // how long the condition must hold before anybody is told
	Severity    Severity      // Critical → critical, High and Medium → warning, else info
	Summary     string        // one sentence with the numbers in it; a Prometheus template
	Description string        // what to do about it; a Prometheus template
}

var (
	alertNamePattern = regexp.MustCompile(`^[A-Z][a-z0-9]+([A-Z][a-z0-9]+)*$`)

	promqlText     = regexp.MustCompile("\"(?:\\\\.|[^\"\\\\])*\"|'(?:\\\\.|[^'\\\\])*'|`[^`]*`|#[^\n]*")
	promqlNameless = regexp.MustCompile(`(^|[^\w:])\{|\b__name__\b`)
	promqlLabels   = regexp.MustCompile(`\{[^}]*\}|\[[^\]]*\]|(?i)\b(?:by|without|on|ignoring|group_left|group_right)\s*\([^)]*\)`)
	promqlWord     = regexp.MustCompile(`\d[\w.]*|[a-zA-Z_:][\w:]*(\s*\()?`)
	promqlKeywords = []string{"and", "or", "unless", "bool", "offset", "atan2", "group_left", "group_right", "inf", "nan"}
)

// faults says what is wrong with the declaration.
func (a Alert) faults() []string {
	var faults []string
	fail := func(format string, args ...any) {
		faults = append(faults, fmt.Sprintf("alert %q: "+format, append([]any{a.Name}, args...)...))
	}
	if !alertNamePattern.MatchString(a.Name) {
		fail("name must match %s", alertNamePattern)
	}
	for _, text := range []struct{ name, value string }{{"expr", a.Expr}, {"summary", a.Summary}, {"description", a.Description}} {
		if strings.TrimSpace(text.value) == "" {
			fail("%s is empty", text.name)
		}
	}
	if a.Severity < Info || a.Severity > Critical {
		fail("severity %d is not a level", a.Severity)
	}
	if a.For < 0 {
		fail("for is %s: must not be negative", a.For)
	}
	if fault := exprFault(a.Expr); a.Expr != "" && fault != "" {
		fail("%s", fault)
	}
	return faults
}

// exprFault says why an expression is not one over faaswarden's metrics alone.
// It reads names, not grammar: promtool checks that.
func exprFault(expr string) string {
	expr = promqlText.ReplaceAllString(expr, "")
	if promqlNameless.MatchString(expr) {
		return "expr selects series without naming their metric right before the {"
	}
	own := false
	for _, word := range promqlWord.FindAllString(promqlLabels.ReplaceAllString(expr, " "), -1) {
		switch {
		case strings.HasPrefix(word, "faaswarden_") && !strings.HasSuffix(word, "("):
			own = true
		case word[0] >= '0' && word[0] <= '9', strings.HasSuffix(word, "("), slices.Contains(promqlKeywords, strings.ToLower(word)):
		default:
			return "expr reads " + word + ", which is no metric of faaswarden"
		}
	}
	if !own {
		return "expr reads no metric of faaswarden"
	}
	return ""
}
