package main

import (
	"context"
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/faaswarden/faaswarden/internal/awssim"
)

func newSim(c *cli) *cobra.Command {
	cmd := &cobra.Command{Use: "sim", Short: "The simulated AWS account alone, for any AWS client"}
	f := &simFlags{}
	var listen string
	serve := &cobra.Command{
		Use:   "serve",
		Short: "Serve the simulated account until Ctrl-C",
		Example: `  faaswarden sim serve --listen 127.0.0.1:4566 --functions 50 --seed 7
  AWS_ENDPOINT_URL=http://127.0.0.1:4566 AWS_REGION=us-east-1 \
  AWS_ACCESS_KEY_ID=… AWS_SECRET_ACCESS_KEY=… aws lambda list-functions`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.simServe(cmd.Context(), f, listen) },
	}
	f.register(serve)
	serve.Flags().StringVar(&listen, "listen", "127.0.0.1:4566", "serve here")
	cmd.AddCommand(serve)
	return cmd
}

// simAhead is for how many days, the current one among them, a served account
// goes on living: its data exist to the end, and are shown as their time comes.
const simAhead = 2

func (c *cli) simServe(ctx context.Context, f *simFlags, listen string) error {
	world, err := f.world(time.Now().UTC().Truncate(24*time.Hour).AddDate(0, 0, simAhead))
	if err != nil {
		return err
	}
	server, url, err := serveSim(awssim.Options{World: world, Now: time.Now}, listen)
	if err != nil {
		return err
	}
	key := awssim.ExampleCredential()
	fmt.Fprintf(c.stderr, "simulated AWS account %s: %d functions, %d days, the last of them %s, seed %d\n", world.Account, f.functions, f.days, world.Now.AddDate(0, 0, -1).Format(time.DateOnly), f.seed)
	fmt.Fprintf(c.stdout, "export AWS_ENDPOINT_URL=%s AWS_ACCESS_KEY_ID=%s AWS_SECRET_ACCESS_KEY=%s AWS_REGION=%s\n", url, key.AccessKeyID, key.SecretAccessKey, world.Regions[0].Name)
	<-ctx.Done()
	return server.Close()
}
