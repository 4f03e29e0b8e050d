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
