package organization

import (
	"encoding/json"
	"fmt"
	"slices"
	"strings"
	"testing"

	"github.com/google/go-cmp/cmp"

	"github.com/faaswarden/faaswarden/internal/collect"
	"github.com/faaswarden/faaswarden/internal/collect/collecttest"
	"github.com/faaswarden/faaswarden/internal/schema"
)

const management = "123456789012"

func answer(v string) collecttest.Answer { return collecttest.Body(v) }

func accountJSON(id, name, status string) string {
	return fmt.Sprintf(`{"Id":%q,"Arn":"arn:aws:organizations::123456789012:account/o-example1/%s","Name":%q,"Email":"canary+%s@acme.example","Status":%q,"JoinedMethod":"CREATED","JoinedTimestamp":1700000000.5}`, id, id, name, id, status)
}

func describedPolicy(content string) string {
	text, _ := json.Marshal(content)
	return `{"Policy":{"PolicySummary":{"Id":"p"},"Content":` + string(text) + `}}`
}

func policyJSON(id, name, kind string, managed bool) string {
	return fmt.Sprintf(`{"Id":%q,"Arn":"arn","Name":%q,"Description":"why","Type":%q,"AwsManaged":%v}`, id, name, kind, managed)
}

// company answers for three accounts, two units one in the other, and three
// policies, some of them over two pages.
func company() *collecttest.Wire {
	return collecttest.NewWire(map[string]collecttest.Answer{
		describeOrganization: answer(`{"Organization":{"Id":"o-example1","MasterAccountId":"123456789012","MasterAccountEmail":"canary@acme.example","FeatureSet":"ALL"}}`),
		listRoots:            answer(`{"Roots":[{"Id":"r-ex","Name":"Root","PolicyTypes":[{"Type":"SERVICE_CONTROL_POLICY","Status":"ENABLED"},{"Type":"TAG_POLICY","Status":"PENDING_ENABLE"}]}]}`),
		listUnits: collecttest.Select(map[string]collecttest.Answer{
			`"r-ex"`:                   answer(`{"OrganizationalUnits":[{"Id":"ou-ex-1","Name":"Workloads"}],"NextToken":"the-second-page-of-units"}`),
			"the-second-page-of-units": answer(`{"OrganizationalUnits":[{"Id":"ou-ex-2","Name":"Sandbox"}]}`),
			`"ou-ex-1"`:                answer(`{"OrganizationalUnits":[{"Id":"ou-ex-3","Name":"Production"}]}`),
		}, answer(`{"OrganizationalUnits":[]}`)),
		listOfParent: collecttest.Select(map[string]collecttest.Answer{
			`"r-ex"`:                      answer(`{"Accounts":[` + accountJSON(management, "acme", "ACTIVE") + `]}`),
			`"ou-ex-3"`:                   answer(`{"Accounts":[` + accountJSON("222222222222", "orders", "ACTIVE") + `],"NextToken":"the-second-page-of-accounts"}`),
			"the-second-page-of-accounts": answer(`{"Accounts":[` + accountJSON("333333333333", "old", "SUSPENDED") + `]}`),
		}, answer(`{"Accounts":[]}`)),
		listAccounts: answer(`{"Accounts":[` + accountJSON("222222222222", "orders", "ACTIVE") + "," + accountJSON("333333333333", "old", "SUSPENDED") + "," + accountJSON(management, "acme", "ACTIVE") + `]}`),
		listTags: collecttest.Select(map[string]collecttest.Answer{
			"222222222222": answer(`{"Tags":[{"Key":"owner","Value":"orders"}]}`),
		}, answer(`{"Tags":[]}`)),
		listPolicies: collecttest.Select(map[string]collecttest.Answer{
			"SERVICE_CONTROL_POLICY":      answer(`{"Policies":[` + policyJSON("p-FullAWSAccess", "FullAWSAccess", "SERVICE_CONTROL_POLICY", true) + `],"NextToken":"the-second-page-of-policies"}`),
			"the-second-page-of-policies": answer(`{"Policies":[` + policyJSON("p-1", "regions", "SERVICE_CONTROL_POLICY", false) + `]}`),
			"TAG_POLICY":                  answer(`{"Policies":[` + policyJSON("p-2", "tags", "TAG_POLICY", false) + `]}`),
		}, nil),
		describePolicy: collecttest.Select(map[string]collecttest.Answer{
			"p-FullAWSAccess": answer(describedPolicy(`{"Version":"2012-10-17","Statement":{"Effect":"Allow","Action":"*","Resource":"*"}}`)),
			"p-1":             answer(describedPolicy(`{"Statement":[{"Sid":"Elsewhere","Effect":"Deny","NotAction":["iam:*"],"Resource":"*","Condition":{"StringNotEquals": {"aws:RequestedRegion":["eu-west-1"]}}}]}`)),
			"p-2": answer(describedPolicy(`{"tags":{"@@operators_allowed_for_child_policies":["@@none"],"costcenter":{"tag_key":{"@@assign":"CostCenter"},"tag_value":{"@@assign":["100","200*"]},` +
				`"enforced_for":{"@@append":["lambda:function"]}},"Owner":{}}}`)),
		}, nil),
		listTargets: collecttest.Select(map[string]collecttest.Answer{
			"p-FullAWSAccess": answer(`{"Targets":[{"TargetId":"r-ex","Type":"ROOT"},{"TargetId":"222222222222","Type":"ACCOUNT"}]}`),
		}, answer(`{"Targets":[{"TargetId":"ou-ex-1","Type":"ORGANIZATIONAL_UNIT"}]}`)),
	})
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
	if got, want := Collector.Estimate(collect.Inventory{Accounts: 100}).Calls, 210*730.0/24; got < want-1 || got > want+1 {
		t.Errorf("estimate %v, want %v", got, want)
	}
}

