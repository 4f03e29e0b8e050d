// Package web serves the daemon's pages: the overview, /metrics, /healthz and /readyz.
package web

import (
	"bytes"
	"embed"
	"fmt"
	"html/template"
	"log/slog"
	"net/http"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/client_golang/prometheus/promhttp"

	"github.com/faaswarden/faaswarden/internal/engine"
	"github.com/faaswarden/faaswarden/internal/report"
	"github.com/faaswarden/faaswarden/internal/schema"
)

//go:embed overview.html
var pages embed.FS

// Options for New.
type Options struct {
	Snapshot func() *engine.Snapshot // never nil
	Health   func() *engine.Health   // of the store; never nil
	Embedded bool                    // the store is in this process, so that a restart may mend it
	Now      func() time.Time        // nil means time.Now
	Registry *prometheus.Registry
	Logger   *slog.Logger
	Version  string
	Notice   string // shown above everything: that the account is simulated, or a recording
}

// What the overview lists: so many findings of each analyzer, for those that
// save no dollars would never be among the dearest, and so many functions.
const (
	topFindings  = 25
	topFunctions = 10
)

// New returns the daemon's HTTP handler.
func New(opts Options) (http.Handler, error) {
	if opts.Now == nil {
		opts.Now = time.Now
	}
	overview, err := template.New("overview.html").Funcs(template.FuncMap{
		"usd":   report.USD,
		"pct":   func(v float64) string { return fmt.Sprintf("%.0f %%", 100*v) },
		"count": func(v float64) string { return report.Thousands(uint64(v + 0.5)) },
		"stamp": func(t time.Time) string { return t.UTC().Format(time.RFC3339Nano) },
		"ago":   func(t time.Time) string { return t.UTC().Format("2006-01-02 15:04 UTC") },
	}).ParseFS(pages, "overview.html")
	if err != nil {
		return nil, fmt.Errorf("parse the overview page: %w", err)
	}
	mux := http.NewServeMux()
	mux.Handle("GET /metrics", promhttp.HandlerFor(opts.Registry, promhttp.HandlerOpts{
		ErrorLog: slogErrors{opts.Logger}, EnableOpenMetrics: true,
	}))
	mux.HandleFunc("GET /healthz", func(w http.ResponseWriter, _ *http.Request) { answer(w, "ok", unhealthy(opts)) })
	mux.HandleFunc("GET /readyz", func(w http.ResponseWriter, _ *http.Request) { answer(w, "ready", unready(opts)) })
	mux.HandleFunc("GET /{$}", func(w http.ResponseWriter, _ *http.Request) {
		var page bytes.Buffer
		if err := overview.Execute(&page, newOverview(opts)); err != nil {
			opts.Logger.Error("render overview", "error", err)
			plain(w, http.StatusInternalServerError, "the overview could not be rendered; the log says why")
			return
		}
		w.Header().Set("Content-Type", "text/html; charset=utf-8")
		_, _ = page.WriteTo(w) // the reader is gone when this fails
	})
	return guard(mux), nil
}

// guard sets the headers that keep a page with hostile names in it harmless.
func guard(next http.Handler) http.Handler {
	return http.HandlerFunc(func(w http.ResponseWriter, r *http.Request) {
		w.Header().Set("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; img-src data:; base-uri 'none'; form-action 'none'; frame-ancestors 'none'")
		w.Header().Set("X-Content-Type-Options", "nosniff")
		w.Header().Set("Referrer-Policy", "no-referrer")
		next.ServeHTTP(w, r)
	})
}

func plain(w http.ResponseWriter, status int, text string) {
	w.Header().Set("Content-Type", "text/plain; charset=utf-8")
	w.WriteHeader(status)
	_, _ = fmt.Fprintln(w, text) // the reader is gone when this fails
}

// slogErrors lets promhttp report through slog.
type slogErrors struct{ log *slog.Logger }

func (e slogErrors) Println(v ...any) { e.log.Error("serve metrics", "error", fmt.Sprint(v...)) }

// overview is what the page shows.
type overview struct {
	*engine.Snapshot
	Version, Notice string
	Savings         report.Savings
	Open            int
	CannotDetermine uint64
	Coverage        float64
	Top             []report.Finding
	APIUSD          float64
	Cost            float64        // of the functions that could be priced, a month
	Unpriced        int            // functions that could not be
	Dearest         []engine.Usage // functions
	Away            string         // for how long the store has not answered; empty while it does
}

// topOfEach keeps the first findings of every analyzer, in their order.
func topOfEach(list []schema.Finding) []schema.Finding {
	var top []schema.Finding
	shown := map[string]int{}
	for _, f := range list {
		if shown[f.Analyzer] < topFindings {
			top = append(top, f)
		}
		shown[f.Analyzer]++
	}
	return top
}

func newOverview(opts Options) overview {
	s := opts.Snapshot()
	o := overview{Snapshot: s, Version: opts.Version, Notice: opts.Notice, Open: len(s.Findings)}
	var determined, all uint64
	for _, a := range s.Analyzers {
		o.Savings.Low += a.Savings.Low
		o.Savings.Expected += a.Savings.Expected
		o.Savings.High += a.Savings.High
		o.CannotDetermine += a.Run.CannotDetermine
		determined += a.Run.OK + a.Run.Violations
		all += a.Run.OK + a.Run.Violations + a.Run.CannotDetermine
	}
	if all > 0 {
		o.Coverage = float64(determined) / float64(all)
	}
	o.Top = report.FromRows(topOfEach(s.Findings))
	for _, a := range s.API {
		o.APIUSD += a.USD
	}
	for _, u := range s.Usage {
		o.Cost += u.MonthlyUSD
		if !u.Priced {
			o.Unpriced++
		}
	}
	o.Dearest = s.Usage[:min(topFunctions, len(s.Usage))]
	if h := opts.Health(); h.Fault != nil {
		o.Away = opts.Now().Sub(h.Since).Round(time.Second).String()
	}
	return o
}
