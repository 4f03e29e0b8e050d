package alarms

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/fxamacker/cbor/v2"
	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

type obj = map[string]any

// answer is CloudWatch's wire format.
func answer(t testing.TB, v obj) collecttest.Answer {
	t.Helper()
	body, err := cbor.Marshal(v)
	if err != nil {
		t.Fatal(err)
	}
	return func(*http.Request, string) collecttest.Response {
		return collecttest.Response{Body: string(body), Header: http.Header{"Smithy-Protocol": {"rpc-v2-cbor"}, "Content-Type": {"application/cbor"}}}
	}
}

func instant(text string) cbor.Tag {
	at, err := time.Parse(time.RFC3339, text)
	if err != nil {
		panic(err)
	}
	return cbor.Tag{Number: 1, Content: float64(at.Unix())}
}

func metric(namespace, name string, dims ...string) obj {
	list := []obj{}
	for i := 0; i+1 < len(dims); i += 2 {
		list = append(list, obj{"Name": dims[i], "Value": dims[i+1]})
	}
	return obj{"Namespace": namespace, "MetricName": name, "Dimensions": list}
}

func stat(id, account string, m obj, returns bool) obj {
	q := obj{"Id": id, "ReturnData": returns, "MetricStat": obj{"Metric": m, "Period": 300, "Stat": "Sum"}}
	if account != "" {
		q["AccountId"] = account
	}
	return q
}

func expression(id, text string) obj { return obj{"Id": id, "Expression": text, "ReturnData": true} }

// named is an alarm with what every alarm has.
func named(name string, more obj) obj {
	o := obj{
		"AlarmName": name, "AlarmArn": "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:" + name, "ActionsEnabled": true, "AlarmActions": []string{"arn:aws:sns:eu-west-1:123456789012:ops"},
		"OKActions": []string{}, "InsufficientDataActions": []string{}, "StateValue": "OK", "StateReason": "secret-4711 crossed", "AlarmDescription": "secret-4711",
		"EvaluationPeriods": 3, "ComparisonOperator": "GreaterThanThreshold", "Threshold": 5.0,
	}
	for name, value := range more {
		if value == nil {
			delete(o, name)
			continue
		}
		o[name] = value
	}
	return o
}

// account has an alarm and a detector of every kind.
func account(t testing.TB) *collecttest.Wire {
	t.Helper()
	errs := metric("AWS/Lambda", "Errors", "FunctionName", "orders")
	return collecttest.NewWire(map[string]collecttest.Answer{
		alarmsAction: collecttest.Sequence(
			answer(t, obj{"MetricAlarms": []obj{
				named("errors", obj{
					"Namespace": "AWS/Lambda", "MetricName": "Errors", "Dimensions": errs["Dimensions"], "Statistic": "Sum", "Period": 60, "DatapointsToAlarm": 2, "TreatMissingData": "notBreaching",
					"StateTransitionedTimestamp": instant("2026-10-02T00:00:00Z"), "StateUpdatedTimestamp": instant("2026-10-30T00:00:00Z"), "AlarmConfigurationUpdatedTimestamp": instant("2026-01-01T00:00:00Z"),
				}),
				named("tail", obj{"Namespace": "AWS/Lambda", "MetricName": "Duration", "Dimensions": []obj{{"Name": "FunctionName", "Value": "orders"}, {"Name": "Resource", "Value": "orders:live"}}, "ExtendedStatistic": "p99", "Period": 300, "ActionsEnabled": false, "StateUpdatedTimestamp": instant("2026-10-30T00:00:00Z")}),
				named("region", obj{"Namespace": "AWS/Lambda", "MetricName": "Throttles", "Dimensions": []obj{}, "Statistic": "Sum", "Period": 300}),
				named("mapping", obj{"Namespace": "AWS/Lambda", "MetricName": "FailedInvokeEventCount", "Dimensions": []obj{{"Name": "EventSourceMappingUUID", "Value": "u"}}, "Statistic": "Sum", "Period": 300}),
				named("dlq", obj{"Namespace": "AWS/SQS", "MetricName": "ApproximateNumberOfMessagesVisible", "Dimensions": []obj{{"Name": "QueueName", "Value": "dead"}}, "Statistic": "Maximum", "Period": 300}),
				named("memory", obj{"Namespace": "LambdaInsights", "MetricName": "memory_utilization", "Dimensions": []obj{{"Name": "function_name", "Value": "orders"}}, "Statistic": "Maximum", "Period": 300}),
			}, "CompositeAlarms": []obj{}, "NextToken": "two"}),
			answer(t, obj{"MetricAlarms": []obj{
				named("rate", obj{"Metrics": []obj{stat("m1", "", errs, false), stat("m2", "", metric("AWS/Lambda", "Invocations", "FunctionName", "orders"), false), expression("e1", "100*m1/m2")}}),
				named("far", obj{"Metrics": []obj{stat("m1", "999988887777", errs, true)}}),
				named("band", obj{"Threshold": 0.0, "ThresholdMetricId": "ad1", "Metrics": []obj{stat("m1", "", errs, true), expression("ad1", "ANOMALY_DETECTION_BAND(m1, 2)")}}),
				named("any", obj{"Metrics": []obj{expression("q1", `SELECT MAX(Errors) FROM SCHEMA("AWS/Lambda", FunctionName)`)}}),
			}, "CompositeAlarms": []obj{
				named("both", obj{"AlarmRule": `ALARM("errors") AND NOT OK(arn:aws:cloudwatch:eu-west-1:123456789012:alarm:tail)`, "ActionsSuppressor": "arn:aws:cloudwatch:eu-west-1:123456789012:alarm:maintenance", "Threshold": nil, "EvaluationPeriods": nil, "ComparisonOperator": nil}),
			}}),
		),
		detectorsAction: answer(t, obj{"AnomalyDetectors": []obj{
			{"AnomalyDetectorId": "a1", "StateValue": "TRAINED", "SingleMetricAnomalyDetector": obj{"Namespace": "AWS/Lambda", "MetricName": "Errors", "Stat": "Sum", "Dimensions": errs["Dimensions"]}},
			{"StateValue": "PENDING_TRAINING", "MetricMathAnomalyDetector": obj{"MetricDataQueries": []obj{stat("m1", "", errs, false), expression("e1", "m1*2")}}},
			{"AnomalyDetectorId": "a3", "MetricMathAnomalyDetector": obj{"MetricDataQueries": []obj{stat("m1", "", errs, false), stat("m2", "", metric("AWS/SQS", "X", "QueueName", "q"), false)}}},
		}}),
	})
}

