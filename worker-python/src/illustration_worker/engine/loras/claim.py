"""A job's claim on the LoRA it names. No torch; for the event loop only."""

import asyncio
import time
from dataclasses import dataclass
from typing import Generic, TypeVar

from illustration_worker.engine.port import HeldLora, LoraHeader
from illustration_worker.errors import DeadlineExceededError, WorkerError
from illustration_worker.job import Job

AdaptedT = TypeVar("AdaptedT")
"""What an engine draws with when a LoRA is applied."""
Key = tuple[str, str]
"""Id and version: together they name one content."""
Signature = tuple[str, float]
"""SHA-256 of the file and scale: jobs of one signature are drawn by the same weights."""


@dataclass(slots=True, eq=False)
class Held(Generic[AdaptedT]):
    """A LoRA in memory."""

    header: LoraHeader
    sha256: str
    """Of the file, hexadecimal."""
    kind: str
    """In words: "LoRA (diffusers)"."""
    adapted: AdaptedT
    users: int = 0
    """Claims granted and not yet over."""

    @property
    def key(self) -> Key:
        """Names it."""
        return self.header.lora_id, self.header.version

    def told(self) -> HeldLora:
        """What there is to tell of it."""
        return HeldLora(self.header.lora_id, self.sha256, self.header.size_bytes, self.kind)


@dataclass(frozen=True, slots=True)
class Applied(Generic[AdaptedT]):
    """A LoRA as one job asks for it."""

    adapted: AdaptedT
    sha256: str
    scale: float

    @property
    def signature(self) -> Signature:
        """Jobs of another are drawn by other weights."""
        return self.sha256, self.scale


class Claim(Generic[AdaptedT]):
    """Made when a job is admitted, so that no hand-over is missed; granted at once or by a later one."""

    def __init__(self, job: Job) -> None:
        self.key: Key | None = None if job.lora is None else (job.lora.lora_id, job.lora.version)
        self.held: Held[AdaptedT] | None = None
        self._job = job
        self._refusal: WorkerError | None = None
        self._answered = asyncio.Event()

    @property
    def is_waiting(self) -> bool:
        """Whether there is a LoRA to wait for."""
        return self.key is not None and not self._answered.is_set()

    def grant(self, held: Held[AdaptedT]) -> None:
        """The LoRA is there, and stays as long as the job does."""
        held.users += 1
        self.held = held
        self._answered.set()

    def refuse(self, error: WorkerError) -> None:
        """The LoRA came and cannot be used."""
        self._refusal = error
        self._answered.set()

    async def granted(self) -> Applied[AdaptedT] | None:
        """The LoRA, as soon as it is there; None for a job that names none.

        Raises:
            DeadlineExceededError: the job's time ran out first.
            WorkerError: the LoRA came and cannot be used.
        """
        if self.is_waiting:
            await self._wait()
        if self._refusal is not None:
            raise type(self._refusal)(self._refusal.detail)  # one of its own: each raise adds to an error's traceback
        if self.held is None or self._job.lora is None:
            return None
        return Applied(self.held.adapted, self.held.sha256, self._job.lora.scale)

    async def _wait(self) -> None:
        deadline = self._job.deadline
        try:
            async with asyncio.timeout(None if deadline is None else deadline - time.monotonic()):
                await self._answered.wait()
        except TimeoutError:
            raise DeadlineExceededError("The time allowed ran out before the LoRA came.") from None
