-- What invokes functions beside mappings, notifications and rules: schedules,
-- pipes, state machines, APIs, load balancers; and the streams, brokers and
-- archives that events come from.

CREATE TABLE schedules
(
    account          LowCardinality(String),
    region           LowCardinality(String),
    schedule_arn     String,
    schedule_name    String,
    schedule_group   LowCardinality(String),
    state            LowCardinality(String) COMMENT 'ENABLED or DISABLED',
    target_arn       String COMMENT 'as configured: a resource, or an API action such as arn:aws:scheduler:::aws-sdk:lambda:invoke',
    destination_arn  String COMMENT 'the resource that is reached, also where the target is an API action; empty: not recognised',
    details_read     Bool COMMENT 'whether the columns below were read',
    expression       String COMMENT 'rate(…), cron(…) or at(…)',
    timezone         LowCardinality(String),
    flexible_minutes Nullable(Int64) COMMENT 'NULL: at the exact time',
    maximum_age_s    Nullable(Int64) COMMENT 'of an event that is retried; NULL: the default of a day',
    maximum_retries  Nullable(Int64) COMMENT 'NULL: the default of 185',
    dlq_arn          String COMMENT 'empty: events whose retries end are lost',
    target_role_arn  String,
    starts_at        String COMMENT 'ISO 8601; empty: no bound',
    ends_at          String COMMENT 'ISO 8601; empty: no bound',
    after_completion LowCardinality(String) COMMENT 'NONE or DELETE',
    collected_at     DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, schedule_arn);

CREATE TABLE pipes
(
    account         LowCardinality(String),
    region          LowCardinality(String),
    pipe_arn        String,
    pipe_name       String,
    state           LowCardinality(String) COMMENT 'RUNNING, STOPPED, …',
    desired_state   LowCardinality(String),
    state_reason    String,
    source_arn      String COMMENT 'or the address of a Kafka cluster outside of AWS',
    enrichment_arn  String,
    target_arn      String,
    details_read    Bool COMMENT 'whether the columns below were read',
    role_arn        String,
    filters         String COMMENT 'JSON; empty: every event',
    batch_size      Nullable(Int64),
    batch_window_s  Nullable(Int64),
    maximum_retries Nullable(Int64) COMMENT 'streams only; -1: until the record expires',
    maximum_age_s   Nullable(Int64) COMMENT 'streams only; -1: until the record expires',
    dlq_arn         String COMMENT 'streams only; a queue has its own',
    log_level       LowCardinality(String) COMMENT 'OFF, ERROR, INFO or TRACE',
    collected_at    DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, pipe_arn);

CREATE TABLE state_machines
(
    account             LowCardinality(String),
    region              LowCardinality(String),
    state_machine_arn   String,
    state_machine_name  String,
    type                LowCardinality(String) COMMENT 'STANDARD or EXPRESS',
    details_read        Bool COMMENT 'whether the columns below were read',
    status              LowCardinality(String),
    role_arn            String,
    logging_level       LowCardinality(String) COMMENT 'OFF, FATAL, ERROR or ALL',
    logs_execution_data Bool COMMENT 'inputs and outputs of states are in the log',
    tracing             Bool COMMENT 'X-Ray',
    definition_read     Bool COMMENT 'whether the definition was understood; without it no task is known',
    query_language      LowCardinality(String) COMMENT 'JSONPath or JSONata',
    timeout_s           Nullable(Int64) COMMENT 'of an execution; NULL: none',
    states              Int64 COMMENT 'nested ones included',
    collected_at        DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, state_machine_arn);

CREATE TABLE state_machine_tasks
(
    account           LowCardinality(String),
    region            LowCardinality(String),
    state_machine_arn String,
    state_path        String COMMENT 'names of the states from the outermost in, joined by /',
    resource          String COMMENT 'what the task calls: a function, an activity, or a service integration',
    action            LowCardinality(String) COMMENT 'service:action; empty: not recognised',
    pattern           LowCardinality(String) COMMENT 'request_response, sync or callback',
    target_arn        String COMMENT 'empty: chosen at run time, or not recognised',
    repeated          Bool COMMENT 'inside a Map state: runs once for each item',
    retries           Int64 COMMENT 'retriers of the task; 0: a failure is final',
    maximum_attempts  Int64 COMMENT 'the most that any retrier retries',
    catches           Int64 COMMENT 'catchers of the task; 0: a failure ends the execution',
    timeout_s         Nullable(Int64) COMMENT 'NULL: none, or computed',
    heartbeat_s       Nullable(Int64) COMMENT 'NULL: none, or computed',
    collected_at      DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, state_machine_arn, state_path);

CREATE TABLE api_routes
(
    account          LowCardinality(String),
    region           LowCardinality(String),
    api_arn          String COMMENT 'execute-api',
    api_name         String,
    protocol         LowCardinality(String) COMMENT 'REST, HTTP or WEBSOCKET',
    route            String COMMENT 'method and path, or route key',
    endpoint_type    LowCardinality(String) COMMENT 'EDGE, REGIONAL or PRIVATE',
    vpc_endpoint_ids Array(String) COMMENT 'of private APIs',
    integration_type LowCardinality(String) COMMENT 'AWS_PROXY, AWS, HTTP_PROXY, HTTP, MOCK; empty: none',
    function_arn     String COMMENT 'unqualified; empty: no function answers, or a stage variable names it',
    qualifier        LowCardinality(String),
    destination_arn  String COMMENT 'what is not a function: a queue, a state machine; empty: not recognised',
    timeout_ms       Nullable(Int64) COMMENT 'of the integration',
    authorization    LowCardinality(String) COMMENT 'NONE, AWS_IAM, CUSTOM, COGNITO_USER_POOLS, JWT',
    authorizer_arn   String COMMENT 'the function that authorizes',
    api_key_required Bool,
    collected_at     DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, api_arn, route);

