package awssim

import (
	"context"
	"fmt"
	"reflect"
	"slices"
	"strings"
	"testing"
	"time"

	"github.com/aws/aws-sdk-go-v2/aws"
	"github.com/aws/aws-sdk-go-v2/service/organizations"
	orgtypes "github.com/aws/aws-sdk-go-v2/service/organizations/types"
	"github.com/aws/aws-sdk-go-v2/service/sts"
)

// company is an organisation of the test's account and some others, one of them
// closed, with more accounts than a page holds.
func company() *Organization {
	o := &Organization{
		ID: "o-exampleorg1", Management: testAccount, RootID: "r-exam", Enabled: []string{"SERVICE_CONTROL_POLICY"},
		Units: []*Unit{{ID: "ou-exam-00000001", Name: "Workloads", Parent: "r-exam"}, {ID: "ou-exam-00000002", Name: "Production", Parent: "ou-exam-00000001"}},
		Accounts: []*OrganizationAccount{{
			ID: testAccount, Name: "acme", Email: "aws@acme.example", Status: "ACTIVE", JoinedMethod: "INVITED", JoinedAt: noon, Parent: "r-exam",
			Tags: map[string]string{"owner": "team-platform"},
		}},
	}
	for i := range 24 {
		o.Accounts = append(o.Accounts, &OrganizationAccount{
			ID: fmt.Sprintf("2000000000%02d", i), Name: fmt.Sprintf("acme-%02d", i), Email: fmt.Sprintf("aws+%02d@acme.example", i), Status: "ACTIVE",
			JoinedMethod: "CREATED", JoinedAt: noon, Parent: "ou-exam-00000002",
		})
	}
	o.Accounts[24].Status = "SUSPENDED"
	o.Policies = []*OrganizationPolicy{
		{ID: "p-FullAWSAccess", Name: "FullAWSAccess", Description: "all", Type: "SERVICE_CONTROL_POLICY", AWSManaged: true, Content: `{"Statement":[]}`, Targets: []string{"r-exam", "ou-exam-00000001", testAccount}},
		{ID: "p-00000001", Name: "spelling", Type: "TAG_POLICY", Content: `{"tags":{}}`, Targets: []string{"r-exam"}},
	}
	return o
}

func organizationCalls() []sdkCall {
	root, policy := aws.String("r-exam"), aws.String("p-FullAWSAccess")
	return []sdkCall{
		{"organizations.DescribeOrganization", func(ctx context.Context, c aws.Config) (any, error) {
			return organizations.NewFromConfig(c).DescribeOrganization(ctx, nil)
		}},
		{"organizations.ListRoots", func(ctx context.Context, c aws.Config) (any, error) {
			return organizations.NewFromConfig(c).ListRoots(ctx, nil)
		}},
		{"organizations.ListAccounts", func(ctx context.Context, c aws.Config) (any, error) {
			return organizations.NewFromConfig(c).ListAccounts(ctx, nil)
		}},
		{"organizations.ListAccountsForParent", func(ctx context.Context, c aws.Config) (any, error) {
			return organizations.NewFromConfig(c).ListAccountsForParent(ctx, &organizations.ListAccountsForParentInput{ParentId: root})
		}},
		{"organizations.ListOrganizationalUnitsForParent", func(ctx context.Context, c aws.Config) (any, error) {
			return organizations.NewFromConfig(c).ListOrganizationalUnitsForParent(ctx, &organizations.ListOrganizationalUnitsForParentInput{ParentId: root})
		}},
		{"organizations.ListParents", func(ctx context.Context, c aws.Config) (any, error) {
			return organizations.NewFromConfig(c).ListParents(ctx, &organizations.ListParentsInput{ChildId: aws.String("ou-exam-00000002")})
		}},
		{"organizations.ListPolicies", func(ctx context.Context, c aws.Config) (any, error) {
			return organizations.NewFromConfig(c).ListPolicies(ctx, &organizations.ListPoliciesInput{Filter: orgtypes.PolicyTypeServiceControlPolicy})
		}},
		{"organizations.DescribePolicy", func(ctx context.Context, c aws.Config) (any, error) {
			return organizations.NewFromConfig(c).DescribePolicy(ctx, &organizations.DescribePolicyInput{PolicyId: policy})
		}},
		{"organizations.ListTargetsForPolicy", func(ctx context.Context, c aws.Config) (any, error) {
			return organizations.NewFromConfig(c).ListTargetsForPolicy(ctx, &organizations.ListTargetsForPolicyInput{PolicyId: policy})
		}},
		{"organizations.ListTagsForResource", func(ctx context.Context, c aws.Config) (any, error) {
			return organizations.NewFromConfig(c).ListTagsForResource(ctx, &organizations.ListTagsForResourceInput{ResourceId: aws.String(testAccount)})
		}},
	}
}

