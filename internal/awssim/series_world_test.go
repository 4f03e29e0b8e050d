package awssim

import (
	"encoding/json"
	"math"
	"regexp"
	"testing"
	"time"
)

func near(a, b float64) bool { return math.Abs(a-b) <= 1e-6*math.Max(1, math.Abs(a)) }

func (r *Region) points(id MetricID, stat string, from, to time.Time, period time.Duration) map[time.Time]float64 {
	out := map[time.Time]float64{}
	for _, p := range r.Datapoints(MetricQuery{id.Namespace, id.Name, id.Dims, stat, from, to, period}) {
		out[p.Time] = p.Value
	}
	return out
}

// TestMinutesAddUpToHours holds, for every metric of a small world, that an hour
// is what its minutes are, and that a day is what its hours are.
func TestMinutesAddUpToHours(t *testing.T) {
	t.Parallel()
	w := generate(t, GenerateOptions{Seed: 2, Functions: 100, Days: 3})
	from := w.Now.AddDate(0, 0, -1)
	for _, r := range w.Regions {
		for _, id := range r.Metrics() {
			for _, stat := range []string{"Sum", "Maximum"} {
				minutes, hours := r.points(id, stat, from, w.Now, time.Minute), r.points(id, stat, from, w.Now, time.Hour)
				days := r.points(id, stat, from, w.Now, 24*time.Hour)
				compareSums(t, id, stat, minutes, hours, time.Hour)
				compareSums(t, id, stat, hours, days, 24*time.Hour)
				compareSums(t, id, stat, r.points(id, stat, from, w.Now, 5*time.Minute), hours, time.Hour)
			}
		}
	}
}

func compareSums(t *testing.T, id MetricID, stat string, fine, coarse map[time.Time]float64, period time.Duration) {
	t.Helper()
	merged := map[time.Time]float64{}
	for at, value := range fine {
		key := at.Truncate(period)
		if stat == "Sum" {
			merged[key] += value
		} else {
			merged[key] = math.Max(merged[key], value)
		}
	}
	if len(merged) != len(coarse) {
		t.Errorf("%v %s: %d periods of %v with points, their parts are in %d", id, stat, len(coarse), period, len(merged))
		return
	}
	for at, want := range coarse {
		if !near(want, merged[at]) {
			t.Errorf("%v %s at %v: %v of %v, its parts make %v", id, stat, at, want, period, merged[at])
		}
	}
}

// TestNothingIsEmittedWhenIdle looks for points in hours without invocations.
func TestNothingIsEmittedWhenIdle(t *testing.T) {
	t.Parallel()
	w := generate(t, GenerateOptions{Seed: 2, Days: 3})
	idle := 0
	for _, r := range w.Regions {
		for _, f := range r.Functions {
			of := map[string]string{"FunctionName": f.Name}
			invoked := r.points(MetricID{"AWS/Lambda", "Invocations", of}, "Sum", w.Start(), w.Now, time.Hour)
			for _, metric := range []string{"Errors", "Duration", "ConcurrentExecutions", "ProvisionedConcurrentExecutions"} {
				for at := range r.points(MetricID{"AWS/Lambda", metric, of}, "Maximum", w.Start(), w.Now, time.Hour) {
					if invoked[at] == 0 {
						t.Errorf("%s of %s has a point at %v, when it was not invoked", metric, f.Name, at)
					}
				}
			}
			for at := w.Start(); at.Before(w.Now); at = at.Add(time.Hour) {
				if value, emitted := invoked[at]; !emitted {
					idle++
				} else if value <= 0 {
					t.Errorf("Invocations of %s is %v at %v", f.Name, value, at)
				}
			}
		}
	}
	if idle == 0 {
		t.Error("no function was ever idle")
	}
}

