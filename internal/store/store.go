// Package store opens the evidence store, a ClickHouse server or the same engine
// inside the process, and writes and reads its rows.
//
// Everything runs on clickhouse-go's driver.Conn and in ClickHouse SQL; there is
// one schema, package schema's, which Open brings a database up to. An error of
// the engine carries a *clickhouse.Exception with ClickHouse's own code, on every
// transport.
//
// What a caller may rely on:
//   - A row that Insert or Sink.Flush answered nil for is stored, and on the
//     embedded engine survives power loss unless Options.Relaxed was set. Rows
//     are idempotent, so a write that failed, or whose answer was lost, is
//     repeated without harm.
//   - Parameters travel beside the statement and are never spliced into it.
//   - Times are read in UTC.
//   - A context that ends stops the statement in the engine.
package store

import (
	"context"
	"errors"
	"fmt"
	"io/fs"
	"log/slog"
	"maps"
	"net/http"
	"os"
	"sync"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
	"github.com/ClickHouse/clickhouse-go/v2/lib/driver"

	"github.com/faaswarden/faaswarden/internal/chdb"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// Options say which store to open and how.
type Options struct {
	// DSN is embedded:PATH, clickhouse://, http:// or https://.
	DSN string
	// PasswordFile holds the password of DSN's user, which then has none in DSN;
	// a line break at its end is not part of it. Servers only.
	PasswordFile string
	// Database holds the tables; empty means the DSN's, or else DefaultDatabase.
	Database string
	// Cluster names the cluster, or the {macro} that names it, to make the
	// tables on. Servers only.
	Cluster string
	// ReadOnly opens what exists and refuses writes. A store that is behind
	// this binary's migrations is an error, not a change.
	ReadOnly bool
	// Relaxed gives up surviving power loss for speed. Embedded engine only;
	// for tests and the demo.
	Relaxed bool
	// Install says how the embedded engine's library is found or installed.
	Install chdb.InstallOptions
	// Engine is an embedded engine that is already open, for several stores in
	// one process; DSN is then not needed, and Close leaves the engine open.
	Engine *chdb.Engine
	// Logger is told of damaged parts found at the start; nil discards.
	Logger *slog.Logger

	backups string // folder for Backup and Restore
}

// Store is an open store. Its methods are safe for concurrent use.
type Store struct {
	conn     driver.Conn
	database string
	cluster  string
	version  string
	display  string // the address without credentials
	readOnly bool
	options  *clickhouse.Options // of conn

	engine     *chdb.Engine // nil for a server
	ownsEngine bool

	outsideOnce sync.Once
	outside     driver.Conn // read-only, for statements a person wrote
	outsideErr  error

	shapes  sync.Map // reflect.Type → *shape
	columns sync.Map // *shape → []clickhouse.ColumnNameAndType
}

// Open connects, refuses a server older than MinimumVersion, makes the database
// and applies the migrations it lacks.
func Open(ctx context.Context, o Options) (*Store, error) {
	migrations, err := schema.Migrations()
	if err != nil {
		return nil, err
	}
	return open(ctx, o, migrations)
}

func open(ctx context.Context, o Options, migrations []schema.Migration) (*Store, error) {
	s, err := o.connect(ctx)
	if err != nil {
		return nil, err
	}
	if err := s.prepare(ctx, migrations); err != nil {
		return nil, errors.Join(fmt.Errorf("open the store %s: %w", s.display, explainAccess(err)), s.Close())
	}
	return s, nil
}

// connect makes a Store that has not spoken to its database yet.
func (o Options) connect(ctx context.Context) (*Store, error) {
	if o.Logger == nil {
		o.Logger = slog.New(slog.DiscardHandler)
	}
	if _, err := onCluster(o.Cluster); err != nil {
		return nil, err
	}
	t := target{display: "embedded"}
	if o.Engine == nil {
		var err error
		if t, err = o.target(); err != nil {
			return nil, err
		}
	}
	database, err := t.resolveDatabase(o.Database)
	if err != nil {
		return nil, err
	}
	s := &Store{database: database, cluster: o.Cluster, display: t.display, readOnly: o.ReadOnly, engine: o.Engine, options: t.server}
	if t.server == nil {
		return s, s.startEngine(ctx, o, t.path)
	}
	s.options.Settings["session_timezone"] = "UTC"
	if o.Cluster != "" {
		s.options.Settings["distributed_product_mode"] = "global" // joins in the views are of distributed tables
		s.options.Settings["distributed_foreground_insert"] = 1   // an insert is answered when the shards have it
	}
	return s, nil
}

func (s *Store) startEngine(ctx context.Context, o Options, path string) error {
	if s.cluster != "" {
		return fmt.Errorf("cluster %s needs a server: the embedded engine is one process", s.cluster)
	}
	if s.engine == nil {
		engine, err := openEngine(ctx, o, path)
		if err != nil {
			return err
		}
		s.engine, s.ownsEngine = engine, true
	}
	s.options = engineOptions(s.engine.RoundTripper())
	if parts := s.engine.Detached(); len(parts) > 0 {
		o.Logger.Warn("the store found damaged parts and set them aside: their rows are missing until they are collected again",
			slog.Int("parts", len(parts)), slog.String("first_table", parts[0].Table), slog.String("first_part", parts[0].Name))
	}
	return nil
}

func openEngine(ctx context.Context, o Options, path string) (*chdb.Engine, error) {
	if _, err := os.Stat(path); o.ReadOnly && errors.Is(err, fs.ErrNotExist) {
		return nil, fmt.Errorf("there is no store at %s, and this opens it only to read: name its folder, or run faaswarden collect first", path)
	}
	library, err := chdb.Ensure(ctx, o.Install)
	if err != nil {
		return nil, err
	}
	durability := chdb.Durable
	if o.Relaxed {
		durability = chdb.Relaxed
	}
	return chdb.Open(ctx, chdb.Options{Path: path, Library: library, Logger: o.Logger, Durability: durability, Backups: o.backups})
}

// engineOptions are the driver's for an engine in this process.
func engineOptions(rt http.RoundTripper) *clickhouse.Options {
	return &clickhouse.Options{
		Protocol:      clickhouse.HTTP,
		Addr:          []string{"embedded:0"}, // never dialled
		Settings:      clickhouse.Settings{},
		MaxOpenConns:  16,
		MaxIdleConns:  16,
		DialTimeout:   30 * time.Second,
		TransportFunc: func(*http.Transport) (http.RoundTripper, error) { return rt, nil },
	}
}

// prepare checks the server, makes the database and migrates it.
func (s *Store) prepare(ctx context.Context, migrations []schema.Migration) error {
	if err := s.checkVersion(ctx); err != nil {
		return err
	}
	if !s.readOnly {
		if err := s.makeDatabase(ctx); err != nil {
			return err
		}
	}
	var err error
	if s.conn, err = s.dial(s.database, s.readOnly); err != nil {
		return err
	}
	if s.readOnly {
		return s.explainMissing(s.checkMigrated(ctx, migrations))
	}
	return s.migrate(ctx, migrations)
}

// dial opens a pool of connections to a database of the store's server.
func (s *Store) dial(database string, readOnly bool) (driver.Conn, error) {
	o := *s.options
	o.Auth.Database = database
	if readOnly {
		// 2, not 1: the driver sets max_execution_time from the context's deadline.
		o.Settings = clickhouse.Settings{"readonly": 2}
		maps.Copy(o.Settings, s.options.Settings)
	}
	conn, err := clickhouse.Open(&o)
	if err != nil {
		return nil, fmt.Errorf("connect: %w", err)
	}
	return conn, nil
}

// makeDatabase makes the database unless it is there: a user may be allowed to
// use one and not to make one.
func (s *Store) makeDatabase(ctx context.Context) error {
	create, err := createDatabase(s.database, s.cluster)
	if err != nil {
		return err
	}
	conn, err := s.dial("", false)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // nothing is left unsent on it
	var there uint64
	err = conn.QueryRow(ctx, "SELECT count() FROM system.databases WHERE name = '"+s.database+"'").Scan(&there)
	if err == nil && there > 0 {
		return nil
	}
	if err := conn.Exec(ctx, create); err != nil {
		return fmt.Errorf("create database %s: %w", s.database, err)
	}
	return nil
}

const (
	unknownTable    = 60
	unknownDatabase = 81
)

// explainMissing adds what to do when a store opened to be read is not there.
func (s *Store) explainMissing(err error) error {
	exception, ok := errors.AsType[*clickhouse.Exception](err)
	if ok && (exception.Code == unknownDatabase || exception.Code == unknownTable) {
		return fmt.Errorf("database %s is not a store yet, and this opens it only to read: run faaswarden collect first: %w", s.database, err)
	}
	return err
}

// Conn is the driver's connection pool to the store's database, for what this
// package has no method for.
func (s *Store) Conn() driver.Conn { return s.conn }

// Ping returns nil when the store answers a statement.
func (s *Store) Ping(ctx context.Context) error {
	var one uint8
	if err := s.conn.QueryRow(ctx, "SELECT 1").Scan(&one); err != nil {
		return fmt.Errorf("ask the store %s: %w", s.display, err)
	}
	return nil
}

// Database is the name of the store's database.
func (s *Store) Database() string { return s.database }

// Version is ClickHouse's version() of the server or the embedded engine.
func (s *Store) Version() string { return s.version }

// Address is where the store is, without credentials.
func (s *Store) Address() string { return s.display }

// Embedded reports whether the engine runs in this process.
func (s *Store) Embedded() bool { return s.engine != nil }

// Detached lists the damaged parts that the embedded engine set aside: their
// rows are missing from the tables. It is empty for a server.
func (s *Store) Detached() []chdb.DetachedPart {
	if s.engine == nil {
		return nil
	}
	return s.engine.Detached()
}

// Close closes the connections, and the embedded engine if Open started it. It
// waits for statements that are running; rows of open queries end with an error.
func (s *Store) Close() error {
	var faults []error
	for _, conn := range []driver.Conn{s.conn, s.outside} {
		if conn != nil {
			faults = append(faults, conn.Close())
		}
	}
	if s.ownsEngine {
		faults = append(faults, s.engine.Close())
	}
	if err := errors.Join(faults...); err != nil {
		return fmt.Errorf("close the store %s: %w", s.display, err)
	}
	return nil
}
