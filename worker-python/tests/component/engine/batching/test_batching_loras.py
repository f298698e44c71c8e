"""Jobs of different LoRAs, and of different scales of one, are never drawn by each other's weights."""

import asyncio
import random
from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Any

import numpy as np
import pytest
import torch
from safetensors.torch import load
from torch.utils._python_dispatch import TorchDispatchMode

from illustration_worker.engine.batching.cohort import Share, build_cohort
from illustration_worker.engine.batching.compiled_unet import CompiledUnet
from illustration_worker.engine.batching.denoising import Spent, begin_denoising
from illustration_worker.engine.batching.embedding_cache import EmbeddingCache
from illustration_worker.engine.batching.engine import BatchingEngine
from illustration_worker.engine.batching.lora_model import LoraModel, LoraModels
from illustration_worker.engine.batching.options import BatchingOptions
from illustration_worker.engine.batching.ticket import BatchTicket, References, key_of_references
from illustration_worker.engine.batching.unet_call import call_unet
from illustration_worker.engine.drawing import prepare_references
from illustration_worker.engine.loras.claim import Applied
from illustration_worker.engine.port import HeldLora
from illustration_worker.images import Pixels
from illustration_worker.job import Job, Lora, Person
from illustration_worker.models.config import ModelConfig
from illustration_worker.models.loader import load_model

MakeJob = Callable[..., Job]
BenchOf = Callable[..., tuple[Any, Any]]
PutLora = Callable[[Any, str, bytes], Awaitable[HeldLora]]
MakeLora = Callable[[int], bytes]
DrawWith = Callable[[Any, Job], Awaitable[Pixels]]


@pytest.mark.parametrize("seed", [1, 2])
@pytest.mark.parametrize("reproducible", ["off", "on"])
async def test_mixed_traffic_gives_the_pictures_that_each_gives_alone(
    free_engine: BatchingEngine,
    reproducible_engine: BatchingEngine,
    make_lora: MakeLora,
    put_lora: PutLora,
    draw_with: DrawWith,
    make_job: MakeJob,
    reproducible: str,
    seed: int,
) -> None:
    engine = reproducible_engine if reproducible == "on" else free_engine
    for number in range(2):
        await put_lora(engine, f"lora-{number}", make_lora(number))
    dice = random.Random(seed)
    loras = [None, *(Lora(f"lora-{number}", "1", scale) for number in range(2) for scale in (0.4, 1.0))]
    jobs = [
        make_job(
            prompt=f"memory {dice.random()}",
            seed=dice.randrange(2**32),
            num_inference_steps=dice.randint(2, 5),
            guidance_scale=dice.choice([1.0, 5.0]),
            lora=loras[number % len(loras)],
        )
        for number in range(10)
    ]
    together = await asyncio.gather(*(draw_with(engine, job) for job in jobs))
    for job, picture in zip(jobs, together, strict=True):
        alone = await draw_with(engine, job)
        assert abs(picture.astype(int) - alone).max() <= (0 if reproducible == "on" else 1)
    plain = make_job(seed=3, num_inference_steps=4)
    looks = [await draw_with(engine, make_job(seed=3, num_inference_steps=4, lora=lora)) for lora in loras]
    assert np.array_equal(await draw_with(engine, plain), looks[0])
    for number, one in enumerate(looks):  # what is compared tells signatures apart
        assert all(abs(one.astype(int) - other).max() > 1 for other in looks[:number])


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
async def test_alone_the_latents_are_those_of_stock_with_set_adapters(
    bench_of: BenchOf,
    stock_latents: Callable[..., Any],
    model_config: ModelConfig,
    make_job: MakeJob,
    make_lora: MakeLora,
    portraits: list[bytes],
    dtype: Any,
) -> None:
    bench, _ = bench_of(dtype=dtype)
    content = make_lora(0)
    _, lora = LoraModels(bench.model, bench.layers, EmbeddingCache(0), BatchingOptions()).make(content)
    stock = load_model(replace(model_config, dtype=dtype))
    stock.pipeline.load_lora_weights(load(content), adapter_name="ink")
    for scale in (0.7, 0.0, 1.3):
        stock.pipeline.set_adapters(["ink"], [scale])
        job = make_job(lora=Lora("ink", "1", scale), people=(Person((portraits[0],), 0.33),))
        assert torch.equal(latents_of(bench, lora, job), stock_latents(stock)(job))


