CREATE TABLE IF NOT EXISTS costs.aliases_local ON CLUSTER 'c1'
(
    account      LowCardinality(String),
    region       LowCardinality(String),
    function_arn String,
    alias        String,
    version      String,
    weights      Map(String, Float64) COMMENT 'additional version → share',
    collected_at DateTime64(3, 'UTC')
)
ENGINE = ReplicatedReplacingMergeTree('/clickhouse/tables/{uuid}/{shard}', '{replica}', collected_at)
ORDER BY (account, region, function_arn, alias);

CREATE TABLE IF NOT EXISTS costs.aliases ON CLUSTER 'c1'
AS costs.aliases_local
ENGINE = Distributed('c1', 'costs', 'aliases_local', cityHash64(account, region, function_arn, alias));

CREATE OR REPLACE VIEW costs.aliases_current ON CLUSTER 'c1' AS
SELECT t.*
FROM aliases AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'aliases' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

