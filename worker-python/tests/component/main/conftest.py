"""The real process, `python -m illustration_worker`, with the fake engine unless told otherwise."""

import asyncio
import json
import os
import sys
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc.aio
import pytest

SECONDS = 20.0
"""After which a test fails, not the time anything takes."""


@dataclass
class Worker:
    """A worker process and what it has logged so far."""

    process: asyncio.subprocess.Process
    address: str
    lines: list[dict[str, Any]] = field(default_factory=list)

    async def logged(self, msg: str) -> dict[str, Any]:
        """The next line with this message."""
        while True:
            line = await asyncio.wait_for(self._next_line(), SECONDS)
            assert line is not None, f"it ended without logging '{msg}': {self.lines}"
            if line["msg"] == msg:
                return line

    async def end(self) -> int:
        """Its exit status, with all its lines read."""
        while await asyncio.wait_for(self._next_line(), SECONDS) is not None:
            pass
        return await asyncio.wait_for(self.process.wait(), SECONDS)

    async def _next_line(self) -> dict[str, Any] | None:
        assert self.process.stdout is not None
        text = await self.process.stdout.readline()
        if not text:
            return None
        line: dict[str, Any] = json.loads(text)
        self.lines.append(line)
        if (folder := os.environ.get("TEST_LOGS")) is not None:
            with (Path(folder) / f"worker-process-{self.process.pid}.log").open("ab") as kept:
                kept.write(text)
        return line


StartWorker = Callable[..., Awaitable[Worker]]


@pytest.fixture
async def start_worker(tmp_path: Path) -> AsyncIterator[StartWorker]:
    """Starts a worker; `code` is run in place of `-m illustration_worker`."""
    workers: list[Worker] = []

    async def start(*, code: str | None = None, **environment: str) -> Worker:
        address = f"unix:{tmp_path}/w.sock"
        arguments = ["-m", "illustration_worker"] if code is None else ["-c", code]
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *arguments,
            env={**os.environ, "ENGINE": "fake", "WORKER_ADDRESS": address, **environment},
            stdout=asyncio.subprocess.PIPE,
        )
        workers.append(Worker(process, environment.get("WORKER_ADDRESS", address)))
        return workers[-1]

    yield start
    for worker in workers:
        if worker.process.returncode is None:
            worker.process.kill()
            await worker.process.wait()


@pytest.fixture
async def connect() -> AsyncIterator[Callable[[str], grpc.aio.Channel]]:
    """Opens channels that are closed after the test."""
    channels: list[grpc.aio.Channel] = []

    def open_channel(address: str) -> grpc.aio.Channel:
        channels.append(grpc.aio.insecure_channel(address))
        return channels[-1]

    yield open_channel
    for channel in channels:
        await channel.close()
