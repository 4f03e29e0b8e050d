package permissions

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

const (
	account  = "123456789012"
	roleARN  = "arn:aws:iam::123456789012:role/service-role/orders"
	function = "arn:aws:lambda:eu-west-1:123456789012:function:orders"
	queue    = "arn:aws:sqs:eu-west-1:123456789012:orders"
	boundary = "arn:aws:iam::123456789012:policy/boundary"
	managed  = "arn:aws:iam::aws:policy/service-role/AWSLambdaBasicExecutionRole"
)

func xml(action, result string) collecttest.Answer {
	return collecttest.Body("<" + action + `Response xmlns="https://iam.amazonaws.com/doc/2010-05-08/"><` + action + "Result>" + result + "</" + action + "Result></" + action + "Response>")
}

func roleXML(arn, extra string) string {
	return "<Role><Path>/</Path><RoleName>r</RoleName><RoleId>AROA</RoleId><Arn>" + arn + "</Arn><CreateDate>2024-10-03T14:27:09Z</CreateDate><MaxSessionDuration>3600</MaxSessionDuration><AssumeRolePolicyDocument>" + url.PathEscape(trustPolicy) + "</AssumeRolePolicyDocument>" + extra + "</Role>"
}

// trustPolicy lets Lambda in, and a partner that knows a secret.
const trustPolicy = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Principal":{"Service":["lambda.amazonaws.com"]},"Action":"sts:AssumeRole"},` +
	`{"Effect":"Allow","Principal":{"AWS":"arn:aws:iam::777788889999:root"},"Action":"sts:AssumeRole","Condition":{"StringEquals":{"sts:ExternalId":"CANARY"}}}]}`

func policyXML(document string) string {
	return "<RoleName>r</RoleName><PolicyName>p</PolicyName><PolicyDocument>" + url.PathEscape(document) + "</PolicyDocument>"
}

// iamAccount answers for one role with two inline policies over two pages, a
// managed policy and a boundary; documents are URL-encoded, as IAM sends them.
func iamAccount() *collecttest.Wire {
	version := func(document string) collecttest.Answer {
		return xml("GetPolicyVersion", "<PolicyVersion><VersionId>v3</VersionId><IsDefaultVersion>true</IsDefaultVersion><Document>"+url.PathEscape(document)+"</Document></PolicyVersion>")
	}
	return collecttest.NewWire(map[string]collecttest.Answer{
		"iam:GetRole": xml("GetRole", roleXML(roleARN, "<PermissionsBoundary><PermissionsBoundaryType>Policy</PermissionsBoundaryType><PermissionsBoundaryArn>"+boundary+"</PermissionsBoundaryArn></PermissionsBoundary>")),
		"iam:ListRolePolicies": collecttest.Select(map[string]collecttest.Answer{
			"Marker=m": xml("ListRolePolicies", "<PolicyNames><member>out</member></PolicyNames><IsTruncated>false</IsTruncated>"),
		}, xml("ListRolePolicies", "<PolicyNames><member>send</member></PolicyNames><IsTruncated>true</IsTruncated><Marker>m</Marker>")),
		"iam:GetRolePolicy": collecttest.Select(map[string]collecttest.Answer{
			"PolicyName=send": xml("GetRolePolicy", policyXML(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["sqs:*"],"Resource":["`+queue+`","arn:aws:sqs:eu-west-1:123456789012:jobs-*"]}}`)),
			"PolicyName=out":  xml("GetRolePolicy", policyXML(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:PutObject","Resource":["arn:aws:s3:::images/out/*","arn:aws:s3:::images/tmp/${aws:userid}/*"]},{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::images/out/secret/*"},{"Effect":"Allow","Action":"sns:Publish","Resource":"*"}]}`)),
		}, nil),
		"iam:ListAttachedRolePolicies": xml("ListAttachedRolePolicies", "<AttachedPolicies><member><PolicyName>b</PolicyName><PolicyArn>"+managed+"</PolicyArn></member></AttachedPolicies><IsTruncated>false</IsTruncated>"),
		"iam:GetPolicy":                xml("GetPolicy", "<Policy><PolicyName>b</PolicyName><DefaultVersionId>v3</DefaultVersionId></Policy>"),
		"iam:GetPolicyVersion": collecttest.Select(map[string]collecttest.Answer{
			url.QueryEscape(managed):  version(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:CreateLogGroup","logs:PutLogEvents"],"Resource":"*"}]}`),
			url.QueryEscape(boundary): version(`{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":"iam:*","Resource":"*"},{"Effect":"Deny","Action":"sns:Publish","Resource":"arn:aws:sns:*:*:private"}]}`),
		}, nil),
	})
}

