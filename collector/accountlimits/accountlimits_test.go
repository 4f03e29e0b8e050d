package accountlimits

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

func TestDeclaration(t *testing.T) {
	t.Parallel()
	relations, err := schema.Relations()
	if err != nil {
		t.Fatal(err)
	}
	if err := collect.Validate([]*collect.Collector{Collector}, relations); err != nil {
		t.Error(err)
	}
	if got := Collector.Estimate(collect.Inventory{Accounts: 2, Regions: 3}).Calls; got != 6*730 {
		t.Errorf("estimate %v", got)
	}
}

func TestRun(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		name   string
		answer collecttest.Answer
		rows   int
		gaps   []string
	}{
		{"account", collecttest.Body(`{"AccountLimit":{"TotalCodeSize":80530636800,"CodeSizeUnzipped":262144000,"CodeSizeZipped":52428800,"ConcurrentExecutions":1000,"UnreservedConcurrentExecutions":875},"AccountUsage":{"TotalCodeSize":9490,"FunctionCount":4}}`), 1, nil},
		{"denied", nil, 0, []string{"account_limits/ denied"}},
		{"empty", collecttest.Body(`{}`), 0, []string{"account_limits/ failed"}},
		{"a login page", collecttest.HTML(200), 0, []string{"account_limits/ failed"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := collecttest.New(t, Collector, collecttest.Options{Wire: collecttest.NewWire(map[string]collecttest.Answer{action: tt.answer})})
			f.Collect(t)
			rows := collecttest.Rows[schema.AccountLimits](f.Sink)
			if len(rows) != tt.rows || len(f.CompletionList()) != tt.rows {
				t.Errorf("rows %+v, completions %v", rows, f.CompletionList())
			}
			if diff := cmp.Diff(tt.gaps, f.GapList()); diff != "" {
				t.Errorf("gaps (-want +got):\n%s", diff)
			}
			if tt.rows == 1 {
				f.Golden(t, tt.name)
			}
		})
	}
}
