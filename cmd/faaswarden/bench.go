package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"slices"
	"strconv"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/faaswarden/faaswarden/internal/app"
	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/engine"
	"github.com/faaswarden/faaswarden/internal/report"
	"github.com/faaswarden/faaswarden/internal/schema"
	"github.com/faaswarden/faaswarden/internal/store"
)

func newBench(c *cli) *cobra.Command {
	cmd := &cobra.Command{Use: "bench", Short: "Measure faaswarden against what was planted"}
	f := &truthFlags{}
	truth := &cobra.Command{
		Use:   "truth",
		Short: "Precision and recall of every analyzer on simulated accounts",
		Long: `Runs the whole pipe for each seed and compares findings with the planted ground
truth. Recall is over faults planted as certain; a finding on anything that was not
planted, as certain or as possible, counts against precision, and so does a near miss.`,
		Example: "  faaswarden bench truth --seeds 1..20\n  faaswarden bench truth --seeds 100..103 --functions 200 --format json",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.benchTruth(cmd.Context(), f) },
	}
	truth.Flags().StringVar(&f.seeds, "seeds", "1..5", "one seed, or FIRST..LAST")
	truth.Flags().IntVar(&f.functions, "functions", 200, "functions in each account")
	truth.Flags().IntVar(&f.days, "days", 30, "days of history")
	truth.Flags().StringVar(&f.format, "format", "table", "table or json")
	cmd.AddCommand(truth)
	return cmd
}

type truthFlags struct {
	seeds, format   string
	functions, days int
}

func (f *truthFlags) list() ([]int64, error) {
	first, last, isRange := strings.Cut(f.seeds, "..")
	if !isRange {
		last = first
	}
	from, err1 := strconv.ParseInt(first, 10, 64)
	to, err2 := strconv.ParseInt(last, 10, 64)
	if err1 != nil || err2 != nil || to < from {
		return nil, usageError{fmt.Errorf("--seeds %q: give one seed or FIRST..LAST", f.seeds)}
	}
	var seeds []int64
	for s := from; s <= to; s++ {
		seeds = append(seeds, s)
	}
	return seeds, nil
}

// score is one analyzer's count over all seeds.
type score struct {
	Analyzer   string   `json:"analyzer"`
	Certain    int      `json:"planted_certain"`
	Found      int      `json:"found_certain"`
	Possible   int      `json:"planted_possible"`
	FoundMaybe int      `json:"found_possible"`
	False      int      `json:"false_findings"`
	NearMisses int      `json:"near_misses"`
	Reported   int      `json:"near_misses_reported"`
	Precision  float64  `json:"precision"`
	Recall     float64  `json:"recall"`
	Faults     []string `json:"faults,omitempty"` // what was missed or wrongly reported
}

func (c *cli) benchTruth(ctx context.Context, f *truthFlags) error {
	seeds, err := f.list()
	if err != nil {
		return err
	}
	scores := map[string]*score{}
	for _, name := range analyzerNames() {
		scores[name] = &score{Analyzer: name}
	}
	for _, seed := range seeds {
		started := time.Now()
		findings, truth, err := c.oneSeed(ctx, f, seed)
		if err != nil {
			return fmt.Errorf("seed %d: %w", seed, err)
		}
		for _, s := range scores {
			s.add(seed, truth, findings)
		}
		fmt.Fprintf(c.stderr, "seed %d: %d findings in %s\n", seed, len(findings), time.Since(started).Round(100*time.Millisecond))
	}
	return c.printScores(f.format, scores)
}

