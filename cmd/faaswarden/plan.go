package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/jedib0t/go-pretty/v6/table"
	"github.com/jedib0t/go-pretty/v6/text"
	"github.com/spf13/cobra"

	"github.com/faaswarden/faaswarden/internal/accounts"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/config"
	"github.com/faaswarden/faaswarden/internal/engine"
	"github.com/faaswarden/faaswarden/internal/plan"
	"github.com/faaswarden/faaswarden/internal/price"
	"github.com/faaswarden/faaswarden/internal/report"
)

type planFlags struct {
	source
	functions, accounts, regions int
	active, logMB                float64
	format                       string
}

// planned is what `plan --format json` prints; its names are a contract.
type planned struct {
	Accounts []plan.Account `json:"accounts"`
	Lines    []plan.Line    `json:"lines"`
	USD      float64        `json:"usd_per_month"`
	Budget   float64        `json:"api_budget_usd_per_month"`
	Over     []string       `json:"over_budget"` // all, or the services whose ceiling would be passed
}

func newPlan(c *cli) *cobra.Command {
	f := &planFlags{}
	cmd := &cobra.Command{
		Use:   "plan",
		Short: "Say what a month of collection costs, before the first priced call",
		Long: `Estimates the AWS API calls, billed units and USD of a month of steady running, by
collector and by account. The accounts are asked how many functions they have, with a
call that is free; with --functions nobody is asked. Which share of the functions is
active, and how much they log, no free call tells: it is assumed, and can be given.
The exit code is 3 when the plan passes the budget, or an account's size is unknown.`,
		Example: `  faaswarden plan --config faaswarden.yml
  faaswarden plan --functions 20000 --accounts 20 --regions 2
  faaswarden plan --config faaswarden.yml --active 0.6 --log-mb 500 --format json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.plan(cmd.Context(), f) },
	}
	cmd.Flags().StringVar(&f.config, "config", "", "configuration file; the default configuration without")
	cmd.Flags().IntVar(&f.functions, "functions", 0, "functions in all accounts and regions together, instead of asking")
	cmd.Flags().IntVar(&f.accounts, "accounts", 1, "with --functions: accounts")
	cmd.Flags().IntVar(&f.regions, "regions", 1, "with --functions: regions of each account")
	cmd.Flags().Float64Var(&f.active, "active", 0.3, "share of functions that are invoked")
	cmd.Flags().Float64Var(&f.logMB, "log-mb", 100, "megabytes of logs of a function a month")
	cmd.Flags().StringVar(&f.format, "format", "table", "table or json")
	return cmd
}

func (f *planFlags) check() error {
	switch {
	case f.format != "table" && f.format != "json":
		return usageError{fmt.Errorf("--format %q: use table or json", f.format)}
	case f.active < 0 || f.active > 1:
		return usageError{fmt.Errorf("--active %v: give a share between 0 and 1", f.active)}
	case f.functions < 0 || f.accounts < 1 || f.regions < 1 || f.logMB < 0:
		return usageError{errors.New("--functions and --log-mb must not be negative; --accounts and --regions must be at least 1")}
	}
	return nil
}

func (c *cli) plan(ctx context.Context, f *planFlags) error {
	if err := f.check(); err != nil {
		return err
	}
	cfg := config.Default()
	if f.config != "" {
		loaded, err := f.load()
		if err != nil {
			return err
		}
		cfg = loaded
	}
	list, err := c.sizes(ctx, cfg, f)
	if err != nil {
		return err
	}
	rates, err := apiRates(time.Now())
	if err != nil {
		return err
	}
	lines, err := plan.Lines(cfg, suites.Collectors, list, plan.Assumptions{ActiveShare: f.active, LogBytesPerFunction: f.logMB * 1e6}, rates)
	if err != nil {
		return err
	}
	out := planned{Accounts: list, Lines: lines, Budget: cfg.AWS.APIBudgetUSDPerMonth, Over: plan.Over(lines, cfg.AWS.Ceilings())}
	for _, l := range lines {
		out.USD += l.USD
	}
	if err := c.printPlan(f, out); err != nil {
		return err
	}
	for _, a := range list {
		if a.Unknown != "" {
			return errBlind
		}
	}
	if len(out.Over) > 0 {
		return fmt.Errorf("%w: %s", errOverBudget, strings.Join(out.Over, ", "))
	}
	return nil
}

// errOverBudget ends a plan that the configured ceilings would stop.
var errOverBudget = errors.New("the plan passes the API budget of")

// sizes are the accounts to plan for: asked, or as the flags say.
func (c *cli) sizes(ctx context.Context, cfg *config.Config, f *planFlags) ([]plan.Account, error) {
	if f.functions > 0 {
		list := make([]plan.Account, f.accounts)
		for i := range list {
			list[i] = plan.Account{ID: fmt.Sprintf("account %d", i+1), First: i == 0, Regions: make([]string, f.regions)}
			list[i].Functions = f.functions*(i+1)/f.accounts - f.functions*i/f.accounts
		}
		return list, nil
	}
	log, err := c.logger("warn", cfg.Log.Format)
	if err != nil {
		return nil, err
	}
	scopes, err := accounts.Resolve(ctx, accounts.Options{AWS: cfg.AWS, Logger: log})
	if err != nil {
		return nil, err
	}
	return plan.Ask(ctx, scopes, collect.NewLimiter(collect.LimiterOptions{Share: cfg.AWS.RateHeadroom}))
}

// apiRates are the price book's numbers for AWS API calls.
func apiRates(at time.Time) ([]collect.Rate, error) {
	rows, err := price.Snapshot()
	if err != nil {
		return nil, err
	}
	book, err := price.NewBook(rows)
	if err != nil {
		return nil, err
	}
	return engine.Rates(book, at)
}

func (c *cli) printPlan(f *planFlags, out planned) error {
	if f.format == "json" {
		return report.WriteJSON(c.stdout, out)
	}
	byAccount := plan.Sum(out.Lines, func(l plan.Line) string { return l.Account })
	byCollector := plan.Sum(out.Lines, func(l plan.Line) string { return l.Collector })
	functions := 0
	for _, a := range out.Accounts {
		functions += a.Functions
	}
	verdict := "within"
	if len(out.Over) > 0 {
		verdict = "over (" + strings.Join(out.Over, ", ") + ")"
	}
	fmt.Fprintf(c.stdout, "$%.2f a month for %d functions in %d accounts: %s the API budget of $%.2f.\n\n", out.USD, functions, len(out.Accounts), verdict, out.Budget)

	t := report.NewTable(c.stdout, "account", "functions", "regions", "calls", "USD a month")
	for i, l := range byAccount {
		a := out.Accounts[i]
		t.AppendRow(table.Row{a.ID, a.Functions, len(a.Regions), rounded(l.Calls), fmt.Sprintf("%.2f", l.USD)})
		if a.Unknown != "" {
			t.AppendRow(table.Row{"", "unknown: " + a.Unknown})
		}
	}
	right(t, 2, 3, 4, 5)
	t.Render()
	fmt.Fprintln(c.stdout)

	t = report.NewTable(c.stdout, "collector", "account", "calls", "units", "unit", "USD a month")
	lines := out.Lines
	if len(out.Accounts) > maxPlanned {
		lines = byCollector
		for i := range lines {
			lines[i].Account = "all"
		}
	}
	for _, l := range lines {
		t.AppendRow(table.Row{l.Collector, l.Account, rounded(l.Calls), rounded(l.Units), l.Unit, fmt.Sprintf("%.2f", l.USD)})
	}
	right(t, 3, 4, 6)
	t.Render()
	if len(out.Accounts) > maxPlanned {
		fmt.Fprintln(c.stdout, "\nEvery account's collectors: --format json.")
	}
	_, err := fmt.Fprintf(c.stdout, "\nAssumed: %.0f %% of the functions are active and each logs %.0f MB a month (--active, --log-mb). Ceilings: aws.api_budget_usd_per_month and aws.api_budget_usd_per_service.\n", f.active*100, f.logMB)
	return err
}

// maxPlanned is up to how many accounts every collector has a row for each.
const maxPlanned = 3

func rounded(n float64) string { return fmt.Sprintf("%.0f", n) }

func right(t table.Writer, columns ...int) {
	var configs []table.ColumnConfig
	for _, n := range columns {
		configs = append(configs, table.ColumnConfig{Number: n, Align: text.AlignRight})
	}
	t.SetColumnConfigs(configs)
}
