package awssim

import (
	"net/http"
	"slices"
	"strings"
)

// organizationsService is AWS Organizations: one endpoint in us-east-1, which
// answers the management account and delegated administrators alone. Of its
// quotas those of ListAccounts and its like are not published here; the rest is
// what its quota page gives most reading operations.
func organizationsService() *service {
	page := param{name: "MaxResults", min: 1, max: 20}
	needs := func(name string) param { return param{name: name, required: true} }
	op := func(name string, run func(*call, *Organization) (obj, error), params ...param) operation {
		return operation{name: name, run: organized(run), params: params, resource: func(*call) string { return "*" }}
	}
	return &service{
		name: "organizations", prefix: "organizations", protocol: awsJSON11, target: "AWSOrganizationsV20161128", global: true,
		words: map[failure]wording{
			failThrottled:  {status: 400, code: "TooManyRequestsException"},
			failValidation: {status: 400, code: "InvalidInputException"},
			failBadToken:   {status: 400, code: "InvalidInputException"},
			failInternal:   {status: 500, code: "ServiceException"},
		},
		messages: map[failure]string{
			failThrottled: "AWS Organizations can't complete your request because another request is already in progress. Try again later.",
			failBadToken:  "You specified an invalid value for the pagination token.",
		},
		quotas: []quota{{name: "requests", perSecond: 10, burst: 20}},
		operations: []operation{
			{name: "DescribeOrganization", run: describeOrganization, resource: func(*call) string { return "*" }},
			op("ListRoots", listRoots, page),
			op("ListAccounts", listOrganizationAccounts, page),
			op("ListAccountsForParent", listAccountsForParent, page, needs("ParentId")),
			op("ListOrganizationalUnitsForParent", listUnitsForParent, page, needs("ParentId")),
			op("ListParents", listParents, page, needs("ChildId")),
			op("ListPolicies", listOrganizationPolicies, page, needs("Filter")),
			op("DescribePolicy", describeOrganizationPolicy, needs("PolicyId")),
			op("ListTargetsForPolicy", listTargetsForPolicy, page, needs("PolicyId")),
			op("ListTagsForResource", listOrganizationTags, needs("ResourceId")),
		},
	}
}

var organizationPages = paging{token: "NextToken", limit: "MaxResults", size: 20}

// organization is the one that the calling account belongs to, or nil.
func (c *call) organization() *Organization {
	if c.home() == nil {
		return nil
	}
	if o := c.server.options.World.Organization; o != nil && o.Account(c.account()) != nil {
		return o
	}
	return c.home().Organization
}

// organized answers members of an organisation that may ask.
func organized(run func(*call, *Organization) (obj, error)) func(*call) (obj, error) {
	return func(c *call) (obj, error) {
		o := c.organization()
		switch {
		case o == nil:
			return nil, notInUse()
		case c.account() != o.Management && !slices.Contains(o.Delegated, c.account()):
			return nil, c.fail(failDenied, "You don't have permissions to access this resource.")
		}
		return run(c, o)
	}
}

func notInUse() error {
	return errorf(http.StatusBadRequest, "AWSOrganizationsNotInUseException", "Your account is not a member of an organization.")
}

// arn of something of the organisation, all of which belong to its management account.
func (o *Organization) arn(c *call, kind, id string) string {
	return "arn:" + c.server.partition() + ":organizations::" + o.Management + ":" + kind + "/" + o.ID + "/" + id
}

// describeOrganization answers every member, as AWS does.
func describeOrganization(c *call) (obj, error) {
	o := c.organization()
	if o == nil {
		return nil, notInUse()
	}
	answer := obj{
		"Id": o.ID, "Arn": "arn:" + c.server.partition() + ":organizations::" + o.Management + ":organization/" + o.ID, "FeatureSet": "ALL",
		"MasterAccountId": o.Management, "MasterAccountArn": o.arn(c, "account", o.Management),
		"AvailablePolicyTypes": []obj{{"Type": "SERVICE_CONTROL_POLICY", "Status": "ENABLED"}},
	}
	if a := o.Account(o.Management); a != nil {
		answer["MasterAccountEmail"] = a.Email
	}
	return obj{"Organization": answer}, nil
}

func listRoots(c *call, o *Organization) (obj, error) {
	types := mapOf(o.Enabled, func(kind string) obj { return obj{"Type": kind, "Status": "ENABLED"} })
	return organizationPage(c, "Roots", []obj{{"Id": o.RootID, "Arn": o.arn(c, "root", o.RootID), "Name": "Root", "PolicyTypes": types}})
}

// organizationPage answers with the asked page of a list.
func organizationPage(c *call, name string, list []obj) (obj, error) {
	items, next, err := page(c, organizationPages, list)
	if err != nil {
		return nil, err
	}
	return compact(obj{name: items, "NextToken": next}), nil
}

func listOrganizationAccounts(c *call, o *Organization) (obj, error) {
	return organizationPage(c, "Accounts", mapOf(o.Accounts, func(a *OrganizationAccount) obj { return o.accountOf(c, a) }))
}

