"""How wide UNet calls are on this device: as set, as measured now or before, or a default."""

import json
import logging
from collections.abc import Callable
from dataclasses import asdict, dataclass

import torch

from illustration_worker.engine.batching.acceleration import is_on
from illustration_worker.engine.batching.calibration import choose_row_cap, measure, warm
from illustration_worker.engine.batching.calibration_file import CalibrationFile
from illustration_worker.engine.batching.compiled_unet import CompiledUnet, Unet
from illustration_worker.engine.batching.conditioning import Conditioning
from illustration_worker.engine.batching.fingerprint import build_of
from illustration_worker.engine.batching.layers import Layers
from illustration_worker.engine.batching.options import BatchingOptions
from illustration_worker.engine.batching.row_buckets import MAX_ROWS, ROW_BUCKETS
from illustration_worker.engine.port import Capacity
from illustration_worker.models.loader import LoadedModel

REPRODUCIBLE_ROWS = 4
"""Of every call in reproducible mode. Not as calibrated: two starts could choose, and so draw, differently."""
DEFAULT_ROWS = 8
"""Without calibration."""
_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Measurable:
    """What calls are measured with."""

    model: LoadedModel
    unet: Unet
    layers: Layers
    encode_sample: Callable[[], Conditioning]
    """Any job's conditioning."""

    @property
    def latents(self) -> torch.Tensor:
        """Any, of the default size: (1, 4, h, w)."""
        model = self.model
        side = model.default_image_size // model.pipeline.vae_scale_factor
        shape = (1, model.pipeline.unet.config.in_channels, side, side)
        return torch.zeros(shape, device=model.device, dtype=model.dtype)


def decide_capacity(measurable: Measurable, options: BatchingOptions) -> Capacity:
    """The capacity, and in the log why. Measuring takes seconds, with compiling minutes."""
    is_gpu = measurable.model.device.type != "cpu"
    if is_on(options.reproducible, not is_gpu):
        capacity = Capacity(options.max_batch_rows or REPRODUCIBLE_ROWS, True)
    elif is_on(options.calibration, is_gpu):
        capacity = _calibrated(measurable, options)
    else:
        capacity = Capacity(options.max_batch_rows or DEFAULT_ROWS, False)
    _compile(measurable, capacity)
    _log.info("capacity", extra=asdict(capacity))
    return capacity


def _calibrated(measurable: Measurable, options: BatchingOptions) -> Capacity:
    limit = options.max_batch_rows or MAX_ROWS
    file = None
    if options.calibration_folder is not None:
        file = CalibrationFile(options.calibration_folder.expanduser(), _key(measurable.model, options, limit))
    measured = file.read() if file is not None else None
    if measured is None:
        sample = measurable.encode_sample()
        measured = measure(measurable.unet, measurable.layers, sample, measurable.latents, limit)
        if file is not None:
            file.write(measured)
    return Capacity(choose_row_cap(measured), False, measured)


def _compile(measurable: Measurable, capacity: Capacity) -> None:
    """All that will be needed at the default size, before the worker says that it is ready."""
    unet = measurable.unet
    if isinstance(unet, CompiledUnet):
        cap = capacity.row_cap
        buckets = [cap] if capacity.is_reproducible else [bucket for bucket in ROW_BUCKETS if bucket <= cap]
        warm(unet, measurable.layers, measurable.encode_sample(), measurable.latents, buckets)
        unet.freeze()


def _key(model: LoadedModel, options: BatchingOptions, limit: int) -> str:
    """Everything that the figures depend on."""
    ways = (options.torch_compile, options.channels_last, options.attention_backend)
    return json.dumps([build_of(model).as_json(), _memory_bytes(model), model.default_image_size, limit, ways])


def _memory_bytes(model: LoadedModel) -> int:
    is_cuda = model.device.type == "cuda"
    return torch.cuda.get_device_properties(model.device).total_memory if is_cuda else 0
