package main

import (
	"fmt"
	"time"

	"github.com/spf13/cobra"

	"github.com/faaswarden/faaswarden/internal/store"
)

func newStoreDDL(c *cli) *cobra.Command {
	var database, cluster string
	cmd := &cobra.Command{
		Use:   "ddl",
		Short: "Print the statements that make the store on a ClickHouse server",
		Long: `Prints what faaswarden runs when it opens a store for the first time, for an
administrator who would rather run it. Its user then needs no right to make tables.`,
		Example: "  faaswarden store ddl | clickhouse-client --multiquery\n  faaswarden store ddl --cluster main > faaswarden.sql",
		Args:    cobra.NoArgs,
		RunE: func(*cobra.Command, []string) error {
			statements, err := store.Script(database, cluster, time.Now())
			if err != nil {
				return usageError{err}
			}
			for _, sql := range statements {
				if _, err := fmt.Fprintf(c.stdout, "%s;\n\n", sql); err != nil {
					return err
				}
			}
			return nil
		},
	}
	cmd.Flags().StringVar(&database, "database", store.DefaultDatabase, "database that holds the tables")
	cmd.Flags().StringVar(&cluster, "cluster", "", "cluster, or {macro} that names it, to make the tables on")
	return cmd
}
