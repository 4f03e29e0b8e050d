package chdb

import (
	"archive/tar"
	"bytes"
	"compress/gzip"
	"context"
	"crypto/sha256"
	"crypto/sha512"
	"encoding/base64"
	"encoding/hex"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"testing"
	"time"

	"golang.org/x/sync/errgroup"
)

// registry is a stand-in for npm and what is behind it: a script that packs one
// archive, and keeps a line for each time it was called.
type registry struct {
	npm, calls string
	archive    []byte
	library    []byte
}

func newRegistry(t *testing.T, library string) *registry {
	t.Helper()
	dir := t.TempDir()
	r := &registry{npm: filepath.Join(dir, "npm"), calls: filepath.Join(dir, "calls"), library: []byte(library)}
	r.archive = pack(t, map[string]string{"package/index.js": "x", "package/libchdb.so": library})
	tgz := filepath.Join(dir, "served.tgz")
	if err := os.WriteFile(tgz, r.archive, 0o600); err != nil {
		t.Fatal(err)
	}
	sum := sha512.Sum512(r.archive)
	script := fmt.Sprintf(`#!/bin/sh
echo "$@" >> %q
case "$1" in
pack) mkdir -p "$6" && sleep 0.3 && cp %q "$4/chdb.tgz" ;;
view) echo "sha512-%s" ;;
esac
`, r.calls, tgz, base64.StdEncoding.EncodeToString(sum[:]))
	if err := os.WriteFile(r.npm, []byte(script), 0o700); err != nil {
		t.Fatal(err)
	}
	return r
}

func pack(t *testing.T, files map[string]string) []byte {
	t.Helper()
	var out bytes.Buffer
	zipped := gzip.NewWriter(&out)
	archive := tar.NewWriter(zipped)
	for name, text := range files {
		if err := archive.WriteHeader(&tar.Header{Name: name, Typeflag: tar.TypeReg, Mode: 0o755, Size: int64(len(text))}); err != nil {
			t.Fatal(err)
		}
		if _, err := archive.Write([]byte(text)); err != nil {
			t.Fatal(err)
		}
	}
	if err := errors.Join(archive.Close(), zipped.Close()); err != nil {
		t.Fatal(err)
	}
	return out.Bytes()
}

func hexSum(b []byte) string {
	sum := sha256.Sum256(b)
	return hex.EncodeToString(sum[:])
}

// options install from r, with the sums it is supposed to serve.
func (r *registry) options(t *testing.T, progress *bytes.Buffer) InstallOptions {
	return InstallOptions{
		Progress: progress, CacheDir: t.TempDir(), NPM: r.npm,
		goos: "linux", goarch: "amd64", systemDirs: []string{},
		platform: platform{
			goos: "linux", goarch: "amd64", npmPackage: "@chdb/lib-linux-x64-gnu",
			archiveBytes: int64(len(r.archive)), archiveSHA256: hexSum(r.archive),
			libraryBytes: int64(len(r.library)), librarySHA256: hexSum(r.library),
		},
	}
}

func (r *registry) called(t *testing.T) []string {
	t.Helper()
	text, err := os.ReadFile(r.calls)
	if errors.Is(err, os.ErrNotExist) {
		return nil
	}
	if err != nil {
		t.Fatal(err)
	}
	return strings.Split(strings.TrimSpace(string(text)), "\n")
}

func TestInstall(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, "the library")
	var said bytes.Buffer
	opts := r.options(t, &said)
	path, err := Install(t.Context(), opts)
	if err != nil {
		t.Fatal(err)
	}
	if want := filepath.Join(opts.CacheDir, "libchdb", Version+"-linux-amd64", "libchdb.so"); path != want {
		t.Errorf("installed %s, want %s", path, want)
	}
	text, err := os.ReadFile(path)
	if err != nil || string(text) != "the library" {
		t.Errorf("the library is %q, %v", text, err)
	}
	calls := r.called(t)
	if len(calls) != 1 || !strings.HasPrefix(calls[0], "pack @chdb/lib-linux-x64-gnu@"+Version+" --pack-destination ") {
		t.Errorf("npm was called with %q", calls)
	}
	want := "fetching libchdb " + Version + " with npm\nunpacking libchdb\ninstalled " + path + "\n"
	if got := strings.ReplaceAll(said.String(), " (0 MB)", ""); got != want {
		t.Errorf("said %q, want %q", got, want)
	}
	left, err := filepath.Glob(filepath.Join(filepath.Dir(path), "staging-*"))
	if err != nil || len(left) > 0 {
		t.Errorf("left behind: %v, %v", left, err)
	}
	if again, err := Install(t.Context(), opts); err != nil || again != path || len(r.called(t)) != 1 {
		t.Errorf("a second time: %s, %v, npm called %d times", again, err, len(r.called(t)))
	}
}

