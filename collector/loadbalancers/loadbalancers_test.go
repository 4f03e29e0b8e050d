package loadbalancers

import (
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

const (
	group    = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:targetgroup/"
	balancer = "arn:aws:elasticloadbalancing:eu-west-1:123456789012:loadbalancer/app/"
)

func answer(operation, body string) collecttest.Answer {
	return collecttest.Body("<" + operation + "Response><" + operation + "Result>" + body + "</" + operation + "Result></" + operation + "Response>")
}

func member(name, kind, checks string, balancers ...string) string {
	text := "<member><TargetGroupArn>" + group + name + "</TargetGroupArn><TargetGroupName>" + name + "</TargetGroupName><TargetType>" + kind + "</TargetType><HealthCheckEnabled>" + checks +
		"</HealthCheckEnabled><HealthCheckIntervalSeconds>35</HealthCheckIntervalSeconds><LoadBalancerArns>"
	for _, b := range balancers {
		text += "<member>" + balancer + b + "</member>"
	}
	return text + "</LoadBalancerArns></member>"
}

func health(id, state, reason string) collecttest.Answer {
	return answer("DescribeTargetHealth", "<TargetHealthDescriptions><member><Target><Id>"+id+"</Id></Target><TargetHealth><State>"+state+"</State><Reason>"+reason+"</Reason></TargetHealth></member></TargetHealthDescriptions>")
}

// wire has a group of two load balancers, one of instances, one that none uses,
// and one that is gone when it is asked for.
func wire() *collecttest.Wire {
	const function = "arn:aws:lambda:eu-west-1:123456789012:function:"
	return collecttest.NewWire(map[string]collecttest.Answer{
		"elasticloadbalancing:DescribeTargetGroups": collecttest.Select(map[string]collecttest.Answer{
			"Marker=m": answer("DescribeTargetGroups", "<TargetGroups>"+member("idle/3", "lambda", "false")+member("gone/4", "lambda", "false", "front/1")+"</TargetGroups>"),
		}, answer("DescribeTargetGroups", "<TargetGroups>"+member("web/1", "lambda", "true", "front/1", "back/2")+member("instances/2", "instance", "true", "front/1")+"</TargetGroups><NextMarker>m</NextMarker>")),
		"elasticloadbalancing:DescribeTargetHealth": collecttest.Select(map[string]collecttest.Answer{
			"web":  health(function+"web:live", "unhealthy", "Target.ResponseCodeMismatch"),
			"idle": health(function+"idle", "unused", "Target.NotInUse"),
			"gone": collecttest.Fail("elasticloadbalancing", 400, "TargetGroupNotFound", "One or more target groups not found"),
		}, nil),
	})
}

func TestAccount(t *testing.T) {
	t.Parallel()
	relations, err := schema.Relations()
	if err != nil {
		t.Fatal(err)
	}
	collecttest.Declared(t, Collector, relations)
	w := wire()
	f := collecttest.New(t, Collector, collecttest.Options{Wire: w})
	f.Collect(t)
	f.Golden(t, "account")
	if n := w.Calls("elasticloadbalancing:DescribeTargetHealth"); n != 3 {
		t.Errorf("%d groups were asked for, want the 3 of functions", n)
	}
}

func TestOneActionLess(t *testing.T) {
	t.Parallel()
	both := []string{"edges/loadbalancers", "load_balancer_targets/"}
	collecttest.OneActionLess(t, Collector, wire, collecttest.Options{}, []collecttest.Less{
		{Operation: "elasticloadbalancing:DescribeTargetGroups", Gaps: both},
		{Operation: "elasticloadbalancing:DescribeTargetHealth", Gaps: both},
	})
}

func TestMalformedPieces(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		operation string
		answer    collecttest.Answer
		gaps      []string
	}{
		{"elasticloadbalancing:DescribeTargetGroups", answer("DescribeTargetGroups", "<TargetGroups><member><TargetType>lambda</TargetType></member></TargetGroups>"), []string{"edges/loadbalancers failed", "load_balancer_targets/ failed"}},
		{"elasticloadbalancing:DescribeTargetGroups", answer("DescribeTargetGroups", "<NextMarker>again</NextMarker>"), []string{"edges/loadbalancers failed", "load_balancer_targets/ failed"}},
		{"elasticloadbalancing:DescribeTargetHealth", health("i-1", "healthy", ""), []string{
			"edges/loadbalancers arn:…:targetgroup/gone/4 failed", "edges/loadbalancers arn:…:targetgroup/idle/3 failed", "edges/loadbalancers arn:…:targetgroup/web/1 failed",
			"load_balancer_targets/ arn:…:targetgroup/gone/4 failed", "load_balancer_targets/ arn:…:targetgroup/idle/3 failed", "load_balancer_targets/ arn:…:targetgroup/web/1 failed",
		}},
	} {
		f := collecttest.New(t, Collector, collecttest.Options{Wire: wire().On(tt.operation, tt.answer)})
		f.Collect(t)
		if diff := cmp.Diff(tt.gaps, f.GapList()); diff != "" {
			t.Errorf("%s: gaps (-want +got):\n%s", tt.operation, diff)
		}
	}
}

// The targets of a simulated region are those of its world, each admitted by its
// function's resource policy.
func TestSimulatedAccount(t *testing.T) {
	t.Parallel()
	account := collecttest.Simulate(t, awssim.Options{})
	seen := 0
	for _, region := range account.World.Regions {
		f := account.Run(t, Collector, collecttest.Options{Region: region.Name})
		f.Collect(t)
		f.NotThrottled(t)
		if gaps := f.GapList(); len(gaps) > 0 {
			t.Errorf("gaps: %v", gaps)
		}
		want, got := map[string]string{}, map[string]string{}
		for _, g := range region.TargetGroups {
			want[g.LoadBalancerARN+" "+g.ARN] = g.FunctionARN
			seen++
			if !strings.Contains(region.Function(g.FunctionARN).Policy, g.ARN) {
				t.Errorf("target group %s is not admitted by its function", g.Name)
			}
		}
		for _, e := range collecttest.Rows[schema.Edge](f.Sink) {
			got[e.SrcARN+" "+e.Via] = e.DstARN
		}
		if diff := cmp.Diff(want, got); diff != "" {
			t.Errorf("targets of %s (-want +got):\n%s", region.Name, diff)
		}
	}
	if seen < 2 {
		t.Errorf("the world has %d target groups", seen)
	}
}
