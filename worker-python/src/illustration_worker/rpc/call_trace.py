"""A call as a part of its caller's trace: one span for it, and below it one for each stage of the picture."""

import dataclasses
import time
from collections.abc import Iterator
from contextlib import contextmanager

from illustration_worker.job import Finished, JobEvent, Timings
from illustration_worker.logs import bound_call
from illustration_worker.tracing import OpenSpan, span

_METHOD = "autobio.worker.v1.WorkerService/Generate"


class CallTrace:
    """What is told of the call while it goes on."""

    def __init__(self, opened: OpenSpan) -> None:
        self._opened = opened

    def tell(self, event: JobEvent) -> None:
        """Note the stages of a finished picture."""
        if isinstance(event, Finished):
            self._tell_stages(event.timings)

    def _tell_stages(self, timings: Timings) -> None:
        """One after another, the last of them just over: that is how ``Timings`` share out a job's time."""
        seconds = dataclasses.asdict(timings)
        at = time.time() - sum(seconds.values())
        for stage, duration in seconds.items():
            self._opened.add_finished(stage, at, at + duration)
            at += duration


@contextmanager
def traced_call() -> Iterator[CallTrace]:
    """The bound call as a span, as long as the context lasts."""
    call = bound_call()
    with span(_METHOD, None if call is None else call.traceparent, "server") as opened:
        yield CallTrace(opened)
