-- The Lambda family: how functions were configured before and what became of
-- them, published versions, URLs, layers, resource policies, runtime
-- management, code signing, the edge, and event source mappings in full.

-- A row for each configuration that a function was seen with. How often it had
-- changed is part of the key, so that a return to an earlier configuration is a
-- row too, and the same reading made twice is not.
CREATE TABLE function_history
(
    account              LowCardinality(String),
    region               LowCardinality(String),
    function_arn         String COMMENT 'unqualified ARN',
    version              String COMMENT '$LATEST or a published version in use',
    last_modified        DateTime64(3, 'UTC') COMMENT 'as Lambda tells it; reserved concurrency changes without it',
    config_hash          String COMMENT 'of every column from memory_mb to snapstart_apply_on',
    revision_id          String,
    memory_mb            UInt32,
    timeout_s            UInt32,
    architecture         LowCardinality(String),
    runtime              LowCardinality(String),
    ephemeral_mb         UInt32,
    code_sha256          String,
    env_names_hash       String COMMENT 'of the names of environment variables; empty without any',
    layers               Array(String),
    vpc_id               String,
    subnet_ids           Array(String),
    security_group_ids   Array(String),
    reserved_concurrency Nullable(Int64) COMMENT 'NULL: none reserved, if reserved_read',
    reserved_read        Bool,
    role_arn             String,
    snapstart_apply_on   LowCardinality(String),
    changes              UInt32 COMMENT 'that the function had been seen to undergo until then',
    first_seen           DateTime64(3, 'UTC') COMMENT 'start of the run that saw it first',
    collected_at         DateTime64(3, 'UTC') COMMENT 'when it was written: first seen, or a year after'
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, function_arn, version, last_modified, config_hash, changes);

-- A function that a complete listing no longer held. It is kept when a function
-- of the name is made again; the view leaves it out then.
CREATE TABLE function_tombstones
(
    account       LowCardinality(String),
    region        LowCardinality(String),
    function_arn  String,
    function_name String,
    memory_mb     UInt32 COMMENT 'as last seen',
    architecture  LowCardinality(String) COMMENT 'as last seen',
    runtime       LowCardinality(String) COMMENT 'as last seen',
    package_type  LowCardinality(String) COMMENT 'as last seen',
    last_modified DateTime64(3, 'UTC') COMMENT 'as last seen',
    last_seen_at  DateTime64(3, 'UTC') COMMENT 'of the last reading that held it',
    deleted_at    DateTime64(3, 'UTC') COMMENT 'of the first reading that did not',
    collected_at  DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, function_arn);

CREATE TABLE function_versions
(
    account                LowCardinality(String),
    region                 LowCardinality(String),
    function_arn           String COMMENT 'unqualified ARN',
    version                UInt64 COMMENT 'published; $LATEST is in functions',
    runtime                LowCardinality(String) COMMENT 'empty for container images',
    architecture           LowCardinality(String),
    memory_mb              UInt32,
    code_bytes             UInt64 COMMENT 'counts towards the account''s code storage',
    code_sha256            String,
    snapstart_apply_on     LowCardinality(String) COMMENT 'None or PublishedVersions',
    snapstart_optimization LowCardinality(String) COMMENT 'On or Off',
    layers                 Array(String),
    last_modified          DateTime64(3, 'UTC') COMMENT 'when it was published',
    used_by                Array(String) COMMENT 'alias:NAME, weight:NAME or provisioned:QUALIFIER',
    use_read               Bool COMMENT 'whether aliases and provisioned concurrency could be read: an empty used_by means unused only then',
    collected_at           DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, function_arn, version);

CREATE TABLE function_logging
(
    account           LowCardinality(String),
    region            LowCardinality(String),
    function_arn      String,
    log_group         String COMMENT 'the default name when none is configured',
    log_format        LowCardinality(String) COMMENT 'Text or JSON',
    application_level LowCardinality(String) COMMENT 'TRACE … FATAL; empty for Text, which is not filtered',
    system_level      LowCardinality(String) COMMENT 'DEBUG, INFO or WARN; empty for Text',
    collected_at      DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, function_arn);

CREATE TABLE function_urls
(
    account           LowCardinality(String),
    region            LowCardinality(String),
    function_arn      String COMMENT 'unqualified ARN',
    qualifier         String COMMENT 'an alias; empty: $LATEST',
    url               String,
    auth_type         LowCardinality(String) COMMENT 'NONE or AWS_IAM',
    invoke_mode       LowCardinality(String) COMMENT 'BUFFERED or RESPONSE_STREAM',
    cors              Bool COMMENT 'whether CORS is configured',
    allow_credentials Bool,
    allow_origins     Array(String),
    allow_methods     Array(String),
    allow_headers     Array(String),
    expose_headers    Array(String),
    max_age_s         Nullable(Int64),
    created_at        DateTime64(3, 'UTC'),
    last_modified     DateTime64(3, 'UTC'),
    collected_at      DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, function_arn, qualifier);

