# Offline: AWS is mocked, the plan is ours. `terraform test` in this folder.

mock_provider "aws" {
  # Known in the plan already, so that it can be asserted upon.
  override_during = plan

  mock_data "aws_region" {
    defaults = { name = "eu-central-1" }
  }
  mock_data "aws_caller_identity" {
    defaults = { account_id = "123456789012" }
  }
  mock_data "aws_partition" {
    defaults = { partition = "aws" }
  }
  mock_data "aws_ssm_parameter" {
    defaults = { value = "ami-0123456789abcdef0" }
  }
  mock_resource "aws_lb" {
    defaults = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:loadbalancer/app/illustration/1" }
  }
  mock_resource "aws_lb_target_group" {
    defaults = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:targetgroup/illustration/1" }
  }
  mock_resource "aws_lb_listener" {
    defaults = { arn = "arn:aws:elasticloadbalancing:eu-central-1:123456789012:listener/app/illustration/1/2" }
  }
  mock_resource "aws_iam_instance_profile" {
    defaults = { arn = "arn:aws:iam::123456789012:instance-profile/machine" }
  }
  mock_resource "aws_iam_role" {
    defaults = { arn = "arn:aws:iam::123456789012:role/illustration" }
  }
  mock_resource "aws_s3_bucket" {
    defaults = { arn = "arn:aws:s3:::auto-bio-illustrations" }
  }
  mock_resource "aws_secretsmanager_secret" {
    defaults = { arn = "arn:aws:secretsmanager:eu-central-1:123456789012:secret:illustration/SECRET" }
  }
  mock_resource "aws_cloudwatch_log_group" {
    defaults = { arn = "arn:aws:logs:eu-central-1:123456789012:log-group:/ecs/illustration" }
  }
  mock_resource "aws_autoscaling_group" {
    defaults = { arn = "arn:aws:autoscaling:eu-central-1:123456789012:autoScalingGroup:1:autoScalingGroupName/illustration" }
  }
  mock_resource "aws_ecs_task_definition" {
    defaults = { arn = "arn:aws:ecs:eu-central-1:123456789012:task-definition/illustration:1" }
  }
}

override_resource {
  target          = aws_security_group.task
  override_during = plan
  values          = { id = "sg-task" }
}

variables {
  vpc_id             = "vpc-1"
  private_subnet_ids = ["subnet-a", "subnet-b"]
  client_cidrs       = ["10.0.0.0/16"]
  certificate_arn    = "arn:aws:acm:eu-central-1:123456789012:certificate/1"
  auth_token         = "0123456789abcdef0123"
  database_password  = "0123456789abcdef0123"
  images             = { gateway = "registry/gateway:1", worker = "registry/worker:1" }
  uploader_role_arns = ["arn:aws:iam::123456789012:role/autobio-backend"]
}


run "callers_that_wait_are_not_cut_off" {
  command = plan

  assert {
    condition     = aws_lb.service.idle_timeout > 120 && aws_lb.service.idle_timeout < local.seconds.gateway_keep_alive
    error_message = "The balancer must wait longer than the callers (120 s), and close idle connections before the gateway does."
  }
  assert {
    condition     = tonumber(aws_lb_target_group.gateway.deregistration_delay) > 120
    error_message = "A task that goes must be let finish what callers wait for."
  }
  assert {
    condition     = aws_lb_target_group.gateway.health_check[0].path == "/health/ready"
    error_message = "The balancer must ask whether requests should come, not whether the process lives."
  }
  assert {
    condition = alltrue([
      for one in local.task.containerDefinitions :
      one.stopTimeout > tonumber({ for setting in one.environment : setting.name => setting.value }["SHUTDOWN_GRACE_SECONDS"])
    ])
    error_message = "A container would be killed before its grace time is over."
  }
}

run "the_task_is_the_one_of_deploy_ecs" {
  command = plan

  assert {
    condition     = toset([for one in local.containers : one.name]) == toset([for one in local.task.containerDefinitions : one.name])
    error_message = "The task definition lost or gained a container."
  }
  assert {
    condition     = alltrue([for one in local.containers : one.image == var.images[one.name] && one.readonlyRootFilesystem])
    error_message = "The containers run the given images, on a read-only root."
  }
  assert {
    condition     = length([for one in local.containers : one if try(one.resourceRequirements[0].type, "") == "GPU"]) == 1
    error_message = "One container, the worker, has the GPU."
  }
  assert {
    condition     = !can(regex("ACCOUNT|[^_]REGION", aws_ecs_task_definition.service.container_definitions))
    error_message = "A placeholder of the file is left."
  }
  assert {
    condition     = !strcontains(aws_ecs_task_definition.service.container_definitions, "0123456789abcdef0123")
    error_message = "A secret stands in the task definition."
  }
}

