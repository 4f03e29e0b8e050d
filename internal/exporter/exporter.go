// Package exporter turns the engine's snapshot into Prometheus metrics. Metric
// names live here and nowhere else. A scrape reads memory only: neither AWS nor
// the store is touched.
//
// Everything is a gauge, because everything is a state that an analysis or a
// collection found. What is not known has no series; it is never shown as zero.
// Series of single functions and findings are bounded: the dearest have their
// own, the rest are summed as "other", and a budget bounds all series together.
package exporter

import (
	"sync"
	"time"

	"github.com/prometheus/client_golang/prometheus"
	"github.com/prometheus/common/version"

	"github.com/faaswarden/faaswarden/internal/config"
	"github.com/faaswarden/faaswarden/internal/engine"
)

// Options for New.
type Options struct {
	Snapshot func() *engine.Snapshot // never nil
	Config   func() *config.Config   // in force; never nil
	Health   func() *engine.Health   // of the store; never nil
	Reload   func() Reload           // of the configuration
	Suites   config.Suites           // analyzers' Measures become metrics
	Ahead    time.Duration           // how far the scraper's clock is ahead of the snapshot's, which is the demo's own
}

// Reload is what became of the newest attempt to read the configuration.
type Reload struct {
	OK      bool
	Success time.Time // when a configuration was last put in force
}

// Exporter is a prometheus.Collector over the snapshot.
type Exporter struct {
	opts     Options
	measures map[string]*prometheus.Desc

	mu    sync.Mutex // guards what follows: metrics of the newest snapshot, made once
	of    *engine.Snapshot
	with  *config.Config
	ready []prometheus.Metric
	lost  int
}

// New returns an Exporter.
func New(opts Options) *Exporter {
	e := &Exporter{opts: opts, measures: map[string]*prometheus.Desc{}}
	for _, a := range opts.Suites.Analyzers {
		for _, m := range a.Measures {
			e.measures[m.Name] = desc(m.Name, m.Help, append([]string{"account", "region"}, m.Labels...)...)
		}
	}
	return e
}

// Registry is a fresh registry with the exporter and the build information.
func (e *Exporter) Registry() (*prometheus.Registry, error) {
	r := prometheus.NewRegistry()
	for _, c := range []prometheus.Collector{e, buildInfo()} {
		if err := r.Register(c); err != nil {
			return nil, err
		}
	}
	return r, nil
}

func buildInfo() prometheus.Collector {
	return prometheus.NewGaugeFunc(prometheus.GaugeOpts{
		Name: "faaswarden_build_info", Help: "Constant 1, labelled with the version faaswarden was built from.",
		ConstLabels: prometheus.Labels{"version": version.Version, "revision": version.GetRevision(), "goversion": version.GoVersion},
	}, func() float64 { return 1 })
}

// Describe sends every descriptor whose labels are known beforehand; the tags
// that functions are shown with follow the configuration.
func (e *Exporter) Describe(ch chan<- *prometheus.Desc) {
	for _, d := range descriptors {
		ch <- d
	}
	for _, d := range e.measures {
		ch <- d
	}
}

// changing are the series Collect adds to those of the snapshot, and faaswarden_build_info.
const changing = 7

// Collect writes the snapshot as metrics, and what changes between snapshots.
func (e *Exporter) Collect(ch chan<- prometheus.Metric) {
	metrics, lost := e.current()
	for _, m := range metrics {
		ch <- m
	}
	c, reload := e.opts.Config(), e.opts.Reload()
	gauge := func(d *prometheus.Desc, v float64) { ch <- prometheus.MustNewConstMetric(d, prometheus.GaugeValue, v) }
	gauge(storeUp, boolean(e.opts.Health().Fault == nil))
	gauge(reloadOK, boolean(reload.OK))
	gauge(reloadTime, seconds(reload.Success.Add(e.opts.Ahead)))
	gauge(series, float64(len(metrics)+changing))
	gauge(seriesBudget, float64(c.Metrics.SeriesBudget))
	gauge(seriesDropped, float64(lost))
}

// current is the snapshot's metrics. They are made when the snapshot or the
// configuration is another than at the last scrape: a scrape costs their
// encoding only.
func (e *Exporter) current() (metrics []prometheus.Metric, lost int) {
	s, c := e.opts.Snapshot(), e.opts.Config()
	e.mu.Lock()
	defer e.mu.Unlock()
	if e.of != s || e.with != c {
		b := newBuilder(c.Metrics.SeriesBudget-changing, e.opts.Ahead)
		e.build(b, s, c)
		e.of, e.with, e.ready, e.lost = s, c, b.metrics, b.lost
	}
	return e.ready, e.lost
}

// build fills the budget in this order, so that what speaks of the whole is
// never crowded out by what speaks of one function.
func (e *Exporter) build(b *builder, s *engine.Snapshot, c *config.Config) {
	buildSelf(b, s, c)
	e.buildIntervals(b, c)
	buildAnalyzers(b, s)
	buildAccounts(b, s)
	e.buildMeasures(b, s)
	buildFindings(b, s, c.Metrics.TopFindings)
	buildFunctions(b, s, c.Metrics)
}

// buildIntervals shows how often each enabled collector and the analysis runs.
func (e *Exporter) buildIntervals(b *builder, c *config.Config) {
	b.gauge(analysisInterval, time.Duration(c.Analysis.Every).Seconds())
	for _, item := range e.opts.Suites.Collectors {
		settings, err := config.CollectorSettings(c, item)
		if err == nil && settings.Enabled { // a configuration in force was validated
			b.gauge(collectorInterval, settings.Every.Seconds(), item.Name)
		}
	}
}

// buildMeasures shows the numbers that analyzers report beside their findings.
func (e *Exporter) buildMeasures(b *builder, s *engine.Snapshot) {
	seen := map[string]bool{}
	for _, m := range s.Measurements {
		d := e.measures[m.Name]
		labels := append([]string{m.Account, m.Region}, m.Labels...)
		if d == nil || seen[identity(m.Name, labels)] {
			continue // of an analyzer this binary no longer has, or told twice
		}
		seen[identity(m.Name, labels)] = true
		b.gauge(d, m.Value, labels...)
	}
}
