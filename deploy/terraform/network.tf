# callers -> load balancer -> tasks -> database and cache, and nothing else in.

resource "aws_security_group" "load_balancer" {
  name        = "${var.name}-load-balancer"
  description = "Callers to the load balancer"
  vpc_id      = var.vpc_id
  tags        = local.tags
}

resource "aws_vpc_security_group_ingress_rule" "callers" {
  for_each          = toset(var.client_cidrs)
  security_group_id = aws_security_group.load_balancer.id
  cidr_ipv4         = each.value
  from_port         = 443
  to_port           = 443
  ip_protocol       = "tcp"
}

resource "aws_vpc_security_group_egress_rule" "to_tasks" {
  security_group_id            = aws_security_group.load_balancer.id
  referenced_security_group_id = aws_security_group.task.id
  from_port                    = local.facts.ports.http
  to_port                      = local.facts.ports.http
  ip_protocol                  = "tcp"
}

resource "aws_security_group" "task" {
  name        = "${var.name}-task"
  description = "The service"
  vpc_id      = var.vpc_id
  tags        = local.tags
}

resource "aws_vpc_security_group_ingress_rule" "from_load_balancer" {
  security_group_id            = aws_security_group.task.id
  referenced_security_group_id = aws_security_group.load_balancer.id
  from_port                    = local.facts.ports.http
  to_port                      = local.facts.ports.http
  ip_protocol                  = "tcp"
}

# S3, Secrets Manager, the model hub, webhooks; the database.
resource "aws_vpc_security_group_egress_rule" "https" {
  security_group_id = aws_security_group.task.id
  cidr_ipv4         = "0.0.0.0/0"
  from_port         = 443
  to_port           = 443
  ip_protocol       = "tcp"
}

resource "aws_vpc_security_group_egress_rule" "to_database" {
  security_group_id            = aws_security_group.task.id
  referenced_security_group_id = aws_security_group.database.id
  from_port                    = 5432
  to_port                      = 5432
  ip_protocol                  = "tcp"
}

resource "aws_security_group" "database" {
  name        = "${var.name}-database"
  description = "The service to its jobs"
  vpc_id      = var.vpc_id
  tags        = local.tags
}

resource "aws_vpc_security_group_ingress_rule" "from_tasks" {
  security_group_id            = aws_security_group.database.id
  referenced_security_group_id = aws_security_group.task.id
  from_port                    = 5432
  to_port                      = 5432
  ip_protocol                  = "tcp"
}

# The cache is somebody else's (`cache`); what lets the tasks in is ours.
resource "aws_vpc_security_group_egress_rule" "to_cache" {
  count                        = var.cache == null ? 0 : 1
  security_group_id            = aws_security_group.task.id
  referenced_security_group_id = var.cache.security_group_id
  from_port                    = var.cache.port
  to_port                      = var.cache.port
  ip_protocol                  = "tcp"
}

resource "aws_vpc_security_group_ingress_rule" "cache_from_tasks" {
  count                        = var.cache == null ? 0 : 1
  security_group_id            = var.cache.security_group_id
  referenced_security_group_id = aws_security_group.task.id
  from_port                    = var.cache.port
  to_port                      = var.cache.port
  ip_protocol                  = "tcp"
}

# The machines themselves: ECS and ECR.
resource "aws_security_group" "machine" {
  name        = "${var.name}-machine"
  description = "The machines, not their tasks"
  vpc_id      = var.vpc_id
  tags        = local.tags
}

resource "aws_vpc_security_group_egress_rule" "machine_https" {
  security_group_id = aws_security_group.machine.id
  cidr_ipv4         = "0.0.0.0/0"
  from_port         = 443
  to_port           = 443
  ip_protocol       = "tcp"
}
