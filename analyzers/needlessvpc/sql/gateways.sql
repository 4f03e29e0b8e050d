-- A row is a NAT gateway with the bytes it passed in the window, and the part of
-- the window in which they were read.
SELECT
    g.account                    AS account,
    g.region                     AS region,
    g.nat_gateway_id             AS nat_gateway_id,
    g.vpc_id                     AS vpc_id,
    g.connectivity               AS connectivity,
    b.bytes                      AS bytes,
    r.metrics = 2                AS bytes_read,
    dateDiff('second', r.read_from, r.read_to) AS read_s
FROM nat_gateways_current AS g
LEFT JOIN
(
    SELECT
        account,
        region,
        splitByString(':natgateway/', resource)[2] AS nat_gateway_id,
        sum(value)                                 AS bytes
    FROM metrics_hourly
    WHERE namespace = 'AWS/NATGateway'
        AND metric IN ('BytesOutToDestination', 'BytesInFromDestination')
        AND stat = 'Sum'
        AND qualifier = ''
        AND ts >= {from:DateTime}
        AND ts < {to:DateTime}
    GROUP BY
        account,
        region,
        nat_gateway_id
) AS b
    ON b.account = g.account AND b.region = g.region AND b.nat_gateway_id = g.nat_gateway_id
LEFT JOIN
(
    SELECT
        account,
        region,
        splitByString(':natgateway/', resource)[2]       AS nat_gateway_id,
        uniqExact(metric)                                AS metrics,
        greatest(min(from_ts), {from:DateTime})          AS read_from,
        least(max(to_ts), {to:DateTime})                 AS read_to
    FROM metric_reads_current
    WHERE namespace = 'AWS/NATGateway'
        AND metric IN ('BytesOutToDestination', 'BytesInFromDestination')
        AND stat = 'Sum'
        AND qualifier = ''
        AND period_s = 3600
        AND status = 'complete'
        AND from_ts < {to:DateTime}
        AND to_ts > {from:DateTime}
    GROUP BY
        account,
        region,
        nat_gateway_id
) AS r
    ON r.account = g.account AND r.region = g.region AND r.nat_gateway_id = g.nat_gateway_id
WHERE g.state IN ('', 'available', 'pending')
ORDER BY
    account,
    region,
    nat_gateway_id
