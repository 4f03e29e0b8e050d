package dashboards

import (
	"fmt"
	"os"
	"path/filepath"
	"regexp"
	"strings"
	"testing"

	"github.com/faaswarden/faaswarden/analyzers"
	"github.com/faaswarden/faaswarden/internal/analysis"
)

// testNow is the time that the estates of testdata are given against.
const testNow = 1800000000

// sample is one line of an exposition.
type sample struct {
	metric, value string
	labels        []label
}

type label struct{ name, value string }

var (
	samplePattern = regexp.MustCompile(`^(\w+)(?:\{(.*)\})? (\S+)$`)
	labelPattern  = regexp.MustCompile(`(\w+)="([^"]*)"`)
)

// readEstate reads what a daemon exposes, for the analyzers of a suite.
func readEstate(t *testing.T, suite []*analysis.Analyzer, names ...string) []sample {
	t.Helper()
	var list []sample
	for _, name := range names {
		text, err := os.ReadFile(filepath.Join("testdata", name))
		if err != nil {
			t.Fatal(err)
		}
		for line := range strings.Lines(string(text)) {
			line = strings.TrimSpace(line)
			switch {
			case line == "" || strings.HasPrefix(line, "#"):
			case strings.Contains(line, `"ANALYZER"`):
				for _, a := range suite {
					list = append(list, parseSample(t, strings.ReplaceAll(line, "ANALYZER", a.Name)))
				}
			default:
				list = append(list, parseSample(t, line))
			}
		}
	}
	return list
}

func parseSample(t *testing.T, line string) sample {
	t.Helper()
	m := samplePattern.FindStringSubmatch(line)
	if m == nil {
		t.Fatalf("%q is no sample", line)
	}
	s := sample{metric: m[1], value: m[3]}
	for _, l := range labelPattern.FindAllStringSubmatch(m[2], -1) {
		s.labels = append(s.labels, label{l[1], l[2]})
	}
	return s
}

// measured is one value of every measure of a suite.
func measured(suite []*analysis.Analyzer) []sample {
	var list []sample
	for _, a := range suite {
		for _, m := range a.Measures {
			s := sample{metric: "faaswarden_" + m.Name, value: "1", labels: []label{{"account", "111122223333"}, {"region", "us-east-1"}}}
			for _, name := range m.Labels {
				s.labels = append(s.labels, label{name, "some"})
			}
			list = append(list, s)
		}
	}
	return list
}

// healthy is an account in which nothing is wrong.
func healthy(t *testing.T, suite []*analysis.Analyzer) []sample {
	t.Helper()
	return readEstate(t, suite, "healthy.prom")
}

// planted is one in which everything is found.
func planted(t *testing.T, suite []*analysis.Analyzer) []sample {
	t.Helper()
	return append(readEstate(t, suite, "healthy.prom", "planted.prom"), measured(suite)...)
}

// openMetrics writes the samples at the given times, as a scrape of the job
// faaswarden would have stored them.
func openMetrics(list []sample, times ...int64) string {
	var b strings.Builder
	for _, s := range list {
		labels := []string{`job="faaswarden"`, `instance="a:9847"`}
		for _, l := range s.labels {
			labels = append(labels, fmt.Sprintf("%s=%q", l.name, l.value))
		}
		for _, at := range times {
			fmt.Fprintf(&b, "%s{%s} %s %d\n", s.metric, strings.Join(labels, ","), s.value, at)
		}
	}
	b.WriteString("# EOF\n")
	return b.String()
}

// labelsOf are the labels that each metric of the estates has.
func labelsOf(t *testing.T) map[string][]string {
	t.Helper()
	known := map[string][]string{}
	for _, s := range planted(t, analyzers.Suite) {
		names := []string{}
		for _, l := range s.labels {
			names = append(names, l.name)
		}
		known[s.metric] = names
	}
	return known
}
