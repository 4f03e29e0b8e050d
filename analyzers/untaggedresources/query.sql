-- A row is one function: its tags as far as somebody answered for them, how the
-- account's sources answered, and what it used in the window.
SELECT
    f.account                                AS account,
    f.region                                 AS region,
    f.function_arn                           AS function_arn,
    f.function_name                          AS function_name,
    f.architecture                           AS architecture,
    f.memory_mb                              AS memory_mb,
    t.status                                 AS tag_status,
    t.tags                                   AS tags,
    t.source                                 AS tag_source,
    t.detail                                 AS tag_detail,
    l.table_name != ''                       AS listed_wholly,
    a.answered                               AS lambda_answered,
    a.refused                                AS lambda_refused,
    r.invocations                            AS report_invocations,
    r.x86_mb_ms                              AS report_x86_mb_ms,
    r.arm_mb_ms                              AS report_arm_mb_ms,
    s.first_day                              AS scope_first_day,
    m.invocations                            AS metric_invocations,
    m.duration_ms                            AS metric_duration_ms,
    d.reads                                  AS metric_reads
FROM functions_current AS f
LEFT JOIN tags_current AS t
    ON t.account = f.account AND t.region = f.region AND t.resource_arn = f.function_arn
LEFT JOIN
(
    SELECT
        account,
        region,
        table_name
    FROM complete_reads
    WHERE table_name = 'resource_tags' AND kind = 'tag:GetResources'
) AS l
    ON l.account = f.account AND l.region = f.region
LEFT JOIN
(
    SELECT
        account,
        countIf(status = 'read' AND source != 'tag:GetResources') AS answered,
        countIf(status = 'denied')                                AS refused
    FROM tags_current
    GROUP BY account
) AS a
    ON a.account = f.account
LEFT JOIN
(
    SELECT
        account,
        region,
        function_arn,
        sum(reports_current.invocations)                         AS invocations,
        sumIf(billed_ms_sum * memory_mb, architecture != 'arm64') AS x86_mb_ms,
        sumIf(billed_ms_sum * memory_mb, architecture = 'arm64')  AS arm_mb_ms
    FROM reports_current
    WHERE day >= toDate({from:DateTime}) AND toDateTime(day, 'UTC') < {to:DateTime}
    GROUP BY
        account,
        region,
        function_arn
) AS r
    ON r.account = f.account AND r.region = f.region AND r.function_arn = f.function_arn
LEFT JOIN
(
    SELECT
        account,
        region,
        min(day) AS first_day
    FROM reports_current
    WHERE day >= toDate({from:DateTime}) AND toDateTime(day, 'UTC') < {to:DateTime}
    GROUP BY
        account,
        region
) AS s
    ON s.account = f.account AND s.region = f.region
LEFT JOIN
(
    SELECT
        account,
        region,
        resource,
        sumIf(value, metric = 'Invocations') AS invocations,
        sumIf(value, metric = 'Duration')    AS duration_ms
    FROM metrics_hourly
    WHERE namespace = 'AWS/Lambda'
        AND metric IN ('Invocations', 'Duration')
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
        count() AS reads
    FROM metric_reads_current
    WHERE namespace = 'AWS/Lambda'
        AND metric = 'Invocations'
        AND stat = 'Sum'
        AND period_s = 3600
        AND status = 'complete'
        AND to_ts > {from:DateTime}
        AND from_ts < {to:DateTime}
    GROUP BY
        account,
        region,
        resource
) AS d
    ON d.account = f.account AND d.region = f.region AND d.resource = f.function_arn
WHERE f.version = '$LATEST'
    AND ({account:String} = '' OR f.account = {account:String})
    AND ({region:String} = '' OR f.region = {region:String})
    AND ({resource:String} = '' OR f.function_arn = {resource:String})
ORDER BY
    account,
    region,
    function_arn