func TestDeclaration(t *testing.T) {
	t.Parallel()
	relations, err := schema.Relations()
	if err != nil {
		t.Fatal(err)
	}
	if err := collect.Validate([]*collect.Collector{Collector}, relations); err != nil {
		t.Error(err)
	}
	cost := Collector.Estimate(collect.Inventory{Accounts: 1, Regions: 1, Functions: 100})
	if cost.Unit != "request" || cost.Units != cost.Calls || cost.Calls < 480 || cost.Calls > 500 {
		t.Errorf("estimate %+v", cost)
	}
}

func TestAlarms(t *testing.T) {
	t.Parallel()
	wire := account(t)
	f := collecttest.New(t, Collector, collecttest.Options{Wire: wire})
	f.Collect(t)
	f.Golden(t, "account")
	f.Secret(t, "secret-4711", nil)
	if body := wire.Requests(alarmsAction)[0]; !strings.Contains(body, "CompositeAlarm") || !strings.Contains(body, "MetricAlarm") {
		t.Errorf("composite alarms are listed only when asked for: %q", body)
	}
	for _, a := range Collector.Actions {
		if wire.Calls(a.Name) == 0 {
			t.Errorf("%s is declared and not called", a.Name)
		}
	}
}

func TestWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		action   string
		answer   collecttest.Answer
		gaps     []string
		complete []string
	}{
		"alarms denied":       {alarmsAction, nil, []string{"alarm_metrics/ denied", "alarms/ denied"}, []string{"anomaly_detectors/"}},
		"detectors denied":    {detectorsAction, nil, []string{"anomaly_detectors/ denied"}, []string{"alarm_metrics/", "alarms/"}},
		"a login page":        {alarmsAction, collecttest.HTML(200), []string{"alarm_metrics/ failed", "alarms/ failed"}, []string{"anomaly_detectors/"}},
		"the same page again": {detectorsAction, answer(t, obj{"AnomalyDetectors": []obj{}, "NextToken": "again"}), []string{"anomaly_detectors/ failed"}, []string{"alarm_metrics/", "alarms/"}},
		"an empty alarm":      {alarmsAction, answer(t, obj{"MetricAlarms": []obj{{}}}), nil, []string{"alarm_metrics/", "alarms/", "anomaly_detectors/"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := collecttest.New(t, Collector, collecttest.Options{Wire: account(t).On(test.action, test.answer)})
			f.Collect(t)
			if diff := cmp.Diff(test.gaps, f.GapList()); diff != "" {
				t.Errorf("gaps (-want +got):\n%s", diff)
			}
			if rows := collecttest.Rows[schema.Alarm](f.Sink); name == "an empty alarm" && len(rows) != 0 {
				t.Errorf("rows %+v", rows)
			}
			for _, g := range f.Gaps() {
				if g.Action != test.action {
					t.Errorf("a gap of %s, want %s", g.Action, test.action)
				}
			}
			if diff := cmp.Diff(test.complete, f.CompletionList()); diff != "" {
				t.Errorf("complete (-want +got):\n%s", diff)
			}
		})
	}
}

