"""SIGTERM: NOT_SERVING first, no new jobs, those in flight are finished, exit 0."""

import asyncio
import signal
from pathlib import Path
from typing import Any

import grpc
import grpc.aio
import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

from autobio.worker.v1 import worker_pb2, worker_pb2_grpc

NOT_SERVING = health_pb2.HealthCheckResponse.NOT_SERVING
PROMPT = "the harbour where my father worked"


def request(job_id: str, steps: int) -> worker_pb2.GenerateRequest:
    return worker_pb2.GenerateRequest(
        job_id=job_id, request_id=f"request of {job_id}", prompt=PROMPT, num_inference_steps=steps, seed=1
    )


@pytest.mark.parametrize("number", [signal.SIGTERM, signal.SIGINT])
async def test_a_job_in_flight_is_finished_and_the_exit_status_is_0(
    start_worker: Any, connect: Any, number: signal.Signals
) -> None:
    worker = await start_worker(FAKE_STEP_SECONDS="0.03")
    await worker.logged("ready")
    channel = connect(worker.address)
    stub: Any = worker_pb2_grpc.WorkerServiceStub(channel)
    watching = health_pb2_grpc.HealthStub(channel).Watch(health_pb2.HealthCheckRequest())
    assert (await watching.read()).status == health_pb2.HealthCheckResponse.SERVING
    call = stub.Generate(request("job-1", 30))
    assert (await call.read()).WhichOneof("event") == "started"
    worker.process.send_signal(number)
    assert (await watching.read()).status == NOT_SERVING
    late = stub.Generate(request("late", 1))
    with pytest.raises(grpc.aio.AioRpcError, match="shutting down"):
        await late.read()
    while not (await call.read()).HasField("finished"):
        pass
    assert await worker.end() == 0
    assert worker.lines[-1]["msg"] == "stopped"
    assert not Path(worker.address.removeprefix("unix:")).exists()
    (finished,) = [line for line in worker.lines if line["msg"] == "job finished"]
    assert (finished["job_id"], finished["request_id"]) == ("job-1", "request of job-1")
    assert finished["denoise_seconds"] >= 0.9
    assert finished["steps_made"] == 30
    assert PROMPT not in repr(worker.lines)


async def test_a_job_that_outlives_the_grace_is_cut_and_the_exit_status_is_0(start_worker: Any, connect: Any) -> None:
    worker = await start_worker(FAKE_HANG_AT_STEP="2", SHUTDOWN_GRACE_SECONDS="0.2")
    await worker.logged("ready")
    stub: Any = worker_pb2_grpc.WorkerServiceStub(connect(worker.address))
    call = stub.Generate(request("job-1", 30))
    assert (await call.read()).WhichOneof("event") == "started"
    worker.process.send_signal(signal.SIGTERM)
    assert await worker.end() == 0
    assert any(line["msg"].startswith("the grace is over") for line in worker.lines)


async def test_sigterm_while_loading_ends_at_once(start_worker: Any) -> None:
    worker = await start_worker(FAKE_LOAD_SECONDS="3600")
    await worker.logged("listening")
    worker.process.send_signal(signal.SIGTERM)
    assert await worker.end() == 0


LOADS_IN_A_THREAD = """
import asyncio, sys, time
from illustration_worker.__main__ import main
from illustration_worker.engine.fake import FakeEngine

class Stuck(FakeEngine):
    async def start(self):
        await asyncio.to_thread(time.sleep, 3600)

async def build(settings, progress):
    return Stuck()

sys.exit(main(build))
"""


async def test_a_thread_that_still_loads_does_not_hold_up_the_end(start_worker: Any) -> None:
    worker = await start_worker(code=LOADS_IN_A_THREAD)
    await worker.logged("listening")
    worker.process.send_signal(signal.SIGTERM)
    assert await worker.end() == 0


async def test_kill_9_leaves_a_socket_that_the_next_worker_takes(start_worker: Any, connect: Any) -> None:
    first = await start_worker()
    await first.logged("ready")
    first.process.kill()
    await first.end()
    assert Path(first.address.removeprefix("unix:")).exists()
    second = await start_worker()
    await second.logged("ready")
    stub = health_pb2_grpc.HealthStub(connect(second.address))
    reply = await asyncio.wait_for(stub.Check(health_pb2.HealthCheckRequest()), 5)
    assert reply.status == health_pb2.HealthCheckResponse.SERVING
