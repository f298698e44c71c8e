"""A device that fails for good ends the process, and its jobs are told that another worker may do them."""

from typing import Any

import grpc
import grpc.aio
import pytest
from google.rpc import error_details_pb2  # type: ignore[import-untyped]
from grpc_status import rpc_status  # type: ignore[import-untyped]

from autobio.worker.v1 import worker_pb2, worker_pb2_grpc

LOSES_ITS_DEVICE = """
import sys
from concurrent.futures import Future
import asyncio
from illustration_worker.__main__ import main
from illustration_worker.engine.fake import FakeEngine
from illustration_worker.errors import DeviceLostError

class Breaking(FakeEngine):
    lost = Future()

    async def generate(self, job):
        async for event in super().generate(job):
            yield event
            self.lost.set_result(None)
            raise DeviceLostError("The worker's device failed; the illustration can be tried again.")

    async def wait_until_broken(self):
        await asyncio.wrap_future(self.lost)

async def build(settings, progress):
    return Breaking()

sys.exit(main(build))
"""


async def test_the_job_is_told_to_go_elsewhere_and_the_exit_status_is_1(start_worker: Any, connect: Any) -> None:
    worker = await start_worker(code=LOSES_ITS_DEVICE)
    await worker.logged("ready")
    stub: Any = worker_pb2_grpc.WorkerServiceStub(connect(worker.address))
    call = stub.Generate(
        worker_pb2.GenerateRequest(job_id="job", request_id="request", prompt="the sea", num_inference_steps=5)
    )
    with pytest.raises(grpc.aio.AioRpcError):
        async for _ in call:
            pass
    status = await rpc_status.aio.from_call(call)
    info = error_details_pb2.ErrorInfo()
    assert status.details[0].Unpack(info)
    assert (await call.code(), info.reason) == (grpc.StatusCode.UNAVAILABLE, "WORKER_UNAVAILABLE")
    assert await worker.end() == 1
    assert [line["msg"] for line in worker.lines if line["level"] in ("critical", "fatal")] == [
        "the device is lost: the worker ends"
    ]
