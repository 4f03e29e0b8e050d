// Package deploy holds the tests that keep the files of a deployment true: each
// is read by its format's own loader, and what two files say of one thing
// agrees. Every check is also shown to fail, on copies that are broken on purpose.
package deploy

import (
	"bytes"
	"errors"
	"fmt"
	"io/fs"
	"maps"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// root is the repository, seen from this folder.
const root = ".."

// The files of a deployment, by their paths in the repository.
const (
	composeFile      = "docker-compose.yml"
	composeConfig    = "deploy/compose/faaswarden.yml"
	dockerfile       = "deploy/Dockerfile"
	dockerignore     = ".dockerignore"
	secretsScript    = "deploy/secrets.sh"
	usersFile        = "deploy/clickhouse/users.d/faaswarden.xml"
	serverFile       = "deploy/clickhouse/config.d/faaswarden.xml"
	prometheusFile   = "deploy/prometheus/prometheus.yml"
	rulesFile        = "deploy/prometheus/faaswarden.rules.yml"
	alertmanagerFile = "deploy/alertmanager/alertmanager.yml"
	dataSourcesFile  = "deploy/grafana/provisioning/datasources/faaswarden.yml"
	providersFile    = "deploy/grafana/provisioning/dashboards/faaswarden.yml"
	unitFile         = "deploy/systemd/faaswarden.service"
)

// generated is what the deployment mounts and other tests keep fresh, by the
// file that names it and how.
var generated = map[string]struct{ file, text string }{
	"deploy/grafana/dashboards/overview.json":           {composeFile, "/etc/grafana/dashboards/overview.json"},
	"deploy/grafana/dashboards":                         {composeFile, "./deploy/grafana/dashboards:"},
	"deploy/prometheus/faaswarden.rules.yml":            {prometheusFile, "- faaswarden.rules.yml"},
	"deploy/helm/faaswarden/files/faaswarden.rules.yml": {"deploy/helm/faaswarden/templates/prometheusrule.yaml", `"files/faaswarden.rules.yml"`},
	"deploy/helm/faaswarden/files/dashboards":           {"deploy/helm/faaswarden/templates/dashboards.yaml", `"files/dashboards/*.json"`},
}

// deployment is the text of each file, so that a copy can be broken in memory.
type deployment map[string][]byte

func load(t testing.TB, files ...string) deployment {
	t.Helper()
	d := deployment{}
	for _, file := range files {
		d[file] = read(t, file)
	}
	return d
}

// read is the text of a file of the repository.
func read(t testing.TB, file string) []byte {
	t.Helper()
	text, err := os.ReadFile(filepath.Join(root, file))
	if err != nil {
		t.Fatal(err)
	}
	return text
}

// exists says whether the repository has a path.
func exists(path string) error {
	_, err := os.Stat(filepath.Join(root, path))
	if errors.Is(err, fs.ErrNotExist) {
		return fmt.Errorf("%s does not exist", path)
	}
	return err
}

// faults gathers what is wrong.
type faults struct{ list []error }

func (f *faults) add(err error) {
	if err != nil {
		f.list = append(f.list, err)
	}
}

func (f *faults) check(ok bool, format string, args ...any) {
	if !ok {
		f.add(fmt.Errorf(format, args...))
	}
}

func (f *faults) err() error { return errors.Join(f.list...) }

// mutation breaks a copy of a file and says what a check must then complain of.
// Every occurrence of old is replaced.
type mutation struct {
	name, file, old, new, want string
}

// mutate shows that a check can fail: it accepts the deployment as it is, and
// refuses each mutation of it, for the reason given.
func mutate(t *testing.T, check func(deployment) error, d deployment, list []mutation) {
	t.Helper()
	if err := check(d); err != nil {
		t.Errorf("before any mutation: %v", err)
	}
	for _, m := range list {
		if !bytes.Contains(d[m.file], []byte(m.old)) {
			t.Errorf("%s: %s lacks %q, so nothing is mutated", m.name, m.file, m.old)
			continue
		}
		broken := maps.Clone(d)
		broken[m.file] = bytes.ReplaceAll(d[m.file], []byte(m.old), []byte(m.new))
		if err := check(broken); err == nil || !strings.Contains(err.Error(), m.want) {
			t.Errorf("%s: %v, want %q", m.name, err, m.want)
		}
	}
}
