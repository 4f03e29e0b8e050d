-- A row is a period in which one of the functions was throttled: a minute, or
-- five, or the hour where nothing finer was read. -1 stands for no datapoint. Of
-- a function's periods the 500 with the most throttles a second are kept.
SELECT
    t.account           AS account,
    t.region            AS region,
    t.resource          AS function_arn,
    t.period_s          AS period_s,
    t.ts                AS ts,
    t.throttles         AS throttles,
    t.invocations       AS invocations,
    t.concurrency       AS concurrency,
    if(t.earlier_ts = t.ts - t.period_s, t.earlier, -1) AS concurrency_before,
    t.spillover         AS spillover,
    if(g.ts = t.ts, g.claimed, -1)       AS claimed,
    if(g.ts = t.ts, g.unreserved, -1)    AS unreserved
FROM
(
    SELECT
        *,
        min(if(throttles > 0, period_s, 86400)) OVER (PARTITION BY account, region, resource, toStartOfHour(ts)) AS finest,
        lagInFrame(concurrency, 1, -1.) OVER (PARTITION BY account, region, resource, period_s ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS earlier,
        lagInFrame(ts) OVER (PARTITION BY account, region, resource, period_s ORDER BY ts ROWS BETWEEN UNBOUNDED PRECEDING AND UNBOUNDED FOLLOWING) AS earlier_ts
    FROM
    (
        SELECT
            account,
            region,
            resource,
            period_s,
            ts,
            sumIf(point, metric = 'Throttles' AND stat = 'Sum')          AS throttles,
            sumIf(point, metric = 'Invocations' AND stat = 'Sum')        AS invocations,
            if(countIf(metric = 'ConcurrentExecutions' AND stat = 'Maximum') > 0, maxIf(point, metric = 'ConcurrentExecutions' AND stat = 'Maximum'), -1) AS concurrency,
            sumIf(point, metric = 'ProvisionedConcurrencySpilloverInvocations' AND stat = 'Sum') AS spillover
        FROM
        (
            SELECT
                account,
                region,
                metric,
                stat,
                resource,
                qualifier,
                period_s,
                ts,
                argMax(value, collected_at) AS point
            FROM metric_points
            WHERE namespace = 'AWS/Lambda'
                AND metric IN ('Throttles', 'Invocations', 'ConcurrentExecutions', 'ProvisionedConcurrencySpilloverInvocations')
                AND (qualifier = '' OR metric = 'ProvisionedConcurrencySpilloverInvocations')
                AND resource IN {functions:Array(String)}
                AND ts >= {from:DateTime}
                AND ts < {to:DateTime}
            GROUP BY
                account,
                region,
                metric,
                stat,
                resource,
                qualifier,
                period_s,
                ts
        )
        GROUP BY
            account,
            region,
            resource,
            period_s,
            ts
    )
) AS t
LEFT JOIN
(
    SELECT
        account,
        region,
        period_s,
        ts,
        if(countIf(metric = 'ClaimedAccountConcurrency') > 0, argMaxIf(value, collected_at, metric = 'ClaimedAccountConcurrency'), -1) AS claimed,
        if(countIf(metric = 'UnreservedConcurrentExecutions') > 0, argMaxIf(value, collected_at, metric = 'UnreservedConcurrentExecutions'), -1) AS unreserved
    FROM metric_points
    WHERE namespace = 'AWS/Lambda'
        AND metric IN ('ClaimedAccountConcurrency', 'UnreservedConcurrentExecutions')
        AND stat = 'Maximum'
        AND resource = ''
        AND ts >= {from:DateTime}
        AND ts < {to:DateTime}
    GROUP BY
        account,
        region,
        period_s,
        ts
) AS g
    ON g.account = t.account AND g.region = t.region AND g.period_s = t.period_s AND g.ts = t.ts
WHERE t.throttles > 0
    AND t.period_s = t.finest
ORDER BY
    account,
    region,
    function_arn,
    throttles / period_s DESC,
    ts
LIMIT 500 BY account, region, function_arn
