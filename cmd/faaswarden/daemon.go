package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"os/signal"
	"strings"
	"syscall"
	"time"

	"github.com/spf13/cobra"

	"github.com/faaswarden/faaswarden/internal/accounts"
	"github.com/faaswarden/faaswarden/internal/app"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/config"
	"github.com/faaswarden/faaswarden/internal/engine"
)

func newRun(c *cli) *cobra.Command {
	s := &source{}
	var shard string
	cmd := &cobra.Command{
		Use:   "run",
		Short: "Run the daemon: collect and analyze on schedule, serve metrics and pages",
		Long: `Collects AWS with the SDK's standard credential chain (environment, profiles, SSO,
web identity, container and instance roles) and environment (AWS_REGION,
AWS_ENDPOINT_URL and its per-service forms), analyzes, and serves metrics and pages.
The first SIGINT or SIGTERM stops gracefully, a second one at once. SIGHUP reads the
configuration file again; one with a fault is refused and the one in force stays.
Several daemons share one ClickHouse when each is given --shard I/N with another I: an
account belongs to one of them, and each has an equal part of the API budget.`,
		Example: "  faaswarden run --config faaswarden.yml\n  AWS_PROFILE=audit faaswarden run --data ./data\n  faaswarden run --config faaswarden.yml --shard 2/3",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			a, _, err := c.daemon(cmd.Context(), s, service{serve: true, shard: shard})
			if err != nil {
				return err
			}
			return errors.Join(a.Run(cmd.Context()), a.Close())
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVar(&shard, "shard", "", "read only the I-th of N parts of the accounts: I/N")
	return cmd
}

func newCollect(c *cli) *cobra.Command {
	s := &source{}
	var only []string
	cmd := &cobra.Command{
		Use:     "collect",
		Short:   "Collect once from AWS into the store, and exit",
		Example: "  faaswarden collect --config faaswarden.yml\n  faaswarden collect --data ./data --only functions,tags",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if err := known("--only", only, names(suites.Collectors, func(i *collect.Collector) string { return i.Name })); err != nil {
				return err
			}
			a, _, err := c.daemon(cmd.Context(), s, service{})
			if err != nil {
				return err
			}
			return errors.Join(c.collectOnce(cmd.Context(), a, only), a.Close())
		},
	}
	s.flags(cmd)
	cmd.Flags().StringSliceVar(&only, "only", nil, "collectors to run, separated by commas")
	return cmd
}

func (c *cli) collectOnce(ctx context.Context, a *app.App, only []string) error {
	runs, err := a.Engine.Collect(ctx, only...)
	if err != nil {
		return err
	}
	for _, r := range runs {
		fmt.Fprintf(c.stdout, "%-14s %s %-14s %-9s %7d rows %5d calls $%.4f %s\n", r.Collector, r.Account, r.Region, r.Outcome, r.RowsWritten, r.APICalls, r.APIUSD, r.Detail)
	}
	return c.verdict(a.Engine.Snapshot())
}

// service is how a command that talks to AWS runs.
type service struct {
	serve bool   // pages and metrics, and the configuration's log level
	shard string // I/N; empty for all accounts
}

// daemon wires the daemon for commands that talk to AWS.
func (c *cli) daemon(ctx context.Context, s *source, how service) (*app.App, *config.Config, error) {
	part, err := accounts.ParseShard(how.shard)
	if err != nil {
		return nil, nil, usageError{fmt.Errorf("--shard: %w", err)}
	}
	cfg, err := s.load()
	if err != nil {
		return nil, nil, err
	}
	level := "warn"
	if how.serve {
		level = cfg.Log.Level
	}
	log, err := c.logger(level, cfg.Log.Format)
	if err != nil {
		return nil, nil, err
	}
	resolve := func(ctx context.Context, cfg *config.Config) ([]engine.Scope, error) {
		return accounts.Resolve(ctx, accounts.Options{AWS: cfg.AWS, Shard: part, Logger: log})
	}
	scopes, err := resolve(ctx, cfg)
	if err != nil {
		return nil, nil, err
	}
	opts := app.Options{
		Config: cfg, Suites: suites, Scopes: scopes, Shards: part.Of, Store: c.storeOptions(), Logger: log, Version: versionString(), Serve: how.serve,
	}
	if how.serve {
		opts.Reloads, opts.Resolve = hangups(), resolve
	}
	if how.serve && s.config != "" {
		opts.Load = func(context.Context) (*config.Config, error) { return s.load() }
	}
	a, err := app.New(ctx, opts)
	return a, cfg, err
}

// hangups are the SIGHUPs of the process, one at a time.
func hangups() <-chan os.Signal {
	c := make(chan os.Signal, 1)
	signal.Notify(c, syscall.SIGHUP)
	return c
}

func newAnalyze(c *cli) *cobra.Command {
	s := &source{}
	var asOf, format string
	var only []string
	cmd := &cobra.Command{
		Use:   "analyze",
		Short: "Analyze what is stored, and exit",
		Long: `Runs the analyzers over the store. --as-of moves the end of the time window; the
inventory is always the newest one that was collected.`,
		Example: "  faaswarden analyze --data ./data\n  faaswarden analyze --data ./data --as-of 2026-11-01T00:00:00Z --only throttles",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			opts, err := analyzeOptions(asOf, only)
			if err != nil {
				return err
			}
			return c.analyze(cmd.Context(), s, opts, format)
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVar(&asOf, "as-of", "", "end of the analysis window, RFC 3339 (default: the last full hour)")
	cmd.Flags().StringSliceVar(&only, "only", nil, "analyzers to run, separated by commas")
	cmd.Flags().StringVar(&format, "format", "table", "table or json")
	return cmd
}

func analyzeOptions(asOf string, only []string) (engine.AnalyzeOptions, error) {
	opts := engine.AnalyzeOptions{Only: only}
	if err := known("--only", only, analyzerNames()); err != nil {
		return opts, err
	}
	if asOf == "" {
		return opts, nil
	}
	t, err := time.Parse(time.RFC3339, asOf)
	if err != nil {
		return opts, usageError{fmt.Errorf("--as-of %q: give a time such as 2026-11-01T00:00:00Z", asOf)}
	}
	opts.AsOf = t.UTC()
	return opts, nil
}

func (c *cli) analyze(ctx context.Context, s *source, opts engine.AnalyzeOptions, format string) error {
	cfg, err := s.load()
	if err != nil {
		return err
	}
	log, err := c.logger("warn", cfg.Log.Format)
	if err != nil {
		return err
	}
	if path, ok := strings.CutPrefix(string(cfg.Store.DSN), "embedded:"); ok {
		if _, err := os.Stat(path); err != nil {
			return fmt.Errorf("open the store to analyze: %w; remedy: collect into it first", err)
		}
	}
	a, err := app.New(ctx, app.Options{Config: cfg, Suites: suites, Store: c.storeOptions(), Logger: log, Version: versionString()})
	if err != nil {
		return err
	}
	started := time.Now()
	snapshot, err := a.Engine.Analyze(ctx, opts)
	if err == nil {
		err = printSummary(c.stdout, format, snapshot, time.Since(started))
	}
	if err == nil {
		err = c.verdict(snapshot)
	}
	return errors.Join(err, a.Close())
}

// known checks names given on the command line.
func known(flag string, given, all []string) error {
	for _, name := range given {
		if !containsName(all, name) {
			return usageError{fmt.Errorf("%s %q is unknown: use %s", flag, name, strings.Join(all, ", "))}
		}
	}
	return nil
}
