"""`/metrics` of the real process: on a port of its own when it is asked for, and nothing is loaded for it otherwise."""

import asyncio
import contextlib
import signal
from typing import Any
from urllib.request import urlopen

import grpc.aio
from prometheus_client.parser import text_string_to_metric_families

from autobio.worker.v1 import worker_pb2, worker_pb2_grpc


async def samples(address: str) -> dict[tuple[str, tuple[tuple[str, str], ...]], float]:
    def read() -> str:
        with urlopen(address) as response:
            return str(response.read().decode())

    text = await asyncio.to_thread(read)
    return {
        (sample.name, tuple(sorted(sample.labels.items()))): sample.value
        for family in text_string_to_metric_families(text)
        for sample in family.samples
    }


async def test_the_page_tells_what_was_drawn(start_worker: Any, connect: Any) -> None:
    worker = await start_worker(WORKER_METRICS_PORT="0", FAKE_FAIL_REASON="GENERATION_FAILED", FAKE_FAIL_AT_STEP="5")
    address = (await worker.logged("metrics"))["address"]
    assert (await samples(address))["illustration_worker_serving", ()] in (0, 1)
    await worker.logged("ready")
    stub: Any = worker_pb2_grpc.WorkerServiceStub(connect(worker.address))
    for steps, code in ((4, "OK"), (5, "INTERNAL")):
        request = worker_pb2.GenerateRequest(job_id="j", prompt="a secret", num_inference_steps=steps, seed=1)
        call = stub.Generate(request)
        with contextlib.suppress(grpc.aio.AioRpcError):
            async for _ in call:
                pass
        assert (await call.code()).name == code
    page = await samples(address)
    assert page["illustration_worker_serving", ()] == 1
    assert page["illustration_worker_jobs_outstanding", ()] == 0
    assert page["illustration_worker_pictures_total", ()] == 1
    assert page["illustration_worker_step_duration_seconds_count", ()] == 8
    assert page["illustration_worker_batch_rows_sum", ()] == 16
    assert page["illustration_worker_stage_seconds_count", (("stage", "denoise"),)] == 1
    for outcome in ("ok", "GENERATION_FAILED"):
        labels = (("method", "Generate"), ("outcome", outcome))
        assert page["illustration_worker_call_duration_seconds_count", labels] == 1
    assert page["illustration_worker_out_of_memory_total", (("during", "step"),)] == 0
    assert page["illustration_worker_load_seconds", ()] >= 0
    assert any(name == "illustration_worker_build_info" for name, _ in page)
    assert not any("secret" in value for _, labels in page for _, value in labels)
    worker.process.send_signal(signal.SIGTERM)
    assert await worker.end() == 0


async def test_a_port_in_use_is_said(start_worker: Any) -> None:
    first = await start_worker(WORKER_METRICS_PORT="0")
    port = (await first.logged("metrics"))["address"].split(":")[-1].split("/")[0]
    second = await start_worker(WORKER_METRICS_PORT=port, WORKER_ADDRESS="127.0.0.1:0")
    assert await second.end() == 1
    assert second.lines[-1]["level"] == "error"


async def test_nothing_is_loaded_for_what_is_off(start_worker: Any) -> None:
    code = (
        "import sys, illustration_worker.__main__ as m; s = m.main()\n"
        'print(\'{"msg": "loaded", "names": "%s"}\' % [n for n in sys.modules'
        " if n.partition('.')[0] in ('prometheus_client', 'opentelemetry', 'pynvml')])\n"
        "sys.exit(s)"
    )
    worker = await start_worker(code=code)
    await worker.logged("ready")
    worker.process.send_signal(signal.SIGTERM)
    assert (await worker.logged("loaded"))["names"] == "[]"
    assert await worker.end() == 0
