# A fleet on AWS without Kubernetes: GPU workers on spot instances in an auto-scaling group, a Redis that fails over, a bucket.
# The corpus lies on a file system that is there already (EFS, FSx); the images in a registry of yours.
#   terraform init && terraform apply -var-file=fleet.tfvars

terraform {
  required_version = ">= 1.9"
  required_providers {
    aws = {
      source  = "hashicorp/aws"
      version = "~> 5.80"
    }
    random = {
      source  = "hashicorp/random"
      version = "~> 3.6"
    }
  }
}

provider "aws" {
  region = var.region
  default_tags {
    tags = { project = "posecast", fleet = var.name }
  }
}

locals {
  # After SIGTERM: what shards in work get, and 30 s more for handing the others back. AWS gives a spot instance 120 s.
  grace_seconds        = 90
  stop_timeout_seconds = local.grace_seconds + 30
}

# --- the store: tables of runs

resource "aws_s3_bucket" "runs" {
  bucket_prefix = "${var.name}-runs-"
}

resource "aws_s3_bucket_public_access_block" "runs" {
  bucket                  = aws_s3_bucket.runs.id
  block_public_acls       = true
  block_public_policy     = true
  ignore_public_acls      = true
  restrict_public_buckets = true
}

resource "aws_s3_bucket_server_side_encryption_configuration" "runs" {
  bucket = aws_s3_bucket.runs.id
  rule {
    apply_server_side_encryption_by_default {
      sse_algorithm = "aws:kms"
    }
    bucket_key_enabled = true
  }
}

resource "aws_s3_bucket_lifecycle_configuration" "runs" {
  bucket = aws_s3_bucket.runs.id
  rule {
    id     = "uploads-of-lost-workers"
    status = "Enabled"
    filter {}
    abort_incomplete_multipart_upload {
      days_after_initiation = 1
    }
  }
}

# --- the queue: ElastiCache writes no append-only file, a replica in another zone stands in for it

resource "aws_elasticache_parameter_group" "queue" {
  name   = "${var.name}-queue"
  family = "redis7"
  parameter {
    name  = "maxmemory-policy"
    value = "noeviction"
  }
}

resource "aws_elasticache_subnet_group" "queue" {
  name       = "${var.name}-queue"
  subnet_ids = var.subnet_ids
}

resource "random_password" "queue" {
  length  = 48
  special = false
}

resource "aws_elasticache_replication_group" "queue" {
  replication_group_id       = "${var.name}-queue"
  description                = "queue of posecast runs"
  engine                     = "redis"
  engine_version             = "7.1"
  node_type                  = var.redis_node_type
  num_cache_clusters         = 2
  automatic_failover_enabled = true
  multi_az_enabled           = true
  parameter_group_name       = aws_elasticache_parameter_group.queue.name
  subnet_group_name          = aws_elasticache_subnet_group.queue.name
  security_group_ids         = [aws_security_group.queue.id]
  at_rest_encryption_enabled = true
  transit_encryption_enabled = true
  auth_token                 = random_password.queue.result
}

resource "aws_security_group" "queue" {
  name_prefix = "${var.name}-queue-"
  description = "Redis of posecast: workers and producers only"
  vpc_id      = var.vpc_id
}

resource "aws_security_group" "worker" {
  name_prefix = "${var.name}-worker-"
  description = "Workers and producers of posecast: nothing comes in"
  vpc_id      = var.vpc_id
}

resource "aws_vpc_security_group_ingress_rule" "queue_from_worker" {
  security_group_id            = aws_security_group.queue.id
  referenced_security_group_id = aws_security_group.worker.id
  ip_protocol                  = "tcp"
  from_port                    = 6379
  to_port                      = 6379
}

resource "aws_vpc_security_group_egress_rule" "worker_anywhere" {
  security_group_id = aws_security_group.worker.id
  ip_protocol       = "-1"
  cidr_ipv4         = "0.0.0.0/0"
}

# The address with its password: read by the machines at their start, never in their user data.
resource "aws_ssm_parameter" "redis_url" {
  name  = "/${var.name}/redis-url"
  type  = "SecureString"
  value = "rediss://:${random_password.queue.result}@${aws_elasticache_replication_group.queue.primary_endpoint_address}:6379"
}

# --- the workers

data "aws_ssm_parameter" "gpu_image" {
  name = "/aws/service/deeplearning/ami/x86_64/base-oss-nvidia-driver-gpu-ubuntu-22.04/latest/ami-id"
}

data "aws_iam_policy_document" "assume" {
  statement {
    actions = ["sts:AssumeRole"]
    principals {
      type        = "Service"
      identifiers = ["ec2.amazonaws.com"]
    }
  }
}

data "aws_iam_policy_document" "worker" {
  statement {
    sid       = "Tables"
    actions   = ["s3:GetObject", "s3:PutObject", "s3:DeleteObject", "s3:AbortMultipartUpload", "s3:ListMultipartUploadParts"]
    resources = ["${aws_s3_bucket.runs.arn}/*"]
  }
  statement {
    sid       = "Bucket"
    actions   = ["s3:ListBucket", "s3:ListBucketMultipartUploads"]
    resources = [aws_s3_bucket.runs.arn]
  }
  statement {
    sid       = "RedisUrl"
    actions   = ["ssm:GetParameter"]
    resources = [aws_ssm_parameter.redis_url.arn]
  }
}

resource "aws_iam_role" "worker" {
  name_prefix        = "${var.name}-worker-"
  assume_role_policy = data.aws_iam_policy_document.assume.json
}

resource "aws_iam_role_policy" "worker" {
  role   = aws_iam_role.worker.id
  policy = data.aws_iam_policy_document.worker.json
}

resource "aws_iam_role_policy_attachment" "registry" {
  role       = aws_iam_role.worker.name
  policy_arn = "arn:aws:iam::aws:policy/AmazonEC2ContainerRegistryReadOnly"
}

resource "aws_iam_instance_profile" "worker" {
  name_prefix = "${var.name}-worker-"
  role        = aws_iam_role.worker.name
}

resource "aws_launch_template" "worker" {
  name_prefix            = "${var.name}-worker-"
  image_id               = data.aws_ssm_parameter.gpu_image.value
  vpc_security_group_ids = [aws_security_group.worker.id]
  update_default_version = true
  iam_instance_profile {
    arn = aws_iam_instance_profile.worker.arn
  }
  metadata_options {
    http_tokens = "required"
    # Containers ask for the role's credentials, too: one hop more.
    http_put_response_hop_limit = 2
  }
  user_data = base64encode(templatefile("${path.module}/worker.sh.tftpl", {
    region               = var.region
    image                = var.image
    corpus_nfs           = var.corpus_nfs
    redis_url_parameter  = aws_ssm_parameter.redis_url.name
    grace_seconds        = local.grace_seconds
    stop_timeout_seconds = local.stop_timeout_seconds
  }))
}

resource "aws_autoscaling_group" "workers" {
  name_prefix         = "${var.name}-workers-"
  vpc_zone_identifier = var.subnet_ids
  min_size            = 0
  max_size            = var.max_workers
  desired_capacity    = var.workers
  capacity_rebalance  = true
  mixed_instances_policy {
    instances_distribution {
      on_demand_percentage_above_base_capacity = 0
      spot_allocation_strategy                 = "price-capacity-optimized"
    }
    launch_template {
      launch_template_specification {
        launch_template_id = aws_launch_template.worker.id
        version            = aws_launch_template.worker.latest_version
      }
      dynamic "override" {
        for_each = var.instance_types
        content {
          instance_type = override.value
        }
      }
    }
  }
}
