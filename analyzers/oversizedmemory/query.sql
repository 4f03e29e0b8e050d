-- A row is one function: its configuration, and what the REPORT lines of the
-- window say about each memory size it ran with, as arrays with one element a size.
SELECT
    f.account                                AS account,
    f.region                                 AS region,
    f.function_arn                           AS function_arn,
    f.function_name                          AS function_name,
    f.architecture                           AS architecture,
    f.memory_mb                              AS memory_mb,
    f.last_modified                          AS last_modified,
    p.provisioned                            AS provisioned,
    m.read_seconds                           AS metric_read_seconds,
    i.invocations                            AS metric_invocations,
    s.first_day                              AS scope_first_day,
    r.last_day                               AS last_day,
    r.sizes                                  AS sizes,
    r.versions                               AS versions,
    r.invocations                            AS invocations,
    r.last_day_invocations                   AS last_day_invocations,
    r.days                                   AS days,
    r.first_days                             AS first_days,
    r.billed_ms                              AS billed_ms,
    r.billed_ms_sq                           AS billed_ms_sq,
    r.daily_mean_variance                    AS daily_mean_variance,
    r.used_mb_max                            AS used_mb_max,
    r.used_mb_p999                           AS used_mb_p999,
    r.at_limit                               AS at_limit,
    r.limit_errors                           AS limit_errors
FROM functions_current AS f
LEFT JOIN
(
    SELECT
        account,
        region,
        function_arn,
        architecture,
        any(last_day)                        AS last_day,
        groupArray(memory_mb)                AS sizes,
        groupArray(size_versions)            AS versions,
        groupArray(size_invocations)         AS invocations,
        groupArray(size_last_day)            AS last_day_invocations,
        groupArray(size_days)                AS days,
        groupArray(size_first_day)           AS first_days,
        groupArray(size_billed_ms)           AS billed_ms,
        groupArray(size_billed_ms_sq)        AS billed_ms_sq,
        groupArray(size_mean_variance)       AS daily_mean_variance,
        groupArray(size_used_mb_max)         AS used_mb_max,
        groupArray(size_used_mb_p999)        AS used_mb_p999,
        groupArray(size_at_limit)            AS at_limit,
        groupArray(size_limit_errors)        AS limit_errors
    FROM
    (
        SELECT
            account,
            region,
            function_arn,
            architecture,
            memory_mb,
            any(d.last_day)                                      AS last_day,
            groupUniqArrayArray(day_versions)                    AS size_versions,
            sum(day_invocations)                                 AS size_invocations,
            sumIf(day_invocations, day = d.last_day)             AS size_last_day,
            uniqExact(day)                                       AS size_days,
            min(day)                                             AS size_first_day,
            sum(day_billed_ms)                                   AS size_billed_ms,
            sum(day_billed_ms_sq)                                AS size_billed_ms_sq,
            if(uniqExact(day) > 1, varSamp(day_billed_ms / day_invocations), 0) AS size_mean_variance,
            max(day_used_mb_max)                                 AS size_used_mb_max,
            max(day_used_mb_p999)                                AS size_used_mb_p999,
            sum(day_at_limit)                                    AS size_at_limit,
            sum(day_limit_errors)                                AS size_limit_errors
        FROM
        (
            SELECT
                account,
                region,
                function_arn,
                architecture,
                memory_mb,
                day,
                max(day) OVER (PARTITION BY account, region, function_arn, architecture) AS last_day,
                groupUniqArray(version)                          AS day_versions,
                sum(invocations)                                 AS day_invocations,
                sum(billed_ms_sum)                               AS day_billed_ms,
                sum(billed_ms_sum_sq)                            AS day_billed_ms_sq,
                max(reports_current.used_mb_max)                 AS day_used_mb_max,
                max(reports_current.used_mb_p999)                AS day_used_mb_p999,
                sum(at_memory_limit)                             AS day_at_limit,
                sum(least(at_memory_limit, errors))              AS day_limit_errors
            FROM reports_current
            WHERE day >= toDate({from:DateTime})
                AND toDateTime(day, 'UTC') < {to:DateTime}
                AND reports_current.invocations > 0
            GROUP BY
                account,
                region,
                function_arn,
                architecture,
                memory_mb,
                day
        ) AS d
        GROUP BY
            account,
            region,
            function_arn,
            architecture,
            memory_mb
        ORDER BY memory_mb
    )
    GROUP BY
        account,
        region,
        function_arn,
        architecture
) AS r
    ON r.account = f.account AND r.region = f.region AND r.function_arn = f.function_arn AND r.architecture = f.architecture
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
        function_arn,
        sum(requested) AS provisioned
    FROM provisioned_concurrency_current
    GROUP BY
        account,
        region,
        function_arn
) AS p
    ON p.account = f.account AND p.region = f.region AND p.function_arn = f.function_arn
LEFT JOIN
(
    SELECT
        account,
        region,
        resource,
        intervalLengthSum(greatest(from_ts, {from:DateTime}), least(to_ts, {to:DateTime})) AS read_seconds
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
) AS m
    ON m.account = f.account AND m.region = f.region AND m.resource = f.function_arn
LEFT JOIN
(
    SELECT
        account,
        region,
        resource,
        sum(value) AS invocations
    FROM metrics_hourly
    WHERE namespace = 'AWS/Lambda'
        AND metric = 'Invocations'
        AND stat = 'Sum'
        AND qualifier = ''
        AND ts >= {from:DateTime}
        AND ts < {to:DateTime}
    GROUP BY
        account,
        region,
        resource
) AS i
    ON i.account = f.account AND i.region = f.region AND i.resource = f.function_arn
WHERE f.version = '$LATEST'
    AND ({account:String} = '' OR f.account = {account:String})
    AND ({region:String} = '' OR f.region = {region:String})
    AND ({resource:String} = '' OR f.function_arn = {resource:String})
ORDER BY
    account,
    region,
    function_arn
