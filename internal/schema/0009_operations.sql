-- Operations: where functions log, what watches them, how they are deployed,
-- traced and inspected, and what AWS lets the account do.

CREATE TABLE log_groups
(
    account             LowCardinality(String),
    region              LowCardinality(String),
    log_group_name      String,
    log_group_arn       String COMMENT 'without the trailing :*',
    class               LowCardinality(String) COMMENT 'STANDARD, INFREQUENT_ACCESS or DELIVERY',
    retention_days      Nullable(Int64) COMMENT 'NULL: events never expire',
    stored_bytes        UInt64 COMMENT 'compressed, as CloudWatch Logs counts them for storage, some hours old',
    created_at          DateTime64(3, 'UTC'),
    kms_key_arn         String,
    data_protection     LowCardinality(String) COMMENT 'ACTIVATED, DISABLED, ARCHIVED or DELETED; empty: the group never had a policy of its own',
    inherited           Array(String) COMMENT 'what the account gives the group: ACCOUNT_DATA_PROTECTION',
    deletion_protection Bool,
    functions           Array(String) COMMENT 'ARNs of the functions of the region that write to it by their $LATEST; empty: none',
    collected_at        DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, log_group_name);

CREATE TABLE log_metric_filters
(
    account          LowCardinality(String),
    region           LowCardinality(String),
    log_group_name   String,
    filter_name      String,
    metric_namespace String,
    metric_name      String,
    dimensions       Array(String) COMMENT 'their names',
    collected_at     DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, log_group_name, filter_name, metric_namespace, metric_name);

CREATE TABLE log_account_policies
(
    account            LowCardinality(String),
    region             LowCardinality(String),
    policy_type        LowCardinality(String) COMMENT 'DATA_PROTECTION_POLICY or SUBSCRIPTION_FILTER_POLICY',
    policy_name        String,
    scope              LowCardinality(String) COMMENT 'ALL',
    selection_criteria String COMMENT 'which groups; empty: all',
    destination_arn    String COMMENT 'where a subscription sends events',
    updated_at         DateTime64(3, 'UTC'),
    collected_at       DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, policy_type, policy_name);

CREATE TABLE log_subscriptions
(
    account          LowCardinality(String),
    region           LowCardinality(String),
    log_group_name   String,
    filter_names     Array(String) COMMENT 'empty: the group was asked about and has none',
    destination_arns Array(String) COMMENT 'in the order of filter_names',
    collected_at     DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, log_group_name);

CREATE TABLE alarms
(
    account                   LowCardinality(String),
    region                    LowCardinality(String),
    alarm_arn                 String,
    alarm_name                String,
    kind                      LowCardinality(String) COMMENT 'metric, metric_math, metrics_insights, anomaly, promql or composite',
    expressions               Map(String, String) COMMENT 'id → metric math, anomaly band or Metrics Insights query',
    threshold                 Nullable(Float64) COMMENT 'NULL where the threshold is a band, or there is none',
    comparison                LowCardinality(String),
    period_s                  Int64 COMMENT '0 where no period of its own',
    evaluation_periods        Int64,
    datapoints_to_alarm       Int64 COMMENT 'all of the evaluation periods unless configured',
    treat_missing_data        LowCardinality(String) COMMENT 'missing unless configured',
    rule                      String COMMENT 'of a composite alarm',
    children                  Array(String) COMMENT 'names of the alarms that the rule refers to',
    suppressor                String COMMENT 'name of the alarm that holds back a composite alarm''s actions',
    actions_enabled           Bool,
    alarm_actions             Array(String) COMMENT 'ARNs',
    ok_actions                Array(String) COMMENT 'ARNs',
    insufficient_data_actions Array(String) COMMENT 'ARNs',
    state                     LowCardinality(String) COMMENT 'OK, ALARM or INSUFFICIENT_DATA',
    state_since               Nullable(DateTime64(3, 'UTC')),
    configured_at             Nullable(DateTime64(3, 'UTC')) COMMENT 'when the alarm was last changed',
    collected_at              DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, alarm_arn);

