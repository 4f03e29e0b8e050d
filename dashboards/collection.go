package dashboards

import (
	"github.com/grafana/grafana-foundation-sdk/go/cog"
	"github.com/grafana/grafana-foundation-sdk/go/common"
	"github.com/grafana/grafana-foundation-sdk/go/dashboard"
)

// collection shows what was read, what reading cost, and how faaswarden itself is.
func collection() board {
	return board{
		uid: collectionUID, file: "collection.json", title: "faaswarden / Collection and API spend", from: "now-24h",
		description: "What was read from AWS and when, what the API calls cost, and how the store and the analyzers are.",
		rows: []row{
			{"Collectors", []tile{
				{6, 4, collectorsFailing()},
				{6, 4, collectorsPartial()},
				{6, 4, stalestCollector()},
				{6, 4, slowestCollector()},
				{24, 10, collectorsTable()},
				{12, 8, staleness()},
				{12, 8, collectorDurations()},
			}},
			{"AWS API calls and what they cost", []tile{
				{6, 4, apiSpend()},
				{6, 4, apiBudget()},
				{6, 4, budgetUsed()},
				{6, 4, projectedSpend()},
				{12, 8, spendByService()},
				{12, 8, callsByService()},
				{24, 9, operationsTable()},
			}},
			{"Account limits", []tile{
				{8, 8, concurrencyHeadroom()},
				{8, 8, concurrencyPeak()},
				{8, 8, codeStorage()},
			}},
			{"Analyzers and configuration", []tile{
				{6, 4, analysisInterval()},
				{6, 4, configReload()},
				{6, 4, configAge()},
				{6, 4, version()},
				{12, 8, analyzerRuns()},
				{12, 8, analyzerDurations()},
			}},
			{"Store and series", []tile{
				{6, 4, storeUp()},
				{6, 4, storeSize()},
				{6, 4, seriesUsed()},
				{6, 4, seriesDropped()},
				{8, 8, sizeByTable()},
				{8, 8, tables()},
				{8, 8, seriesAgainstBudget()},
			}},
		},
	}
}

func collectorsFailing() cog.Builder[dashboard.Panel] {
	return newStat(about{
		"Collectors that failed last time",
		"Collectors × scopes whose newest run was denied, throttled, failed or skipped.",
		count, notCollected,
	}, now("failing", "count("+placed("faaswarden_collector_last_run_outcome", `outcome!~"ok|nodata"`)+") or 0 * count("+placed("faaswarden_collector_last_run_outcome")+")")).
		Decimals(0).Thresholds(stepsFrom("green", step{1, "red"}))
}

func collectorsPartial() cog.Builder[dashboard.Panel] {
	return newStat(about{
		"Collectors that saw only a part",
		"Collectors × scopes whose newest run lacked some evidence; the findings that needed it are cannot determine.",
		count, notCollected,
	}, now("partial", "sum("+placed("faaswarden_collector_last_run_partial")+")")).
		Decimals(0).Thresholds(stepsFrom("green", step{1, "orange"}))
}

func slowestCollector() cog.Builder[dashboard.Panel] {
	return newStat(about{
		"Slowest newest run",
		"Duration of the collector run that took longest, of the newest ones.",
		seconds, notCollected,
	}, now("slowest", "max("+placed("faaswarden_collector_duration_seconds")+")")).Decimals(1)
}

func collectorsTable() cog.Builder[dashboard.Panel] {
	by := func(metric string) string { return "max by (collector, account, region) (" + placed(metric) + ")" }
	return newTable(about{
		"Newest run of each collector",
		"What became of the newest run in each account and region. A collector that has never succeeded has no age.",
		count, notCollected,
	}, []string{"collector", "account", "region", "outcome"},
		value("intervals since success", count, 1, "max by (collector, account, region) ("+sinceInIntervals()+")"),
		value("last success, ago", seconds, 0, "time() - "+by("faaswarden_collector_last_success_timestamp_seconds")),
		value("duration", seconds, 1, by("faaswarden_collector_duration_seconds")),
		value("partial", count, 0, by("faaswarden_collector_last_run_partial")),
		column{hidden: true, query: now("outcome", "max by (collector, account, region, outcome) ("+placed("faaswarden_collector_last_run_outcome")+")")},
	).OverrideByName("outcome", []dashboard.DynamicConfigValue{
		{Id: "mappings", Value: outcomes()},
		{Id: "custom.cellOptions", Value: map[string]any{"type": "color-text"}},
	})
}

