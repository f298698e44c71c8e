"""Starting: health answers while the model loads; whatever is wrong is one clear line and an exit status."""

from typing import Any

import pytest
from grpc_health.v1 import health_pb2, health_pb2_grpc

NO_TORCH = """
import runpy, sys
for name in ("torch", "diffusers", "transformers", "PIL", "cv2", "numpy"):
    sys.modules[name] = None
runpy.run_module("illustration_worker", run_name="__main__")
"""
CANNOT_START = """
import sys
from illustration_worker.__main__ import main
from illustration_worker.engine.fake import FakeEngine, FakeScript
from illustration_worker.errors import ModelLoadError

async def build(settings, progress):
    return FakeEngine(FakeScript(load_error={error}))

sys.exit(main(build))
"""


async def check(channel: Any) -> int:
    reply = await health_pb2_grpc.HealthStub(channel).Check(health_pb2.HealthCheckRequest())
    return int(reply.status)


async def test_health_answers_while_the_model_loads(start_worker: Any, connect: Any) -> None:
    worker = await start_worker(FAKE_LOAD_SECONDS="3600")
    await worker.logged("listening")
    assert await check(connect(worker.address)) == health_pb2.HealthCheckResponse.NOT_SERVING


async def test_the_fake_needs_no_torch(start_worker: Any, connect: Any) -> None:
    worker = await start_worker(code=NO_TORCH)
    ready = await worker.logged("ready")
    assert (ready["level"], ready["service"], ready["engine"]) == ("info", "worker", "fake")
    assert ready["about"] == "No model at all: noise, drawn at once."
    assert await check(connect(worker.address)) == health_pb2.HealthCheckResponse.SERVING


async def test_a_free_port_is_picked_and_told(start_worker: Any, connect: Any) -> None:
    worker = await start_worker(WORKER_ADDRESS="127.0.0.1:0")
    address = (await worker.logged("listening"))["address"]
    await worker.logged("ready")
    assert await check(connect(address)) == health_pb2.HealthCheckResponse.SERVING


async def test_a_port_open_to_others_is_warned_of(start_worker: Any) -> None:
    worker = await start_worker(WORKER_ADDRESS="0.0.0.0:0")
    await worker.logged("ready")
    assert [line["level"] for line in worker.lines] == ["info", "warn", "info"]


async def test_a_model_that_cannot_be_loaded_is_one_line_and_status_1(start_worker: Any) -> None:
    worker = await start_worker(code=CANNOT_START.format(error="ModelLoadError('no model_index.json in /models/x')"))
    assert await worker.end() == 1
    (error,) = [line for line in worker.lines if line["level"] == "error"]
    assert error["msg"] == "the model cannot be loaded: no model_index.json in /models/x"
    assert "error" not in error


async def test_an_engine_that_breaks_at_start_is_told_with_its_stack_and_status_1(start_worker: Any) -> None:
    worker = await start_worker(code=CANNOT_START.format(error="RuntimeError('CUDA driver too old')"))
    assert await worker.end() == 1
    (error,) = [line for line in worker.lines if line["level"] == "error"]
    assert (error["msg"], error["error"]["message"]) == ("the engine cannot start", "CUDA driver too old")


async def test_bad_settings_are_told_all_at_once_and_status_2(start_worker: Any) -> None:
    worker = await start_worker(DEVICE="tpu", MODEL_KIND="pickle")
    assert await worker.end() == 2
    assert [(line["level"], line["msg"].split(":")[1].strip()) for line in worker.lines] == [
        ("error", "MODEL_KIND"),
        ("error", "DEVICE"),
    ]


@pytest.mark.parametrize("is_unix", [True, False], ids=["unix", "tcp"])
async def test_an_address_in_use_is_one_line_and_status_1(start_worker: Any, is_unix: bool) -> None:
    first = await start_worker(**({} if is_unix else {"WORKER_ADDRESS": "127.0.0.1:0"}))
    address = (await first.logged("listening"))["address"]
    second = await start_worker(WORKER_ADDRESS=address)
    assert await second.end() == 1
    assert [line["level"] for line in second.lines] == ["error"]
    assert address.removeprefix("unix:") in second.lines[0]["msg"]