func TestInstallDrawsABarOnATerminal(t *testing.T) {
	t.Parallel()
	var said bytes.Buffer
	opts := newRegistry(t, "the library").options(t, &said)
	opts.Interactive = true
	if _, err := Install(t.Context(), opts); err != nil {
		t.Fatal(err)
	}
	if got := said.String(); !strings.Contains(got, "\r") || !strings.Contains(got, "100%") || !strings.Contains(got, "fetching libchdb") {
		t.Errorf("drawn: %q", got)
	}
}

// A file with another sum is named with both sums and a remedy, and nothing is
// installed.
func TestChecksumMismatch(t *testing.T) {
	t.Parallel()
	const pinned = "0000000000000000000000000000000000000000000000000000000000000000"
	cases := []struct {
		name, file string
		spoil      func(*platform)
		got        func(*registry) string
	}{
		{
			"package", "@chdb/lib-linux-x64-gnu@" + Version + " (package)",
			func(p *platform) { p.archiveSHA256 = pinned }, func(r *registry) string { return hexSum(r.archive) },
		},
		{
			"library", "libchdb.so of @chdb/lib-linux-x64-gnu@" + Version,
			func(p *platform) { p.librarySHA256 = pinned }, func(r *registry) string { return hexSum(r.library) },
		},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			r := newRegistry(t, "another library")
			opts := r.options(t, new(bytes.Buffer))
			c.spoil(&opts.platform)
			_, err := Install(t.Context(), opts)
			mismatch, ok := errors.AsType[*ChecksumError](err)
			if !ok {
				t.Fatalf("got %v, want a ChecksumError", err)
			}
			if want := (ChecksumError{File: c.file, Want: pinned, Got: c.got(r)}); *mismatch != want {
				t.Errorf("got %+v, want %+v", *mismatch, want)
			}
			for _, part := range []string{c.file, pinned, c.got(r), "nothing was installed", "npm config get registry"} {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("the error does not mention %q: %v", part, err)
				}
			}
			files, err := filepath.Glob(filepath.Join(opts.CacheDir, "libchdb", "*", "*"))
			if err != nil || len(files) != 1 || filepath.Base(files[0]) != "install.lock" {
				t.Errorf("left behind: %v, %v", files, err)
			}
		})
	}
}

// Where no sums are pinned the user is told so, and the package must be the one
// the registry describes.
func TestUnknownPlatformUsesTheRegistrysIntegrity(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, "the library")
	var said bytes.Buffer
	opts := r.options(t, &said)
	opts.goarch = "arm64"
	opts.platform = platform{goos: "linux", goarch: "arm64", npmPackage: "@chdb/lib-linux-arm64-gnu"}
	if _, err := Install(t.Context(), opts); err != nil {
		t.Fatal(err)
	}
	if got := said.String(); !strings.Contains(got, "linux/arm64 is untested") {
		t.Errorf("said %q", got)
	}
	if calls := r.called(t); len(calls) != 2 || calls[1] != "view @chdb/lib-linux-arm64-gnu@"+Version+" dist.integrity" {
		t.Errorf("npm was called with %q", calls)
	}

	script, err := os.ReadFile(r.npm)
	if err != nil {
		t.Fatal(err)
	}
	if err := os.WriteFile(r.npm, bytes.Replace(script, []byte(`echo "sha512-`), []byte(`echo "sha512-x`), 1), 0o700); err != nil {
		t.Fatal(err)
	}
	opts.CacheDir = t.TempDir()
	_, err = Install(t.Context(), opts)
	if _, ok := errors.AsType[*ChecksumError](err); !ok {
		t.Errorf("another integrity: got %v, want a ChecksumError", err)
	}
}

// Of several that install at once one fetches; all get the library.
func TestInstallTwiceAtOnce(t *testing.T) {
	t.Parallel()
	r := newRegistry(t, "the library")
	opts := r.options(t, new(bytes.Buffer))
	opts.Progress = nil
	var group errgroup.Group
	for range 4 {
		group.Go(func() error {
			path, err := Install(t.Context(), opts)
			if err != nil {
				return err
			}
			_, err = os.Stat(path)
			return err
		})
	}
	if err := group.Wait(); err != nil {
		t.Error(err)
	}
	if calls := r.called(t); len(calls) != 1 {
		t.Errorf("npm was called %d times: %q", len(calls), calls)
	}
}

