package main

import (
	"context"
	"encoding/json"
	"errors"
	"net/http"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

const secret = "p@ss w/rd"

// serveStore serves a folder as a process of its own and returns its address,
// and what stops it.
func serveStore(t *testing.T, data string, args ...string) (address string, stop func()) {
	t.Helper()
	file := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(file, []byte(secret), 0o600); err != nil {
		t.Fatal(err)
	}
	cmd := exec.CommandContext(t.Context(), "faaswarden", append([]string{"store", "serve", "--data", data, "--listen", "127.0.0.1:0", "--password-file", file}, args...)...)
	pipe, err := cmd.StderrPipe()
	if err != nil {
		t.Fatal(err)
	}
	if err := cmd.Start(); err != nil {
		t.Fatal(err)
	}
	return announced(t, pipe), func() {
		if err := errors.Join(cmd.Process.Signal(syscall.SIGTERM), cmd.Wait()); err != nil {
			t.Errorf("stop serving: %v", err)
		}
	}
}

// copyTo runs a copy to its end and returns its exit code and all it printed.
func copyTo(t *testing.T, data, to string) (int, string) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "faaswarden", "store", "copy", "--data", data, "--to", to).CombinedOutput()
	var exit *exec.ExitError
	if err != nil && !errors.As(err, &exit) {
		t.Fatal(err)
	}
	if exit != nil {
		return exit.ExitCode(), string(out)
	}
	return 0, string(out)
}

func listed(t *testing.T, data string) (findings []map[string]any) {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "faaswarden", "findings", "--data", data, "--status", "all", "--format", "json").Output()
	if err != nil {
		t.Fatal(err)
	}
	if err := json.Unmarshal(out, &findings); err != nil || len(findings) == 0 {
		t.Fatalf("%d findings: %v", len(findings), err)
	}
	return findings
}

// TestStoreCopy moves a demo's store into another, served by a second process:
// interrupted by SIGKILL, repeated, and then with rows that one side alone has.
func TestStoreCopy(t *testing.T) {
	data, target := filepath.Join(t.TempDir(), "store"), filepath.Join(t.TempDir(), "copy")
	demo(t, data)
	address, stop := serveStore(t, target, "--writable")
	to := "http://faaswarden:p%40ss%20w%2Frd@" + address + "/faaswarden"

	killed := 0
	for _, after := range []time.Duration{300 * time.Millisecond, 700 * time.Millisecond, 1300 * time.Millisecond} {
		ctx, cancel := context.WithTimeout(t.Context(), after)
		if err := exec.CommandContext(ctx, "faaswarden", "store", "copy", "--data", data, "--to", to).Run(); err != nil { // the context's end is a SIGKILL
			killed++
		}
		cancel()
	}
	if killed == 0 {
		t.Error("no copy was interrupted")
	}
	code, out := copyTo(t, data, to)
	if code != 0 || strings.Count(out, " yes") < 30 || strings.Contains(out, "NO") {
		t.Fatalf("exit code %d:\n%s", code, out)
	}
	if strings.Contains(out, "p@ss") || strings.Contains(out, "p%40ss") {
		t.Errorf("the password is shown:\n%s", out)
	}

	if code, body := send(t, address, "faaswarden", secret, "INSERT INTO prices (item, usd) FORMAT TSV", "tampered\t1\n"); code != http.StatusOK {
		t.Fatalf("tamper with the target: %d %s", code, body)
	}
	code, out = copyTo(t, data, to)
	if code != exitFailed || !strings.Contains(out, "faaswarden: table prices differs: ") || strings.Count(out, "NO: ") != 1 || !strings.Contains(out, "remedy: ") {
		t.Errorf("after the target was tampered with: exit code %d:\n%s", code, out)
	}
	if code, out := copyTo(t, data, strings.Replace(to, "p%40ss", "wrong", 1)); code != exitFailed || !strings.Contains(out, "remedy: check the user and the password") {
		t.Errorf("with a wrong password: exit code %d:\n%s", code, out)
	}
	stop()
	if diff := cmp.Diff(listed(t, data), listed(t, target)); diff != "" {
		t.Errorf("findings (-source +target):\n%s", diff)
	}

	address, stop = serveStore(t, target) // read-only
	defer stop()
	code, out = copyTo(t, data, "http://faaswarden:p%40ss%20w%2Frd@"+address+"/faaswarden")
	if code != exitFailed || !strings.Contains(out, "READONLY") || !strings.Contains(out, "remedy: ") || !strings.Contains(out, "--writable") {
		t.Errorf("to a target that is served to be read: exit code %d:\n%s", code, out)
	}
}

// TestStoreBackup backs a demo's store up and restores it elsewhere.
func TestStoreBackup(t *testing.T) {
	dir := t.TempDir()
	data, restored, file := filepath.Join(dir, "store"), filepath.Join(dir, "restored"), filepath.Join(dir, "one.tar.zst")
	demo(t, data)
	step := func(want string, args ...string) {
		t.Helper()
		out, err := exec.CommandContext(t.Context(), "faaswarden", append([]string{"store"}, args...)...).CombinedOutput()
		if err != nil || !strings.Contains(string(out), want) {
			t.Fatalf("%v: %v\n%s", args, err, out)
		}
	}
	step("backed up "+data+" to "+file, "backup", "--data", data, "--to", file)
	step("restored "+restored+" from "+file, "restore", "--data", restored, "--from", file)
	if diff := cmp.Diff(listed(t, data), listed(t, restored)); diff != "" {
		t.Errorf("findings (-stored +restored):\n%s", diff)
	}
	const counts = "SELECT name, total_rows FROM system.tables WHERE database = 'faaswarden' AND engine LIKE '%MergeTree' AND name != 'schema_migrations' ORDER BY name"
	if diff := cmp.Diff(ask(t, data, counts), ask(t, restored, counts)); diff != "" {
		t.Errorf("rows (-stored +restored):\n%s", diff)
	}
	out, err := exec.CommandContext(t.Context(), "faaswarden", "analyze", "--data", restored).CombinedOutput()
	if err != nil {
		t.Errorf("analyze what was restored: %v\n%s", err, out)
	}
}
