package main

import (
	"context"
	"errors"
	"fmt"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/faaswarden/faaswarden/internal/config"
	"github.com/faaswarden/faaswarden/internal/report"
	"github.com/faaswarden/faaswarden/internal/store"
)

type copyFlags struct {
	source
	to, toConfig string
}

func newStoreCopy(c *cli) *cobra.Command {
	f := &copyFlags{}
	cmd := &cobra.Command{
		Use:   "copy",
		Short: "Copy the store into another one, and verify every table",
		Long: `Copies the newest version of every row into another store, which is made or migrated
first, and then compares both: rows and a checksum of each table. A copy that was
interrupted is repeated without harm. Nothing may write to either store meanwhile.

The target is an address, or the store of another configuration: that keeps its
password out of the list of processes, and names the cluster if it is on one. From
one embedded store to another, serve the target first: a process holds one at a time.`,
		Example: `  faaswarden store copy --data ./data --to-config new.yml
  faaswarden store copy --data ./data --to clickhouse://writer:secret@db.example.com:9000/faaswarden
  faaswarden store serve --data ./copy --password-file ./secret --writable &
  faaswarden store copy --data ./data --to http://faaswarden:$(cat secret)@127.0.0.1:8123/faaswarden`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.storeCopy(cmd.Context(), f) },
	}
	f.flags(cmd)
	cmd.Flags().StringVar(&f.to, "to", "", "address of the target: http://, https:// or clickhouse://, or embedded:PATH when the source is on a server")
	cmd.Flags().StringVar(&f.toConfig, "to-config", "", "configuration file whose store is the target")
	cmd.MarkFlagsMutuallyExclusive("to", "to-config")
	cmd.MarkFlagsOneRequired("to", "to-config")
	return cmd
}

// target is the store that is written to.
func (f *copyFlags) target() (config.Store, error) {
	if f.toConfig == "" {
		return config.Store{DSN: config.Secret(f.to)}, store.CheckAddress(f.to)
	}
	cfg, err := config.Load(f.toConfig, suites)
	if err != nil {
		return config.Store{}, usageError{err}
	}
	return cfg.Store, store.CheckAddress(string(cfg.Store.DSN))
}

func embedded(dsn config.Secret) bool { return strings.HasPrefix(string(dsn), "embedded:") }

func (c *cli) storeCopy(ctx context.Context, f *copyFlags) error {
	cfg, err := f.load()
	if err != nil {
		return err
	}
	target, err := f.target()
	if err != nil {
		return err
	}
	if embedded(cfg.Store.DSN) && embedded(target.DSN) {
		return usageError{errors.New("both stores are embedded, and a process holds one at a time; remedy: serve the target with `faaswarden store serve --data DIR --password-file FILE --writable`, and give --to http://faaswarden:PASSWORD@127.0.0.1:8123/faaswarden")}
	}
	from, _, err := c.open(ctx, &f.source)
	if err != nil {
		return err
	}
	log, err := c.logger("warn", cfg.Log.Format)
	if err != nil {
		return errors.Join(err, from.Close())
	}
	to, err := store.Open(ctx, store.Options{DSN: string(target.DSN), PasswordFile: target.PasswordFile, Cluster: target.Cluster, Logger: log, Install: c.install()})
	if err != nil {
		return errors.Join(err, from.Close())
	}
	fmt.Fprintf(c.stderr, "copying %s to %s\n", from.Address(), to.Address())
	return errors.Join(c.copyStores(ctx, from, to), to.Close(), from.Close())
}

func (c *cli) copyStores(ctx context.Context, from, to *store.Store) error {
	said := time.Now()
	var rows uint64
	copied, err := store.Copy(ctx, from, to, func(table string, n uint64) {
		if rows += n; time.Since(said) >= 5*time.Second {
			said = time.Now()
			fmt.Fprintf(c.stderr, "%s rows, now of %s\n", report.Thousands(rows), table)
		}
	})
	if len(copied) > 0 {
		t := report.NewTable(c.stdout, "table", "rows", "checksum", "ok")
		t.SetColumnConfigs(rightAligned(2))
		for _, r := range copied {
			t.AppendRow([]any{r.Table, report.Thousands(r.Source.Rows), r.Source, verdictOf(r)})
		}
		t.Render()
	}
	return err
}

func verdictOf(c store.Copied) string {
	if c.OK() {
		return "yes"
	}
	return fmt.Sprintf("NO: %s rows, %s", report.Thousands(c.Target.Rows), c.Target)
}
