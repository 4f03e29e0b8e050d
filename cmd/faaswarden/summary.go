package main

import (
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/engine"
	"github.com/faaswarden/faaswarden/internal/report"
)

// summary is what `demo --once --format json` prints; its names are a contract.
type summary struct {
	Functions uint64            `json:"functions"`
	Seconds   float64           `json:"seconds"`
	API       apiSummary        `json:"api"`
	Analyzers []analyzerSummary `json:"analyzers"`
	Findings  []report.Finding  `json:"findings"`
}

type apiSummary struct {
	Calls uint64  `json:"calls"`
	USD   float64 `json:"usd"`
}

type analyzerSummary struct {
	Name            string         `json:"name"`
	Stage           analysis.Stage `json:"stage"`
	Findings        int            `json:"findings"`
	OK              uint64         `json:"ok"`
	CannotDetermine uint64         `json:"cannot_determine"`
	Savings         report.Savings `json:"savings_usd"`
	Reasons         []reason       `json:"reasons,omitempty"`
	Error           string         `json:"error,omitempty"`
}

type reason struct {
	Reason string `json:"reason"`
	Detail string `json:"detail"`
	Count  uint64 `json:"count"`
}

func newSummary(s *engine.Snapshot, took time.Duration) summary {
	out := summary{Functions: s.Functions, Seconds: float64(took.Milliseconds()) / 1000, Findings: report.FromRows(s.Findings), Analyzers: []analyzerSummary{}}
	for _, a := range s.API {
		out.API.Calls += a.Calls
		out.API.USD += a.USD
	}
	for _, a := range s.Analyzers {
		line := analyzerSummary{
			Name: a.Analyzer.Name, Stage: a.Analyzer.Stage, Findings: a.Open, OK: a.Run.OK, CannotDetermine: a.Run.CannotDetermine,
			Savings: report.RoundSavings(a.Savings),
		}
		if a.Run.Outcome == "failed" {
			line.Error = a.Run.Detail
		}
		for _, r := range a.CannotDetermine {
			line.Reasons = append(line.Reasons, reason{r.Reason, r.Detail, r.Count})
		}
		out.Analyzers = append(out.Analyzers, line)
	}
	return out
}

// dearest is how many findings the table shows.
const dearest = 10

func printSummary(w io.Writer, format string, s *engine.Snapshot, took time.Duration) error {
	sum := newSummary(s, took)
	if format == "json" {
		return report.WriteJSON(w, sum)
	}
	fmt.Fprintf(w, "\n%d functions, %d open findings, in %s; %s AWS API calls that would cost %s\n\n",
		sum.Functions, len(sum.Findings), took.Round(100*time.Millisecond), report.Thousands(sum.API.Calls), report.USD(sum.API.USD))
	printAnalyzers(w, sum)
	if len(sum.Findings) == 0 {
		_, err := fmt.Fprintln(w, "\nNothing found in what could be read.")
		return err
	}
	fmt.Fprintf(w, "\nThe dearest findings\n\n")
	for i, f := range sum.Findings[:min(dearest, len(sum.Findings))] {
		amount := report.USD(f.Savings.Expected) + " a month (" + f.Savings.Range() + ")"
		switch {
		case f.Unpriced != "":
			amount = "unpriced: " + f.Unpriced
		case f.Savings.High == 0:
			amount = "no saving"
		}
		fmt.Fprintf(w, "%2d. %s: %s\n    %s · %s severity, %s confidence · %s\n    %s\n    faaswarden explain %s\n", i+1, report.Safe(f.Name()), amount,
			f.Analyzer, f.Severity, f.Confidence, f.Region,
			indent(report.Safe(f.Summary)), f.Fingerprint)
	}
	return nil
}

// indent wraps a sentence below a list's number.
func indent(s string) string {
	lines := strings.Split(text.WrapSoft(s, 110), "\n")
	for i := range lines {
		lines[i] = strings.TrimRight(lines[i], " ")
	}
	return strings.Join(lines, "\n    ")
}

func printAnalyzers(w io.Writer, sum summary) {
	t := report.NewTable(w, "analyzer", "findings", "saves USD/month", "low – high", "fine", "cannot determine")
	right := table.ColumnConfig{Align: text.AlignRight}
	configs := []table.ColumnConfig{}
	for n := 2; n <= 5; n++ {
		right.Number = n
		configs = append(configs, right)
	}
	t.SetColumnConfigs(append(configs, table.ColumnConfig{Number: 6, WidthMax: 70, WidthMaxEnforcer: text.WrapSoft}))
	for _, a := range sum.Analyzers {
		expected := "–"
		if a.Savings.High > 0 {
			expected = report.USD(a.Savings.Expected)
		}
		t.AppendRow(table.Row{a.Name, a.Findings, expected, a.Savings.Range(), a.OK, cannot(a)})
	}
	t.Render()
}

func cannot(a analyzerSummary) string {
	if a.Error != "" {
		return "failed: " + a.Error
	}
	if a.CannotDetermine == 0 {
		return "0"
	}
	parts := make([]string, len(a.Reasons))
	for i, r := range a.Reasons {
		parts[i] = fmt.Sprintf("%d %s (%s)", r.Count, r.Reason, r.Detail)
	}
	return report.Safe(strings.Join(parts, ", "))
}

// verdict names what could not be read at all and turns it into the exit code.
func (c *cli) verdict(s *engine.Snapshot) error {
	for _, a := range s.Analyzers {
		if a.Run.Outcome == "failed" {
			return fmt.Errorf("analyzer %s failed: %s", a.Analyzer.Name, a.Run.Detail)
		}
	}
	if len(s.Blind) == 0 {
		return nil
	}
	fmt.Fprintf(c.stderr, "\ncould not be read, and what that blinds:\n")
	said := map[string]bool{}
	for _, g := range s.Blind {
		line := fmt.Sprintf("  %s %s %s (%s): %s", g.Account, g.Region, g.Action, g.Outcome, blinds(g.Collector, g.Action, g.Table))
		if !said[line] {
			fmt.Fprintln(c.stderr, report.Safe(line))
		}
		said[line] = true
	}
	return errBlind
}

// blinds is what a collector declares that an action's denial costs.
func blinds(collector, action, table string) string {
	for _, item := range suites.Collectors {
		for _, a := range item.Actions {
			if item.Name == collector && a.Name == action {
				return a.Blinds
			}
		}
	}
	return table
}
