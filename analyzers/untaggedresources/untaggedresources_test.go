package untaggedresources

import (
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/analysis/analysistest"
)

func TestScenarios(t *testing.T) { analysistest.Run(t, Analyzer) }

func TestCheckPolicy(t *testing.T) {
	t.Parallel()
	required := func(entry map[string]any) any { return map[string]any{"required": []any{entry}} }
	exempted := func(entry map[string]any) any {
		return map[string]any{"required": []any{map[string]any{"key": "owner"}}, "exemptions": []any{entry}}
	}
	for _, tt := range []struct {
		name   string
		policy any
		want   string // empty: accepted
	}{
		{"the default", defaultPolicy, ""},
		{"an unknown key", map[string]any{"requird": []any{}}, `unknown field "requird"`},
		{"a list for a text", required(map[string]any{"key": []any{"owner"}}), "cannot unmarshal array"},
		{"nothing required", map[string]any{}, "required is empty"},
		{"a key without a name", required(map[string]any{"key": " "}), "required[0] ( ): key is empty"},
		{"a pattern that is none", required(map[string]any{"key": "owner", "pattern": "team-("}), "required[0] (owner): pattern: error parsing regexp"},
		{"a day that is none", required(map[string]any{"key": "owner", "since": "soon"}), `since is "soon": must be a day such as 2026-12-31`},
		{"a glob that is none", required(map[string]any{"key": "owner", "names": []any{"[a"}}), `names: "[a" is not a glob`},
		{
			"a key twice",
			map[string]any{"required": []any{map[string]any{"key": "owner"}, map[string]any{"key": "Owner"}}},
			"required[1]: Owner is required twice",
		},
		{
			"a key in two cases, where that matters",
			map[string]any{"case_sensitive": true, "required": []any{map[string]any{"key": "owner"}, map[string]any{"key": "Owner"}}},
			"",
		},
		{"an exemption without an end", exempted(map[string]any{"resource": "x", "reason": "r", "owner": "jo"}), "exemptions[0] (x): until is \"\""},
		{"an exemption of nobody", exempted(map[string]any{"resource": "x", "reason": "r", "until": "2026-10-30"}), "owner is empty"},
		{"an exemption without a reason", exempted(map[string]any{"resource": "x", "owner": "jo", "until": "2026-10-30"}), "reason is empty"},
		{"an exemption of nothing", exempted(map[string]any{"reason": "r", "owner": "jo", "until": "2026-10-30"}), "resource is empty"},
		{"what JSON cannot hold", make(chan int), "encode:"},
	} {
		err := checkPolicy(tt.policy)
		switch {
		case tt.want == "" && err != nil:
			t.Errorf("%s: %v", tt.name, err)
		case tt.want != "" && (err == nil || !strings.Contains(err.Error(), tt.want)):
			t.Errorf("%s: error %v, want one with %q", tt.name, err, tt.want)
		}
	}
}

func parsed(t *testing.T, value any) *policy {
	t.Helper()
	p, err := parsePolicy(value)
	if err != nil {
		t.Fatal(err)
	}
	return p
}

func TestCheck(t *testing.T) {
	t.Parallel()
	p := parsed(t, map[string]any{"required": []any{
		map[string]any{"key": "env", "aliases": []any{"stage"}, "values": []any{"prod", "test"}},
		map[string]any{"key": "owner", "pattern": "team-[a-z]+|nobody"},
	}})
	strict := parsed(t, map[string]any{"case_sensitive": true, "required": []any{map[string]any{"key": "env", "values": []any{"prod"}}}})
	for _, tt := range []struct {
		name   string
		policy *policy
		key    int
		tags   map[string]string
		want   state
	}{
		{"no tags", p, 0, nil, missing},
		{"the key", p, 0, map[string]string{"env": "prod"}, present},
		{"an alias", p, 0, map[string]string{"stage": "test"}, present},
		{"another case of key and value", p, 0, map[string]string{"ENV": "Prod"}, present},
		{"another case where case matters", strict, 0, map[string]string{"ENV": "prod"}, missing},
		{"another case of the value where case matters", strict, 0, map[string]string{"env": "Prod"}, invalid},
		{"an empty value", p, 0, map[string]string{"env": ""}, missing},
		{"a blank value", p, 0, map[string]string{"env": " \t"}, missing},
		{"an empty value beside an alias", p, 0, map[string]string{"env": "", "stage": "prod"}, present},
		{"a value that is not allowed", p, 0, map[string]string{"env": "production"}, invalid},
		{"one that is beside one that is not", p, 0, map[string]string{"env": "production", "stage": "prod"}, present},
		{"a pattern", p, 1, map[string]string{"owner": "team-shop"}, present},
		{"a pattern must match all of it", p, 1, map[string]string{"owner": "my team-shop"}, invalid},
		{"also of its last alternative", p, 1, map[string]string{"owner": "nobody else"}, invalid},
	} {
		if got := tt.policy.check(&tt.policy.Required[tt.key], tt.tags); got != tt.want {
			t.Errorf("%s: state %d, want %d", tt.name, got, tt.want)
		}
	}
}

func TestExemptionsEnd(t *testing.T) {
	t.Parallel()
	p := parsed(t, map[string]any{
		"required":   []any{map[string]any{"key": "owner"}},
		"exemptions": []any{map[string]any{"resource": "old-*", "reason": "r", "owner": "jo", "until": "2026-10-30"}},
	})
	f := function{FunctionName: "old-one", FunctionARN: "arn:aws:lambda:us-east-1:111122223333:function:old-one"}
	last := time.Date(2026, time.October, 30, 23, 59, 59, 0, time.UTC)
	if s := p.stand(f, last); len(s.in(exempt)) != 1 || len(s.expired) != 0 {
		t.Errorf("on its last day the exemption does not hold: %+v", s)
	}
	if s := p.stand(f, last.Add(time.Second)); len(s.in(missing)) != 1 || len(s.expired) != 1 {
		t.Errorf("the day after, the exemption holds: %+v", s)
	}
}

func TestFamilies(t *testing.T) {
	t.Parallel()
	f := function{FunctionName: "shop-web_api-handler", Tags: map[string]string{stackTag: "backend"}}
	want := []string{"stack backend", "shop-web_api-*", "shop-web_*", "shop-*"}
	if diff := cmp.Diff(want, families(f)); diff != "" {
		t.Errorf("families (-want +got):\n%s", diff)
	}
	if got := families(function{FunctionName: "-x"}); len(got) != 0 {
		t.Errorf("a name that begins with a dash is of the family %v", got)
	}
}

func TestAnd(t *testing.T) {
	t.Parallel()
	for want, words := range map[string][]string{"": nil, "a": {"a"}, "a and b": {"a", "b"}, "a, b and c": {"a", "b", "c"}} {
		if got := and(words); got != want {
			t.Errorf("%v is %q, want %q", words, got, want)
		}
	}
}
