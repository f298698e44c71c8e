# AUTH_TOKEN, DATABASE_URL, and CACHE_URL where there is a cache. Their values come as ephemeral variables: they are in no state file and no plan, and are
# written only when `secret_version` is raised. How to rotate them: docs/10-operations.md.

resource "aws_secretsmanager_secret" "service" {
  for_each                = toset(concat(["AUTH_TOKEN", "DATABASE_URL"], var.cache == null ? [] : ["CACHE_URL"]))
  name                    = "${var.name}/${each.key}"
  recovery_window_in_days = 7
  tags                    = local.tags
}

resource "aws_secretsmanager_secret_version" "token" {
  secret_id                = aws_secretsmanager_secret.service["AUTH_TOKEN"].id
  secret_string_wo         = var.auth_token
  secret_string_wo_version = var.secret_version
}

resource "aws_secretsmanager_secret_version" "database" {
  secret_id = aws_secretsmanager_secret.service["DATABASE_URL"].id
  # Encrypted; the server's certificate is not checked, because its root is not among those that Node knows.
  secret_string_wo = join("", [
    "postgres://illustration:", var.database_password,
    "@", aws_rds_cluster.jobs.endpoint, ":5432/illustration?sslmode=no-verify",
  ])
  secret_string_wo_version = var.secret_version
}

resource "aws_secretsmanager_secret_version" "cache" {
  count                    = var.cache == null ? 0 : 1
  secret_id                = aws_secretsmanager_secret.service["CACHE_URL"].id
  secret_string_wo         = var.cache_url
  secret_string_wo_version = var.secret_version
}
