package deployments

import (
	"context"
	"errors"
	"fmt"
	"strconv"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

// account has two applications of functions and one of servers.
func account() *collecttest.Wire {
	return collecttest.NewWire(map[string]collecttest.Answer{
		applicationsAction: collecttest.Sequence(
			collecttest.Body(`{"applications":["shop","fleet"],"nextToken":"two"}`), collecttest.Body(`{"applications":["billing"]}`)),
		platformsAction: collecttest.Body(`{"applicationsInfo":[{"applicationName":"shop","computePlatform":"Lambda"},{"applicationName":"fleet","computePlatform":"Server"},
			{"applicationName":"billing","computePlatform":"Lambda"}]}`),
		groupNamesAction: collecttest.Select(map[string]collecttest.Answer{
			`"shop"`: collecttest.Body(`{"deploymentGroups":["orders","carts"]}`), `"billing"`: collecttest.Body(`{"deploymentGroups":[]}`),
		}, nil),
		groupsAction: collecttest.Body(`{"deploymentGroupsInfo":[
			{"applicationName":"shop","deploymentGroupName":"orders","deploymentConfigName":"Canary","computePlatform":"Lambda","serviceRoleArn":"arn:aws:iam::123456789012:role/deploy",
			 "alarmConfiguration":{"enabled":true,"ignorePollAlarmFailure":true,"alarms":[{"name":"orders-errors"}]},
			 "autoRollbackConfiguration":{"enabled":true,"events":["DEPLOYMENT_FAILURE","DEPLOYMENT_STOP_ON_ALARM"]},
			 "triggerConfigurations":[{"triggerTargetArn":"arn:aws:sns:eu-west-1:123456789012:ops"}],
			 "lastAttemptedDeployment":{"deploymentId":"d-2","status":"Failed","createTime":1793404800}},
			{"applicationName":"shop","deploymentGroupName":"carts","deploymentConfigName":"Linear"}]}`),
		configAction: collecttest.Select(map[string]collecttest.Answer{
			`"Canary"`: collecttest.Body(`{"deploymentConfigInfo":{"trafficRoutingConfig":{"type":"TimeBasedCanary","timeBasedCanary":{"canaryPercentage":10,"canaryInterval":5}}}}`),
			`"Linear"`: collecttest.Body(`{"deploymentConfigInfo":{"trafficRoutingConfig":{"type":"TimeBasedLinear","timeBasedLinear":{"linearPercentage":20,"linearInterval":2}}}}`),
		}, nil),
		listAction: collecttest.Sequence(
			collecttest.Body(`{"deployments":["d-4","d-3"],"nextToken":"two"}`), collecttest.Body(`{"deployments":["d-2","d-1"]}`)),
		deploymentsAction: collecttest.Body(`{"deploymentsInfo":[
			{"deploymentId":"d-4","computePlatform":"Lambda","applicationName":"shop","deploymentGroupName":"carts","status":"InProgress","creator":"user","createTime":1793404800,
			 "revision":{"revisionType":"S3","s3Location":{"bucket":"b","key":"k"}}},
			{"deploymentId":"d-3","computePlatform":"Server","applicationName":"fleet","status":"Succeeded","createTime":1793404800},
			{"deploymentId":"d-2","computePlatform":"Lambda","applicationName":"shop","deploymentGroupName":"orders","deploymentConfigName":"Canary","status":"Failed","creator":"CloudFormation",
			 "createTime":1793404800,"startTime":1793404802,"completeTime":1793405000,"description":"secret-4711","errorInformation":{"code":"ALARM_ACTIVE","message":"secret-4711"},
			 "rollbackInfo":{"rollbackDeploymentId":"d-3"},
			 "revision":{"revisionType":"AppSpecContent","appSpecContent":{"content":"{\"version\":0.0,\"Resources\":[{\"f\":{\"Type\":\"AWS::Lambda::Function\",\"Properties\":{\"Name\":\"orders\",\"Alias\":\"live\",\"CurrentVersion\":\"6\",\"TargetVersion\":7}}},{\"g\":{\"Type\":\"AWS::Lambda::Function\",\"Properties\":{\"Name\":\"carts\",\"Alias\":\"live\",\"CurrentVersion\":\"1\",\"TargetVersion\":\"2\"}}}]}"}}},
			{"deploymentId":"d-1","computePlatform":"Lambda","applicationName":"shop","deploymentGroupName":"orders","status":"Succeeded","creator":"codeDeployRollback","createTime":1793300000,
			 "rollbackInfo":{"rollbackTriggeringDeploymentId":"d-0"},"revision":{"revisionType":"String","string":{"content":"version: 0.0\nResources:\n  - f:\n      Type: AWS::Lambda::Function\n      Properties:\n        Name: orders\n        Alias: live\n        CurrentVersion: 7\n        TargetVersion: 6\n"}}}]}`),
	})
}

func newRun(t testing.TB, wire *collecttest.Wire) *collecttest.Fixture {
	t.Helper()
	return collecttest.New(t, Collector, collecttest.Options{Wire: wire})
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
	if cost := estimate(collect.Inventory{Regions: 2}); cost.Calls < 180 || cost.Calls > 190 || cost.USD != 0 {
		t.Errorf("estimate %+v", cost)
	}
}

func TestDeployments(t *testing.T) {
	t.Parallel()
	wire := account()
	f := newRun(t, wire)
	f.Collect(t)
	f.Golden(t, "account")
	f.Secret(t, "secret-4711", nil)
	for _, a := range Collector.Actions {
		if wire.Calls(a.Name) == 0 {
			t.Errorf("%s is declared and not called", a.Name)
		}
	}
	if wire.Calls(groupNamesAction) != 2 || wire.Calls(configAction) != 2 {
		t.Errorf("%d applications and %d configurations asked", wire.Calls(groupNamesAction), wire.Calls(configAction))
	}
}

// Where CodeDeploy deploys no function, that is all there is to know.
func TestNotInUse(t *testing.T) {
	t.Parallel()
	for _, answer := range []string{`{"applications":[]}`, `{"applications":["fleet"]}`} {
		wire := account().On(applicationsAction, collecttest.Body(answer)).
			On(platformsAction, collecttest.Body(`{"applicationsInfo":[{"applicationName":"fleet","computePlatform":"ECS"}]}`))
		f := newRun(t, wire)
		f.Collect(t)
		if len(f.Gaps()) != 0 || len(f.Completions()) != 2 || wire.Calls(listAction)+wire.Calls(groupNamesAction) != 0 {
			t.Errorf("%s: gaps %v, complete %v", answer, f.GapList(), f.CompletionList())
		}
	}
}

func TestWhatCannotBeRead(t *testing.T) {
	t.Parallel()
	both := []string{"deployment_groups/ denied", "deployments/ denied"}
	for name, test := range map[string]struct {
		action   string
		answer   collecttest.Answer
		gaps     []string
		complete []string
	}{
		"applications denied": {applicationsAction, nil, both, nil},
		"platforms denied":    {platformsAction, nil, both, nil},
		"groups denied":       {groupsAction, nil, []string{"deployment_groups/ denied"}, []string{"deployments/"}},
		"names denied":        {groupNamesAction, nil, []string{"deployment_groups/ denied"}, []string{"deployments/"}},
		"application gone":    {groupNamesAction, collecttest.Fail("codedeploy", 400, "ApplicationDoesNotExistException", "gone"), nil, []string{"deployment_groups/", "deployments/"}},
		"configs denied":      {configAction, nil, []string{"deployment_groups/ denied"}, []string{"deployment_groups/", "deployments/"}},
		"history denied":      {listAction, nil, []string{"deployments/ denied"}, []string{"deployment_groups/"}},
		"details a web page":  {deploymentsAction, collecttest.HTML(200), []string{"deployments/ failed"}, []string{"deployment_groups/"}},
		"the same page again": {listAction, collecttest.Body(`{"deployments":["d-1"],"nextToken":"again"}`), []string{"deployments/ failed"}, []string{"deployment_groups/"}},
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			f := newRun(t, account().On(test.action, test.answer))
			f.Collect(t)
			if diff := cmp.Diff(test.gaps, f.GapList()); diff != "" {
				t.Errorf("gaps (-want +got):\n%s", diff)
			}
			for _, g := range f.Gaps() {
				if g.Action != test.action {
					t.Errorf("a gap of %s, want %s", g.Action, test.action)
				}
			}
			if diff := cmp.Diff(test.complete, f.CompletionList()); diff != "" {
				t.Errorf("complete (-want +got):\n%s", diff)
			}
		})
	}
}

