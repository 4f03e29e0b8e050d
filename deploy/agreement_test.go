package deploy

import (
	"fmt"
	"net"
	"net/url"
	"path"
	"path/filepath"
	"slices"
	"strconv"
	"strings"
	"testing"

	"github.com/compose-spec/compose-go/v2/types"

	"github.com/faaswarden/faaswarden/analyzers"
	"github.com/faaswarden/faaswarden/collector"
	"github.com/faaswarden/faaswarden/internal/config"
	"github.com/faaswarden/faaswarden/internal/store"
)

// suites are what the daemon's configuration is checked against.
func suites() config.Suites {
	return config.Suites{Collectors: collector.Suite, Analyzers: analyzers.Suite}
}

// told is one file's word on something that several files tell.
type told struct{ by, what string }

// agree wants one answer from all, and the one that is expected.
func agree(f *faults, about, want string, all ...told) {
	for _, t := range all {
		f.check(t.what == want, "%s: %s says %q, want %q", about, t.by, t.what, want)
	}
}

// parts are the files of the composed deployment, read.
type parts struct {
	project    *types.Project
	daemon     *config.Config
	dsn        *url.URL
	prometheus prometheusConfig
	alerts     alertmanagerConfig
	sources    dataSources
	boards     providers
	users      *node
}

func parse(d deployment) (parts, error) {
	var p parts
	f := &faults{}
	keep := func(err error) { f.add(err) }
	var err error
	p.project, err = loadCompose(d[composeFile], required)
	keep(err)
	p.daemon, err = config.Parse(d[composeConfig], suites())
	keep(err)
	if p.daemon != nil {
		keep(store.CheckAddress(string(p.daemon.Store.DSN)))
		p.dsn, err = url.Parse(string(p.daemon.Store.DSN))
		keep(err)
	}
	p.prometheus, err = parsePrometheus(d[prometheusFile])
	keep(err)
	p.alerts, err = parseAlertmanager(d[alertmanagerFile])
	keep(err)
	keep(strict(d[dataSourcesFile], &p.sources))
	keep(strict(d[providersFile], &p.boards))
	p.users, err = parseXML(d[usersFile])
	keep(err)
	return p, f.err()
}

// checkAgreement holds what two files or more say of one thing.
func checkAgreement(d deployment) error {
	p, err := parse(d)
	if err != nil {
		return err
	}
	f := &faults{}
	p.daemonAgrees(f)
	p.storeAgrees(f)
	p.metricsAgree(f)
	p.secretsAgree(f)
	p.mountsAgree(f)
	return f.err()
}

func port(address string) string {
	_, port, err := net.SplitHostPort(address)
	if err != nil {
		return err.Error()
	}
	return port
}

// daemonAgrees: where the daemon listens.
func (p parts) daemonAgrees(f *faults) {
	const want = "9847"
	service := p.project.Services["faaswarden"]
	check, err := url.Parse(service.HealthCheck.Test[len(service.HealthCheck.Test)-1])
	f.add(err)
	agree(f, "the daemon's port", want,
		told{"the default of web.listen", port(config.Default().Web.Listen)},
		told{composeConfig, port(p.daemon.Web.Listen)},
		told{composeFile, fmt.Sprint(service.Ports[0].Target)},
		told{"the health check", check.Port()})
	f.check(strings.HasPrefix(p.daemon.Web.Listen, "0.0.0.0:"), "%s listens on %s, which other containers cannot reach", composeConfig, p.daemon.Web.Listen)
	f.check(slices.Equal(service.Command, []string{"run", "--config", "/etc/faaswarden/faaswarden.yml"}), "the daemon is started with %v", service.Command)
	f.check(service.Build != nil && service.Build.Target == "server", "%s builds another image than the server's", composeFile)
	if service.Build != nil {
		f.add(exists(filepath.Join(service.Build.Dockerfile)))
	}
}

