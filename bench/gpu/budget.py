"""Time that is left, and measurements that do not fit into it."""

import asyncio
import time
from collections.abc import Awaitable, Callable


class OutOfTimeError(Exception):
    """A measurement was not begun, or not waited for any longer."""


class Budget:
    """So many seconds from now for everything."""

    def __init__(self, seconds: float) -> None:
        self._began = time.monotonic()
        self._seconds = seconds

    @property
    def spent(self) -> float:
        """Seconds."""
        return time.monotonic() - self._began

    @property
    def left(self) -> float:
        """Seconds; less than 0 when it is overdrawn."""
        return self._seconds - self.spent

    async def run(self, measure: Callable[[], Awaitable[None]], limit: float) -> None:
        """``measure``, for ``limit`` seconds at most, and never beyond the whole.

        A computation that is under way on the device's thread cannot be stopped; it is only not waited for.

        Raises:
            OutOfTimeError: with how long it was waited for.
        """
        allowed = min(limit, self.left)
        if allowed <= 0:
            raise OutOfTimeError("not begun: the time for all measurements was over")
        try:
            await asyncio.wait_for(measure(), allowed)
        except TimeoutError as error:
            raise OutOfTimeError(f"given up after {allowed:.0f} s") from error
