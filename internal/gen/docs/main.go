// Command docs writes what is computed from the suites: the example
// configuration, the IAM policy and the tables of the README.
package main

import (
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
	files, err := documents(root)
	if err != nil {
		return err
	}
	return tree.Apply(root, files, check)
}
