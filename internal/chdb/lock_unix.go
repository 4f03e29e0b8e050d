//go:build unix

package chdb

import (
	"encoding/json"
	"errors"
	"fmt"
	"io"
	"os"
	"strconv"
	"strings"
	"syscall"
	"time"
)

// owner is what a process writes into the lock file of the path it holds.
type owner struct {
	PID   int       `json:"pid"`
	Since time.Time `json:"since"`
}

// LockedError says that another process has the store open.
type LockedError struct {
	Path    string
	PID     int       // 0 when the holder has not written it yet
	Since   time.Time // zero when unknown
	Command string    // empty when it cannot be read
}

func (e *LockedError) Error() string {
	var b strings.Builder
	fmt.Fprintf(&b, "open the store at %s: another process has it open", e.Path)
	if e.PID > 0 {
		fmt.Fprintf(&b, ": pid %d", e.PID)
		if e.Command != "" {
			fmt.Fprintf(&b, " (%s)", e.Command)
		}
		fmt.Fprintf(&b, ", since %s", e.Since.UTC().Format(time.RFC3339))
	}
	b.WriteString("; stop that process, or give this one a data folder of its own")
	return b.String()
}

// lockPath is beside the data, so that it can be taken before the data exists.
func lockPath(path string) string { return path + ".lock" }

// lockFile holds an advisory lock until closed. The kernel frees it when the
// process dies, however it dies, and a child does not inherit it.
type lockFile struct{ f *os.File }

// errHeld says that the lock belongs to another process.
var errHeld = errors.New("held by another process")

// tryLock takes the lock at name. With errHeld comes whatever the holder wrote.
func tryLock(name string, now time.Time) (*lockFile, owner, error) {
	f, err := os.OpenFile(name, os.O_CREATE|os.O_RDWR, 0o600)
	if err != nil {
		return nil, owner{}, err
	}
	if err := syscall.Flock(int(f.Fd()), syscall.LOCK_EX|syscall.LOCK_NB); err != nil {
		defer f.Close() //nolint:errcheck // nothing was written
		if errors.Is(err, syscall.EWOULDBLOCK) {
			return nil, readOwner(f), errHeld
		}
		return nil, owner{}, err
	}
	text, err := json.Marshal(owner{PID: os.Getpid(), Since: now.UTC().Truncate(time.Second)})
	if err == nil {
		err = f.Truncate(0)
	}
	if err == nil {
		_, err = f.WriteAt(append(text, '\n'), 0)
	}
	if err != nil && !errors.Is(err, syscall.ENOSPC) {
		return nil, owner{}, errors.Join(err, f.Close())
	}
	// A full disk keeps the lock and loses only the name of its holder.
	return &lockFile{f: f}, owner{}, nil
}

// readOwner returns what can be understood of a held lock file: its holder may
// be between taking the lock and writing.
func readOwner(f *os.File) owner {
	text, err := io.ReadAll(io.LimitReader(f, 4096))
	if err != nil {
		return owner{}
	}
	var o owner
	if json.Unmarshal(text, &o) != nil {
		return owner{}
	}
	return o
}

// lockData takes the lock of a data path.
func lockData(path string) (*lockFile, error) {
	lock, holder, err := tryLock(lockPath(path), time.Now())
	if errors.Is(err, errHeld) {
		return nil, &LockedError{Path: path, PID: holder.PID, Since: holder.Since, Command: commandLine(holder.PID)}
	}
	if err != nil {
		return nil, fmt.Errorf("lock the store at %s: %w", path, err)
	}
	return lock, nil
}

// commandLine is the command a process was started with, where /proc tells.
func commandLine(pid int) string {
	if pid <= 0 {
		return ""
	}
	text, err := os.ReadFile("/proc/" + strconv.Itoa(pid) + "/cmdline")
	if err != nil {
		return ""
	}
	return strings.TrimSpace(strings.ReplaceAll(string(text), "\x00", " "))
}

// release frees the lock. The file stays: removing it would let a third process
// lock a name that a second still waits on.
func (l *lockFile) release() error {
	return errors.Join(l.f.Truncate(0), l.f.Close())
}
