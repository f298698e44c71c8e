"""A caller that leaves, or runs out of time, costs at most the step that is being drawn."""

import asyncio
import json
import logging
from collections.abc import Callable, Iterator
from io import StringIO
from typing import Any

import grpc
import grpc.aio
import pytest

from autobio.worker.v1 import worker_pb2
from illustration_worker.engine.fake import FakeScript
from illustration_worker.logs import configure_logs

RequestWith = Callable[..., worker_pb2.GenerateRequest]
STEPS = 100


@pytest.fixture
def log_lines() -> Iterator[Callable[[], list[dict[str, Any]]]]:
    stream = StringIO()
    root = logging.getLogger()
    before = root.handlers[:], root.level
    configure_logs("info", stream)
    yield lambda: [json.loads(line) for line in stream.getvalue().splitlines()]
    root.handlers[:], root.level = before


async def until_step(call: Any, index: int) -> None:
    while (await call.read()).step.index < index:
        pass


async def test_cancelling_stops_the_job_within_a_step(
    start: Any, request_with: RequestWith, log_lines: Callable[[], list[dict[str, Any]]]
) -> None:
    running = await start(FakeScript(step_seconds=0.05))
    call = running.stub.Generate(request_with(num_inference_steps=STEPS))
    await until_step(call, 3)
    call.cancel()
    await asyncio.wait_for(running.engine.wait_until_idle(), 2)
    assert 3 <= running.engine.steps_done["job-1"] <= 5
    await running.server.stop()
    (line,) = [line for line in log_lines() if line["msg"] == "call ended early"]
    assert (line["reason"], line["job_id"]) == ("CANCELED", "job-1")
    assert 3 <= line["steps_done"] <= 5


async def test_closing_the_connection_stops_the_job(start: Any, request_with: RequestWith) -> None:
    running = await start(FakeScript(hang_at_step=3))
    call = running.stub.Generate(request_with(num_inference_steps=STEPS))
    await until_step(call, 2)
    await running.channel.close()
    await asyncio.wait_for(running.engine.wait_until_idle(), 2)
    assert running.engine.steps_done == {"job-1": 2}


async def test_a_job_that_waits_can_be_cancelled(start: Any, request_with: RequestWith) -> None:
    running = await start(FakeScript(hang_at_step=2))
    first = running.stub.Generate(request_with(job_id="first"))
    await until_step(first, 1)
    second = running.stub.Generate(request_with(job_id="second"))
    assert (await second.read()).queued.position == 1
    second.cancel()
    third = running.stub.Generate(request_with(job_id="third"))
    while (await third.read()).queued.position != 1:
        pass
    first.cancel()
    third.cancel()
    await asyncio.wait_for(running.engine.wait_until_idle(), 2)
    assert "second" not in running.engine.steps_done


async def test_a_reader_that_stops_reading_can_still_be_cancelled(start: Any, request_with: RequestWith) -> None:
    """The call is then not inside the engine but waits for room on the wire; its iterator is closed all the same."""
    running = await start()
    calls = [running.stub.Generate(request_with(job_id=f"job-{i}", width=1024, height=1024)) for i in range(4)]
    for call in calls:
        await call.read()
    for call in calls:
        call.cancel()
    await asyncio.wait_for(running.engine.wait_until_idle(), 5)
    assert await asyncio.wait_for(running.server.drain(5), 6)


async def test_the_calls_deadline_is_the_jobs(
    start: Any, request_with: RequestWith, log_lines: Callable[[], list[dict[str, Any]]]
) -> None:
    running = await start(FakeScript(step_seconds=0.05))
    call = running.stub.Generate(request_with(num_inference_steps=STEPS), timeout=0.3)
    with pytest.raises(grpc.aio.AioRpcError) as raised:
        async for _ in call:
            pass
    assert raised.value.code() == grpc.StatusCode.DEADLINE_EXCEEDED
    await asyncio.wait_for(running.engine.wait_until_idle(), 2)
    assert running.engine.steps_done["job-1"] <= 7
    await running.server.stop()
    (line,) = [line for line in log_lines() if "reason" in line]
    assert line["reason"] == "DEADLINE_EXCEEDED"


async def test_the_next_job_is_drawn_after_a_cancel(start: Any, request_with: RequestWith) -> None:
    running = await start(FakeScript(step_seconds=0.01))
    first = running.stub.Generate(request_with(num_inference_steps=STEPS))
    await until_step(first, 1)
    first.cancel()
    responses = [r async for r in running.stub.Generate(request_with(job_id="job-2"))]
    assert responses[-1].HasField("finished")