CREATE TABLE alarm_metrics
(
    account        LowCardinality(String),
    region         LowCardinality(String),
    alarm_arn      String,
    metric_id      String COMMENT 'of the alarm''s metric queries; empty when it has one metric and no query',
    namespace      LowCardinality(String),
    metric         LowCardinality(String),
    stat           LowCardinality(String),
    period_s       Int64,
    dimensions     Map(String, String),
    covers         LowCardinality(String) COMMENT 'function, every_function, some_functions (which ones is not told) or other',
    resource_arn   String COMMENT 'of the function, queue or topic that the dimensions name; empty for anything else',
    metric_account String COMMENT 'where the metric is; the alarm''s account but for cross-account alarms',
    collected_at   DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, alarm_arn, metric_id);

CREATE TABLE anomaly_detectors
(
    account      LowCardinality(String),
    region       LowCardinality(String),
    detector     String COMMENT 'its id, or what tells it apart where CloudWatch gives none',
    kind         LowCardinality(String) COMMENT 'metric or metric_math',
    namespace    LowCardinality(String),
    metric       LowCardinality(String),
    stat         LowCardinality(String),
    dimensions   Map(String, String),
    expressions  Map(String, String) COMMENT 'id → metric math',
    covers       LowCardinality(String) COMMENT 'as in alarm_metrics',
    resource_arn String COMMENT 'as in alarm_metrics',
    state        LowCardinality(String) COMMENT 'PENDING_TRAINING, TRAINED_INSUFFICIENT_DATA or TRAINED',
    collected_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, detector);

CREATE TABLE sampling_rules
(
    account              LowCardinality(String),
    region               LowCardinality(String),
    rule_name            String,
    rule_arn             String,
    priority             Int64 COMMENT 'the lowest that matches decides',
    reservoir_per_second Int64 COMMENT 'requests traced before the rate applies',
    fixed_rate           Float64 COMMENT 'share of the other requests',
    service_name         String COMMENT 'pattern; * matches all',
    service_type         String COMMENT 'pattern: AWS::Lambda::Function',
    host                 String,
    http_method          String,
    url_path             String,
    resource_arn         String COMMENT 'pattern',
    modified_at          Nullable(DateTime64(3, 'UTC')),
    collected_at         DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, rule_name);

CREATE TABLE deployment_groups
(
    account              LowCardinality(String),
    region               LowCardinality(String),
    application          String,
    deployment_group     String,
    config_name          String,
    shift                LowCardinality(String) COMMENT 'canary, linear or all_at_once; empty: not read',
    shift_percent        Int64 COMMENT 'of traffic in the first step, or in each',
    shift_minutes        Int64 COMMENT 'between the steps',
    alarms_enabled       Bool,
    alarms               Array(String) COMMENT 'names of alarms that stop a deployment',
    ignore_alarm_failure Bool COMMENT 'a deployment goes on when its alarms cannot be read',
    rollback_enabled     Bool,
    rollback_events      Array(String) COMMENT 'DEPLOYMENT_FAILURE, DEPLOYMENT_STOP_ON_ALARM, DEPLOYMENT_STOP_ON_REQUEST',
    trigger_arns         Array(String) COMMENT 'topics that are told',
    service_role_arn     String,
    last_status          LowCardinality(String) COMMENT 'of the last attempted deployment; empty: there was none',
    last_deployment_id   String,
    last_attempted_at    Nullable(DateTime64(3, 'UTC')),
    collected_at         DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, application, deployment_group);

CREATE TABLE deployments
(
    account          LowCardinality(String),
    region           LowCardinality(String),
    deployment_id    String,
    function_name    String COMMENT 'empty: the revision is kept elsewhere and was not read',
    function_arn     String COMMENT 'unqualified',
    alias            String,
    from_version     String,
    to_version       String,
    application      String,
    deployment_group String,
    config_name      String,
    status           LowCardinality(String) COMMENT 'Created, Queued, InProgress, Baking, Succeeded, Failed, Stopped or Ready',
    error_code       LowCardinality(String) COMMENT 'why it failed: ALARM_ACTIVE, …',
    creator          LowCardinality(String) COMMENT 'user, CloudFormation, codeDeployRollback, …',
    rollback_of      String COMMENT 'the deployment that this one undoes',
    rolled_back_by   String COMMENT 'the deployment that undid this one',
    created_at       DateTime64(3, 'UTC'),
    started_at       Nullable(DateTime64(3, 'UTC')),
    completed_at     Nullable(DateTime64(3, 'UTC')),
    collected_at     DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, deployment_id, function_name);

