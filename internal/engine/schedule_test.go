package engine

import (
	"context"
	"errors"
	"fmt"
	"sync/atomic"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/smithy-go"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// collectDue runs what is due, one place after the other.
func (r *rig) collectDue(t *testing.T) int {
	t.Helper()
	groups, err := r.due(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	runs := 0
	for _, list := range groups {
		done, err := r.runPlace(t.Context(), list, nil, len(list))
		if err != nil {
			t.Fatal(err)
		}
		runs += len(done)
	}
	return runs
}

func TestDueFollowsTheInterval(t *testing.T) {
	names := []string{"a"}
	r := newRig(t, []*collect.Collector{inventory(&names)}, nil)
	for _, step := range []struct {
		after time.Duration
		runs  int
	}{{0, 1}, {59 * time.Minute, 0}, {time.Minute, 1}} {
		r.clock.move(step.after)
		if n := r.collectDue(t); n != step.runs {
			t.Errorf("after %v: %d runs, want %d", step.after, n, step.runs)
		}
	}
}

// scopeOf is the region in another account.
func scopeOf(account string) Scope {
	return Scope{Account: account, Partition: "aws", Region: region, Home: true}
}

// An account whose role cannot be assumed costs its own evidence, is tried
// again before long, and is read as soon as it can be.
func TestAccountThatCannotBeEntered(t *testing.T) {
	names := []string{"a"}
	r := newRig(t, []*collect.Collector{inventory(&names)}, nil)
	lost := scopeOf("999988887777")
	lost.AWS.Credentials = aws.CredentialsProviderFunc(func(context.Context) (aws.Credentials, error) {
		return aws.Credentials{}, &smithy.GenericAPIError{Code: "AccessDenied", Message: "not authorized to perform: sts:AssumeRole"}
	})
	healthy := r.settings.Load().scopes[0]
	r.Reload(r.Config(), []Scope{lost, healthy})
	if n := r.collectDue(t); n != 2 {
		t.Fatalf("%d runs, want 2", n)
	}
	status := map[string]Status{}
	if err := r.refreshOperations(t.Context()); err != nil {
		t.Fatal(err)
	}
	for _, s := range r.Snapshot().Collectors {
		status[s.Account] = s
	}
	if s := status[lost.Account]; s.Outcome != "denied" || s.APICalls != 0 || s.Detail == "" {
		t.Errorf("the account without a role: %+v", s)
	}
	if s := status[account]; s.Outcome != "ok" {
		t.Errorf("the other account: %+v", s)
	}
	blind := 0
	for _, g := range r.Snapshot().Blind {
		if g.Account == lost.Account && g.Table == "functions" {
			blind++
		}
	}
	if blind == 0 {
		t.Errorf("nothing says that the account is blind: %+v", r.Snapshot().Blind)
	}
	r.clock.move(refusedRetry)
	lost.AWS.Credentials = nil
	r.Reload(r.Config(), []Scope{lost, healthy})
	if n := r.collectDue(t); n != 1 {
		t.Errorf("%d runs after %s, want that of the account alone", n, refusedRetry)
	}
}

// A region that is down is left after three collectors that nothing answered.
func TestRegionThatDoesNotAnswer(t *testing.T) {
	var tried atomic.Int64
	var suite []*collect.Collector
	for i := range 5 {
		suite = append(suite, &collect.Collector{
			Name: fmt.Sprintf("source%d", i), Writes: []string{"queues"}, Scope: collect.PerRegion, Every: time.Hour,
			Collect: func(_ context.Context, r *collect.Run) error {
				tried.Add(1)
				r.Meter.Count("sqs", "ListQueues", errors.New("connection refused"))
				return errors.New("connection refused")
			},
		})
	}
	r := newRig(t, suite, nil)
	if n := r.collectDue(t); n != 5 || tried.Load() != silentBeforeLeaving {
		t.Errorf("%d runs recorded, %d tried; want 5 and %d", n, tried.Load(), silentBeforeLeaving)
	}
}

// A place whose collector hangs keeps no other from its schedule.
func TestSlowAccountDelaysNoOther(t *testing.T) {
	var runs atomic.Int64
	hanging := make(chan struct{})
	source := &collect.Collector{
		Name: "source", Writes: []string{"queues"}, Scope: collect.PerRegion, Every: time.Minute,
		Collect: func(ctx context.Context, r *collect.Run) error {
			if r.Account != account {
				close(hanging)
				<-ctx.Done()
				return ctx.Err()
			}
			runs.Add(1)
			return collect.Put(ctx, r, schema.Queue{Account: r.Account, Region: r.Region, QueueARN: "arn:aws:sqs:us-east-1:1:q", CollectedAt: r.Now})
		},
	}
	r := newRig(t, []*collect.Collector{source}, nil)
	r.opts.Poll = time.Millisecond
	r.Reload(r.Config(), []Scope{scopeOf("999988887777"), r.settings.Load().scopes[0]})
	ctx, cancel := context.WithCancel(t.Context())
	done := make(chan error, 1)
	go func() { done <- r.Run(ctx) }()
	<-hanging
	for runs.Load() < 4 {
		r.clock.move(time.Minute)
		time.Sleep(5 * time.Millisecond)
	}
	cancel()
	if err := <-done; err != nil {
		t.Error(err)
	}
}

// ghost is a row of no table: the store refuses it, today and tomorrow.
type ghost struct {
	Name string `ch:"name"`
}

func (ghost) Table() string { return "nowhere" }

// What cannot be stored is due again, and yet not read, and paid for, again and
// again without a pause.
func TestRefusedRowsAreNotReadAtOnceAgain(t *testing.T) {
	var runs atomic.Int64
	source := &collect.Collector{
		Name: "source", Writes: []string{"queues"}, Scope: collect.PerRegion, Every: time.Hour,
		Collect: func(ctx context.Context, r *collect.Run) error {
			runs.Add(1)
			return collect.Put(ctx, r, ghost{"x"})
		},
	}
	r := newRig(t, []*collect.Collector{source}, nil)
	r.opts.Poll = time.Second
	ctx, cancel := context.WithTimeout(t.Context(), 2500*time.Millisecond)
	defer cancel()
	if err := r.Run(ctx); err != nil {
		t.Error(err)
	}
	if n := runs.Load(); n < 2 || n > 4 {
		t.Errorf("%d runs in two and a half seconds, with a second between them", n)
	}
}

// Answers are kept for the runs of an account that begin close together, and
// not for longer, whoever asks next.
func TestCachesAreDropped(t *testing.T) {
	t.Parallel()
	c := &clock{at: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
	kept := newCaches(c.now)
	first := kept.of("1")
	c.move(cacheAge - time.Second)
	if kept.of("1") != first {
		t.Error("another region of the account has answers of its own")
	}
	c.move(time.Second)
	kept.of("2")
	if len(kept.kept) != 1 {
		t.Errorf("answers of %d accounts are kept", len(kept.kept))
	}
}
