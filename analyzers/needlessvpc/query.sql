-- A row is a function as it is now ($LATEST), with its place in the network and
-- what might need it there.
SELECT
    f.account                                                                    AS account,
    f.region                                                                     AS region,
    f.function_arn                                                               AS function_arn,
    f.function_name                                                              AS function_name,
    arrayFirst(v -> v != '', [t.tags['owner'], t.tags['team'], t.tags['Owner']]) AS owner,
    f.role_arn                                                                   AS role_arn,
    f.vpc_id                                                                     AS vpc_id,
    arraySort(f.subnet_ids)                                                      AS subnet_ids,
    arraySort(f.security_group_ids)                                              AS security_group_ids,
    f.env_refs                                                                   AS env_refs,
    f.file_system_arns                                                           AS file_system_arns,
    p.attached                                                                   AS versions_attached
FROM functions_current AS f
LEFT JOIN tags_current AS t
    ON t.account = f.account AND t.region = f.region AND t.resource_arn = f.function_arn
LEFT JOIN
(
    SELECT
        account,
        region,
        function_arn,
        count() AS attached
    FROM functions_current
    WHERE version != '$LATEST'
        AND vpc_id != ''
    GROUP BY
        account,
        region,
        function_arn
) AS p
    ON p.account = f.account AND p.region = f.region AND p.function_arn = f.function_arn
WHERE f.version = '$LATEST'
    AND ({account:String} = '' OR f.account = {account:String})
    AND ({region:String} = '' OR f.region = {region:String})
    AND ({resource:String} = '' OR f.function_arn = {resource:String})
ORDER BY
    account,
    region,
    function_arn
