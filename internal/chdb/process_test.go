package chdb

import (
	"context"
	"fmt"
	"os"
	"os/signal"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/go-cmp/cmp"
)

// poison is a configuration that shows when it has been read.
const poison = `<clickhouse><macros><poison>drunk</poison></macros></clickhouse>`

// The engine reads config.xml of the working folder unless it is given another.
// The child shows first that the poison works, then that Open is not touched.
func TestConfigOfTheWorkingFolderIsNotRead(t *testing.T) {
	t.Parallel()
	dir := t.TempDir()
	for _, name := range []string{"config.xml", "config.yaml", ".clickhouse-local/config.xml"} {
		if err := os.MkdirAll(filepath.Dir(filepath.Join(dir, name)), 0o700); err != nil {
			t.Fatal(err)
		}
		text := poison
		if strings.HasSuffix(name, ".yaml") {
			text = "macros:\n  poison: drunk\n"
		}
		if err := os.WriteFile(filepath.Join(dir, name), []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
	}
	cache, err := os.UserCacheDir()
	if err != nil {
		t.Fatal(err)
	}
	c := newChild(t, "poisoned", filepath.Join(dir, "data"))
	c.cmd.Dir = dir
	c.cmd.Env = append(c.cmd.Env, "HOME="+dir, "XDG_CACHE_HOME="+cache)
	want := "engine alone: drunk\nthrough Open: No macro poison in config\n"
	if diff := cmp.Diff(want, c.run(t)); diff != "" {
		t.Error(diff)
	}
}

func childPoisoned(path string) error {
	library, _, err := Find(InstallOptions{})
	if err != nil {
		return err
	}
	lib, err := load(library)
	if err != nil {
		return err
	}
	bare, err := dial(lib, []string{"clickhouse", "--path=" + path + "-bare"})
	if err != nil {
		return err
	}
	text, err := bare.text("SELECT getMacro('poison')", "TSVRaw")
	bare.close()
	if err != nil {
		return err
	}
	fmt.Println("engine alone:", strings.TrimSpace(text))
	return withEngine(Options{Path: path}, func(_ *Engine, conn driver.Conn) error {
		var drunk string
		err := conn.QueryRow(context.Background(), "SELECT getMacro('poison')").Scan(&drunk)
		if err == nil {
			fmt.Println("through Open:", drunk)
			return nil
		}
		const sober = "No macro poison in config"
		if !strings.Contains(err.Error(), sober) {
			return err
		}
		fmt.Println("through Open:", sober)
		return nil
	})
}

// Go keeps its signals: those it is notified of arrive while the engine works,
// and a nil dereference, which is a signal too, is still a panic to recover.
func TestGoKeepsItsSignals(t *testing.T) {
	t.Parallel()
	c := newChild(t, "signals", filepath.Join(t.TempDir(), "data")).start(t)
	if got := c.line(t); got != "recovered: runtime error: invalid memory address or nil pointer dereference" {
		t.Errorf("nil dereference: %s", got)
	}
	for _, s := range []os.Signal{syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1} {
		if err := c.cmd.Process.Signal(s); err != nil {
			t.Fatal(err)
		}
		if got := c.line(t); got != s.String() {
			t.Errorf("sent %v, the child was notified of %s", s, got)
		}
	}
	if err := c.finish(); err != nil {
		t.Errorf("%v\n%s", err, c.stderr)
	}
}

func childSignals(path string) error {
	return withEngine(Options{Path: path}, func(_ *Engine, conn driver.Conn) error {
		arrived := make(chan os.Signal, 8)
		signal.Notify(arrived, syscall.SIGINT, syscall.SIGTERM, syscall.SIGHUP, syscall.SIGUSR1)
		ctx, cancel := context.WithTimeout(context.Background(), time.Minute)
		defer cancel()
		busy := make(chan error, 1)
		go func() { busy <- keepBusy(ctx, conn) }()
		fmt.Println("recovered:", recovered())
		for range 4 {
			select {
			case s := <-arrived:
				fmt.Println(s)
			case err := <-busy:
				return err
			}
		}
		cancel()
		return <-busy
	})
}

// keepBusy queries until ctx ends.
func keepBusy(ctx context.Context, conn driver.Conn) error {
	for ctx.Err() == nil {
		var sum uint64
		err := conn.QueryRow(ctx, "SELECT sum(cityHash64(number)) FROM numbers(1000000)").Scan(&sum)
		if err != nil && ctx.Err() == nil {
			return err
		}
	}
	return nil
}

func recovered() (err error) {
	defer func() {
		if e, ok := recover().(error); ok {
			err = e
		}
	}()
	type thing struct{ n int }
	things := map[string]*thing{}
	return fmt.Errorf("nothing was dereferenced: %d", things["missing"].n)
}

// DateTime columns are UTC whatever zone the process runs in, and what was
// written under one zone reads the same under another.
func TestEngineZoneIsUTC(t *testing.T) {
	t.Parallel()
	path := filepath.Join(t.TempDir(), "data")
	inZone := func(zone string, statements ...string) []string {
		c := newChild(t, "query", path)
		c.cmd.Env = append(c.cmd.Env, "TZ="+zone)
		c.cmd.Stdin = strings.NewReader(strings.Join(statements, "\n"))
		return strings.Split(strings.TrimSpace(c.run(t)), "\n")
	}
	written := inZone("America/New_York",
		"CREATE DATABASE w",
		"CREATE TABLE w.t (ts DateTime) ENGINE = MergeTree PARTITION BY toYYYYMMDD(ts) ORDER BY ts",
		"INSERT INTO w.t VALUES ('2026-01-31 23:30:00')",
		"SELECT timezone(), serverTimezone(), toUnixTimestamp(ts), ts FROM w.t")
	read := inZone("Asia/Tokyo", "SELECT timezone(), serverTimezone(), toUnixTimestamp(ts), ts FROM w.t")
	const want = "UTC\tUTC\t1769902200\t2026-01-31 23:30:00"
	if got := written[len(written)-1]; got != want {
		t.Errorf("under New York: %q, want %q", got, want)
	}
	if read[0] != want {
		t.Errorf("under Tokyo: %q, want %q", read[0], want)
	}
}
