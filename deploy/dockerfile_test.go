package deploy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/moby/buildkit/frontend/dockerfile/instructions"
	"github.com/moby/buildkit/frontend/dockerfile/parser"
	"github.com/moby/patternmatcher"
	"github.com/moby/patternmatcher/ignorefile"
	"github.com/prometheus/common/version"
)

// image is one stage of a Dockerfile with all it inherits.
type image struct {
	from, user, workdir string
	exposed, volumes    []string
	health, entrypoint  []string
	command             []string
	labels, environment map[string]string
	copied              []string // where files were copied to
}

// stages reads a Dockerfile as BuildKit does and resolves each named stage.
func stages(text []byte) (map[string]image, error) {
	parsed, err := parser.Parse(bytes.NewReader(text))
	if err != nil {
		return nil, fmt.Errorf("parse the Dockerfile: %w", err)
	}
	list, _, err := instructions.Parse(parsed.AST, nil)
	if err != nil {
		return nil, fmt.Errorf("parse the Dockerfile: %w", err)
	}
	found := map[string]image{}
	for _, s := range list {
		i := image{from: s.BaseName, labels: map[string]string{}, environment: map[string]string{}}
		if base, ok := found[s.BaseName]; ok {
			i = base
		} else if err := pinned(s.BaseName); err != nil {
			return nil, fmt.Errorf("stage %s: %w", s.Name, err)
		}
		for _, command := range s.Commands {
			if err := i.apply(command, found); err != nil {
				return nil, fmt.Errorf("stage %s: %w", s.Name, err)
			}
		}
		found[s.Name] = i
	}
	return found, nil
}

func (i *image) apply(command instructions.Command, stages map[string]image) error {
	switch c := command.(type) {
	case *instructions.UserCommand:
		i.user = c.User
	case *instructions.WorkdirCommand:
		i.workdir = c.Path
	case *instructions.ExposeCommand:
		i.exposed = append(slices.Clone(i.exposed), c.Ports...)
	case *instructions.VolumeCommand:
		i.volumes = append(slices.Clone(i.volumes), c.Volumes...)
	case *instructions.HealthCheckCommand:
		i.health = c.Health.Test
	case *instructions.EntrypointCommand:
		i.entrypoint = c.CmdLine
	case *instructions.CmdCommand:
		i.command = c.CmdLine
	case *instructions.LabelCommand:
		for _, l := range c.Labels {
			i.labels[l.Key] = l.Value
		}
	case *instructions.EnvCommand:
		for _, e := range c.Env {
			i.environment[e.Key] = e.Value
		}
	case *instructions.CopyCommand:
		if _, known := stages[c.From]; c.From != "" && !known {
			return fmt.Errorf("it copies from the stage %q, which does not exist", c.From)
		}
		i.copied = append(slices.Clone(i.copied), c.DestPath)
	}
	return nil
}

const program = "/usr/local/bin/faaswarden"

// checkImages holds what both images are.
func checkImages(d deployment) error {
	all, err := stages(d[dockerfile])
	if err != nil {
		return err
	}
	f := &faults{}
	for _, name := range []string{"server", "embedded"} {
		i, ok := all[name]
		if !ok {
			f.check(false, "there is no target %s", name)
			continue
		}
		uid, _, _ := strings.Cut(i.user, ":")
		f.check(positive(uid), "%s runs as the user %q, want a number other than 0", name, i.user)
		f.check(slices.Equal(i.exposed, []string{"9847"}), "%s exposes %v", name, i.exposed)
		f.check(slices.Equal(i.entrypoint, []string{program}) && slices.Contains(i.copied, program), "%s starts %v, of the files %v", name, i.entrypoint, i.copied)
		f.check(slices.Equal(i.command, []string{"run", "--config", "/etc/faaswarden/faaswarden.yml"}), "%s runs %v by default", name, i.command)
		f.check(slices.Equal(i.health, []string{"CMD", program, "health", "--url", "http://127.0.0.1:9847/healthz"}), "%s has the health check %v", name, i.health)
		for _, label := range []string{"title", "description", "source", "documentation", "version", "revision"} {
			f.check(i.labels["org.opencontainers.image."+label] != "", "%s has no label %s", name, label)
		}
		library := slices.Contains(i.copied, i.environment["CHDB_LIB_PATH"])
		f.check(library == (name == "embedded"), "%s has the engine's library: %v", name, library)
		f.check(slices.Contains(i.volumes, "/var/lib/faaswarden") == (name == "embedded"), "%s has the volumes %v", name, i.volumes)
	}
	f.add(versionFlags(d[dockerfile]))
	f.check(bytes.Contains(d[dockerfile], []byte("CGO_ENABLED=0")), "the program is built with cgo")
	f.check(bytes.Contains(d[dockerfile], []byte("faaswarden store install")), "the engine's library is not installed by the program, which verifies it")
	return f.err()
}

