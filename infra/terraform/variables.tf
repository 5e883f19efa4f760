variable "name" {
  description = "Begins the name of everything; letters, digits and hyphens."
  type        = string
  default     = "posecast"
  validation {
    condition     = can(regex("^[a-z][a-z0-9-]{0,19}$", var.name))
    error_message = "Expected up to 20 lower-case letters, digits and hyphens, beginning with a letter."
  }
}

variable "region" {
  type = string
}

variable "vpc_id" {
  type = string
}

variable "subnet_ids" {
  description = "Private subnets with a way to the registry and to S3; at least two zones, for Redis."
  type        = list(string)
  validation {
    condition     = length(var.subnet_ids) >= 2
    error_message = "Expected subnets of at least two zones."
  }
}

variable "image" {
  description = "The image worker-cuda12 of infra/Dockerfile in ECR, for which the machines log in by their role, or in a registry that asks for no password."
  type        = string
}

variable "corpus_nfs" {
  description = "Export with the photographs, such as fs-0123456789abcdef0.efs.eu-central-1.amazonaws.com:/faces; mounted read-only at /corpus."
  type        = string
}

variable "instance_types" {
  description = "One GPU each: one worker a machine. Several types, so that a spot market has some."
  type        = list(string)
  default     = ["g5.xlarge", "g6.xlarge", "g4dn.xlarge"]
}

variable "workers" {
  description = "Machines now; 0 when no run is on."
  type        = number
  default     = 0
}

variable "max_workers" {
  type    = number
  default = 8
}

variable "redis_node_type" {
  description = "The queue of a run takes a few megabytes: the smallest will do."
  type        = string
  default     = "cache.t4g.micro"
}
