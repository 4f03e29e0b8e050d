package main

import (
	"go/parser"
	"go/token"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

func TestScaffold(t *testing.T) {
	t.Parallel()
	root := t.TempDir()
	if err := scaffold(root, "idlealias"); err != nil {
		t.Fatal(err)
	}
	dir := filepath.Join(root, "analyzers", "idlealias")
	for _, name := range []string{"idlealias.go", "idlealias_test.go", "doc.md", "query.sql", "testdata/idlealias.txtar"} {
		text, err := os.ReadFile(filepath.Join(dir, name))
		if err != nil {
			t.Errorf("%s: %v", name, err)
			continue
		}
		if strings.Contains(string(text), "NAME") {
			t.Errorf("%s still holds the template's NAME", name)
		}
		if strings.HasSuffix(name, ".go") {
			if _, err := parser.ParseFile(token.NewFileSet(), name, text, parser.AllErrors); err != nil {
				t.Errorf("%s: %v", name, err)
			}
		}
	}
	if err := scaffold(root, "idlealias"); err == nil {
		t.Error("an analyzer that exists was written over")
	}
}

func TestNames(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{nil, {"a", "b"}, {"Idle"}, {"idle_alias"}, {"../x"}, {"9lives"}} {
		if err := run(args); err == nil || !strings.Contains(err.Error(), "usage") {
			t.Errorf("%v: %v", args, err)
		}
	}
}
