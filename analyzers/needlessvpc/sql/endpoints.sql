-- A row is a VPC endpoint.
SELECT
    account,
    region,
    endpoint_id,
    vpc_id,
    service_name,
    endpoint_type,
    subnet_ids,
    security_group_ids
FROM vpc_endpoints_current
WHERE state NOT IN ('deleted', 'deleting', 'failed', 'rejected', 'expired')
ORDER BY
    account,
    region,
    endpoint_id
