"""A LoRA over the wire: asked for, brought in pieces, drawn with."""

import hashlib
from collections.abc import AsyncIterator, Callable
from typing import Any

import grpc
import grpc.aio
import pytest
from safetensors.numpy import save

from autobio.worker.v1 import model_pb2, worker_pb2

RequestWith = Callable[..., worker_pb2.GenerateRequest]
NAME = {"lora_id": "ink", "version": "etag-1"}


def lora_file() -> bytes:
    import numpy as np

    return save({"unet.lora_A.weight": np.zeros((300, 300), dtype=np.float32)})


async def parts(content: bytes, **changes: Any) -> AsyncIterator[model_pb2.PutLoraRequest]:
    header = {**NAME, "size_bytes": len(content), **changes}
    yield model_pb2.PutLoraRequest(header=model_pb2.LoraHeader(**header))
    for start in range(0, len(content), 100_000):
        yield model_pb2.PutLoraRequest(chunk=content[start : start + 100_000])


async def rest_of(call: Any) -> list[worker_pb2.GenerateResponse]:
    responses = []
    while (response := await call.read()) is not grpc.aio.EOF:
        responses.append(response)
    return responses


async def test_a_job_waits_for_its_lora_and_goes_on(start: Any, request_with: RequestWith) -> None:
    running, content = await start(), lora_file()
    request = request_with(lora=worker_pb2.Lora(**NAME, scale=0.5))
    call = running.stub.Generate(request)
    assert (await call.read()).WhichOneof("event") == "lora_needed"
    reply = await running.stub.PutLora(parts(content))
    sha256 = hashlib.sha256(content).hexdigest()
    assert (reply.sha256, reply.kind) == (sha256, "LoRA (fake)")
    responses = await rest_of(call)
    assert responses[0].WhichOneof("event") == "started"
    assert responses[-1].finished.lora_sha256 == sha256
    described = await running.stub.Describe(model_pb2.DescribeRequest())
    assert [(held.lora_id, held.sha256, held.size_bytes) for held in described.held_loras] == [
        ("ink", sha256, len(content))
    ]
    again = [response async for response in running.stub.Generate(request)]
    assert again[0].WhichOneof("event") == "started"
    assert (await running.stub.PutLora(parts(content))).sha256 == sha256  # no failure
    without = [response async for response in running.stub.Generate(request_with())]
    assert not without[-1].finished.HasField("lora_sha256")


async def test_one_that_is_no_lora_fails_the_put_and_the_job(
    start: Any, request_with: RequestWith, failure_of: Any
) -> None:
    running = await start()
    call = running.stub.Generate(request_with(lora=worker_pb2.Lora(**NAME, scale=0.5)))
    await call.read()
    put = running.stub.PutLora(parts(b"not a file of weights"))
    for failed in (put, call):
        with pytest.raises(grpc.aio.AioRpcError):
            await (failed if failed is put else failed.read())
        assert (await failure_of(failed))[:2] == (grpc.StatusCode.FAILED_PRECONDITION, "LORA_INVALID")


@pytest.mark.parametrize(
    ("changes", "reason"),
    [
        ({"lora_id": ""}, "VALIDATION_FAILED"),
        ({"version": "x" * 257}, "VALIDATION_FAILED"),
        ({"size_bytes": 3}, "VALIDATION_FAILED"),
        ({"size_bytes": 10**9}, "LORA_INVALID"),
    ],
    ids=str,
)
async def test_a_header_that_does_not_fit_is_refused(
    start: Any, failure_of: Any, changes: dict[str, Any], reason: str
) -> None:
    running = await start()
    call = running.stub.PutLora(parts(lora_file(), **changes))
    with pytest.raises(grpc.aio.AioRpcError):
        await call
    assert (await failure_of(call))[1] == reason
    assert running.engine.describe().held_loras == ()


async def test_chunks_before_the_header_and_bytes_that_are_no_message_are_refused(start: Any, failure_of: Any) -> None:
    running = await start()

    async def headless() -> AsyncIterator[model_pb2.PutLoraRequest]:
        yield model_pb2.PutLoraRequest(chunk=b"x")

    call = running.stub.PutLora(headless())
    with pytest.raises(grpc.aio.AioRpcError):
        await call
    assert (await failure_of(call))[1] == "VALIDATION_FAILED"

    async def garbage() -> AsyncIterator[bytes]:
        yield b"\xff\xff\xff"

    raw = running.channel.stream_unary("/autobio.worker.v1.WorkerService/PutLora")(garbage())
    with pytest.raises(grpc.aio.AioRpcError):
        await raw
    assert (await failure_of(raw))[1] == "MALFORMED_REQUEST"


async def test_a_put_that_is_cut_leaves_the_job_waiting(start: Any, request_with: RequestWith) -> None:
    running, content = await start(), lora_file()
    waiting = running.stub.Generate(request_with(lora=worker_pb2.Lora(**NAME, scale=0.5)))
    await waiting.read()
    cut = running.stub.PutLora()
    requests = [part async for part in parts(content)]
    for part in requests[:2]:
        await cut.write(part)
    cut.cancel()
    await running.stub.PutLora(parts(content))
    assert (await rest_of(waiting))[-1].WhichOneof("event") == "finished"
