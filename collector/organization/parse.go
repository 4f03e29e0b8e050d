package organization

import (
	"bytes"
	"cmp"
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

type controlStatement struct {
	SID         string `json:"Sid"`
	Effect      string
	Action      collect.Texts
	NotAction   collect.Texts
	Resource    collect.Texts
	NotResource collect.Texts
	Condition   json.RawMessage
}

// parseControls reads a service control policy. Errors do not quote it.
func parseControls(text string) ([]schema.OrganizationPolicyStatement, error) {
	var doc struct{ Statement json.RawMessage }
	if json.Unmarshal([]byte(text), &doc) != nil {
		return nil, errors.New("the service control policy is not JSON")
	}
	raw := bytes.TrimSpace(doc.Statement)
	var list collect.OneOrMany[controlStatement]
	if len(raw) == 0 || json.Unmarshal(raw, &list) != nil {
		return nil, errors.New("the service control policy has no readable statements")
	}
	rows := make([]schema.OrganizationPolicyStatement, len(list))
	for i, s := range list {
		rows[i] = schema.OrganizationPolicyStatement{
			Statement: uint32(i), SID: s.SID, Effect: s.Effect, Actions: s.Action, NotActions: s.NotAction, Resources: s.Resource, NotResources: s.NotResource,
			Condition: collect.PolicyCondition(s.Condition),
		}
	}
	return rows, nil
}

// tagRule is what a tag policy says of a tag. Each member holds values by the
// operator that puts them there: @@assign, @@append or @@remove.
type tagRule struct {
	Key      operators `json:"tag_key"`
	Values   operators `json:"tag_value"`
	Enforced operators `json:"enforced_for"`
}

type operators struct {
	Assign collect.Texts `json:"@@assign"`
	Append collect.Texts `json:"@@append"`
}

// all are the values that are assigned or appended.
func (o operators) all() []string { return slices.Concat(o.Assign, o.Append) }

// parseTags reads a tag policy, by key. Errors do not quote it.
func parseTags(text string) ([]schema.TagPolicy, error) {
	var doc struct {
		Tags map[string]json.RawMessage `json:"tags"`
	}
	if json.Unmarshal([]byte(text), &doc) != nil {
		return nil, errors.New("the tag policy is not JSON")
	}
	var rows []schema.TagPolicy
	for _, key := range slices.Sorted(maps.Keys(doc.Tags)) {
		if strings.HasPrefix(key, "@@") {
			continue // says what policies below may do, and is no tag
		}
		var rule tagRule
		if json.Unmarshal(doc.Tags[key], &rule) != nil {
			return nil, errors.New("the tag policy has a tag that is not readable")
		}
		row := schema.TagPolicy{
			PolicyKey: strings.ToLower(key), AllowedValues: rule.Values.all(), EnforcedFor: rule.Enforced.all(),
			Appends: len(rule.Values.Append)+len(rule.Enforced.Append) > 0,
		}
		if spelled := rule.Key.all(); len(spelled) > 0 {
			row.TagKey = spelled[0]
		}
		row.TagKey = cmp.Or(row.TagKey, key)
		rows = append(rows, row)
	}
	return rows, nil
}
