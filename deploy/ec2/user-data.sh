#!/bin/bash
# The whole service on one GPU machine (g5.2xlarge, an image with Docker and the NVIDIA container toolkit, for example AWS's
# Deep Learning Base AMI): jobs in the embedded database, models on the disk, pictures in the bucket.
#
#   aws ec2 run-instances --image-id AMI --instance-type g5.2xlarge --iam-instance-profile Name=illustration \
#     --metadata-options HttpTokens=required,HttpPutResponseHopLimit=2 --user-data file://deploy/ec2/user-data.sh ...
#
# Fill in the five settings. The instance's role is that of the containers (hence the two hops): it reads the token's
# secret and pulls the images, and has the rights on the bucket that deploy/terraform/iam.tf gives to the task.
set -euo pipefail

registry=ACCOUNT.dkr.ecr.REGION.amazonaws.com
version=0.1.0
region=REGION
bucket=auto-bio-illustrations
token_secret=illustration/AUTH_TOKEN

state=/var/lib/illustration
# As in the images: the gateway is 10001, the worker 10002, both of group 10001.
install -d -o 10001 -g 10001 -m 0750 "$state/data"
install -d -o 10002 -g 10001 -m 2770 "$state/models" "$state/socket"

aws ecr get-login-password --region "$region" | docker login --username AWS --password-stdin "$registry"
# In a file that root alone reads: what stands on a command line, or in the user data, can be read by others.
token=$(aws secretsmanager get-secret-value --region "$region" --secret-id "$token_secret" \
  --query SecretString --output text)
(
  umask 077
  printf 'AUTH_TOKEN=%s\n' "$token" >/etc/illustration.env
)

run() { # NAME IMAGE DOCKER-ARGUMENTS...
  local name=$1 image=$2
  shift 2
  docker rm --force "$name" >/dev/null 2>&1 || true
  docker run --detach --name "$name" --restart unless-stopped --read-only --tmpfs /tmp:mode=1777,size=2g \
    --cap-drop ALL --security-opt no-new-privileges --log-driver json-file --log-opt max-size=50m --log-opt max-file=5 \
    --volume "$state/socket:/run/worker" --env WORKER_ADDRESS=unix:/run/worker/worker.sock --env AWS_REGION="$region" \
    "$@" "$registry/autobio/$image:$version"
}

run illustration-worker illustration-worker --gpus all --network bridge --stop-timeout 35 \
  --volume "$state/models:/models" \
  --env MODEL_PATH=stabilityai/stable-diffusion-xl-base-1.0 --env IP_ADAPTER=h94/IP-Adapter

run illustration-gateway illustration-gateway --publish 8000:8000 --publish 127.0.0.1:9464:9464 --stop-timeout 130 \
  --volume "$state/data:/data" --env-file /etc/illustration.env \
  --env AUTH_ENABLED=true --env S3_BUCKET_NAME="$bucket" --env METRICS_HOST=0.0.0.0 --env METRICS_PORT=9464
