package throttles

import "github.com/faaswarden/faaswarden/internal/analysis"

const (
	recentMeasure      = "recent_throttles"
	recentRatioMeasure = "recent_throttled_ratio"
)

var measures = []analysis.Measure{
	{
		Name:   recentMeasure,
		Help:   "Calls throttled in the last 24 hours of the analysis window, of functions with a finding; cause is the finding's.",
		Labels: []string{"function", "cause"},
	},
	{
		Name:   recentRatioMeasure,
		Help:   "Share of calls throttled in the last 24 hours of the analysis window, of functions with a finding; cause is the finding's.",
		Labels: []string{"function", "cause"},
	},
}

// alerts has no For: the evidence is a day long already, and moves once an
// analysis. A function that is switched off is throttled by design.
var alerts = []analysis.Alert{{
	Name:     "ThrottleStorm",
	Severity: analysis.High,
	Expr: `max by (account, region, function, cause) (faaswarden_recent_throttled_ratio{cause!="switched_off"}) > 0.1
and on (account, region, function, cause)
max by (account, region, function, cause) (faaswarden_recent_throttles) > 100`,
	Summary: `{{ with printf "max(faaswarden_recent_throttles{account=%q,region=%q,function=%q,cause=%q})" $labels.account $labels.region $labels.function $labels.cause | query }}` +
		`{{ . | first | value | humanize }}{{ end }} calls ({{ $value | humanizePercentage }}) of {{ $labels.function }} in {{ $labels.account }} {{ $labels.region }} ` +
		`were throttled within 24 hours; cause: {{ $labels.cause }}.`,
	Description: `More than 100 calls, and a tenth of all, were refused within 24 hours: callers got 429, events and messages waited, or a stream stood still. The finding of throttles on {{ $labels.function }} names the minutes, ` +
		`who took the concurrency if the cause is account, and the command that fits the cause; faaswarden's own page shows it, and faaswarden findings where the store is a server.`,
}}

// measure reports the last day of a function that was throttled in it. Days
// before are the finding's; nobody need be woken for them.
func (c *throttling) measure(p *analysis.Pass) {
	if c.RecentThrottles == 0 {
		return
	}
	value := func(name string, v float64) {
		p.Measure(analysis.Measurement{
			Name: name, Account: c.Account, Region: c.Region, Labels: []string{c.FunctionName, string(c.cause)}, Value: v,
		})
	}
	value(recentMeasure, c.RecentThrottles)
	value(recentRatioMeasure, ratio(c.RecentThrottles, c.RecentInvoked))
}
