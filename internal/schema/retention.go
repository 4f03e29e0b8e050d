package schema

import "time"

// Retention says how long the rows of a table are kept, and which of the old
// ones must stay all the same.
type Retention struct {
	Key     string        // in the configuration, below store.retention
	Table   string        // whose rows these are
	Time    string        // the column that tells a row's age
	Only    string        // SQL condition; empty: all rows of the table
	Default time.Duration // how long unless the configuration says otherwise
	Least   time.Duration // less is refused
	Window  bool          // analyzers look back into it, so it must cover their window
	Scope   []string      // columns of what is read as one: rows of its newest complete reading stay
	Runs    string        // table of runs: rows of a run that is still shown stay
	Row     string        // column that names a row: its versions go together, lest an older one be shown again
	Doc     string        // what for, in one clause
}

const (
	day            = 24 * time.Hour
	thirteenMonths = 400 * day // to compare a month with the same one a year before
)

// Retentions are the tables whose rows are deleted one day. The rows of no other
// are: see KeptForever.
var Retentions = []Retention{
	{
		Key: "metric_points_minute", Table: "metric_points", Time: "ts", Only: "period_s < 3600", Default: 45 * day, Least: 2 * day, Window: true,
		Doc: "points of less than an hour; hours without a point of their own are made of them",
	},
	{
		Key: "metric_points_hourly", Table: "metric_points", Time: "ts", Only: "period_s >= 3600", Default: 455 * day, Least: 35 * day, Window: true,
		Doc: "hourly points, for as long as CloudWatch has them; metric_days are made of them",
	},
	{Key: "metric_days", Table: "metric_days", Time: "day", Default: 1825 * day, Least: 35 * day, Doc: "days of metrics"},
	{Key: "metric_reads", Table: "metric_reads", Time: "to_ts", Default: 455 * day, Least: 35 * day, Window: true, Doc: "what was asked of CloudWatch: without it an hour with no point is unknown, not zero"},
	{Key: "reports_daily", Table: "reports_daily", Time: "day", Default: 760 * day, Least: 35 * day, Window: true, Doc: "memory and durations of functions by day"},
	{Key: "costs_daily", Table: "costs_daily", Time: "ChargePeriodStart", Default: 1125 * day, Least: 35 * day, Window: true, Doc: "what AWS billed, by day"},
	{Key: "cost_resources_daily", Table: "cost_resources_daily", Time: "day", Default: thirteenMonths, Least: 35 * day, Window: true, Doc: "what single resources cost, by day"},
	{Key: "savings_plans_daily", Table: "savings_plans_daily", Time: "day", Default: 1125 * day, Least: 35 * day, Window: true, Doc: "coverage and utilization of Savings Plans, by day"},
	{Key: "focus_costs", Table: "focus_costs", Time: "ChargePeriodStart", Default: 1125 * day, Least: 35 * day, Doc: "charges of imported FOCUS and CUR 2.0 exports"},
	{Key: "focus_imports", Table: "focus_imports", Time: "billing_period_start", Default: 1825 * day, Least: 35 * day, Doc: "what was imported; charges whose import is forgotten are not shown"},

	{Key: "collector_runs", Table: "collector_runs", Time: "started_at", Default: thirteenMonths, Least: 35 * day, Runs: "collector_runs", Doc: "collections, but for the newest of each"},
	{Key: "evidence_gaps", Table: "evidence_gaps", Time: "collected_at", Default: thirteenMonths, Least: 35 * day, Runs: "collector_runs", Doc: "what could not be read, but for the newest collections"},
	{Key: "api_calls", Table: "api_calls", Time: "collected_at", Default: thirteenMonths, Least: 35 * day, Doc: "the ledger of AWS API calls"},
	{Key: "analyzer_runs", Table: "analyzer_runs", Time: "started_at", Default: thirteenMonths, Least: 35 * day, Runs: "analyzer_runs", Doc: "analyses, but for the newest of each and those that findings name"},
	{Key: "judgements", Table: "judgements", Time: "judged_at", Default: thirteenMonths, Least: 35 * day, Runs: "analyzer_runs", Doc: "verdicts on what is gone"},
	{Key: "measurements", Table: "measurements", Time: "measured_at", Default: thirteenMonths, Least: 35 * day, Runs: "analyzer_runs", Doc: "what analyzers measured, but for the newest"},
	{Key: "findings", Table: "findings", Time: "updated_at", Only: "status = 'resolved'", Row: "fingerprint", Default: thirteenMonths, Least: 35 * day, Doc: "resolved findings; open ones stay"},

	gone("functions", "account", "region"),
	gone("aliases", "account", "region"),
	gone("provisioned_concurrency", "account", "region"),
	gone("resource_tags", "account", "region", "source"),
	gone("edges", "account", "region", "source_kind"),
	gone("event_source_mappings", "account", "region"),
	gone("event_invoke_configs", "account", "region"),
	gone("queues", "account", "region"),
	gone("role_statements", "account", "region"),
	gone("subnets", "account", "region"),
	gone("security_groups", "account", "region"),
	gone("security_group_rules", "account", "region"),
	gone("routes", "account", "region"),
	gone("nat_gateways", "account", "region"),
	gone("vpc_endpoints", "account", "region"),
	gone("network_interfaces", "account", "region"),
	gone("account_limits", "account", "region"),
	gone("schedules", "account", "region"),
	gone("pipes", "account", "region"),
	gone("state_machines", "account", "region"),
	gone("state_machine_tasks", "account", "region"),
	gone("api_routes", "account", "region"),
	gone("api_stages", "account", "region"),
	gone("load_balancer_targets", "account", "region"),
	gone("streams", "account", "region"),
	gone("brokers", "account", "region"),
	gone("event_buses", "account", "region"),
	gone("event_archives", "account", "region"),
	gone("log_groups", "account", "region"),
	gone("log_metric_filters", "account", "region"),
	gone("log_account_policies", "account", "region", "policy_type"),
	{Key: "log_subscriptions", Table: "log_subscriptions", Time: "collected_at", Default: thirteenMonths, Least: 35 * day, Doc: "subscription filters as last read, a group at a time"},
	gone("alarms", "account", "region"),
	gone("alarm_metrics", "account", "region"),
	gone("anomaly_detectors", "account", "region"),
	gone("sampling_rules", "account", "region"),
	gone("deployment_groups", "account", "region"),
	{Key: "deployments", Table: "deployments", Time: "created_at", Default: thirteenMonths, Least: 35 * day, Doc: "deployments of functions"},
	gone("inspector_status", "account", "region"),
	gone("inspector_coverage", "account", "region"),
	gone("inspector_findings", "account", "region"),
	gone("service_quotas", "account", "region", "service_code"),
	gone("cost_features", "account", "region", "feature"),
	gone("cost_forecasts", "account", "region"),
	gone("cost_anomaly_monitors", "account", "region"),
	gone("cost_anomalies", "account", "region"),
	gone("budgets", "account", "region"),
	gone("cost_allocation_tags", "account", "region"),
	gone("recommendations", "account", "region", "source"),

	{Key: "function_history", Table: "function_history", Time: "collected_at", Default: 1825 * day, Least: 400 * day, Doc: "configurations that functions were seen with; present ones are written again every year"},
	{Key: "function_tombstones", Table: "function_tombstones", Time: "deleted_at", Default: 1825 * day, Least: 35 * day, Doc: "functions that are gone"},
	gone("function_versions", "account", "region"),
	gone("function_logging", "account", "region"),
	gone("function_urls", "account", "region"),
	gone("layer_versions", "account", "region"),
	gone("layer_policies", "account", "region"),
	gone("runtime_management", "account", "region"),
	gone("code_signing_configs", "account", "region"),
	gone("edge_functions", "account", "region"),
	gone("edge_replicas", "account", "region"),
	gone("event_source_mapping_details", "account", "region"),
	gone("function_policy_statements", "account", "region"),
	gone("roles", "account", "region"),
	gone("service_last_accessed", "account", "region"),
	gone("organization_accounts", "account", "region"),
	gone("organization_units", "account", "region"),
	gone("organization_policies", "account", "region"),
	gone("organization_policy_statements", "account", "region"),
	gone("tag_policies", "account", "region"),
}

// KeptForever are the tables that grow with the number of accounts, not with time.
var KeptForever = []string{"completions", "cursors", "prices"}

// gone is the retention of an inventory: what its newest complete reading saw is
// current however old, and the rest is of resources that are no more.
func gone(table string, scope ...string) Retention {
	return Retention{Key: table, Table: table, Time: "collected_at", Default: thirteenMonths, Least: 35 * day, Scope: scope, Doc: "rows of resources that are gone"}
}

// TimeColumn is the column that tells the age of a table's rows.
func TimeColumn(table string) string {
	for _, r := range Retentions {
		if r.Table == table {
			return r.Time
		}
	}
	return "collected_at"
}
