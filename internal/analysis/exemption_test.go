package analysis

import (
	"maps"
	"strings"
	"testing"
	"time"
)

func TestCheckExemptions(t *testing.T) {
	t.Parallel()
	entry := func(change map[string]any) []any {
		e := map[string]any{"resource": "f", "reason": "meant", "owner": "o", "until": "2027-01-31"}
		maps.Copy(e, change)
		return []any{e}
	}
	for _, c := range []struct {
		name  string
		value any
		fault string
	}{
		{"none", []any{}, ""},
		{"one", entry(nil), ""},
		{"not a list", map[string]any{}, "must be a list"},
		{"an unknown key", entry(map[string]any{"forever": true}), "forever"},
		{"for ever", entry(map[string]any{"until": ""}), `until is ""`},
		{"not a day", entry(map[string]any{"until": "soon"}), `entry 1 (f): until is "soon": must be the last day`},
		{"without a reason", entry(map[string]any{"reason": " "}), "reason is empty"},
		{"without an owner", entry(map[string]any{"owner": ""}), "owner is empty"},
		{"of nothing", entry(map[string]any{"resource": ""}), "resource is empty"},
		{"not JSON", []any{func() {}}, "read exemptions"},
	} {
		err := CheckExemptions(c.value)
		if (err == nil) != (c.fault == "") || err != nil && !strings.Contains(err.Error(), c.fault) {
			t.Errorf("%s: %v, want %q", c.name, err, c.fault)
		}
	}
}

func TestExemptionHoldsOnItsLastDay(t *testing.T) {
	t.Parallel()
	e := Exemption{Until: "2026-10-30"}
	for at, want := range map[string]bool{"2026-10-30T23:59:59Z": true, "2026-10-31T00:00:00Z": false} {
		when, err := time.Parse(time.RFC3339, at)
		if err != nil {
			t.Fatal(err)
		}
		if got := e.Holds(when); got != want {
			t.Errorf("at %s it holds: %v, want %v", at, got, want)
		}
	}
	if (Exemption{Until: "never"}).Holds(time.Unix(0, 0)) {
		t.Error("an exemption without an end holds")
	}
}