// storeAgrees: where the rows are, who writes and who reads them.
func (p parts) storeAgrees(f *faults) {
	source := p.source("clickhouse")
	agree(f, "the database", store.DefaultDatabase,
		told{composeConfig, strings.TrimPrefix(p.dsn.Path, "/")},
		told{dataSourcesFile, fmt.Sprint(source["defaultDatabase"])})
	for _, user := range []string{writerUser, readerUser} {
		for _, grant := range p.users.at("users", user, "grants").values("query") {
			_, on, _ := strings.Cut(grant, " ON ")
			f.check(strings.HasPrefix(on, store.DefaultDatabase+".") || strings.HasPrefix(on, "system."), "the grants of %s name %s", user, on)
		}
	}
	agree(f, "the writer", writerUser, told{composeConfig, p.dsn.User.Username()}, told{usersFile, name(p.users.at("users", writerUser))})
	agree(f, "the reader", readerUser, told{dataSourcesFile, fmt.Sprint(source["username"])}, told{usersFile, name(p.users.at("users", readerUser))})
	agree(f, "the store's host", "clickhouse", told{composeConfig, p.dsn.Hostname()}, told{dataSourcesFile, fmt.Sprint(source["host"])}, told{composeFile, p.project.Services["clickhouse"].Name})
	agree(f, "the store's port", "9000", told{composeConfig, p.dsn.Port()}, told{dataSourcesFile, fmt.Sprint(source["port"])})
	f.check(fmt.Sprint(source["protocol"]) == "native" && p.dsn.Scheme == "clickhouse", "port 9000 speaks the native protocol, not %v and %s", source["protocol"], p.dsn.Scheme)
	// The driver asks for 5 seconds more than the data source's limit.
	longest := number(p.users.value("profiles", readerUser, "constraints", "max_execution_time", "max"))
	limit, err := strconv.Atoi(fmt.Sprint(source["queryTimeout"]))
	f.check(err == nil && limit > 0 && limit+5 <= longest, "a query may take %v s in Grafana, and %d s in ClickHouse", source["queryTimeout"], longest)
}

func name(n *node) string {
	if n == nil {
		return ""
	}
	return n.XMLName.Local
}

func (p parts) source(uid string) map[string]any {
	for _, s := range p.sources.List {
		if s.UID == uid {
			return s.JSON
		}
	}
	return nil
}

// metricsAgree: who scrapes whom, and tells whom.
func (p parts) metricsAgree(f *faults) {
	agree(f, "the daemon's address", "faaswarden:9847", told{prometheusFile, target(p.prometheus.job("faaswarden").Static)})
	alertmanager := ""
	if len(p.prometheus.Alerting.Alertmanagers) == 1 {
		alertmanager = target(p.prometheus.Alerting.Alertmanagers[0].Static)
	}
	agree(f, "Alertmanager's address", "alertmanager:9093", told{prometheusFile, alertmanager}, told{"its own scrape", target(p.prometheus.job("alertmanager").Static)})
	for _, s := range p.sources.List {
		if s.UID == "prometheus" {
			agree(f, "Prometheus' address", "http://prometheus:9090", told{dataSourcesFile, s.URL})
			agree(f, "the scrape interval", p.prometheus.Global.ScrapeInterval.String(), told{dataSourcesFile, fmt.Sprint(s.JSON["timeInterval"])})
		}
	}
}

// target is the one target of a list.
func target(list []staticTargets) string {
	if len(list) != 1 || len(list[0].Targets) != 1 {
		return fmt.Sprint(list)
	}
	return list[0].Targets[0]
}

