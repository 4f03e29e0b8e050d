package collecttest_test

import (
	"context"
	"strings"
	"testing"

	"github.com/aws/aws-sdk-go-v2/service/iam"
	"github.com/aws/aws-sdk-go-v2/service/lambda"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

var limits = &collect.Collector{
	Name:   "limits",
	Params: []collect.Param{{Name: "deep", Default: true, Doc: "whether to read deeply"}},
	Collect: func(ctx context.Context, r *collect.Run) error {
		out, err := lambda.NewFromConfig(r.AWS).GetAccountSettings(ctx, &lambda.GetAccountSettingsInput{})
		if err != nil {
			r.Gap("account_limits", "", "", "lambda:GetAccountSettings", err)
			return nil
		}
		r.Complete("account_limits", "")
		return collect.Put(ctx, r, schema.AccountLimits{Account: r.Account, FunctionCount: out.AccountUsage.FunctionCount})
	},
}

func TestWireSpeaksToTheRealClients(t *testing.T) {
	t.Parallel()
	wire := collecttest.NewWire(map[string]collecttest.Answer{
		"lambda:GetAccountSettings": collecttest.Sequence(
			collecttest.Throttle("lambda"),
			collecttest.Body(`{"AccountLimit":{"ConcurrentExecutions":1000},"AccountUsage":{"FunctionCount":7}}`)),
	})
	f := collecttest.New(t, limits, collecttest.Options{Wire: wire})
	f.Collect(t)
	if rows := collecttest.Rows[schema.AccountLimits](f.Sink); len(rows) != 1 || rows[0].FunctionCount != 7 {
		t.Errorf("rows: %+v", rows)
	}
	ledger := f.Meter.Ledger(f.Run)
	if len(ledger) != 1 || ledger[0].Calls != 2 || ledger[0].Throttles != 1 {
		t.Errorf("ledger: %+v", ledger)
	}
	if got := f.Dump(); !strings.Contains(got, "# completions\n{\"TableName\":\"account_limits\"}") {
		t.Errorf("dump: %s", got)
	}
	if f.Params["deep"] != true {
		t.Errorf("params: %v", f.Params)
	}
}

func TestUnansweredIsDeniedInEveryProtocol(t *testing.T) {
	t.Parallel()
	f := collecttest.New(t, limits, collecttest.Options{})
	f.Collect(t)
	gaps := f.Gaps()
	if len(gaps) != 1 || gaps[0].Outcome != "denied" || gaps[0].Action != "lambda:GetAccountSettings" {
		t.Errorf("gaps: %+v", gaps)
	}
	_, err := iam.NewFromConfig(f.AWS).ListRoles(t.Context(), &iam.ListRolesInput{})
	if collect.Classify(err) != collect.Denied {
		t.Errorf("iam: %v", err)
	}
}
