package awssim

import (
	"time"
)

// MetricID names a metric as ListMetrics returns it.
type MetricID struct {
	Namespace string
	Name      string
	Dims      map[string]string
}

// MetricQuery asks for one statistic of one metric in half-open [From, To).
type MetricQuery struct {
	Namespace string
	Metric    string
	Dims      map[string]string
	Stat      string // Sum, Average, Maximum, Minimum, SampleCount, p50 … p99.9
	From, To  time.Time
	Period    time.Duration
}

// Datapoint is the value of one period, named by the period's start.
type Datapoint struct {
	Time  time.Time
	Value float64
}

// seriesCache keeps computed hourly arrays.
type seriesCache struct{}

// load is what drives a function's series.
type load struct{}

// Metrics lists what has had a datapoint in the last two weeks, as ListMetrics does.
func (r *Region) Metrics() []MetricID { return nil }

// Datapoints answers a query, oldest first. Periods in which nothing was emitted
// have no point; a metric that does not exist has none at all. Retention is the
// caller's matter.
func (r *Region) Datapoints(q MetricQuery) []Datapoint { return nil }
