package chdb

import (
	"context"
	"errors"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"
)

// write makes a file of n bytes and its folder.
func write(t *testing.T, name string, n int) string {
	t.Helper()
	if err := os.MkdirAll(filepath.Dir(name), 0o755); err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(name, make([]byte, n), 0o755); err != nil {
		t.Fatal(err)
	}
	return name
}

// smallPlatform is a build whose library is n bytes long.
func smallPlatform(n int64) platform {
	return platform{goos: "linux", goarch: "amd64", npmPackage: "@chdb/lib-linux-x64-gnu", libraryBytes: n, librarySHA256: "unused"}
}

// The places are tried in order: what an earlier one holds hides the later.
func TestFindLooksInOrder(t *testing.T) {
	dir := t.TempDir()
	opts := InstallOptions{
		goos: "linux", goarch: "amd64", platform: smallPlatform(5),
		CacheDir: filepath.Join(dir, "cache"), systemDirs: []string{filepath.Join(dir, "sys1"), filepath.Join(dir, "sys2")},
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	beside := filepath.Join(filepath.Dir(exe), "libchdb.so")
	named := filepath.Join(dir, "named", "libchdb.so")
	t.Setenv(pathVariable, "")

	find := func(want string) {
		t.Helper()
		got, _, err := Find(opts)
		if err != nil {
			t.Fatal(err)
		}
		if got != want {
			t.Errorf("found %s, want %s", got, want)
		}
	}
	find(write(t, filepath.Join(dir, "sys2", "libchdb.so"), 1))
	find(write(t, filepath.Join(dir, "sys1", "libchdb.so"), 1))
	cached := write(t, filepath.Join(dir, "cache", "libchdb", Version+"-linux-amd64", "libchdb.so"), 5)
	find(cached)
	find(write(t, beside, 1))
	t.Cleanup(func() { _ = os.Remove(beside) })
	write(t, named, 1)
	t.Setenv(pathVariable, named)
	find(named)
	t.Setenv(pathVariable, filepath.Dir(named)) // a folder serves as well
	find(named)
	t.Setenv(pathVariable, "")
	if err := os.Remove(beside); err != nil {
		t.Fatal(err)
	}
	write(t, cached, 4) // a broken copy is passed over
	find(filepath.Join(dir, "sys1", "libchdb.so"))
}

// Without a library the error lists every place with what is wrong there, and
// says how to get one.
func TestMissingEngineListsEveryPlace(t *testing.T) {
	dir := t.TempDir()
	opts := InstallOptions{
		goos: "linux", goarch: "amd64", platform: smallPlatform(5), Offline: true,
		CacheDir: filepath.Join(dir, "cache"), systemDirs: []string{filepath.Join(dir, "sys1"), filepath.Join(dir, "sys2")},
	}
	cached := write(t, filepath.Join(dir, "cache", "libchdb", Version+"-linux-amd64", "libchdb.so"), 4)
	if err := os.MkdirAll(filepath.Join(dir, "sys2", "libchdb.so"), 0o755); err != nil {
		t.Fatal(err)
	}
	exe, err := os.Executable()
	if err != nil {
		t.Fatal(err)
	}
	t.Setenv(pathVariable, "")
	_, err = Ensure(t.Context(), opts)
	missing, ok := errors.AsType[*MissingError](err)
	if !ok {
		t.Fatalf("got %v, want a MissingError", err)
	}
	want := []string{
		"CHDB_LIB_PATH (not set)",
		filepath.Join(filepath.Dir(exe), "libchdb.so") + " (no such file)",
		cached + " (damaged: 4 bytes, expected 5)",
		filepath.Join(dir, "sys1", "libchdb.so") + " (no such file)",
		filepath.Join(dir, "sys2", "libchdb.so") + " (a folder without a library)",
	}
	if diff := cmp.Diff(want, missing.Tried); diff != "" {
		t.Error(diff)
	}
	for _, part := range append(want, "npm pack @chdb/lib-linux-x64-gnu@"+Version, "set CHDB_LIB_PATH", "ClickHouse server") {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("the error does not mention %q:\n%v", part, err)
		}
	}
}

// A CHDB_LIB_PATH that is wrong is an error, even where there is a library and
// even when one could be installed.
func TestWrongLibraryPathIsNotIgnored(t *testing.T) {
	nowhere := filepath.Join(t.TempDir(), "nowhere.so")
	t.Setenv(pathVariable, nowhere)
	_, err := Ensure(t.Context(), InstallOptions{NPM: "/nonexistent/npm"})
	if err == nil || !strings.Contains(err.Error(), "CHDB_LIB_PATH="+nowhere+" (no such file)") {
		t.Errorf("got %v", err)
	}
}

func TestOpenWithoutLibrary(t *testing.T) {
	t.Setenv(pathVariable, filepath.Join(t.TempDir(), "nowhere.so"))
	_, err := Open(context.Background(), Options{Path: t.TempDir()})
	_, ok := errors.AsType[*MissingError](err)
	if !ok {
		t.Errorf("got %v, want a MissingError", err)
	}
}

// A file that is no library, and a library that lacks what we call, are refused
// with their path and the reason.
func TestLibraryThatDoesNotServe(t *testing.T) {
	t.Parallel()
	lib := &library{path: write(t, filepath.Join(t.TempDir(), "libchdb.so"), 100)}
	if err := lib.bind(); err == nil || !strings.Contains(err.Error(), lib.path) {
		t.Errorf("a file of zeros: %v", err)
	}
	lib = &library{path: "libc.so.6"}
	if err := lib.bind(); err == nil || !strings.Contains(err.Error(), "chdb_stream_insert_with_params_n") || !strings.Contains(err.Error(), "26.7 or newer") {
		t.Errorf("another library: %v", err)
	}
}

func TestPlatforms(t *testing.T) {
	t.Parallel()
	type row struct {
		Package string
		Known   bool
	}
	got := map[string]row{}
	for _, p := range platforms() {
		found, err := platformOf(p.goos, p.goarch)
		if err != nil {
			t.Error(err)
		}
		got[p.goos+"/"+p.goarch] = row{found.npmPackage, found.known()}
	}
	want := map[string]row{
		"linux/amd64":  {"@chdb/lib-linux-x64-gnu", true},
		"linux/arm64":  {"@chdb/lib-linux-arm64-gnu", false},
		"darwin/arm64": {"@chdb/lib-darwin-arm64", false},
		"darwin/amd64": {"@chdb/lib-darwin-x64", false},
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Error(diff)
	}
	if _, err := platformOf("windows", "amd64"); err == nil || !strings.Contains(err.Error(), "windows/amd64") {
		t.Errorf("windows: %v", err)
	}
}
