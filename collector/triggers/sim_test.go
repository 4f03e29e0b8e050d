package triggers

import (
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// The edges of a simulated region are those of its world, each once and no other.
func TestSimulatedAccount(t *testing.T) {
	t.Parallel()
	account := collecttest.Simulate(t, awssim.Options{})
	for _, region := range account.World.Regions {
		t.Run(region.Name, func(t *testing.T) {
			t.Parallel()
			f := account.Run(t, Collector, collecttest.Options{Region: region.Name, Functions: inventory(region)})
			f.Collect(t)
			f.NotThrottled(t)
			if gaps := f.GapList(); len(gaps) > 0 {
				t.Errorf("gaps: %v", gaps)
			}
			got := map[string][]string{}
			for _, e := range collecttest.Rows[schema.Edge](f.Sink) {
				got[e.SourceKind] = append(got[e.SourceKind], line(e.Kind, e.SrcARN, e.DstARN, e.Enabled, e.Filter))
			}
			for source, want := range worldEdges(account.World, region) {
				slices.Sort(want)
				slices.Sort(got[source])
				if diff := cmp.Diff(slices.Compact(want), slices.Compact(got[source])); diff != "" {
					t.Errorf("edges of %s (-want +got):\n%s", source, diff)
				}
				delete(got, source)
			}
			delete(got, "policy") // compared below
			if len(got) > 0 {
				t.Errorf("edges of other sources: %v", got)
			}
			policies(t, region, f)
			if n := len(collecttest.Rows[schema.Queue](f.Sink)); n != len(region.Queues) || n == 0 {
				t.Errorf("%d queues, want %d", n, len(region.Queues))
			}
			if n := len(collecttest.Rows[schema.EventSourceMapping](f.Sink)); n != len(region.Mappings) || n == 0 {
				t.Errorf("%d mappings, want %d", n, len(region.Mappings))
			}
		})
	}
}

func inventory(region *awssim.Region) []schema.Function {
	var list []schema.Function
	for _, fn := range region.Functions {
		list = append(list, schema.Function{FunctionARN: fn.ARN, FunctionName: fn.Name, DLQARN: fn.DLQARN})
	}
	return list
}

func line(kind, src, dst string, enabled bool, filter string) string {
	state := "on"
	if !enabled {
		state = "off"
	}
	return strings.Join([]string{kind, src, "→", dst, state, filter}, " ")
}

// worldEdges is what the world's configuration means, by source.
func worldEdges(world *awssim.World, region *awssim.Region) map[string][]string {
	edges := map[string][]string{}
	add := func(source, kind, src, dst string, enabled bool, filter string) {
		src, _ = collect.Node(src)
		dst, _ = collect.Node(dst)
		edges[source] = append(edges[source], line(kind, src, dst, enabled, filter))
	}
	for _, m := range region.Mappings {
		filter := ""
		if len(m.Filters) > 0 {
			type pattern struct{ Pattern string }
			var list struct{ Filters []pattern }
			for _, p := range m.Filters {
				list.Filters = append(list.Filters, pattern{p})
			}
			filter = compact(list)
		}
		add("esm", "trigger", m.SourceARN, m.FunctionARN, m.State == "Enabled", filter)
		if m.OnFailureARN != "" {
			add("esm", "destination", m.FunctionARN, m.OnFailureARN, m.State == "Enabled", "")
		}
	}
	for _, fn := range region.Functions {
		if fn.DLQARN != "" {
			add("function", "dlq", fn.ARN, fn.DLQARN, true, "")
		}
		for _, c := range fn.InvokeConfigs {
			for _, dst := range []string{c.OnSuccessARN, c.OnFailureARN} {
				if dst != "" {
					add("invoke_config", "destination", fn.ARN, dst, true, "")
				}
			}
		}
	}
	for _, q := range region.Queues {
		if q.RedriveTarget != "" {
			add("sqs", "redrive", q.ARN, q.RedriveTarget, true, "")
		}
	}
	for _, s := range region.Subscriptions {
		if strings.HasPrefix(s.Endpoint, "arn:") {
			add("sns", "subscription", s.TopicARN, s.Endpoint, true, s.FilterPolicy)
		}
		if s.RedriveTarget != "" {
			add("sns", "dlq", s.TopicARN, s.RedriveTarget, true, "")
		}
	}
	for _, b := range region.Buckets {
		for _, n := range b.Notifications {
			add("s3", "trigger", b.ARN, n.TargetARN, true, compact(struct {
				Prefix string `json:"prefix,omitempty"`
				Suffix string `json:"suffix,omitempty"`
			}{n.Prefix, n.Suffix}))
		}
		if b.EventBridge {
			add("s3", "trigger", b.ARN, "arn:aws:events:"+region.Name+":"+world.Account+":event-bus/default", true, "")
		}
	}
	for _, r := range region.Rules {
		for _, target := range r.Targets {
			if r.Pattern != "" {
				add("events", "target", r.ARN, target.ARN, r.State == "ENABLED", r.Pattern)
			}
			if r.Schedule != "" {
				add("events", "schedule", r.ARN, target.ARN, r.State == "ENABLED", "")
			}
			if target.DLQARN != "" {
				add("events", "dlq", r.ARN, target.DLQARN, r.State == "ENABLED", "")
			}
		}
	}
	return edges
}

// policies checks that exactly the functions with a resource policy have edges of one.
func policies(t *testing.T, region *awssim.Region, f *collecttest.Fixture) {
	t.Helper()
	var want, got []string
	for _, fn := range region.Functions {
		if fn.Policy != "" {
			want = append(want, fn.ARN)
		}
	}
	for _, e := range collecttest.Rows[schema.Edge](f.Sink) {
		if e.SourceKind == "policy" {
			got = append(got, e.DstARN)
			if e.Via == "" || e.Certainty != "permitted" || e.SrcARN == "" || e.Attributes["principal"] == "" {
				t.Errorf("edge: %+v", e)
			}
		}
	}
	slices.Sort(want)
	slices.Sort(got)
	if diff := cmp.Diff(want, slices.Compact(got)); diff != "" || len(want) == 0 {
		t.Errorf("functions with a policy (-want +got):\n%s", diff)
	}
}

// In the simulated account, too, a denied action costs its own evidence alone.
func TestSimulatedDenial(t *testing.T) {
	t.Parallel()
	for action, gaps := range map[string][]string{
		"lambda:GetPolicy":         {"edges/policy denied", "function_policy_statements/ denied"},
		"s3:GetBucketNotification": {"edges/s3 denied"}, "sns:ListSubscriptions": {"edges/sns denied"},
		"sns:GetSubscriptionAttributes": {"edges/sns_filter denied"}, "events:ListTargetsByRule": {"edges/events denied"}, "s3:ListAllMyBuckets": {"edges/s3 denied"},
	} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			account := collecttest.Simulate(t, awssim.Options{Deny: []string{action}})
			region := account.World.Region("us-east-1")
			f := account.Run(t, Collector, collecttest.Options{Region: region.Name, Functions: inventory(region)})
			f.Collect(t)
			if diff := cmp.Diff(gaps, f.GapList()); diff != "" {
				t.Errorf("gaps (-want +got):\n%s", diff)
			}
		})
	}
}
