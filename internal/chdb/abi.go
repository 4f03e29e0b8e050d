package chdb

import (
	"errors"
	"fmt"
	"runtime"
	"sync"
	"unsafe"

	"github.com/ebitengine/purego"
	"golang.org/x/sys/cpu"
)

// library is the table of C functions this package calls, as chdb.h of libchdb
// 26.7 declares them. Handles are opaque C pointers; the collector never sees
// what they point to. The _n calls take lengths, so text may hold NUL bytes.
type library struct {
	path string

	versionString     func() string
	setSignalHandlers func(enabled int32)

	connect   func(argc int32, argv unsafe.Pointer) unsafe.Pointer
	closeConn func(handle unsafe.Pointer)
	classify  func(conn, sql unsafe.Pointer, sqlLen uintptr, target unsafe.Pointer, targetLen uintptr, out unsafe.Pointer) int32

	query       func(conn, sql unsafe.Pointer, sqlLen uintptr, format unsafe.Pointer, formatLen uintptr, names, nameLens, values, valueLens unsafe.Pointer, count uintptr) unsafe.Pointer
	streamQuery func(conn, sql unsafe.Pointer, sqlLen uintptr, format unsafe.Pointer, formatLen uintptr, names, nameLens, values, valueLens unsafe.Pointer, count uintptr) unsafe.Pointer
	streamFetch func(conn, stream unsafe.Pointer) unsafe.Pointer
	streamStop  func(conn, stream unsafe.Pointer)
	destroy     func(result unsafe.Pointer)

	insertOpen    func(conn, sql unsafe.Pointer, sqlLen uintptr, format unsafe.Pointer, formatLen uintptr, names, nameLens, values, valueLens unsafe.Pointer, count uintptr) unsafe.Pointer
	insertAppend  func(stream, data unsafe.Pointer, size uintptr) int32
	insertDone    func(stream unsafe.Pointer) unsafe.Pointer
	insertCancel  func(stream unsafe.Pointer)
	insertError   func(stream unsafe.Pointer) unsafe.Pointer
	insertDestroy func(stream unsafe.Pointer)

	resultBuffer       func(result unsafe.Pointer) unsafe.Pointer
	resultLength       func(result unsafe.Pointer) uintptr
	resultError        func(result unsafe.Pointer) unsafe.Pointer
	resultRowsRead     func(result unsafe.Pointer) uint64
	resultBytesRead    func(result unsafe.Pointer) uint64
	resultRowsWritten  func(result unsafe.Pointer) uint64
	resultBytesWritten func(result unsafe.Pointer) uint64
}

// loaded is the process's one library: a second copy of the engine in one
// process would fight over the same global state, and a library cannot be
// unloaded once its threads run.
var loaded struct {
	sync.Mutex
	lib *library
}

// load opens the library at path, or returns the one already open. Signal
// handlers are declined before anything else runs: with the engine's handlers
// installed a recovered nil dereference in Go hangs the process.
func load(path string) (*library, error) {
	loaded.Lock()
	defer loaded.Unlock()
	if loaded.lib != nil {
		if loaded.lib.path != path {
			return nil, fmt.Errorf("load %s: this process already runs %s", path, loaded.lib.path)
		}
		return loaded.lib, nil
	}
	if err := checkProcessor(); err != nil {
		return nil, fmt.Errorf("load %s: %w", path, err)
	}
	if err := forceUTC(); err != nil {
		return nil, fmt.Errorf("load %s: %w", path, err)
	}
	lib := &library{path: path}
	if err := lib.bind(); err != nil {
		return nil, fmt.Errorf("load %s: %w", path, err)
	}
	lib.setSignalHandlers(0)
	loaded.lib = lib
	return lib, nil
}

