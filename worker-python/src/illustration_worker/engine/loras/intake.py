"""A LoRA file's way in: streamed, counted, checked, loaded, held. No torch; nothing heavy on the event loop."""

import asyncio
import hashlib
from collections.abc import AsyncIterable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from typing import Generic

from illustration_worker.engine.loras.claim import AdaptedT, Held, Key
from illustration_worker.engine.loras.held import HeldLoras
from illustration_worker.engine.port import HeldLora, LoraHeader
from illustration_worker.errors import DeviceLostError, InvalidRequestError, LoraInvalidError, OutOfMemoryError
from illustration_worker.signals import out_of_memory

MEBIBYTE = 1024**2


@dataclass(frozen=True, slots=True)
class LoraLimits:
    """How much of LoRAs is taken; the defaults are those of the settings."""

    max_held_bytes: int = 1024 * MEBIBYTE
    """0: none are taken."""
    max_file_bytes: int = 512 * MEBIBYTE


Adapt = Callable[[bytes], tuple[str, AdaptedT]]
"""A file's content -> what it is, in words, and what an engine draws with. Blocks; runs on a thread of its own.

Raises LoraInvalidError, OutOfMemoryError or DeviceLostError; nothing is left then.
"""


class LoraIntake(Generic[AdaptedT]):
    """For the event loop."""

    def __init__(self, limits: LoraLimits) -> None:
        self.loras: HeldLoras[AdaptedT] = HeldLoras(limits.max_held_bytes)
        self._max_file_bytes = min(limits.max_file_bytes, limits.max_held_bytes)
        self._coming: dict[Key, asyncio.Event] = {}
        # one: while it loads a LoRA, peft has torch's modules made without memory, for all threads
        self._thread = ThreadPoolExecutor(1, thread_name_prefix="loras")

    async def put(self, header: LoraHeader, chunks: AsyncIterable[bytes], adapt: Adapt[AdaptedT]) -> HeldLora:
        """See ``engine.port.Engine.put_lora``. Of several hand-overs of one LoRA, one is read and the others wait."""
        key = (header.lora_id, header.version)
        while (other := self._coming.get(key)) is not None:
            await other.wait()
        held = self.loras.get(key)
        if held is None:
            ended = self._coming[key] = asyncio.Event()
            try:
                held = await self._take_in(header, chunks, adapt)
            except (LoraInvalidError, OutOfMemoryError, DeviceLostError) as refusal:
                self.loras.refuse(key, refusal)
                raise
            finally:
                del self._coming[key]
                ended.set()
            self.loras.add(held)
        return held.told()

    def stop(self) -> None:
        """Wait for the file that is being loaded."""
        self._thread.shutdown()

    async def _take_in(
        self, header: LoraHeader, chunks: AsyncIterable[bytes], adapt: Adapt[AdaptedT]
    ) -> Held[AdaptedT]:
        if header.size_bytes > self._max_file_bytes:
            raise LoraInvalidError(f"The LoRA file is larger than {self._max_file_bytes / MEBIBYTE:g} MiB.")
        async with self.loras.room_for(header.size_bytes):  # before it is read: what is on its way counts
            content = await _collected(header, chunks)
            try:
                return await self._load(header, content, adapt)
            except OutOfMemoryError:
                out_of_memory.send("lora")
                self.loras.evict_unused()
            return await self._load(header, content, adapt)

    async def _load(self, header: LoraHeader, content: bytes, adapt: Adapt[AdaptedT]) -> Held[AdaptedT]:
        def load() -> Held[AdaptedT]:
            kind, adapted = adapt(content)
            return Held(header, hashlib.sha256(content).hexdigest(), kind, adapted)

        return await asyncio.get_running_loop().run_in_executor(self._thread, load)


async def _collected(header: LoraHeader, chunks: AsyncIterable[bytes]) -> bytes:
    parts: list[bytes] = []
    missing = header.size_bytes
    async for chunk in chunks:
        missing -= len(chunk)
        if missing < 0:
            break
        parts.append(chunk)
    if missing:
        raise InvalidRequestError(f"The file is not as long as its header says: {header.size_bytes} bytes.")
    return b"".join(parts)
