package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"os"
	"strings"

	"github.com/spf13/cobra"
	"golang.org/x/term"

	"github.com/faaswarden/faaswarden/analyzers"
	"github.com/faaswarden/faaswarden/collector"
	"github.com/faaswarden/faaswarden/internal/chdb"
	"github.com/faaswarden/faaswarden/internal/config"
	"github.com/faaswarden/faaswarden/internal/store"
)

// Exit codes are a contract with scripts.
const (
	exitDone   = 0
	exitFailed = 1
	exitUsage  = 2 // wrong flags, arguments or configuration
	exitBlind  = 3 // done, but some source of evidence could not be read
)

// usageError marks what the caller typed or configured wrongly.
type usageError struct{ error }

func (e usageError) Unwrap() error { return e.error }

// errBlind ends a command that did its work and said what it could not see.
var errBlind = errors.New("done, but partly blind: some sources of evidence could not be read (listed above)")

// suites are everything this binary can collect and conclude.
var suites = config.Suites{Collectors: collector.Suite, Analyzers: analyzers.Suite}

// cli is what every subcommand shares.
type cli struct {
	stdout, stderr io.Writer
	logLevel       string
}

// run executes one command line and returns the exit code.
func run(ctx context.Context, args []string, stdout, stderr io.Writer) int {
	root := newRoot(&cli{stdout: stdout, stderr: stderr})
	root.SetArgs(args)
	err := root.ExecuteContext(ctx)
	if err == nil {
		return exitDone
	}
	fmt.Fprintln(stderr, "faaswarden:", err)
	switch {
	case errors.Is(err, errBlind), errors.Is(err, errOverBudget):
		return exitBlind
	case errors.As(err, &usageError{}) || errors.Is(err, store.ErrAddress) || isCobraUsage(err):
		return exitUsage
	}
	return exitFailed
}

// isCobraUsage recognises the command-line errors cobra gives as bare text.
func isCobraUsage(err error) bool {
	for _, start := range []string{"unknown command", "unknown flag", "unknown shorthand", "accepts ", "requires at least", "required flag", "invalid argument", "flag needs an argument", "if any flags in the group", "at least one of the flags"} {
		if strings.HasPrefix(err.Error(), start) {
			return true
		}
	}
	return false
}

func newRoot(c *cli) *cobra.Command {
	root := &cobra.Command{
		Use:   "faaswarden",
		Short: "Cost and governance analytics for AWS Lambda",
		Long: `faaswarden collects what AWS knows about Lambda functions into ClickHouse,
analyzes it, and shows findings with their evidence, their dollars and their doubt.

Start with:  faaswarden demo
Exit codes:  0 done · 1 failed · 2 usage or configuration · 3 done but partly blind`,
		SilenceUsage: true, SilenceErrors: true,
		CompletionOptions: cobra.CompletionOptions{HiddenDefaultCmd: false},
	}
	root.SetOut(c.stdout)
	root.SetErr(c.stderr)
	root.PersistentFlags().StringVar(&c.logLevel, "log-level", "", "debug, info, warn or error (default: the configuration's; warn for one-shot commands)")
	root.AddCommand(
		newDemo(c), newRun(c), newCollect(c), newAnalyze(c), newFindings(c), newExplain(c),
		newAnalyzers(c), newCollectors(c), newDashboards(c), newRules(c), newImport(c), newPlan(c), newDoctor(c), newPolicy(c), newCheckConfig(c), newSim(c), newStore(c), newHealth(c), newBench(c), newVersion(c),
	)
	return root
}

// logger writes to stderr; fallback is the level when --log-level is not given.
func (c *cli) logger(fallback, format string) (*slog.Logger, error) {
	name := c.logLevel
	if name == "" {
		name = fallback
	}
	var level slog.Level
	if err := level.UnmarshalText([]byte(name)); err != nil {
		return nil, usageError{fmt.Errorf("--log-level %q: use debug, info, warn or error", name)}
	}
	opts := &slog.HandlerOptions{Level: level}
	if format == "json" {
		return slog.New(slog.NewJSONHandler(c.stderr, opts)), nil
	}
	return slog.New(slog.NewTextHandler(c.stderr, opts)), nil
}

// interactive reports whether a person watches stderr.
func (c *cli) interactive() bool {
	f, ok := c.stderr.(*os.File)
	return ok && term.IsTerminal(int(f.Fd()))
}

func (c *cli) install() chdb.InstallOptions {
	return chdb.InstallOptions{Progress: c.stderr, Interactive: c.interactive()}
}

// source is where a command reads its store from: --data or --config.
type source struct{ data, config string }

func (s *source) flags(cmd *cobra.Command) {
	cmd.Flags().StringVar(&s.data, "data", "", "folder of the embedded store")
	cmd.Flags().StringVar(&s.config, "config", "", "configuration file")
	cmd.MarkFlagsMutuallyExclusive("data", "config")
}

// load resolves the flags to a configuration.
func (s *source) load() (*config.Config, error) {
	switch {
	case s.data != "":
		c := config.Default()
		c.Store.DSN = config.Secret("embedded:" + s.data)
		return c, nil
	case s.config != "":
		c, err := config.Load(s.config, suites)
		if err != nil {
			return nil, usageError{err}
		}
		return c, nil
	}
	return nil, usageError{errors.New("no store is named; remedy: give --data DIR (embedded store) or --config FILE")}
}

// open opens the store of a command that only reads it.
func (c *cli) open(ctx context.Context, s *source) (*store.Store, *config.Config, error) {
	return c.openStore(ctx, s, true)
}

func (c *cli) openStore(ctx context.Context, s *source, readOnly bool) (*store.Store, *config.Config, error) {
	cfg, err := s.load()
	if err != nil {
		return nil, nil, err
	}
	log, err := c.logger("warn", cfg.Log.Format)
	if err != nil {
		return nil, nil, err
	}
	st, err := store.Open(ctx, store.Options{
		DSN: string(cfg.Store.DSN), PasswordFile: cfg.Store.PasswordFile, Cluster: cfg.Store.Cluster,
		ReadOnly: readOnly, Logger: log, Install: c.install(),
	})
	return st, cfg, err
}