func TestInstallFailures(t *testing.T) {
	t.Parallel()
	broken := func(t *testing.T, script string) InstallOptions {
		opts := newRegistry(t, "the library").options(t, new(bytes.Buffer))
		if err := os.WriteFile(opts.NPM, []byte("#!/bin/sh\n"+script), 0o700); err != nil {
			t.Fatal(err)
		}
		return opts
	}
	cases := []struct {
		name string
		opts func(*testing.T) InstallOptions
		want []string
	}{
		{"no npm", func(t *testing.T) InstallOptions {
			opts := broken(t, "")
			opts.NPM = "npm-that-is-not-there"
			return opts
		}, []string{"npm is not installed", "apt-get install npm"}},
		{"npm fails", func(t *testing.T) InstallOptions {
			return broken(t, "echo 'npm error 404 Not Found' >&2; exit 1")
		}, []string{"npm pack @chdb/lib-linux-x64-gnu@" + Version, "exit status 1", "404 Not Found"}},
		{"npm packs nothing", func(t *testing.T) InstallOptions { return broken(t, "exit 0") }, []string{"left 0 packages, expected one"}},
		{"no archive", func(t *testing.T) InstallOptions {
			opts := broken(t, `echo text > "$4/chdb.tgz"`)
			opts.platform.archiveSHA256 = hexSum([]byte("text\n"))
			return opts
		}, []string{"unpack @chdb/lib-linux-x64-gnu@" + Version}},
		{"archive without library", func(t *testing.T) InstallOptions {
			archive := pack(t, map[string]string{"package/index.js": "x"})
			file := filepath.Join(t.TempDir(), "x.tgz")
			if err := os.WriteFile(file, archive, 0o600); err != nil {
				t.Fatal(err)
			}
			opts := broken(t, fmt.Sprintf(`cp %q "$4/chdb.tgz"`, file))
			opts.platform.archiveSHA256 = hexSum(archive)
			return opts
		}, []string{"it holds no libchdb.so"}},
		{"cache cannot be made", func(t *testing.T) InstallOptions {
			opts := broken(t, "exit 0")
			opts.CacheDir = filepath.Join(opts.NPM, "cache")
			return opts
		}, []string{"XDG_CACHE_HOME"}},
	}
	for _, c := range cases {
		t.Run(c.name, func(t *testing.T) {
			t.Parallel()
			_, err := Install(t.Context(), c.opts(t))
			if err == nil {
				t.Fatal("installed")
			}
			for _, part := range append(c.want, "install the embedded engine") {
				if !strings.Contains(err.Error(), part) {
					t.Errorf("%v: does not mention %q", err, part)
				}
			}
		})
	}
}

// Ensure's error has both halves: where it looked, and why it could not install.
func TestEnsureReportsBothHalves(t *testing.T) {
	t.Setenv(pathVariable, "")
	r := newRegistry(t, "the library")
	opts := r.options(t, new(bytes.Buffer))
	opts.NPM = "npm-that-is-not-there"
	_, err := Ensure(t.Context(), opts)
	if err == nil {
		t.Fatal("found one")
	}
	for _, part := range []string{"tried:", opts.CacheDir, "it could not be installed: ", "npm is not installed", "to get it by hand: npm pack"} {
		if !strings.Contains(err.Error(), part) {
			t.Errorf("%v: does not mention %q", err, part)
		}
	}
	opts.NPM = r.npm
	if path, err := Ensure(t.Context(), opts); err != nil || !strings.HasPrefix(path, opts.CacheDir) {
		t.Errorf("with npm: %s, %v", path, err)
	}
}

// The one who waits says so, and gives up with its context.
func TestInstallWaitsForAnother(t *testing.T) {
	t.Parallel()
	var said bytes.Buffer
	opts := newRegistry(t, "the library").options(t, &said)
	if err := os.MkdirAll(opts.folder(), 0o755); err != nil {
		t.Fatal(err)
	}
	other, _, err := tryLock(filepath.Join(opts.folder(), "install.lock"), time.Now())
	if err != nil {
		t.Fatal(err)
	}
	ctx, cancel := context.WithTimeout(t.Context(), 250*time.Millisecond)
	defer cancel()
	if _, err := Install(ctx, opts); !errors.Is(err, context.DeadlineExceeded) {
		t.Errorf("got %v, want context.DeadlineExceeded", err)
	}
	if want := fmt.Sprintf("waiting for another process (pid %d) that installs libchdb\n", os.Getpid()); said.String() != want {
		t.Errorf("said %q, want %q", said.String(), want)
	}
	if err := other.release(); err != nil {
		t.Error(err)
	}
}

func TestInstallStopsWithItsContext(t *testing.T) {
	t.Parallel()
	opts := newRegistry(t, "the library").options(t, new(bytes.Buffer))
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if _, err := Install(ctx, opts); !errors.Is(err, context.Canceled) {
		t.Errorf("got %v, want context.Canceled", err)
	}
}
