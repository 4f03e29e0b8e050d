package main

import (
	"bytes"
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"maps"
	"math/rand/v2"
	"os"
	"os/exec"
	"path/filepath"
	"reflect"
	"regexp"
	"slices"
	"strconv"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// demoArgs collects an account small enough to be read several times.
func demoArgs(data string) []string {
	return []string{"demo", "--once", "--format", "json", "--functions", "60", "--days", "14", "--seed", "9", "--data", data}
}

// killings is how often TestKill kills; FAASWARDEN_KILLINGS asks for more.
const killings = 5

// TestKill kills the daemon with SIGKILL at random moments of collection and
// analysis, on one store. After every killing, each table whose collectors had
// told that they were done holds every row that an undisturbed run stores; no
// finding is there twice, and first_seen never moves. In the end everything is
// as if nobody had killed it.
func TestKill(t *testing.T) {
	calm := filepath.Join(t.TempDir(), "calm")
	started := time.Now()
	want := demo(t, calm)
	took := time.Since(started)
	rows := tableRows(t, calm)

	times := killings
	if text := os.Getenv("FAASWARDEN_KILLINGS"); text != "" {
		n, err := strconv.Atoi(text)
		if err != nil || n < 1 {
			t.Fatalf("FAASWARDEN_KILLINGS is %q: give a number", text)
		}
		times = n
	}
	seed := uint64(time.Now().UnixNano())
	t.Logf("an undisturbed run takes %v; seed %d", took, seed)
	moments := rand.New(rand.NewPCG(seed, 0))
	data := filepath.Join(t.TempDir(), "killed")
	done, seen := map[string]bool{}, map[string]string{}
	for n := range times {
		after := time.Duration(moments.Float64() * 1.05 * float64(took))
		told := killed(t, data, after)
		for _, what := range told {
			done[what] = true
		}
		t.Logf("killing %d after %v: %d steps were done", n+1, after.Round(time.Millisecond), len(told))
		if len(done) == 0 {
			continue // the store may not have been made yet
		}
		checkStored(t, done, rows, tableRows(t, data))
		checkFindings(t, data, seen)
	}
	got := demo(t, data)
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("findings (-undisturbed +killed):\n%s", diff)
	}
	end := tableRows(t, data)
	checkStored(t, done, rows, end)
	delete(rows, readsTable)
	delete(end, readsTable)
	if diff := cmp.Diff(rows, end); diff != "" {
		t.Errorf("rows (-undisturbed +killed):\n%s", diff)
	}
	checkFindings(t, data, seen)
}

// readsTable tells what was asked for and when: every run adds to it.
const readsTable = "metric_reads"

// killed runs the daemon, kills it after some time, and returns the steps it
// had told to be done: "collect us-east-1 functions", "analyze throttles".
func killed(t *testing.T, data string, after time.Duration) []string {
	t.Helper()
	ctx, cancel := context.WithTimeout(t.Context(), after)
	defer cancel()
	var errs bytes.Buffer
	cmd := exec.CommandContext(ctx, "faaswarden", demoArgs(data)...) // the context's end is a SIGKILL
	cmd.Stderr = &errs
	err := cmd.Run()
	if cmd.ProcessState == nil {
		t.Fatalf("start the daemon: %v", err)
	}
	// One that ended well just as it was to be killed is fine, whatever Run says of the time.
	if state := cmd.ProcessState; !state.Success() && !state.Sys().(syscall.WaitStatus).Signaled() {
		t.Fatalf("the daemon ended by itself: %v\n%s", err, errs.String())
	}
	var told []string
	for _, m := range regexp.MustCompile(`(?m)^(collect|analyze) \d+/\d+ (.+)$`).FindAllStringSubmatch(errs.String(), -1) {
		told = append(told, m[1]+" "+m[2])
	}
	return told
}

// tableRows counts each evidence table's rows by region, older versions collapsed.
func tableRows(t *testing.T, data string) map[string]map[string]uint64 {
	t.Helper()
	var parts []string
	for _, table := range evidenceTables() {
		region := "region"
		if !hasRegion(table) {
			region = "''" // read once for the account, or for all of them
		}
		parts = append(parts, fmt.Sprintf("SELECT '%s' AS t, %s AS r, count() AS n FROM %s FINAL GROUP BY r", table, region, table))
	}
	counts := map[string]map[string]uint64{}
	for line := range strings.Lines(ask(t, data, strings.Join(parts, " UNION ALL "))) {
		var row struct {
			T, R string
			N    uint64
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		if counts[row.T] == nil {
			counts[row.T] = map[string]uint64{}
		}
		counts[row.T][row.R] = row.N
	}
	return counts
}

// hasRegion reports whether a table's rows are of a region.
func hasRegion(table string) bool {
	return slices.ContainsFunc(schema.RowTypes(), func(row schema.Row) bool {
		if row.Table() != table {
			return false
		}
		for field := range reflect.TypeOf(row).Fields() {
			if field.Tag.Get("ch") == "region" {
				return true
			}
		}
		return false
	})
}

// evidenceTables are those that collectors write.
func evidenceTables() []string {
	var list []string
	for _, c := range suites.Collectors {
		list = append(list, c.Writes...)
	}
	slices.Sort(list)
	return slices.Compact(list)
}

// checkStored compares the tables of a region whose collectors were all done.
func checkStored(t *testing.T, done map[string]bool, want, got map[string]map[string]uint64) {
	t.Helper()
	for _, table := range evidenceTables() {
		for region, n := range want[table] {
			if whole(done, table, region) && (got[table][region] < n || got[table][region] > n && table != readsTable) {
				t.Errorf("%s of %q has %d rows; the collectors had told of %d", table, region, got[table][region], n)
			}
		}
	}
}

// whole reports whether every collector that writes a table was done in a region.
func whole(done map[string]bool, table, region string) bool {
	for _, c := range suites.Collectors {
		where := region
		if c.Scope != collect.PerRegion {
			where = "us-east-1" // the simulated account's home
		}
		if slices.Contains(c.Writes, table) && !done["collect "+where+" "+c.Name] {
			return false
		}
	}
	return true
}

// checkFindings compares when each finding was first seen with what earlier
// looks saw, and looks for findings that are there twice.
func checkFindings(t *testing.T, data string, seen map[string]string) {
	t.Helper()
	moved := ask(t, data, "SELECT fingerprint FROM findings GROUP BY fingerprint HAVING uniqExact(first_seen) > 1")
	twice := ask(t, data, "SELECT analyzer, resource, key FROM findings_current GROUP BY analyzer, resource, key HAVING count() > 1")
	if moved != "" || twice != "" {
		t.Errorf("first_seen moved: %s\nthere twice: %s", moved, twice)
	}
	now := map[string]string{}
	for line := range strings.Lines(ask(t, data, "SELECT fingerprint, first_seen FROM findings_current")) {
		var row struct {
			Fingerprint string
			FirstSeen   string `json:"first_seen"`
		}
		if err := json.Unmarshal([]byte(line), &row); err != nil {
			t.Fatalf("%v in %s", err, line)
		}
		now[row.Fingerprint] = row.FirstSeen
	}
	for fingerprint, first := range seen {
		if now[fingerprint] != first {
			t.Errorf("finding %s was first seen %s, and now %q", fingerprint, first, now[fingerprint])
		}
	}
	maps.Copy(seen, now)
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
