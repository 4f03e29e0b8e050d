package lastaccessed

import (
	"context"
	"errors"
	"fmt"
	"testing"
	"testing/synctest"
	"time"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

const roleARN = "arn:aws:iam::123456789012:role/orders"

func xml(action, result string) collecttest.Answer {
	return collecttest.Body("<" + action + `Response xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><` + action + "Result>" + result + "</" + action + "Result></" + action + "Response>")
}

func report(status, services, rest string) collecttest.Answer {
	return xml("GetServiceLastAccessedDetails", "<JobStatus>"+status+"</JobStatus><JobCreationDate>2026-11-01T12:00:00Z</JobCreationDate><JobCompletionDate>2026-11-01T12:00:03Z</JobCompletionDate>"+
		"<ServicesLastAccessed>"+services+"</ServicesLastAccessed>"+rest)
}

// roleAccount answers with a report that is not ready at first and has two pages.
func roleAccount() *collecttest.Wire {
	first := report("COMPLETED", "<member><ServiceName>Amazon SQS</ServiceName><ServiceNamespace>sqs</ServiceNamespace><LastAuthenticated>2026-10-31T08:00:00Z</LastAuthenticated>"+
		"<LastAuthenticatedEntity>"+roleARN+"</LastAuthenticatedEntity><LastAuthenticatedRegion>eu-west-1</LastAuthenticatedRegion><TotalAuthenticatedEntities>1</TotalAuthenticatedEntities></member>",
		"<IsTruncated>true</IsTruncated><Marker>the-second-page-of-the-report</Marker>")
	return collecttest.NewWire(map[string]collecttest.Answer{
		generate: xml("GenerateServiceLastAccessedDetails", "<JobId>e0b7b7d0-0000-4000-8000-0000000000aa</JobId>"),
		read: collecttest.Select(map[string]collecttest.Answer{
			"the-second-page-of-the-report": report("COMPLETED", "<member><ServiceName>Amazon S3</ServiceName><ServiceNamespace>s3</ServiceNamespace></member>", "<IsTruncated>false</IsTruncated>"),
		}, collecttest.Sequence(report("IN_PROGRESS", "", "<IsTruncated>false</IsTruncated>"), first)),
	})
}

func functions() []schema.Function {
	return []schema.Function{{FunctionARN: "f", RoleARN: roleARN}, {FunctionARN: "g", RoleARN: roleARN}, {FunctionARN: "h"}}
}

func fixture(t *testing.T, wire *collecttest.Wire) *collecttest.Fixture {
	t.Helper()
	return collecttest.New(t, Collector, collecttest.Options{Wire: wire, Functions: functions(), Params: map[string]any{optedIn: true}})
}

func TestDeclaration(t *testing.T) {
	t.Parallel()
	relations, err := schema.Relations()
	if err != nil {
		t.Fatal(err)
	}
	alone := *Collector
	alone.Reads = nil
	if err := collect.Validate([]*collect.Collector{&alone}, relations); err != nil {
		t.Error(err)
	}
	for _, a := range Collector.Actions {
		if a.With != optedIn {
			t.Errorf("%s is granted where it is not asked for", a.Name)
		}
	}
}

func TestReport(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wire := roleAccount()
		f := fixture(t, wire)
		started := time.Now()
		f.Collect(t)
		f.Golden(t, "report")
		if wire.Calls(generate) != 1 || wire.Calls(read) != 3 || time.Since(started) < firstPause {
			t.Errorf("%d reports made, %d looks, in %s", wire.Calls(generate), wire.Calls(read), time.Since(started))
		}
	})
}

func TestOffUnlessAskedFor(t *testing.T) {
	t.Parallel()
	wire := roleAccount()
	f := collecttest.New(t, Collector, collecttest.Options{Wire: wire, Functions: functions()})
	f.Collect(t)
	if wire.Calls(generate) != 0 || len(f.Gaps()) != 0 || len(f.CompletionList()) != 0 {
		t.Errorf("%d calls, gaps %v, completions %v", wire.Calls(generate), f.GapList(), f.CompletionList())
	}
}

