# A management account, whose bill is read, and two member accounts; faaswarden
# runs in a tools account. A member more is a provider and a module more.

terraform {
  required_version = "~> 1.5"

  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 6.0"
    }
  }
}

variable "region" {
  description = "Region of the providers; IAM has none."
  type        = string
  default     = "eu-west-1"
}

variable "tools_account_id" {
  description = "The account that faaswarden runs in."
  type        = string
}

variable "member_account_ids" {
  description = "The member accounts by name: production and staging."
  type        = object({ production = string, staging = string })
}

variable "external_id" {
  description = "External id of all roles, such as uuidgen prints."
  type        = string
  sensitive   = true
}

locals {
  collector = "arn:aws:iam::${var.tools_account_id}:role/faaswarden-collector"
  admin     = "OrganizationAccountAccessRole"
}

# The caller's own credentials are the management account's.
provider "aws" {
  region = var.region
}

provider "aws" {
  alias  = "tools"
  region = var.region

  assume_role {
    role_arn = "arn:aws:iam::${var.tools_account_id}:role/${local.admin}"
  }
}

provider "aws" {
  alias  = "production"
  region = var.region

  assume_role {
    role_arn = "arn:aws:iam::${var.member_account_ids.production}:role/${local.admin}"
  }
}

provider "aws" {
  alias  = "staging"
  region = var.region

  assume_role {
    role_arn = "arn:aws:iam::${var.member_account_ids.staging}:role/${local.admin}"
  }
}

module "management" {
  source = "../.."

  collector_principal_arns = [local.collector]
  external_id              = var.external_id
}

module "production" {
  source    = "../.."
  providers = { aws = aws.production }

  collector_principal_arns = [local.collector]
  external_id              = var.external_id
  billing                  = false
}

module "staging" {
  source    = "../.."
  providers = { aws = aws.staging }

  collector_principal_arns = [local.collector]
  external_id              = var.external_id
  billing                  = false
}

# What the collector's role in the tools account needs beside its own trust.
data "aws_iam_policy_document" "assume" {
  statement {
    sid       = "FaaswardenAssume"
    actions   = ["sts:AssumeRole"]
    resources = [module.management.role_arn, module.production.role_arn, module.staging.role_arn]
  }
}

resource "aws_iam_policy" "assume" {
  provider = aws.tools
  name     = "faaswarden-assume"
  policy   = data.aws_iam_policy_document.assume.json
}

output "role_arns" {
  description = "For aws.accounts of faaswarden's configuration."
  value = {
    management = module.management.role_arn
    production = module.production.role_arn
    staging    = module.staging.role_arn
  }
}
