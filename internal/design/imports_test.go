// Package design holds the decision records, and the test that keeps imports
// flowing one way.
package design

import (
	"go/parser"
	"go/token"
	"io/fs"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"
)

const module = "github.com/faaswarden/faaswarden/"

// rule says what the packages below a folder may import: of the module's own
// packages only those listed, and of the libraries that belong behind one
// package only those listed. The first rule whose folder matches applies.
type rule struct {
	folder    string
	own       []string // allowed prefixes below the module; nil allows all but those in private
	libraries []string // allowed prefixes of guarded libraries
}

// guarded libraries live behind one package each.
var guarded = []string{
	"github.com/aws/", "github.com/ClickHouse/", "github.com/ebitengine/purego", "github.com/prometheus/",
	"github.com/grafana/", "github.com/spf13/cobra", "github.com/goccy/go-yaml", "github.com/shopspring/decimal",
}

var rules = []rule{
	{"analyzers/", []string{"internal/analysis", "internal/graph", "internal/price"}, []string{"github.com/shopspring/decimal"}},
	{"collector/", []string{"internal/collect", "internal/schema"}, []string{"github.com/aws/", "github.com/shopspring/decimal"}},
	{"internal/analysis/analysistest", []string{"internal/analysis", "internal/chdb", "internal/engine", "internal/schema", "internal/store", "internal/price"}, []string{"github.com/ClickHouse/"}},
	{"internal/analysis/evidence", []string{"internal/analysis"}, nil},
	{"internal/analysis", []string{}, nil},
	{"internal/graph", []string{}, nil},
	{"internal/price", []string{"internal/analysis", "internal/schema"}, []string{"github.com/shopspring/decimal"}},
	{"internal/schema", []string{}, []string{"github.com/shopspring/decimal"}},
	{"internal/collect/collecttest", []string{"internal/awssim", "internal/collect", "internal/schema"}, []string{"github.com/aws/", "github.com/shopspring/decimal"}},
	{"internal/collect", []string{"internal/collect", "internal/schema"}, []string{"github.com/aws/", "github.com/shopspring/decimal"}},
	{"internal/chdb", []string{}, []string{"github.com/ebitengine/purego", "github.com/ClickHouse/"}},
	{"internal/store", []string{"internal/analysis", "internal/chdb", "internal/collect", "internal/schema", "internal/store"}, []string{"github.com/ClickHouse/", "github.com/shopspring/decimal", "github.com/aws/"}},
	{"internal/awssim", []string{}, []string{"github.com/aws/"}},
	{"internal/config", []string{"internal/analysis", "internal/collect", "internal/schema"}, []string{"github.com/goccy/go-yaml"}},
	{"internal/engine", []string{"internal/analysis", "internal/collect", "internal/config", "internal/price", "internal/schema", "internal/store"}, []string{"github.com/aws/", "github.com/shopspring/decimal"}},
	{"internal/accounts", []string{"internal/collect", "internal/config", "internal/engine"}, []string{"github.com/aws/"}},
	{"internal/doctor", []string{"internal/collect", "internal/engine"}, []string{"github.com/aws/"}},
	{"internal/plan", []string{"internal/collect", "internal/config", "internal/engine"}, []string{"github.com/aws/"}},
	{"internal/exporter", []string{"internal/analysis", "internal/config", "internal/engine", "internal/schema"}, []string{"github.com/prometheus/"}},
	{"internal/report", []string{"internal/analysis", "internal/schema"}, nil},
	{"internal/web", []string{"internal/engine", "internal/report", "internal/schema"}, []string{"github.com/prometheus/client_golang"}},
	{"internal/app", nil, []string{"github.com/prometheus/exporter-toolkit"}},
	{"internal/gen", nil, nil},
	{"internal/design", []string{}, nil},
	{"dashboards", []string{"internal/analysis", "internal/collect"}, []string{"github.com/grafana/"}},
	{"cmd/", nil, []string{"github.com/spf13/cobra", "github.com/aws/", "github.com/prometheus/common"}},
	{"analyzers", nil, nil},
	{"collector", nil, nil},
}

func TestImportsFlowOneWay(t *testing.T) {
	t.Parallel()
	root := filepath.Join("..", "..")
	seen := 0
	err := filepath.WalkDir(root, func(file string, d fs.DirEntry, err error) error {
		if err != nil || d.IsDir() || !strings.HasSuffix(file, ".go") || strings.HasSuffix(file, "_test.go") {
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		seen++
		checkFile(t, file, filepath.ToSlash(rel))
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	if seen < 50 {
		t.Fatalf("only %d files were read: the walk is wrong", seen)
	}
}

func checkFile(t *testing.T, file, rel string) {
	t.Helper()
	i := slices.IndexFunc(rules, func(r rule) bool { return strings.HasPrefix(path.Dir(rel)+"/", strings.TrimSuffix(r.folder, "/")+"/") })
	if i < 0 {
		t.Errorf("%s: no import rule covers its folder; add one", rel)
		return
	}
	parsed, err := parser.ParseFile(token.NewFileSet(), file, nil, parser.ImportsOnly)
	if err != nil {
		t.Errorf("%s: %v", rel, err)
		return
	}
	for _, spec := range parsed.Imports {
		name, err := strconv.Unquote(spec.Path.Value)
		if err != nil {
			t.Errorf("%s: %v", rel, err)
			continue
		}
		if fault := rules[i].fault(path.Dir(rel), name); fault != "" {
			t.Errorf("%s imports %s: %s", rel, name, fault)
		}
	}
}

// fault says why a package in dir may not import name; empty when it may.
func (r rule) fault(dir, name string) string {
	own, isOwn := strings.CutPrefix(name, module)
	switch {
	case isOwn && strings.HasPrefix(own, "cmd/"):
		return "nobody imports cmd"
	case isOwn && (r.own == nil || own == dir || strings.HasPrefix(own, dir+"/") || within(r.own, own)):
		return ""
	case isOwn:
		return "packages below " + r.folder + " may import only " + strings.Join(r.own, ", ")
	case within(guarded, name) && !within(r.libraries, name):
		return "this library lives behind another package"
	}
	return ""
}

func within(prefixes []string, name string) bool {
	return slices.ContainsFunc(prefixes, func(p string) bool {
		return name == p || strings.HasPrefix(name, strings.TrimSuffix(p, "/")+"/")
	})
}