@torch.no_grad()
def latents_of(bench: Any, lora: LoraModel, job: Job) -> torch.Tensor:
    assert job.lora is not None
    ticket = BatchTicket(job)
    ticket.lora = Applied(lora, "a digest", job.lora.scale)
    images = job.all_reference_images
    pixels = prepare_references(bench.model, images)
    references = References(pixels, key_of_references(images, bench.model.reference_fit))
    conditioning = lora.encoder_at(job.lora.scale).encode(job, references)
    member = begin_denoising(bench.model, ticket, conditioning, Spent())
    predictor = bench.predictor()
    while not member.is_done:
        member.advance(predictor.predict([member], 16)[member])
    return member.latents


class Kernels(TorchDispatchMode):  # type: ignore[no-untyped-call]
    """Counts operations."""

    def __init__(self) -> None:
        super().__init__()  # type: ignore[no-untyped-call]
        self.count = 0

    def __torch_dispatch__(self, func: Any, types: Any, args: Any = (), kwargs: Any = None) -> Any:
        self.count += 1
        return func(*args, **(kwargs or {}))


async def test_a_switch_computes_nothing_and_the_model_without_is_never_touched(
    bench_of: BenchOf, make_job: MakeJob, make_lora: MakeLora
) -> None:
    bench, _ = bench_of()
    unet = bench.model.pipeline.unet
    before = [(name, type(module)) for name, module in unet.named_modules()]
    addresses = [(parameter.data_ptr(), parameter.requires_grad) for parameter in unet.parameters()]
    models = LoraModels(bench.model, bench.layers, EmbeddingCache(0), BatchingOptions())
    loras = [models.make(make_lora(number))[1] for number in range(2)]
    with Kernels() as kernels:
        for scale in (0.2, 0.9):
            for lora in loras:
                lora.unet_at(scale)
    assert kernels.count == 0
    assert [(name, type(module)) for name, module in unet.named_modules()] == before
    assert [(parameter.data_ptr(), parameter.requires_grad) for parameter in unet.parameters()] == addresses
    shared = {address for address, _ in addresses}
    assert shared <= {parameter.data_ptr() for parameter in loras[0].adapted.model.pipeline.unet.parameters()}


async def test_a_compiled_unet_is_compiled_once_whatever_loras_come(
    bench_of: BenchOf, make_job: MakeJob, make_lora: MakeLora
) -> None:
    bench, _ = bench_of(enable_ip_adapter=False)
    compilations: list[int] = []

    def compile_graph(graph: Any, inputs: Any) -> Any:
        compilations.append(len(compilations))
        return graph.forward

    unet = bench.model.pipeline.unet
    compiled = CompiledUnet(torch.compile(unet, backend=compile_graph, dynamic=False), unet)

    @torch.no_grad()
    def step(callee: Any, encoder: Any, job: Job) -> None:
        cohort = build_cohort(bench.layers, [Share(encoder.encode(job, References()), 0, 2)], 2)
        call_unet(callee, torch.zeros(2, 4, 8, 8), torch.full((2,), 500.0), cohort)

    step(compiled, bench.encoder, make_job())
    compiled.freeze()
    once = len(compilations)
    assert once > 0
    models = LoraModels(bench.model, bench.layers, EmbeddingCache(0), BatchingOptions())
    for number, scale in ((0, 0.5), (1, 0.5), (1, 0.9)):
        _, lora = models.make(make_lora(number))
        step(lora.unet_at(scale), lora.encoder_at(scale), make_job(lora=Lora("ink", "1", scale)))
        step(compiled, bench.encoder, make_job())
    assert len(compilations) == once
    torch._dynamo.reset()
