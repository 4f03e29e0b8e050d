package reports

import (
	"encoding/json"
	"errors"
	"fmt"
	"math"
	"strconv"
	"strings"
)

// ErrNotReport says that a log line is something other than a REPORT line.
var ErrNotReport = errors.New("not a REPORT line")

// Report is what a REPORT line, or its JSON form platform.report, tells of one
// invocation. Pointers are nil where the line has no such field.
type Report struct {
	RequestID       string
	DurationMS      float64
	BilledMS        float64
	MemoryMB        float64
	MaxUsedMB       float64
	InitMS          *float64
	RestoreMS       *float64 // SnapStart
	BilledRestoreMS *float64 // SnapStart
	Status          string   // empty for lines without one
	ErrorType       string
	TraceID         string // X-Ray
	SegmentID       string
	Sampled         bool
}

// InitBilled reports whether the billed duration includes the init phase, and
// whether the line can tell: only one of a cold start does.
func (r Report) InitBilled() (billed, known bool) {
	if r.InitMS == nil {
		return false, false
	}
	step := 1.0
	if math.Mod(r.BilledMS, 100) == 0 {
		step = 100 // perhaps a line from before December 2020
	}
	return initBilled(r.BilledMS-r.DurationMS, *r.InitMS, 1, step)
}

// initBilled judges from what was billed beyond the durations of lines with an
// Init Duration, and the sum of those, all in milliseconds. Billing rounds each
// line up to the next step; an init too short to stand out from that tells nothing.
func initBilled(beyond, init float64, lines uint64, step float64) (billed, known bool) {
	const hidden = 0.02 // what the two decimals of durations hide in a line
	switch {
	case lines == 0 || init <= 0:
		return false, false
	case beyond+hidden*float64(lines) < init:
		return false, true // rounding only adds: a billed init would show in full
	case beyond >= step*float64(lines):
		return true, true
	default:
		return false, false
	}
}

// ParseReport reads a log line: the text form, with tabs or spaces and perhaps
// an X-Ray line after it, or a platform.report object. The error is
// ErrNotReport for other lines, and says what is wrong with a damaged one.
func ParseReport(line string) (Report, error) {
	trimmed := strings.TrimSpace(line)
	if strings.HasPrefix(trimmed, "{") {
		return parseJSON(trimmed)
	}
	return parseText(trimmed)
}

// parseText walks the words of a line. A key is the words up to a colon, a value
// the word after it, perhaps followed by its unit.
func parseText(line string) (Report, error) {
	words := strings.Fields(line)
	if len(words) < 2 || words[0] != "REPORT" || words[1] != "RequestId:" {
		return Report{}, ErrNotReport
	}
	fields := map[string]string{}
	var key []string
	for i := 1; i < len(words); i++ {
		word, isKey := strings.CutSuffix(words[i], ":")
		key = append(key, word)
		if !isKey {
			continue
		}
		name := strings.Join(key, " ")
		key = nil
		if i+1 == len(words) {
			return Report{}, fmt.Errorf("REPORT line: %s has no value", name)
		}
		if _, twice := fields[name]; twice {
			return Report{}, fmt.Errorf("REPORT line: %s appears twice", name)
		}
		i++
		fields[name] = words[i]
		if i+1 < len(words) && (words[i+1] == "ms" || words[i+1] == "MB") {
			i++
		}
	}
	if len(key) > 0 {
		return Report{}, fmt.Errorf("REPORT line: %q belongs to no field", strings.Join(key, " "))
	}
	return fromFields(fields)
}

func fromFields(fields map[string]string) (Report, error) {
	r := Report{
		RequestID: fields["RequestId"], Status: fields["Status"], ErrorType: fields["Error Type"],
		TraceID: fields["XRAY TraceId"], SegmentID: fields["SegmentId"], Sampled: fields["Sampled"] == "true",
	}
	var faults []error
	number := func(name string) *float64 {
		text, present := fields[name]
		if !present {
			return nil
		}
		v, err := parseNumber(text)
		if err != nil {
			faults = append(faults, fmt.Errorf("REPORT line: %s: %w", name, err))
		}
		return &v
	}
	required := func(name string) float64 {
		v := number(name)
		if v == nil {
			faults = append(faults, fmt.Errorf("REPORT line: %s is missing", name))
			return 0
		}
		return *v
	}
	r.DurationMS, r.BilledMS = required("Duration"), required("Billed Duration")
	r.MemoryMB, r.MaxUsedMB = required("Memory Size"), required("Max Memory Used")
	r.InitMS = number("Init Duration")
	r.RestoreMS, r.BilledRestoreMS = number("Restore Duration"), number("Billed Restore Duration")
	if len(faults) > 0 {
		return Report{}, errors.Join(faults...)
	}
	return r, nil
}

