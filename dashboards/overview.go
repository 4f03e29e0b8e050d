package dashboards

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// overview answers, top to bottom: how much, where, how sure, and what next.
func overview() board {
	return board{
		uid: overviewUID, file: "overview.json", title: "faaswarden / Overview", from: "now-7d",
		description: "What AWS Lambda costs, what can be saved, and how sure that is.",
		rows: []row{
			{"How much", []tile{
				{4, 4, billed()},
				{4, 4, computedCost()},
				{8, 4, allSavings()},
				{4, 4, openFindings()},
				{4, 4, overallCoverage()},
				{12, 8, costAndSavings()},
				{12, 8, findingsBySeverity()},
			}},
			{"Where", []tile{
				{24, 10, dearestFindings("Dearest findings")},
				{24, 10, dearestFunctions()},
				{8, 8, costByAccount()},
				{8, 8, costByRegion()},
				{8, 8, billByService()},
			}},
			{"How sure", []tile{
				{6, 4, windowAge()},
				{6, 4, analysisAge()},
				{6, 4, stalestCollector()},
				{6, 4, withoutUsage()},
				{8, 8, coverageByAnalyzer()},
				{8, 8, undeterminedByReason()},
				{8, 8, billAgainstComputation()},
			}},
			{"What next", []tile{
				{12, 8, firing()},
				{12, 8, whereToGo()},
			}},
		},
	}
}

func billed() cog.Builder[dashboard.Panel] {
	return newStat(about{
		"Billed, newest final day",
		"Unblended cost of all services on the newest day that AWS no longer estimates, from Cost Explorer.",
		usd, "Cost Explorer was not read: the collector costs is disabled or denied, or the API budget is used up.",
	}, now("billed", "sum("+placed("faaswarden_billed_cost_usd")+")")).Decimals(2)
}

func computedCost() cog.Builder[dashboard.Panel] {
	return newStat(about{
		"Computed cost of functions, a month",
		"Use × price of every function in the analysis window, scaled to 730 hours. Functions whose use could not be read are not in it; \"How sure\" counts them.",
		usd, notAnalyzed,
	}, now("computed", "sum("+placed("faaswarden_function_monthly_cost_usd")+")")).Decimals(2)
}

// allSavings is of every analyzer that is chosen; more narrows it to one.
func allSavings(more ...string) cog.Builder[dashboard.Panel] {
	return newStat(about{
		"Savings, a month",
		"What acting on the open findings saves. Low is what is sure, expected what is likely, high what is possible. Findings that could not be priced are in the count of findings and not in here.",
		usd, notAnalyzed,
	}, now("low", savings("low", more...)), now("expected", savings("expected", more...)), now("high", savings("high", more...))).Decimals(2)
}

func openFindings(more ...string) cog.Builder[dashboard.Panel] {
	return newStat(about{
		"Open findings",
		"Findings that the newest analysis still holds.",
		count, notAnalyzed,
	}, now("open", open(more...))).Decimals(0)
}

func overallCoverage(more ...string) cog.Builder[dashboard.Panel] {
	return newStat(about{
		"Coverage",
		"Share of judgements that ended as ok or violation. The rest could not be determined: denied, throttled, stale, or nothing was there to judge by.",
		share, notAnalyzed,
	}, now("coverage", coverage(more...))).Decimals(1).Thresholds(sureness())
}

func costAndSavings() cog.Builder[dashboard.Panel] {
	return newSeries(about{
		"Cost and expected savings, a month",
		"The computed cost of functions and what acting on all open findings would save of it and of what surrounds it, such as NAT gateways.",
		usd, notAnalyzed,
	},
		over("computed cost", "sum("+placed("faaswarden_function_monthly_cost_usd")+")"),
		over("expected savings", savings("expected")),
	).Decimals(2)
}

func findingsBySeverity() cog.Builder[dashboard.Panel] {
	return stacked(newSeries(about{
		"Open findings by severity",
		"Critical means now: money burns or events are lost. High means this week, medium this month.",
		count, "there is no open finding in what is chosen above, or nothing was analyzed yet.",
	}, over("{{severity}}", "sum by (severity) ("+found("faaswarden_findings")+")").mayBeEmpty(noFinding))).Decimals(0)
}

const noFinding = "there is no open finding"