run "no_more_rights_than_needed" {
  command = plan

  assert {
    condition     = !can(regex("\"s3:\\*\"", aws_iam_role_policy.task.policy)) && !can(regex("\"Resource\":\"\\*\"", aws_iam_role_policy.task.policy))
    error_message = "The service's role has a wildcard."
  }
  assert {
    condition = alltrue([
      for statement in jsondecode(aws_iam_role_policy.task.policy).Statement :
      endswith(statement.Resource, "/generated/*") if can(index(statement.Action, "s3:PutObject"))
    ])
    error_message = "The service writes results only."
  }
  assert {
    condition     = jsondecode(aws_s3_bucket_policy.images.policy).Statement[0].Condition.Bool["aws:SecureTransport"] == "false"
    error_message = "The bucket must refuse what comes without TLS."
  }
  assert {
    condition     = length(jsondecode(aws_iam_role_policy.execution.policy).Statement[0].Resource) == 2
    error_message = "ECS may read the two secrets, and no other."
  }
}

run "without_a_backend_role_the_policy_has_nobody_in_it" {
  command = plan
  variables {
    uploader_role_arns = []
  }
  assert {
    condition     = length(jsondecode(aws_s3_bucket_policy.images.policy).Statement) == 1
    error_message = "AWS refuses a statement with an empty list of principals."
  }
}

run "autoscaling_follows_the_backlog" {
  command = plan

  assert {
    condition     = aws_appautoscaling_policy.backlog.target_tracking_scaling_policy_configuration[0].target_value == 4
    error_message = "The target is the outstanding jobs a task."
  }
  assert {
    condition = anytrue([
      for one in aws_appautoscaling_policy.backlog.target_tracking_scaling_policy_configuration[0].customized_metric_specification[0].metrics :
      one.return_data && strcontains(coalesce(one.expression, "none"), "queued + running")
    ])
    error_message = "The signal is the outstanding jobs a task."
  }
  assert {
    condition     = aws_autoscaling_group.machines.max_size > aws_appautoscaling_target.tasks.max_capacity
    error_message = "A deployment at the limit needs a machine more."
  }
}

run "secrets_are_in_no_plan" {
  command = plan

  assert {
    condition     = aws_rds_cluster.jobs.storage_encrypted && aws_rds_cluster.jobs.deletion_protection
    error_message = "The jobs are encrypted and not deleted by accident."
  }
  assert {
    condition     = aws_rds_cluster.jobs.master_password == null && aws_secretsmanager_secret_version.token.secret_string == null
    error_message = "A secret would be kept in the state."
  }
}

run "spot_machines_keep_one_that_stays" {
  command = plan
  variables {
    spot_percentage = 100
  }
  assert {
    condition     = aws_autoscaling_group.machines.mixed_instances_policy[0].instances_distribution[0].on_demand_base_capacity == 1
    error_message = "One machine stays when the spot market has none."
  }
  assert {
    condition     = aws_autoscaling_group.machines.capacity_rebalance
    error_message = "Machines at risk are replaced ahead."
  }
}

run "a_short_token_is_refused" {
  command = plan
  variables {
    auth_token = "short"
  }
  expect_failures = [var.auth_token]
}

run "fewer_tasks_at_most_than_at_least_are_refused" {
  command = plan
  variables {
    min_tasks = 3
    max_tasks = 2
  }
  expect_failures = [var.max_tasks]
}

run "without_a_cache_nothing_leads_to_one" {
  command = plan

  assert {
    condition     = length(aws_vpc_security_group_egress_rule.to_cache) + length(aws_vpc_security_group_ingress_rule.cache_from_tasks) == 0
    error_message = "A way to Redis is open, and there is none."
  }
  assert {
    condition     = !contains([for one in local.secrets.gateway : one.name], "CACHE_URL")
    error_message = "A task does not start that asks for a secret without a value."
  }
}

run "a_cache_is_reached_by_the_tasks_alone" {
  command = plan
  variables {
    cache     = { security_group_id = "sg-cache", port = 6380 }
    cache_url = "rediss://service:0123456789abcdef0123@cache.example:6380"
  }

  assert {
    condition = (
      aws_vpc_security_group_egress_rule.to_cache[0].security_group_id == "sg-task" &&
      aws_vpc_security_group_egress_rule.to_cache[0].referenced_security_group_id == "sg-cache" &&
      aws_vpc_security_group_ingress_rule.cache_from_tasks[0].security_group_id == "sg-cache" &&
      aws_vpc_security_group_ingress_rule.cache_from_tasks[0].referenced_security_group_id == "sg-task"
    )
    error_message = "The way from the tasks to the cache is open at one end only."
  }
  assert {
    condition = alltrue([
      for rule in [aws_vpc_security_group_egress_rule.to_cache[0], aws_vpc_security_group_ingress_rule.cache_from_tasks[0]] :
      rule.from_port == 6380 && rule.to_port == 6380
    ])
    error_message = "Another port than the cache's is open."
  }
  assert {
    condition     = toset([for one in local.secrets.gateway : one.name]) == toset(["AUTH_TOKEN", "DATABASE_URL", "CACHE_URL"])
    error_message = "The gateway is not told of the cache."
  }
  assert {
    condition     = length(jsondecode(aws_iam_role_policy.execution.policy).Statement[0].Resource) == 3
    error_message = "ECS may not read the cache's secret."
  }
  assert {
    condition     = !strcontains(aws_ecs_task_definition.service.container_definitions, "0123456789abcdef0123")
    error_message = "The cache's password stands in the task definition."
  }
}

run "a_cache_without_its_url_is_refused" {
  command = plan
  variables {
    cache = { security_group_id = "sg-cache" }
  }
  expect_failures = [var.cache_url]
}
