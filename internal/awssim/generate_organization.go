package awssim

import (
	"cmp"
	"encoding/json"
	"fmt"
	"runtime"
	"slices"
	"strconv"
	"strings"
	"time"

	"golang.org/x/sync/errgroup"
)

// ReaderRole is the role of GenerateOrganization's accounts that faaswarden
// assumes.
const ReaderRole = "faaswarden-reader"

// maxAccounts is how many accounts an organisation may be generated with.
const maxAccounts = 10_000

// GenerateOrganization builds so many accounts of one company: the management
// account, which is the world that Generate builds of the same options, and its
// members, each with account id and seed of its own that follow from the
// options' seed. Every account has ReaderRole, which asks for the options'
// external id. Accounts are generated side by side; the same options give the
// same worlds.
func GenerateOrganization(o GenerateOptions, accounts int) (management *World, members []*World, err error) {
	if err := o.complete(); err != nil {
		return nil, nil, fmt.Errorf("generate an organisation: %w", err)
	}
	if accounts < 1 || accounts > maxAccounts {
		return nil, nil, fmt.Errorf("generate an organisation: accounts must be 1 … %d, not %d", maxAccounts, accounts)
	}
	worlds := make([]*World, accounts)
	var group errgroup.Group
	group.SetLimit(runtime.GOMAXPROCS(0))
	for i, options := range memberOptions(o, accounts) {
		group.Go(func() error {
			w, err := Generate(options)
			if err != nil {
				return err
			}
			w.Organization = nil
			w.admitReader(o.Account, options.ExternalID)
			worlds[i] = w
			return nil
		})
	}
	if err := group.Wait(); err != nil {
		return nil, nil, fmt.Errorf("generate an organisation: %w", err)
	}
	worlds[0].Organization = newOrganization(worlds)
	return worlds[0], worlds[1:], nil
}

// memberOptions are the options of each account, the first those given.
func memberOptions(o GenerateOptions, accounts int) []GenerateOptions {
	list, taken := []GenerateOptions{o}, map[string]bool{o.Account: true}
	for i := 1; len(list) < accounts; i++ {
		key := streamKey(o.Seed, "member", strconv.Itoa(i))
		member := o
		member.Seed = int64(key>>2) + 1
		member.Account = strconv.FormatUint(100_000_000_000+key%900_000_000_000, 10)
		if !taken[member.Account] {
			taken[member.Account] = true
			list = append(list, member)
		}
	}
	return list
}

// admitReader gives the account the role that the management account may assume.
func (w *World) admitReader(management, externalID string) {
	trust := statement{
		SID: "FaaswardenReads", Effect: "Allow", Principal: map[string]string{"AWS": "arn:" + w.Partition + ":iam::" + management + ":root"}, Action: "sts:AssumeRole",
	}
	if externalID != "" {
		trust.Condition = map[string]any{"StringEquals": map[string]string{"sts:ExternalId": externalID}}
	}
	w.ExternalID = externalID
	w.Roles = append(w.Roles, &Role{
		Name: ReaderRole, ARN: "arn:" + w.Partition + ":iam::" + w.Account + ":role/" + ReaderRole, ID: "AROA" + strings.ToUpper(hexID(w.Seed, 17, ReaderRole)),
		Path: "/", CreatedAt: w.Now.AddDate(0, -7, 0), Tags: map[string]string{"owner": "team-platform", "managed-by": "terraform"},
		AssumeRolePolicy: document{Statement: []statement{trust}}.trust(),
		Inline: []InlinePolicy{{Name: "read", Document: document{Statement: []statement{{
			Effect: "Allow", Action: []string{"lambda:List*", "lambda:Get*", "cloudwatch:GetMetricData", "iam:Get*", "iam:List*"}, Resource: "*",
		}}}.text()}},
	})
	slices.SortFunc(w.Roles, func(a, c *Role) int { return cmp.Compare(a.Name, c.Name) })
}

// organizationBuilder builds an organisation.
type organizationBuilder struct {
	*Organization
	seed int64
}

// newOrganization is the company around the worlds, the first of which is its
// management account.
func newOrganization(worlds []*World) *Organization {
	first := worlds[0]
	id := func(digits int, names ...string) string {
		return hexID(first.Seed, digits, append(names, "organization")...)
	}
	b := &organizationBuilder{seed: first.Seed, Organization: &Organization{
		ID: "o-" + id(10), Management: first.Account, RootID: "r-" + id(4, "root"), Enabled: []string{"SERVICE_CONTROL_POLICY", "TAG_POLICY"},
	}}
	for _, u := range [][2]string{{"Security", ""}, {"Infrastructure", ""}, {"Workloads", ""}, {"Production", "Workloads"}, {"Staging", "Workloads"}, {"Sandbox", ""}} {
		b.unit(u[0], u[1])
	}
	for i, w := range worlds {
		b.account(i, w)
	}
	slices.SortFunc(b.Units, func(a, c *Unit) int { return cmp.Compare(a.ID, c.ID) })
	slices.SortFunc(b.Accounts, func(a, c *OrganizationAccount) int { return cmp.Compare(a.ID, c.ID) })
	b.controls(first)
	b.tagPolicies()
	return b.Organization
}

func (b *organizationBuilder) unit(name, parent string) {
	u := &Unit{ID: "ou-" + strings.TrimPrefix(b.RootID, "r-") + "-" + hexID(b.seed, 8, name, "unit"), Name: name, Parent: b.RootID}
	if parent != "" {
		u.Parent = b.unitID(parent)
	}
	b.Units = append(b.Units, u)
}

