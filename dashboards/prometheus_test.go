package dashboards

import (
	"context"
	"encoding/json"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"
	"time"

	"github.com/faaswarden/faaswarden/analyzers"
)

// startPrometheus starts a Prometheus that has already scraped the samples, and
// returns its address.
func startPrometheus(t *testing.T, samples []sample) string {
	t.Helper()
	dir := t.TempDir()
	write(t, filepath.Join(dir, "samples.txt"), openMetrics(samples, testNow-86400, testNow-60, testNow))
	write(t, filepath.Join(dir, "prometheus.yml"), "")
	run(t, "promtool", "tsdb", "create-blocks-from", "openmetrics", filepath.Join(dir, "samples.txt"), filepath.Join(dir, "data"))
	addr := freeAddress(t)
	var log strings.Builder
	ctx, cancel := context.WithCancel(context.Background())
	cmd := exec.CommandContext(ctx, "prometheus", "--config.file="+filepath.Join(dir, "prometheus.yml"),
		"--storage.tsdb.path="+filepath.Join(dir, "data"), "--storage.tsdb.retention.time=100y", "--web.listen-address="+addr)
	cmd.Stdout, cmd.Stderr = &log, &log
	cmd.Cancel = func() error { return cmd.Process.Signal(os.Interrupt) }
	if err := cmd.Start(); err != nil {
		t.Fatalf("start prometheus: %v (it is in Debian's package prometheus)", err)
	}
	t.Cleanup(func() {
		cancel()
		cmd.Wait() //nolint:errcheck // It was told to stop.
	})
	awaitReady(t, addr, &log)
	return addr
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer l.Close() //nolint:errcheck // Nothing was accepted.
	return l.Addr().String()
}

func awaitReady(t *testing.T, addr string, log fmt.Stringer) {
	t.Helper()
	for deadline := time.Now().Add(time.Minute); time.Now().Before(deadline); time.Sleep(50 * time.Millisecond) {
		if _, code, err := get(t.Context(), "http://"+addr+"/-/ready"); err == nil && code == http.StatusOK {
			return
		}
	}
	t.Fatalf("prometheus is not ready after a minute:\n%s", log)
}

func get(ctx context.Context, address string) (string, int, error) {
	request, err := http.NewRequestWithContext(ctx, http.MethodGet, address, nil)
	if err != nil {
		return "", 0, err
	}
	response, err := http.DefaultClient.Do(request)
	if err != nil {
		return "", 0, err
	}
	defer response.Body.Close() //nolint:errcheck // It was read to its end.
	body, err := io.ReadAll(response.Body)
	return string(body), response.StatusCode, err
}

// series executes a query at the estates' now and returns how many it gives.
func series(t *testing.T, addr, query string) int {
	t.Helper()
	body, code, err := get(t.Context(), "http://"+addr+"/api/v1/query?"+url.Values{"query": {query}, "time": {strconv.Itoa(testNow)}}.Encode())
	if err != nil || code != http.StatusOK {
		t.Fatalf("%s: status %d, %v: %s", query, code, err, body)
	}
	var answer struct {
		Data struct {
			Result []json.RawMessage `json:"result"`
		} `json:"data"`
	}
	if err := json.Unmarshal([]byte(body), &answer); err != nil {
		t.Fatalf("%s: %v", query, err)
	}
	return len(answer.Data.Result)
}

// TestEveryExpressionIsExecuted runs every expression of every board and rule on
// a real Prometheus: on a healthy account those that say why are empty and no
// others, and on one where everything is planted no board has an empty panel.
func TestEveryExpressionIsExecuted(t *testing.T) {
	t.Parallel()
	list, err := Expressions(analyzers.Suite)
	if err != nil {
		t.Fatal(err)
	}
	t.Run("healthy", func(t *testing.T) {
		t.Parallel()
		addr, empty := startPrometheus(t, healthy(t, analyzers.Suite)), 0
		for _, e := range list {
			n := series(t, addr, e.Query)
			switch {
			case n == 0 && e.Empty == "":
				t.Errorf("%s, %s: no data, and no reason is declared: %s", e.Board, e.Panel, e.Query)
			case n > 0 && e.Empty != "":
				t.Errorf("%s, %s: has data where it says %q: %s", e.Board, e.Panel, e.Empty, e.Query)
			case n == 0:
				empty++
			}
		}
		t.Logf("%d expressions executed, %d of them empty for the reason they declare", len(list), empty)
	})
	t.Run("planted", func(t *testing.T) {
		t.Parallel()
		addr := startPrometheus(t, planted(t, analyzers.Suite))
		for _, e := range list {
			if e.Board != RulesFile && series(t, addr, e.Query) == 0 {
				t.Errorf("%s, %s: no data: %s", e.Board, e.Panel, e.Query)
			}
		}
	})
}

func write(t *testing.T, path, text string) {
	t.Helper()
	if err := os.WriteFile(path, []byte(text), 0o644); err != nil {
		t.Fatal(err)
	}
}

func run(t *testing.T, program string, args ...string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), program, args...).CombinedOutput()
	if err != nil {
		t.Fatalf("%s %s: %v (Debian's package prometheus has it)\n%s", program, strings.Join(args, " "), err, out)
	}
	return string(out)
}
