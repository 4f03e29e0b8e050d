package schema

import "time"

// Role is a row of roles.
type Role struct {
	Account         string            `ch:"account"`
	Region          string            `ch:"region"` // the region whose functions use the role
	RoleARN         string            `ch:"role_arn"`
	RoleName        string            `ch:"role_name"`
	Path            string            `ch:"path"`
	CreatedAt       time.Time         `ch:"created_at"`
	MaxSessionS     *int64            `ch:"max_session_s"`     // NULL: not told when all roles are read at once
	BoundaryARN     string            `ch:"boundary_arn"`      // permissions boundary; empty: none
	TrustRead       bool              `ch:"trust_read"`        // the trust policy was readable; otherwise nothing is known of who may assume the role
	TrustServices   []string          `ch:"trust_services"`    // AWS services that may assume it
	TrustAccounts   []string          `ch:"trust_accounts"`    // account ids of the principals that may; * is anybody
	TrustPrincipals []string          `ch:"trust_principals"`  // AWS principals as written: ARNs, account ids, unique ids of what was deleted
	TrustFederated  []string          `ch:"trust_federated"`   // identity providers
	TrustConditions []string          `ch:"trust_conditions"`  // operator and key, never the value: StringEquals sts:ExternalId
	TrustExternalID bool              `ch:"trust_external_id"` // every statement that lets another account in asks for an external id; false when none does let one in
	LastUsedAt      *time.Time        `ch:"last_used_at"`      // NULL: not in the time that IAM keeps track of, 400 days at most
	LastUsedRegion  string            `ch:"last_used_region"`
	Tags            map[string]string `ch:"tags"`
	CollectedAt     time.Time         `ch:"collected_at"`
}

// Table names the table Role rows are written to.
func (Role) Table() string { return "roles" }

// ServiceLastAccessed is a row of service_last_accessed.
type ServiceLastAccessed struct {
	Account        string     `ch:"account"`
	Region         string     `ch:"region"` // the region whose functions use the role
	RoleARN        string     `ch:"role_arn"`
	Service        string     `ch:"service"` // namespace, as actions begin: sqs
	ServiceName    string     `ch:"service_name"`
	LastAccessedAt *time.Time `ch:"last_accessed_at"` // NULL: not in the time that IAM keeps track of, 400 days at most
	LastRegion     string     `ch:"last_region"`
	ReportedAt     time.Time  `ch:"reported_at"` // when IAM made the report
	CollectedAt    time.Time  `ch:"collected_at"`
}

// Table names the table ServiceLastAccessed rows are written to.
func (ServiceLastAccessed) Table() string { return "service_last_accessed" }

// OrganizationAccount is a row of organization_accounts.
type OrganizationAccount struct {
	Account        string            `ch:"account"` // that read it: the management or a delegated administrator account
	Region         string            `ch:"region"`
	OrganizationID string            `ch:"organization_id"`
	AccountID      string            `ch:"account_id"`
	Name           string            `ch:"name"`
	Status         string            `ch:"status"` // ACTIVE, SUSPENDED, PENDING_CLOSURE …
	Management     bool              `ch:"management"`
	JoinedAt       time.Time         `ch:"joined_at"`
	JoinedMethod   string            `ch:"joined_method"` // INVITED or CREATED
	ParentID       string            `ch:"parent_id"`     // of the root or unit; empty: the units could not be read
	Path           string            `ch:"path"`          // names of the units from below the root: Workloads/Production; empty: at the root, or not read
	Tags           map[string]string `ch:"tags"`
	TagsRead       bool              `ch:"tags_read"`
	CollectedAt    time.Time         `ch:"collected_at"`
}

// Table names the table OrganizationAccount rows are written to.
func (OrganizationAccount) Table() string { return "organization_accounts" }

// OrganizationUnit is a row of organization_units.
type OrganizationUnit struct {
	Account        string    `ch:"account"`
	Region         string    `ch:"region"`
	OrganizationID string    `ch:"organization_id"`
	UnitID         string    `ch:"unit_id"` // ou-…, or r-… of the root
	Name           string    `ch:"name"`
	ParentID       string    `ch:"parent_id"`    // empty: this is the root
	Path           string    `ch:"path"`         // names from below the root; empty: this is the root
	PolicyTypes    []string  `ch:"policy_types"` // of the root: types of policies that are enabled
	CollectedAt    time.Time `ch:"collected_at"`
}

// Table names the table OrganizationUnit rows are written to.
func (OrganizationUnit) Table() string { return "organization_units" }

// OrganizationPolicy is a row of organization_policies.
type OrganizationPolicy struct {
	Account        string    `ch:"account"`
	Region         string    `ch:"region"`
	OrganizationID string    `ch:"organization_id"`
	PolicyID       string    `ch:"policy_id"`
	Type           string    `ch:"type"` // SERVICE_CONTROL_POLICY or TAG_POLICY
	Name           string    `ch:"name"`
	Description    string    `ch:"description"`
	AwsManaged     bool      `ch:"aws_managed"`
	Enabled        bool      `ch:"enabled"` // policies of its type are in force
	Targets        []string  `ch:"targets"` // ids of the root, units and accounts that it is attached to
	TargetsRead    bool      `ch:"targets_read"`
	CollectedAt    time.Time `ch:"collected_at"`
}

// Table names the table OrganizationPolicy rows are written to.
func (OrganizationPolicy) Table() string { return "organization_policies" }

// OrganizationPolicyStatement is a row of organization_policy_statements.
type OrganizationPolicyStatement struct {
	Account      string    `ch:"account"`
	Region       string    `ch:"region"`
	PolicyID     string    `ch:"policy_id"`
	Statement    uint32    `ch:"statement"` // index in the policy
	SID          string    `ch:"sid"`
	Effect       string    `ch:"effect"`
	Actions      []string  `ch:"actions"`
	NotActions   []string  `ch:"not_actions"`
	Resources    []string  `ch:"resources"`
	NotResources []string  `ch:"not_resources"`
	Condition    string    `ch:"condition"` // JSON
	CollectedAt  time.Time `ch:"collected_at"`
}

// Table names the table OrganizationPolicyStatement rows are written to.
func (OrganizationPolicyStatement) Table() string { return "organization_policy_statements" }

// TagPolicy is a row of tag_policies.
type TagPolicy struct {
	Account       string    `ch:"account"`
	Region        string    `ch:"region"`
	PolicyID      string    `ch:"policy_id"`
	PolicyKey     string    `ch:"policy_key"`     // under which the policy holds the tag, in lower case
	TagKey        string    `ch:"tag_key"`        // as it must be spelled
	AllowedValues []string  `ch:"allowed_values"` // with * as wildcard; empty: any value
	EnforcedFor   []string  `ch:"enforced_for"`   // resource types: lambda:function; empty: reported alone
	Appends       bool      `ch:"appends"`        // adds to values of policies above instead of replacing them
	CollectedAt   time.Time `ch:"collected_at"`
}

// Table names the table TagPolicy rows are written to.
func (TagPolicy) Table() string { return "tag_policies" }
