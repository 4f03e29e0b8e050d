package store_test

import (
	"path/filepath"
	"strings"
	"testing"

	"github.com/faaswarden/faaswarden/internal/store"
)

func TestAddresses(t *testing.T) {
	t.Parallel()
	relative, err := filepath.Abs("data/store")
	if err != nil {
		t.Fatal(err)
	}
	for _, c := range []struct{ dsn, option, display, path, database string }{
		{"embedded:/var/lib/faaswarden", "", "embedded:/var/lib/faaswarden", "/var/lib/faaswarden", "faaswarden"},
		{"embedded:/var/lib/../lib/x/", "mine", "embedded:/var/lib/x", "/var/lib/x", "mine"},
		{"embedded:data/store", "", "embedded:" + relative, relative, "faaswarden"},
		{"clickhouse://host", "", "clickhouse://host:9000/", "", "faaswarden"},
		{"clickhouse://host?secure=true", "", "clickhouse://host:9440/", "", "faaswarden"},
		{"clickhouse://u:p@host:9001/costs", "", "clickhouse://host:9001/costs", "", "costs"},
		{"clickhouse://a:1,b,c:3/d", "d", "clickhouse://a:1,b:9000,c:3/d", "", "d"},
		{"http://u:p%40ss@host/d?compress=zstd", "", "http://host:8123/d", "", "d"},
		{"http://[::1]/d", "", "http://[::1]:8123/d", "", "d"},
		{"https://host", "mine", "https://host:8443/", "", "mine"},
		{"https://host:443/d?secure=true&skip_verify=true", "", "https://host:443/d", "", "d"},
		{"https://host?compress=gzip", "", "https://host:8443/", "", "faaswarden"},
	} {
		display, path, database, err := store.ParseDSN(c.dsn, c.option)
		if err != nil || display != c.display || path != c.path || database != c.database {
			t.Errorf("%s: %q %q %q %v, want %q %q %q", c.dsn, display, path, database, err, c.display, c.path, c.database)
		}
	}
}

// TestMalformedAddresses holds that each message says what is wrong and what
// would be right, and shows no credentials.
func TestMalformedAddresses(t *testing.T) {
	t.Parallel()
	const user, secret = "zaphod", "s3cr3t"
	for _, c := range []struct{ dsn, option, want string }{
		{"", "", "it is empty"},
		{"  ", "", "it is empty"},
		{"host", "", "it has no scheme"},
		{"host:9000", "", "it has no scheme://"},
		{user + ":" + secret + "@host", "", "it has no scheme://"},
		{"mysql://" + user + ":" + secret + "@host/d", "", `scheme "mysql" is unknown`},
		{"tcp://host:9000", "", `scheme "tcp" is unknown`},
		{"CLICKHOUSE://host", "", `scheme "CLICKHOUSE" is unknown`},
		{"embedded:", "", "embedded: names no folder"},
		{"embedded:   ", "", "embedded: names no folder"},
		{"embedded:///var/lib/x", "", "write embedded:/absolute/folder"},
		{"embedded:a\x00b", "", "NUL"},
		{"embedded:/x", "default", "embedded engine's own"},
		{"embedded:/x", "system", "the server's own"},
		{"embedded:/x", "a-b", `database "a-b" must be letters, digits and underscores`},
		{"clickhouse://", "", "address"},
		{"clickhouse:///d", "", "address"},
		{"clickhouse://:9000/d", "", "it names no host"},
		{"clickhouse://" + user + ":" + secret + "@/d", "", "address"},
		{"clickhouse://host:0/d", "", `port "0" of host host`},
		{"clickhouse://host:99999/d", "", `port "99999" of host host`},
		{"clickhouse://host:9000x/d", "", "it is no URL"},
		{"http://" + user + ":" + secret + "#/x@host/d", "", ""},
		{"http://" + user + ":" + secret + "%zz@host/d", "", "it is no URL"},
		{"http://" + user + ":" + secret + "@host with blank/d", "", "it is no URL"},
		{"http://host/a/b", "", `database "a/b"`},
		{"http://host/a-b", "", `database "a-b"`},
		{"http://host/system", "", "the server's own"},
		{"http://host/INFORMATION_SCHEMA", "", "the server's own"},
		{"http://host/one", "two", "names database one and the options name two"},
		{"http://host/d?secure=true", "", "http with TLS"},
		{"https://host/d?secure=false", "", "https without TLS"},
		{"http://host/d?secure=perhaps", "", "perhaps"},
		{"http://host/d?compress=rar", "", `compress is "rar": must be one of`},
		{"http://host/d?compress_level=high", "", "compress_level"},
		{"http://host/d?connection_open_strategy=best", "", `connection_open_strategy is "best"`},
		{"clickhouse://host/d?dial_timeout=soon", "", "dial timeout"},
		{"clickhouse://host/d?read_timeout=5", "", "read timeout"},
		{"clickhouse://host/d?max_open_conns=many", "", "max_open_conns"},
		{"clickhouse://host/d?block_buffer_size=0", "", "block_buffer_size"},
		{"http://host/d?password=" + secret + "&compress=%zz", "", ""},
		{"http://host/d?http_proxy=%3A%2F%2F" + user + ":" + secret + "@p", "", "it is no URL"},
	} {
		_, _, _, err := store.ParseDSN(c.dsn, c.option)
		if err == nil {
			t.Errorf("%q was accepted", c.dsn)
			continue
		}
		text := err.Error()
		if !strings.Contains(text, c.want) || strings.Contains(text, secret) || strings.Contains(text, user) {
			t.Errorf("%q: %q, want %q and no credentials", c.dsn, text, c.want)
		}
		if !strings.HasPrefix(text, "database") && c.option == "" && !strings.Contains(text, "accepted: embedded:PATH, clickhouse://") {
			t.Errorf("%q: %q does not say what is accepted", c.dsn, text)
		}
	}
}

func TestOlder(t *testing.T) {
	t.Parallel()
	for _, c := range []struct {
		version string
		want    bool
	}{
		{"18.16.1", true},
		{"23.12.6.19", true},
		{"24.7.9", true},
		{"9.99", true},
		{"", true},
		{"garbage", true},
		{"24.8", false},
		{"24.8.1.2684", false},
		{"24.10.1", false},
		{"25.3.2.39-testing", false},
		{"26.7.2.1", false},
		{"100.1", false},
	} {
		if got := store.Older(c.version, store.MinimumVersion); got != c.want {
			t.Errorf("is %q too old: %v, want %v", c.version, got, c.want)
		}
	}
}
