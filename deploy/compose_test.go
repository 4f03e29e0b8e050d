package deploy

import (
	"context"
	"fmt"
	"maps"
	"path/filepath"
	"regexp"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/compose-spec/compose-go/v2/loader"
	"github.com/compose-spec/compose-go/v2/types"
)

// required are the variables that the compose file will not do without.
var required = types.Mapping{"AWS_REGION": "eu-west-1"}

// loadCompose reads the file as docker compose does: schema, interpolation,
// references between its parts.
func loadCompose(text []byte, environment types.Mapping) (*types.Project, error) {
	dir, err := filepath.Abs(root)
	if err != nil {
		return nil, err
	}
	return loader.LoadWithContext(context.Background(), types.ConfigDetails{
		WorkingDir:  dir,
		ConfigFiles: []types.ConfigFile{{Filename: filepath.Join(dir, composeFile), Content: text}},
		Environment: maps.Clone(environment), // the loader adds to it
	}, func(o *loader.Options) { o.SetProjectName("faaswarden", true) })
}

// published are the ports that a person on the machine may open, by service.
var published = map[string]string{"faaswarden": "9847", "prometheus": "9090", "alertmanager": "9093", "grafana": "3000"}

// checkCompose holds what every service of the compose file promises.
func checkCompose(d deployment) error {
	p, err := loadCompose(d[composeFile], required)
	if err != nil {
		return err
	}
	f := &faults{}
	want := append(slices.Sorted(maps.Keys(published)), "clickhouse")
	slices.Sort(want)
	f.check(slices.Equal(p.ServiceNames(), want), "services are %v, want %v", p.ServiceNames(), want)
	for _, name := range p.ServiceNames() {
		s := p.Services[name]
		for _, check := range []func(*faults, types.ServiceConfig){hardened, bounded, watched, reachable, mounted} {
			found := &faults{}
			check(found, s)
			for _, err := range found.list {
				f.add(fmt.Errorf("service %s: %w", name, err))
			}
		}
	}
	secretsAgree(f, p)
	networksAgree(f, p)
	return f.err()
}

// hardened: what a container that was taken over cannot do.
func hardened(f *faults, s types.ServiceConfig) {
	f.add(pinned(s.Image))
	f.check(s.ReadOnly, "its root file system is writable")
	f.check(slices.Equal(s.CapDrop, []string{"ALL"}) && len(s.CapAdd) == 0, "it keeps capabilities: drop %v, add %v", s.CapDrop, s.CapAdd)
	f.check(slices.Contains(s.SecurityOpt, "no-new-privileges:true"), "it may gain privileges")
	f.check(!s.Privileged && s.NetworkMode == "" && s.Pid == "" && s.Ipc == "", "it shares the machine's privileges or namespaces")
	uid, _, _ := strings.Cut(s.User, ":")
	f.check(positive(uid), "it runs as the user %q, want a number other than 0", s.User)
	for key, value := range s.Environment {
		secret := secretName.MatchString(key) && !strings.HasSuffix(key, "__FILE")
		f.check(!secret || value == nil || *value == "", "%s is given in the file", key)
	}
}

// bounded: what it cannot take from its neighbours.
func bounded(f *faults, s types.ServiceConfig) {
	if s.Deploy == nil || s.Deploy.Resources.Limits == nil {
		f.check(false, "it has no limits")
		return
	}
	limits := s.Deploy.Resources.Limits
	f.check(limits.MemoryBytes > 0 && limits.NanoCPUs > 0 && limits.Pids > 0, "it lacks a limit of memory, CPU or processes")
	f.check(s.Logging != nil && s.Logging.Options["max-size"] != "" && s.Logging.Options["max-file"] != "", "its log grows without end")
}