CREATE TABLE layer_versions
(
    account       LowCardinality(String),
    region        LowCardinality(String),
    layer_arn     String COMMENT 'without the version',
    version       Int64,
    layer_name    String,
    latest        Bool,
    architectures Array(String) COMMENT 'empty: not declared',
    runtimes      Array(String) COMMENT 'empty: not declared',
    code_bytes    Nullable(Int64) COMMENT 'NULL when not read',
    license       String,
    created_at    DateTime64(3, 'UTC'),
    collected_at  DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, layer_arn, version);

-- A row for each statement that shares a layer version.
CREATE TABLE layer_policies
(
    account      LowCardinality(String),
    region       LowCardinality(String),
    layer_arn    String COMMENT 'without the version',
    version      Int64,
    sid          String,
    effect       LowCardinality(String),
    principal    String COMMENT 'an account, an ARN, or *',
    organization String COMMENT 'to which a principal of * is restricted; empty: the public',
    actions      Array(String),
    outside      Bool COMMENT 'lets somebody in who is not of this account',
    collected_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, layer_arn, version, sid, principal);

CREATE TABLE function_policy_statements
(
    account        LowCardinality(String),
    region         LowCardinality(String),
    function_arn   String COMMENT 'unqualified ARN',
    qualifier      String COMMENT 'the alias or version whose policy it is; empty: the function''s own',
    sid            String,
    effect         LowCardinality(String),
    principal_type LowCardinality(String) COMMENT 'Service, AWS, Federated or CanonicalUser',
    principal      String COMMENT '* is everybody',
    actions        Array(String),
    condition      String COMMENT 'JSON, as the policy has it',
    source_account String COMMENT 'what aws:SourceAccount must be; comma-separated when several',
    source_arn     String COMMENT 'what aws:SourceArn must be; comma-separated when several',
    collected_at   DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, function_arn, qualifier, sid, effect, principal_type, principal);

CREATE TABLE runtime_management
(
    account             LowCardinality(String),
    region              LowCardinality(String),
    function_arn        String,
    update_runtime_on   LowCardinality(String) COMMENT 'Auto, FunctionUpdate or Manual',
    runtime_version_arn String COMMENT 'the version pinned to; Manual only',
    collected_at        DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, function_arn);

CREATE TABLE code_signing_configs
(
    account       LowCardinality(String),
    region        LowCardinality(String),
    config_arn    String,
    description   String,
    on_untrusted  LowCardinality(String) COMMENT 'Warn or Enforce',
    publishers    Array(String) COMMENT 'ARNs of signing profile versions',
    functions     Array(String) COMMENT 'unqualified ARNs of functions that it is attached to',
    last_modified DateTime64(3, 'UTC'),
    collected_at  DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, config_arn);

-- A row for each function that a CloudFront distribution runs at the edge.
CREATE TABLE edge_functions
(
    account         LowCardinality(String),
    region          LowCardinality(String) COMMENT 'the account''s home region: CloudFront has none',
    distribution_id String,
    path_pattern    String COMMENT '* is the default behaviour',
    event_type      LowCardinality(String) COMMENT 'viewer-request, viewer-response, origin-request or origin-response',
    kind            LowCardinality(String) COMMENT 'lambda or cloudfront',
    function_arn    String COMMENT 'unqualified for lambda',
    version         String COMMENT 'lambda only',
    include_body    Bool COMMENT 'lambda only',
    domain_name     String,
    aliases         Array(String) COMMENT 'domain names of the owner',
    enabled         Bool,
    status          LowCardinality(String) COMMENT 'Deployed or InProgress',
    price_class     LowCardinality(String),
    last_modified   DateTime64(3, 'UTC'),
    collected_at    DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, distribution_id, path_pattern, event_type);

-- A row for each copy of a Lambda@Edge function in a region.
CREATE TABLE edge_replicas
(
    account        LowCardinality(String),
    region         LowCardinality(String) COMMENT 'the account''s home region; see replica_region',
    function_arn   String COMMENT 'unqualified, of the function that was copied',
    version        String,
    replica_region LowCardinality(String) COMMENT 'whose logs and metrics the copy writes',
    replica_name   String COMMENT 'us-east-1.NAME, as its log group and metrics are called',
    memory_mb      UInt32,
    timeout_s      UInt32,
    collected_at   DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, function_arn, version, replica_region);

