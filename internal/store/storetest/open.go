// Package storetest gives tests a store on the embedded engine, and the
// conformance suite that every way of reaching a store must pass.
package storetest

import (
	"context"
	"fmt"
	"os"
	"path/filepath"
	"sync"
	"sync/atomic"
	"testing"

	"github.com/faaswarden/faaswarden/internal/chdb"
	"github.com/faaswarden/faaswarden/internal/store"
)

// shared is the test binary's engine: a process can run only one. It is open
// while some test uses it, so no TestMain is needed to close it.
var shared struct {
	sync.Mutex
	engine *chdb.Engine
	dir    string
	users  int
}

var databases atomic.Int64

// Open returns a store in a fresh database on the binary's one engine, relaxed
// about power loss. It may be called by parallel tests; the database is dropped
// and the store closed when the test ends.
func Open(t testing.TB) *store.Store {
	t.Helper()
	s, err := store.Open(context.Background(), store.Options{Engine: Engine(t), Database: Database()})
	if err != nil {
		t.Fatalf("open a store for a test: %v", err)
	}
	t.Cleanup(func() {
		if err := s.Exec(context.Background(), "DROP DATABASE "+s.Database()+" SYNC", nil); err != nil {
			t.Errorf("drop the test's database: %v", err)
		}
		if err := s.Close(); err != nil {
			t.Errorf("close the test's store: %v", err)
		}
	})
	return s
}

// Database is a name that no other test of the process uses.
func Database() string {
	return fmt.Sprintf("test_%d_%d", os.Getpid(), databases.Add(1))
}

// Engine returns the binary's one engine, for tests that open stores on it in
// their own way. It closes after the last test that asked for it.
func Engine(t testing.TB) *chdb.Engine {
	t.Helper()
	shared.Lock()
	defer shared.Unlock()
	if shared.users == 0 {
		if err := start(); err != nil {
			t.Fatalf("start the embedded engine for a test: %v", err)
		}
	}
	shared.users++
	t.Cleanup(func() {
		if err := release(); err != nil {
			t.Errorf("stop the embedded engine: %v", err)
		}
	})
	return shared.engine
}

// start opens the engine. A test never installs it: that is the deployer's step.
func start() error {
	library, _, err := chdb.Find(chdb.InstallOptions{})
	if err != nil {
		return err
	}
	dir, err := os.MkdirTemp("", "faaswarden-test-*")
	if err != nil {
		return err
	}
	engine, err := chdb.Open(context.Background(), chdb.Options{Path: filepath.Join(dir, "store"), Library: library, Durability: chdb.Relaxed})
	if err != nil {
		_ = os.RemoveAll(dir) // the first error is the one to tell
		return err
	}
	shared.engine, shared.dir = engine, dir
	return nil
}

func release() error {
	shared.Lock()
	defer shared.Unlock()
	shared.users--
	if shared.users > 0 {
		return nil
	}
	if err := shared.engine.Close(); err != nil {
		return err
	}
	return os.RemoveAll(shared.dir)
}