// secretsAgree: a secret that a program opens is one that its service is given.
func (p parts) secretsAgree(f *faults) {
	opened := map[string][]string{
		"faaswarden":   {p.daemon.Store.PasswordFile},
		"alertmanager": {fmt.Sprint(p.alerts.Global["slack_api_url_file"])},
	}
	for _, s := range p.sources.List {
		for _, value := range s.Secure {
			opened["grafana"] = append(opened["grafana"], strings.TrimSuffix(strings.TrimPrefix(value, "$__file{"), "}"))
		}
	}
	for key, value := range p.project.Services["grafana"].Environment {
		if strings.HasSuffix(key, "__FILE") {
			opened["grafana"] = append(opened["grafana"], *value)
		}
	}
	for service, files := range opened {
		for _, file := range files {
			f.check(slices.ContainsFunc(p.project.Services[service].Secrets, func(s types.ServiceSecretConfig) bool {
				return path.Join("/run/secrets", s.Source) == file
			}), "%s opens %s, which it is not given", service, file)
		}
	}
	clickhouse := p.project.Services["clickhouse"].Secrets
	f.check(len(clickhouse) == 1 && strings.HasPrefix(clickhouse[0].Target, "/etc/clickhouse-server/users.d/") && strings.HasSuffix(clickhouse[0].Target, ".xml"),
		"the ClickHouse server does not merge the passwords: %v", clickhouse)
}

// mountsAgree: a file that a program is told of is where the program is told.
func (p parts) mountsAgree(f *faults) {
	grafana := p.project.Services["grafana"]
	boards := p.boards.List[0].Options.Path
	agree(f, "the boards' folder", "deploy/grafana/dashboards", told{providersFile, source(grafana, boards)})
	home := grafana.Environment["GF_DASHBOARDS_DEFAULT_HOME_DASHBOARD_PATH"]
	f.check(home != nil && path.Dir(*home) == boards, "Grafana's home is not one of the boards: %v", home)
	agree(f, "the provisioning", "deploy/grafana/provisioning", told{composeFile, source(grafana, "/etc/grafana/provisioning")})
	for _, c := range []struct{ service, flag, folder string }{
		{"prometheus", "--config.file", path.Dir(prometheusFile)}, {"alertmanager", "--config.file", path.Dir(alertmanagerFile)},
	} {
		service := p.project.Services[c.service]
		file := flag(service, c.flag)
		agree(f, c.service+"'s configuration", c.folder+"/"+path.Base(file), told{composeFile, path.Join(source(service, path.Dir(file)), path.Base(file))})
		f.add(exists(path.Join(source(service, path.Dir(file)), path.Base(file))))
	}
	for _, c := range []struct{ service, flag string }{{"prometheus", "--storage.tsdb.path"}, {"alertmanager", "--storage.path"}} {
		service := p.project.Services[c.service]
		f.check(volume(service, flag(service, c.flag)) == c.service, "%s keeps its data in %s, which is no volume of its own", c.service, flag(service, c.flag))
	}
	f.check(volume(grafana, "/var/lib/grafana") == "grafana", "Grafana keeps its data in no volume")
	f.check(volume(p.project.Services["clickhouse"], "/var/lib/clickhouse") == "clickhouse", "ClickHouse keeps its data in no volume")
	for _, file := range []string{usersFile, serverFile} {
		inside := "/etc/clickhouse-server/" + strings.TrimPrefix(file, "deploy/clickhouse/")
		agree(f, "a file of the ClickHouse server", file, told{composeFile, source(p.project.Services["clickhouse"], inside)})
	}
	agree(f, "the daemon's configuration", composeConfig, told{composeFile, source(p.project.Services["faaswarden"], "/etc/faaswarden/faaswarden.yml")})
}

// flag is the value of a flag in a service's command.
func flag(s types.ServiceConfig, name string) string {
	for _, arg := range s.Command {
		if value, ok := strings.CutPrefix(arg, name+"="); ok {
			return value
		}
	}
	return ""
}

// source is the path in the repository that a service has at a target.
func source(s types.ServiceConfig, target string) string {
	for _, v := range s.Volumes {
		if v.Type == types.VolumeTypeBind && v.Target == target {
			path, err := repositoryPath(v.Source)
			if err != nil {
				return err.Error()
			}
			return path
		}
	}
	return ""
}

func volume(s types.ServiceConfig, target string) string {
	for _, v := range s.Volumes {
		if v.Type == types.VolumeTypeVolume && v.Target == target {
			return v.Source
		}
	}
	return ""
}

