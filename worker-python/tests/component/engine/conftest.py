"""A real engine on the demo model, the stock pipeline beside it, and eyes on what the device does."""

import asyncio
import io
from collections import Counter
from collections.abc import Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import UNet2DConditionModel
from diffusers.models.autoencoders.vae import Decoder
from PIL import Image
from torch.nn.modules.module import register_module_forward_pre_hook

from illustration_worker.engine.stock import StockEngine
from illustration_worker.images import Pixels, decode_reference_image
from illustration_worker.job import Finished, Job, JobEvent
from illustration_worker.models.config import ModelConfig
from illustration_worker.models.loader import load_model

MAX_OUTSTANDING_JOBS = 12
Events = Callable[[StockEngine, Job], Awaitable[list[JobEvent]]]
Draw = Callable[[Job], Awaitable[Pixels]]
StockCall = Callable[[Job], Pixels]


@pytest.fixture(scope="session")
def model_config(demo_model_folder: Path) -> ModelConfig:
    return ModelConfig(model=str(demo_model_folder), ip_adapter=str(demo_model_folder), device="cpu")


@pytest.fixture(scope="session")
def engine(model_config: ModelConfig) -> Iterator[StockEngine]:
    """Started once; jobs of different tests' event loops may follow each other on it."""
    stock = StockEngine(model_config, MAX_OUTSTANDING_JOBS)
    asyncio.run(stock.start())
    yield stock
    asyncio.run(stock.stop())


@pytest.fixture(scope="session")
def events_of() -> Events:
    """Everything that happens to a job."""

    async def collect(engine: StockEngine, job: Job) -> list[JobEvent]:
        return [event async for event in engine.generate(job)]

    return collect


@pytest.fixture(scope="session")
def draw_with(events_of: Events) -> Callable[[StockEngine, Job], Awaitable[Pixels]]:
    """The pixels of the PNG that an engine gives for a job."""

    async def pixels(engine: StockEngine, job: Job) -> Pixels:
        finished = (await events_of(engine, job))[-1]
        assert isinstance(finished, Finished)
        return np.asarray(Image.open(io.BytesIO(finished.png)))

    return pixels


@pytest.fixture
def draw(engine: StockEngine, draw_with: Callable[[StockEngine, Job], Awaitable[Pixels]]) -> Draw:
    """``draw_with`` the shared engine."""
    return lambda job: draw_with(engine, job)


@pytest.fixture(scope="session")
def stock_call_of() -> Callable[[ModelConfig], StockCall]:
    """``StableDiffusionXLPipeline.__call__`` called as its documentation says, on a model loaded apart."""
    return _stock_call


@pytest.fixture(scope="session")
def stock_call(model_config: ModelConfig) -> StockCall:
    """``stock_call_of`` the shared engine's model; of the same without an adapter for a job without references."""
    with_adapter = _stock_call(model_config)
    without = _stock_call(replace(model_config, enable_ip_adapter=False))
    return lambda job: (with_adapter if job.all_reference_images else without)(job)


@pytest.fixture
def device_calls() -> Iterator[Counter[str]]:
    """Calls of the UNet (one a step) and of the VAE's decoder, on any thread, from now on."""
    calls: Counter[str] = Counter()

    def count(module: torch.nn.Module, arguments: Any) -> None:
        for name, kind in (("unet", UNet2DConditionModel), ("decoder", Decoder)):
            if isinstance(module, kind):
                calls[name] += 1

    hook = register_module_forward_pre_hook(count)
    yield calls
    hook.remove()


def _stock_call(config: ModelConfig) -> StockCall:
    pipeline = load_model(config).pipeline

    def call(job: Job) -> Pixels:
        images = [decode_reference_image(data) for data in job.all_reference_images]
        adapter: dict[str, Any] = {}
        if images:
            pipeline.set_ip_adapter_scale(job.people[0].ip_adapter_scale)
            adapter = {"ip_adapter_image": [images]}
        image = pipeline(
            prompt=job.prompt,
            prompt_2=job.prompt_2,
            negative_prompt=job.negative_prompt,
            num_inference_steps=job.num_inference_steps,
            guidance_scale=job.guidance_scale,
            guidance_rescale=job.guidance_rescale,
            width=job.width,
            height=job.height,
            generator=torch.Generator("cpu").manual_seed(job.seed),
            **adapter,
        ).images[0]
        return np.asarray(image)

    return call