var flagPattern = regexp.MustCompile(`-X (\S+)\.(\w+)=\$\{(\w+)\}`)

// versionFlags wants the linker to set variables that exist, from arguments that
// are declared: it passes over what does not.
func versionFlags(text []byte) error {
	settable := map[string]*string{"Version": &version.Version, "Revision": &version.Revision, "Branch": &version.Branch, "BuildUser": &version.BuildUser, "BuildDate": &version.BuildDate}
	f := &faults{}
	set := map[string]bool{}
	for _, m := range flagPattern.FindAllSubmatch(text, -1) {
		pkg, name, argument := string(m[1]), string(m[2]), string(m[3])
		f.check(pkg == "github.com/prometheus/common/version" && settable[name] != nil, "the linker is told of %s.%s, which does not exist", pkg, name)
		f.check(bytes.Contains(text, []byte("ARG "+argument+"=")), "the argument %s is not declared", argument)
		set[name] = true
	}
	f.check(set["Version"] && set["Revision"], "the linker is not told the version and the revision")
	return f.err()
}

func TestImages(t *testing.T) {
	t.Parallel()
	mutate(t, checkImages, load(t, dockerfile), []mutation{
		{"an unknown instruction", dockerfile, "WORKDIR /src", "WORKSPACE /src", "unknown instruction"},
		{"latest", dockerfile, "golang:1.26.5-bookworm", "golang:latest", "is not pinned"},
		{"a floating base", dockerfile, "debian:12.12-slim", "debian:12-slim", "is not pinned"},
		{"no tag", dockerfile, "node:22.23.1-bookworm-slim", "node", "is not pinned"},
		{"root", dockerfile, "USER 65532:65532\n", "", `runs as the user ""`},
		{"a root of its own", dockerfile, "USER 65532:65532\n", "USER 0\n", `runs as the user "0"`},
		{"a wrong port", dockerfile, "EXPOSE 9847", "EXPOSE 9090", "exposes [9090]"},
		{"a check of another port", dockerfile, "http://127.0.0.1:9847/healthz", "http://127.0.0.1:9090/healthz", "health check"},
		{"no check", dockerfile, "HEALTHCHECK --interval=30s --timeout=5s --start-period=60s --retries=3 \\\n    CMD", "CMD", "health check"},
		{"a lost stage", dockerfile, "COPY --from=engine", "COPY --from=motor", `"motor", which does not exist`},
		{"no server", dockerfile, "FROM base AS server\n", "", "there is no target server"},
		{"a library in both", dockerfile, "FROM base AS server", "FROM embedded AS server", "server has the engine's library"},
		{"no library", dockerfile, "ENV CHDB_LIB_PATH=/usr/local/lib/libchdb.so\n", "ENV CHDB_LIB_PATH=/usr/lib/libchdb.so\n", "embedded has the engine's library: false"},
		{"a misspelt variable", dockerfile, "version.Version=", "version.Verzion=", "which does not exist"},
		{"an undeclared argument", dockerfile, "ARG REVISION=unknown\n", "", "REVISION is not declared"},
		{"no label", dockerfile, `      org.opencontainers.image.revision="${REVISION}"`, `      org.example.revision="${REVISION}"`, "no label revision"},
		{"cgo", dockerfile, "CGO_ENABLED=0", "CGO_ENABLED=1", "with cgo"},
	})
}

