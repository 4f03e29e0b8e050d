package engine

import (
	"context"
	"errors"
	"fmt"
	"log/slog"
	"os"
	"path/filepath"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/smithy-go"
	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/chdb"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/config"
	"github.com/faaswarden/faaswarden/internal/schema"
	"github.com/faaswarden/faaswarden/internal/store"
)

// shared is the engine of this test binary; every test has a database of its own.
var shared *chdb.Engine

func TestMain(m *testing.M) { os.Exit(withEngine(m)) }

func withEngine(m *testing.M) int {
	ctx := context.Background()
	dir, err := os.MkdirTemp("", "engine-test-")
	if err == nil {
		defer os.RemoveAll(dir) //nolint:errcheck // a left-over folder of a test is no failure of it
		var library string
		if library, err = chdb.Ensure(ctx, chdb.InstallOptions{Progress: os.Stderr}); err == nil {
			shared, err = chdb.Open(ctx, chdb.Options{Path: filepath.Join(dir, "store"), Library: library, Durability: chdb.Relaxed})
		}
	}
	if err != nil {
		fmt.Fprintln(os.Stderr, "open the embedded engine:", err)
		return 1
	}
	code := m.Run()
	if err := shared.Close(); err != nil {
		fmt.Fprintln(os.Stderr, "close the embedded engine:", err)
		return 1
	}
	return code
}

const account, region = "111122223333", "us-east-1"

func arn(name string) string {
	return "arn:aws:lambda:" + region + ":" + account + ":function:" + name
}

// clock is a time that tests move.
type clock struct {
	mu sync.Mutex
	at time.Time
}

func (c *clock) now() time.Time {
	c.mu.Lock()
	defer c.mu.Unlock()
	return c.at
}

func (c *clock) move(d time.Duration) {
	c.mu.Lock()
	defer c.mu.Unlock()
	c.at = c.at.Add(d)
}

// rig is an engine on a store of its own.
type rig struct {
	*Engine
	store *store.Store
	clock *clock
}

func newRig(t *testing.T, collectors []*collect.Collector, analyzers []*analysis.Analyzer) *rig {
	t.Helper()
	name := strings.Map(func(r rune) rune {
		if r >= 'a' && r <= 'z' || r >= 'A' && r <= 'Z' || r >= '0' && r <= '9' {
			return r
		}
		return '_'
	}, t.Name())
	st, err := store.Open(t.Context(), store.Options{Engine: shared, Database: name})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := st.Close(); err != nil {
			t.Error(err)
		}
	})
	c := &clock{at: time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)}
	e, err := New(Options{
		Store: st, Config: config.Default(), Suites: config.Suites{Collectors: collectors, Analyzers: analyzers},
		Scopes: []Scope{{Account: account, Partition: "aws", Region: region, Home: true}},
		Now:    c.now, Logger: slog.New(slog.DiscardHandler),
	})
	if err != nil {
		t.Fatal(err)
	}
	if err := e.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	return &rig{e, st, c}
}

// inventory collects functions of these names.
func inventory(names *[]string) *collect.Collector {
	return &collect.Collector{
		Name: "inventory", Writes: []string{"functions"}, Scope: collect.PerRegion, Every: time.Hour,
		Collect: func(ctx context.Context, r *collect.Run) error {
			for _, n := range *names {
				f := schema.Function{Account: r.Account, Region: r.Region, FunctionARN: arn(n), FunctionName: n, Version: "$LATEST", CollectedAt: r.Now}
				if err := collect.Put(ctx, r, f); err != nil {
					return err
				}
			}
			r.Complete("functions", "")
			return nil
		},
	}
}

// judge is an analyzer whose verdict on each function a test decides.
func judge(decide func(p *analysis.Pass, s analysis.Subject)) *analysis.Analyzer {
	return &analysis.Analyzer{
		Name: "sample", Severity: analysis.Medium, Reads: []string{"functions_current"},
		Query: "-- A row is one function.\nSELECT account, region, function_arn FROM functions_current ORDER BY function_arn",
		Run: func(ctx context.Context, p *analysis.Pass) error {
			type row struct {
				Account     string `ch:"account"`
				Region      string `ch:"region"`
				FunctionARN string `ch:"function_arn"`
			}
			for r, err := range analysis.Select[row](ctx, p) {
				if err != nil {
					return err
				}
				decide(p, analysis.Subject{Resource: r.FunctionARN, Account: r.Account, Region: r.Region})
			}
			return nil
		},
	}
}

