package main

import (
	"context"
	"encoding/json"
	"errors"
	"os"
	"os/exec"
	"path/filepath"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/rogpeppe/go-internal/testscript"

	"github.com/faaswarden/faaswarden/internal/chdb"
)

func TestMain(m *testing.M) {
	testscript.Main(m, map[string]func(){"faaswarden": main})
}

func TestScripts(t *testing.T) {
	library, err := chdb.Ensure(t.Context(), chdb.InstallOptions{Progress: os.Stderr})
	if err != nil {
		t.Fatal(err)
	}
	testscript.Run(t, testscript.Params{
		Dir: filepath.Join("testdata", "script"),
		Setup: func(e *testscript.Env) error {
			e.Setenv("CHDB_LIB_PATH", library)
			e.Setenv("RECORDED", filepath.Join(mustAbs(t, "../../internal/awssim/testdata"), "recorded"))
			return nil
		},
		Cmds: map[string]func(*testscript.TestScript, bool, []string){
			"status":       status,
			"json":         jsonPath,
			"nowhere":      nowhere,
			"samefindings": sameFindings,
			"explainfirst": explainFirst,
			"finds":        finds,
			"undetermined": undetermined,
		},
		RequireExplicitExec: true,
	})
}

func mustAbs(t *testing.T, path string) string {
	t.Helper()
	abs, err := filepath.Abs(path)
	if err != nil {
		t.Fatal(err)
	}
	return abs
}

// status runs a program and requires an exit code: status CODE PROGRAM ARGS.
func status(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: status CODE PROGRAM [ARGS…]")
	}
	want, err := strconv.Atoi(args[0])
	ts.Check(err)
	got := 0
	err = ts.Exec(args[1], args[2:]...)
	if exit := (*exec.ExitError)(nil); errors.As(err, &exit) {
		got = exit.ExitCode()
	} else if err != nil {
		ts.Fatalf("run %s: %v", args[1], err)
	}
	if got != want {
		ts.Fatalf("exit code %d, want %d", got, want)
	}
}

// jsonPath requires a value in a JSON file: json FILE path.to.0.field VALUE;
// count is the length of a list.
func jsonPath(ts *testscript.TestScript, neg bool, args []string) {
	if len(args) != 3 {
		ts.Fatalf("usage: json FILE PATH VALUE")
	}
	var v any
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &v))
	for key := range strings.SplitSeq(args[1], ".") {
		switch node := v.(type) {
		case map[string]any:
			v = node[key]
		case []any:
			if key == "count" {
				v = float64(len(node))
				break
			}
			i, err := strconv.Atoi(key)
			ts.Check(err)
			if i >= len(node) {
				ts.Fatalf("%s: the list has %d items", args[1], len(node))
			}
			v = node[i]
		default:
			ts.Fatalf("%s: %q is asked of %v", args[1], key, v)
		}
	}
	text, err := json.Marshal(v)
	ts.Check(err)
	got := strings.Trim(string(text), `"`)
	if (got == args[2]) == neg {
		ts.Fatalf("%s is %s", args[1], got)
	}
}

// nowhere requires that no file below the folders holds a text: nowhere TEXT DIRS.
func nowhere(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) < 2 {
		ts.Fatalf("usage: nowhere TEXT DIR…")
	}
	read := 0
	for _, dir := range args[1:] {
		ts.Check(filepath.WalkDir(ts.MkAbs(dir), func(path string, d os.DirEntry, err error) error {
			if err != nil || !d.Type().IsRegular() {
				return err
			}
			text, err := os.ReadFile(path)
			if err != nil {
				return err
			}
			read++
			if strings.Contains(string(text), args[0]) {
				ts.Fatalf("%s holds %q", path, args[0])
			}
			return nil
		}))
	}
	if read == 0 {
		ts.Fatalf("no file was read below %v", args[1:])
	}
}

