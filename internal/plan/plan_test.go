package plan

import (
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/config"
	"github.com/faaswarden/faaswarden/internal/engine"
)

var rates = []collect.Rate{{Service: "ce", Unit: "page", USD: 0.01}, {Service: "cloudwatch", Unit: "metric", USD: 0.00001}}

// suite has a collector of each scope whose estimates can be done in the head.
var suite = []*collect.Collector{
	{
		Name: "bills", Scope: collect.PerAccount, Every: 24 * time.Hour,
		Estimate: func(collect.Inventory) collect.APICost { return collect.APICost{Calls: 30, Units: 30, Unit: "page"} },
	},
	{
		Name: "numbers", Scope: collect.PerRegion, Every: 6 * time.Hour,
		Estimate: func(i collect.Inventory) collect.APICost {
			return collect.APICost{Calls: i.Scopes(), Units: float64(i.ActiveFunctions) * 100, Unit: "metric"}
		},
	},
}

func TestLines(t *testing.T) {
	t.Parallel()
	cfg := config.Default()
	cfg.Collectors = map[string]map[string]any{"numbers": {"every": "3h"}} // twice as often as it estimates
	accounts := []Account{{ID: "1", First: true, Regions: []string{"a", "b"}, Functions: 1000}, {ID: "2", Regions: []string{"a"}, Functions: 10}}
	lines, err := Lines(cfg, suite, accounts, Assumptions{ActiveShare: 0.5}, rates)
	if err != nil {
		t.Fatal(err)
	}
	want := []Line{
		{Account: "1", Collector: "bills", Calls: 30, Units: 30, Unit: "page", USD: 0.3, Service: "ce"},
		{Account: "2", Collector: "bills", Calls: 30, Units: 30, Unit: "page", USD: 0.3, Service: "ce"},
		{Account: "1", Collector: "numbers", Calls: 4, Units: 100_000, Unit: "metric", USD: 1, Service: "cloudwatch"},
		{Account: "2", Collector: "numbers", Calls: 2, Units: 1000, Unit: "metric", USD: 0.01, Service: "cloudwatch"},
	}
	if diff := cmp.Diff(want, lines, cmpopts.EquateApprox(0, 1e-9)); diff != "" {
		t.Errorf("lines (-want +got):\n%s", diff)
	}
	sums := Sum(lines, func(l Line) string { return l.Account })
	if len(sums) != 2 || sums[0].USD != 1.3 || sums[0].Calls != 34 {
		t.Errorf("sums by account: %+v", sums)
	}
	for _, tt := range []struct {
		ceilings collect.Ceilings
		over     []string
	}{
		{collect.Ceilings{USD: 2}, []string{}},
		{collect.Ceilings{USD: 1.5}, []string{"all"}},
		{collect.Ceilings{USD: 2, ServiceUSD: map[string]float64{"ce": 0.5, "cloudwatch": 5}}, []string{"ce"}},
	} {
		if diff := cmp.Diff(tt.over, Over(lines, tt.ceilings)); diff != "" {
			t.Errorf("over %+v (-want +got):\n%s", tt.ceilings, diff)
		}
	}
	cfg.Collectors["bills"] = map[string]any{"enabled": false}
	if lines, err := Lines(cfg, suite, accounts, Assumptions{}, rates); err != nil || len(lines) != 2 {
		t.Errorf("without bills: %+v, %v", lines, err)
	}
}

// Accounts are asked for their size; one that does not tell is unknown.
func TestAsk(t *testing.T) {
	t.Parallel()
	world, err := awssim.Generate(awssim.GenerateOptions{Functions: 12, Days: 1, Now: time.Date(2026, 11, 1, 0, 0, 0, 0, time.UTC)})
	if err != nil {
		t.Fatal(err)
	}
	server, err := awssim.NewServer(awssim.Options{World: world, Faults: []awssim.Fault{{Region: "eu-central-1", Kind: awssim.FaultDenied}}})
	if err != nil {
		t.Fatal(err)
	}
	url, err := server.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := server.Close(); err != nil {
			t.Error(err)
		}
	})
	key := awssim.ExampleCredential()
	var scopes []engine.Scope
	for i, region := range []string{"us-east-1", "eu-west-1", "eu-central-1"} {
		scopes = append(scopes, engine.Scope{Account: world.Account, Region: region, First: i == 0, AWS: aws.Config{
			Region: region, BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, ""),
		}})
	}
	accounts, err := Ask(t.Context(), scopes, nil)
	if err != nil || len(accounts) != 1 {
		t.Fatalf("%+v, %v", accounts, err)
	}
	a := accounts[0]
	if a.Functions != 12 || len(a.Regions) != 3 || !a.First {
		t.Errorf("account: %+v", a)
	}
	if want := "eu-central-1: "; len(a.Unknown) < len(want) || a.Unknown[:len(want)] != want {
		t.Errorf("what is unknown: %q", a.Unknown)
	}
	for _, r := range server.Calls().Calls {
		if r.Operation != "GetAccountSettings" || r.Billed != 0 {
			t.Errorf("a plan called %+v", r)
		}
	}
}
