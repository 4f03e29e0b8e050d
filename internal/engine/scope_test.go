package engine

import (
	"context"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/collect"
)

// TestWhereCollectorsRun: everywhere, once an account, or once in all; and what
// was read once stands for every account.
func TestWhereCollectorsRun(t *testing.T) {
	t.Parallel()
	collector := func(name, table string, scope collect.Scope) *collect.Collector {
		return &collect.Collector{
			Name: name, Writes: []string{table}, Scope: scope, Every: time.Hour,
			Collect: func(_ context.Context, r *collect.Run) error {
				r.Complete(table, "")
				return nil
			},
		}
	}
	r := newRig(t, []*collect.Collector{
		collector("regional", "queues", collect.PerRegion), collector("bill", "costs_daily", collect.PerAccount), collector("company", "account_limits", collect.Once),
	}, nil)
	r.Reload(r.Config(), []Scope{
		{Account: "111111111111", Region: "eu-west-1", Home: true, First: true}, {Account: "111111111111", Region: "us-east-1"},
		{Account: "222222222222", Region: "us-east-1", Home: true},
	})
	runs, err := r.Collect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	var got []string
	for _, run := range runs {
		got = append(got, run.Collector+" "+run.Account[:1]+" "+run.Region)
	}
	slices.Sort(got)
	want := []string{"bill 1 eu-west-1", "bill 2 us-east-1", "company 1 eu-west-1", "regional 1 eu-west-1", "regional 1 us-east-1", "regional 2 us-east-1"}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("(-want +got):\n%s", diff)
	}
	now := r.clock.now()
	s, err := r.loadSight(t.Context(), analysis.Window{From: now.Add(-time.Hour), To: now})
	if err != nil {
		t.Fatal(err)
	}
	member := analysis.Subject{Resource: "arn:aws:lambda:us-east-1:222222222222:function:f", Account: "222222222222", Region: "us-east-1"}
	if b, blind := s.blind(member, "account_limits", ""); blind {
		t.Errorf("what was read once is not known of a member: %+v", b)
	}
}
