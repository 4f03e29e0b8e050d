variable "name" {
  description = "Name of the role and of its policy."
  type        = string
  default     = "faaswarden"

  validation {
    condition     = can(regex("^[A-Za-z0-9+=,.@_-]{1,64}$", var.name))
    error_message = "Give 1 to 64 letters, digits and +=,.@_- as IAM allows them."
  }
}

variable "path" {
  description = "IAM path of the role and of its policy."
  type        = string
  default     = "/"

  validation {
    condition     = can(regex("^/([A-Za-z0-9+=,.@_-]+/)*$", var.path))
    error_message = "Begin and end the path with a slash, such as /audit/."
  }
}

variable "collector_principal_arns" {
  description = "Roles or users that faaswarden runs as, and that may assume this role: arn:aws:iam::ACCOUNT:role/NAME. An account's root would let everybody in it delegate this; name the role."
  type        = list(string)

  validation {
    condition     = length(var.collector_principal_arns) > 0
    error_message = "Name at least one role or user that faaswarden runs as."
  }

  validation {
    condition     = alltrue([for arn in var.collector_principal_arns : can(regex("^arn:aws[a-z-]*:iam::[0-9]{12}:(role|user)/.+$", arn))])
    error_message = "Give ARNs of roles or users, such as arn:aws:iam::111122223333:role/faaswarden-collector; no wildcards and no account roots."
  }
}

variable "external_id" {
  description = "External id that faaswarden gives when it assumes the role; aws.accounts[].external_id of its configuration. Make it with uuidgen, and use one for each account or for all of them."
  type        = string
  sensitive   = true

  validation {
    condition     = can(regex("^[A-Za-z0-9+=,.@:/_-]{16,1224}$", var.external_id))
    error_message = "Give 16 to 1,224 letters, digits and +=,.@:/_- such as a UUID."
  }
}

variable "billing" {
  description = "Whether Cost Explorer may be read. True in a management or a single account; a member account may do without, when the management account's bill is read."
  type        = bool
  default     = true
}

variable "excluded_actions" {
  description = "Actions of the policy that are not granted, such as lambda:GetFunction when collectors.functions.get_function is false. What needs them then ends as cannot determine."
  type        = set(string)
  default     = []

  validation {
    condition     = alltrue([for action in var.excluded_actions : can(regex("^[a-z0-9-]+:[A-Za-z]+$", action))])
    error_message = "Give whole actions, such as lambda:GetFunction."
  }
}

variable "permissions_boundary_arn" {
  description = "Permissions boundary of the role, where the organisation demands one."
  type        = string
  default     = null

  validation {
    condition     = var.permissions_boundary_arn == null || can(regex("^arn:aws[a-z-]*:iam::([0-9]{12}|aws):policy/.+$", var.permissions_boundary_arn))
    error_message = "Give the ARN of a policy, or leave it out."
  }
}

variable "max_session_duration" {
  description = "Seconds that a session of the role may last. One hour is enough: the SDK renews it."
  type        = number
  default     = 3600

  validation {
    condition     = var.max_session_duration >= 3600 && var.max_session_duration <= 43200
    error_message = "Give 3600 to 43200 seconds."
  }
}

variable "tags" {
  description = "Tags of the role and of its policy."
  type        = map(string)
  default     = {}
}
