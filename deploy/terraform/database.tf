# Jobs: Aurora PostgreSQL, two instances in two zones. The service survives a failover; while it lasts, jobs wait.

resource "aws_db_subnet_group" "jobs" {
  name       = var.name
  subnet_ids = var.private_subnet_ids
  tags       = local.tags
}

resource "aws_rds_cluster_parameter_group" "jobs" {
  name   = var.name
  family = "aurora-postgresql17"
  tags   = local.tags
  parameter {
    name  = "rds.force_ssl"
    value = "1"
  }
}

resource "aws_rds_cluster" "jobs" {
  cluster_identifier              = var.name
  engine                          = "aurora-postgresql"
  engine_version                  = "17.5"
  database_name                   = "illustration"
  master_username                 = "illustration"
  master_password_wo              = var.database_password
  master_password_wo_version      = var.secret_version
  db_subnet_group_name            = aws_db_subnet_group.jobs.name
  db_cluster_parameter_group_name = aws_rds_cluster_parameter_group.jobs.name
  vpc_security_group_ids          = [aws_security_group.database.id]
  storage_encrypted               = true
  backup_retention_period         = 7
  deletion_protection             = var.is_deletion_protected
  skip_final_snapshot             = !var.is_deletion_protected
  final_snapshot_identifier       = "${var.name}-final"
  enabled_cloudwatch_logs_exports = ["postgresql"]
  tags                            = local.tags
  serverlessv2_scaling_configuration {
    min_capacity = var.database_capacity.min
    max_capacity = var.database_capacity.max
  }
}

resource "aws_rds_cluster_instance" "jobs" {
  count              = 2
  identifier         = "${var.name}-${count.index}"
  cluster_identifier = aws_rds_cluster.jobs.id
  engine             = aws_rds_cluster.jobs.engine
  engine_version     = aws_rds_cluster.jobs.engine_version
  instance_class     = "db.serverless"
  tags               = local.tags
}
