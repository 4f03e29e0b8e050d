output "role_arn" {
  description = "The role, for aws.accounts[].role_arn of faaswarden's configuration."
  value       = aws_iam_role.this.arn
}

output "role_name" {
  description = "Name of the role."
  value       = aws_iam_role.this.name
}

output "policy_arn" {
  description = "The policy that the role has."
  value       = aws_iam_policy.this.arn
}

output "actions" {
  description = "Every action that is granted."
  value       = sort(flatten([for s in local.statements : s.Action]))
}

output "configuration" {
  description = "This account's entry below aws.accounts of faaswarden's configuration, as YAML."
  value       = yamlencode([{ name = var.name, role_arn = aws_iam_role.this.arn, external_id = var.external_id }])
  sensitive   = true
}
