package httpd

import (
	"fmt"
	"io"
	"net/http"
	"strconv"
)

// fault is a refusal in ClickHouse's form.
type fault struct {
	status    int
	code      int // 0: not an exception of ClickHouse
	text      string
	challenge bool // ask for a user name and a password
}

func newFault(status, code int, name, format string, args ...any) *fault {
	text := fmt.Sprintf(format, args...)
	if code != 0 {
		text = fmt.Sprintf("Code: %d. DB::Exception: %s. (%s)", code, text, name)
	}
	return &fault{status: status, code: code, text: text + "\n"}
}

func (f *fault) Error() string { return f.text }

func (f *fault) write(w http.ResponseWriter) {
	w.Header().Set("Content-Type", "text/plain; charset=UTF-8")
	if f.code != 0 {
		w.Header().Set("X-ClickHouse-Exception-Code", strconv.Itoa(f.code))
	}
	if f.challenge {
		w.Header().Set("WWW-Authenticate", `Basic realm="faaswarden store"`)
	}
	w.WriteHeader(f.status)
	_, _ = io.WriteString(w, f.text) // the client is gone: nobody to tell
}

func refuse(w http.ResponseWriter, status, code int, name, format string, args ...any) {
	newFault(status, code, name, format, args...).write(w)
}
