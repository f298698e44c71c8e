"""The stock engine: diffusers' own pipeline, one job at a time. Also the reference that faster engines must equal."""

import asyncio
import contextvars
import logging
import time
from collections.abc import AsyncGenerator, AsyncIterable
from concurrent.futures import Future, ThreadPoolExecutor
from functools import partial

import torch

from illustration_worker.engine.device import free_device_memory
from illustration_worker.engine.device_thread import DeviceThread
from illustration_worker.engine.drawing import Drawing, StockTicket, draw, prepare_references
from illustration_worker.engine.job_queue import JobQueue
from illustration_worker.engine.loras.adapted_model import AdaptedModel, adapt
from illustration_worker.engine.loras.intake import LoraIntake, LoraLimits
from illustration_worker.engine.port import EngineDescription, HeldLora, LoraHeader
from illustration_worker.engine.requirements import require_drawable
from illustration_worker.engine.warm_up import warm_up_job
from illustration_worker.errors import (
    CanceledError,
    GenerationFailedError,
    ModelLoadError,
    OutOfMemoryError,
    StartingError,
    WorkerError,
)
from illustration_worker.images import encode_png
from illustration_worker.job import Finished, Job, JobEvent, LoraNeeded, Started, Timings
from illustration_worker.load_progress import LoadProgress
from illustration_worker.model_file import model_digest
from illustration_worker.models.config import ModelConfig
from illustration_worker.models.loader import LoadedModel, load_model
from illustration_worker.signals import out_of_memory

_PICTURE_THREADS = 2

_log = logging.getLogger(__name__)


