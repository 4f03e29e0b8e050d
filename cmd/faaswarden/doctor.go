package main

import (
	"context"
	"errors"
	"fmt"
	"strings"

	"github.com/spf13/cobra"

	"github.com/faaswarden/faaswarden/internal/accounts"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/config"
	"github.com/faaswarden/faaswarden/internal/doctor"
	"github.com/faaswarden/faaswarden/internal/report"
)

// diagnosis is what `doctor --format json` prints; its names are a contract.
type diagnosis struct {
	Worst  doctor.State   `json:"worst"`
	Checks []doctor.Check `json:"checks"`
}

func newDoctor(c *cli) *cobra.Command {
	s := &source{}
	var format string
	cmd := &cobra.Command{
		Use:   "doctor",
		Short: "Examine store, credentials, clock and permissions, and say what each thing missing will cost",
		Long: `Examines the store and every account that would be read: who the credentials are, how
far the clock is off, how much of Lambda's limits is used, and which of the actions that
the enabled collectors take are allowed. IAM's policy simulator tells the last without
calling any of them (iam:SimulatePrincipalPolicy, which faaswarden needs for nothing
else); where it may not be asked, what is free and needs no resource is called. Nothing
that costs money is. The exit code is 0 when all is well, 3 when something will not be
seen or could not be examined, and 1 when the store or an account cannot be used.`,
		Example: "  faaswarden doctor --config faaswarden.yml\n  AWS_PROFILE=audit faaswarden doctor --data ./data --format json",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			if format != "table" && format != "json" {
				return usageError{fmt.Errorf("--format %q: use table or json", format)}
			}
			return c.doctor(cmd.Context(), s, format)
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVar(&format, "format", "table", "table or json")
	return cmd
}

// errSick ends an examination that found something nothing works with.
var errSick = errors.New("something that is needed does not work (listed above)")

func (c *cli) doctor(ctx context.Context, s *source, format string) error {
	cfg, err := s.load()
	if err != nil {
		return err
	}
	checks := []doctor.Check{c.examineStore(ctx, s)}
	found, err := c.examineAccounts(ctx, cfg)
	if err != nil {
		return err
	}
	out := diagnosis{Checks: append(checks, found...)}
	out.Worst = doctor.Worst(out.Checks)
	if err := c.printDiagnosis(out, format); err != nil {
		return err
	}
	switch out.Worst {
	case doctor.Fail:
		return errSick
	case doctor.OK:
		return nil
	default:
		return errBlind
	}
}

// examineStore opens the store as the daemon would and asks it something.
func (c *cli) examineStore(ctx context.Context, s *source) doctor.Check {
	st, _, err := c.openStore(ctx, s, false)
	if err == nil {
		err = errors.Join(st.Ping(ctx), st.Close())
	}
	if err != nil {
		return doctor.Check{What: "store", State: doctor.Fail, Found: err.Error(), Remedy: "nothing can be kept until the store opens"}
	}
	return doctor.Check{What: "store", State: doctor.OK, Found: "opens and answers"}
}

func (c *cli) examineAccounts(ctx context.Context, cfg *config.Config) ([]doctor.Check, error) {
	log, err := c.logger("error", cfg.Log.Format)
	if err != nil {
		return nil, err
	}
	enabled, err := config.EnabledCollectors(cfg, suites.Collectors)
	if err != nil {
		return nil, usageError{err}
	}
	scopes, err := accounts.Resolve(ctx, accounts.Options{AWS: cfg.AWS, Logger: log})
	if err != nil {
		return []doctor.Check{{What: "accounts", State: doctor.Fail, Found: err.Error()}}, nil //nolint:nilerr // what is wrong is what a doctor tells
	}
	return doctor.Accounts(ctx, doctor.Options{
		Scopes: scopes, Collectors: enabled, Limiter: collect.NewLimiter(collect.LimiterOptions{Share: cfg.AWS.RateHeadroom}),
	})
}

func (c *cli) printDiagnosis(out diagnosis, format string) error {
	if format == "json" {
		return report.WriteJSON(c.stdout, out)
	}
	counts := map[doctor.State]int{}
	for _, check := range out.Checks {
		counts[check.State]++
	}
	fmt.Fprintf(c.stdout, "%d checks: %d ok, %d warnings, %d failures, %d could not be made.\n\n",
		len(out.Checks), counts[doctor.OK], counts[doctor.Warn], counts[doctor.Fail], counts[doctor.Unknown])
	for _, check := range out.Checks {
		where := strings.TrimSpace(check.Account + " " + check.Region)
		fmt.Fprintf(c.stdout, "%-8s %-24s %s: %s\n", check.State, where, check.What, check.Found)
		if check.Remedy != "" {
			fmt.Fprintf(c.stdout, "%34s%s\n", "→ ", check.Remedy)
		}
	}
	return nil
}
