package functions

import (
	"math"
	"net/http"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

const canary = "CANARY-5b3f"

// account answers for three functions on two pages, one of them deleted meanwhile.
func account(t *testing.T) *collecttest.Wire {
	t.Helper()
	gone := collecttest.Fail("lambda", 404, "ResourceNotFoundException", "Function not found")
	return collecttest.NewWire(map[string]collecttest.Answer{
		"lambda:ListFunctions": collecttest.Select(map[string]collecttest.Answer{
			"Marker=page-2": collecttest.File(t, "testdata/list2.json"),
		}, collecttest.File(t, "testdata/list1.json")),
		"lambda:GetFunction": collecttest.Select(map[string]collecttest.Answer{
			"/orders":   collecttest.Body(`{"Configuration":{"State":"Active","Environment":{"Variables":{"API_KEY":"` + canary + `"}}},"Concurrency":{"ReservedConcurrentExecutions":25},"Tags":{"team":"checkout"}}`),
			"/thumbs":   collecttest.Body(`{"Configuration":{"State":"Inactive","StateReasonCode":"Idle"},"TagsError":{"ErrorCode":"AccessDeniedException","Message":"not authorized to perform: lambda:ListTags"}}`),
			"/vanished": gone,
		}, nil),
		"lambda:GetFunctionConcurrency": collecttest.Select(map[string]collecttest.Answer{
			"/orders": collecttest.Body(`{"ReservedConcurrentExecutions":0}`), "/thumbs": collecttest.Body(`{}`), "/vanished": gone,
		}, nil),
		"lambda:GetFunctionRecursionConfig": collecttest.Select(map[string]collecttest.Answer{
			"/orders": collecttest.Body(`{"RecursiveLoop":"Allow"}`), "/thumbs": collecttest.Body(`{"RecursiveLoop":"Terminate"}`),
		}, nil),
		"lambda:ListAliases": collecttest.Select(map[string]collecttest.Answer{
			"Marker=more": collecttest.Body(`{"Aliases":[{"Name":"next","FunctionVersion":"3"}]}`),
		}, collecttest.Body(`{"NextMarker":"more","Aliases":[{"Name":"live","FunctionVersion":"2","RoutingConfig":{"AdditionalVersionWeights":{"3":0.1}}}]}`)),
		"lambda:ListProvisionedConcurrencyConfigs": collecttest.Body(`{"ProvisionedConcurrencyConfigs":[
			{"FunctionArn":"arn:aws:lambda:eu-west-1:123456789012:function:orders:live","RequestedProvisionedConcurrentExecutions":10,"AvailableProvisionedConcurrentExecutions":9,"AllocatedProvisionedConcurrentExecutions":10,"Status":"READY","LastModified":"2026-10-31T20:00:00+0000"},
			{"FunctionArn":"arn:aws:lambda:eu-west-1:123456789012:function:orders:1","RequestedProvisionedConcurrentExecutions":1,"Status":"FAILED","StatusReason":"x","LastModified":"2026-10-31T20:00:00+0000"}]}`),
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
	got := Collector.Estimate(collect.Inventory{Accounts: 1, Regions: 2, Functions: 1000})
	if want := 730.0/6*(2+24+1000) + 730.0/24*(1000+400); math.Abs(got.Calls-want) > 1e-6 || got.USD != 0 || got.Units != 0 {
		t.Errorf("estimate %+v, want %v calls", got, want)
	}
}

func TestAccount(t *testing.T) {
	t.Parallel()
	f := collecttest.New(t, Collector, collecttest.Options{Wire: account(t)})
	f.Collect(t)
	f.Golden(t, "account")
}

func TestWithoutGetFunction(t *testing.T) {
	t.Parallel()
	wire := account(t)
	f := collecttest.New(t, Collector, collecttest.Options{Wire: wire, Params: map[string]any{"get_function": false}})
	f.Collect(t)
	f.Golden(t, "without_get_function")
	if n := wire.Calls("lambda:GetFunction"); n != 0 {
		t.Errorf("lambda:GetFunction was called %d times", n)
	}
}

// A denied or malformed answer costs its own evidence and nothing else.
func TestDegradation(t *testing.T) {
	t.Parallel()
	type result struct{ Functions, Aliases, Provisioned, Tags int }
	whole := result{5, 2, 2, 2} // orders with three versions in use, and thumbs
	const environment, tags = "functions/environment arn:…:thumbs denied", "resource_tags/lambda:GetFunction arn:…:thumbs denied"
	for _, tt := range []struct {
		name        string
		action      string
		answer      collecttest.Answer
		want        result
		gaps        []string
		completions []string
	}{
		{
			"nothing is permitted", "lambda:ListFunctions", nil,
			result{},
			[]string{"aliases/ denied", "function_logging/ denied", "function_versions/ denied", "functions/ denied", "provisioned_concurrency/ denied", "resource_tags/lambda:GetFunction denied"},
			nil,
		},
		{
			"GetFunction denied", "lambda:GetFunction", nil,
			result{6, 2, 2, 0},
			[]string{"functions/concurrency denied", environment, "functions/recursion arn:…:vanished denied", "functions/state denied"},
			[]string{"aliases/", "function_logging/", "function_versions/", "functions/", "provisioned_concurrency/"},
		},
		{
			"recursion denied", "lambda:GetFunctionRecursionConfig", nil, whole,
			[]string{environment, "functions/recursion denied", tags},
			[]string{"aliases/", "function_logging/", "function_versions/", "functions/", "provisioned_concurrency/", "resource_tags/lambda:GetFunction"},
		},
		{
			"aliases denied", "lambda:ListAliases", nil,
			result{3, 0, 2, 2},
			[]string{"aliases/ denied", "function_versions/use denied", environment, "functions/versions denied", tags},
			[]string{"function_logging/", "function_versions/", "functions/", "provisioned_concurrency/", "resource_tags/lambda:GetFunction"},
		},
		{
			"provisioned concurrency answered by a proxy", "lambda:ListProvisionedConcurrencyConfigs", collecttest.HTML(404),
			result{4, 2, 0, 2},
			[]string{"function_versions/use arn:…:orders failed", environment, "provisioned_concurrency/ arn:…:orders failed", tags},
			[]string{"aliases/", "function_logging/", "function_versions/", "functions/", "resource_tags/lambda:GetFunction"},
		},
		{
			"the second page is an error", "lambda:ListFunctions",
			collecttest.Sequence(collecttest.File(t, "testdata/list1.json"), collecttest.Fail("lambda", 400, "ServiceException", "no")),
			result{4, 2, 2, 1},
			[]string{"aliases/ failed", "function_logging/ failed", "function_versions/ failed", "functions/ failed", "provisioned_concurrency/ failed", "resource_tags/lambda:GetFunction failed"},
			nil,
		},
		{
			"the listing goes in circles", "lambda:ListFunctions", collecttest.File(t, "testdata/list1.json"),
			result{4, 2, 2, 1},
			[]string{"aliases/ failed", "function_logging/ failed", "function_versions/ failed", "functions/ failed", "provisioned_concurrency/ failed", "resource_tags/lambda:GetFunction failed"},
			nil,
		},
		{
			"an entry without an ARN", "lambda:ListFunctions", collecttest.Body(`{"Functions":[{"FunctionName":"x"}]}`),
			result{},
			[]string{"aliases/ failed", "function_logging/ failed", "function_versions/ failed", "functions/ failed", "provisioned_concurrency/ failed", "resource_tags/lambda:GetFunction failed"},
			nil,
		},
		{
			"an account without functions", "lambda:ListFunctions", collecttest.Body(`{"Functions":[]}`),
			result{},
			nil,
			[]string{"aliases/", "function_logging/", "function_versions/", "functions/", "provisioned_concurrency/", "resource_tags/lambda:GetFunction"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := collecttest.New(t, Collector, collecttest.Options{Wire: account(t).On(tt.action, tt.answer)})
			f.Collect(t)
			got := result{
				len(collecttest.Rows[schema.Function](f.Sink)), len(collecttest.Rows[schema.Alias](f.Sink)),
				len(collecttest.Rows[schema.ProvisionedConcurrency](f.Sink)), len(collecttest.Rows[schema.ResourceTags](f.Sink)),
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("rows (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.gaps, f.GapList()); diff != "" {
				t.Errorf("gaps (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.completions, f.CompletionList()); diff != "" {
				t.Errorf("completions (-want +got):\n%s", diff)
			}
			f.Secret(t, canary, nil)
		})
	}
}

// A proxy, or a recording, may answer with somebody else's function.
func TestAnAnswerAboutAnotherFunctionIsRefused(t *testing.T) {
	t.Parallel()
	wrong := collecttest.Body(`{"Configuration":{"FunctionArn":"arn:aws:lambda:eu-west-1:123456789012:function:other"},"Concurrency":{"ReservedConcurrentExecutions":99}}`)
	f := collecttest.New(t, Collector, collecttest.Options{Wire: account(t).On("lambda:GetFunction", wrong)})
	f.Collect(t)
	for _, row := range collecttest.Rows[schema.Function](f.Sink) {
		if row.ReservedRead || row.ReservedConcurrency != nil {
			t.Errorf("%s took another function's concurrency", row.FunctionName)
		}
	}
	if gaps := strings.Join(f.GapList(), "; "); !strings.Contains(gaps, "functions/concurrency arn:…:orders failed") {
		t.Errorf("gaps: %s", gaps)
	}
}

func TestExpiredCredentialsEndTheRun(t *testing.T) {
	t.Parallel()
	wire := account(t).On("lambda:GetFunction", collecttest.Fail("lambda", 403, "ExpiredTokenException", "expired"))
	f := collecttest.New(t, Collector, collecttest.Options{Wire: wire})
	err := Collector.Collect(t.Context(), f.Run)
	if !collect.ExpiredCredentials(err) || len(f.Completions()) != 0 {
		t.Errorf("error %v, completions %v", err, f.Completions())
	}
}

// Values of environment variables stay in the function that parses them:
// whole answers, malformed ones and failing runs leave no trace of one.
func TestValuesStayInside(t *testing.T) {
	t.Parallel()
	truncated := func(r *http.Request, body string) collecttest.Response {
		resp := collecttest.File(t, "testdata/list1.json")(r, body)
		resp.Body = resp.Body[:strings.Index(resp.Body, canary)+len(canary)]
		return resp
	}
	wrongType := collecttest.Body(`{"Functions":[{"FunctionArn":"arn:aws:lambda:eu-west-1:123456789012:function:f","Environment":{"Variables":{"A":["` + canary + `"]}}}]}`)
	wrongShape := collecttest.Body(`{"Functions":[{"FunctionArn":"arn:aws:lambda:eu-west-1:123456789012:function:f","Environment":"` + canary + `"}]}`)
	for name, answer := range map[string]collecttest.Answer{
		"whole": collecttest.Sequence(collecttest.File(t, "testdata/list1.json"), collecttest.File(t, "testdata/list2.json")), "truncated": truncated, "wrong type": wrongType, "wrong shape": wrongShape,
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := collecttest.New(t, Collector, collecttest.Options{Wire: account(t).On("lambda:ListFunctions", answer)})
			err := Collector.Collect(t.Context(), f.Run)
			f.Secret(t, canary, err)
			if name == "whole" && err == nil && !strings.Contains(f.Dump(), "db.cluster-abc.eu-west-1.rds.amazonaws.com") {
				t.Error("the host beside the secret was not recognised")
			}
		})
	}
}