// outcomes colours how a run ended.
func outcomes() []dashboard.ValueMapping {
	options := map[string]dashboard.ValueMappingResult{}
	for i, o := range []struct{ name, color string }{
		{"ok", "green"}, {"nodata", "green"}, {"skipped", "orange"}, {"throttled", "orange"}, {"denied", "red"}, {"failed", "red"},
	} {
		options[o.name] = dashboard.ValueMappingResult{Text: new(o.name), Color: new(o.color), Index: new(int32(i))}
	}
	return []dashboard.ValueMapping{{ValueMap: &dashboard.ValueMap{Type: dashboard.MappingTypeValueToText, Options: options}}}
}

func staleness() cog.Builder[dashboard.Panel] {
	return newSeries(about{
		"Age of the last success, in intervals",
		"A collector that works stays at about 1. The line is where the alert CollectorStale begins to count its hour of grace.",
		count, notCollected,
	}, over("{{collector}}", "max by (collector) ("+sinceInIntervals()+")")).
		Decimals(1).
		Thresholds(stepsFrom("transparent", step{3, "red"})).
		ThresholdsStyle(common.NewGraphThresholdsStyleConfigBuilder().Mode(common.GraphThresholdsStyleModeLine))
}

func collectorDurations() cog.Builder[dashboard.Panel] {
	return newSeries(about{
		"Duration of the newest run",
		"By collector, in the scope that took longest.",
		seconds, notCollected,
	}, over("{{collector}}", "max by (collector) ("+placed("faaswarden_collector_duration_seconds")+")")).Decimals(1)
}

func apiSpend() cog.Builder[dashboard.Panel] {
	return newStat(about{
		"Spent on API calls this month",
		"USD that AWS bills for faaswarden's own calls since the first of the month, UTC.",
		usd, "no call was metered yet.",
	}, now("spent", spent())).Decimals(2)
}

// spent is the month's API cost in the chosen accounts.
func spent() string { return "sum(" + paid("faaswarden_api_cost_usd") + ")" }

func apiBudget() cog.Builder[dashboard.Panel] {
	return newStat(about{
		"Budget for a month",
		"aws.api_budget_usd_per_month. Priced calls stop when the next one would pass it; 0 allows none.",
		usd, "faaswarden is not scraped.",
	}, now("budget", "max(faaswarden_api_budget_usd)")).Decimals(2)
}

func budgetUsed() cog.Builder[dashboard.Panel] {
	return newStat(about{
		"Share of the budget used",
		"By the chosen accounts. The budget is for all of them together.",
		share, "no call was metered yet, or the budget is 0.",
	}, now("used", spent()+" / max(faaswarden_api_budget_usd)")).
		Decimals(1).Thresholds(stepsFrom("green", step{0.8, "orange"}, step{1, "red"}))
}

func projectedSpend() cog.Builder[dashboard.Panel] {
	return newStat(about{
		"Projected at the month's end",
		"What was spent, scaled from the days that have passed (one at least) to the whole month. The first collection reads further back than the later ones, so that a new installation projects too much.",
		usd, "no call was metered yet.",
	}, now("projected", spent()+" * scalar(days_in_month()) / scalar(clamp_min(day_of_month() - 1 + hour() / 24, 1))")).Decimals(2)
}

func spendByService() cog.Builder[dashboard.Panel] {
	return stacked(newSeries(about{
		"Spent this month, by service",
		"It starts anew on the first of each month.",
		usd, "no call was metered yet.",
	}, over("{{service}}", "sum by (service) ("+paid("faaswarden_api_cost_usd")+")"))).Decimals(2)
}

