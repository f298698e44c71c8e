"""A call that is cancelled while it waits for room on the wire closes every iterator on the way down to the engine.

The iterators are kept referenced here: without an explicit close only the garbage collector would end the job, when it
gets round to it.
"""

import asyncio
from collections.abc import AsyncGenerator
from dataclasses import dataclass
from typing import Any

import grpc
import pytest

from autobio.worker.v1 import worker_pb2
from illustration_worker.engine.fake import FakeEngine
from illustration_worker.job import Job, JobEvent
from illustration_worker.load_progress import LoadProgress
from illustration_worker.rpc.error_interceptor import ErrorInterceptor
from illustration_worker.rpc.lifecycle import Lifecycle
from illustration_worker.rpc.servicer import WorkerServicer


@dataclass
class CallDetails:
    method: str
    invocation_metadata: Any = ()


class HoldingEngine(FakeEngine):
    """Keeps the iterators it gave away."""

    def __init__(self) -> None:
        super().__init__()
        self.held: list[AsyncGenerator[JobEvent, None]] = []

    def generate(self, job: Job) -> AsyncGenerator[JobEvent, None]:
        self.held.append(super().generate(job))
        return self.held[-1]


class FullWire:
    """A call's context whose peer does not read."""

    def __init__(self) -> None:
        self.is_writing = asyncio.Event()

    def invocation_metadata(self) -> tuple[()]:
        return ()

    def time_remaining(self) -> None:
        return None

    async def write(self, message: Any) -> None:
        self.is_writing.set()
        await asyncio.Event().wait()


async def test_a_call_cancelled_while_it_sends_closes_the_engines_iterator() -> None:
    engine, lifecycle, wire = HoldingEngine(), Lifecycle(), FullWire()
    lifecycle.open(engine)
    servicer = WorkerServicer(lifecycle, LoadProgress())
    held: list[Any] = []

    def generate(request: Any, context: Any) -> Any:
        held.append(servicer.Generate(request, context))
        return held[-1]

    async def continuation(_: Any) -> Any:
        return grpc.unary_stream_rpc_method_handler(generate, worker_pb2.GenerateRequest.FromString)

    handler: Any = await ErrorInterceptor().intercept_service(continuation, CallDetails("/w/Generate"))
    request = worker_pb2.GenerateRequest(job_id="j", num_inference_steps=2)
    call = asyncio.create_task(handler.unary_stream(request.SerializeToString(), wire))
    await asyncio.wait_for(wire.is_writing.wait(), 1)
    assert not lifecycle.is_idle
    call.cancel()
    with pytest.raises(asyncio.CancelledError):
        await call
    assert lifecycle.is_idle
    assert [iterator.ag_frame for iterator in (*held, *engine.held)] == [None, None]
    await asyncio.wait_for(engine.wait_until_idle(), 1)
