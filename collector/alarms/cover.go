package alarms

import (
	"context"
	"fmt"
	"maps"
	"regexp"
	"slices"
	"strings"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch"
	"github.com/aws/aws-sdk-go-v2/service/cloudwatch/types"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// What a metric is of.
const (
	oneFunction   = "function"
	everyFunction = "every_function"
	someFunctions = "some_functions" // a condition decides which
	otherThing    = "other"
)

// cover is what a metric covers: which functions, or which other resource.
type cover struct {
	covers   string
	resource string
}

// metricsOf lists the metrics an alarm watches, those of its expressions included.
func (c *collection) metricsOf(a types.MetricAlarm) []schema.AlarmMetric {
	row := schema.AlarmMetric{Account: c.Account, Region: c.Region, AlarmARN: aws.ToString(a.AlarmArn), MetricAccount: c.Account, CollectedAt: c.Now}
	if a.MetricName != nil {
		stat := string(a.Statistic)
		if stat == "" {
			stat = aws.ToString(a.ExtendedStatistic)
		}
		return []schema.AlarmMetric{c.fill(row, aws.ToString(a.Namespace), *a.MetricName, stat, aws.ToInt32(a.Period), a.Dimensions)}
	}
	var rows []schema.AlarmMetric
	for _, q := range a.Metrics {
		row := row
		row.MetricID = aws.ToString(q.Id)
		if account := aws.ToString(q.AccountId); account != "" {
			row.MetricAccount = account
		}
		switch m, text := q.MetricStat, aws.ToString(q.Expression); {
		case m != nil && m.Metric != nil:
			rows = append(rows, c.fill(row, aws.ToString(m.Metric.Namespace), aws.ToString(m.Metric.MetricName), aws.ToString(m.Stat), aws.ToInt32(m.Period), m.Metric.Dimensions))
		case isInsights(text):
			rows = append(rows, c.insights(row, text, int64(aws.ToInt32(q.Period))))
		}
	}
	return rows
}

func (c *collection) fill(row schema.AlarmMetric, namespace, metric, stat string, period int32, dims []types.Dimension) schema.AlarmMetric {
	row.Namespace, row.Metric, row.Stat, row.PeriodS, row.Dimensions = namespace, metric, stat, int64(period), dimensions(dims)
	is := c.coverOf(row.MetricAccount, namespace, row.Dimensions)
	row.Covers, row.ResourceARN = is.covers, is.resource
	return row
}

func dimensions(list []types.Dimension) map[string]string {
	dims := make(map[string]string, len(list))
	for _, d := range list {
		dims[aws.ToString(d.Name)] = aws.ToString(d.Value)
	}
	return dims
}

// coverOf tells what a metric is of by its dimensions. A metric of Lambda
// without any is the sum over the region's functions.
func (c *collection) coverOf(account, namespace string, dims map[string]string) cover {
	name := func(service, resource string) string {
		return fmt.Sprintf("arn:%s:%s:%s:%s:%s", c.Partition, service, c.Region, account, resource)
	}
	switch namespace {
	case "AWS/Lambda":
		function := dims["FunctionName"]
		if function == "" && dims["Resource"] != "" {
			function, _, _ = strings.Cut(dims["Resource"], ":")
		}
		switch {
		case function != "":
			return cover{oneFunction, name("lambda", "function:"+function)}
		case len(dims) == 0:
			return cover{everyFunction, ""}
		}
	case "LambdaInsights":
		if function := dims["function_name"]; function != "" {
			return cover{oneFunction, name("lambda", "function:"+function)}
		}
	case "AWS/SQS":
		if queue := dims["QueueName"]; queue != "" {
			return cover{otherThing, name("sqs", queue)}
		}
	case "AWS/SNS":
		if topic := dims["TopicName"]; topic != "" {
			return cover{otherThing, name("sns", topic)}
		}
	}
	return cover{otherThing, ""}
}

// insightsQuery reads a Metrics Insights query as far as its metric, its schema
// and its condition.
var insightsQuery = regexp.MustCompile(`(?is)^\s*SELECT\s+(\w+)\s*\(\s*"?([^")]+?)"?\s*\)\s+FROM\s+(?:SCHEMA\s*\(\s*"?([^",)]+?)"?\s*((?:,[^)]*)?)\)|"?([^\s"]+)"?)` +
	`(?:\s+WHERE\s+(.*?))?(?:\s+GROUP\s+BY\s.*?)?(?:\s+ORDER\s+BY\s.*?)?(?:\s+LIMIT\s+\d+)?\s*$`)

// byName is a condition that names one function and nothing else.
var byName = regexp.MustCompile(`(?i)^"?FunctionName"?\s*=\s*'([^']+)'$`)

func isInsights(expression string) bool {
	return strings.HasPrefix(strings.ToUpper(strings.TrimSpace(expression)), "SELECT")
}

// insights is the metric of a Metrics Insights query. One that cannot be read
// keeps its expression in the alarm and covers what is not told.
func (c *collection) insights(row schema.AlarmMetric, expression string, period int64) schema.AlarmMetric {
	row.PeriodS, row.Covers = period, otherThing
	m := insightsQuery.FindStringSubmatch(expression)
	if m == nil {
		if strings.Contains(expression, "AWS/Lambda") {
			row.Covers = someFunctions
		}
		return row
	}
	row.Stat, row.Metric, row.Namespace = m[1], m[2], m[3]+m[5]
	if row.Namespace != "AWS/Lambda" {
		return row
	}
	condition := strings.TrimSpace(m[6])
	named := byName.FindStringSubmatch(condition)
	switch {
	case named != nil:
		row.Covers, row.ResourceARN = oneFunction, fmt.Sprintf("arn:%s:lambda:%s:%s:function:%s", c.Partition, c.Region, row.MetricAccount, named[1])
	case condition == "" && !qualified(m[4]):
		row.Covers = everyFunction
	default:
		row.Covers = someFunctions
	}
	return row
}

// qualified reports whether a schema is of aliases or versions, which not every
// function has traffic on.
func qualified(labels string) bool {
	for label := range strings.SplitSeq(labels, ",") {
		if name := strings.Trim(strings.TrimSpace(label), `"`); name != "" && !strings.EqualFold(name, "FunctionName") {
			return true
		}
	}
	return false
}

// ruleToken is a quoted name, or a word of a composite alarm's rule.
var ruleToken = regexp.MustCompile(`"((?:[^"\\]|\\.)*)"|'((?:[^'\\]|\\.)*)'|([^\s(),]+)`)

// children lists the alarms that a composite alarm's rule refers to, by name,
// sorted. Names may stand in quotes; what is not a word of the language is one.
func children(rule string) []string {
	names := map[string]bool{}
	for _, m := range ruleToken.FindAllStringSubmatch(rule, -1) {
		switch name := m[1] + m[2]; {
		case name != "":
			names[alarmName(strings.ReplaceAll(name, `\`, ""))] = true
		case !ruleWord(m[3]):
			names[alarmName(m[3])] = true
		}
	}
	return slices.Sorted(maps.Keys(names))
}

// ruleWord reports whether a bare word belongs to the rule language: operators,
// states, constants, and the number or share of AT_LEAST.
func ruleWord(word string) bool {
	switch strings.ToUpper(word) {
	case "", "AND", "OR", "NOT", "ALARM", "OK", "INSUFFICIENT_DATA", "TRUE", "FALSE", "AT_LEAST":
		return true
	}
	return strings.Trim(word, "0123456789.%") == ""
}

// alarmName is the name of an alarm that is given by name or ARN.
func alarmName(alarm string) string {
	if _, name, ok := strings.Cut(alarm, ":alarm:"); ok {
		return name
	}
	return alarm
}

// readDetectors asks for detectors of both types: without types CloudWatch
// lists those of single metrics alone.
func (c *collection) readDetectors(ctx context.Context) error {
	return collect.Pages(ctx, detectorsAction, func(ctx context.Context, token *string) (*string, error) {
		out, err := c.api.DescribeAnomalyDetectors(ctx, &cloudwatch.DescribeAnomalyDetectorsInput{
			AnomalyDetectorTypes: []types.AnomalyDetectorType{types.AnomalyDetectorTypeSingleMetric, types.AnomalyDetectorTypeMetricMath},
			MaxResults:           aws.Int32(pageSize), NextToken: token,
		})
		if err != nil {
			return nil, err
		}
		rows := make([]schema.AnomalyDetector, 0, len(out.AnomalyDetectors))
		for _, d := range out.AnomalyDetectors {
			rows = append(rows, c.detector(d))
		}
		return out.NextToken, collect.Put(ctx, c.Run, rows...)
	})
}

func (c *collection) detector(d types.AnomalyDetector) schema.AnomalyDetector {
	row := schema.AnomalyDetector{
		Account: c.Account, Region: c.Region, Detector: aws.ToString(d.AnomalyDetectorId), Kind: metricKind, State: string(d.StateValue), Covers: otherThing, CollectedAt: c.Now,
	}
	account := c.Account
	if m := d.SingleMetricAnomalyDetector; m != nil {
		row.Namespace, row.Metric, row.Stat, row.Dimensions = aws.ToString(m.Namespace), aws.ToString(m.MetricName), aws.ToString(m.Stat), dimensions(m.Dimensions)
		if other := aws.ToString(m.AccountId); other != "" {
			account = other
		}
	} else if math := d.MetricMathAnomalyDetector; math != nil {
		row.Kind, row.Expressions = mathKind, expressions(math.MetricDataQueries)
		row.Dimensions = map[string]string{}
		c.inputs(&row, math.MetricDataQueries)
	}
	if row.Kind == metricKind {
		is := c.coverOf(account, row.Namespace, row.Dimensions)
		row.Covers, row.ResourceARN = is.covers, is.resource
	}
	if row.Detector == "" {
		row.Detector = fmt.Sprintf("%s %s %s %s %s %v %v", row.Kind, account, row.Namespace, row.Metric, row.Stat, row.Dimensions, row.Expressions)
	}
	return row
}

// inputs tells what a detector of metric math covers: the one function that all
// of its metrics are of.
func (c *collection) inputs(row *schema.AnomalyDetector, queries []types.MetricDataQuery) {
	found := map[cover]bool{}
	for _, q := range queries {
		if m := q.MetricStat; m != nil && m.Metric != nil {
			account := c.Account
			if other := aws.ToString(q.AccountId); other != "" {
				account = other
			}
			found[c.coverOf(account, aws.ToString(m.Metric.Namespace), dimensions(m.Metric.Dimensions))] = true
		}
	}
	for is := range found {
		if len(found) == 1 {
			row.Covers, row.ResourceARN = is.covers, is.resource
		} else if is.covers != otherThing {
			row.Covers = someFunctions
		}
	}
}
