"""The stock engine's picture is the stock pipeline's, bit for bit; and everything that is asked for matters."""

import asyncio
from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import replace
from typing import Any, Literal

import numpy as np
import pytest

from illustration_worker.engine.stock import StockEngine
from illustration_worker.images import Pixels
from illustration_worker.job import Job, Person, Region
from illustration_worker.models.config import ModelConfig
from illustration_worker.models.random_weights.adapters import BASE_WEIGHTS, PLUS_VIT_H_WEIGHTS

MakeJob = Callable[..., Job]
Draw = Callable[[Job], Awaitable[Pixels]]
DrawWith = Callable[[StockEngine, Job], Awaitable[Pixels]]
StockCall = Callable[[Job], Pixels]
StockCallOf = Callable[[ModelConfig], StockCall]


@pytest.mark.parametrize(
    "fields",
    [
        pytest.param({}, id="defaults"),
        pytest.param({"guidance_scale": 1.0}, id="no guidance"),
        pytest.param({"guidance_rescale": 0.7}, id="rescaled guidance"),
        pytest.param({"negative_prompt": None}, id="no negative prompt"),
        pytest.param({"negative_prompt": ""}, id="empty negative prompt"),
        pytest.param({"prompt_2": None}, id="one prompt for both encoders"),
        pytest.param({"prompt": "and then she said " * 40}, id="more than 77 tokens"),
        pytest.param({"width": 128, "height": 72}, id="not square"),
        pytest.param({"ip_adapter_scale": 1.0}, id="full scale"),
        pytest.param({"ip_adapter_scale": 0.0}, id="scale 0"),
        pytest.param({"seed": 2**32 - 1, "num_inference_steps": 1}, id="one step"),
    ],
)
async def test_a_picture_equals_the_stock_pipelines(
    draw: Draw, stock_call: StockCall, make_job: MakeJob, portraits: list[bytes], fields: dict[str, Any]
) -> None:
    job = make_job(reference_images=(portraits[0],), **fields)
    assert np.array_equal(await draw(job), stock_call(job))


async def test_several_pictures_of_one_person_equal_the_stock_pipelines(
    draw: Draw, stock_call: StockCall, make_job: MakeJob, portraits: list[bytes]
) -> None:
    job = make_job(reference_images=tuple(portraits))
    assert np.array_equal(await draw(job), stock_call(job))
    assert not np.array_equal(await draw(replace(job, people=(Person((portraits[0],), 0.33),))), stock_call(job))


@pytest.mark.parametrize("mode", ["full", "style", "layout", "style_layout"])
async def test_two_people_in_regions_equal_the_stock_pipelines(
    draw: Draw, stock_call: StockCall, make_job: MakeJob, portraits: list[bytes], mode: str
) -> None:
    left, right = Region(0.0, 0.0, 0.5, 1.0), Region(0.5, 0.0, 1.0, 1.0)
    people = (Person((portraits[0],), 0.8, left), Person((portraits[1], portraits[2]), 0.5, right))
    job = make_job(people=people, ip_adapter_mode=mode, width=96)
    assert np.array_equal(await draw(job), stock_call(job))


@asynccontextmanager
async def running(config: ModelConfig) -> AsyncIterator[StockEngine]:
    engine = StockEngine(config, max_outstanding_jobs=2)
    await engine.start()
    yield engine
    await engine.stop()


@pytest.mark.parametrize("guidance_scale", [1.0, 5.0])
@pytest.mark.parametrize("weights", [BASE_WEIGHTS, PLUS_VIT_H_WEIGHTS])
async def test_each_adapter_with_and_without_a_reference(
    model_config: ModelConfig,
    draw_with: DrawWith,
    stock_call_of: StockCallOf,
    make_job: MakeJob,
    portraits: list[bytes],
    weights: str,
    guidance_scale: float,
) -> None:
    config = replace(model_config, ip_adapter_weights=weights)
    without = make_job(guidance_scale=guidance_scale)
    with_reference = replace(without, people=(Person((portraits[0],), 0.33),))
    async with running(config) as engine:
        drawn_without = await draw_with(engine, without)
        drawn_with = await draw_with(engine, with_reference)
    assert np.array_equal(drawn_without, stock_call_of(replace(config, enable_ip_adapter=False))(without))
    assert np.array_equal(drawn_with, stock_call_of(config)(with_reference))


