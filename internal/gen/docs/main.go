// Command docs writes what is computed from the suites: the example
// configuration, the IAM policy, the boards, the alert rules and the tables of
// the README.
package main

import (
	"errors"
	"flag"
	"fmt"
	"os"

	"github.com/faaswarden/faaswarden/internal/gen/tree"
)

func main() {
	check := flag.Bool("check", false, "write nothing; fail when a generated file is stale")
	flag.Parse()
	if err := run(*check); err != nil {
		fmt.Fprintln(os.Stderr, "docs:", err)
		os.Exit(1)
	}
}

func run(check bool) error {
	root, err := tree.Root()
	if err != nil {
		return err
	}
	return generate(root, check)
}

// generate writes every document below root, or with check names what is stale.
// What lies among the boards and is none is named either way.
func generate(root string, check bool) error {
	files, err := documents(root)
	if err != nil {
		return err
	}
	return errors.Join(tree.Apply(root, files, check), tree.Orphans(root, files, boardFolders...))
}
