package dashboards

import (
	"strings"
	"time"
)

// estate are the alerts on what all analyzers found together.
func estate() []rule { return []rule{savingsJump(), coverageLost()} }

// operated are the alerts on faaswarden itself.
func operated() []rule {
	return []rule{
		collectorStale(), analyzerStale(), apiBudgetNear(), apiBudgetReached(),
		storeDown(), configReloadFailed(), seriesBudget(), down(),
	}
}

// own is a rule of faaswarden's own, with its section of the operators' page.
func own(name, severity, expr, summary, advice string) rule {
	return rule{
		name: prefix + name, severity: severity, expr: expr, keep: restart, summary: summary, advice: advice,
		runbook: operations(strings.ToLower(name)), board: boardPath(collectionUID),
	}
}

// expected is what an analyzer's open findings save, counted once however many
// daemons report it.
func expected(matchers, offset string) string {
	return `sum by (analyzer) (max by (analyzer, account, region, resource, fingerprint, severity, confidence) (faaswarden_finding_monthly_savings_usd{bound="expected"` + matchers + `}` + offset + `))`
}

// savingsJump compares with a day ago. An analyzer that had judged then and
// found nothing had savings of zero; one that had not judged had none, and
// nothing can have risen: the first day of an installation is no jump.
func savingsJump() rule {
	before := "(\n  " + expected("", " offset 1d") + "\n  or\n  0 * max by (analyzer) (faaswarden_coverage_ratio offset 1d)\n)"
	r := own("SavingsJump", "warning",
		expected("", "")+"\n-\n"+before+" > 50\nand\n"+expected("", "")+"\n> 1.2 *\n"+before,
		`Expected savings of {{ $labels.analyzer }} rose by ${{ printf "%.2f" $value }} within a day, to `+
			`{{ with printf "`+strings.ReplaceAll(expected(",analyzer=%q", ""), `"`, `\"`)+`" $labels.analyzer | query }}${{ . | first | value | printf "%.2f" }}{{ end }} a month.`,
		`Expected savings rose by more than 50 USD a month and a fifth within a day: a deployment, a change of configuration, or more traffic began to cost. The newest findings of {{ $labels.analyzer }} say what; the board lists them, dearest first. `+
			`The alert ends by itself when the rise is a day old.`,
	)
	r.board = boardPath(findingsUID) + "?var-analyzer={{ $labels.analyzer }}"
	r.silent = "no analyzer's savings rose by more than 50 USD a month and a fifth within a day"
	return r
}

// coverageLost leaves out what there was nothing to judge by: a function that
// is never invoked was seen, and most estates have many.
func coverageLost() rule {
	r := own("CoverageLost", "warning", `min by (analyzer) (faaswarden_coverage_ratio)
and on (analyzer) (
  sum by (analyzer) (faaswarden_cannot_determine{reason!="no data"}) > 0.2 * sum by (analyzer) (faaswarden_judgements)
  or
  min by (analyzer) (faaswarden_coverage_ratio) < max by (analyzer) (max_over_time(faaswarden_coverage_ratio[1d])) - 0.2
)`,
		`Coverage of {{ $labels.analyzer }} is {{ $value | humanizePercentage }}; it was up to `+
			`{{ with printf "max(max_over_time(faaswarden_coverage_ratio{analyzer=%q}[1d]))" $labels.analyzer | query }}{{ . | first | value | humanizePercentage }}{{ end }} within the last day.`,
		`A fifth of the resources cannot be determined for other reasons than no data, or coverage fell by more than 20 points within a day: what is not seen is not fine. Reasons now:`+
			`{{ range printf "sort_desc(sum by (reason) (faaswarden_cannot_determine{analyzer=%q}))" $labels.analyzer | query }} {{ .Value | humanize }} × {{ .Labels.reason }};{{ else }} none is told;{{ end }}`+
			` grant what is denied, enable what is not read, and look at the collectors for what failed.`,
	)
	r.board = boardPath(findingsUID) + "?var-analyzer={{ $labels.analyzer }}"
	r.silent = "every analyzer sees four fifths of what it judges, and no less than yesterday"
	return r
}

// collectorStale compares with the collector's own interval. A collector that
// is disabled has no interval, and is missed by nobody.
func collectorStale() rule {
	r := own("CollectorStale", "warning", `max by (collector, account, region) (
  time() - faaswarden_collector_last_success_timestamp_seconds
    > on (job, instance, collector) group_left ()
  3 * faaswarden_collector_interval_seconds + 3600
)
or
max by (collector, account, region, outcome) (
  faaswarden_collector_last_run_outcome{outcome=~"denied|throttled|failed"}
    unless on (job, instance, collector, account, region)
  faaswarden_collector_last_success_timestamp_seconds
    and on (job, instance, collector)
  faaswarden_collector_interval_seconds
)`,
		`The collector {{ $labels.collector }} {{ if $labels.outcome }}has never succeeded in {{ $labels.account }} {{ $labels.region }}: its newest run was {{ $labels.outcome }}.`+
			`{{ else }}last succeeded {{ $value | humanizeDuration }} ago in {{ $labels.account }} {{ $labels.region }}`+
			`{{ with printf "max(faaswarden_collector_interval_seconds{collector=%q})" $labels.collector | query }}, and runs every {{ . | first | value | humanizeDuration }}{{ end }}.{{ end }}`,
		`The collector has never succeeded, or not for three of its intervals and an hour, and findings that need its evidence become cannot determine. The log line "collector finished" of its newest run names the outcome and the detail; a denied action is in deploy/aws/policy.json. `+
			`A collector that is not wanted is switched off with collectors.{{ $labels.collector }}.enabled: false.`,
	)
	r.hold = 15 * time.Minute
	r.silent = "every collector succeeded within three of its intervals and an hour"
	return r
}