// watched: it comes back, and others wait until it is well.
func watched(f *faults, s types.ServiceConfig) {
	f.check(s.Restart == "unless-stopped", "restart is %q", s.Restart)
	if s.HealthCheck == nil || s.HealthCheck.Disable {
		f.check(false, "it has no health check")
		return
	}
	f.check(len(s.HealthCheck.Test) > 1 && s.HealthCheck.Test[0] == "CMD", "its health check needs a shell: %v", s.HealthCheck.Test)
	f.check(strings.Contains(strings.Join(s.HealthCheck.Test, " "), "http://127.0.0.1:"), "its health check asks another host: %v", s.HealthCheck.Test)
	f.check(s.HealthCheck.Timeout != nil && *s.HealthCheck.Timeout <= types.Duration(10*time.Second), "its health check may hang")
}

// reachable: from this machine, and only where that is meant.
func reachable(f *faults, s types.ServiceConfig) {
	want, ok := published[s.Name]
	f.check(ok == (len(s.Ports) == 1), "it publishes %d ports", len(s.Ports))
	for _, port := range s.Ports {
		f.check(port.HostIP == "127.0.0.1", "port %s is published on %q, want 127.0.0.1", port.Published, port.HostIP)
		f.check(port.Published == want && fmt.Sprint(port.Target) == want, "port %s is published as %s, want %s", fmt.Sprint(port.Target), port.Published, want)
	}
}

// mounted: what it is given of the repository exists and cannot be written.
func mounted(f *faults, s types.ServiceConfig) {
	for _, v := range s.Volumes {
		if v.Type != types.VolumeTypeBind {
			continue
		}
		source, err := repositoryPath(v.Source)
		f.add(err)
		if err == nil {
			f.add(exists(source))
		}
		f.check(v.ReadOnly, "%s can be written", source)
	}
}

// repositoryPath is a path of a loaded compose file as the repository has it.
func repositoryPath(path string) (string, error) {
	dir, err := filepath.Abs(root)
	if err != nil {
		return "", err
	}
	rel, err := filepath.Rel(dir, path)
	if err != nil || strings.HasPrefix(rel, "..") {
		return "", fmt.Errorf("%s is outside of the repository", path)
	}
	return filepath.ToSlash(rel), nil
}

// secretFiles are what deploy/secrets.sh makes; TestSecretsScript runs it.
var secretFiles = []string{
	"alertmanager_slack_url.txt", "clickhouse_passwords.xml", "clickhouse_reader_password.txt",
	"clickhouse_writer_password.txt", "grafana_admin_password.txt",
}

func secretsAgree(f *faults, p *types.Project) {
	used := map[string]bool{}
	for _, s := range p.Services {
		for _, secret := range s.Secrets {
			_, declared := p.Secrets[secret.Source]
			f.check(declared, "service %s: the secret %s is not declared", s.Name, secret.Source)
			used[secret.Source] = true
		}
	}
	for name, secret := range p.Secrets {
		f.check(used[name], "the secret %s is used by no service", name)
		path, err := repositoryPath(secret.File)
		f.add(err)
		dir, file := filepath.Split(path)
		f.check(dir == "deploy/secrets/" && slices.Contains(secretFiles, file), "the secret %s is %q, which deploy/secrets.sh does not make", name, path)
	}
}

func networksAgree(f *faults, p *types.Project) {
	for name, n := range p.Networks {
		f.check(bool(n.Internal) == (name != "outside"), "network %s: internal is %v", name, n.Internal)
	}
	for network := range p.Services["clickhouse"].Networks {
		f.check(network == "store", "the ClickHouse server is on the network %s", network)
	}
	_, metrics := p.Services["prometheus"].Networks["store"]
	f.check(!metrics, "Prometheus is on the ClickHouse server's network")
	for _, edge := range [][2]string{{"faaswarden", "clickhouse"}, {"grafana", "clickhouse"}, {"prometheus", "faaswarden"}, {"prometheus", "alertmanager"}, {"grafana", "prometheus"}} {
		f.check(share(p, edge[0], edge[1]), "%s cannot reach %s: they share no network", edge[0], edge[1])
	}
	for _, edge := range [][2]string{{"faaswarden", "clickhouse"}, {"grafana", "prometheus"}, {"prometheus", "alertmanager"}} {
		got := p.Services[edge[0]].DependsOn[edge[1]].Condition
		f.check(got == types.ServiceConditionHealthy, "%s does not wait until %s is healthy: %q", edge[0], edge[1], got)
	}
}

