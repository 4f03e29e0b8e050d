package app

import (
	"bytes"
	"context"
	"fmt"
	"io"
	"log/slog"
	"net/http"
	"path/filepath"
	"slices"
	"strings"
	"sync"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/credentials"
	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/analyzers"
	"github.com/faaswarden/faaswarden/collector"
	"github.com/faaswarden/faaswarden/internal/analysis"
	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/config"
	"github.com/faaswarden/faaswarden/internal/engine"
	"github.com/faaswarden/faaswarden/internal/schema"
	"github.com/faaswarden/faaswarden/internal/store"
)

// pipe is the whole daemon against a simulated account with something wrong.
type pipe struct {
	*App
	world *awssim.World
	sim   *awssim.Server
	log   *bytes.Buffer
}

// locked makes a buffer safe for the daemon's goroutines.
type locked struct {
	mu sync.Mutex
	b  *bytes.Buffer
}

func (l *locked) Write(p []byte) (int, error) {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.Write(p)
}

func (l *locked) String() string {
	l.mu.Lock()
	defer l.mu.Unlock()
	return l.b.String()
}

const simDays = 14

// newPipe starts an account of 60 functions and a daemon that reads it into dir.
func newPipe(t *testing.T, dir string, change func(*awssim.Options)) *pipe {
	t.Helper()
	return newPipeOf(t, dir, 60, simDays, change)
}

func newPipeOf(t testing.TB, dir string, functions, days int, change func(*awssim.Options)) *pipe {
	t.Helper()
	midnight := time.Now().UTC().Truncate(24 * time.Hour)
	world, err := awssim.Generate(awssim.GenerateOptions{Seed: 5, Functions: functions, Days: days, Now: midnight})
	if err != nil {
		t.Fatal(err)
	}
	opts := awssim.Options{World: world, Limits: awssim.Limits{Off: true}}
	if change != nil {
		change(&opts)
	}
	sim, err := awssim.NewServer(opts)
	if err != nil {
		t.Fatal(err)
	}
	url, err := sim.Start("127.0.0.1:0")
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := sim.Close(); err != nil {
			t.Error(err)
		}
	})
	key := awssim.ExampleCredential()
	var scopes []engine.Scope
	for i, r := range world.Regions {
		scopes = append(scopes, engine.Scope{
			Account: world.Account, Partition: "aws", Region: r.Name, Home: i == 0, First: i == 0,
			AWS: aws.Config{Region: r.Name, BaseEndpoint: &url, Credentials: credentials.NewStaticCredentialsProvider(key.AccessKeyID, key.SecretAccessKey, "")},
		})
	}
	cfg := config.Default()
	cfg.Store.DSN = config.Secret("embedded:" + dir)
	cfg.Web.Listen = "127.0.0.1:0"
	span := config.Duration(time.Duration(days) * 24 * time.Hour)
	cfg.AWS.Lookback, cfg.Analysis.Window = span, span
	started := time.Now()
	p := &pipe{world: world, sim: sim, log: &bytes.Buffer{}}
	p.App, err = New(t.Context(), Options{
		Config: cfg, Suites: config.Suites{Collectors: collector.Suite, Analyzers: analyzers.Suite}, Scopes: scopes,
		Store: store.Options{Relaxed: true}, RateFactor: 400, Serve: true, Version: "test",
		Now:    func() time.Time { return midnight.Add(time.Since(started)) },
		Logger: slog.New(slog.NewTextHandler(&locked{b: p.log}, &slog.HandlerOptions{Level: slog.LevelDebug})),
	})
	if err != nil {
		t.Fatal(err)
	}
	t.Cleanup(func() {
		if err := p.Close(); err != nil {
			t.Error(err)
		}
	})
	return p
}

// cycle collects and analyzes once, and returns the runs by collector and region.
func (p *pipe) cycle(t *testing.T) (*engine.Snapshot, map[string]schema.CollectorRun) {
	t.Helper()
	list, err := p.Engine.Collect(t.Context())
	if err != nil {
		t.Fatalf("collect: %v\n%s", err, p.log)
	}
	s, err := p.Engine.Analyze(t.Context(), engine.AnalyzeOptions{})
	if err != nil {
		t.Fatalf("analyze: %v\n%s", err, p.log)
	}
	runs := map[string]schema.CollectorRun{}
	for _, r := range list {
		runs[r.Collector+" "+r.Region] = r
	}
	return s, runs
}

// numbers is what every finding says, less its times.
func numbers(s *engine.Snapshot) []string {
	var list []string
	for _, f := range s.Findings {
		list = append(list, fmt.Sprintf("%s %s %.2f %s", f.Analyzer, f.Resource, f.SavingsExpected, f.Summary))
	}
	slices.Sort(list)
	return list
}

func summary(s *engine.Snapshot, name string) engine.AnalyzerSummary {
	i := slices.IndexFunc(s.Analyzers, func(a engine.AnalyzerSummary) bool { return a.Analyzer.Name == name })
	return s.Analyzers[i]
}

