package chdb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
	"github.com/google/go-cmp/cmp"
)

// TestDiskFull fills a 96 MB file system. The child makes it in a mount
// namespace of its own, so nothing is left on the machine; where the kernel
// allows that to nobody, childFull finds another way.
func TestDiskFull(t *testing.T) {
	t.Parallel()
	const want = "insert when full: 243\nread when full: true\nrows of the failed insert: 0\ninsert after making room: 0\n"
	c := newChild(t, "full", filepath.Join(t.TempDir(), "mount"))
	c.cmd.SysProcAttr = namespaced()
	out, err := c.cmd.Output()
	if err != nil && (errors.Is(err, syscall.EPERM) || strings.Contains(c.stderr.String(), errCannotMount.Error())) {
		t.Logf("there is no mount namespace to be had here: %v: %s", err, c.stderr)
	} else if err != nil || string(out) != want {
		t.Errorf("on a full file system: %v\n%s\n%s", err, out, c.stderr)
	}
	c = newChild(t, "full", t.TempDir())
	c.cmd.Env = append(c.cmd.Env, "CHDB_TEST_KEEP_FREE=1")
	if diff := cmp.Diff(want, c.run(t)); diff != "" {
		t.Errorf("where space is to be left free: %s", diff)
	}
}

var errCannotMount = errors.New("cannot mount a file system of my own")

// childFull inserts until the disk is full and says what then works. Without a
// file system of its own it uses a table that wants more space left free than
// there is, which takes the same way to the same error.
func childFull(dir string) error {
	table, ballast := "w.t", filepath.Join(dir, "ballast")
	fill := func() error { return os.WriteFile(ballast, make([]byte, 95<<20), 0o600) }
	free := func() error { return os.Remove(ballast) }
	if os.Getenv("CHDB_TEST_KEEP_FREE") != "" {
		table = "w.kept"
		fill = func() error { return nil }
		free = fill
	} else if err := mountSmall(dir); err != nil {
		return err
	}
	return withEngine(Options{Path: filepath.Join(dir, "data")}, func(_ *Engine, conn driver.Conn) error {
		for _, s := range []string{
			"CREATE DATABASE w",
			"CREATE TABLE w.t (a UInt64, s String) ENGINE = MergeTree ORDER BY a",
			"CREATE TABLE w.kept AS w.t ENGINE = MergeTree ORDER BY a SETTINGS min_free_disk_bytes_to_perform_insert = 1152921504606846976",
			"INSERT INTO w.t SELECT number, '' FROM numbers(10)",
		} {
			if err := conn.Exec(context.Background(), s); err != nil {
				return err
			}
		}
		if err := fill(); err != nil && !errors.Is(err, syscall.ENOSPC) {
			return err
		}
		return reportFull(context.Background(), conn, table, free)
	})
}

func reportFull(ctx context.Context, conn driver.Conn, table string, free func() error) error {
	code := func(err error) int32 {
		if refused, ok := errors.AsType[*clickhouse.Exception](err); ok {
			return refused.Code
		}
		return 0
	}
	big := "INSERT INTO " + table + " SELECT 1000 + number, randomString(1000) FROM numbers(200000)"
	fmt.Println("insert when full:", code(conn.Exec(ctx, big)))
	var rows, failed uint64
	err := conn.QueryRow(ctx, "SELECT count() FROM w.t WHERE a < 1000").Scan(&rows)
	fmt.Println("read when full:", err == nil && rows == 10)
	if err := conn.QueryRow(ctx, "SELECT count() FROM "+table+" WHERE a >= 1000").Scan(&failed); err != nil {
		return err
	}
	fmt.Println("rows of the failed insert:", failed)
	if err := free(); err != nil {
		return err
	}
	fmt.Println("insert after making room:", code(conn.Exec(ctx, "INSERT INTO w.t SELECT 100 + number, '' FROM numbers(10)")))
	return nil
}
