"""GetLoadProgress: answered while the model loads and after."""

from collections.abc import Callable
from typing import Any

from autobio.worker.v1 import model_pb2, worker_pb2_grpc


async def test_the_progress_is_told_while_loading_and_after(start: Callable[..., Any]) -> None:
    running = await start(is_open=False)
    stub = worker_pb2_grpc.WorkerServiceStub(running.channel)
    running.server.progress.begin_download("s3://bucket/model.safetensors", done_bytes=40, total_bytes=100)
    running.server.progress.add_bytes(20)
    told = await stub.GetLoadProgress(model_pb2.GetLoadProgressRequest())
    assert (told.phase, told.done_bytes, told.total_bytes) == ("downloading s3://bucket/model.safetensors", 60, 100)
    assert told.HasField("time_left")
    running.open()
    told = await stub.GetLoadProgress(model_pb2.GetLoadProgressRequest())
    assert told.phase == "ready"
    assert not told.HasField("done_bytes")


async def test_describe_tells_the_model_files(start: Callable[..., Any]) -> None:
    running = await start()
    told = await worker_pb2_grpc.WorkerServiceStub(running.channel).Describe(model_pb2.DescribeRequest())
    assert [file.role for file in told.model_files] == ["base"]
    assert len(told.model_digest) == 64
