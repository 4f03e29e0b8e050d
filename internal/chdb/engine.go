package chdb

import (
	"context"
	"crypto/rand"
	"encoding/hex"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strconv"
	"strings"
	"sync"
	"sync/atomic"
	"syscall"
	"time"
)

// Options say where the data is and how the engine may use the machine.
type Options struct {
	Path    string // data folder, made when missing; held by one process at a time; what spills goes to its tmp
	Library string // path of libchdb; empty means whatever Find finds

	Logger     *slog.Logger // nil discards
	Durability Durability   // zero value: survives power loss

	MaxServerMemory int64 // bytes the engine may allocate in all; 0 means its own default. Go's heap is not counted.
	Threads         int   // threads of one statement; 0 means one a core

	// Outside bounds each statement of ReadOnlyRoundTripper.
	Outside Limits

	// Rehearsal plays a server's user on this engine; nil is the engine's own.
	Rehearsal *Rehearsal
	Backups   string // folder that BACKUP may write to and RESTORE read from; empty forbids both
}

// Limits bound one statement that came from outside the process.
type Limits struct {
	Memory    int64         // bytes; 0 means 1 GiB
	Time      time.Duration // rounded up to a second; 0 means one minute
	Statement int64         // bytes of SQL; 0 means 1 MiB
}

func (l Limits) withDefaults() Limits {
	if l.Memory == 0 {
		l.Memory = 1 << 30
	}
	if l.Time == 0 {
		l.Time = time.Minute
	}
	if l.Statement == 0 {
		l.Statement = 1 << 20
	}
	return l
}

// Engine is the one running engine of this process. Its methods are safe for
// concurrent use.
type Engine struct {
	opts     Options
	lib      *library
	lock     *lockFile
	log      *slog.Logger
	version  string
	detached []DetachedPart
	instance string // random, part of every statement's tag

	keeperMu sync.Mutex
	keeper   *conn // held for the engine's life, for without a connection the engine stops

	statements atomic.Uint64
	buffers    sync.Pool // of *[]byte, insertChunkBytes long

	closing context.Context // ends when Close begins, and every statement with it
	close   context.CancelFunc
	mu      sync.Mutex // guards closed against begin
	closed  bool
	work    sync.WaitGroup
}

// running says which path this process's engine has open. The library keeps its
// state in globals, so one process has one engine.
var running struct {
	sync.Mutex
	path string
}

// Open starts the engine on a data folder. It returns a *LockedError when
// another process holds the folder and a *MissingError when there is no library.
func Open(ctx context.Context, opts Options) (*Engine, error) {
	if err := ctx.Err(); err != nil {
		return nil, err
	}
	opts, err := opts.resolve()
	if err != nil {
		return nil, err
	}
	running.Lock()
	defer running.Unlock()
	if running.path != "" {
		return nil, fmt.Errorf("open the store at %s: this process already has %s open", opts.Path, running.path)
	}
	if err := prepareData(opts.Path); err != nil {
		return nil, err
	}
	// Two spellings of one folder must meet at one lock.
	if opts.Path, err = filepath.EvalSymlinks(opts.Path); err != nil {
		return nil, fmt.Errorf("open the store: %w", err)
	}
	lock, err := lockData(opts.Path)
	if err != nil {
		return nil, err
	}
	e, err := start(opts, lock)
	if err != nil {
		return nil, errors.Join(err, lock.release())
	}
	running.path = opts.Path
	e.log.Debug("embedded engine opened", slog.String("path", opts.Path),
		slog.String("version", e.version), slog.String("durability", opts.Durability.String()))
	return e, nil
}

// resolve fills in defaults. The engine compares paths as text, so there is
// one spelling of each.
func (o Options) resolve() (Options, error) {
	if o.Path == "" {
		return o, errors.New("open the store: no path given")
	}
	path, err := filepath.Abs(o.Path)
	if err != nil {
		return o, fmt.Errorf("open the store at %s: %w", o.Path, err)
	}
	o.Path = path
	if o.Library == "" {
		library, _, err := Find(InstallOptions{})
		if err != nil {
			return o, err
		}
		o.Library = library
	}
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	o.Outside = o.Outside.withDefaults()
	return o, nil
}

