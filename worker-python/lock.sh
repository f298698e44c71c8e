#!/usr/bin/env bash
# Writes requirements.lock (what runs) and requirements-dev.lock (what tests and builds too) from pyproject.toml, with
# hashes. torch and the CUDA libraries it pulls are left out: see the note in pyproject.toml.
# Usage: worker-python/lock.sh   (needs pip-tools in the environment: pip install pip-tools==7.6.2)
set -euo pipefail
cd "$(dirname "$0")"
lock() { # $1 = output, rest = extra arguments
  local output=$1
  shift
  pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-find-links \
    --no-header --no-annotate --output-file "$output" "$@" pyproject.toml
  python3 - "$output" <<'PY'
import re, sys
path = sys.argv[1]
blocks = re.split(r"\n(?=[a-z0-9])", open(path).read().strip())
kept = [b for b in blocks if not re.match(r"(torch|triton|nvidia-|cuda-)", b)]
open(path, "w").write("# made by lock.sh; install with --require-hashes --no-deps, after torch\n" + "\n".join(kept) + "\n")
PY
}
lock requirements.lock
lock requirements-dev.lock --extra dev
