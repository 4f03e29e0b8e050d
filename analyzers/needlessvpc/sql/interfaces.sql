-- A row is a network interface.
SELECT
    account,
    region,
    interface_id,
    vpc_id,
    subnet_id,
    interface_type,
    private_ip,
    arraySort(security_group_ids) AS security_group_ids,
    description,
    requester_id
FROM network_interfaces_current
ORDER BY
    account,
    region,
    interface_id
