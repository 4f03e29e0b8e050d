package metrics

import (
	"context"
	"fmt"
	"maps"
	"net/http/httptest"
	"slices"
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

const (
	sharing  = "222222222222" // shares its metrics with the monitoring account
	logsOnly = "333333333333" // shares its log groups alone
)

// monitored serves a monitoring account and two that are linked to it, and a
// further twelve links, so that they take more than one page.
func monitored(t *testing.T, deny ...string) (*awssim.Server, map[string]*awssim.Region, collecttest.Options) {
	t.Helper()
	regions := map[string]*awssim.Region{}
	generate := func(account string, seed int64) *awssim.World {
		w, err := awssim.Generate(awssim.GenerateOptions{Account: account, Seed: seed, Functions: 10, Days: 1, Now: now})
		if err != nil {
			t.Fatal(err)
		}
		regions[account] = w.Regions[0]
		return w
	}
	world := generate("123456789012", 1)
	for i := range 12 {
		world.Sources = append(world.Sources, awssim.Source{Account: fmt.Sprintf("44444444%04d", i), Shares: []string{"AWS::XRay::Trace"}})
	}
	world.Sources = append(world.Sources,
		awssim.Source{Account: logsOnly, Shares: []string{"AWS::Logs::LogGroup"}},
		awssim.Source{Account: sharing, Shares: []string{"AWS::Logs::LogGroup", awssim.MetricLink}})
	server, err := awssim.NewServer(awssim.Options{
		World: world, Members: []*awssim.World{generate(sharing, 2), generate(logsOnly, 3)}, Limits: awssim.Limits{Off: true}, Deny: deny,
	})
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(server.Handler())
	t.Cleanup(listener.Close)
	key := awssim.ExampleCredential()
	o := collecttest.Options{
		Region: world.Regions[0].Name, Now: now, Window: collect.Window{From: now.Add(-day), To: now},
		Params: map[string]any{"linked_accounts": true},
		AWS: aws.Config{
			BaseEndpoint: aws.String(listener.URL), Region: world.Regions[0].Name,
			Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, ""),
		},
	}
	return server, regions, o
}

// accountsRead counts points of Invocations by account.
func accountsRead(f *collecttest.Fixture) map[string]int {
	read := map[string]int{}
	for _, p := range collecttest.Rows[schema.MetricPoint](f.Sink) {
		if p.Metric == "Invocations" && strings.Contains(p.Resource, ":"+p.Account+":") {
			read[p.Account]++
		}
	}
	return read
}

func inStore(regions map[string]*awssim.Region) func(context.Context, collect.ResourceKind) ([]string, error) {
	return func(_ context.Context, kind collect.ResourceKind) ([]string, error) {
		var list []string
		if kind == collect.LinkedFunctionResources {
			for _, account := range []string{sharing, logsOnly} {
				for _, f := range regions[account].Functions {
					list = append(list, f.ARN)
				}
			}
		}
		return list, nil
	}
}

// One monitoring account reads the metrics of the accounts that share them with
// it; the rows are theirs, point by point.
func TestMonitoringAccountReadsLinkedAccounts(t *testing.T) {
	t.Parallel()
	_, regions, o := monitored(t)
	f := collecttest.New(t, Collector, o)
	f.Resources = inStore(regions)
	f.Collect(t)
	if len(f.Gaps()) != 0 {
		t.Fatalf("gaps: %+v", f.Gaps())
	}
	got := map[string]map[time.Time]float64{}
	concurrency := 0
	for _, p := range collecttest.Rows[schema.MetricPoint](f.Sink) {
		if p.Account != sharing || p.PeriodS != 3600 {
			continue
		}
		if p.Metric == "ClaimedAccountConcurrency" {
			concurrency++
		}
		if p.Metric == "Invocations" {
			if got[p.Resource] == nil {
				got[p.Resource] = map[time.Time]float64{}
			}
			got[p.Resource][p.TS] = p.Value
		}
	}
	compared := 0
	for _, fn := range regions[sharing].Functions {
		want := map[time.Time]float64{}
		for _, d := range regions[sharing].Datapoints(awssim.MetricQuery{
			Namespace: lambda, Metric: "Invocations", Dims: map[string]string{"FunctionName": fn.Name}, Stat: "Sum",
			From: o.Window.From, To: o.Window.To, Period: hour,
		}) {
			want[d.Time.UTC()] = d.Value
		}
		compared += len(want)
		if !maps.Equal(want, got[fn.ARN]) {
			t.Errorf("%s: %d points stored, its account has %d", fn.ARN, len(got[fn.ARN]), len(want))
		}
	}
	if compared < 24 || concurrency == 0 {
		t.Errorf("only %d points compared, %d of the account's concurrency", compared, concurrency)
	}
	if read := accountsRead(f); read[logsOnly] != 0 {
		t.Errorf("read %d points of an account that shares no metrics", read[logsOnly])
	}
}

