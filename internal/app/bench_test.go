package app

import (
	"context"
	"errors"
	"io"
	"net/http"
	"path/filepath"
	"runtime"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/faaswarden/faaswarden/internal/engine"
)

// BenchmarkScrapeDuringCollection scrapes a daemon of 10,000 functions over
// HTTP: alone, and while it collects all of them again.
func BenchmarkScrapeDuringCollection(b *testing.B) {
	p := newPipeOf(b, filepath.Join(b.TempDir(), "store"), 10_000, 1, nil)
	if _, err := p.Engine.Collect(b.Context()); err != nil {
		b.Fatal(err)
	}
	if _, err := p.Engine.Analyze(b.Context(), engine.AnalyzeOptions{}); err != nil {
		b.Fatal(err)
	}
	ctx, cancel := context.WithCancel(b.Context())
	served := make(chan error, 1)
	go func() { served <- p.Serve(ctx) }()
	b.Run("alone", func(b *testing.B) { scrape(b, p.Addr()) })
	b.Run("collecting", func(b *testing.B) {
		ctx, cancel := context.WithCancel(b.Context())
		done := make(chan error, 1)
		go func() {
			for ctx.Err() == nil {
				if _, err := p.Engine.Collect(ctx); err != nil && ctx.Err() == nil {
					done <- err
					return
				}
			}
			done <- nil
		}()
		scrape(b, p.Addr())
		cancel()
		if err := <-done; err != nil {
			b.Error(err)
		}
	})
	cancel()
	if err := <-served; err != nil {
		b.Error(err)
	}
}

// scrape gets /metrics again and again, and reports the size, the slowest of a
// hundred and what the process has allocated meanwhile.
func scrape(b *testing.B, address string) {
	var took []time.Duration
	var body []byte
	for b.Loop() {
		started := time.Now()
		body = get(b, "http://"+address+"/metrics")
		took = append(took, time.Since(started))
	}
	slices.Sort(took)
	var m runtime.MemStats
	runtime.ReadMemStats(&m)
	b.ReportMetric(float64(took[len(took)*99/100].Microseconds())/1000, "p99-ms")
	b.ReportMetric(float64(len(body)), "bytes/scrape")
	b.ReportMetric(float64(strings.Count(string(body), "\nfaaswarden_")), "series/scrape")
	b.ReportMetric(float64(m.HeapInuse)/(1<<20), "heap-MiB")
}

// get is a page that must be there.
func get(b testing.TB, address string) []byte {
	b.Helper()
	req, err := http.NewRequestWithContext(b.Context(), http.MethodGet, address, nil)
	if err != nil {
		b.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		b.Fatal(err)
	}
	body, err := io.ReadAll(resp.Body)
	if err := errors.Join(err, resp.Body.Close()); err != nil || resp.StatusCode != http.StatusOK {
		b.Fatalf("get %s: %d %v", address, resp.StatusCode, err)
	}
	return body
}
