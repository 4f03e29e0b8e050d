package store

import (
	"crypto/tls"
	"errors"
	"fmt"
	"net"
	"net/url"
	"os"
	"path/filepath"
	"regexp"
	"slices"
	"strconv"
	"strings"

	"github.com/ClickHouse/clickhouse-go/v2"
)

const acceptedForms = "accepted: embedded:PATH, clickhouse://HOST:9000/DATABASE, http://HOST:8123/DATABASE, https://HOST:8443/DATABASE"

// DefaultDatabase is where the store's tables live unless told otherwise.
const DefaultDatabase = "faaswarden"

// target is what an address names: a folder for the embedded engine, or a server.
type target struct {
	path     string              // of the embedded engine, absolute and clean; empty for a server
	server   *clickhouse.Options // nil for the embedded engine
	database string              // empty when the address names none
	display  string              // the address without credentials
}

// ErrAddress says that a store's address cannot be used as it is written.
var ErrAddress = errors.New("store address")

// CheckAddress says what is wrong with a store's address without opening it.
func CheckAddress(dsn string) error {
	_, err := parseDSN(dsn)
	return err
}

// parseDSN reads a store address. Its errors say what is wrong and never repeat
// a user name, a password or a query string.
func parseDSN(dsn string) (target, error) {
	fail := func(format string, args ...any) (target, error) {
		return target{}, fmt.Errorf("%w: %w; %s", ErrAddress, fmt.Errorf(format, args...), acceptedForms)
	}
	if strings.TrimSpace(dsn) == "" {
		return fail("it is empty")
	}
	scheme, rest, ok := strings.Cut(dsn, ":")
	if !ok {
		return fail("it has no scheme")
	}
	switch {
	case scheme == "embedded":
		path, err := enginePath(rest)
		if err != nil {
			return fail("%w", err)
		}
		return target{path: path, display: "embedded:" + path}, nil
	case !strings.HasPrefix(rest, "//"):
		return fail("it has no scheme://")
	case !slices.Contains([]string{"clickhouse", "http", "https"}, scheme):
		return fail("scheme %q is unknown", scheme)
	}
	t, err := parseServer(scheme, dsn)
	if err != nil {
		return fail("%w", err)
	}
	return t, nil
}

// target is what DSN names, with the password of PasswordFile.
func (o Options) target() (target, error) {
	t, err := parseDSN(o.DSN)
	if err != nil || o.PasswordFile == "" {
		return t, err
	}
	if t.server == nil || t.server.Auth.Password != "" {
		return target{}, fmt.Errorf("%w: a password file is only for a server's address without a password: remove one of them", ErrAddress)
	}
	if t.server.Auth.Password, err = ReadPassword(o.PasswordFile); err != nil {
		return target{}, fmt.Errorf("store password: %w", err)
	}
	return t, nil
}

// ReadPassword is the password that a file holds, without the end of its line.
func ReadPassword(path string) (string, error) {
	text, err := os.ReadFile(path)
	if err != nil {
		return "", fmt.Errorf("%w; name a file that this process may read", err)
	}
	password := strings.TrimRight(string(text), "\r\n")
	if password == "" {
		return "", fmt.Errorf("%s is empty; write the password into it", path)
	}
	return password, nil
}

func enginePath(path string) (string, error) {
	switch {
	case strings.TrimSpace(path) == "":
		return "", errors.New("embedded: names no folder")
	case strings.HasPrefix(path, "//"):
		return "", fmt.Errorf("embedded:%s has slashes of a URL; write embedded:/absolute/folder or embedded:relative/folder", path)
	case strings.ContainsRune(path, 0):
		return "", errors.New("the folder's name holds a NUL byte")
	}
	abs, err := filepath.Abs(path)
	if err != nil {
		return "", fmt.Errorf("find the folder %s: %w", path, err)
	}
	return abs, nil
}