func TestCompany(t *testing.T) {
	t.Parallel()
	wire := company()
	f := collecttest.New(t, Collector, collecttest.Options{Wire: wire})
	f.Collect(t)
	f.Golden(t, "company")
	f.Secret(t, "@acme.example", nil)
	if wire.Calls(listAccounts) != 0 {
		t.Error("accounts were listed twice")
	}
}

// Each refusal costs its own evidence and no other.
func TestOneActionLess(t *testing.T) {
	t.Parallel()
	for action, tt := range map[string]struct {
		gaps     []string
		missing  []string // tables that are not complete
		accounts int
	}{
		describeOrganization: {[]string{"organization_accounts/organization", "organization_policies/organization", "organization_units/organization"}, nil, 3},
		listRoots:            {[]string{"organization_accounts/units", "organization_policies/enabled", "organization_units/"}, []string{unitsTable}, 3},
		listUnits:            {[]string{"organization_accounts/units", "organization_units/"}, []string{unitsTable}, 3},
		listOfParent:         {[]string{"organization_accounts/units"}, nil, 3},
		listTags:             {[]string{"organization_accounts/tags"}, nil, 3},
		listPolicies:         {[]string{"organization_policies/", "organization_policy_statements/", "tag_policies/"}, []string{policiesTable, statementsTable, tagTable}, 3},
		describePolicy:       {[]string{"organization_policy_statements/", "tag_policies/"}, []string{statementsTable, tagTable}, 3},
		listTargets:          {[]string{"organization_policies/targets"}, nil, 3},
	} {
		t.Run(action, func(t *testing.T) {
			t.Parallel()
			f := collecttest.New(t, Collector, collecttest.Options{Wire: company().On(action, nil)})
			f.Collect(t)
			var gaps, want []string
			for _, g := range f.GapList() {
				gap, ok := strings.CutSuffix(g, " denied")
				if !ok {
					t.Errorf("gap %q", g)
				}
				gaps = append(gaps, gap)
			}
			if diff := cmp.Diff(tt.gaps, gaps); diff != "" {
				t.Errorf("gaps (-want +got):\n%s", diff)
			}
			for _, table := range tables {
				if !slices.Contains(tt.missing, table) {
					want = append(want, table+"/")
				}
			}
			slices.Sort(want)
			if diff := cmp.Diff(want, f.CompletionList()); diff != "" {
				t.Errorf("completions (-want +got):\n%s", diff)
			}
			if got := len(collecttest.Rows[schema.OrganizationAccount](f.Sink)); got != tt.accounts {
				t.Errorf("%d accounts, want %d", got, tt.accounts)
			}
		})
	}
}

// Without units and the plain list there are no accounts, and that is a gap.
func TestNoWayToAccounts(t *testing.T) {
	t.Parallel()
	f := collecttest.New(t, Collector, collecttest.Options{Wire: company().On(listOfParent, nil).On(listAccounts, nil)})
	f.Collect(t)
	if diff := cmp.Diff([]string{"organization_accounts/ denied", "organization_accounts/units denied"}, f.GapList()); diff != "" {
		t.Errorf("gaps (-want +got):\n%s", diff)
	}
}

