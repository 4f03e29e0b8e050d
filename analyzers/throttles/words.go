package throttles

import (
	"fmt"
	"math"
	"slices"
	"strings"
	"time"

	"github.com/faaswarden/faaswarden/internal/analysis"
)

// The borders of the confidence levels; doc.md states them.
const (
	nearlyAll = 0.8
	half      = 0.5
)

func (c *throttling) finding(p *analysis.Pass) analysis.Finding {
	near := p.Float("near_limit")
	return analysis.Finding{
		Subject:     c.subject(),
		Severity:    p.Graded(c.severity(p.Float("severe_ratio"))),
		Confidence:  c.confidence(near),
		Summary:     c.summary(),
		Evidence:    c.evidence(p, near),
		Remediation: c.remediation(),
	}
}

// confidence in the cause: that calls were throttled is counted, not concluded.
func (c *throttling) confidence(near float64) analysis.Confidence {
	fine := c.byTheMinute(near)
	switch {
	case c.cause == switchedOff:
		return analysis.ConfidenceHigh
	case c.cause == unknown:
		return analysis.ConfidenceLow
	case fine >= nearlyAll:
		return analysis.ConfidenceHigh
	case fine >= half || c.shares[c.cause] >= nearlyAll:
		return analysis.ConfidenceMedium
	}
	return analysis.ConfidenceLow
}

func (c *throttling) summary() string {
	throttled, invoked, when := c.WorstThrottles, c.WorstInvocations, "on "+c.WorstDay.Format(time.DateOnly)
	if c.DaysOver == 0 {
		throttled, invoked, when = c.Throttles, c.Invocations, "in the window"
	}
	if c.cause == switchedOff {
		return fmt.Sprintf("Is switched off by a reserved concurrency of 0, and was called %s times all the same; %s.", count(c.Throttles), c.impact())
	}
	return fmt.Sprintf("%s of %s calls (%s) were throttled %s, %s; %s.",
		count(throttled), count(throttled+invoked), percent(ratio(throttled, invoked)), when, c.because(), c.impact())
}

func (c *throttling) because() string {
	switch c.cause {
	case reserved:
		return fmt.Sprintf("because its reserved concurrency of %d was used up", *c.Reserved)
	case account:
		return fmt.Sprintf("because the region's %s concurrent executions were used up%s", count(float64(c.AccountLimit)), c.blame())
	case provisioned:
		return fmt.Sprintf("because more than its provisioned concurrency of %d was asked for and nothing else is reserved", c.Provisioned)
	case burst:
		return "because it needed more new environments at once than Lambda starts in ten seconds"
	case mapping:
		return fmt.Sprintf("while its event sources held all of their maximum concurrency of %s", count(c.mappingMaximum()))
	default:
		return "for a reason that what was read does not show"
	}
}

// blame names who took the account's concurrency.
func (c *throttling) blame() string {
	if len(c.aggressors) == 0 {
		return ""
	}
	a := c.aggressors[0]
	if a.FunctionARN == c.FunctionARN {
		return fmt.Sprintf(", %s of them by itself", percent(c.aggressorShare(a)))
	}
	return fmt.Sprintf(", %s of the unreserved by %s", percent(c.aggressorShare(a)), a.name())
}

