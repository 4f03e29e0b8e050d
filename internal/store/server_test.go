package store_test

import (
	"context"
	"errors"
	"fmt"
	"io"
	"net"
	"net/http"
	"net/http/httptest"
	"os"
	"os/exec"
	"path/filepath"
	"strings"
	"syscall"
	"testing"
	"time"

	"github.com/faaswarden/faaswarden/internal/store"
)

// TestOldServer runs Debian's ClickHouse 18.16, which knows neither parameters
// nor half of the types, and expects to be told its version and the needed one.
func TestOldServer(t *testing.T) {
	native, web := startOldServer(t)
	for _, dsn := range []string{
		"clickhouse://" + native + "/d", "http://" + web + "/d", "http://default:@" + web + "/d?compress=gzip",
	} {
		for _, readOnly := range []bool{false, true} {
			s, err := store.Open(t.Context(), store.Options{DSN: dsn, ReadOnly: readOnly})
			if err == nil {
				closeStore(t, s)
			}
			const want = "ClickHouse is too old: the server runs 18.16.1, faaswarden needs 24.8 or newer"
			if !errors.Is(err, store.ErrTooOld) || !strings.Contains(err.Error(), want) {
				t.Errorf("%s: %v, want %q", dsn, err, want)
			}
		}
	}
}

// startOldServer runs the server that deploy/test.sh installs, on loopback, on
// files of its own.
func startOldServer(t *testing.T) (native, web string) {
	t.Helper()
	binary, err := exec.LookPath("clickhouse-server")
	if err != nil {
		t.Fatal("clickhouse-server is not installed; this test needs Debian's package of 18.16.1: apt-get install clickhouse-server")
	}
	dir := t.TempDir()
	native, web = freeAddress(t), freeAddress(t)
	write := func(name, text string) string {
		path := filepath.Join(dir, name)
		if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
			t.Fatal(err)
		}
		return path
	}
	users := write("users.xml", `<yandex><profiles><default/></profiles><quotas><default/></quotas>
<users><default><password></password><networks><ip>127.0.0.1</ip></networks><profile>default</profile><quota>default</quota></default></users></yandex>`)
	config := write("config.xml", fmt.Sprintf(`<yandex><logger><level>warning</level><log>%[1]s/log</log><errorlog>%[1]s/err</errorlog></logger>
<tcp_port>%[2]s</tcp_port><http_port>%[3]s</http_port><listen_host>127.0.0.1</listen_host><path>%[1]s/data/</path><tmp_path>%[1]s/tmp/</tmp_path>
<users_config>%[4]s</users_config><default_profile>default</default_profile><default_database>default</default_database><mark_cache_size>5368709120</mark_cache_size></yandex>`,
		dir, port(native), port(web), users))
	server := exec.CommandContext(context.Background(), binary, "--config-file="+config) // ended by the cleanup below
	output, err := os.Create(filepath.Join(dir, "output"))
	if err != nil {
		t.Fatal(err)
	}
	server.Stdout, server.Stderr = output, output
	if err := server.Start(); err != nil {
		t.Fatal(err)
	}
	gone := make(chan error, 1)
	go func() { gone <- server.Wait() }()
	t.Cleanup(func() {
		_ = server.Process.Signal(syscall.SIGTERM) // it may have ended by itself
		<-gone
		shut(t, output)
	})
	for _, address := range []string{native, web} {
		waitForPort(t, address, gone, filepath.Join(dir, "output"))
	}
	return native, web
}

// waitForPort waits until a server answers at address, or has given up.
func waitForPort(t *testing.T, address string, gone chan error, output string) {
	t.Helper()
	for {
		conn, err := (&net.Dialer{}).DialContext(t.Context(), "tcp", address)
		if err == nil {
			shut(t, conn)
			return
		}
		select {
		case err := <-gone:
			gone <- err
			text, _ := os.ReadFile(output)
			t.Fatalf("the server ended before it listened: %v\n%s", err, text)
		case <-t.Context().Done():
			t.Fatalf("the server never listened: %v", err)
		case <-time.After(50 * time.Millisecond):
		}
	}
}

func freeAddress(t *testing.T) string {
	t.Helper()
	l, err := (&net.ListenConfig{}).Listen(t.Context(), "tcp", "127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	defer shut(t, l)
	return l.Addr().String()
}

func shut(t *testing.T, c io.Closer) {
	t.Helper()
	if err := c.Close(); err != nil {
		t.Error(err)
	}
}

func port(address string) string {
	_, port, _ := net.SplitHostPort(address)
	return port
}

// Whatever goes wrong between here and a server, its credentials stay out of it.
func TestServerErrorsShowNoCredentials(t *testing.T) {
	t.Parallel()
	const user, secret = "zaphod", "s3cr3t"
	closed := freeAddress(t)
	other := httptest.NewServer(http.NotFoundHandler())
	defer other.Close()
	denied := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, _ *http.Request) {
		w.Header().Set("X-ClickHouse-Exception-Code", "516")
		http.Error(w, "Code: 516. DB::Exception: Authentication failed. (AUTHENTICATION_FAILED)", http.StatusForbidden)
	}))
	defer denied.Close()
	for _, c := range []struct{ scheme, address, want string }{
		{"http", closed, "connection refused"},
		{"clickhouse", closed, "connection refused"},
		{"http", strings.TrimPrefix(other.URL, "http://"), "404"},
		{"http", strings.TrimPrefix(denied.URL, "http://"), "AUTHENTICATION_FAILED"},
		{"clickhouse", strings.TrimPrefix(other.URL, "http://"), "connect"},
	} {
		dsn := fmt.Sprintf("%s://%s:%s@%s/d?read_timeout=2s&dial_timeout=2s", c.scheme, user, secret, c.address)
		_, err := store.Open(t.Context(), store.Options{DSN: dsn})
		if err == nil {
			t.Errorf("%s %s was opened", c.scheme, c.address)
			continue
		}
		text := err.Error()
		if !strings.Contains(text, c.want) || !strings.Contains(text, c.address) || strings.Contains(text, secret) {
			t.Errorf("%s: %q, want %q, the address and no password", c.scheme, text, c.want)
		}
	}
}