func functions() []schema.Function {
	return []schema.Function{{
		FunctionARN: function, FunctionName: "orders", RoleARN: roleARN,
		EnvRefs: []string{queue, "arn:aws:sns:eu-west-1:123456789012:public", "arn:aws:sns:eu-west-1:123456789012:private", "arn:aws:dynamodb:eu-west-1:123456789012:table/orders", "db.internal"},
	}}
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
	for i, a := range Collector.Actions {
		if a.Name != actions[i] {
			t.Errorf("action %d is declared as %s and asked as %s", i, a.Name, actions[i])
		}
	}
	if got, want := Collector.Estimate(collect.Inventory{Accounts: 2, Functions: 100}).Calls, 7*730.0/12; got < want-1 || got > want+1 {
		t.Errorf("estimate %v, want %v", got, want)
	}
}

func TestAccount(t *testing.T) {
	t.Parallel()
	f := collecttest.New(t, Collector, collecttest.Options{Wire: iamAccount(), Functions: functions()})
	f.Collect(t)
	f.Golden(t, "account")
	f.Secret(t, "CANARY", nil)
}

// Each refusal is that action's gap, the rest of the role is read, and what the
// environment names stays visible as referenced.
func TestOneActionLess(t *testing.T) {
	t.Parallel()
	for _, tt := range []struct {
		action     string
		statements int
		edges      []string
	}{
		{"iam:GetRole", 5, []string{"permitted images", "permitted images", "permitted jobs-*", "permitted_and_referenced orders", "permitted_and_referenced private", "permitted_and_referenced public", "referenced table/orders"}},
		{"iam:ListRolePolicies", 3, []string{"referenced orders", "referenced private", "referenced public", "referenced table/orders"}},
		{"iam:GetRolePolicy", 3, []string{"referenced orders", "referenced private", "referenced public", "referenced table/orders"}},
		{"iam:ListAttachedRolePolicies", 6, []string{"permitted images", "permitted images", "permitted jobs-*", "permitted_and_referenced orders", "permitted_and_referenced public", "referenced private", "referenced table/orders"}},
		// Without the boundary nothing is sure to be allowed.
		{"iam:GetPolicy", 4, []string{"referenced orders", "referenced private", "referenced public", "referenced table/orders"}},
		{"iam:GetPolicyVersion", 4, []string{"referenced orders", "referenced private", "referenced public", "referenced table/orders"}},
	} {
		for outcome, answer := range map[string]collecttest.Answer{"denied": nil, "failed": collecttest.HTML(404)} {
			t.Run(tt.action+" "+outcome, func(t *testing.T) {
				t.Parallel()
				f := collecttest.New(t, Collector, collecttest.Options{Wire: iamAccount().On(tt.action, answer), Functions: functions()})
				f.Collect(t)
				resource := ""
				if outcome == "failed" {
					resource = "arn:…:role/service-role/orders "
				}
				gaps, completions := []string{"edges/iam " + resource + outcome, "role_statements/ " + resource + outcome}, []string{"roles/"}
				if tt.action == "iam:GetRole" {
					gaps, completions = append(gaps, "roles/ "+resource+outcome), nil
				}
				if diff := cmp.Diff(gaps, f.GapList()); diff != "" {
					t.Errorf("gaps (-want +got):\n%s", diff)
				}
				if diff := cmp.Diff(completions, f.CompletionList()); diff != "" {
					t.Errorf("completions (-want +got):\n%s", diff)
				}
				if got := len(collecttest.Rows[schema.RoleStatement](f.Sink)); got != tt.statements {
					t.Errorf("%d statements, want %d", got, tt.statements)
				}
				if diff := cmp.Diff(tt.edges, summary(collecttest.Rows[schema.Edge](f.Sink))); diff != "" {
					t.Errorf("edges (-want +got):\n%s", diff)
				}
			})
		}
	}
}

