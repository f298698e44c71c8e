"""Both engines and the prototype on the random model, and the jobs they are given."""

import asyncio
import io
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from bench.prototype_arm import LockedPrototype
from illustration_worker.engine.batching.engine import BatchingEngine
from illustration_worker.engine.batching.options import BatchingOptions
from illustration_worker.engine.port import Engine
from illustration_worker.engine.stock import StockEngine
from illustration_worker.engine.warm_up import warm_up_job
from illustration_worker.images import Pixels
from illustration_worker.job import Finished, Job, Person
from illustration_worker.models.config import ModelConfig
from illustration_worker.models.random_weights.build import build_random_model

STEPS = 20
PROTOTYPE_SIDE = 128
"""Pixels: the random model's own size. The prototype takes neither size nor guidance from a request."""
PROTOTYPE_GUIDANCE = 5.0
"""The default of diffusers' SDXL pipeline."""
ONE_LEVEL = 1

Draw = Callable[[Job], Awaitable[bytes]]
"""Draws a job; gives its PNG."""


@dataclass(frozen=True)
class Drawers:
    """Started, with the same weights. ``prototype`` and ``stock`` draw one job at a time."""

    prototype: Draw
    stock: Draw
    batching: Draw


@asynccontextmanager
async def running_drawers() -> AsyncIterator[Drawers]:
    """All in this process; row buckets as needed, since speed is the question here."""
    with TemporaryDirectory() as name:
        folder = Path(name) / "random"
        build_random_model(folder)
        config = ModelConfig(str(folder), ip_adapter=str(folder), device="cpu")
        options = BatchingOptions(reproducible="off", max_batch_rows=16)
        engines = (StockEngine(config, 16), BatchingEngine(config, options, 16))
        for engine in engines:
            await engine.start()
        stock, batching = (_drawn_by(engine) for engine in engines)
        yield Drawers(LockedPrototype(folder).draw, stock, batching)
        for engine in engines:
            await engine.stop()


def mixed_jobs(count: int) -> list[Job]:
    """Different in prompt, seed, scale and length; size and guidance are those that the prototype can draw."""
    jobs = (mixed_job(number, PROTOTYPE_SIDE, STEPS + number % 4) for number in range(count))
    return [replace(job, guidance_scale=PROTOTYPE_GUIDANCE) for job in jobs]


def mixed_job(number: int, side: int, steps: int) -> Job:
    """One of ``steps`` steps and ``side`` x ``side`` pixels; the rest follows from ``number``."""
    pattern = warm_up_job(side)
    return Job(
        job_id=f"{number}",
        request_id=f"{number}",
        prompt=f"memory number {number}",
        prompt_2=pattern.prompt_2,
        negative_prompt="error, glitch",
        num_inference_steps=steps,
        seed=number,
        guidance_scale=4.0 + number % 3,
        width=side,
        height=side,
        people=(Person(pattern.all_reference_images, ip_adapter_scale=0.2 + number % 16 / 20),),
    )


async def draw_together(engine: Engine, jobs: Sequence[Job]) -> list[Pixels]:
    """The pictures of jobs that are asked for at the same time."""
    return await _pictures(_drawn_by(engine), jobs)


async def finish(engine: Engine, job: Job) -> Finished:
    """``job`` drawn to its end."""
    async for event in engine.generate(job):
        if isinstance(event, Finished):
            return event
    raise RuntimeError("the job ended without a picture")


async def cpu_seconds_an_image(draw: Draw, jobs: Sequence[Job]) -> float:
    """Of all threads of this process, for jobs that are asked for at the same time."""
    began = time.process_time()
    await asyncio.gather(*(draw(job) for job in jobs))
    return (time.process_time() - began) / len(jobs)


async def require_same_pictures(draws: Sequence[Draw], jobs: Sequence[Job]) -> None:
    """A comparison of arms that draw different pictures would say nothing."""
    first, *others = [await _pictures(draw, jobs) for draw in draws]
    for other in others:
        pairs = zip(first, other, strict=True)
        worst = max(int(np.abs(one.astype(int) - two.astype(int)).max()) for one, two in pairs)
        print(f"largest difference between the arms' pictures: {worst} of 255 levels")
        if worst > ONE_LEVEL:
            raise SystemExit("the arms draw different pictures")


def _drawn_by(engine: Engine) -> Draw:
    async def draw(job: Job) -> bytes:
        return (await finish(engine, job)).png

    return draw


async def _pictures(draw: Draw, jobs: Sequence[Job]) -> list[Pixels]:
    pngs = await asyncio.gather(*(draw(job) for job in jobs))
    return [np.asarray(Image.open(io.BytesIO(png))) for png in pngs]
