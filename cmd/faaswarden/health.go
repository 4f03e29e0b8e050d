package main

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"strings"
	"time"

	"github.com/spf13/cobra"
)

// healthOptions say whom to ask, and for how long to wait.
type healthOptions struct {
	url     string
	timeout time.Duration
}

func newHealth(c *cli) *cobra.Command {
	o := healthOptions{}
	cmd := &cobra.Command{
		Use:   "health",
		Short: "Ask a running daemon whether it is well; for images without curl",
		Long: `Fetches one URL and exits 0 only when the answer is 200 OK. /healthz says that the
process serves, /readyz that an analysis has finished.`,
		Example: "  faaswarden health\n  faaswarden health --url http://127.0.0.1:9847/readyz",
		Args:    cobra.NoArgs,
		RunE:    func(cmd *cobra.Command, _ []string) error { return c.health(cmd.Context(), o) },
	}
	cmd.Flags().StringVar(&o.url, "url", "http://127.0.0.1:9847/healthz", "what to fetch")
	cmd.Flags().DurationVar(&o.timeout, "timeout", 3*time.Second, "how long to wait for the whole answer")
	return cmd
}

func (c *cli) health(ctx context.Context, o healthOptions) error {
	target, err := url.Parse(o.url)
	if err != nil || target.Host == "" || target.Scheme != "http" && target.Scheme != "https" {
		return usageError{fmt.Errorf("--url %q: give an address such as http://127.0.0.1:9847/healthz", o.url)}
	}
	ctx, cancel := context.WithTimeout(ctx, o.timeout)
	defer cancel()
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, o.url, nil)
	if err != nil {
		return usageError{fmt.Errorf("--url %q: %w", o.url, err)}
	}
	res, err := directClient().Do(req)
	if err != nil {
		return fmt.Errorf("ask for health: %w", err)
	}
	text, err := io.ReadAll(io.LimitReader(res.Body, 1<<10))
	if err := errors.Join(err, res.Body.Close()); err != nil {
		return fmt.Errorf("read the answer of %s: %w", o.url, err)
	}
	answer := strings.TrimSpace(string(text))
	if res.StatusCode != http.StatusOK {
		return fmt.Errorf("%s answers %s: %s", o.url, res.Status, answer)
	}
	_, err = fmt.Fprintln(c.stdout, answer)
	return err
}

// directClient goes to the address that was given and nowhere else: a proxy of
// the environment, or a redirect to a page that is well, would speak for
// another program.
func directClient() *http.Client {
	return &http.Client{
		Transport:     &http.Transport{DisableKeepAlives: true},
		CheckRedirect: func(*http.Request, []*http.Request) error { return http.ErrUseLastResponse },
	}
}
