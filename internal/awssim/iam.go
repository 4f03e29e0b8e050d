package awssim

import (
	"cmp"
	"net/url"
	"slices"
	"strings"
	"sync"
	"time"
)

// iamService is Identity and Access Management: one endpoint in us-east-1. AWS
// publishes no request quota for it.
func iamService() *service {
	role := param{name: "RoleName", required: true}
	policy := param{name: "PolicyArn", required: true}
	items := param{name: "MaxItems", min: 1, max: 1000}
	byRole := func(name string, run func(*call) (obj, error), params ...param) operation {
		return operation{name: name, run: run, params: append(params, role), resource: roleResource}
	}
	byPolicy := func(name string, run func(*call) (obj, error), params ...param) operation {
		return operation{name: name, run: run, params: append(params, policy), resource: func(c *call) string { return "policy " + c.str("PolicyArn") }}
	}
	return &service{
		name: "iam", prefix: "iam", protocol: query, target: "https://iam.amazonaws.com/doc/2010-05-08/", xml: queryNames(), global: true,
		words:  map[failure]wording{failInternal: {status: 500, code: "ServiceFailure"}},
		quotas: []quota{{name: "requests", perSecond: 20, burst: 60}},
		operations: []operation{
			{name: "GetAccountAuthorizationDetails", run: getAccountAuthorizationDetails, params: []param{items}, resource: func(*call) string { return "*" }},
			{
				name: "SimulatePrincipalPolicy", run: simulatePrincipalPolicy,
				params: []param{{name: "PolicySourceArn", required: true}, {name: "ActionNames", required: true}, items},
			},
			byRole("GetRole", getRole),
			byRole("ListRolePolicies", listRolePolicies, items),
			byRole("GetRolePolicy", getRolePolicy, param{name: "PolicyName", required: true}),
			byRole("ListAttachedRolePolicies", listAttachedRolePolicies, items),
			{
				name: "GenerateServiceLastAccessedDetails", run: generateServiceLastAccessedDetails, params: []param{{name: "Arn", required: true}},
				resource: func(c *call) string { return c.str("Arn") },
			},
			{
				name: "GetServiceLastAccessedDetails", run: getServiceLastAccessedDetails, params: []param{items, {name: "JobId", required: true}},
				resource: func(*call) string { return "*" },
			},
			byPolicy("GetPolicy", getManagedPolicy),
			byPolicy("GetPolicyVersion", getPolicyVersion, param{name: "VersionId", required: true}),
		},
	}
}

// roleResource is how IAM's denials name a role.
func roleResource(c *call) string {
	return "role " + c.str("RoleName")
}

// encoded is a policy document as IAM returns it: URL-encoded by RFC 3986.
func encoded(document string) string {
	return strings.ReplaceAll(url.QueryEscape(document), "+", "%20")
}

var iamPages = paging{token: "Marker", limit: "MaxItems", size: 100}

// listed is a page in IAM's way.
func listedIAM(name string, items any, next any) obj {
	return compact(obj{name: items, "IsTruncated": next != nil, "Marker": next})
}

// role finds the role a request names.
func (c *call) role() (*Role, error) {
	name := c.str("RoleName")
	i := slices.IndexFunc(c.home().Roles, func(r *Role) bool { return r.Name == name })
	if i < 0 {
		return nil, errorf(404, "NoSuchEntity", "The role with name %s cannot be found.", name)
	}
	return c.home().Roles[i], nil
}

func getRole(c *call) (obj, error) {
	r, err := c.role()
	if err != nil {
		return nil, err
	}
	o := roleOf(r)
	o["MaxSessionDuration"] = cmp.Or(r.MaxSessionS, 3600)
	return obj{"Role": o}, nil
}

func roleOf(r *Role) obj {
	o := obj{
		"Path": rolePath(r.Path), "RoleName": r.Name, "RoleId": r.ID, "Arn": r.ARN, "CreateDate": r.CreatedAt,
		"AssumeRolePolicyDocument": encoded(r.AssumeRolePolicy),
	}
	o["RoleLastUsed"] = obj{}
	if !r.LastUsedAt.IsZero() {
		o["RoleLastUsed"] = obj{"LastUsedDate": r.LastUsedAt, "Region": r.LastUsedRegion}
	}
	if len(r.Tags) > 0 {
		o["Tags"] = tagList(r.Tags, "Key", "Value")
	}
	if r.PermissionBoundary != "" {
		o["PermissionsBoundary"] = obj{"PermissionsBoundaryType": "Policy", "PermissionsBoundaryArn": r.PermissionBoundary}
	}
	return o
}

