package codesigning

import (
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

const (
	arnPrefix = "arn:aws:lambda:eu-west-1:123456789012:function:"
	configARN = "arn:aws:lambda:eu-west-1:123456789012:code-signing-config:csc-"
)

// account answers for two configurations on two pages, one of them with
// functions on two pages.
func account() *collecttest.Wire {
	return collecttest.NewWire(map[string]collecttest.Answer{
		listConfigs: collecttest.Select(map[string]collecttest.Answer{
			"Marker=n": collecttest.Body(`{"CodeSigningConfigs":[{"CodeSigningConfigId":"csc-b","CodeSigningConfigArn":"` + configARN + `b","LastModified":"x"}]}`),
		}, collecttest.Body(`{"NextMarker":"n","CodeSigningConfigs":[{"CodeSigningConfigId":"csc-a","CodeSigningConfigArn":"`+configARN+`a","Description":"releases","LastModified":"2026-01-02T03:04:05.678+0000",
			"AllowedPublishers":{"SigningProfileVersionArns":["arn:aws:signer:eu-west-1:123456789012:/signing-profiles/p/v"]},"CodeSigningPolicies":{"UntrustedArtifactOnDeployment":"Enforce"}}]}`)),
		listFunctions: collecttest.Select(map[string]collecttest.Answer{
			"csc-a/functions":          collecttest.Body(`{"NextMarker":"m","FunctionArns":["` + arnPrefix + `orders"]}`),
			"csc-a/functions?Marker=m": collecttest.Body(`{"FunctionArns":["` + arnPrefix + `billing"]}`),
			"csc-b/functions":          collecttest.Body(`{"FunctionArns":[]}`),
		}, nil),
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
	if got, want := Collector.Estimate(collect.Inventory{Accounts: 1, Regions: 2, Functions: 100}).Calls, 730.0/24*6; math.Abs(got-want) > 1e-6 {
		t.Errorf("estimate %v, want %v", got, want)
	}
}

func TestAccount(t *testing.T) {
	t.Parallel()
	f := collecttest.New(t, Collector, collecttest.Options{Wire: account()})
	f.Collect(t)
	f.Golden(t, "account")
}

func TestDegradation(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name, action string
		answer       collecttest.Answer
		rows         int
		gaps         []string
		complete     bool
	}{
		{"nothing is permitted", listConfigs, nil, 0, []string{"code_signing_configs/ denied"}, false},
		{"functions are denied", listFunctions, nil, 0, []string{"code_signing_configs/functions denied"}, false},
		{"the second page fails", listConfigs, collecttest.Sequence(account().Answer(listConfigs), collecttest.Fail("lambda", 400, "ServiceException", "no")), 1, []string{"code_signing_configs/ failed"}, false},
		{"the listing goes in circles", listConfigs, collecttest.Body(`{"NextMarker":"n","CodeSigningConfigs":[]}`), 0, []string{"code_signing_configs/ failed"}, false},
		{"no ARN", listConfigs, collecttest.Body(`{"CodeSigningConfigs":[{}]}`), 0, []string{"code_signing_configs/functions failed"}, false},
		{"no functions", listFunctions, collecttest.Body(`{"FunctionArns":["x"]}`), 0, []string{"code_signing_configs/functions arn:…:csc-a failed", "code_signing_configs/functions arn:…:csc-b failed"}, false},
		{"no code is signed", listConfigs, collecttest.Body(`{"CodeSigningConfigs":[]}`), 0, nil, true},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := collecttest.New(t, Collector, collecttest.Options{Wire: account().On(tt.action, tt.answer)})
			f.Collect(t)
			if diff := cmp.Diff(tt.gaps, f.GapList()); diff != "" {
				t.Errorf("gaps (-want +got):\n%s", diff)
			}
			if n := len(collecttest.Rows[schema.CodeSigningConfig](f.Sink)); n != tt.rows || tt.complete != (len(f.CompletionList()) == 1) {
				t.Errorf("%d rows, completions %v", n, f.CompletionList())
			}
		})
	}
}

func TestSimulatedAccount(t *testing.T) {
	t.Parallel()
	account := collecttest.Simulate(t, awssim.Options{})
	for _, region := range account.World.Regions {
		f := account.Run(t, Collector, collecttest.Options{Region: region.Name})
		f.Collect(t)
		f.NotThrottled(t)
		want, got := map[string][]string{}, map[string][]string{}
		for _, c := range region.CodeSigning {
			want[c.ARN+" "+c.OnUntrusted] = c.FunctionARNs
		}
		for _, row := range collecttest.Rows[schema.CodeSigningConfig](f.Sink) {
			got[row.ConfigARN+" "+row.OnUntrusted] = row.Functions
		}
		if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 || len(f.CompletionList()) != 1 {
			t.Errorf("%s (-want +got):\n%s", region.Name, diff)
		}
	}
}

func TestSimulatedDenial(t *testing.T) {
	t.Parallel()
	for action, gap := range map[string]string{listConfigs: "code_signing_configs/ denied", listFunctions: "code_signing_configs/functions denied"} {
		account := collecttest.Simulate(t, awssim.Options{Deny: []string{action}})
		f := account.Run(t, Collector, collecttest.Options{Region: "us-east-1"})
		f.Collect(t)
		if diff := cmp.Diff([]string{gap}, f.GapList()); diff != "" {
			t.Error(diff)
		}
	}
}
