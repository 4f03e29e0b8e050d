package main

import (
	"fmt"
	"maps"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/dashboards"
)

// demonstrate serves the demo on an address until it is stopped.
func demonstrate(t *testing.T, address string, args ...string) *process {
	t.Helper()
	p := start(t, nil, "faaswarden", append([]string{"demo", "--listen", address}, args...)...)
	p.answers(t, "http://"+address+"/readyz", 3*time.Minute)
	return p
}

// expressions are every PromQL expression of every panel and rule.
func expressions(t *testing.T) []dashboards.Expression {
	t.Helper()
	list, err := dashboards.Expressions(suites.Analyzers)
	if err != nil || len(list) < 50 {
		t.Fatalf("%d expressions: %v", len(list), err)
	}
	return list
}

// TestExpressionsOnAHealthyAccount executes everything against a real
// Prometheus that scrapes the demo of an account in which nothing is wrong:
// every panel has data, or says why it need not, and no rule fires.
func TestExpressionsOnAHealthyAccount(t *testing.T) {
	address := free(t)
	demonstrate(t, address, "--healthy")
	m := monitor(t, free(t), address)
	m.scraped(t)
	panels, rules, empty := 0, 0, 0
	for _, e := range expressions(t) {
		n := len(m.query(t, e.Query))
		if n == 0 {
			empty++
		}
		if e.Board == dashboards.RulesFile {
			rules++
			if n > 0 {
				t.Errorf("rule %s fires on a healthy account, although %s: %s", e.Panel, e.Empty, e.Query)
			}
			continue
		}
		panels++
		if n == 0 && e.Empty == "" {
			t.Errorf("%s, %s has no data and no reason for it: %s", e.Board, e.Panel, e.Query)
		}
	}
	if firing := m.query(t, "ALERTS"); len(firing) > 0 {
		t.Errorf("alerts on a healthy account: %v", firing)
	}
	t.Logf("healthy: %d panel and variable expressions and %d rules executed, %d empty for the reason they declare", panels, rules, empty)
}

// TestDemoAgainstPrometheusAndAlertmanager has Prometheus scrape the demo of an
// account with planted faults: every panel has data, what is planted reaches
// Alertmanager and can be read back, and nothing is lost or doubled when
// Prometheus and the daemon are restarted.
func TestDemoAgainstPrometheusAndAlertmanager(t *testing.T) {
	address, data := free(t), filepath.Join(t.TempDir(), "store")
	daemon := demonstrate(t, address, "--data", data)
	m := monitor(t, alerting(t), address)
	m.scraped(t)
	checkExposition(t, address)

	var empty []string
	list := expressions(t)
	for _, e := range list {
		if len(m.query(t, e.Query)) > 0 {
			continue
		}
		if e.Empty == "" {
			t.Errorf("%s, %s has no data: %s", e.Board, e.Panel, e.Query)
		}
		empty = append(empty, e.Board+", "+e.Panel)
	}
	t.Logf("planted: %d expressions executed, %d empty", len(list), len(empty))
	sick(t, address, empty)

	before := map[string][]string{}
	for _, name := range []string{"FaaswardenLoopConfirmed", "FaaswardenThrottleStorm"} {
		list, took := m.awaitAlerts(t, name, time.Minute, m.process.log.String)
		before[name] = identities(list)
		readBack(t, m, list)
		t.Logf("%s: %d alerts, in Alertmanager %v after the expressions ran", name, len(list), took.Round(time.Millisecond))
	}
	savings := `sum(faaswarden_finding_monthly_savings_usd{bound="expected"})`
	findings := `sum(faaswarden_findings)`
	wasSavings, wasFindings := m.value(t, savings), m.value(t, findings)
	first := firstSeen(t, address)

	samples := m.value(t, `count_over_time(faaswarden_build_info[5m])`)
	m.process.stop(t)
	m.start(t)
	m.scraped(t)
	if now := m.value(t, `count_over_time(faaswarden_build_info[5m])`); now < samples {
		t.Errorf("Prometheus kept %v of %v samples over its restart", now, samples)
	}
	daemon.stop(t)
	eventually(t, "Prometheus notices the stop", time.Minute, func() bool { return len(m.query(t, `up == 0`)) > 0 }, m.process.log.String)
	demonstrate(t, address, "--data", data)
	eventually(t, "Prometheus notices the start", time.Minute, func() bool { return len(m.query(t, `up == 1`)) > 0 }, m.process.log.String)

	if now := m.value(t, savings); now != wasSavings {
		t.Errorf("savings were $%v, and are $%v after the restarts", wasSavings, now)
	}
	if now := m.value(t, findings); now != wasFindings {
		t.Errorf("%v findings were open, and %v are after the restarts", wasFindings, now)
	}
	if diff := cmp.Diff(first, firstSeen(t, address)); diff != "" {
		t.Errorf("first_seen (-before +after the restart):\n%s", diff)
	}
	for name, was := range before {
		list, _ := m.awaitAlerts(t, name, time.Minute, m.process.log.String)
		if diff := cmp.Diff(was, identities(list)); diff != "" || len(list) != len(was) {
			t.Errorf("%s after the restarts (-before +after):\n%s", name, diff)
		}
	}
}

