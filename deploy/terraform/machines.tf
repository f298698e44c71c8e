# GPU machines: as many as the tasks ask for, one task each.

data "aws_ssm_parameter" "machine_image" {
  name = "/aws/service/ecs/optimized-ami/amazon-linux-2023/gpu/recommended/image_id"
}

resource "aws_ecs_cluster" "service" {
  name = var.name
  tags = local.tags
  setting {
    name  = "containerInsights"
    value = "enabled"
  }
}

resource "aws_launch_template" "machine" {
  name_prefix            = "${var.name}-"
  image_id               = data.aws_ssm_parameter.machine_image.value
  instance_type          = var.instance_type
  vpc_security_group_ids = [aws_security_group.machine.id]
  update_default_version = true
  tags                   = local.tags
  user_data              = base64encode(templatefile("${path.module}/ecs-machine.sh", { cluster = aws_ecs_cluster.service.name }))

  iam_instance_profile {
    arn = aws_iam_instance_profile.machine.arn
  }
  # Session tokens only, and no hop more: a container cannot take the machine's role.
  metadata_options {
    http_tokens                 = "required"
    http_put_response_hop_limit = 1
  }
  block_device_mappings {
    device_name = "/dev/xvda"
    ebs {
      # Images of 10 GB, models of 10 GB and more, their downloads.
      volume_size = 120
      volume_type = "gp3"
      throughput  = 500
      iops        = 4000
      encrypted   = true
    }
  }
  tag_specifications {
    resource_type = "instance"
    tags          = merge(local.tags, { Name = var.name })
  }
}

resource "aws_autoscaling_group" "machines" {
  name_prefix           = "${var.name}-"
  vpc_zone_identifier   = var.private_subnet_ids
  min_size              = 0
  max_size              = var.max_tasks + 1
  protect_from_scale_in = true
  capacity_rebalance    = var.spot_percentage > 0

  mixed_instances_policy {
    instances_distribution {
      on_demand_base_capacity                  = 1
      on_demand_percentage_above_base_capacity = 100 - var.spot_percentage
      spot_allocation_strategy                 = "price-capacity-optimized"
    }
    launch_template {
      launch_template_specification {
        launch_template_id = aws_launch_template.machine.id
        version            = aws_launch_template.machine.latest_version
      }
    }
  }
  tag {
    key                 = "AmazonECSManaged"
    value               = "true"
    propagate_at_launch = true
  }
  lifecycle {
    # The capacity provider's.
    ignore_changes = [desired_capacity]
  }
}

resource "aws_ecs_capacity_provider" "gpu" {
  name = "${var.name}-gpu"
  tags = local.tags
  auto_scaling_group_provider {
    auto_scaling_group_arn         = aws_autoscaling_group.machines.arn
    managed_termination_protection = "ENABLED"
    managed_draining               = "ENABLED"
    managed_scaling {
      status                    = "ENABLED"
      target_capacity           = 100
      minimum_scaling_step_size = 1
      maximum_scaling_step_size = 4
      # A machine needs minutes until its task reports.
      instance_warmup_period = 300
    }
  }
}

resource "aws_ecs_cluster_capacity_providers" "service" {
  cluster_name       = aws_ecs_cluster.service.name
  capacity_providers = [aws_ecs_capacity_provider.gpu.name]
  default_capacity_provider_strategy {
    capacity_provider = aws_ecs_capacity_provider.gpu.name
    weight            = 1
  }
}
