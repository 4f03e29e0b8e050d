-- Evidence: what collectors read from AWS. Every table is idempotent: a row is
-- keyed by what identifies it, and a newer collected_at replaces an older one.

CREATE TABLE functions
(
    account                  LowCardinality(String),
    region                   LowCardinality(String),
    function_arn             String COMMENT 'unqualified ARN',
    version                  String COMMENT '$LATEST or a published version',
    function_name            String,
    runtime                  LowCardinality(String) COMMENT 'empty for container images',
    package_type             LowCardinality(String) COMMENT 'Zip or Image',
    architecture             LowCardinality(String) COMMENT 'x86_64 or arm64',
    memory_mb                UInt32,
    timeout_s                UInt32,
    ephemeral_mb             UInt32,
    code_bytes               UInt64,
    handler                  String,
    description              String,
    role_arn                 String,
    last_modified            DateTime64(3, 'UTC'),
    state                    LowCardinality(String) COMMENT 'empty when not read',
    state_reason_code        LowCardinality(String),
    vpc_id                   String,
    subnet_ids               Array(String),
    security_group_ids       Array(String),
    env_names                Array(String) COMMENT 'names only; values are never stored',
    env_refs                 Array(String) COMMENT 'ARNs (also of queues and buckets told by URL) and host names recognised in values',
    dlq_arn                  String,
    kms_key_arn              String,
    tracing_mode             LowCardinality(String),
    layers                   Array(String),
    file_system_arns         Array(String),
    log_group                String COMMENT 'where REPORT lines go; the default name when not configured',
    log_format               LowCardinality(String) COMMENT 'Text or JSON',
    snapstart_apply_on       LowCardinality(String),
    code_sha256              String,
    revision_id              String,
    reserved_concurrency     Nullable(Int64) COMMENT 'NULL: none reserved, if reserved_read',
    reserved_read            Bool,
    recursive_loop           LowCardinality(String) COMMENT 'Terminate, Allow; empty when not read',
    collected_at             DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, function_arn, version);

CREATE TABLE aliases
(
    account      LowCardinality(String),
    region       LowCardinality(String),
    function_arn String,
    alias        String,
    version      String,
    weights      Map(String, Float64) COMMENT 'additional version → share',
    collected_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, function_arn, alias);

CREATE TABLE provisioned_concurrency
(
    account      LowCardinality(String),
    region       LowCardinality(String),
    function_arn String,
    qualifier    String,
    requested    Int64,
    allocated    Int64,
    available    Int64,
    status       LowCardinality(String),
    collected_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, function_arn, qualifier);

CREATE TABLE resource_tags
(
    account       LowCardinality(String),
    region        LowCardinality(String),
    resource_arn  String,
    source        LowCardinality(String) COMMENT 'the action that answered: tag:GetResources, lambda:ListTags, lambda:GetFunction',
    tags          Map(String, String),
    status        LowCardinality(String) COMMENT 'read, or the outcome that prevented it: denied, throttled, failed',
    detail        String,
    collected_at  DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, resource_arn, source);

CREATE TABLE edges
(
    account      LowCardinality(String),
    region       LowCardinality(String),
    src_arn      String COMMENT 'events flow from src to dst',
    dst_arn      String,
    kind         LowCardinality(String) COMMENT 'trigger, invoke_permission, writes, destination, dlq, redrive, subscription, target, schedule',
    source_kind  LowCardinality(String) COMMENT 'which source showed it: esm, policy, s3, sns, sqs, events, invoke_config, function, iam',
    src_kind     LowCardinality(String) COMMENT 'function, queue, topic, bucket, bus, rule, stream, table, statemachine, api, service, other',
    dst_kind     LowCardinality(String),
    certainty    LowCardinality(String) COMMENT 'configured, permitted_and_referenced, permitted, referenced',
    enabled      Bool,
    filter       String COMMENT 'JSON: {"prefix","suffix"} for S3, the event pattern for EventBridge, filter criteria for mappings, {"key_pattern"} for S3 writes',
    via          String COMMENT 'mapping UUID, rule name, statement id, policy name',
    attributes   Map(String, String),
    collected_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, source_kind, src_arn, dst_arn, kind, via);

CREATE TABLE event_source_mappings
(
    account            LowCardinality(String),
    region             LowCardinality(String),
    uuid               String,
    function_arn       String COMMENT 'unqualified',
    qualifier          String,
    source_arn         String,
    state              LowCardinality(String),
    batch_size         Int64,
    batch_window_s     Int64,
    maximum_concurrency Nullable(Int64),
    maximum_retries    Nullable(Int64),
    bisect             Bool,
    on_failure_arn     String,
    partial_responses  Bool,
    filters            String COMMENT 'JSON',
    collected_at       DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, uuid);

