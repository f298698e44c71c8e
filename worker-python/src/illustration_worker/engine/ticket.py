"""The hand-off between whoever asked for a job, on the event loop, and the thread that draws it. No torch."""

import asyncio
import contextvars
import threading
import time
from typing import Any

from illustration_worker.engine.loras.claim import Applied
from illustration_worker.errors import CanceledError, DeadlineExceededError, WorkerError
from illustration_worker.job import Job, JobEvent, Queued


class Ticket:
    """One accepted job. Made on the event loop; every method but ``next_event`` may be called from any thread."""

    def __init__(self, job: Job) -> None:
        self.job = job
        self.accepted_at = time.perf_counter()
        self.context = contextvars.copy_context()
        """The caller's context (request id, trace): run the work on the job in it, so that its log lines carry them."""
        self.warnings: tuple[str, ...] = ()
        """For ``Finished``; known once the prompts are encoded."""
        self.lora: Applied[Any] | None = None
        """Known before the job waits for the device; None: it names none."""
        self._loop = asyncio.get_running_loop()
        self._outbox: asyncio.Queue[JobEvent | WorkerError] = asyncio.Queue()
        self._is_canceled = threading.Event()
        self._told_position = 0

    @property
    def lora_sha256(self) -> str | None:
        """For ``Finished``."""
        return None if self.lora is None else self.lora.sha256

    async def next_event(self) -> JobEvent:
        """What happens next to the job.

        Raises:
            DeadlineExceededError: as soon as the deadline passes, even if the drawing thread hangs.
            WorkerError: the job failed.
        """
        try:
            async with asyncio.timeout(self._seconds_left()):
                message = await self._outbox.get()
        except TimeoutError:
            raise _deadline_exceeded() from None
        if isinstance(message, WorkerError):
            raise message
        return message

    def emit(self, event: JobEvent) -> None:
        """Tell the caller that ``event`` happened."""
        self._deliver(event)

    def fail(self, error: WorkerError) -> None:
        """Tell the caller that the job ended without a picture."""
        self._deliver(error)

    def tell_position(self, jobs_in_front: int) -> None:
        """Tell the caller its place in the queue, if that is news."""
        if jobs_in_front > 0 and jobs_in_front != self._told_position:
            self._told_position = jobs_in_front
            self._deliver(Queued(position=jobs_in_front))

    def cancel(self) -> None:
        """The caller left: ``raise_if_over`` raises from now on."""
        self._is_canceled.set()

    def raise_if_over(self) -> None:
        """To be called between pieces of work: the job may no longer be wanted.

        Raises:
            CanceledError: the caller left.
            DeadlineExceededError: the job's time ran out.
        """
        if self._is_canceled.is_set():
            raise CanceledError("The caller left.")
        seconds_left = self._seconds_left()
        if seconds_left is not None and seconds_left <= 0:
            raise _deadline_exceeded()

    def _seconds_left(self) -> float | None:
        return None if self.job.deadline is None else self.job.deadline - time.monotonic()

    def _deliver(self, message: JobEvent | WorkerError) -> None:
        try:
            self._loop.call_soon_threadsafe(self._outbox.put_nowait, message)
        except RuntimeError:
            if not self._loop.is_closed():
                raise
            self.cancel()  # a closed loop has nobody left to tell


def _deadline_exceeded() -> DeadlineExceededError:
    return DeadlineExceededError("The time allowed for this illustration ran out.")
