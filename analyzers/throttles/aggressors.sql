-- A row is a function that ran, without a reservation of its own, in the periods
-- in which another was throttled because the account's concurrency was used up.
-- {periods} are "ARN|seconds|epoch". The three that took most are kept.
SELECT
    s.victim                                       AS victim,
    c.resource                                     AS function_arn,
    sum(c.value)                                   AS concurrency,
    max(c.value)                                   AS peak,
    sum(sum(c.value)) OVER (PARTITION BY s.victim) AS seen
FROM
(
    SELECT
        parts[1]                                   AS victim,
        splitByChar(':', parts[1])[5]              AS account,
        splitByChar(':', parts[1])[4]              AS region,
        toUInt32(parts[2])                         AS period_s,
        toDateTime(toUInt32(parts[3]), 'UTC')      AS ts
    FROM (SELECT splitByChar('|', arrayJoin({periods:Array(String)})) AS parts)
) AS s
INNER JOIN
(
    SELECT
        account,
        region,
        resource,
        period_s,
        ts,
        argMax(metric_points.value, collected_at) AS value
    FROM metric_points
    WHERE namespace = 'AWS/Lambda'
        AND metric = 'ConcurrentExecutions'
        AND stat = 'Maximum'
        AND resource != ''
        AND qualifier = ''
        AND ts >= {from:DateTime}
        AND ts < {to:DateTime}
    GROUP BY
        account,
        region,
        resource,
        period_s,
        ts
) AS c
    ON c.account = s.account AND c.region = s.region AND c.period_s = s.period_s AND c.ts = s.ts
INNER JOIN
(
    SELECT
        account,
        region,
        function_arn
    FROM functions_current
    WHERE version = '$LATEST' AND reserved_concurrency IS NULL
) AS f
    ON f.account = c.account AND f.region = c.region AND f.function_arn = c.resource
GROUP BY
    victim,
    function_arn
ORDER BY
    victim,
    concurrency DESC,
    function_arn
LIMIT 3 BY victim