CREATE TABLE event_invoke_configs
(
    account        LowCardinality(String),
    region         LowCardinality(String),
    function_arn   String,
    qualifier      String,
    maximum_age_s  Nullable(Int64),
    maximum_retries Nullable(Int64),
    on_success_arn String,
    on_failure_arn String,
    collected_at   DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, function_arn, qualifier);

CREATE TABLE queues
(
    account             LowCardinality(String),
    region              LowCardinality(String),
    queue_arn           String,
    url                 String,
    visibility_s        Int64,
    retention_s         Int64,
    redrive_target_arn  String,
    max_receive_count   Int64,
    fifo                Bool,
    collected_at        DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, queue_arn);

CREATE TABLE role_statements
(
    account       LowCardinality(String),
    region        LowCardinality(String) COMMENT 'the region whose functions use the role',
    role_arn      String,
    policy        String COMMENT 'inline name, managed ARN, or boundary: ARN',
    statement     UInt32 COMMENT 'index in the policy',
    effect        LowCardinality(String),
    actions       Array(String),
    not_actions   Array(String),
    resources     Array(String),
    not_resources Array(String),
    condition     String COMMENT 'JSON',
    collected_at  DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, role_arn, policy, statement);

CREATE TABLE subnets
(
    account           LowCardinality(String),
    region            LowCardinality(String),
    subnet_id         String,
    vpc_id            String,
    cidr              String,
    availability_zone String,
    available_ips     Int64,
    route_table_id    String COMMENT 'explicit association, or the VPC main table',
    tags              Map(String, String),
    collected_at      DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, subnet_id);

CREATE TABLE security_groups
(
    account      LowCardinality(String),
    region       LowCardinality(String),
    group_id     String,
    group_name   String,
    vpc_id       String,
    collected_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, group_id);

CREATE TABLE security_group_rules
(
    account       LowCardinality(String),
    region        LowCardinality(String),
    group_id      String,
    direction     LowCardinality(String) COMMENT 'ingress or egress',
    protocol      LowCardinality(String) COMMENT '-1 means all',
    from_port     Int32 COMMENT '-1 means all',
    to_port       Int32,
    peer_kind     LowCardinality(String) COMMENT 'cidr, group, prefix_list',
    peer          String,
    collected_at  DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, group_id, direction, protocol, from_port, to_port, peer_kind, peer);

CREATE TABLE routes
(
    account        LowCardinality(String),
    region         LowCardinality(String),
    route_table_id String,
    vpc_id         String,
    destination    String COMMENT 'CIDR or prefix list',
    target_kind    LowCardinality(String) COMMENT 'local, nat, internet_gateway, endpoint, peering, transit_gateway, network_interface, other',
    target         String,
    collected_at   DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, route_table_id, destination);

CREATE TABLE nat_gateways
(
    account        LowCardinality(String),
    region         LowCardinality(String),
    nat_gateway_id String,
    vpc_id         String,
    subnet_id      String,
    state          LowCardinality(String),
    connectivity   LowCardinality(String) COMMENT 'public or private',
    collected_at   DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, nat_gateway_id);

CREATE TABLE vpc_endpoints
(
    account         LowCardinality(String),
    region          LowCardinality(String),
    endpoint_id     String,
    vpc_id          String,
    service_name    String,
    endpoint_type   LowCardinality(String) COMMENT 'Gateway or Interface',
    state           LowCardinality(String),
    subnet_ids      Array(String),
    route_table_ids Array(String),
    security_group_ids Array(String),
    collected_at    DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, endpoint_id);

CREATE TABLE network_interfaces
(
    account            LowCardinality(String),
    region             LowCardinality(String),
    interface_id       String,
    vpc_id             String,
    subnet_id          String,
    interface_type     LowCardinality(String) COMMENT 'lambda, nat_gateway, interface, vpc_endpoint, …',
    private_ip         String,
    security_group_ids Array(String),
    description        String,
    requester_id       String,
    collected_at       DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, interface_id);

CREATE TABLE account_limits
(
    account                LowCardinality(String),
    region                 LowCardinality(String),
    concurrent_executions  Int64,
    unreserved_concurrent_executions Int64,
    code_size_limit_bytes  Int64,
    code_size_used_bytes   Int64,
    function_count         Int64,
    collected_at           DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region);