func TestFilesAgree(t *testing.T) {
	t.Parallel()
	d := load(t, composeFile, composeConfig, prometheusFile, alertmanagerFile, dataSourcesFile, providersFile, usersFile)
	mutate(t, checkAgreement, d, []mutation{
		{"an unknown key", composeConfig, "password_file:", "password_files:", "password_files"},
		{"an unknown level", composeConfig, "format: json", "format: xml", "log.format"},
		{"two passwords", composeConfig, "faaswarden_writer@", "faaswarden_writer:x@", "store.password_file is set beside a password"},
		{"another port", composeConfig, "0.0.0.0:9847", "0.0.0.0:9090", "the daemon's port"},
		{"loopback in a container", composeConfig, "0.0.0.0:9847", "127.0.0.1:9847", "other containers cannot reach"},
		{"another database", composeConfig, ":9000/faaswarden", ":9000/costs", "the database"},
		{"another user", composeConfig, "faaswarden_writer@", "default@", "the writer"},
		{"another host", composeConfig, "@clickhouse:", "@db:", "the store's host"},
		{"another protocol", composeConfig, "clickhouse://faaswarden_writer@clickhouse:9000", "http://faaswarden_writer@clickhouse:9000", "port 9000 speaks"},
		{"another secret", composeConfig, "/run/secrets/clickhouse_writer_password", "/run/secrets/writer", "faaswarden opens /run/secrets/writer"},
		{"a renamed user", usersFile, "grafana_reader>", "grafana>", "the reader"},
		{"grants elsewhere", usersFile, " ON faaswarden.*", " ON costs.*", "name costs.*"},
		{"a limit below Grafana's", usersFile, "<max>90</max>", "<max>30</max>", "a query may take"},
		{"a scrape of nobody", prometheusFile, "faaswarden:9847", "faaswarden:9090", "the daemon's address"},
		{"a lost job", prometheusFile, "job_name: faaswarden", "job_name: warden", "the daemon's address"},
		{"a lost Alertmanager", prometheusFile, "[alertmanager:9093]", "[alertmanager:9094]", "Alertmanager's address"},
		{"another secret of Alertmanager's", alertmanagerFile, "/run/secrets/alertmanager_slack_url", "/run/secrets/slack", "alertmanager opens /run/secrets/slack"},
		{"a lost Prometheus", dataSourcesFile, "http://prometheus:9090", "http://prom:9090", "Prometheus' address"},
		{"another interval", dataSourcesFile, "timeInterval: 1m", "timeInterval: 15s", "the scrape interval"},
		{"another reader", dataSourcesFile, "username: grafana_reader", "username: faaswarden_writer", "the reader"},
		{"another secret of Grafana's", dataSourcesFile, "clickhouse_reader_password", "clickhouse_writer_password", "grafana opens /run/secrets/clickhouse_writer_password"},
		{"the boards elsewhere", providersFile, "/etc/grafana/dashboards", "/var/lib/grafana/dashboards", "the boards' folder"},
		{"a home that is no board", composeFile, "/etc/grafana/dashboards/overview.json", "/var/lib/grafana/home.json", "Grafana's home"},
		{"boards not mounted", composeFile, "      - ./deploy/grafana/dashboards:/etc/grafana/dashboards:ro\n", "", "the boards' folder"},
		{"data in the container", composeFile, "--storage.tsdb.path=/prometheus", "--storage.tsdb.path=/data", "which is no volume"},
		{"passwords not merged", composeFile, "users.d/passwords.xml", "passwords.xml", "does not merge the passwords"},
		{"grants not mounted", composeFile, "      - ./deploy/clickhouse/users.d/faaswarden.xml:/etc/clickhouse-server/users.d/faaswarden.xml:ro\n", "", "a file of the ClickHouse server"},
		{"another image", composeFile, "target: server", "target: embedded", "builds another image"},
	})
}