func TestDatapointsOfNothing(t *testing.T) {
	t.Parallel()
	w := generate(t, GenerateOptions{Functions: 100, Days: 2})
	r := w.Regions[0]
	name := r.Functions[0].Name
	whole := MetricQuery{"AWS/Lambda", "Invocations", map[string]string{"FunctionName": name}, "Sum", w.Start(), w.Now, time.Hour}
	for what, mutate := range map[string]func(*MetricQuery){
		"another namespace": func(q *MetricQuery) { q.Namespace = "AWS/EC2" },
		"another metric":    func(q *MetricQuery) { q.Metric = "Invocation" },
		"another function":  func(q *MetricQuery) { q.Dims = map[string]string{"FunctionName": name + "x"} },
		"a dimension more": func(q *MetricQuery) {
			q.Dims = map[string]string{"FunctionName": name, "Resource": name + ":nowhere"}
		},
		"an unknown statistic": func(q *MetricQuery) { q.Stat = "Median" },
		"the future":           func(q *MetricQuery) { q.From, q.To = w.Now, w.Now.AddDate(0, 0, 1) },
		"the far past":         func(q *MetricQuery) { q.From, q.To = w.Start().AddDate(0, 0, -9), w.Start() },
		"seconds":              func(q *MetricQuery) { q.Period = time.Second },
	} {
		q := whole
		mutate(&q)
		if got := r.Datapoints(q); len(got) != 0 {
			t.Errorf("%s: %d points, want none", what, len(got))
		}
	}
}

// TestPeriodsStartInTheWindow: a period belongs to a query when it starts in it.
func TestPeriodsStartInTheWindow(t *testing.T) {
	t.Parallel()
	w := generate(t, GenerateOptions{Functions: 100, Days: 2})
	r := w.Regions[0]
	q := MetricQuery{"AWS/Lambda", "ClaimedAccountConcurrency", nil, "Maximum", w.Now.Add(-150 * time.Minute), w.Now.Add(-30 * time.Minute), time.Hour}
	got := r.Datapoints(q)
	if len(got) != 2 || got[0].Time != w.Now.Add(-2*time.Hour) || got[1].Time != w.Now.Add(-time.Hour) {
		t.Errorf("got %v, want the hours that start 2 and 1 hours ago", got)
	}
}

// TestLinesAreTheMetrics holds that REPORT lines and metrics tell the same.
func TestLinesAreTheMetrics(t *testing.T) {
	t.Parallel()
	w := generate(t, GenerateOptions{Seed: 9, Days: 4})
	for _, r := range w.Regions {
		for _, g := range r.LogGroups() {
			type sums struct{ weight, duration, longest float64 }
			seen := map[string]map[time.Time]sums{}
			perDay := map[string]map[time.Time]int{}
			for line := range r.ReportLines(g.Name, w.Start(), w.Now) {
				if seen[line.FunctionName] == nil {
					seen[line.FunctionName], perDay[line.FunctionName] = map[time.Time]sums{}, map[time.Time]int{}
				}
				hour := line.Time.Truncate(time.Hour)
				s := seen[line.FunctionName][hour]
				s.weight += float64(line.Weight)
				s.duration += float64(line.Weight) * line.DurationMS
				s.longest = math.Max(s.longest, line.DurationMS)
				seen[line.FunctionName][hour] = s
				perDay[line.FunctionName][line.Time.Truncate(24*time.Hour)]++
			}
			for name, hours := range seen {
				of := map[string]string{"FunctionName": name}
				invocations := r.points(MetricID{"AWS/Lambda", "Invocations", of}, "Sum", w.Start(), w.Now, time.Hour)
				total := r.points(MetricID{"AWS/Lambda", "Duration", of}, "Sum", w.Start(), w.Now, time.Hour)
				longest := r.points(MetricID{"AWS/Lambda", "Duration", of}, "Maximum", w.Start(), w.Now, time.Hour)
				if len(invocations) != len(hours) {
					t.Errorf("%s: lines in %d hours, invocations in %d", name, len(hours), len(invocations))
				}
				for at, s := range hours {
					if s.weight != invocations[at] || !near(s.duration, total[at]) || s.longest != longest[at] {
						t.Errorf("%s at %v: lines tell %+v, metrics %v, %v, %v", name, at, s, invocations[at], total[at], longest[at])
					}
				}
			}
			for name, days := range perDay {
				for day, n := range days {
					if n > 330 {
						t.Errorf("%s has %d lines on %v", name, n, day)
					}
				}
			}
		}
	}
}

