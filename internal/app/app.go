// Package app wires the daemon: store, engine, metrics and pages. New listens
// but serves nothing; Run serves and collects until its context ends; Close
// gives everything back, last acquired first.
package app

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"net"
	"net/http"
	"os"
	"slices"
	"sync/atomic"
	"time"

	"github.com/prometheus/exporter-toolkit/web"
	"golang.org/x/sync/errgroup"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/config"
	"github.com/faaswarden/faaswarden/internal/engine"
	"github.com/faaswarden/faaswarden/internal/exporter"
	"github.com/faaswarden/faaswarden/internal/schema"
	"github.com/faaswarden/faaswarden/internal/store"
	pages "github.com/faaswarden/faaswarden/internal/web"
)

// Options say what to run.
type Options struct {
	Config     *config.Config
	Suites     config.Suites
	Scopes     []engine.Scope // none: serve and analyze what is stored, collect nothing
	Shards     int            // how many daemons share the accounts; zero means 1
	Store      store.Options  // DSN and cluster are taken from Config
	Now        func() time.Time
	RateFactor float64
	Progress   func(engine.Progress)
	Logger     *slog.Logger
	Version    string
	Notice     string
	Serve      bool // listen on Config.Web

	// Load reads the configuration again for a reload, which Reloads asks for.
	// Nil means that there is none to read.
	Load    func(context.Context) (*config.Config, error)
	Reloads <-chan os.Signal

	// Resolve looks up the accounts and regions of a configuration, again after
	// every reload and every aws.refresh. Nil means that Scopes never change.
	Resolve func(context.Context, *config.Config) ([]engine.Scope, error)
}

// App is a wired daemon.
type App struct {
	Engine *engine.Engine
	Store  *store.Store

	opts     Options
	reloaded atomic.Pointer[exporter.Reload]
	listener net.Listener
	server   *http.Server
	cleanup  []named
}

type named struct {
	name string
	run  func() error
}

// New checks the suites, opens the store, loads the last snapshot and, when
// asked to serve, listens. What it opened it closes again when a later step fails.
func New(ctx context.Context, opts Options) (_ *App, err error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	a := &App{opts: opts}
	a.reloaded.Store(&exporter.Reload{OK: true, Success: opts.Now()})
	defer func() {
		if err != nil {
			err = errors.Join(err, a.Close())
		}
	}()
	if err = validate(opts.Suites); err != nil {
		return nil, err
	}
	opts.Store.DSN, opts.Store.Cluster, opts.Store.Logger = string(opts.Config.Store.DSN), opts.Config.Store.Cluster, opts.Logger
	opts.Store.PasswordFile = opts.Config.Store.PasswordFile
	if a.Store, err = store.Open(ctx, opts.Store); err != nil {
		return nil, err
	}
	a.onClose("store", a.Store.Close)
	a.Engine, err = engine.New(engine.Options{
		Store: a.Store, Config: opts.Config, Suites: opts.Suites, Scopes: opts.Scopes, Shards: opts.Shards, Now: opts.Now,
		RateFactor: opts.RateFactor, Logger: opts.Logger, Progress: opts.Progress,
	})
	if err != nil {
		return nil, err
	}
	if err = a.Engine.Open(ctx); err != nil {
		return nil, err
	}
	if opts.Serve {
		if err = a.listen(ctx); err != nil {
			return nil, err
		}
	}
	return a, nil
}

// validate walks the suites before anything runs: a slip in a declaration is
// an error at the start, and not a finding that never comes.
func validate(suites config.Suites) error {
	relations, err := schema.Relations()
	if err != nil {
		return fmt.Errorf("read the schema: %w", err)
	}
	return errors.Join(collect.Validate(suites.Collectors, relations), analysis.Validate(suites.Analyzers, relations))
}

func (a *App) onClose(name string, run func() error) {
	a.cleanup = append(a.cleanup, named{name, run})
}

func (a *App) listen(ctx context.Context) error {
	registry, err := exporter.New(exporter.Options{
		Snapshot: a.Engine.Snapshot, Config: a.Engine.Config, Health: a.Engine.Health, Reload: a.lastReload, Suites: a.opts.Suites,
		Ahead: time.Since(a.opts.Now()).Round(time.Second),
	}).Registry()
	if err != nil {
		return fmt.Errorf("register metrics: %w", err)
	}
	handler, err := pages.New(pages.Options{
		Snapshot: a.Engine.Snapshot, Health: a.Engine.Health, Embedded: a.Store.Embedded(),
		Registry: registry, Logger: a.opts.Logger, Version: a.opts.Version, Notice: a.opts.Notice,
	})
	if err != nil {
		return err
	}
	if err := web.Validate(a.opts.Config.Web.ConfigFile); err != nil {
		return fmt.Errorf("web.config_file %s: %w", a.opts.Config.Web.ConfigFile, err)
	}
	a.listener, err = (&net.ListenConfig{}).Listen(ctx, "tcp", a.opts.Config.Web.Listen)
	if err != nil {
		return fmt.Errorf("listen on %s: %w; remedy: set web.listen or --listen to a free address", a.opts.Config.Web.Listen, err)
	}
	a.onClose("listener", ignoreClosed(a.listener.Close))
	a.server = &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second, IdleTimeout: 2 * time.Minute}
	return nil
}

// ignoreClosed lets the listener be closed by the server first.
func ignoreClosed(close func() error) func() error {
	return func() error {
		if err := close(); !errors.Is(err, net.ErrClosed) {
			return err
		}
		return nil
	}
}

// Addr is where the pages are served, for people and tests; empty when they are not.
func (a *App) Addr() string {
	if a.listener == nil {
		return ""
	}
	return a.listener.Addr().String()
}

// shutdownGrace is how long open requests may take after the context ended.
const shutdownGrace = 10 * time.Second

// Serve serves pages, and watches the store they speak of, until ctx ends.
func (a *App) Serve(ctx context.Context) error {
	listen, none := []string{a.Addr()}, false
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error {
		flags := &web.FlagConfig{WebListenAddresses: &listen, WebSystemdSocket: &none, WebConfigFile: &a.opts.Config.Web.ConfigFile}
		if err := web.ServeMultiple([]net.Listener{a.listener}, a.server, flags, a.opts.Logger); !errors.Is(err, http.ErrServerClosed) {
			return fmt.Errorf("serve pages: %w", err)
		}
		return nil
	})
	group.Go(func() error {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), shutdownGrace)
		defer cancel()
		return a.server.Shutdown(grace)
	})
	group.Go(func() error { return a.Engine.Watch(ctx) })
	return group.Wait()
}

// Run serves pages and runs the engine's schedule until ctx ends.
func (a *App) Run(ctx context.Context) error {
	group, ctx := errgroup.WithContext(ctx)
	group.Go(func() error { return a.Serve(ctx) })
	group.Go(func() error { return a.Engine.Run(ctx) })
	group.Go(func() error { return a.watchReloads(ctx) })
	group.Go(func() error { return a.watchAccounts(ctx) })
	return group.Wait()
}

// Close gives everything back; errors are joined and named.
func (a *App) Close() error {
	var faults []error
	for _, c := range slices.Backward(a.cleanup) {
		if err := c.run(); err != nil {
			faults = append(faults, fmt.Errorf("close %s: %w", c.name, err))
		}
	}
	a.cleanup = nil
	return errors.Join(faults...)
}
