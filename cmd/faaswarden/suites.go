package main

import (
	"encoding/json"
	"fmt"
	"os"
	"slices"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/config"
	"github.com/faaswarden/faaswarden/internal/report"
	"github.com/faaswarden/faaswarden/internal/store"
)

// analyzerInfo is every declared field of an analyzer, for scripts.
type analyzerInfo struct {
	Name        string             `json:"name"`
	Title       string             `json:"title"`
	Stage       analysis.Stage     `json:"stage"`
	Category    analysis.Category  `json:"category"`
	Severity    analysis.Severity  `json:"severity"`
	Remediation string             `json:"remediation"`
	Params      []paramInfo        `json:"params"`
	Reads       []string           `json:"reads"`
	Measures    []analysis.Measure `json:"measures"`
	Alerts      []alertInfo        `json:"alerts"`
	Doc         string             `json:"doc"`
	Query       string             `json:"query"`
}

type paramInfo struct {
	Name    string `json:"name"`
	Kind    string `json:"kind"`
	Default any    `json:"default"`
	Doc     string `json:"doc"`
}

type alertInfo struct {
	Name        string            `json:"name"`
	Severity    analysis.Severity `json:"severity"`
	ForSeconds  float64           `json:"for_seconds"`
	Expr        string            `json:"expr"`
	Summary     string            `json:"summary"`
	Description string            `json:"description"`
}

type collectorInfo struct {
	Name            string          `json:"name"`
	Title           string          `json:"title"`
	Scope           collect.Scope   `json:"scope"`
	EverySeconds    float64         `json:"every_seconds"`
	LookbackSeconds float64         `json:"lookback_seconds"`
	Writes          []string        `json:"writes"`
	Reads           []string        `json:"reads"`
	Actions         []actionInfo    `json:"actions"`
	Params          []paramInfo     `json:"params"`
	Monthly         collect.APICost `json:"estimate_per_month"` // for 200 functions in one account and region
	Doc             string          `json:"doc"`
}

type actionInfo struct {
	Name   string `json:"name"`
	Blinds string `json:"blinds"`
}

func newAnalyzers(c *cli) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:     "analyzers [NAME]",
		Short:   "List the analyzers, or show one's documentation",
		Example: "  faaswarden analyzers\n  faaswarden analyzers oversizedmemory\n  faaswarden analyzers --format json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			infos := make([]analyzerInfo, len(suites.Analyzers))
			for i, a := range suites.Analyzers {
				infos[i] = newAnalyzerInfo(a)
			}
			return show(c, "analyzer", format, args, infos, func(i analyzerInfo) string { return i.Name }, func(i analyzerInfo) []string {
				return []string{i.Name, string(i.Stage), string(i.Category), i.Severity.String(), i.Title}
			}, func(i analyzerInfo) string { return i.Doc })
		},
	}
	cmd.Flags().StringVar(&format, "format", "table", "table or json")
	return cmd
}

func newAnalyzerInfo(a *analysis.Analyzer) analyzerInfo {
	info := analyzerInfo{
		Name: a.Name, Title: a.Title, Stage: a.Stage, Category: a.Category, Severity: a.Severity, Remediation: a.Remediation,
		Params: []paramInfo{}, Reads: a.Reads, Measures: a.Measures, Alerts: []alertInfo{}, Doc: a.Doc, Query: a.Query,
	}
	for _, l := range a.Alerts {
		info.Alerts = append(info.Alerts, alertInfo{l.Name, l.Severity, l.For.Seconds(), l.Expr, l.Summary, l.Description})
	}
	for _, p := range a.Params {
		info.Params = append(info.Params, paramInfo{p.Name, string(p.Kind), scalar(p.Default), p.Doc})
	}
	return info
}

func newCollectors(c *cli) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use:     "collectors [NAME]",
		Short:   "List the collectors, or show one's documentation",
		Example: "  faaswarden collectors\n  faaswarden collectors metrics\n  faaswarden collectors --format json",
		Args:    cobra.MaximumNArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			infos := make([]collectorInfo, len(suites.Collectors))
			for i, item := range suites.Collectors {
				infos[i] = newCollectorInfo(item)
			}
			return show(c, "collector", format, args, infos, func(i collectorInfo) string { return i.Name }, func(i collectorInfo) []string {
				return []string{i.Name, string(i.Scope), (time.Duration(i.EverySeconds) * time.Second).String(), fmt.Sprint(len(i.Actions)), i.Title}
			}, func(i collectorInfo) string { return i.Doc })
		},
	}
	cmd.Flags().StringVar(&format, "format", "table", "table or json")
	return cmd
}

