-- What retention needs: where a point comes from, days of metrics, and metric
-- points at two thirds of their size, what is known of their reading at a quarter.

-- A point that faaswarden made itself never replaces one that was collected.
ALTER TABLE metric_points
ADD COLUMN IF NOT EXISTS rolled_from UInt32 COMMENT 'period in seconds of the points it was made from; 0: as CloudWatch answered' CODEC(ZSTD(1));

-- A name that repeats for thousands of rows costs LZ4 a byte in 255.
ALTER TABLE metric_points
MODIFY COLUMN resource CODEC(ZSTD(3));

ALTER TABLE metric_points
MODIFY COLUMN period_s CODEC(ZSTD(1));

ALTER TABLE metric_points
MODIFY COLUMN ts CODEC(Delta, ZSTD(1));

-- Counts and hundredths of milliseconds share bytes, not leading bits, with
-- their neighbours.
ALTER TABLE metric_points
MODIFY COLUMN value CODEC(ZSTD(6));

-- Of a reading four times a day all but a count repeats.
ALTER TABLE metric_reads
MODIFY COLUMN resource CODEC(ZSTD(3));

ALTER TABLE metric_reads
MODIFY COLUMN period_s CODEC(ZSTD(1));

ALTER TABLE metric_reads
MODIFY COLUMN from_ts CODEC(Delta, ZSTD(1));

ALTER TABLE metric_reads
MODIFY COLUMN to_ts CODEC(Delta, ZSTD(1));

ALTER TABLE metric_reads
MODIFY COLUMN points CODEC(ZSTD(1));

ALTER TABLE metric_reads
MODIFY COLUMN collected_at CODEC(Delta, ZSTD(1));

-- One row a metric and UTC day, made of hourly points before they are deleted.
CREATE TABLE metric_days
(
    account      LowCardinality(String),
    region       LowCardinality(String),
    namespace    LowCardinality(String),
    metric       LowCardinality(String),
    stat         LowCardinality(String) COMMENT 'as collected, or what was kept of a statistic that cannot be combined: p99 (max of hours)',
    resource     String CODEC(ZSTD(3)),
    qualifier    String,
    day          Date CODEC(Delta, ZSTD(1)),
    value        Float64 CODEC(ZSTD(6)),
    points       UInt32 COMMENT 'points it was made of: 24 hours, or fewer where hours had none' CODEC(ZSTD(1)),
    collected_at DateTime64(3, 'UTC') COMMENT 'of the newest of those points' CODEC(DoubleDelta, ZSTD(1))
)
ENGINE = ReplacingMergeTree(collected_at)
PARTITION BY toYear(day)
ORDER BY (account, region, metric, stat, resource, qualifier, namespace, day);

CREATE VIEW metrics_daily AS
SELECT
    account,
    region,
    namespace,
    metric,
    stat,
    resource,
    qualifier,
    day,
    value,
    points
FROM metric_days FINAL;