// analyzerOf reads one analyzer's line of a demo's output.
func analyzerOf(ts *testscript.TestScript, file, name string) analyzerSummary {
	var demo summary
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(file)), &demo))
	for _, a := range demo.Analyzers {
		if a.Name == name {
			return a
		}
	}
	ts.Fatalf("%s has no analyzer %s", file, name)
	return analyzerSummary{}
}

// finds requires an analyzer's number of findings: finds FILE ANALYZER N.
func finds(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: finds FILE ANALYZER N")
	}
	if got := strconv.Itoa(analyzerOf(ts, args[0], args[1]).Findings); got != args[2] {
		ts.Fatalf("%s has %s findings, want %s", args[1], got, args[2])
	}
}

// undetermined requires that an analyzer found nothing, called nothing fine,
// and says why: undetermined FILE ANALYZER REASON.
func undetermined(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 3 {
		ts.Fatalf("usage: undetermined FILE ANALYZER REASON")
	}
	a := analyzerOf(ts, args[0], args[1])
	if a.Findings != 0 || a.OK != 0 || a.CannotDetermine == 0 || len(a.Reasons) == 0 || a.Reasons[0].Reason != args[2] || a.Reasons[0].Detail == "" {
		ts.Fatalf("%s: %+v", args[1], a)
	}
}

// sameFindings requires two demo outputs to hold the same findings: samefindings A B.
func sameFindings(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: samefindings FILE FILE")
	}
	var lists [2][]byte
	for i, name := range args {
		var demo struct {
			Findings []map[string]any `json:"findings"`
		}
		ts.Check(json.Unmarshal([]byte(ts.ReadFile(name)), &demo))
		for _, f := range demo.Findings {
			delete(f, "first_seen")
			delete(f, "last_seen")
		}
		text, err := json.MarshalIndent(demo.Findings, "", " ")
		ts.Check(err)
		lists[i] = text
	}
	if diff := cmp.Diff(string(lists[0]), string(lists[1])); diff != "" {
		ts.Fatalf("findings differ:\n%s", diff)
	}
}

// explainFirst explains the first finding of a list and runs the printed query
// again: explainfirst FILE STORE.
func explainFirst(ts *testscript.TestScript, neg bool, args []string) {
	if neg || len(args) != 2 {
		ts.Fatalf("usage: explainfirst FILE STORE")
	}
	var findings []struct {
		Fingerprint string `json:"fingerprint"`
	}
	ts.Check(json.Unmarshal([]byte(ts.ReadFile(args[0])), &findings))
	if len(findings) == 0 {
		ts.Fatalf("%s holds no finding", args[0])
	}
	ts.Check(ts.Exec("faaswarden", "explain", findings[0].Fingerprint, "--data", args[1]))

	// The printed command must give the evidence again when it is pasted.
	printed := ts.ReadFile("stdout")
	_, command, ok := strings.Cut(printed, "run the query again\n")
	if !ok {
		ts.Fatalf("no command is printed")
	}
	ts.Check(ts.Exec("sh", "-c", command))
	if again := ts.ReadFile("stdout"); !strings.Contains(again, "Row 1:") || strings.Contains(again, "Row 2:") {
		ts.Fatalf("the printed command gives not one row:\n%s", again)
	}
	ts.Check(ts.Exec("faaswarden", "explain", findings[0].Fingerprint, "--data", args[1]))
}

func TestUsageErrorsAreRecognised(t *testing.T) {
	t.Parallel()
	for _, args := range [][]string{
		{"nonsense"},
		{"demo", "--nonsense"},
		{"demo", "--functions", "many"},
		{"explain"},
		{"version", "extra"},
		{"check-config"},
		{"findings"},
		{"demo", "--recording", "x", "--truth", "y"},
		{"analyze", "--data", "x", "--config", "y"},
	} {
		var out, errs strings.Builder
		if code := run(context.Background(), args, &out, &errs); code != exitUsage {
			t.Errorf("%v: exit code %d, want %d: %s", args, code, exitUsage, errs.String())
		}
		if !strings.HasPrefix(errs.String(), "faaswarden: ") {
			t.Errorf("%v: the error is %q", args, errs.String())
		}
	}
}