CREATE TABLE inspector_status
(
    account      LowCardinality(String),
    region       LowCardinality(String),
    scans        LowCardinality(String) COMMENT 'account, lambda (packages) or lambda_code',
    status       LowCardinality(String) COMMENT 'ENABLED, DISABLED, or on the way: ENABLING, DISABLING, SUSPENDING, SUSPENDED',
    error_code   LowCardinality(String),
    collected_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, scans);

CREATE TABLE inspector_coverage
(
    account         LowCardinality(String),
    region          LowCardinality(String),
    function_arn    String COMMENT 'unqualified',
    version         String COMMENT '$LATEST or a published version',
    scan_type       LowCardinality(String) COMMENT 'PACKAGE or CODE',
    status          LowCardinality(String) COMMENT 'ACTIVE or INACTIVE',
    reason          LowCardinality(String) COMMENT 'SUCCESSFUL, EXCLUDED_BY_TAG, UNSUPPORTED_RUNTIME, …',
    runtime         LowCardinality(String) COMMENT 'as Inspector writes it',
    last_scanned_at Nullable(DateTime64(3, 'UTC')),
    collected_at    DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, function_arn, version, scan_type);

CREATE TABLE inspector_findings
(
    account      LowCardinality(String),
    region       LowCardinality(String),
    function_arn String COMMENT 'unqualified',
    version      String,
    critical     Int64,
    high         Int64,
    medium       Int64,
    total        Int64 COMMENT 'of all severities',
    collected_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, function_arn, version);

CREATE TABLE service_quotas
(
    account          LowCardinality(String),
    region           LowCardinality(String),
    service_code     LowCardinality(String),
    quota_code       LowCardinality(String),
    quota_name       String,
    value            Float64 COMMENT 'that applies to the account',
    default_value    Nullable(Float64) COMMENT 'AWS''s; NULL where it was not read',
    unit             LowCardinality(String),
    adjustable       Bool COMMENT 'can be raised on request',
    global_quota     Bool COMMENT 'for all regions together',
    usage_namespace  LowCardinality(String) COMMENT 'the metric that tells how much is used; empty: there is none',
    usage_metric     LowCardinality(String),
    usage_dimensions Map(String, String),
    usage_stat       LowCardinality(String),
    collected_at     DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, service_code, quota_code);

CREATE VIEW log_groups_current AS
SELECT t.*
FROM log_groups AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'log_groups' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW log_metric_filters_current AS
SELECT t.*
FROM log_metric_filters AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'log_metric_filters' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW log_account_policies_current AS
SELECT t.*
FROM log_account_policies AS t FINAL
LEFT JOIN (SELECT kind, account, region, completed_at FROM complete_reads WHERE table_name = 'log_account_policies') AS c
    ON t.account = c.account AND t.region = c.region AND t.policy_type = c.kind
WHERE t.collected_at >= c.completed_at;

CREATE VIEW alarms_current AS
SELECT t.*
FROM alarms AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'alarms' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW alarm_metrics_current AS
SELECT t.*
FROM alarm_metrics AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'alarm_metrics' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW anomaly_detectors_current AS
SELECT t.*
FROM anomaly_detectors AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'anomaly_detectors' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW sampling_rules_current AS
SELECT t.*
FROM sampling_rules AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'sampling_rules' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW deployment_groups_current AS
SELECT t.*
FROM deployment_groups AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'deployment_groups' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW inspector_status_current AS
SELECT t.*
FROM inspector_status AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'inspector_status' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW inspector_coverage_current AS
SELECT t.*
FROM inspector_coverage AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'inspector_coverage' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW inspector_findings_current AS
SELECT t.*
FROM inspector_findings AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'inspector_findings' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW service_quotas_current AS
SELECT t.*
FROM service_quotas AS t FINAL
LEFT JOIN (SELECT kind, account, region, completed_at FROM complete_reads WHERE table_name = 'service_quotas') AS c
    ON t.account = c.account AND t.region = c.region AND t.service_code = c.kind
WHERE t.collected_at >= c.completed_at;

-- Groups are asked about in turns, so a row is as old as its collected_at tells.
CREATE VIEW log_subscriptions_current AS
SELECT t.*
FROM log_subscriptions AS t FINAL
INNER JOIN (SELECT account, region, log_group_name FROM log_groups_current) AS g
    ON t.account = g.account AND t.region = g.region AND t.log_group_name = g.log_group_name;

CREATE VIEW deployments_current AS
SELECT * FROM deployments FINAL;

