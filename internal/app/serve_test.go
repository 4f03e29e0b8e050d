package app

import (
	"bytes"
	"context"
	"crypto/ecdsa"
	"crypto/elliptic"
	"crypto/rand"
	"crypto/tls"
	"crypto/x509"
	"encoding/pem"
	"errors"
	"fmt"
	"io"
	"log/slog"
	"math/big"
	"net"
	"net/http"
	"os"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"golang.org/x/crypto/bcrypt"

	"github.com/faaswarden/faaswarden/analyzers"
	"github.com/faaswarden/faaswarden/collector"
	"github.com/faaswarden/faaswarden/internal/config"
	"github.com/faaswarden/faaswarden/internal/store"
)

// lone is a daemon that reads no account, on a store of its own.
func lone(t *testing.T, change func(*Options)) (*App, error) {
	t.Helper()
	cfg := config.Default()
	cfg.Store.DSN = config.Secret("embedded:" + filepath.Join(t.TempDir(), "store"))
	cfg.Web.Listen = "127.0.0.1:0"
	opts := Options{
		Config: cfg, Suites: config.Suites{Collectors: collector.Suite, Analyzers: analyzers.Suite},
		Store: store.Options{Relaxed: true}, Serve: true, Version: "test", Logger: slog.New(slog.DiscardHandler),
	}
	if change != nil {
		change(&opts)
	}
	a, err := New(t.Context(), opts)
	if a != nil {
		t.Cleanup(func() {
			if err := a.Close(); err != nil {
				t.Error(err)
			}
		})
	}
	return a, err
}

func TestPortInUse(t *testing.T) {
	taken, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer taken.Close() //nolint:errcheck // nothing was sent on it
	address := taken.Addr().String()
	dsn := ""
	_, err = lone(t, func(o *Options) {
		o.Config.Web.Listen = address
		dsn = string(o.Config.Store.DSN)
	})
	if err == nil || !strings.Contains(err.Error(), "listen on "+address) || !strings.Contains(err.Error(), "remedy: set web.listen or --listen to a free address") {
		t.Fatalf("a taken port gives %v", err)
	}
	// What New opened before it failed is closed again.
	if _, err := lone(t, func(o *Options) { o.Config.Store.DSN = config.Secret(dsn) }); err != nil {
		t.Errorf("the store cannot be opened after the failed start: %v", err)
	}
}

// files writes a certificate, its key, another key and a web configuration.
func files(t *testing.T, web string) string {
	t.Helper()
	dir := t.TempDir()
	keys := make([]*ecdsa.PrivateKey, 2)
	for i, name := range []string{"key.pem", "other.pem"} {
		key, err := ecdsa.GenerateKey(elliptic.P256(), rand.Reader)
		if err != nil {
			t.Fatal(err)
		}
		der, err := x509.MarshalPKCS8PrivateKey(key)
		if err != nil {
			t.Fatal(err)
		}
		write(t, filepath.Join(dir, name), pem.EncodeToMemory(&pem.Block{Type: "PRIVATE KEY", Bytes: der}))
		keys[i] = key
	}
	template := &x509.Certificate{SerialNumber: big.NewInt(1), NotBefore: time.Now().Add(-time.Hour), NotAfter: time.Now().Add(time.Hour), IPAddresses: []net.IP{net.IPv4(127, 0, 0, 1)}}
	der, err := x509.CreateCertificate(rand.Reader, template, template, &keys[0].PublicKey, keys[0])
	if err != nil {
		t.Fatal(err)
	}
	write(t, filepath.Join(dir, "cert.pem"), pem.EncodeToMemory(&pem.Block{Type: "CERTIFICATE", Bytes: der}))
	path := filepath.Join(dir, "web.yml")
	write(t, path, []byte(web))
	return path
}

func write(t *testing.T, path string, text []byte) {
	t.Helper()
	if err := os.WriteFile(path, text, 0o600); err != nil {
		t.Fatal(err)
	}
}

func TestWrongWebConfiguration(t *testing.T) {
	for _, tt := range []struct{ name, web, says string }{
		{"no such certificate", "tls_server_config: {cert_file: none.pem, key_file: key.pem}", "none.pem"},
		{"no such key", "tls_server_config: {cert_file: cert.pem, key_file: none.pem}", "none.pem"},
		{"another key", "tls_server_config: {cert_file: cert.pem, key_file: other.pem}", "private key does not match public key"},
		{"a key for a certificate", "tls_server_config: {cert_file: key.pem, key_file: key.pem}", "failed to find certificate PEM data"},
		{"unknown key", "tls_config: {cert_file: cert.pem}", "field tls_config not found"},
		{"a password that is no hash", "basic_auth_users: {audit: hunter2}", "hashedSecret too short"},
		{"no such file", "", "web.yml"},
	} {
		t.Run(tt.name, func(t *testing.T) {
			path := files(t, tt.web)
			if tt.web == "" {
				if err := os.Remove(path); err != nil {
					t.Fatal(err)
				}
			}
			_, err := lone(t, func(o *Options) { o.Config.Web.ConfigFile = path })
			if err == nil || !strings.Contains(err.Error(), "web.config_file "+path) || !strings.Contains(err.Error(), tt.says) {
				t.Errorf("the error is %v; want it to name the file and %q", err, tt.says)
			}
			if err != nil && strings.Contains(err.Error(), "hunter2") {
				t.Errorf("the error repeats the password: %v", err)
			}
		})
	}
}