func rolePath(path string) string {
	if path == "" {
		return "/"
	}
	return path
}

func listRolePolicies(c *call) (obj, error) {
	r, err := c.role()
	if err != nil {
		return nil, err
	}
	names := make([]string, len(r.Inline))
	for i, p := range r.Inline {
		names[i] = p.Name
	}
	items, next, err := page(c, iamPages, names)
	if err != nil {
		return nil, err
	}
	return listedIAM("PolicyNames", items, next), nil
}

func getRolePolicy(c *call) (obj, error) {
	r, err := c.role()
	if err != nil {
		return nil, err
	}
	name := c.str("PolicyName")
	i := slices.IndexFunc(r.Inline, func(p InlinePolicy) bool { return p.Name == name })
	if i < 0 {
		return nil, errorf(404, "NoSuchEntity", "The role policy with name %s cannot be found.", name)
	}
	return obj{"RoleName": r.Name, "PolicyName": name, "PolicyDocument": encoded(r.Inline[i].Document)}, nil
}

func listAttachedRolePolicies(c *call) (obj, error) {
	r, err := c.role()
	if err != nil {
		return nil, err
	}
	items, next, err := page(c, iamPages, attached(r))
	if err != nil {
		return nil, err
	}
	return listedIAM("AttachedPolicies", items, next), nil
}

// attached are a role's managed policies by name and ARN.
func attached(r *Role) []obj {
	return mapOf(r.Attached, func(arn string) obj {
		return obj{"PolicyName": arn[strings.LastIndex(arn, "/")+1:], "PolicyArn": arn}
	})
}

// managedPolicy finds the policy a request names.
func (c *call) managedPolicy() (*ManagedPolicy, error) {
	p := c.home().ManagedPolicy(c.str("PolicyArn"))
	if p == nil {
		return nil, errorf(404, "NoSuchEntity", "Policy %s was not found.", c.str("PolicyArn"))
	}
	return p, nil
}

func getManagedPolicy(c *call) (obj, error) {
	p, err := c.managedPolicy()
	if err != nil {
		return nil, err
	}
	return obj{"Policy": c.managedPolicyOf(p)}, nil
}

func (c *call) managedPolicyOf(p *ManagedPolicy) obj {
	attachments, boundaries := 0, 0
	for _, r := range c.home().Roles {
		if slices.Contains(r.Attached, p.ARN) {
			attachments++
		}
		if r.PermissionBoundary == p.ARN {
			boundaries++
		}
	}
	return obj{
		"PolicyName": p.Name, "PolicyId": p.ID, "Arn": p.ARN, "Path": rolePath(p.Path), "DefaultVersionId": p.VersionID,
		"AttachmentCount": attachments, "PermissionsBoundaryUsageCount": boundaries, "IsAttachable": true,
		"CreateDate": p.CreatedAt, "UpdateDate": p.CreatedAt,
	}
}

func getPolicyVersion(c *call) (obj, error) {
	p, err := c.managedPolicy()
	if err != nil {
		return nil, err
	}
	for _, old := range p.Older {
		if c.str("VersionId") == old.ID {
			return obj{"PolicyVersion": old.wire()}, nil
		}
	}
	if c.str("VersionId") != p.VersionID {
		return nil, errorf(404, "NoSuchEntity", "Policy %s version %s does not exist or is not attachable.", p.ARN, c.str("VersionId"))
	}
	return obj{"PolicyVersion": policyVersion(p)}, nil
}

func policyVersion(p *ManagedPolicy) obj {
	return obj{"VersionId": p.VersionID, "IsDefaultVersion": true, "CreateDate": p.CreatedAt, "Document": encoded(p.Document)}
}

func (v OldVersion) wire() obj {
	return obj{"VersionId": v.ID, "IsDefaultVersion": false, "CreateDate": v.CreatedAt, "Document": encoded(v.Document)}
}

