package main

import (
	"fmt"
	"net/http"
	"os"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"testing"
	"time"
)

// everyMinute reads all but the role policies, which take the longest, as often
// as the configuration allows.
const everyMinute = `web: {listen: %s}
store: {dsn: "embedded:%s"}
aws: {regions: [us-east-1, eu-west-1], rate_headroom: 1, lookback: 14d}
analysis: {window: 14d, every: 1m}
collectors:
  accountlimits: {every: 1m}
  functions: {every: 1m}
  metrics: {every: 1m}
  tags: {every: 1m}
  triggers: {every: 1m}
`

// TestThrottleStormReachesAlertmanager runs the daemon as an operator does, at
// AWS's real request quotas, on an account in which nothing is wrong; then the
// account changes to one with throttle storms, and the test waits for the alert.
// A SIGHUP in between, with a fault in the file, changes nothing.
func TestThrottleStormReachesAlertmanager(t *testing.T) {
	endpoint, address, dir := free(t), free(t), t.TempDir()
	calm, env := simulate(t, endpoint, "--healthy")
	file := filepath.Join(dir, "faaswarden.yml")
	text := fmt.Sprintf(everyMinute, address, filepath.Join(dir, "store"))
	if err := os.WriteFile(file, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	daemon := start(t, env, "faaswarden", "run", "--config", file)
	daemon.answers(t, "http://"+address+"/readyz", 5*time.Minute)
	m := monitor(t, alerting(t), address)
	m.scraped(t)
	const storm = "FaaswardenThrottleStorm"
	if n := len(m.alerts(t, storm)); n > 0 {
		t.Fatalf("%d alerts before anything is wrong", n)
	}
	refusedReload(t, daemon, m, file, text)

	calm.stop(t)
	planted := time.Now()
	simulate(t, endpoint)
	inMetrics := eventually(t, "the storm in the metrics", 5*time.Minute, func() bool {
		return strings.Contains(metricsPage(t, address), "\nfaaswarden_recent_throttled_ratio{")
	}, daemon.log.String)
	list, _ := m.awaitAlerts(t, storm, time.Minute, m.process.log.String)
	t.Logf("from the planted storm to the daemon's metrics %v, to %d alerts in Alertmanager %v",
		inMetrics.Round(100*time.Millisecond), len(list), time.Since(planted).Round(100*time.Millisecond))
	readBack(t, m, list)
	daemon.stop(t)
}

// simulatedFunctions is how many functions simulate makes.
const simulatedFunctions = 100

// simulate serves an account on an address, and returns the environment of its clients.
func simulate(t *testing.T, address string, more ...string) (*process, []string) {
	t.Helper()
	args := append([]string{"sim", "serve", "--listen", address, "--functions", strconv.Itoa(simulatedFunctions), "--days", "16"}, more...)
	p := start(t, nil, "faaswarden", args...)
	announced := regexp.MustCompile(`(?m)^export (.+)$`)
	eventually(t, "the simulated account", time.Minute, func() bool { return announced.MatchString(p.log.String()) }, p.log.String)
	return p, append(strings.Fields(announced.FindStringSubmatch(p.log.String())[1]), "AWS_CONFIG_FILE="+os.DevNull, "AWS_SHARED_CREDENTIALS_FILE="+os.DevNull)
}

func metricsPage(t *testing.T, address string) string {
	t.Helper()
	code, body, err := page(t, "http://"+address+"/metrics")
	if err != nil || code != http.StatusOK {
		t.Fatalf("scrape: %d %v", code, err)
	}
	return body
}

// refusedReload has the daemon read a file with a fault, and then the good one.
func refusedReload(t *testing.T, daemon *process, m *monitoring, file, good string) {
	t.Helper()
	for _, tt := range []struct {
		text, says string
		metric     float64
	}{
		{good + "analysys: {}\n", `unknown field \"analysys\"`, 0},
		{good, "the configuration was reloaded", 1},
	} {
		if err := os.WriteFile(file, []byte(tt.text), 0o600); err != nil {
			t.Fatal(err)
		}
		daemon.hangUp(t)
		eventually(t, "the log says "+tt.says, time.Minute, func() bool { return strings.Contains(daemon.log.String(), tt.says) }, daemon.log.String)
		eventually(t, "the metric says so", time.Minute, func() bool { return m.value(t, "faaswarden_config_last_reload_success") == tt.metric }, daemon.log.String)
	}
}