class StockEngine:
    """See ``engine.port.Engine``.

    Three kinds of thread: the event loop (callers), the device thread (everything on the pipeline), and a few that turn
    files into pixels and back, so that the device never waits for a JPEG or a PNG.
    """

    def __init__(
        self,
        config: ModelConfig,
        max_outstanding_jobs: int,
        progress: LoadProgress | None = None,
        lora_limits: LoraLimits | None = None,
    ) -> None:
        self._config = config
        self._progress = progress or LoadProgress()
        self._max_outstanding_jobs = max_outstanding_jobs
        self._queue: JobQueue[StockTicket] = JobQueue(max_outstanding_jobs)
        self._intake: LoraIntake[AdaptedModel] = LoraIntake(lora_limits or LoraLimits())
        self._device_thread = DeviceThread()
        self._picture_threads = ThreadPoolExecutor(_PICTURE_THREADS, thread_name_prefix="pictures")
        self._model: LoadedModel | None = None
        self._drawing: Future[None] | None = None
        self._is_warm = False
        self._is_stopped = False

    async def start(self) -> None:
        """Load the model and draw one warm-up illustration; returns when jobs can be drawn."""
        began = time.perf_counter()
        model = await asyncio.wrap_future(self._device_thread.submit(partial(load_model, self._config, self._progress)))
        self._model = model
        self._progress.enter("warming up")
        self._drawing = self._device_thread.submit(partial(self._draw_until_closed, model))
        try:
            async for _ in self._generate(model, warm_up_job(model.default_image_size)):
                pass
        except WorkerError as error:
            raise ModelLoadError(f"The model is loaded but its warm-up illustration failed: {error.detail}") from error
        self._is_warm = True
        _log.info("model ready", extra={"model": model.model, "seconds": round(time.perf_counter() - began, 3)})

    def describe(self) -> EngineDescription:
        """What is loaded. Only after ``start`` has returned."""
        model = self._ready_model()
        return EngineDescription(
            engine="stock",
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
            held_loras=self._intake.loras.told(),
            max_lora_bytes=self._intake.loras.max_bytes,
            model_files=model.files,
            model_digest=model_digest(model.files),
            picture_settings=f"reference_fit={model.reference_fit}",
        )

    async def generate(self, job: Job) -> AsyncGenerator[JobEvent, None]:
        """Draw ``job``; closing the iterator stops it within a step. See the port."""
        events = self._generate(self._ready_model(), job)
        try:
            async for event in events:
                yield event
        finally:
            await events.aclose()

    async def put_lora(self, header: LoraHeader, chunks: AsyncIterable[bytes]) -> HeldLora:
        """Take a LoRA file in. See the port."""
        model = self._loaded_model()

        def adapt_model(content: bytes) -> tuple[str, AdaptedModel]:
            adapted = adapt(model, content)
            return adapted.kind, adapted

        return await self._intake.put(header, chunks, adapt_model)

    def forget_embeddings(self) -> int:
        """There are none: diffusers' pipeline encodes anew for each job."""
        return 0

    async def wait_until_broken(self) -> None:
        """Never: each job finds out for itself what its device can do."""
        await asyncio.Event().wait()

    async def stop(self) -> None:
        """Take no more jobs, finish those accepted, free the device."""
        self._queue.close()
        if self._drawing is not None:
            await asyncio.wrap_future(self._drawing)
        if self._is_stopped:
            return
        self._is_stopped = True
        self._is_warm, self._model = False, None
        self._intake.stop()
        await asyncio.wrap_future(self._device_thread.submit(free_device_memory))
        self._device_thread.stop()
        self._picture_threads.shutdown()

    def _ready_model(self) -> LoadedModel:
        self._queue.raise_if_closed()
        return self._loaded_model()

    def _loaded_model(self) -> LoadedModel:
        if self._model is None or not self._is_warm:
            raise StartingError("The model is still loading.")
        return self._model

    async def _generate(self, model: LoadedModel, job: Job) -> AsyncGenerator[JobEvent, None]:
        require_drawable(model, job)
        ticket = StockTicket(job)
        self._queue.accept(ticket)
        with self._intake.loras.claimed(job) as claim:
            try:
                if claim.is_waiting:
                    yield LoraNeeded()
                ticket.lora = await claim.granted()
                await self._prepare(model, ticket)
                self._queue.enqueue(ticket)
                is_finished = False
                while not is_finished:
                    event = await ticket.next_event()
                    is_finished = isinstance(event, Finished)
                    yield event
            finally:
                ticket.cancel()
                self._queue.withdraw(ticket)

    async def _prepare(self, model: LoadedModel, ticket: StockTicket) -> None:
        began = time.perf_counter()
        images = ticket.job.all_reference_images
        loop = asyncio.get_running_loop()
        ticket.references = await loop.run_in_executor(self._picture_threads, prepare_references, model, images)
        ticket.reference_seconds = time.perf_counter() - began

    def _draw_until_closed(self, model: LoadedModel) -> None:
        """What the device thread does once the model is loaded."""
        while (ticket := self._queue.take()) is not None:
            ticket.context.run(self._serve, model, ticket)

    def _serve(self, model: LoadedModel, ticket: StockTicket) -> None:
        taken_at = time.perf_counter()
        outcome = _attempt(model, ticket)
        if isinstance(outcome, Drawing):
            context = contextvars.copy_context()
            self._picture_threads.submit(context.run, self._finish, ticket, outcome, taken_at)
            return
        if isinstance(outcome, OutOfMemoryError):
            free_device_memory()
        self._queue.release(ticket)
        ticket.fail(outcome)

    def _finish(self, ticket: StockTicket, drawing: Drawing, taken_at: float) -> None:
        """On a picture thread: pixels to PNG, and the caller gets it."""
        try:
            png = encode_png(drawing.pixels)
        except Exception:
            _log.exception("PNG encoding failed", extra=_ids(ticket.job))
            self._queue.release(ticket)
            ticket.fail(GenerationFailedError("The picture could not be written as PNG."))
            return
        # every second from acceptance to here is in exactly one of these
        on_device = drawing.encode + drawing.denoise + drawing.decode
        timings = Timings(
            queue=taken_at - ticket.accepted_at - ticket.reference_seconds,
            encode=drawing.encode + ticket.reference_seconds,
            denoise=drawing.denoise,
            decode=drawing.decode,
            png=time.perf_counter() - taken_at - on_device,
        )
        height, width, _ = drawing.pixels.shape
        self._queue.release(ticket)
        ticket.emit(
            Finished(
                png=png,
                width=width,
                height=height,
                timings=timings,
                device_seconds=on_device,
                lora_sha256=ticket.lora_sha256,
                warnings=ticket.warnings,
            )
        )


def _attempt(model: LoadedModel, ticket: StockTicket) -> Drawing | WorkerError:
    """Draw, or say why not. Returns the error so that no ``except`` block is open when memory is freed: its traceback
    would pin every tensor of the pipeline's call."""
    job = ticket.job
    try:
        ticket.raise_if_over()
        ticket.emit(Started())
        return draw(model if ticket.lora is None else ticket.lora.adapted.apply(ticket.lora.scale), ticket)
    except WorkerError as error:
        if not isinstance(error, CanceledError):
            _log.warning("illustration not drawn", extra={**_ids(job), "reason": error.reason})
        return error.with_traceback(None)
    except torch.OutOfMemoryError:
        out_of_memory.send("step")
        _log.exception("out of device memory", extra=_ids(job))
        return OutOfMemoryError(f"The device has too little memory for a {job.width} x {job.height} illustration.")
    except Exception:
        _log.exception("illustration failed", extra=_ids(job))
        return GenerationFailedError("The model could not draw this illustration.")


def _ids(job: Job) -> dict[str, str]:
    return {"job_id": job.job_id, "request_id": job.request_id}
