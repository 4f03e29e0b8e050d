package main

import (
	"context"
	"encoding/json"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/config"
	"github.com/faaswarden/faaswarden/internal/report"
	"github.com/faaswarden/faaswarden/internal/schema"
	"github.com/faaswarden/faaswarden/internal/store"
)

type findingFlags struct {
	source
	format, analyzer, status string
	minSavings               float64
}

func newFindings(c *cli) *cobra.Command {
	f := &findingFlags{}
	cmd := &cobra.Command{
		Use:     "findings",
		Short:   "List findings, dearest first",
		Example: "  faaswarden findings --data ./data --min-savings 10\n  faaswarden findings --data ./data --analyzer throttles --format json",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.findings(cmd.Context(), f) },
	}
	f.flags(cmd)
	cmd.Flags().StringVar(&f.format, "format", "table", report.Formats)
	cmd.Flags().StringVar(&f.analyzer, "analyzer", "", "only this analyzer's")
	cmd.Flags().StringVar(&f.status, "status", "open", "open, resolved or all")
	cmd.Flags().Float64Var(&f.minSavings, "min-savings", 0, "only findings whose expected saving is at least this many USD a month")
	return cmd
}

func (f *findingFlags) validate() error {
	if !strings.Contains(report.Formats, f.format) || f.format == "" {
		return usageError{fmt.Errorf("--format %q: use %s", f.format, report.Formats)}
	}
	if !containsName([]string{"open", "resolved", "all"}, f.status) {
		return usageError{fmt.Errorf("--status %q: use open, resolved or all", f.status)}
	}
	if f.analyzer == "" {
		return nil
	}
	return known("--analyzer", []string{f.analyzer}, analyzerNames())
}

const findingsQuery = `SELECT * FROM findings_current
WHERE ({status:String} = 'all' OR status = {status:String})
    AND ({analyzer:String} = '' OR analyzer = {analyzer:String})
    AND savings_expected >= {least:Float64}
ORDER BY savings_expected DESC, indexOf(['critical', 'high', 'medium', 'low', 'info'], severity), analyzer, resource, key`

func (c *cli) findings(ctx context.Context, f *findingFlags) error {
	if err := f.validate(); err != nil {
		return err
	}
	st, _, err := c.open(ctx, &f.source)
	if err != nil {
		return err
	}
	if err := analyzed(ctx, st); err != nil {
		return errors.Join(err, st.Close())
	}
	var rows []schema.Finding
	for row, err := range store.Select[schema.Finding](ctx, st, findingsQuery,
		map[string]any{"status": f.status, "analyzer": f.analyzer, "least": f.minSavings}) {
		if err != nil {
			return errors.Join(fmt.Errorf("read findings: %w", err), st.Close())
		}
		rows = append(rows, row)
	}
	return errors.Join(report.WriteFindings(c.stdout, f.format, report.FromRows(rows)), st.Close())
}

// analyzed refuses a store in which no analysis has finished: that is not the
// same as having no findings.
func analyzed(ctx context.Context, st *store.Store) error {
	for run, err := range store.Select[schema.AnalyzerRun](ctx, st, "SELECT * FROM analyzer_runs WHERE outcome = 'ok' ORDER BY started_at LIMIT 1", nil) {
		if err == nil && run.RunID != "" {
			return nil
		}
		return fmt.Errorf("read analyzer runs: %w", err)
	}
	return errors.New("nothing has been analyzed in this store yet; remedy: faaswarden collect, then faaswarden analyze")
}

func newExplain(c *cli) *cobra.Command {
	s := &source{}
	cmd := &cobra.Command{
		Use:     "explain FINGERPRINT",
		Short:   "Show a finding's evidence, and the query that gives it again",
		Example: "  faaswarden explain 3f2a9c0d1b7e4a55 --data ./data",
		Args:    cobra.ExactArgs(1),
		RunE:    func(cmd *cobra.Command, args []string) error { return c.explain(cmd.Context(), s, args[0]) },
	}
	s.flags(cmd)
	return cmd
}

func (c *cli) explain(ctx context.Context, s *source, fingerprint string) error {
	st, cfg, err := c.open(ctx, s)
	if err != nil {
		return err
	}
	return errors.Join(c.explainFrom(ctx, st, cfg, s, fingerprint), st.Close())
}

