package alarms

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// What is stored is what the region has, and covers what it was made to cover.
func TestSimulatedAccount(t *testing.T) {
	t.Parallel()
	account := collecttest.Simulate(t, awssim.Options{})
	region := account.World.Regions[0]
	f := account.Run(t, Collector, collecttest.Options{Region: region.Name})
	f.Collect(t)
	f.NotThrottled(t)
	if len(f.Gaps()) != 0 || len(f.Completions()) != 3 {
		t.Fatalf("gaps %v, complete %v", f.GapList(), f.CompletionList())
	}
	want, got := map[string][]string{}, map[string][]string{}
	for _, a := range region.Alarms {
		want[a.Name] = append(want[a.Name], a.State)
		covered := []*awssim.AlarmMetric{a.Metric}
		for _, q := range a.Queries {
			covered = append(covered, q.Metric)
			if strings.HasPrefix(q.Expression, "SELECT") {
				want[a.Name] = append(want[a.Name], everyFunction)
			}
		}
		for _, m := range covered {
			switch {
			case m == nil:
			case m.Dims["FunctionName"] != "":
				want[a.Name] = append(want[a.Name], region.Function(m.Dims["FunctionName"]).ARN)
			case m.Dims["QueueName"] != "":
				want[a.Name] = append(want[a.Name], m.Dims["QueueName"])
			case m.Namespace == "AWS/Lambda":
				want[a.Name] = append(want[a.Name], everyFunction)
			default:
				want[a.Name] = append(want[a.Name], otherThing)
			}
		}
	}
	names := map[string]string{}
	for _, row := range collecttest.Rows[schema.Alarm](f.Sink) {
		names[row.AlarmARN] = row.AlarmName
		got[row.AlarmName] = append(got[row.AlarmName], row.State)
		if row.Kind == compositeKind && len(row.Children) != 2 {
			t.Errorf("%s refers to %v", row.AlarmName, row.Children)
		}
	}
	for _, row := range collecttest.Rows[schema.AlarmMetric](f.Sink) {
		name := names[row.AlarmARN]
		switch {
		case row.Covers == oneFunction:
			got[name] = append(got[name], row.ResourceARN)
		case row.ResourceARN != "":
			got[name] = append(got[name], row.ResourceARN[strings.LastIndex(row.ResourceARN, ":")+1:])
		default:
			got[name] = append(got[name], row.Covers)
		}
	}
	if diff := cmp.Diff(want, got); diff != "" || len(want) < 20 {
		t.Errorf("%d alarms (-want +got):\n%s", len(want), diff)
	}
	if n := len(collecttest.Rows[schema.AnomalyDetector](f.Sink)); n != len(region.AnomalyDetectors) {
		t.Errorf("%d detectors, want %d", n, len(region.AnomalyDetectors))
	}
}

func TestSimulatedDenial(t *testing.T) {
	t.Parallel()
	account := collecttest.Simulate(t, awssim.Options{Deny: []string{alarmsAction}})
	f := account.Run(t, Collector, collecttest.Options{Region: account.World.Regions[0].Name})
	f.Collect(t)
	if diff := cmp.Diff([]string{"alarm_metrics/ denied", "alarms/ denied"}, f.GapList()); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
}
