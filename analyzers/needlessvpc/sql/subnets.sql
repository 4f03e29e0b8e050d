-- A row is a subnet with one of its routes; a subnet whose table has none has a
-- row with an empty destination.
SELECT
    s.account     AS account,
    s.region      AS region,
    s.subnet_id   AS subnet_id,
    s.vpc_id      AS vpc_id,
    s.cidr        AS cidr,
    r.destination AS destination,
    r.target_kind AS target_kind,
    r.target      AS target
FROM subnets_current AS s
LEFT JOIN routes_current AS r
    ON r.account = s.account AND r.region = s.region AND r.route_table_id = s.route_table_id AND s.route_table_id != ''
ORDER BY
    account,
    region,
    subnet_id,
    destination
