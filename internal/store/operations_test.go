package store_test

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/schema"
	"github.com/faaswarden/faaswarden/internal/store"
	"github.com/faaswarden/faaswarden/internal/store/storetest"
)

// operated is an account with three functions, of which alarms cover each in
// another way.
func operated(t *testing.T) *store.Store {
	t.Helper()
	s := storetest.Open(t)
	now := daysAgo(1)
	base := schema.Function{Account: "1", Region: "r", Version: "$LATEST", LastModified: now, CollectedAt: now}
	function := func(name, packaging string, change func(*schema.Function)) schema.Row {
		f := base
		f.FunctionARN, f.FunctionName, f.PackageType = "fn:"+name, name, packaging
		if change != nil {
			change(&f)
		}
		return f
	}
	put(t, s,
		function("a", "Zip", func(f *schema.Function) { f.DLQARN = "queue:dead" }),
		function("b", "Zip", func(f *schema.Function) {
			f.Layers = []string{"arn:aws:lambda:r:580247275435:layer:LambdaInsightsExtension:53"}
		}),
		function("c", "Image", nil),
		function("b", "Zip", func(f *schema.Function) { f.Version = "3" }),
		schema.EventInvokeConfig{Account: "1", Region: "r", FunctionARN: "fn:b", OnFailureARN: "queue:dead", CollectedAt: now},
	)
	alarm := func(name, kind string, children ...string) schema.Row {
		return schema.Alarm{
			Account: "1", Region: "r", AlarmARN: "alarm:" + name, AlarmName: name, Kind: kind, Children: children, State: "OK",
			ActionsEnabled: name != "mute", AlarmActions: []string{"topic"}, CollectedAt: now,
		}
	}
	metric := func(name, id, metric, covers, resource string) schema.Row {
		return schema.AlarmMetric{
			Account: "1", Region: "r", AlarmARN: "alarm:" + name, MetricID: id, Namespace: "N", Metric: metric, Covers: covers, ResourceARN: resource, MetricAccount: "1", CollectedAt: now,
		}
	}
	put(t, s,
		alarm("errors", "metric"), metric("errors", "", "Errors", "function", "fn:a"),
		alarm("mute", "metric_math"), metric("mute", "m1", "Errors", "function", "fn:b"), metric("mute", "m2", "Invocations", "function", "fn:b"),
		alarm("all", "metrics_insights"), metric("all", "q1", "Throttles", "every_function", ""),
		alarm("dead", "metric"), metric("dead", "", "ApproximateNumberOfMessagesVisible", "other", "queue:dead"),
		alarm("lines", "metric"), metric("lines", "", "error-lines", "other", ""),
		alarm("either", "composite", "errors", "gone"),
		alarm("unrelated", "metric"), metric("unrelated", "", "CPUUtilization", "other", ""),
	)
	group := func(name string, functions ...string) schema.Row {
		return schema.LogGroup{Account: "1", Region: "r", LogGroupName: name, Functions: functions, CreatedAt: now, CollectedAt: now}
	}
	put(t, s,
		group("/aws/lambda/c", "fn:c"), group("/aws/lambda/orphan"),
		schema.LogMetricFilter{Account: "1", Region: "r", LogGroupName: "/aws/lambda/c", FilterName: "f", MetricNamespace: "N", MetricName: "error-lines", CollectedAt: now},
		schema.LogSubscription{Account: "1", Region: "r", LogGroupName: "/aws/lambda/c", FilterNames: []string{"central"}, CollectedAt: now.Add(-30 * 24 * time.Hour)},
		schema.LogSubscription{Account: "1", Region: "r", LogGroupName: "/aws/lambda/deleted", CollectedAt: now},
	)
	return s
}

// An alarm covers a function by its metric, by being of every function, by the
// queue its failures go to, by its log group, or through a composite alarm.
func TestFunctionAlarms(t *testing.T) {
	s := operated(t)
	type row struct {
		Text string `ch:"text"`
	}
	sql := "SELECT concat(function_arn, ' ', signal, ' ', through, ' ', alarm_name, if(acts, '', ' mute')) AS text FROM function_alarms ORDER BY text"
	var got []string
	for _, r := range rowsOf[row](t, s, sql) {
		got = append(got, r.Text)
	}
	want := []string{
		"fn:a Errors composite either",
		"fn:a Errors function errors",
		"fn:a Throttles every_function all",
		"fn:a dead_letter_queue queue dead",
		"fn:b Errors function mute mute",
		"fn:b Invocations function mute mute",
		"fn:b Throttles every_function all",
		"fn:b dead_letter_queue queue dead",
		"fn:c Throttles every_function all",
		"fn:c log_filter log_group lines",
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("function_alarms (-want +got):\n%s", diff)
	}
}

// Images may hold the extension where nobody sees it; subscriptions are of the
// groups that there are, however long ago they were asked about.
func TestInsightsAndSubscriptions(t *testing.T) {
	s := operated(t)
	type row struct {
		Text string `ch:"text"`
	}
	for sql, want := range map[string][]string{
		"SELECT concat(function_arn, ' ', insights) AS text FROM function_insights ORDER BY text":                                       {"fn:a off", "fn:b on", "fn:c unknown"},
		"SELECT concat(log_group_name, ' ', arrayStringConcat(filter_names, ',')) AS text FROM log_subscriptions_current ORDER BY text": {"/aws/lambda/c central"},
	} {
		var got []string
		for _, r := range rowsOf[row](t, s, sql) {
			got = append(got, r.Text)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", sql, diff)
		}
	}
}