func parseServer(scheme, dsn string) (target, error) {
	if scheme == "https" {
		dsn = withSecure(dsn)
	}
	o, err := clickhouse.ParseDSN(dsn)
	if err != nil {
		return target{}, withoutSecrets(err)
	}
	if err := checkParameters(dsn); err != nil {
		return target{}, err
	}
	if err := completeAddresses(scheme, o); err != nil {
		return target{}, err
	}
	if err := checkDatabase(o.Auth.Database); o.Auth.Database != "" && err != nil {
		return target{}, err
	}
	if o.Compression == nil && scheme != "clickhouse" {
		o.Compression = &clickhouse.Compression{Method: clickhouse.CompressionLZ4}
	}
	database := o.Auth.Database
	o.Auth.Database = ""
	return target{
		server: o, database: database,
		display: fmt.Sprintf("%s://%s/%s", scheme, strings.Join(o.Addr, ","), database),
	}, nil
}

// withSecure adds what the driver wants to be told twice.
func withSecure(dsn string) string {
	before, query, _ := strings.Cut(dsn, "?")
	for pair := range strings.SplitSeq(query, "&") {
		if name, _, _ := strings.Cut(pair, "="); name == "secure" {
			return dsn
		}
	}
	if query == "" {
		return before + "?secure=true"
	}
	return before + "?" + query + "&secure=true"
}

// withoutSecrets keeps of a parse error only what no credential can reach. The
// driver redacts too, but shows the user name and the query.
func withoutSecrets(err error) error {
	if _, ok := errors.AsType[*url.Error](err); ok {
		return errors.New("it is no URL (percent-encode special characters of the user name and the password; details are withheld because they may hold either)")
	}
	return errors.New(strings.TrimPrefix(err.Error(), "clickhouse [dsn parse]:"))
}

// choices are the parameters whose wrong values the driver passes over.
var choices = []struct {
	name    string
	allowed []string
}{
	{"compress", []string{"true", "false", "1", "0", "none", "lz4", "lz4hc", "zstd", "gzip", "deflate", "br"}},
	{"connection_open_strategy", []string{"in_order", "round_robin", "random"}},
}

func checkParameters(dsn string) error {
	_, query, _ := strings.Cut(dsn, "?")
	values, err := url.ParseQuery(query)
	if err != nil {
		return errors.New("its query string is malformed")
	}
	for _, c := range choices {
		if v := values.Get(c.name); values.Has(c.name) && !slices.Contains(c.allowed, v) {
			return fmt.Errorf("%s is %q: must be one of %s", c.name, v, strings.Join(c.allowed, ", "))
		}
	}
	return nil
}

// completeAddresses adds the protocol's port where none is given.
func completeAddresses(scheme string, o *clickhouse.Options) error {
	port := map[string]string{"http": "8123", "https": "8443", "clickhouse": "9000"}[scheme]
	if scheme == "clickhouse" && o.TLS != nil {
		port = "9440"
	}
	if o.TLS != nil {
		o.TLS.MinVersion = tls.VersionTLS12
	}
	for i, addr := range o.Addr {
		host, given, err := net.SplitHostPort(addr)
		if err != nil {
			host, given = strings.Trim(addr, "[]"), port
		}
		n, err := strconv.Atoi(given)
		switch {
		case host == "":
			return errors.New("it names no host")
		case strings.ContainsAny(host, "@/ "):
			return errors.New("its host is malformed")
		case err != nil || n < 1 || n > 65535:
			return fmt.Errorf("port %q of host %s must be a number from 1 to 65535", given, host)
		}
		o.Addr[i] = net.JoinHostPort(host, given)
	}
	return nil
}

var identifierPattern = regexp.MustCompile(`^[A-Za-z_][A-Za-z0-9_]*$`)

func checkDatabase(name string) error {
	if !identifierPattern.MatchString(name) {
		return fmt.Errorf("database %q must be letters, digits and underscores", name)
	}
	switch strings.ToLower(name) {
	case "system", "information_schema":
		return fmt.Errorf("database %q is the server's own", name)
	}
	return nil
}

// resolveDatabase settles which database is meant.
func (t target) resolveDatabase(option string) (string, error) {
	switch {
	case option == "" && t.database == "":
		return DefaultDatabase, nil
	case option == "":
		option = t.database
	case t.database != "" && t.database != option:
		return "", fmt.Errorf("store address names database %s and the options name %s: give one", t.database, option)
	}
	if err := checkDatabase(option); err != nil {
		return "", err
	}
	// The embedded engine's own "default" also shows the files of the working folder.
	if t.server == nil && option == "default" {
		return "", errors.New(`database "default" is the embedded engine's own; choose another name`)
	}
	return option, nil
}