// prepareData makes the folder and proves that it can be written, because the
// engine's own refusal names neither.
func prepareData(path string) error {
	const remedy = "choose another data folder, or make this one writable by the user that runs this"
	if err := os.MkdirAll(path, 0o700); err != nil {
		return fmt.Errorf("make the data folder %s: %w; %s", path, err, remedy)
	}
	for _, dir := range []string{path, filepath.Dir(path)} {
		probe, err := os.CreateTemp(dir, ".probe-*")
		if errors.Is(err, syscall.ENOSPC) {
			continue // a full disk can still be read from
		}
		if err != nil {
			return fmt.Errorf("write to the data folder %s: %w; %s", dir, err, remedy)
		}
		if err := errors.Join(probe.Close(), os.Remove(probe.Name())); err != nil {
			return fmt.Errorf("write to the data folder %s: %w; %s", dir, err, remedy)
		}
	}
	return nil
}

// start boots the engine by opening its keeper connection.
func start(opts Options, lock *lockFile) (*Engine, error) {
	lib, err := load(opts.Library)
	if err != nil {
		return nil, err
	}
	config, err := writeConfig(opts)
	if err != nil {
		return nil, err
	}
	e := &Engine{opts: opts, lib: lib, lock: lock, log: opts.Logger, instance: newInstance()}
	e.buffers.New = func() any { b := make([]byte, insertChunkBytes); return &b }
	e.closing, e.close = context.WithCancel(context.Background())
	printed, err := captureStderr(func() error {
		var err error
		e.keeper, err = dial(lib, e.connectArgs("--config-file="+config))
		return err
	})
	if err != nil {
		return nil, bootError(opts.Path, printed, err)
	}
	if err := e.inspect(); err != nil {
		e.keeper.close()
		return nil, err
	}
	return e, nil
}

// bootError adds to a refused boot what the engine printed about it.
func bootError(path, printed string, err error) error {
	if printed == "" {
		return fmt.Errorf("start the engine on %s: %w", path, err)
	}
	if at := strings.Index(printed, "Code: "); at >= 0 {
		return fmt.Errorf("start the engine on %s: %w", path, newError(printed[at:]))
	}
	return fmt.Errorf("start the engine on %s: %w: %s", path, err, strings.TrimSpace(printed))
}

// detachHarmful takes away the system tables whose reading does something.
// stack_trace interrupts every thread with a signal, Go's threads too, for a
// handler that Go did not install; jemalloc_profile_text writes a file in /tmp.
func detachHarmful(c *conn) error {
	for _, table := range []string{"stack_trace", "jemalloc_profile_text"} {
		if err := c.exec("DETACH TABLE IF EXISTS system." + table); err != nil {
			return fmt.Errorf("detach system.%s: %w", table, err)
		}
	}
	return nil
}

// inspect reads what a caller may ask of a freshly started engine.
func (e *Engine) inspect() error {
	version, err := e.keeper.text("SELECT version()", "TSVRaw")
	if err != nil {
		return fmt.Errorf("read the engine's version: %w", err)
	}
	e.version = strings.TrimSpace(version)
	if err := detachHarmful(e.keeper); err != nil {
		return err
	}
	e.detached, err = detachedParts(e.keeper)
	return err
}

// connectArgs are those every connection of this engine has.
func (e *Engine) connectArgs(more ...string) []string {
	args := []string{"clickhouse", "--path=" + e.opts.Path}
	if e.opts.MaxServerMemory > 0 {
		args = append(args, "--max_server_memory_usage="+strconv.FormatInt(e.opts.MaxServerMemory, 10))
	}
	if e.opts.Threads > 0 {
		args = append(args, "--max_threads="+strconv.Itoa(e.opts.Threads))
	}
	return append(args, more...)
}

// Version is ClickHouse's version() of the running engine.
func (e *Engine) Version() string { return e.version }

// begin admits one piece of work, which must call e.work.Done.
func (e *Engine) begin() error {
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.closed {
		return ErrClosed
	}
	e.work.Add(1)
	return nil
}

// Close stops what is running, waits for it and stops the engine. Another
// engine may be opened in this process afterwards. The second call is a no-op.
func (e *Engine) Close() error {
	e.mu.Lock()
	first := !e.closed
	e.closed = true
	e.mu.Unlock()
	if !first {
		return nil
	}
	e.close()
	e.work.Wait()
	running.Lock()
	defer running.Unlock()
	e.keeper.close()
	running.path = ""
	e.log.Debug("embedded engine closed", slog.String("path", e.opts.Path))
	if err := e.lock.release(); err != nil {
		return fmt.Errorf("unlock the store at %s: %w", e.opts.Path, err)
	}
	return nil
}

func newInstance() string {
	var b [4]byte
	_, _ = rand.Read(b[:]) // never fails since Go 1.24
	return hex.EncodeToString(b[:])
}
