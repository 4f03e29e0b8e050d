-- A row is a role that may do something to every resource there is: a permission
-- that no edge shows, because it names nothing.
SELECT
    account,
    region,
    role_arn,
    groupUniqArrayArray(arrayMap(a -> lower(a), actions)) AS lower_actions
FROM role_statements_current
WHERE effect = 'Allow'
    AND has(resources, '*')
    AND NOT startsWith(policy, 'boundary: ')
GROUP BY
    account,
    region,
    role_arn
ORDER BY
    account,
    region,
    role_arn
