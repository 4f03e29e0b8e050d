package chdb

import (
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
)

// A second process on a path is told which process has it, and the path is free
// again as soon as that one is gone, however it went.
func TestSecondProcessIsToldAboutTheFirst(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "data")
	first := newChild(t, "hold", path).start(t)
	first.line(t)

	got := newChild(t, "open", path).run(t)
	for _, want := range []string{
		"*chdb.LockedError", path,
		fmt.Sprintf("pid %d", first.cmd.Process.Pid), filepath.Base(os.Args[0]), "since 20", "stop that process",
	} {
		if !strings.Contains(got, want) {
			t.Errorf("the second process was told %q, without %q", got, want)
		}
	}
	if err := first.cmd.Process.Kill(); err != nil {
		t.Fatal(err)
	}
	if err := first.finish(); err == nil {
		t.Error("the first process was not killed")
	}
	if got := newChild(t, "open", path).run(t); got != "opened\n" {
		t.Errorf("after the first was killed: %s", got)
	}
}

// When our lock file was removed behind the first process's back, the engine's
// own lock still holds, and what the engine prints about it is in the error.
func TestEngineLockIsTheBackstop(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "data")
	first := newChild(t, "hold", path).start(t)
	first.line(t)
	if err := os.Remove(lockPath(path)); err != nil {
		t.Fatal(err)
	}
	got := newChild(t, "open", path).run(t)
	if !strings.Contains(got, "Code: 76.") || !strings.Contains(got, "Another server instance in same directory is already running") {
		t.Errorf("the second process was told %q", got)
	}
	if err := first.finish(); err != nil {
		t.Error(err)
	}
}

func TestLockedErrorSaysWhatIsKnown(t *testing.T) {
	t.Parallel()
	err := &LockedError{Path: "/data"}
	if got, want := err.Error(), "open the store at /data: another process has it open; stop that process, or give this one a data folder of its own"; got != want {
		t.Errorf("got %q, want %q", got, want)
	}
}

func TestDataFolderThatCannotBeWritten(t *testing.T) {
	t.Parallel()
	file := filepath.Join(t.TempDir(), "file")
	if err := os.WriteFile(file, nil, 0o600); err != nil {
		t.Fatal(err)
	}
	// Permission bits do not bind root; these places refuse it too.
	for _, path := range []string{filepath.Join(file, "data"), "/proc/self/task", "/proc/nowhere/data"} {
		err := prepareData(path)
		if err == nil {
			t.Errorf("%s was accepted", path)
			continue
		}
		if text := err.Error(); !strings.Contains(text, path) || !strings.Contains(text, "choose another data folder") {
			t.Errorf("%s: %v: names neither the folder nor a remedy", path, err)
		}
	}
}

func TestOneEngineAProcess(t *testing.T) {
	t.Parallel()
	_, err := Open(t.Context(), Options{Path: t.TempDir()})
	if err == nil || !strings.Contains(err.Error(), shared.opts.Path) {
		t.Errorf("a second engine in this process: %v", err)
	}
}