// TestLinesArePlausible holds what is true of every REPORT line.
func TestLinesArePlausible(t *testing.T) {
	t.Parallel()
	text := regexp.MustCompile(`^REPORT RequestId: [0-9a-f-]{36}\tDuration: \d+\.\d\d ms\tBilled Duration: \d+ ms\tMemory Size: \d+ MB\tMax Memory Used: \d+ MB\t` +
		`(Init Duration: \d+\.\d\d ms\t)?(Restore Duration: \d+\.\d\d ms\tBilled Restore Duration: \d+ ms\t)?(Status: (timeout|error\tError Type: Runtime\.OutOfMemory))?\n$`)
	stream := regexp.MustCompile(`^\d{4}/\d\d/\d\d/([a-z0-9-]*)\[(\$LATEST|\d+)\][0-9a-f]{32}$`)
	w := generate(t, GenerateOptions{Seed: 6, Days: 2})
	kinds := map[string]int{}
	for _, r := range w.Regions {
		for _, g := range r.LogGroups() {
			for line := range r.ReportLines(g.Name, w.Start(), w.Now) {
				f := r.Function(line.FunctionName)
				if line.Weight < 1 || line.MaxUsedMB < 1 || line.MaxUsedMB > line.MemoryMB || line.DurationMS <= 0 || line.DurationMS > 1000*float64(f.TimeoutS) {
					t.Fatalf("implausible: %+v", line)
				}
				if want := int64(math.Ceil(line.DurationMS+line.InitMS)) + line.BilledRestoreMS; line.BilledMS != want {
					t.Fatalf("%+v is billed %d ms, want %d", line, line.BilledMS, want)
				}
				if m := stream.FindStringSubmatch(line.Stream); m == nil || (m[1] == "") == (f.Logging.Group != "") || m[2] != line.Version {
					t.Fatalf("stream %q of %s version %s", line.Stream, f.Name, line.Version)
				}
				if line.JSON {
					kinds["json"]++
					checkObject(t, line)
				} else if kinds["text"]++; !text.MatchString(line.Text()) {
					t.Fatalf("malformed line %q", line.Text())
				}
				if line.InitMS > 0 {
					kinds["cold"]++
				}
				if line.RestoreMS > 0 {
					kinds["restore"]++
				}
				kinds[line.Status]++
			}
		}
	}
	for _, kind := range []string{"json", "text", "cold", "restore", "error"} {
		if kinds[kind] == 0 {
			t.Errorf("there is no %s line among %v", kind, kinds)
		}
	}
}

func checkObject(t *testing.T, line ReportLine) {
	t.Helper()
	var o struct {
		Time   time.Time
		Type   string
		Record struct {
			RequestID string
			Status    string
			Metrics   struct {
				DurationMS       float64
				BilledDurationMS int64
				MemorySizeMB     int
				MaxMemoryUsedMB  int
				InitDurationMS   float64
			}
		}
	}
	if err := json.Unmarshal([]byte(line.Text()), &o); err != nil {
		t.Fatalf("%v in %s", err, line.Text())
	}
	m := o.Record.Metrics
	if o.Type != "platform.report" || o.Record.RequestID != line.RequestID || m.BilledDurationMS != line.BilledMS || m.MemorySizeMB != line.MemoryMB ||
		m.MaxMemoryUsedMB != line.MaxUsedMB || !near(m.InitDurationMS, line.InitMS) || o.Record.Status == "" {
		t.Fatalf("%s does not tell %+v", line.Text(), line)
	}
}