func (c *cli) explainFrom(ctx context.Context, st *store.Store, cfg *config.Config, s *source, fingerprint string) error {
	row, run, err := readFinding(ctx, st, fingerprint)
	if err != nil {
		return err
	}
	f := report.FromRow(row)
	var evidence map[string]any
	if err := json.Unmarshal(f.Evidence, &evidence); err != nil {
		return fmt.Errorf("read the evidence of %s: %w", fingerprint, err)
	}
	text, err := json.MarshalIndent(evidence, "", "  ")
	if err != nil {
		return fmt.Errorf("print the evidence of %s: %w", fingerprint, err)
	}
	fmt.Fprintf(c.stdout, "%s\n\n", report.Safe(f.Summary))
	fmt.Fprintf(c.stdout, "analyzer     %s\nresource     %s\nowner        %s\nseverity     %s\nconfidence   %s\nUSD/month    %s (%s)\nstatus       %s\nfirst seen   %s\nlast seen    %s\nwindow       %s to %s\n",
		f.Analyzer, report.Safe(f.Resource), report.Safe(f.Owner), f.Severity, f.Confidence, f.Savings.Expectation(f.Unpriced), f.Savings.Range(),
		f.Status, f.FirstSeen.Format("2006-01-02 15:04 UTC"), f.LastSeen.Format("2006-01-02 15:04 UTC"), run.WindowFrom.Format("2006-01-02 15:04"), run.WindowTo.Format("2006-01-02 15:04 UTC"))
	fmt.Fprintf(c.stdout, "\nevidence\n%s\n\nwhat to do\n%s\n", report.Safe(string(text)), report.Safe(f.Remediation))
	return c.explainQuery(cfg, s, f, run)
}

func readFinding(ctx context.Context, st *store.Store, fingerprint string) (schema.Finding, schema.AnalyzerRun, error) {
	for row, err := range store.Select[schema.Finding](ctx, st, "SELECT * FROM findings_current WHERE fingerprint = {fingerprint:String} ORDER BY fingerprint", map[string]any{"fingerprint": fingerprint}) {
		if err != nil {
			return row, schema.AnalyzerRun{}, fmt.Errorf("read finding %s: %w", fingerprint, err)
		}
		for run, err := range store.Select[schema.AnalyzerRun](ctx, st, "SELECT * FROM analyzer_runs FINAL WHERE run_id = {run:String} ORDER BY run_id", map[string]any{"run": row.RunID}) {
			return row, run, err
		}
		return row, schema.AnalyzerRun{}, fmt.Errorf("the run %s that made finding %s is not stored", row.RunID, fingerprint)
	}
	return schema.Finding{}, schema.AnalyzerRun{}, usageError{fmt.Errorf("no finding has the fingerprint %q; remedy: take one from `faaswarden findings`", fingerprint)}
}

// explainQuery prints a command that runs the analyzer's query for this
// resource again, with the parameters that were used.
func (c *cli) explainQuery(cfg *config.Config, s *source, f report.Finding, run schema.AnalyzerRun) error {
	a := analyzer(f.Analyzer)
	if a == nil {
		fmt.Fprintf(c.stdout, "\nthis binary no longer has the analyzer %s, so its query cannot be shown\n", f.Analyzer)
		return nil
	}
	settings, err := config.AnalyzerSettings(cfg, a)
	if err != nil {
		return usageError{err}
	}
	const clock = "2006-01-02 15:04:05"
	params := []string{
		"from=" + run.WindowFrom.UTC().Format(clock), "to=" + run.WindowTo.UTC().Format(clock),
		"account=" + f.Account, "region=" + f.Region, "resource=" + f.Resource,
	}
	for _, p := range a.Params {
		if v, ok := p.Bound(settings.Params[p.Name]); ok && !p.InGo {
			params = append(params, fmt.Sprintf("%s=%s", p.Name, literal(v)))
		}
	}
	fmt.Fprintf(c.stdout, "\nrun the query again\nfaaswarden store query %s --format Vertical \\\n", s.words())
	for _, p := range params {
		fmt.Fprintf(c.stdout, "  --param %s \\\n", quote(p))
	}
	fmt.Fprintf(c.stdout, "  -- %s\n", quote(strings.TrimSpace(a.Query)))
	return nil
}

// words is the source as it is given on a command line.
func (s *source) words() string {
	if s.data != "" {
		return "--data " + quote(s.data)
	}
	return "--config " + quote(s.config)
}

// literal writes a parameter's value as ClickHouse reads it.
func literal(v any) string {
	list, ok := v.([]string)
	if !ok {
		return fmt.Sprint(v)
	}
	quoted := make([]string, len(list))
	for i, s := range list {
		quoted[i] = "'" + strings.NewReplacer(`\`, `\\`, `'`, `\'`).Replace(s) + "'"
	}
	return "[" + strings.Join(quoted, ",") + "]"
}

// quote makes one word of a shell command.
func quote(s string) string { return "'" + strings.ReplaceAll(s, "'", `'\''`) + "'" }

func analyzer(name string) *analysis.Analyzer {
	for _, a := range suites.Analyzers {
		if a.Name == name {
			return a
		}
	}
	return nil
}
