package chdb

import (
	"math"
	"net/http"
	"strconv"
	"time"
)

// ReadOnlyRoundTripper is RoundTripper for statements from outside the process:
// one read-only statement a request, within Options.Outside.
func (e *Engine) ReadOnlyRoundTripper() http.RoundTripper {
	return &transport{engine: e, readOnly: true}
}

// outsideArgs are given when connecting, so that readonly can then forbid the
// statement to change them.
func (e *Engine) outsideArgs() []string {
	l := e.opts.Outside
	return []string{
		"--max_memory_usage=" + strconv.FormatInt(l.Memory, 10),
		"--max_execution_time=" + strconv.FormatInt(int64(math.Ceil(float64(l.Time)/float64(time.Second))), 10),
		"--http_max_tries=1",
	}
}

// outsideSettings lets through what a client may choose for itself.
func (e *Engine) outsideSettings(settings []setting) ([]setting, error) {
	return settings, nil
}
