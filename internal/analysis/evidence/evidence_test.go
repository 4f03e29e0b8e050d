package evidence

import (
	"context"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/analysis"
)

func TestBlind(t *testing.T) {
	t.Parallel()
	orders := analysis.Subject{Resource: "arn:orders", Account: "111122223333", Region: "us-east-1"}
	elsewhere := analysis.Subject{Resource: "arn:orders", Account: "111122223333", Region: "eu-west-1"}
	gap := func(kind, resource string) Gap {
		return Gap{
			Account: orders.Account, Region: orders.Region, Table: "edges", Kind: kind, Resource: resource,
			Action: "lambda:GetPolicy", Outcome: "denied", Detail: "not authorized",
		}
	}
	denied := &analysis.Blindness{Reason: analysis.Denied, Detail: "lambda:GetPolicy"}
	for _, tt := range []struct {
		name  string
		gap   Gap
		asked analysis.Subject
		table string
		kind  string
		want  *analysis.Blindness
	}{
		{"a gap of the whole scope hides every resource", gap("", ""), orders, "edges", "", denied},
		{"a gap of another kind hides nothing", gap("s3", ""), orders, "edges", "policy", nil},
		{"a question about the table as a whole meets a gap of any kind", gap("s3", ""), orders, "edges", "", denied},
		{"a gap of every kind meets a question about one", gap("", ""), orders, "edges", "s3", denied},
		{"a gap of the resource hides it", gap("policy", "arn:orders"), orders, "edges", "policy", denied},
		{"a gap of another resource hides nothing", gap("policy", "arn:payments"), orders, "edges", "policy", nil},
		{"a gap of another table hides nothing", gap("", ""), orders, "functions", "", nil},
		{"a gap of another region hides nothing", gap("", ""), elsewhere, "edges", "", nil},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			var got *analysis.Blindness
			if b, blind := NewGaps([]Gap{tt.gap}).Blind(tt.asked, tt.table, tt.kind); blind {
				got = &b
			}
			if diff := cmp.Diff(tt.want, got); diff != "" {
				t.Errorf("blindness (-want +got):\n%s", diff)
			}
		})
	}
}

func TestBlindness(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		gap  Gap
		want analysis.Blindness
	}{
		{Gap{Outcome: "denied", Action: "lambda:ListTags", Detail: "long text"}, analysis.Blindness{Reason: analysis.Denied, Detail: "lambda:ListTags"}},
		{Gap{Outcome: "denied", Detail: "service control policy"}, analysis.Blindness{Reason: analysis.Denied, Detail: "service control policy"}},
		{Gap{Outcome: "throttled", Action: "lambda:ListTags", Detail: "rate"}, analysis.Blindness{Reason: analysis.Throttled, Detail: "lambda:ListTags: rate"}},
		{Gap{Outcome: "skipped", Detail: "budget reached"}, analysis.Blindness{Reason: analysis.Unread, Detail: "budget reached"}},
		{Gap{Outcome: "nodata"}, analysis.Blindness{Reason: analysis.NoData}},
		{Gap{Outcome: "failed", Action: "s3:GetBucketNotification", Detail: "HTTP 500"}, analysis.Blindness{Reason: analysis.Failed, Detail: "s3:GetBucketNotification: HTTP 500"}},
	} {
		if diff := cmp.Diff(tt.want, tt.gap.Blindness()); diff != "" {
			t.Errorf("%+v (-want +got):\n%s", tt.gap, diff)
		}
	}
}

func TestBind(t *testing.T) {
	t.Parallel()
	from := time.Date(2026, 10, 1, 0, 0, 0, 0, time.UTC)
	a := &analysis.Analyzer{Name: "probe", Params: []analysis.Param{
		{Name: "ratio", Kind: analysis.Number}, {Name: "age", Kind: analysis.Length}, {Name: "policy", Kind: analysis.Object},
	}}
	p := analysis.NewPass(a, analysis.Window{From: from, To: from.AddDate(0, 0, 1)})
	p.Params = map[string]any{"ratio": 0.1, "age": time.Minute, "policy": map[string]any{"a": 1}}
	var got map[string]any
	Bind(p, func(_ context.Context, _ string, params map[string]any) (analysis.Rows, error) {
		got = params
		return nil, nil
	})
	if _, err := p.Query(t.Context(), "SELECT 1", map[string]any{"resource": "arn:orders"}); err != nil {
		t.Fatal(err)
	}
	want := map[string]any{
		"from": from, "to": from.AddDate(0, 0, 1), "account": "", "region": "", "resource": "arn:orders",
		"ratio": 0.1, "age": int64(60),
	}
	if diff := cmp.Diff(want, got); diff != "" {
		t.Errorf("bound parameters (-want +got):\n%s", diff)
	}
}
