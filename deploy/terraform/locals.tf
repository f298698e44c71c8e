data "aws_region" "current" {}
data "aws_caller_identity" "current" {}
data "aws_partition" "current" {}

locals {
  facts     = jsondecode(file("${path.module}/../service.json"))
  seconds   = local.facts.seconds
  region    = data.aws_region.current.name
  account   = data.aws_caller_identity.current.account_id
  partition = data.aws_partition.current.partition

  tags              = { Service = var.name }
  metrics_namespace = "AutoBio/${var.name}"
  prefixes = {
    avatar    = "avatars"
    subject   = "subjects"
    generated = "generated"
    lora      = "loras"
    model     = "models"
  }
}