// bind resolves every symbol before registering any, because an older library
// must be refused with a list of what it lacks and RegisterLibFunc panics.
func (l *library) bind() error {
	handle, err := purego.Dlopen(l.path, purego.RTLD_NOW|purego.RTLD_LOCAL)
	if err != nil {
		return err
	}
	symbols := []struct {
		name string
		fn   any
	}{
		{"chdb_version", &l.versionString},
		{"chdb_set_signal_handlers_enabled", &l.setSignalHandlers},
		{"chdb_connect", &l.connect},
		{"chdb_close_conn", &l.closeConn},
		{"chdb_classify_query_n", &l.classify},
		{"chdb_query_with_params_n", &l.query},
		{"chdb_stream_query_with_params_n", &l.streamQuery},
		{"chdb_stream_fetch_result", &l.streamFetch},
		{"chdb_stream_cancel_query", &l.streamStop},
		{"chdb_destroy_query_result", &l.destroy},
		{"chdb_stream_insert_with_params_n", &l.insertOpen},
		{"chdb_stream_append", &l.insertAppend},
		{"chdb_stream_done", &l.insertDone},
		{"chdb_stream_cancel_insert", &l.insertCancel},
		{"chdb_stream_insert_error", &l.insertError},
		{"chdb_destroy_insert_stream", &l.insertDestroy},
		{"chdb_result_buffer", &l.resultBuffer},
		{"chdb_result_length", &l.resultLength},
		{"chdb_result_error", &l.resultError},
		{"chdb_result_storage_rows_read", &l.resultRowsRead},
		{"chdb_result_storage_bytes_read", &l.resultBytesRead},
		{"chdb_result_rows_written", &l.resultRowsWritten},
		{"chdb_result_bytes_written", &l.resultBytesWritten},
	}
	var missing []error
	for _, s := range symbols {
		if _, err := purego.Dlsym(handle, s.name); err != nil {
			missing = append(missing, errors.New(s.name))
		}
	}
	if len(missing) > 0 {
		return fmt.Errorf("not libchdb %s or newer, it lacks: %w", minimumVersion, errors.Join(missing...))
	}
	for _, s := range symbols {
		purego.RegisterLibFunc(s.fn, handle, s.name)
	}
	return nil
}

// checkProcessor refuses a processor without the instructions that the library
// is compiled to. It would not be refused by the library: the process would die
// of SIGILL, which Go cannot recover from.
func checkProcessor() error {
	x86 := cpu.X86
	if runtime.GOARCH == "amd64" && (!x86.HasAVX2 || !x86.HasFMA || !x86.HasBMI1 || !x86.HasBMI2) {
		return errors.New("this processor lacks AVX2, FMA or BMI, which the embedded engine needs; use a ClickHouse server instead")
	}
	return nil
}

// forceUTC sets the zone the engine takes for its own, in C's environment only:
// Go's, and so that of child processes, keeps its TZ. The engine has no other
// setting for it, and a store written under one TZ and read under another would
// move every DateTime that was given as text.
func forceUTC() error {
	setenv, err := purego.Dlsym(purego.RTLD_DEFAULT, "setenv")
	if err != nil {
		return fmt.Errorf("find setenv: %w", err)
	}
	var set func(name, value string, overwrite int32) int32
	purego.RegisterFunc(&set, setenv)
	if set("TZ", "UTC", 1) != 0 {
		return errors.New("set the engine's time zone to UTC")
	}
	return nil
}

// goString copies a NUL-terminated C string.
func goString(p unsafe.Pointer) string {
	if p == nil {
		return ""
	}
	n := 0
	for *(*byte)(unsafe.Add(p, n)) != 0 {
		n++
	}
	return string(unsafe.Slice((*byte)(p), n))
}

// textPointer is the address of s's bytes; the caller keeps s alive.
func textPointer(s string) unsafe.Pointer { return unsafe.Pointer(unsafe.StringData(s)) }

// argv lays out args as a C argument vector. The vector must outlive the call
// it is made for, which pinning it in p ensures.
func argv(p *runtime.Pinner, args []string) unsafe.Pointer {
	vector := make([]unsafe.Pointer, len(args)+1)
	for i, arg := range args {
		text := append([]byte(arg), 0)
		p.Pin(&text[0])
		vector[i] = unsafe.Pointer(&text[0])
	}
	p.Pin(&vector[0])
	return unsafe.Pointer(&vector[0])
}
