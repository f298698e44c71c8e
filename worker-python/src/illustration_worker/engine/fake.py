"""An engine that needs no model and no torch: draws noise at once, and fails, dawdles or hangs as scripted.

For tests of everything around the engine, and for trying the service out. It keeps the port's promises: jobs in order
of arrival, one at a time; closing the iterator stops the job within a step; from a checkpoint it goes on.
"""

import asyncio
import hashlib
import json
import struct
import time
import zlib
from collections.abc import AsyncGenerator, AsyncIterable
from dataclasses import dataclass

from illustration_worker.engine.loras.claim import Applied
from illustration_worker.engine.loras.intake import LoraIntake, LoraLimits
from illustration_worker.engine.port import EngineDescription, HeldLora, LoraHeader
from illustration_worker.errors import DeadlineExceededError, DrainingError, LoraInvalidError, QueueFullError
from illustration_worker.job import Checkpoint, Finished, Job, JobEvent, LoraNeeded, Queued, Started, Step, Timings
from illustration_worker.model_file import ModelFile, model_digest
from illustration_worker.signals import StepMade, step_made

_FILES = (ModelFile("base", "fake", "noise, without any model", hashlib.sha256(b"").hexdigest(), size_bytes=0),)
_ABOUT = "No model at all: noise, drawn at once."


@dataclass(frozen=True, slots=True)
class FakeScript:
    """What the fake does with every job."""

    load_seconds: float = 0.0
    load_error: Exception | None = None
    """Raised by ``start``."""
    step_seconds: float = 0.0
    fail_at_step: int = 1
    failure: Exception | None = None
    """Raised instead of doing step ``fail_at_step``."""
    hang_at_step: int | None = None
    """This step never ends."""
    checkpoint_every: int = 10
    """Steps, for jobs that want checkpoints; 0: none."""


class FakeEngine:
    """See ``engine.port.Engine``."""

    def __init__(
        self,
        script: FakeScript | None = None,
        max_outstanding_jobs: int = 16,
        lora_limits: LoraLimits | None = None,
    ) -> None:
        self.steps_done: dict[str, int] = {}
        """By job id: the last step that was done. For tests."""
        self._script = script or FakeScript()
        self._max_outstanding_jobs = max_outstanding_jobs
        self._intake: LoraIntake[None] = LoraIntake(lora_limits or LoraLimits())
        self._outstanding: list[Job] = []
        self._line: list[Job] = []
        self._line_moved = asyncio.Event()
        self._is_stopping = False

    async def start(self) -> None:
        """Wait as long as scripted."""
        await asyncio.sleep(self._script.load_seconds)
        if self._script.load_error is not None:
            raise self._script.load_error

    def describe(self) -> EngineDescription:
        """What the fake claims to be."""
        return EngineDescription(
            engine="fake",
            model="fake",
            about=_ABOUT,
            device="cpu",
            dtype="float32",
            ip_adapter="fake",
            scheduler="none",
            max_outstanding_jobs=self._max_outstanding_jobs,
            default_image_size=64,
            min_image_size=64,
            max_image_size=1024,
            held_loras=self._intake.loras.told(),
            max_lora_bytes=self._intake.loras.max_bytes,
            model_files=_FILES,
            model_digest=model_digest(_FILES),
        )

    async def generate(self, job: Job) -> AsyncGenerator[JobEvent, None]:
        """Noise that depends on everything a picture depends on."""
        if self._is_stopping:
            raise DrainingError("The worker is shutting down.")
        if len(self._outstanding) >= self._max_outstanding_jobs:
            raise QueueFullError(f"{len(self._outstanding)} jobs wait already.")
        arrived_at = time.perf_counter()
        self._outstanding.append(job)
        with self._intake.loras.claimed(job) as claim:
            try:
                if claim.is_waiting:
                    yield LoraNeeded()
                lora = await claim.granted()
                self._line.append(job)
                while self._line[0] is not job:
                    line_moved = self._line_moved  # taken before the caller is given time: no move meanwhile is missed
                    yield Queued(position=next(i for i, other in enumerate(self._line) if other is job))
                    await line_moved.wait()
                started_at = time.perf_counter()
                yield Started()
                for index in range(steps_of_checkpoint(job) + 1, job.num_inference_steps + 1):
                    await self._step(job, index)
                    yield Step(index=index, total=job.num_inference_steps)
                    if self._is_checkpoint_due(job, index):
                        yield Checkpoint(index=index, state=_checkpoint_of(job, index))
                yield _finished(job, lora, arrived_at, started_at)
            finally:
                self._outstanding = [other for other in self._outstanding if other is not job]
                self._line = [other for other in self._line if other is not job]
                self._tell_line_moved()

    async def put_lora(self, header: LoraHeader, chunks: AsyncIterable[bytes]) -> HeldLora:
        """Take in whatever looks like a safetensors file. See the port."""
        return await self._intake.put(header, chunks, _looked_at)

    def forget_embeddings(self) -> int:
        """There are none: nothing is ever encoded."""
        return 0

    async def wait_until_broken(self) -> None:
        """Never: there is no device."""
        await asyncio.Event().wait()

    async def stop(self) -> None:
        """Take no more jobs; return when the line is empty."""
        self._is_stopping = True
        await self.wait_until_idle()
        self._intake.stop()

    async def wait_until_idle(self) -> None:
        """Return when no job is drawn and none waits."""
        while self._outstanding:
            await self._line_moved.wait()

    async def _step(self, job: Job, index: int) -> None:
        if job.deadline is not None and time.monotonic() >= job.deadline:
            raise DeadlineExceededError("The job's time ran out.")
        if self._script.failure is not None and index == self._script.fail_at_step:
            raise self._script.failure
        if index == self._script.hang_at_step:
            await asyncio.Event().wait()
        began = time.perf_counter()
        await asyncio.sleep(self._script.step_seconds)
        step_made.send(StepMade(time.perf_counter() - began, jobs=1, rows=2 if job.guidance_scale > 1 else 1))
        self.steps_done[job.job_id] = index

    def _is_checkpoint_due(self, job: Job, index: int) -> bool:
        every = self._script.checkpoint_every
        return job.wants_checkpoints and every > 0 and index % every == 0 and index < job.num_inference_steps

    def _tell_line_moved(self) -> None:
        self._line_moved.set()
        self._line_moved = asyncio.Event()


