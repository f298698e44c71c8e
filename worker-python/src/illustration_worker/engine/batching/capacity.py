"""How wide UNet calls are on this device: as set, as measured now or before, or a default."""

import json
import logging
from dataclasses import asdict

import torch

from illustration_worker.engine.batching.acceleration import is_on
from illustration_worker.engine.batching.calibration import Measurable, choose_row_cap, measure, warm
from illustration_worker.engine.batching.calibration_file import CalibrationFile
from illustration_worker.engine.batching.compiled_unet import CompiledUnet
from illustration_worker.engine.batching.fingerprint import build_of
from illustration_worker.engine.batching.options import BatchingOptions
from illustration_worker.engine.batching.row_buckets import MAX_ROWS, ROW_BUCKETS
from illustration_worker.engine.batching.selection import Size
from illustration_worker.engine.port import Capacity, RowThroughput
from illustration_worker.models.loader import LoadedModel

REPRODUCIBLE_ROWS = 4
"""Of every call in reproducible mode. Not as calibrated: two starts could choose, and so draw, differently."""
DEFAULT_ROWS = 8
"""Without calibration."""
_log = logging.getLogger(__name__)


def decide_capacity(measurable: Measurable, options: BatchingOptions) -> Capacity:
    """The capacity, and in the log why. Measuring takes seconds, with compiling minutes."""
    is_gpu = measurable.model.device.type != "cpu"
    if is_on(options.reproducible, not is_gpu):
        capacity = Capacity(options.max_batch_rows or REPRODUCIBLE_ROWS, True)
    elif is_on(options.calibration, is_gpu):
        capacity = _calibrated(measurable, options)
    else:
        capacity = Capacity(options.max_batch_rows or DEFAULT_ROWS, False)
    _compile(measurable, capacity, options)
    _log.info("capacity", extra=asdict(capacity))
    return capacity


def row_caps_of(capacity: Capacity) -> dict[Size, int]:
    """The cap of each size that was measured."""
    return {size: choose_row_cap(measured) for size, measured in by_size(capacity).items()}


def by_size(capacity: Capacity) -> dict[Size, list[RowThroughput]]:
    """What was measured, by size; rows ascending."""
    sizes: dict[Size, list[RowThroughput]] = {}
    for one in capacity.throughput:
        sizes.setdefault((one.width, one.height), []).append(one)
    return sizes


def _calibrated(measurable: Measurable, options: BatchingOptions) -> Capacity:
    by_size = [_measured(measurable, size, options) for size in _sizes(measurable, options)]
    return Capacity(choose_row_cap(by_size[0]), False, tuple(one for measured in by_size for one in measured))


def _sizes(measurable: Measurable, options: BatchingOptions) -> list[Size]:
    """The default size first, each once."""
    return list(dict.fromkeys([measurable.default_size, *options.calibration_sizes]))


def _measured(measurable: Measurable, size: Size, options: BatchingOptions) -> tuple[RowThroughput, ...]:
    limit = options.max_batch_rows or MAX_ROWS
    if options.calibration_folder is None:
        return measure(measurable, size, limit)
    key = _key(measurable.model, size, options, limit)
    file = CalibrationFile(options.calibration_folder.expanduser(), key)
    measured = file.read()
    if measured is None:
        measured = measure(measurable, size, limit)
        file.write(measured)
    return measured


def _compile(measurable: Measurable, capacity: Capacity, options: BatchingOptions) -> None:
    """All that will be needed at the sizes we know of, before the worker says that it is ready."""
    unet, caps = measurable.unet, row_caps_of(capacity)
    if not isinstance(unet, CompiledUnet):
        return
    for size in _sizes(measurable, options):
        cap = caps.get(size, capacity.row_cap)
        warm(measurable, size, [cap] if capacity.is_reproducible else [rows for rows in ROW_BUCKETS if rows <= cap])
    unet.freeze()


def _key(model: LoadedModel, size: Size, options: BatchingOptions, limit: int) -> str:
    """Everything that the figures depend on."""
    ways = (options.torch_compile, options.channels_last, options.attention_backend)
    return json.dumps([build_of(model).as_json(), _memory_bytes(model), size, limit, ways])


def _memory_bytes(model: LoadedModel) -> int:
    is_cuda = model.device.type == "cuda"
    return torch.cuda.get_device_properties(model.device).total_memory if is_cuda else 0
