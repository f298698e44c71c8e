"""Tells of what happens, to whoever watches the worker: metrics. Those who do the work know of no watcher."""

from collections.abc import Callable
from dataclasses import dataclass
from typing import Generic, Literal, TypeVar

from illustration_worker.job import Finished

FactT = TypeVar("FactT")


class Signal(Generic[FactT]):
    """Sent from any thread. Without watchers it costs an empty loop; a watcher must not raise, and must not wait."""

    def __init__(self) -> None:
        self._watchers: tuple[Callable[[FactT], None], ...] = ()

    def send(self, fact: FactT) -> None:
        """Tell every watcher."""
        for watch in self._watchers:
            watch(fact)

    def watch(self, watcher: Callable[[FactT], None]) -> Callable[[], None]:
        """Be told from now on; returns how to stop."""
        self._watchers = (*self._watchers, watcher)

        def stop() -> None:
            self._watchers = tuple(other for other in self._watchers if other is not watcher)

        return stop


@dataclass(frozen=True, slots=True)
class StepMade:
    """One denoising step of one or several jobs together."""

    seconds: float
    jobs: int
    rows: int
    """Of the jobs: 2 for a guided one, else 1."""
    padding_rows: int = 0
    """Computed beside them and thrown away."""


@dataclass(frozen=True, slots=True)
class CallEnded:
    """A gRPC call is over."""

    method: str
    outcome: str
    """``ok`` or a reason of ``errors.proto``."""
    seconds: float


OutOfMemoryDuring = Literal["encode", "step", "decode", "lora"]

step_made: Signal[StepMade] = Signal()
job_finished: Signal[Finished] = Signal()
call_ended: Signal[CallEnded] = Signal()
embedding_looked_up: Signal[bool] = Signal()
"""True: it was there already."""
out_of_memory: Signal[OutOfMemoryDuring] = Signal()
"""The device ran out of memory; whether it could be helped is another matter."""