CREATE TABLE api_stages
(
    account        LowCardinality(String),
    region         LowCardinality(String),
    api_arn        String,
    stage          String,
    protocol       LowCardinality(String),
    throttle_rate  Nullable(Float64) COMMENT 'requests a second; NULL: the account\'s limit',
    throttle_burst Nullable(Int64) COMMENT 'NULL: the account\'s limit',
    caching        Bool COMMENT 'a cache is paid for by the hour',
    cache_gb       LowCardinality(String) COMMENT 'size of the cache',
    tracing        Bool COMMENT 'X-Ray',
    logging_level  LowCardinality(String) COMMENT 'OFF, ERROR or INFO',
    logs_data      Bool COMMENT 'requests and responses are in the log',
    access_log_arn String,
    web_acl_arn    String,
    auto_deploy    Bool,
    collected_at   DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, api_arn, stage);

CREATE TABLE load_balancer_targets
(
    account                 LowCardinality(String),
    region                  LowCardinality(String),
    target_group_arn        String,
    target_group_name       String,
    load_balancer_arn       String COMMENT 'empty: no load balancer uses the group',
    function_arn            String COMMENT 'unqualified',
    qualifier               LowCardinality(String),
    health                  LowCardinality(String) COMMENT 'healthy, unhealthy, unavailable, unused, …',
    health_reason           LowCardinality(String),
    health_checks           Bool COMMENT 'each check invokes the function',
    health_check_interval_s Nullable(Int64),
    collected_at            DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, target_group_arn, function_arn, qualifier, load_balancer_arn);

CREATE TABLE streams
(
    account      LowCardinality(String),
    region       LowCardinality(String),
    stream_arn   String,
    stream_name  String COMMENT 'of DynamoDB: the table\'s',
    table_arn    String COMMENT 'DynamoDB',
    kind         LowCardinality(String) COMMENT 'kinesis or dynamodb',
    status       LowCardinality(String),
    details_read Bool COMMENT 'whether the columns below were read',
    mode         LowCardinality(String) COMMENT 'PROVISIONED or ON_DEMAND',
    shards       Nullable(Int64) COMMENT 'open ones; NULL: DynamoDB does not tell',
    retention_h  Nullable(Int64) COMMENT 'of DynamoDB always a day',
    consumers    Nullable(Int64) COMMENT 'with enhanced fan-out',
    encryption   LowCardinality(String) COMMENT 'NONE or KMS',
    view_type    LowCardinality(String) COMMENT 'DynamoDB: KEYS_ONLY, NEW_IMAGE, …',
    collected_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, stream_arn);

CREATE TABLE brokers
(
    account            LowCardinality(String),
    region             LowCardinality(String),
    broker_arn         String,
    broker_name        String,
    kind               LowCardinality(String) COMMENT 'kafka, kafka_serverless, activemq or rabbitmq',
    state              LowCardinality(String),
    details_read       Bool COMMENT 'whether endpoints were read',
    engine_version     LowCardinality(String),
    instance_type      LowCardinality(String),
    nodes              Nullable(Int64),
    hosts              Array(String) COMMENT 'host names of the endpoints',
    authentication     Array(String) COMMENT 'iam, scram, tls, simple, ldap, none',
    encryption         LowCardinality(String) COMMENT 'between clients and brokers: TLS, TLS_PLAINTEXT or PLAINTEXT',
    public             Bool,
    subnet_ids         Array(String),
    security_group_ids Array(String),
    collected_at       DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, broker_arn);

CREATE TABLE event_buses
(
    account       LowCardinality(String),
    region        LowCardinality(String),
    bus_arn       String,
    bus_name      String,
    policy_read   Bool COMMENT 'whether the resource policy, if any, was understood',
    principals    Array(String) COMMENT 'who else may put events or rules, as the resource policy names them',
    organizations Array(String) COMMENT 'to which the policy narrows a principal of *',
    collected_at  DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, bus_arn);

CREATE TABLE event_archives
(
    account        LowCardinality(String),
    region         LowCardinality(String),
    bus_arn        String,
    archive_name   String,
    state          LowCardinality(String),
    retention_days Nullable(Int64) COMMENT 'NULL: for ever',
    events         Int64,
    bytes          Int64,
    collected_at   DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, bus_arn, archive_name);

CREATE VIEW schedules_current AS
SELECT t.*
FROM schedules AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'schedules' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW pipes_current AS
SELECT t.*
FROM pipes AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'pipes' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW state_machines_current AS
SELECT t.*
FROM state_machines AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'state_machines' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW state_machine_tasks_current AS
SELECT t.*
FROM state_machine_tasks AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'state_machine_tasks' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW api_routes_current AS
SELECT t.*
FROM api_routes AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'api_routes' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW api_stages_current AS
SELECT t.*
FROM api_stages AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'api_stages' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW load_balancer_targets_current AS
SELECT t.*
FROM load_balancer_targets AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'load_balancer_targets' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW streams_current AS
SELECT t.*
FROM streams AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'streams' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW brokers_current AS
SELECT t.*
FROM brokers AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'brokers' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW event_buses_current AS
SELECT t.*
FROM event_buses AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'event_buses' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW event_archives_current AS
SELECT t.*
FROM event_archives AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'event_archives' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;
