# CloudWatch's agent in each task reads the gateway's /metrics and writes what autoscaling and alarms need. The gauges of the
# queue are of all gateways, so each task tells the same: take the maximum, never the sum.

resource "aws_cloudwatch_log_group" "metrics" {
  name              = "/ecs/${var.name}/metrics"
  retention_in_days = 7
  tags              = local.tags
}

locals {
  scrape = {
    global = { scrape_interval = "15s", scrape_timeout = "10s" }
    scrape_configs = [{
      job_name       = "gateway"
      static_configs = [{ targets = ["127.0.0.1:${local.facts.ports.metrics}"] }]
    }]
  }
  kept_metrics = [
    { labels = ["job", "state"], metrics = ["illustration_jobs_outstanding", "illustration_jobs_ended_total"] },
    { labels = ["job"], metrics = ["illustration_oldest_queued_job_age_seconds", "illustration_worker_ready"] },
  ]
  agent = {
    logs = {
      metrics_collected = {
        prometheus = {
          prometheus_config_path = "env:PROMETHEUS_CONFIG_CONTENT"
          log_group_name         = aws_cloudwatch_log_group.metrics.name
          emf_processor = {
            metric_namespace = local.metrics_namespace
            metric_declaration = [for one in local.kept_metrics : {
              source_labels    = ["job"]
              label_matcher    = "^gateway$"
              dimensions       = [one.labels]
              metric_selectors = [for name in one.metrics : "^${name}$"]
            }]
          }
        }
      }
    }
  }
  metrics_container = {
    name              = "metrics"
    image             = var.cloudwatch_agent_image
    essential         = false
    memoryReservation = 128
    environment = [
      { name = "CW_CONFIG_CONTENT", value = jsonencode(local.agent) },
      { name = "PROMETHEUS_CONFIG_CONTENT", value = yamlencode(local.scrape) },
    ]
    logConfiguration = local.logging.metrics
  }
}
