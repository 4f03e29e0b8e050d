package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"io"
	"os"
	"path/filepath"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/spf13/cobra"

	"github.com/faaswarden/faaswarden/internal/app"
	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/config"
	"github.com/faaswarden/faaswarden/internal/engine"
	"github.com/faaswarden/faaswarden/internal/report"
	"github.com/faaswarden/faaswarden/internal/store"
)

// simFlags describe a simulated account.
type simFlags struct {
	functions, days int
	seed            int64
	healthy         bool
	truth           string
}

func (f *simFlags) register(cmd *cobra.Command) {
	cmd.Flags().IntVar(&f.functions, "functions", 200, "functions in the simulated account")
	cmd.Flags().IntVar(&f.days, "days", 30, "days of history")
	cmd.Flags().Int64Var(&f.seed, "seed", 1, "seed; the same seed gives the same account")
	cmd.Flags().BoolVar(&f.healthy, "healthy", false, "plant no faults")
	cmd.Flags().StringVar(&f.truth, "truth", "", "write the planted faults and near misses to this file as JSON")
}

// world generates the account whose data ends at a midnight, and writes its
// ground truth when asked.
func (f *simFlags) world(end time.Time) (*awssim.World, error) {
	if f.functions < 1 || f.days < 1 {
		return nil, usageError{fmt.Errorf("--functions %d --days %d: give at least one of each", f.functions, f.days)}
	}
	w, err := awssim.Generate(f.options(end))
	if err != nil {
		return nil, usageError{err}
	}
	if f.truth == "" {
		return w, nil
	}
	var text bytes.Buffer
	if err := report.WriteJSON(&text, w.Truth); err != nil {
		return nil, err
	}
	return w, writeFile("--truth", f.truth, text.Bytes())
}

// options are the flags as the simulator takes them.
func (f *simFlags) options(end time.Time) awssim.GenerateOptions {
	return awssim.GenerateOptions{Seed: f.seed, Functions: f.functions, Days: f.days, Now: end, Healthy: f.healthy}
}

type demoFlags struct {
	simFlags
	once                            bool
	data, listen, recording, format string
}

func newDemo(c *cli) *cobra.Command {
	f := &demoFlags{}
	cmd := &cobra.Command{
		Use:   "demo",
		Short: "Run the whole daemon against a simulated AWS account",
		Long: `Starts a simulated AWS account on loopback, collects it with the real SDK clients
into the embedded ClickHouse engine (installed on first use), analyzes it, prints
what was found and serves the pages until Ctrl-C. No AWS account is touched.`,
		Example: `  faaswarden demo
  faaswarden demo --once --functions 50 --days 14 --seed 7
  faaswarden demo --once --format json --truth truth.json > demo.json
  faaswarden demo --recording ./recorded-account --once`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.demo(cmd.Context(), f) },
	}
	f.register(cmd)
	cmd.Flags().BoolVar(&f.once, "once", false, "exit after printing")
	cmd.Flags().StringVar(&f.data, "data", "", "keep the store in this folder (default: a temporary one, removed at the end)")
	cmd.Flags().StringVar(&f.listen, "listen", "127.0.0.1:9847", "serve pages and metrics here")
	cmd.Flags().StringVar(&f.recording, "recording", "", "replay this folder of recorded AWS responses instead of a simulated account")
	cmd.Flags().StringVar(&f.format, "format", "table", "table or json")
	cmd.MarkFlagsMutuallyExclusive("recording", "truth")
	return cmd
}

func (c *cli) demo(ctx context.Context, f *demoFlags) (err error) {
	if f.format != "table" && f.format != "json" {
		return usageError{fmt.Errorf("--format %q: use table or json", f.format)}
	}
	log, err := c.logger("warn", "text")
	if err != nil {
		return err
	}
	started := time.Now()
	sim, err := startAccount(f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, sim.server.Close()) }()

	cfg, cleanup, err := demoConfig(f)
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, cleanup()) }()
	fmt.Fprintf(c.stderr, "%s\n", sim.describe)
	bar := c.newProgress()
	a, err := app.New(ctx, app.Options{
		Config: cfg, Suites: suites, Scopes: sim.scopes, Now: sim.now, RateFactor: simRateFactor,
		Store: store.Options{Install: c.install(), Relaxed: f.data == ""}, Progress: bar.step,
		Logger: log, Version: versionString(), Notice: sim.describe, Serve: !f.once,
	})
	if err != nil {
		return err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if err := c.demoCycle(ctx, a, f, bar, started); err != nil && (f.once || !errors.Is(err, errBlind)) {
		return err
	}
	if f.once {
		return nil
	}
	fmt.Fprintf(c.stderr, "\nserving http://%s/ and http://%s/metrics until Ctrl-C\n", a.Addr(), a.Addr())
	return a.Serve(ctx)
}

