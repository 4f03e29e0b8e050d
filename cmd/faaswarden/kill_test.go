package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
)

// demoArgs collects an account small enough to be read several times.
func demoArgs(data string) []string {
	return []string{"demo", "--once", "--format", "json", "--functions", "60", "--days", "14", "--seed", "9", "--data", data}
}

// TestKillDuringCollection kills the daemon with SIGKILL in the middle of its
// first collection, several times, lets it finish, and compares what is stored
// and found with a run that nobody disturbed.
func TestKillDuringCollection(t *testing.T) {
	calm := filepath.Join(t.TempDir(), "calm")
	want := demo(t, calm)
	data := filepath.Join(t.TempDir(), "killed")
	for _, after := range []time.Duration{700 * time.Millisecond, 1500 * time.Millisecond, 2500 * time.Millisecond} {
		ctx, cancel := context.WithTimeout(t.Context(), after)
		cmd := exec.CommandContext(ctx, "faaswarden", demoArgs(data)...) // the context's end is a SIGKILL
		err := cmd.Run()
		cancel()
		var exit *exec.ExitError
		if errors.As(err, &exit) && exit.Sys().(syscall.WaitStatus).Signaled() {
			continue
		}
		t.Logf("the run ended before %v: %v", after, err)
	}
	got := demo(t, data)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-undisturbed +killed):\n%s", diff)
	}
	const counts = `SELECT
    (SELECT count() FROM metric_points FINAL) AS metric_points,
    (SELECT count() FROM reports_daily FINAL) AS reports_daily,
    (SELECT sum(invocations) FROM reports_daily FINAL) AS invocations,
    (SELECT count() FROM edges_current) AS edges,
    (SELECT count() FROM functions_current) AS functions,
    (SELECT sum(BilledCost) FROM costs_current) AS billed,
    (SELECT count() FROM findings FINAL) AS findings`
	if diff := cmp.Diff(ask(t, calm, counts), ask(t, data, counts)); diff != "" {
		t.Errorf("rows (-undisturbed +killed):\n%s", diff)
	}
}

// demo runs to the end and returns the findings without their times.
func demo(t *testing.T, data string) []map[string]any {
	t.Helper()
	var out, errs bytes.Buffer
	cmd := exec.CommandContext(t.Context(), "faaswarden", demoArgs(data)...)
	cmd.Stdout, cmd.Stderr = &out, &errs
	if err := cmd.Run(); err != nil {
		t.Fatalf("demo: %v\n%s", err, errs.String())
	}
	var summary struct {
		Findings []map[string]any `json:"findings"`
	}
	if err := json.Unmarshal(out.Bytes(), &summary); err != nil {
		t.Fatalf("demo printed no JSON: %v\n%s", err, out.String())
	}
	for _, f := range summary.Findings {
		delete(f, "first_seen")
		delete(f, "last_seen")
	}
	if len(summary.Findings) == 0 {
		t.Fatal("the demo found nothing")
	}
	return summary.Findings
}

func ask(t *testing.T, data, sql string) string {
	t.Helper()
	out, err := exec.CommandContext(t.Context(), "faaswarden", "store", "query", "--data", data, "--format", "JSONEachRow", sql).CombinedOutput()
	if err != nil {
		t.Fatalf("query: %v\n%s", err, out)
	}
	return string(out)
}

// TestDiskFull gives the daemon a file system that is too small, and then room.
func TestDiskFull(t *testing.T) {
	if os.Geteuid() != 0 {
		t.Fatal("this test mounts a small file system and needs root, as CI has")
	}
	dir := t.TempDir()
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=5m"); err != nil {
		t.Fatalf("mount a small file system: %v", err)
	}
	t.Cleanup(func() {
		if err := syscall.Unmount(dir, syscall.MNT_DETACH); err != nil {
			t.Errorf("unmount: %v", err)
		}
	})
	data := filepath.Join(dir, "store")
	out, err := exec.CommandContext(t.Context(), "faaswarden", demoArgs(data)...).CombinedOutput()
	var exit *exec.ExitError
	if !errors.As(err, &exit) || exit.ExitCode() != exitFailed || !bytes.Contains(out, []byte("NOT_ENOUGH_SPACE")) && !bytes.Contains(out, []byte("No space left")) {
		t.Fatalf("a full disk ends with %v:\n%s", err, out)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", syscall.MS_REMOUNT, "size=2g"); err != nil {
		t.Fatalf("make room: %v", err)
	}
	if len(demo(t, data)) == 0 {
		t.Error("nothing is found once there is room")
	}
}
