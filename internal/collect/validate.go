package collect

import (
	"encoding/json"
	"errors"
	"fmt"
	"regexp"
	"slices"
	"strings"
	"time"
)

var (
	namePattern      = regexp.MustCompile(`^[a-z][a-z0-9]*$`)
	paramNamePattern = regexp.MustCompile(`^[a-z][a-z0-9_]*$`)
	actionPattern    = regexp.MustCompile(`^[a-z][a-z0-9-]*:[A-Z][A-Za-z0-9]*$`)
	mutatingPattern  = regexp.MustCompile(`^[a-z0-9-]+:(Put|Create|Delete|Update|Invoke|Publish|Send|Write|Add|Remove|Tag|Untag|Attach|Detach|Set|Modify|Run|Terminate|PassRole)`)
	headings         = []string{"## What it reads", "## What it writes", "## What it cannot see", "## Cost"}
)

// Validate walks a suite before anything runs and reports every fault.
// relations are the tables that the schema defines.
func Validate(suite []*Collector, relations []string) error {
	var faults []error
	seen := map[string]bool{}
	written := map[string]bool{}
	for _, c := range suite {
		if seen[c.Name] {
			faults = append(faults, fmt.Errorf("collector %s is listed twice", c.Name))
		}
		seen[c.Name] = true
		for _, table := range c.Writes {
			written[table] = true
		}
	}
	for _, c := range suite {
		faults = append(faults, c.validate(relations, written)...)
	}
	if _, err := Order(suite); err != nil {
		faults = append(faults, err)
	}
	return errors.Join(faults...)
}

func (c *Collector) validate(relations []string, written map[string]bool) []error {
	var faults []error
	check := func(ok bool, format string, args ...any) {
		if !ok {
			faults = append(faults, fmt.Errorf("collector %s: "+format, append([]any{c.Name}, args...)...))
		}
	}
	check(namePattern.MatchString(c.Name), "name must match %s", namePattern)
	check(c.Title != "" && !strings.HasSuffix(c.Title, "."), "title must be one clause without a full stop")
	check(c.Collect != nil, "Collect is nil")
	check(c.Estimate != nil, "Estimate is nil: every call is announced before it is made")
	check(slices.Contains([]Scope{PerRegion, PerAccount, Once}, c.Scope), "scope %q is not one of %v", c.Scope, []Scope{PerRegion, PerAccount, Once})
	check(c.Every >= time.Minute, "runs every %s: must be a minute or more", c.Every)
	check(c.Lookback >= 0 && c.Overlap >= 0 && c.Timeout >= 0, "lookback, overlap and timeout must not be negative")
	check(len(c.Writes) > 0, "Writes is empty")
	for _, table := range c.Writes {
		check(slices.Contains(relations, table), "writes %s, which the schema does not define", table)
	}
	for _, table := range c.Reads {
		check(written[table], "reads %s, which no collector writes", table)
	}
	for _, text := range slices.Concat(docFaults(c.Doc), c.actionFaults(), c.paramFaults()) {
		check(false, "%s", text)
	}
	return faults
}

func (c *Collector) actionFaults() []string {
	var faults []string
	if len(c.Actions) == 0 {
		faults = append(faults, "Actions is empty")
	}
	seen := map[string]bool{}
	for _, a := range c.Actions {
		if !actionPattern.MatchString(a.Name) {
			faults = append(faults, fmt.Sprintf("action %q must read service:Operation, without wildcards", a.Name))
		}
		if mutatingPattern.MatchString(a.Name) {
			faults = append(faults, fmt.Sprintf("action %s changes something: collectors only read", a.Name))
		}
		if a.Blinds == "" {
			faults = append(faults, fmt.Sprintf("action %s does not say what its denial blinds", a.Name))
		}
		if seen[a.Name] {
			faults = append(faults, fmt.Sprintf("action %s is listed twice", a.Name))
		}
		seen[a.Name] = true
	}
	return faults
}

func (c *Collector) paramFaults() []string {
	var faults []string
	seen := map[string]bool{}
	for _, p := range c.Params {
		if !paramNamePattern.MatchString(p.Name) || p.Doc == "" {
			faults = append(faults, fmt.Sprintf("parameter %q needs a lower-case name and a Doc", p.Name))
		}
		if seen[p.Name] {
			faults = append(faults, fmt.Sprintf("parameter %s is listed twice", p.Name))
		}
		seen[p.Name] = true
		switch p.Default.(type) {
		case bool, int64, float64, string, time.Duration, []string:
		default:
			faults = append(faults, fmt.Sprintf("parameter %s: default is a %T: must be bool, int64, float64, string, time.Duration or []string", p.Name, p.Default))
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

// Order sorts a suite so that every collector comes after those that write
// what it reads, and otherwise by name. A collector that reads what it writes
// itself waits for the others alone.
func Order(suite []*Collector) ([]*Collector, error) {
	waiting := slices.Clone(suite)
	slices.SortFunc(waiting, func(a, b *Collector) int { return strings.Compare(a.Name, b.Name) })
	var ordered []*Collector
	for len(waiting) > 0 {
		i := slices.IndexFunc(waiting, func(c *Collector) bool { return !awaits(c, waiting) })
		if i < 0 {
			names := make([]string, len(waiting))
			for j, c := range waiting {
				names[j] = c.Name
			}
			return nil, fmt.Errorf("collectors %s read each other's tables in a circle", strings.Join(names, ", "))
		}
		ordered = append(ordered, waiting[i])
		waiting = slices.Delete(waiting, i, i+1)
	}
	return ordered, nil
}

func awaits(c *Collector, waiting []*Collector) bool {
	for _, other := range waiting {
		if other == c {
			continue
		}
		for _, table := range c.Reads {
			if slices.Contains(other.Writes, table) {
				return true
			}
		}
	}
	return false
}

// policyDocument is an IAM policy as JSON spells it.
type policyDocument struct {
	Version   string
	Statement []policyStatement
}

type policyStatement struct {
	Sid      string
	Effect   string
	Action   []string
	Resource string
}

// regionsAction tells which regions an account has enabled, whatever is collected there.
const regionsAction = "ec2:DescribeRegions"

// Policy is the IAM policy document that lets the collectors read: what looking
// accounts up needs, and one statement a collector in the suite's order, an
// action in the first statement that needs it. Nothing in it changes anything.
func Policy(suite []*Collector) ([]byte, error) {
	doc := policyDocument{Version: "2012-10-17", Statement: []policyStatement{
		{Sid: sid("regions"), Effect: "Allow", Action: []string{regionsAction}, Resource: "*"},
	}}
	granted := map[string]bool{regionsAction: true}
	for _, c := range suite {
		statement := policyStatement{Sid: sid(c.Name), Effect: "Allow", Resource: "*"}
		for _, a := range c.Actions {
			if !granted[a.Name] {
				granted[a.Name] = true
				statement.Action = append(statement.Action, a.Name)
			}
		}
		slices.Sort(statement.Action)
		if len(statement.Action) > 0 {
			doc.Statement = append(doc.Statement, statement)
		}
	}
	text, err := json.MarshalIndent(doc, "", "  ")
	if err != nil {
		return nil, fmt.Errorf("write the IAM policy: %w", err)
	}
	return append(text, '\n'), nil
}

// sid is the collector's name as IAM takes it: letters and digits.
func sid(name string) string { return "Faaswarden" + strings.ToUpper(name[:1]) + name[1:] }
