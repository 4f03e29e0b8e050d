package deploy

import (
	"bytes"
	"strings"
	"testing"
)

// mutation breaks a copy of a file and says what a check must then complain of.
type mutation struct {
	name, old, new, want string
}

// mutate shows that a check can fail: each mutation of a text that it accepts
// must be refused, for the reason given. Every occurrence is replaced.
func mutate(t *testing.T, check func([]byte) error, text []byte, list []mutation) {
	t.Helper()
	if err := check(text); err != nil {
		t.Errorf("before any mutation: %v", err)
	}
	for _, m := range list {
		if !bytes.Contains(text, []byte(m.old)) {
			t.Errorf("%s: the text lacks %q, so nothing is mutated", m.name, m.old)
			continue
		}
		err := check(bytes.ReplaceAll(text, []byte(m.old), []byte(m.new)))
		if err == nil || !strings.Contains(err.Error(), m.want) {
			t.Errorf("%s: %v, want %q", m.name, err, m.want)
		}
	}
}
