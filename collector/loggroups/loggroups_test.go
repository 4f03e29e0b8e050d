package loggroups

import (
	"context"
	"errors"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

const lambdaARN = "arn:aws:lambda:eu-west-1:123456789012:function:"

// account is a region with four groups, of which functions write to two.
func account() *collecttest.Wire {
	return collecttest.NewWire(map[string]collecttest.Answer{
		groupsAction: collecttest.Sequence(
			collecttest.Body(`{"logGroups":[
			{"logGroupName":"/aws/lambda/orders","arn":"arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/orders:*","creationTime":1700000000000,"storedBytes":4096,
			 "retentionInDays":30,"logGroupClass":"STANDARD","kmsKeyId":"arn:aws:kms:eu-west-1:123456789012:key/1","dataProtectionStatus":"ACTIVATED",
			 "inheritedProperties":["ACCOUNT_DATA_PROTECTION"],"deletionProtectionEnabled":true,"metricFilterCount":1},
			{"logGroupName":"/aws/lambda/gone","arn":"arn:aws:logs:eu-west-1:123456789012:log-group:/aws/lambda/gone:*","creationTime":1600000000000,"storedBytes":99}],"nextToken":"two"}`),
			collecttest.Body(`{"logGroups":[{"logGroupName":"shared","logGroupClass":"INFREQUENT_ACCESS","creationTime":1700000000000},
			{"logGroupName":"delivered","logGroupClass":"DELIVERY","creationTime":1700000000000,"retentionInDays":2}]}`),
		),
		filtersAction: collecttest.Body(`{"metricFilters":[{"filterName":"errors","logGroupName":"/aws/lambda/orders","filterPattern":"customer-4711",
			"metricTransformations":[{"metricName":"errors","metricNamespace":"Shop","metricValue":"1","dimensions":{"path":"$.path","code":"$.code"}}]}]}`),
		policiesAction: collecttest.Select(map[string]collecttest.Answer{
			"DATA_PROTECTION_POLICY":     collecttest.Body(`{"accountPolicies":[{"policyName":"mask","policyType":"DATA_PROTECTION_POLICY","policyDocument":"{}","scope":"ALL","lastUpdatedTime":1700000000000}]}`),
			"SUBSCRIPTION_FILTER_POLICY": collecttest.Body(`{"accountPolicies":[{"policyName":"ship","policyDocument":"{\"DestinationArn\":\"arn:aws:firehose:eu-west-1:1:deliverystream/x\",\"FilterPattern\":\"\"}","scope":"ALL","selectionCriteria":"LogGroupName NOT IN [\"shared\"]"}]}`),
		}, nil),
		subscriptionsAction: collecttest.Select(map[string]collecttest.Answer{
			"/aws/lambda/orders": collecttest.Body(`{"subscriptionFilters":[{"filterName":"central","destinationArn":"arn:aws:logs:eu-west-1:999988887777:destination:central","filterPattern":"customer-4711"}]}`),
		}, collecttest.Body(`{"subscriptionFilters":[]}`)),
	})
}

func newRun(t testing.TB, wire *collecttest.Wire) *collecttest.Fixture {
	t.Helper()
	return collecttest.New(t, Collector, collecttest.Options{Wire: wire, Functions: []schema.Function{
		{FunctionName: "orders", FunctionARN: lambdaARN + "orders", LogGroup: "/aws/lambda/orders"},
		{FunctionName: "b", FunctionARN: lambdaARN + "b", LogGroup: "shared"},
		{FunctionName: "a", FunctionARN: lambdaARN + "a", LogGroup: "shared"},
		{FunctionName: "d", FunctionARN: lambdaARN + "d", LogGroup: "delivered"},
		{FunctionName: "new", FunctionARN: lambdaARN + "new"},
	}})
}

func TestDeclaration(t *testing.T) {
	t.Parallel()
	relations, err := schema.Relations()
	if err != nil {
		t.Fatal(err)
	}
	reads := &collect.Collector{
		Name: "functions", Title: "x", Doc: Collector.Doc, Writes: []string{"functions"}, Actions: []collect.Action{{Name: "lambda:ListFunctions", Blinds: "x"}},
		Scope: collect.PerRegion, Every: every, Estimate: estimate, Collect: run,
	}
	if err := collect.Validate([]*collect.Collector{Collector, reads}, relations); err != nil {
		t.Error(err)
	}
	if cost := estimate(collect.Inventory{Functions: 2000, Regions: 2}); cost.USD != 0 || cost.Units != 0 || cost.Calls < 30*1000 || cost.Calls > 32*1060 {
		t.Errorf("estimate %+v", cost)
	}
}

func TestLogGroups(t *testing.T) {
	t.Parallel()
	wire := account()
	f := newRun(t, wire)
	f.Collect(t)
	f.Golden(t, "account")
	f.Secret(t, "customer-4711", nil)
	if n := wire.Calls(subscriptionsAction); n != 2 {
		t.Errorf("%d groups asked about their subscriptions, want those that are written to and not delivered", n)
	}
}

// What is denied or unreadable costs its own table.
func TestEachListingByItself(t *testing.T) {
	t.Parallel()
	all := []string{"log_account_policies/DATA_PROTECTION_POLICY", "log_account_policies/SUBSCRIPTION_FILTER_POLICY", "log_groups/", "log_metric_filters/"}
	for name, test := range map[string]struct {
		action   string
		answer   collecttest.Answer
		gaps     []string
		complete []string
	}{
		"groups denied":       {groupsAction, nil, []string{"log_groups/ denied"}, []string{all[0], all[1], all[3]}},
		"filters unreadable":  {filtersAction, collecttest.HTML(200), []string{"log_metric_filters/ failed"}, all[:3]},
		"policies denied":     {policiesAction, nil, []string{"log_account_policies/DATA_PROTECTION_POLICY denied", "log_account_policies/SUBSCRIPTION_FILTER_POLICY denied"}, all[2:]},
		"one type refused":    {policiesAction, collecttest.Select(map[string]collecttest.Answer{"SUBSCRIPTION": collecttest.Body(`{}`)}, nil), []string{"log_account_policies/DATA_PROTECTION_POLICY denied"}, all[1:]},
		"subscription denied": {subscriptionsAction, nil, []string{"log_subscriptions/ denied"}, all},
		"one group denied": {
			subscriptionsAction, collecttest.Select(map[string]collecttest.Answer{"shared": collecttest.Body(`{}`)}, nil),
			[]string{"log_subscriptions/ arn:…:/aws/lambda/orders denied"},
			all,
		},
		"group deleted meanwhile": {subscriptionsAction, collecttest.Fail("logs", 400, "ResourceNotFoundException", "gone"), nil, all},
		"the same page again":     {groupsAction, collecttest.Body(`{"logGroups":[],"nextToken":"again"}`), []string{"log_groups/ failed"}, []string{all[0], all[1], all[3]}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newRun(t, account().On(test.action, test.answer))
			f.Collect(t)
			if diff := cmp.Diff(test.gaps, f.GapList()); diff != "" {
				t.Errorf("gaps (-want +got):\n%s", diff)
			}
			for _, g := range f.Gaps() {
				if g.Action != test.action {
					t.Errorf("a gap of %s, want %s", g.Action, test.action)
				}
			}
			if diff := cmp.Diff(test.complete, f.CompletionList()); diff != "" {
				t.Errorf("complete (-want +got):\n%s", diff)
			}
		})
	}
}

