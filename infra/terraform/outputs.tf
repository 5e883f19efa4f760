output "out" {
  description = "What a run's OUT begins with."
  value       = "s3://${aws_s3_bucket.runs.bucket}"
}

output "redis_url_parameter" {
  description = "Name of the parameter with REDIS_URL: aws ssm get-parameter --with-decryption --name …"
  value       = aws_ssm_parameter.redis_url.name
}

output "scale" {
  description = "Command that sets the number of workers."
  value       = "aws autoscaling set-desired-capacity --auto-scaling-group-name ${aws_autoscaling_group.workers.name} --desired-capacity N"
}

output "worker_security_group" {
  description = "For the machine that runs posecast submit."
  value       = aws_security_group.worker.id
}
