package quotas

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// What is stored agrees with what Lambda itself says of the account's limits.
func TestSimulatedAccount(t *testing.T) {
	t.Parallel()
	account := collecttest.Simulate(t, awssim.Options{})
	for i, region := range account.World.Regions {
		f := account.Run(t, Collector, collecttest.Options{Region: region.Name})
		f.Collect(t)
		f.NotThrottled(t)
		if len(f.Gaps()) != 0 || len(f.Completions()) != len(defaultServices()) {
			t.Fatalf("gaps %v, complete %v", f.GapList(), f.CompletionList())
		}
		values := map[string]float64{}
		for _, row := range collecttest.Rows[schema.ServiceQuota](f.Sink) {
			values[row.QuotaName] = row.Value
			if row.DefaultValue == nil {
				t.Errorf("%s has no default", row.QuotaName)
			}
		}
		interfaces := 250.0
		if i == 0 {
			interfaces = 500
		}
		want := map[string]float64{
			"Concurrent executions": float64(region.ConcurrencyLimit), "Function and layer storage": float64(region.CodeSizeLimit >> 30),
			"Elastic network interfaces per VPC": interfaces, "VPCs per Region": 5,
		}
		got := map[string]float64{}
		for name := range want {
			got[name] = values[name]
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", region.Name, diff)
		}
	}
}

func TestSimulatedDenial(t *testing.T) {
	t.Parallel()
	account := collecttest.Simulate(t, awssim.Options{Deny: []string{defaultAction}})
	f := account.Run(t, Collector, collecttest.Options{Region: account.World.Regions[0].Name, Params: map[string]any{"services": []string{"lambda"}}})
	f.Collect(t)
	if diff := cmp.Diff([]string{"service_quotas/lambda denied"}, f.GapList()); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
}
