"""The jobs between the queue and their last step."""

import threading
import time
from collections.abc import Callable, Sequence

import torch

from illustration_worker.engine.batching.checkpoint import resume
from illustration_worker.engine.batching.conditioning import Encoder
from illustration_worker.engine.batching.denoising import Denoising, Spent, begin_denoising
from illustration_worker.engine.batching.failures import device_lost, told_error
from illustration_worker.engine.batching.fingerprint import build_of, fingerprint_of
from illustration_worker.engine.batching.ticket import BatchTicket
from illustration_worker.engine.device import free_device_memory, wait_for_stream
from illustration_worker.engine.job_queue import JobQueue
from illustration_worker.engine.picture_warnings import warnings_of
from illustration_worker.errors import WorkerError
from illustration_worker.job import Started
from illustration_worker.models.loader import LoadedModel
from illustration_worker.signals import out_of_memory

MAX_ACTIVE = 16
"""Jobs under way at a time. Each holds its keys and values: 51 MB in float16 with guidance."""
ADMISSIONS_PER_TICK = 2
"""Encoding a new job holds up the steps of all others, so that a burst is let in bit by bit."""


class ActiveJobs:
    """For the device thread, but for ``lose_device``."""

    def __init__(
        self,
        model: LoadedModel,
        encoder: Encoder,
        queue: JobQueue[BatchTicket],
        tell_device_lost: Callable[[], None],
    ) -> None:
        self.active: list[Denoising] = []
        self._model = model
        self._encoder = encoder
        self._queue = queue
        self._build = build_of(model)
        self._device_lost = threading.Event()
        self._tell_device_lost = tell_device_lost

    @property
    def is_device_lost(self) -> bool:
        """Whether the device is gone for good."""
        return self._device_lost.is_set()

    def lose_device(self) -> None:
        """The device is gone for good. Any thread."""
        self._device_lost.set()
        self._tell_device_lost()

    def admit(self) -> bool:
        """Let waiting jobs in; waits for one when none is under way. False: the queue is closed and nothing is left."""
        for admission in range(ADMISSIONS_PER_TICK):
            if len(self.active) >= MAX_ACTIVE:
                break
            is_idle = not self.active and admission == 0
            ticket = self._queue.take() if is_idle else self._queue.poll()
            if ticket is None:
                return not is_idle
            self._begin(ticket)
        return True

    def drop_those_over(self) -> None:
        """End the jobs that were cancelled or ran out of time: they make no step more."""
        for member in list(self.active):
            try:
                member.ticket.raise_if_over()
            except WorkerError as over:
                self.fail(member, told_error(over, member.job))

    def note_skipped(self, chosen: Sequence[Denoising]) -> None:
        """A step was made by ``chosen`` and by no other."""
        for member in self.active:
            if member not in chosen:
                member.skipped_ticks += 1

    def hand_over(self, member: Denoising) -> None:
        """``member`` is denoised; whoever decodes it releases its place."""
        self.active.remove(member)

    def fail(self, member: Denoising, error: WorkerError) -> None:
        """``member`` ends without a picture."""
        self.active.remove(member)
        self._end(member.ticket, error)

    def fail_all(self, error: WorkerError) -> None:
        """Everything ends that is under way or waits."""
        for member in list(self.active):
            self.fail(member, error)
        while (ticket := self._queue.poll()) is not None:
            self._end(ticket, error)

    def forget_embeddings(self) -> None:
        """Empty the cache, to give its memory back."""
        self._encoder.forget()

    def fingerprint_of(self, ticket: BatchTicket) -> str:
        """For the job's checkpoints."""
        return fingerprint_of(self._build, ticket.job, ticket.lora_sha256)

    def _begin(self, ticket: BatchTicket) -> None:
        spent = Spent()
        outcome = self._try_to_begin(ticket, spent, is_first_try=True)
        if isinstance(outcome, torch.OutOfMemoryError):
            out_of_memory.send("encode")
            outcome.__traceback__ = None  # it pins tensors
            self.forget_embeddings()
            free_device_memory()
            outcome = self._try_to_begin(ticket, spent, is_first_try=False)
        if isinstance(outcome, Denoising):
            self.active.append(outcome)
        else:
            self._end(ticket, told_error(outcome, ticket.job))

    def _try_to_begin(self, ticket: BatchTicket, spent: Spent, *, is_first_try: bool) -> Denoising | Exception:
        try:
            return self._encode(ticket, spent, is_first_try=is_first_try)
        except torch.AcceleratorError:
            self._end(ticket, device_lost())
            raise
        except Exception as error:
            return error

    def _encode(self, ticket: BatchTicket, spent: Spent, *, is_first_try: bool) -> Denoising:
        ticket.raise_if_over()
        if is_first_try:
            ticket.emit(Started())
        ticket.warnings = warnings_of(self._model, ticket.job)
        lora = ticket.lora
        encoder = self._encoder if lora is None else lora.adapted.encoder_at(lora.scale)
        denoising = begin_denoising(self._model, ticket, encoder.encode(ticket.job, ticket.references), spent)
        if ticket.job.checkpoint is not None:
            resume(denoising, ticket.job.checkpoint, self.fingerprint_of(ticket))
        wait_for_stream(self._model.device)
        spent.encoded_at = time.perf_counter()
        spent.device_seconds = spent.encoded_at - spent.begun_at
        return denoising

    def _end(self, ticket: BatchTicket, error: WorkerError) -> None:
        self._queue.release(ticket)
        ticket.fail(error)