func finding(s analysis.Subject) analysis.Finding {
	return analysis.Finding{
		Subject: s, Confidence: analysis.ConfidenceHigh, Summary: "Something is wrong.",
		Savings: analysis.Interval{Low: 1, Expected: 2, High: 3}, Evidence: map[string]any{"n": 1},
	}
}

func (r *rig) cycle(t *testing.T) *Snapshot {
	t.Helper()
	if _, err := r.Collect(t.Context()); err != nil {
		t.Fatal(err)
	}
	s, err := r.Analyze(t.Context(), AnalyzeOptions{})
	if err != nil {
		t.Fatal(err)
	}
	return s
}

// states reads fingerprint → "status first_seen last_seen" of every finding.
func (r *rig) states(t *testing.T) map[string]string {
	t.Helper()
	got := map[string]string{}
	rows, err := store.SelectAll[schema.Finding](t.Context(), r.store, "SELECT * FROM findings_current ORDER BY fingerprint", nil)
	if err != nil {
		t.Fatal(err)
	}
	for _, f := range rows {
		name := f.Resource[strings.LastIndexByte(f.Resource, ':')+1:]
		got[name] = fmt.Sprintf("%s first %s last %s", f.Status, f.FirstSeen.UTC().Format("15:04"), f.LastSeen.UTC().Format("15:04"))
	}
	return got
}

func TestFindingsLiveOn(t *testing.T) {
	names := []string{"a", "b", "c", "d"}
	verdicts := map[string]analysis.Verdict{"a": "violation", "b": "violation", "c": "violation", "d": "violation"}
	r := newRig(t, []*collect.Collector{inventory(&names)}, []*analysis.Analyzer{judge(func(p *analysis.Pass, s analysis.Subject) {
		switch verdicts[s.Resource[strings.LastIndexByte(s.Resource, ':')+1:]] {
		case analysis.Violation:
			p.Violation(finding(s))
		case analysis.OK:
			p.OK(s)
		default:
			p.CannotDetermine(s, analysis.Blindness{Reason: analysis.NoData})
		}
	})})
	r.cycle(t)
	check := func(when string, want map[string]string) {
		t.Helper()
		if diff := cmp.Diff(want, r.states(t)); diff != "" {
			t.Fatalf("%s (-want +got):\n%s", when, diff)
		}
	}
	check("first", map[string]string{
		"a": "open first 12:00 last 12:00", "b": "open first 12:00 last 12:00",
		"c": "open first 12:00 last 12:00", "d": "open first 12:00 last 12:00",
	})

	// a is found again, b is fine now, c cannot be judged, d is gone.
	verdicts["b"], verdicts["c"] = analysis.OK, analysis.CannotDetermine
	names = []string{"a", "b", "c"}
	r.clock.at = r.clock.at.Add(time.Hour)
	r.cycle(t)
	check("second", map[string]string{
		"a": "open first 12:00 last 13:00", "b": "resolved first 12:00 last 12:00",
		"c": "open first 12:00 last 12:00", "d": "resolved first 12:00 last 12:00",
	})

	// b comes back as the same finding.
	verdicts["b"] = analysis.Violation
	r.clock.at = r.clock.at.Add(time.Hour)
	r.cycle(t)
	check("third", map[string]string{
		"a": "open first 12:00 last 14:00", "b": "open first 12:00 last 14:00",
		"c": "open first 12:00 last 12:00", "d": "resolved first 12:00 last 12:00",
	})
}

func TestFailedAnalyzerKeepsItsFindings(t *testing.T) {
	names, broken := []string{"a"}, false
	r := newRig(t, []*collect.Collector{inventory(&names)}, []*analysis.Analyzer{judge(func(p *analysis.Pass, s analysis.Subject) {
		if broken {
			panic("a slip")
		}
		p.Violation(finding(s))
	})})
	r.cycle(t)
	broken = true
	r.clock.at = r.clock.at.Add(time.Hour)
	s := r.cycle(t)
	if len(s.Findings) != 1 || s.Findings[0].Status != Open {
		t.Errorf("the finding did not survive: %+v", s.Findings)
	}
	if run := s.Analyzers[0].Run; run.Outcome != "failed" || !strings.Contains(run.Detail, "a slip") {
		t.Errorf("the failure is not told: %+v", run)
	}
	if s.Analyzers[0].LastSuccess.IsZero() {
		t.Error("the last success is forgotten")
	}
}

