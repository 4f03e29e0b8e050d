-- What governs cost beside the bill itself: costs of single resources, forecasts,
-- anomalies, Savings Plans, budgets, cost-allocation tags and AWS's own advice.

CREATE TABLE cost_features
(
    account      LowCardinality(String),
    region       LowCardinality(String) COMMENT 'where it was asked: the home region, but for compute_optimizer',
    feature      LowCardinality(String) COMMENT 'resource_costs, forecasts, savings_plans, compute_optimizer, optimization_hub',
    enabled      Bool,
    detail       String COMMENT 'why not, in the words of AWS',
    collected_at DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, feature);

CREATE TABLE cost_resources_daily
(
    account        LowCardinality(String),
    region         LowCardinality(String) COMMENT 'of the resource; empty when its name tells none',
    service        LowCardinality(String),
    day            Date,
    resource       String COMMENT 'ARN; empty is what AWS gives to no resource',
    usage_type     LowCardinality(String),
    currency       LowCardinality(String),
    unblended_cost Decimal(38, 12),
    amortized_cost Decimal(38, 12),
    usage_quantity Decimal(38, 12),
    usage_unit     LowCardinality(String),
    estimated      Bool COMMENT 'AWS may still restate the day',
    collected_at   DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
PARTITION BY toYYYYMM(day)
ORDER BY (account, service, resource, usage_type, day);

CREATE TABLE cost_forecasts
(
    account        LowCardinality(String),
    region         LowCardinality(String),
    service        LowCardinality(String) COMMENT 'as Cost Explorer names it; empty is the whole account',
    metric         LowCardinality(String),
    made_on        Date,
    period_start   Date COMMENT 'the first day forecast: what came before is on the bill',
    period_end     Date COMMENT 'exclusive',
    currency       LowCardinality(String),
    mean           Decimal(38, 12),
    lower          Decimal(38, 12),
    upper          Decimal(38, 12),
    interval_level UInt8 COMMENT 'percent of cases in which the cost lies between lower and upper',
    collected_at   DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, service, metric, period_end, made_on);

CREATE TABLE cost_anomaly_monitors
(
    account                 LowCardinality(String),
    region                  LowCardinality(String),
    monitor_arn             String,
    name                    String,
    type                    LowCardinality(String) COMMENT 'DIMENSIONAL or CUSTOM',
    dimension               LowCardinality(String) COMMENT 'of dimensional monitors',
    specification           String COMMENT 'what custom monitors watch, as JSON',
    dimension_values        Int32 COMMENT 'how many values it evaluates',
    created_at              DateTime('UTC'),
    last_evaluated_at       DateTime('UTC'),
    last_updated_at         DateTime('UTC'),
    subscriptions_read      Bool,
    subscription_names      Array(String),
    subscription_frequency  Array(LowCardinality(String)),
    subscription_thresholds Array(String) COMMENT 'the impact from which it tells, as JSON',
    subscribers             UInt32 COMMENT 'confirmed ones; whom they are is not stored',
    collected_at            DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, monitor_arn);

CREATE TABLE cost_anomalies
(
    account           LowCardinality(String),
    region            LowCardinality(String),
    anomaly_id        String,
    monitor_arn       String,
    start_day         Date,
    end_day           Date,
    dimension_value   String COMMENT 'the monitored value: a service, for service monitors',
    current_score     Float64,
    max_score         Float64,
    max_impact_usd    Float64 COMMENT 'of its dearest day',
    total_impact_usd  Float64 COMMENT 'actual less expected spend',
    actual_usd        Nullable(Float64),
    expected_usd      Nullable(Float64),
    impact_percent    Nullable(Float64) COMMENT 'of what was expected; NULL where that is nothing',
    feedback          LowCardinality(String) COMMENT 'YES, NO, PLANNED_ACTIVITY, or empty: nobody judged it',
    cause_services    Array(String) COMMENT 'root causes, the largest first; the arrays run in parallel',
    cause_regions     Array(String),
    cause_accounts    Array(String),
    cause_usage_types Array(String),
    cause_usd         Array(Float64),
    collected_at      DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, anomaly_id);

CREATE TABLE savings_plans_daily
(
    account              LowCardinality(String),
    day                  Date,
    measure              LowCardinality(String) COMMENT 'coverage, of AWS Lambda, or utilization, of all Savings Plans: each fills its own columns',
    covered_usd          Decimal(38, 12) COMMENT 'coverage: spend at plan rates',
    on_demand_usd        Decimal(38, 12) COMMENT 'coverage: spend that plans could cover and did not',
    total_usd            Decimal(38, 12) COMMENT 'coverage: both',
    commitment_usd       Decimal(38, 12) COMMENT 'utilization',
    used_usd             Decimal(38, 12) COMMENT 'utilization',
    unused_usd           Decimal(38, 12) COMMENT 'utilization: paid for nothing',
    net_savings_usd      Decimal(38, 12) COMMENT 'utilization',
    on_demand_equivalent_usd Decimal(38, 12) COMMENT 'utilization: what the same use costs without plans',
    percent              Decimal(38, 12) COMMENT 'coverage or utilization',
    collected_at         DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
PARTITION BY toYYYYMM(day)
ORDER BY (account, measure, day);

CREATE TABLE budgets
(
    account                LowCardinality(String),
    region                 LowCardinality(String),
    name                   String,
    type                   LowCardinality(String) COMMENT 'COST, USAGE, SAVINGS_PLANS_COVERAGE …',
    time_unit              LowCardinality(String) COMMENT 'DAILY, MONTHLY, QUARTERLY, ANNUALLY, CUSTOM',
    unit                   LowCardinality(String) COMMENT 'USD, or a unit of use',
    limit_amount           Nullable(Decimal(38, 12)) COMMENT 'of the present period; NULL when AWS names none',
    actual_amount          Nullable(Decimal(38, 12)),
    forecast_amount        Nullable(Decimal(38, 12)) COMMENT 'NULL when AWS cannot forecast yet',
    auto_adjust            LowCardinality(String) COMMENT 'HISTORICAL or FORECAST; empty: fixed or planned limits',
    filters                String COMMENT 'what it counts, as JSON; empty: everything',
    health                 LowCardinality(String),
    period_start           DateTime('UTC'),
    period_end             DateTime('UTC'),
    last_updated_at        DateTime('UTC'),
    notifications_read     Bool,
    notification_types     Array(LowCardinality(String)) COMMENT 'ACTUAL or FORECASTED; the arrays run in parallel',
    notification_operators Array(LowCardinality(String)),
    notification_thresholds Array(Float64),
    notification_units     Array(LowCardinality(String)) COMMENT 'PERCENTAGE or ABSOLUTE_VALUE',
    notification_states    Array(LowCardinality(String)) COMMENT 'OK or ALARM',
    collected_at           DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, name);

CREATE TABLE cost_allocation_tags
(
    account         LowCardinality(String),
    region          LowCardinality(String),
    tag_key         String,
    type            LowCardinality(String) COMMENT 'AWSGenerated or UserDefined',
    status          LowCardinality(String) COMMENT 'Active or Inactive: only active keys reach the bill',
    last_updated_at DateTime('UTC') COMMENT '1970: AWS does not say',
    last_used_at    DateTime('UTC') COMMENT 'month of use; 1970: AWS does not say',
    collected_at    DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, tag_key, type);

CREATE TABLE recommendations
(
    account               LowCardinality(String),
    region                LowCardinality(String) COMMENT 'where it was asked: the home region for the Cost Optimization Hub',
    source                LowCardinality(String) COMMENT 'compute_optimizer or optimization_hub',
    recommendation_id     String COMMENT 'the hub''s, or the function version''s ARN',
    resource              String COMMENT 'ARN without a qualifier; empty for purchases',
    resource_region       LowCardinality(String),
    resource_type         LowCardinality(String),
    action                LowCardinality(String) COMMENT 'Rightsize, PurchaseSavingsPlans …; empty when nothing is to be done',
    finding               LowCardinality(String) COMMENT 'Compute Optimizer: Optimized, NotOptimized, Unavailable',
    reasons               Array(LowCardinality(String)),
    current_summary       String,
    recommended_summary   String,
    current_memory_mb     UInt32,
    recommended_memory_mb UInt32 COMMENT '0: none recommended',
    duration_average_ms   Nullable(Float64) COMMENT 'as observed',
    duration_lower_ms     Nullable(Float64) COMMENT 'projected for the recommended memory',
    duration_expected_ms  Nullable(Float64),
    duration_upper_ms     Nullable(Float64),
    memory_maximum_mb     Nullable(Float64) COMMENT 'as observed',
    invocations           UInt64 COMMENT 'in the lookback',
    lookback_days         Float64,
    monthly_cost_usd      Nullable(Float64),
    savings_usd           Nullable(Float64) COMMENT 'a month, at list prices',
    savings_discounted_usd Nullable(Float64) COMMENT 'a month, after discounts; NULL when AWS does not say',
    savings_percent       Nullable(Float64),
    effort                LowCardinality(String),
    restart_needed        Bool,
    rollback_possible     Bool,
    refreshed_at          DateTime('UTC'),
    collected_at          DateTime64(3, 'UTC')
)
ENGINE = ReplacingMergeTree(collected_at)
ORDER BY (account, region, source, recommendation_id);

CREATE VIEW cost_features_current AS
SELECT t.*
FROM cost_features AS t FINAL
LEFT JOIN (SELECT account, region, kind, completed_at FROM complete_reads WHERE table_name = 'cost_features') AS c
    ON t.account = c.account AND t.region = c.region AND t.feature = c.kind
WHERE t.collected_at >= c.completed_at;

CREATE VIEW cost_forecasts_current AS
SELECT t.*
FROM cost_forecasts AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'cost_forecasts' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW cost_anomaly_monitors_current AS
SELECT t.*
FROM cost_anomaly_monitors AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'cost_anomaly_monitors' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW cost_anomalies_current AS
SELECT t.*
FROM cost_anomalies AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'cost_anomalies' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW budgets_current AS
SELECT t.*
FROM budgets AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'budgets' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW cost_allocation_tags_current AS
SELECT t.*
FROM cost_allocation_tags AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'cost_allocation_tags' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW recommendations_current AS
SELECT t.*
FROM recommendations AS t FINAL
LEFT JOIN (SELECT account, region, kind, completed_at FROM complete_reads WHERE table_name = 'recommendations') AS c
    ON t.account = c.account AND t.region = c.region AND t.source = c.kind
WHERE t.collected_at >= c.completed_at;

-- Restated days are newer versions of their rows.
CREATE VIEW cost_resources_current AS
SELECT * FROM cost_resources_daily FINAL;

CREATE VIEW savings_plans_current AS
SELECT * FROM savings_plans_daily FINAL;