func TestHealthyAccount(t *testing.T) {
	p := newPipe(t, filepath.Join(t.TempDir(), "store"), nil)
	ctx, stop := context.WithCancel(t.Context())
	served := make(chan error, 1)
	go func() { served <- p.Serve(ctx) }()
	if code, _ := p.get(t, "/readyz"); code != http.StatusServiceUnavailable {
		t.Errorf("ready before anything ran: %d", code)
	}
	s, runs := p.cycle(t)
	for name, r := range runs {
		if r.Outcome != "ok" && r.Outcome != "nodata" {
			t.Errorf("%s ended %s: %s", name, r.Outcome, r.Detail)
		}
	}
	if len(s.Blind) != 0 {
		t.Errorf("blind in a readable account: %+v", s.Blind)
	}
	if int(s.Functions) != 60 || len(s.Findings) == 0 {
		t.Errorf("%d functions, %d findings", s.Functions, len(s.Findings))
	}
	if code, _ := p.get(t, "/readyz"); code != http.StatusOK {
		t.Errorf("not ready after an analysis: %d", code)
	}
	p.searchCanary(t)

	// A second cycle reads less and finds the same.
	again, _ := p.cycle(t)
	if diff := cmp.Diff(numbers(s), numbers(again)); diff != "" {
		t.Errorf("the second cycle finds other things (-first +second):\n%s", diff)
	}
	stop()
	if err := <-served; err != nil {
		t.Errorf("serve: %v", err)
	}
}

func (p *pipe) get(t *testing.T, path string) (int, string) {
	t.Helper()
	req, err := http.NewRequestWithContext(t.Context(), http.MethodGet, "http://"+p.Addr()+path, nil)
	if err != nil {
		t.Fatal(err)
	}
	resp, err := http.DefaultClient.Do(req)
	if err != nil {
		t.Fatal(err)
	}
	defer resp.Body.Close() //nolint:errcheck // read to its end below
	body, err := io.ReadAll(resp.Body)
	if err != nil {
		t.Fatal(err)
	}
	return resp.StatusCode, string(body)
}

// searchCanary requires that the value planted in environment variables is
// nowhere: not in the log at debug, in metrics, on the page, or in any table.
func (p *pipe) searchCanary(t *testing.T) {
	t.Helper()
	planted := false
	for _, r := range p.world.Regions {
		for _, f := range r.Functions {
			for _, v := range f.Environment {
				planted = planted || strings.Contains(v, awssim.Canary)
			}
		}
	}
	if !planted {
		t.Fatal("the simulated account holds no canary")
	}
	_, metrics := p.get(t, "/metrics")
	_, page := p.get(t, "/")
	for place, text := range map[string]string{"the log": p.log.String(), "/metrics": metrics, "the page": page} {
		if strings.Contains(text, awssim.Canary) {
			t.Errorf("%s holds the canary", place)
		}
	}
	relations, err := schema.Relations()
	if err != nil {
		t.Fatal(err)
	}
	rows := 0
	for _, table := range relations {
		r, err := p.Store.QueryRaw(t.Context(), "SELECT * FROM "+table, nil, "JSONEachRow")
		if err != nil {
			t.Fatalf("read %s: %v", table, err)
		}
		text, err := io.ReadAll(r)
		if err != nil {
			t.Fatalf("read %s: %v", table, err)
		}
		if err := r.Close(); err != nil {
			t.Fatalf("read %s: %v", table, err)
		}
		rows += bytes.Count(text, []byte("\n"))
		if bytes.Contains(text, []byte(awssim.Canary)) {
			t.Errorf("table %s holds the canary", table)
		}
	}
	if rows < 1000 {
		t.Errorf("only %d rows were searched", rows)
	}
}

func TestDeniedActionCostsItsOwnEvidence(t *testing.T) {
	healthy, _ := newPipe(t, filepath.Join(t.TempDir(), "store"), nil).cycleAndClose(t)
	p := newPipe(t, filepath.Join(t.TempDir(), "store"), func(o *awssim.Options) { o.Deny = []string{"ec2:DescribeSecurityGroups"} })
	s, runs := p.cycle(t)
	if r := runs["network us-east-1"]; r.Outcome != "ok" || !r.Partial {
		t.Errorf("network ended %s, partial %v: %s", r.Outcome, r.Partial, r.Detail)
	}
	vpc := summary(s, "needlessvpc")
	if vpc.Open != 0 || vpc.Run.CannotDetermine == 0 || vpc.CannotDetermine[0].Detail != "ec2:DescribeSecurityGroups" {
		t.Errorf("needlessvpc has %d findings, cannot determine %v", vpc.Open, vpc.CannotDetermine)
	}
	others := func(list []string) []string {
		return slices.DeleteFunc(slices.Clone(list), func(f string) bool { return strings.HasPrefix(f, "needlessvpc ") })
	}
	if diff := cmp.Diff(others(healthy), others(numbers(s))); diff != "" {
		t.Errorf("other analyzers changed (-healthy +denied):\n%s", diff)
	}
	if !slices.ContainsFunc(vpc.CannotDetermine, func(r engine.ReasonCount) bool { return r.Reason == "denied" }) || len(s.Blind) == 0 {
		t.Errorf("the denial is not told: %v, blind %v", vpc.CannotDetermine, s.Blind)
	}
}

