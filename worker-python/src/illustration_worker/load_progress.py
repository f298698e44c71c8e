"""How far loading the model is: written by the thread that loads, read by the one that answers. No torch."""

import threading
import time
from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class LoadState:
    """One look at the progress."""

    phase: str
    """In words: ``downloading s3://bucket/key``, ``loading``, ``warming up``, ``ready``."""
    done_bytes: int | None = None
    """None while nothing is being downloaded; so are the next two."""
    total_bytes: int | None = None
    bytes_per_second: float | None = None
    """Over the whole download so far, what lay on the disk before it left out."""

    @property
    def seconds_left(self) -> float | None:
        """By the rate so far; None while it is not known."""
        if self.done_bytes is None or self.total_bytes is None or not self.bytes_per_second:
            return None
        return (self.total_bytes - self.done_bytes) / self.bytes_per_second


class LoadProgress:
    """Thread-safe. One for each start of the worker."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._state = LoadState(phase="starting")
        self._began_at = 0.0
        self._began_bytes = 0

    def enter(self, phase: str) -> None:
        """Something else begins, which is no download."""
        with self._lock:
            self._state = LoadState(phase=phase)

    def begin_download(self, source: str, done_bytes: int, total_bytes: int) -> None:
        """A download of ``total_bytes`` begins, of which ``done_bytes`` are there already."""
        with self._lock:
            self._began_at, self._began_bytes = time.monotonic(), done_bytes
            self._state = LoadState(f"downloading {source}", done_bytes, total_bytes)

    def add_bytes(self, count: int) -> None:
        """So many more bytes are on the disk."""
        with self._lock:
            done = (self._state.done_bytes or 0) + count
            seconds = max(time.monotonic() - self._began_at, 1e-3)
            rate = (done - self._began_bytes) / seconds
            self._state = LoadState(self._state.phase, done, self._state.total_bytes, rate)

    def state(self) -> LoadState:
        """How far it is now."""
        with self._lock:
            return self._state
