package deploy

import (
	"bufio"
	"errors"
	"fmt"
	"io"
	"io/fs"
	"maps"
	"path"
	"path/filepath"
	"slices"
	"strings"
	"testing"

	"helm.sh/helm/v3/pkg/chart"
	"helm.sh/helm/v3/pkg/chart/loader"
	"helm.sh/helm/v3/pkg/chartutil"
	"helm.sh/helm/v3/pkg/engine"
	apps "k8s.io/api/apps/v1"
	core "k8s.io/api/core/v1"
	networking "k8s.io/api/networking/v1"
	"k8s.io/apimachinery/pkg/util/yaml"
	strictyaml "sigs.k8s.io/yaml"

	"github.com/faaswarden/faaswarden/internal/config"
	"github.com/faaswarden/faaswarden/internal/store"
)

const chartFolder = "deploy/helm/faaswarden"

// rulesText and boardText stand in for the generated files, whose content
// others hold. Their braces must reach the cluster as they are.
const (
	rulesText = "# Code generated. DO NOT EDIT.\ngroups:\n  - name: faaswarden\n    rules:\n      - alert: FaaswardenDown\n        expr: up == 0\n        annotations:\n          summary: '{{ $labels.job }} is down'\n"
	boardText = `{"uid": "faaswarden-overview", "panels": [{"legendFormat": "{{account}}"}]}` + "\n"
)

// loadChart reads the chart without what is generated, which may be missing.
func loadChart(t testing.TB) deployment {
	t.Helper()
	d := deployment{}
	err := filepath.WalkDir(filepath.Join(root, chartFolder), func(file string, e fs.DirEntry, err error) error {
		if err != nil || e.IsDir() {
			return err
		}
		rel, err := filepath.Rel(root, file)
		if err != nil {
			return err
		}
		if rel = filepath.ToSlash(rel); !strings.HasPrefix(rel, chartFolder+"/files/") {
			d[rel] = read(t, rel)
		}
		return nil
	})
	if err != nil {
		t.Fatal(err)
	}
	return d
}

// withGenerated adds the stand-ins.
func withGenerated(d deployment) deployment {
	d = maps.Clone(d)
	d[chartFolder+"/files/faaswarden.rules.yml"] = []byte(rulesText)
	d[chartFolder+"/files/dashboards/overview.json"] = []byte(boardText)
	return d
}

// objects are a release's, decoded strictly into the types of their kinds.
type objects struct {
	deployments     []apps.Deployment
	statefulSets    []apps.StatefulSet
	services        []core.Service
	serviceAccounts []core.ServiceAccount
	configMaps      []core.ConfigMap
	policies        []networking.NetworkPolicy
	monitors        []serviceMonitor
	rules           []prometheusRule
	notes           string
}

// serviceMonitor and prometheusRule are what the chart uses of the Prometheus
// operator's kinds, every field of it.
type serviceMonitor struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Metadata   objectMetadata `json:"metadata"`
	Spec       struct {
		Selector struct {
			MatchLabels map[string]string `json:"matchLabels"`
		} `json:"selector"`
		Endpoints []struct {
			Port          string `json:"port"`
			Path          string `json:"path"`
			Interval      string `json:"interval"`
			ScrapeTimeout string `json:"scrapeTimeout"`
			Relabelings   []struct {
				TargetLabel string `json:"targetLabel"`
				Replacement string `json:"replacement"`
			} `json:"relabelings"`
		} `json:"endpoints"`
	} `json:"spec"`
}

type prometheusRule struct {
	APIVersion string         `json:"apiVersion"`
	Kind       string         `json:"kind"`
	Metadata   objectMetadata `json:"metadata"`
	Spec       struct {
		Groups []map[string]any `json:"groups"`
	} `json:"spec"`
}

type objectMetadata struct {
	Name   string            `json:"name"`
	Labels map[string]string `json:"labels"`
}

// render is helm template: the chart's loader, its schema, its engine.
func render(d deployment, values map[string]any) (objects, error) {
	var o objects
	var files []*loader.BufferedFile
	for name, text := range d {
		if rel, ok := strings.CutPrefix(name, chartFolder+"/"); ok {
			files = append(files, &loader.BufferedFile{Name: rel, Data: text})
		}
	}
	c, err := loader.LoadFiles(files)
	if err != nil {
		return o, fmt.Errorf("load the chart: %w", err)
	}
	texts, err := renderChart(c, values)
	if err != nil {
		return o, err
	}
	for _, name := range slices.Sorted(maps.Keys(texts)) {
		if path.Base(name) == "NOTES.txt" {
			o.notes = texts[name]
			continue
		}
		if err := o.decode(texts[name]); err != nil {
			return o, fmt.Errorf("%s: %w", name, err)
		}
	}
	return o, nil
}

