package main

import (
	"context"
	"net/http"
	"net/http/httptest"
	"strings"
	"testing"
	"time"
)

// answering serves one status and text.
func answering(t *testing.T, status int, text string) string {
	t.Helper()
	server := httptest.NewServer(http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		if r.URL.Path == "/slow" {
			select {
			case <-r.Context().Done():
			case <-time.After(time.Minute):
			}
		}
		http.Error(w, text, status)
	}))
	t.Cleanup(server.Close)
	return server.URL
}

func TestHealth(t *testing.T) {
	t.Parallel()
	well := answering(t, http.StatusOK, "ok")
	elsewhere := httptest.NewServer(http.RedirectHandler(well, http.StatusFound))
	t.Cleanup(elsewhere.Close)
	closed := httptest.NewServer(http.NotFoundHandler())
	closed.Close()
	for _, c := range []struct {
		name string
		args []string
		code int
		want string
	}{
		{"well", []string{"--url", well + "/healthz"}, exitDone, "ok\n"},
		{"not ready", []string{"--url", answering(t, http.StatusServiceUnavailable, "not ready: no analysis has finished yet") + "/readyz"}, exitFailed, "503 Service Unavailable: not ready: no analysis has finished yet"},
		{"another program", []string{"--url", answering(t, http.StatusNotFound, "404 page not found") + "/healthz"}, exitFailed, "404"},
		{"no content is not OK", []string{"--url", answering(t, http.StatusNoContent, "") + "/healthz"}, exitFailed, "204"},
		{"redirected", []string{"--url", elsewhere.URL}, exitFailed, "302"},
		{"nobody", []string{"--url", closed.URL}, exitFailed, "connection refused"},
		{"hung", []string{"--url", well + "/slow", "--timeout", "50ms"}, exitFailed, "deadline"},
		{"no address", []string{"--url", "127.0.0.1:9847"}, exitUsage, "give an address such as"},
		{"a file", []string{"--url", "file:///etc/passwd"}, exitUsage, "give an address such as"},
		{"an argument", []string{"now"}, exitUsage, "unknown command"},
	} {
		var out, errs strings.Builder
		code := run(context.Background(), append([]string{"health"}, c.args...), &out, &errs)
		if code != c.code || !strings.Contains(out.String()+errs.String(), c.want) {
			t.Errorf("%s: exit code %d, want %d with %q:\n%s%s", c.name, code, c.code, c.want, out.String(), errs.String())
		}
	}
}