// share says whether two services meet on a network that carries nothing else out.
func share(p *types.Project, a, b string) bool {
	for name := range p.Services[a].Networks {
		if _, ok := p.Services[b].Networks[name]; ok && bool(p.Networks[name].Internal) {
			return true
		}
	}
	return false
}

var (
	imagePattern = regexp.MustCompile(`^([a-z0-9.-]+(?::\d+)?/)*[a-z0-9._-]+:v?\d+\.\d+\.\d+(\.\d+)?(-[a-z0-9.-]+)?$`)
	basePattern  = regexp.MustCompile(`^debian:\d+\.\d+-slim$`) // Debian's point releases have two numbers
)

// pinned wants an image's version whole: what a tag of fewer numbers names changes.
func pinned(image string) error {
	if !imagePattern.MatchString(image) && !basePattern.MatchString(image) {
		return fmt.Errorf("image %q is not pinned to a whole version", image)
	}
	return nil
}

// secretName is what a variable or key that holds a secret is called.
var secretName = regexp.MustCompile(`(?i)(password|passwd|secret|token|api_?key|access_key|credential)`)

func TestCompose(t *testing.T) {
	t.Parallel()
	mutate(t, checkCompose, load(t, composeFile), []mutation{
		{"no YAML", composeFile, "services:", "services", "yaml"},
		{"an unknown key", composeFile, "    healthcheck:\n", "    healthcheks:\n", "healthcheks"},
		{"latest", composeFile, "grafana/grafana:12.4.4", "grafana/grafana:latest", `"grafana/grafana:latest" is not pinned`},
		{"no tag", composeFile, "prom/prometheus:v3.14.0", "prom/prometheus", "is not pinned"},
		{"a floating major", composeFile, "prom/alertmanager:v0.33.1", "prom/alertmanager:v0", "is not pinned"},
		{"a floating minor", composeFile, "clickhouse/clickhouse-server:26.3.17.4", "clickhouse/clickhouse-server:26.3", "is not pinned"},
		{"open to the network", composeFile, "127.0.0.1:3000:3000", "3000:3000", "want 127.0.0.1"},
		{"open on every address", composeFile, "127.0.0.1:9090:9090", "0.0.0.0:9090:9090", "want 127.0.0.1"},
		{"a wrong port", composeFile, `ports: ["127.0.0.1:9847:9847"]`, `ports: ["127.0.0.1:9847:9848"]`, "port 9848 is published as 9847"},
		{"a published store", composeFile, "    stop_grace_period: 1m\n", "    stop_grace_period: 1m\n    ports: [\"127.0.0.1:8123:8123\"]\n", "service clickhouse: it publishes 1 ports"},
		{"a default password", composeFile, "GF_SECURITY_ADMIN_PASSWORD__FILE: /run/secrets/grafana_admin_password", "GF_SECURITY_ADMIN_PASSWORD: admin", "GF_SECURITY_ADMIN_PASSWORD is given in the file"},
		{"a default key", composeFile, "AWS_SECRET_ACCESS_KEY:\n", "AWS_SECRET_ACCESS_KEY: ${KEY:-secret}\n", "AWS_SECRET_ACCESS_KEY is given in the file"},
		{"an undeclared secret", composeFile, "secrets: [alertmanager_slack_url]", "secrets: [slack_url]", "slack_url"},
		{"an unused secret", composeFile, "    secrets: [alertmanager_slack_url]\n", "", "alertmanager_slack_url is used by no service"},
		{"a secret nobody makes", composeFile, "secrets/grafana_admin_password.txt", "secrets/grafana.txt", "deploy/secrets.sh does not make"},
		{"a missing file", composeFile, "./deploy/clickhouse/users.d/faaswarden.xml", "./deploy/clickhouse/users.xml", "deploy/clickhouse/users.xml does not exist"},
		{"a file outside", composeFile, "./deploy/alertmanager:", "/etc/alertmanager:", "outside of the repository"},
		{"a writable file", composeFile, "/etc/grafana/provisioning:ro", "/etc/grafana/provisioning", "deploy/grafana/provisioning can be written"},
		{"a root user", composeFile, `user: "472:0"`, `user: "0:0"`, `runs as the user "0:0"`},
		{"the image's user", composeFile, `    user: "472:0" # grafana, as the image makes it` + "\n", "", `runs as the user ""`},
		{"writable", composeFile, "  read_only: true\n", "", "its root file system is writable"},
		{"capabilities", composeFile, "  cap_drop: [ALL]\n", "", "it keeps capabilities"},
		{"more privileges", composeFile, `["no-new-privileges:true"]`, "[]", "it may gain privileges"},
		{"privileged", composeFile, "    stop_grace_period: 1m\n", "    privileged: true\n", "shares the machine's privileges"},
		{"no memory limit", composeFile, `limits: { cpus: "1", memory: 512m, pids: 256 }`, `limits: { cpus: "1", pids: 256 }`, "it lacks a limit of memory"},
		{"endless logs", composeFile, "      max-size: 10m\n", "", "its log grows without end"},
		{"no restart", composeFile, "  restart: unless-stopped\n", "", `restart is ""`},
		{"a shell in the check", composeFile, `["CMD", "wget", "-q", "--spider", "http://127.0.0.1:3000/api/health"]`, `wget -q http://127.0.0.1:3000/api/health`, "its health check needs a shell"},
		{"an open store network", composeFile, "store: { internal: true }", "store: {}", "network store: internal is false"},
		{"a store that reaches out", composeFile, "networks: [store]", "networks: [store, outside]", "the ClickHouse server is on the network outside"},
		{"no way to the daemon", composeFile, "networks: [store, metrics, outside]\n    ports: [\"127.0.0.1:9847:9847\"]", "networks: [store, outside]\n    ports: [\"127.0.0.1:9847:9847\"]", "prometheus cannot reach faaswarden"},
		{"no waiting", composeFile, "      clickhouse: { condition: service_healthy }\n    stop_grace_period: 30s", "      clickhouse: { condition: service_started }\n    stop_grace_period: 30s", "faaswarden does not wait until clickhouse is healthy"},
		{"a lost service", composeFile, "      prometheus: { condition: service_healthy }", "      prom: { condition: service_healthy }", "prom"},
		{"an undeclared volume", composeFile, "- grafana:/var/lib/grafana", "- boards:/var/lib/grafana", "boards"},
	})
}

