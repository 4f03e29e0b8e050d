-- A row is one account and region that has functions: its Lambda limits, and
-- the most that ran at once in the newest day that was read.
WITH reads AS
(
    SELECT
        account,
        region,
        least(max(to_ts), {to:DateTime})     AS day_to
    FROM metric_reads_current
    WHERE namespace = 'AWS/Lambda'
        AND metric = 'ConcurrentExecutions'
        AND stat = 'Maximum'
        AND resource = ''
        AND period_s = 3600
        AND status = 'complete'
        AND to_ts > {from:DateTime}
        AND from_ts < {to:DateTime}
    GROUP BY
        account,
        region
)
SELECT
    f.account                                AS account,
    f.region                                 AS region,
    f.functions                              AS functions,
    l.concurrent_executions                  AS concurrent_executions,
    l.code_size_used_bytes                   AS code_size_used_bytes,
    l.code_size_limit_bytes                  AS code_size_limit_bytes,
    r.day_to > toDateTime(0, 'UTC')          AS peak_read,
    m.peak                                   AS peak
FROM
(
    SELECT
        account,
        region,
        count()                              AS functions
    FROM functions_current
    WHERE version = '$LATEST'
    GROUP BY
        account,
        region
) AS f
LEFT JOIN account_limits_current AS l
    ON l.account = f.account AND l.region = f.region
LEFT JOIN reads AS r
    ON r.account = f.account AND r.region = f.region
LEFT JOIN
(
    SELECT
        v.account                            AS account,
        v.region                             AS region,
        max(v.value)                         AS peak
    FROM metrics_hourly AS v
    INNER JOIN reads AS d
        ON d.account = v.account AND d.region = v.region
    WHERE v.namespace = 'AWS/Lambda'
        AND v.metric = 'ConcurrentExecutions'
        AND v.stat = 'Maximum'
        AND v.resource = ''
        AND v.ts >= d.day_to - toIntervalDay(1)
        AND v.ts < d.day_to
    GROUP BY
        account,
        region
) AS m
    ON m.account = f.account AND m.region = f.region
ORDER BY
    account,
    region