func (b *organizationBuilder) unitID(name string) string {
	i := slices.IndexFunc(b.Units, func(u *Unit) bool { return u.Name == name })
	return b.Units[i].ID
}

// account places the i-th world: the management account at the root, two for
// the company's own ends, and the rest with the teams by environment. Every
// eighth of those is not tagged.
func (b *organizationBuilder) account(i int, w *World) {
	r := newRand(streamKey(b.seed, w.Account, "organization account"), 0)
	a := &OrganizationAccount{
		ID: w.Account, Status: "ACTIVE", JoinedMethod: "CREATED", Parent: b.RootID, Email: "aws+" + w.Account + "@acme.example",
		JoinedAt: w.Now.AddDate(0, 0, -around(r, 60, 1500)).Add(time.Duration(r.IntN(86_400_000)) * time.Millisecond),
	}
	b.Accounts = append(b.Accounts, a)
	switch i {
	case 0:
		a.Name, a.JoinedMethod, a.JoinedAt = "acme", "INVITED", w.Now.AddDate(-5, 0, 0)
	case 1:
		a.Name, a.Parent = "acme-security", b.unitID("Security")
	case 2:
		a.Name, a.Parent = "acme-network", b.unitID("Infrastructure")
	default:
		list, envs := teams(), environments()
		at := i - 3
		id := identity{team: list[at%len(list)], env: envs[at/len(list)%len(envs)]}
		a.Name = fmt.Sprintf("acme-%s-%s", id.team.name, id.env)
		if round := at / len(list) / len(envs); round > 0 {
			a.Name = fmt.Sprintf("acme-%s-c%02d-%s", id.team.name, round+1, id.env)
		}
		a.Parent = b.unitID(map[string]string{"prod": "Production", "staging": "Staging", "dev": "Sandbox"}[id.env])
		if at%8 != 7 {
			a.Tags = id.tags()
		}
		return
	}
	a.Tags = map[string]string{"owner": "team-platform", "cost-center": "cc-9010", "environment": "prod"}
}

func (b *organizationBuilder) policy(kind, name, description, content string, targets ...string) {
	b.Policies = append(b.Policies, &OrganizationPolicy{
		ID: "p-" + hexID(b.seed, 8, name, "organization policy"), Name: name, Description: description, Type: kind, Content: content, Targets: targets,
	})
}

// controls are the service control policies: what AWS attaches everywhere, and
// what companies add to it.
func (b *organizationBuilder) controls(first *World) {
	const kind = "SERVICE_CONTROL_POLICY"
	everywhere := []string{b.RootID}
	for _, u := range b.Units {
		everywhere = append(everywhere, u.ID)
	}
	for _, a := range b.Accounts {
		everywhere = append(everywhere, a.ID)
	}
	b.Policies = append(b.Policies, &OrganizationPolicy{
		ID: "p-FullAWSAccess", Name: "FullAWSAccess", Description: "Allows access to every operation", Type: kind, AWSManaged: true, Targets: everywhere,
		Content: document{Statement: []statement{{Effect: "Allow", Action: "*", Resource: "*"}}}.text(),
	})
	var regions []string
	for _, r := range first.Regions {
		regions = append(regions, r.Name)
	}
	b.policy(kind, "stay-in-the-organization", "Accounts do not leave", document{Statement: []statement{
		{SID: "DenyLeaving", Effect: "Deny", Action: "organizations:LeaveOrganization", Resource: "*"},
	}}.text(), b.RootID)
	b.policy(kind, "regions-in-use", "Nothing runs elsewhere", strings.Replace(document{Statement: []statement{{
		SID: "DenyOtherRegions", Effect: "Deny", Action: []string{"iam:*", "organizations:*", "sts:*", "route53:*", "cloudfront:*", "support:*"}, Resource: "*",
		Condition: map[string]any{"StringNotEquals": map[string]any{"aws:RequestedRegion": regions}},
	}}}.text(), `"Action"`, `"NotAction"`, 1), b.unitID("Workloads"))
	b.policy(kind, "functions-have-owners", "Functions are created with an owner", document{Statement: []statement{{
		SID: "DenyFunctionsWithoutOwner", Effect: "Deny", Action: "lambda:CreateFunction", Resource: "*",
		Condition: map[string]any{"Null": map[string]string{"aws:RequestTag/owner": "true"}},
	}}}.text(), b.unitID("Production"))
}

// tagPolicies say how the company's tags are spelled, and where that is enforced.
func (b *organizationBuilder) tagPolicies() {
	var centers []string
	for _, t := range teams() {
		centers = append(centers, t.costCenter)
	}
	tag := func(key string, values []string, enforced ...string) map[string]any {
		o := map[string]any{"tag_key": assigned(key)}
		if len(values) > 0 {
			o["tag_value"] = assigned(values)
		}
		if len(enforced) > 0 {
			o["enforced_for"] = assigned(enforced)
		}
		return o
	}
	content := func(tags map[string]any) string {
		out, err := json.Marshal(map[string]any{"tags": tags})
		if err != nil {
			panic(fmt.Sprintf("a policy of strings does not encode: %v", err)) // cannot happen
		}
		return string(out)
	}
	b.policy("TAG_POLICY", "cost-allocation", "Spelling of what bills are split by", content(map[string]any{
		"cost-center": tag("cost-center", append(centers, "cc-9010"), "lambda:function", "sqs:queue"), "owner": tag("owner", nil),
	}), b.RootID)
	b.policy("TAG_POLICY", "environments", "Names of environments", content(map[string]any{
		"environment": tag("environment", environments()),
	}), b.unitID("Workloads"))
}

// assigned is a value as management policies set it.
func assigned(v any) map[string]any { return map[string]any{"@@assign": v} }
