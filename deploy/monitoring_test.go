package deploy

import (
	"bytes"
	"context"
	"fmt"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/goccy/go-yaml"

	"github.com/faaswarden/faaswarden/internal/config"
)

// prometheusConfig is the part of Prometheus' configuration that other files
// must agree with. Promtool reads the whole.
type prometheusConfig struct {
	Global struct {
		ScrapeInterval config.Duration `yaml:"scrape_interval"`
	} `yaml:"global"`
	RuleFiles []string `yaml:"rule_files"`
	Alerting  struct {
		Alertmanagers []struct {
			Static []staticTargets `yaml:"static_configs"`
		} `yaml:"alertmanagers"`
	} `yaml:"alerting"`
	Scrapes []scrape `yaml:"scrape_configs"`
}

type scrape struct {
	Job         string          `yaml:"job_name"`
	Path        string          `yaml:"metrics_path"`
	SampleLimit int             `yaml:"sample_limit"`
	Static      []staticTargets `yaml:"static_configs"`
}

type staticTargets struct {
	Targets []string `yaml:"targets"`
}

func parsePrometheus(text []byte) (prometheusConfig, error) {
	var c prometheusConfig
	if err := yaml.Unmarshal(text, &c); err != nil {
		return c, fmt.Errorf("parse prometheus.yml: %w", err)
	}
	return c, nil
}

// job is the scrape of a name.
func (c prometheusConfig) job(name string) scrape {
	if i := slices.IndexFunc(c.Scrapes, func(s scrape) bool { return s.Job == name }); i >= 0 {
		return c.Scrapes[i]
	}
	return scrape{}
}

// promtool lets Prometheus' own tool judge a configuration, beside the rules.
func promtool(text []byte) error {
	return judge(text, "promtool", "check", "config")
}

// amtool lets Alertmanager's own tool judge a configuration.
func amtool(text []byte) error {
	return judge(text, "amtool", "check-config")
}

func judge(text []byte, program string, args ...string) (err error) {
	dir, err := os.MkdirTemp("", "deploy-*")
	if err != nil {
		return err
	}
	defer os.RemoveAll(dir) //nolint:errcheck // what is left takes only space
	rules, err := os.ReadFile(filepath.Join(root, rulesFile))
	if err != nil {
		return err
	}
	file := filepath.Join(dir, "config.yml")
	for name, content := range map[string][]byte{file: text, filepath.Join(dir, filepath.Base(rulesFile)): rules} {
		if err := os.WriteFile(name, content, 0o600); err != nil {
			return err
		}
	}
	ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
	defer cancel()
	out, err := exec.CommandContext(ctx, program, append(args, file)...).CombinedOutput()
	if err != nil {
		return fmt.Errorf("%s: %w: %s", program, err, bytes.TrimSpace(out))
	}
	return nil
}

func checkPrometheus(d deployment) error {
	text := d[prometheusFile]
	if err := promtool(text); err != nil {
		return err
	}
	c, err := parsePrometheus(text)
	if err != nil {
		return err
	}
	f := &faults{}
	f.check(len(c.RuleFiles) > 0, "no rules are loaded")
	for _, rules := range c.RuleFiles {
		f.add(exists(filepath.Join(filepath.Dir(prometheusFile), rules)))
	}
	s := c.job("faaswarden")
	f.check(s.Path == "/metrics", "the job faaswarden reads %q", s.Path)
	f.check(s.SampleLimit >= 20_000, "the job faaswarden has the sample limit %d", s.SampleLimit)
	interval := time.Duration(c.Global.ScrapeInterval)
	f.check(interval >= 15*time.Second && interval < 5*time.Minute, "it scrapes every %v: Prometheus forgets what is older than 5m", interval)
	return f.err()
}

func TestPrometheus(t *testing.T) {
	t.Parallel()
	mutate(t, checkPrometheus, load(t, prometheusFile), []mutation{
		{"an unknown key", prometheusFile, "scrape_configs:", "scrapes:", "promtool"},
		{"not a duration", prometheusFile, "scrape_interval: 1m", "scrape_interval: often", "promtool"},
		{"rules that are not there", prometheusFile, "- faaswarden.rules.yml", "- other.rules.yml", "does not point to an existing file"},
		{"no such rules", prometheusFile, "rule_files:\n  - faaswarden.rules.yml", "rule_files:\n  - '*.none.yml'", "none.yml does not exist"},
		{"another path", prometheusFile, "metrics_path: /metrics", "metrics_path: /stats", `reads "/stats"`},
		{"no limit", prometheusFile, "    sample_limit: 200000", "    sample_limit: 0", "sample limit 0"},
		{"too seldom", prometheusFile, "scrape_interval: 1m", "scrape_interval: 10m", "forgets"},
	})
}

