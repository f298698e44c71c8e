"""The device thread's loop: drop, admit, choose, one UNet call, step, tell; again."""

import logging
import time
from collections.abc import Mapping
from dataclasses import dataclass

import torch

from illustration_worker.engine.batching.active_jobs import ActiveJobs
from illustration_worker.engine.batching.checkpoint import write_checkpoint
from illustration_worker.engine.batching.denoising import Denoising
from illustration_worker.engine.batching.failures import device_lost, told_error
from illustration_worker.engine.batching.finishing import Finishing
from illustration_worker.engine.batching.row_cap import RowCap
from illustration_worker.engine.batching.selection import Size, choose
from illustration_worker.engine.batching.unet_call import NoisePredictor
from illustration_worker.engine.device import free_device_memory, wait_for_stream
from illustration_worker.job import Checkpoint, Step
from illustration_worker.signals import StepMade, out_of_memory, step_made

_log = logging.getLogger(__name__)


@dataclass(frozen=True, slots=True)
class Pace:
    """How the loop goes about it."""

    checkpoint_every: int
    """Steps; 0: never."""
    seconds_by_bucket: Mapping[Size, Mapping[int, float]]
    """Of the sizes that were measured."""


class StepLoop:
    """For the device thread, but for ``lose_device``."""

    def __init__(
        self, jobs: ActiveJobs, predictor: NoisePredictor, row_cap: RowCap, finishing: Finishing, pace: Pace
    ) -> None:
        self._jobs = jobs
        self._predictor = predictor
        self._row_cap = row_cap
        self._finishing = finishing
        self._pace = pace

    @torch.no_grad()
    def run(self) -> None:
        """Until the queue is closed and every job is over."""
        while True:
            try:
                if not self._jobs.active:
                    self._predictor.forget()  # it would hold the last job's prompt and images until the next one comes
                if not self._jobs.admit():
                    return
                self._jobs.drop_those_over()
                if self._jobs.active:
                    self._tick()
            except Exception:
                # An AcceleratorError: the device's context is dead, nothing can be computed in this process any more.
                # Anything else is a fault of this loop, whose jobs would wait for ever; a new process is safer.
                _log.critical("the device failed", exc_info=True)
                self._jobs.lose_device()
            if self._jobs.is_device_lost:
                self._jobs.fail_all(device_lost())

    def _tick(self) -> None:
        began = time.perf_counter()
        rows_before = self._predictor.rows_computed
        chosen = self._choose()
        size = chosen[0].as_candidate().size
        predictions, failure = self._predict(chosen, size)
        if failure is not None:
            self._recover(chosen, size, failure)
            return
        failures = [(member, self._advance(member, noise)) for member, noise in predictions.items()]
        wait_for_stream(chosen[0].latents.device)
        advanced = [member for member, failure in failures if failure is None]
        self._share_out(time.perf_counter() - began, chosen, self._predictor.rows_computed - rows_before)
        self._jobs.note_skipped(chosen)
        for member in advanced:
            self._tell(member)
        predictions.clear()
        for member, failure in failures:
            if failure is not None:
                self._recover([member], size, failure)
        if len(advanced) == len(chosen):
            self._row_cap.note_clean_step()

    def _choose(self) -> list[Denoising]:
        active = self._jobs.active
        candidates = [member.as_candidate() for member in active]
        indices = choose(candidates, self._row_cap.rows_for, self._seconds_by_bucket)
        return [active[index] for index in indices]

    def _seconds_by_bucket(self, size: Size) -> Mapping[int, float]:
        # of a size that was not measured only the proportions would be known; the cap alone decides there
        return self._pace.seconds_by_bucket.get(size, {})

    def _predict(self, chosen: list[Denoising], size: Size) -> tuple[dict[Denoising, torch.Tensor], Exception | None]:
        try:
            return self._predictor.predict(chosen, self._row_cap.rows_for(size)), None
        except torch.AcceleratorError:
            raise
        except Exception as error:
            return {}, error

    def _advance(self, member: Denoising, noise: torch.Tensor) -> Exception | None:
        try:
            member.advance(noise)
        except torch.AcceleratorError:
            raise
        except Exception as error:
            return error
        return None

    def _recover(self, members: list[Denoising], size: Size, failure: Exception) -> None:
        """After a failed step of ``members``: none of them has moved. Short of memory, it is made again, smaller."""
        is_memory = isinstance(failure, torch.OutOfMemoryError)
        if is_memory:
            out_of_memory.send("step")
        if is_memory and self._row_cap.halve(size):
            _log.warning("out of device memory: fewer rows from now on", extra={"rows": self._row_cap.rows_for(size)})
        else:
            for member in members:
                self._jobs.fail(member, told_error(failure, member.job))
        failure.__traceback__ = None
        self._predictor.forget()
        if is_memory:
            self._jobs.forget_embeddings()
            free_device_memory()

    def _share_out(self, seconds: float, chosen: list[Denoising], rows_computed: int) -> None:
        rows = sum(member.conditioning.rows for member in chosen)
        step_made.send(StepMade(seconds, jobs=len(chosen), rows=rows, padding_rows=rows_computed - rows))
        for member in chosen:
            member.spent.device_seconds += seconds * member.conditioning.rows / rows

    def _tell(self, member: Denoising) -> None:
        job, index = member.job, member.steps_done
        member.ticket.emit(Step(index=index, total=member.total_steps))
        if member.is_done:
            member.spent.denoised_at = time.perf_counter()
            self._jobs.hand_over(member)
            self._finishing.finish(member)
            return
        if job.preview_every and index % job.preview_every == 0:
            self._finishing.preview(member)
        every = self._pace.checkpoint_every
        if job.wants_checkpoints and every and index % every == 0:
            state = write_checkpoint(member, self._jobs.fingerprint_of(member.ticket))
            if state is not None:
                member.ticket.emit(Checkpoint(index=index, state=state))
