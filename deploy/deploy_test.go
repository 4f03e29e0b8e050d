// Package deploy holds the tests that keep the files of a deployment true: each
// is read by its format's own loader, and what two files say of one thing agrees.
package deploy

import (
	"os"
	"path/filepath"
	"testing"
)

func read(t testing.TB, path ...string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(path...))
	if err != nil {
		t.Fatal(err)
	}
	return text
}