-- What event_source_mappings leaves out.
CREATE TABLE event_source_mapping_details
(
    account                 LowCardinality(String),
    region                  LowCardinality(String),
    uuid                    String,
    function_arn            String COMMENT 'unqualified ARN',
    source_kind             LowCardinality(String) COMMENT 'sqs, kinesis, dynamodb, kafka (MSK or self-managed), mq, documentdb or other',
    minimum_pollers         Nullable(Int64) COMMENT 'NULL: no provisioned mode',
    maximum_pollers         Nullable(Int64),
    poller_group            String,
    on_failure_arn          String,
    starting_position       LowCardinality(String),
    parallelization_factor  Nullable(Int64),
    tumbling_window_s       Nullable(Int64),
    maximum_record_age_s    Nullable(Int64) COMMENT '-1: infinite',
    metrics                 Array(String) COMMENT 'opted-in metric groups',
    log_level               LowCardinality(String) COMMENT 'Kafka only; empty: no logging configured',
    report_batch_failures   Bool COMMENT 'ReportBatchItemFailures',
    topics                  Array(String) COMMENT 'Kafka',
    queues                  Array(String) COMMENT 'MQ',
    consumer_group          String COMMENT 'Kafka',
    consumption_mode        LowCardinality(String) COMMENT 'Kafka',
    broker_hosts            Array(String) COMMENT 'self-managed Kafka, HOST:PORT',
    source_access           Array(String) COMMENT 'kinds of access, VPC_SUBNET or SASL_SCRAM_512_AUTH; never secrets',
    document_db_database    String,
    document_db_collection  String,
    full_document           LowCardinality(String) COMMENT 'DocumentDB: UpdateLookup or Default',
    filters_encrypted_by    String COMMENT 'KMS key: event_source_mappings.filters is empty then, though there may be some',
    last_processing_result  String,
    state_transition_reason String,
    last_modified           DateTime64(3, 'UTC'),
    collected_at            DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, uuid);

CREATE VIEW function_versions_current AS
SELECT t.*
FROM function_versions AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'function_versions' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW function_logging_current AS
SELECT t.*
FROM function_logging AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'function_logging' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW function_urls_current AS
SELECT t.*
FROM function_urls AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'function_urls' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW layer_versions_current AS
SELECT t.*
FROM layer_versions AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'layer_versions' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW layer_policies_current AS
SELECT t.*
FROM layer_policies AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'layer_policies' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW runtime_management_current AS
SELECT t.*
FROM runtime_management AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'runtime_management' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW code_signing_configs_current AS
SELECT t.*
FROM code_signing_configs AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'code_signing_configs' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW edge_functions_current AS
SELECT t.*
FROM edge_functions AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'edge_functions' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW edge_replicas_current AS
SELECT t.*
FROM edge_replicas AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'edge_replicas' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW event_source_mapping_details_current AS
SELECT t.*
FROM event_source_mapping_details AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'event_source_mapping_details' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW function_policy_statements_current AS
SELECT t.*
FROM function_policy_statements AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'function_policy_statements' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

-- Deleted functions, without those that exist again.
CREATE VIEW function_tombstones_current AS
SELECT *
FROM function_tombstones FINAL
WHERE (account, region, function_arn) NOT IN (SELECT account, region, function_arn FROM functions_current WHERE version = '$LATEST');

-- A row is one column of a function's configuration that changed from one
-- reading to the next. changed_at is when Lambda says that the function was
-- modified, and the reading that showed it where Lambda does not say.
CREATE VIEW function_changes AS
WITH
    h AS
    (
        SELECT
            *,
            [
                ('memory_mb', toString(memory_mb)),
                ('timeout_s', toString(timeout_s)),
                ('architecture', toString(architecture)),
                ('runtime', toString(runtime)),
                ('ephemeral_mb', toString(ephemeral_mb)),
                ('code_sha256', code_sha256),
                ('env_names_hash', env_names_hash),
                ('layers', arrayStringConcat(layers, ' ')),
                ('vpc_id', vpc_id),
                ('subnet_ids', arrayStringConcat(subnet_ids, ' ')),
                ('security_group_ids', arrayStringConcat(security_group_ids, ' ')),
                ('reserved_concurrency', ifNull(toString(reserved_concurrency), 'none')),
                ('role_arn', role_arn),
                ('snapstart_apply_on', toString(snapstart_apply_on))
            ] AS settings
        FROM function_history FINAL
    ),
    pairs AS
    (
        SELECT
            account,
            region,
            function_arn,
            version,
            revision_id,
            last_modified,
            first_seen,
            reserved_read,
            settings,
            lagInFrame(settings) OVER w AS before,
            lagInFrame(reserved_read) OVER w AS reserved_read_before,
            lagInFrame(last_modified) OVER w AS last_modified_before,
            lagInFrame(first_seen) OVER w AS seen_before
        FROM h
        WINDOW w AS (PARTITION BY account, region, function_arn, version ORDER BY first_seen, last_modified ROWS BETWEEN 1 PRECEDING AND CURRENT ROW)
    )
SELECT
    account,
    region,
    function_arn,
    version,
    now.1 AS setting,
    was.2 AS from_value,
    now.2 AS to_value,
    if(last_modified > last_modified_before, last_modified, first_seen) AS changed_at,
    seen_before AS from_seen_at,
    first_seen AS seen_at,
    revision_id
FROM (SELECT * FROM pairs WHERE notEmpty(before))
ARRAY JOIN
    settings AS now,
    before AS was
WHERE now.2 != was.2
    AND (now.1 != 'reserved_concurrency' OR (reserved_read AND reserved_read_before));
