"""How many rows are worth a UNet call on this device: measured before the first job."""

import logging
import statistics
import time
from collections.abc import Iterable, Sequence

import torch

from illustration_worker.engine.batching.cohort import Cohort, Share, build_cohort, joined
from illustration_worker.engine.batching.compiled_unet import Unet
from illustration_worker.engine.batching.conditioning import Conditioning
from illustration_worker.engine.batching.layers import Layers
from illustration_worker.engine.batching.row_buckets import ROW_BUCKETS
from illustration_worker.engine.batching.unet_call import call_unet
from illustration_worker.engine.device import free_device_memory, wait_for_stream
from illustration_worker.engine.port import RowThroughput

CALLS = 3
_ANY_TIMESTEP = 500.0
WORTH_WHILE = 1.05
"""A bucket twice as wide must draw at least so many times the rows a second: it makes every job in it wait longer."""
_log = logging.getLogger(__name__)


def choose_row_cap(throughput: Sequence[RowThroughput]) -> int:
    """The widest bucket up to which each wider one brought more rows a second. Pure.

    ``throughput``: ascending, not empty.
    """
    cap = throughput[0]
    for wider in throughput[1:]:
        if wider.rows / wider.seconds < WORTH_WHILE * cap.rows / cap.seconds:
            break
        cap = wider
    return cap.rows


@torch.no_grad()
def measure(
    unet: Unet, layers: Layers, conditioning: Conditioning, latents: torch.Tensor, max_rows: int
) -> tuple[RowThroughput, ...]:
    """Throughput by bucket, ascending, as far as it rises and memory suffices; ``latents``: any, (1, 4, h, w).

    Raises:
        torch.OutOfMemoryError: not even one row fits.
    """
    measured: list[RowThroughput] = []
    for rows in (bucket for bucket in ROW_BUCKETS if bucket <= max_rows):
        try:
            one = _measure_bucket(unet, build_cohort(layers, [Share(conditioning, 0, 1)], rows), latents)
        except torch.OutOfMemoryError:
            one = None
        if one is None:
            free_device_memory()
            _log.info("calibration ends: out of device memory", extra={"rows": rows})
            break
        measured.append(one)
        if choose_row_cap(measured) < rows:
            break
    if not measured:
        raise torch.OutOfMemoryError("not even one row fits")
    return tuple(measured)


@torch.no_grad()
def warm(unet: Unet, layers: Layers, conditioning: Conditioning, latents: torch.Tensor, buckets: Iterable[int]) -> None:
    """Have calls of all ``buckets`` compiled. Those that were measured are already, unless on an earlier start."""
    for rows in buckets:
        _measure_bucket(unet, build_cohort(layers, [Share(conditioning, 0, 1)], rows), latents)


def _measure_bucket(unet: Unet, cohort: Cohort, latents: torch.Tensor) -> RowThroughput:
    device, rows = latents.device, cohort.bucket
    inputs = joined([latents], rows), torch.full((rows,), _ANY_TIMESTEP, device=device)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    durations = []
    for _ in range(CALLS + 1):
        began = time.perf_counter()
        call_unet(unet, *inputs, cohort)
        wait_for_stream(device)
        durations.append(time.perf_counter() - began)
    # the first call compiles, chooses kernels, asks for memory
    peak = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None
    return RowThroughput(rows=rows, seconds=statistics.median(durations[1:]), peak_memory_bytes=peak)
