package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"regexp"
	"strings"
	"time"

	"github.com/spf13/cobra"

	"github.com/faaswarden/faaswarden/internal/chdb"
	"github.com/faaswarden/faaswarden/internal/store"
)

func (c *cli) storeOptions() store.Options { return store.Options{Install: c.install()} }

func newStore(c *cli) *cobra.Command {
	cmd := &cobra.Command{Use: "store", Short: "Query, measure, copy, back up, restore or serve the store"}
	cmd.AddCommand(
		newStoreQuery(c), newStoreStats(c), newStoreCopy(c), newStoreBackup(c), newStoreRestore(c),
		newStoreServe(c), newStoreDDL(c), newStoreInstall(c),
	)
	return cmd
}

func newStoreInstall(c *cli) *cobra.Command {
	return &cobra.Command{
		Use:   "install",
		Short: "Find the embedded engine, or install it into the user's cache folder",
		Args:  cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error {
			path, err := chdb.Ensure(cmd.Context(), c.install())
			if err != nil {
				return err
			}
			_, err = fmt.Fprintln(c.stdout, path)
			return err
		},
	}
}

func newStoreQuery(c *cli) *cobra.Command {
	s := &source{}
	var format string
	var params []string
	cmd := &cobra.Command{
		Use:     "query SQL",
		Short:   "Run one read-only statement",
		Example: `  faaswarden store query --data ./data "SELECT analyzer, count() FROM findings_current GROUP BY analyzer"`,
		Args:    cobra.ExactArgs(1),
		RunE: func(cmd *cobra.Command, args []string) error {
			bound, err := parseParams(params)
			if err != nil {
				return err
			}
			st, _, err := c.open(cmd.Context(), s)
			if err != nil {
				return err
			}
			return errors.Join(query(cmd.Context(), st, c.stdout, args[0], bound, format), st.Close())
		},
	}
	s.flags(cmd)
	cmd.Flags().StringVar(&format, "format", "PrettyCompactMonoBlock", "a ClickHouse output format, such as JSONEachRow or CSVWithNames")
	cmd.Flags().StringArrayVar(&params, "param", nil, "NAME=VALUE of a {name:Type} parameter; may be repeated")
	return cmd
}

func parseParams(list []string) (map[string]any, error) {
	params := map[string]any{}
	for _, p := range list {
		name, value, ok := strings.Cut(p, "=")
		if !ok || name == "" {
			return nil, usageError{fmt.Errorf("--param %q: give NAME=VALUE", p)}
		}
		params[name] = value
	}
	return params, nil
}

// formatClause is how a ClickHouse client names the format, instead of --format.
var formatClause = regexp.MustCompile(`(?i)\s+FORMAT\s+(\w+)\s*;?\s*$`)

func query(ctx context.Context, st *store.Store, w io.Writer, sql string, params map[string]any, format string) error {
	if m := formatClause.FindStringSubmatch(sql); m != nil {
		sql, format = sql[:len(sql)-len(m[0])], m[1]
	}
	r, err := st.QueryRaw(ctx, sql, params, format)
	if err != nil {
		return err
	}
	_, err = io.Copy(w, r)
	return errors.Join(err, r.Close())
}

type serveFlags struct {
	source
	listen, user, passwordFile string
	writable                   bool
}

func newStoreServe(c *cli) *cobra.Command {
	f := &serveFlags{}
	cmd := &cobra.Command{
		Use:   "serve",
		Short: "Serve the embedded store, read-only, for Grafana and other ClickHouse clients",
		Long: `Serves the embedded store as ClickHouse's HTTP interface, to who gives the password.
Clients can read, and nothing else. With --writable they can also insert rows and
make tables, as faaswarden store copy --to does; the store is made if there is none.`,
		Example: `  faaswarden store serve --data ./data --password-file ./secret
  curl -u faaswarden:$(cat secret) 'http://127.0.0.1:8123/?query=SELECT+count()+FROM+functions_current'
  faaswarden store serve --data ./copy --password-file ./secret --writable`,
		Args: cobra.NoArgs,
		RunE: func(cmd *cobra.Command, _ []string) error { return c.storeServe(cmd.Context(), f) },
	}
	f.flags(cmd)
	cmd.Flags().StringVar(&f.listen, "listen", "127.0.0.1:8123", "serve here")
	cmd.Flags().StringVar(&f.user, "user", "faaswarden", "the user clients give")
	cmd.Flags().StringVar(&f.passwordFile, "password-file", "", "file that holds the password (required)")
	cmd.Flags().BoolVar(&f.writable, "writable", false, "let clients insert rows and make tables")
	return cmd
}

func (c *cli) storeServe(ctx context.Context, f *serveFlags) error {
	password, err := readPassword(f.passwordFile)
	if err != nil {
		return err
	}
	st, _, err := c.openStore(ctx, &f.source, !f.writable)
	if err != nil {
		return err
	}
	listener, err := (&net.ListenConfig{}).Listen(ctx, "tcp", f.listen)
	if err != nil {
		return errors.Join(usageError{fmt.Errorf("--listen %s: %w", f.listen, err)}, st.Close())
	}
	handler, err := st.Handler(store.HandlerOptions{User: f.user, Password: password, Writable: f.writable})
	if err != nil {
		return errors.Join(err, listener.Close(), st.Close())
	}
	server := &http.Server{Handler: handler, ReadHeaderTimeout: 10 * time.Second}
	access := "read-only"
	if f.writable {
		access = "writable"
	}
	fmt.Fprintf(c.stderr, "serving ClickHouse's HTTP interface, %s, on http://%s/ for the user %s\n", access, listener.Addr(), f.user)
	return errors.Join(serveUntil(ctx, server, listener), st.Close())
}

func readPassword(path string) (string, error) {
	if path == "" {
		return "", usageError{errors.New("--password-file is required: the store is never served without a password")}
	}
	password, err := store.ReadPassword(path)
	if err != nil {
		return "", usageError{fmt.Errorf("--password-file: %w", err)}
	}
	return password, nil
}

// serveUntil serves until ctx ends, and then lets open requests finish.
func serveUntil(ctx context.Context, server *http.Server, listener net.Listener) error {
	stopped := make(chan error, 1)
	go func() {
		<-ctx.Done()
		grace, cancel := context.WithTimeout(context.WithoutCancel(ctx), 10*time.Second)
		defer cancel()
		stopped <- server.Shutdown(grace)
	}()
	if err := server.Serve(listener); !errors.Is(err, http.ErrServerClosed) {
		return fmt.Errorf("serve: %w", err)
	}
	return <-stopped
}