// What has no default stops docker compose, with words.
func TestComposeWantsARegion(t *testing.T) {
	t.Parallel()
	_, err := loadCompose(read(t, composeFile), types.Mapping{})
	if err == nil || !strings.Contains(err.Error(), "set AWS_REGION to the region to read") {
		t.Errorf("without AWS_REGION: %v", err)
	}
}

// Credentials reach the daemon from the environment when they are there, and
// leave no trace when they are not.
func TestComposePassesCredentialsOn(t *testing.T) {
	t.Parallel()
	environment := types.Mapping{"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE", "AWS_CONFIG_DIR": "/home/me/.aws", "FAASWARDEN_UID": "1000"}
	p, err := loadCompose(read(t, composeFile), environment)
	if err != nil {
		t.Fatal(err)
	}
	s := p.Services["faaswarden"]
	for name, want := range map[string]string{"AWS_REGION": "us-east-1", "AWS_ACCESS_KEY_ID": "AKIAEXAMPLE"} {
		if got := s.Environment[name]; got == nil || *got != want {
			t.Errorf("%s is %v, want %s", name, got, want)
		}
	}
	if got := s.Environment["AWS_SESSION_TOKEN"]; got != nil {
		t.Errorf("AWS_SESSION_TOKEN is %q without being set", *got)
	}
	if s.User != "1000:65532" {
		t.Errorf("the user is %s", s.User)
	}
	if !slices.ContainsFunc(s.Volumes, func(v types.ServiceVolumeConfig) bool {
		return v.Source == "/home/me/.aws" && v.Target == "/home/faaswarden/.aws" && v.ReadOnly
	}) {
		t.Errorf("profiles are not mounted read-only: %+v", s.Volumes)
	}
}