// source is a collector that ends in a given way.
func source(name string, rows int, gap, end error, reads ...string) *collect.Collector {
	return &collect.Collector{
		Name: name, Writes: []string{"account_limits"}, Reads: reads, Scope: collect.PerRegion, Every: time.Hour,
		Collect: func(ctx context.Context, r *collect.Run) error {
			for i := range rows {
				if err := collect.Put(ctx, r, schema.AccountLimits{Account: r.Account, Region: r.Region, FunctionCount: int64(i), CollectedAt: r.Now}); err != nil {
					return err
				}
			}
			if gap != nil {
				r.Gap("account_limits", "", "", "lambda:GetAccountSettings", gap)
			}
			return end
		},
	}
}

func TestOutcomes(t *testing.T) {
	denied := &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "User: x is not authorized to perform: lambda:GetAccountSettings"}
	throttled := &smithy.GenericAPIError{Code: "TooManyRequestsException", Message: "Rate exceeded"}
	for _, tt := range []struct {
		name      string
		collector *collect.Collector
		outcome   string
		partial   bool
		blind     analysis.Blindness
	}{
		{"ok", source("x", 1, nil, nil), "ok", false, analysis.Blindness{}},
		{"nothing there", source("x", 0, nil, nil), "nodata", false, analysis.Blindness{}},
		{"all denied", source("x", 0, denied, nil), "denied", true, analysis.Blindness{Reason: analysis.Denied, Detail: "lambda:GetAccountSettings"}},
		{"partly denied", source("x", 1, denied, nil), "ok", true, analysis.Blindness{Reason: analysis.Denied, Detail: "lambda:GetAccountSettings"}},
		{"throttled to the end", source("x", 1, nil, fmt.Errorf("list: %w", throttled)), "throttled", true, analysis.Blindness{Reason: analysis.Throttled, Detail: "list: api error TooManyRequestsException: Rate exceeded"}},
		{"over budget", source("x", 0, nil, fmt.Errorf("read: %w", collect.ErrBudget)), "skipped", true, analysis.Blindness{Reason: analysis.Unread, Detail: "read: " + collect.ErrBudget.Error()}},
		{"broken", source("x", 0, nil, errors.New("no such thing")), "failed", true, analysis.Blindness{Reason: analysis.Failed, Detail: "no such thing"}},
	} {
		t.Run(tt.name, func(t *testing.T) {
			r := newRig(t, []*collect.Collector{tt.collector}, nil)
			runs, err := r.Collect(t.Context())
			if err != nil {
				t.Fatal(err)
			}
			if len(runs) != 1 || runs[0].Outcome != tt.outcome || runs[0].Partial != tt.partial {
				t.Errorf("run is %+v, want outcome %s, partial %v", runs, tt.outcome, tt.partial)
			}
			s, err := r.loadSight(t.Context(), analysis.Window{To: r.clock.at})
			if err != nil {
				t.Fatal(err)
			}
			got, blind := s.blind(analysis.Subject{Account: account, Region: region}, "account_limits", "")
			if diff := cmp.Diff(tt.blind, got); diff != "" || blind != (tt.blind.Reason != "") {
				t.Errorf("blindness %v (-want +got):\n%s", blind, diff)
			}
		})
	}
}

func TestPanickingCollectorStopsNobodyElse(t *testing.T) {
	names := []string{"a"}
	bad := &collect.Collector{
		Name: "bad", Writes: []string{"queues"}, Scope: collect.PerRegion, Every: time.Hour,
		Collect: func(context.Context, *collect.Run) error { panic("a slip") },
	}
	r := newRig(t, []*collect.Collector{bad, inventory(&names)}, nil)
	runs, err := r.Collect(t.Context())
	if err != nil {
		t.Fatal(err)
	}
	got := map[string]string{}
	for _, run := range runs {
		got[run.Collector] = run.Outcome
	}
	if diff := cmp.Diff(map[string]string{"bad": "failed", "inventory": "ok"}, got); diff != "" {
		t.Errorf("outcomes (-want +got):\n%s", diff)
	}
}