// Named accounts need no permission to list links; their own runs read nothing,
// which would be paid for twice.
func TestNamedSourceAccounts(t *testing.T) {
	t.Parallel()
	server, regions, o := monitored(t)
	o.Params = map[string]any{"source_accounts": []string{sharing}, "monitoring_account": "123456789012"}
	f := collecttest.New(t, Collector, o)
	f.Resources = inStore(regions)
	f.Collect(t)
	if read := accountsRead(f); len(f.Gaps()) != 0 || read[sharing] == 0 {
		t.Errorf("read %v, gaps %v", read, gaps(f))
	}
	if n := server.Calls().Operation("oam", "ListSinks").Calls; n != 0 {
		t.Errorf("%d calls to list sinks", n)
	}
	before := server.Calls().Operation("monitoring", "GetMetricData").Calls
	o.Account = sharing
	for _, fn := range regions[sharing].Functions {
		o.Functions = append(o.Functions, schema.Function{Account: sharing, FunctionARN: fn.ARN, FunctionName: fn.Name})
	}
	own := collecttest.New(t, Collector, o)
	own.Collect(t)
	if n := server.Calls().Operation("monitoring", "GetMetricData").Calls; n != before || len(own.Sink.All()) != 0 {
		t.Errorf("the source account's own run made %d calls and wrote %d rows", n-before, len(own.Sink.All()))
	}
}

// A link that is not there costs the queries of that account, and says so.
func TestAccountThatIsNotLinked(t *testing.T) {
	t.Parallel()
	_, regions, o := monitored(t)
	o.Params = map[string]any{"source_accounts": []string{logsOnly}}
	f := collecttest.New(t, Collector, o)
	f.Resources = inStore(regions)
	f.Collect(t)
	if len(f.Gaps()) == 0 || len(f.Completions()) != 0 || accountsRead(f)[logsOnly] != 0 {
		t.Errorf("gaps %v, completions %v, read %v", gaps(f), f.Completions(), accountsRead(f))
	}
}

func TestLinksCannotBeListed(t *testing.T) {
	t.Parallel()
	for _, denied := range []string{listSinks, listAttachedLinks} {
		_, regions, o := monitored(t, denied)
		o.Params["source_accounts"] = []string{sharing}
		f := collecttest.New(t, Collector, o)
		f.Resources = inStore(regions)
		f.Collect(t)
		want := []string{"metric_points linked_accounts arn:aws:lambda:" + o.Region + ":123456789012:* denied"}
		if diff := cmp.Diff(want, rawGaps(f)); diff != "" {
			t.Errorf("%s denied: gaps (-want +got):\n%s", denied, diff)
		}
		if got := f.Gaps(); len(got) == 1 && got[0].Action != denied {
			t.Errorf("the gap names %s", got[0].Action)
		}
		if accountsRead(f)[sharing] == 0 {
			t.Errorf("%s denied: the named account was not read either", denied)
		}
	}
}

// An account that monitors none has no sink, which is an answer and no gap.
func TestNoSink(t *testing.T) {
	t.Parallel()
	region, o := simulated(t, awssim.Options{})
	o.Params = map[string]any{"linked_accounts": true}
	f := simRun(t, region, o)
	f.Collect(t)
	if len(f.Gaps()) != 0 || len(f.Completions()) == 0 {
		t.Errorf("gaps %v", gaps(f))
	}
}

func TestAccountIDsAreChecked(t *testing.T) {
	t.Parallel()
	for _, params := range []map[string]any{
		{"source_accounts": []string{"12345"}}, {"monitoring_account": "prod"}, {"source_accounts": []string{"12345678901x"}},
	} {
		o := options("busy")
		o.Params = params
		f := newRun(t, &cloudWatch{value: constant}, o)
		if err := Collector.Collect(t.Context(), f.Run); err == nil || !strings.Contains(err.Error(), "twelve digits") {
			t.Errorf("%v: %v", params, err)
		}
	}
	if !slices.ContainsFunc(Collector.Actions, func(a collect.Action) bool { return a.Name == listSinks && a.With == "linked_accounts" }) {
		t.Error("listing links is asked for without need")
	}
}
