package main

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const oneRegion = `web: {listen: %s}
store: {dsn: "http://writer@%s/faaswarden", password_file: %s}
aws: {regions: [%s], rate_headroom: 1, lookback: 7d}
analysis: {window: 7d, every: 1m}
`

// TestTwoDaemonsOnOneStore has two daemons, each reading a region of one
// account, write into one store over ClickHouse's HTTP interface. Each shows
// its own region and nothing of the other's, and in the store nothing is twice.
func TestTwoDaemonsOnOneStore(t *testing.T) {
	dir, served := t.TempDir(), free(t)
	data, secret := filepath.Join(dir, "store"), filepath.Join(dir, "secret")
	_, env := simulate(t, free(t))
	if err := os.WriteFile(secret, []byte("open sesame"), 0o600); err != nil {
		t.Fatal(err)
	}
	server := start(t, nil, "faaswarden", "store", "serve", "--writable", "--data", data, "--listen", served, "--user", "writer", "--password-file", secret)
	server.answers(t, "http://"+served+"/ping", time.Minute)

	regions := []string{"us-east-1", "eu-west-1"}
	daemons, addresses := make([]*process, len(regions)), make([]string, len(regions))
	for i, region := range regions {
		file := filepath.Join(dir, region+".yml")
		addresses[i] = free(t)
		if err := os.WriteFile(file, fmt.Appendf(nil, oneRegion, addresses[i], served, secret, region), 0o600); err != nil {
			t.Fatal(err)
		}
		daemons[i] = start(t, env, "faaswarden", "run", "--config", file)
	}
	for i := range regions {
		daemons[i].answers(t, "http://"+addresses[i]+"/readyz", 5*time.Minute)
	}
	// Whoever was analyzed first saw only its own; an analysis later each has
	// seen what the other collected.
	m := monitor(t, free(t), addresses...)
	for i, region := range regions {
		eventually(t, region+" has findings", 3*time.Minute, func() bool {
			return len(m.query(t, fmt.Sprintf(`faaswarden_findings{instance=%q,region=%q}`, addresses[i], region))) > 0
		}, daemons[i].log.String)
	}
	if strangers := m.query(t, fmt.Sprintf(`{__name__=~"faaswarden_(findings|functions|function_day_invocations|collector_last_run_outcome)",instance=%q,region=%q}`, addresses[0], regions[1])); len(strangers) > 0 {
		t.Errorf("the daemon of %s shows %s: %v", regions[0], regions[1], strangers)
	}
	shown := fmt.Sprint(m.value(t, "sum(faaswarden_functions)"), " ", m.value(t, "sum(faaswarden_findings)"))
	for _, d := range daemons {
		d.stop(t)
	}
	server.stop(t)
	stored := strings.TrimSpace(ask(t, data, `SELECT (SELECT count() FROM functions_current WHERE version = '$LATEST'), (SELECT count() FROM findings_current WHERE status = 'open') FORMAT CSV`))
	if diff := cmp.Diff(strings.ReplaceAll(stored, ",", " "), shown); diff != "" {
		t.Errorf("functions and findings (-in the store +shown by both together):\n%s", diff)
	}
	checkFindings(t, data, map[string]string{})
}