func renderChart(c *chart.Chart, values map[string]any) (map[string]string, error) {
	if err := c.Validate(); err != nil {
		return nil, err
	}
	release := chartutil.ReleaseOptions{Name: "prod", Namespace: "finops", IsInstall: true, Revision: 1}
	all, err := chartutil.ToRenderValues(c, values, release, chartutil.DefaultCapabilities)
	if err != nil {
		return nil, fmt.Errorf("values: %w", err)
	}
	texts, err := engine.Engine{Strict: true, LintMode: false}.Render(c, all)
	if err != nil {
		return nil, fmt.Errorf("render: %w", err)
	}
	return texts, nil
}

// decode splits a file into documents and decodes each into the type of its kind.
func (o *objects) decode(text string) error {
	reader := yaml.NewYAMLReader(bufio.NewReader(strings.NewReader(text)))
	for {
		document, err := reader.Read()
		if errors.Is(err, io.EOF) {
			return nil
		}
		if err != nil {
			return err
		}
		if err := o.add(document); err != nil {
			return err
		}
	}
}

func (o *objects) add(document []byte) error {
	var kind struct {
		APIVersion string `json:"apiVersion"`
		Kind       string `json:"kind"`
	}
	if err := strictyaml.Unmarshal(document, &kind); err != nil {
		return err
	}
	switch kind.APIVersion + " " + kind.Kind {
	case " ":
		return nil // nothing but blanks and comments
	case "apps/v1 Deployment":
		return decodeInto(document, &o.deployments)
	case "apps/v1 StatefulSet":
		return decodeInto(document, &o.statefulSets)
	case "v1 Service":
		return decodeInto(document, &o.services)
	case "v1 ServiceAccount":
		return decodeInto(document, &o.serviceAccounts)
	case "v1 ConfigMap":
		return decodeInto(document, &o.configMaps)
	case "networking.k8s.io/v1 NetworkPolicy":
		return decodeInto(document, &o.policies)
	case "monitoring.coreos.com/v1 ServiceMonitor":
		return decodeInto(document, &o.monitors)
	case "monitoring.coreos.com/v1 PrometheusRule":
		return decodeInto(document, &o.rules)
	}
	return fmt.Errorf("%s %s is no kind that the chart makes", kind.APIVersion, kind.Kind)
}

func decodeInto[T any](document []byte, list *[]T) error {
	var v T
	if err := strictyaml.UnmarshalStrict(document, &v); err != nil {
		return err
	}
	*list = append(*list, v)
	return nil
}

// pod is the one pod template of a release.
func (o objects) pod() (core.PodTemplateSpec, error) {
	switch {
	case len(o.deployments) == 1 && len(o.statefulSets) == 0:
		return o.deployments[0].Spec.Template, nil
	case len(o.deployments) == 0 && len(o.statefulSets) == 1:
		return o.statefulSets[0].Spec.Template, nil
	}
	return core.PodTemplateSpec{}, fmt.Errorf("%d deployments and %d stateful sets", len(o.deployments), len(o.statefulSets))
}

// everything turns on all that is off by default.
func everything(flavour string) map[string]any {
	return map[string]any{
		"flavour":        flavour,
		"store":          map[string]any{"passwordSecret": map[string]any{"name": "faaswarden-store"}},
		"aws":            map[string]any{"region": "eu-west-1"},
		"serviceAccount": map[string]any{"roleArn": "arn:aws:iam::111122223333:role/faaswarden-collector"},
		"serviceMonitor": map[string]any{"enabled": true, "labels": map[string]any{"release": "prometheus"}},
		"prometheusRule": map[string]any{"enabled": true},
		"dashboards":     map[string]any{"enabled": true},
		"config": map[string]any{
			"aws":        map[string]any{"regions": []any{"eu-west-1", "us-east-1"}, "api_budget_usd_per_month": 10},
			"collectors": map[string]any{"functions": map[string]any{"get_function": false}},
		},
		"podLabels":    map[string]any{"team": "finops"},
		"nodeSelector": map[string]any{"kubernetes.io/arch": "amd64"},
		"extraEnv":     []any{map[string]any{"name": "HTTPS_PROXY", "value": "http://proxy:3128"}},
	}
}

