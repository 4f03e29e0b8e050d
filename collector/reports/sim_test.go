package reports

import (
	"fmt"
	"math"
	"net/http/httptest"
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

// simulated serves a world and gives a run in its first region.
func simulated(t testing.TB, functions int, o awssim.Options) (*awssim.Region, collecttest.Options) {
	t.Helper()
	world, err := awssim.Generate(awssim.GenerateOptions{Functions: functions, Days: 2, Now: today()})
	if err != nil {
		t.Fatal(err)
	}
	o.World, o.Limits = world, awssim.Limits{Off: true}
	server, err := awssim.NewServer(o)
	if err != nil {
		t.Fatal(err)
	}
	listener := httptest.NewServer(server.Handler())
	t.Cleanup(listener.Close)
	region := world.Regions[0]
	key := awssim.ExampleCredential()
	options := collecttest.Options{
		Account: world.Account, Region: region.Name, Now: world.Now, Window: collect.Window{From: world.Start(), To: world.Now},
		AWS: aws.Config{
			BaseEndpoint: aws.String(listener.URL), Region: region.Name,
			Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, ""),
		},
	}
	for _, f := range region.Functions {
		options.Functions = append(options.Functions, schema.Function{
			Account: world.Account, Region: region.Name, FunctionARN: f.ARN, FunctionName: f.Name, Version: "$LATEST",
			LogGroup: f.LogGroup(), LogFormat: f.Logging.Format, Architecture: f.Architecture,
		})
	}
	return region, options
}

// tally is what a day's lines add up to.
type tally struct {
	invocations, duration, billed, squares, used, inits, initMS, timeouts, full float64
	restored                                                                    bool
	billedInits, unbilledInits                                                  int
}

func (a tally) near(b tally) bool {
	same := func(x, y float64) bool { return math.Abs(x-y) <= 1e-3+1e-6*math.Abs(x) } // Insights shows four decimals
	return same(a.invocations, b.invocations) && same(a.duration, b.duration) && same(a.billed, b.billed) && same(a.squares, b.squares) &&
		same(a.used, b.used) && same(a.inits, b.inits) && same(a.initMS, b.initMS) && same(a.timeouts, b.timeouts) && same(a.full, b.full) && a.restored == b.restored
}

