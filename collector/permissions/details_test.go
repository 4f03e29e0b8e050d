package permissions

import (
	"fmt"
	"net/url"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/awssim"
	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

func detailsXML(result string) collecttest.Answer {
	return xml("GetAccountAuthorizationDetails", result)
}

func roleDetailXML(arn, trust, inline string) string {
	return "<member><Path>/service-role/</Path><RoleName>" + arn[strings.LastIndex(arn, "/")+1:] + "</RoleName><Arn>" + arn + "</Arn><CreateDate>2024-10-03T14:27:09Z</CreateDate>" +
		"<AssumeRolePolicyDocument>" + url.PathEscape(trust) + "</AssumeRolePolicyDocument><RolePolicyList>" + inline + "</RolePolicyList>" +
		"<AttachedManagedPolicies><member><PolicyName>b</PolicyName><PolicyArn>" + managed + "</PolicyArn></member></AttachedManagedPolicies>" +
		"<PermissionsBoundary><PermissionsBoundaryType>Policy</PermissionsBoundaryType><PermissionsBoundaryArn>" + boundary + "</PermissionsBoundaryArn></PermissionsBoundary>" +
		"<RoleLastUsed><LastUsedDate>2026-10-31T08:00:00Z</LastUsedDate><Region>eu-west-1</Region></RoleLastUsed><Tags><member><Key>owner</Key><Value>orders</Value></member></Tags></member>"
}

func inlineXML(name, document string) string {
	return "<member><PolicyName>" + name + "</PolicyName><PolicyDocument>" + url.PathEscape(document) + "</PolicyDocument></member>"
}

// policyDetailXML is a policy whose default version is neither its first nor its last.
func policyDetailXML(arn, document string) string {
	version := func(id, isDefault, document string) string {
		return "<member><VersionId>" + id + "</VersionId><IsDefaultVersion>" + isDefault + "</IsDefaultVersion><Document>" + url.PathEscape(document) + "</Document></member>"
	}
	return "<member><PolicyName>p</PolicyName><Arn>" + arn + "</Arn><DefaultVersionId>v3</DefaultVersionId><PolicyVersionList>" +
		version("v4", "false", `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`) + version("v3", "true", document) +
		version("v2", "false", `{"Statement":[{"Effect":"Allow","Action":"*","Resource":"*"}]}`) + "</PolicyVersionList></member>"
}

const (
	inlineSend   = `{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":["sqs:*"],"Resource":["` + queue + `","arn:aws:sqs:eu-west-1:123456789012:jobs-*"]}}`
	inlineOut    = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":"s3:PutObject","Resource":["arn:aws:s3:::images/out/*","arn:aws:s3:::images/tmp/${aws:userid}/*"]},{"Effect":"Deny","Action":"s3:*","Resource":"arn:aws:s3:::images/out/secret/*"},{"Effect":"Allow","Action":"sns:Publish","Resource":"*"}]}`
	basicPolicy  = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","Action":["logs:CreateLogGroup","logs:PutLogEvents"],"Resource":"*"}]}`
	boundaryText = `{"Version":"2012-10-17","Statement":[{"Effect":"Allow","NotAction":"iam:*","Resource":"*"},{"Effect":"Deny","Action":"sns:Publish","Resource":"arn:aws:sns:*:*:private"}]}`
	otherRole    = "arn:aws:iam::123456789012:role/people"
)

// detailed answers for the role of iamAccount all at once, over two pages of
// roles and two of policies, among others that no function needs.
func detailedAccount(inline string) *collecttest.Wire {
	return iamAccount().On(detailsAction, collecttest.Select(map[string]collecttest.Answer{
		"Filter.member.1=Role": detailsXML("<RoleDetailList>" + roleDetailXML(otherRole, `{"Statement":[{"Effect":"Allow","Principal":{"Service":"ec2.amazonaws.com"},"Action":"sts:AssumeRole"}]}`, inlineXML("admin", `{"Statement":"unreadable"}`)) +
			"</RoleDetailList><IsTruncated>true</IsTruncated><Marker>and-here-are-more-roles-of-the-account</Marker>"),
		"Marker=and-here-are-more-roles-of-the-account":    detailsXML("<RoleDetailList>" + roleDetailXML(roleARN, trustPolicy, inline) + "</RoleDetailList><IsTruncated>false</IsTruncated>"),
		"Filter.member.1=LocalManagedPolicy":               detailsXML("<Policies>" + policyDetailXML("arn:aws:iam::123456789012:policy/unused", "{") + policyDetailXML(boundary, boundaryText) + "</Policies><IsTruncated>true</IsTruncated><Marker>and-here-are-more-policies-of-the-account</Marker>"),
		"Marker=and-here-are-more-policies-of-the-account": detailsXML("<Policies>" + policyDetailXML(managed, basicPolicy) + "</Policies><IsTruncated>false</IsTruncated>"),
	}, nil))
}

// What is read at once is what is read one by one, but for the length of
// sessions, which the details do not tell.
func TestAtOnceIsAsOneByOne(t *testing.T) {
	t.Parallel()
	rows := func(wire *collecttest.Wire) (*collecttest.Fixture, string) {
		f := collecttest.New(t, Collector, collecttest.Options{Wire: wire, Functions: functions()})
		f.Collect(t)
		return f, fmt.Sprint(collecttest.Rows[schema.RoleStatement](f.Sink), collecttest.Rows[schema.Edge](f.Sink), f.GapList(), f.CompletionList())
	}
	wire := detailedAccount(inlineXML("send", inlineSend) + inlineXML("out", inlineOut))
	f, atOnce := rows(wire)
	_, byOne := rows(iamAccount())
	if diff := cmp.Diff(byOne, atOnce); diff != "" {
		t.Errorf("(-one by one +at once):\n%s", diff)
	}
	f.Golden(t, "details")
	f.Secret(t, "CANARY", nil)
	if wire.Calls(detailsAction) != 4 || wire.Calls("iam:GetRole") != 0 || wire.Calls("iam:GetPolicy") != 0 {
		t.Errorf("%d calls of the details, %d of iam:GetRole", wire.Calls(detailsAction), wire.Calls("iam:GetRole"))
	}
	for _, request := range wire.Requests(detailsAction) {
		if !strings.Contains(request, "MaxItems=1000") {
			t.Errorf("asked in small pages: %s", request)
		}
	}
}

// Details that are denied, fail, repeat a page or are cut short cost nothing
// but calls: roles are read one by one.
func TestWithoutDetails(t *testing.T) {
	t.Parallel()
	for name, answer := range map[string]collecttest.Answer{
		"denied":    nil,
		"failed":    collecttest.HTML(404),
		"repeated":  detailsXML("<RoleDetailList></RoleDetailList><IsTruncated>true</IsTruncated><Marker>again</Marker>"),
		"cut short": detailsXML("<RoleDetailList></RoleDetailList><IsTruncated>true</IsTruncated>"),
	} {
		t.Run(name, func(t *testing.T) {
			t.Parallel()
			wire := iamAccount().On(detailsAction, answer)
			f := collecttest.New(t, Collector, collecttest.Options{Wire: wire, Functions: functions()})
			f.Cache = collect.NewCache()
			f.Collect(t)
			f.Golden(t, "account")
			if wire.Calls("iam:GetRole") != 1 {
				t.Errorf("iam:GetRole was called %d times", wire.Calls("iam:GetRole"))
			}
		})
	}
}

// A malformed document is the gap of its role alone, and of what it tells.
func TestMalformedDetails(t *testing.T) {
	t.Parallel()
	f := collecttest.New(t, Collector, collecttest.Options{Wire: detailedAccount(inlineXML("send", `{"Statement":"CANARY"}`)), Functions: functions()})
	f.Collect(t)
	f.Secret(t, "CANARY", nil)
	want := []string{"edges/iam arn:…:role/service-role/orders failed", "role_statements/ arn:…:role/service-role/orders failed", "roles/ arn:…:role/service-role/orders failed"}
	if diff := cmp.Diff(want[:2], f.GapList()); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
	wire := iamAccount().On("iam:GetRole", xml("GetRole", strings.Replace(roleXML(roleARN, ""), url.PathEscape(trustPolicy), "nonsense", 1)))
	f = collecttest.New(t, Collector, collecttest.Options{Wire: wire, Functions: functions()})
	f.Collect(t)
	if diff := cmp.Diff(want[2:], f.GapList()); diff != "" {
		t.Errorf("gaps of a trust policy (-want +got):\n%s", diff)
	}
	if list := collecttest.Rows[schema.Role](f.Sink); len(list) != 1 || list[0].TrustRead {
		t.Errorf("got %+v", list)
	}
}

// A role that the details lack is asked for by name; that this is denied says
// nothing of the others.
func TestARoleThatTheDetailsLack(t *testing.T) {
	t.Parallel()
	wire := detailedAccount(inlineXML("send", inlineSend))
	for _, action := range actions[1:] {
		wire.On(action, nil)
	}
	late := functions()[0]
	late.FunctionARN, late.RoleARN = function+"-late", "arn:aws:iam::123456789012:role/late"
	f := collecttest.New(t, Collector, collecttest.Options{Wire: wire, Functions: append(functions(), late)})
	f.Collect(t)
	for _, g := range f.Gaps() {
		if g.Resource != late.RoleARN || g.Outcome != string(collect.Denied) {
			t.Errorf("gap %+v", g)
		}
	}
	if len(f.Gaps()) == 0 || len(f.CompletionList()) != 0 {
		t.Errorf("gaps %v, completions %v", f.GapList(), f.CompletionList())
	}
	if list := collecttest.Rows[schema.Role](f.Sink); len(list) != 1 || list[0].RoleARN != roleARN {
		t.Errorf("got %+v", list)
	}
}

func TestDetailsAreReadOnceACycle(t *testing.T) {
	t.Parallel()
	wire, cache := detailedAccount(inlineXML("send", inlineSend)), collect.NewCache()
	for _, region := range []string{"eu-west-1", "us-east-1"} {
		f := collecttest.New(t, Collector, collecttest.Options{Wire: wire, Region: region, Functions: functions()})
		f.Cache = cache
		f.Collect(t)
		if rows := collecttest.Rows[schema.Role](f.Sink); len(rows) != 1 || rows[0].Region != region {
			t.Errorf("%s: %+v", region, rows)
		}
	}
	if got := wire.Calls(detailsAction); got != 4 {
		t.Errorf("%d calls, want 4", got)
	}
	f := collecttest.New(t, Collector, collecttest.Options{Wire: wire})
	f.Collect(t)
	if got := wire.Calls(detailsAction); got != 4 {
		t.Error("a region without functions asked for the account's roles")
	}
}

func TestTrust(t *testing.T) {
	t.Parallel()
	statement := func(principal, condition string) string {
		return `{"Effect":"Allow",` + principal + `,"Action":"sts:AssumeRole","Condition":{` + condition + `}}`
	}
	external := `"StringEquals":{"sts:ExternalId":"x"}`
	partner := `"Principal":{"AWS":"arn:aws:iam::777788889999:root"}`
	for name, tt := range map[string]struct {
		statements []string
		want       trust
	}{
		"own account":           {[]string{statement(`"Principal":{"AWS":["123456789012"]}`, "")}, trust{Accounts: []string{"123456789012"}, Principals: []string{"123456789012"}}},
		"anybody":               {[]string{statement(`"Principal":"*"`, "")}, trust{Accounts: []string{"*"}, Principals: []string{"*"}}},
		"all but one":           {[]string{statement(`"NotPrincipal":{"AWS":"777788889999"}`, "")}, trust{Accounts: []string{"*"}, Principals: []string{"*"}}},
		"deleted principal":     {[]string{statement(`"Principal":{"AWS":"AROAEXAMPLE"}`, "")}, trust{Principals: []string{"AROAEXAMPLE"}}},
		"partner":               {[]string{statement(partner, "")}, trust{Accounts: []string{"777788889999"}, Principals: []string{"arn:aws:iam::777788889999:root"}}},
		"partner, external id":  {[]string{statement(partner, external)}, trust{Accounts: []string{"777788889999"}, Principals: []string{"arn:aws:iam::777788889999:root"}, Conditions: []string{"StringEquals sts:ExternalId"}, ExternalID: true}},
		"partner, any id":       {[]string{statement(partner, `"StringLike":{"sts:ExternalId":["*"]}`)}, trust{Accounts: []string{"777788889999"}, Principals: []string{"arn:aws:iam::777788889999:root"}, Conditions: []string{"StringLike sts:ExternalId"}}},
		"partner, if it exists": {[]string{statement(partner, `"StringEqualsIfExists":{"sts:ExternalId":"x"}`)}, trust{Accounts: []string{"777788889999"}, Principals: []string{"arn:aws:iam::777788889999:root"}, Conditions: []string{"StringEqualsIfExists sts:ExternalId"}}},
		"one of two without":    {[]string{statement(partner, external), statement(`"Principal":{"AWS":"777788889999"}`, "")}, trust{Accounts: []string{"777788889999"}, Principals: []string{"777788889999", "arn:aws:iam::777788889999:root"}, Conditions: []string{"StringEquals sts:ExternalId"}}},
		"federated":             {[]string{statement(`"Principal":{"Federated":"cognito-identity.amazonaws.com"}`, "")}, trust{Federated: []string{"cognito-identity.amazonaws.com"}}},
		"denial":                {[]string{`{"Effect":"Deny","Principal":"*","Action":"sts:AssumeRole"}`}, trust{}},
	} {
		got, err := parseTrust("123456789012", `{"Statement":[`+strings.Join(tt.statements, ",")+`]}`)
		if err != nil {
			t.Errorf("%s: %v", name, err)
		}
		if diff := cmp.Diff(tt.want, got); diff != "" {
			t.Errorf("%s (-want +got):\n%s", name, diff)
		}
	}
	for _, text := range []string{"", "{}", `{"Statement":"SECRET"}`, `{"Statement":[{"Effect":"Allow","Principal":7}]}`} {
		if _, err := parseTrust("123456789012", text); err == nil || strings.Contains(err.Error(), "SECRET") {
			t.Errorf("%q: got %v", text, err)
		}
	}
}

// The simulated account's roles come out as they are, in two pages of calls for
// both regions, and one by one where details are denied: with the same rows.
func TestSimulatedRoles(t *testing.T) {
	t.Parallel()
	read := func(o awssim.Options) (map[string]schema.Role, string) {
		account, cache := collecttest.Simulate(t, o), collect.NewCache()
		roles, everything := map[string]schema.Role{}, ""
		for _, region := range account.World.Regions {
			var functions []schema.Function
			for _, fn := range region.Functions {
				functions = append(functions, schema.Function{FunctionARN: fn.ARN, FunctionName: fn.Name, RoleARN: fn.RoleARN})
			}
			f := account.Run(t, Collector, collecttest.Options{Region: region.Name, Functions: functions})
			f.Cache = cache
			f.Collect(t)
			f.NotThrottled(t)
			f.Secret(t, awssim.PartnerExternalID, nil)
			if gaps := f.GapList(); len(gaps) > 0 {
				t.Errorf("gaps: %v", gaps)
			}
			for _, row := range collecttest.Rows[schema.Role](f.Sink) {
				roles[row.RoleARN] = row
			}
			everything += fmt.Sprint(collecttest.Rows[schema.RoleStatement](f.Sink), collecttest.Rows[schema.Edge](f.Sink))
		}
		checkRoles(t, account.World, roles)
		return roles, everything
	}
	atOnce, rowsAtOnce := read(awssim.Options{})
	byOne, rowsByOne := read(awssim.Options{Deny: []string{detailsAction}})
	if rowsAtOnce != rowsByOne {
		t.Error("statements or edges depend on how roles are read")
	}
	for arn, role := range byOne {
		if role.MaxSessionS == nil || atOnce[arn].MaxSessionS != nil {
			t.Errorf("%s: the length of sessions is told by iam:GetRole alone", arn)
		}
		role.MaxSessionS = nil
		if diff := cmp.Diff(role, atOnce[arn]); diff != "" {
			t.Errorf("%s (-one by one +at once):\n%s", arn, diff)
		}
	}
}

func checkRoles(t *testing.T, world *awssim.World, roles map[string]schema.Role) {
	t.Helper()
	for _, region := range world.Regions {
		for _, fn := range region.Functions {
			want, got := world.Role(fn.RoleARN), roles[fn.RoleARN]
			partner := strings.Contains(want.AssumeRolePolicy, "777788889999")
			if got.BoundaryARN != want.PermissionBoundary || !cmp.Equal(got.Tags, want.Tags) || !slices.Contains(got.TrustServices, "lambda.amazonaws.com") ||
				slices.Contains(got.TrustAccounts, "777788889999") != partner || got.TrustExternalID != strings.Contains(want.AssumeRolePolicy, "sts:ExternalId") {
				t.Errorf("%s: got %+v", want.Name, got)
			}
			if want.LastUsedAt.IsZero() != (got.LastUsedAt == nil) || got.LastUsedAt != nil && !got.LastUsedAt.Equal(want.LastUsedAt) {
				t.Errorf("%s: last used %v, want %v", want.Name, got.LastUsedAt, want.LastUsedAt)
			}
		}
	}
}