// oneSeed runs the pipe once on a store of its own.
func (c *cli) oneSeed(ctx context.Context, f *truthFlags, seed int64) (findings []schema.Finding, truth awssim.Truth, err error) {
	flags := &demoFlags{simFlags: simFlags{functions: f.functions, days: f.days, seed: seed}, once: true, listen: "127.0.0.1:0"}
	log, err := c.logger("warn", "text")
	if err != nil {
		return nil, truth, err
	}
	sim, err := startAccount(flags)
	if err != nil {
		return nil, truth, err
	}
	defer func() { err = errors.Join(err, sim.server.Close()) }()
	cfg, cleanup, err := demoConfig(flags)
	if err != nil {
		return nil, truth, err
	}
	defer func() { err = errors.Join(err, cleanup()) }()
	a, err := app.New(ctx, app.Options{
		Config: cfg, Suites: suites, Scopes: sim.scopes, Now: sim.now, RateFactor: simRateFactor,
		Store: store.Options{Install: c.install(), Relaxed: true}, Logger: log, Version: versionString(),
	})
	if err != nil {
		return nil, truth, err
	}
	defer func() { err = errors.Join(err, a.Close()) }()
	if _, err := a.Engine.Collect(ctx); err != nil {
		return nil, truth, err
	}
	snapshot, err := a.Engine.Analyze(ctx, engine.AnalyzeOptions{})
	if err != nil {
		return nil, truth, err
	}
	return snapshot.Findings, sim.truth, nil
}

// add compares one seed's findings of the score's analyzer with the truth.
func (s *score) add(seed int64, truth awssim.Truth, findings []schema.Finding) {
	found := map[string]bool{}
	for _, f := range findings {
		if f.Analyzer == s.Analyzer {
			found[f.Resource] = true
		}
	}
	planted := map[string]bool{}
	for _, p := range truth.Planted {
		if p.Analyzer != s.Analyzer {
			continue
		}
		planted[p.Resource] = true
		hit := found[p.Resource]
		if p.Class != awssim.Certain {
			s.Possible++
			s.FoundMaybe += count(hit)
			continue
		}
		s.Certain++
		s.Found += count(hit)
		if !hit {
			s.Faults = append(s.Faults, fmt.Sprintf("seed %d missed %s: %s", seed, p.Resource, p.Note))
		}
	}
	for _, n := range truth.NearMisses {
		if n.Analyzer == s.Analyzer {
			s.NearMisses++
			s.Reported += count(found[n.Resource] && !planted[n.Resource])
		}
	}
	for resource := range found {
		if !planted[resource] {
			s.False++
			s.Faults = append(s.Faults, fmt.Sprintf("seed %d wrongly reported %s", seed, resource))
		}
	}
}

func count(hit bool) int {
	if hit {
		return 1
	}
	return 0
}

// finish computes the ratios; nothing planted and nothing reported is perfect.
func (s *score) finish() {
	s.Precision, s.Recall = 1, 1
	if all := s.Found + s.FoundMaybe + s.False; all > 0 {
		s.Precision = float64(s.Found+s.FoundMaybe) / float64(all)
	}
	if s.Certain > 0 {
		s.Recall = float64(s.Found) / float64(s.Certain)
	}
	slices.Sort(s.Faults)
}

func (c *cli) printScores(format string, scores map[string]*score) error {
	var list []*score
	perfect := true
	for _, name := range analyzerNames() {
		s := scores[name]
		s.finish()
		perfect = perfect && s.Precision == 1 && s.Recall == 1
		list = append(list, s)
	}
	if format == "json" {
		if err := report.WriteJSON(c.stdout, list); err != nil {
			return err
		}
	} else {
		t := report.NewTable(c.stdout, "analyzer", "certain", "found", "possible", "found", "false", "near misses", "reported", "precision", "recall")
		for _, s := range list {
			t.AppendRow([]any{s.Analyzer, s.Certain, s.Found, s.Possible, s.FoundMaybe, s.False, s.NearMisses, s.Reported, fmt.Sprintf("%.3f", s.Precision), fmt.Sprintf("%.3f", s.Recall)})
		}
		t.Render()
		for _, s := range list {
			for _, fault := range s.Faults {
				fmt.Fprintf(os.Stderr, "%s: %s\n", s.Analyzer, fault)
			}
		}
	}
	if !perfect {
		return errors.New("precision or recall is below 1 (the faults are listed above)")
	}
	return nil
}