func callsByService() cog.Builder[dashboard.Panel] {
	return stacked(newSeries(about{
		"API calls this month, by service",
		"Requests as AWS counts them, retries too. It starts anew on the first of each month.",
		count, "no call was metered yet.",
	}, over("{{service}}", "sum by (service) ("+paid("faaswarden_api_calls")+")"))).Decimals(0)
}

func operationsTable() cog.Builder[dashboard.Panel] {
	by := func(metric string) string { return "sum by (account, service, operation) (" + paid(metric) + ")" }
	return newTable(about{
		"API calls this month, by operation",
		"What each operation was asked and what that costs, since the first of the month, UTC.",
		count, "no call was metered yet.",
	}, []string{"account", "service", "operation"},
		value("USD", usd, 4, by("faaswarden_api_cost_usd")),
		value("calls", count, 0, by("faaswarden_api_calls")),
	)
}

func concurrencyHeadroom() cog.Builder[dashboard.Panel] {
	return newBars(about{
		"Concurrency headroom",
		"Share of the account's concurrent executions that was free at the peak of the last 24 hours, the least first.",
		share, "the account's limits or its concurrency were not read: the collectors accountlimits or metrics are disabled or denied.",
	}, now("{{account}} {{region}}", "sort(min by (account, region) ("+placed("faaswarden_account_concurrency_headroom_ratio")+"))")).
		Decimals(1).Max(1).Thresholds(stepsFrom("red", step{0.1, "orange"}, step{0.3, "green"}))
}

func concurrencyPeak() cog.Builder[dashboard.Panel] {
	return newSeries(about{
		"Concurrency: peak and limit",
		"Highest concurrent executions of the last 24 hours of the window, and the account's limit, by account and region.",
		count, "the account's limits or its concurrency were not read: the collectors accountlimits or metrics are disabled or denied.",
	},
		over("peak {{account}} {{region}}", "max by (account, region) ("+placed("faaswarden_account_concurrency_peak")+")"),
		over("limit {{account}} {{region}}", "max by (account, region) ("+placed("faaswarden_account_concurrency_limit")+")"),
	).Decimals(0)
}

func codeStorage() cog.Builder[dashboard.Panel] {
	return newBars(about{
		"Code storage used",
		"Share of the region's storage for function code and layers that is taken, the most first.",
		share, "the account's limits were not read: the collector accountlimits is disabled or denied.",
	}, now("{{account}} {{region}}", "sort_desc(max by (account, region) ("+placed("faaswarden_account_code_storage_bytes")+") / max by (account, region) ("+placed("faaswarden_account_code_storage_limit_bytes")+"))")).
		Decimals(1).Max(1).Thresholds(stepsFrom("green", step{0.7, "orange"}, step{0.9, "red"}))
}

func analysisInterval() cog.Builder[dashboard.Panel] {
	return newStat(about{
		"Analysis interval",
		"analysis.every: how often everything is analyzed.",
		seconds, "faaswarden is not scraped.",
	}, now("every", "max(faaswarden_analysis_interval_seconds)")).Decimals(0)
}

func configReload() cog.Builder[dashboard.Panel] {
	return newStat(about{
		"Last reload of the configuration",
		"A reload with a fault keeps the old configuration, and says so here and in the log.",
		count, "faaswarden is not scraped.",
	}, now("reload", "min(faaswarden_config_last_reload_success)")).Mappings(yesNo("good", "refused"))
}

func configAge() cog.Builder[dashboard.Panel] {
	return newStat(about{
		"Age of the configuration in use",
		"How long ago a configuration was last accepted.",
		seconds, "faaswarden is not scraped.",
	}, now("age", "time() - min(faaswarden_config_last_reload_success_timestamp_seconds)")).Decimals(0)
}

func version() cog.Builder[dashboard.Panel] {
	return newStat(about{
		"Version",
		"What faaswarden was built from.",
		count, "faaswarden is not scraped.",
	}, now("{{version}}", "max by (version) (faaswarden_build_info)")).TextMode(common.BigValueTextModeName)
}

