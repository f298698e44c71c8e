#!/usr/bin/env bash
# Is a running service closed to strangers, and open to the token? Nothing is drawn.
# Usage: test-auth.sh URL [TOKEN]
set -euo pipefail
# shellcheck source-path=SCRIPTDIR source=call.sh
. "$(dirname "$0")/call.sh"
take_arguments "$@"
given=$token
MAX_SECONDS=10
page='/v1/jobs?page_size=1'

# expect WANTED WHAT: compares with the call just made.
expect() {
  printf '%-52s %s\n' "$2" "$status"
  [ "$status" = "$1" ] || fail "$2: should be $1, is $status"
}

echo "Testing authentication..."
token=
call GET /health/live
expect 200 'health without a token'
call GET "$page"
if [ "$status" = 200 ]; then
  [ -z "$given" ] || fail "the service lets everybody in: AUTH_ENABLED is not true there, the token counts for nothing"
  fail "the service lets everybody in: set AUTH_ENABLED=true and AUTH_TOKEN"
fi
expect 401 'without a token'
case $headers in
*[Ww][Ww][Ww]-[Aa]uthenticate:\ Bearer*) ;;
*) fail "the 401 has no WWW-Authenticate: Bearer" ;;
esac
call POST /v1/images/memory '{"user_id": "nobody", "prompt": "nothing"}'
expect 401 'drawing without a token'
token="not-the-token-$$"
call GET "$page"
expect 401 'with a wrong token'
if [ -z "$given" ]; then
  echo "OK (without a TOKEN that the right one is let in was not tried)"
  exit 0
fi
token=$given
call GET "$page"
expect 200 'with the token'
echo "OK"
