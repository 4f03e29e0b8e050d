package report

import (
	"encoding/csv"
	"encoding/json"
	"fmt"
	"io"
	"strconv"
	"strings"
	"time"
	"unicode"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
)

// Formats are what WriteFindings knows.
const Formats = "table, json or csv"

// WriteFindings writes findings in one of the Formats.
func WriteFindings(w io.Writer, format string, findings []Finding) error {
	switch format {
	case "table":
		return writeTable(w, findings)
	case "json":
		return WriteJSON(w, findings)
	case "csv":
		return writeCSV(w, findings)
	}
	return fmt.Errorf("format %q is unknown: use %s", format, Formats)
}

// WriteJSON writes any value as indented JSON without HTML escaping.
func WriteJSON(w io.Writer, v any) error {
	enc := json.NewEncoder(w)
	enc.SetIndent("", "  ")
	enc.SetEscapeHTML(false)
	if err := enc.Encode(v); err != nil {
		return fmt.Errorf("write JSON: %w", err)
	}
	return nil
}

// NewTable is a table in the house's plain style.
func NewTable(w io.Writer, header ...any) table.Writer {
	t := table.NewWriter()
	t.SetOutputMirror(w)
	t.SetStyle(table.StyleLight)
	t.Style().Options = table.OptionsNoBordersAndSeparators
	t.Style().Format.Header = text.FormatDefault
	t.AppendHeader(header)
	return t
}

func writeTable(w io.Writer, findings []Finding) error {
	if len(findings) == 0 {
		_, err := fmt.Fprintln(w, "no findings")
		return err
	}
	t := NewTable(w, "USD/month", "low – high", "severity", "sure", "analyzer", "function", "what", "status", "fingerprint")
	t.SetColumnConfigs([]table.ColumnConfig{{Number: 1, Align: text.AlignRight}, {Number: 6, WidthMax: 32}, {Number: 7, WidthMax: 80, WidthMaxEnforcer: text.WrapSoft}})
	for _, f := range findings {
		t.AppendRow(table.Row{f.Savings.Expectation(f.Unpriced), f.Savings.Range(), f.Severity, f.Confidence, f.Analyzer, Safe(f.Name()), Safe(f.Summary), f.Status, f.Fingerprint})
	}
	t.Render()
	return nil
}

var csvHeader = []string{
	"fingerprint", "analyzer", "resource", "account", "region", "owner", "severity", "confidence",
	"savings_low_usd", "savings_expected_usd", "savings_high_usd", "summary", "evidence", "remediation", "status", "first_seen", "last_seen",
}

func writeCSV(w io.Writer, findings []Finding) error {
	c := csv.NewWriter(w)
	rows := [][]string{csvHeader}
	for _, f := range findings {
		rows = append(rows, []string{
			f.Fingerprint, f.Analyzer, f.Resource, f.Account, f.Region, cell(f.Owner), f.Severity, f.Confidence,
			amount(f.Savings.Low), amount(f.Savings.Expected), amount(f.Savings.High),
			cell(f.Summary), string(f.Evidence), cell(f.Remediation), f.Status,
			f.FirstSeen.Format(time.RFC3339), f.LastSeen.Format(time.RFC3339),
		})
	}
	if err := c.WriteAll(rows); err != nil {
		return fmt.Errorf("write CSV: %w", err)
	}
	return nil
}

func amount(usd float64) string { return strconv.FormatFloat(usd, 'f', 2, 64) }

// cell defuses text that a spreadsheet would run as a formula.
func cell(s string) string {
	if s != "" && strings.ContainsRune("=+-@\t\r", rune(s[0])) {
		return "'" + s
	}
	return s
}

// Safe drops control characters, so that a hostile name cannot steer a terminal.
func Safe(s string) string {
	return strings.Map(func(r rune) rune {
		if r != '\n' && unicode.IsControl(r) {
			return -1
		}
		return r
	}, s)
}