async def test_without_an_adapter_a_reference_changes_nothing(
    model_config: ModelConfig,
    draw_with: DrawWith,
    stock_call_of: StockCallOf,
    make_job: MakeJob,
    portraits: list[bytes],
) -> None:
    config = replace(model_config, enable_ip_adapter=False)
    async with running(config) as engine:
        drawn = await draw_with(engine, make_job(reference_images=(portraits[0],)))
    assert np.array_equal(drawn, stock_call_of(config)(make_job()))


@pytest.mark.parametrize(
    "change",
    [
        {"prompt": "my grandfather baking bread"},
        {"prompt_2": "oil painting"},
        {"negative_prompt": "colour"},
        {"negative_prompt": None},
        {"seed": 8},
        {"num_inference_steps": 4},
        {"guidance_scale": 5.5},
        {"guidance_rescale": 0.5},
        {"ip_adapter_scale": 0.34},
        {"ip_adapter_scale": 0.0},
    ],
    ids=repr,
)
async def test_everything_asked_for_matters(
    draw: Draw, make_job: MakeJob, portraits: list[bytes], change: dict[str, Any]
) -> None:
    asked: dict[str, Any] = {"reference_images": (portraits[0],)}
    assert not np.array_equal(await draw(make_job(**asked)), await draw(make_job(**asked, **change)))


async def test_another_person_gives_another_picture_unless_the_scale_is_zero(
    draw: Draw, make_job: MakeJob, portraits: list[bytes]
) -> None:
    people = [make_job(reference_images=(portrait,), seed=1, num_inference_steps=10) for portrait in portraits]
    one, two, three = [(await draw(person)).astype(int) for person in people]
    for left, right in ((one, two), (one, three), (two, three)):
        assert np.abs(left - right).mean() > 1  # of 255 levels: a person's look is seen, not measured
    ignored = [
        await draw(make_job(reference_images=(portrait,), ip_adapter_scale=0.0, seed=1, num_inference_steps=10))
        for portrait in portraits
    ]
    assert np.array_equal(ignored[0], ignored[1])
    assert np.array_equal(ignored[0], ignored[2])


async def test_the_random_model_draws_texture(draw: Draw, make_job: MakeJob, portraits: list[bytes]) -> None:
    pixels = await draw(make_job(reference_images=(portraits[0],), width=128, height=128, num_inference_steps=20))
    assert (pixels.std(axis=(0, 1)) > 15).all()
    assert ((pixels == 0) | (pixels == 255)).mean() < 0.1


async def test_ten_at_once_each_equal_the_picture_their_request_gives_alone(
    draw: Draw, stock_call: StockCall, make_job: MakeJob, portraits: list[bytes]
) -> None:
    jobs = [
        make_job(
            prompt=f"memory number {number}",
            seed=number,
            num_inference_steps=2 + number % 4,
            ip_adapter_scale=number / 10,
            guidance_scale=1.0 + number % 3 * 2,
            reference_images=(portraits[number % 3],) if number % 4 else (),
            negative_prompt=None if number % 2 else "error",
        )
        for number in range(10)
    ]
    together = await asyncio.gather(*(draw(job) for job in jobs))
    for job, pixels in zip(jobs, together, strict=True):
        assert np.array_equal(pixels, stock_call(job))


@pytest.mark.parametrize("dtype", ["float16", "bfloat16"])
async def test_half_precision_draws_nearly_the_same_picture(
    model_config: ModelConfig,
    draw: Draw,
    draw_with: DrawWith,
    make_job: MakeJob,
    portraits: list[bytes],
    dtype: Literal["float16", "bfloat16"],
) -> None:
    job = make_job(reference_images=(portraits[0],))
    async with running(replace(model_config, dtype=dtype)) as engine:
        half = await draw_with(engine, job)
    difference = np.abs(half.astype(int) - (await draw(job)).astype(int)).mean()
    other_noise = np.abs((await draw(replace(job, seed=8))).astype(int) - (await draw(job)).astype(int)).mean()
    assert difference < other_noise / 3
