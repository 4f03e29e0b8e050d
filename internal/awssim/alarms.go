package awssim

import (
	"maps"
	"slices"
	"strings"
)

// alarmOperations are CloudWatch's alarms and anomaly detectors. DescribeAlarms
// has a quota of its own, nine requests a second.
func alarmOperations() []operation {
	return []operation{
		{
			name: "DescribeAlarms", quota: "DescribeAlarms", billed: "request", run: describeAlarms,
			resource: func(c *call) string { return c.arn("cloudwatch", "alarm:*") },
			params:   []param{{name: "MaxRecords", min: 1, max: 100}, {name: "AlarmNames", list: true, max: 100}, {name: "AlarmTypes", list: true, max: 3}},
		},
		{
			name: "DescribeAnomalyDetectors", billed: "request", run: describeAnomalyDetectors,
			params: []param{{name: "MaxResults", min: 1, max: 100}, {name: "AnomalyDetectorTypes", list: true, max: 2}},
		},
	}
}

// describeAlarms lists metric alarms alone unless the request asks for others.
func describeAlarms(c *call) (obj, error) {
	c.billed = 1
	kinds := c.strings("AlarmTypes")
	if len(kinds) == 0 {
		kinds = []string{"MetricAlarm"}
	}
	var found []*Alarm
	for _, a := range c.world().Alarms {
		names, state := c.strings("AlarmNames"), c.str("StateValue")
		switch {
		case !slices.Contains(kinds, a.kind()):
		case !strings.HasPrefix(a.Name, c.str("AlarmNamePrefix")):
		case len(names) > 0 && !slices.Contains(names, a.Name):
		case state != "" && state != a.State:
		default:
			found = append(found, a)
		}
	}
	items, next, err := page(c, paging{token: "NextToken", limit: "MaxRecords", size: c.integer("MaxRecords", 50)}, found)
	if err != nil {
		return nil, err
	}
	metric, composite := []obj{}, []obj{}
	for _, a := range items {
		if a.Rule != "" {
			composite = append(composite, a.composite())
		} else {
			metric = append(metric, a.ofMetrics())
		}
	}
	return compact(obj{"MetricAlarms": metric, "CompositeAlarms": composite, "LogAlarms": []obj{}, "NextToken": next}), nil
}

func (a *Alarm) kind() string {
	if a.Rule != "" {
		return "CompositeAlarm"
	}
	return "MetricAlarm"
}

// common is what alarms of every kind have.
func (a *Alarm) common() obj {
	return obj{
		"AlarmName": a.Name, "AlarmArn": a.ARN, "ActionsEnabled": a.ActionsEnabled, "AlarmActions": orEmpty(a.Actions), "OKActions": orEmpty(a.OKActions),
		"InsufficientDataActions": []string{}, "StateValue": a.State, "StateReason": "Unchecked: Initial alarm creation",
		"StateUpdatedTimestamp": a.StateSince, "StateTransitionedTimestamp": a.StateSince, "AlarmConfigurationUpdatedTimestamp": a.ConfiguredAt,
	}
}

// orEmpty is never nil, as CloudWatch writes its lists.
func orEmpty(items []string) []string {
	if items == nil {
		return []string{}
	}
	return items
}

func (a *Alarm) composite() obj {
	o := a.common()
	o["AlarmRule"] = a.Rule
	return o
}

func (a *Alarm) ofMetrics() obj {
	o := a.common()
	o["ComparisonOperator"], o["EvaluationPeriods"] = a.Comparison, a.Evaluation
	if a.ThresholdID != "" {
		o["ThresholdMetricId"] = a.ThresholdID
	} else {
		o["Threshold"] = a.Threshold
	}
	if a.Datapoints > 0 {
		o["DatapointsToAlarm"] = a.Datapoints
	}
	if a.TreatMissing != "" {
		o["TreatMissingData"] = a.TreatMissing
	}
	o["Dimensions"] = []obj{}
	if m := a.Metric; m != nil {
		o["Namespace"], o["MetricName"], o["Dimensions"], o["Period"] = m.Namespace, m.Name, tagList(m.Dims, "Name", "Value"), a.PeriodS
		if strings.HasPrefix(m.Stat, "p") {
			o["ExtendedStatistic"] = m.Stat
		} else {
			o["Statistic"] = m.Stat
		}
		return o
	}
	o["Metrics"] = mapOf(a.Queries, alarmQuery)
	return o
}

func alarmQuery(q AlarmQuery) obj {
	o := obj{"Id": q.ID, "ReturnData": q.Returns}
	if q.Metric == nil {
		o["Expression"] = q.Expression
		if q.PeriodS > 0 {
			o["Period"] = q.PeriodS
		}
		return o
	}
	o["MetricStat"] = obj{"Metric": metricOf(q.Metric), "Period": q.PeriodS, "Stat": q.Metric.Stat}
	return o
}

func metricOf(m *AlarmMetric) obj {
	return obj{"Namespace": m.Namespace, "MetricName": m.Name, "Dimensions": tagList(m.Dims, "Name", "Value")}
}

// describeAnomalyDetectors lists detectors of single metrics alone unless the
// request asks for others.
func describeAnomalyDetectors(c *call) (obj, error) {
	c.billed = 1
	kinds := c.strings("AnomalyDetectorTypes")
	if len(kinds) == 0 {
		kinds = []string{"SINGLE_METRIC"}
	}
	found := []obj{}
	for _, d := range c.world().AnomalyDetectors {
		kind := "METRIC_MATH"
		if d.Metric != nil {
			kind = "SINGLE_METRIC"
		}
		if slices.Contains(kinds, kind) {
			found = append(found, anomalyDetector(d))
		}
	}
	items, next, err := page(c, paging{token: "NextToken", limit: "MaxResults", size: 100}, found)
	if err != nil {
		return nil, err
	}
	return compact(obj{"AnomalyDetectors": items, "NextToken": next}), nil
}

func anomalyDetector(d *AnomalyDetector) obj {
	o := obj{"StateValue": d.State, "AnomalyDetectorId": d.ID}
	if d.Metric == nil {
		o["MetricMathAnomalyDetector"] = obj{"MetricDataQueries": mapOf(d.Queries, alarmQuery)}
		return o
	}
	single := metricOf(d.Metric)
	single["Stat"] = d.Metric.Stat
	o["SingleMetricAnomalyDetector"] = single
	maps.Copy(o, single) // the older members say it again
	return o
}
