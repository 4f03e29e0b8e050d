package chdb

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"os/exec"
	"path/filepath"
	"runtime"
	"strings"
	"time"
)

// InstallOptions say where the library is kept and how it is fetched. The zero
// value is what a program wants, save for Progress.
type InstallOptions struct {
	Progress    io.Writer // told what is fetched; nil is silent
	Interactive bool      // Progress is a terminal: draw a bar instead of lines
	CacheDir    string    // empty means the user's cache folder
	NPM         string    // the npm client; empty means npm of PATH
	Offline     bool      // never fetch

	goos, goarch string // empty means this machine's
	systemDirs   []string
	platform     platform
}

func (o InstallOptions) resolve() (InstallOptions, error) {
	if o.goos == "" {
		o.goos, o.goarch = runtime.GOOS, runtime.GOARCH
	}
	if o.systemDirs == nil {
		o.systemDirs = systemDirs(o.goos, o.goarch)
	}
	if o.platform.npmPackage == "" {
		p, err := platformOf(o.goos, o.goarch)
		if err != nil {
			return o, err
		}
		o.platform = p
	}
	if o.CacheDir == "" {
		// Without a home there is no cache, and the other places still count.
		if dir, err := os.UserCacheDir(); err == nil {
			o.CacheDir = filepath.Join(dir, "faaswarden")
		}
	}
	if o.NPM == "" {
		o.NPM = "npm"
	}
	if o.Progress == nil {
		o.Progress = io.Discard
	}
	return o, nil
}

// folder is where this version's library is kept.
func (o InstallOptions) folder() string {
	return filepath.Join(o.CacheDir, "libchdb", Version+"-"+o.goos+"-"+o.goarch)
}

func (o InstallOptions) installed() string { return filepath.Join(o.folder(), "libchdb.so") }

func (o InstallOptions) spec() string { return o.platform.npmPackage + "@" + Version }

func (o InstallOptions) command() string { return "npm pack " + o.spec() }

// Ensure finds the library or installs it. Its error lists every place tried
// and how to get the library by hand.
func Ensure(ctx context.Context, opts InstallOptions) (string, error) {
	path, _, err := Find(opts)
	missing, ok := errors.AsType[*MissingError](err)
	if !ok {
		return path, err
	}
	if opts.Offline || os.Getenv(pathVariable) != "" {
		return "", err
	}
	path, err = Install(ctx, opts)
	if err != nil {
		missing.Cause = err
		return "", missing
	}
	return path, nil
}

// Install fetches the platform's package with npm into the user's cache,
// verifies it and puts the library in place in one rename. Of several processes
// that install at once one works and the others wait for it.
func Install(ctx context.Context, opts InstallOptions) (string, error) {
	opts, err := opts.resolve()
	if err != nil {
		return "", err
	}
	if opts.CacheDir == "" {
		return "", errors.New("install the embedded engine: no cache folder: HOME is not set")
	}
	if err := os.MkdirAll(opts.folder(), 0o755); err != nil {
		return "", fmt.Errorf("install the embedded engine: %w; make that folder writable or set XDG_CACHE_HOME to one that is", err)
	}
	lock, err := opts.waitLock(ctx)
	if err != nil {
		return "", fmt.Errorf("install the embedded engine: %w", err)
	}
	path, err := opts.installLocked(ctx)
	if err := errors.Join(err, lock.release()); err != nil {
		return "", fmt.Errorf("install the embedded engine: %w", err)
	}
	return path, nil
}

// waitLock takes the installation's lock, waiting for the process that holds it.
func (o InstallOptions) waitLock(ctx context.Context) (*lockFile, error) {
	tick := time.NewTicker(100 * time.Millisecond)
	defer tick.Stop()
	for told := false; ; told = true {
		lock, holder, err := tryLock(filepath.Join(o.folder(), "install.lock"), time.Now())
		if err == nil || !errors.Is(err, errHeld) {
			return lock, err
		}
		if !told {
			fmt.Fprintf(o.Progress, "waiting for another process (pid %d) that installs libchdb\n", holder.PID)
		}
		select {
		case <-ctx.Done():
			return nil, fmt.Errorf("wait for another process that installs it: %w", ctx.Err())
		case <-tick.C:
		}
	}
}

func (o InstallOptions) installLocked(ctx context.Context) (string, error) {
	if path, _ := libraryAt(o.installed(), o.platform.libraryBytes); path != "" {
		return path, nil // another process has just installed it
	}
	staging, err := os.MkdirTemp(o.folder(), "staging-*")
	if err != nil {
		return "", err
	}
	defer os.RemoveAll(staging) //nolint:errcheck // what is left is named staging and takes only space
	if !o.platform.known() {
		fmt.Fprintf(o.Progress, "libchdb for %s/%s is untested; only the registry's integrity field is checked\n", o.goos, o.goarch)
	}
	archive, err := o.fetch(ctx, staging)
	if err != nil {
		return "", err
	}
	if err := o.verifyArchive(ctx, archive); err != nil {
		return "", err
	}
	library := filepath.Join(staging, "libchdb.so")
	if err := o.unpack(ctx, archive, library); err != nil {
		return "", err
	}
	if err := os.Rename(library, o.installed()); err != nil {
		return "", err
	}
	fmt.Fprintf(o.Progress, "installed %s\n", o.installed())
	return o.installed(), nil
}

// fetch runs npm pack. Npm is given a cache of its own in the staging folder:
// its growth is the only progress npm lets be seen, and 178 MB are not left
// twice on the disk.
func (o InstallOptions) fetch(ctx context.Context, staging string) (string, error) {
	cache := filepath.Join(staging, "npm")
	out := filepath.Join(staging, "package")
	if err := os.MkdirAll(out, 0o755); err != nil {
		return "", err
	}
	cmd := o.npm(ctx, "pack", o.spec(), "--pack-destination", out, "--cache", cache, "--loglevel", "error")
	var stderr bytes.Buffer
	cmd.Stderr = &stderr
	done := o.watch("fetching libchdb "+Version+" with npm", o.platform.archiveBytes, cache)
	err := cmd.Run()
	done(err == nil)
	if err != nil {
		return "", npmError(ctx, o, err, stderr.String())
	}
	found, err := filepath.Glob(filepath.Join(out, "*.tgz"))
	if err != nil || len(found) != 1 {
		return "", fmt.Errorf("%s left %d packages, expected one", o.command(), len(found))
	}
	return found[0], errors.Join(err, os.RemoveAll(cache))
}

// npm makes a command that dies with ctx. It has no update notices to print and
// nothing to ask.
func (o InstallOptions) npm(ctx context.Context, args ...string) *exec.Cmd {
	cmd := exec.CommandContext(ctx, o.NPM, args...)
	cmd.Env = append(os.Environ(), "NO_UPDATE_NOTIFIER=1", "npm_config_yes=true", "npm_config_audit=false", "npm_config_fund=false")
	cmd.Dir = o.folder() // never a project's folder, whose package.json would be read
	cmd.WaitDelay = 5 * time.Second
	return cmd
}

func npmError(ctx context.Context, o InstallOptions, err error, stderr string) error {
	if cause := ctx.Err(); cause != nil {
		return fmt.Errorf("%s: %w", o.command(), cause)
	}
	if errors.Is(err, exec.ErrNotFound) {
		return fmt.Errorf("%s: npm is not installed (Debian: apt-get install npm): %w", o.command(), err)
	}
	text := strings.TrimSpace(stderr)
	if len(text) > 2000 {
		text = text[:2000] + " …"
	}
	return fmt.Errorf("%s: %w: %s", o.command(), err, text)
}
