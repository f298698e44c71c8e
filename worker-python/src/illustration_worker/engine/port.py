"""The port between the RPC side and whatever draws: everything ``rpc`` knows of an engine."""

from collections.abc import AsyncIterable, AsyncIterator
from dataclasses import dataclass
from typing import Protocol

from illustration_worker.job import Job, JobEvent
from illustration_worker.model_file import ModelFile


@dataclass(frozen=True, slots=True)
class RowThroughput:
    """What a UNet call of so many rows takes."""

    rows: int
    seconds: float
    width: int
    """Of the pictures, pixels; so is ``height``."""
    height: int
    peak_memory_bytes: int | None = None
    """None where the device does not tell."""


@dataclass(frozen=True, slots=True)
class Capacity:
    """How many rows (2 for a job with guidance, else 1) share a UNet call."""

    row_cap: int
    """At the default image size."""
    is_reproducible: bool
    """Every call has ``row_cap`` rows, so that a picture does not depend on what is drawn beside it."""
    throughput: tuple[RowThroughput, ...] = ()
    """As measured at start-up: size by size, the default one first, rows ascending. Empty when nothing was measured."""


@dataclass(frozen=True, slots=True)
class LoraHeader:
    """A LoRA file to come. Id and version together name one content."""

    lora_id: str
    version: str
    size_bytes: int


@dataclass(frozen=True, slots=True)
class HeldLora:
    """A LoRA in memory."""

    lora_id: str
    sha256: str
    """Of the file, hexadecimal."""
    size_bytes: int
    """Of the file."""
    kind: str
    """What the file was found to be, in words: "LoRA (diffusers)"."""


@dataclass(frozen=True, slots=True)
class EngineDescription:
    """What is loaded, where, and what it takes. Fields are those of ``DescribeResponse``."""

    engine: str
    """``batching``, ``stock`` or ``fake``."""
    model: str
    about: str | None
    """What a small model of ours says of itself; None: a published model."""
    device: str
    dtype: str
    ip_adapter: str | None
    scheduler: str
    max_outstanding_jobs: int
    default_image_size: int
    min_image_size: int
    max_image_size: int
    capacity: Capacity | None = None
    """None: one job at a time."""
    held_loras: tuple[HeldLora, ...] = ()
    """The latest used first."""
    max_lora_bytes: int = 0
    """What is held of LoRAs at most; 0: jobs cannot name one."""
    model_files: tuple[ModelFile, ...] = ()
    model_digest: str = ""
    """Names the content of all model files together, see ``model_file.model_digest``."""
    picture_settings: str = ""
    """Settings that reach the picture beside the model, in a fixed order."""


class Engine(Protocol):
    """Draws jobs. One engine owns the device; all methods are called from the event loop and never block it."""

    async def start(self) -> None:
        """Load the model and draw one warm-up illustration; returns when jobs can be drawn.

        Raises:
            ModelLoadError: the model cannot be loaded as configured.
        """

    def describe(self) -> EngineDescription:
        """What is loaded. Only after ``start`` has returned."""

    def generate(self, job: Job) -> AsyncIterator[JobEvent]:
        """Draw ``job``: its events as they happen, the last one ``Finished``.

        Closing the iterator (``aclose``, or cancelling the task that awaits it) cancels the job: the device stops
        within one denoising step and nothing is decoded.

        Raises (from the iteration):
            WorkerError: one of its subclasses, see ``illustration_worker.errors``.
        """

    async def put_lora(self, header: LoraHeader, chunks: AsyncIterable[bytes]) -> HeldLora:
        """Take a LoRA file in, and let the jobs go on that wait for it. One that is held already is not read.

        A hand-over that breaks off, or is not what its header says, leaves nothing, and the jobs waiting.

        Raises:
            LoraInvalidError: it is no LoRA for the loaded model; the jobs that wait for it fail likewise.
            OutOfMemoryError: the device has too little memory for it; as before.
            InvalidRequestError: the chunks are not the file that the header tells of.
        """

    def forget_embeddings(self) -> int:
        """Drop what is kept of encoded prompts and reference images; how many there were. Also while it stops.

        Jobs under way go on; what they have begun to encode is not kept.
        """

    async def wait_until_broken(self) -> None:
        """Return when this process can never draw again, and had better end: its device is lost. Normally never."""

    async def stop(self) -> None:
        """Take no more jobs (``DrainingError``), finish those accepted, free the device."""
