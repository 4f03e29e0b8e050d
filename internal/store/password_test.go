package store_test

import (
	"errors"
	"io/fs"
	"net/http/httptest"
	"os"
	"path/filepath"
	"strings"
	"testing"

	"github.com/faaswarden/faaswarden/internal/store"
	"github.com/faaswarden/faaswarden/internal/store/storetest"
)

func secretFile(t *testing.T, text string) string {
	t.Helper()
	path := filepath.Join(t.TempDir(), "secret")
	if err := os.WriteFile(path, []byte(text), 0o600); err != nil {
		t.Fatal(err)
	}
	return path
}

// TestPasswordFile opens a store whose address names the user alone.
func TestPasswordFile(t *testing.T) {
	served := storetest.Open(t)
	handler, err := served.Handler(store.HandlerOptions{User: "writer", Password: password, Writable: true})
	if err != nil {
		t.Fatal(err)
	}
	server := httptest.NewServer(handler)
	defer server.Close()
	dsn := "http://writer@" + strings.TrimPrefix(server.URL, "http://") + "/" + served.Database()

	for _, text := range []string{password, password + "\n", password + "\r\n"} {
		s := openAt(t, store.Options{DSN: dsn, PasswordFile: secretFile(t, text)})
		if strings.Contains(s.Address(), "p@ss") {
			t.Errorf("the address shows the password: %s", s.Address())
		}
		closeStore(t, s)
	}
	const wrong = "guessed-wrong"
	_, err = store.Open(t.Context(), store.Options{DSN: dsn, PasswordFile: secretFile(t, wrong)})
	if err == nil || !strings.Contains(err.Error(), "AUTHENTICATION_FAILED") || strings.Contains(err.Error(), wrong) {
		t.Errorf("a wrong password: %v", err)
	}
}

func TestPasswordFileRefuses(t *testing.T) {
	t.Parallel()
	const server = "http://writer@127.0.0.1:1/d"
	missing := filepath.Join(t.TempDir(), "missing")
	for _, c := range []struct {
		name, dsn, file, want string
		is                    error
	}{
		{"an embedded store", "embedded:" + t.TempDir(), secretFile(t, "x"), "only for a server's address without a password", store.ErrAddress},
		{"two passwords", "http://writer:s3cr3t@127.0.0.1:1/d", secretFile(t, "x"), "remove one of them", store.ErrAddress},
		{"no file", server, missing, missing, fs.ErrNotExist},
		{"an empty file", server, secretFile(t, "\n"), "is empty; write the password into it", nil},
	} {
		_, err := store.Open(t.Context(), store.Options{DSN: c.dsn, PasswordFile: c.file})
		if err == nil || !strings.Contains(err.Error(), c.want) || c.is != nil && !errors.Is(err, c.is) || strings.Contains(err.Error(), "s3cr3t") {
			t.Errorf("%s: %v, want %q", c.name, err, c.want)
		}
	}
}
