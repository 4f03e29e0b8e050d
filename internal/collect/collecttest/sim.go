package collecttest

import (
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect"
)

// simulatedFactor multiplies the simulated account's quotas and the limiter's,
// so that a test shows the two to agree and still ends within a second or two.
const simulatedFactor = 20

// Account is a simulated or recorded account that tests collect from.
type Account struct {
	World    *awssim.World // nil for a recording
	server   *awssim.Server
	endpoint string
}

// Simulate starts a simulated account with every kind of fault planted: 120
// functions in two regions. o may deny actions and inject faults. All tests of
// a package share one world, which only they could change.
func Simulate(t testing.TB, o awssim.Options) *Account {
	t.Helper()
	world, err := sharedWorld()
	if err != nil {
		t.Fatal(err)
	}
	o.World = world
	return start(t, o)
}

var sharedWorld = sync.OnceValues(func() (*awssim.World, error) {
	return awssim.Generate(awssim.GenerateOptions{Functions: 120, Days: 1, Now: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)})
})

// Replay starts an account that answers from a folder of recorded responses
// and denies what was not recorded.
func Replay(t testing.TB, dir string) *Account {
	t.Helper()
	recording, err := awssim.LoadRecording(dir)
	if err != nil {
		t.Fatal(err)
	}
	return start(t, awssim.Options{Recording: recording})
}

func start(t testing.TB, o awssim.Options) *Account {
	t.Helper()
	o.Limits.Factor = simulatedFactor
	server, err := awssim.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	endpoint, err := server.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Errorf("close the simulated account: %v", err)
		}
	})
	return &Account{World: o.World, server: server, endpoint: endpoint}
}

// Run is a run against the account, within half of its quotas.
func (a *Account) Run(t testing.TB, c *collect.Collector, o Options) *Fixture {
	t.Helper()
	key := awssim.ExampleCredential()
	o.AWS = aws.Config{Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, key.SessionToken)}
	o.Endpoint = a.endpoint
	if a.World != nil {
		o.Account, o.Now = a.World.Account, a.World.Now
	}
	o.Limiter = collect.NewLimiter(collect.LimiterOptions{Factor: simulatedFactor})
	return New(t, c, o)
}

// NotThrottled fails the test when AWS refused any of the run's requests for rate.
func (f *Fixture) NotThrottled(t testing.TB) {
	t.Helper()
	for _, call := range f.Meter.Ledger(f.Run) {
		if call.Throttles > 0 {
			t.Errorf("%s:%s was throttled in %d of %d calls", call.Service, call.Operation, call.Throttles, call.Calls)
		}
	}
}

// Month is a simulated account of 120 functions in the third week of November,
// with three weeks of history: enough for forecasts, budgets and anomalies.
// Tests share it and must not change it.
func Month(t testing.TB) *awssim.World {
	t.Helper()
	world, err := sharedMonth()
	if err != nil {
		t.Fatal(err)
	}
	return world
}

var sharedMonth = sync.OnceValues(func() (*awssim.World, error) {
	return awssim.Generate(awssim.GenerateOptions{Functions: 120, Days: 21, Now: time.Date(2026, 11, 22, 0, 0, 0, 0, time.UTC)})
})

// Serve starts the simulated account of o.World.
func Serve(t testing.TB, o awssim.Options) *Account {
	t.Helper()
	return start(t, o)
}

// SameLedger fails the test unless what the runs metered is what the account
// counted and billed, for every operation that either knows of. The account
// must have been asked by these runs alone.
func (a *Account) SameLedger(t testing.TB, runs ...*Fixture) {
	t.Helper()
	type line struct{ calls, units float64 }
	metered, counted := map[string]line{}, map[string]line{}
	for _, f := range runs {
		for _, call := range f.Meter.Ledger(f.Run) {
			l := metered[call.Service+":"+call.Operation]
			metered[call.Service+":"+call.Operation] = line{l.calls + float64(call.Calls), l.units + call.Units}
		}
	}
	for _, record := range a.server.Calls().Calls {
		name := collect.ServiceName(record.Service) + ":" + record.Operation
		counted[name] = line{counted[name].calls + float64(record.Calls), counted[name].units + record.Billed}
	}
	if len(counted) == 0 {
		t.Error("the account was asked nothing")
	}
	if diff := cmp.Diff(counted, metered, cmp.AllowUnexported(line{})); diff != "" {
		t.Errorf("calls and billed units (-as the account counted +as metered):\n%s", diff)
	}
}

// PageRates price Cost Explorer's pages and nothing else.
func PageRates() []collect.Rate {
	return []collect.Rate{{Item: "api.ce.page", Service: "ce", Unit: "page", USD: 0.01}}
}