// checkChart renders the chart both ways, bare and with everything on, without
// and with the generated files.
func checkChart(d deployment) error {
	f := &faults{}
	for _, c := range []struct {
		name      string
		values    map[string]any
		generated bool
	}{
		{"server, bare", map[string]any{}, false},
		{"embedded, bare", map[string]any{"flavour": "embedded"}, false},
		{"server, everything", everything("server"), true},
		{"embedded, everything", everything("embedded"), true},
		{"server, without the generated files", everything("server"), false},
	} {
		files := d
		if c.generated {
			files = withGenerated(d)
		}
		o, err := render(files, c.values)
		if err != nil {
			return fmt.Errorf("%s: %w", c.name, err)
		}
		found := &faults{}
		o.check(found, c.values)
		o.checkGenerated(found, c.values, c.generated)
		for _, err := range found.list {
			f.add(fmt.Errorf("%s: %w", c.name, err))
		}
	}
	f.add(valuesAgree(d))
	return f.err()
}

func (o objects) check(f *faults, values map[string]any) {
	embedded := values["flavour"] == "embedded"
	f.check((len(o.statefulSets) == 1) == embedded, "a stateful set: %v", len(o.statefulSets))
	pod, err := o.pod()
	if err != nil {
		f.add(err)
		return
	}
	f.check(len(o.services) == 1 && len(o.serviceAccounts) == 1 && len(o.policies) == 1, "%d services, %d service accounts, %d network policies", len(o.services), len(o.serviceAccounts), len(o.policies))
	restricted(f, pod.Spec)
	o.wired(f, pod)
	o.configured(f, pod.Spec, embedded)
	if embedded {
		claims := o.statefulSets[0].Spec.VolumeClaimTemplates
		f.check(len(claims) == 1 && claims[0].Name == "data", "%d volume claims", len(claims))
		f.check(*o.statefulSets[0].Spec.Replicas == 1, "%d replicas of one embedded store", *o.statefulSets[0].Spec.Replicas)
	} else {
		f.check(*o.deployments[0].Spec.Replicas == 1 && o.deployments[0].Spec.Strategy.Type == apps.RecreateDeploymentStrategyType, "two daemons would collect at once")
	}
	if role, ok := values["serviceAccount"].(map[string]any); ok {
		f.check(o.serviceAccounts[0].Annotations["eks.amazonaws.com/role-arn"] == role["roleArn"], "the IAM role does not reach the service account: %v", o.serviceAccounts[0].Annotations)
	} else {
		f.check(strings.Contains(o.notes, "no IAM role is given"), "the notes pass over the missing IAM role")
	}
}

// restricted is what the "restricted" Pod Security Standard demands, and more.
func restricted(f *faults, pod core.PodSpec) {
	s := pod.SecurityContext
	f.check(s != nil && s.RunAsNonRoot != nil && *s.RunAsNonRoot && s.RunAsUser != nil && *s.RunAsUser == 65532, "the pod may run as root, or as another user than the image's")
	f.check(s != nil && s.SeccompProfile != nil && s.SeccompProfile.Type == core.SeccompProfileTypeRuntimeDefault, "the pod has no seccomp profile")
	f.check(s != nil && s.FSGroup != nil && *s.FSGroup == 65532, "the volumes are not the user's")
	f.check(pod.AutomountServiceAccountToken != nil && !*pod.AutomountServiceAccountToken, "the pod is given a token of the cluster")
	f.check(!pod.HostNetwork && !pod.HostPID && !pod.HostIPC, "the pod shares the node's namespaces")
	for _, c := range pod.Containers {
		f.add(pinned(c.Image))
		k := c.SecurityContext
		f.check(k != nil && k.AllowPrivilegeEscalation != nil && !*k.AllowPrivilegeEscalation, "%s may gain privileges", c.Name)
		f.check(k != nil && k.ReadOnlyRootFilesystem != nil && *k.ReadOnlyRootFilesystem, "%s has a writable root file system", c.Name)
		f.check(k != nil && k.Capabilities != nil && slices.Equal(k.Capabilities.Drop, []core.Capability{"ALL"}) && len(k.Capabilities.Add) == 0, "%s keeps capabilities", c.Name)
		f.check(!c.Resources.Limits.Memory().IsZero() && !c.Resources.Requests.Memory().IsZero() && !c.Resources.Requests.Cpu().IsZero(), "%s lacks requests or a limit of memory", c.Name)
	}
}

