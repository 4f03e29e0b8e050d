-- Roles of functions beside what they allow, what of that was used, and the
-- organisation above the accounts.

CREATE TABLE roles
(
    account           LowCardinality(String),
    region            LowCardinality(String) COMMENT 'the region whose functions use the role',
    role_arn          String,
    role_name         String,
    path              String,
    created_at        DateTime64(3, 'UTC'),
    max_session_s     Nullable(Int64) COMMENT 'NULL: not told when all roles are read at once',
    boundary_arn      String COMMENT 'permissions boundary; empty: none',
    trust_read        Bool COMMENT 'the trust policy was readable; otherwise nothing is known of who may assume the role',
    trust_services    Array(String) COMMENT 'AWS services that may assume it',
    trust_accounts    Array(String) COMMENT 'account ids of the principals that may; * is anybody',
    trust_principals  Array(String) COMMENT 'AWS principals as written: ARNs, account ids, unique ids of what was deleted',
    trust_federated   Array(String) COMMENT 'identity providers',
    trust_conditions  Array(String) COMMENT 'operator and key, never the value: StringEquals sts:ExternalId',
    trust_external_id Bool COMMENT 'every statement that lets another account in asks for an external id; false when none does let one in',
    last_used_at      Nullable(DateTime64(3, 'UTC')) COMMENT 'NULL: not in the time that IAM keeps track of, 400 days at most',
    last_used_region  LowCardinality(String),
    tags              Map(String, String),
    collected_at      DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, role_arn);

CREATE TABLE service_last_accessed
(
    account          LowCardinality(String),
    region           LowCardinality(String) COMMENT 'the region whose functions use the role',
    role_arn         String,
    service          LowCardinality(String) COMMENT 'namespace, as actions begin: sqs',
    service_name     LowCardinality(String),
    last_accessed_at Nullable(DateTime64(3, 'UTC')) COMMENT 'NULL: not in the time that IAM keeps track of, 400 days at most',
    last_region      LowCardinality(String),
    reported_at      DateTime64(3, 'UTC') COMMENT 'when IAM made the report',
    collected_at     DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, role_arn, service);

CREATE TABLE organization_accounts
(
    account         LowCardinality(String) COMMENT 'that read it: the management or a delegated administrator account',
    region          LowCardinality(String),
    organization_id LowCardinality(String),
    account_id      String,
    name            String,
    status          LowCardinality(String) COMMENT 'ACTIVE, SUSPENDED, PENDING_CLOSURE …',
    management      Bool,
    joined_at       DateTime64(3, 'UTC'),
    joined_method   LowCardinality(String) COMMENT 'INVITED or CREATED',
    parent_id       String COMMENT 'of the root or unit; empty: the units could not be read',
    path            String COMMENT 'names of the units from below the root: Workloads/Production; empty: at the root, or not read',
    tags            Map(String, String),
    tags_read       Bool,
    collected_at    DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, account_id);

CREATE TABLE organization_units
(
    account         LowCardinality(String),
    region          LowCardinality(String),
    organization_id LowCardinality(String),
    unit_id         String COMMENT 'ou-…, or r-… of the root',
    name            String,
    parent_id       String COMMENT 'empty: this is the root',
    path            String COMMENT 'names from below the root; empty: this is the root',
    policy_types    Array(String) COMMENT 'of the root: types of policies that are enabled',
    collected_at    DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, unit_id);

CREATE TABLE organization_policies
(
    account         LowCardinality(String),
    region          LowCardinality(String),
    organization_id LowCardinality(String),
    policy_id       String,
    type            LowCardinality(String) COMMENT 'SERVICE_CONTROL_POLICY or TAG_POLICY',
    name            String,
    description     String,
    aws_managed     Bool,
    enabled         Bool COMMENT 'policies of its type are in force',
    targets         Array(String) COMMENT 'ids of the root, units and accounts that it is attached to',
    targets_read    Bool,
    collected_at    DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, policy_id);

CREATE TABLE organization_policy_statements
(
    account       LowCardinality(String),
    region        LowCardinality(String),
    policy_id     String,
    statement     UInt32 COMMENT 'index in the policy',
    sid           String,
    effect        LowCardinality(String),
    actions       Array(String),
    not_actions   Array(String),
    resources     Array(String),
    not_resources Array(String),
    condition     String COMMENT 'JSON',
    collected_at  DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, policy_id, statement);

CREATE TABLE tag_policies
(
    account        LowCardinality(String),
    region         LowCardinality(String),
    policy_id      String,
    policy_key     String COMMENT 'under which the policy holds the tag, in lower case',
    tag_key        String COMMENT 'as it must be spelled',
    allowed_values Array(String) COMMENT 'with * as wildcard; empty: any value',
    enforced_for   Array(String) COMMENT 'resource types: lambda:function; empty: reported alone',
    appends        Bool COMMENT 'adds to values of policies above instead of replacing them',
    collected_at   DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, policy_id, policy_key);

CREATE VIEW roles_current AS
SELECT t.*
FROM roles AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'roles' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW service_last_accessed_current AS
SELECT t.*
FROM service_last_accessed AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'service_last_accessed' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW organization_accounts_current AS
SELECT t.*
FROM organization_accounts AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'organization_accounts' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW organization_units_current AS
SELECT t.*
FROM organization_units AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'organization_units' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW organization_policies_current AS
SELECT t.*
FROM organization_policies AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'organization_policies' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW organization_policy_statements_current AS
SELECT t.*
FROM organization_policy_statements AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'organization_policy_statements' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW tag_policies_current AS
SELECT t.*
FROM tag_policies AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'tag_policies' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;
