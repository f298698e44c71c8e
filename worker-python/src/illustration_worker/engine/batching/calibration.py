"""How many rows are worth a UNet call on this device: measured before the first job."""

import logging
import statistics
import time
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import torch

from illustration_worker.engine.batching.cohort import Share, build_cohort, joined
from illustration_worker.engine.batching.compiled_unet import Unet
from illustration_worker.engine.batching.conditioning import Conditioning
from illustration_worker.engine.batching.layers import Layers
from illustration_worker.engine.batching.row_buckets import ROW_BUCKETS
from illustration_worker.engine.batching.selection import Size
from illustration_worker.engine.batching.unet_call import call_unet
from illustration_worker.engine.device import free_device_memory, wait_for_stream
from illustration_worker.engine.port import RowThroughput
from illustration_worker.models.loader import LoadedModel

CALLS = 3
_ANY_TIMESTEP = 500.0
WORTH_WHILE = 1.05
"""A bucket twice as wide must draw at least so many times the rows a second: it makes every job in it wait longer."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Measurable:
    """What calls are measured with."""

    model: LoadedModel
    unet: Unet
    layers: Layers
    encode_sample: Callable[[], Conditioning]
    """Any job's conditioning; its size does not matter to the time that a call takes."""

    @property
    def default_size(self) -> Size:
        """The model's own."""
        return self.model.default_image_size, self.model.default_image_size

    def latents(self, size: Size) -> torch.Tensor:
        """Any: (1, 4, h, w)."""
        width, height = size
        factor = self.model.pipeline.vae_scale_factor
        shape = (1, self.model.pipeline.unet.config.in_channels, height // factor, width // factor)
        return torch.zeros(shape, device=self.model.device, dtype=self.model.dtype)


def choose_row_cap(throughput: Sequence[RowThroughput]) -> int:
    """The widest bucket up to which each wider one brought more rows a second. Pure.

    ``throughput``: of one size; rows ascending, not empty.
    """
    cap = throughput[0]
    for wider in throughput[1:]:
        if wider.rows / wider.seconds < WORTH_WHILE * cap.rows / cap.seconds:
            break
        cap = wider
    return cap.rows


@torch.no_grad()
def measure(measurable: Measurable, size: Size, max_rows: int) -> tuple[RowThroughput, ...]:
    """Throughput by bucket at ``size``, rows ascending, as far as it rises and memory suffices.

    Raises:
        torch.OutOfMemoryError: not even one row fits.
    """
    sample = measurable.encode_sample()
    measured: list[RowThroughput] = []
    for rows in (bucket for bucket in ROW_BUCKETS if bucket <= max_rows):
        try:
            one = _measure_bucket(measurable, sample, size, rows)
        except torch.OutOfMemoryError:
            one = None
        if one is None:
            free_device_memory()
            _log.info("calibration ends: out of device memory", extra={"rows": rows, "size": size})
            break
        measured.append(one)
        if choose_row_cap(measured) < rows:
            break
    if not measured:
        raise torch.OutOfMemoryError("not even one row fits")
    return tuple(measured)


@torch.no_grad()
def warm(measurable: Measurable, size: Size, buckets: Iterable[int]) -> None:
    """Have calls of all ``buckets`` compiled. Those that were measured are already, unless on an earlier start."""
    sample = measurable.encode_sample()
    for rows in buckets:
        _measure_bucket(measurable, sample, size, rows)


def _measure_bucket(measurable: Measurable, sample: Conditioning, size: Size, rows: int) -> RowThroughput:
    cohort = build_cohort(measurable.layers, [Share(sample, 0, 1)], rows)
    latents = joined([measurable.latents(size)], rows)
    device = latents.device
    timesteps = torch.full((rows,), _ANY_TIMESTEP, device=device)
    if device.type == "cuda":
        torch.cuda.reset_peak_memory_stats(device)
    durations = []
    for _ in range(CALLS + 1):
        began = time.perf_counter()
        call_unet(measurable.unet, latents, timesteps, cohort)
        wait_for_stream(device)
        durations.append(time.perf_counter() - began)
    peak = torch.cuda.max_memory_allocated(device) if device.type == "cuda" else None
    # the first call compiles, chooses kernels, asks for memory
    return RowThroughput(rows, statistics.median(durations[1:]), *size, peak_memory_bytes=peak)
