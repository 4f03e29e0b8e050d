package throttles

import (
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/analysis/analysistest"
)

func TestScenarios(t *testing.T) { analysistest.Run(t, Analyzer) }

func TestCauseOf(t *testing.T) {
	t.Parallel()
	quiet := slot{PeriodS: 60, Throttles: 10, Concurrency: -1, Before: -1, Claimed: -1, Unreserved: -1}
	at := func(change func(*slot)) slot { s := quiet; change(&s); return s }
	for _, tt := range []struct {
		name string
		row  row
		slot slot
		want cause
	}{
		{"nothing is known", row{}, quiet, unknown},
		{"a reservation of zero", row{Reserved: new(int64(0))}, quiet, switchedOff},
		{"95 % of a reservation", row{Reserved: new(int64(20))}, at(func(s *slot) { s.Concurrency = 19 }), reserved},
		{"90 % of a reservation", row{Reserved: new(int64(20))}, at(func(s *slot) { s.Concurrency = 18 }), unknown},
		{"the account's limit", row{AccountLimit: 1000}, at(func(s *slot) { s.Claimed = 950 }), account},
		{"just below the account's limit", row{AccountLimit: 1000}, at(func(s *slot) { s.Claimed = 949 }), unknown},
		{"the account's limit does not touch a reservation", row{Reserved: new(int64(20)), AccountLimit: 1000}, at(func(s *slot) { s.Claimed = 1000 }), unknown},
		{"the unreserved tells when the claimed was not read", row{AccountLimit: 1000, UnreservedLimit: 800}, at(func(s *slot) { s.Unreserved = 760 }), account},
		{"and does not when it was", row{AccountLimit: 1000, UnreservedLimit: 800}, at(func(s *slot) { s.Unreserved, s.Claimed = 760, 900 }), unknown},
		{"no limit was read", row{}, at(func(s *slot) { s.Claimed = 1000 }), unknown},
		{"spill-over with nothing beyond", row{Provisioned: 5, Reserved: new(int64(5))}, at(func(s *slot) { s.Spillover, s.Concurrency = 1, 5 }), provisioned},
		{"spill-over into a reservation", row{Provisioned: 5, Reserved: new(int64(10))}, at(func(s *slot) { s.Spillover, s.Concurrency = 1, 10 }), reserved},
		{"a rise of 1,000 in an account with room", row{AccountLimit: 5000}, at(func(s *slot) { s.Before, s.Concurrency = 10, 1010 }), burst},
		{"a rise of 999", row{AccountLimit: 5000}, at(func(s *slot) { s.Before, s.Concurrency = 10, 1009 }), unknown},
		{"no rise can be told without the minute before", row{AccountLimit: 5000}, at(func(s *slot) { s.Concurrency = 1010 }), unknown},
		{"all mappings at their maximum", row{MappingMaximums: []int64{5, 5}}, at(func(s *slot) { s.Concurrency = 10 }), mapping},
		{"a mapping without one", row{MappingMaximums: []int64{5, 0}}, at(func(s *slot) { s.Concurrency = 10 }), unknown},
	} {
		if got := tt.row.causeOf(tt.slot, 0.95); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestDecide(t *testing.T) {
	t.Parallel()
	c := throttling{row: row{Reserved: new(int64(10))}, slots: []slot{
		{PeriodS: 60, Throttles: 60, Concurrency: 10},
		{PeriodS: 60, Throttles: 25, Concurrency: 3},
		{PeriodS: 3600, Throttles: 15, Concurrency: 10},
	}}
	c.decide(0.95)
	if diff := cmp.Diff(map[cause]float64{reserved: 0.75, unknown: 0.25}, c.shares); diff != "" || c.cause != reserved {
		t.Errorf("cause %s, shares (-want +got):\n%s", c.cause, diff)
	}
	if got := c.byTheMinute(0.95); got != 0.6 {
		t.Errorf("explained by the minute: %v, want 0.6", got)
	}
	none := throttling{}
	none.decide(0.95)
	if none.cause != unknown || none.byTheMinute(0.95) != 0 {
		t.Errorf("without a period the cause is %s", none.cause)
	}
}

func TestConfidence(t *testing.T) {
	t.Parallel()
	full := slot{PeriodS: 60, Concurrency: 10}
	with := func(throttles float64, period uint32, concurrency float64) slot {
		s := full
		s.Throttles, s.PeriodS, s.Concurrency = throttles, period, concurrency
		return s
	}
	for _, tt := range []struct {
		name  string
		slots []slot
		want  analysis.Confidence
	}{
		{"80 % by the minute", []slot{with(80, 60, 10), with(20, 60, 1)}, analysis.ConfidenceHigh},
		{"79 % by the minute", []slot{with(79, 60, 10), with(21, 60, 1)}, analysis.ConfidenceMedium},
		{"all by the hour", []slot{with(100, 3600, 10)}, analysis.ConfidenceMedium},
		{"79 % by the hour", []slot{with(79, 3600, 10), with(21, 3600, 1)}, analysis.ConfidenceLow},
		{"no cause", []slot{with(100, 60, 1)}, analysis.ConfidenceLow},
	} {
		c := throttling{row: row{Reserved: new(int64(10))}, slots: tt.slots}
		c.decide(0.95)
		if got := c.confidence(0.95); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestSeverity(t *testing.T) {
	t.Parallel()
	of := func(share float64, kinds ...string) row {
		return row{WorstThrottles: 1000 * share, WorstInvocations: 1000 * (1 - share), TriggerKinds: kinds, Triggers: make([]string, len(kinds))}
	}
	dropped := of(0.02, "bucket")
	dropped.AsyncDropped = 1
	for _, tt := range []struct {
		name  string
		row   row
		cause cause
		want  analysis.Severity
	}{
		{"nothing known calls it", of(0.099), unknown, analysis.Medium},
		{"nothing known calls it, severe", of(0.10), unknown, analysis.High},
		{"somebody waits", of(0.02, "api", "queue"), reserved, analysis.Medium},
		{"somebody waits, severe", of(0.5, "api"), reserved, analysis.High},
		{"a stream stands still", of(0.5, "table"), reserved, analysis.High},
		{"messages and events wait", of(0.02, "queue", "topic"), reserved, analysis.Low},
		{"messages and events wait, severe", of(0.5, "queue", "rule"), reserved, analysis.Medium},
		{"events are lost", dropped, reserved, analysis.Critical},
		{"a switch", of(1, "api"), switchedOff, analysis.Info},
	} {
		c := throttling{row: tt.row, cause: tt.cause}
		if got := c.severity(0.10); got != tt.want {
			t.Errorf("%s: %s, want %s", tt.name, got, tt.want)
		}
	}
}

func TestModes(t *testing.T) {
	t.Parallel()
	r := row{
		Triggers:       []string{"apigateway.amazonaws.com", "s3.amazonaws.com", "arn:x", "arn:y", "arn:z", "arn:o"},
		TriggerKinds:   []string{"service", "service", "queue", "stream", "statemachine", "other"},
		MappingSources: []string{"arn:aws:sqs:us-east-1:111122223333:q", "arn:aws:kafka:us-east-1:111122223333:cluster/k"},
	}
	want := []mode{asynchronous, queue, stream, synchronous}
	if diff := cmp.Diff(want, r.modes()); diff != "" {
		t.Errorf("modes (-want +got):\n%s", diff)
	}
}

func TestNeed(t *testing.T) {
	t.Parallel()
	c := throttling{row: row{Reserved: new(int64(10))}, slots: []slot{
		{Concurrency: 10, Invocations: 100, Throttles: 55},
		{Concurrency: 10, Invocations: 100, Throttles: 20},
		{Concurrency: -1, Invocations: 1, Throttles: 900},
		{Concurrency: 10, Invocations: 0, Throttles: 900},
	}}
	if got := c.needed(); got != 16 {
		t.Errorf("needs %v, want 16", got)
	}
	c.slots = nil
	if got := c.needed(); got != 11 {
		t.Errorf("needs %v with nothing to go by, want one more than it has", got)
	}
}

func TestAccountPeriodsAreBounded(t *testing.T) {
	t.Parallel()
	c := throttling{row: row{FunctionARN: "arn:f", AccountLimit: 1000}}
	for i := range 2 * aggressorPeriods {
		c.slots = append(c.slots, slot{FunctionARN: "arn:f", PeriodS: 60, TS: time.Unix(int64(60*i), 0), Claimed: 1000, Unreserved: 500})
	}
	list := c.accountPeriods(0.95)
	if len(list) != aggressorPeriods || list[1] != "arn:f|60|60" || c.unreserved != 500*aggressorPeriods {
		t.Errorf("%d periods, the second %s, %v unreserved", len(list), list[1], c.unreserved)
	}
}
