"""The worker's engines on a model that is made, not loaded. Everything else of them is as in production."""

import asyncio
from collections.abc import Callable
from functools import partial

from illustration_worker.engine.batching.assembly import Machinery, assemble
from illustration_worker.engine.batching.engine import BatchingEngine
from illustration_worker.engine.batching.options import BatchingOptions
from illustration_worker.engine.stock import StockEngine
from illustration_worker.engine.warm_up import warm_up_job
from illustration_worker.models.config import ModelConfig
from illustration_worker.models.loader import LoadedModel

MAX_OUTSTANDING_JOBS = 16
_NOTHING_TO_LOAD = ModelConfig("made, not loaded")
MakeModel = Callable[[], LoadedModel]


class MadeStockEngine(StockEngine):
    """The baseline: one job at a time is the lock that the pipeline needs."""

    def __init__(self, make_model: MakeModel) -> None:
        super().__init__(_NOTHING_TO_LOAD, MAX_OUTSTANDING_JOBS)
        self._make_model = make_model

    async def start(self) -> None:
        """As the parent's, but for loading."""
        model = await asyncio.wrap_future(self._device_thread.submit(self._make_model))
        self._model = model
        self._drawing = self._device_thread.submit(partial(self._draw_until_closed, model))
        async for _ in self._generate(model, warm_up_job(model.default_image_size)):
            pass
        self._is_warm = True


class MadeBatchingEngine(BatchingEngine):
    """Ours."""

    def __init__(self, make_model: MakeModel, options: BatchingOptions) -> None:
        super().__init__(_NOTHING_TO_LOAD, options, MAX_OUTSTANDING_JOBS)
        self._make_model = make_model

    def _prepare_device(self) -> Machinery:
        return assemble(self._make_model(), self._options, self._queue, self._picture_threads, self._note_device_lost)
