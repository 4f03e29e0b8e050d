package store

import (
	"context"
	"crypto/rand"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"syscall"

	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/faaswarden/faaswarden/internal/chdb"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// BackupOptions name an embedded store and the file that holds it.
type BackupOptions struct {
	Data    string // folder of the store
	File    string // ends in .tar.zst, or in .tar
	Install chdb.InstallOptions
	Logger  *slog.Logger // nil discards
}

// resolve makes paths absolute and checks the file's name.
func (o BackupOptions) resolve() (BackupOptions, error) {
	if !strings.HasSuffix(o.File, ".tar.zst") && !strings.HasSuffix(o.File, ".tar") {
		return o, fmt.Errorf("backup file %s: its name must end in .tar.zst or .tar", o.File)
	}
	var err error
	if o.Data, err = enginePath(o.Data); err != nil {
		return o, err
	}
	o.File, err = filepath.Abs(o.File)
	return o, err
}

// session opens the engine on a folder, without making or migrating a store in it.
func (o BackupOptions) session(ctx context.Context, data string) (*Store, error) {
	s, err := Options{DSN: "embedded:" + data, Install: o.Install, Logger: o.Logger, backups: filepath.Dir(o.File)}.connect(ctx)
	if err != nil {
		return nil, err
	}
	if s.conn, err = s.dial("", false); err != nil {
		return nil, errors.Join(err, s.Close())
	}
	return s, nil
}

// Backup writes an embedded store that no process has open to a file that does
// not exist yet. The file appears whole or not at all.
func Backup(ctx context.Context, o BackupOptions) (err error) {
	if o, err = o.resolve(); err != nil {
		return err
	}
	if _, err := os.Lstat(o.File); err == nil {
		return fmt.Errorf("back up to %s: the file exists; name another, for a backup is never written over", o.File)
	}
	if _, err := os.Stat(filepath.Join(o.Data, "metadata")); err != nil { // opening a folder would make it one of the engine's
		return fmt.Errorf("back up %s: there is no store: %w", o.Data, err)
	}
	s, err := o.session(ctx, o.Data)
	if err != nil {
		return err
	}
	partial := partialName(o.File)
	defer func() { err = errors.Join(err, removeFile(partial)) }()
	err = s.writeBackup(ctx, partial)
	if err := errors.Join(err, s.Close()); err != nil {
		return fmt.Errorf("back up %s: %w", o.Data, err)
	}
	return publish(partial, o.File)
}

// partialName is beside a file, so that it can be renamed to it.
func partialName(file string) string {
	dir, base := filepath.Split(file)
	name, kind, _ := strings.Cut(base, ".tar")
	return filepath.Join(dir, "."+name+"."+rand.Text()[:8]+".partial.tar"+kind)
}

func removeFile(name string) error {
	if err := os.Remove(name); !errors.Is(err, fs.ErrNotExist) {
		return err
	}
	return nil
}

func (s *Store) writeBackup(ctx context.Context, file string) error {
	var stores uint64
	if err := s.conn.QueryRow(ctx, "SELECT count() FROM system.databases WHERE name = '"+s.database+"'").Scan(&stores); err != nil {
		return fmt.Errorf("look for a store: %w", err)
	}
	if stores == 0 {
		return errors.New("the folder holds no store of faaswarden")
	}
	return s.conn.Exec(ctx, fmt.Sprintf("BACKUP DATABASE %s TO File(%s)", s.database, Literal(file)))
}

// publish gives a finished file its name, once it is on the disk. It holds
// evidence, so others may not read it.
func publish(partial, file string) error {
	f, err := os.Open(partial)
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	if err := errors.Join(f.Chmod(0o600), f.Sync(), f.Close()); err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	err = os.Link(partial, file) // unlike Rename it never replaces
	if err != nil && !errors.Is(err, fs.ErrExist) {
		err = os.Rename(partial, file) // a file system without links
	}
	if err != nil {
		return fmt.Errorf("write %s: %w", file, err)
	}
	return syncFolder(filepath.Dir(file))
}

func syncFolder(name string) error {
	dir, err := os.Open(name)
	if err != nil {
		return fmt.Errorf("sync folder %s: %w", name, err)
	}
	if err := errors.Join(dir.Sync(), dir.Close()); err != nil {
		return fmt.Errorf("sync folder %s: %w", name, err)
	}
	return nil
}

// Restore makes a store of a backup, in a folder that does not exist or is
// empty. Everything in the backup is read and checked before the folder appears;
// a backup that is damaged leaves nothing behind.
func Restore(ctx context.Context, o BackupOptions) (err error) {
	if o, err = o.resolve(); err != nil {
		return err
	}
	if err := o.checkRestore(); err != nil {
		return err
	}
	temporary, err := os.MkdirTemp(filepath.Dir(o.Data), "."+filepath.Base(o.Data)+".restoring-")
	if err != nil {
		return fmt.Errorf("restore into %s: %w", o.Data, err)
	}
	defer func() { err = errors.Join(err, os.RemoveAll(temporary)) }()
	folder := filepath.Join(temporary, "store") // beside which the engine puts files of its own
	if err := o.restoreInto(ctx, folder); err != nil {
		return fmt.Errorf("restore %s: %w; nothing was restored", o.File, err)
	}
	syscall.Sync() // the engine leaves the restored files to the kernel
	if err := removeFile(o.Data); err != nil {
		return fmt.Errorf("restore into %s: %w", o.Data, err)
	}
	if err := os.Rename(folder, o.Data); err != nil {
		return fmt.Errorf("restore into %s: %w", o.Data, err)
	}
	return syncFolder(filepath.Dir(o.Data))
}

// checkRestore looks at the file and makes way for the folder.
func (o BackupOptions) checkRestore() error {
	info, err := os.Stat(o.File)
	switch {
	case err != nil:
		return fmt.Errorf("restore %s: %w", o.File, err)
	case !info.Mode().IsRegular():
		return fmt.Errorf("restore %s: it is not a file", o.File)
	}
	entries, err := os.ReadDir(o.Data)
	switch {
	case err != nil && !errors.Is(err, fs.ErrNotExist):
		return fmt.Errorf("restore into %s: %w", o.Data, err)
	case len(entries) > 0:
		return fmt.Errorf("restore into %s: the folder is not empty; name one that does not exist, or move its contents away", o.Data)
	}
	if err := os.MkdirAll(filepath.Dir(o.Data), 0o700); err != nil {
		return fmt.Errorf("restore into %s: %w", o.Data, err)
	}
	return nil
}

func (o BackupOptions) restoreInto(ctx context.Context, folder string) error {
	s, err := o.session(ctx, folder)
	if err != nil {
		return err
	}
	err = s.readBackup(ctx, o.File)
	if err != nil && !transient(err) && ctx.Err() == nil {
		err = fmt.Errorf("the file is damaged, cut short, or no backup of faaswarden: %w", err)
	}
	return errors.Join(err, s.Close())
}

// readBackup restores and reads all that was restored: a byte that changed in
// the file shows when the checksum of what it is part of is compared.
func (s *Store) readBackup(ctx context.Context, file string) error {
	if err := s.conn.Exec(ctx, fmt.Sprintf("RESTORE DATABASE %s FROM File(%s)", s.database, Literal(file))); err != nil {
		return err
	}
	conn, err := s.dial(s.database, false)
	if err != nil {
		return err
	}
	s.conn, conn = conn, s.conn
	if err := conn.Close(); err != nil {
		return fmt.Errorf("close a connection: %w", err)
	}
	migrations, err := schema.Migrations()
	if err != nil {
		return err
	}
	if _, err := s.pending(ctx, migrations); err != nil {
		return err
	}
	type table struct {
		Name string `ch:"name"`
	}
	tables, err := SelectAll[table](ctx, s, "SELECT name FROM system.tables WHERE database = {d:String} AND endsWith(engine, 'MergeTree') ORDER BY name", map[string]any{"d": s.database})
	if err != nil {
		return fmt.Errorf("list what was restored: %w", err)
	}
	for _, t := range tables {
		if err := checkTable(ctx, s.conn, t.Name); err != nil {
			return err
		}
	}
	return nil
}

func checkTable(ctx context.Context, conn driver.Conn, name string) error {
	var good uint8
	err := conn.QueryRow(ctx, "CHECK TABLE "+name+" SETTINGS check_query_single_value_result = 1").Scan(&good)
	if err != nil {
		return fmt.Errorf("check table %s: %w", name, err)
	}
	if good != 1 {
		return fmt.Errorf("table %s: its checksums do not match", name)
	}
	return nil
}
