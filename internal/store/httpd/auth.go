package httpd

import (
	"crypto/sha256"
	"crypto/subtle"
	"net"
	"net/http"
	"net/netip"
	"net/url"
)

// authenticate checks the caller's user and password, from wherever
// ClickHouse's clients put them.
func (h *handler) authenticate(r *http.Request, query url.Values) *fault {
	user, password, given := credentials(r, query)
	if h.o.Password == "" && !forLocalhost(r) {
		// A web page that points its own name at this address must not read the store.
		return newFault(http.StatusForbidden, 516, "AUTHENTICATION_FAILED", "the store is served without a password, and then only as localhost; set a password to reach it by another name")
	}
	if !given && h.o.Password != "" {
		f := newFault(http.StatusUnauthorized, 516, "AUTHENTICATION_FAILED", "faaswarden: a user and a password are required")
		f.challenge = true
		return f
	}
	if !given {
		user = h.o.User
	}
	// Both are compared, always, so that the time taken tells neither apart.
	if same(user, h.o.User)&same(password, h.o.Password) == 1 {
		return nil
	}
	return newFault(http.StatusForbidden, 516, "AUTHENTICATION_FAILED", "faaswarden: Authentication failed: password is incorrect, or there is no user with such name")
}

// credentials are the caller's. Headers outrank the URL.
func credentials(r *http.Request, query url.Values) (user, password string, given bool) {
	if user, password, ok := r.BasicAuth(); ok {
		return orDefault(user), password, true
	}
	if h := r.Header; h.Get("X-ClickHouse-User") != "" || h.Get("X-ClickHouse-Key") != "" {
		return orDefault(h.Get("X-ClickHouse-User")), h.Get("X-ClickHouse-Key"), true
	}
	if query.Has("user") || query.Has("password") {
		return orDefault(query.Get("user")), query.Get("password"), true
	}
	return "", "", r.Header.Get("Authorization") != ""
}

func orDefault(user string) string {
	if user == "" {
		return "default"
	}
	return user
}

// same is 1 when the texts are equal. Hashing first makes their lengths equal.
func same(a, b string) int {
	x, y := sha256.Sum256([]byte(a)), sha256.Sum256([]byte(b))
	return subtle.ConstantTimeCompare(x[:], y[:])
}

// forLocalhost reports whether the caller asked for this machine as itself.
func forLocalhost(r *http.Request) bool {
	host, _, err := net.SplitHostPort(r.Host)
	if err != nil {
		host = r.Host
	}
	if host == "localhost" {
		return true
	}
	addr, err := netip.ParseAddr(trimBrackets(host))
	return err == nil && addr.IsLoopback()
}

func trimBrackets(host string) string {
	if len(host) > 2 && host[0] == '[' && host[len(host)-1] == ']' {
		return host[1 : len(host)-1]
	}
	return host
}
