// Package tree writes generated files into the repository, or says which are stale.
package tree

import (
	"bytes"
	"errors"
	"fmt"
	"maps"
	"os"
	"path/filepath"
	"slices"
	"strings"
)

// Module is the repository's module path.
const Module = "github.com/faaswarden/faaswarden"

// Root is the nearest folder above the working folder that holds go.mod.
func Root() (string, error) {
	dir, err := os.Getwd()
	if err != nil {
		return "", fmt.Errorf("find the repository: %w", err)
	}
	for {
		if _, err := os.Stat(filepath.Join(dir, "go.mod")); err == nil {
			return dir, nil
		}
		parent := filepath.Dir(dir)
		if parent == dir {
			return "", errors.New("find the repository: no go.mod in this folder or above")
		}
		dir = parent
	}
}

// Apply writes files (path below root → content) that differ from what is
// there. With check it writes nothing and reports every stale one.
func Apply(root string, files map[string][]byte, check bool) error {
	var stale []error
	for _, name := range slices.Sorted(maps.Keys(files)) {
		path := filepath.Join(root, name)
		have, err := os.ReadFile(path)
		if err == nil && bytes.Equal(have, files[name]) {
			continue
		}
		if check {
			stale = append(stale, fmt.Errorf("%s is stale; remedy: go run ./internal/gen", name))
			continue
		}
		if err := os.MkdirAll(filepath.Dir(path), 0o755); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
		if err := os.WriteFile(path, files[name], 0o644); err != nil {
			return fmt.Errorf("write %s: %w", name, err)
		}
	}
	return errors.Join(stale...)
}

// Orphans names the files of folders that hold generated files alone and are not
// among those generated: what somebody put there, or what is no longer made.
// They are not deleted, because they may be all there is of somebody's work.
func Orphans(root string, files map[string][]byte, dirs ...string) error {
	var orphans []error
	for _, dir := range dirs {
		entries, err := os.ReadDir(filepath.Join(root, dir))
		if err != nil {
			orphans = append(orphans, fmt.Errorf("list %s: %w", dir, err))
		}
		for _, e := range entries {
			name := dir + "/" + e.Name()
			if _, generated := files[name]; !generated {
				orphans = append(orphans, fmt.Errorf("%s is not, or no longer, generated; remedy: delete it, or keep it elsewhere", name))
			}
		}
	}
	return errors.Join(orphans...)
}

// Units lists the folders below dir that hold a declaration: a Go file named as
// the folder.
func Units(root, dir string) ([]string, error) {
	entries, err := os.ReadDir(filepath.Join(root, dir))
	if err != nil {
		return nil, fmt.Errorf("list %s: %w", dir, err)
	}
	var names []string
	for _, e := range entries {
		if _, err := os.Stat(filepath.Join(root, dir, e.Name(), e.Name()+".go")); e.IsDir() && err == nil {
			names = append(names, e.Name())
		}
	}
	return names, nil
}

// Between replaces what stands between the BEGIN and END markers named name.
func Between(text, name, body string) (string, error) {
	begin, end := "<!-- BEGIN "+name+" (generated) -->\n", "<!-- END "+name+" -->"
	before, rest, ok1 := strings.Cut(text, begin)
	_, after, ok2 := strings.Cut(rest, end)
	if !ok1 || !ok2 {
		return "", fmt.Errorf("the markers of %s are missing", name)
	}
	return before + begin + body + end + after, nil
}