func TestBlindBeforeTheFirstRunAndWhenStale(t *testing.T) {
	r := newRig(t, []*collect.Collector{source("x", 1, nil, nil)}, nil)
	ask := func(to time.Time) (analysis.Blindness, bool) {
		s, err := r.loadSight(t.Context(), analysis.Window{To: to})
		if err != nil {
			t.Fatal(err)
		}
		return s.blind(analysis.Subject{Account: account, Region: region}, "account_limits", "")
	}
	if b, blind := ask(r.clock.at); !blind || b.Reason != analysis.Unread {
		t.Errorf("before the first run: %v %v", b, blind)
	}
	if _, err := r.Collect(t.Context()); err != nil {
		t.Fatal(err)
	}
	if b, blind := ask(r.clock.at.Add(4 * time.Hour)); blind {
		t.Errorf("four hours later: %v", b)
	}
	if b, blind := ask(r.clock.at.Add(5 * time.Hour)); !blind || b.Reason != analysis.Stale {
		t.Errorf("five hours later: %v %v", b, blind)
	}
}

func TestOrderAndInventory(t *testing.T) {
	names := []string{"b", "a"}
	var seen []string
	reader := &collect.Collector{
		Name: "areader", Writes: []string{"queues"}, Reads: []string{"functions"}, Scope: collect.PerRegion, Every: time.Hour,
		Collect: func(_ context.Context, r *collect.Run) error {
			for _, f := range r.Functions {
				seen = append(seen, f.FunctionName)
			}
			return nil
		},
	}
	r := newRig(t, []*collect.Collector{reader, inventory(&names)}, nil)
	if _, err := r.Collect(t.Context()); err != nil {
		t.Fatal(err)
	}
	if diff := cmp.Diff([]string{"a", "b"}, seen); diff != "" {
		t.Errorf("the reader saw (-want +got):\n%s", diff)
	}
}

func TestOwnersComeFromTags(t *testing.T) {
	names := []string{"a"}
	tagger := &collect.Collector{
		Name: "tagger", Writes: []string{"resource_tags"}, Scope: collect.PerRegion, Every: time.Hour,
		Collect: func(ctx context.Context, r *collect.Run) error {
			return collect.Put(ctx, r, schema.ResourceTags{
				Account: r.Account, Region: r.Region, ResourceARN: arn("a"), Source: "lambda:ListTags",
				Tags: map[string]string{"team": "payments"}, Status: "read", CollectedAt: r.Now,
			})
		},
	}
	r := newRig(t, []*collect.Collector{inventory(&names), tagger}, []*analysis.Analyzer{judge(func(p *analysis.Pass, s analysis.Subject) { p.Violation(finding(s)) })})
	s := r.cycle(t)
	if len(s.Findings) != 1 || s.Findings[0].Owner != "payments" {
		t.Errorf("findings are %+v", s.Findings)
	}
}

func TestSnapshotIsLoadedAgain(t *testing.T) {
	names := []string{"a", "b"}
	analyzers := []*analysis.Analyzer{judge(func(p *analysis.Pass, s analysis.Subject) {
		if strings.HasSuffix(s.Resource, ":a") {
			p.Violation(finding(s))
			return
		}
		p.CannotDetermine(s, analysis.Blindness{Reason: analysis.Denied, Detail: "lambda:GetPolicy"})
	})}
	r := newRig(t, []*collect.Collector{inventory(&names)}, analyzers)
	before := r.cycle(t)
	again, err := New(r.opts)
	if err != nil {
		t.Fatal(err)
	}
	if err := again.Open(t.Context()); err != nil {
		t.Fatal(err)
	}
	after := again.Snapshot()
	if diff := cmp.Diff(before.Findings, after.Findings); diff != "" {
		t.Errorf("findings (-before +after):\n%s", diff)
	}
	if ratio, ok := after.Analyzers[0].Coverage(); !ok || ratio != 0.5 {
		t.Errorf("coverage is %v %v, want 0.5", ratio, ok)
	}
	if !after.Window.To.Equal(before.Window.To) || after.Functions != 2 {
		t.Errorf("window %v, functions %d", after.Window, after.Functions)
	}
	want := []ReasonCount{{Analyzer: "sample", Reason: "denied", Detail: "lambda:GetPolicy", Count: 1}}
	if diff := cmp.Diff(want, after.Analyzers[0].CannotDetermine); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
}

