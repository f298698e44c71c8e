#!/usr/bin/env bash
# Draws one memory with a running service.
# Usage: test-memory-illustration.sh URL [TOKEN] [USER_ID]    USER_ID needs the object avatars/USER_ID.png
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=call.sh
. "$(dirname "$0")/call.sh"
take_arguments "$@"

echo "Testing memory illustration endpoint..."
draw /v1/images/memory '{
  "user_id": "'"$user_id"'",
  "prompt": "A beautiful sunset over mountains",
  "num_inference_steps": '"${STEPS:-50}"',
  "ip_adapter_scale": 0.33,
  "negative_prompt": "blurry, low quality",
  "style_prompt": "highest quality, monochrome, professional sketch"
}'
