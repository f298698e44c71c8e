"""MODEL_S3_PATH end to end: the real process fetches from a real S3 server, says how far it is, and draws with it."""

import asyncio
import os
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any, Protocol

import grpc.aio
import pytest

from autobio.worker.v1 import model_pb2, worker_pb2, worker_pb2_grpc
from illustration_worker.models.s3.source import S3Source

SECONDS = 120.0
"""After which a test fails, not the time anything takes."""
LAYER = "unet.down_blocks.1.attentions.0.transformer_blocks.0.attn2.to_k"


class Proxy(Protocol):
    """conftest's HoldingProxy, as far as it is used here."""

    url: str

    def release(self) -> None: ...


@pytest.fixture
def lora(s3: S3Source) -> bytes:
    """A LoRA in the bucket, of 4 MiB: padded by a rank that no tiny model needs."""
    import torch
    from safetensors.torch import save

    torch.manual_seed(3)
    rank = 8192
    body = save(
        {f"{LAYER}.lora_A.weight": torch.randn(rank, 64), f"{LAYER}.lora_B.weight": torch.randn(64, rank) / rank}
    )
    s3.client.put_object(Bucket="models", Key="loras/sketch.safetensors", Body=body)
    return body


async def test_a_lora_in_s3_is_fetched_told_of_and_drawn_with(
    lora: bytes,
    holding_proxy: Callable[[int], Proxy],
    random_model_folder: Path,
    tmp_path: Path,
) -> None:
    proxy = holding_proxy(len(lora) // 2)
    address = f"unix:{tmp_path}/w.sock"
    settings = {
        "WORKER_ADDRESS": address,
        "MODEL_PATH": str(random_model_folder),
        "MODEL_S3_PATH": "s3://models/loras/sketch.safetensors",
        "MODEL_KIND": "lora",
        "MODEL_CACHE_FOLDER": str(tmp_path / "cache"),
        "CALIBRATION_FOLDER": str(tmp_path / "calibration"),
        "S3_ENDPOINT_URL": proxy.url,
        "ENABLE_IP_ADAPTER": "false",
        "DEVICE": "cpu",
        "OMP_NUM_THREADS": "1",
    }
    command = [sys.executable, "-m", "illustration_worker"]
    with (tmp_path / "log").open("wb") as log:
        process = await asyncio.create_subprocess_exec(*command, env={**os.environ, **settings}, stdout=log)
    try:
        async with grpc.aio.insecure_channel(address) as channel:
            stub = worker_pb2_grpc.WorkerServiceStub(channel)
            progress = await asyncio.wait_for(_progress_of_download(stub), SECONDS)
            assert progress.phase == "downloading s3://models/loras/sketch.safetensors"
            assert 0 < progress.done_bytes < progress.total_bytes == len(lora)
            proxy.release()
            told = await asyncio.wait_for(_description(stub), SECONDS)
            (file,) = [file for file in told.model_files if file.role == "lora"]
            assert (file.source, file.kind) == ("s3://models/loras/sketch.safetensors", "LoRA (PEFT)")
            assert file.size_bytes == len(lora)
            events = [event.WhichOneof("event") async for event in stub.Generate(_request(), timeout=SECONDS)]
            assert events[-1] == "finished"
    finally:
        process.terminate()
        await process.wait()


def _request() -> worker_pb2.GenerateRequest:
    return worker_pb2.GenerateRequest(
        job_id="job-1", request_id="request-1", prompt="the sea", num_inference_steps=2, seed=7, width=64, height=64
    )


async def _progress_of_download(stub: Any) -> model_pb2.GetLoadProgressResponse:
    """Once some bytes have come."""
    while True:
        try:
            told: model_pb2.GetLoadProgressResponse = await stub.GetLoadProgress(
                model_pb2.GetLoadProgressRequest(), wait_for_ready=True
            )
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise
            continue
        if told.done_bytes > 0:
            return told
        await asyncio.sleep(0.02)


async def _description(stub: Any) -> model_pb2.DescribeResponse:
    """Once the worker is ready."""
    while True:
        try:
            told: model_pb2.DescribeResponse = await stub.Describe(model_pb2.DescribeRequest())
            return told
        except grpc.aio.AioRpcError as error:
            if error.code() is not grpc.StatusCode.UNAVAILABLE:
                raise
            await asyncio.sleep(0.05)
