package main

import (
	"testing"

	"github.com/faaswarden/faaswarden/analyzers"
	"github.com/faaswarden/faaswarden/collector"
	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/config"
	"github.com/faaswarden/faaswarden/internal/gen/tree"
	"github.com/faaswarden/faaswarden/internal/schema"
)

func TestDocumentsAreFresh(t *testing.T) {
	t.Parallel()
	root, err := tree.Root()
	if err != nil {
		t.Fatal(err)
	}
	files, err := documents(root)
	if err != nil {
		t.Fatal(err)
	}
	if err := tree.Apply(root, files, true); err != nil {
		t.Error(err)
	}
}

// The example is every default written out: it must be what an empty file gives.
func TestExampleIsTheDefault(t *testing.T) {
	t.Parallel()
	suites := config.Suites{Collectors: collector.Suite, Analyzers: analyzers.Suite}
	if _, err := config.Parse(exampleConfig(), suites); err != nil {
		t.Error(err)
	}
}

func TestSuitesAreValid(t *testing.T) {
	t.Parallel()
	relations, err := schema.Relations()
	if err != nil {
		t.Fatal(err)
	}
	if err := analysis.Validate(analyzers.Suite, relations); err != nil {
		t.Error(err)
	}
	if err := collect.Validate(collector.Suite, relations); err != nil {
		t.Error(err)
	}
}