def _finished(job: Job, lora: Applied[None] | None, arrived_at: float, started_at: float) -> Finished:
    drawn_at = time.perf_counter()
    png = draw_noise(job)
    timings = Timings(
        queue=started_at - arrived_at,
        encode=0.0,
        denoise=drawn_at - started_at,
        decode=0.0,
        png=time.perf_counter() - drawn_at,
    )
    sha256 = None if lora is None else lora.sha256
    return Finished(png=png, width=job.width, height=job.height, timings=timings, lora_sha256=sha256)


def _looked_at(content: bytes) -> tuple[str, None]:
    header = content[8 : 8 + int.from_bytes(content[:8], "little")]
    try:
        is_file = isinstance(json.loads(header), dict)
    except ValueError:
        is_file = False
    if not is_file:
        raise LoraInvalidError("The LoRA cannot be used: it is no safetensors file.")
    return "LoRA (fake)", None


def draw_noise(job: Job) -> bytes:
    """A PNG (8-bit RGB) of noise: the same for the same job, another for any other, whatever its ids and deadline.

    As with a real adapter, a person's images do not matter at ``ip_adapter_scale`` 0.
    """
    row_bytes = 3 * job.width
    pixels = hashlib.shake_256(_look_of(job)).digest(row_bytes * job.height)
    rows = b"".join(b"\0" + pixels[start : start + row_bytes] for start in range(0, len(pixels), row_bytes))
    header = struct.pack(">IIBBBBB", job.width, job.height, 8, 2, 0, 0, 0)
    chunks = (b"IHDR", header), (b"IDAT", zlib.compress(rows, 0)), (b"IEND", b"")
    return b"\x89PNG\r\n\x1a\n" + b"".join(_png_chunk(kind, data) for kind, data in chunks)


def steps_of_checkpoint(job: Job) -> int:
    """How many steps the job's checkpoint spares; 0 without one, or with one of another picture."""
    _, _, step = (job.checkpoint or b"").rpartition(b":")
    return int(step) if step.isdigit() and _checkpoint_of(job, int(step)) == job.checkpoint else 0


def _checkpoint_of(job: Job, step: int) -> bytes:
    return f"{hashlib.sha256(_look_of(job)).hexdigest()}:{step}".encode()


def _look_of(job: Job) -> bytes:
    """Everything that the picture depends on."""
    people = [
        (person.ip_adapter_scale, person.region, [hashlib.sha256(image).digest() for image in person.reference_images])
        for person in job.people
        if person.ip_adapter_scale
    ]
    look = (
        job.prompt,
        job.prompt_2,
        job.negative_prompt,
        job.num_inference_steps,
        job.seed,
        job.guidance_scale,
        job.guidance_rescale,
        people,
        job.ip_adapter_mode if people else None,
        job.lora,
    )
    return repr(look).encode()


def _png_chunk(kind: bytes, data: bytes) -> bytes:
    return struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
