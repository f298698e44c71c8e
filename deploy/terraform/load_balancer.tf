# Callers wait up to 120 s for a picture: the balancer waits longer, and the gateway keeps idle connections longer still.

locals {
  load_balancer_subnet_ids = length(var.load_balancer_subnet_ids) > 0 ? var.load_balancer_subnet_ids : var.private_subnet_ids
}

resource "aws_lb" "service" {
  name                       = var.name
  load_balancer_type         = "application"
  internal                   = var.load_balancer_is_internal
  subnets                    = local.load_balancer_subnet_ids
  security_groups            = [aws_security_group.load_balancer.id]
  idle_timeout               = local.seconds.load_balancer_idle_timeout
  drop_invalid_header_fields = true
  enable_deletion_protection = var.is_deletion_protected
  tags                       = local.tags
}

resource "aws_lb_target_group" "gateway" {
  name                 = var.name
  port                 = local.facts.ports.http
  protocol             = "HTTP"
  target_type          = "ip"
  vpc_id               = var.vpc_id
  deregistration_delay = local.seconds.load_balancer_deregistration
  # A request costs seconds, so the one with the fewest in flight is the one that is free.
  load_balancing_algorithm_type = "least_outstanding_requests"
  tags                          = local.tags
  health_check {
    path                = local.facts.probes.ready
    matcher             = "200"
    interval            = 5
    timeout             = 3
    healthy_threshold   = 2
    unhealthy_threshold = 2
  }
}

# Port 80 is closed: a redirect would turn the POST of a careless caller into a GET, and its token would have crossed in clear.
resource "aws_lb_listener" "https" {
  load_balancer_arn = aws_lb.service.arn
  port              = 443
  protocol          = "HTTPS"
  certificate_arn   = var.certificate_arn
  ssl_policy        = "ELBSecurityPolicy-TLS13-1-2-2021-06"
  tags              = local.tags
  default_action {
    type             = "forward"
    target_group_arn = aws_lb_target_group.gateway.arn
  }
}