func (c *throttling) evidence(p *analysis.Pass, near float64) map[string]any {
	e := map[string]any{
		"throttles": c.Throttles, "invocations": c.Invocations, "ratio": round(ratio(c.Throttles, c.Invocations), 4),
		"worst_day": c.WorstDay.Format(time.DateOnly), "worst_day_throttles": c.WorstThrottles, "worst_day_invocations": c.WorstInvocations,
		"days_over": c.DaysOver, "cause": string(c.cause), "modes": c.modes(),
	}
	if c.AccountLimit > 0 {
		e["account_limit"] = c.AccountLimit
	}
	if c.Reserved != nil {
		e["reserved"] = *c.Reserved
	}
	if c.Provisioned > 0 {
		e["provisioned"] = c.Provisioned
	}
	if c.AsyncReceived > 0 {
		e["async_event_age_ms"], e["async_events_dropped"] = round(c.AsyncAgeMS, 0), c.AsyncDropped
	}
	if unread := c.unreadLimits(p); len(unread) > 0 {
		e["not_read"] = unread
	}
	if len(c.slots) > 0 && c.cause != switchedOff {
		e["cause_shares"] = c.causeShares()
		e["explained_by_the_minute"] = round(c.byTheMinute(near), 3)
		putRead(e, "peak_concurrency", c.peak(func(s slot) float64 { return s.Concurrency }))
		putRead(e, "peak_claimed_account_concurrency", c.peak(func(s slot) float64 { return s.Claimed }))
		e["worst_period"] = worstPeriod(c.slots[0])
	}
	if len(c.aggressors) > 0 {
		e["aggressors"] = c.aggressorEvidence()
	}
	return e
}

// unreadLimits names what would have told the cause and was not read.
func (c *throttling) unreadLimits(p *analysis.Pass) []string {
	var list []string
	if b, blind := p.Blind(c.subject(), "account_limits", ""); blind {
		list = append(list, fmt.Sprintf("the account's limit (%s: %s)", b.Reason, b.Detail))
	}
	if !c.ReservedRead {
		list = append(list, "its reserved concurrency")
	}
	return list
}

func (c *throttling) causeShares() map[string]float64 {
	shares := map[string]float64{}
	for k, v := range c.shares {
		shares[string(k)] = round(v, 3)
	}
	return shares
}

func worstPeriod(s slot) map[string]any {
	e := map[string]any{
		"start": s.TS.UTC().Format(time.RFC3339), "seconds": s.PeriodS, "throttles": s.Throttles, "invocations": s.Invocations,
	}
	putRead(e, "concurrency", s.Concurrency)
	putRead(e, "claimed_account_concurrency", s.Claimed)
	putRead(e, "unreserved_concurrency", s.Unreserved)
	return e
}

// putRead leaves out what has no datapoint.
func putRead(e map[string]any, name string, value float64) {
	if value >= 0 {
		e[name] = value
	}
}

func (c *throttling) aggressorEvidence() []map[string]any {
	list := make([]map[string]any, len(c.aggressors))
	for i, a := range c.aggressors {
		list[i] = map[string]any{"function": a.FunctionARN, "share": round(c.aggressorShare(a), 3), "peak_concurrency": a.Peak}
	}
	return list
}

func (c *throttling) remediation() string {
	switch c.cause {
	case switchedOff:
		return c.remedySwitchedOff()
	case reserved:
		return c.remedyReserved()
	case account:
		return c.remedyAccount()
	case provisioned:
		return fmt.Sprintf("# let it use more than what is provisioned (%d), or provision more:\n", c.Provisioned) + c.reserve(c.FunctionName, c.needed())
	case burst:
		return fmt.Sprintf("# keep environments ready for the rise, or spread the calls over more time:\naws lambda put-provisioned-concurrency-config --function-name %s --qualifier ALIAS --provisioned-concurrent-executions %s --region %s",
			c.FunctionName, number(c.needed()), c.Region)
	case mapping:
		var lines []string
		for i, uuid := range c.Mappings {
			lines = append(lines, c.scale(uuid, min(maxMappingConcurrency, 2*c.MappingMaximums[i])))
		}
		return strings.Join(lines, "\n")
	default:
		return fmt.Sprintf("# compare the function's and the account's concurrency at the worst period of the evidence:\naws lambda get-function-concurrency --function-name %s --region %s\naws lambda get-account-settings --region %s",
			c.FunctionName, c.Region, c.Region)
	}
}

