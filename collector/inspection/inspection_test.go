package inspection

import (
	"context"
	"errors"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

const (
	enabled  = `{"accounts":[{"accountId":"123456789012","state":{"status":"ENABLED"},"resourceState":{"ec2":{"status":"DISABLED"},"ecr":{"status":"DISABLED"},"lambda":{"status":"ENABLED"},"lambdaCode":{"status":"DISABLED","errorCode":"INTERNAL_ERROR"}}}],"failedAccounts":[]}`
	disabled = `{"accounts":[{"accountId":"123456789012","state":{"status":"ENABLED"},"resourceState":{"ec2":{"status":"ENABLED"},"ecr":{"status":"ENABLED"},"lambda":{"status":"DISABLED"}}}]}`
)

func account() *collecttest.Wire {
	return collecttest.NewWire(map[string]collecttest.Answer{
		statusAction: collecttest.Body(enabled),
		coverageAction: collecttest.Sequence(
			collecttest.Body(`{"coveredResources":[
			{"accountId":"123456789012","resourceId":"arn:aws:lambda:eu-west-1:123456789012:function:orders:$LATEST","resourceType":"AWS_LAMBDA_FUNCTION","scanType":"PACKAGE",
			 "scanStatus":{"statusCode":"ACTIVE","reason":"SUCCESSFUL"},"lastScannedAt":1793404800,"resourceMetadata":{"lambdaFunction":{"functionName":"orders","runtime":"NODEJS_22_X"}}},
			{"accountId":"123456789012","resourceId":"arn:aws:ecr:eu-west-1:123456789012:repository/x","resourceType":"AWS_ECR_REPOSITORY","scanType":"PACKAGE"}],"nextToken":"two"}`),
			collecttest.Body(`{"coveredResources":[
			{"accountId":"123456789012","resourceId":"arn:aws:lambda:eu-west-1:123456789012:function:carts:7","resourceType":"AWS_LAMBDA_FUNCTION","scanType":"CODE",
			 "scanStatus":{"statusCode":"INACTIVE","reason":"EXCLUDED_BY_TAG"}},
			{"accountId":"123456789012","resourceId":"arn:aws:lambda:eu-west-1:123456789012:function:bare","resourceType":"AWS_LAMBDA_FUNCTION","scanType":"CODE"}]}`),
		),
		findingsAction: collecttest.Body(`{"aggregationType":"AWS_LAMBDA_FUNCTION","responses":[
			{"lambdaFunctionAggregation":{"resourceId":"arn:aws:lambda:eu-west-1:123456789012:function:orders:$LATEST","severityCounts":{"all":9,"critical":1,"high":2,"medium":3}}},
			{"accountAggregation":{"accountId":"123456789012"}},{"lambdaFunctionAggregation":{"resourceId":"arn:aws:lambda:eu-west-1:123456789012:function:uncounted"}}]}`),
	})
}

func newRun(t testing.TB, wire *collecttest.Wire) *collecttest.Fixture {
	t.Helper()
	return collecttest.New(t, Collector, collecttest.Options{Wire: wire})
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
	if cost := Collector.Estimate(collect.Inventory{Regions: 1, Functions: 200}); cost.Calls < 180 || cost.Calls > 190 || cost.USD != 0 {
		t.Errorf("estimate %+v", cost)
	}
}

func TestInspection(t *testing.T) {
	t.Parallel()
	wire := account()
	f := newRun(t, wire)
	f.Collect(t)
	f.Golden(t, "account")
	for _, a := range Collector.Actions {
		if wire.Calls(a.Name) == 0 {
			t.Errorf("%s is declared and not called", a.Name)
		}
		if !strings.Contains(wire.Requests(a.Name)[0], `123456789012`) {
			t.Errorf("%s is asked about other accounts too: %s", a.Name, wire.Requests(a.Name)[0])
		}
	}
}

// Not enabled is an answer: nothing is scanned, and nothing else is asked.
func TestNotEnabled(t *testing.T) {
	t.Parallel()
	wire := account().On(statusAction, collecttest.Body(disabled))
	f := newRun(t, wire)
	f.Collect(t)
	f.Golden(t, "disabled")
	if wire.Calls(coverageAction)+wire.Calls(findingsAction) != 0 {
		t.Error("asked for what is not there")
	}
}

func TestWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	const status, coverage, findings = "inspector_status/", "inspector_coverage/", "inspector_findings/"
	for name, test := range map[string]struct {
		action   string
		answer   collecttest.Answer
		gaps     []string
		complete []string
	}{
		"status denied":       {statusAction, nil, []string{status + " denied"}, []string{coverage, findings}},
		"status of others":    {statusAction, collecttest.Body(`{"accounts":[{"accountId":"1"}]}`), []string{status + " failed"}, []string{coverage, findings}},
		"status withheld":     {statusAction, collecttest.Body(`{"accounts":[],"failedAccounts":[{"accountId":"123456789012","errorCode":"ACCESS_DENIED","errorMessage":"no"}]}`), []string{status + " denied"}, []string{coverage, findings}},
		"status malformed":    {statusAction, collecttest.HTML(200), []string{status + " failed"}, []string{coverage, findings}},
		"coverage denied":     {coverageAction, nil, []string{coverage + " denied"}, []string{findings, status}},
		"the same page again": {coverageAction, collecttest.Body(`{"coveredResources":[],"nextToken":"again"}`), []string{coverage + " failed"}, []string{findings, status}},
		"findings denied":     {findingsAction, nil, []string{findings + " denied"}, []string{coverage, status}},
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

func TestFindingsAreNotWanted(t *testing.T) {
	t.Parallel()
	wire := account()
	f := newRun(t, wire)
	f.Params["findings"] = false
	f.Collect(t)
	if wire.Calls(findingsAction) != 0 || len(f.Completions()) != 2 {
		t.Errorf("complete %v", f.CompletionList())
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