// The rows agree with the account's own lines, read by the parser one by one.
func TestSimulatedAccount(t *testing.T) {
	t.Parallel()
	region, o := simulated(t, 240, awssim.Options{})
	f := collecttest.New(t, Collector, o)
	f.Collect(t)
	if len(f.Gaps()) != 0 {
		t.Fatalf("gaps: %v", gaps(f))
	}
	want := map[string]tally{}
	shared, inJSON := 0, 0
	for _, group := range region.LogGroups() {
		for line := range region.ReportLines(group.Name, o.Window.From, o.Window.To) {
			r, err := ParseReport(line.Text())
			if err != nil {
				t.Fatalf("%q: %v", line.Text(), err)
			}
			fn := region.Function(line.FunctionName)
			if !strings.HasSuffix(group.Name, "/"+line.FunctionName) {
				shared++
			}
			if line.JSON {
				inJSON++
			}
			key := fmt.Sprintf("%s %s %g %s", fn.ARN, line.Version, r.MemoryMB, line.Time.UTC().Format(time.DateOnly))
			a, n := want[key], float64(line.Weight)
			a.invocations += n
			a.duration += n * r.DurationMS
			a.billed += n * r.BilledMS
			a.squares += n * r.BilledMS * r.BilledMS
			a.used = max(a.used, r.MaxUsedMB)
			a.restored = a.restored || r.RestoreMS != nil
			if r.InitMS != nil {
				a.inits += n
				a.initMS += n * *r.InitMS
				switch billed, known := r.InitBilled(); {
				case billed:
					a.billedInits++
				case known:
					a.unbilledInits++
				}
			}
			if r.Status == "timeout" {
				a.timeouts += n
			}
			if r.MaxUsedMB >= r.MemoryMB {
				a.full += n
			}
			want[key] = a
		}
	}
	for _, row := range collecttest.Rows[schema.ReportDay](f.Sink) {
		key := fmt.Sprintf("%s %s %d %s", row.FunctionARN, row.Version, row.MemoryMB, row.Day.Format(time.DateOnly))
		a, known := want[key]
		got := tally{
			invocations: float64(row.Invocations), duration: row.DurationMSSum, billed: row.BilledMSSum, squares: row.BilledMSSumSq, used: row.UsedMBMax,
			inits: float64(row.InitCount), initMS: row.InitMSSum, timeouts: float64(row.Timeouts), full: float64(row.AtMemoryLimit), restored: row.Snapstart,
		}
		if !known || !a.near(got) {
			t.Errorf("%s\nrow   %+v\nlines %+v", key, got, a)
		}
		if row.InitBilled != nil && (*row.InitBilled && a.unbilledInits > 0 || !*row.InitBilled && a.billedInits > 0) {
			t.Errorf("%s: init billed %v, lines say %d billed and %d not", key, *row.InitBilled, a.billedInits, a.unbilledInits)
		}
		if row.InitBilled == nil && a.billedInits+a.unbilledInits > 0 {
			t.Errorf("%s: not known whether %g inits were billed", key, a.inits)
		}
		if row.SampleRequestID == "" || row.UsedMBP999 > row.UsedMBMax || row.UsedMBP50 > row.UsedMBP99 {
			t.Errorf("%s: %+v", key, row)
		}
		delete(want, key)
	}
	for key := range want {
		t.Errorf("no row for %s", key)
	}
	if inJSON == 0 || shared == 0 {
		t.Errorf("%d lines in JSON and %d in shared groups: the account shows neither or one of them", inJSON, shared)
	}
}

// Queries that fail are gaps of their functions; the next run reads them.
func TestSimulatedFaults(t *testing.T) {
	t.Parallel()
	for _, fault := range []awssim.Fault{
		{Operation: "GetQueryResults", Nth: 1, Count: 4, Kind: awssim.FaultTruncate},
		{Operation: "StartQuery", Nth: 1, Count: 4, Kind: awssim.FaultServerError},
		{Operation: "DescribeLogGroups", Nth: 1, Count: 4, Kind: awssim.FaultHTML500},
	} {
		t.Run(fault.Operation, func(t *testing.T) {
			t.Parallel()
			fault.Service = "logs"
			_, o := simulated(t, 20, awssim.Options{Faults: []awssim.Fault{fault}})
			o.Params = map[string]any{"concurrency": int64(1)}
			f := collecttest.New(t, Collector, o)
			f.Collect(t)
			if len(f.Gaps()) == 0 || len(f.Completions()) != 0 || f.Gaps()[0].Action != "logs:"+fault.Operation {
				t.Fatalf("%d completions, gaps %v", len(f.Completions()), gaps(f))
			}
			o.State = f.State.Values()
			again := collecttest.New(t, Collector, o)
			again.Collect(t)
			if len(again.Gaps()) != 0 || len(again.Completions()) != 1 {
				t.Errorf("the next run: %v", gaps(again))
			}
		})
	}
}

func TestSimulatedDenial(t *testing.T) {
	t.Parallel()
	_, o := simulated(t, 20, awssim.Options{Deny: []string{"logs:StartQuery"}})
	f := collecttest.New(t, Collector, o)
	f.Collect(t)
	if len(f.Sink.All()) != 0 || len(f.Gaps()) == 0 {
		t.Fatalf("%d rows, gaps %v", len(f.Sink.All()), gaps(f))
	}
	for _, g := range f.Gaps() {
		if g.Outcome != "denied" || g.Action != startAction {
			t.Errorf("gap %+v", g)
		}
	}
}
