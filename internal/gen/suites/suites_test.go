package suites

import (
	"testing"

	"github.com/faaswarden/faaswarden/internal/gen/tree"
)

func TestSuitesAreFresh(t *testing.T) {
	t.Parallel()
	root, err := tree.Root()
	if err != nil {
		t.Fatal(err)
	}
	files, err := Files(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := tree.Apply(root, files, true); err != nil {
		t.Error(err)
	}
}
