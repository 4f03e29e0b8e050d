-- A row is a security group with its rules, as parallel arrays.
SELECT
    g.account         AS account,
    g.region          AS region,
    g.group_id        AS group_id,
    g.vpc_id          AS vpc_id,
    r.directions      AS directions,
    r.protocols       AS protocols,
    r.from_ports      AS from_ports,
    r.to_ports        AS to_ports,
    r.peer_kinds      AS peer_kinds,
    r.peers           AS peers
FROM security_groups_current AS g
LEFT JOIN
(
    SELECT
        account,
        region,
        group_id,
        groupArray(direction) AS directions,
        groupArray(protocol)  AS protocols,
        groupArray(from_port) AS from_ports,
        groupArray(to_port)   AS to_ports,
        groupArray(peer_kind) AS peer_kinds,
        groupArray(peer)      AS peers
    FROM
    (
        SELECT
            account,
            region,
            group_id,
            direction,
            protocol,
            from_port,
            to_port,
            peer_kind,
            peer
        FROM security_group_rules_current
        ORDER BY
            account,
            region,
            group_id,
            direction,
            protocol,
            from_port,
            to_port,
            peer_kind,
            peer
    )
    GROUP BY
        account,
        region,
        group_id
) AS r
    ON r.account = g.account AND r.region = g.region AND r.group_id = g.group_id
ORDER BY
    account,
    region,
    group_id
