package awssim

import (
	"cmp"
	"fmt"
	"iter"
	"slices"
	"strings"
	"time"
)

// LogGroup is a CloudWatch log group.
type LogGroup struct {
	Name          string
	ARN           string // without the trailing ":*"
	RetentionDays int    // 0: never expires
	StoredBytes   int64
	Class         string // STANDARD or INFREQUENT_ACCESS
	CreatedAt     time.Time
	Tags          map[string]string
}

// ReportLine is a REPORT line that stands for Weight identical invocations.
type ReportLine struct {
	Time            time.Time
	FunctionName    string
	Version         string
	Stream          string // log stream
	RequestID       string
	DurationMS      float64
	BilledMS        int64
	MemoryMB        int
	MaxUsedMB       int
	InitMS          float64 // 0: no cold start, or SnapStart
	RestoreMS       float64 // SnapStart only
	BilledRestoreMS int64   // SnapStart only
	Status          string  // "", "timeout" or "error"; JSON lines tell of failed handlers too
	ErrorType       string  // of processes that were killed
	JSON            bool    // the function logs in JSON format
	Weight          int64
}

// Text is the line as the log group holds it: REPORT … or a platform.report object.
func (l *ReportLine) Text() string {
	if l.JSON {
		return l.object()
	}
	var b strings.Builder
	fmt.Fprintf(&b, "REPORT RequestId: %s\tDuration: %.2f ms\tBilled Duration: %d ms\tMemory Size: %d MB\tMax Memory Used: %d MB\t",
		l.RequestID, l.DurationMS, l.BilledMS, l.MemoryMB, l.MaxUsedMB)
	if l.InitMS > 0 {
		fmt.Fprintf(&b, "Init Duration: %.2f ms\t", l.InitMS)
	}
	if l.RestoreMS > 0 {
		fmt.Fprintf(&b, "Restore Duration: %.2f ms\tBilled Restore Duration: %d ms\t", l.RestoreMS, l.BilledRestoreMS)
	}
	if l.Status != "" {
		fmt.Fprintf(&b, "Status: %s", l.Status)
	}
	if l.ErrorType != "" {
		fmt.Fprintf(&b, "\tError Type: %s", l.ErrorType)
	}
	return b.String() + "\n"
}

func (l *ReportLine) object() string {
	var b strings.Builder
	fmt.Fprintf(&b, `{"time":"%s","type":"platform.report","record":{"requestId":"%s","metrics":{"durationMs":%.3f,"billedDurationMs":%d,"memorySizeMB":%d,"maxMemoryUsedMB":%d`,
		l.Time.Format("2006-01-02T15:04:05.000Z"), l.RequestID, l.DurationMS, l.BilledMS, l.MemoryMB, l.MaxUsedMB)
	if l.InitMS > 0 {
		fmt.Fprintf(&b, `,"initDurationMs":%.3f`, l.InitMS)
	}
	if l.RestoreMS > 0 {
		fmt.Fprintf(&b, `,"restoreDurationMs":%.3f,"billedRestoreDurationMs":%d`, l.RestoreMS, l.BilledRestoreMS)
	}
	fmt.Fprintf(&b, `},"status":"%s"`, cmp.Or(l.Status, "success"))
	if l.ErrorType != "" {
		fmt.Fprintf(&b, `,"errorType":"%s"`, l.ErrorType)
	}
	return b.String() + "}}"
}

// LogGroups lists the region's log groups by name.
func (r *Region) LogGroups() []LogGroup {
	r.grouped.Do(func() {
		for i := range r.groups {
			g := &r.groups[i]
			days := r.world.Now.Sub(g.CreatedAt).Hours() / 24
			if g.RetentionDays > 0 {
				days = min(days, float64(g.RetentionDays))
			}
			if daily := r.IncomingBytes(g.Name, r.world.Start(), r.world.Now) / float64(r.world.Days); daily > 0 {
				g.StoredBytes = int64(daily * days)
			}
		}
	})
	return slices.Clone(r.groups)
}

