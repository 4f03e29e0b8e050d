-- A row is a function as it is now ($LATEST), with what it did in the window
-- and which part of the window was read.
SELECT
    f.account                                                             AS account,
    f.region                                                              AS region,
    f.function_arn                                                        AS function_arn,
    f.function_name                                                       AS function_name,
    arrayFirst(v -> v != '', [t.tags['owner'], t.tags['team'], t.tags['Owner']]) AS owner,
    f.role_arn                                                            AS role_arn,
    f.architecture                                                        AS architecture,
    f.memory_mb                                                           AS memory_mb,
    f.reserved_concurrency                                                AS reserved_concurrency,
    f.reserved_read                                                       AS reserved_read,
    f.recursive_loop                                                      AS recursive_loop,
    l.concurrent_executions                                               AS account_concurrency,
    a.aliases                                                             AS aliases,
    m.invocations                                                         AS invocations,
    m.duration_ms                                                         AS duration_ms,
    m.dropped                                                             AS dropped,
    m.dropped_first                                                       AS dropped_first,
    m.dropped_last                                                        AS dropped_last,
    r.invocations_reads > 0                                               AS invocations_read,
    r.invocations_from                                                    AS invocations_from,
    r.invocations_to                                                      AS invocations_to,
    r.dropped_reads > 0                                                   AS dropped_read,
    r.duration_reads > 0                                                  AS duration_read
FROM functions_current AS f
LEFT JOIN tags_current AS t
    ON t.account = f.account AND t.region = f.region AND t.resource_arn = f.function_arn
LEFT JOIN account_limits_current AS l
    ON l.account = f.account AND l.region = f.region
LEFT JOIN
(
    SELECT
        account,
        region,
        function_arn,
        count() AS aliases
    FROM aliases_current
    GROUP BY
        account,
        region,
        function_arn
) AS a
    ON a.account = f.account AND a.region = f.region AND a.function_arn = f.function_arn
LEFT JOIN
(
    SELECT
        account,
        region,
        resource,
        sumIf(value, metric = 'Invocations')                            AS invocations,
        sumIf(value, metric = 'Duration')                               AS duration_ms,
        sumIf(value, metric = 'RecursiveInvocationsDropped')            AS dropped,
        minIf(ts, metric = 'RecursiveInvocationsDropped' AND value > 0) AS dropped_first,
        maxIf(ts, metric = 'RecursiveInvocationsDropped' AND value > 0) AS dropped_last
    FROM metrics_hourly
    WHERE namespace = 'AWS/Lambda'
        AND metric IN ('Invocations', 'Duration', 'RecursiveInvocationsDropped')
        AND stat = 'Sum'
        AND qualifier = ''
        AND ts >= {from:DateTime}
        AND ts < {to:DateTime}
    GROUP BY
        account,
        region,
        resource
) AS m
    ON m.account = f.account AND m.region = f.region AND m.resource = f.function_arn
LEFT JOIN
(
    SELECT
        account,
        region,
        resource,
        countIf(metric = 'Invocations')                 AS invocations_reads,
        minIf(from_ts, metric = 'Invocations')          AS invocations_from,
        maxIf(to_ts, metric = 'Invocations')            AS invocations_to,
        countIf(metric = 'RecursiveInvocationsDropped') AS dropped_reads,
        countIf(metric = 'Duration')                    AS duration_reads
    FROM metric_reads_current
    WHERE namespace = 'AWS/Lambda'
        AND metric IN ('Invocations', 'Duration', 'RecursiveInvocationsDropped')
        AND stat = 'Sum'
        AND qualifier = ''
        AND period_s = 3600
        AND status = 'complete'
        AND from_ts < {to:DateTime}
        AND to_ts > {from:DateTime}
    GROUP BY
        account,
        region,
        resource
) AS r
    ON r.account = f.account AND r.region = f.region AND r.resource = f.function_arn
WHERE f.version = '$LATEST'
    AND ({account:String} = '' OR f.account = {account:String})
    AND ({region:String} = '' OR f.region = {region:String})
    AND ({resource:String} = '' OR f.function_arn = {resource:String})
ORDER BY
    account,
    region,
    function_arn
