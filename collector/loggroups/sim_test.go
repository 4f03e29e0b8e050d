package loggroups

import (
	"slices"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

func inventory(r *awssim.Region) []schema.Function {
	var list []schema.Function
	for _, f := range r.Functions {
		list = append(list, schema.Function{FunctionName: f.Name, FunctionARN: f.ARN, LogGroup: f.LogGroup()})
	}
	return list
}

// What is stored is what the region has.
func TestSimulatedAccount(t *testing.T) {
	t.Parallel()
	account := collecttest.Simulate(t, awssim.Options{})
	region := account.World.Regions[0]
	f := account.Run(t, Collector, collecttest.Options{Region: region.Name, Functions: inventory(region)})
	f.Collect(t)
	f.NotThrottled(t)
	if len(f.Gaps()) != 0 || len(f.Completions()) != 4 {
		t.Fatalf("gaps %v, complete %v", f.GapList(), f.CompletionList())
	}
	orphans := 0
	rows := collecttest.Rows[schema.LogGroup](f.Sink)
	for _, row := range rows {
		i := slices.IndexFunc(region.LogGroups(), func(g awssim.LogGroup) bool { return g.Name == row.LogGroupName })
		if i < 0 {
			t.Errorf("group %s is not the region's", row.LogGroupName)
			continue
		}
		g, settings := region.LogGroups()[i], region.GroupSettings[row.LogGroupName]
		got := []any{row.LogGroupARN, row.Class, int64(row.StoredBytes), row.KMSKeyARN, row.DataProtection, len(row.Inherited) > 0}
		if diff := cmp.Diff([]any{g.ARN, g.Class, g.StoredBytes, settings.KMSKeyARN, settings.DataProtection, settings.Inherited}, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", row.LogGroupName, diff)
		}
		if (row.RetentionDays == nil) != (g.RetentionDays == 0) || row.RetentionDays != nil && *row.RetentionDays != int64(g.RetentionDays) {
			t.Errorf("%s is kept for %v days, want %d", row.LogGroupName, row.RetentionDays, g.RetentionDays)
		}
		if len(row.Functions) == 0 {
			orphans++
		}
	}
	if len(rows) != len(region.LogGroups()) || orphans != 2 {
		t.Errorf("%d groups, want %d; %d orphans, want those of the two functions that are gone", len(rows), len(region.LogGroups()), orphans)
	}
	if n := len(collecttest.Rows[schema.LogMetricFilter](f.Sink)); n != len(region.MetricFilters) || n == 0 {
		t.Errorf("%d metric filters, want %d", n, len(region.MetricFilters))
	}
	if n := len(collecttest.Rows[schema.LogAccountPolicy](f.Sink)); n != 1 {
		t.Errorf("%d policies", n)
	}
	subscribed := 0
	for _, row := range collecttest.Rows[schema.LogSubscription](f.Sink) {
		subscribed += len(row.FilterNames)
	}
	want := 0
	for _, s := range region.SubscriptionFilters {
		if len(writersOf(inventory(region))[s.LogGroup]) > 0 {
			want++
		}
	}
	if subscribed != want || want == 0 {
		t.Errorf("%d subscriptions, want %d", subscribed, want)
	}
}

func TestSimulatedDenial(t *testing.T) {
	t.Parallel()
	account := collecttest.Simulate(t, awssim.Options{Deny: []string{filtersAction, subscriptionsAction}})
	region := account.World.Regions[1]
	f := account.Run(t, Collector, collecttest.Options{Region: region.Name, Functions: inventory(region)})
	f.Collect(t)
	if diff := cmp.Diff([]string{"log_metric_filters/ denied", "log_subscriptions/ denied"}, f.GapList()); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
}