// TestTailsAreHonest compares the weighted lines of a busy function with the
// distribution they stand for.
func TestTailsAreHonest(t *testing.T) {
	t.Parallel()
	const n = 2_000_000
	l := &load{
		key: 42, burst: 1, phases: []phase{{memoryMB: 4096, meanMS: 100, sigma: 0.4}}, timeoutS: 900,
		used: spread{1000, 0.05}, cron: func(int) int { return n / 24 },
	}
	lines := l.samples(l.count(1), 0)
	if len(lines) > 330 {
		t.Errorf("%d lines, want some hundred", len(lines))
	}
	for _, share := range []float64{0.5, 0.9, 0.99, 0.999, 0.9999} {
		want := withMean(100, 0.4).at(share)
		if got := weightedPercentile(lines, share); math.Abs(got/want-1) > 0.06 {
			t.Errorf("p%v of duration is %.1f ms, want %.1f", 100*share, got, want)
		}
		wantMB := spread{1000, 0.05}.at(share)
		if got := usedPercentile(lines, share); math.Abs(got/wantMB-1) > 0.01 {
			t.Errorf("p%v of memory is %.0f MB, want %.0f", 100*share, got, wantMB)
		}
	}
	// Of two million normal deviates, the largest is around 5.
	low, high := l.used.at(1-1e-5), l.used.at(1-1e-9)
	if got := usedPercentile(lines, 1); got < low || got > high {
		t.Errorf("the maximum is %v MB, want it between %.0f and %.0f", got, low, high)
	}
	sum := 0.0
	for _, s := range lines {
		sum += s.durationMS * float64(s.weight)
	}
	if mean := sum / n; math.Abs(mean/100-1) > 0.02 {
		t.Errorf("the mean is %.2f ms, want 100", mean)
	}
}

func usedPercentile(lines []sample, share float64) float64 {
	byMemory := make([]sample, len(lines))
	for i, s := range lines {
		byMemory[i] = sample{weight: s.weight, durationMS: float64(s.usedMB)}
	}
	return weightedPercentile(byMemory, share)
}

func TestScanGrowsWithTime(t *testing.T) {
	t.Parallel()
	w := generate(t, GenerateOptions{Functions: 120, Days: 4})
	for _, r := range w.Regions {
		for _, g := range r.LogGroups() {
			whole := r.IncomingBytes(g.Name, w.Start(), w.Now)
			half := w.Start().Add(47*time.Hour + 20*time.Minute)
			if parts := r.IncomingBytes(g.Name, w.Start(), half) + r.IncomingBytes(g.Name, half, w.Now); !near(whole, parts) {
				t.Errorf("%s: %v bytes, its parts have %v", g.Name, whole, parts)
			}
			metric := 0.0
			for _, v := range r.points(MetricID{"AWS/Logs", "IncomingBytes", map[string]string{"LogGroupName": g.Name}}, "Sum", w.Start(), w.Now, time.Hour) {
				metric += v
			}
			if !near(whole, metric) {
				t.Errorf("%s: %v bytes are scanned, the metric tells %v", g.Name, whole, metric)
			}
		}
	}
}

// TestDemosLogLittle: reading all lines of a demo's region scans less than the
// 200 GB that the reports collector allows itself in a run.
func TestDemosLogLittle(t *testing.T) {
	worlds(t, manySeeds, []int{30}, func(t *testing.T, w *World) {
		for _, r := range w.Regions {
			bytes := 0.0
			for _, g := range r.LogGroups() {
				bytes += r.IncomingBytes(g.Name, w.Start(), w.Now)
			}
			if bytes > 190e9 {
				t.Errorf("seed %d: %s logs %.0f GB", w.Seed, r.Name, bytes/1e9)
			}
		}
	})
}

func BenchmarkSeries(b *testing.B) {
	for b.Loop() {
		w := generate(b, GenerateOptions{})
		for _, r := range w.Regions {
			for _, id := range r.Metrics() {
				r.Datapoints(MetricQuery{id.Namespace, id.Name, id.Dims, "Sum", w.Start(), w.Now, time.Hour})
			}
		}
	}
}

func BenchmarkReportLines(b *testing.B) {
	for b.Loop() {
		w := generate(b, GenerateOptions{})
		n := 0
		for _, r := range w.Regions {
			for _, g := range r.LogGroups() {
				for range r.ReportLines(g.Name, w.Start(), w.Now) {
					n++
				}
			}
		}
		b.ReportMetric(float64(n), "lines")
	}
}