func analyzerStale() rule {
	r := own("AnalyzerStale", "warning", `max by (analyzer) (
  time() - faaswarden_analyzer_last_success_timestamp_seconds
    > on (job, instance) group_left ()
  3 * faaswarden_analysis_interval_seconds + 3600
)
or
min by (analyzer) (faaswarden_analyzer_last_run_success == 0)`,
		`The analyzer {{ $labels.analyzer }} {{ if gt $value 0.0 }}last succeeded {{ $value | humanizeDuration }} ago.`+
			`{{ else }}failed in its newest run{{ with printf "time() - max(faaswarden_analyzer_last_success_timestamp_seconds{analyzer=%q})" $labels.analyzer | query }}, and last succeeded {{ . | first | value | humanizeDuration }} ago{{ end }}.{{ end }}`,
		`The analyzer failed in its newest run, or has not succeeded for three intervals and an hour: its findings and verdicts stay as they were. The log line "analyzer failed" says why; a memory limit or a time limit of the store is the usual reason, and a shorter analysis.window the remedy.`,
	)
	r.board = boardPath(findingsUID) + "?var-analyzer={{ $labels.analyzer }}"
	r.silent = "every analyzer succeeded in its newest run, and lately"
	return r
}

const (
	monthSpent = "sum by (job, instance) (faaswarden_api_cost_usd)"

	// budgetGone is true of a month whose next call is refused. Spending stops
	// before it passes the budget, so that it ends a call's price below it.
	budgetGone = monthSpent + " >= on (job, instance) faaswarden_api_budget_usd - 0.01"

	budgetSummary = `${{ printf "%.2f" $value }} of the month's ` +
		`{{ with printf "faaswarden_api_budget_usd{job=%q,instance=%q}" $labels.job $labels.instance | query }}${{ . | first | value | printf "%.2f" }}{{ end }} for AWS API calls `
)

func apiBudgetNear() rule {
	r := own("APIBudget", "warning",
		monthSpent+" > 0\nand on (job, instance)\n"+monthSpent+" >= on (job, instance) 0.8 * faaswarden_api_budget_usd",
		budgetSummary+`are spent.`,
		`Four fifths of the month's API budget are spent: at 100 % priced calls stop until the month ends, and what they would have read goes stale. The board shows which operations cost most: read less often (collectors.NAME.every), fewer regions, or raise aws.api_budget_usd_per_month.`,
	)
	r.silent = "less than four fifths of the month's API budget are spent"
	return r
}

func apiBudgetReached() rule {
	r := own("APIBudget", "critical",
		monthSpent+" > 0\nand on (job, instance)\n"+budgetGone,
		budgetSummary+`are spent: priced calls are refused.`,
		`The month's API budget is used up: metrics, log reports and the bill are not read any more until the month ends, and findings that need them become cannot determine. Raise aws.api_budget_usd_per_month and reload, or accept it until the first of the month; a budget of 0 allows no priced call.`,
	)
	r.silent = "the month's API budget is not used up"
	return r
}

func storeDown() rule {
	r := own("StoreDown", "critical", `faaswarden_store_up == 0`,
		`The store of {{ $labels.instance }} has not answered for 5 minutes.`,
		`The store has not answered for five minutes: nothing is collected or analyzed, and the metrics show the last snapshot. Look at the ClickHouse server, the network and the user's password, or, with the embedded store, at the disk.`,
	)
	r.hold = 5 * time.Minute
	r.silent = "the store answers"
	return r
}

func configReloadFailed() rule {
	r := own("ConfigReloadFailed", "warning", `faaswarden_config_last_reload_success == 0`,
		`{{ $labels.instance }} refused its new configuration and runs with that of `+
			`{{ with printf "faaswarden_config_last_reload_success_timestamp_seconds{job=%q,instance=%q}" $labels.job $labels.instance | query }}{{ . | first | value | humanizeTimestamp }}{{ else }}its start{{ end }}.`,
		`A reload found a fault in the configuration, and the old one stays in use. faaswarden check-config FILE names every fault; a restart would not come up with this file.`,
	)
	r.keep = 0 // a reload ends it, nothing else moves it
	r.silent = "the configuration in use is the one on disk"
	return r
}

func seriesBudget() rule {
	r := own("SeriesBudget", "warning", `faaswarden_series_dropped > 0`,
		`{{ $labels.instance }} leaves out {{ $value | humanize }} series, because metrics.series_budget allows `+
			`{{ with printf "faaswarden_series_budget{job=%q,instance=%q}" $labels.job $labels.instance | query }}{{ . | first | value | humanize }}{{ end }}.`,
		`Series were left out for ten minutes because they do not fit into the budget: boards and alerts do not see them. Lower metrics.top_functions or metrics.top_findings, take keys out of metrics.tag_labels, or raise metrics.series_budget if this Prometheus can take more.`,
	)
	r.hold = 10 * time.Minute
	r.silent = "all series fit into the budget"
	return r
}

// down has no keep_firing_for: a start ends it.
func down() rule {
	r := own("Down", "critical", `up{job="faaswarden"} == 0
or
absent(up{job="faaswarden"})`,
		`{{ if $labels.instance }}{{ $labels.instance }} cannot be scraped{{ else }}No target of the job faaswarden is known{{ end }} for 10 minutes.`,
		`The job faaswarden could not be scraped for ten minutes, or has no target: no other alert of it can fire meanwhile. Look at the process and its last log line, at web.listen and TLS, and at the scrape configuration of the job faaswarden.`,
	)
	r.hold, r.keep = 10*time.Minute, 0
	r.silent = "faaswarden is scraped"
	return r
}
