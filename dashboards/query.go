package dashboards

import (
	"strings"

	"github.com/grafana/grafana-foundation-sdk/go/cog/variants"
	"github.com/grafana/grafana-foundation-sdk/go/prometheus"
)

// query is one PromQL expression of a panel.
type query struct {
	expr    string
	legend  string
	instant bool
	table   bool
	empty   string // why a healthy account may have no data; empty when it must have some
}

// now asks for the newest value.
func now(legend, expr string) query { return query{expr: expr, legend: legend, instant: true} }

// over asks for the time range.
func over(legend, expr string) query { return query{expr: expr, legend: legend} }

// mayBeEmpty says why a healthy account may have no data.
func (q query) mayBeEmpty(reason string) query {
	q.empty = reason
	return q
}

// target is a query as it is built; Grafana never sees why it may be empty.
type target struct {
	prometheus.Dataquery
	empty string
}

// Build makes it a cog.Builder.
func (q query) Build() (variants.Dataquery, error) {
	b := prometheus.NewDataqueryBuilder().
		Expr(q.expr).
		LegendFormat(q.legend).
		EditorMode(prometheus.QueryEditorModeCode).
		Datasource(datasource())
	if q.instant {
		b.Instant()
	} else {
		b.Range()
	}
	if q.table {
		b.Format(prometheus.PromQueryFormatTable)
	}
	built, err := b.Build()
	if err != nil {
		return nil, err
	}
	return &target{Dataquery: built.(prometheus.Dataquery), empty: q.empty}, nil
}

// The matchers of the boards' variables. A panel uses those whose labels its
// metric has: choosing an account must never leave a number unchanged that has
// an account.
const (
	byAccount  = `account=~"$account"`
	byRegion   = `region=~"$region"`
	byAnalyzer = `analyzer=~"$analyzer"`
)

// paid selects a metric with the label account.
func paid(metric string, more ...string) string { return selected(metric, byAccount)(more) }

// placed selects a metric with the labels account and region.
func placed(metric string, more ...string) string { return selected(metric, byAccount, byRegion)(more) }

// judged selects a metric with the label analyzer.
func judged(metric string, more ...string) string { return selected(metric, byAnalyzer)(more) }

// found selects a metric with the labels analyzer, account and region.
func found(metric string, more ...string) string {
	return selected(metric, byAnalyzer, byAccount, byRegion)(more)
}

func selected(metric string, variables ...string) func(more []string) string {
	return func(more []string) string {
		return metric + "{" + strings.Join(append(variables, more...), ",") + "}"
	}
}

// orZero turns no series into zero where an analysis has been: what was looked
// for and not found is none, what was never looked for is no data. expr must be
// a sum over everything.
func orZero(expr string, more ...string) string {
	return expr + " or 0 * count(" + judged("faaswarden_analyzer_last_success_timestamp_seconds", more...) + ")"
}

// savings is the sum of one bound of the savings.
func savings(bound string, more ...string) string {
	return orZero("sum("+found("faaswarden_finding_monthly_savings_usd", append([]string{`bound="` + bound + `"`}, more...)...)+")", more...)
}

// open is the number of open findings.
func open(more ...string) string {
	return orZero("sum("+found("faaswarden_findings", more...)+")", more...)
}

// coverage is the share of judgements that could be formed.
func coverage(more ...string) string {
	all := judged("faaswarden_judgements", more...)
	determined := judged("faaswarden_judgements", append([]string{`verdict!="cannot_determine"`}, more...)...)
	return "sum(" + determined + ") / sum(" + all + ")"
}

// sinceInIntervals is how many of its intervals ago a collector last succeeded.
func sinceInIntervals() string {
	return "(time() - " + placed("faaswarden_collector_last_success_timestamp_seconds") +
		") / on (job, instance, collector) group_left () faaswarden_collector_interval_seconds"
}