func summary(list []schema.Edge) []string {
	var out []string
	for _, e := range list {
		out = append(out, e.Certainty+" "+e.DstARN[strings.LastIndex(e.DstARN, ":")+1:])
	}
	slices.Sort(out)
	return out
}

func TestMalformedDocumentsAreNotQuoted(t *testing.T) {
	t.Parallel()
	wire := iamAccount().On("iam:GetRolePolicy", xml("GetRolePolicy", policyXML(`{"Statement":"CANARY"}`)))
	f := collecttest.New(t, Collector, collecttest.Options{Wire: wire, Functions: functions()})
	f.Collect(t)
	f.Secret(t, "CANARY", nil)
	if diff := cmp.Diff([]string{"edges/iam arn:…:role/service-role/orders failed", "role_statements/ arn:…:role/service-role/orders failed"}, f.GapList()); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
}

func TestAnAnswerAboutAnotherRoleIsRefused(t *testing.T) {
	t.Parallel()
	f := collecttest.New(t, Collector, collecttest.Options{
		Wire: iamAccount().On("iam:GetRole", xml("GetRole", roleXML("arn:aws:iam::123456789012:role/other", ""))), Functions: functions(),
	})
	f.Collect(t)
	if len(f.Gaps()) == 0 || f.Gaps()[0].Action != "iam:GetRole" || f.Gaps()[0].Outcome != "failed" {
		t.Errorf("gaps: %+v", f.Gaps())
	}
}

func TestRolesAreReadOnceACycle(t *testing.T) {
	t.Parallel()
	wire, cache := iamAccount(), collect.NewCache()
	for _, region := range []string{"eu-west-1", "us-east-1"} {
		f := collecttest.New(t, Collector, collecttest.Options{Wire: wire, Region: region, Functions: append(functions(), functions()...)})
		f.Cache = cache
		f.Collect(t)
		rows := collecttest.Rows[schema.RoleStatement](f.Sink)
		if len(rows) != 7 || rows[0].Region != region {
			t.Errorf("%s: %d statements: %+v", region, len(rows), rows)
		}
	}
	for action, want := range map[string]int{"iam:GetRole": 1, "iam:ListRolePolicies": 2, "iam:GetRolePolicy": 2, "iam:GetPolicyVersion": 2} {
		if got := wire.Calls(action); got != want {
			t.Errorf("%s was called %d times, want %d", action, got, want)
		}
	}
}

func TestRefusalsAreNotAskedForWithoutEnd(t *testing.T) {
	t.Parallel()
	var list []schema.Function
	for i := range 200 {
		fn := functions()[0]
		fn.RoleARN = fmt.Sprintf("arn:aws:iam::123456789012:role/r%03d", i)
		fn.FunctionARN = fmt.Sprintf("%s-%d", function, i)
		list = append(list, fn)
	}
	wire := collecttest.NewWire(nil)
	f := collecttest.New(t, Collector, collecttest.Options{Wire: wire, Functions: list})
	f.Collect(t)
	if n := wire.Calls("iam:GetRole"); n < 25 || n > 25+atOnce {
		t.Errorf("iam:GetRole was called %d times", n)
	}
	if diff := cmp.Diff([]string{"edges/iam denied", "role_statements/ denied", "roles/ denied"}, f.GapList()); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
	if got := len(collecttest.Rows[schema.Edge](f.Sink)); got != 200*4 {
		t.Errorf("%d edges: what the environments name must stay visible", got)
	}
}

func TestADeletedRoleAllowsNothing(t *testing.T) {
	t.Parallel()
	wire := collecttest.NewWire(map[string]collecttest.Answer{"iam:GetRole": collecttest.Fail("iam", 404, "NoSuchEntity", "The role cannot be found.")})
	f := collecttest.New(t, Collector, collecttest.Options{Wire: wire, Functions: functions()})
	f.Collect(t)
	if len(f.Gaps()) != 0 || len(f.Sink.All()) != 0 || len(f.CompletionList()) != 3 {
		t.Errorf("gaps %v, rows %v, completions %v", f.GapList(), f.Sink.All(), f.CompletionList())
	}
}