// demoCycle collects, analyzes and prints once.
func (c *cli) demoCycle(ctx context.Context, a *app.App, f *demoFlags, bar *progress, started time.Time) error {
	if _, err := a.Engine.Collect(ctx); err != nil {
		return err
	}
	snapshot, err := a.Engine.Analyze(ctx, engine.AnalyzeOptions{})
	if err != nil {
		return err
	}
	bar.finish()
	if err := printSummary(c.stdout, f.format, snapshot, time.Since(started)); err != nil {
		return err
	}
	return c.verdict(snapshot)
}

// simRateFactor raises request quotas: a simulated account has no owner whose
// deployments would be slowed down, and nobody likes to wait for a demo.
const simRateFactor = 400

// account is a running stand-in for AWS and how to reach it.
type account struct {
	server   io.Closer
	truth    awssim.Truth
	scopes   []engine.Scope
	now      func() time.Time
	describe string
}

func startAccount(f *demoFlags) (*account, error) {
	if f.recording != "" {
		return startRecording(f.recording)
	}
	now := time.Now().UTC().Truncate(24 * time.Hour)
	world, err := f.world(now)
	if err != nil {
		return nil, err
	}
	server, url, err := serveSim(awssim.Options{World: world, Limits: awssim.Limits{Factor: simRateFactor}}, "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	regions := make([]string, len(world.Regions))
	for i, r := range world.Regions {
		regions[i] = r.Name
	}
	return &account{
		server: server, truth: world.Truth, scopes: simScopes(url, world.Account, world.Partition, regions), now: anchored(now),
		describe: fmt.Sprintf("simulated AWS account %s: %d functions, %d days, seed %d", world.Account, f.functions, f.days, f.seed),
	}, nil
}

func startRecording(dir string) (*account, error) {
	rec, err := awssim.LoadRecording(dir)
	if err != nil {
		return nil, usageError{fmt.Errorf("--recording: %w", err)}
	}
	server, url, err := serveSim(awssim.Options{Recording: rec, Limits: awssim.Limits{Factor: simRateFactor}}, "127.0.0.1:0")
	if err != nil {
		return nil, err
	}
	return &account{
		server: server, scopes: simScopes(url, rec.Account(), "aws", rec.Regions()), now: time.Now,
		describe: fmt.Sprintf("recorded AWS account %s from %s", rec.Account(), filepath.Base(dir)),
	}, nil
}

func serveSim(opts awssim.Options, listen string) (*awssim.Server, string, error) {
	server, err := awssim.NewServer(opts)
	if err != nil {
		return nil, "", err
	}
	url, err := server.Start(listen)
	return server, url, err
}

// anchored is a clock for a history that ends at today's midnight: it spreads
// the day over the first hour after it. So the same seed gives the same windows
// at any hour, and a demo that is started again on a kept store goes on later,
// never earlier, than the one before.
func anchored(midnight time.Time) func() time.Time {
	const slower = 25 // a day is less than an hour
	return func() time.Time { return midnight.Add(time.Since(midnight) / slower) }
}

func simScopes(url, accountID, partition string, regions []string) []engine.Scope {
	key := awssim.ExampleCredential()
	scopes := make([]engine.Scope, len(regions))
	for i, region := range regions {
		scopes[i] = engine.Scope{
			Account: accountID, Partition: partition, Region: region, Home: i == 0, First: i == 0,
			AWS: aws.Config{
				Region: region, BaseEndpoint: &url,
				Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, key.SessionToken),
			},
		}
	}
	return scopes
}

// demoConfig is the default configuration on a store of the demo's own.
func demoConfig(f *demoFlags) (*config.Config, func() error, error) {
	cfg := config.Default()
	cfg.Web.Listen = f.listen
	span := config.Duration(time.Duration(f.days) * 24 * time.Hour)
	cfg.AWS.Lookback, cfg.Analysis.Window = span, span
	// Nobody pays for simulated calls and scans: a large account is read whole.
	cfg.AWS.APIBudgetUSDPerMonth = max(cfg.AWS.APIBudgetUSDPerMonth, float64(f.functions)/10)
	cfg.Collectors = map[string]map[string]any{"reports": {"max_scan_gb": 10_000.0}}
	if err := cfg.Validate(suites); err != nil {
		return nil, nil, usageError{err}
	}
	if f.data != "" {
		cfg.Store.DSN = config.Secret("embedded:" + f.data)
		return cfg, func() error { return nil }, nil
	}
	dir, err := os.MkdirTemp("", "faaswarden-demo-")
	if err != nil {
		return nil, nil, fmt.Errorf("make the demo's store: %w; remedy: give --data DIR", err)
	}
	cfg.Store.DSN = config.Secret("embedded:" + filepath.Join(dir, "store"))
	return cfg, func() error { return os.RemoveAll(dir) }, nil
}
