package untaggedresources

import (
	"bytes"
	"encoding/json"
	"errors"
	"fmt"
	"path"
	"regexp"
	"slices"
	"strings"
	"time"

	"github.com/faaswarden/faaswarden/internal/analysis"
)

// policy is the parameter of that name: which tags a function must have.
type policy struct {
	Required      []requirement `json:"required"`
	Exemptions    []exemption   `json:"exemptions"`
	CaseSensitive bool          `json:"case_sensitive"` // of keys and allowed values; otherwise Owner satisfies owner
}

// requirement is one key that must have a value.
type requirement struct {
	Key      string   `json:"key"`
	Aliases  []string `json:"aliases"`  // other keys that satisfy it
	Values   []string `json:"values"`   // allowed values; empty allows any
	Pattern  string   `json:"pattern"`  // regular expression that the whole value must match; empty allows any
	Accounts []string `json:"accounts"` // where it applies; empty means everywhere
	Regions  []string `json:"regions"`
	Names    []string `json:"names"` // globs of function names it applies to; empty means all
	Since    string   `json:"since"` // day from which it applies; empty means always

	pattern *regexp.Regexp
	since   time.Time
}

// exemption lets functions off some keys until a day.
type exemption struct {
	analysis.Exemption          // Resource is a glob of a function's name or ARN
	Keys               []string `json:"keys"` // empty means all
}

// defaultPolicy is what is required where the operator says nothing.
var defaultPolicy = map[string]any{
	"required": []any{
		map[string]any{"key": "owner", "aliases": []any{"team", "Owner"}},
		map[string]any{"key": "cost-center", "aliases": []any{"CostCenter", "costcenter"}},
		map[string]any{"key": "environment", "aliases": []any{"env", "Environment", "stage"}},
	},
}

// checkPolicy is the parameter's check: it reports every fault of a policy.
func checkPolicy(value any) error {
	_, err := parsePolicy(value)
	return err
}

func parsePolicy(value any) (*policy, error) {
	text, err := json.Marshal(value)
	if err != nil {
		return nil, fmt.Errorf("encode: %w", err)
	}
	dec := json.NewDecoder(bytes.NewReader(text))
	dec.DisallowUnknownFields()
	var p policy
	if err := dec.Decode(&p); err != nil {
		return nil, err
	}
	return &p, p.compile()
}

// compile reads patterns and days, and checks what can be checked.
func (p *policy) compile() error {
	var faults []error
	if len(p.Required) == 0 {
		faults = append(faults, errors.New("required is empty: name at least one key, or disable the analyzer"))
	}
	seen := map[string]bool{}
	for i := range p.Required {
		r := &p.Required[i]
		if err := r.compile(); err != nil {
			faults = append(faults, fmt.Errorf("required[%d] (%s): %w", i, r.Key, err))
		}
		if seen[p.fold(r.Key)] {
			faults = append(faults, fmt.Errorf("required[%d]: %s is required twice; use names, accounts and regions of one entry", i, r.Key))
		}
		seen[p.fold(r.Key)] = true
	}
	for i := range p.Exemptions {
		if err := p.Exemptions[i].compile(); err != nil {
			faults = append(faults, fmt.Errorf("exemptions[%d] (%s): %w", i, p.Exemptions[i].Resource, err))
		}
	}
	return errors.Join(faults...)
}

func (r *requirement) compile() error {
	var faults []error
	if strings.TrimSpace(r.Key) == "" {
		faults = append(faults, errors.New("key is empty"))
	}
	if r.Pattern != "" {
		pattern, err := regexp.Compile(`\A(?:` + r.Pattern + `)\z`)
		if err != nil {
			faults = append(faults, fmt.Errorf("pattern: %w", err))
		}
		r.pattern = pattern
	}
	var err error
	if r.since, err = parseDay("since", r.Since); err != nil {
		faults = append(faults, err)
	}
	return errors.Join(append(faults, checkGlobs("names", r.Names))...)
}

func (e *exemption) compile() error {
	return errors.Join(e.Faults(), checkGlobs("resource", []string{e.Resource}))
}

func parseDay(name, text string) (time.Time, error) {
	if text == "" {
		return time.Time{}, nil
	}
	day, err := time.Parse(time.DateOnly, text)
	if err != nil {
		return time.Time{}, fmt.Errorf("%s is %q: must be a day such as 2026-12-31", name, text)
	}
	return day, nil
}

