package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const awayConfig = `web: {listen: %s}
store: {dsn: "http://writer@%s/faaswarden", password_file: %s}
aws: {regions: [us-east-1, eu-west-1], rate_headroom: 1, lookback: 7d}
analysis: {window: 7d, every: 1m}
`

// awayFor is how long TestStoreAway keeps the store away;
// FAASWARDEN_AWAY asks for longer.
const awayFor = 5 * time.Second

// TestStoreAway kills the store in the middle of a collection and starts it
// again later. The daemon goes on where it was: everything that was read is
// there, and what was paid for is not asked again.
func TestStoreAway(t *testing.T) {
	away := awayFor
	if text := os.Getenv("FAASWARDEN_AWAY"); text != "" {
		var err error
		if away, err = time.ParseDuration(text); err != nil {
			t.Fatalf("FAASWARDEN_AWAY is %q: give a duration", text)
		}
	}
	dir, served, pages := t.TempDir(), free(t), free(t)
	data, secret, file := filepath.Join(dir, "store"), filepath.Join(dir, "secret"), filepath.Join(dir, "faaswarden.yml")
	_, env := simulate(t, free(t))
	for path, text := range map[string]string{secret: "open sesame", file: fmt.Sprintf(awayConfig, pages, served, secret)} {
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	serve := func() *process {
		p := start(t, nil, "faaswarden", "store", "serve", "--writable", "--data", data, "--listen", served, "--user", "writer", "--password-file", secret)
		p.answers(t, "http://"+served+"/ping", time.Minute)
		return p
	}
	server := serve()
	daemon := start(t, env, "faaswarden", "run", "--config", file)
	finished := func() int { return strings.Count(daemon.log.String(), "collector finished") }
	eventually(t, "some collectors finished", 2*time.Minute, func() bool { return finished() >= 4 }, daemon.log.String)
	if err := server.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	_ = server.cmd.Wait() // it was killed
	before := finished()
	time.Sleep(away)
	if rss := residentMB(t, daemon.cmd.Process.Pid); rss > 512 {
		t.Errorf("with the store away the daemon holds %d MiB", rss)
	}
	server = serve()
	perRegion, perAccount := 0, 0
	for _, c := range suites.Collectors {
		if c.Scope == "per region" {
			perRegion++
		} else {
			perAccount++
		}
	}
	all := 2*perRegion + perAccount
	eventually(t, "every collector finished", 5*time.Minute, func() bool { return finished() >= all }, daemon.log.String)
	t.Logf("%d of %d collectors had finished when the store was killed; it was away for %s", before, all, away)
	daemon.stop(t)
	server.stop(t)

	const query = `SELECT (SELECT count() FROM functions_current WHERE version = '$LATEST'),
(SELECT countIf(outcome NOT IN ('ok', 'nodata')) FROM collector_runs FINAL),
(SELECT count() FROM (SELECT collector, account, region FROM collector_runs GROUP BY 1, 2, 3 HAVING count() > 1)) FORMAT CSV`
	got := strings.Split(strings.TrimSpace(ask(t, data, query)), ",")
	want := []string{strconv.Itoa(simulatedFunctions), "0", "0"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("functions, runs that failed, and collectors that ran twice (-want +got):\n%s\n%s", diff, daemon.log)
	}
}

// residentMB is how much memory a process holds.
func residentMB(t *testing.T, pid int) int {
	t.Helper()
	text, err := os.ReadFile(fmt.Sprintf("/proc/%d/status", pid))
	if err != nil {
		t.Fatal(err)
	}
	_, rest, _ := strings.Cut(string(text), "VmRSS:")
	kB, err := strconv.Atoi(strings.Fields(rest)[0])
	if err != nil {
		t.Fatal(err)
	}
	return kB >> 10
}
