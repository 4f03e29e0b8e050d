package store

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net/http"
	"net/url"
	"regexp"
	"strconv"
	"strings"
	"time"

	"github.com/ClickHouse/clickhouse-go/v2"
)

// MinimumVersion is the oldest ClickHouse that is accepted. The SQL is written
// for the query analyzer, which became the default in 24.3
// (clickhouse.com/docs/operations/analyzer); 24.8 is the long-term release after it.
const MinimumVersion = "24.8"

// ErrTooOld says that the server is older than MinimumVersion.
var ErrTooOld = errors.New("ClickHouse is too old")

func tooOld(version string) error {
	if version == "" {
		version = "a version it does not tell"
	}
	return fmt.Errorf("%w: the server runs %s, faaswarden needs %s or newer", ErrTooOld, version, MinimumVersion)
}

// checkVersion connects for the first time and reads the server's version.
func (s *Store) checkVersion(ctx context.Context) error {
	conn, err := s.dial("", s.readOnly)
	if err != nil {
		return err
	}
	defer conn.Close() //nolint:errcheck // nothing is left unsent on it
	if s.options.Protocol == clickhouse.Native {
		// The handshake tells the version before a statement, whose settings an
		// old server would trip over.
		if v, err := conn.ServerVersion(); err == nil && older(v.Version.String(), MinimumVersion) {
			return tooOld(v.Version.String())
		}
	}
	err = conn.QueryRow(ctx, "SELECT version()").Scan(&s.version)
	if err != nil {
		if version, old := s.refusedGreeting(ctx, err); old {
			return tooOld(version)
		}
		return fmt.Errorf("connect: %w", err)
	}
	if older(s.version, MinimumVersion) {
		return tooOld(s.version)
	}
	return nil
}

// older compares dotted versions by their first two numbers.
func older(version, minimum string) bool {
	a, b := numbers(version), numbers(minimum)
	return a[0] < b[0] || a[0] == b[0] && a[1] < b[1]
}

func numbers(version string) (n [2]int) {
	for i, part := range strings.SplitN(version, ".", 3) {
		if i < len(n) {
			n[i], _ = strconv.Atoi(part) // not a number: as old as can be
		}
	}
	return n
}

// refusedGreeting recognises how old servers refuse the driver's first request:
// over HTTP they do not know its settings, over the native protocol they are
// below the revision it speaks. It then asks them plainly who they are.
func (s *Store) refusedGreeting(ctx context.Context, err error) (version string, old bool) {
	if errors.Is(err, clickhouse.ErrUnsupportedServerRevision) {
		return "", true
	}
	text := err.Error()
	for _, name := range []string{"client_protocol_version", "session_timezone"} {
		if strings.Contains(text, "Unknown setting "+name) || strings.Contains(text, "UNKNOWN_SETTING") && strings.Contains(text, name) {
			return s.askVersion(ctx), true
		}
	}
	return "", false
}

var versionPattern = regexp.MustCompile(`^\d+(\.\d+)+$`)

// askVersion asks an HTTP server for its version without any setting. Whatever
// goes wrong, the answer is only missing from a message.
func (s *Store) askVersion(ctx context.Context) string {
	if s.options.Protocol != clickhouse.HTTP || len(s.options.Addr) == 0 {
		return ""
	}
	ctx, cancel := context.WithTimeout(ctx, 5*time.Second)
	defer cancel()
	address := url.URL{Scheme: "http", Host: s.options.Addr[0], Path: s.options.HttpUrlPath, RawQuery: "query=SELECT+version()"}
	if s.options.TLS != nil {
		address.Scheme = "https"
	}
	req, err := http.NewRequestWithContext(ctx, http.MethodGet, address.String(), nil)
	if err != nil {
		return ""
	}
	if s.options.Auth.Username != "" {
		req.SetBasicAuth(s.options.Auth.Username, s.options.Auth.Password)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: s.options.TLS, DisableKeepAlives: true}}
	res, err := client.Do(req)
	if err != nil {
		return ""
	}
	defer res.Body.Close() //nolint:errcheck // it was only read
	text, err := io.ReadAll(io.LimitReader(res.Body, 64))
	if version := strings.TrimSpace(string(text)); err == nil && versionPattern.MatchString(version) {
		return version
	}
	return ""
}