-- One row a function: whether it carries the Lambda Insights extension as a
-- layer. Container images may hold it where no listing shows it.
CREATE VIEW function_insights AS
SELECT
    account,
    region,
    function_arn,
    arrayFirst(l -> position(l, ':layer:LambdaInsightsExtension') > 0, layers) AS layer,
    multiIf(layer != '', 'on', package_type = 'Image', 'unknown', 'off') AS insights
FROM functions_current
WHERE version = '$LATEST';

-- One row an alarm, a function it covers and the signal it listens to: a metric
-- of the function, its dead-letter queue, or a metric made of its log group.
CREATE VIEW alarm_coverage AS
SELECT
    account,
    region,
    resource_arn AS function_arn,
    alarm_arn,
    metric AS signal,
    'function' AS through
FROM alarm_metrics_current
WHERE covers = 'function'
UNION ALL
SELECT
    f.account AS account,
    f.region AS region,
    f.function_arn AS function_arn,
    m.alarm_arn AS alarm_arn,
    m.metric AS signal,
    'every_function' AS through
FROM (SELECT account, region, function_arn FROM functions_current WHERE version = '$LATEST') AS f
INNER JOIN (SELECT account, region, alarm_arn, metric FROM alarm_metrics_current WHERE covers = 'every_function' AND metric_account = account) AS m
    ON f.account = m.account AND f.region = m.region
UNION ALL
SELECT
    f.account AS account,
    f.region AS region,
    f.function_arn AS function_arn,
    m.alarm_arn AS alarm_arn,
    'dead_letter_queue' AS signal,
    'queue' AS through
FROM
(
    SELECT account, region, function_arn, dlq_arn AS target_arn FROM functions_current WHERE version = '$LATEST' AND dlq_arn != ''
    UNION DISTINCT
    SELECT account, region, function_arn, on_failure_arn AS target_arn FROM event_invoke_configs_current WHERE on_failure_arn != ''
) AS f
INNER JOIN (SELECT account, region, alarm_arn, resource_arn FROM alarm_metrics_current WHERE resource_arn != '' AND covers = 'other') AS m
    ON f.account = m.account AND f.region = m.region AND f.target_arn = m.resource_arn
UNION ALL
SELECT
    g.account AS account,
    g.region AS region,
    g.function_arn AS function_arn,
    m.alarm_arn AS alarm_arn,
    'log_filter' AS signal,
    'log_group' AS through
FROM (SELECT account, region, log_group_name, arrayJoin(functions) AS function_arn FROM log_groups_current) AS g
INNER JOIN log_metric_filters_current AS p
    ON g.account = p.account AND g.region = p.region AND g.log_group_name = p.log_group_name
INNER JOIN (SELECT account, region, alarm_arn, namespace, metric FROM alarm_metrics_current) AS m
    ON p.account = m.account AND p.region = m.region AND p.metric_namespace = m.namespace AND p.metric_name = m.metric;

-- One row a function, an alarm that covers it, itself or through a composite
-- alarm that refers to it, and the signal.
CREATE VIEW function_alarms AS
SELECT
    c.account AS account,
    c.region AS region,
    c.function_arn AS function_arn,
    c.signal AS signal,
    c.through AS through,
    a.alarm_arn AS alarm_arn,
    a.alarm_name AS alarm_name,
    a.kind AS kind,
    a.state AS state,
    a.actions_enabled AND notEmpty(a.alarm_actions) AS acts
FROM (SELECT DISTINCT account, region, function_arn, alarm_arn, signal, through FROM alarm_coverage) AS c
INNER JOIN alarms_current AS a
    ON c.account = a.account AND c.region = a.region AND c.alarm_arn = a.alarm_arn
UNION ALL
SELECT DISTINCT
    c.account AS account,
    c.region AS region,
    c.function_arn AS function_arn,
    c.signal AS signal,
    'composite' AS through,
    p.alarm_arn AS alarm_arn,
    p.alarm_name AS alarm_name,
    p.kind AS kind,
    p.state AS state,
    p.actions_enabled AND notEmpty(p.alarm_actions) AS acts
FROM alarm_coverage AS c
INNER JOIN (SELECT account, region, alarm_arn, alarm_name FROM alarms_current) AS a
    ON c.account = a.account AND c.region = a.region AND c.alarm_arn = a.alarm_arn
INNER JOIN (SELECT *, arrayJoin(children) AS child FROM alarms_current WHERE kind = 'composite') AS p
    ON a.account = p.account AND a.region = p.region AND a.alarm_name = p.child;
