-- A row is an edge of the invocation graph, as one source showed it.
SELECT
    account,
    region,
    src_arn,
    dst_arn,
    kind,
    source_kind,
    src_kind,
    dst_kind,
    certainty,
    enabled,
    filter,
    via,
    attributes
FROM edges_current
ORDER BY
    account,
    region,
    source_kind,
    src_arn,
    dst_arn,
    kind,
    via