// dearestFindings lists findings that have a series of their own.
func dearestFindings(title string, more ...string) cog.Builder[dashboard.Panel] {
	labels := []string{"analyzer", "severity", "confidence", "account", "region", "resource", "fingerprint"}
	bound := func(name string) column {
		matchers := append([]string{`bound="` + name + `"`, `resource!="other"`}, more...)
		return column{name: name, unit: usd, decimals: 2, query: now(name,
			"sum by (analyzer, severity, confidence, account, region, resource, fingerprint) ("+found("faaswarden_finding_monthly_savings_usd", matchers...)+")").mayBeEmpty(noFinding)}
	}
	return newTable(about{
		title,
		"Open findings by expected USD a month; metrics.top_findings of them have a series of their own, the others are summed above. faaswarden's own page shows the evidence and what to do, and so does faaswarden explain FINGERPRINT where the store is a server or the daemon is stopped.",
		usd, "there is no open finding in what is chosen above, or nothing was analyzed yet.",
	}, labels, bound("expected"), bound("low"), bound("high")).
		OverrideByName("analyzer", []dashboard.DynamicConfigValue{{Id: "links", Value: []map[string]any{
			{"title": "How ${__value.text} computes it", "url": repository + "analyzers/${__value.text}/doc.md", "targetBlank": true},
		}}}).
		OverrideByName("resource", []dashboard.DynamicConfigValue{{Id: "custom.width", Value: 460}})
}

// dearestFunctions has a row for each function with series of its own, and one
// for the rest of each account and region.
func dearestFunctions() cog.Builder[dashboard.Panel] {
	labels := []string{"account", "region", "function"}
	of := func(metric string) string { return "sum by (account, region, function) (" + placed(metric) + ")" }
	return newTable(about{
		"Dearest functions",
		"Functions by computed cost a month, with their last 24 hours. metrics.top_functions of them have series of their own; \"other\" sums the rest of an account and region.",
		count, notAnalyzed,
	}, labels,
		value("USD a month", usd, 2, of("faaswarden_function_monthly_cost_usd")),
		value("USD, 24 h", usd, 2, of("faaswarden_function_day_cost_usd")),
		value("invocations, 24 h", count, 0, of("faaswarden_function_day_invocations")),
		value("errors, 24 h", count, 0, of("faaswarden_function_day_errors")),
		value("throttles, 24 h", count, 0, of("faaswarden_function_day_throttles")),
		value("GB-seconds, 24 h", count, 0, of("faaswarden_function_day_gigabyte_seconds")),
	).OverrideByName("function", []dashboard.DynamicConfigValue{{Id: "links", Value: []map[string]any{{
		"title":       "Open ${__value.text} in the AWS console",
		"url":         "https://console.aws.amazon.com/lambda/home?region=${__data.fields.region}#/functions/${__value.text}",
		"targetBlank": true,
	}}}})
}

func costByAccount() cog.Builder[dashboard.Panel] {
	return newBars(about{
		"Computed cost by account, a month",
		"Computed cost of all functions of an account, scaled to 730 hours.",
		usd, notAnalyzed,
	}, now("{{account}}", "sort_desc(sum by (account) ("+placed("faaswarden_function_monthly_cost_usd")+"))")).Decimals(2)
}

func costByRegion() cog.Builder[dashboard.Panel] {
	return newBars(about{
		"Computed cost by region, a month",
		"Computed cost of all functions in a region, scaled to 730 hours.",
		usd, notAnalyzed,
	}, now("{{region}}", "sort_desc(sum by (region) ("+placed("faaswarden_function_monthly_cost_usd")+"))")).Decimals(2)
}

func billByService() cog.Builder[dashboard.Panel] {
	return newBars(about{
		"Bill by service, newest final day",
		"The ten dearest services of the bill: what Lambda's share of it is.",
		usd, "Cost Explorer was not read: the collector costs is disabled or denied, or the API budget is used up.",
	}, now("{{service}}", "sort_desc(topk(10, sum by (service) ("+placed("faaswarden_billed_cost_usd")+")))")).Decimals(2)
}

func windowAge() cog.Builder[dashboard.Panel] {
	return newStat(about{
		"Age of the evidence",
		"How long ago the window ended on which everything above rests.",
		seconds, notAnalyzed,
	}, now("age", "time() - min(faaswarden_analysis_window_end_timestamp_seconds)")).
		Decimals(0).Thresholds(stepsFrom("green", step{12 * 3600, "orange"}, step{24 * 3600, "red"}))
}

