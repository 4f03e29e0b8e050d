// Command gen writes every generated file of the repository: the suites from
// the folder names, and then, from the suites, the example configuration, the
// IAM policy, the boards, the alert rules and the tables of the README. With
// -check it writes nothing and fails when a file is stale.
package main

import (
	"context"
	"flag"
	"fmt"
	"os"
	"os/exec"

	"github.com/faaswarden/faaswarden/internal/gen/suites"
	"github.com/faaswarden/faaswarden/internal/gen/tree"
)

func main() {
	check := flag.Bool("check", false, "write nothing; fail when a generated file is stale")
	flag.Parse()
	if err := run(*check); err != nil {
		fmt.Fprintln(os.Stderr, "gen:", err)
		os.Exit(1)
	}
}

// run generates the suites first and the documents with a fresh build, because
// the documents are computed from the suites this very program has just written.
func run(check bool) error {
	root, err := tree.Root()
	if err != nil {
		return err
	}
	files, err := suites.Files(root)
	if err != nil {
		return err
	}
	if err := tree.Apply(root, files, check); err != nil {
		return err
	}
	args := []string{"run", "./internal/gen/docs"}
	if check {
		args = append(args, "-check")
	}
	cmd := exec.CommandContext(context.Background(), "go", args...)
	cmd.Dir, cmd.Stdout, cmd.Stderr = root, os.Stdout, os.Stderr
	if err := cmd.Run(); err != nil {
		return fmt.Errorf("generate documents: %w", err)
	}
	return nil
}
