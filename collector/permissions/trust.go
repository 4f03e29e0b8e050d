package permissions

import (
	"encoding/json"
	"errors"
	"maps"
	"slices"
	"strings"

	"github.com/faaswarden/faaswarden/internal/collect"
)

// trust is who may assume a role. Of conditions it holds operators and keys
// alone: an external id is half of a secret.
type trust struct {
	Services, Accounts, Principals, Federated, Conditions []string
	ExternalID                                            bool // every statement that lets another account in asks for one
}

// lambda reports whether functions may have the role.
func (t trust) lambda() bool { return slices.Contains(t.Services, "lambda.amazonaws.com") }

type trustStatement struct {
	Effect       string
	Principal    json.RawMessage
	NotPrincipal json.RawMessage
	Condition    map[string]map[string]json.RawMessage
}

// parseTrust reads a role's trust policy, as own's account has it. Denials are
// left out: they say who may not, and no more.
func parseTrust(own, document string) (trust, error) {
	raw, err := statementList(document)
	if err != nil {
		return trust{}, err
	}
	var list collect.OneOrMany[trustStatement]
	if json.Unmarshal(raw, &list) != nil {
		return trust{}, errors.New("the trust policy has no readable statements")
	}
	b := trustBuilder{own: own, sets: map[*[]string]map[string]bool{}}
	for _, s := range list {
		if s.Effect != "Allow" {
			continue
		}
		if err := b.add(s); err != nil {
			return trust{}, err
		}
	}
	return b.finished(), nil
}

type trustBuilder struct {
	trust
	own       string
	sets      map[*[]string]map[string]bool
	foreign   bool // a statement lets another account in
	unguarded bool // one of them without an external id
}

func (b *trustBuilder) put(into *[]string, values ...string) {
	if b.sets[into] == nil {
		b.sets[into] = map[string]bool{}
	}
	for _, v := range values {
		b.sets[into][v] = true
	}
}

func (b *trustBuilder) add(s trustStatement) error {
	principals, err := principalsOf(s)
	if err != nil {
		return err
	}
	foreign := false
	for kind, values := range principals {
		switch kind {
		case "Service":
			b.put(&b.Services, values...)
		case "Federated":
			b.put(&b.Federated, values...)
		case "AWS":
			b.put(&b.Principals, values...)
			for _, v := range values {
				if account := accountOf(v); account != "" {
					b.put(&b.Accounts, account)
					foreign = foreign || account != b.own
				}
			}
		}
	}
	guarded := false
	for operator, keys := range s.Condition {
		for key, value := range keys {
			b.put(&b.Conditions, operator+" "+key)
			guarded = guarded || demands(operator, key, value)
		}
	}
	b.foreign = b.foreign || foreign
	b.unguarded = b.unguarded || foreign && !guarded
	return nil
}

func (b *trustBuilder) finished() trust {
	for into, set := range b.sets {
		*into = slices.Sorted(maps.Keys(set))
	}
	b.ExternalID = b.foreign && !b.unguarded
	return b.trust
}

// principalsOf are a statement's principals by kind. Whoever is not somebody is
// anybody.
func principalsOf(s trustStatement) (collect.Principals, error) {
	if len(s.Principal) == 0 && len(s.NotPrincipal) > 0 {
		return collect.Principals{"AWS": {"*"}}, nil
	}
	var byKind collect.Principals
	if json.Unmarshal(s.Principal, &byKind) != nil {
		return nil, errors.New("the trust policy has a statement without readable principals")
	}
	return byKind, nil
}

// accountOf is the account of an AWS principal, "*" of anybody, and empty of the
// unique id that stands for one that was deleted.
func accountOf(principal string) string {
	if parts := strings.Split(principal, ":"); len(parts) >= 6 {
		return parts[4]
	}
	if principal == "*" || len(principal) == 12 && strings.Trim(principal, "0123456789") == "" {
		return principal
	}
	return ""
}

// demands reports whether a condition cannot hold without the right external id.
func demands(operator, key string, value json.RawMessage) bool {
	operator = strings.TrimPrefix(strings.ToLower(operator), "foranyvalue:")
	if !strings.EqualFold(key, "sts:ExternalId") || !slices.Contains([]string{"stringequals", "stringequalsignorecase", "stringlike"}, operator) {
		return false
	}
	var values collect.Texts
	return json.Unmarshal(value, &values) == nil && !slices.Contains(values, "*")
}
