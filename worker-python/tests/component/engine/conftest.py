"""A real engine on the random model, the stock pipeline beside it, and eyes on what the device does."""

import asyncio
import io
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import numpy as np
import pytest
import torch
from diffusers import UNet2DConditionModel
from diffusers.image_processor import IPAdapterMaskProcessor
from diffusers.models.autoencoders.vae import Decoder
from PIL import Image
from safetensors.torch import save
from torch.nn.modules.module import register_module_forward_pre_hook

from illustration_worker.engine.port import HeldLora, LoraHeader
from illustration_worker.engine.stock import StockEngine
from illustration_worker.images import Pixels, decode_reference_image
from illustration_worker.job import Finished, Job, JobEvent, Region
from illustration_worker.models.config import ModelConfig
from illustration_worker.models.loader import load_model

MAX_OUTSTANDING_JOBS = 12
Events = Callable[[StockEngine, Job], Awaitable[list[JobEvent]]]
Draw = Callable[[Job], Awaitable[Pixels]]
StockCall = Callable[[Job], Pixels]


@pytest.fixture(scope="session")
def model_config(random_model_folder: Path) -> ModelConfig:
    return ModelConfig(model=str(random_model_folder), ip_adapter=str(random_model_folder), device="cpu")


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
def adapter_arguments() -> Callable[[Any, Job], dict[str, Any]]:
    """What the stock pipeline is called with for a job's people; sets its scale."""
    return _adapter_arguments


@pytest.fixture(scope="session")
def stock_call_of() -> Callable[[ModelConfig], StockCall]:
    """``StableDiffusionXLPipeline.__call__`` called as its documentation says, on a model loaded apart."""
    return _stock_call


@pytest.fixture(scope="session")
def stock_call(model_config: ModelConfig) -> StockCall:
    """``stock_call_of`` the shared engine's model; of the same without an adapter for a job without references."""
    with_adapter = _stock_call(model_config)
    without = _stock_call(replace(model_config, enable_ip_adapter=False))
    return lambda job: (with_adapter if job.people else without)(job)


@pytest.fixture(scope="session")
def make_lora(model_config: ModelConfig) -> Callable[[int], bytes]:
    """A LoRA file by its seed, in PEFT's names: for all attention, of both text encoders too, and strong."""
    pipeline = load_model(model_config).pipeline
    widths = {
        f"{component}.{name}": (module.in_features, module.out_features)
        for component in ("unet", "text_encoder", "text_encoder_2")
        for name, module in getattr(pipeline, component).named_modules()
        if name.rpartition(".")[2] in ("to_q", "to_k", "to_v", "q_proj", "k_proj", "v_proj")
    }

    def make(seed: int) -> bytes:
        dice = torch.Generator().manual_seed(seed)
        tensors: dict[str, torch.Tensor] = {}
        for name, (in_width, out_width) in widths.items():
            tensors[f"{name}.lora_A.weight"] = torch.randn(4, in_width, generator=dice) / 5
            tensors[f"{name}.lora_B.weight"] = torch.randn(out_width, 4, generator=dice) / 5
        return save(tensors)

    return make


@pytest.fixture(scope="session")
def put_lora() -> Callable[[Any, str, bytes], Awaitable[HeldLora]]:
    """Hands a LoRA file over to an engine, version "1", in several pieces."""

    async def put(engine: Any, lora_id: str, content: bytes) -> HeldLora:
        async def chunks() -> AsyncIterator[bytes]:
            for start in range(0, len(content), 100_000):
                yield content[start : start + 100_000]

        held: HeldLora = await engine.put_lora(LoraHeader(lora_id, "1", len(content)), chunks())
        return held

    return put


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
        adapter = _adapter_arguments(pipeline, job) if job.people else {}
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


def _adapter_arguments(pipeline: Any, job: Job) -> dict[str, Any]:
    """As diffusers' documentation says that people, regions and modes are asked for."""
    images = [decode_reference_image(data) for data in job.all_reference_images]
    if all(person.region is None for person in job.people):
        pipeline.set_ip_adapter_scale(_by_block(job.ip_adapter_mode, job.people[0].ip_adapter_scale))
        return {"ip_adapter_image": [images]}
    regions = [person.region or Region(0.0, 0.0, 1.0, 1.0) for person in job.people for _ in person.reference_images]
    masks = IPAdapterMaskProcessor().preprocess(
        [_black_and_white(region, job) for region in regions], height=job.height, width=job.width
    )
    scales = [
        person.ip_adapter_scale / len(person.reference_images) for person in job.people for _ in person.reference_images
    ]
    pipeline.set_ip_adapter_scale([_by_block(job.ip_adapter_mode, scales)])
    return {
        "ip_adapter_image": [images],
        "cross_attention_kwargs": {
            "ip_adapter_masks": [masks.reshape(1, masks.shape[0], masks.shape[2], masks.shape[3])]
        },
    }


def _by_block(mode: str, scale: Any) -> Any:
    style, layout = {"block_0": [0.0, scale, 0.0]}, {"block_2": [0.0, scale]}
    configs = {"full": scale, "style": {"up": style}, "layout": {"down": layout}}
    return configs.get(mode, {"up": style, "down": layout})


def _black_and_white(region: Region, job: Job) -> Image.Image:
    mask = Image.new("L", (job.width, job.height), "black")
    corners = (region.left * job.width, region.top * job.height, region.right * job.width, region.bottom * job.height)
    left, top, right, bottom = (round(corner) for corner in corners)
    mask.paste(255, (left, top, right, bottom))
    return mask
