package tags

import (
	"fmt"
	"math"
	"testing"

	"github.com/google/go-cmp/cmp"
	"github.com/google/go-cmp/cmp/cmpopts"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

func arn(name string) string { return "arn:aws:lambda:eu-west-1:123456789012:function:" + name }

func inventory(names ...string) []schema.Function {
	var list []schema.Function
	for _, name := range names {
		list = append(list, schema.Function{FunctionARN: arn(name), FunctionName: name, Version: "$LATEST"})
	}
	return list
}

// Two pages of tagged functions; "bare" lost its only tag, "never" had none, "lagging" has one that the service does not show yet.
func account() *collecttest.Wire {
	return collecttest.NewWire(map[string]collecttest.Answer{
		"tag:GetResources": collecttest.Select(map[string]collecttest.Answer{
			`"PaginationToken":"next"`: collecttest.Body(`{"PaginationToken":"","ResourceTagMappingList":[{"ResourceARN":"` + arn("bare") + `","Tags":[]},{"ResourceARN":"arn:aws:lambda:eu-west-1:123456789012:layer:l","Tags":[]}]}`),
		}, collecttest.Body(`{"PaginationToken":"next","ResourceTagMappingList":[{"ResourceARN":"`+arn("orders")+`","Tags":[{"Key":"owner","Value":"checkout"},{"Key":"aws:cloudformation:stack-name","Value":"orders"}]}]}`)),
		"lambda:ListTags": collecttest.Select(map[string]collecttest.Answer{
			"never":   collecttest.Body(`{"Tags":{}}`),
			"lagging": collecttest.Body(`{"Tags":{"owner":"search"}}`),
			"deleted": collecttest.Fail("lambda", 404, "ResourceNotFoundException", "gone"),
		}, nil),
	})
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
	if got, want := Collector.Estimate(collect.Inventory{Accounts: 1, Regions: 1, Functions: 1000}).Calls, (1+8+200)*730.0/6; math.Abs(got-want) > 1 {
		t.Errorf("estimate %v, want %v", got, want)
	}
}

func TestAccount(t *testing.T) {
	t.Parallel()
	wire := account()
	f := collecttest.New(t, Collector, collecttest.Options{Wire: wire, Functions: inventory("orders", "bare", "never", "lagging", "deleted")})
	f.Collect(t)
	f.Golden(t, "account")
	if n := wire.Calls("lambda:ListTags"); n != 3 {
		t.Errorf("lambda:ListTags was called %d times: once for each function the listing lacks", n)
	}
}

func TestRecorded(t *testing.T) {
	t.Parallel()
	f := collecttest.Replay(t, "testdata/recorded").Run(t, Collector, collecttest.Options{
		Account: "644160558196", Region: "us-west-2",
		Functions: []schema.Function{{FunctionARN: "arn:aws:lambda:us-west-2:644160558196:function:CloudCustodian", FunctionName: "CloudCustodian"}},
	})
	f.Collect(t)
	f.Golden(t, "recorded")
}

// Every function of the simulated account is told from the others: tagged,
// untagged, or not readable.
func TestSimulatedAccount(t *testing.T) {
	t.Parallel()
	account := collecttest.Simulate(t, awssim.Options{})
	unreadable := map[string]bool{}
	for _, arn := range account.World.UnreadableTags {
		unreadable[arn] = true
	}
	count := map[string]int{}
	for _, region := range account.World.Regions {
		t.Run(region.Name, func(t *testing.T) {
			var list []schema.Function
			for _, fn := range region.Functions {
				list = append(list, schema.Function{FunctionARN: fn.ARN, FunctionName: fn.Name})
			}
			f := account.Run(t, Collector, collecttest.Options{Region: region.Name, Functions: list})
			f.Collect(t)
			f.NotThrottled(t)
			rows := map[string]schema.ResourceTags{}
			for _, row := range collecttest.Rows[schema.ResourceTags](f.Sink) {
				rows[row.ResourceARN] = row
			}
			for _, fn := range region.Functions {
				want := schema.ResourceTags{
					Account: account.World.Account, Region: region.Name, ResourceARN: fn.ARN, Source: listing, Status: "read", Tags: fn.Tags, CollectedAt: account.World.Now,
				}
				switch {
				case unreadable[fn.ARN]:
					want.Source, want.Status, want.Tags, want.Detail = single, "denied", nil, rows[fn.ARN].Detail
					count["unreadable"]++
				case len(fn.Tags) == 0:
					want.Source = single
					count["untagged"]++
				default:
					count["tagged"]++
				}
				if diff := cmp.Diff(want, rows[fn.ARN], cmpopts.EquateEmpty()); diff != "" {
					t.Errorf("%s (-want +got):\n%s", fn.Name, diff)
				}
			}
		})
	}
	if count["untagged"] == 0 || count["tagged"] == 0 {
		t.Errorf("the world is too small to tell: %v", count)
	}
}

// Unreadable is never untagged: each way of not knowing leaves its status.
func TestUnreadable(t *testing.T) {
	t.Parallel()
	status := func(f *collecttest.Fixture) map[string]string {
		got := map[string]string{}
		for _, row := range collecttest.Rows[schema.ResourceTags](f.Sink) {
			got[row.ResourceARN[len(arn("")):]+" "+row.Source] = fmt.Sprintf("%s %d", row.Status, len(row.Tags))
		}
		return got
	}
	for _, tt := range []struct {
		name        string
		wire        *collecttest.Wire
		want        map[string]string
		gaps        []string
		completions []string
	}{
		{
			"ListTags denied", account().On(single, nil),
			map[string]string{"orders " + listing: "read 2", "bare " + listing: "read 0", "never " + single: "denied 0"},
			[]string{"resource_tags/lambda:ListTags denied"},
			[]string{"resource_tags/lambda:ListTags", "resource_tags/tag:GetResources"},
		},
		{
			"GetResources denied", account().On(listing, nil).On(single, collecttest.Body(`{"Tags":{"a":"b"}}`)),
			map[string]string{"orders " + single: "read 1", "never " + single: "read 1"},
			[]string{"resource_tags/tag:GetResources denied"},
			[]string{"resource_tags/lambda:ListTags"},
		},
		{
			"both denied", collecttest.NewWire(nil),
			map[string]string{"orders " + single: "denied 0", "never " + single: "denied 0"},
			[]string{"resource_tags/lambda:ListTags denied", "resource_tags/tag:GetResources denied"},
			[]string{"resource_tags/lambda:ListTags"},
		},
		{
			"one function refuses", account().On(single, collecttest.Select(map[string]collecttest.Answer{"orders": collecttest.Body(`{"Tags":{}}`)}, nil)).On(listing, collecttest.HTML(404)),
			map[string]string{"orders " + single: "read 0", "never " + single: "denied 0"},
			[]string{"resource_tags/lambda:ListTags arn:…:never denied", "resource_tags/tag:GetResources failed"},
			[]string{"resource_tags/lambda:ListTags"},
		},
		{
			"the answer is cut short", account().On(single, collecttest.Body(`{"Tags":{"ow`)),
			map[string]string{"orders " + listing: "read 2", "bare " + listing: "read 0", "never " + single: "failed 0"},
			[]string{"resource_tags/lambda:ListTags arn:…:never failed"},
			[]string{"resource_tags/lambda:ListTags", "resource_tags/tag:GetResources"},
		},
		{
			"the listing goes in circles", account().On(listing, collecttest.Body(`{"PaginationToken":"x","ResourceTagMappingList":[{"ResourceARN":"`+arn("orders")+`","Tags":[{"Key":"a","Value":"b"}]}]}`)),
			map[string]string{"orders " + listing: "read 1", "never " + single: "read 0"},
			[]string{"resource_tags/tag:GetResources failed"},
			[]string{"resource_tags/lambda:ListTags"},
		},
	} {
		t.Run(tt.name, func(t *testing.T) {
			t.Parallel()
			f := collecttest.New(t, Collector, collecttest.Options{Wire: tt.wire, Functions: inventory("orders", "never")})
			f.Collect(t)
			if diff := cmp.Diff(tt.want, status(f)); diff != "" {
				t.Errorf("status (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.gaps, f.GapList()); diff != "" {
				t.Errorf("gaps (-want +got):\n%s", diff)
			}
			if diff := cmp.Diff(tt.completions, f.CompletionList()); diff != "" {
				t.Errorf("completions (-want +got):\n%s", diff)
			}
		})
	}
}

func TestRefusalsAreNotAskedForWithoutEnd(t *testing.T) {
	t.Parallel()
	var names []string
	for i := range 300 {
		names = append(names, fmt.Sprintf("f%03d", i))
	}
	wire := collecttest.NewWire(nil)
	f := collecttest.New(t, Collector, collecttest.Options{Wire: wire, Functions: inventory(names...)})
	f.Collect(t)
	rows := collecttest.Rows[schema.ResourceTags](f.Sink)
	for _, row := range rows {
		if row.Status != "denied" || row.Detail == "" {
			t.Fatalf("row: %+v", row)
		}
	}
	if n := wire.Calls(single); len(rows) != 300 || n < 25 || n > 25+atOnce {
		t.Errorf("%d rows after %d calls", len(rows), n)
	}
}
