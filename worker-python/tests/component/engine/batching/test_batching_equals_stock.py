"""Drawn alone, a job's latents are those of the stock pipeline, bit for bit."""

from collections.abc import Awaitable, Callable
from typing import Any

import diffusers
import numpy as np
import pytest
import torch

from illustration_worker.engine.batching.engine import BatchingEngine
from illustration_worker.images import Pixels
from illustration_worker.job import Job
from illustration_worker.models.loader import LoadedModel
from illustration_worker.models.random_weights.adapters import BASE_WEIGHTS, PLUS_VIT_H_WEIGHTS

MakeJob = Callable[..., Job]
BenchOf = Callable[..., tuple[Any, Any]]

SCHEDULERS: list[tuple[str, dict[str, Any]]] = [
    ("EulerDiscreteScheduler", {}),
    ("EulerDiscreteScheduler", {"use_karras_sigmas": True}),
    ("EulerAncestralDiscreteScheduler", {}),
    ("DDIMScheduler", {}),
    ("DDPMScheduler", {}),
    ("DPMSolverMultistepScheduler", {"use_karras_sigmas": True}),
    ("DPMSolverMultistepScheduler", {"algorithm_type": "sde-dpmsolver++"}),
    ("DPMSolverSinglestepScheduler", {}),
    ("UniPCMultistepScheduler", {}),
    ("DEISMultistepScheduler", {}),
    ("HeunDiscreteScheduler", {}),
    ("KDPM2DiscreteScheduler", {}),
    ("KDPM2AncestralDiscreteScheduler", {}),
    ("PNDMScheduler", {}),
    ("LCMScheduler", {}),
]


def scheduler_like(pipeline: Any, name: str, changes: dict[str, Any]) -> Any:
    return getattr(diffusers, name).from_config(pipeline.scheduler.config, **changes)


@pytest.mark.parametrize("dtype", ["float32", "bfloat16", "float16"])
@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({}, id="defaults"),
        pytest.param({"guidance_scale": 1.0}, id="no guidance"),
        pytest.param({"guidance_rescale": 0.7}, id="rescaled guidance"),
        pytest.param({"negative_prompt": None}, id="no negative prompt"),
        pytest.param({"negative_prompt": "", "prompt_2": None}, id="empty negative prompt, one prompt"),
        pytest.param({"width": 128, "height": 72}, id="not square"),
        pytest.param({"ip_adapter_scale": 0.0}, id="scale 0"),
    ],
)
async def test_in_each_precision(
    bench_of: BenchOf, make_job: MakeJob, portraits: list[bytes], dtype: str, fields: dict[str, Any]
) -> None:
    bench, stock = bench_of(dtype=dtype)
    job = make_job(reference_images=(portraits[0],), **fields)
    assert torch.equal(bench.solo(job), stock(job))


@pytest.mark.parametrize("guidance_scale", [1.0, 5.0])
@pytest.mark.parametrize("weights", [BASE_WEIGHTS, PLUS_VIT_H_WEIGHTS])
async def test_with_each_adapter_and_several_images(
    bench_of: BenchOf, make_job: MakeJob, portraits: list[bytes], weights: str, guidance_scale: float
) -> None:
    bench, stock = bench_of(ip_adapter_weights=weights)
    for images in (portraits[:1], portraits):
        job = make_job(reference_images=tuple(images), guidance_scale=guidance_scale)
        assert torch.equal(bench.solo(job), stock(job))


@pytest.mark.parametrize("weights", [BASE_WEIGHTS, PLUS_VIT_H_WEIGHTS])
async def test_without_a_reference_as_if_there_were_no_adapter(
    bench_of: BenchOf, make_job: MakeJob, weights: str
) -> None:
    job = make_job()
    _, stock = bench_of(enable_ip_adapter=False)
    assert torch.equal(bench_of(ip_adapter_weights=weights)[0].solo(job), stock(job))


async def test_without_an_adapter(bench_of: BenchOf, make_job: MakeJob) -> None:
    bench, stock = bench_of(enable_ip_adapter=False)
    for job in (make_job(), make_job(guidance_scale=1.0)):
        assert torch.equal(bench.solo(job), stock(job))


@pytest.mark.parametrize(("name", "changes"), SCHEDULERS, ids=lambda value: str(value) if value else "")
async def test_with_each_scheduler(
    bench_of: BenchOf, make_job: MakeJob, portraits: list[bytes], name: str, changes: dict[str, Any]
) -> None:
    bench, stock = bench_of()
    scheduler = scheduler_like(bench.model.pipeline, name, changes)
    job = make_job(reference_images=(portraits[0],), num_inference_steps=5)
    assert torch.equal(bench.solo(job, scheduler), stock(job, scheduler))


async def test_the_stock_pipeline_still_works_on_our_processors(
    bench_of: BenchOf,
    stock_latents: Callable[[LoadedModel], Callable[[Job], torch.Tensor]],
    make_job: MakeJob,
    portraits: list[bytes],
) -> None:
    bench, stock = bench_of()
    job = make_job(reference_images=(portraits[1],))
    assert torch.equal(stock_latents(bench.model)(job), stock(job))


async def test_the_engines_png_is_the_stock_pipelines(
    free_engine: BatchingEngine,
    draw_with: Callable[[BatchingEngine, Job], Awaitable[Pixels]],
    stock_call: Callable[[Job], Pixels],
    make_job: MakeJob,
    portraits: list[bytes],
) -> None:
    for job in (make_job(reference_images=(portraits[2],)), make_job(width=72, height=128, guidance_scale=1.0)):
        assert np.array_equal(await draw_with(free_engine, job), stock_call(job))
