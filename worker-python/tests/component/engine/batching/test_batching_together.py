"""Jobs that differ in everything share UNet calls, and none of them can tell."""

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import diffusers
import pytest
import torch

from illustration_worker.engine.decoding import decode_latents
from illustration_worker.job import Job, Person

MakeJob = Callable[..., Job]
BenchOf = Callable[..., tuple[Any, Any]]

NAMES = [
    "EulerDiscreteScheduler",
    "DDIMScheduler",
    "EulerAncestralDiscreteScheduler",
    "DPMSolverMultistepScheduler",
    "HeunDiscreteScheduler",
]


@pytest.fixture(scope="session")
def mixture(make_job: MakeJob, portraits: list[bytes]) -> Callable[[], list[Job]]:
    """Eight jobs: with and without guidance and rescale, none to three references, each its own everything."""
    references: list[tuple[bytes, ...]] = [(), (portraits[0],), (portraits[1],), tuple(portraits)]

    def make() -> list[Job]:
        return [
            make_job(
                prompt=f"memory number {number}",
                negative_prompt=(None, "", "rain")[number % 3],
                seed=number,
                num_inference_steps=3 + number % 4,
                guidance_scale=(5.0, 1.0, 7.5)[number % 3],
                guidance_rescale=(0.0, 0.6)[number % 2],
                ip_adapter_scale=number / 10,
                reference_images=references[number % 4],
            )
            for number in range(8)
        ]

    return make


def person(images: list[bytes], scale: float = 0.33) -> tuple[Person, ...]:
    return (Person(tuple(images), scale),)


def arrivals_of(arrival_type: Any, bench: Any, jobs: list[Job]) -> list[Any]:
    schedulers = [
        getattr(diffusers, NAMES[number % len(NAMES)]).from_config(bench.model.pipeline.scheduler.config)
        for number in range(len(jobs))
    ]
    ticks = [number * 2 // 3 for number in range(len(jobs))]
    return [arrival_type(*one) for one in zip(jobs, schedulers, ticks, strict=True)]


async def test_in_float64_a_staggered_mixture_equals_the_jobs_alone(
    bench_of: BenchOf, arrival_type: Any, mixture: Callable[[], list[Job]]
) -> None:
    bench, stock = bench_of(dtype="float64")
    arrivals = arrivals_of(arrival_type, bench, mixture())
    for arrival, together in zip(arrivals, bench.together(arrivals, row_cap=32), strict=True):
        assert torch.allclose(together, bench.solo(arrival.job, arrival.scheduler), rtol=0, atol=1e-12)
        if arrival.job.all_reference_images:
            assert torch.allclose(together, stock(arrival.job, arrival.scheduler), rtol=0, atol=1e-12)


async def test_in_float32_the_pixels_differ_by_one_level_at_most(
    bench_of: BenchOf, arrival_type: Any, mixture: Callable[[], list[Job]]
) -> None:
    bench, _ = bench_of()
    pipeline = bench.model.pipeline
    arrivals = arrivals_of(arrival_type, bench, mixture())
    for arrival, together in zip(arrivals, bench.together(arrivals), strict=True):
        alone = bench.solo(arrival.job, arrival.scheduler)
        assert not torch.equal(alone, together) or arrival.job.guidance_scale <= 1  # else one level would prove little
        with torch.no_grad():
            pictures = [decode_latents(pipeline.vae, pipeline.image_processor, one) for one in (alone, together)]
        assert abs(pictures[0].astype(int) - pictures[1].astype(int)).max() <= 1


@pytest.mark.parametrize("dtype", ["float32", "bfloat16"])
async def test_at_a_fixed_width_neighbours_make_no_difference_at_all(
    bench_of: BenchOf, arrival_type: Any, mixture: Callable[[], list[Job]], dtype: str
) -> None:
    bench, _ = bench_of(dtype=dtype)
    arrivals = arrivals_of(arrival_type, bench, mixture()[:4])
    together = bench.together(arrivals, row_cap=16, pads_to_cap=True)
    for arrival, latents in zip(arrivals, together, strict=True):
        alone = bench.together([replace(arrival, tick=0)], row_cap=16, pads_to_cap=True)[0]
        assert torch.equal(latents, alone)


async def test_what_these_tests_compare_tells_jobs_apart(
    bench_of: BenchOf, mixture: Callable[[], list[Job]], portraits: list[bytes]
) -> None:
    bench, _ = bench_of(dtype="float64")
    job = replace(mixture()[7], guidance_scale=5.0, negative_prompt="rain", people=person(portraits))
    picture = bench.solo(job)
    changes: list[dict[str, Any]] = [
        {"people": person(portraits, 0.34)},
        {"guidance_scale": 5.1},
        {"guidance_rescale": 0.61},
        {"negative_prompt": "ruin"},
        {"negative_prompt": None},
        {"people": person(portraits[:2])},
        {"people": person(portraits[1:])},
        {"num_inference_steps": 4},
        {"prompt": "memory number 9"},
    ]
    for change in changes:
        assert (bench.solo(replace(job, **change)) - picture).abs().max() > 1e-4, change


async def test_rows_of_one_job_may_be_computed_one_at_a_time(
    bench_of: BenchOf, arrival_type: Any, make_job: MakeJob, portraits: list[bytes]
) -> None:
    bench, stock = bench_of(dtype="float64")
    job = make_job(reference_images=(portraits[0],))
    (split,) = bench.together([arrival_type(job)], row_cap=1)
    assert torch.allclose(split, stock(job), rtol=0, atol=1e-12)
