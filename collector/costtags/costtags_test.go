package costtags

import (
	"net/http"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

const (
	first  = `{"CostAllocationTags":[{"TagKey":"owner","Type":"UserDefined","Status":"Active","LastUpdatedDate":"2025-02-03T04:05:06Z","LastUsedDate":"2026-10-01T00:00:00Z"}],"NextToken":"more"}`
	second = `{"CostAllocationTags":[{"TagKey":"aws:createdBy","Type":"AWSGenerated","Status":"Inactive","LastUsedDate":"2026-10-01"},{"TagKey":"team","Type":"UserDefined","Status":"Inactive"}]}`
)

var well = map[string]collecttest.Answer{
	action: collecttest.Select(map[string]collecttest.Answer{`"NextToken":"more"`: collecttest.Body(second)}, collecttest.Body(first)),
}

func TestTags(t *testing.T) {
	t.Parallel()
	f := collecttest.New(t, Collector, collecttest.Options{Wire: collecttest.NewWire(well), Rates: collecttest.PageRates()})
	f.Collect(t)
	f.Golden(t, "tags")
	if f.Meter.USD() != 0.02 {
		t.Errorf("$%g for two pages", f.Meter.USD())
	}
}

func TestFailures(t *testing.T) {
	t.Parallel()
	collecttest.Failures(t, Collector, collecttest.Options{}, well, collecttest.Failure{
		Operation: action, Table: table, Repeated: collecttest.Body(`{"CostAllocationTags":[],"NextToken":"again"}`), Lost: []string{"cost_allocation_tags/"},
		Malformed: map[string]collecttest.Answer{
			"no key":    collecttest.Body(`{"CostAllocationTags":[{"Type":"UserDefined","Status":"Active"}]}`),
			"no status": collecttest.Body(`{"CostAllocationTags":[{"TagKey":"a","Type":"UserDefined"}]}`),
			"no data":   collecttest.Fail("ce", http.StatusBadRequest, "DataUnavailableException", "none"),
		},
	})
}

func TestSimulatedAccount(t *testing.T) {
	t.Parallel()
	world := collecttest.Month(t)
	account := collecttest.Serve(t, awssim.Options{World: world})
	f := account.Run(t, Collector, collecttest.Options{Rates: collecttest.PageRates()})
	f.Collect(t)
	active, inactive := []string{}, []string{}
	for _, row := range collecttest.Rows[schema.CostAllocationTag](f.Sink) {
		if row.Status == "Active" {
			active = append(active, row.TagKey)
		} else {
			inactive = append(inactive, row.TagKey)
		}
	}
	slices.Sort(active)
	slices.Sort(inactive)
	if diff := cmp.Diff([][]string{awssim.CostAllocationTags(), world.InactiveTags}, [][]string{active, inactive}); diff != "" {
		t.Errorf("keys (-want +got):\n%s", diff)
	}
	account.SameLedger(t, f)
}

// A member of an organization is told where to look, and that no permission helps.
func TestMember(t *testing.T) {
	t.Parallel()
	wire := collecttest.NewWire(map[string]collecttest.Answer{
		action: collecttest.Fail("ce", http.StatusBadRequest, "AccessDeniedException", "Linked account doesn't have access to cost allocation tags."),
	})
	f := collecttest.New(t, Collector, collecttest.Options{Wire: wire})
	f.Collect(t)
	gaps := f.Gaps()
	if len(gaps) != 1 || gaps[0].Outcome != "failed" || !strings.Contains(gaps[0].Detail, "paying account") {
		t.Errorf("gaps %+v", gaps)
	}
}

func TestSimulatedDenial(t *testing.T) {
	t.Parallel()
	account := collecttest.Serve(t, awssim.Options{World: collecttest.Month(t), Deny: []string{action}})
	f := account.Run(t, Collector, collecttest.Options{})
	f.Collect(t)
	if got := strings.Join(f.GapList(), ", "); got != "cost_allocation_tags/ denied" || len(f.CompletionList()) != 0 {
		t.Errorf("gaps %s, completions %v", got, f.CompletionList())
	}
}

func TestEstimate(t *testing.T) {
	t.Parallel()
	if usd := Collector.Estimate(collect.Inventory{Accounts: 1}).Price(collecttest.PageRates()).USD; usd < 0.10 || usd > 0.11 {
		t.Errorf("$%.2f a month", usd)
	}
}
