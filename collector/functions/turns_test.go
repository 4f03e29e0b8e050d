package functions

import (
	"context"
	"errors"
	"net/http"
	"slices"
	"testing"
	"time"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

var start = time.Date(2026, 11, 1, 12, 0, 0, 0, time.UTC)

// again is a run after f, which knows what f left.
func again(t *testing.T, f *collecttest.Fixture, wire *collecttest.Wire, after time.Duration, params map[string]any) *collecttest.Fixture {
	t.Helper()
	o := collecttest.Options{Wire: wire, Now: start.Add(after), Params: params}
	if f != nil {
		o.State = f.State.Values()
		for _, row := range collecttest.Rows[schema.Function](f.Sink) {
			if row.Version == "$LATEST" {
				o.Functions = append(o.Functions, row)
			}
		}
	}
	next := collecttest.New(t, Collector, o)
	next.Collect(t)
	return next
}

// rowsOf are a run's rows as of no time in particular.
func rowsOf(f *collecttest.Fixture) []schema.Function {
	rows := collecttest.Rows[schema.Function](f.Sink)
	for i := range rows {
		rows[i].CollectedAt = time.Time{}
	}
	return rows
}

// A run minutes after the first asks nothing that the first has learned: its
// rows are the same, and what it did not read is complete since the first.
func TestWhatIsNotReadIsCarriedOver(t *testing.T) {
	t.Parallel()
	for _, getFunction := range []bool{true, false} {
		params := map[string]any{"get_function": getFunction}
		first := again(t, nil, account(t), 0, params)
		wire := account(t)
		second := again(t, first, wire, time.Second, params)
		if diff := cmp.Diff(rowsOf(first), rowsOf(second)); diff != "" {
			t.Errorf("get_function %v (-first +second):\n%s", getFunction, diff)
		}
		// A second is so small a share of a day that one function's turn comes, of two.
		for _, action := range []string{"GetFunctionRecursionConfig", "ListAliases", "ListProvisionedConcurrencyConfigs", "GetFunctionConcurrency"} {
			if calls, before := wire.Calls("lambda:"+action), first; calls > 2 {
				t.Errorf("get_function %v: %s was asked %d times, after %d rows", getFunction, action, calls, len(rowsOf(before)))
			}
		}
		if n := len(collecttest.Rows[schema.FunctionTombstone](second.Sink)); n != 0 {
			t.Errorf("%d tombstones of functions that are there", n)
		}
	}
}

// An account of many functions is asked about a quarter of them every six hours.
func TestDetailsAreReadInTurn(t *testing.T) {
	t.Parallel()
	wire := account(t).On("lambda:ListFunctions", many(40, "r1")).
		On("lambda:GetFunction", collecttest.Body(`{}`)).On("lambda:GetFunctionRecursionConfig", collecttest.Body(`{"RecursiveLoop":"Allow"}`))
	f := again(t, nil, wire, 0, nil)
	for hour := 6; hour <= 48; hour += 6 {
		before := wire.Calls("lambda:GetFunctionRecursionConfig")
		f = again(t, f, wire, time.Duration(hour)*time.Hour, nil)
		if n := wire.Calls("lambda:GetFunctionRecursionConfig") - before; n != 10 {
			t.Errorf("hour %d: %d functions were asked about, want a quarter", hour, n)
		}
		for _, row := range rowsOf(f) {
			if row.RecursiveLoop != "Allow" {
				t.Errorf("hour %d: %s lost its setting", hour, row.FunctionName)
			}
		}
	}
	before := wire.Calls("lambda:GetFunctionRecursionConfig")
	again(t, f, wire.On("lambda:ListFunctions", many(40, "r2")), 48*time.Hour+time.Second, nil)
	if n := wire.Calls("lambda:GetFunctionRecursionConfig") - before; n != 40 {
		t.Errorf("%d of 40 changed functions were asked about", n)
	}
}

// many answers a listing of so many functions without versions.
func many(n int, revision string) collecttest.Answer {
	body := `{"Functions":[`
	for i := range n {
		if i > 0 {
			body += ","
		}
		name := "f" + string(rune('a'+i/26)) + string(rune('a'+i%26))
		body += `{"FunctionName":"` + name + `","FunctionArn":"arn:aws:lambda:eu-west-1:123456789012:function:` + name + `:$LATEST","Version":"$LATEST","MemorySize":128,"RevisionId":"` + revision + `"}`
	}
	return collecttest.Body(body + `]}`)
}

// one answers a listing of one function.
func one(memory, revision, modified string) collecttest.Answer {
	return collecttest.Body(`{"Functions":[{"FunctionName":"f","FunctionArn":"arn:aws:lambda:eu-west-1:123456789012:function:f:$LATEST","Version":"$LATEST","MemorySize":` +
		memory + `,"RevisionId":"` + revision + `","LastModified":"` + modified + `"}]}`)
}

// A configuration is written when it is first seen, and one that only the
// owner's reserved concurrency changed is another.
func TestHistory(t *testing.T) {
	t.Parallel()
	wire := collecttest.NewWire(map[string]collecttest.Answer{"lambda:GetFunctionRecursionConfig": collecttest.Body(`{"RecursiveLoop":"Terminate"}`)})
	var f *collecttest.Fixture
	type seen struct {
		Memory   uint32
		Reserved int64
	}
	for i, step := range []struct {
		memory, modified, concurrency string
		denied                        bool
		want                          []seen
	}{
		{"512", "2026-10-01T00:00:00.000+0000", `{"Configuration":{}}`, false, []seen{{512, -1}}},
		{"1024", "2026-11-01T18:00:00.000+0000", `{"Configuration":{}}`, false, []seen{{1024, -1}}},
		{"1024", "2026-11-01T18:00:00.000+0000", `{"Concurrency":{"ReservedConcurrentExecutions":7}}`, false, []seen{{1024, 7}}},
		{"1024", "2026-11-01T18:00:00.000+0000", ``, true, nil}, // unread is no change
		{"512", "2026-11-02T12:00:00.000+0000", `{"Concurrency":{"ReservedConcurrentExecutions":7}}`, false, []seen{{512, 7}}},
	} {
		wire.On("lambda:ListFunctions", one(step.memory, step.memory+step.modified, step.modified)).On("lambda:GetFunction", collecttest.Body(step.concurrency))
		if step.denied {
			wire.On("lambda:GetFunction", nil)
		}
		f = again(t, f, wire, time.Duration(i+1)*time.Second, nil)
		var got []seen
		for _, row := range collecttest.Rows[schema.FunctionConfig](f.Sink) {
			reserved := int64(-1)
			if row.ReservedConcurrency != nil {
				reserved = *row.ReservedConcurrency
			}
			got = append(got, seen{row.MemoryMB, reserved})
		}
		// A year's share of the rest is one function a run, which repeats what was written.
		if i > 0 && len(step.want) == 0 {
			got = slices.DeleteFunc(got, func(s seen) bool { return s == seen{1024, 7} })
		}
		if diff := cmp.Diff(step.want, got, cmpopts.EquateEmpty()); diff != "" {
			t.Errorf("step %d (-want +got):\n%s", i, diff)
		}
	}
}

// A function that a complete listing lacks is buried as it was last seen; of a
// listing that broke off nothing can be told.
func TestTombstones(t *testing.T) {
	t.Parallel()
	wire := collecttest.NewWire(map[string]collecttest.Answer{
		"lambda:ListFunctions": one("512", "r", ""), "lambda:GetFunction": collecttest.Body(`{"Configuration":{}}`),
		"lambda:GetFunctionRecursionConfig": collecttest.Body(`{"RecursiveLoop":"Terminate"}`),
	})
	first := again(t, nil, wire, 0, nil)
	broken := again(t, first, wire.On("lambda:ListFunctions", collecttest.Fail("lambda", 400, "ServiceException", "no")), time.Hour, nil)
	if n := len(collecttest.Rows[schema.FunctionTombstone](broken.Sink)); n != 0 {
		t.Errorf("%d tombstones from a listing that failed", n)
	}
	gone := again(t, first, wire.On("lambda:ListFunctions", collecttest.Body(`{"Functions":[]}`)), time.Hour, nil)
	want := []schema.FunctionTombstone{{
		Account: "123456789012", Region: "eu-west-1", FunctionARN: "arn:aws:lambda:eu-west-1:123456789012:function:f", FunctionName: "f", MemoryMB: 512,
		Architecture: "x86_64", PackageType: "Zip", LastModified: time.Unix(0, 0).UTC(), LastSeenAt: start, DeletedAt: start.Add(time.Hour), CollectedAt: start.Add(time.Hour),
	}}
	if diff := cmp.Diff(want, collecttest.Rows[schema.FunctionTombstone](gone.Sink)); diff != "" {
		t.Errorf("tombstones (-want +got):\n%s", diff)
	}
	// Deleted while it was read: as gone as one that is not listed.
	meanwhile := again(t, first, wire.On("lambda:ListFunctions", one("512", "r", "")).On("lambda:GetFunction", collecttest.Fail("lambda", 404, "ResourceNotFoundException", "no")), time.Hour, nil)
	if diff := cmp.Diff(want, collecttest.Rows[schema.FunctionTombstone](meanwhile.Sink)); diff != "" || len(rowsOf(meanwhile)) != 0 {
		t.Errorf("tombstones (-want +got):\n%s", diff)
	}
}

// A run that is stopped at any call loses nothing: the next reads what is
// missing, and together they leave what one run would have.
func TestStopAndResume(t *testing.T) {
	t.Parallel()
	whole := again(t, nil, account(t), 0, nil)
	for stopAt := 1; stopAt <= 12; stopAt++ {
		ctx, cancel := context.WithCancel(t.Context())
		wire := account(t)
		calls := make(chan struct{}, 100)
		for _, action := range []string{"ListFunctions", "GetFunction", "GetFunctionRecursionConfig", "ListAliases", "ListProvisionedConcurrencyConfigs"} {
			answer := accountAnswer(t, action)
			wire.On("lambda:"+action, func(r *http.Request, body string) collecttest.Response {
				calls <- struct{}{}
				if len(calls) >= stopAt {
					cancel()
				}
				return answer(r, body)
			})
		}
		f := collecttest.New(t, Collector, collecttest.Options{Wire: wire})
		err := Collector.Collect(ctx, f.Run)
		cancel()
		if err != nil && !errors.Is(err, context.Canceled) && !collect.Stop(err) {
			t.Fatalf("stopped at call %d: %v", stopAt, err)
		}
		if err != nil && len(f.Completions()) > 0 {
			t.Errorf("stopped at call %d: completions %v", stopAt, f.CompletionList())
		}
		next := again(t, f, account(t), time.Hour, nil)
		if diff := cmp.Diff(rowsOf(whole), rowsOf(next)); diff != "" {
			t.Errorf("stopped at call %d (-whole +resumed):\n%s", stopAt, diff)
		}
		if diff := cmp.Diff(whole.CompletionList(), next.CompletionList()); diff != "" {
			t.Errorf("stopped at call %d: completions (-whole +resumed):\n%s", stopAt, diff)
		}
	}
}

// accountAnswer is the account's answer to an action.
func accountAnswer(t *testing.T, action string) collecttest.Answer {
	t.Helper()
	wire := account(t)
	return wire.Answer("lambda:" + action)
}

// What owners do to a simulated account between two runs shows in its history.
func TestSimulatedChanges(t *testing.T) {
	t.Parallel()
	account := collecttest.SimulateAlone(t, awssim.Options{})
	region := account.World.Regions[0]
	changed, deleted := region.Functions[0], region.Functions[1]
	before := changed.MemoryMB
	run := func(last *collecttest.Fixture, after time.Duration) *collecttest.Fixture {
		o := collecttest.Options{Region: region.Name}
		if last != nil {
			o.State = last.State.Values()
			for _, row := range collecttest.Rows[schema.Function](last.Sink) {
				if row.Version == "$LATEST" {
					o.Functions = append(o.Functions, row)
				}
			}
		}
		f := account.Run(t, Collector, o)
		f.Now = f.Now.Add(after)
		f.Collect(t)
		return f
	}
	first := run(nil, 0)
	account.Change(func(w *awssim.World) {
		changed.MemoryMB, changed.RevisionID, changed.LastModified = before*2, "changed", w.Now.Add(time.Hour)
		region.Functions = slices.Delete(region.Functions, 1, 2)
	})
	second := run(first, 6*time.Hour)
	var sizes []uint32
	for _, f := range []*collecttest.Fixture{first, second} {
		for _, row := range collecttest.Rows[schema.FunctionConfig](f.Sink) {
			if row.FunctionARN == changed.ARN && row.Version == "$LATEST" {
				sizes = append(sizes, row.MemoryMB)
			}
		}
	}
	if diff := cmp.Diff([]uint32{uint32(before), uint32(before * 2)}, sizes); diff != "" {
		t.Errorf("memory (-want +got):\n%s", diff)
	}
	for _, row := range collecttest.Rows[schema.FunctionConfig](second.Sink) {
		if row.FunctionARN != changed.ARN || row.Changes != 1 {
			t.Errorf("a row of what did not change: %s %s, change %d", row.FunctionARN, row.Version, row.Changes)
		}
	}
	lost := *first // killed before it could remember what it read
	lost.State = &collecttest.State{}
	again := collecttest.Rows[schema.FunctionConfig](run(&lost, time.Hour).Sink)
	for i, row := range collecttest.Rows[schema.FunctionConfig](first.Sink) {
		if row.FunctionARN != changed.ARN && row.FunctionARN != deleted.ARN && !slices.ContainsFunc(again, func(r schema.FunctionConfig) bool {
			return r.FunctionARN == row.FunctionARN && r.Version == row.Version && r.LastModified.Equal(row.LastModified) && r.ConfigHash == row.ConfigHash && r.Changes == row.Changes
		}) {
			t.Errorf("row %d, written again, has another key: %s %s", i, row.FunctionARN, row.Version)
		}
	}
	if n := len(collecttest.Rows[schema.FunctionConfig](run(first, historyPeriod+24*time.Hour).Sink)); n < len(region.Functions) {
		t.Errorf("after a year %d rows of %d functions are written again", n, len(region.Functions))
	}
	buried := collecttest.Rows[schema.FunctionTombstone](second.Sink)
	if len(buried) != 1 || buried[0].FunctionARN != deleted.ARN || buried[0].MemoryMB != uint32(deleted.MemoryMB) || !buried[0].DeletedAt.Equal(second.Now) {
		t.Errorf("tombstones %+v", buried)
	}
	account.Change(func(*awssim.World) { region.Functions = slices.Insert(region.Functions, 1, deleted) })
	if n := len(collecttest.Rows[schema.FunctionTombstone](run(second, 12*time.Hour).Sink)); n != 0 {
		t.Errorf("%d tombstones of a function that is there again", n)
	}
}
