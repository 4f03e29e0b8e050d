package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/faaswarden/faaswarden/internal/config"
	"github.com/faaswarden/faaswarden/internal/report"
	"github.com/faaswarden/faaswarden/internal/schema"
	"github.com/faaswarden/faaswarden/internal/store"
)

func newStoreStats(c *cli) *cobra.Command {
	s := &source{}
	var format string
	cmd := &cobra.Command{
		Use:   "stats",
		Short: "What each table takes on disk, how far back it goes and how long it is kept",
		Long: `Prints each table's rows, bytes and ages, what a metric sample costs, and what a
function costs a month. Rows whose newer version has come count until the engine
merges them away, so a store shrinks a little while it is left alone.`,
		Example: "  faaswarden store stats --data ./data\n  faaswarden store stats --config faaswarden.yml --format json",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.storeStats(cmd.Context(), s, format) },
	}
	s.flags(cmd)
	cmd.Flags().StringVar(&format, "format", "table", "table or json")
	return cmd
}

// storeStats is what `store stats --format json` prints; its names are a contract.
type storeStats struct {
	Tables        []tableLine  `json:"tables"`
	Total         sizeLine     `json:"total"`
	Points        []periodLine `json:"metric_points"`
	Functions     uint64       `json:"functions"`
	Months        float64      `json:"months"`
	PerSample     *float64     `json:"bytes_per_metric_sample"`  // null without samples
	FunctionMonth *float64     `json:"bytes_per_function_month"` // null without functions, or with less than a day of metrics
	Formula       string       `json:"function_month_formula"`
}

type sizeLine struct {
	Rows         uint64 `json:"rows"`
	Bytes        uint64 `json:"bytes"`
	Uncompressed uint64 `json:"uncompressed_bytes"`
}

type tableLine struct {
	Table string `json:"table"`
	sizeLine
	PerRow float64           `json:"bytes_per_row"`
	Oldest *time.Time        `json:"oldest"`
	Newest *time.Time        `json:"newest"`
	Kept   map[string]string `json:"retention"` // by key of store.retention; empty: kept forever
}

type periodLine struct {
	PeriodS uint32    `json:"period_s"`
	Rows    uint64    `json:"rows"`
	Oldest  time.Time `json:"oldest"`
	Newest  time.Time `json:"newest"`
}

const functionMonth = "bytes of all tables / functions of the newest inventory / months of 30 days between the oldest and the newest metric point"

func (c *cli) storeStats(ctx context.Context, s *source, format string) error {
	if format != "table" && format != "json" {
		return usageError{fmt.Errorf("--format %q: use table or json", format)}
	}
	st, cfg, err := c.open(ctx, s)
	if err != nil {
		return err
	}
	stats, err := st.Stats(ctx)
	if err := errors.Join(err, st.Close()); err != nil {
		return err
	}
	out := newStoreStatsOutput(stats, cfg.Retention())
	if format == "json" {
		return report.WriteJSON(c.stdout, out)
	}
	return out.print(c.stdout)
}

func newStoreStatsOutput(stats store.Stats, keep map[string]time.Duration) storeStats {
	out := storeStats{Tables: []tableLine{}, Points: []periodLine{}, Functions: stats.Functions, Formula: functionMonth}
	for _, t := range stats.Tables {
		line := tableLine{Table: t.Table, sizeLine: sizeLine{t.Rows, t.Bytes, t.Uncompressed}, Kept: kept(t.Table, keep)}
		if t.Rows > 0 {
			line.PerRow = float64(t.Bytes) / float64(t.Rows)
		}
		if !t.Oldest.IsZero() {
			line.Oldest, line.Newest = &t.Oldest, &t.Newest
		}
		if t.Table == "metric_points" && t.Rows > 0 {
			out.PerSample, out.Months = &line.PerRow, t.Newest.Sub(t.Oldest).Hours()/24/30
		}
		out.Tables = append(out.Tables, line)
		out.Total.Rows += t.Rows
		out.Total.Bytes += t.Bytes
		out.Total.Uncompressed += t.Uncompressed
	}
	for _, p := range stats.Points {
		out.Points = append(out.Points, periodLine(p))
	}
	if out.Functions > 0 && out.Months >= 1./30 {
		share := float64(out.Total.Bytes) / float64(out.Functions) / out.Months
		out.FunctionMonth = &share
	}
	return out
}

