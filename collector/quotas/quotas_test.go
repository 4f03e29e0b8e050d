package quotas

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

func account() *collecttest.Wire {
	lambda := func(answer collecttest.Answer) collecttest.Answer {
		return collecttest.Select(map[string]collecttest.Answer{`"lambda"`: answer}, collecttest.Fail("servicequotas", 400, "NoSuchResourceException", "no such service"))
	}
	return collecttest.NewWire(map[string]collecttest.Answer{
		appliedAction: lambda(collecttest.Sequence(
			collecttest.Body(`{"Quotas":[{"ServiceCode":"lambda","QuotaCode":"L-B99A9384","QuotaName":"Concurrent executions","Value":3000.0,"Unit":"None","Adjustable":true,"GlobalQuota":false,
			"UsageMetric":{"MetricNamespace":"AWS/Lambda","MetricName":"ConcurrentExecutions","MetricDimensions":{},"MetricStatisticRecommendation":"Maximum"}}],"NextToken":"two"}`),
			collecttest.Body(`{"Quotas":[{"QuotaCode":"L-1","QuotaName":"Withheld","QuotaArn":"arn:aws:servicequotas:eu-west-1:123456789012:lambda/L-1","ErrorReason":{"ErrorCode":"DEPENDENCY_ACCESS_DENIED_ERROR","ErrorMessage":"no"}}]}`),
		)),
		defaultAction: lambda(collecttest.Body(`{"Quotas":[{"QuotaCode":"L-B99A9384","QuotaName":"Concurrent executions","Value":1000.0,"Unit":"None","Adjustable":true},
			{"QuotaCode":"L-2ACBD22F","QuotaName":"Function and layer storage","Value":75.0,"Unit":"Gigabytes","Adjustable":true},
			{"QuotaCode":"L-1","QuotaName":"Withheld","Value":5.0}]}`)),
	})
}

func newRun(t testing.TB, wire *collecttest.Wire) *collecttest.Fixture {
	t.Helper()
	return collecttest.New(t, Collector, collecttest.Options{Wire: wire, Params: map[string]any{"services": []string{"lambda", "nothing"}}})
}

func TestDeclaration(t *testing.T) {
	t.Parallel()
	relations, err := schema.Relations()
	if err != nil {
		t.Fatal(err)
	}
	if err := collect.Validate([]*collect.Collector{Collector}, relations); err != nil {
		t.Error(err)
	}
	if cost := Collector.Estimate(collect.Inventory{Accounts: 2, Regions: 1}); cost.Calls < 600 || cost.Calls > 620 || cost.USD != 0 {
		t.Errorf("estimate %+v", cost)
	}
}

func TestQuotas(t *testing.T) {
	t.Parallel()
	wire := account()
	f := newRun(t, wire)
	f.Collect(t)
	f.Golden(t, "account")
	for _, a := range Collector.Actions {
		if wire.Calls(a.Name) < 2 {
			t.Errorf("%s is called %d times for two services", a.Name, wire.Calls(a.Name))
		}
	}
}

func TestWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		action   string
		answer   collecttest.Answer
		gaps     []string
		complete []string
		rows     int
	}{
		"applied denied":      {appliedAction, nil, []string{"service_quotas/lambda denied", "service_quotas/nothing denied"}, nil, 0},
		"defaults denied":     {defaultAction, nil, []string{"service_quotas/lambda arn:…:lambda/L-1 denied", "service_quotas/lambda denied", "service_quotas/nothing denied"}, nil, 1},
		"a login page":        {defaultAction, collecttest.HTML(200), []string{"service_quotas/lambda arn:…:lambda/L-1 denied", "service_quotas/lambda failed", "service_quotas/nothing failed"}, nil, 1},
		"the same page again": {appliedAction, collecttest.Body(`{"Quotas":[],"NextToken":"again"}`), []string{"service_quotas/lambda failed", "service_quotas/nothing failed"}, nil, 0},
		"no value":            {appliedAction, collecttest.Body(`{"Quotas":[{"QuotaCode":"L-9","QuotaArn":"arn:aws:servicequotas:eu-west-1:123456789012:lambda/L-9"}]}`), []string{"service_quotas/lambda arn:…:lambda/L-9 failed", "service_quotas/nothing arn:…:lambda/L-9 failed"}, []string{"service_quotas/lambda", "service_quotas/nothing"}, 3},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newRun(t, account().On(test.action, test.answer))
			f.Collect(t)
			if diff := cmp.Diff(test.gaps, f.GapList()); diff != "" {
				t.Errorf("gaps (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(test.complete, f.CompletionList()); diff != "" {
				t.Errorf("complete (-want +got):\n%s", diff)
			}
			if rows := collecttest.Rows[schema.ServiceQuota](f.Sink); len(rows) != test.rows {
				t.Errorf("%d rows, want %d: %+v", len(rows), test.rows, rows)
			}
		})
	}
}

func TestContextAndSinkErrorsEndTheRun(t *testing.T) {
	t.Parallel()
	f := newRun(t, account())
	full := errors.New("disk full")
	f.Sink.PutErr = full
	if err := Collector.Collect(t.Context(), f.Run); !errors.Is(err, full) {
		t.Errorf("with a full disk: %v, gaps %v", err, f.Gaps())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Collector.Collect(ctx, newRun(t, account()).Run); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
}
