// Command new scaffolds an analyzer: go run ./internal/gen/new NAME, and then
// go generate ./... puts it into the suite.
package main

import (
	"embed"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"

	"github.com/faaswarden/faaswarden/internal/gen/tree"
)

//go:embed template
var template embed.FS

func main() {
	if err := run(os.Args[1:]); err != nil {
		fmt.Fprintln(os.Stderr, "new:", err)
		os.Exit(1)
	}
}

var namePattern = regexp.MustCompile(`^[a-z][a-z0-9]{2,40}$`)

func run(args []string) error {
	if len(args) != 1 || !namePattern.MatchString(args[0]) {
		return errors.New("usage: go run ./internal/gen/new NAME (lower case, a noun phrase without separators: idlealias)")
	}
	root, err := tree.Root()
	if err != nil {
		return err
	}
	return scaffold(root, args[0])
}

// scaffold writes the folder of one analyzer. Nothing existing is touched.
func scaffold(root, name string) error {
	dir := filepath.Join(root, "analyzers", name)
	if _, err := os.Stat(dir); err == nil {
		return fmt.Errorf("analyzers/%s exists", name)
	}
	entries, err := template.ReadDir("template")
	if err != nil {
		return fmt.Errorf("read the template: %w", err)
	}
	if err := os.MkdirAll(filepath.Join(dir, "testdata"), 0o755); err != nil {
		return fmt.Errorf("make the folder: %w", err)
	}
	for _, e := range entries {
		text, err := template.ReadFile("template/" + e.Name())
		if err != nil {
			return fmt.Errorf("read the template: %w", err)
		}
		target := strings.TrimSuffix(strings.ReplaceAll(e.Name(), "NAME", name), ".tmpl")
		if strings.HasSuffix(target, ".txtar") {
			target = filepath.Join("testdata", target)
		}
		if err := os.WriteFile(filepath.Join(dir, target), []byte(strings.ReplaceAll(string(text), "NAME", name)), 0o644); err != nil {
			return fmt.Errorf("write %s: %w", target, err)
		}
	}
	return nil
}
