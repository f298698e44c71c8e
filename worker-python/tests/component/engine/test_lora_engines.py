"""A LoRA that a request names: brought when it is needed, drawn as stock draws it, and never on another's picture."""

import hashlib
from collections.abc import AsyncIterator, Awaitable, Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load, save

from illustration_worker.engine.batching.engine import BatchingEngine
from illustration_worker.engine.batching.options import BatchingOptions
from illustration_worker.engine.port import LoraHeader
from illustration_worker.engine.stock import StockEngine
from illustration_worker.images import Pixels
from illustration_worker.job import Finished, Job, JobEvent, Lora, LoraNeeded, Started
from illustration_worker.models.config import ModelConfig
from illustration_worker.models.loader import load_model

MakeJob = Callable[..., Job]
Events = Callable[[Any, Job], Awaitable[list[JobEvent]]]
DrawWith = Callable[[Any, Job], Awaitable[Pixels]]
MakeLora = Callable[..., bytes]


@pytest.fixture(scope="module")
def make_lora(model_config: ModelConfig) -> MakeLora:
    """A LoRA file for the demo model: strong enough to be seen, in PEFT's names."""
    pipeline = load_model(model_config).pipeline

    def make(seed: int = 0, rank: int = 4) -> bytes:
        dice = torch.Generator().manual_seed(seed)
        tensors: dict[str, torch.Tensor] = {}
        for component in ("unet", "text_encoder", "text_encoder_2"):
            for name, module in getattr(pipeline, component).named_modules():
                is_attention = name.rpartition(".")[2] in ("to_q", "to_k", "to_v", "q_proj", "k_proj", "v_proj")
                if isinstance(module, torch.nn.Linear) and is_attention:
                    key = f"{component}.{name}"
                    tensors[f"{key}.lora_A.weight"] = torch.randn(rank, module.in_features, generator=dice) / 5
                    tensors[f"{key}.lora_B.weight"] = torch.randn(module.out_features, rank, generator=dice) / 5
        return save(tensors)

    return make


async def chunked(content: bytes, size: int = 100_000) -> AsyncIterator[bytes]:
    for start in range(0, len(content), size):
        yield content[start : start + size]


async def put(engine: Any, lora: Lora, content: bytes) -> Any:
    return await engine.put_lora(LoraHeader(lora.lora_id, lora.version, len(content)), chunked(content))


def named(lora_id: str, scale: float = 0.8) -> Lora:
    return Lora(lora_id, "1", scale)


@pytest.fixture(params=["stock", "batching"])
async def engine(request: pytest.FixtureRequest, model_config: ModelConfig) -> AsyncIterator[Any]:
    made: Any = (
        StockEngine(model_config, 8)
        if request.param == "stock"
        else BatchingEngine(model_config, BatchingOptions(reproducible="off"), 8)
    )
    await made.start()
    yield made
    await made.stop()


async def test_it_is_asked_for_once_and_the_picture_is_stocks(
    engine: Any,
    events_of: Events,
    draw_with: DrawWith,
    make_job: MakeJob,
    make_lora: MakeLora,
    model_config: ModelConfig,
) -> None:
    plain, content = make_job(), make_lora()
    before = await draw_with(engine, plain)
    job = replace(plain, lora=named("ink"))
    events = engine.generate(job)
    assert await anext(events) == LoraNeeded()
    held = await put(engine, named("ink"), content)
    assert (held.sha256, held.kind) == (hashlib.sha256(content).hexdigest(), "LoRA (PEFT)")
    rest = [event async for event in events]
    assert rest[0] == Started()
    assert isinstance(rest[-1], Finished)
    assert rest[-1].lora_sha256 == held.sha256
    drawn = await draw_with(engine, job)  # held now: not asked for again
    stock = load_model(replace(model_config, enable_ip_adapter=False)).pipeline
    stock.load_lora_weights(load(content), adapter_name="ink")
    stock.set_adapters(["ink"], [0.8])
    expected = stock(
        prompt=job.prompt,
        prompt_2=job.prompt_2,
        negative_prompt=job.negative_prompt,
        num_inference_steps=job.num_inference_steps,
        guidance_scale=job.guidance_scale,
        width=job.width,
        height=job.height,
        generator=torch.Generator("cpu").manual_seed(job.seed),
    ).images[0]
    assert np.array_equal(drawn, np.asarray(expected))
    assert not np.array_equal(drawn, before)
    assert np.array_equal(await draw_with(engine, plain), before)
    assert not np.array_equal(await draw_with(engine, replace(plain, lora=named("ink", 0.5))), drawn)
