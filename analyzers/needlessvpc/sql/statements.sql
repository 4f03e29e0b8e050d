-- A row is what one role may do that works inside a VPC only, or under a
-- condition on the network it is asked from. A boundary allows nothing by itself.
SELECT
    account,
    region,
    role_arn,
    policy,
    arrayFilter(a -> match(lower(a), {private_actions:String}), actions) AS private_actions,
    match(lower(condition), 'aws:(sourcevpc|sourcevpce|vpcsourceip)')    AS network_condition
FROM role_statements_current
WHERE NOT startsWith(policy, 'boundary: ')
    AND (network_condition OR (effect = 'Allow' AND notEmpty(private_actions)))
ORDER BY
    account,
    region,
    role_arn,
    policy,
    statement
