package awssim

import (
	"iter"
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
	Status          string  // "", "timeout" or "error"
	ErrorType       string  // with Status error
	JSON            bool    // the function logs in JSON format
	Weight          int64
}

// Text is the line as the log group holds it: REPORT … or a platform.report object.
func (l *ReportLine) Text() string { return "" }

// LogGroups lists the region's log groups by name.
func (r *Region) LogGroups() []LogGroup { return nil }

// IncomingBytes is what was written to a log group in [from, to): what a Logs
// Insights query over that time scans.
func (r *Region) IncomingBytes(group string, from, to time.Time) float64 { return 0 }

// ReportLines yields the REPORT lines of a log group in [from, to), oldest first
// within a function and day. Weights of a function's whole hour sum to its Invocations.
func (r *Region) ReportLines(group string, from, to time.Time) iter.Seq[ReportLine] {
	return func(yield func(ReportLine) bool) {}
}
