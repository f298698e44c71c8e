variable "name" {
  description = "Name of everything that is made; a prefix where a kind needs several."
  type        = string
  default     = "illustration"
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{1,23}$", var.name))
    error_message = "A name has 2 to 24 lower-case letters, digits and hyphens, and begins with a letter."
  }
}

variable "vpc_id" {
  description = "The VPC of everything."
  type        = string
}

variable "private_subnet_ids" {
  description = "Subnets of tasks and database, in at least two zones, with a way to S3, ECR, the model hub and Secrets Manager."
  type        = list(string)
  validation {
    condition     = length(var.private_subnet_ids) >= 2
    error_message = "Load balancer and database need subnets in two zones."
  }
}

variable "load_balancer_subnet_ids" {
  description = "Subnets of the load balancer. Default: the private ones."
  type        = list(string)
  default     = []
}

variable "load_balancer_is_internal" {
  description = "The AutoBio backend is the caller; nothing else needs the way in from the internet."
  type        = bool
  default     = true
}

variable "client_cidrs" {
  description = "Who may call."
  type        = list(string)
  validation {
    condition     = length(var.client_cidrs) > 0 && alltrue([for cidr in var.client_cidrs : can(cidrhost(cidr, 0))])
    error_message = "At least one CIDR block."
  }
}

variable "certificate_arn" {
  description = "ACM certificate of the load balancer."
  type        = string
}

variable "images" {
  description = "The two images, with their tags or digests."
  type        = object({ gateway = string, worker = string })
}

variable "bucket_name" {
  description = "Bucket of avatars, subject photos, results, LoRAs and models."
  type        = string
  default     = "auto-bio-illustrations"
}

variable "uploader_role_arns" {
  description = "Roles that put avatars, subject photos and training images, and read results: AutoBio's backend."
  type        = list(string)
  default     = []
}

variable "model_settings" {
  description = "Settings of the worker: MODEL_PATH, MODEL_S3_PATH, IP_ADAPTER_WEIGHTS ..."
  type        = map(string)
  default     = {}
}

variable "gateway_settings" {
  description = "Further settings of the gateway."
  type        = map(string)
  default     = {}
}

variable "instance_type" {
  description = "A machine with one GPU of 24 GB or more."
  type        = string
  default     = "g5.2xlarge"
}

variable "spot_percentage" {
  description = "Part of the machines beyond the first that are spot ones. They go with two minutes' notice; jobs go on elsewhere."
  type        = number
  default     = 0
  validation {
    condition     = var.spot_percentage >= 0 && var.spot_percentage <= 100
    error_message = "A percentage."
  }
}

variable "min_tasks" {
  description = "Tasks, and so GPUs, that always run."
  type        = number
  default     = 1
  validation {
    condition     = var.min_tasks >= 1
    error_message = "The backlog that asks for tasks is told by a task: one has to run."
  }
}

variable "max_tasks" {
  description = "Tasks, and so GPUs, at most: the limit of the bill."
  type        = number
  default     = 8
  validation {
    condition     = var.max_tasks >= var.min_tasks
    error_message = "max_tasks is less than min_tasks."
  }
}

variable "backlog_per_task" {
  description = "Outstanding jobs a task that autoscaling aims at."
  type        = number
  default     = 4
}

variable "database_capacity" {
  description = "Aurora capacity units, least and most."
  type        = object({ min = number, max = number })
  default     = { min = 0.5, max = 8 }
}

variable "cache" {
  description = "A Redis or Valkey server that exists, such as ElastiCache's: the security group before it, and its port. Its URL is `cache_url`. Default: each task remembers its own pictures."
  type        = object({ security_group_id = string, port = optional(number, 6379) })
  default     = null
}

variable "alarm_topic_arns" {
  description = "SNS topics that are told of alarms."
  type        = list(string)
  default     = []
}

variable "cloudwatch_agent_image" {
  description = "Reads /metrics of the gateway for autoscaling and alarms. Pin it to the release that you have tried."
  type        = string
  default     = "public.ecr.aws/cloudwatch-agent/cloudwatch-agent:latest"
}

variable "log_retention_days" {
  description = "How long logs are kept."
  type        = number
  default     = 30
}

variable "is_deletion_protected" {
  description = "Database and load balancer cannot be deleted by terraform destroy. Off for trials only."
  type        = bool
  default     = true
}

variable "auth_token" {
  description = "The bearer token of AutoBio's backend. Kept by nobody but the secret: TF_VAR_auth_token=$(openssl rand -hex 24)."
  type        = string
  sensitive   = true
  ephemeral   = true
  validation {
    condition     = can(regex("^[!-~]{16,}$", var.auth_token))
    error_message = "At least 16 visible ASCII characters without spaces."
  }
}

variable "database_password" {
  description = "The database's password, likewise: TF_VAR_database_password=$(openssl rand -hex 24)."
  type        = string
  sensitive   = true
  ephemeral   = true
  validation {
    condition     = can(regex("^[A-Za-z0-9]{16,64}$", var.database_password))
    error_message = "16 to 64 letters and digits: it becomes a part of a URL."
  }
}

variable "cache_url" {
  description = "The URL of `cache`, with its password if it has one: rediss://USER:PASSWORD@HOST:6379; redis:// without TLS."
  type        = string
  sensitive   = true
  ephemeral   = true
  default     = null
  validation {
    condition     = (var.cache == null) == (var.cache_url == null)
    error_message = "cache and cache_url belong together: give both or neither."
  }
  validation {
    condition     = var.cache_url == null || can(regex("^rediss?://[^ ]+$", var.cache_url))
    error_message = "The URL begins with redis:// or rediss://."
  }
}

variable "secret_version" {
  description = "Raise it to have the values above written; otherwise those that are there stay, whatever is given."
  type        = number
  default     = 1
}
