package main

import (
	"encoding/json"
	"fmt"
	"io"
	"maps"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"syscall"
	"testing"
	"time"
)

// process is a program that runs until the test ends or stops it.
type process struct {
	cmd *exec.Cmd
	log *output
}

// output keeps what a process prints.
type output struct {
	mu   sync.Mutex
	text strings.Builder
}

func (o *output) Write(p []byte) (int, error) {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.Write(p)
}

func (o *output) String() string {
	o.mu.Lock()
	defer o.mu.Unlock()
	return o.text.String()
}

// start runs a program in the background. env is added to the environment.
func start(t *testing.T, env []string, program string, args ...string) *process {
	t.Helper()
	p := &process{exec.CommandContext(t.Context(), program, args...), &output{}}
	p.cmd.Env = append(os.Environ(), env...)
	p.cmd.Stdout, p.cmd.Stderr = p.log, p.log
	if err := p.cmd.Start(); err != nil {
		t.Fatalf("start %s: %v (./deploy/test.sh installs it)", program, err)
	}
	t.Cleanup(func() {
		if p.cmd.ProcessState == nil {
			_ = p.cmd.Process.Signal(syscall.SIGTERM) // it may have ended by itself, which the test has seen then
			_ = p.cmd.Wait()
		}
	})
	return p
}

// stop ends a process as an operator does, and requires that it ends cleanly.
func (p *process) stop(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := p.cmd.Wait(); err != nil {
		t.Fatalf("%s after SIGTERM: %v\n%s", p.cmd.Path, err, p.log)
	}
}

// free is a loopback address nobody listens on.
func free(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	if err := l.Close(); err != nil {
		t.Fatal(err)
	}
	return l.Addr().String()
}

// page gets a URL; an error is for a server that does not answer (yet).
func page(t *testing.T, address string) (int, string, error) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, address, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		return 0, "", err
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end
	body, err := io.ReadAll(resp.Body)
	return resp.StatusCode, string(body), err
}

// eventually asks until it is so.
func eventually(t *testing.T, what string, patience time.Duration, so func() bool, why func() string) time.Duration {
	t.Helper()
	started := time.Now()
	for !so() {
		if time.Since(started) > patience {
			t.Fatalf("%s: not within %v\n%s", what, patience, why())
		}
		time.Sleep(200 * time.Millisecond)
	}
	return time.Since(started)
}

// answers waits until a server says that it is ready.
func (p *process) answers(t *testing.T, address string, patience time.Duration) {
	t.Helper()
	eventually(t, address, patience, func() bool {
		code, _, err := page(t, address)
		return err == nil && code == http.StatusOK
	}, p.log.String)
}

// monitoring is a Prometheus and, if there is one, its Alertmanager.
type monitoring struct {
	dir, address, alertmanager string
	process                    *process
}

const prometheusConfig = `global: {scrape_interval: 1s, evaluation_interval: 1s}
rule_files: [%s]
scrape_configs:
  - job_name: faaswarden
    static_configs: [{targets: [%s]}]
alerting: {alertmanagers: [{static_configs: [{targets: [%s]}]}]}
`

// monitor starts a Prometheus that scrapes the targets every second and
// evaluates the committed rules as they are.
func monitor(t *testing.T, alertmanager string, targets ...string) *monitoring {
	t.Helper()
	m := &monitoring{dir: t.TempDir(), address: free(t), alertmanager: alertmanager}
	rules := mustAbs(t, filepath.Join("..", "..", "deploy", "prometheus", "faaswarden.rules.yml"))
	text := fmt.Sprintf(prometheusConfig, rules, strings.Join(targets, ", "), alertmanager)
	if err := os.WriteFile(filepath.Join(m.dir, "prometheus.yml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	m.start(t)
	return m
}

func (m *monitoring) start(t *testing.T) {
	t.Helper()
	m.process = start(t, nil, "prometheus", "--config.file="+filepath.Join(m.dir, "prometheus.yml"), "--storage.tsdb.path="+filepath.Join(m.dir, "data"),
		"--web.listen-address="+m.address, "--log.level=warn")
	m.process.answers(t, "http://"+m.address+"/-/ready", time.Minute)
}

// sample is one series of a query's answer.
type sample struct {
	Metric map[string]string `json:"metric"`
	Value  [2]any            `json:"value"`
}

// query asks for the newest values of an expression.
func (m *monitoring) query(t *testing.T, expr string) []sample {
	t.Helper()
	code, body, err := page(t, "http://"+m.address+"/api/v1/query?query="+url.QueryEscape(expr))
	if err != nil || code != http.StatusOK {
		t.Fatalf("query %s: %d %v %s", expr, code, err, body)
	}
	var answer struct {
		Data struct {
			Result []sample `json:"result"`
		} `json:"data"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatalf("query %s: %v in %s", expr, err, body)
	}
	return answer.Data.Result
}

// scraped waits until what the daemon shows has been stored.
func (m *monitoring) scraped(t *testing.T) {
	t.Helper()
	eventually(t, "a scrape of the daemon", time.Minute, func() bool {
		return len(m.query(t, `count_over_time(faaswarden_build_info[1m]) > 2`)) > 0
	}, m.process.log.String)
}

// alerting starts an Alertmanager that keeps what it is told and tells nobody.
func alerting(t *testing.T) string {
	t.Helper()
	dir, address := t.TempDir(), free(t)
	text := "route: {receiver: nobody, group_wait: 1s, group_interval: 1s}\nreceivers: [{name: nobody}]\n"
	if err := os.WriteFile(filepath.Join(dir, "alertmanager.yml"), []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	p := start(t, nil, "prometheus-alertmanager", "--config.file="+filepath.Join(dir, "alertmanager.yml"), "--storage.path="+dir,
		"--web.listen-address="+address, "--cluster.listen-address=", "--log.level=warn")
	p.answers(t, "http://"+address+"/-/ready", time.Minute)
	return address
}

// alert is one as Alertmanager's API tells it.
type alert struct {
	Fingerprint string            `json:"fingerprint"`
	Labels      map[string]string `json:"labels"`
	Annotations map[string]string `json:"annotations"`
	Status      struct {
		State string `json:"state"`
	} `json:"status"`
}

// alerts reads the active alerts of a name from Alertmanager.
func (m *monitoring) alerts(t *testing.T, name string) []alert {
	t.Helper()
	code, body, err := page(t, "http://"+m.alertmanager+"/api/v2/alerts?active=true&filter="+url.QueryEscape(`alertname="`+name+`"`))
	if err != nil || code != http.StatusOK {
		t.Fatalf("alerts: %d %v %s", code, err, body)
	}
	var list []alert
	if err := json.Unmarshal([]byte(body), &list); err != nil {
		t.Fatalf("alerts: %v in %s", err, body)
	}
	return list
}

// awaitAlerts waits for alerts of a name, and returns how long that took.
func (m *monitoring) awaitAlerts(t *testing.T, name string, patience time.Duration, log func() string) ([]alert, time.Duration) {
	t.Helper()
	var list []alert
	took := eventually(t, "the alert "+name, patience, func() bool {
		list = m.alerts(t, name)
		return len(list) > 0
	}, log)
	return list, took
}

// identities are what tells alerts apart.
func identities(list []alert) []string {
	ids := map[string]bool{}
	for _, a := range list {
		ids[a.Fingerprint] = true
	}
	return slices.Sorted(maps.Keys(ids))
}

// hangUp asks a daemon to read its configuration again.
func (p *process) hangUp(t *testing.T) {
	t.Helper()
	if err := p.cmd.Process.Signal(syscall.SIGHUP); err != nil {
		t.Fatal(err)
	}
}