// parseNumber accepts what Lambda and Logs Insights write: decimal, perhaps
// with an exponent, finite and not negative.
func parseNumber(text string) (float64, error) {
	if strings.Trim(text, "0123456789.eE+-") != "" {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	v, err := strconv.ParseFloat(text, 64)
	if err != nil || math.IsInf(v, 0) || v < 0 {
		return 0, fmt.Errorf("%q is not a number", text)
	}
	return v, nil
}

func parseJSON(line string) (Report, error) {
	var event struct {
		Type   string `json:"type"`
		Record struct {
			RequestID string `json:"requestId"`
			Status    string `json:"status"`
			ErrorType string `json:"errorType"`
			Metrics   struct {
				DurationMS      *float64 `json:"durationMs"`
				BilledMS        *float64 `json:"billedDurationMs"`
				MemoryMB        *float64 `json:"memorySizeMB"`
				MaxUsedMB       *float64 `json:"maxMemoryUsedMB"`
				InitMS          *float64 `json:"initDurationMs"`
				RestoreMS       *float64 `json:"restoreDurationMs"`
				BilledRestoreMS *float64 `json:"billedRestoreDurationMs"`
			} `json:"metrics"`
			Tracing struct {
				SpanID string `json:"spanId"`
				Value  string `json:"value"` // Root=1-…;Parent=…;Sampled=1
			} `json:"tracing"`
		} `json:"record"`
	}
	var typed struct {
		Type any `json:"type"`
	}
	if err := json.Unmarshal([]byte(line), &typed); err != nil || typed.Type != "platform.report" {
		return Report{}, ErrNotReport // an application's own line, of whatever shape
	}
	if err := json.Unmarshal([]byte(line), &event); err != nil {
		return Report{}, fmt.Errorf("platform.report: %w", err)
	}
	m := event.Record.Metrics
	r := Report{
		RequestID: event.Record.RequestID, Status: event.Record.Status, ErrorType: event.Record.ErrorType,
		InitMS: m.InitMS, RestoreMS: m.RestoreMS, BilledRestoreMS: m.BilledRestoreMS, SegmentID: event.Record.Tracing.SpanID,
	}
	for part := range strings.SplitSeq(event.Record.Tracing.Value, ";") {
		switch name, value, _ := strings.Cut(part, "="); name {
		case "Root":
			r.TraceID = value
		case "Sampled":
			r.Sampled = value == "1"
		}
	}
	var faults []error
	for _, f := range []struct {
		name string
		from *float64
		to   *float64
	}{
		{"durationMs", m.DurationMS, &r.DurationMS},
		{"billedDurationMs", m.BilledMS, &r.BilledMS},
		{"memorySizeMB", m.MemoryMB, &r.MemoryMB},
		{"maxMemoryUsedMB", m.MaxUsedMB, &r.MaxUsedMB},
	} {
		if f.from == nil {
			faults = append(faults, fmt.Errorf("platform.report: %s is missing", f.name))
			continue
		}
		*f.to = *f.from
	}
	for name, v := range map[string]*float64{
		"durationMs": m.DurationMS, "billedDurationMs": m.BilledMS, "memorySizeMB": m.MemoryMB, "maxMemoryUsedMB": m.MaxUsedMB,
		"initDurationMs": m.InitMS, "restoreDurationMs": m.RestoreMS, "billedRestoreDurationMs": m.BilledRestoreMS,
	} {
		if v != nil && *v < 0 {
			faults = append(faults, fmt.Errorf("platform.report: %s is negative", name))
		}
	}
	if len(faults) > 0 {
		return Report{}, errors.Join(faults...)
	}
	return r, nil
}
