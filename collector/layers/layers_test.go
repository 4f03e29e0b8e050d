package layers

import (
	"fmt"
	"math"
	"strings"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

const arnPrefix = "arn:aws:lambda:eu-west-1:123456789012:layer:"

// account answers for two layers on two pages, one of three versions on two
// pages, shared with an organisation, an account and everybody.
func account() *collecttest.Wire {
	none := collecttest.Fail("lambda", 404, "ResourceNotFoundException", "No policy is associated with the given resource.")
	policy := func(statements string) collecttest.Answer {
		return collecttest.Body(fmt.Sprintf(`{"Policy":%q,"RevisionId":"r"}`, `{"Version":"2012-10-17","Statement":[`+statements+`]}`))
	}
	return collecttest.NewWire(map[string]collecttest.Answer{
		listLayers: collecttest.Select(map[string]collecttest.Answer{
			"Marker=n": collecttest.Body(`{"Layers":[{"LayerName":"tracing","LayerArn":"` + arnPrefix + `tracing","LatestMatchingVersion":{"Version":1}}]}`),
		}, collecttest.Body(`{"NextMarker":"n","Layers":[{"LayerName":"logging","LayerArn":"`+arnPrefix+`logging","LatestMatchingVersion":{"Version":7}}]}`)),
		listVersions: collecttest.Select(map[string]collecttest.Answer{
			"logging/versions":          collecttest.Body(`{"NextMarker":"m","LayerVersions":[{"Version":7,"CreatedDate":"2026-03-04T05:06:07.890+0000","CompatibleRuntimes":["nodejs22.x","python3.13"],"CompatibleArchitectures":["arm64"],"LicenseInfo":"MIT"},{"Version":6}]}`),
			"logging/versions?Marker=m": collecttest.Body(`{"LayerVersions":[{"Version":2}]}`),
			"tracing/versions":          collecttest.Body(`{"LayerVersions":[{"Version":1}]}`),
		}, nil),
		getVersion: collecttest.Select(map[string]collecttest.Answer{
			"logging/versions/7": collecttest.Body(`{"Version":7,"Content":{"CodeSize":700,"Location":"https://secret.example"}}`),
		}, collecttest.Body(`{"Content":{"CodeSize":100}}`)),
		getPolicy: collecttest.Select(map[string]collecttest.Answer{
			"logging/versions/7": policy(`{"Sid":"org","Effect":"Allow","Principal":"*","Action":"lambda:GetLayerVersion","Resource":"x","Condition":{"StringEquals":{"aws:PrincipalOrgID":"o-1"}}},` +
				`{"Sid":"two","Effect":"Allow","Principal":{"AWS":["arn:aws:iam::999999999999:root","arn:aws:iam::123456789012:root"]},"Action":["lambda:GetLayerVersion"],"Resource":"x"}`),
			"logging/versions/6": policy(`{"Sid":"all","Effect":"Allow","Principal":"*","Action":"lambda:GetLayerVersion","Resource":"x"}`),
		}, none),
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
	got := Collector.Estimate(collect.Inventory{Accounts: 1, Regions: 2, Functions: 100}).Calls
	if want := 730.0/24*(2+2) + 730.0/168*20; math.Abs(got-want) > 1e-6 {
		t.Errorf("estimate %v, want %v", got, want)
	}
}

func TestAccount(t *testing.T) {
	t.Parallel()
	f := collecttest.New(t, Collector, collecttest.Options{Wire: account()})
	f.Collect(t)
	f.Golden(t, "account")
	f.Secret(t, "secret.example", nil)
}

// A day later sizes are known, and a seventh of the policies is read again.
func TestLaterRun(t *testing.T) {
	t.Parallel()
	first := collecttest.New(t, Collector, collecttest.Options{Wire: account()})
	first.Collect(t)
	wire := account()
	second := collecttest.New(t, Collector, collecttest.Options{Wire: wire, Now: first.Now.Add(24 * time.Hour), State: first.State.Values()})
	second.Collect(t)
	if sizes, policies := wire.Calls(getVersion), wire.Calls(getPolicy); sizes > 1 || policies != 1 {
		t.Errorf("%d sizes and %d policies were read", sizes, policies)
	}
	for _, row := range collecttest.Rows[schema.LayerVersion](second.Sink) {
		if row.CodeBytes == nil {
			t.Errorf("the size of %s:%d is lost", row.LayerName, row.Version)
		}
	}
	for _, c := range second.Completions() {
		if want := map[string]time.Time{"layer_versions": second.Now, "layer_policies": first.Now}[c.TableName]; !c.CollectedAt.Equal(want) {
			t.Errorf("%s is complete since %s, want %s", c.TableName, c.CollectedAt, want)
		}
	}
}

func TestDegradation(t *testing.T) {
	t.Parallel()
	both := []string{"layer_policies/", "layer_versions/"}
	for _, tt := range []struct {
		name, action      string
		answer            collecttest.Answer
		versions          int
		gaps, completions []string
	}{
		{"nothing is permitted", listLayers, nil, 0, []string{"layer_policies/ denied", "layer_versions/ denied"}, nil},
		{"the listing goes in circles", listLayers, collecttest.Body(`{"NextMarker":"n","Layers":[]}`), 0, []string{"layer_policies/ failed", "layer_versions/ failed"}, nil},
		{"versions are denied", listVersions, nil, 0, []string{"layer_policies/ denied", "layer_versions/ denied"}, nil},
		{"sizes are denied", getVersion, nil, 4, []string{"layer_versions/size denied"}, both},
		{"sizes are nonsense", getVersion, collecttest.Body(`{}`), 4, []string{
			"layer_versions/size arn:…:1 failed", "layer_versions/size arn:…:2 failed", "layer_versions/size arn:…:6 failed", "layer_versions/size arn:…:7 failed",
		}, both},
		{"policies are denied", getPolicy, nil, 4, []string{"layer_policies/ denied"}, []string{"layer_versions/"}},
		{"a policy is nonsense", getPolicy, collecttest.Select(map[string]collecttest.Answer{"logging": collecttest.Body(`{"Policy":"<html>"}`)}, account().Answer(getPolicy)), 4, []string{
			"layer_policies/ arn:…:2 failed", "layer_policies/ arn:…:6 failed", "layer_policies/ arn:…:7 failed",
		}, []string{"layer_versions/"}},
		{"a layer without an ARN", listLayers, collecttest.Body(`{"Layers":[{"LayerName":"x"}]}`), 0, []string{"layer_policies/ failed", "layer_versions/ failed"}, nil},
		{"no layers", listLayers, collecttest.Body(`{"Layers":[]}`), 0, nil, both},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := collecttest.New(t, Collector, collecttest.Options{Wire: account().On(tt.action, tt.answer)})
			f.Collect(t)
			if diff := cmp.Diff(tt.gaps, f.GapList()); diff != "" {
				t.Errorf("gaps (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.completions, f.CompletionList()); diff != "" {
				t.Errorf("completions (-want +got):\n%s", diff)
			}
			if n := len(collecttest.Rows[schema.LayerVersion](f.Sink)); n != tt.versions {
				t.Errorf("%d versions, want %d", n, tt.versions)
			}
		})
	}
}

func TestSizesMayStayUnread(t *testing.T) {
	t.Parallel()
	wire := account()
	f := collecttest.New(t, Collector, collecttest.Options{Wire: wire, Params: map[string]any{"get_layer_version": false}})
	f.Collect(t)
	if wire.Calls(getVersion) != 0 || len(f.GapList()) != 0 {
		t.Errorf("%d calls, gaps %v", wire.Calls(getVersion), f.GapList())
	}
}

func TestSimulatedAccount(t *testing.T) {
	t.Parallel()
	account := collecttest.Simulate(t, awssim.Options{})
	for _, region := range account.World.Regions {
		f := account.Run(t, Collector, collecttest.Options{Region: region.Name})
		f.Collect(t)
		f.NotThrottled(t)
		want, got := map[string]bool{}, map[string]bool{}
		shared, open := 0, 0
		for _, l := range region.OwnLayers {
			for i, v := range l.Versions {
				want[fmt.Sprint(l.ARN, v.Version, v.CodeBytes, v.Runtimes, v.Architectures, i == len(l.Versions)-1)] = true
				if v.Policy != "" {
					shared++
				}
			}
		}
		for _, row := range collecttest.Rows[schema.LayerVersion](f.Sink) {
			got[fmt.Sprint(row.LayerARN, row.Version, *row.CodeBytes, row.Runtimes, row.Architectures, row.Latest)] = true
		}
		if diff := cmp.Diff(want, got); diff != "" || len(want) == 0 || len(f.GapList()) > 0 {
			t.Errorf("%s (-want +got):\n%s gaps %v", region.Name, diff, f.GapList())
		}
		policies := collecttest.Rows[schema.LayerPolicy](f.Sink)
		for _, p := range policies {
			if p.Outside && p.Principal == "*" && p.Organization == "" && strings.Contains(p.LayerARN, "tracing") {
				open++
			}
		}
		if len(policies) != shared || open != 1 {
			t.Errorf("%s: policies %+v", region.Name, policies)
		}
	}
}

func TestSimulatedDenial(t *testing.T) {
	t.Parallel()
	for action, gap := range map[string][]string{
		listLayers: {"layer_policies/ denied", "layer_versions/ denied"}, listVersions: {"layer_policies/ denied", "layer_versions/ denied"},
		getVersion: {"layer_versions/size denied"}, getPolicy: {"layer_policies/ denied"},
	} {
		account := collecttest.Simulate(t, awssim.Options{Deny: []string{action}})
		f := account.Run(t, Collector, collecttest.Options{Region: "us-east-1"})
		f.Collect(t)
		if diff := cmp.Diff(gap, f.GapList()); diff != "" {
			t.Errorf("%s:\n%s", action, diff)
		}
	}
}