func analyzerRuns() cog.Builder[dashboard.Panel] {
	by := func(metric string) string { return "max by (analyzer) (" + judged(metric) + ")" }
	return newTable(about{
		"Newest run of each analyzer",
		"An analyzer that fails keeps its earlier findings; its log line says why.",
		count, notAnalyzed,
	}, []string{"analyzer"},
		value("last success, ago", seconds, 0, "time() - "+by("faaswarden_analyzer_last_success_timestamp_seconds")),
		value("newest run", count, 0, "min by (analyzer) ("+judged("faaswarden_analyzer_last_run_success")+")",
			dashboard.DynamicConfigValue{Id: "mappings", Value: yesNo("succeeded", "failed")},
			dashboard.DynamicConfigValue{Id: "custom.cellOptions", Value: map[string]any{"type": "color-text"}}),
		value("duration", seconds, 2, by("faaswarden_analyzer_duration_seconds")),
	)
}

func analyzerDurations() cog.Builder[dashboard.Panel] {
	return newSeries(about{
		"Duration of the newest analysis",
		"By analyzer, of its newest run that succeeded.",
		seconds, notAnalyzed,
	}, over("{{analyzer}}", "max by (analyzer) ("+judged("faaswarden_analyzer_duration_seconds")+")")).Decimals(2)
}

func storeUp() cog.Builder[dashboard.Panel] {
	return newStat(about{
		"Store",
		"Whether the store answers. While it does not, nothing is collected or analyzed, and the metrics show the last snapshot.",
		count, "faaswarden is not scraped.",
	}, now("store", "min(faaswarden_store_up)")).Mappings(yesNo("up", "down"))
}

func storeSize() cog.Builder[dashboard.Panel] {
	return newStat(about{
		"Size of the store",
		"Compressed bytes of all tables on disk.",
		size, "the store was not asked yet, or does not answer.",
	}, now("size", "sum(max by (table) (faaswarden_store_size_bytes))")).Decimals(1)
}

func seriesUsed() cog.Builder[dashboard.Panel] {
	return newStat(about{
		"Share of the series budget used",
		"Series that faaswarden exposes, of metrics.series_budget. What goes beyond is dropped.",
		share, "faaswarden is not scraped.",
	}, now("used", "max(faaswarden_series / faaswarden_series_budget)")).
		Decimals(1).Thresholds(stepsFrom("green", step{0.8, "orange"}, step{1, "red"}))
}

func seriesDropped() cog.Builder[dashboard.Panel] {
	return newStat(about{
		"Series dropped",
		"Series that did not fit into metrics.series_budget in the last scrape.",
		count, "faaswarden is not scraped.",
	}, now("dropped", "max(faaswarden_series_dropped)")).
		Decimals(0).Thresholds(stepsFrom("green", step{1, "red"}))
}

func sizeByTable() cog.Builder[dashboard.Panel] {
	return stacked(newSeries(about{
		"Size by table",
		"Compressed bytes on disk. What grows without end has no retention: store.retention.",
		size, "the store was not asked yet, or does not answer.",
	}, over("{{table}}", "max by (table) (faaswarden_store_size_bytes)"))).Decimals(1)
}

func tables() cog.Builder[dashboard.Panel] {
	return newTable(about{
		"Tables",
		"Size and rows of each table.",
		count, "the store was not asked yet, or does not answer.",
	}, []string{"table"},
		value("bytes", size, 1, "max by (table) (faaswarden_store_size_bytes)"),
		value("rows", count, 0, "max by (table) (faaswarden_store_rows)"),
	)
}

func seriesAgainstBudget() cog.Builder[dashboard.Panel] {
	return newSeries(about{
		"Series and their budget",
		"Series that faaswarden exposes, and metrics.series_budget.",
		count, "faaswarden is not scraped.",
	}, over("series", "max(faaswarden_series)"), over("budget", "max(faaswarden_series_budget)")).Decimals(0)
}
