"""The probe of containers, against a real server: ready is not the same as alive."""

import asyncio
from typing import Any

import pytest

from illustration_worker.rpc import healthcheck


async def probe(running: Any, *arguments: str) -> int:
    # a thread of its own: the probe blocks, and the server needs the loop to answer it
    return await asyncio.to_thread(healthcheck.main, list(arguments), str(running.address))


async def test_a_loading_worker_is_alive_and_not_ready(start: Any) -> None:
    running = await start(is_open=False)
    assert await probe(running) == 1
    assert await probe(running, "--live") == 0


async def test_a_worker_that_would_draw_is_both(start: Any) -> None:
    running = await start()
    assert await probe(running) == 0
    assert await probe(running, "--live") == 0


async def test_nobody_there_is_neither(start: Any, capsys: pytest.CaptureFixture[str]) -> None:
    running = await start()
    await running.server.stop()
    assert await probe(running) == 1
    assert await probe(running, "--live") == 1
    assert "does not answer" in capsys.readouterr().err


def test_other_arguments_are_refused(capsys: pytest.CaptureFixture[str]) -> None:
    assert healthcheck.main(["--alive"], "127.0.0.1:1") == 2
    assert "usage" in capsys.readouterr().err