// What goes wrong is a gap: the action's where it is denied, the role's otherwise.
func TestRefusals(t *testing.T) {
	t.Parallel()
	role := "service_last_accessed/ arn:…:role/orders failed"
	for name, tt := range map[string]struct {
		action string
		answer collecttest.Answer
		gap    string
	}{
		"generate denied":    {generate, nil, "service_last_accessed/ denied"},
		"generate failed":    {generate, collecttest.HTML(404), role},
		"no job":             {generate, xml("GenerateServiceLastAccessedDetails", ""), role},
		"read denied":        {read, nil, "service_last_accessed/ denied"},
		"read failed":        {read, collecttest.HTML(404), role},
		"report failed":      {read, report("FAILED", "", ""), role},
		"never ready":        {read, report("IN_PROGRESS", "", ""), role},
		"page token repeats": {read, report("COMPLETED", "", "<IsTruncated>true</IsTruncated><Marker>again</Marker>"), role},
		"cut short":          {read, report("COMPLETED", "", "<IsTruncated>true</IsTruncated>"), role},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			synctest.Test(t, func(t *testing.T) {
				wire := roleAccount().On(tt.action, tt.answer)
				f := fixture(t, wire)
				f.Collect(t)
				if diff := cmp.Diff([]string{tt.gap}, f.GapList()); diff != "" {
					t.Errorf("gaps (-want +got):\n%s", diff)
				}
				if len(f.CompletionList()) != 0 || len(f.Sink.All()) != 0 {
					t.Errorf("completions %v, rows %v", f.CompletionList(), f.Sink.All())
				}
				if n := wire.Calls(tt.action); n > looks {
					t.Errorf("asked %d times", n)
				}
			})
		})
	}
}

// A role that two regions use is reported on once a cycle, and both have its rows.
func TestReportsAreMadeOnceACycle(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		wire, cache := roleAccount(), collect.NewCache()
		for _, region := range []string{"eu-west-1", "us-east-1"} {
			f := collecttest.New(t, Collector, collecttest.Options{Wire: wire, Region: region, Functions: functions(), Params: map[string]any{optedIn: true}})
			f.Cache = cache
			f.Collect(t)
			rows := collecttest.Rows[schema.ServiceLastAccessed](f.Sink)
			if len(rows) != 2 || rows[0].Region != region || rows[1].Region != region {
				t.Errorf("%s: %+v", region, rows)
			}
		}
		if got := wire.Calls(generate); got != 1 {
			t.Errorf("%d reports made, want 1", got)
		}
	})
}

func TestADeletedRoleUsesNothing(t *testing.T) {
	t.Parallel()
	f := fixture(t, roleAccount().On(generate, collecttest.Fail("iam", 404, "NoSuchEntity", "ARN cannot be found.")))
	f.Collect(t)
	if len(f.Gaps()) != 0 || len(f.CompletionList()) != 1 {
		t.Errorf("gaps %v, completions %v", f.GapList(), f.CompletionList())
	}
}

func TestRefusalsAreNotAskedForWithoutEnd(t *testing.T) {
	t.Parallel()
	var list []schema.Function
	for i := range 200 {
		list = append(list, schema.Function{RoleARN: fmt.Sprintf("%s-%03d", roleARN, i)})
	}
	wire := collecttest.NewWire(nil)
	f := collecttest.New(t, Collector, collecttest.Options{Wire: wire, Functions: list, Params: map[string]any{optedIn: true}})
	f.Collect(t)
	if n := wire.Calls(generate); n < 25 || n > 25+atOnce {
		t.Errorf("asked %d times", n)
	}
}

func TestWaitingEndsWithTheRun(t *testing.T) {
	t.Parallel()
	synctest.Test(t, func(t *testing.T) {
		f := fixture(t, roleAccount().On(read, report("IN_PROGRESS", "", "")))
		ctx, cancel := context.WithTimeout(t.Context(), 5*time.Second)
		defer cancel()
		if err := f.Collector.Collect(ctx, f.Run); !errors.Is(err, context.DeadlineExceeded) {
			t.Errorf("got %v", err)
		}
	})
}

// The simulated account's reports come out as its roles' use.
func TestSimulatedAccount(t *testing.T) {
	t.Parallel()
	account, cache := collecttest.Simulate(t, awssim.Options{}), collect.NewCache()
	for _, region := range account.World.Regions {
		var list []schema.Function
		want := map[string]string{}
		for _, fn := range region.Functions {
			list = append(list, schema.Function{FunctionARN: fn.ARN, RoleARN: fn.RoleARN})
			for _, s := range account.World.Role(fn.RoleARN).Services {
				want[fn.RoleARN+" "+s.Namespace] = fmt.Sprint(s.LastAt.Unix(), " ", s.Region)
			}
		}
		f := account.Run(t, Collector, collecttest.Options{Region: region.Name, Functions: list, Params: map[string]any{optedIn: true}})
		f.Cache = cache
		f.Collect(t)
		f.NotThrottled(t)
		got := map[string]string{}
		for _, row := range collecttest.Rows[schema.ServiceLastAccessed](f.Sink) {
			at := time.Time{}
			if row.LastAccessedAt != nil {
				at = *row.LastAccessedAt
			}
			got[row.RoleARN+" "+row.Service] = fmt.Sprint(at.Unix(), " ", row.LastRegion)
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", region.Name, diff)
		}
		if gaps := f.GapList(); len(gaps) > 0 || len(f.CompletionList()) != 1 {
			t.Errorf("gaps %v, completions %v", gaps, f.CompletionList())
		}
	}
}
