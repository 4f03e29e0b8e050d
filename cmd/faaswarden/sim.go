package main

import (
	"bytes"
	"context"
	"errors"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/report"
)

// servedFlags describe how a simulated account, or an organisation of them, is served.
type servedFlags struct {
	simFlags
	accounts      int
	externalID    string
	listen, stats string
}

func newSim(c *cli) *cobra.Command {
	cmd := &cobra.Command{Use: "sim", Short: "The simulated AWS account alone, for any AWS client"}
	f := &servedFlags{}
	serve := &cobra.Command{
		Use:   "serve",
		Short: "Serve the simulated account until Ctrl-C",
		Long: `Serves a simulated account at AWS's own request quotas. With --accounts it is the
management account of an organisation; every account has the role faaswarden-reader
to assume, and --functions in it.`,
		Example: `  faaswarden sim serve --listen 127.0.0.1:4566 --functions 50 --seed 7
  AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_REGION=us-east-1 \
  AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… aws lambda list-functions
  faaswarden sim serve --accounts 20 --functions 1000 --stats calls.json`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.simServe(cmd.Context(), f) },
	}
	f.register(serve)
	serve.Flags().StringVar(&f.listen, "listen", "127.0.0.1:4566", "serve here")
	serve.Flags().IntVar(&f.accounts, "accounts", 1, "accounts of an organisation, each with so many functions")
	serve.Flags().StringVar(&f.externalID, "external-id", "", "external id that the accounts' role asks for")
	serve.Flags().StringVar(&f.stats, "stats", "", "at the end, write what was asked, billed and how fast to this file as JSON")
	cmd.AddCommand(serve)
	return cmd
}

// simAhead is for how many days, the current one among them, a served account
// goes on living: its data exist to the end, and are shown as their time comes.
const simAhead = 2

func (c *cli) simServe(ctx context.Context, f *servedFlags) error {
	opts, err := f.accountsAt(time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, simAhead))
	if err != nil {
		return err
	}
	server, url, err := serveSim(opts, f.listen)
	if err != nil {
		return err
	}
	key, world := awssim.ExampleCredential(), opts.World
	fmt.Fprintf(c.stderr, "simulated AWS account %s and %d others: %d functions in each, %d days, the last of them %s, seed %d\n",
		world.Account, len(opts.Members), f.functions, f.days, world.Now.AddDate(0, 0, -1).Format(time.DateOnly), f.seed)
	fmt.Fprintf(c.stdout, "export AWS_ENDPOINT_URL=%s AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s AWS_REGION=%s\n", url, key.AccessKeyID, key.SecretAccessKey, world.Regions[0].Name)
	<-ctx.Done()
	return errors.Join(f.writeStats(server.Calls()), server.Close())
}

// accountsAt generates what is served, whose data end at a midnight.
func (f *servedFlags) accountsAt(end time.Time) (awssim.Options, error) {
	opts := awssim.Options{Now: time.Now}
	if f.accounts == 1 && f.externalID == "" {
		world, err := f.world(end)
		opts.World = world
		return opts, err
	}
	if f.truth != "" {
		return opts, usageError{errors.New("--truth is of one account; remedy: leave --accounts out")}
	}
	generate := f.options(end)
	generate.ExternalID = f.externalID
	management, members, err := awssim.GenerateOrganization(generate, f.accounts)
	if err != nil {
		return opts, usageError{err}
	}
	opts.World, opts.Members = management, members
	return opts, nil
}

func (f *servedFlags) writeStats(stats awssim.Stats) error {
	if f.stats == "" {
		return nil
	}
	var text bytes.Buffer
	if err := report.WriteJSON(&text, stats); err != nil {
		return err
	}
	return writeFile("--stats", f.stats, text.Bytes())
}