func checkGlobs(name string, globs []string) error {
	for _, g := range globs {
		if _, err := path.Match(g, ""); err != nil {
			return fmt.Errorf("%s: %q is not a glob such as orders-*: %w", name, g, err)
		}
	}
	return nil
}

// fold brings keys and values that count as the same to one spelling.
func (p *policy) fold(text string) string {
	if p.CaseSensitive {
		return text
	}
	return strings.ToLower(text)
}

// applies says whether a key is required of a function at a time.
func (r *requirement) applies(f function, at time.Time) bool {
	return !at.Before(r.since) &&
		(len(r.Accounts) == 0 || slices.Contains(r.Accounts, f.Account)) &&
		(len(r.Regions) == 0 || slices.Contains(r.Regions, f.Region)) &&
		(len(r.Names) == 0 || slices.ContainsFunc(r.Names, func(g string) bool { return matches(g, f.FunctionName) }))
}

// matches a glob that compile has checked.
func matches(glob, text string) bool {
	ok, err := path.Match(glob, text)
	return ok && err == nil
}

// covers says whether an exemption names the function and the key.
func (e exemption) covers(f function, key string, fold func(string) string) bool {
	named := matches(e.Resource, f.FunctionName) || matches(e.Resource, f.FunctionARN)
	return named && (len(e.Keys) == 0 || slices.ContainsFunc(e.Keys, func(k string) bool { return fold(k) == fold(key) }))
}

// state is how a function stands to one required key.
type state int

const (
	present state = iota
	missing       // no such key, or an empty value
	invalid       // a value that is not allowed
	exempt
)

// check says how the tags stand to a requirement, and which key satisfied it.
func (p *policy) check(r *requirement, tags map[string]string) state {
	s := missing
	for key, value := range tags {
		if !p.answers(r, key) || strings.TrimSpace(value) == "" {
			continue
		}
		if p.allows(r, value) {
			return present
		}
		s = invalid
	}
	return s
}

// value is the function's value for a requirement, if it has an allowed one;
// of several the one under the first key in order of the alphabet.
func (p *policy) value(r *requirement, tags map[string]string) string {
	best, found := "", ""
	for key, value := range tags {
		if p.answers(r, key) && strings.TrimSpace(value) != "" && p.allows(r, value) && (best == "" || key < best) {
			best, found = key, value
		}
	}
	return found
}

// answers says whether a tag's key is the required one or an alias.
func (p *policy) answers(r *requirement, key string) bool {
	key = p.fold(key)
	return key == p.fold(r.Key) || slices.ContainsFunc(r.Aliases, func(a string) bool { return p.fold(a) == key })
}

func (p *policy) allows(r *requirement, value string) bool {
	if len(r.Values) > 0 && !slices.ContainsFunc(r.Values, func(v string) bool { return p.fold(v) == p.fold(value) }) {
		return false
	}
	return r.pattern == nil || r.pattern.MatchString(value)
}

// standing is how a function stands to every key that is required of it.
type standing struct {
	keys    []*requirement
	states  []state
	expired []exemption // that would have covered something missing
}

func (p *policy) stand(f function, at time.Time) standing {
	var s standing
	for i := range p.Required {
		r := &p.Required[i]
		if !r.applies(f, at) {
			continue
		}
		st := p.check(r, f.Tags)
		if st != present {
			st = p.exempted(f, r.Key, at, st, &s.expired)
		}
		s.keys, s.states = append(s.keys, r), append(s.states, st)
	}
	return s
}

// exempted turns a fault into exempt where an exemption in force covers it.
func (p *policy) exempted(f function, key string, at time.Time, st state, expired *[]exemption) state {
	for _, e := range p.Exemptions {
		if !e.covers(f, key, p.fold) {
			continue
		}
		if e.Holds(at) {
			return exempt
		}
		if !slices.ContainsFunc(*expired, func(o exemption) bool { return o.Resource == e.Resource && o.Until == e.Until }) {
			*expired = append(*expired, e)
		}
	}
	return st
}

// in lists the keys in a state.
func (s standing) in(want state) []*requirement {
	var list []*requirement
	for i, st := range s.states {
		if st == want {
			list = append(list, s.keys[i])
		}
	}
	return list
}