// serve runs the pages until the test ends.
func serve(t *testing.T, a *App) {
	t.Helper()
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- a.Run(ctx) }()
	t.Cleanup(func() {
		cancel()
		if err := <-done; err != nil {
			t.Error(err)
		}
	})
}

func TestPasswordAndTLS(t *testing.T) {
	hash, err := bcrypt.GenerateFromPassword([]byte("open sesame"), bcrypt.MinCost)
	if err != nil {
		t.Fatal(err)
	}
	path := files(t, fmt.Sprintf("tls_server_config: {cert_file: cert.pem, key_file: key.pem}\nbasic_auth_users: {audit: %s}\n", hash))
	a, err := lone(t, func(o *Options) { o.Config.Web.ConfigFile = path })
	if err != nil {
		t.Fatal(err)
	}
	serve(t, a)
	pool := x509.NewCertPool()
	cert, err := os.ReadFile(filepath.Join(filepath.Dir(path), "cert.pem"))
	if err != nil || !pool.AppendCertsFromPEM(cert) {
		t.Fatal("no certificate", err)
	}
	client := &http.Client{Transport: &http.Transport{TLSClientConfig: &tls.Config{RootCAs: pool, MinVersion: tls.VersionTLS12}}}
	for _, tt := range []struct {
		scheme, user, password string
		want                   int
	}{
		{"https", "audit", "open sesame", http.StatusOK},
		{"https", "audit", "wrong", http.StatusUnauthorized},
		{"https", "nobody", "open sesame", http.StatusUnauthorized},
		{"https", "", "", http.StatusUnauthorized},
		{"http", "audit", "open sesame", http.StatusBadRequest},
	} {
		req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, tt.scheme+"://"+a.Addr()+"/metrics", nil)
		if err != nil {
			t.Fatal(err)
		}
		if tt.user != "" {
			req.SetBasicAuth(tt.user, tt.password)
		}
		resp, err := client.Do(req)
		if err != nil {
			t.Fatal(err)
		}
		body, err := io.ReadAll(resp.Body)
		if err := errors.Join(err, resp.Body.Close()); err != nil {
			t.Fatal(err)
		}
		if resp.StatusCode != tt.want || strings.Contains(string(body), "faaswarden_build_info") != (tt.want == http.StatusOK) {
			t.Errorf("%s as %q with %q: %d\n%s", tt.scheme, tt.user, tt.password, resp.StatusCode, body)
		}
	}
}

// A reload puts a good configuration in force; a faulty one, or one that only
// a start can put in force, changes nothing and says so.
func TestReload(t *testing.T) {
	next := func() (*config.Config, error) { return nil, errors.New("not asked yet") }
	hup, log := make(chan os.Signal), &locked{b: &bytes.Buffer{}}
	a, err := lone(t, func(o *Options) {
		o.Reloads = hup
		o.Logger = slog.New(slog.NewTextHandler(log, nil))
		o.Load = func(context.Context) (*config.Config, error) { return next() }
	})
	if err != nil {
		t.Fatal(err)
	}
	serve(t, a)
	first := a.Engine.Config()
	changed := func(change func(*config.Config)) func() (*config.Config, error) {
		return func() (*config.Config, error) {
			c := *first
			change(&c)
			return &c, nil
		}
	}
	for _, tt := range []struct {
		name string
		next func() (*config.Config, error)
		says string // empty: it is put in force
	}{
		{"a fault", func() (*config.Config, error) {
			return config.Parse([]byte("analysis: {window: 1m}\nlogs: {}\n"), a.opts.Suites)
		}, `unknown field "logs"`},
		{"another store", changed(func(c *config.Config) { c.Store.DSN = "embedded:elsewhere" }), "store changed, which only a start reads; remedy: restart the daemon"},
		{"another port", changed(func(c *config.Config) { c.Web.Listen = "127.0.0.1:1" }), "web changed"},
		{"another share of the quotas", changed(func(c *config.Config) { c.AWS.RateHeadroom = 0.1 }), "aws.rate_headroom changed"},
		{"fewer series and dollars, and shorter retention", changed(func(c *config.Config) {
			c.Store.Retention = map[string]config.Duration{"judgements": config.Duration(50 * 24 * time.Hour)}
			c.Metrics.SeriesBudget, c.AWS.APIBudgetUSDPerMonth = 1234, 7
		}), ""},
	} {
		next = tt.next
		hup <- syscall.SIGHUP
		hup <- syscall.SIGHUP // taken only when the one before has been dealt with
		got := metrics(t, a)
		if tt.says == "" {
			if a.Engine.Config() == first || !strings.Contains(got, "faaswarden_series_budget 1234\n") || !strings.Contains(got, "faaswarden_api_budget_usd 7\n") || !strings.Contains(got, "faaswarden_config_last_reload_success 1\n") {
				t.Errorf("%s: is not in force\n%s", tt.name, got)
			}
			continue
		}
		if a.Engine.Config() != first || !strings.Contains(got, "faaswarden_config_last_reload_success 0\n") || !strings.Contains(got, "faaswarden_series_budget 20000\n") {
			t.Errorf("%s: the configuration before is not in force, or the metrics do not say so", tt.name)
		}
		if text := log.String(); !strings.Contains(strings.ReplaceAll(text, `\"`, `"`), tt.says) || !strings.Contains(text, "the one before stays in force") {
			t.Errorf("%s: the log lacks %q:\n%s", tt.name, tt.says, text)
		}
	}
}

func metrics(t *testing.T, a *App) string {
	t.Helper()
	return string(get(t, "http://"+a.Addr()+"/metrics"))
}