// buildFiles are the files of this module that a build of the program reads.
func buildFiles(t *testing.T) []string {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "-json=Dir,Module,GoFiles,EmbedFiles", "./cmd/faaswarden")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatalf("list the program's packages: %v", err)
	}
	files := []string{"go.mod", "go.sum"}
	for dec := json.NewDecoder(bytes.NewReader(out)); dec.More(); {
		var p struct {
			Dir                 string
			Module              *struct{ Main bool }
			GoFiles, EmbedFiles []string
		}
		if err := dec.Decode(&p); err != nil {
			t.Fatal(err)
		}
		if p.Module == nil || !p.Module.Main {
			continue
		}
		dir, err := repositoryPath(p.Dir)
		if err != nil {
			t.Fatal(err)
		}
		for _, name := range append(p.GoFiles, p.EmbedFiles...) {
			files = append(files, filepath.ToSlash(filepath.Join(dir, name)))
		}
	}
	return files
}

// checkContext wants the build's context to hold what a build reads, and no secret.
func checkContext(ignore []byte, needed []string) error {
	patterns, err := ignorefile.ReadAll(bytes.NewReader(ignore))
	if err != nil {
		return err
	}
	matcher, err := patternmatcher.New(patterns)
	if err != nil {
		return err
	}
	f := &faults{}
	left := func(file string) bool {
		out, err := matcher.MatchesOrParentMatches(file)
		f.add(err)
		return out
	}
	for _, file := range needed {
		f.check(!left(file), "a build needs %s, which is left out", file)
	}
	for _, file := range []string{"deploy/secrets/grafana_admin_password.txt", ".git/config", "data/store/x", ".env", "internal/store/testdata/x"} {
		f.check(left(file), "%s goes into the build's context", file)
	}
	return f.err()
}

func TestBuildContext(t *testing.T) {
	t.Parallel()
	needed := buildFiles(t)
	if len(needed) < 200 {
		t.Fatalf("only %d files are needed: the list is wrong", len(needed))
	}
	check := func(d deployment) error { return checkContext(d[dockerignore], needed) }
	mutate(t, check, load(t, dockerignore), []mutation{
		{"a folder left out", dockerignore, "!analyzers\n", "", "a build needs analyzers/"},
		{"no sums", dockerignore, "!go.sum\n", "", "a build needs go.sum"},
		{"everything", dockerignore, "*\n!go.mod", "!go.mod", "goes into the build's context"},
		{"the deployment", dockerignore, "!internal\n", "!internal\n!deploy\n", "deploy/secrets/grafana_admin_password.txt goes into"},
	})
}

// linked is what a package of the loaders that these tests use is called.
var linked = []string{"github.com/compose-spec/", "github.com/hashicorp/hcl", "github.com/zclconf/", "github.com/moby/", "helm.sh/", "k8s.io/", "sigs.k8s.io/"}

// The loaders are the tests' alone: none of them gets into the program.
func TestProgramLinksNoLoader(t *testing.T) {
	t.Parallel()
	cmd := exec.CommandContext(t.Context(), "go", "list", "-deps", "./cmd/faaswarden")
	cmd.Dir = root
	out, err := cmd.Output()
	if err != nil {
		t.Fatal(err)
	}
	packages := strings.Fields(string(out))
	if !slices.Contains(packages, "github.com/ClickHouse/clickhouse-go/v2") {
		t.Fatal("the list of packages is wrong")
	}
	for _, pkg := range packages {
		if slices.ContainsFunc(linked, func(prefix string) bool { return strings.HasPrefix(pkg, prefix) }) {
			t.Errorf("the program links %s", pkg)
		}
	}
}
