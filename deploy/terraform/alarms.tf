# What a person should know of; what to do about each is in docs/10-operations.md.

locals {
  gateway_metric = { job = "gateway" }
  balancer       = { LoadBalancer = aws_lb.service.arn_suffix, TargetGroup = aws_lb_target_group.gateway.arn_suffix }
  alarms = {
    jobs-wait = {
      description = "The oldest waiting job has waited for more than five minutes."
      namespace   = local.metrics_namespace, metric = "illustration_oldest_queued_job_age_seconds"
      dimensions  = local.gateway_metric, statistic = "Maximum", above = 300, minutes = 5, missing = "notBreaching"
    }
    jobs-fail = {
      description = "More than five jobs have failed within five minutes."
      namespace   = local.metrics_namespace, metric = "illustration_jobs_ended_total"
      dimensions  = merge(local.gateway_metric, { state = "failed" }), statistic = "Sum", above = 5, minutes = 5, missing = "notBreaching"
    }
    no-metrics = {
      description = "No gateway has told of its worker for ten minutes."
      namespace   = local.metrics_namespace, metric = "illustration_worker_ready"
      dimensions  = local.gateway_metric, statistic = "SampleCount", below = 1, minutes = 10, missing = "breaching"
    }
    errors = {
      description = "The gateway has answered more than ten requests with 5xx within five minutes."
      namespace   = "AWS/ApplicationELB", metric = "HTTPCode_Target_5XX_Count"
      dimensions  = local.balancer, statistic = "Sum", above = 10, minutes = 5, missing = "notBreaching"
    }
    nobody-ready = {
      description = "For ten minutes no task has been ready."
      namespace   = "AWS/ApplicationELB", metric = "HealthyHostCount"
      dimensions  = local.balancer, statistic = "Maximum", below = 1, minutes = 10, missing = "breaching"
    }
    all-tasks-busy = {
      description = "Autoscaling has been at max_tasks for half an hour: jobs may wait, and the bill is at its limit."
      namespace   = "ECS/ContainerInsights", metric = "RunningTaskCount"
      dimensions = {
        ClusterName = aws_ecs_cluster.service.name
        ServiceName = aws_ecs_service.service.name
      }
      statistic = "Minimum", above = var.max_tasks - 1, minutes = 30, missing = "notBreaching"
    }
    database-busy = {
      description = "The database has used more than 80 % of its greatest capacity for fifteen minutes."
      namespace   = "AWS/RDS", metric = "ACUUtilization"
      dimensions  = { DBClusterIdentifier = aws_rds_cluster.jobs.cluster_identifier }, statistic = "Average", above = 80, minutes = 15, missing = "notBreaching"
    }
  }
}

resource "aws_cloudwatch_metric_alarm" "service" {
  for_each            = local.alarms
  alarm_name          = "${var.name}-${each.key}"
  alarm_description   = "${each.value.description} What to do: docs/10-operations.md."
  namespace           = each.value.namespace
  metric_name         = each.value.metric
  dimensions          = each.value.dimensions
  statistic           = each.value.statistic
  comparison_operator = try(each.value.above, null) == null ? "LessThanThreshold" : "GreaterThanThreshold"
  threshold           = try(each.value.above, each.value.below)
  # A sum is over all its minutes, everything else must hold in each of them.
  period             = each.value.statistic == "Sum" ? 60 * each.value.minutes : 60
  evaluation_periods = each.value.statistic == "Sum" ? 1 : each.value.minutes
  treat_missing_data = each.value.missing
  alarm_actions      = var.alarm_topic_arns
  ok_actions         = var.alarm_topic_arns
  tags               = local.tags
}
