-- What collectors and analyzers did, and what they concluded.

CREATE TABLE collector_runs
(
    run_id        String,
    collector     LowCardinality(String),
    account       LowCardinality(String),
    region        LowCardinality(String),
    started_at    DateTime64(3, 'UTC'),
    finished_at   DateTime64(3, 'UTC'),
    outcome       LowCardinality(String) COMMENT 'ok, nodata, denied, throttled, failed, skipped',
    partial       Bool COMMENT 'some evidence is missing: see evidence_gaps',
    detail        String,
    rows_written  UInt64,
    api_calls     UInt64,
    api_usd       Float64
)
ENGINE = ReplacingMergeTree(finished_at)
ORDER BY (collector, account, region, run_id);

CREATE TABLE evidence_gaps
(
    run_id       String,
    collector    LowCardinality(String),
    account      LowCardinality(String),
    region       LowCardinality(String),
    table_name   LowCardinality(String),
    kind         LowCardinality(String),
    resource     String COMMENT 'empty: all of the scope',
    action       LowCardinality(String),
    outcome      LowCardinality(String),
    detail       String,
    collected_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (collector, account, region, table_name, kind, resource, action, run_id);

CREATE TABLE completions
(
    collector    LowCardinality(String),
    account      LowCardinality(String),
    region       LowCardinality(String),
    table_name   LowCardinality(String),
    kind         LowCardinality(String),
    collected_at DateTime64(3, 'UTC') COMMENT 'start of the run that read the table wholly'
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (table_name, kind, collector, account, region);

CREATE TABLE api_calls
(
    run_id       String,
    collector    LowCardinality(String),
    account      LowCardinality(String),
    region       LowCardinality(String),
    service      LowCardinality(String),
    operation    LowCardinality(String),
    calls        UInt64,
    errors       UInt64,
    throttles    UInt64,
    units        Float64,
    unit         LowCardinality(String),
    usd          Float64,
    collected_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
PARTITION BY toYYYYMM(collected_at)
ORDER BY (account, region, service, operation, collector, run_id);

CREATE TABLE cursors
(
    collector    LowCardinality(String),
    account      LowCardinality(String),
    region       LowCardinality(String),
    key          String,
    value        String,
    collected_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (collector, account, region, key);

CREATE TABLE analyzer_runs
(
    run_id            String,
    analyzer          LowCardinality(String),
    started_at        DateTime64(3, 'UTC'),
    finished_at       DateTime64(3, 'UTC'),
    window_from       DateTime('UTC'),
    window_to         DateTime('UTC'),
    outcome           LowCardinality(String) COMMENT 'ok or failed',
    detail            String,
    findings          UInt64,
    ok                UInt64,
    violations        UInt64,
    cannot_determine  UInt64
)
ENGINE = ReplacingMergeTree(finished_at)
ORDER BY (analyzer, run_id);

CREATE TABLE findings
(
    fingerprint      String,
    analyzer         LowCardinality(String),
    resource         String,
    key              String,
    account          LowCardinality(String),
    region           LowCardinality(String),
    owner            String,
    severity         LowCardinality(String),
    confidence       LowCardinality(String),
    savings_low      Float64,
    savings_expected Float64,
    savings_high     Float64,
    unpriced         String,
    summary          String,
    evidence         String COMMENT 'JSON',
    remediation      String,
    members          Array(String),
    status           LowCardinality(String) COMMENT 'open or resolved',
    first_seen       DateTime64(3, 'UTC'),
    last_seen        DateTime64(3, 'UTC'),
    run_id           String,
    updated_at       DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(updated_at)
ORDER BY fingerprint;

CREATE TABLE judgements
(
    analyzer   LowCardinality(String),
    resource   String,
    account    LowCardinality(String),
    region     LowCardinality(String),
    owner      String,
    verdict    LowCardinality(String),
    reason     LowCardinality(String),
    detail     String,
    run_id     String,
    judged_at  DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(judged_at)
ORDER BY (analyzer, account, region, resource);

CREATE TABLE measurements
(
    analyzer    LowCardinality(String),
    name        LowCardinality(String),
    account     LowCardinality(String),
    region      LowCardinality(String),
    labels      Array(String),
    value       Float64,
    run_id      String,
    measured_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(measured_at)
ORDER BY (analyzer, name, account, region, labels, run_id);