// checkExposition has promtool judge everything the daemon shows.
func checkExposition(t *testing.T, address string) {
	t.Helper()
	cmd := exec.CommandContext(t.Context(), "promtool", "check", "metrics")
	cmd.Stdin = strings.NewReader(metricsPage(t, address))
	if out, err := cmd.CombinedOutput(); err != nil {
		t.Errorf("promtool check metrics: %v\n%s", err, out)
	}
}

// value is the one value of an expression.
func (m *monitoring) value(t *testing.T, expr string) float64 {
	t.Helper()
	list := m.query(t, expr)
	if len(list) != 1 {
		t.Fatalf("%s has %d values", expr, len(list))
	}
	v, err := strconv.ParseFloat(fmt.Sprint(list[0].Value[1]), 64)
	if err != nil {
		t.Fatal(err)
	}
	return v
}

var aNumber = regexp.MustCompile(`\d`)

// readBack checks that alerts carry numbers, what to do and where to read on,
// and that amtool sees the same ones.
func readBack(t *testing.T, m *monitoring, list []alert) {
	t.Helper()
	for _, a := range list {
		name := a.Labels["alertname"]
		if !aNumber.MatchString(a.Annotations["summary"]) || a.Annotations["description"] == "" || a.Labels["severity"] == "" {
			t.Errorf("%s says too little: %v %v", name, a.Labels, a.Annotations)
		}
		doc, ok := strings.CutPrefix(a.Annotations["runbook_url"], "https://github.com/faaswarden/faaswarden/blob/main/")
		file, _, _ := strings.Cut(doc, "#")
		if _, err := os.Stat(filepath.Join("..", "..", file)); !ok || err != nil {
			t.Errorf("%s has the runbook %q: %v", name, a.Annotations["runbook_url"], err)
		}
	}
	name := list[0].Labels["alertname"]
	out, err := exec.CommandContext(t.Context(), "amtool", "--alertmanager.url=http://"+m.alertmanager, "alert", "query", "-o", "simple", "alertname="+name).CombinedOutput()
	if err != nil || strings.Count(string(out), name) != len(list) {
		t.Errorf("amtool sees not %d of %s: %v\n%s", len(list), name, err, out)
	}
	t.Logf("%s", list[0].Annotations["summary"])
}

// firstSeen tells when each open finding of a running demo was first seen. The
// store belongs to the daemon, so the page is asked.
func firstSeen(t *testing.T, address string) map[string]string {
	t.Helper()
	code, body, err := page(t, "http://"+address+"/")
	if err != nil || code != http.StatusOK {
		t.Fatalf("the page: %d %v", code, err)
	}
	seen := map[string]string{}
	for _, m := range regexp.MustCompile(`(?s)<tr id="(\w+)">.*?first seen <time datetime="([^"]+)">`).FindAllStringSubmatch(body, -1) {
		seen[m[1]] = m[2]
	}
	if len(seen) == 0 {
		t.Fatal("the page lists no finding")
	}
	return seen
}