// cycleAndClose gives a healthy cycle's findings and frees the engine.
func (p *pipe) cycleAndClose(t *testing.T) ([]string, map[string]schema.CollectorRun) {
	t.Helper()
	s, runs := p.cycle(t)
	if err := p.Close(); err != nil {
		t.Fatal(err)
	}
	return numbers(s), runs
}

func TestFaultsOnTheWire(t *testing.T) {
	healthy, _ := newPipe(t, filepath.Join(t.TempDir(), "store"), nil).cycleAndClose(t)
	for _, tt := range []struct {
		name   string
		faults []awssim.Fault
		change func(*awssim.Options)
		same   bool            // the findings are those of a healthy account
		want   map[string]bool // outcomes that may stand in the runs
	}{
		{
			name: "everything is throttled for two seconds", same: true,
			faults: []awssim.Fault{{For: 2 * time.Second, Kind: awssim.FaultThrottle}},
		},
		{
			name: "one call in ten is throttled", same: true,
			faults: []awssim.Fault{{Share: 0.1, Kind: awssim.FaultThrottle}},
		},
		{
			name: "one call in twenty fails with 500", same: true,
			faults: []awssim.Fault{{Share: 0.05, Kind: awssim.FaultServerError}},
		},
		{
			name: "answers of the queue listing are cut off", want: map[string]bool{"failed": true},
			faults: []awssim.Fault{{Service: "sqs", Operation: "ListQueues", Kind: awssim.FaultTruncate}},
		},
		{
			name:   "answers of the tagging service are half an answer",
			faults: []awssim.Fault{{Service: "tagging", Kind: awssim.FaultMalform}},
		},
		{
			name:   "a proxy answers for Cost Explorer",
			faults: []awssim.Fault{{Service: "ce", Kind: awssim.FaultHTML500}},
		},
		{
			name:   "the page token of the functions repeats",
			faults: []awssim.Fault{{Service: "lambda", Operation: "ListFunctions", Kind: awssim.FaultRepeatToken}},
		},
		{
			name:   "the session ends between two pages of the functions",
			faults: []awssim.Fault{{Service: "lambda", Operation: "ListFunctions", Nth: 2, Count: 1000, Kind: awssim.FaultExpired}},
		},
		{
			name: "answers come a few bytes at a time", same: true,
			faults: []awssim.Fault{{Service: "sqs", Kind: awssim.FaultTrickle, Delay: 100 * time.Microsecond}},
		},
		{
			name: "this machine's clock is an hour behind", same: true,
			change: func(o *awssim.Options) { o.ClockSkew = time.Hour },
		},
		{
			name:   "credentials expire",
			faults: []awssim.Fault{{Kind: awssim.FaultExpired}},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			p := newPipe(t, filepath.Join(t.TempDir(), "store"), func(o *awssim.Options) {
				o.Faults = tt.faults
				if tt.change != nil {
					tt.change(o)
				}
			})
			s, runs := p.cycle(t)
			for name, r := range runs {
				if r.Outcome != "ok" && r.Outcome != "nodata" {
					t.Logf("%s: %s: %s", name, r.Outcome, r.Detail)
				}
			}
			if tt.same {
				if diff := cmp.Diff(healthy, numbers(s)); diff != "" {
					t.Errorf("findings (-healthy +faulty):\n%s", diff)
				}
				return
			}
			if len(s.Blind) == 0 {
				t.Error("evidence is missing, and nothing says so")
			}
			// What is found rests on what was read: nothing a healthy account does not show.
			for _, a := range s.Analyzers {
				if a.Run.Outcome != "ok" {
					t.Errorf("analyzer %s: %s %s", a.Analyzer.Name, a.Run.Outcome, a.Run.Detail)
				}
			}
			known := resources(healthy)
			for _, f := range s.Findings {
				if !known[f.Analyzer+" "+f.Resource] {
					t.Errorf("invented: %s on %s: %s", f.Analyzer, f.Resource, f.Summary)
				}
			}
		})
	}
}

// resources is analyzer and resource of findings as numbers prints them.
func resources(list []string) map[string]bool {
	known := map[string]bool{}
	for _, f := range list {
		fields := strings.Fields(f)
		known[fields[0]+" "+fields[1]] = true
	}
	return known
}

func TestSlipInASuiteIsAnErrorAtTheStart(t *testing.T) {
	slip := *analyzers.Suite[0]
	slip.Reads = append(slices.Clone(slip.Reads), "no_such_table")
	dir := filepath.Join(t.TempDir(), "store")
	cfg := config.Default()
	cfg.Store.DSN = config.Secret("embedded:" + dir)
	_, err := New(t.Context(), Options{Config: cfg, Suites: config.Suites{Collectors: collector.Suite, Analyzers: []*analysis.Analyzer{&slip}}, Logger: slog.New(slog.DiscardHandler)})
	if err == nil || !strings.Contains(err.Error(), "reads no_such_table") {
		t.Errorf("New returned %v", err)
	}
}
