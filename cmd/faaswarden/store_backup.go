package main

import (
	"context"
	"errors"
	"fmt"
	"os"
	"strings"

	"github.com/spf13/cobra"

	"github.com/faaswarden/faaswarden/internal/config"
	"github.com/faaswarden/faaswarden/internal/store"
)

func newStoreBackup(c *cli) *cobra.Command {
	s := &source{}
	var file string
	cmd := &cobra.Command{
		Use:   "backup",
		Short: "Write the embedded store to a file",
		Long: `Writes the whole embedded store to a file, which appears when it is complete and is
never written over. No other process may have the store open: stop the daemon for it.
A ClickHouse server has backups of its own.`,
		Example: "  faaswarden store backup --data ./data --to /backup/faaswarden-$(date +%F).tar.zst",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.archived(cmd.Context(), s, "--to", file, store.Backup, func(o store.BackupOptions) error {
				info, err := os.Stat(o.File)
				if err != nil {
					return fmt.Errorf("look at the backup: %w", err)
				}
				_, err = fmt.Fprintf(c.stdout, "backed up %s to %s, %s\n", o.Data, o.File, bytesText(uint64(info.Size())))
				return err
			})
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVar(&file, "to", "", "file to write, ending in .tar.zst or .tar (required)")
	return cmd
}

func newStoreRestore(c *cli) *cobra.Command {
	s := &source{}
	var file string
	cmd := &cobra.Command{
		Use:   "restore",
		Short: "Make an embedded store of a backup",
		Long: `Makes an embedded store of a file that faaswarden store backup wrote, in a folder that
does not exist or is empty. Every byte of it is checked before the folder appears: a
damaged file leaves nothing behind.`,
		Example: "  faaswarden store restore --from /backup/faaswarden-2026-11-01.tar.zst --data ./data",
		Args:    cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			return c.archived(cmd.Context(), s, "--from", file, store.Restore, func(o store.BackupOptions) error {
				_, err := fmt.Fprintf(c.stdout, "restored %s from %s\n", o.Data, o.File)
				return err
			})
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVar(&file, "from", "", "file that faaswarden store backup wrote (required)")
	return cmd
}

// archived runs a backup or a restoration, and says what came of it.
func (c *cli) archived(
	ctx context.Context, s *source, flag, file string, run func(context.Context, store.BackupOptions) error, say func(store.BackupOptions) error,
) error {
	cfg, err := s.load()
	if err != nil {
		return err
	}
	data, ok := strings.CutPrefix(string(cfg.Store.DSN), "embedded:")
	switch {
	case !ok:
		return usageError{errors.New("the store is on a ClickHouse server; remedy: back it up and restore it there, with BACKUP DATABASE and RESTORE DATABASE, or copy it with `faaswarden store copy`")}
	case file == "":
		return usageError{fmt.Errorf("%s is required: it names the backup, such as faaswarden.tar.zst", flag)}
	case !strings.HasSuffix(file, ".tar.zst") && !strings.HasSuffix(file, ".tar"):
		return usageError{fmt.Errorf("%s %s: the name must end in .tar.zst or .tar", flag, file)}
	}
	log, err := c.logger("warn", config.Default().Log.Format)
	if err != nil {
		return err
	}
	o := store.BackupOptions{Data: data, File: file, Install: c.install(), Logger: log}
	if err := run(ctx, o); err != nil {
		return err
	}
	return say(o)
}