func TestStoppedCollectionKeepsWhatWasRead(t *testing.T) {
	ctx, cancel := context.WithCancel(t.Context())
	cut := &collect.Collector{
		Name: "cut", Writes: []string{"account_limits"}, Scope: collect.PerRegion, Every: time.Hour,
		Collect: func(_ context.Context, r *collect.Run) error {
			if err := collect.Put(ctx, r, schema.AccountLimits{Account: r.Account, Region: r.Region, CollectedAt: r.Now}); err != nil {
				return err
			}
			cancel()
			return ctx.Err()
		},
	}
	r := newRig(t, []*collect.Collector{cut}, nil)
	if _, err := r.Collect(ctx); !errors.Is(err, context.Canceled) {
		t.Errorf("collect returned %v", err)
	}
	rows, err := store.SelectAll[schema.AccountLimits](t.Context(), r.store, "SELECT * FROM account_limits FINAL ORDER BY account", nil)
	if err != nil || len(rows) != 1 {
		t.Errorf("%d rows are kept, %v", len(rows), err)
	}
	statuses, err := store.SelectAll[Status](t.Context(), r.store, statusQuery, nil)
	if err != nil || len(statuses) != 1 || statuses[0].Outcome != "failed" {
		t.Errorf("the run is recorded as %+v, %v", statuses, err)
	}
}

func TestUnreadInventoryIsNotZeroFindings(t *testing.T) {
	denied := &smithy.GenericAPIError{Code: "AccessDeniedException", Message: "no"}
	lister := &collect.Collector{
		Name: "inventory", Writes: []string{"functions"}, Scope: collect.PerRegion, Every: time.Hour,
		Collect: func(_ context.Context, r *collect.Run) error {
			r.Gap("functions", "", "", "lambda:ListFunctions", denied)
			return nil
		},
	}
	r := newRig(t, []*collect.Collector{lister}, []*analysis.Analyzer{judge(func(p *analysis.Pass, s analysis.Subject) { p.OK(s) })})
	s := r.cycle(t)
	want := []ReasonCount{{Analyzer: "sample", Reason: "denied", Detail: "lambda:ListFunctions", Count: 1}}
	if diff := cmp.Diff(want, s.Analyzers[0].CannotDetermine); diff != "" {
		t.Errorf("reasons (-want +got):\n%s", diff)
	}
	if ratio, ok := s.Analyzers[0].Coverage(); !ok || ratio != 0 {
		t.Errorf("coverage is %v %v, want 0", ratio, ok)
	}
	if len(s.Blind) != 1 {
		t.Errorf("blind is %v", s.Blind)
	}
}

// What the configuration no longer enables or reads is no longer shown, though
// the store still knows it; a daemon that reads no account shows everything.
func TestOnlyWhatIsInForceIsShown(t *testing.T) {
	names := []string{"a", "b"}
	everywhere := judge(func(p *analysis.Pass, s analysis.Subject) { p.Violation(finding(s)) })
	r := newRig(t, []*collect.Collector{inventory(&names)}, []*analysis.Analyzer{everywhere})
	if s := r.cycle(t); len(s.Findings) != 2 || len(s.Collectors) != 1 || len(s.Limits) != 1 || len(s.Analyzers) != 1 {
		t.Fatalf("all in force: %+v", s)
	}
	look := func(change func(*config.Config), scopes []Scope) *Snapshot {
		c := config.Default()
		change(c)
		r.Reload(c, scopes)
		s, err := r.loadSnapshot(t.Context(), analysis.Window{})
		if err != nil {
			t.Fatal(err)
		}
		return s
	}
	scopes := []Scope{{Account: account, Region: region, Home: true}}
	nothing := func(*config.Config) {}
	if s := look(nothing, []Scope{{Account: account, Region: "eu-west-1", Home: true}}); len(s.Findings)+len(s.Collectors)+len(s.Limits)+len(s.Usage) > 0 || s.Functions > 0 {
		t.Errorf("a region that is no longer read is shown: %+v", s)
	}
	if s := look(nothing, nil); len(s.Findings) != 2 || s.Functions != 2 {
		t.Errorf("a daemon that reads no account shows %d findings of %d functions", len(s.Findings), s.Functions)
	}
	off := map[string]map[string]any{"sample": {"enabled": false}}
	if s := look(func(c *config.Config) { c.Analyzers = off }, scopes); len(s.Findings)+len(s.Analyzers) > 0 || len(s.Collectors) != 1 {
		t.Errorf("a disabled analyzer is shown: %+v", s)
	}
	off = map[string]map[string]any{"inventory": {"enabled": false}}
	if s := look(func(c *config.Config) { c.Collectors = off }, scopes); len(s.Collectors) > 0 || len(s.Findings) != 2 {
		t.Errorf("a disabled collector is shown: %+v", s)
	}
}
