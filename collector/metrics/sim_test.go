package metrics

import (
	"context"
	"maps"
	"math"
	"net/http/httptest"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// simulated serves a world and gives the options of a run in its first region.
func simulated(t testing.TB, o awssim.Options) (*awssim.Region, collecttest.Options) {
	t.Helper()
	if o.World == nil {
		var err error
		if o.World, err = awssim.Generate(awssim.GenerateOptions{Functions: 60, Days: 16, Now: now}); err != nil {
			t.Fatal(err)
		}
	}
	_, runs := serveAccount(t, o.World, nil, o.Faults, o.Deny...)
	region := o.World.Regions[0]
	options := runs[region.Name]
	options.Now, options.Window = o.World.Now, collect.Window{From: o.World.Start(), To: o.World.Now}
	return region, options
}

// serveAccount serves a world and gives the options of a run in each of its regions.
func serveAccount(t testing.TB, world *awssim.World, now func() time.Time, faults []awssim.Fault, deny ...string) (*awssim.Server, map[string]collecttest.Options) {
	t.Helper()
	server, err := awssim.NewServer(awssim.Options{World: world, Now: now, Faults: faults, Deny: deny, Limits: awssim.Limits{Off: true}})
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(server.Handler())
	t.Cleanup(listener.Close)
	rates, err := collect.Rates(func(string) (float64, error) { return 0.01 / 1000, nil })
	if err != nil {
		t.Fatal(err)
	}
	key := awssim.ExampleCredential()
	runs := map[string]collecttest.Options{}
	for _, region := range world.Regions {
		options := collecttest.Options{
			Account: world.Account, Region: region.Name, Rates: rates,
			AWS: aws.Config{
				BaseEndpoint: aws.String(listener.URL), Region: region.Name,
				Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, ""),
			},
		}
		for _, f := range region.Functions {
			options.Functions = append(options.Functions, schema.Function{
				Account: world.Account, Region: region.Name, FunctionARN: f.ARN, FunctionName: f.Name, Version: "$LATEST", LogGroup: f.LogGroup(), DLQARN: f.DLQARN,
				ReservedConcurrency: reserved(f),
			})
		}
		runs[region.Name] = options
	}
	return server, runs
}

func reserved(f *awssim.Function) *int64 {
	if f.ReservedConcurrency == nil {
		return nil
	}
	n := int64(*f.ReservedConcurrency)
	return &n
}

func simRun(t testing.TB, region *awssim.Region, o collecttest.Options) *collecttest.Fixture {
	t.Helper()
	f := collecttest.New(t, Collector, o)
	f.Resources = func(_ context.Context, kind collect.ResourceKind) ([]string, error) {
		var list []string
		switch kind {
		case collect.QueueResources:
			for _, q := range region.Queues {
				list = append(list, q.ARN)
			}
		case collect.NATGatewayResources:
			for _, n := range region.NATGateways {
				list = append(list, "arn:aws:ec2:"+region.Name+":"+o.Account+":natgateway/"+n.ID)
			}
		case collect.ProvisionedResources:
			for _, f := range region.Functions {
				for _, p := range f.ProvisionedConcurrency {
					list = append(list, p.ARN)
				}
			}
		case collect.RuleResources:
			for _, r := range region.Rules {
				if len(r.Targets) > 0 && r.State == "ENABLED" {
					list = append(list, r.ARN)
				}
			}
		case collect.StreamConsumerResources:
			for _, m := range region.Mappings {
				if strings.Contains(m.SourceARN, ":kinesis:") || strings.Contains(m.SourceARN, ":dynamodb:") {
					list = append(list, m.FunctionARN)
				}
			}
		}
		return list, nil
	}
	return f
}

