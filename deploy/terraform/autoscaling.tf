# As many tasks as the outstanding jobs need: backlog per task is what is held constant. Requests a second say nothing of
# their cost, and a GPU is busy with one job as with ten.

resource "aws_appautoscaling_target" "tasks" {
  service_namespace  = "ecs"
  scalable_dimension = "ecs:service:DesiredCount"
  resource_id        = "service/${aws_ecs_cluster.service.name}/${aws_ecs_service.service.name}"
  min_capacity       = var.min_tasks
  max_capacity       = var.max_tasks
  tags               = local.tags
}

resource "aws_appautoscaling_policy" "backlog" {
  name               = "${var.name}-backlog-per-task"
  policy_type        = "TargetTrackingScaling"
  service_namespace  = aws_appautoscaling_target.tasks.service_namespace
  scalable_dimension = aws_appautoscaling_target.tasks.scalable_dimension
  resource_id        = aws_appautoscaling_target.tasks.resource_id

  target_tracking_scaling_policy_configuration {
    target_value       = var.backlog_per_task
    scale_out_cooldown = 60
    # A task that goes has minutes of loading to do when it comes back.
    scale_in_cooldown = 600

    customized_metric_specification {
      dynamic "metrics" {
        for_each = toset(["queued", "running"])
        content {
          id          = metrics.key
          return_data = false
          metric_stat {
            stat = "Maximum"
            metric {
              namespace   = local.metrics_namespace
              metric_name = "illustration_jobs_outstanding"
              dimensions {
                name  = "job"
                value = "gateway"
              }
              dimensions {
                name  = "state"
                value = metrics.key
              }
            }
          }
        }
      }
      metrics {
        id          = "tasks"
        return_data = false
        metric_stat {
          stat = "Average"
          metric {
            namespace   = "ECS/ContainerInsights"
            metric_name = "RunningTaskCount"
            dimensions {
              name  = "ClusterName"
              value = aws_ecs_cluster.service.name
            }
            dimensions {
              name  = "ServiceName"
              value = aws_ecs_service.service.name
            }
          }
        }
      }
      metrics {
        id          = "backlog_per_task"
        label       = "Outstanding jobs a task"
        expression  = "(queued + running) / IF(tasks < 1, 1, tasks)"
        return_data = true
      }
    }
  }
}
