"""A real server on a unix socket with a scripted engine, and a client."""

from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2  # type: ignore[import-untyped]
from grpc_status import rpc_status  # type: ignore[import-untyped]

from autobio.worker.v1 import worker_pb2, worker_pb2_grpc
from illustration_worker.engine.fake import FakeEngine, FakeScript
from illustration_worker.rpc.address import Address, UnixAddress
from illustration_worker.rpc.server import WorkerServer

CANARY = "kanarienvogel"
"""In every prompt: no log may repeat it. ``scripts/privacy/canary.mjs`` looks for it at the end of ``npm test``."""


@dataclass
class Running:
    """A server, its engine, and a channel to it."""

    server: WorkerServer
    engine: FakeEngine
    channel: grpc.aio.Channel
    address: Address
    stub: Any = field(init=False)

    def __post_init__(self) -> None:
        self.stub = worker_pb2_grpc.WorkerServiceStub(self.channel)

    def open(self) -> None:
        self.server.open(self.engine)


Start = Callable[..., Awaitable[Running]]


@pytest.fixture
async def start(tmp_path: Path) -> AsyncIterator[Start]:
    """Starts a server; `is_open=False` leaves it loading."""
    everything: list[Running] = []

    async def start_one(
        script: FakeScript | None = None,
        *,
        is_open: bool = True,
        address: Address | None = None,
        max_outstanding_jobs: int = 16,
    ) -> Running:
        server = WorkerServer()
        bound = await server.start(address or UnixAddress(str(tmp_path / f"w{len(everything)}.sock")))
        options = [("grpc.max_receive_message_length", 4 * 1024 * 1024), ("grpc.max_send_message_length", -1)]
        channel = grpc.aio.insecure_channel(str(bound), options=options)
        running = Running(server, FakeEngine(script, max_outstanding_jobs), channel, bound)
        everything.append(running)
        if is_open:
            running.open()
        return running

    yield start_one
    for running in everything:
        await running.channel.close()
        await running.server.stop()


def make_request(**changes: Any) -> worker_pb2.GenerateRequest:
    fields: dict[str, Any] = {
        "job_id": "job-1",
        "request_id": "request-1",
        "prompt": f"a very private memory of the sea, {CANARY}",
        "num_inference_steps": 3,
        "seed": 7,
    }
    return worker_pb2.GenerateRequest(**(fields | changes))


@pytest.fixture
def request_with() -> Callable[..., worker_pb2.GenerateRequest]:
    """A valid request, with changes."""
    return make_request


async def decode_failure(call: Any) -> tuple[grpc.StatusCode, str, str, str]:
    status = await rpc_status.aio.from_call(call)
    assert status is not None, f"no details: {await call.code()} {await call.details()}"
    info = error_details_pb2.ErrorInfo()
    (detail,) = status.details
    assert detail.Unpack(info)
    return await call.code(), info.reason, info.domain, await call.details()


@pytest.fixture
def failure_of() -> Callable[[Any], Awaitable[tuple[grpc.StatusCode, str, str, str]]]:
    """Decodes a failed call: status, reason, domain, text."""
    return decode_failure
