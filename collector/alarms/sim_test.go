package alarms

import (
	"net/http/httptest"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect"
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

// The ledger has what CloudWatch charges for: each request, once.
func TestLedgerIsTheBill(t *testing.T) {
	t.Parallel()
	world, err := awssim.Generate(awssim.GenerateOptions{Functions: 300, Days: 1, Now: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	server, err := awssim.NewServer(awssim.Options{World: world, Limits: awssim.Limits{Off: true}})
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(server.Handler())
	t.Cleanup(listener.Close)
	key := awssim.ExampleCredential()
	f := collecttest.New(t, Collector, collecttest.Options{
		Account: world.Account, Region: world.Regions[0].Name, Now: world.Now, Rates: []collect.Rate{{Service: "cloudwatch", Unit: "request", USD: 0.00001}},
		AWS: aws.Config{BaseEndpoint: aws.String(listener.URL), Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, "")},
	})
	f.Collect(t)
	for _, call := range f.Meter.Ledger(f.Run) {
		billed := server.Calls().Operation("monitoring", call.Operation)
		if call.Units != billed.Billed || call.Units == 0 || call.Unit != billed.BilledUnit || call.USD != call.Units*0.00001 {
			t.Errorf("%s: the ledger has %v %ss, $%v; billed are %v %ss", call.Operation, call.Units, call.Unit, call.USD, billed.Billed, billed.BilledUnit)
		}
	}
	if alarms := server.Calls().Operation("monitoring", "DescribeAlarms"); alarms.Calls < 2 {
		t.Errorf("%d pages of alarms", alarms.Calls)
	}
}