func (c *throttling) remedySwitchedOff() string {
	lines := []string{
		"# when it is to run again:",
		fmt.Sprintf("aws lambda delete-function-concurrency --function-name %s --region %s", c.FunctionName, c.Region),
		"# when it is to stay off, stop what calls it:",
	}
	for _, uuid := range c.Mappings {
		lines = append(lines, fmt.Sprintf("aws lambda update-event-source-mapping --uuid %s --no-enabled --region %s", uuid, c.Region))
	}
	if len(c.Mappings) == 0 {
		lines = append(lines, fmt.Sprintf("aws lambda get-policy --function-name %s --region %s", c.FunctionName, c.Region))
	}
	return strings.Join(lines, "\n")
}

// remedyReserved raises the reservation if the account has room, and keeps the
// queues' pollers from calling more than it holds.
func (c *throttling) remedyReserved() string {
	more := c.needed() - float64(*c.Reserved)
	var lines []string
	switch {
	case c.UnreservedLimit > 0 && more > float64(c.UnreservedLimit)-leastUnreserved:
		lines = append(lines, "# the account has no room for it: ask for more first", c.raiseQuota(), c.reserve(c.FunctionName, c.needed()))
	default:
		lines = append(lines, c.reserve(c.FunctionName, c.needed()))
	}
	for i, uuid := range c.Mappings {
		limit := c.MappingMaximums[i]
		if strings.Contains(c.MappingSources[i], ":sqs:") && (limit == 0 || limit > *c.Reserved) && *c.Reserved >= leastMappingConcurrency {
			lines = append(lines, "# or let the messages wait in their queue instead of being throttled:", c.scale(uuid, *c.Reserved))
		}
	}
	return strings.Join(lines, "\n")
}

// remedyAccount keeps room for the function where the account has it, caps who
// takes the room, and asks for more.
func (c *throttling) remedyAccount() string {
	var lines []string
	if c.needed() <= float64(c.UnreservedLimit)-leastUnreserved {
		lines = append(lines, "# keep for this function what it needs:", c.reserve(c.FunctionName, c.needed()))
	}
	if len(c.aggressors) > 0 {
		a := c.aggressors[0]
		lines = append(lines, fmt.Sprintf("# cap %s, which ran up to %s at once:", a.name(), count(a.Peak)), c.reserve(a.name(), math.Ceil(a.Peak/2)))
	}
	return strings.Join(append(lines, "# ask for more:", c.raiseQuota()), "\n")
}

// needed is the concurrency to reserve: what the worst period would have taken.
func (c *throttling) needed() float64 {
	need := math.Ceil(c.need())
	if c.Reserved != nil {
		need = max(need, float64(*c.Reserved)+1)
	}
	return max(need, 1)
}

const (
	leastUnreserved         = 100  // Lambda keeps so many unreserved (DOC:configuration-concurrency)
	leastMappingConcurrency = 2    // the range of a queue mapping's maximum (DOC:services-sqs-scaling)
	maxMappingConcurrency   = 1000 // the same
	concurrencyQuota        = "L-B99A9384"
)

func (c *throttling) reserve(name string, n float64) string {
	return fmt.Sprintf("aws lambda put-function-concurrency --function-name %s --reserved-concurrent-executions %s --region %s", name, number(n), c.Region)
}

func (c *throttling) scale(uuid string, n int64) string {
	return fmt.Sprintf("aws lambda update-event-source-mapping --uuid %s --scaling-config MaximumConcurrency=%d --region %s", uuid, n, c.Region)
}

func (c *throttling) raiseQuota() string {
	return fmt.Sprintf("aws service-quotas request-service-quota-increase --service-code lambda --quota-code %s --desired-value %d --region %s",
		concurrencyQuota, 2*c.AccountLimit, c.Region)
}

func round(x float64, decimals int) float64 {
	scale := math.Pow10(decimals)
	return math.Round(x*scale) / scale
}

func number(n float64) string { return fmt.Sprintf("%.0f", n) }

func percent(share float64) string { return fmt.Sprintf("%.1f %%", 100*share) }

// count writes a whole number with separators.
func count(n float64) string {
	digits := []byte(number(n))
	for i := len(digits) - 3; i > 0; i -= 3 {
		digits = slices.Insert(digits, i, ',')
	}
	return string(digits)
}
