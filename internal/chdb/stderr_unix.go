//go:build unix

package chdb

import (
	"bytes"
	"errors"
	"fmt"
	"io"
	"os"
	"sync"
	"syscall"
	"time"
)

// captureMu serialises captures: there is one descriptor 2.
var captureMu sync.Mutex

// captureStderr runs fn with descriptor 2 redirected, and returns what was
// printed there when fn fails: the engine tells the cause of a refused boot
// nowhere else. When fn succeeds the text goes on to the real descriptor, for
// other goroutines may have written it.
func captureStderr(fn func() error) (string, error) {
	captureMu.Lock()
	defer captureMu.Unlock()
	saved, err := syscall.Dup(2)
	if err != nil {
		return "", fn() // no descriptor 2 to listen on
	}
	syscall.CloseOnExec(saved)
	stderr := os.NewFile(uintptr(saved), "stderr")
	defer stderr.Close() //nolint:errcheck // a duplicate, written to already
	r, w, err := os.Pipe()
	if err != nil {
		return "", fmt.Errorf("make a pipe for the engine's messages: %w", err)
	}
	if err := dup2(int(w.Fd()), 2); err != nil {
		return "", errors.Join(fmt.Errorf("redirect descriptor 2: %w", err), r.Close(), w.Close())
	}
	printed := make(chan []byte, 1)
	go func() {
		text, _ := io.ReadAll(r) // a read error leaves what came before it
		printed <- text
	}()
	err = fn()
	restoreErr := dup2(saved, 2)
	_ = w.Close() // the pipe's last writer, so the reader ends
	// Unless a child was started meanwhile, which then holds the pipe as well.
	_ = r.SetReadDeadline(time.Now().Add(time.Second))
	text := <-printed
	_ = r.Close()
	if err == nil && restoreErr == nil {
		_, _ = io.Copy(stderr, bytes.NewReader(text)) // stderr is best effort
	}
	return string(text), errors.Join(err, restoreErr)
}
