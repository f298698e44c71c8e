# The bucket, and who may do what in it: the service by iam.tf, AutoBio's backend by the policy here, nobody without TLS.

resource "aws_s3_bucket" "images" {
  bucket = var.bucket_name
  tags   = local.tags
}

resource "aws_s3_bucket_public_access_block" "images" {
  bucket                  = aws_s3_bucket.images.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_ownership_controls" "images" {
  bucket = aws_s3_bucket.images.id
  rule {
    object_ownership = "BucketOwnerEnforced"
  }
}

resource "aws_s3_bucket_server_side_encryption_configuration" "images" {
  bucket = aws_s3_bucket.images.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "AES256"
    }
  }
}

# A picture is written once, under a condition; a photo is replaced by its owner. A version is a way back from a mistake.
resource "aws_s3_bucket_versioning" "images" {
  bucket = aws_s3_bucket.images.id
  versioning_configuration {
    status = "Enabled"
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "images" {
  bucket     = aws_s3_bucket.images.id
  depends_on = [aws_s3_bucket_versioning.images]
  rule {
    id     = "tidy"
    status = "Enabled"
    filter {}
    abort_incomplete_multipart_upload {
      days_after_initiation = 2
    }
    noncurrent_version_expiration {
      noncurrent_days = 30
    }
  }
}

locals {
  uploads_in  = [local.prefixes.avatar, local.prefixes.subject]
  policy_arns = { bucket = "arn:${local.partition}:s3:::${var.bucket_name}" }
  # Without a statement for nobody: AWS refuses an empty list of principals.
  caller_statements = [for statement in [
    {
      Sid       = "BackendUploads"
      Effect    = "Allow"
      Principal = { AWS = var.uploader_role_arns }
      Action    = ["s3:PutObject", "s3:DeleteObject"]
      Resource  = [for prefix in local.uploads_in : "${local.policy_arns.bucket}/${prefix}/*"]
    },
    {
      Sid       = "BackendReads"
      Effect    = "Allow"
      Principal = { AWS = var.uploader_role_arns }
      Action    = "s3:GetObject"
      Resource  = "${local.policy_arns.bucket}/${local.prefixes.generated}/*"
    },
  ] : statement if length(var.uploader_role_arns) > 0]
}

resource "aws_s3_bucket_policy" "images" {
  bucket     = aws_s3_bucket.images.id
  depends_on = [aws_s3_bucket_public_access_block.images]
  policy = jsonencode({
    Version = "2012-10-17"
    Statement = concat([
      {
        Sid       = "OnlyOverTls"
        Effect    = "Deny"
        Principal = "*"
        Action    = "s3:*"
        Resource  = [local.policy_arns.bucket, "${local.policy_arns.bucket}/*"]
        Condition = { Bool = { "aws:SecureTransport" = "false" } }
      },
    ], local.caller_statements)
  })
}
