# One task a GPU: the task definition of deploy/ecs, with this account's images, roles, secrets and logs, and beside it the
# agent that reads the metrics.

locals {
  task = jsondecode(file("${path.module}/../ecs/task-definition.json"))

  # What differs from the file, by container; later settings win.
  settings = {
    gateway = merge({ S3_BUCKET_NAME = aws_s3_bucket.images.bucket, AWS_REGION = local.region }, var.gateway_settings)
    worker  = merge({ AWS_REGION = local.region }, var.model_settings)
  }
  secrets = {
    gateway = [for name, secret in aws_secretsmanager_secret.service : { name = name, valueFrom = secret.arn }]
    worker  = []
  }
  containers = [for container in local.task.containerDefinitions : merge(container, {
    image = var.images[container.name]
    environment = [
      for name, value in merge({ for one in container.environment : one.name => one.value }, local.settings[container.name]) :
      { name = name, value = value }
    ]
    secrets          = local.secrets[container.name]
    logConfiguration = local.logging[container.name]
  })]
  logging = { for name in ["gateway", "worker", "metrics"] : name => {
    logDriver = "awslogs"
    options = {
      awslogs-group         = aws_cloudwatch_log_group.service.name
      awslogs-region        = local.region
      awslogs-stream-prefix = name
    }
  } }
}

resource "aws_cloudwatch_log_group" "service" {
  name              = "/ecs/${var.name}"
  retention_in_days = var.log_retention_days
  tags              = local.tags
}

resource "aws_ecs_task_definition" "service" {
  family                   = var.name
  network_mode             = local.task.networkMode
  requires_compatibilities = local.task.requiresCompatibilities
  cpu                      = local.task.cpu
  memory                   = local.task.memory
  execution_role_arn       = aws_iam_role.execution.arn
  task_role_arn            = aws_iam_role.task.arn
  container_definitions    = jsonencode(concat(local.containers, [local.metrics_container]))
  tags                     = local.tags

  dynamic "volume" {
    for_each = local.task.volumes
    content {
      name      = volume.value.name
      host_path = try(volume.value.host.sourcePath, null)
    }
  }
}

resource "aws_ecs_service" "service" {
  name            = var.name
  cluster         = aws_ecs_cluster.service.id
  task_definition = aws_ecs_task_definition.service.arn
  desired_count   = var.min_tasks
  tags            = local.tags
  propagate_tags  = "SERVICE"
  # SDXL may have to be downloaded before a task is ready.
  health_check_grace_period_seconds = local.seconds.model_load
  # New tasks come up, on machines of their own, before the old ones go: a deployment of one task has no gap.
  deployment_minimum_healthy_percent = 100
  deployment_maximum_percent         = 200
  depends_on                         = [aws_lb_listener.https, aws_ecs_cluster_capacity_providers.service]

  capacity_provider_strategy {
    capacity_provider = aws_ecs_capacity_provider.gpu.name
    weight            = 1
  }
  deployment_circuit_breaker {
    enable   = true
    rollback = true
  }
  ordered_placement_strategy {
    type  = "spread"
    field = "attribute:ecs.availability-zone"
  }
  network_configuration {
    subnets         = var.private_subnet_ids
    security_groups = [aws_security_group.task.id]
  }
  load_balancer {
    target_group_arn = aws_lb_target_group.gateway.arn
    container_name   = "gateway"
    container_port   = local.facts.ports.http
  }
  lifecycle {
    # Autoscaling's.
    ignore_changes = [desired_count]
  }
}
