# Three roles: what the service may do, what ECS may do to start it, what the machines are.

locals {
  assume = { for service in ["ecs-tasks", "ec2"] : service => jsonencode({
    Version = "2012-10-17"
    Statement = [merge(
      {
        Effect    = "Allow"
        Principal = { Service = "${service}.amazonaws.com" }
        Action    = "sts:AssumeRole"
      },
      # Another account's task cannot have our role assumed for it. Machines assume theirs without such a source.
      service == "ecs-tasks" ? { Condition = { StringEquals = { "aws:SourceAccount" = local.account } } } : {},
    )]
  }) }
  bucket_arn = aws_s3_bucket.images.arn
  readable   = [for name in ["avatar", "subject", "generated", "lora", "model"] : "${local.bucket_arn}/${local.prefixes[name]}/*"]
}

resource "aws_iam_role" "task" {
  name               = "${var.name}-task"
  assume_role_policy = local.assume["ecs-tasks"]
  tags               = local.tags
}

resource "aws_iam_role_policy" "task" {
  name = "objects"
  role = aws_iam_role.task.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [
      { Sid = "Read", Effect = "Allow", Action = "s3:GetObject", Resource = local.readable },
      {
        # Deleting: what an attempt has stored for a job that was cancelled after all.
        Sid      = "WriteResults"
        Effect   = "Allow"
        Action   = ["s3:PutObject", "s3:DeleteObject"]
        Resource = "${local.bucket_arn}/${local.prefixes.generated}/*"
      },
      # Without it S3 answers 403 for a missing object, and a missing avatar could not be told from a wrong permission.
      { Sid = "TellMissingFromForbidden", Effect = "Allow", Action = "s3:ListBucket", Resource = local.bucket_arn },
      {
        # The agent writes the metrics as log lines (embedded metric format).
        Sid      = "Metrics"
        Effect   = "Allow"
        Action   = ["logs:CreateLogStream", "logs:PutLogEvents"]
        Resource = "${aws_cloudwatch_log_group.metrics.arn}:*"
      },
    ]
  })
}

resource "aws_iam_role" "execution" {
  name               = "${var.name}-execution"
  assume_role_policy = local.assume["ecs-tasks"]
  tags               = local.tags
}

resource "aws_iam_role_policy_attachment" "execution" {
  role       = aws_iam_role.execution.name
  policy_arn = "arn:${local.partition}:iam::aws:policy/service-role/AmazonECSTaskExecutionRolePolicy"
}

resource "aws_iam_role_policy" "execution" {
  name = "secrets"
  role = aws_iam_role.execution.id
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = [{
      Effect   = "Allow"
      Action   = "secretsmanager:GetSecretValue"
      Resource = [for secret in aws_secretsmanager_secret.service : secret.arn]
    }]
  })
}

resource "aws_iam_role" "machine" {
  name               = "${var.name}-machine"
  assume_role_policy = local.assume["ec2"]
  tags               = local.tags
}

resource "aws_iam_role_policy_attachment" "machine" {
  role       = aws_iam_role.machine.name
  policy_arn = "arn:${local.partition}:iam::aws:policy/service-role/AmazonEC2ContainerServiceforEC2Role"
}

resource "aws_iam_instance_profile" "machine" {
  name = "${var.name}-machine"
  role = aws_iam_role.machine.name
  tags = local.tags
}
