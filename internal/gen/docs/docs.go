package main

import (
	"encoding/json"
	"fmt"
	"os"
	"path/filepath"
	"strings"
	"time"

	"github.com/faaswarden/faaswarden/analyzers"
	"github.com/faaswarden/faaswarden/collector"
	"github.com/faaswarden/faaswarden/dashboards"
	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/config"
	"github.com/faaswarden/faaswarden/internal/gen/tree"
	"github.com/faaswarden/faaswarden/internal/price"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// documents renders every file that is computed from the suites.
func documents(root string) (map[string][]byte, error) {
	policy, err := collect.Policy(collector.Suite)
	if err != nil {
		return nil, fmt.Errorf("render the IAM policy: %w", err)
	}
	readme, err := os.ReadFile(filepath.Join(root, "README.md"))
	if err != nil {
		return nil, fmt.Errorf("read the README: %w", err)
	}
	bill, err := billTable()
	if err != nil {
		return nil, err
	}
	text := string(readme)
	for _, part := range []struct{ name, body string }{
		{"analyzers", analyzerTable()}, {"collectors", collectorTable()}, {"bill", bill}, {"alerts", alertTable()},
	} {
		if text, err = tree.Between(text, part.name, part.body); err != nil {
			return nil, fmt.Errorf("README.md: %w", err)
		}
	}
	files := map[string][]byte{
		"deploy/aws/policy.json":    policy,
		"deploy/config.example.yml": exampleConfig(),
		"README.md":                 []byte(text),
	}
	return files, addMonitoring(files)
}

// boardFolders hold boards and nothing else: where compose and people take them,
// and where the chart takes its copies, since a chart reads no file outside.
var boardFolders = []string{"deploy/grafana/dashboards", "deploy/helm/faaswarden/files/dashboards"}

// ruleFolders take a copy of the alert rules each.
var ruleFolders = []string{"deploy/prometheus", "deploy/helm/faaswarden/files"}

// addMonitoring adds the boards and the alert rules, wherever a copy is kept.
func addMonitoring(files map[string][]byte) error {
	boards, err := dashboards.Boards(analyzers.Suite)
	if err != nil {
		return fmt.Errorf("render the boards: %w", err)
	}
	rules, err := dashboards.Rules(analyzers.Suite)
	if err != nil {
		return fmt.Errorf("render the alert rules: %w", err)
	}
	for _, dir := range boardFolders {
		for _, b := range boards {
			files[dir+"/"+b.File] = b.JSON
		}
	}
	for _, dir := range ruleFolders {
		files[dir+"/"+dashboards.RulesFile] = rules
	}
	return nil
}

func alertTable() string {
	var b strings.Builder
	b.WriteString("| alert | severity | fires when |\n|---|---|---|\n")
	for _, a := range dashboards.Alerts(analyzers.Suite) {
		fmt.Fprintf(&b, "| [%s](%s) | %s | %s |\n", a.Name, a.Page, a.Severity, a.Condition)
	}
	return b.String()
}

func analyzerTable() string {
	var b strings.Builder
	b.WriteString("| analyzer | stage | finds |\n|---|---|---|\n")
	for _, a := range analyzers.Suite {
		fmt.Fprintf(&b, "| [%s](analyzers/%s/doc.md) | %s | %s |\n", a.Name, a.Name, a.Stage, a.Title)
	}
	return b.String()
}

func collectorTable() string {
	var b strings.Builder
	b.WriteString("| collector | reads | every | actions |\n|---|---|---|---|\n")
	for _, c := range collector.Suite {
		names := make([]string, len(c.Actions))
		for i, a := range c.Actions {
			names[i] = "`" + a.Name + "`"
		}
		fmt.Fprintf(&b, "| [%s](collector/%s/doc.md) | %s | %s | %s |\n", c.Name, c.Name, c.Title, config.Duration(c.Every), strings.Join(names, " "))
	}
	return b.String()
}

// billTable estimates a month of steady running in one account and region.
func billTable() (string, error) {
	rates, err := rates()
	if err != nil {
		return "", err
	}
	var b strings.Builder
	sizes := []int{200, 1000, 10000}
	b.WriteString("| collector | 200 functions | 1,000 functions | 10,000 functions |\n|---|---|---|---|\n")
	totals := make([]float64, len(sizes))
	for _, c := range collector.Suite {
		fmt.Fprintf(&b, "| %s |", c.Name)
		for i, n := range sizes {
			cost := c.Estimate(collect.Inventory{
				Accounts: 1, Regions: 1, Functions: n, ActiveFunctions: n * 3 / 10, Days: 30, LogBytesPerMonth: float64(n) * 100e6,
			}).Price(rates)
			totals[i] += cost.USD
			fmt.Fprintf(&b, " $%.2f |", cost.USD)
		}
		b.WriteString("\n")
	}
	fmt.Fprintf(&b, "| **all** | **$%.2f** | **$%.2f** | **$%.2f** |\n", totals[0], totals[1], totals[2])
	return b.String(), nil
}

func rates() ([]collect.Rate, error) {
	rows, err := price.Snapshot()
	if err != nil {
		return nil, fmt.Errorf("read API prices: %w", err)
	}
	book, err := price.NewBook(rows)
	if err != nil {
		return nil, fmt.Errorf("read API prices: %w", err)
	}
	return collect.Rates(func(item string) (float64, error) {
		for _, r := range rows {
			if r.Item == item {
				usd, err := book.Rate(item, r.Region, r.Arch, r.ValidFrom)
				return usd.InexactFloat64(), err
			}
		}
		return 0, fmt.Errorf("no price of %s", item)
	})
}

// exampleConfig writes every key with its default, commented out, so that the
// file as it stands is the default configuration.
func exampleConfig() []byte {
	var b strings.Builder
	d := config.Default()
	fmt.Fprintf(&b, `# Code generated by internal/gen from the defaults and the suites. DO NOT EDIT.
# Every key is shown with its default. An empty file is a valid configuration.
# Durations are written 90s, 15m, 6h or 30d. Check a file with: faaswarden check-config FILE

store:
  # embedded:PATH (relative to this file), clickhouse://USER:PASSWORD@HOST:9000/DATABASE or https://…
  dsn: %s
  # File that holds the password of the user in dsn (which then has none), so that no password is in this file.
  password_file: ""
  # Name of the cluster in system.clusters; empty for a single server.
  cluster: ""
  # How long rows are kept. Nothing goes that is still shown: the newest collection, analysis and inventory and
  # open findings stay. Evidence must cover analysis.window and aws.lookback; prices and cursors are always kept.
  retention:
%s
web:
  # Where /metrics, /, /healthz and /readyz are served.
  listen: %s
  # Prometheus exporter-toolkit web configuration (TLS, basic auth); empty for neither.
  config_file: ""

log:
  level: %s   # debug, info, warn, error
  format: %s  # text, json

aws:
  # Accounts to read. One entry without fields is the credentials' own account.
  # Fields: name, profile, role_arn, external_id, regions.
  accounts:
    - name: ""
  # Accounts that AWS Organizations lists, each read through a role of this name; an empty name looks for none. It is asked with
  # the credentials' own account, a profile or a role_arn: the management account's or a delegated administrator's.
  organization:
    role_name: ""
    external_id: ""
    profile: ""
    role_arn: ""
    only: []       # account ids in quotes; empty: all active accounts
    exclude: []
  # Regions of accounts that name none; empty means the SDK's region, and [all] every region an account has enabled.
  regions: []
  # How often accounts and regions are looked up again. An account that cannot be entered is tried again then; it delays no other.
  refresh: %s
  # Share of AWS's request quotas to use; the rest is left to the account's owner.
  rate_headroom: %v
  # Ceiling for priced AWS API calls in a calendar month. Priced calls stop visibly when it is reached.
  api_budget_usd_per_month: %v
  # Ceilings for single services within it, such as {ce: 5, cloudwatch: 15, logs: 5}.
  api_budget_usd_per_service: {}
  # How far back the first collection of time series reads.
  lookback: %s
  # Accounts × regions collected at once; most of the time each waits for its own share of request quotas.
  concurrency: %d

analysis:
  window: %s
  every: %s
  # Tag keys that name an owner, the first one present wins.
  owner_tags: [%s]

metrics:
  # Functions, by cost, and findings, by savings, with series of their own; the rest are summed as "other".
  top_functions: %d
  top_findings: %d
  # Tag keys that become labels (tag_KEY) of faaswarden_function_tags_info.
  tag_labels: []
  # Series of all metrics together; what does not fit is summed or left out, and counted by faaswarden_series_dropped.
  series_budget: %d

collectors:
`, string(d.Store.DSN), retentions(), d.Web.Listen, d.Log.Level, d.Log.Format, d.AWS.Refresh, d.AWS.RateHeadroom, d.AWS.APIBudgetUSDPerMonth,
		d.AWS.Lookback, d.AWS.Concurrency, d.Analysis.Window, d.Analysis.Every, strings.Join(d.Analysis.OwnerTags, ", "),
		d.Metrics.TopFunctions, d.Metrics.TopFindings, d.Metrics.SeriesBudget)
	for _, c := range collector.Suite {
		fmt.Fprintf(&b, "  # %s\n  %s:\n    enabled: true\n    every: %s\n", c.Title, c.Name, config.Duration(c.Every))
		for _, p := range c.Params {
			writeParam(&b, p.Name, p.Doc, p.Default)
		}
	}
	b.WriteString("\nanalyzers:\n")
	for _, a := range analyzers.Suite {
		fmt.Fprintf(&b, "  # %s\n  %s:\n    enabled: true\n    severity: %s\n", a.Title, a.Name, a.Severity)
		for _, p := range a.Params {
			writeParam(&b, p.Name, p.Doc+bounds(p), p.Default)
		}
	}
	return []byte(b.String())
}

// retentions is a line for each, with its default and what it is for.
func retentions() string {
	var b strings.Builder
	for _, r := range schema.Retentions {
		fmt.Fprintf(&b, "    %-32s # %s\n", r.Key+": "+config.Duration(r.Default).String(), r.Doc)
	}
	return b.String()
}

func bounds(p analysis.Param) string {
	if p.Min == 0 && p.Max == 0 {
		return ""
	}
	return fmt.Sprintf(" (%v to %v)", p.Min, p.Max)
}

func writeParam(b *strings.Builder, name, doc string, value any) {
	for line := range strings.Lines(doc) {
		fmt.Fprintf(b, "    # %s\n", strings.TrimSpace(line))
	}
	fmt.Fprintf(b, "    %s: %s\n", name, literal(value))
}

// literal writes a value as YAML; JSON is YAML, and fits one line.
func literal(v any) string {
	if d, ok := v.(time.Duration); ok {
		return time.Duration(d).String()
	}
	text, err := json.Marshal(v)
	if err != nil {
		return fmt.Sprint(v)
	}
	return string(text)
}
