package exporter

import "github.com/prometheus/client_golang/prometheus"

func desc(name, help string, labels ...string) *prometheus.Desc {
	return prometheus.NewDesc("faaswarden_"+name, help, labels, nil)
}

// What was found.
var (
	findingSavings = desc("finding_monthly_savings_usd",
		"Monthly USD that acting on an open finding saves; bound is low, expected or high. The dearest findings have a series each, the rest are summed with resource=\"other\".",
		"analyzer", "account", "region", "resource", "fingerprint", "severity", "confidence", "bound")
	findings = desc("findings",
		"Open findings.", "analyzer", "account", "region", "severity", "confidence")
	judgements = desc("judgements",
		"Resources by the verdict of an analyzer's newest run.", "analyzer", "verdict")
	undetermined = desc("cannot_determine",
		"Resources an analyzer could not judge, by reason.", "analyzer", "reason")
	coverage = desc("coverage_ratio",
		"Share of resources an analyzer could judge.", "analyzer")
	windowEnd = desc("analysis_window_end_timestamp_seconds",
		"End of the window that the shown findings rest on.")
)

// What functions cost and do.
var (
	functions = desc("functions",
		"Lambda functions in the inventory.", "account", "region")
	functionMonthlyCost = desc("function_monthly_cost_usd",
		"What the function cost in the analysis window, scaled to a month of 730 hours: requests, on-demand duration, ephemeral storage and provisioned concurrency held, at list price. The dearest have a series each, the rest are summed with function=\"other\".",
		"account", "region", "function")
	functionDayCost = desc("function_day_cost_usd",
		"The same for the newest 24 hours that were read, without INIT, which CloudWatch does not count.", "account", "region", "function")
	functionDayInvocations = desc("function_day_invocations",
		"Invocations in the newest 24 hours that were read.", "account", "region", "function")
	functionDayErrors = desc("function_day_errors",
		"Invocations that ended in an error in the newest 24 hours that were read.", "account", "region", "function")
	functionDayThrottles = desc("function_day_throttles",
		"Calls refused for want of concurrency in the newest 24 hours that were read; they are no invocations.", "account", "region", "function")
	functionDayGBSeconds = desc("function_day_gigabyte_seconds",
		"Memory size times duration, without INIT, in the newest 24 hours that were read.", "account", "region", "function")
	functionsWithoutUsage = desc("functions_without_usage",
		"Functions whose usage could not be read; they are in no other usage metric.", "account", "region")
	functionsUnpriced = desc("functions_unpriced",
		"Functions whose usage is known and whose region has no price; they are in no cost metric.", "account", "region")
	billed = desc("billed_cost_usd",
		"Unblended cost of the newest day that AWS no longer estimates, from Cost Explorer.", "account", "region", "service")
	concurrencyLimit = desc("account_concurrency_limit",
		"Concurrent executions the account may have in the region.", "account", "region")
	concurrencyPeak = desc("account_concurrency_peak",
		"Most concurrent executions in the newest 24 hours that were read.", "account", "region")
	concurrencyHeadroom = desc("account_concurrency_headroom_ratio",
		"Share of the concurrency limit that the peak left free.", "account", "region")
	codeStorage = desc("account_code_storage_bytes",
		"Code storage in use.", "account", "region")
	codeStorageLimit = desc("account_code_storage_limit_bytes",
		"Code storage the account may use in the region.", "account", "region")
)

// What faaswarden does and spends.
var (
	analyzerOutcome = desc("analyzer_last_run_success",
		"1 when the analyzer's newest run succeeded, 0 when it failed.", "analyzer")
	analyzerSeconds = desc("analyzer_duration_seconds",
		"Duration of the analyzer's newest successful run.", "analyzer")
	analyzerLast = desc("analyzer_last_success_timestamp_seconds",
		"When the analyzer last succeeded.", "analyzer")
	analysisInterval = desc("analysis_interval_seconds",
		"How often the configuration has analyses run.")
	collectorOutcome = desc("collector_last_run_outcome",
		"Constant 1, labelled with the outcome of the collector's newest run.", "collector", "account", "region", "outcome")
	collectorPartial = desc("collector_last_run_partial",
		"1 when some evidence was missing in the collector's newest run.", "collector", "account", "region")
	collectorSeconds = desc("collector_duration_seconds",
		"Duration of the collector's newest run.", "collector", "account", "region")
	collectorLast = desc("collector_last_success_timestamp_seconds",
		"When the collector last succeeded.", "collector", "account", "region")
	collectorInterval = desc("collector_interval_seconds",
		"How often the configuration has the collector run.", "collector")
	apiCalls = desc("api_calls",
		"AWS API requests this month, as AWS bills them.", "account", "service", "operation")
	apiUSD = desc("api_cost_usd",
		"USD that AWS bills for faaswarden's API requests this month.", "account", "service", "operation")
	apiBudget = desc("api_budget_usd",
		"USD that priced API requests may cost in a calendar month before they stop.")
	storeUp = desc("store_up",
		"1 when the store answered when it was last asked, 0 when not.")
	storeBytes = desc("store_size_bytes",
		"Compressed bytes of a table on disk.", "table")
	storeRows = desc("store_rows",
		"Rows of a table on disk, older versions of a row included until they are merged.", "table")
	series = desc("series",
		"Series shown on this page.")
	seriesBudget = desc("series_budget",
		"Series that may be shown.")
	seriesDropped = desc("series_dropped",
		"Series that were summed as \"other\" or left out because of the budget.")
	reloadOK = desc("config_last_reload_success",
		"1 when the newest attempt to read the configuration put it in force, 0 when the one before is kept.")
	reloadTime = desc("config_last_reload_success_timestamp_seconds",
		"When a configuration was last put in force.")
)

// descriptors lists them all.
var descriptors = []*prometheus.Desc{
	findingSavings, findings, judgements, undetermined, coverage, windowEnd,
	functions, functionMonthlyCost, functionDayCost, functionDayInvocations, functionDayErrors, functionDayThrottles, functionDayGBSeconds,
	functionsWithoutUsage, functionsUnpriced, billed, concurrencyLimit, concurrencyPeak, concurrencyHeadroom, codeStorage, codeStorageLimit,
	analyzerOutcome, analyzerSeconds, analyzerLast, analysisInterval,
	collectorOutcome, collectorPartial, collectorSeconds, collectorLast, collectorInterval,
	apiCalls, apiUSD, apiBudget, storeUp, storeBytes, storeRows, series, seriesBudget, seriesDropped, reloadOK, reloadTime,
}
