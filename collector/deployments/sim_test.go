package deployments

import (
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// What is stored is what the account's regions have; servers are left out.
func TestSimulatedAccount(t *testing.T) {
	t.Parallel()
	account := collecttest.Simulate(t, awssim.Options{})
	groups := 0
	for _, region := range account.World.Regions {
		f := account.Run(t, Collector, collecttest.Options{Region: region.Name})
		f.Collect(t)
		f.NotThrottled(t)
		if len(f.Gaps()) != 0 || len(f.Completions()) != 2 {
			t.Fatalf("gaps %v, complete %v", f.GapList(), f.CompletionList())
		}
		want, got := map[string][]string{}, map[string][]string{}
		for _, a := range region.Applications {
			for _, g := range a.Groups {
				if a.Platform == "Lambda" {
					want[a.Name+" "+g.Name] = []string{g.Config}
					groups++
				}
			}
		}
		for _, row := range collecttest.Rows[schema.DeploymentGroup](f.Sink) {
			got[row.Application+" "+row.DeploymentGroup] = []string{row.ConfigName}
			if row.Shift == "" || row.Shift != "all_at_once" && row.ShiftPercent != 10 {
				t.Errorf("%s shifts traffic by %q, %d%%", row.ConfigName, row.Shift, row.ShiftPercent)
			}
		}
		for _, d := range region.Deployments {
			if d.Platform == "Lambda" && !d.CreatedAt.After(account.World.Now) && d.CreatedAt.After(account.World.Now.AddDate(0, 0, -30)) {
				want[d.ID] = []string{d.Status, d.RolledBackBy}
			}
		}
		for _, row := range collecttest.Rows[schema.Deployment](f.Sink) {
			got[row.DeploymentID] = []string{row.Status, row.RolledBackBy}
			if region.Function(row.FunctionARN) == nil || row.Alias == "" || row.FromVersion == row.ToVersion {
				t.Errorf("deployment %+v", row)
			}
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", region.Name, diff)
		}
	}
	if groups == 0 {
		t.Error("the account has no deployment group")
	}
}

func TestSimulatedDenial(t *testing.T) {
	t.Parallel()
	account := collecttest.Simulate(t, awssim.Options{Deny: []string{applicationsAction}})
	f := account.Run(t, Collector, collecttest.Options{Region: account.World.Regions[0].Name})
	f.Collect(t)
	if diff := cmp.Diff([]string{"deployment_groups/ denied", "deployments/ denied"}, f.GapList()); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
}
