"""Runs everything, prints the table, writes it into a folder.

In the repository's root, on a machine with a GPU and the worker's packages:

    worker-python/.venv/bin/python -m bench.gpu --out dist/bench-gpu

``--smoke`` runs the same on a CPU with a tiny model in less than a minute; ``--help`` names the rest. Weights are
random and made on the device: nothing is downloaded. Two engines share the GPU while they are compared, three for a
while; each has a UNet of its own, all share the other networks.

What does not fit into the time is in the table as not measured, and so is what fails; the exit status is 1 then.

On a machine that has torch, but no network and not all packages, carry the missing ones as wheels. Here:

    worker-python/.venv/bin/python -m pip download --no-deps --only-binary :all: -d wheels \
        diffusers==0.40.0 importlib_metadata

There, in the repository's root (``python3`` being the one that has torch; ``--target`` leaves its packages alone):

    python3 -m pip install --no-index --no-deps --target carried wheels/*.whl
    PYTHONPATH=carried:worker-python/src python3 -m bench.gpu --out results

The packages' versions are in the table: the figures belong to them, and not to the worker's pinned ones.
"""

import argparse
import asyncio
import contextlib
import os
import platform
import subprocess
import sys
from collections.abc import Sequence
from datetime import UTC, datetime
from pathlib import Path

import diffusers
import torch
import transformers

from bench.gpu.budget import Budget
from bench.gpu.report import Row, as_markdown, write_report
from bench.gpu.scale import Scale, full_scale, smoke_scale
from bench.gpu.session import Session

BUDGET_SECONDS = 510.0
"""Nine minutes, less what importing and ending take."""


def main() -> int:
    """0: everything was measured. 1: something was not; the table says what and why."""
    arguments = _arguments()
    scale = smoke_scale() if arguments.smoke else full_scale(arguments.dtype)
    facts = _facts(scale)

    def tell(rows: Sequence[Row]) -> None:
        print(f"{session.spent:.0f} s {rows[-1].as_markdown()}", flush=True)
        if arguments.out is not None:
            write_report(arguments.out, facts, rows)

    session = Session(scale, Budget(arguments.seconds), tell)
    stance = contextlib.nullcontext() if scale.is_real else torch.compiler.set_stance("force_eager")
    with stance:
        asyncio.run(session.run())
    print(f"\n{as_markdown(facts, session.rows)}")
    return 0 if all(row.is_measured for row in session.rows) else 1


def _arguments() -> argparse.Namespace:
    parser = argparse.ArgumentParser(prog="python -m bench.gpu", description="G1 to G4, on a GPU")
    parser.add_argument("--smoke", action="store_true", help="a tiny model on the CPU: shows that all of it runs")
    parser.add_argument("--dtype", choices=["float16", "bfloat16"], default="float16", help="as the worker's DTYPE")
    parser.add_argument("--seconds", type=float, default=BUDGET_SECONDS, help="for all measurements together")
    out = os.environ.get("OUT")
    parser.add_argument(
        "--out", type=Path, default=Path(out) if out else None, help="folder for gpu.md and gpu.json; default: $OUT"
    )
    return parser.parse_args()


def _facts(scale: Scale) -> dict[str, str]:
    is_cuda = scale.device.type == "cuda"
    versions = {"python": platform.python_version(), "torch": torch.__version__}
    versions |= {"diffusers": diffusers.__version__, "transformers": transformers.__version__}
    traffic = scale.traffic
    facts = {
        "date": datetime.now(UTC).strftime("%Y-%m-%d %H:%M UTC"),
        "device": torch.cuda.get_device_name(scale.device) if is_cuda else f"CPU {platform.machine()}",
        "model": f"{scale.topology.name}, {str(scale.dtype).removeprefix('torch.')}, VAE float32",
        "pictures": f"{traffic.side} x {traffic.side}, {traffic.steps} steps; burst {traffic.burst_steps}",
        "versions": ", ".join(f"{name} {version}" for name, version in versions.items()),
        "commit": _commit(),
    }
    return facts if scale.is_real else {**facts, "SMOKE": "a CPU, a tiny model, nothing compiled: no results"}


def _commit() -> str:
    asked = ["git", "describe", "--always", "--dirty", "--abbrev=10"]
    try:
        ended = subprocess.run(asked, cwd=Path(__file__).parent, capture_output=True, text=True, check=False)
    except FileNotFoundError:
        return "unknown"
    return ended.stdout.strip() or "unknown"


if __name__ == "__main__":
    status = main()
    sys.stdout.flush()
    # not sys.exit: a computation that was given up may still hold a thread, and Python would wait for it or abort
    os._exit(status)
