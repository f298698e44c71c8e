#!/usr/bin/env bash
# Asks a running service for all its health pages. None needs a credential. Fails unless a picture could be drawn now.
# Usage: test-health.sh URL
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=call.sh
. "$(dirname "$0")/call.sh"
take_arguments "$@"
token=
MAX_SECONDS=5

echo "Testing health endpoints..."
for page in / /health/live /health/startup /health/ready /health /health/; do
  call GET "$page"
  printf '%-16s %s  %s\n' "$page" "$status" "$body"
  [ "$status" != 000 ] || fail "no answer from ${api_url}"
done
# The loop ends with the page of the prototype, which says in words what is missing.
[ "$status" = 200 ] || fail "the service is up but would not draw now"
case $body in
*'"status":"healthy"'*) echo "OK" ;;
*) fail "the page does not say that it is healthy" ;;
esac