// Deployments are described twenty-five at once, those of the last days alone.
func TestBatches(t *testing.T) {
	t.Parallel()
	ids := make([]string, 60)
	for i := range ids {
		ids[i] = strconv.Quote("d-" + strconv.Itoa(i))
	}
	wire := account().On(listAction, collecttest.Body(`{"deployments":[`+strings.Join(ids, ",")+`]}`)).On(deploymentsAction, collecttest.Body(`{"deploymentsInfo":[]}`))
	f := newRun(t, wire)
	f.Params["days"] = int64(7)
	f.Collect(t)
	if n := wire.Calls(deploymentsAction); n != 3 {
		t.Errorf("%d calls for 60 deployments", n)
	}
	if want := fmt.Sprint(f.Now.AddDate(0, 0, -7).Unix()); !strings.Contains(wire.Requests(listAction)[0], `"start":`+want) {
		t.Errorf("asked for %s, want from %s", wire.Requests(listAction)[0], want)
	}
}

func TestAppSpecs(t *testing.T) {
	t.Parallel()
	for name, test := range map[string]struct {
		text string
		want []move
	}{
		"nothing":     {"", nil},
		"not a spec":  {"<html>Name: x</html>", nil},
		"empty JSON":  {"{}", nil},
		"of a server": {"version: 0.0\nos: linux\nfiles:\n  - source: /a\n    destination: /b\n", nil},
		"an ARN": {
			`{"Resources":[{"f":{"Properties":{"Name":"arn:aws:lambda:eu-west-1:123456789012:function:orders","Alias":"live","CurrentVersion":"1","TargetVersion":"2"}}}]}`,
			[]move{{"orders", "live", "1", "2"}},
		},
		"YAML in any order, with comments and hooks": {
			"version: 0.0\r\nResources:\r\n  - one: # first\r\n      Properties:\r\n        Alias: \"live\"\r\n        Name: \"orders\" # here\r\n        TargetVersion: '7'\r\n        CurrentVersion: 6\r\n" +
				"      Type: AWS::Lambda::Function\r\n  - two:\r\n      Type: AWS::Lambda::Function\r\n      Properties:\r\n        Name: carts\r\n        Alias: prod\r\nHooks:\r\n  - BeforeAllowTraffic: \"check\"\r\n    Name: no\r\n",
			[]move{{"orders", "live", "6", "7"}, {"carts", "prod", "", ""}},
		},
	} {
		if diff := cmp.Diff(test.want, movesOf(test.text)); diff != "" && len(test.want)+len(movesOf(test.text)) > 0 {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
}

func TestContextAndSinkErrorsEndTheRun(t *testing.T) {
	t.Parallel()
	f := newRun(t, account())
	full := errors.New("disk full")
	f.Sink.PutErr = full
	if err := Collector.Collect(t.Context(), f.Run); !errors.Is(err, full) || len(f.Gaps()) != 0 {
		t.Errorf("with a full disk: %v, gaps %v", err, f.Gaps())
	}
	ctx, cancel := context.WithCancel(t.Context())
	cancel()
	if err := Collector.Collect(ctx, newRun(t, account()).Run); !errors.Is(err, context.Canceled) {
		t.Errorf("with an ended context: %v", err)
	}
}
