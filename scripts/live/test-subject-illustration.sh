#!/usr/bin/env bash
# Draws one portrait with a running service.
# Usage: test-subject-illustration.sh URL [TOKEN] [USER_ID]    USER_ID needs the object subjects/USER_ID.png
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=call.sh
. "$(dirname "$0")/call.sh"
take_arguments "$@"

echo "Testing subject illustration endpoint..."
draw /v1/images/subject '{
  "user_id": "'"$user_id"'",
  "num_inference_steps": '"${STEPS:-50}"',
  "ip_adapter_scale": 0.33,
  "negative_prompt": "blurry, low quality",
  "style_prompt": "highest quality, professional sketch, monochrome"
}'
