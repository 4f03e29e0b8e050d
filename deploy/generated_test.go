package deploy

import (
	"bytes"
	"encoding/json"
	"fmt"
	"io/fs"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"

	"github.com/goccy/go-yaml"
)

// What is generated is there, and some file of the deployment names it.
func TestGeneratedFilesAreUsed(t *testing.T) {
	t.Parallel()
	for path, use := range generated {
		if err := exists(path); err != nil {
			t.Error(err)
		}
		if !bytes.Contains(read(t, use.file), []byte(use.text)) {
			t.Errorf("%s is not named by %s as %q", path, use.file, use.text)
		}
	}
}

// ruleNames are the alerts of the generated rules.
func ruleNames(text []byte) ([]string, error) {
	var rules struct {
		Groups []struct {
			Rules []struct {
				Alert  string            `yaml:"alert"`
				Labels map[string]string `yaml:"labels"`
			} `yaml:"rules"`
		} `yaml:"groups"`
	}
	if err := yaml.Unmarshal(text, &rules); err != nil {
		return nil, fmt.Errorf("parse the rules: %w", err)
	}
	var names []string
	for _, g := range rules.Groups {
		for _, r := range g.Rules {
			names = append(names, r.Alert)
		}
	}
	return names, nil
}

var (
	jobPattern   = regexp.MustCompile(`job="([^"]*)"`)
	alertPattern = regexp.MustCompile(`alertname="([^"]*)"`)
)

// checkRules wants the rules and who treats their alerts to speak of the same
// names: the job that Prometheus scrapes, the alerts that Alertmanager mutes by.
func checkRules(d deployment) error {
	names, err := ruleNames(d[rulesFile])
	if err != nil {
		return err
	}
	c, err := parsePrometheus(d[prometheusFile])
	if err != nil {
		return err
	}
	f := &faults{}
	f.check(len(names) > 0, "there are no rules")
	for _, m := range jobPattern.FindAllSubmatch(d[rulesFile], -1) {
		f.check(c.job(string(m[1])).Job != "", "a rule asks for the job %q, which Prometheus does not scrape", m[1])
	}
	for _, m := range alertPattern.FindAllSubmatch(d[alertmanagerFile], -1) {
		f.check(slices.Contains(names, string(m[1])), "Alertmanager knows of the alert %s, which no rule raises", m[1])
	}
	return f.err()
}

func TestRulesAgree(t *testing.T) {
	t.Parallel()
	mutate(t, checkRules, load(t, rulesFile, prometheusFile, alertmanagerFile), []mutation{
		{"no rules", rulesFile, "alert:", "record:", "which no rule raises"},
		{"another job", prometheusFile, "job_name: faaswarden", "job_name: warden", `the job "faaswarden"`},
		{"another alert", alertmanagerFile, `"FaaswardenDown"`, `"FaaswardenGone"`, "the alert FaaswardenGone"},
	})
}

// boards are the generated boards below a folder.
func boards(t testing.TB, folder string) deployment {
	t.Helper()
	d := deployment{}
	err := filepath.WalkDir(filepath.Join(root, folder), func(file string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() || filepath.Ext(file) != ".json" {
			return err
		}
		text, err := os.ReadFile(file)
		d[folder+"/"+e.Name()] = text
		return err
	})
	if err != nil || len(d) == 0 {
		t.Fatalf("%s holds %d boards: %v", folder, len(d), err)
	}
	return d
}

// checkBoards wants every data source that a board names to be provisioned.
func checkBoards(d deployment) error {
	var provisioned dataSources
	if err := strict(d[dataSourcesFile], &provisioned); err != nil {
		return err
	}
	uids, types := []string{"-- Grafana --", "grafana"}, []string{} // Grafana's own come first
	for _, s := range provisioned.List {
		uids, types = append(uids, s.UID), append(types, s.Type)
	}
	f := &faults{}
	asked := 0
	for file, text := range d {
		if filepath.Ext(file) != ".json" {
			continue
		}
		var board any
		if err := json.Unmarshal(text, &board); err != nil {
			f.add(fmt.Errorf("%s: %w", file, err))
			continue
		}
		walkSources(board, func(kind, uid string) {
			asked++
			if strings.HasPrefix(uid, "$") { // a variable, which offers every data source of a type
				f.check(slices.Contains(types, kind), "%s asks for a data source of the type %q", file, kind)
				return
			}
			f.check(slices.Contains(uids, uid), "%s asks for the data source %q", file, uid)
		})
	}
	f.check(asked > 0, "no board asks for a data source")
	return f.err()
}

// walkSources calls visit for every data source that a board's JSON names.
func walkSources(v any, visit func(kind, uid string)) {
	switch node := v.(type) {
	case []any:
		for _, item := range node {
			walkSources(item, visit)
		}
	case map[string]any:
		if source, ok := node["datasource"].(map[string]any); ok {
			kind, _ := source["type"].(string)
			uid, _ := source["uid"].(string)
			visit(kind, uid)
		}
		for _, item := range node {
			walkSources(item, visit)
		}
	}
}

func TestBoardsAgree(t *testing.T) {
	t.Parallel()
	d := boards(t, "deploy/grafana/dashboards")
	d[dataSourcesFile] = read(t, dataSourcesFile)
	const overview = "deploy/grafana/dashboards/overview.json"
	mutate(t, checkBoards, d, []mutation{
		{"no JSON", overview, "{", "[", "overview.json"},
		{"another data source", overview, `"uid": "${datasource}"`, `"uid": "mimir"`, `the data source "mimir"`},
		{"another type", dataSourcesFile, "type: prometheus", "type: loki", `of the type "prometheus"`},
	})
}

// maxConfigMap is what Kubernetes lets a ConfigMap hold.
const maxConfigMap = 1 << 20

// The chart ships the generated files as they are, and each fits its object.
func TestChartShipsWhatIsGenerated(t *testing.T) {
	t.Parallel()
	d := loadChart(t)
	shipped := boards(t, chartFolder+"/files/dashboards")
	for file, text := range shipped {
		d[file] = text
		if origin := read(t, "deploy/grafana/dashboards/"+filepath.Base(file)); !bytes.Equal(origin, text) {
			t.Errorf("%s is not the board that Grafana is given; go generate ./... writes both", file)
		}
		if len(text) > maxConfigMap*9/10 {
			t.Errorf("%s has %d bytes, and a ConfigMap holds %d", file, len(text), maxConfigMap)
		}
	}
	rules := read(t, chartFolder+"/files/faaswarden.rules.yml")
	d[chartFolder+"/files/faaswarden.rules.yml"] = rules
	o, err := render(d, everything("server"))
	if err != nil {
		t.Fatal(err)
	}
	names, err := ruleNames(rules)
	if err != nil {
		t.Fatal(err)
	}
	if len(o.rules) != 1 || len(o.configMaps) != 1+len(shipped) {
		t.Fatalf("%d rule objects and %d config maps, for %d boards", len(o.rules), len(o.configMaps), len(shipped))
	}
	text := fmt.Sprint(o.rules[0].Spec.Groups)
	for _, name := range names {
		if !strings.Contains(text, name) {
			t.Errorf("the rules lack %s", name)
		}
	}
	for _, m := range o.configMaps {
		for file, board := range m.Data {
			if want, ok := shipped[chartFolder+"/files/dashboards/"+file]; ok && board != string(want) {
				t.Errorf("%s is changed on its way", file)
			}
		}
	}
}