// TestOrganizationRefusals: who may not ask, and what does not exist, is told in
// the service's own words.
func TestOrganizationRefusals(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	member := &World{Account: "200000000003", Partition: "aws", Now: noon, Roles: []*Role{{Name: "r", ARN: "arn:aws:iam::200000000003:role/r"}}}
	stranger := &World{Account: "300000000000", Partition: "aws", Now: noon, Roles: []*Role{{Name: "r", ARN: "arn:aws:iam::300000000000:role/r"}}}
	h := serve(t, Options{World: testWorld(), Members: []*World{member, stranger}})
	home := organizations.NewFromConfig(h.config("us-east-1"))
	as := func(w *World) *organizations.Client {
		return organizations.NewFromConfig(h.assumed(t, w.Roles[0].ARN, ""))
	}
	for name, test := range map[string]struct {
		client *organizations.Client
		want   string // of ListRoots
	}{
		"management account": {home, ""},
		"member account":     {as(member), "AccessDeniedException"},
		"no organisation":    {as(stranger), "AWSOrganizationsNotInUseException"},
	} {
		if _, err := test.client.ListRoots(ctx, nil); codeOf(err) != test.want {
			t.Errorf("%s: got %v, want %q", name, err, test.want)
		}
	}
	if out, err := as(member).DescribeOrganization(ctx, nil); err != nil || *out.Organization.MasterAccountId != testAccount {
		t.Errorf("a member may know its organisation: got %+v, %v", out, err)
	}
	if _, err := home.ListAccountsForParent(ctx, &organizations.ListAccountsForParentInput{ParentId: aws.String("ou-exam-99999999")}); codeOf(err) != "ParentNotFoundException" {
		t.Errorf("unknown parent: got %v", err)
	}
	if _, err := home.DescribePolicy(ctx, &organizations.DescribePolicyInput{PolicyId: aws.String("p-99999999")}); codeOf(err) != "PolicyNotFoundException" {
		t.Errorf("unknown policy: got %v", err)
	}
	if _, err := home.ListAccounts(ctx, &organizations.ListAccountsInput{MaxResults: aws.Int32(21)}); codeOf(err) != "InvalidInputException" {
		t.Errorf("too large a page: got %v", err)
	}
	if _, err := home.ListAccounts(ctx, &organizations.ListAccountsInput{NextToken: aws.String("nonsense")}); codeOf(err) != "InvalidInputException" {
		t.Errorf("foreign token: got %v", err)
	}
}

// assumed is a client's configuration as a role of another account.
func (h *harness) assumed(t *testing.T, role, externalID string) aws.Config {
	t.Helper()
	in := &sts.AssumeRoleInput{RoleArn: aws.String(role), RoleSessionName: aws.String("audit")}
	if externalID != "" {
		in.ExternalId = aws.String(externalID)
	}
	out, err := sts.NewFromConfig(h.config("us-east-1")).AssumeRole(context.Background(), in)
	if err != nil {
		t.Fatal(err)
	}
	return configFor(h.url, "us-east-1", Credential{
		AccessKeyID: *out.Credentials.AccessKeyId, SecretAccessKey: *out.Credentials.SecretAccessKey, SessionToken: *out.Credentials.SessionToken,
	})
}

// TestGeneratedOrganization: the accounts are distinct, the same for the same
// options, listed by their management account page by page, and entered by
// those alone who know the external id.
func TestGeneratedOrganization(t *testing.T) {
	t.Parallel()
	ctx := context.Background()
	o := GenerateOptions{Functions: 3, Days: 1, Now: sunday, Seed: 4, ExternalID: "acme-7731"}
	management, members, err := GenerateOrganization(o, 70)
	if err != nil {
		t.Fatal(err)
	}
	again, others, err := GenerateOrganization(o, 70)
	if err != nil {
		t.Fatal(err)
	}
	if !reflect.DeepEqual(management.Organization, again.Organization) || members[5].Account != others[5].Account || members[5].Seed != others[5].Seed {
		t.Error("the same options give another organisation")
	}
	alone, err := Generate(o)
	if err != nil || alone.Regions[0].Functions[0].Name != management.Regions[0].Functions[0].Name || alone.Account != management.Account {
		t.Errorf("the management account is not the options' own world: %v", err)
	}
	h := serve(t, Options{World: management, Members: members, Limits: Limits{Off: true}})
	var listed, want []string
	pages := organizations.NewListAccountsPaginator(organizations.NewFromConfig(h.config("us-east-1")), &organizations.ListAccountsInput{})
	for pages.HasMorePages() {
		page, err := pages.NextPage(ctx)
		if err != nil {
			t.Fatal(err)
		}
		for _, a := range page.Accounts {
			listed = append(listed, *a.Id)
		}
	}
	for _, w := range append([]*World{management}, members...) {
		want = append(want, w.Account)
	}
	slices.Sort(want)
	if !slices.Equal(listed, want) || len(slices.Compact(want)) != 70 {
		t.Errorf("got %d accounts, %d distinct worlds", len(listed), len(slices.Compact(want)))
	}
	role := "arn:aws:iam::" + members[8].Account + ":role/" + ReaderRole
	who, err := sts.NewFromConfig(h.assumed(t, role, "acme-7731")).GetCallerIdentity(ctx, nil)
	if err != nil || *who.Account != members[8].Account {
		t.Errorf("got %+v, %v", who, err)
	}
	for _, id := range []string{"", "acme-0000"} {
		in := &sts.AssumeRoleInput{RoleArn: aws.String(role), RoleSessionName: aws.String("audit")}
		if id != "" {
			in.ExternalId = aws.String(id)
		}
		if _, err := sts.NewFromConfig(h.config("us-east-1")).AssumeRole(ctx, in); codeOf(err) != "AccessDenied" {
			t.Errorf("external id %q: got %v", id, err)
		}
	}
	if trust := members[8].Role(ReaderRole).AssumeRolePolicy; !strings.Contains(trust, "sts:ExternalId") {
		t.Errorf("the trust policy does not ask for the external id: %s", trust)
	}
	for _, accounts := range []int{0, maxAccounts + 1} {
		if _, _, err := GenerateOrganization(o, accounts); err == nil {
			t.Errorf("%d accounts: no error", accounts)
		}
	}
	if _, _, err := GenerateOrganization(GenerateOptions{Functions: 3, Now: time.Time{}}, 2); err == nil {
		t.Error("no end of data: no error")
	}
}
