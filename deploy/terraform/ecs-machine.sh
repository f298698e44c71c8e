#!/bin/bash
# A machine of the ECS cluster comes up. The name of the cluster is filled in by Terraform.
set -euo pipefail
# shellcheck disable=SC2154 # the template fills it in, the shell never sees it
cat >> /etc/ecs/ecs.config <<CONFIG
ECS_CLUSTER=${cluster}
ECS_ENABLE_GPU_SUPPORT=true
ECS_ENABLE_SPOT_INSTANCE_DRAINING=true
ECS_AWSVPC_BLOCK_IMDS=true
ECS_CONTAINER_STOP_TIMEOUT=150s
ECS_IMAGE_PULL_BEHAVIOR=prefer-cached
CONFIG
# Models outlive tasks: the next one on this machine finds them here. The worker is 10002:10001 in its image.
install -d -o 10002 -g 10001 -m 2770 /var/lib/illustration/models
