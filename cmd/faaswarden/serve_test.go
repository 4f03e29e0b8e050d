package main

import (
	"bufio"
	"io"
	"net/http"
	"net/url"
	"os"
	"os/exec"
	"path/filepath"
	"regexp"
	"strconv"
	"strings"
	"syscall"
	"testing"

	"github.com/faaswarden/faaswarden/internal/store"
)

// TestStoreServe serves a store as a process of its own: a second process is
// told which one holds it, clients need the password and can only read, and
// SIGTERM ends it cleanly.
func TestStoreServe(t *testing.T) {
	data := filepath.Join(t.TempDir(), "store")
	demo(t, data)
	secret := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(secret, []byte("open sesame\n"), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "faaswarden", "store", "serve", "--data", data, "--listen", "127.0.0.1:0", "--password-file", secret)
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	address := announced(t, pipe)

	out, err := exec.CommandContext(t.Context(), "faaswarden", "findings", "--data", data).CombinedOutput()
	if err == nil || !strings.Contains(string(out), strconv.Itoa(cmd.Process.Pid)) {
		t.Errorf("a second process gets %v, and not the first one's number %d:\n%s", err, cmd.Process.Pid, out)
	}
	const count = "SELECT count() FROM functions_current WHERE version = '$LATEST'"
	if code, body := fetch(t, address, "faaswarden", "open sesame", count); code != http.StatusOK || strings.TrimSpace(body) != "60" {
		t.Errorf("count: %d %s", code, body)
	}
	if code, body := fetch(t, address, "faaswarden", "wrong", count); code == http.StatusOK {
		t.Errorf("a wrong password: %d %s", code, body)
	}
	for _, hostile := range []string{"DROP TABLE findings", "INSERT INTO cursors SELECT * FROM cursors", "SYSTEM SHUTDOWN", "SELECT * FROM file('/etc/passwd', 'LineAsString')", "SELECT 1 INTO OUTFILE '/tmp/x'"} {
		if code, body := fetch(t, address, "faaswarden", "open sesame", hostile); code == http.StatusOK {
			t.Errorf("%s: %d %s", hostile, code, body)
		}
	}
	if err := cmd.Process.Signal(syscall.SIGTERM); err != nil {
		t.Fatal(err)
	}
	if err := cmd.Wait(); err != nil {
		t.Errorf("after SIGTERM: %v", err)
	}
}

// announced reads the address that the server prints when it listens.
func announced(t *testing.T, stderr io.Reader) string {
	t.Helper()
	address := regexp.MustCompile(`http://(\S+?)/`)
	lines := bufio.NewScanner(stderr)
	for lines.Scan() {
		if m := address.FindStringSubmatch(lines.Text()); m != nil {
			go io.Copy(io.Discard, stderr) //nolint:errcheck // only keeps the pipe from filling up
			return m[1]
		}
	}
	t.Fatalf("the server announced no address: %v", lines.Err())
	return ""
}

func fetch(t *testing.T, address, user, password, sql string) (int, string) {
	t.Helper()
	return send(t, address, user, password, sql, "")
}

func send(t *testing.T, address, user, password, sql, data string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodPost, "http://"+address+"/?query="+url.QueryEscape(sql), strings.NewReader(data))
	if err != nil {
		t.Fatal(err)
	}
	req.SetBasicAuth(user, password)
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end below
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// A store that nothing was analyzed in is not a store without findings.
func TestFindingsBeforeAnyAnalysis(t *testing.T) {
	data := filepath.Join(t.TempDir(), "store")
	st, err := store.Open(t.Context(), store.Options{DSN: "embedded:" + data, Relaxed: true})
	if err != nil {
		t.Fatal(err)
	}
	if err := st.Close(); err != nil {
		t.Fatal(err)
	}
	out, err := exec.CommandContext(t.Context(), "faaswarden", "findings", "--data", data).CombinedOutput()
	if err == nil || !strings.Contains(string(out), "nothing has been analyzed in this store yet; remedy: faaswarden collect, then faaswarden analyze") {
		t.Errorf("%v\n%s", err, out)
	}
}
