package analysis

import (
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
)

var (
	namePattern        = regexp.MustCompile(`^[a-z][a-z0-9]*$`)
	paramNamePattern   = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	placeholderPattern = regexp.MustCompile(`\{([a-z_][a-z0-9_]*):[A-Za-z0-9_(), ]+\}`)
	measurePattern     = regexp.MustCompile(`^[a-z][a-z0-9_]*_(ratio|usd|usd_per_hour|seconds|bytes|count|throttles)$`)
	relationPattern    = regexp.MustCompile(`(?i)\b(?:FROM|JOIN)\s+([a-z_][a-z0-9_]*)`)
	clockPattern       = regexp.MustCompile(`(?i)\b(now|now64|today|yesterday|rand\w*)\s*\(`)
	headings           = []string{"## Why", "## How it is computed", "## What it will not catch", "## Remediation"}
)

// Validate walks a suite before anything runs and reports every fault. written
// is the set of tables and views that collectors and the schema provide.
func Validate(suite []*Analyzer, written []string) error {
	var faults []error
	seen := map[string]bool{}
	for _, a := range suite {
		if seen[a.Name] {
			faults = append(faults, fmt.Errorf("analyzer %s is listed twice", a.Name))
		}
		seen[a.Name] = true
		faults = append(faults, a.validate(written)...)
	}
	return errors.Join(append(faults, sharedAlerts(suite)...)...)
}

// sharedAlerts finds the names that two alerts of a suite have in common:
// whoever is told could not tell which it was. One analyzer may declare a name
// twice with another severity each.
func sharedAlerts(suite []*Analyzer) []error {
	var faults []error
	first := map[string]*Analyzer{}
	for _, a := range suite {
		for i, alert := range a.Alerts {
			earlier := slices.ContainsFunc(a.Alerts[:i], func(b Alert) bool { return b.Name == alert.Name && b.Severity == alert.Severity })
			if by := first[alert.Name]; earlier || by != nil && by.Name != a.Name {
				faults = append(faults, fmt.Errorf("analyzer %s: alert %q is declared by %s already", a.Name, alert.Name, first[alert.Name].Name))
			}
			first[alert.Name] = a
		}
	}
	return faults
}

func (a *Analyzer) validate(written []string) []error {
	var faults []error
	fail := func(format string, args ...any) {
		faults = append(faults, fmt.Errorf("analyzer %s: "+format, append([]any{a.Name}, args...)...))
	}
	if !namePattern.MatchString(a.Name) {
		fail("name must match %s", namePattern)
	}
	if a.Title == "" || strings.HasSuffix(a.Title, ".") {
		fail("title must be one clause without a full stop")
	}
	if a.Remediation == "" {
		fail("remediation is empty")
	}
	if a.Run == nil {
		fail("Run is nil")
	}
	if !slices.Contains(stages, a.Stage) {
		fail("stage %q is not one of %v", a.Stage, stages)
	}
	if !slices.Contains(categories, a.Category) {
		fail("category %q is not one of %v", a.Category, categories)
	}
	if a.Severity < Info || a.Severity > Critical {
		fail("severity %d is not a level", a.Severity)
	}
	for _, text := range docFaults(a.Doc) {
		fail("%s", text)
	}
	for _, text := range a.queryFaults() {
		fail("%s", text)
	}
	for _, table := range a.Reads {
		if !slices.Contains(written, table) {
			fail("reads %s, which no collector writes and the schema does not define", table)
		}
	}
	if len(a.Reads) == 0 {
		fail("Reads is empty")
	}
	for _, m := range relationPattern.FindAllStringSubmatch(withoutComments(a.Query), -1) {
		if slices.Contains(written, m[1]) && !slices.Contains(a.Reads, m[1]) {
			fail("query.sql reads %s, which Reads does not name", m[1])
		}
	}
	for _, m := range a.Measures {
		if !measurePattern.MatchString(m.Name) || m.Help == "" {
			fail("measure %q must end in a unit (_ratio, _usd, _usd_per_hour, _seconds, _bytes, _count or _throttles) and have a Help", m.Name)
		}
	}
	for _, alert := range a.Alerts {
		for _, text := range alert.faults() {
			fail("%s", text)
		}
	}
	return faults
}

// docFaults checks the four headings, in order, none of them empty.
func docFaults(doc string) []string {
	var faults []string
	rest := doc
	for i, h := range headings {
		_, after, ok := strings.Cut(rest, h+"\n")
		if !ok {
			faults = append(faults, fmt.Sprintf("doc.md lacks the heading %q (in this order: %v)", h, headings))
			continue
		}
		body := after
		if i+1 < len(headings) {
			body, _, _ = strings.Cut(after, headings[i+1])
		}
		if strings.TrimSpace(body) == "" {
			faults = append(faults, fmt.Sprintf("doc.md: %q is empty", h))
		}
		rest = after
	}
	return faults
}

func (a *Analyzer) queryFaults() []string {
	var faults []string
	query := withoutComments(a.Query)
	if !strings.Contains(strings.ToUpper(query), "ORDER BY") {
		faults = append(faults, "query.sql has no ORDER BY")
	}
	if m := clockPattern.FindString(query); m != "" {
		faults = append(faults, "query.sql calls "+m+"): the window's {to:DateTime} is the only now")
	}
	if !strings.HasPrefix(a.Query, "--") {
		faults = append(faults, "query.sql must open with a comment saying what a row is")
	}
	used := map[string]bool{}
	for _, m := range placeholderPattern.FindAllStringSubmatch(query, -1) {
		used[m[1]] = true
	}
	for _, p := range a.Params {
		if !paramNamePattern.MatchString(p.Name) || p.Doc == "" {
			faults = append(faults, fmt.Sprintf("parameter %q needs a lower-case name and a Doc", p.Name))
		}
		if _, err := p.Resolve(p.Default); err != nil {
			faults = append(faults, fmt.Sprintf("parameter %s: default: %v", p.Name, err))
		}
		if p.Kind != Object && !p.InGo && !used[p.Name] {
			faults = append(faults, fmt.Sprintf("parameter %s is neither a placeholder of query.sql nor marked InGo", p.Name))
		}
		delete(used, p.Name)
	}
	for standard := range strings.FieldsSeq(StandardParams) {
		delete(used, standard)
	}
	for name := range used {
		faults = append(faults, fmt.Sprintf("query.sql uses {%s:…}, which is no declared parameter", name))
	}
	slices.Sort(faults)
	return faults
}

func withoutComments(sql string) string {
	var b strings.Builder
	for line := range strings.Lines(sql) {
		code, _, _ := strings.Cut(line, "--")
		b.WriteString(code + "\n")
	}
	return b.String()
}
