package oversizedmemory

import (
	"fmt"
	"slices"
	"strings"
	"time"

	"github.com/faaswarden/faaswarden/internal/analysis"
)

func (j judge) finding(r row, m model, rates rates, savings analysis.Interval, unpriced string) analysis.Finding {
	f := analysis.Finding{
		Subject: r.subject(), Confidence: m.confidence(j.limits), Savings: savings, Unpriced: unpriced,
		Summary:     m.summary(savings, unpriced),
		Evidence:    m.evidence(r),
		Remediation: remediation(r, m.size, m.target),
	}
	if unpriced == "" {
		f.Evidence["usd_per_gb_second"] = rates.duration.InexactFloat64()
		f.Evidence["rate_source"] = rates.source
		f.Evidence["usd_per_month"] = m.usdPerMonth(rates).Round(2).InexactFloat64()
	}
	return f
}

func (m model) summary(savings analysis.Interval, unpriced string) string {
	text := fmt.Sprintf("Uses %.0f MB of %s (p99.9 of %s invocations, at most %.0f MB)",
		m.use.p999, megabytes(m.size.memoryMB), count(m.use.invocations), m.use.peak)
	switch {
	case unpriced != "":
		return text + fmt.Sprintf("; %s would do.", megabytes(m.target))
	case m.fit != nil:
		text += fmt.Sprintf("; %s would save $%.2f a month, as its own history with %d sizes tells", megabytes(m.target), savings.Expected, m.fit.sizes)
	default:
		text += fmt.Sprintf("; %s would save between $%.2f and $%.2f a month, depending on how much it waits", megabytes(m.target), savings.Low, savings.High)
	}
	if slower := m.slowdown(); slower >= 0.10 {
		text += fmt.Sprintf(", and it may run %.0f %% longer", 100*slower)
	}
	return text + "."
}

func (m model) evidence(r row) map[string]any {
	e := map[string]any{
		"memory_mb": m.size.memoryMB, "recommended_mb": m.target, "architecture": r.Architecture,
		"used_mb_p999": m.use.p999, "used_mb_max": m.use.peak, "used_mb_invocations": m.use.invocations,
		"invocations": m.size.n, "days": m.size.days, "observed_hours": round(m.hours, 1),
		"billed_ms_mean": round(m.size.mean(), 3), "billed_ms_mean_standard_error": round(m.size.standardError(), 3),
		"gb_seconds_per_month": m.gbSecondsPerMonth().Round(1).InexactFloat64(),
		"constant_share":       map[string]float64{"low": round(m.share.low, 3), "expected": round(m.share.expected, 3), "high": round(m.share.high, 3)},
	}
	if r.Provisioned > 0 {
		e["provisioned_concurrency"] = r.Provisioned
	}
	if m.fit != nil {
		e["constant_ms"] = round(m.fit.constantMS, 3)
		e["constant_ms_standard_error"] = round(m.fit.constantMSError, 3)
		e["sizes_seen"] = sizesSeen(r.sizesSeen())
	}
	return e
}

func sizesSeen(sizes []size) []map[string]any {
	list := make([]map[string]any, len(sizes))
	for i, s := range sizes {
		list[i] = map[string]any{
			"memory_mb": s.memoryMB, "invocations": s.n, "first_day": s.firstDay.Format(time.DateOnly),
			"billed_ms_mean": round(s.mean(), 3), "billed_ms_mean_standard_error": round(s.standardError(), 3),
		}
	}
	return list
}

// remediation is the command and the two lines of infrastructure code.
func remediation(r row, s size, mb float64) string {
	lines := []string{
		fmt.Sprintf("aws lambda update-function-configuration --function-name %s --memory-size %.0f --region %s", r.FunctionName, mb, r.Region),
	}
	if !slices.Contains(s.versions, "$LATEST") {
		lines = append(lines, fmt.Sprintf("aws lambda publish-version --function-name %s --region %s  # then point the alias at it: version %s serves now",
			r.FunctionName, r.Region, strings.Join(s.versions, ", ")))
	}
	return strings.Join(append(lines,
		fmt.Sprintf("# Terraform, aws_lambda_function: memory_size = %.0f", mb),
		fmt.Sprintf("# SAM, AWS::Serverless::Function: MemorySize: %.0f", mb),
	), "\n")
}

// maxMemoryMB is the largest size Lambda offers.
const maxMemoryMB = 10240

// The undersized finding's severity: invocations that failed at the limit.
const (
	manyLimitErrors      = 100
	manyLimitErrorsShare = 0.01
)

// undersized reports a function that ran into its memory. What it needs is not
// known, because it was stopped on the way: half as much again is a next try.
func (j judge) undersized(r row, s size) analysis.Finding {
	f := analysis.Finding{
		Subject: r.subject(), Key: "undersized", Severity: analysis.Low, Confidence: analysis.ConfidenceMedium,
		Summary: fmt.Sprintf("Reached its %s of memory in %s of %s invocations, %s of which failed.",
			megabytes(s.memoryMB), count(s.atLimit), count(s.n), count(s.limitErrors)),
		Evidence: map[string]any{
			"memory_mb": s.memoryMB, "used_mb_max": s.usedMax, "used_mb_p999": s.usedP999, "invocations": s.n,
			"at_memory_limit": s.atLimit, "at_memory_limit_and_failed": s.limitErrors, "days": s.days,
		},
	}
	if s.limitErrors > 0 {
		f.Severity, f.Confidence = analysis.Medium, analysis.ConfidenceHigh
	}
	if s.limitErrors >= manyLimitErrors || s.limitErrors > 0 && s.limitErrors >= manyLimitErrorsShare*s.n {
		f.Severity = analysis.High
	}
	f.Severity = j.p.Graded(f.Severity)
	next := min(j.limits.roundUp(1.5*s.memoryMB), maxMemoryMB)
	if next <= s.memoryMB {
		f.Remediation = fmt.Sprintf("Lambda offers no more than %s: split the work of %s into smaller invocations.", megabytes(maxMemoryMB), r.FunctionName)
		return f
	}
	f.Evidence["recommended_mb"] = next
	f.Remediation = remediation(r, s, next)
	return f
}

func megabytes(mb float64) string { return count(mb) + " MB" }

// count writes a whole number with separators.
func count(n float64) string {
	digits := []byte(fmt.Sprintf("%.0f", n))
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = slices.Insert(digits, i, ',')
	}
	return string(digits)
}