// wired: what names another thing names one that exists.
func (o objects) wired(f *faults, pod core.PodTemplateSpec) {
	selects := func(what string, selector map[string]string) {
		f.check(len(selector) > 0, "%s selects everything", what)
		for key, value := range selector {
			f.check(pod.Labels[key] == value, "%s selects %s=%s, which the pod has not", what, key, value)
		}
	}
	selects("the service", o.services[0].Spec.Selector)
	selects("the network policy", o.policies[0].Spec.PodSelector.MatchLabels)
	for _, w := range o.deployments {
		selects("the deployment", w.Spec.Selector.MatchLabels)
	}
	for _, w := range o.statefulSets {
		selects("the stateful set", w.Spec.Selector.MatchLabels)
		f.check(w.Spec.ServiceName == o.services[0].Name, "the stateful set names the service %s", w.Spec.ServiceName)
	}
	f.check(pod.Spec.ServiceAccountName == o.serviceAccounts[0].Name, "the pod has the service account %s", pod.Spec.ServiceAccountName)
	container := pod.Spec.Containers[0]
	f.check(len(container.Ports) == 1 && container.Ports[0].ContainerPort == 9847, "the container has the ports %v", container.Ports)
	named := container.Ports[0].Name
	f.check(o.services[0].Spec.Ports[0].TargetPort.String() == named && o.services[0].Spec.Ports[0].Port == 9847, "the service leads to %v", o.services[0].Spec.Ports)
	f.check(o.policies[0].Spec.Ingress[0].Ports[0].Port.IntValue() == 9847, "the network policy admits %v", o.policies[0].Spec.Ingress[0].Ports)
	for path, probe := range map[string]*core.Probe{"/healthz": container.LivenessProbe, "/readyz": container.ReadinessProbe} {
		f.check(probe != nil && probe.HTTPGet != nil && probe.HTTPGet.Path == path && probe.HTTPGet.Port.String() == named, "no probe of %s", path)
	}
	f.check(container.StartupProbe != nil, "a slow start is taken for a death")
	volumes := map[string]core.Volume{}
	for _, v := range pod.Spec.Volumes {
		volumes[v.Name] = v
	}
	for _, s := range o.statefulSets {
		for _, claim := range s.Spec.VolumeClaimTemplates {
			volumes[claim.Name] = core.Volume{}
		}
	}
	for _, mount := range container.VolumeMounts {
		_, ok := volumes[mount.Name]
		f.check(ok, "the volume %s is mounted and does not exist", mount.Name)
	}
	f.check(len(volumes) == len(container.VolumeMounts), "%d volumes and %d mounts", len(volumes), len(container.VolumeMounts))
	for _, m := range o.monitors {
		selects("the service monitor", m.Spec.Selector.MatchLabels)
		for key, value := range m.Spec.Selector.MatchLabels {
			f.check(o.services[0].Labels[key] == value, "the service monitor selects %s=%s, which the service has not", key, value)
		}
		e := m.Spec.Endpoints[0]
		f.check(e.Port == o.services[0].Spec.Ports[0].Name && e.Path == "/metrics", "the service monitor reads %s of the port %s", e.Path, e.Port)
		f.check(len(e.Relabelings) == 1 && e.Relabelings[0].TargetLabel == "job" && e.Relabelings[0].Replacement == "faaswarden", "the job is not called faaswarden, as rules and boards ask")
	}
}