// sick shows a Prometheus a daemon in trouble: what the demo shows, but with
// its own metrics gone wrong, after a day in which all was well. Every
// expression that the demo left empty, a panel's or a rule's, must have data then.
func sick(t *testing.T, address string, empty []string) {
	t.Helper()
	_, text, err := page(t, "http://"+address+"/metrics")
	if err != nil {
		t.Fatal(err)
	}
	broken := ail(t, text)
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("Content-Type", "text/plain; version=0.0.4")
		_, _ = w.Write([]byte(broken)) // Prometheus is gone when this fails
	}))
	defer server.Close()
	m := &monitoring{dir: t.TempDir(), address: free(t), alertmanager: free(t)}
	target := strings.TrimPrefix(server.URL, "http://")
	backfill(t, m.dir, target, text)
	rules := mustAbs(t, filepath.Join("..", "..", "deploy", "prometheus", "faaswarden.rules.yml"))
	config := fmt.Sprintf(prometheusConfig, rules, target+", "+free(t), m.alertmanager) // nobody answers at the second
	if err := os.WriteFile(filepath.Join(m.dir, "prometheus.yml"), []byte(config), 0o600); err != nil {
		t.Fatal(err)
	}
	m.start(t)
	m.scraped(t)
	fired := 0
	for _, e := range expressions(t) {
		if !slices.Contains(empty, e.Board+", "+e.Panel) {
			continue
		}
		if len(m.query(t, e.Query)) == 0 {
			t.Errorf("%s, %s has no data although it was planted: %s", e.Board, e.Panel, e.Query)
		} else if e.Board == dashboards.RulesFile {
			fired++
		}
	}
	t.Logf("sick: all %d expressions that the demo left empty have data, %d of them rules that fire", len(empty), fired)
	m.process.stop(t)
}

// ail makes a healthy exposition a sick one.
func ail(t *testing.T, text string) string {
	t.Helper()
	long := float64(time.Now().AddDate(0, -1, 0).Unix())
	changes := map[string]float64{
		"faaswarden_collector_last_success_timestamp_seconds": long, "faaswarden_analyzer_last_success_timestamp_seconds": long,
		"faaswarden_collector_last_run_partial": 1, "faaswarden_analyzer_last_run_success": 0,
		"faaswarden_store_up": 0, "faaswarden_config_last_reload_success": 0, "faaswarden_series_dropped": 5,
		"faaswarden_api_cost_usd": 9, "faaswarden_coverage_ratio": 0.5, "faaswarden_cannot_determine": 900,
		"faaswarden_functions_without_usage": 3, "faaswarden_functions_unpriced": 2, "faaswarden_function_day_errors": 7, "faaswarden_function_day_throttles": 7,
		"faaswarden_loop_burn_usd_per_hour": 12,
	}
	var b strings.Builder
	done := map[string]bool{}
	for line := range strings.Lines(text) {
		name, _, _ := strings.Cut(line, "{")
		name, _, _ = strings.Cut(name, " ")
		if v, ok := changes[name]; ok {
			done[name] = true
			line = line[:strings.LastIndexByte(line, ' ')] + " " + strconv.FormatFloat(v, 'f', -1, 64) + "\n"
		}
		b.WriteString(line)
	}
	if len(done) != len(changes) {
		t.Errorf("only %v of what was to be made sick is shown", slices.Sorted(maps.Keys(done)))
	}
	for _, name := range analyzerNames() {
		fmt.Fprintf(&b, "faaswarden_cannot_determine{analyzer=%q,reason=\"failed\"} 900\n", name)
	}
	b.WriteString(`faaswarden_collector_last_run_outcome{account="1",collector="functions",region="nowhere",outcome="denied"} 1` + "\n")
	return b.String()
}

// backfill gives a Prometheus a day in which all was well and little was saved.
func backfill(t *testing.T, dir, target, text string) {
	t.Helper()
	var b strings.Builder
	now := time.Now().Unix()
	for line := range strings.Lines(text) {
		if !strings.HasPrefix(line, "faaswarden_finding_monthly_savings_usd") && !strings.HasPrefix(line, "faaswarden_coverage_ratio") {
			continue
		}
		at := strings.LastIndexByte(line, ' ')
		v, err := strconv.ParseFloat(strings.TrimSpace(line[at:]), 64)
		if err != nil {
			t.Fatal(err)
		}
		if strings.HasPrefix(line, "faaswarden_finding") {
			v /= 1000
		}
		series := strings.Replace(line[:at], "{", fmt.Sprintf(`{job="faaswarden",instance=%q,`, target), 1)
		for ago := int64(24*3600 + 240); ago > 20*3600; ago -= 60 {
			fmt.Fprintf(&b, "%s %v %d\n", series, v, now-ago)
		}
	}
	b.WriteString("# EOF\n")
	file := filepath.Join(dir, "yesterday.txt")
	if err := os.WriteFile(file, []byte(b.String()), 0o600); err != nil {
		t.Fatal(err)
	}
	if out, err := exec.CommandContext(t.Context(), "promtool", "tsdb", "create-blocks-from", "openmetrics", file, filepath.Join(dir, "data")).CombinedOutput(); err != nil {
		t.Fatalf("promtool: %v\n%s", err, out)
	}
}
