"""Both engines on the demo model, and the jobs they are given."""

import asyncio
import io
import time
from collections.abc import AsyncIterator, Sequence
from contextlib import asynccontextmanager
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
from PIL import Image

from illustration_worker.engine.batching.engine import BatchingEngine
from illustration_worker.engine.batching.options import BatchingOptions
from illustration_worker.engine.port import Engine
from illustration_worker.engine.stock import StockEngine
from illustration_worker.engine.warm_up import warm_up_job
from illustration_worker.images import Pixels
from illustration_worker.job import Finished, Job, Person
from illustration_worker.models.config import ModelConfig
from illustration_worker.models.demo.build import build_demo_model

STEPS = 20
SIDE = 64
ONE_LEVEL = 1


@dataclass(frozen=True)
class Engines:
    """Started. ``stock`` takes one job at a time: the baseline, with the lock it needs."""

    stock: Engine
    batching: Engine


@asynccontextmanager
async def running_engines() -> AsyncIterator[Engines]:
    """The same weights in both; row buckets as needed, since speed is the question here."""
    with TemporaryDirectory() as folder:
        build_demo_model(Path(folder) / "demo")
        config = ModelConfig(f"{folder}/demo", ip_adapter=f"{folder}/demo", device="cpu")
        options = BatchingOptions(reproducible="off", max_batch_rows=16)
        engines = Engines(StockEngine(config, 16), BatchingEngine(config, options, 16))
        for engine in (engines.stock, engines.batching):
            await engine.start()
        yield engines
        for engine in (engines.stock, engines.batching):
            await engine.stop()


def mixed_jobs(count: int) -> list[Job]:
    """Different in prompt, seed, scale, guidance and length."""
    return [mixed_job(number, SIDE, STEPS + number % 4) for number in range(count)]


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
        people=(Person(pattern.reference_images, ip_adapter_scale=0.2 + number % 16 / 20),),
    )


async def draw_together(engine: Engine, jobs: Sequence[Job]) -> list[Pixels]:
    """The pictures of jobs that are asked for at the same time."""
    return [_pixels(drawn) for drawn in await asyncio.gather(*(finish(engine, job) for job in jobs))]


async def finish(engine: Engine, job: Job) -> Finished:
    """``job`` drawn to its end."""
    async for event in engine.generate(job):
        if isinstance(event, Finished):
            return event
    raise RuntimeError("the job ended without a picture")


async def cpu_seconds_an_image(engine: Engine, jobs: Sequence[Job]) -> float:
    """Of all threads of this process."""
    began = time.process_time()
    await draw_together(engine, jobs)
    return (time.process_time() - began) / len(jobs)


async def require_same_pictures(engines: Engines, jobs: Sequence[Job]) -> None:
    """A comparison of engines that draw different pictures would say nothing."""
    pairs = zip(await draw_together(engines.stock, jobs), await draw_together(engines.batching, jobs), strict=True)
    worst = max(int(np.abs(one.astype(int) - other.astype(int)).max()) for one, other in pairs)
    print(f"largest difference between the arms' pictures: {worst} of 255 levels")
    if worst > ONE_LEVEL:
        raise SystemExit("the arms draw different pictures")


def _pixels(drawn: Finished) -> Pixels:
    return np.asarray(Image.open(io.BytesIO(drawn.png)))
