package chdb

import (
	"context"
	"errors"
	"fmt"
	"os"
	"path/filepath"
	"syscall"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"
)

var errCannotMount = errors.New("cannot mount a file system of my own")

// namespaced gives a child a mount namespace, and for those who are not root a
// user namespace in which they are.
func namespaced() *syscall.SysProcAttr {
	attr := &syscall.SysProcAttr{Setpgid: true, Cloneflags: syscall.CLONE_NEWNS}
	if os.Getuid() != 0 {
		attr.Cloneflags |= syscall.CLONE_NEWUSER
		attr.UidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getuid(), Size: 1}}
		attr.GidMappings = []syscall.SysProcIDMap{{ContainerID: 0, HostID: os.Getgid(), Size: 1}}
	}
	return attr
}

func mountSmall(dir string) error {
	if err := os.MkdirAll(dir, 0o700); err != nil {
		return err
	}
	if err := syscall.Mount("", "/", "", syscall.MS_REC|syscall.MS_PRIVATE, ""); err != nil {
		return fmt.Errorf("%w: %w", errCannotMount, err)
	}
	if err := syscall.Mount("tmpfs", dir, "tmpfs", 0, "size=96m"); err != nil {
		return fmt.Errorf("%w: %w", errCannotMount, err)
	}
	return nil
}

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
