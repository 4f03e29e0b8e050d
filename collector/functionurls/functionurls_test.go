package functionurls

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

const arnPrefix = "arn:aws:lambda:eu-west-1:123456789012:function:"

func functions() []schema.Function {
	var list []schema.Function
	for _, name := range []string{"gone", "none", "open"} {
		list = append(list, schema.Function{FunctionARN: arnPrefix + name, FunctionName: name})
	}
	return list
}

// account answers for a function with two URLs on two pages, one without, and
// one that was deleted since.
func account() *collecttest.Wire {
	return collecttest.NewWire(map[string]collecttest.Answer{action: collecttest.Select(map[string]collecttest.Answer{
		"/open": collecttest.Body(`{"NextMarker":"n","FunctionUrlConfigs":[{"FunctionUrl":"https://a.lambda-url.eu-west-1.on.aws/","FunctionArn":"` + arnPrefix + `open","AuthType":"AWS_IAM",
			"CreationTime":"2026-01-02T03:04:05.678901Z","LastModifiedTime":"2026-02-02T03:04:05.678901Z"}]}`),
		"Marker=n": collecttest.Body(`{"FunctionUrlConfigs":[{"FunctionUrl":"https://b.lambda-url.eu-west-1.on.aws/","FunctionArn":"` + arnPrefix + `open:live","AuthType":"NONE","InvokeMode":"RESPONSE_STREAM",
			"CreationTime":"2026-01-02T03:04:05Z","LastModifiedTime":"nonsense","Cors":{"AllowCredentials":true,"AllowOrigins":["*"],"AllowMethods":["GET","*"],"AllowHeaders":["x"],"ExposeHeaders":["y"],"MaxAge":0}}]}`),
		"/none": collecttest.Body(`{"FunctionUrlConfigs":[]}`),
		"/gone": collecttest.Fail("lambda", 404, "ResourceNotFoundException", "Function not found"),
	}, nil)})
}

func TestDeclaration(t *testing.T) {
	t.Parallel()
	relations, err := schema.Relations()
	if err != nil {
		t.Fatal(err)
	}
	alone := *Collector
	alone.Reads = nil
	if err := collect.Validate([]*collect.Collector{&alone}, relations); err != nil {
		t.Error(err)
	}
}

func TestAccount(t *testing.T) {
	t.Parallel()
	f := collecttest.New(t, Collector, collecttest.Options{Wire: account(), Functions: functions()})
	f.Collect(t)
	f.Golden(t, "account")
}

func TestDegradation(t *testing.T) {
	t.Parallel()
	for name, tt := range map[string]struct {
		answer collecttest.Answer
		gaps   []string
	}{
		"denied":                      {nil, []string{"function_urls/ denied"}},
		"a proxy answers":             {collecttest.HTML(404), []string{"function_urls/ arn:…:gone failed", "function_urls/ arn:…:none failed", "function_urls/ arn:…:open failed"}},
		"the listing goes in circles": {collecttest.Body(`{"NextMarker":"n","FunctionUrlConfigs":[]}`), []string{"function_urls/ arn:…:gone failed", "function_urls/ arn:…:none failed", "function_urls/ arn:…:open failed"}},
		"another function's": {
			collecttest.Body(`{"FunctionUrlConfigs":[{"FunctionUrl":"https://x","FunctionArn":"` + arnPrefix + `open"}]}`),
			[]string{"function_urls/ arn:…:gone failed", "function_urls/ arn:…:none failed"},
		},
		"no address": {
			collecttest.Body(`{"FunctionUrlConfigs":[{"FunctionArn":"` + arnPrefix + `open"}]}`),
			[]string{"function_urls/ arn:…:gone failed", "function_urls/ arn:…:none failed", "function_urls/ arn:…:open failed"},
		},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := collecttest.New(t, Collector, collecttest.Options{Wire: account().On(action, tt.answer), Functions: functions()})
			f.Collect(t)
			if diff := cmp.Diff(tt.gaps, f.GapList()); diff != "" || len(f.CompletionList()) != 0 {
				t.Errorf("gaps (-want +got):\n%s completions %v", diff, f.CompletionList())
			}
		})
	}
}

// What is collected is what the simulated world holds; and the calls of a month
// are those that were estimated.
func TestSimulatedAccount(t *testing.T) {
	t.Parallel()
	account := collecttest.Simulate(t, awssim.Options{})
	for _, region := range account.World.Regions {
		var functions []schema.Function
		want := map[string]string{}
		for _, fn := range region.Functions {
			functions = append(functions, schema.Function{FunctionARN: fn.ARN, FunctionName: fn.Name, RevisionID: fn.RevisionID, LastModified: fn.LastModified})
			if e := region.Extras[fn.Name]; e != nil {
				for _, u := range e.URLs {
					want[fn.ARN+" "+u.Qualifier] = u.URL + u.AuthType + u.InvokeMode
				}
			}
		}
		first := account.Run(t, Collector, collecttest.Options{Region: region.Name, Functions: functions})
		first.Collect(t)
		first.NotThrottled(t)
		got := map[string]string{}
		for _, row := range collecttest.Rows[schema.FunctionURL](first.Sink) {
			got[row.FunctionARN+" "+row.Qualifier] = row.URL + row.AuthType + row.InvokeMode
		}
		if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 {
			t.Errorf("%s (-want +got):\n%s", region.Name, diff)
		}
		second := account.Run(t, Collector, collecttest.Options{Region: region.Name, Functions: functions, State: first.State.Values()})
		second.Now = first.Now.Add(Collector.Every)
		second.Collect(t)
		if diff := cmp.Diff([]string{"function_urls/"}, second.CompletionList()); diff != "" || !second.Completions()[0].CollectedAt.Equal(first.Now) {
			t.Errorf("completions %v", second.Completions())
		}
		calls := second.Meter.Ledger(second.Run)[0].Calls
		perMonth := Collector.Estimate(collect.Inventory{Functions: len(functions)}).Calls
		perRun := perMonth / collect.RunsPerMonth(Collector.Every)
		if float64(calls) < perRun-1 || float64(calls) > perRun+1 {
			t.Errorf("%d calls in a later run, %v estimated", calls, perRun)
		}
	}
	if Collector.Every != 6*time.Hour {
		t.Error("the test above supposes that a run takes a quarter")
	}
}

func TestSimulatedDenial(t *testing.T) {
	t.Parallel()
	account := collecttest.Simulate(t, awssim.Options{Deny: []string{action}})
	f := account.Run(t, Collector, collecttest.Options{Region: "us-east-1", Functions: functions()})
	f.Collect(t)
	if diff := cmp.Diff([]string{"function_urls/ denied"}, f.GapList()); diff != "" {
		t.Error(diff)
	}
}
