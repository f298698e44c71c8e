"""The batching engine: steps of many jobs in one UNet call, every picture the one its job gives alone."""

import asyncio
import contextlib
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterable
from concurrent.futures import Future, InvalidStateError, ThreadPoolExecutor

from illustration_worker.engine.batching.assembly import Machinery, assemble
from illustration_worker.engine.batching.failures import device_lost
from illustration_worker.engine.batching.lora_model import LoraModel
from illustration_worker.engine.batching.options import BatchingOptions
from illustration_worker.engine.batching.ticket import BatchTicket, References, key_of_references
from illustration_worker.engine.device import free_device_memory
from illustration_worker.engine.device_thread import DeviceThread
from illustration_worker.engine.drawing import prepare_references
from illustration_worker.engine.job_queue import JobQueue
from illustration_worker.engine.loras.intake import LoraIntake, LoraLimits
from illustration_worker.engine.port import EngineDescription, HeldLora, LoraHeader
from illustration_worker.engine.requirements import require_drawable
from illustration_worker.engine.warm_up import warm_up_job
from illustration_worker.errors import DeviceLostError, ModelLoadError, StartingError, WorkerError
from illustration_worker.job import Finished, Job, JobEvent, LoraNeeded
from illustration_worker.load_progress import LoadProgress
from illustration_worker.model_file import model_digest
from illustration_worker.models.config import ModelConfig
from illustration_worker.models.loader import LoadedModel, load_model

_PICTURE_THREADS = 2

_log = logging.getLogger(__name__)


