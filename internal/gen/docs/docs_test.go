package main

import (
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

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
	if err := generate(root, true); err != nil {
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

// TestWhatWasEditedByHandIsNamed writes everything elsewhere, edits a board, a
// rule and the chart's copies, adds a board that nothing generates, and expects
// each to be named, once, and nothing else.
func TestWhatWasEditedByHandIsNamed(t *testing.T) {
	t.Parallel()
	repository, err := tree.Root()
	if err != nil {
		t.Fatal(err)
	}
	readme, err := os.ReadFile(filepath.Join(repository, "README.md"))
	if err != nil {
		t.Fatal(err)
	}
	root := t.TempDir()
	put(t, root, "README.md", string(readme))
	if err := generate(root, false); err != nil {
		t.Fatal(err)
	}
	if err := generate(root, true); err != nil {
		t.Fatalf("just written, and yet: %v", err)
	}
	edit(t, root, "deploy/grafana/dashboards/findings.json", `"currencyUSD"`, `"short"`)
	edit(t, root, "deploy/helm/faaswarden/files/dashboards/overview.json", "now-7d", "now-30d")
	edit(t, root, "deploy/prometheus/faaswarden.rules.yml", "> 100", "> 100000")
	edit(t, root, "deploy/helm/faaswarden/files/faaswarden.rules.yml", "critical", "info")
	put(t, root, "deploy/grafana/dashboards/retired.json", "{}")
	put(t, root, "deploy/helm/faaswarden/files/dashboards/mine.json", "{}")
	const stale, orphan = " is stale; remedy: go run ./internal/gen", " is not, or no longer, generated; remedy: delete it, or keep it elsewhere"
	want := []string{
		"deploy/grafana/dashboards/findings.json" + stale,
		"deploy/helm/faaswarden/files/dashboards/overview.json" + stale,
		"deploy/helm/faaswarden/files/faaswarden.rules.yml" + stale,
		"deploy/prometheus/faaswarden.rules.yml" + stale,
		"deploy/grafana/dashboards/retired.json" + orphan,
		"deploy/helm/faaswarden/files/dashboards/mine.json" + orphan,
	}
	err = generate(root, true)
	if err == nil {
		t.Fatal("nothing was named")
	}
	if diff := cmp.Diff(want, strings.Split(err.Error(), "\n")); diff != "" {
		t.Errorf("what was named (-want +got):\n%s", diff)
	}

	// Writing mends what was edited, and deletes nothing that somebody may want.
	err = generate(root, false)
	if err == nil || strings.Contains(err.Error(), "stale") || !strings.Contains(err.Error(), "retired.json") {
		t.Errorf("after writing: %v", err)
	}
	if _, err := os.Stat(filepath.Join(root, "deploy/grafana/dashboards/retired.json")); err != nil {
		t.Errorf("a file that was not generated is gone: %v", err)
	}
}

func put(t *testing.T, root, name, text string) {
	t.Helper()
	if err := os.WriteFile(filepath.Join(root, name), []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

// edit replaces a text in a file, which must hold it.
func edit(t *testing.T, root, name, old, new string) {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, name))
	if err != nil {
		t.Fatal(err)
	}
	if !strings.Contains(string(text), old) {
		t.Fatalf("%s does not hold %s", name, old)
	}
	put(t, root, name, strings.Replace(string(text), old, new, 1))
}