func (o *Organization) accountOf(c *call, a *OrganizationAccount) obj {
	return obj{
		"Id": a.ID, "Arn": o.arn(c, "account", a.ID), "Name": a.Name, "Email": a.Email, "Status": a.Status, "State": a.Status,
		"JoinedMethod": a.JoinedMethod, "JoinedTimestamp": a.JoinedAt,
	}
}

// holds reports whether the id is of the root or a unit.
func (o *Organization) holds(id string) bool { return id == o.RootID || o.Unit(id) != nil }

func noParent() error {
	return errorf(http.StatusBadRequest, "ParentNotFoundException", "You specified parent that doesn't exist.")
}

func listAccountsForParent(c *call, o *Organization) (obj, error) {
	parent := c.str("ParentId")
	if !o.holds(parent) {
		return nil, noParent()
	}
	list := []obj{}
	for _, a := range o.Accounts {
		if a.Parent == parent {
			list = append(list, o.accountOf(c, a))
		}
	}
	return organizationPage(c, "Accounts", list)
}

func listUnitsForParent(c *call, o *Organization) (obj, error) {
	parent := c.str("ParentId")
	if !o.holds(parent) {
		return nil, noParent()
	}
	list := []obj{}
	for _, u := range o.Units {
		if u.Parent == parent {
			list = append(list, obj{"Id": u.ID, "Arn": o.arn(c, "ou", u.ID), "Name": u.Name})
		}
	}
	return organizationPage(c, "OrganizationalUnits", list)
}

func listParents(c *call, o *Organization) (obj, error) {
	parent, child := "", c.str("ChildId")
	if a := o.Account(child); a != nil {
		parent = a.Parent
	} else if u := o.Unit(child); u != nil {
		parent = u.Parent
	}
	if parent == "" {
		return nil, errorf(http.StatusBadRequest, "ChildNotFoundException", "You specified child that doesn't exist.")
	}
	return organizationPage(c, "Parents", []obj{{"Id": parent, "Type": o.kindOf(parent)}})
}

// kindOf is how Organizations calls what has the id.
func (o *Organization) kindOf(id string) string {
	switch {
	case id == o.RootID:
		return "ROOT"
	case strings.HasPrefix(id, "ou-"):
		return "ORGANIZATIONAL_UNIT"
	}
	return "ACCOUNT"
}

func (o *Organization) nameOf(id string) string {
	if u := o.Unit(id); u != nil {
		return u.Name
	}
	if a := o.Account(id); a != nil {
		return a.Name
	}
	return "Root"
}

func listOrganizationPolicies(c *call, o *Organization) (obj, error) {
	list := []obj{}
	for _, p := range o.Policies {
		if p.Type == c.str("Filter") {
			list = append(list, o.policySummary(c, p))
		}
	}
	return organizationPage(c, "Policies", list)
}

func (o *Organization) policySummary(c *call, p *OrganizationPolicy) obj {
	kind := strings.ToLower(p.Type)
	arn := o.arn(c, "policy", kind+"/"+p.ID)
	if p.AWSManaged {
		arn = "arn:" + c.server.partition() + ":organizations::aws:policy/" + kind + "/" + p.ID
	}
	return obj{"Id": p.ID, "Arn": arn, "Name": p.Name, "Description": p.Description, "Type": p.Type, "AwsManaged": p.AWSManaged}
}

// organizationPolicy finds the policy a request names.
func (c *call) organizationPolicy(o *Organization) (*OrganizationPolicy, error) {
	p := o.Policy(c.str("PolicyId"))
	if p == nil {
		return nil, errorf(http.StatusBadRequest, "PolicyNotFoundException", "You specified a policy that doesn't exist.")
	}
	return p, nil
}

func describeOrganizationPolicy(c *call, o *Organization) (obj, error) {
	p, err := c.organizationPolicy(o)
	if err != nil {
		return nil, err
	}
	return obj{"Policy": obj{"PolicySummary": o.policySummary(c, p), "Content": p.Content}}, nil
}

func listTargetsForPolicy(c *call, o *Organization) (obj, error) {
	p, err := c.organizationPolicy(o)
	if err != nil {
		return nil, err
	}
	return organizationPage(c, "Targets", mapOf(p.Targets, func(id string) obj {
		kind := o.kindOf(id)
		arn := o.arn(c, map[string]string{"ROOT": "root", "ORGANIZATIONAL_UNIT": "ou", "ACCOUNT": "account"}[kind], id)
		return obj{"TargetId": id, "Arn": arn, "Name": o.nameOf(id), "Type": kind}
	}))
}

func listOrganizationTags(c *call, o *Organization) (obj, error) {
	id := c.str("ResourceId")
	a := o.Account(id)
	switch {
	case a != nil:
		return organizationPage(c, "Tags", tagList(a.Tags, "Key", "Value"))
	case o.holds(id), o.Policy(id) != nil:
		return organizationPage(c, "Tags", []obj{})
	}
	return nil, errorf(http.StatusBadRequest, "TargetNotFoundException", "You specified a target that doesn't exist.")
}