// alertmanagerConfig is what other files must agree with.
type alertmanagerConfig struct {
	Global map[string]any `yaml:"global"`
	Route  struct {
		Receiver string   `yaml:"receiver"`
		GroupBy  []string `yaml:"group_by"`
	} `yaml:"route"`
	Inhibit []struct {
		Source []string `yaml:"source_matchers"`
		Target []string `yaml:"target_matchers"`
		Equal  []string `yaml:"equal"`
	} `yaml:"inhibit_rules"`
}

func parseAlertmanager(text []byte) (alertmanagerConfig, error) {
	var c alertmanagerConfig
	if err := yaml.Unmarshal(text, &c); err != nil {
		return c, fmt.Errorf("parse alertmanager.yml: %w", err)
	}
	return c, nil
}

func checkAlertmanager(d deployment) error {
	text := d[alertmanagerFile]
	if err := amtool(text); err != nil {
		return err
	}
	c, err := parseAlertmanager(text)
	if err != nil {
		return err
	}
	f := &faults{}
	f.check(slices.Equal(c.Route.GroupBy, []string{"alertname", "account", "region"}), "alerts are grouped by %v", c.Route.GroupBy)
	for _, i := range c.Inhibit {
		// Labels that both alerts lack count as equal, so each must be required.
		for _, label := range i.Equal {
			if label == "account" || label == "region" { // every alert of a function has them
				continue
			}
			want := label + `=~".+"`
			f.check(slices.Contains(i.Source, want) && slices.Contains(i.Target, want), "an inhibition by equal %s does not require it", label)
		}
	}
	f.check(c.mutes("FaaswardenDown"), "FaaswardenDown does not mute the other alerts")
	f.check(c.mutesNear("FaaswardenAPIBudget"), "FaaswardenAPIBudget, used up, does not mute that it is near its end")
	return f.err()
}

// mutes says whether an alert of a name mutes every other alert of faaswarden's.
func (c alertmanagerConfig) mutes(name string) bool {
	for _, i := range c.Inhibit {
		if slices.Equal(i.Source, []string{`alertname="` + name + `"`}) && slices.Contains(i.Target, `alertname!="`+name+`"`) && len(i.Equal) == 0 {
			return true
		}
	}
	return false
}

// mutesNear says whether the critical alert of a name mutes its warning.
func (c alertmanagerConfig) mutesNear(name string) bool {
	of := func(matchers []string, severity string) bool {
		return slices.Contains(matchers, `alertname="`+name+`"`) && slices.Contains(matchers, `severity="`+severity+`"`)
	}
	for _, i := range c.Inhibit {
		if of(i.Source, "critical") && of(i.Target, "warning") {
			return true
		}
	}
	return false
}

func TestAlertmanager(t *testing.T) {
	t.Parallel()
	mutate(t, checkAlertmanager, load(t, alertmanagerFile), []mutation{
		{"no receiver", alertmanagerFile, "receiver: team", "receiver: nobody", "amtool"},
		{"an unknown key", alertmanagerFile, "inhibit_rules:", "inhibitions:", "amtool"},
		{"a matcher that is none", alertmanagerFile, `severity="critical", function`, `severity critical, function`, "amtool"},
		{"no address", alertmanagerFile, "  slack_api_url_file: /run/secrets/alertmanager_slack_url\n", "  resolve_timeout: 5m\n", "amtool"},
		{"other groups", alertmanagerFile, "group_by: [alertname, account, region]", "group_by: [alertname]", "alerts are grouped by"},
		{"missing labels are equal", alertmanagerFile, `[severity="critical", function=~".+"]`, `[severity="critical"]`, "by equal function does not require it"},
		{"a budget that pages twice", alertmanagerFile, `[alertname="FaaswardenAPIBudget", severity="warning"`, `[alertname="FaaswardenAPIBudget", severity="info"`, "does not mute that it is near"},
		{"a daemon that is down and speaks", alertmanagerFile, `[alertname="FaaswardenDown"]`, `[alertname="FaaswardenAway"]`, "FaaswardenDown does not mute"},
	})
}

// routes says where Alertmanager sends an alert, as its own tool reads the file.
func routes(t *testing.T, labels ...string) string {
	t.Helper()
	args := append([]string{"config", "routes", "test", "--config.file", filepath.Join(root, alertmanagerFile)}, labels...)
	out, err := exec.CommandContext(t.Context(), "amtool", args...).Output()
	if err != nil {
		t.Fatal(err)
	}
	return strings.TrimSpace(string(out))
}

