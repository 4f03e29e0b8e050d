-- Views are what analyzers read: collapsed to the newest version of each row,
-- and without the rows of resources that are gone.

CREATE VIEW complete_reads AS
SELECT
    table_name,
    kind,
    account,
    region,
    max(collected_at) AS completed_at
FROM completions
GROUP BY table_name, kind, account, region;

CREATE VIEW functions_current AS
SELECT t.*
FROM functions AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'functions' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW aliases_current AS
SELECT t.*
FROM aliases AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'aliases' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW provisioned_concurrency_current AS
SELECT t.*
FROM provisioned_concurrency AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'provisioned_concurrency' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW event_source_mappings_current AS
SELECT t.*
FROM event_source_mappings AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'event_source_mappings' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW event_invoke_configs_current AS
SELECT t.*
FROM event_invoke_configs AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'event_invoke_configs' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW queues_current AS
SELECT t.*
FROM queues AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'queues' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW role_statements_current AS
SELECT t.*
FROM role_statements AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'role_statements' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW subnets_current AS
SELECT t.*
FROM subnets AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'subnets' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW security_groups_current AS
SELECT t.*
FROM security_groups AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'security_groups' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW security_group_rules_current AS
SELECT t.*
FROM security_group_rules AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'security_group_rules' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW routes_current AS
SELECT t.*
FROM routes AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'routes' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW nat_gateways_current AS
SELECT t.*
FROM nat_gateways AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'nat_gateways' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW vpc_endpoints_current AS
SELECT t.*
FROM vpc_endpoints AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'vpc_endpoints' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW network_interfaces_current AS
SELECT t.*
FROM network_interfaces AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'network_interfaces' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW account_limits_current AS
SELECT t.*
FROM account_limits AS t FINAL
LEFT JOIN (SELECT account, region, completed_at FROM complete_reads WHERE table_name = 'account_limits' AND kind = '') AS c
    ON t.account = c.account AND t.region = c.region
WHERE t.collected_at >= c.completed_at;

CREATE VIEW edges_current AS
SELECT t.*
FROM edges AS t FINAL
LEFT JOIN (SELECT kind, account, region, completed_at FROM complete_reads WHERE table_name = 'edges') AS c
    ON t.account = c.account AND t.region = c.region AND t.source_kind = c.kind
WHERE t.collected_at >= c.completed_at;

-- One row a resource whose tags some source has answered for. Lambda's own
-- answer outranks the tagging API's, which lists tagged resources only and may lag.
CREATE VIEW tags_current AS
SELECT
    r.account AS account,
    r.region AS region,
    r.resource_arn AS resource_arn,
    if(countIf(r.status = 'read') > 0, 'read', argMax(r.status, r.collected_at)) AS status,
    argMaxIf(r.tags, (r.source != 'tag:GetResources', r.collected_at), r.status = 'read') AS tags,
    argMaxIf(r.source, (r.source != 'tag:GetResources', r.collected_at), r.status = 'read') AS source,
    argMax(r.detail, r.collected_at) AS detail
FROM
(
    SELECT t.*
    FROM resource_tags AS t FINAL
    LEFT JOIN (SELECT kind, account, region, completed_at FROM complete_reads WHERE table_name = 'resource_tags') AS c
        ON t.account = c.account AND t.region = c.region AND t.source = c.kind
    WHERE t.collected_at >= c.completed_at
) AS r
GROUP BY r.account, r.region, r.resource_arn;

-- FINAL reads in key order and costs a tenth of grouping by the whole key.
CREATE VIEW metrics_hourly AS
SELECT
    account,
    region,
    namespace,
    metric,
    stat,
    resource,
    qualifier,
    ts,
    value
FROM metric_points FINAL
WHERE period_s = 3600;

CREATE VIEW metrics_minutely AS
SELECT
    account,
    region,
    namespace,
    metric,
    stat,
    resource,
    qualifier,
    ts,
    value
FROM metric_points FINAL
WHERE period_s = 60;

CREATE VIEW metric_reads_current AS
SELECT * FROM metric_reads FINAL;

CREATE VIEW reports_current AS
SELECT * FROM reports_daily FINAL;

CREATE VIEW costs_current AS
SELECT * FROM costs_daily FINAL;

CREATE VIEW prices_current AS
SELECT * FROM prices FINAL;

CREATE VIEW findings_current AS
SELECT * FROM findings FINAL;

-- The judgements of each analyzer's newest run.
CREATE VIEW judgements_current AS
SELECT j.*
FROM judgements AS j FINAL
INNER JOIN (SELECT analyzer, argMax(run_id, started_at) AS run_id FROM analyzer_runs WHERE outcome = 'ok' GROUP BY analyzer) AS r
    ON j.analyzer = r.analyzer AND j.run_id = r.run_id;

-- The newest run of each collector in each scope.
CREATE VIEW collector_status AS
SELECT
    r.collector AS collector,
    r.account AS account,
    r.region AS region,
    argMax(r.run_id, r.started_at) AS run_id,
    argMax(r.outcome, r.started_at) AS outcome,
    argMax(r.partial, r.started_at) AS partial,
    argMax(r.detail, r.started_at) AS detail,
    max(r.started_at) AS last_started_at,
    maxIf(r.started_at, r.outcome IN ('ok', 'nodata')) AS last_success_at
FROM (SELECT * FROM collector_runs FINAL) AS r
GROUP BY r.collector, r.account, r.region;

-- What the newest run of each collector could not read.
CREATE VIEW gaps_current AS
SELECT g.*
FROM evidence_gaps AS g FINAL
INNER JOIN collector_status AS s
    ON g.collector = s.collector AND g.account = s.account AND g.region = s.region AND g.run_id = s.run_id;
