-- A row is one function: what it used in the window as its REPORT lines tell,
-- and as CloudWatch tells, in the window and in the newest day that was read.
WITH
    reads AS
    (
        SELECT
            account,
            region,
            resource,
            greatest(min(from_ts), {from:DateTime}) AS read_from,
            least(max(to_ts), {to:DateTime})        AS read_to
        FROM metric_reads_current
        WHERE namespace = 'AWS/Lambda'
            AND metric = 'Invocations'
            AND stat = 'Sum'
            AND resource != ''
            AND qualifier = ''
            AND period_s = 3600
            AND status = 'complete'
            AND to_ts > {from:DateTime}
            AND from_ts < {to:DateTime}
        GROUP BY
            account,
            region,
            resource
    ),
    scopes AS
    (
        SELECT
            account,
            region,
            min(read_from)                          AS seen_from,
            max(read_to)                            AS day_to
        FROM reads
        GROUP BY
            account,
            region
    ),
    reports AS
    (
        SELECT
            account,
            region,
            function_arn,
            min(day)                                                  AS first_day,
            sum(reports_current.invocations)                          AS invocations,
            sumIf(billed_ms_sum * memory_mb, architecture != 'arm64') AS x86_mb_ms,
            sumIf(billed_ms_sum * memory_mb, architecture = 'arm64')  AS arm_mb_ms,
            sum(billed_ms_sum)                                        AS billed_ms
        FROM reports_current
        WHERE day >= toDate({from:DateTime}) AND toDateTime(day, 'UTC') < {to:DateTime}
        GROUP BY
            account,
            region,
            function_arn
    ),
    metrics AS
    (
        SELECT
            v.account                                                 AS account,
            v.region                                                  AS region,
            v.resource                                                AS resource,
            sumIf(v.value, v.metric = 'Invocations')                  AS invocations,
            sumIf(v.value, v.metric = 'Duration')                     AS duration_ms,
            sumIf(v.value, v.ts >= s.day_to - toIntervalDay(1) AND v.metric = 'Invocations')        AS day_invocations,
            sumIf(v.value, v.ts >= s.day_to - toIntervalDay(1) AND v.metric = 'Duration')           AS day_duration_ms,
            sumIf(v.value, v.ts >= s.day_to - toIntervalDay(1) AND v.metric = 'Errors')             AS day_errors,
            sumIf(v.value, v.ts >= s.day_to - toIntervalDay(1) AND v.metric = 'Throttles')          AS day_throttles
        FROM metrics_hourly AS v
        INNER JOIN scopes AS s
            ON s.account = v.account AND s.region = v.region
        WHERE v.namespace = 'AWS/Lambda'
            AND v.metric IN ('Invocations', 'Duration', 'Errors', 'Throttles')
            AND v.stat = 'Sum'
            AND v.resource != ''
            AND v.qualifier = ''
            AND v.ts >= {from:DateTime}
            AND v.ts < {to:DateTime}
        GROUP BY
            account,
            region,
            resource
    )
SELECT
    f.account                                AS account,
    f.region                                 AS region,
    f.function_arn                           AS function_arn,
    f.function_name                          AS function_name,
    f.architecture                           AS architecture,
    f.memory_mb                              AS memory_mb,
    f.ephemeral_mb                           AS ephemeral_mb,
    t.tags                                   AS tags,
    p.provisioned                            AS provisioned,
    s.seen_from                              AS seen_from,
    s.day_to                                 AS day_to,
    d.read_to                                AS read_to,
    c.first_day                              AS report_from,
    r.invocations                            AS report_invocations,
    r.x86_mb_ms                              AS report_x86_mb_ms,
    r.arm_mb_ms                              AS report_arm_mb_ms,
    r.billed_ms                              AS report_billed_ms,
    m.invocations                            AS metric_invocations,
    m.duration_ms                            AS metric_duration_ms,
    m.day_invocations                        AS day_invocations,
    m.day_duration_ms                        AS day_duration_ms,
    m.day_errors                             AS day_errors,
    m.day_throttles                          AS day_throttles
FROM functions_current AS f
LEFT JOIN
(
    SELECT
        account,
        region,
        resource_arn,
        mapFilter((k, v) -> has({tag_keys:Array(String)}, k), tags) AS tags
    FROM tags_current
    WHERE status = 'read' AND notEmpty({tag_keys:Array(String)})
) AS t
    ON t.account = f.account AND t.region = f.region AND t.resource_arn = f.function_arn
LEFT JOIN
(
    SELECT
        account,
        region,
        function_arn,
        sum(allocated)                       AS provisioned
    FROM provisioned_concurrency_current
    GROUP BY
        account,
        region,
        function_arn
) AS p
    ON p.account = f.account AND p.region = f.region AND p.function_arn = f.function_arn
LEFT JOIN scopes AS s
    ON s.account = f.account AND s.region = f.region
LEFT JOIN reads AS d
    ON d.account = f.account AND d.region = f.region AND d.resource = f.function_arn
LEFT JOIN reports AS r
    ON r.account = f.account AND r.region = f.region AND r.function_arn = f.function_arn
LEFT JOIN
(
    SELECT
        account,
        region,
        min(first_day)                       AS first_day
    FROM reports
    GROUP BY
        account,
        region
) AS c
    ON c.account = f.account AND c.region = f.region
LEFT JOIN metrics AS m
    ON m.account = f.account AND m.region = f.region AND m.resource = f.function_arn
WHERE f.version = '$LATEST'
ORDER BY
    account,
    region,
    function_arn
