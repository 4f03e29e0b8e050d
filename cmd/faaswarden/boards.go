package main

import (
	"errors"
	"fmt"
	"os"
	"path/filepath"

	"github.com/spf13/cobra"

	"github.com/faaswarden/faaswarden/dashboards"
	"github.com/faaswarden/faaswarden/internal/report"
)

func newDashboards(c *cli) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "dashboards",
		Short: "List the Grafana boards, or write them into a folder",
		Long: `Computes the Grafana boards from the analyzers of this binary. Grafana's file
provisioning takes them as they are; they ask for a Prometheus data source and
find it by a variable. Files are written over, others in the folder are left alone.`,
		Example: "  faaswarden dashboards\n  faaswarden dashboards --out /var/lib/grafana/dashboards/faaswarden",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			boards, err := dashboards.Boards(suites.Analyzers)
			if err != nil {
				return err
			}
			if cmd.Flags().Changed("out") {
				return c.writeBoards(out, boards)
			}
			t := report.NewTable(c.stdout)
			for _, b := range boards {
				t.AppendRow([]any{b.File, b.UID, b.Title})
			}
			t.Render()
			return nil
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "folder to write the boards into; it is made when it is not there")
	return cmd
}

func (c *cli) writeBoards(dir string, boards []dashboards.Board) error {
	if dir == "" {
		return usageError{errors.New("--out is empty: give a folder")}
	}
	if err := os.MkdirAll(dir, 0o755); err != nil {
		return usageError{fmt.Errorf("--out: %w", err)}
	}
	for _, b := range boards {
		path := filepath.Join(dir, b.File)
		if err := writeFile("--out", path, b.JSON); err != nil {
			return err
		}
		fmt.Fprintln(c.stdout, path)
	}
	return nil
}

func newRules(c *cli) *cobra.Command {
	var out string
	cmd := &cobra.Command{
		Use:   "rules",
		Short: "Print Prometheus alert rules, or write them into a file",
		Long: `Computes the alert rules from the analyzers of this binary, with faaswarden's own
beside them. Prometheus takes the file in its rule_files.`,
		Example: "  faaswarden rules\n  faaswarden rules --out /etc/prometheus/faaswarden.rules.yml",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			rules, err := dashboards.Rules(suites.Analyzers)
			if err != nil {
				return err
			}
			if !cmd.Flags().Changed("out") {
				_, err = c.stdout.Write(rules)
				return err
			}
			if out == "" {
				return usageError{errors.New("--out is empty: give a file")}
			}
			return writeFile("--out", out, rules)
		},
	}
	cmd.Flags().StringVar(&out, "out", "", "file to write the rules into, instead of printing them")
	return cmd
}
