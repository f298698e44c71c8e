"""One illustration over the wire: the order of events, the chunks, the numbers that go with them."""

import asyncio
import hashlib
from collections.abc import Callable
from typing import Any

import pytest

from autobio.worker.v1 import model_pb2, worker_pb2
from illustration_worker.engine.fake import FakeScript
from illustration_worker.rpc.address import TcpAddress
from illustration_worker.rpc.responses import IMAGE_CHUNK_BYTES

RequestWith = Callable[..., worker_pb2.GenerateRequest]


def kinds(responses: list[worker_pb2.GenerateResponse]) -> list[str | None]:
    return [response.WhichOneof("event") for response in responses]


def png_of(responses: list[worker_pb2.GenerateResponse]) -> bytes:
    return b"".join(response.image_chunk.data for response in responses)


@pytest.mark.parametrize("address", [None, TcpAddress("127.0.0.1", 0)], ids=["unix", "tcp"])
async def test_events_come_in_order_and_the_chunks_are_the_file(
    start: Any, request_with: RequestWith, address: TcpAddress | None
) -> None:
    running = await start(address=address)
    responses = [r async for r in running.stub.Generate(request_with(width=512, height=512))]
    png = png_of(responses)
    finished = responses[-1].finished
    assert kinds(responses) == ["started", "step", "step", "step", "image_chunk", "image_chunk", "finished"]
    assert [(r.step.index, r.step.total) for r in responses[1:4]] == [(1, 3), (2, 3), (3, 3)]
    assert len(responses[4].image_chunk.data) == IMAGE_CHUNK_BYTES
    assert png.startswith(b"\x89PNG")
    assert (finished.sha256, finished.size_bytes) == (hashlib.sha256(png).hexdigest(), len(png))
    assert (finished.width, finished.height) == (512, 512)


async def test_timings_are_durations_that_fit_the_job(start: Any, request_with: RequestWith) -> None:
    running = await start(FakeScript(step_seconds=0.02))
    responses = [r async for r in running.stub.Generate(request_with())]
    timings = responses[-1].finished.timings
    assert timings.denoise.ToTimedelta().total_seconds() >= 0.06
    assert timings.png.ToNanoseconds() > 0


async def test_absent_size_means_the_models_own(start: Any, request_with: RequestWith) -> None:
    running = await start()
    responses = [r async for r in running.stub.Generate(request_with())]
    assert (responses[-1].finished.width, responses[-1].finished.height) == (64, 64)


async def test_ten_at_once_draw_what_each_draws_alone(start: Any, request_with: RequestWith) -> None:
    running = await start()

    async def draw(seed: int) -> bytes:
        request = request_with(job_id=f"job-{seed}", seed=seed)
        return png_of([r async for r in running.stub.Generate(request)])

    together = await asyncio.gather(*(draw(seed) for seed in range(10)))
    alone = [await draw(seed) for seed in range(10)]
    assert together == alone
    assert len(set(together)) == 10


async def test_a_job_that_waits_hears_of_its_place(start: Any, request_with: RequestWith) -> None:
    running = await start(FakeScript(hang_at_step=1))
    first = running.stub.Generate(request_with(job_id="first"))
    assert (await first.read()).WhichOneof("event") == "started"
    second = running.stub.Generate(request_with(job_id="second"))
    assert (await second.read()).queued.position == 1
    third = running.stub.Generate(request_with(job_id="third"))
    assert (await third.read()).queued.position == 2
    first.cancel()
    assert (await second.read()).WhichOneof("event") == "started"
    assert (await third.read()).queued.position == 1
    second.cancel()
    third.cancel()
    await running.engine.wait_until_idle()


async def test_five_large_reference_images_fit(start: Any, request_with: RequestWith) -> None:
    running = await start()
    images = [bytes([i]) * (10 * 1024 * 1024) for i in range(5)]
    request = request_with(people=[worker_pb2.Person(reference_images=images, ip_adapter_scale=0.33)])
    responses = [r async for r in running.stub.Generate(request)]
    assert kinds(responses)[-1] == "finished"


async def test_describe_tells_what_the_engine_tells(start: Any) -> None:
    running = await start(max_outstanding_jobs=3)
    reply = await running.stub.Describe(model_pb2.DescribeRequest())
    description = running.engine.describe()
    assert description.capacity is None
    assert not reply.HasField("capacity")
    (file,), (told,) = description.model_files, reply.model_files
    for name in ("role", "source", "kind", "sha256", "size_bytes"):
        assert getattr(told, name) == getattr(file, name), name
    for name in set(description.__slots__) - {"capacity", "model_files", "held_loras"}:
        assert getattr(reply, name) == getattr(description, name), name
    assert reply.is_demo_model is True
    assert reply.worker_version == "0.1.0"