func TestNoOrganisation(t *testing.T) {
	t.Parallel()
	wire := collecttest.NewWire(map[string]collecttest.Answer{
		describeOrganization: collecttest.Fail("organizations", 400, "AWSOrganizationsNotInUseException", "Your account is not a member of an organization."),
	})
	f := collecttest.New(t, Collector, collecttest.Options{Wire: wire})
	f.Collect(t)
	if len(f.Gaps()) != 0 || len(f.Sink.All()) != 0 || len(f.CompletionList()) != len(tables) {
		t.Errorf("gaps %v, rows %v, completions %v", f.GapList(), f.Sink.All(), f.CompletionList())
	}
	// It is as definite where that is said to a later question.
	wire.On(describeOrganization, nil).On(listRoots, collecttest.Fail("organizations", 400, "AWSOrganizationsNotInUseException", "Your account is not a member of an organization."))
	f = collecttest.New(t, Collector, collecttest.Options{Wire: wire})
	f.Collect(t)
	if len(f.CompletionList()) != len(tables) {
		t.Errorf("completions %v", f.CompletionList())
	}
}

// A member account is told whom to ask.
func TestMemberAccount(t *testing.T) {
	t.Parallel()
	wire := collecttest.NewWire(map[string]collecttest.Answer{
		describeOrganization: answer(`{"Organization":{"Id":"o-example1","MasterAccountId":"999999999999"}}`),
	})
	f := collecttest.New(t, Collector, collecttest.Options{Wire: wire})
	f.Collect(t)
	if len(f.Gaps()) == 0 || len(f.CompletionList()) != 0 || len(f.Sink.All()) != 0 {
		t.Errorf("gaps %v, completions %v", f.GapList(), f.CompletionList())
	}
	for _, g := range f.Gaps() {
		if g.Outcome != string(collect.Denied) || !strings.Contains(g.Detail, "remedy: make its management account 999999999999") {
			t.Errorf("gap %+v", g)
		}
	}
}

// Types of policies that an organisation cannot have are no gap.
func TestOnlyBilledTogether(t *testing.T) {
	t.Parallel()
	wire := company().On(listPolicies, collecttest.Fail("organizations", 400, "PolicyTypeNotAvailableForOrganizationException", "You can't use the specified policy type."))
	f := collecttest.New(t, Collector, collecttest.Options{Wire: wire})
	f.Collect(t)
	if len(f.Gaps()) != 0 || len(f.CompletionList()) != len(tables) || len(collecttest.Rows[schema.OrganizationPolicy](f.Sink)) != 0 {
		t.Errorf("gaps %v, completions %v", f.GapList(), f.CompletionList())
	}
}

func TestMalformed(t *testing.T) {
	t.Parallel()
	for _, text := range []string{"SECRET", `{"Statement":"SECRET"}`, `{"tags":{"a":"SECRET"}}`} {
		f := collecttest.New(t, Collector, collecttest.Options{Wire: company().On(describePolicy, answer(describedPolicy(text)))})
		f.Collect(t)
		f.Secret(t, "SECRET", nil)
		if len(f.Gaps()) == 0 {
			t.Errorf("%s: no gap", text)
		}
		for _, g := range f.Gaps() {
			if g.Resource == "" || g.Outcome != string(collect.Failed) || g.TableName != statementsTable && g.TableName != tagTable {
				t.Errorf("%s: gap %+v", text, g)
			}
		}
	}
	for action, body := range map[string]string{
		describeOrganization: "{}", describePolicy: "{}",
		listAccounts: `{"Accounts":[],"NextToken":"again"}`, listOfParent: `{"Accounts":[],"NextToken":"again"}`, listRoots: `{"Roots":[],"NextToken":"again"}`,
		listPolicies: `{"Policies":[],"NextToken":"again"}`, listTargets: `{"Targets":[],"NextToken":"again"}`, listTags: `{"Tags":[],"NextToken":"again"}`,
	} {
		wire := company().On(action, answer(body))
		if action == listAccounts {
			wire.On(listOfParent, nil)
		}
		f := collecttest.New(t, Collector, collecttest.Options{Wire: wire})
		f.Collect(t)
		if len(f.Gaps()) == 0 || wire.Calls(action) > 60 {
			t.Errorf("%s: gaps %v after %d calls", action, f.GapList(), wire.Calls(action))
		}
	}
}
