"""How large the benchmark is: the real thing on a GPU, or its likeness that runs on a CPU in seconds."""

from dataclasses import dataclass

import torch

from bench.gpu.requests import Traffic
from bench.gpu.topology import Topology, full_size, tiny_size
from illustration_worker.engine.batching.options import BatchingOptions
from illustration_worker.models.config import DTypeName
from illustration_worker.models.precision import resolve_dtype

SPECIFIED_IMAGE_TFLOP = 688.0
"""``engine.md``: one picture of 1024 x 1024 in 50 guided steps. What is counted here leaves the adapter out."""
_SMOKE_SIDE = 64


@dataclass(frozen=True)
class Scale:
    """What is drawn, and with what."""

    topology: Topology
    device: torch.device
    dtype: torch.dtype
    traffic: Traffic
    matmul_side: int
    image_tflop: float | None
    """None: as counted."""
    is_real: bool
    """False: figures say nothing, goals are left out; the compiling engine's path is taken, but nothing compiled."""
    plain_rounds_seconds: float
    """For the rounds of one comparison with the engine that does not compile; the first is always made whole."""
    compiled_rounds_seconds: float

    def options(self, *, is_compiling: bool, max_rows: int = 0) -> BatchingOptions:
        """As by default on a GPU; on a CPU the same, which is not the default there."""
        return BatchingOptions(
            max_batch_rows=max_rows,
            reproducible="off",
            calibration="on",
            torch_compile="on" if is_compiling else "off",
            channels_last="on",
        )


def full_scale(dtype: DTypeName) -> Scale:
    """SDXL on the GPU.

    Raises:
        SystemExit: there is none.
    """
    if not torch.cuda.is_available():
        raise SystemExit("torch sees no CUDA device here; --smoke runs the same on a CPU, small")
    device = torch.device("cuda")
    return Scale(
        topology=full_size(),
        device=device,
        dtype=resolve_dtype(dtype, device),
        traffic=Traffic(side=1024, steps=50, burst_steps=(50, 30, 20, 50, 30, 20, 50, 20)),
        matmul_side=8192,
        image_tflop=SPECIFIED_IMAGE_TFLOP,
        is_real=True,
        plain_rounds_seconds=45.0,
        compiled_rounds_seconds=80.0,
    )


def smoke_scale() -> Scale:
    """The random model's likeness on the CPU: shows that all of it runs. Its figures say nothing of a GPU."""
    return Scale(
        topology=tiny_size(_SMOKE_SIDE),
        device=torch.device("cpu"),
        dtype=torch.float32,
        traffic=Traffic(side=_SMOKE_SIDE, steps=4, burst_steps=(4, 3, 2, 4, 3, 2, 4, 2)),
        matmul_side=256,
        image_tflop=None,
        is_real=False,
        plain_rounds_seconds=2.0,
        compiled_rounds_seconds=2.0,
    )
