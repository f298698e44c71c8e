"""The LoRAs in memory: a bounded set, and the jobs that use or wait for them. No torch; for the event loop only."""

import asyncio
from collections import OrderedDict
from collections.abc import AsyncIterator, Iterator
from contextlib import asynccontextmanager, contextmanager
from typing import Generic

from illustration_worker.engine.loras.claim import AdaptedT, Claim, Held, Key
from illustration_worker.engine.port import HeldLora
from illustration_worker.errors import WorkerError
from illustration_worker.job import Job

MAX_HELD = 64
"""Besides its weights each costs some 25 MB of the machine's memory: a model's modules are Python objects."""


class HeldLoras(Generic[AdaptedT]):
    """At most ``max_bytes`` of files; the one used longest ago goes first, and never one that a job uses."""

    def __init__(self, max_bytes: int) -> None:
        self.max_bytes = max_bytes
        self._held: OrderedDict[Key, Held[AdaptedT]] = OrderedDict()
        self._reserved_bytes: list[int] = []
        self._waiting: dict[Claim[AdaptedT], None] = {}  # in the order of their coming
        self._freed = asyncio.Event()

    def get(self, key: Key) -> Held[AdaptedT] | None:
        """The LoRA of that name, if it is held."""
        return self._held.get(key)

    def told(self) -> tuple[HeldLora, ...]:
        """All of them, the latest used first."""
        return tuple(held.told() for held in reversed(self._held.values()))

    @contextmanager
    def claimed(self, job: Job) -> Iterator[Claim[AdaptedT]]:
        """The job's claim on the LoRA it names, from its admission to its end: as long as the context lasts."""
        claim: Claim[AdaptedT] = Claim(job)
        if claim.key is not None:
            self._waiting[claim] = None
            self._serve(claim.key)
        try:
            yield claim
        finally:
            self._waiting.pop(claim, None)
            if claim.held is not None:
                claim.held.users -= 1
                self._tell_freed()

    def add(self, held: Held[AdaptedT]) -> None:
        """Hold it, and wake the jobs that wait for it. ``room_for`` comes first."""
        self._held[held.key] = held
        self._serve(held.key)

    def refuse(self, key: Key, error: WorkerError) -> None:
        """The LoRA came and cannot be used: the jobs that wait for it fail with ``error``'s reason."""
        for claim in self._waiting_for(key):
            claim.refuse(error)

    @asynccontextmanager
    async def room_for(self, size_bytes: int) -> AsyncIterator[None]:
        """Room for a LoRA of that size, made by letting go of others; waits while too much of it is in use.

        It is kept as long as the context lasts.
        """
        while not self._evict_until_fits(size_bytes):
            await self._freed.wait()
        self._reserved_bytes.append(size_bytes)
        try:
            yield
        finally:
            self._reserved_bytes.remove(size_bytes)
            self._tell_freed()

    def evict_unused(self) -> None:
        """Let go of all that no job uses, to give their memory back."""
        for key in self._unused():
            del self._held[key]

    def _evict_until_fits(self, size_bytes: int) -> bool:
        unused = self._unused()
        while not self._fits(size_bytes):
            if not unused:
                return False
            del self._held[unused.pop(0)]
        return True

    def _fits(self, size_bytes: int) -> bool:
        held_bytes = sum(self._reserved_bytes) + sum(held.header.size_bytes for held in self._held.values())
        return held_bytes + size_bytes <= self.max_bytes and len(self._held) + len(self._reserved_bytes) < MAX_HELD

    def _unused(self) -> list[Key]:
        """Those that no job uses, the one used longest ago first."""
        return [key for key, held in self._held.items() if held.users == 0]

    def _serve(self, key: Key) -> None:
        held = self._held.get(key)
        if held is None:
            return
        self._held.move_to_end(key)
        for claim in self._waiting_for(key):
            claim.grant(held)

    def _waiting_for(self, key: Key) -> list[Claim[AdaptedT]]:
        claims = [claim for claim in self._waiting if claim.key == key]
        for claim in claims:
            del self._waiting[claim]
        return claims

    def _tell_freed(self) -> None:
        self._freed.set()
        self._freed = asyncio.Event()
