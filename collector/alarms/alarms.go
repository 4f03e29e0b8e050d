// Package alarms reads CloudWatch alarms and anomaly detectors: what watches
// functions, at what threshold, and whom it tells.
package alarms

import (
	"context"
	_ "embed"
	"fmt"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

//go:embed doc.md
var doc string

const (
	every    = 6 * time.Hour
	pageSize = 100

	alarmsAction    = "cloudwatch:DescribeAlarms"
	detectorsAction = "cloudwatch:DescribeAnomalyDetectors"
)

// Collector reads alarms and anomaly detectors.
var Collector = &collect.Collector{
	Name:   "alarms",
	Title:  "CloudWatch alarms and anomaly detectors, and which functions they cover",
	Doc:    doc,
	Writes: []string{"alarms", "alarm_metrics", "anomaly_detectors"},
	Actions: []collect.Action{
		{Name: alarmsAction, Blinds: "which functions an alarm covers, its state and whom it tells"},
		{Name: detectorsAction, Blinds: "which metrics have an anomaly detection model"},
	},
	Scope:    collect.PerRegion,
	Every:    every,
	Estimate: estimate,
	Collect:  run,
}

// estimate: CloudWatch charges for each request, a page of a hundred alarms.
// Two alarms a function are taken for granted, as nothing tells their number.
func estimate(inv collect.Inventory) collect.APICost {
	const alarmsPerFunction = 2
	calls := collect.RunsPerMonth(every) * (2*inv.Scopes() + alarmsPerFunction*float64(inv.Functions)/pageSize)
	return collect.APICost{Calls: calls, Units: calls, Unit: "request"}
}

// collection is the state of one run.
type collection struct {
	*collect.Run
	api *cloudwatch.Client
}

func run(ctx context.Context, r *collect.Run) error {
	c := &collection{Run: r, api: cloudwatch.NewFromConfig(r.AWS)}
	if err := c.take(ctx, alarmsAction, c.readAlarms, "alarms", "alarm_metrics"); err != nil {
		return err
	}
	return c.take(ctx, detectorsAction, c.readDetectors, "anomaly_detectors")
}

// take fills a listing's tables; what cannot be read costs those alone.
func (c *collection) take(ctx context.Context, action string, read func(context.Context) error, tables ...string) error {
	err := read(ctx)
	if ctx.Err() != nil || collect.Stop(err) {
		return fmt.Errorf("read %s in %s: %w", tables[0], c.Region, err)
	}
	for _, table := range tables {
		if err != nil {
			c.Gap(table, "", "", action, err)
		} else {
			c.Complete(table, "")
		}
	}
	return nil
}

// readAlarms asks for alarms of every type: without types CloudWatch lists
// metric alarms alone.
func (c *collection) readAlarms(ctx context.Context) error {
	return collect.Pages(ctx, alarmsAction, func(ctx context.Context, token *string) (*string, error) {
		out, err := c.api.DescribeAlarms(ctx, &cloudwatch.DescribeAlarmsInput{
			AlarmTypes: []types.AlarmType{types.AlarmTypeMetricAlarm, types.AlarmTypeCompositeAlarm}, MaxRecords: aws.Int32(pageSize), NextToken: token,
		})
		if err != nil {
			return nil, err
		}
		var alarms []schema.Alarm
		var metrics []schema.AlarmMetric
		for _, a := range out.MetricAlarms {
			if a.AlarmArn == nil {
				continue // nothing could tell the row from another
			}
			alarms = append(alarms, c.metricAlarm(a))
			metrics = append(metrics, c.metricsOf(a)...)
		}
		for _, a := range out.CompositeAlarms {
			if a.AlarmArn == nil {
				continue
			}
			alarms = append(alarms, c.compositeAlarm(a))
		}
		if err := collect.Put(ctx, c.Run, alarms...); err != nil {
			return nil, err
		}
		return out.NextToken, collect.Put(ctx, c.Run, metrics...)
	})
}

// The kinds of alarm.
const (
	metricKind    = "metric"
	mathKind      = "metric_math"
	insightsKind  = "metrics_insights"
	anomalyKind   = "anomaly"
	promQLKind    = "promql"
	compositeKind = "composite"
)

func (c *collection) metricAlarm(a types.MetricAlarm) schema.Alarm {
	row := schema.Alarm{
		Account: c.Account, Region: c.Region, AlarmARN: aws.ToString(a.AlarmArn), AlarmName: aws.ToString(a.AlarmName), Kind: kindOf(a),
		Expressions: expressions(a.Metrics), Threshold: a.Threshold, Comparison: string(a.ComparisonOperator), PeriodS: int64(aws.ToInt32(a.Period)),
		EvaluationPeriods: int64(aws.ToInt32(a.EvaluationPeriods)), DatapointsToAlarm: int64(aws.ToInt32(a.DatapointsToAlarm)), TreatMissingData: aws.ToString(a.TreatMissingData),
		ActionsEnabled: aws.ToBool(a.ActionsEnabled), AlarmActions: a.AlarmActions, OKActions: a.OKActions, InsufficientDataActions: a.InsufficientDataActions,
		State: string(a.StateValue), StateSince: since(a.StateTransitionedTimestamp, a.StateUpdatedTimestamp), ConfiguredAt: a.AlarmConfigurationUpdatedTimestamp, CollectedAt: c.Now,
	}
	if row.Kind == anomalyKind {
		row.Threshold = nil // the band is the threshold, whatever number comes along
	}
	if row.DatapointsToAlarm == 0 {
		row.DatapointsToAlarm = row.EvaluationPeriods
	}
	if row.TreatMissingData == "" {
		row.TreatMissingData = "missing"
	}
	if row.PeriodS == 0 {
		row.PeriodS = periodOf(a.Metrics)
	}
	return row
}

func (c *collection) compositeAlarm(a types.CompositeAlarm) schema.Alarm {
	rule := aws.ToString(a.AlarmRule)
	return schema.Alarm{
		Account: c.Account, Region: c.Region, AlarmARN: aws.ToString(a.AlarmArn), AlarmName: aws.ToString(a.AlarmName), Kind: compositeKind,
		Rule: rule, Children: children(rule), Suppressor: alarmName(aws.ToString(a.ActionsSuppressor)),
		ActionsEnabled: aws.ToBool(a.ActionsEnabled), AlarmActions: a.AlarmActions, OKActions: a.OKActions, InsufficientDataActions: a.InsufficientDataActions,
		State: string(a.StateValue), StateSince: since(a.StateTransitionedTimestamp, a.StateUpdatedTimestamp), ConfiguredAt: a.AlarmConfigurationUpdatedTimestamp, CollectedAt: c.Now,
	}
}

// since is when the state began: updates may also change the reason alone.
func since(transitioned, updated *time.Time) *time.Time {
	if transitioned != nil {
		return transitioned
	}
	return updated
}

// kindOf tells a metric alarm's kind. A band decides before the expression that
// draws it.
func kindOf(a types.MetricAlarm) string {
	if a.EvaluationCriteria != nil {
		return promQLKind
	}
	if aws.ToString(a.ThresholdMetricId) != "" {
		return anomalyKind
	}
	kind := metricKind
	for _, q := range a.Metrics {
		switch text := aws.ToString(q.Expression); {
		case text == "":
		case isInsights(text):
			return insightsKind
		default:
			kind = mathKind
		}
	}
	return kind
}

func expressions(queries []types.MetricDataQuery) map[string]string {
	list := map[string]string{}
	for _, q := range queries {
		if text := aws.ToString(q.Expression); text != "" {
			list[aws.ToString(q.Id)] = text
		}
	}
	return list
}

// periodOf is the longest period of an alarm's queries, by which it is evaluated.
func periodOf(queries []types.MetricDataQuery) int64 {
	var longest int32
	for _, q := range queries {
		longest = max(longest, aws.ToInt32(q.Period))
		if q.MetricStat != nil {
			longest = max(longest, aws.ToInt32(q.MetricStat.Period))
		}
	}
	return int64(longest)
}
