"""Where the worker is between start and end, and how many callers are inside."""

import asyncio
from collections.abc import Iterator
from contextlib import contextmanager

from illustration_worker.engine.port import Engine
from illustration_worker.errors import DrainingError, StartingError


class Lifecycle:
    """Starting until ``open``, then serving until ``drain``. Used from the event loop only."""

    def __init__(self) -> None:
        self._engine: Engine | None = None
        self._is_draining = False
        self._callers = 0
        self._idle = asyncio.Event()
        self._idle.set()

    def open(self, engine: Engine) -> None:
        """``engine`` has started: callers may come in."""
        self._engine = engine

    def drain(self) -> None:
        """Nobody comes in any more; those inside may finish."""
        self._is_draining = True

    @property
    def callers(self) -> int:
        """How many are inside."""
        return self._callers

    @property
    def is_serving(self) -> bool:
        """Whether callers may come in."""
        return self._engine is not None and not self._is_draining

    @property
    def is_idle(self) -> bool:
        """Whether nobody is inside."""
        return self._callers == 0

    @property
    def engine(self) -> Engine:
        """The engine, once it has started.

        Raises:
            StartingError: it has not.
        """
        if self._engine is None:
            raise StartingError("The worker is still loading its model.")
        return self._engine

    @contextmanager
    def admitted(self) -> Iterator[Engine]:
        """A caller is inside, with the engine, as long as the context lasts.

        Raises:
            StartingError: the engine has not started.
            DrainingError: the worker is shutting down.
        """
        if self._is_draining:
            raise DrainingError("The worker is shutting down.")
        engine = self.engine
        self._callers += 1
        self._idle.clear()
        try:
            yield engine
        finally:
            self._callers -= 1
            if self._callers == 0:
                self._idle.set()

    async def wait_until_idle(self) -> None:
        """Return when nobody is inside."""
        await self._idle.wait()