// configured: the daemon reads a configuration that it accepts, where it is mounted.
func (o objects) configured(f *faults, pod core.PodSpec, embedded bool) {
	i := slices.IndexFunc(o.configMaps, func(m core.ConfigMap) bool { return m.Data["faaswarden.yml"] != "" })
	if i < 0 {
		f.check(false, "there is no faaswarden.yml")
		return
	}
	container := pod.Containers[0]
	mounts := map[string]string{}
	for _, m := range container.VolumeMounts {
		mounts[m.Name] = m.MountPath
	}
	f.check(slices.Equal(container.Args, []string{"run", "--config", mounts["config"] + "/faaswarden.yml"}), "the daemon is started with %v", container.Args)
	daemon, err := config.Parse([]byte(o.configMaps[i].Data["faaswarden.yml"]), suites())
	if err != nil {
		f.add(err)
		return
	}
	f.add(store.CheckAddress(string(daemon.Store.DSN)))
	f.check(daemon.Web.Listen == "0.0.0.0:9847", "the daemon listens on %s", daemon.Web.Listen)
	f.check(daemon.Log.Format == "json", "the log's format is %s", daemon.Log.Format)
	f.check(strings.HasPrefix(string(daemon.Store.DSN), "embedded:"+mounts["data"]+"/") == embedded, "the store of the flavour is %s", string(daemon.Store.DSN))
	if file := daemon.Store.PasswordFile; file != "" {
		mounted := slices.ContainsFunc(pod.Volumes, func(v core.Volume) bool {
			return v.Secret != nil && len(v.Secret.Items) == 1 && mounts[v.Name]+"/"+v.Secret.Items[0].Path == file
		})
		f.check(mounted, "the password file %s is not mounted", file)
	}
}

func (o objects) checkGenerated(f *faults, values map[string]any, generated bool) {
	want := 0
	if generated {
		want = 1
	}
	f.check(len(o.rules) == want, "%d rule objects, want %d", len(o.rules), want)
	f.check(len(o.configMaps) == 1+want, "%d config maps, want %d", len(o.configMaps), 1+want)
	if _, all := values["prometheusRule"]; all && !generated {
		f.check(strings.Contains(o.notes, "without files/faaswarden.rules.yml"), "the notes pass over the missing rules")
	}
	for _, r := range o.rules {
		text := fmt.Sprint(r.Spec.Groups)
		f.check(len(r.Spec.Groups) == 1 && strings.Contains(text, "{{ $labels.job }} is down"), "the rules did not stay as they are: %s", text)
	}
	for _, m := range o.configMaps {
		if board, ok := m.Data["overview.json"]; ok {
			f.check(board == boardText, "the board did not stay as it is: %q", board)
			f.check(m.Labels["grafana_dashboard"] == "1", "Grafana's sidecar does not see the board: %v", m.Labels)
		}
	}
}

// valuesAgree: README.md and the schema tell of every value.
func valuesAgree(d deployment) error {
	var values, schema map[string]any
	if err := strictyaml.UnmarshalStrict(d[chartFolder+"/values.yaml"], &values); err != nil {
		return fmt.Errorf("values.yaml: %w", err)
	}
	if err := strictyaml.UnmarshalStrict(d[chartFolder+"/values.schema.json"], &schema); err != nil {
		return fmt.Errorf("values.schema.json: %w", err)
	}
	f := &faults{}
	described(f, "", values, schema, string(d[chartFolder+"/README.md"]))
	return f.err()
}

// described walks values beside their schema; a section that the schema closes
// is told of value by value, an open one as a whole.
func described(f *faults, prefix string, values, schema map[string]any, readme string) {
	properties, _ := schema["properties"].(map[string]any)
	for name, value := range values {
		full := strings.TrimPrefix(prefix+"."+name, ".")
		property, ok := properties[name].(map[string]any)
		f.check(ok, "values.schema.json does not know %s", full)
		section, nested := value.(map[string]any)
		if closed := property["additionalProperties"] == false; nested && closed {
			described(f, full, section, property, readme)
			continue
		}
		f.check(strings.Contains(readme, "`"+full+"`"), "README.md does not tell of %s", full)
	}
	for name := range properties {
		full := strings.TrimPrefix(prefix+"."+name, ".")
		_, ok := values[name]
		f.check(ok || full == "global", "values.yaml lacks %s, which the schema allows", full)
	}
}

