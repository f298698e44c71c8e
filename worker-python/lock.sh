#!/usr/bin/env bash
# Writes requirements.lock (what runs), requirements-dev.lock (what tests and builds too) and requirements-bench.lock
# (what the prototype in bench/ needs on top, at the versions of the dev lock where both name a package) from
# pyproject.toml, with hashes. torch and the CUDA libraries it pulls are left out: see the note in pyproject.toml.
# Usage: worker-python/lock.sh   (needs pip-tools in the environment: pip install pip-tools==7.6.2)
set -euo pipefail
cd "$(dirname "$0")"
compile() { # $1 = output, rest = further arguments and the input
  local output=$1
  shift
  pip-compile --quiet --generate-hashes --allow-unsafe --strip-extras --no-emit-index-url --no-emit-find-links \
    --no-header --no-annotate --output-file "$output" "$@"
  python3 - "$output" <<'PY'
import re, sys
path = sys.argv[1]
blocks = re.split(r"\n(?=[a-z0-9])", open(path).read().strip())
kept = [b for b in blocks if not re.match(r"(torch|triton|nvidia-|cuda-)", b)]
open(path, "w").write("# made by lock.sh; install with --require-hashes --no-deps, after torch\n" + "\n".join(kept) + "\n")
PY
}
group() { # $1 = the name of an optional group
  python3 -c 'import sys, tomllib; print(*tomllib.load(open("pyproject.toml", "rb"))["project"]["optional-dependencies"][sys.argv[1]], sep="\n")' "$1"
}
compile requirements.lock pyproject.toml
compile requirements-dev.lock --extra dev pyproject.toml
group bench | compile requirements-bench.lock --constraint requirements-dev.lock -
group fuzz | compile requirements-fuzz.lock -