class BatchingEngine:
    """See ``engine.port.Engine``.

    Four kinds of thread: the event loop (callers), the device thread (everything but the VAE), the decoder's, and a
    few that turn files into pixels and back.
    """

    def __init__(
        self,
        config: ModelConfig,
        options: BatchingOptions,
        max_outstanding_jobs: int,
        progress: LoadProgress | None = None,
        lora_limits: LoraLimits | None = None,
    ) -> None:
        self._config = config
        self._progress = progress or LoadProgress()
        self._options = options
        self._max_outstanding_jobs = max_outstanding_jobs
        self._queue: JobQueue[BatchTicket] = JobQueue(max_outstanding_jobs)
        self._intake: LoraIntake[LoraModel] = LoraIntake(lora_limits or LoraLimits())
        self._device_thread = DeviceThread()
        self._picture_threads = ThreadPoolExecutor(_PICTURE_THREADS, thread_name_prefix="pictures")
        self._machinery: Machinery | None = None
        self._running: Future[None] | None = None
        self._device_lost: Future[None] = Future()
        self._is_warm = False
        self._is_stopped = False

    async def start(self) -> None:
        """Load, compile, measure, and draw one warm-up illustration; returns when jobs can be drawn."""
        began = time.perf_counter()
        machinery = await asyncio.wrap_future(self._device_thread.submit(self._prepare_device))
        self._machinery = machinery
        self._progress.enter("warming up")
        self._running = self._device_thread.submit(machinery.loop.run)
        try:
            async for _ in self._generate(machinery.model, warm_up_job(machinery.model.default_image_size)):
                pass
        except WorkerError as error:
            raise ModelLoadError(f"The model is loaded but its warm-up illustration failed: {error.detail}") from error
        self._is_warm = True
        seconds = round(time.perf_counter() - began, 3)
        _log.info("model ready", extra={"model": machinery.model.model, "seconds": seconds})

    def describe(self) -> EngineDescription:
        """What is loaded. Only after ``start`` has returned."""
        machinery = self._ready()
        model = machinery.model
        return EngineDescription(
            engine="batching",
            model=model.model,
            about=None if model.notes is None else model.notes.about,
            device=model.device.type,
            dtype=str(model.dtype).removeprefix("torch."),
            ip_adapter=model.ip_adapter,
            scheduler=model.scheduler,
            max_outstanding_jobs=self._max_outstanding_jobs,
            default_image_size=model.default_image_size,
            min_image_size=model.min_image_size,
            max_image_size=model.max_image_size,
            capacity=machinery.capacity,
            held_loras=self._intake.loras.told(),
            max_lora_bytes=self._intake.loras.max_bytes,
            model_files=model.files,
            model_digest=model_digest(model.files),
            picture_settings=f"reference_fit={model.reference_fit} vae_dtype={self._options.vae_dtype}",
        )

    async def generate(self, job: Job) -> AsyncGenerator[JobEvent, None]:
        """Draw ``job``; closing the iterator stops it within a step. See the port."""
        events = self._generate(self._ready().model, job)
        try:
            async for event in events:
                yield event
        finally:
            await events.aclose()

    async def put_lora(self, header: LoraHeader, chunks: AsyncIterable[bytes]) -> HeldLora:
        """Take a LoRA file in. See the port."""
        machinery = self._loaded()
        try:
            return await self._intake.put(header, chunks, machinery.lora_models.make)
        except DeviceLostError:
            machinery.jobs.lose_device()
            raise

    def forget_embeddings(self) -> int:
        """Empty the cache of encoded prompts and reference images. See the port."""
        entries = 0 if self._machinery is None else self._machinery.cache.clear()
        _log.info("embeddings forgotten", extra={"entries": entries})
        return entries

    async def wait_until_broken(self) -> None:
        """Return when the device is lost for good. See the port."""
        await asyncio.shield(asyncio.wrap_future(self._device_lost))  # others may wait for it too

    async def stop(self) -> None:
        """Take no more jobs, finish those accepted, free the device."""
        self._queue.close()
        if self._running is not None:
            await asyncio.wrap_future(self._running)
        if self._is_stopped:
            return
        self._is_stopped = True
        self._intake.stop()
        machinery, self._machinery, self._is_warm = self._machinery, None, False
        if machinery is not None:
            machinery.finishing.stop()
            cache = machinery.cache
            _log.info("embedding cache", extra={"hits": cache.hits, "misses": cache.misses, "bytes": cache.bytes_held})
        await asyncio.wrap_future(self._device_thread.submit(free_device_memory))
        self._device_thread.stop()
        self._picture_threads.shutdown()

    def _ready(self) -> Machinery:
        self._queue.raise_if_closed()
        return self._loaded()

    def _loaded(self) -> Machinery:
        if self._device_lost.done():
            raise device_lost()
        if self._machinery is None or not self._is_warm:
            raise StartingError("The model is still loading.")
        return self._machinery

    async def _generate(self, model: LoadedModel, job: Job) -> AsyncGenerator[JobEvent, None]:
        require_drawable(model, job)
        ticket = BatchTicket(job)
        self._queue.accept(ticket)
        with self._intake.loras.claimed(job) as claim:
            try:
                if claim.is_waiting:
                    yield LoraNeeded()
                ticket.lora = await claim.granted()
                await self._prepare_references(model, ticket)
                self._queue.enqueue(ticket)
                is_finished = False
                while not is_finished:
                    event = await ticket.next_event()
                    is_finished = isinstance(event, Finished)
                    yield event
            finally:
                ticket.cancel()
                self._queue.withdraw(ticket)

    async def _prepare_references(self, model: LoadedModel, ticket: BatchTicket) -> None:
        began = time.perf_counter()
        images = ticket.job.all_reference_images
        loop = asyncio.get_running_loop()
        pixels = await loop.run_in_executor(self._picture_threads, prepare_references, model, images)
        ticket.references = References(pixels, key_of_references(images, model.reference_fit))
        ticket.reference_seconds = time.perf_counter() - began

    def _prepare_device(self) -> Machinery:
        """On the device thread."""
        model = load_model(self._config, self._progress)
        self._progress.enter("compiling and measuring")
        return assemble(model, self._options, self._queue, self._picture_threads, self._note_device_lost)

    def _note_device_lost(self) -> None:
        with contextlib.suppress(InvalidStateError):  # both device threads may notice it
            self._device_lost.set_result(None)
