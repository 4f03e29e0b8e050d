package tracing

import (
	"context"
	"errors"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

const (
	first  = `{"SamplingRuleRecords":[{"CreatedAt":0,"ModifiedAt":0,"SamplingRule":{"RuleName":"Default","RuleARN":"arn:aws:xray:eu-west-1:123456789012:sampling-rule/Default","Priority":10000,"FixedRate":0.05,"ReservoirSize":1,"ServiceName":"*","ServiceType":"*","Host":"*","HTTPMethod":"*","URLPath":"*","ResourceARN":"*"}}],"NextToken":"two"}`
	second = `{"SamplingRuleRecords":[{"ModifiedAt":1793404800,"SamplingRule":{"RuleName":"checkout","Priority":1,"FixedRate":1,"ReservoirSize":50,"ServiceName":"checkout-*","Attributes":{"customer":"secret-4711"}}},{},{"SamplingRule":{}}]}`
)

func newRun(t testing.TB, answer collecttest.Answer) *collecttest.Fixture {
	t.Helper()
	return collecttest.New(t, Collector, collecttest.Options{Wire: collecttest.NewWire(map[string]collecttest.Answer{action: answer})})
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
	if cost := Collector.Estimate(collect.Inventory{Accounts: 2, Regions: 3}); cost.Calls < 182 || cost.Calls > 183 || cost.USD != 0 {
		t.Errorf("estimate %+v", cost)
	}
}

func TestTracing(t *testing.T) {
	t.Parallel()
	f := newRun(t, collecttest.Sequence(collecttest.Body(first), collecttest.Body(second)))
	f.Collect(t)
	f.Golden(t, "account")
	f.Secret(t, "secret-4711", nil)
}

func TestWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		answer collecttest.Answer
		gap    string
		rows   int
	}{
		"denied":              {nil, "sampling_rules/ denied", 0},
		"a login page":        {collecttest.HTML(200), "sampling_rules/ failed", 0},
		"the same page again": {collecttest.Body(first), "sampling_rules/ failed", 2},
		"denied after a page": {collecttest.Sequence(collecttest.Body(first), collecttest.Deny(action)), "sampling_rules/ denied", 1},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newRun(t, test.answer)
			f.Collect(t)
			if diff := cmp.Diff([]string{test.gap}, f.GapList()); diff != "" || len(f.Completions()) != 0 {
				t.Errorf("complete %v, gaps (-want +got):\n%s", f.CompletionList(), diff)
			}
			if n := len(collecttest.Rows[schema.SamplingRule](f.Sink)); n != test.rows {
				t.Errorf("%d rows, want %d", n, test.rows)
			}
		})
	}
}

func TestContextAndSinkErrorsEndTheRun(t *testing.T) {
	t.Parallel()
	f := newRun(t, collecttest.Body(second))
	full := errors.New("disk full")
	f.Sink.PutErr = full
	if err := Collector.Collect(t.Context(), f.Run); !errors.Is(err, full) || len(f.Gaps()) != 0 {
		t.Errorf("with a full disk: %v, gaps %v", err, f.Gaps())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Collector.Collect(ctx, newRun(t, collecttest.Body(second)).Run); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
}

// A region has the rules that were made in it, and the default.
func TestSimulatedAccount(t *testing.T) {
	t.Parallel()
	account := collecttest.Simulate(t, awssim.Options{})
	for _, region := range account.World.Regions {
		f := account.Run(t, Collector, collecttest.Options{Region: region.Name})
		f.Collect(t)
		f.NotThrottled(t)
		want, got := map[string]float64{"Default": 0.05}, map[string]float64{}
		for _, r := range region.SamplingRules {
			want[r.Name] = r.Rate
		}
		for _, row := range collecttest.Rows[schema.SamplingRule](f.Sink) {
			got[row.RuleName] = row.FixedRate
		}
		if diff := cmp.Diff(want, got); diff != "" || len(f.Gaps()) != 0 || len(f.Completions()) != 1 {
			t.Errorf("%s: gaps %v (-want +got):\n%s", region.Name, f.GapList(), diff)
		}
	}
}
