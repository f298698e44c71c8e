output "url" {
  description = "Where to call; the certificate's name should lead there."
  value       = "https://${aws_lb.service.dns_name}"
}

output "cluster" {
  description = "Name of the ECS cluster."
  value       = aws_ecs_cluster.service.name
}

output "service" {
  description = "Name of the ECS service."
  value       = aws_ecs_service.service.name
}

output "bucket" {
  description = "The bucket."
  value       = aws_s3_bucket.images.bucket
}

output "auth_token_secret_arn" {
  description = "The secret with AUTH_TOKEN, for AutoBio's backend."
  value       = aws_secretsmanager_secret.service["AUTH_TOKEN"].arn
}
