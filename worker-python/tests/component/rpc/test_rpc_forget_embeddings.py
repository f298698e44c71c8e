"""Being told over the wire to forget."""

from collections.abc import Awaitable, Callable
from typing import Any

import grpc
import grpc.aio
import pytest

from autobio.worker.v1 import embeddings_pb2


async def test_the_engine_forgets_and_the_caller_is_told_how_much(start: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    running = await start()
    monkeypatch.setattr(running.engine, "forget_embeddings", lambda: 7)
    reply = await running.stub.ForgetEmbeddings(embeddings_pb2.ForgetEmbeddingsRequest())
    assert reply.entries == 7


async def test_it_is_done_while_the_worker_drains_too(start: Any) -> None:
    running = await start()
    assert await running.server.drain(1)
    assert (await running.stub.ForgetEmbeddings(embeddings_pb2.ForgetEmbeddingsRequest())).entries == 0


async def test_there_is_nothing_to_forget_before_the_model_is_loaded(
    start: Any, failure_of: Callable[[Any], Awaitable[tuple[grpc.StatusCode, str, str, str]]]
) -> None:
    running = await start(is_open=False)
    call = running.stub.ForgetEmbeddings(embeddings_pb2.ForgetEmbeddingsRequest())
    with pytest.raises(grpc.aio.AioRpcError):
        await call
    assert (await failure_of(call))[:2] == (grpc.StatusCode.UNAVAILABLE, "STARTING")