// The first page is kept when the second is refused, and is not complete.
func TestPagesThatWereRead(t *testing.T) {
	t.Parallel()
	wire := account(t)
	wire.On(alarmsAction, collecttest.Sequence(
		answer(t, obj{"MetricAlarms": []obj{named("one", nil)}, "NextToken": "two"}), collecttest.Deny(alarmsAction)))
	f := collecttest.New(t, Collector, collecttest.Options{Wire: wire})
	f.Collect(t)
	if rows := collecttest.Rows[schema.Alarm](f.Sink); len(rows) != 1 || slices.Contains(f.CompletionList(), "alarms/") {
		t.Errorf("rows %v, complete %v", rows, f.CompletionList())
	}
}

func TestInsightsQueries(t *testing.T) {
	t.Parallel()
	c := &collection{Run: &collect.Run{Partition: "aws", Region: "eu-west-1", Account: "1"}}
	for text, want := range map[string][]string{
		`SELECT SUM(Errors) FROM "AWS/Lambda"`: {everyFunction, "", "AWS/Lambda", "Errors", "SUM"},
		`select max(Throttles) from schema("AWS/Lambda", FunctionName) group by FunctionName order by max() desc limit 10`:    {everyFunction, "", "AWS/Lambda", "Throttles", "max"},
		`SELECT SUM("Errors") FROM SCHEMA("AWS/Lambda", FunctionName) WHERE FunctionName = 'orders'`:                          {oneFunction, "arn:aws:lambda:eu-west-1:1:function:orders", "AWS/Lambda", "Errors", "SUM"},
		`SELECT SUM(Errors) FROM SCHEMA("AWS/Lambda", FunctionName) WHERE tag.team = 'x' GROUP BY FunctionName`:               {someFunctions, "", "AWS/Lambda", "Errors", "SUM"},
		`SELECT SUM(Errors) FROM SCHEMA("AWS/Lambda", FunctionName) WHERE FunctionName != 'orders'`:                           {someFunctions, "", "AWS/Lambda", "Errors", "SUM"},
		`SELECT SUM(Errors) FROM SCHEMA("AWS/Lambda", FunctionName, Resource)`:                                                {someFunctions, "", "AWS/Lambda", "Errors", "SUM"},
		"SELECT\n AVG(CPUUtilization)\nFROM SCHEMA(\"AWS/EC2\", InstanceId)":                                                  {otherThing, "", "AWS/EC2", "CPUUtilization", "AVG"},
		`SELECT SOMETHING ELSE FROM AWS/Lambda THAT NOBODY KNOWS`:                                                             {someFunctions, "", "", "", ""},
		`SELECT SUM(Errors) FROM SCHEMA("AWS/Lambda", FunctionName) WHERE FunctionName = 'a' AND AWS.AccountId = '2' LIMIT 5`: {someFunctions, "", "AWS/Lambda", "Errors", "SUM"},
	} {
		row := c.insights(schema.AlarmMetric{MetricAccount: "1"}, text, 60)
		if diff := cmp.Diff(want, []string{row.Covers, row.ResourceARN, row.Namespace, row.Metric, row.Stat}); diff != "" {
			t.Errorf("%s (-want +got):\n%s", text, diff)
		}
	}
}

func TestChildren(t *testing.T) {
	t.Parallel()
	for rule, want := range map[string]string{
		`ALARM(cpu) OR (ALARM("disk full") AND NOT OK('net'))`: "cpu,disk full,net",
		`ALARM("arn:aws:cloudwatch:eu-west-1:1:alarm:a:b")`:    "a:b",
		`AT_LEAST(2, ALARM, (one, two, "three"))`:              "one,three,two",
		`AT_LEAST(50%, NOT INSUFFICIENT_DATA, (one, one))`:     "one",
		`TRUE`: "",
		`ALARM("with \"quotes\"") AND ALARM("OK")`: `OK,with "quotes"`,
		``: "",
		"ALARM(a)\n  AND\n  INSUFFICIENT_DATA(arn:aws:cloudwatch:x:1:alarm:b)": "a,b",
	} {
		if got := strings.Join(children(rule), ","); got != want {
			t.Errorf("%s: %s, want %s", rule, got, want)
		}
	}
}

func TestContextAndSinkErrorsEndTheRun(t *testing.T) {
	t.Parallel()
	f := collecttest.New(t, Collector, collecttest.Options{Wire: account(t)})
	full := errors.New("disk full")
	f.Sink.PutErr = full
	if err := Collector.Collect(t.Context(), f.Run); !errors.Is(err, full) || len(f.Gaps()) != 0 {
		t.Errorf("with a full disk: %v, gaps %v", err, f.Gaps())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Collector.Collect(ctx, collecttest.New(t, Collector, collecttest.Options{Wire: account(t)}).Run); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
}
