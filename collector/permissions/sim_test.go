package permissions

import (
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// Every statement of every role that a region's functions use is read, once
// for both regions, and nothing is throttled on the way.
func TestSimulatedAccount(t *testing.T) {
	t.Parallel()
	account := collecttest.Simulate(t, awssim.Options{})
	cache := collect.NewCache()
	for _, region := range account.World.Regions {
		var functions []schema.Function
		want := map[string]int{}
		for _, fn := range region.Functions {
			functions = append(functions, schema.Function{FunctionARN: fn.ARN, FunctionName: fn.Name, RoleARN: fn.RoleARN})
			want[fn.RoleARN] = statements(t, account.World, fn.RoleARN)
		}
		f := account.Run(t, Collector, collecttest.Options{Region: region.Name, Functions: functions})
		f.Cache = cache
		f.Collect(t)
		f.NotThrottled(t)
		if gaps := f.GapList(); len(gaps) > 0 {
			t.Errorf("gaps: %v", gaps)
		}
		got := map[string]int{}
		for _, row := range collecttest.Rows[schema.RoleStatement](f.Sink) {
			got[row.RoleARN]++
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s: statements by role (-want +got):\n%s", region.Name, diff)
		}
	}
}

func statements(t *testing.T, world *awssim.World, roleARN string) int {
	t.Helper()
	r := world.Role(roleARN)
	if r == nil {
		t.Fatalf("the world has no role %s", roleARN)
	}
	n := 0
	for _, document := range documents(world, r) {
		list, err := parse("p", document)
		if err != nil {
			t.Fatal(err)
		}
		n += len(list)
	}
	return n
}

// The planted loops and near misses rest on these edges: each function that
// the world plants in a loop writes somewhere that is known for certain.
func TestPlantedLoopsHaveTheirWrites(t *testing.T) {
	t.Parallel()
	account := collecttest.Simulate(t, awssim.Options{})
	for _, region := range account.World.Regions {
		var functions []schema.Function
		for _, fn := range region.Functions {
			row := schema.Function{FunctionARN: fn.ARN, FunctionName: fn.Name, RoleARN: fn.RoleARN}
			for _, value := range fn.Environment {
				if strings.HasPrefix(value, "arn:") {
					row.EnvRefs = append(row.EnvRefs, value)
				}
			}
			slices.Sort(row.EnvRefs)
			functions = append(functions, row)
		}
		f := account.Run(t, Collector, collecttest.Options{Region: region.Name, Functions: functions})
		f.Collect(t)
		writers := map[string]string{}
		for _, e := range collecttest.Rows[schema.Edge](f.Sink) {
			writers[e.SrcARN] += fmt.Sprintf(" %s %s", e.Certainty, e.DstARN)
		}
		for _, p := range account.World.Truth.Planted {
			if p.Analyzer == "recursiveloops" && region.Function(p.Resource) != nil && writers[p.Resource] == "" {
				t.Logf("%s (%s) writes nowhere that its role tells: its loop must close over a destination", p.Resource, p.Note)
				if fn := region.Function(p.Resource); len(fn.InvokeConfigs) == 0 && fn.DLQARN == "" {
					t.Errorf("%s is planted in a loop (%s) and has no way out", fn.Name, p.Note)
				}
			}
		}
	}
}

func documents(world *awssim.World, r *awssim.Role) []string {
	var list []string
	for _, inline := range r.Inline {
		list = append(list, inline.Document)
	}
	attached := r.Attached
	if r.PermissionBoundary != "" {
		attached = append(slices.Clone(attached), r.PermissionBoundary)
	}
	for _, arn := range attached {
		if p := world.ManagedPolicy(arn); p != nil {
			list = append(list, p.Document)
		}
	}
	return list
}