// Groups take turns: a run goes on where the last one ended.
func TestSubscriptionsTakeTurns(t *testing.T) {
	t.Parallel()
	groups := []string{"d", "a", "c", "b"}
	for _, test := range []struct {
		last string
		most int
		want string
	}{{"", 3, "a b c"}, {"c", 3, "d a b"}, {"bb", 2, "c d"}, {"z", 9, "a b c d"}, {"d", 1, "a"}} {
		if got := strings.Join(turnOf(groups, test.last, test.most), " "); got != test.want {
			t.Errorf("%d after %q: %s, want %s", test.most, test.last, got, test.want)
		}
	}
	f := newRun(t, account())
	f.Params["subscriptions_per_run"] = int64(1)
	f.Collect(t)
	if at := f.State.Values()[cursor]; at != "/aws/lambda/orders" || len(collecttest.Rows[schema.LogSubscription](f.Sink)) != 1 {
		t.Errorf("cursor %q, rows %v", at, collecttest.Rows[schema.LogSubscription](f.Sink))
	}
	wire := account()
	f = newRun(t, wire)
	f.Params["subscriptions_per_run"] = int64(0)
	f.Collect(t)
	if wire.Calls(subscriptionsAction) != 0 {
		t.Error("asked about subscriptions that are not wanted")
	}
}

func TestContextAndSinkErrorsEndTheRun(t *testing.T) {
	t.Parallel()
	f := newRun(t, account())
	full := errors.New("disk full")
	f.Sink.PutErr = full
	if err := Collector.Collect(t.Context(), f.Run); !errors.Is(err, full) || len(f.Gaps()) != 0 {
		t.Errorf("with a full disk: %v, gaps %v", err, f.Gaps())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Collector.Collect(ctx, newRun(t, account()).Run); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
}

func TestActionsAreThoseCalled(t *testing.T) {
	t.Parallel()
	wire := account()
	newRun(t, wire).Collect(t)
	for _, a := range Collector.Actions {
		if wire.Calls(a.Name) == 0 {
			t.Errorf("%s is declared and not called", a.Name)
		}
	}
	if !slices.IsSorted(writersOf([]schema.Function{{FunctionARN: "b", LogGroup: "g"}, {FunctionARN: "a", LogGroup: "g"}})["g"]) {
		t.Error("writers are not sorted")
	}
}