func newCollectorInfo(item *collect.Collector) collectorInfo {
	info := collectorInfo{
		Name: item.Name, Title: item.Title, Scope: item.Scope, EverySeconds: item.Every.Seconds(), LookbackSeconds: item.Lookback.Seconds(),
		Writes: item.Writes, Reads: item.Reads, Actions: []actionInfo{}, Params: []paramInfo{}, Doc: item.Doc,
		Monthly: item.Estimate(collect.Inventory{Accounts: 1, Regions: 1, Functions: 200, ActiveFunctions: 120, Days: 30, LogBytesPerMonth: 20e9}),
	}
	for _, a := range item.Actions {
		info.Actions = append(info.Actions, actionInfo{a.Name, a.Blinds})
	}
	for _, p := range item.Params {
		info.Params = append(info.Params, paramInfo{p.Name, fmt.Sprintf("%T", p.Default), scalar(p.Default), p.Doc})
	}
	return info
}

// scalar shows durations as people write them.
func scalar(v any) any {
	if d, ok := v.(time.Duration); ok {
		return config.Duration(d).String()
	}
	return v
}

// show prints a list, or one item of it whole.
func show[T any](c *cli, kind, format string, args []string, items []T, name func(T) string, line func(T) []string, doc func(T) string) error {
	if format != "table" && format != "json" {
		return usageError{fmt.Errorf("--format %q: use table or json", format)}
	}
	if len(args) == 1 {
		i := slices.IndexFunc(items, func(item T) bool { return name(item) == args[0] })
		if i < 0 {
			return usageError{fmt.Errorf("%s %q is unknown: use %s", kind, args[0], strings.Join(names(items, name), ", "))}
		}
		if format == "json" {
			return report.WriteJSON(c.stdout, items[i])
		}
		_, err := fmt.Fprintln(c.stdout, doc(items[i]))
		return err
	}
	if format == "json" {
		return report.WriteJSON(c.stdout, items)
	}
	t := report.NewTable(c.stdout)
	for _, item := range items {
		cells := line(item)
		row := make([]any, len(cells))
		for i, cell := range cells {
			row[i] = cell
		}
		t.AppendRow(row)
	}
	t.Render()
	return nil
}

func names[T any](items []T, name func(T) string) []string {
	list := make([]string, len(items))
	for i, item := range items {
		list[i] = name(item)
	}
	return list
}

func analyzerNames() []string {
	return names(suites.Analyzers, func(a *analysis.Analyzer) string { return a.Name })
}

func containsName(list []string, name string) bool { return slices.Contains(list, name) }

func newPolicy(c *cli) *cobra.Command {
	var configFile string
	cmd := &cobra.Command{
		Use:   "policy",
		Short: "Print the read-only IAM policy the enabled collectors need",
		Example: `  faaswarden policy > faaswarden-policy.json
  faaswarden policy --config faaswarden.yml`,
		Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			cfg := config.Default()
			if configFile != "" {
				loaded, err := config.Load(configFile, suites)
				if err != nil {
					return usageError{err}
				}
				cfg = loaded
			}
			enabled, err := config.EnabledCollectors(cfg, suites.Collectors)
			if err != nil {
				return usageError{err}
			}
			policy, err := collect.Policy(enabled)
			if err != nil {
				return err
			}
			_, err = c.stdout.Write(policy)
			return err
		},
	}
	cmd.Flags().StringVar(&configFile, "config", "", "leave out what this configuration disables")
	return cmd
}

func newCheckConfig(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:     "check-config FILE",
		Short:   "Check a configuration file and report every fault",
		Example: "  faaswarden check-config faaswarden.yml",
		Args:    cobra.ExactArgs(1),
		RunE: func(_ *cobra.Command, args []string) error {
			cfg, err := config.Load(args[0], suites)
			if err != nil {
				return usageError{err}
			}
			if err := store.CheckAddress(string(cfg.Store.DSN)); err != nil {
				return fmt.Errorf("%s: store.dsn: %w", args[0], err)
			}
			_, err = fmt.Fprintf(c.stdout, "%s is good\n", args[0])
			return err
		},
	}
}

func newVersion(c *cli) *cobra.Command {
	var format string
	cmd := &cobra.Command{
		Use: "version", Short: "Print the version", Args: cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			if format == "json" {
				return json.NewEncoder(c.stdout).Encode(versionInfo())
			}
			_, err := fmt.Fprintln(c.stdout, "faaswarden", versionString())
			return err
		},
	}
	cmd.Flags().StringVar(&format, "format", "text", "text or json")
	return cmd
}

// writeFile writes what a command was asked to put into a file.
func writeFile(flag, path string, text []byte) error {
	if err := os.WriteFile(path, text, 0o644); err != nil {
		return usageError{fmt.Errorf("%s: %w", flag, err)}
	}
	return nil
}
