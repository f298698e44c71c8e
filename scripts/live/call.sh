# shellcheck shell=bash
# Sourced by the scripts beside it: their arguments, and one HTTP call with its outcome. Needs bash 3.2 and curl, no more.

# take_arguments URL [TOKEN] [USER_ID] -> api_url, token, user_id. The token may come as AUTH_TOKEN instead, which keeps
# it out of the shell's history.
take_arguments() {
  if [ $# -lt 1 ] || [ $# -gt 3 ] || [ "${1#-}" != "$1" ]; then
    echo "Usage: $0 <API_URL> [TOKEN] [USER_ID]" >&2
    echo "Example: $0 http://your-ec2-instance:8000" >&2
    exit 2
  fi
  api_url=${1%/}
  token=${2:-${AUTH_TOKEN:-}}
  user_id=${3:-${USER_ID:-test_user_123}}
  case $user_id in
  *[!A-Za-z0-9._-]*)
    echo "USER_ID has letters, digits, '.', '_' and '-' only" >&2
    exit 2
    ;;
  esac
}

# call METHOD PATH [BODY] -> status (000: no answer), body, seconds, headers.
call() {
  local header_file answer
  header_file=$(mktemp)
  # The token travels in a file of the shell's, not in the arguments, which every user of the machine can list.
  answer=$(curl --silent --show-error --max-time "${MAX_SECONDS:-125}" --request "$1" "${api_url}$2" \
    --dump-header "$header_file" --write-out '\n%{http_code} %{time_total}' \
    --header 'Content-Type: application/json' \
    --header @<(if [ -n "$token" ]; then printf 'Authorization: Bearer %s\n' "$token"; fi) \
    ${3:+--data-binary "$3"}) || true
  # shellcheck disable=SC2034 # read by the scripts that source this
  headers=$(cat "$header_file")
  rm -f "$header_file"
  local last=${answer##*$'\n'}
  body=${answer%$'\n'*}
  status=${last%% *}
  # shellcheck disable=SC2034
  seconds=${last##* }
}

# fail TEXT: says what is wrong and ends.
fail() {
  echo "FAILED: $*" >&2
  exit 1
}

# draw PATH BODY: asks for a picture, shows the reply, fails unless it names a stored picture.
draw() {
  call POST "$1" "$2"
  echo "HTTP $status in ${seconds} s"
  echo "$body"
  case $status in
  200) ;;
  000) fail "no answer from ${api_url}; is the service up? scripts/live/test-health.sh ${api_url}" ;;
  401) fail "the service asks for a token: $0 ${api_url} TOKEN" ;;
  422)
    case $body in
    *'"avatar-not-found"'*) fail "user ${user_id} has no picture to draw from; name one that has: USER_ID=demo $0 ${api_url} ..." ;;
    *) fail "the request was refused" ;;
    esac
    ;;
  *) fail "the answer should be 200; docs/03-errors.md says what each error means" ;;
  esac
  case $body in
  *'"s3_uri":"s3://'*) echo "OK" ;;
  *) fail "the reply names no s3_uri" ;;
  esac
}
