package web

import (
	"fmt"
	"net/http"
	"strings"
	"time"
)

// stuckAfter is how long the embedded engine may not answer before the process
// counts as unhealthy: a long merge or a disk that stalls passes by itself.
const stuckAfter = 2 * time.Minute

// unhealthy says why a restart would help. A server that is away does not make
// this process unhealthy: restarting it would not bring the server back.
func unhealthy(o Options) []string {
	h := o.Health()
	if away := o.Now().Sub(h.Since); o.Embedded && h.Fault != nil && away >= stuckAfter {
		return []string{fmt.Sprintf("the embedded engine has not answered for %s", away.Round(time.Second))}
	}
	return nil
}

// unready says why what is served is not, or no longer, worth reading.
func unready(o Options) []string {
	var reasons []string
	if h := o.Health(); h.Fault != nil {
		reasons = append(reasons, fmt.Sprintf("the store has not answered for %s; the log says why", o.Now().Sub(h.Since).Round(time.Second)))
	}
	if o.Snapshot().Window.To.IsZero() {
		reasons = append(reasons, "no analysis has finished yet")
	}
	return reasons
}

// answer is a health endpoint's: 200 and fine, or 503 and every reason.
func answer(w http.ResponseWriter, fine string, reasons []string) {
	if len(reasons) == 0 {
		plain(w, http.StatusOK, fine)
		return
	}
	plain(w, http.StatusServiceUnavailable, "not "+fine+": "+strings.Join(reasons, "; "))
}
