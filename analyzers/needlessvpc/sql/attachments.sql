-- A row is one way in which a function, or published versions of it, is attached:
-- the subnets and security groups that share its network interfaces.
SELECT DISTINCT
    account,
    region,
    function_arn,
    arraySort(subnet_ids)         AS subnet_ids,
    arraySort(security_group_ids) AS security_group_ids
FROM functions_current
WHERE vpc_id != ''
ORDER BY
    account,
    region,
    function_arn,
    subnet_ids,
    security_group_ids
