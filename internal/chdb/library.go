package chdb

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"runtime"
	"strings"
)

// Version is the npm package version of the engine this package installs. The
// registry's "latest" tag is an older line, so the version is always given.
const Version = "26.7.3-stable.1"

// minimumVersion is the first line that has every call this package makes.
const minimumVersion = "26.7"

// pathVariable names a library, or the folder of one, before any other place.
const pathVariable = "CHDB_LIB_PATH"

// platform is one build of the library.
type platform struct {
	goos, goarch  string
	npmPackage    string
	archiveBytes  int64  // size of the package; 0 when unknown
	archiveSHA256 string // of the package; empty when unknown
	libraryBytes  int64
	librarySHA256 string
}

// known reports whether the build's sums are pinned. The others have not been
// run by us and are checked against the registry's own integrity field only.
func (p platform) known() bool { return p.librarySHA256 != "" }

// platforms are the builds that chdb's npm package names as its optional
// dependencies. Only linux/amd64 has been run; it needs glibc and AVX2.
func platforms() []platform {
	return []platform{
		{
			goos: "linux", goarch: "amd64", npmPackage: "@chdb/lib-linux-x64-gnu",
			archiveBytes:  177_817_999,
			archiveSHA256: "c0d32b129e988f2b9a9a31c9141aecf5e1e2453f9a079efc4d36ab8e3f92b2ad",
			libraryBytes:  566_330_096,
			librarySHA256: "36ad4e999882821ef13cf2d0f52c93f48e6ee1b4498b35a201c23ce4b8d15bf5",
		},
		{goos: "linux", goarch: "arm64", npmPackage: "@chdb/lib-linux-arm64-gnu"},
		{goos: "darwin", goarch: "arm64", npmPackage: "@chdb/lib-darwin-arm64"},
		{goos: "darwin", goarch: "amd64", npmPackage: "@chdb/lib-darwin-x64"},
	}
}

func platformOf(goos, goarch string) (platform, error) {
	for _, p := range platforms() {
		if p.goos == goos && p.goarch == goarch {
			return p, nil
		}
	}
	return platform{}, fmt.Errorf("the embedded engine is not built for %s/%s; use a ClickHouse server instead", goos, goarch)
}

// libraryNames are the file names a library may have, the package's own first.
// The package calls it libchdb.so on every platform.
func libraryNames(goos string) []string {
	if goos == "darwin" {
		return []string{"libchdb.so", "libchdb.dylib"}
	}
	return []string{"libchdb.so"}
}

// MissingError says that there is no library, where it was looked for and how
// to get it.
type MissingError struct {
	Tried   []string // every place, in order, with what was wrong with it
	Command string   // the npm command that fetches it; empty where there is no build
	Cause   error    // why it could not be installed; nil when that was not attempted
}

func (e *MissingError) Error() string {
	var b strings.Builder
	b.WriteString("the embedded engine (libchdb " + Version + ") was not found; tried:")
	for _, place := range e.Tried {
		b.WriteString("\n  " + place)
	}
	if e.Cause != nil {
		fmt.Fprintf(&b, "\nit could not be installed: %v", e.Cause)
	}
	if e.Command != "" {
		fmt.Fprintf(&b, "\nto get it by hand: %s, unpack it, and set %s to package/libchdb.so", e.Command, pathVariable)
	}
	b.WriteString("\nor give the address of a ClickHouse server as the store")
	return b.String()
}

func (e *MissingError) Unwrap() error { return e.Cause }

// Find looks for the library: in CHDB_LIB_PATH, beside the executable, in the
// user's cache, in the system's folders. Tried lists every place looked at with
// the reason it did not serve. A CHDB_LIB_PATH that names no library is an
// error, never a reason to take another.
func Find(opts InstallOptions) (path string, tried []string, err error) {
	opts, err = opts.resolve()
	if err != nil {
		return "", nil, err
	}
	if named := os.Getenv(pathVariable); named != "" {
		path, why := libraryAt(named, 0)
		if path != "" {
			return path, nil, nil
		}
		tried = []string{fmt.Sprintf("%s=%s (%s)", pathVariable, named, why)}
		return "", tried, &MissingError{Tried: tried, Command: opts.command()}
	}
	tried = append(tried, pathVariable+" (not set)")
	for _, place := range opts.places() {
		path, why := libraryAt(place.path, place.size)
		if path != "" {
			return path, tried, nil
		}
		tried = append(tried, fmt.Sprintf("%s (%s)", place.path, why))
	}
	return "", tried, &MissingError{Tried: tried, Command: opts.command()}
}

// place is a file to try. Size is what it must measure, 0 for any: a file of
// our own cache with another size is a broken copy, not another version.
type place struct {
	path string
	size int64
}

func (o InstallOptions) places() []place {
	var places []place
	names := libraryNames(o.goos)
	if exe, err := os.Executable(); err == nil {
		if real, err := filepath.EvalSymlinks(exe); err == nil {
			exe = real
		}
		for _, name := range names {
			places = append(places, place{filepath.Join(filepath.Dir(exe), name), 0})
		}
	}
	if o.CacheDir != "" {
		places = append(places, place{o.installed(), o.platform.libraryBytes})
	}
	for _, dir := range o.systemDirs {
		for _, name := range names {
			places = append(places, place{filepath.Join(dir, name), 0})
		}
	}
	return places
}

func systemDirs(goos, goarch string) []string {
	if goos == "darwin" {
		return []string{"/usr/local/lib", "/opt/homebrew/lib", "/usr/lib"}
	}
	multiarch := map[string]string{"amd64": "x86_64-linux-gnu", "arm64": "aarch64-linux-gnu"}[goarch]
	return []string{"/usr/local/lib", "/usr/lib", "/usr/lib64", filepath.Join("/usr/lib", multiarch)}
}

// libraryAt returns the library at path, a file or a folder of one, or why
// there is none.
func libraryAt(path string, size int64) (found, why string) {
	path, err := filepath.Abs(path)
	if err != nil {
		return "", err.Error()
	}
	info, err := os.Stat(path)
	if err == nil && info.IsDir() {
		for _, name := range libraryNames(runtime.GOOS) {
			if found, _ := libraryAt(filepath.Join(path, name), size); found != "" {
				return found, ""
			}
		}
		return "", "a folder without a library"
	}
	switch {
	case errors.Is(err, os.ErrNotExist):
		return "", "no such file"
	case err != nil:
		return "", err.Error()
	case !info.Mode().IsRegular():
		return "", "not a file"
	case size > 0 && info.Size() != size:
		return "", fmt.Sprintf("damaged: %d bytes, expected %d", info.Size(), size)
	}
	return path, ""
}
