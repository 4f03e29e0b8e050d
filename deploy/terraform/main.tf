# A read-only role for faaswarden in one account. Its actions are those of
# ../aws/policy.json, which is generated from what the collectors call.

locals {
  generated = jsondecode(file("${path.module}/../aws/policy.json"))
  excluded  = setunion(var.excluded_actions, var.billing ? [] : ["ce:GetCostAndUsage"])

  # Statements that lose every action are left out: IAM refuses an empty one.
  statements = [
    for s in local.generated.Statement : {
      Sid      = s.Sid
      Effect   = s.Effect
      Action   = sort(setsubtract(s.Action, local.excluded))
      Resource = s.Resource
    } if length(setsubtract(s.Action, local.excluded)) > 0
  ]

  policy = jsonencode({ Version = local.generated.Version, Statement = local.statements })
}

data "aws_iam_policy_document" "trust" {
  statement {
    sid     = "FaaswardenCollector"
    actions = ["sts:AssumeRole"]

    principals {
      type        = "AWS"
      identifiers = var.collector_principal_arns
    }

    condition {
      test     = "StringEquals"
      variable = "sts:ExternalId"
      values   = [var.external_id]
    }
  }
}

resource "aws_iam_role" "this" {
  name                 = var.name
  path                 = var.path
  description          = "Read by faaswarden: cost and governance analytics for AWS Lambda"
  assume_role_policy   = data.aws_iam_policy_document.trust.json
  max_session_duration = var.max_session_duration
  permissions_boundary = var.permissions_boundary_arn
  tags                 = var.tags
}

resource "aws_iam_policy" "this" {
  name        = var.name
  path        = var.path
  description = "What faaswarden's collectors read"
  policy      = local.policy
  tags        = var.tags

  lifecycle {
    precondition {
      condition     = length(local.policy) <= 6144
      error_message = "IAM refuses a managed policy of more than 6,144 characters; exclude actions of collectors that are disabled."
    }
  }
}

resource "aws_iam_role_policy_attachment" "this" {
  role       = aws_iam_role.this.name
  policy_arn = aws_iam_policy.this.arn
}