// IncomingBytes is what was written to a log group in [from, to): what a Logs
// Insights query over that time scans.
func (r *Region) IncomingBytes(group string, from, to time.Time) float64 {
	bytes := 0.0
	for _, f := range r.names().groups[group] {
		t := r.tally(f)
		for ago := min(r.world.hoursAgo(from), r.world.Days*24); ago >= 1; ago-- {
			start := r.world.hour(ago)
			if !start.Before(to) {
				break
			}
			bytes += overlap(start, from, to) * float64(t.at(ago).invocations) * f.load.logBytesPerCall
		}
	}
	return bytes
}

// overlap is the share of the hour from start that lies in [from, to).
func overlap(start, from, to time.Time) float64 {
	end := start.Add(time.Hour)
	if start.Before(from) {
		start = from
	}
	if end.After(to) {
		end = to
	}
	return max(0, end.Sub(start).Hours())
}

// ReportLines yields the REPORT lines of a log group in [from, to), oldest first
// within a function and day. Weights of a function's whole hour sum to its Invocations.
func (r *Region) ReportLines(group string, from, to time.Time) iter.Seq[ReportLine] {
	return func(yield func(ReportLine) bool) {
		for _, f := range r.names().groups[group] {
			t := r.tally(f)
			for day := min((r.world.hoursAgo(from)-1)/24, r.world.Days-1); day >= 0; day-- {
				if !r.world.hour(day*24 + 24).Before(to) {
					break
				}
				for _, line := range f.dayLines(t, day) {
					if line.Time.Before(from) || !line.Time.Before(to) {
						continue
					}
					if !yield(line) {
						return
					}
				}
			}
		}
	}
}

// dayLines writes out a day's samples.
func (f *Function) dayLines(t *tally, day int) []ReportLine {
	l := f.load
	samples := l.samples(t, day)
	slices.SortStableFunc(samples, func(a, b sample) int { return cmp.Compare(a.second, b.second) })
	r := newRand(l.key, forLines+uint64(day))
	midnight := f.region.world.hour(day*24 + 24)
	sandbox := [4]string{}
	for i := range sandbox {
		sandbox[i] = strings.ReplaceAll(uuid(r.Uint64(), r.Uint64()), "-", "")
	}
	lines := make([]ReportLine, len(samples))
	for i := range samples {
		s := &samples[i]
		p := &l.phases[s.phase]
		lines[i] = ReportLine{
			Time:         midnight.Add(time.Duration(s.second * float64(time.Second)).Truncate(time.Millisecond)),
			FunctionName: f.Name, Version: p.version, RequestID: uuid(r.Uint64(), r.Uint64()),
			DurationMS: s.durationMS, BilledMS: l.billedMS(s), MemoryMB: p.memoryMB, MaxUsedMB: s.usedMB,
			JSON: l.jsonLogs, Weight: int64(s.weight),
		}
		lines[i].Stream = f.stream(lines[i].Time, p.version, sandbox[i%len(sandbox)])
		lines[i].ending(s, l)
	}
	return lines
}

// stream names the log stream of a sandbox. In a group of several functions its
// name starts with the function's.
func (f *Function) stream(at time.Time, version, sandbox string) string {
	date := at.Format("2006/01/02")
	if f.Logging.Group != "" {
		return date + "/" + f.Name + "[" + version + "]" + sandbox
	}
	return date + "/[" + version + "]" + sandbox
}

func (l *ReportLine) ending(s *sample, of *load) {
	if of.restore && s.coldMS > 0 {
		l.RestoreMS, l.BilledRestoreMS = s.coldMS, billedRestoreMS(s.coldMS)
	} else {
		l.InitMS = s.coldMS
	}
	switch s.end {
	case succeeded:
	case handlerFailed:
		if of.jsonLogs {
			l.Status = "error"
		}
	case timedOut:
		l.Status = "timeout"
	case outOfMemory:
		l.Status, l.ErrorType = "error", "Runtime.OutOfMemory"
	}
}