func kept(name string, keep map[string]time.Duration) map[string]string {
	list := map[string]string{}
	for _, r := range schema.Retentions {
		if r.Table == name {
			list[r.Key] = config.Duration(keep[r.Key]).String()
		}
	}
	return list
}

// print leaves out tables that are empty.
func (s storeStats) print(w io.Writer) error {
	t := report.NewTable(w, "table", "rows", "on disk", "uncompressed", "bytes/row", "oldest", "newest", "kept")
	t.SetColumnConfigs(rightAligned(2, 3, 4, 5))
	empty := 0
	for _, line := range s.Tables {
		if line.Rows == 0 {
			empty++
			continue
		}
		t.AppendRow(table.Row{line.Table, report.Thousands(line.Rows), bytesText(line.Bytes), bytesText(line.Uncompressed), fmt.Sprintf("%.2f", line.PerRow), dateText(line.Oldest), dateText(line.Newest), line.keptText()})
	}
	t.Style().Format.Footer = text.FormatDefault
	t.AppendFooter(table.Row{"all", report.Thousands(s.Total.Rows), bytesText(s.Total.Bytes), bytesText(s.Total.Uncompressed)})
	t.Render()
	_, err := fmt.Fprintf(w, "\nempty tables: %d\n%s\n%s\n", empty, s.sampleText(), s.functionText())
	return err
}

func (t tableLine) keptText() string {
	var parts []string
	for _, r := range schema.Retentions {
		if r.Table == t.Table {
			parts = append(parts, strings.TrimSpace(t.Kept[r.Key]+" "+strings.TrimPrefix(strings.TrimPrefix(r.Key, r.Table), "_")))
		}
	}
	if len(parts) == 0 {
		return "always"
	}
	return strings.Join(parts, ", ")
}

func (s storeStats) sampleText() string {
	if s.PerSample == nil {
		return "no metric samples yet"
	}
	parts := make([]string, len(s.Points))
	for i, p := range s.Points {
		parts[i] = fmt.Sprintf("%s of %d s since %s", report.Thousands(p.Rows), p.PeriodS, dateText(&p.Oldest))
	}
	return fmt.Sprintf("%.2f bytes a metric sample (%s)", *s.PerSample, strings.Join(parts, ", "))
}

func (s storeStats) functionText() string {
	if s.FunctionMonth == nil {
		return "storage for a function and month cannot be told yet: there are no functions, or less than a day of metrics"
	}
	return fmt.Sprintf("%s a function and month: %s / %s functions / %.2f months (%s)", bytesText(uint64(*s.FunctionMonth)),
		bytesText(s.Total.Bytes), report.Thousands(s.Functions), s.Months, s.Formula)
}

func dateText(t *time.Time) string {
	if t == nil {
		return "–"
	}
	return t.UTC().Format(time.DateOnly)
}

// bytesText is a size for people, in powers of a thousand.
func bytesText(n uint64) string {
	units := []string{"B", "kB", "MB", "GB", "TB"}
	v, i := float64(n), 0
	for ; v >= 999.5 && i < len(units)-1; i++ {
		v /= 1000
	}
	if v < 10 && i > 0 {
		return fmt.Sprintf("%.1f %s", v, units[i])
	}
	return fmt.Sprintf("%.0f %s", v, units[i])
}

func rightAligned(columns ...int) []table.ColumnConfig {
	list := make([]table.ColumnConfig, len(columns))
	for i, n := range columns {
		list[i] = table.ColumnConfig{Number: n, Align: text.AlignRight, AlignFooter: text.AlignRight}
	}
	return list
}
