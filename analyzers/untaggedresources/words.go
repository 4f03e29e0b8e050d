package untaggedresources

import (
	"fmt"
	"maps"
	"math"
	"slices"
	"strings"

	"github.com/faaswarden/faaswarden/internal/analysis"
)

func (j judge) finding(f function, s standing, use usage) analysis.Finding {
	return analysis.Finding{
		Subject: f.subject(), Severity: j.severity(use), Confidence: f.confidence(),
		Summary: summary(f, s, use), Evidence: j.evidence(f, s, use), Remediation: j.remediation(f, s),
	}
}

func summary(f function, s standing, use usage) string {
	var faults []string
	if list := s.in(missing); len(list) > 0 {
		faults = append(faults, "lacks "+and(keys(list)))
	}
	if list := s.in(invalid); len(list) > 0 {
		faults = append(faults, "has a value that is not allowed for "+and(keys(list)))
	}
	text := and(faults)
	text = strings.ToUpper(text[:1]) + text[1:]
	if f.TagStatus != "read" {
		text += ", as far as the tagging service tells"
	}
	switch {
	case use.usd != nil:
		text += fmt.Sprintf(", and spends $%.2f a month", *use.usd)
	case use.unpriced != "":
		text += fmt.Sprintf(", and uses %.0f GB-seconds a month, for which there is no price", use.gbSeconds)
	}
	return text + "."
}

func keys(list []*requirement) []string {
	names := make([]string, len(list))
	for i, r := range list {
		names[i] = r.Key
	}
	return names
}

// and joins words as a sentence does.
func and(words []string) string {
	if len(words) < 2 {
		return strings.Join(words, "")
	}
	return strings.Join(words[:len(words)-1], ", ") + " and " + words[len(words)-1]
}

// evidence names keys, never the values of tags, save those that the policy
// allows or that siblings agree on.
func (j judge) evidence(f function, s standing, use usage) map[string]any {
	e := map[string]any{
		"required": keys(s.keys), "tags_present": slices.Sorted(maps.Keys(f.Tags)), "tag_source": f.source(),
	}
	if e["tags_present"].([]string) == nil {
		e["tags_present"] = []string{}
	}
	if list := s.in(missing); len(list) > 0 {
		e["missing"] = keys(list)
	}
	if list := s.in(invalid); len(list) > 0 {
		e["not_allowed"] = allowed(list)
	}
	if list := s.in(exempt); len(list) > 0 {
		e["exempt"] = keys(list)
	}
	if len(s.expired) > 0 {
		e["expired_exemptions"] = expired(s.expired)
	}
	if hints := j.hints(f, s); len(hints) > 0 {
		e["siblings_say"] = hints
	}
	use.evidence(e)
	return e
}

func (f function) source() string {
	if f.TagStatus == "read" {
		return f.TagSource
	}
	return "absent from " + getResources + "; " + listTags + " is granted for no function"
}

// allowed says what the values of keys may be.
func allowed(list []*requirement) map[string]string {
	m := map[string]string{}
	for _, r := range list {
		var rules []string
		if len(r.Values) > 0 {
			rules = append(rules, "one of "+strings.Join(r.Values, ", "))
		}
		if r.Pattern != "" {
			rules = append(rules, "matching "+r.Pattern)
		}
		m[r.Key] = strings.Join(rules, ", ")
	}
	return m
}

func expired(list []exemption) []map[string]string {
	out := make([]map[string]string, len(list))
	for i, e := range list {
		out[i] = map[string]string{"resource": e.Resource, "owner": e.Owner, "reason": e.Reason, "until": e.Until}
	}
	return out
}

// hints are what siblings say about each key that is at fault.
func (j judge) hints(f function, s standing) map[string]string {
	hints := map[string]string{}
	for i, r := range s.keys {
		if s.states[i] != missing && s.states[i] != invalid {
			continue
		}
		if value, why := j.siblings.hint(f, r); value != "" {
			hints[r.Key] = fmt.Sprintf("%s (%s)", value, why)
		}
	}
	return hints
}

func (u usage) evidence(e map[string]any) {
	if u.source == "" {
		e["usage"] = "not read"
		return
	}
	e["usage_source"] = u.source
	e["requests_per_month"] = round(u.requests, 0)
	e["gb_seconds_per_month"] = round(u.gbSeconds, 1)
	if u.usd != nil {
		e["usd_per_month"] = round(*u.usd, 2)
	} else {
		e["unpriced"] = u.unpriced
	}
}

// remediation is a command with a placeholder for each value, and the place to
// put the tags for good.
func (j judge) remediation(f function, s standing) string {
	faulty := append(s.in(missing), s.in(invalid)...)
	var pairs, defaults []string
	for _, r := range faulty {
		placeholder := strings.ToUpper(strings.NewReplacer("-", "_", ":", "_", " ", "_").Replace(r.Key))
		pairs = append(pairs, r.Key+"="+placeholder)
		defaults = append(defaults, fmt.Sprintf("%q = %q", r.Key, placeholder))
	}
	lines := []string{fmt.Sprintf("aws lambda tag-resource --resource %s --tags '%s' --region %s", f.FunctionARN, strings.Join(pairs, ","), f.Region)}
	hints := j.hints(f, s)
	for _, key := range slices.Sorted(maps.Keys(hints)) {
		lines = append(lines, fmt.Sprintf("# %s: siblings say %s", key, hints[key]))
	}
	return strings.Join(append(lines,
		fmt.Sprintf(`# Terraform: provider "aws" { default_tags { tags = { %s } } }`, strings.Join(defaults, ", "))), "\n")
}

func round(x float64, decimals int) float64 {
	scale := math.Pow10(decimals)
	return math.Round(x*scale) / scale
}