func analysisAge() cog.Builder[dashboard.Panel] {
	return newStat(about{
		"Oldest last success of an analyzer",
		"How long ago the analyzer that has waited longest last succeeded.",
		seconds, notAnalyzed,
	}, now("age", "time() - min("+judged("faaswarden_analyzer_last_success_timestamp_seconds")+")")).
		Decimals(0).Thresholds(stepsFrom("green", step{4 * 3600, "orange"}, step{24 * 3600, "red"}))
}

func stalestCollector() cog.Builder[dashboard.Panel] {
	return newStat(about{
		"Stalest collector, in intervals",
		"How many of its own intervals ago the collector that has waited longest last succeeded. Above 3 an alert is near.",
		count, notCollected,
	}, now("intervals", "max("+sinceInIntervals()+")")).
		Decimals(1).Thresholds(stepsFrom("green", step{2, "orange"}, step{3, "red"}))
}

func withoutUsage() cog.Builder[dashboard.Panel] {
	return newStat(about{
		"Functions, and those whose use is not known",
		"Functions in the inventory, and how many of them have a cost that could not be computed because their use was not read. They are in no sum above.",
		count, notCollected,
	},
		now("functions", "sum("+placed("faaswarden_functions")+")"),
		now("use not known", "sum("+placed("faaswarden_functions_without_usage")+") or 0 * sum("+placed("faaswarden_functions")+")"),
	).Decimals(0)
}

func coverageByAnalyzer() cog.Builder[dashboard.Panel] {
	return newBars(about{
		"Coverage by analyzer",
		"Share of resources each analyzer could judge, the least first.",
		share, notAnalyzed,
	}, now("{{analyzer}}", "sort(min by (analyzer) ("+judged("faaswarden_coverage_ratio")+"))")).
		Decimals(1).Max(1).Thresholds(sureness())
}

func undeterminedByReason() cog.Builder[dashboard.Panel] {
	return newBars(about{
		"Could not be determined, by reason",
		"Resources without a judgement. Denied and not read are mended by a permission or the configuration, throttled and failed mend themselves, no data means that nothing was there to judge by.",
		count, "everything could be judged, or nothing was analyzed yet.",
	}, now("{{analyzer}}: {{reason}}", "sort_desc(sum by (analyzer, reason) ("+judged("faaswarden_cannot_determine")+"))").
		mayBeEmpty("everything could be judged")).Decimals(0)
}

func billAgainstComputation() cog.Builder[dashboard.Panel] {
	return newSeries(about{
		"Lambda: billed and computed, a day",
		"AWS Lambda on the newest final day of the bill, and the computed cost of the last 24 hours of the window. They are of different days; a gap that stays is use that was not read, or a discount.",
		usd, "Cost Explorer was not read, and nothing was analyzed.",
	},
		over("billed", "sum("+placed("faaswarden_billed_cost_usd", `service="AWS Lambda"`)+")"),
		over("computed", "sum("+placed("faaswarden_function_day_cost_usd")+")"),
	).Decimals(2)
}

func firing() cog.Builder[dashboard.Panel] {
	return newTable(about{
		"Firing alerts",
		"Alerts of faaswarden's rules that fire now, as this Prometheus sees them.",
		count, "nothing fires, or the rules of deploy/prometheus/faaswarden.rules.yml are not loaded.",
	}, []string{"alertname", "severity", "analyzer", "account", "region", "function", "collector"},
		column{name: "firing", unit: count, query: now("{{alertname}}",
			`count by (alertname, severity, analyzer, account, region, function, collector) (ALERTS{alertname=~"Faaswarden.+",alertstate="firing"})`).
			mayBeEmpty("no alert fires")})
}

func whereToGo() cog.Builder[dashboard.Panel] {
	return newText("Where to go from here", "The other boards, and the commands that show a finding whole.", `* [Findings](`+boardPath(findingsUID)+`): a row an analyzer, with its savings, its verdicts and its dearest findings
* [Collection and API spend](`+boardPath(collectionUID)+`): what was read, what that cost, and what was not
* faaswarden's own page has the dearest findings with their evidence and the commands that mend them; `+"`faaswarden findings`"+` and `+"`faaswarden explain FINGERPRINT`"+` have all of them, where the store is a server or the daemon is stopped
* [What each analyzer will not catch](`+repository+`README.md#analyzers)
* [Alerts and what to do about them](`+operations("alerts")+`)
`)
}