func TestChart(t *testing.T) {
	t.Parallel()
	file := func(name string) string { return chartFolder + "/" + name }
	mutate(t, checkChart, loadChart(t), []mutation{
		{"no name", file("Chart.yaml"), "name: faaswarden\n", "", "load the chart"},
		{"a bad version", file("Chart.yaml"), "version: 0.1.0", "version: first", "load the chart"},
		{"latest", file("Chart.yaml"), "appVersion: 0.1.0", "appVersion: latest", "is not pinned"},
		{"a template that does not parse", file("templates/service.yaml"), "{{- end }}", "{{- fin }}", "templates/service.yaml"},
		{"a value that does not exist", file("templates/service.yaml"), ".Values.service.port", ".Values.service.ports.http", "templates/service.yaml"},
		{"an unknown field", file("templates/service.yaml"), "  selector:", "  selectors:", "selectors"},
		{"an unknown kind", file("templates/service.yaml"), "kind: Service", "kind: Servise", "Servise is no kind"},
		{"a number for a string", file("templates/workload.yaml"), "replicas: 1", "replicas: one", "templates/workload.yaml"},
		{"root", file("templates/_helpers.tpl"), "runAsNonRoot: true", "runAsNonRoot: false", "may run as root"},
		{"another user", file("templates/_helpers.tpl"), "runAsUser: 65532", "runAsUser: 1000", "another user than the image's"},
		{"no seccomp", file("templates/_helpers.tpl"), "    seccompProfile: { type: RuntimeDefault }\n", "", "no seccomp profile"},
		{"a writable root", file("templates/_helpers.tpl"), "readOnlyRootFilesystem: true", "readOnlyRootFilesystem: false", "writable root"},
		{"capabilities", file("templates/_helpers.tpl"), "drop: [ALL]", "drop: [NET_RAW]", "keeps capabilities"},
		{"a token", file("templates/_helpers.tpl"), "automountServiceAccountToken: false #", "automountServiceAccountToken: true #", "a token of the cluster"},
		{"no limits", file("templates/_helpers.tpl"), "limits: { memory: 1Gi }", "limits: {}", "a limit of memory"},
		{"two daemons", file("templates/workload.yaml"), "strategy: { type: Recreate }", "strategy: { type: RollingUpdate }", "two daemons"},
		{"replicas of a store", file("templates/workload.yaml"), "replicas: 1\n  serviceName", "replicas: 2\n  serviceName", "2 replicas of one embedded store"},
		{"another port", file("templates/_helpers.tpl"), "containerPort: 9847", "containerPort: 9090", "the container has the ports"},
		{"another target", file("templates/service.yaml"), "targetPort: http", "targetPort: web", "the service leads to"},
		{"a policy of another port", file("templates/networkpolicy.yaml"), "port: 9847", "port: 9090", "the network policy admits"},
		{"a probe of nothing", file("templates/_helpers.tpl"), "/readyz", "/ready", "no probe of /readyz"},
		{"a selector of others", file("templates/service.yaml"), `{{- include "faaswarden.selector" . | nindent 4 }}`, "app: other", "which the pod has not"},
		{"a lost volume", file("templates/_helpers.tpl"), "    - name: tmp\n      emptyDir", "    - name: temp\n      emptyDir", "the volume tmp is mounted and does not exist"},
		{"a lost claim", file("templates/workload.yaml"), "        name: data\n", "        name: rows\n", "the volume data is mounted"},
		{"a lost password", file("templates/_helpers.tpl"), "path: store-password", "path: password", "is not mounted"},
		{"a lost configuration", file("templates/_helpers.tpl"), "mountPath: /etc/faaswarden\n", "mountPath: /etc/warden\n", "the daemon is started with"},
		{"loopback in a pod", file("templates/_helpers.tpl"), `"0.0.0.0:9847"`, `"127.0.0.1:9847"`, "listens on 127.0.0.1:9847"},
		{"an unknown key", file("templates/_helpers.tpl"), `"format" "json"`, `"form" "json"`, "form"},
		{"a store off the volume", file("templates/_helpers.tpl"), "embedded:/var/lib/faaswarden/store", "embedded:/tmp/store", "the store of the flavour"},
		{"another job", file("templates/servicemonitor.yaml"), "replacement: faaswarden", "replacement: warden", "not called faaswarden"},
		{"another path", file("templates/servicemonitor.yaml"), "path: /metrics", "path: /stats", "reads /stats"},
		{"a lost role", file("templates/serviceaccount.yaml"), "eks.amazonaws.com/role-arn", "eks.amazonaws.com/role", "does not reach the service account"},
		{"rules rendered", file("templates/prometheusrule.yaml"), "{{- $rules | nindent 2 }}", "{{- tpl $rules . | nindent 2 }}", "prometheusrule.yaml"},
		{"boards without a label", file("templates/dashboards.yaml"), "{{ $.Values.dashboards.label }}", "dashboard", "sidecar does not see"},
		{"a value nobody tells of", file("README.md"), "`aws.region`", "`region`", "README.md does not tell of aws.region"},
		{"a value the schema lacks", file("values.yaml"), "flavour: server", "flavour: server\nreplicas: 2", "replicas"},
		{"no schema", file("values.schema.json"), `"type": "object",`, `"type": "objekt",`, "values"},
		{"a default of the wrong type", file("values.yaml"), "enabled: true", "enabled: certainly", "values"},
		{"a schema ahead of the values", file("values.yaml"), `priorityClassName: ""` + "\n", "", "priorityClassName"},
	})
}