// Against the simulated account every statistic of every function is what the
// account says it is, point by point, and nothing is left unread.
func TestSimulatedAccount(t *testing.T) {
	t.Parallel()
	region, o := simulated(t, awssim.Options{})
	f := simRun(t, region, o)
	f.Collect(t)
	if len(f.Gaps()) != 0 {
		t.Fatalf("gaps: %v", gaps(f))
	}
	type key struct{ resource, metric, stat string }
	stored, minutes := map[key]map[time.Time]float64{}, map[string]int{}
	for _, row := range f.Sink.All() {
		p, ok := row.(schema.MetricPoint)
		k := key{p.Resource, p.Metric, p.Stat}
		switch {
		case !ok:
		case p.PeriodS != 3600:
			minutes[p.Resource+" "+p.Metric]++
		case p.Qualifier == "":
			if stored[k] == nil {
				stored[k] = map[time.Time]float64{}
			}
			stored[k][p.TS] = p.Value
		}
	}
	compared, throttled := 0, 0
	for _, fn := range region.Functions {
		for _, s := range slices.Concat(firstStage, secondStage, asyncArrival, asyncStage) {
			want := map[time.Time]float64{}
			for _, d := range region.Datapoints(awssim.MetricQuery{
				Namespace: lambda, Metric: s.metric, Dims: map[string]string{"FunctionName": fn.Name}, Stat: s.stat, From: o.Window.From, To: o.Window.To, Period: hour,
			}) {
				want[d.Time.UTC()] = d.Value
				if s.metric == "Throttles" && d.Value > 0 && o.Now.Sub(d.Time) < minuteRetention {
					throttled++
				}
			}
			got := stored[key{fn.ARN, s.metric, s.stat}]
			compared += len(want)
			if !maps.EqualFunc(want, got, func(a, b float64) bool { return math.Abs(a-b) <= 1e-9*max(1, math.Abs(a)) }) {
				t.Errorf("%s %s %s: %d points stored, the account has %d", fn.Name, s.metric, s.stat, len(got), len(want))
			}
		}
	}
	if compared < 10_000 || throttled == 0 {
		t.Errorf("only %d points and %d throttled hours compared", compared, throttled)
	}
	if minutes[" ClaimedAccountConcurrency"] == 0 {
		t.Error("the region's claimed concurrency was not read by the minute")
	}
	resources := map[string]bool{}
	for k := range stored {
		resources[k.metric] = true
	}
	for _, s := range slices.Concat(regionMetrics, queueMetrics, natMetrics, logGroupMetrics) {
		if !resources[s.metric] {
			t.Errorf("no points of %s", s.metric)
		}
	}
}

// A call that fails for good costs what was asked in it; the next run reads it.
func TestSimulatedFaults(t *testing.T) {
	t.Parallel()
	for _, kind := range []awssim.FaultKind{awssim.FaultHTML500, awssim.FaultTruncate, awssim.FaultMalform, awssim.FaultReset, awssim.FaultServerError} {
		t.Run(string(kind), func(t *testing.T) {
			t.Parallel()
			world, err := awssim.Generate(awssim.GenerateOptions{Functions: 20, Days: 7, Now: now})
			if err != nil {
				t.Fatal(err)
			}
			region, o := simulated(t, awssim.Options{World: world, Faults: []awssim.Fault{
				{Service: "monitoring", Operation: "GetMetricData", Nth: 1, Count: 4, Kind: kind}, // the first call and all its retries
			}})
			f := simRun(t, region, o)
			f.Collect(t)
			if len(f.Gaps()) == 0 || len(f.Completions()) != 0 {
				t.Fatalf("%d gaps, %d completions", len(f.Gaps()), len(f.Completions()))
			}
			o.State = f.State.Values()
			again := simRun(t, region, o)
			again.Collect(t)
			if len(again.Gaps()) != 0 || len(again.Completions()) == 0 {
				t.Errorf("the next run: %v", gaps(again))
			}
		})
	}
}

// The simulated account refuses as IAM does.
func TestSimulatedDenial(t *testing.T) {
	t.Parallel()
	region, o := simulated(t, awssim.Options{Deny: []string{"cloudwatch:GetMetricData"}})
	f := simRun(t, region, o)
	f.Collect(t)
	if got := f.Gaps(); len(got) != 1 || got[0].Outcome != "denied" || got[0].Action != action {
		t.Errorf("gaps: %+v", got)
	}
}