CREATE TABLE metric_points
(
    account      LowCardinality(String),
    region       LowCardinality(String),
    namespace    LowCardinality(String),
    metric       LowCardinality(String),
    stat         LowCardinality(String) COMMENT 'Sum, Average, Maximum, p99 …',
    resource     String COMMENT 'ARN of what the dimension names; empty for region-level metrics',
    qualifier    String COMMENT 'further dimension value, usually empty',
    period_s     UInt32,
    ts           DateTime('UTC') COMMENT 'start of the period' CODEC(DoubleDelta, ZSTD(1)),
    value        Float64 CODEC(Gorilla, ZSTD(1)),
    collected_at DateTime64(3, 'UTC') CODEC(DoubleDelta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(collected_at)
PARTITION BY toYYYYMM(ts)
ORDER BY (account, region, metric, stat, resource, qualifier, period_s, namespace, ts);

CREATE TABLE metric_reads
(
    account      LowCardinality(String),
    region       LowCardinality(String),
    namespace    LowCardinality(String),
    metric       LowCardinality(String),
    stat         LowCardinality(String),
    resource     String,
    qualifier    String,
    period_s     UInt32,
    from_ts      DateTime('UTC') COMMENT 'half-open window that was asked for',
    to_ts        DateTime('UTC'),
    status       LowCardinality(String) COMMENT 'complete, or why not: partial, denied, throttled, failed',
    points       UInt64 COMMENT 'complete with 0 points means the metric was not emitted: zero activity',
    collected_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, metric, stat, resource, qualifier, period_s, namespace, from_ts);

CREATE TABLE reports_daily
(
    account            LowCardinality(String),
    region             LowCardinality(String),
    function_arn       String,
    version            String,
    memory_mb          UInt32,
    architecture       LowCardinality(String),
    day                Date,
    invocations        UInt64,
    duration_ms_sum    Float64,
    duration_ms_p50    Float64,
    duration_ms_p99    Float64,
    duration_ms_max    Float64,
    billed_ms_sum      Float64,
    billed_ms_sum_sq   Float64 COMMENT 'sum of squares, for the standard error of the mean',
    billed_ms_p50      Float64,
    billed_ms_p99      Float64,
    used_mb_max        Float64,
    used_mb_p50        Float64,
    used_mb_p99        Float64,
    used_mb_p999       Float64,
    init_count         UInt64,
    init_ms_sum        Float64,
    init_ms_p99        Float64,
    timeouts           UInt64,
    at_memory_limit    UInt64 COMMENT 'lines whose max memory used reached the memory size',
    errors             UInt64 COMMENT 'lines with a Status of error',
    snapstart          Bool,
    init_billed        Nullable(Bool) COMMENT 'told by the lines of cold starts; NULL when there were none',
    sample_request_id  String,
    collected_at       DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
PARTITION BY toYYYYMM(day)
ORDER BY (account, region, function_arn, version, memory_mb, architecture, day);

CREATE TABLE costs_daily
(
    BillingAccountId    LowCardinality(String),
    SubAccountId        LowCardinality(String),
    RegionId            LowCardinality(String),
    ServiceName         LowCardinality(String),
    ChargePeriodStart   DateTime('UTC'),
    ChargePeriodEnd     DateTime('UTC'),
    x_Grouping          LowCardinality(String) COMMENT 'usage_type, or tag:KEY',
    x_UsageType         String,
    TagValue            String COMMENT 'with x_Grouping tag:KEY; empty means untagged',
    BillingCurrency     LowCardinality(String),
    BilledCost          Decimal(38, 12) COMMENT 'Cost Explorer UnblendedCost',
    EffectiveCost       Decimal(38, 12) COMMENT 'Cost Explorer AmortizedCost',
    x_NetUnblendedCost  Decimal(38, 12),
    x_NetAmortizedCost  Decimal(38, 12),
    ConsumedQuantity    Decimal(38, 12),
    ConsumedUnit        LowCardinality(String),
    x_Estimated         Bool COMMENT 'AWS may still restate the day',
    collected_at        DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
PARTITION BY toYYYYMM(ChargePeriodStart)
ORDER BY (SubAccountId, x_Grouping, ServiceName, x_UsageType, RegionId, TagValue, ChargePeriodStart);

CREATE TABLE prices
(
    item        LowCardinality(String) COMMENT 'lambda.request, lambda.gb_second, nat.hour …; see internal/price',
    region      LowCardinality(String),
    arch        LowCardinality(String) COMMENT 'x86_64, arm64, or empty',
    tier_from   Decimal(38, 6) COMMENT 'monthly units from which the row applies',
    unit        LowCardinality(String),
    usd         Decimal(38, 15),
    valid_from  Date,
    valid_to    Date COMMENT 'exclusive',
    source      String,
    collected_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (item, region, arch, tier_from, valid_from);
