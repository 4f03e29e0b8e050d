-- A row is one function: what was invoked and throttled in the window, on its
-- worst day and in the last 24 hours, what limits its concurrency, and how it is
-- invoked.
SELECT
    f.account                                AS account,
    f.region                                 AS region,
    f.function_arn                           AS function_arn,
    f.function_name                          AS function_name,
    f.reserved_concurrency                   AS reserved,
    f.reserved_read                          AS reserved_read,
    p.provisioned                            AS provisioned,
    l.concurrent_executions                  AS account_limit,
    l.unreserved_concurrent_executions       AS unreserved_limit,
    r.throttles_read_seconds                 AS throttles_read_seconds,
    r.invocations_read_seconds               AS invocations_read_seconds,
    d.throttles                              AS throttles,
    d.invocations                            AS invocations,
    d.days_over                              AS days_over,
    d.worst_day                              AS worst_day,
    d.worst_throttles                        AS worst_throttles,
    d.worst_invocations                      AS worst_invocations,
    d.recent_throttles                       AS recent_throttles,
    d.recent_invocations                     AS recent_invocations,
    d.async_received                         AS async_received,
    d.async_dropped                          AS async_dropped,
    d.async_age_ms                           AS async_age_ms,
    e.triggers                               AS triggers,
    e.trigger_kinds                          AS trigger_kinds,
    m.mappings                               AS mappings,
    m.mapping_sources                        AS mapping_sources,
    m.mapping_maximums                       AS mapping_maximums
FROM functions_current AS f
LEFT JOIN
(
    SELECT
        account,
        region,
        resource,
        sum(day_throttles)                                       AS throttles,
        sum(day_invocations)                                     AS invocations,
        countIf(over)                                            AS days_over,
        argMax(day, (over, day_throttles, day))                  AS worst_day,
        argMax(day_throttles, (over, day_throttles, day))        AS worst_throttles,
        argMax(day_invocations, (over, day_throttles, day))      AS worst_invocations,
        sum(day_recent_throttles)                                AS recent_throttles,
        sum(day_recent_invocations)                              AS recent_invocations,
        sum(day_async_received)                                  AS async_received,
        sumIf(day_async_dropped, day_throttles > 0)              AS async_dropped,
        maxIf(day_async_age_ms, day_throttles > 0)               AS async_age_ms
    FROM
    (
        SELECT
            account,
            region,
            resource,
            toDate(ts)                                           AS day,
            sumIf(value, metric = 'Throttles' AND stat = 'Sum')           AS day_throttles,
            sumIf(value, metric = 'Invocations' AND stat = 'Sum')         AS day_invocations,
            sumIf(value, metric = 'Throttles' AND stat = 'Sum' AND ts >= {to:DateTime} - INTERVAL 24 HOUR)   AS day_recent_throttles,
            sumIf(value, metric = 'Invocations' AND stat = 'Sum' AND ts >= {to:DateTime} - INTERVAL 24 HOUR) AS day_recent_invocations,
            sumIf(value, metric = 'AsyncEventsReceived' AND stat = 'Sum') AS day_async_received,
            sumIf(value, metric = 'AsyncEventsDropped' AND stat = 'Sum')  AS day_async_dropped,
            maxIf(value, metric = 'AsyncEventAge' AND stat = 'Maximum')   AS day_async_age_ms,
            day_throttles >= {min_throttles:Int64}
                AND day_throttles >= {ratio:Float64} * (day_throttles + day_invocations) AS over
        FROM metrics_hourly
        WHERE namespace = 'AWS/Lambda'
            AND metric IN ('Throttles', 'Invocations', 'AsyncEventsReceived', 'AsyncEventsDropped', 'AsyncEventAge')
            AND resource != ''
            AND qualifier = ''
            AND ts >= {from:DateTime}
            AND ts < {to:DateTime}
        GROUP BY
            account,
            region,
            resource,
            day
    )
    GROUP BY
        account,
        region,
        resource
) AS d
    ON d.account = f.account AND d.region = f.region AND d.resource = f.function_arn
LEFT JOIN
(
    SELECT
        account,
        region,
        resource,
        intervalLengthSumIf(greatest(from_ts, {from:DateTime}), least(to_ts, {to:DateTime}), metric = 'Throttles')   AS throttles_read_seconds,
        intervalLengthSumIf(greatest(from_ts, {from:DateTime}), least(to_ts, {to:DateTime}), metric = 'Invocations') AS invocations_read_seconds
    FROM metric_reads_current
    WHERE namespace = 'AWS/Lambda'
        AND metric IN ('Throttles', 'Invocations')
        AND stat = 'Sum'
        AND qualifier = ''
        AND period_s = 3600
        AND status = 'complete'
        AND to_ts > {from:DateTime}
        AND from_ts < {to:DateTime}
    GROUP BY
        account,
        region,
        resource
) AS r
    ON r.account = f.account AND r.region = f.region AND r.resource = f.function_arn
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
LEFT JOIN account_limits_current AS l
    ON l.account = f.account AND l.region = f.region
LEFT JOIN
(
    SELECT
        account,
        region,
        arrayStringConcat(arraySlice(splitByChar(':', dst_arn), 1, 7), ':') AS function_arn,
        arrayMap(x -> x.1, pairs) AS triggers,
        arrayMap(x -> x.2, pairs) AS trigger_kinds,
        arraySort(groupUniqArray((src_arn, src_kind))) AS pairs
    FROM edges_current
    WHERE dst_kind = 'function'
        AND enabled
        AND kind IN ('trigger', 'subscription', 'target', 'schedule', 'invoke_permission')
    GROUP BY
        account,
        region,
        function_arn
) AS e
    ON e.account = f.account AND e.region = f.region AND e.function_arn = f.function_arn
LEFT JOIN
(
    SELECT
        account,
        region,
        function_arn,
        arraySort(groupArray((source_arn, uuid, ifNull(maximum_concurrency, 0)))) AS list,
        arrayMap(x -> x.1, list) AS mapping_sources,
        arrayMap(x -> x.2, list) AS mappings,
        arrayMap(x -> x.3, list) AS mapping_maximums
    FROM event_source_mappings_current
    WHERE state NOT IN ('Disabled', 'Disabling', 'Deleting')
    GROUP BY
        account,
        region,
        function_arn
) AS m
    ON m.account = f.account AND m.region = f.region AND m.function_arn = f.function_arn
WHERE f.version = '$LATEST'
    AND ({account:String} = '' OR f.account = {account:String})
    AND ({region:String} = '' OR f.region = {region:String})
    AND ({resource:String} = '' OR f.function_arn = {resource:String})
ORDER BY
    account,
    region,
    function_arn
