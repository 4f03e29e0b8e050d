package inspection

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// What is stored is what Inspector does in each region: much in the first, and
// nothing where it is not enabled.
func TestSimulatedAccount(t *testing.T) {
	t.Parallel()
	account := collecttest.Simulate(t, awssim.Options{})
	for i, region := range account.World.Regions {
		f := account.Run(t, Collector, collecttest.Options{Region: region.Name})
		f.Collect(t)
		f.NotThrottled(t)
		if len(f.Gaps()) != 0 || len(f.Completions()) != 3 {
			t.Fatalf("gaps %v, complete %v", f.GapList(), f.CompletionList())
		}
		var want, got []string
		for _, c := range region.Inspector.Coverage {
			want = append(want, c.ResourceID+" "+c.ScanType+" "+c.Status+" "+c.Reason)
		}
		for _, n := range region.Inspector.Findings {
			want = append(want, n.ResourceID)
		}
		for _, row := range collecttest.Rows[schema.InspectorCoverage](f.Sink) {
			got = append(got, row.FunctionARN+":"+row.Version+" "+row.ScanType+" "+row.Status+" "+row.Reason)
		}
		for _, row := range collecttest.Rows[schema.InspectorFindings](f.Sink) {
			got = append(got, row.FunctionARN+":"+row.Version)
			if row.Total < row.Critical+row.High+row.Medium {
				t.Errorf("counts of %+v", row)
			}
		}
		slices.Sort(want)
		slices.Sort(got)
		if diff := cmp.Diff(want, got); diff != "" || (len(want) > 0) != (i == 0) {
			t.Errorf("%s, %d rows (-want +got):\n%s", region.Name, len(want), diff)
		}
	}
}

func TestSimulatedDenial(t *testing.T) {
	t.Parallel()
	account := collecttest.Simulate(t, awssim.Options{Deny: []string{coverageAction}})
	f := account.Run(t, Collector, collecttest.Options{Region: account.World.Regions[0].Name})
	f.Collect(t)
	if diff := cmp.Diff([]string{"inspector_coverage/ denied"}, f.GapList()); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
}
