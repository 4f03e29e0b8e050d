package exporter

import (
	"crypto/sha256"
	"encoding/hex"
	"slices"
	"strings"
	"time"
	"unicode/utf8"

	"github.com/prometheus/client_golang/prometheus"
)

// builder makes metrics until the budget is used up.
type builder struct {
	budget  int
	ahead   time.Duration // of the scraper's clock
	metrics []prometheus.Metric
	lost    int // series that found no room, or were summed for want of it
}

func newBuilder(budget int, ahead time.Duration) *builder {
	return &builder{budget: budget, ahead: ahead}
}

// room is how many series still fit.
func (b *builder) room() int { return max(0, b.budget-len(b.metrics)) }

// gauge adds a series if there is room.
func (b *builder) gauge(d *prometheus.Desc, v float64, labels ...string) {
	if b.room() == 0 {
		b.lost++
		return
	}
	labels = slices.Clone(labels)
	for i := range labels {
		labels[i] = printable(labels[i])
	}
	m, err := prometheus.NewConstMetric(d, prometheus.GaugeValue, v, labels...)
	if err != nil {
		b.lost++ // a stored measurement of an older version has other labels
		return
	}
	b.metrics = append(b.metrics, m)
}

// instant adds a time of the snapshot, by the scraper's clock.
func (b *builder) instant(d *prometheus.Desc, t time.Time, labels ...string) {
	b.gauge(d, seconds(t.Add(b.ahead)), labels...)
}

// maxLabelBytes bounds a label's value: names and tags are other people's.
const maxLabelBytes = 512

// printable makes any text a label's value. A text that is cut keeps a digest,
// so that two texts with one beginning stay two.
func printable(s string) string {
	if len(s) <= maxLabelBytes {
		return strings.ToValidUTF8(s, "\uFFFD")
	}
	sum := sha256.Sum256([]byte(s))
	cut := maxLabelBytes
	for cut > 0 && !utf8.RuneStart(s[cut]) {
		cut--
	}
	return strings.ToValidUTF8(s[:cut], "\uFFFD") + "…" + hex.EncodeToString(sum[:4])
}

// identity tells one series of a name from another.
func identity(name string, labels []string) string {
	return name + "\x00" + strings.Join(labels, "\x00")
}

func boolean(b bool) float64 {
	if b {
		return 1
	}
	return 0
}

func seconds(t time.Time) float64 { return float64(t.UnixMilli()) / 1000 }
