-- A row is one metric of one function or queue: its hours with a datapoint, as
-- hours since the window's first, and their values.
SELECT
    resource,
    metric,
    groupArray(toInt64(dateDiff('hour', toStartOfHour({from:DateTime}), ts))) AS hours,
    groupArray(value)                                                       AS hour_values
FROM
(
    SELECT
        resource,
        metric,
        ts,
        max(value) AS value
    FROM metrics_hourly
    WHERE ((namespace = 'AWS/Lambda' AND stat = 'Sum' AND metric IN ('Invocations', 'Duration'))
            OR (namespace = 'AWS/Lambda' AND stat = 'Maximum' AND metric = 'ConcurrentExecutions')
            OR (namespace = 'AWS/SQS' AND stat = 'Sum' AND metric = 'NumberOfMessagesSent'))
        AND qualifier = ''
        AND resource IN {resources:Array(String)}
        AND ts >= toStartOfHour({from:DateTime})
        AND ts < {to:DateTime}
    GROUP BY
        resource,
        metric,
        ts
    ORDER BY
        resource,
        metric,
        ts
)
GROUP BY
    resource,
    metric
ORDER BY
    resource,
    metric
