-- A row is an account's invocations in one hour, all functions of all regions
-- together: what a loop's own growth is measured against.
SELECT
    account,
    toInt64(dateDiff('hour', toStartOfHour({from:DateTime}), ts)) AS hour,
    sum(value)                                                  AS invocations
FROM metrics_hourly
WHERE namespace = 'AWS/Lambda'
    AND metric = 'Invocations'
    AND stat = 'Sum'
    AND resource != ''
    AND qualifier = ''
    AND ts >= toStartOfHour({from:DateTime})
    AND ts < {to:DateTime}
GROUP BY
    account,
    hour
ORDER BY
    account,
    hour