// getAccountAuthorizationDetails pages through roles and then policies.
func getAccountAuthorizationDetails(c *call) (obj, error) {
	wanted := c.strings("Filter")
	for _, f := range wanted {
		if !slices.Contains([]string{"User", "Role", "Group", "LocalManagedPolicy", "AWSManagedPolicy"}, f) {
			return nil, c.fail(failValidation, "1 validation error detected: Value '[%s]' at 'filter' failed to satisfy constraint: "+
				"Member must satisfy constraint: [Member must satisfy enum value set: [User, Role, Group, LocalManagedPolicy, AWSManagedPolicy]]", f)
		}
	}
	wants := func(kind string) bool { return len(wanted) == 0 || slices.Contains(wanted, kind) }
	var all []any
	if wants("Role") {
		all = append(all, anySlice(c.home().Roles)...)
	}
	for _, p := range c.home().ManagedPolicies {
		kind := "LocalManagedPolicy"
		if strings.Contains(p.ARN, ":iam::aws:") {
			kind = "AWSManagedPolicy"
		}
		if wants(kind) {
			all = append(all, p)
		}
	}
	items, next, err := page(c, iamPages, all)
	if err != nil {
		return nil, err
	}
	roles, policies := []obj{}, []obj{}
	for _, item := range items {
		switch item := item.(type) {
		case *Role:
			roles = append(roles, roleDetail(item))
		case *ManagedPolicy:
			o := c.managedPolicyOf(item)
			o["PolicyVersionList"] = append([]obj{policyVersion(item)}, mapOf(item.Older, OldVersion.wire)...)
			policies = append(policies, o)
		}
	}
	return compact(obj{
		"UserDetailList": []obj{}, "GroupDetailList": []obj{}, "RoleDetailList": roles, "Policies": policies,
		"IsTruncated": next != nil, "Marker": next,
	}), nil
}

func roleDetail(r *Role) obj {
	o := roleOf(r)
	o["InstanceProfileList"] = []obj{}
	o["AttachedManagedPolicies"] = attached(r)
	o["RolePolicyList"] = mapOf(r.Inline, func(p InlinePolicy) obj {
		return obj{"PolicyName": p.Name, "PolicyDocument": encoded(p.Document)}
	})
	return o
}

// lastAccessedJobs are the reports that were asked for, by job id. Like AWS's
// they are not ready at once: the first look at one finds it in progress.
type lastAccessedJobs struct {
	mu   sync.Mutex
	held map[string]*lastAccessedJob
}

type lastAccessedJob struct {
	account string
	role    *Role
	created time.Time
	looked  bool
}

// look finds a job and reports whether it is ready.
func (j *lastAccessedJobs) look(id, account, token string) (job *lastAccessedJob, ready bool) {
	j.mu.Lock()
	defer j.mu.Unlock()
	job = j.held[id]
	if job == nil || job.account != account {
		return nil, false
	}
	ready = job.looked || token != ""
	job.looked = true
	return job, ready
}

func generateServiceLastAccessedDetails(c *call) (obj, error) {
	r := c.home().Role(c.str("Arn"))
	if r == nil {
		return nil, errorf(404, "NoSuchEntity", "ARN %s cannot be found.", c.str("Arn"))
	}
	jobs := &c.server.lastAccessed
	jobs.mu.Lock()
	defer jobs.mu.Unlock()
	if jobs.held == nil {
		jobs.held = map[string]*lastAccessedJob{}
	}
	id := newRequestID()
	jobs.held[id] = &lastAccessedJob{account: c.account(), role: r, created: c.now()}
	return obj{"JobId": id}, nil
}

func getServiceLastAccessedDetails(c *call) (obj, error) {
	job, ready := c.server.lastAccessed.look(c.str("JobId"), c.account(), c.str("Marker"))
	if job == nil {
		return nil, errorf(404, "NoSuchEntity", "The job with id %s cannot be found.", c.str("JobId"))
	}
	answer := obj{"JobStatus": "IN_PROGRESS", "JobType": "SERVICE_LEVEL", "JobCreationDate": job.created, "IsTruncated": false, "ServicesLastAccessed": []obj{}}
	if !ready {
		return answer, nil
	}
	items, next, err := page(c, iamPages, job.role.Services)
	if err != nil {
		return nil, err
	}
	answer["JobStatus"], answer["JobCompletionDate"] = "COMPLETED", job.created
	answer["ServicesLastAccessed"] = mapOf(items, func(u ServiceUse) obj {
		o := obj{"ServiceName": u.Name, "ServiceNamespace": u.Namespace, "TotalAuthenticatedEntities": 0}
		if !u.LastAt.IsZero() {
			o["LastAuthenticated"], o["LastAuthenticatedRegion"], o["LastAuthenticatedEntity"], o["TotalAuthenticatedEntities"] = u.LastAt, u.Region, job.role.ARN, 1
		}
		return o
	})
	answer["IsTruncated"], answer["Marker"] = next != nil, next
	return compact(answer), nil
}
