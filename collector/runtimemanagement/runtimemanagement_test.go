package runtimemanagement

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

const arnPrefix = "arn:aws:lambda:eu-west-1:123456789012:function:"

func functions() []schema.Function {
	list := []schema.Function{{FunctionARN: arnPrefix + "image", FunctionName: "image", PackageType: "Image"}}
	for _, name := range []string{"auto", "gone", "pinned"} {
		list = append(list, schema.Function{FunctionARN: arnPrefix + name, FunctionName: name, PackageType: "Zip"})
	}
	return list
}

func account() *collecttest.Wire {
	return collecttest.NewWire(map[string]collecttest.Answer{action: collecttest.Select(map[string]collecttest.Answer{
		"/auto":   collecttest.Body(`{"UpdateRuntimeOn":"Auto","FunctionArn":"` + arnPrefix + `auto"}`),
		"/pinned": collecttest.Body(`{"UpdateRuntimeOn":"Manual","FunctionArn":"` + arnPrefix + `pinned","RuntimeVersionArn":"arn:aws:lambda:eu-west-1::runtime:07a4"}`),
		"/gone":   collecttest.Fail("lambda", 404, "ResourceNotFoundException", "Function not found"),
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
	wire := account()
	f := collecttest.New(t, Collector, collecttest.Options{Wire: wire, Functions: functions()})
	f.Collect(t)
	f.Golden(t, "account")
	if n := wire.Calls(action); n != 3 {
		t.Errorf("%d calls", n)
	}
}

func TestDegradation(t *testing.T) {
	t.Parallel()
	failed := []string{"runtime_management/ arn:…:auto failed", "runtime_management/ arn:…:gone failed", "runtime_management/ arn:…:pinned failed"}
	for name, tt := range map[string]struct {
		answer collecttest.Answer
		gaps   []string
	}{
		"a proxy answers":     {collecttest.HTML(404), failed},
		"an answer of nought": {collecttest.Body(`{}`), failed},
		"malformed":           {collecttest.Body(`{"UpdateRuntimeOn":`), failed},
		"one is refused": {
			collecttest.Select(map[string]collecttest.Answer{"/auto": collecttest.Body(`{"UpdateRuntimeOn":"Auto"}`), "/gone": collecttest.Body(`{"UpdateRuntimeOn":"Auto"}`)}, nil),
			[]string{"runtime_management/ arn:…:pinned denied"},
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

func TestSimulatedAccount(t *testing.T) {
	t.Parallel()
	account := collecttest.Simulate(t, awssim.Options{})
	for _, region := range account.World.Regions {
		var functions []schema.Function
		want := map[string]string{}
		for _, fn := range region.Functions {
			functions = append(functions, schema.Function{FunctionARN: fn.ARN, FunctionName: fn.Name, PackageType: fn.PackageType})
			if fn.PackageType == "Image" {
				continue
			}
			want[fn.ARN] = "Auto "
			if e := region.Extras[fn.Name]; e != nil && e.UpdateRuntimeOn != "" {
				want[fn.ARN] = e.UpdateRuntimeOn + " " + e.RuntimeVersionARN
			}
		}
		f := account.Run(t, Collector, collecttest.Options{Region: region.Name, Functions: functions})
		f.Collect(t)
		f.NotThrottled(t)
		got := map[string]string{}
		for _, row := range collecttest.Rows[schema.RuntimeManagement](f.Sink) {
			got[row.FunctionARN] = row.UpdateRuntimeOn + " " + row.RuntimeVersionARN
		}
		if diff := cmp.Diff(want, got); diff != "" || len(f.GapList()) > 0 {
			t.Errorf("%s (-want +got):\n%s gaps %v", region.Name, diff, f.GapList())
		}
	}
}

func TestSimulatedDenial(t *testing.T) {
	t.Parallel()
	account := collecttest.Simulate(t, awssim.Options{Deny: []string{action}})
	f := account.Run(t, Collector, collecttest.Options{Region: "us-east-1", Functions: functions()})
	f.Collect(t)
	if diff := cmp.Diff([]string{"runtime_management/ denied"}, f.GapList()); diff != "" {
		t.Error(diff)
	}
}