// Whatever its severity, an alert reaches the team.
func TestAlertsReachTheTeam(t *testing.T) {
	t.Parallel()
	for _, severity := range []string{"critical", "warning", "info", "other"} {
		if got := routes(t, "alertname=FaaswardenLoopConfirmed", "severity="+severity, "account=111122223333"); got != "team" {
			t.Errorf("%s goes to %q", severity, got)
		}
	}
}

// dataSources is Grafana's provisioning of data sources, every key of it.
type dataSources struct {
	APIVersion int `yaml:"apiVersion"`
	List       []struct {
		Name      string            `yaml:"name"`
		UID       string            `yaml:"uid"`
		Type      string            `yaml:"type"`
		Access    string            `yaml:"access"`
		URL       string            `yaml:"url"`
		IsDefault bool              `yaml:"isDefault"`
		Editable  bool              `yaml:"editable"`
		JSON      map[string]any    `yaml:"jsonData"`
		Secure    map[string]string `yaml:"secureJsonData"`
	} `yaml:"datasources"`
}

// providers is Grafana's provisioning of boards.
type providers struct {
	APIVersion int `yaml:"apiVersion"`
	List       []struct {
		Name            string `yaml:"name"`
		Type            string `yaml:"type"`
		Folder          string `yaml:"folder"`
		FolderUID       string `yaml:"folderUid"`
		DisableDeletion bool   `yaml:"disableDeletion"`
		AllowUIUpdates  bool   `yaml:"allowUiUpdates"`
		Interval        int    `yaml:"updateIntervalSeconds"`
		Options         struct {
			Path string `yaml:"path"`
		} `yaml:"options"`
	} `yaml:"providers"`
}

func strict(text []byte, v any) error {
	return yaml.NewDecoder(bytes.NewReader(text), yaml.Strict()).Decode(v)
}

func checkGrafana(d deployment) error {
	f := &faults{}
	var sources dataSources
	if err := strict(d[dataSourcesFile], &sources); err != nil {
		return fmt.Errorf("data sources: %w", err)
	}
	f.check(sources.APIVersion == 1, "data sources: apiVersion is %d", sources.APIVersion)
	types := map[string]string{}
	defaults := 0
	for _, s := range sources.List {
		types[s.UID] = s.Type
		if s.IsDefault {
			defaults++
		}
		for key, value := range s.Secure {
			f.check(strings.HasPrefix(value, "$__file{/run/secrets/"), "data source %s: %s is given in the file", s.Name, key)
		}
		f.check(!s.Editable, "data source %s can be edited, and edits are lost", s.Name)
	}
	f.check(types["prometheus"] == "prometheus" && types["clickhouse"] == "grafana-clickhouse-datasource" && len(types) == 2, "the boards want the data sources prometheus and clickhouse, not %v", types)
	f.check(defaults == 1, "%d data sources are the default", defaults)
	var boards providers
	if err := strict(d[providersFile], &boards); err != nil {
		return fmt.Errorf("boards: %w", err)
	}
	f.check(boards.APIVersion == 1 && len(boards.List) == 1, "boards: apiVersion %d, %d providers", boards.APIVersion, len(boards.List))
	for _, p := range boards.List {
		f.check(p.Type == "file" && p.Folder == "faaswarden", "boards of the type %q go to the folder %q", p.Type, p.Folder)
		f.check(!p.AllowUIUpdates && p.DisableDeletion, "boards can be edited or deleted, and come back")
	}
	return f.err()
}

func TestGrafana(t *testing.T) {
	t.Parallel()
	mutate(t, checkGrafana, load(t, dataSourcesFile, providersFile), []mutation{
		{"an unknown key", dataSourcesFile, "isDefault:", "default:", "data sources:"},
		{"another uid", dataSourcesFile, "uid: clickhouse", "uid: store", "the boards want"},
		{"another plugin", dataSourcesFile, "type: grafana-clickhouse-datasource", "type: vertamedia-clickhouse-datasource", "the boards want"},
		{"a password", dataSourcesFile, "$__file{/run/secrets/clickhouse_reader_password}", "grafana", "password is given in the file"},
		{"no default", dataSourcesFile, "isDefault: true", "isDefault: false", "0 data sources are the default"},
		{"edits", dataSourcesFile, "editable: false", "editable: true", "can be edited"},
		{"an unknown option", providersFile, "      path:", "      paths:", "boards:"},
		{"another folder", providersFile, "folder: faaswarden", "folder: General", `the folder "General"`},
		{"edited boards", providersFile, "allowUiUpdates: false", "allowUiUpdates: true", "can be edited"},
	})
}