// TestChartValues holds what the schema refuses, with words that name the value.
func TestChartValues(t *testing.T) {
	t.Parallel()
	d := loadChart(t)
	section := func(name string, values ...any) map[string]any {
		m := map[string]any{}
		for i := 0; i < len(values); i += 2 {
			m[values[i].(string)] = values[i+1]
		}
		return map[string]any{name: m}
	}
	for _, c := range []struct {
		name   string
		values map[string]any
		want   string
	}{
		{"an unknown value", map[string]any{"replicas": 2}, "replicas"},
		{"an unknown flavour", map[string]any{"flavour": "cluster"}, "flavour"},
		{"a misspelt value", section("serviceMonitor", "enable", true), "enable"},
		{"latest", section("image", "tag", "latest"), "image"},
		{"a password in the address", section("store", "dsn", "clickhouse://writer:hunter2@db:9000/faaswarden"), "dsn"},
		{"an embedded address", section("store", "dsn", "embedded:/data"), "dsn"},
		{"a store in config", map[string]any{"config": map[string]any{"store": map[string]any{"dsn": "embedded:/x"}}}, "config"},
		{"a listener in config", map[string]any{"config": map[string]any{"web": map[string]any{"listen": ":80"}}}, "config"},
		{"no role", section("serviceAccount", "roleArn", "faaswarden-collector"), "roleArn"},
		{"no region", section("aws", "region", "Frankfurt"), "region"},
		{"a shared volume", section("persistence", "accessModes", []any{"ReadWriteMany"}), "accessModes"},
		{"no port", section("service", "port", 0), "port"},
		{"words for a flag", section("dashboards", "enabled", "yes"), "enabled"},
	} {
		if _, err := render(d, c.values); err == nil || !strings.Contains(err.Error(), c.want) {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}

// What the operator puts under config reaches the daemon; what the chart
// decides does not change with it.
func TestChartPassesConfigOn(t *testing.T) {
	t.Parallel()
	values := everything("server")
	values["config"].(map[string]any)["log"] = map[string]any{"level": "debug"}
	values["config"].(map[string]any)["store"] = map[string]any{"cluster": "analytics"}
	o, err := render(loadChart(t), values)
	if err != nil {
		t.Fatal(err)
	}
	daemon, err := config.Parse([]byte(o.configMaps[0].Data["faaswarden.yml"]), suites())
	if err != nil {
		t.Fatal(err)
	}
	if daemon.AWS.APIBudgetUSDPerMonth != 10 || !slices.Equal(daemon.AWS.Regions, []string{"eu-west-1", "us-east-1"}) ||
		daemon.Log != (config.Log{Level: "debug", Format: "json"}) || daemon.Store.Cluster != "analytics" || daemon.Store.PasswordFile == "" {
		t.Errorf("the configuration is:\n%s", o.configMaps[0].Data["faaswarden.yml"])
	}
}

// The chart's addresses are those of the composed deployment: one set of users,
// grants, rules and boards serves both.
func TestChartAgreesWithCompose(t *testing.T) {
	t.Parallel()
	o, err := render(loadChart(t), map[string]any{})
	if err != nil {
		t.Fatal(err)
	}
	helm, err := config.Parse([]byte(o.configMaps[0].Data["faaswarden.yml"]), suites())
	if err != nil {
		t.Fatal(err)
	}
	compose, err := config.Parse(read(t, composeConfig), suites())
	if err != nil {
		t.Fatal(err)
	}
	if helm.Store.DSN != compose.Store.DSN || helm.Web.Listen != compose.Web.Listen {
		t.Errorf("helm: %s on %s; compose: %s on %s", string(helm.Store.DSN), helm.Web.Listen, string(compose.Store.DSN), compose.Web.Listen)
	}
}
