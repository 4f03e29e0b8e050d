# faaswarden runs in the account that it reads, as a role of its own. Credentials
# are the environment's: a profile, SSO or a CI role.

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
  description = "Region of the provider; IAM has none."
  type        = string
  default     = "eu-west-1"
}

variable "collector_role_arn" {
  description = "The role that faaswarden runs as."
  type        = string
}

variable "external_id" {
  description = "External id, such as uuidgen prints."
  type        = string
  sensitive   = true
}

provider "aws" {
  region = var.region
}

module "faaswarden" {
  source = "../.."

  collector_principal_arns = [var.collector_role_arn]
  external_id              = var.external_id
  tags                     = { owner = "finops" }
}

output "role_arn" {
  description = "For aws.accounts[0].role_arn."
  value       = module.faaswarden.role_arn
}
