"""Whatever happens around a job, if it is finished its picture is the one it gives alone."""

import asyncio
import random
from collections import Counter
from collections.abc import AsyncGenerator, Callable, Iterator
from contextlib import aclosing, contextmanager
from dataclasses import dataclass, field, replace
from typing import Any, get_args

import pytest
import torch
from diffusers import UNet2DConditionModel
from torch.nn.modules.module import register_module_forward_pre_hook

from illustration_worker.engine.batching import row_cap
from illustration_worker.engine.batching.engine import BatchingEngine
from illustration_worker.job import Checkpoint, Finished, IpAdapterMode, Job, JobEvent, Lora, Person, Region, Step

MakeJob = Callable[..., Job]

JOBS = 16
OUT_OF_MEMORY_EVERY = 9


@dataclass
class Mishaps:
    """Seeded: which calls of the UNet run out of memory, and how callers behave."""

    dice: random.Random
    seen: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def memory_shortages(self) -> Iterator[None]:
        calls = 0

        def hook(module: torch.nn.Module, arguments: Any) -> None:
            nonlocal calls
            if isinstance(module, UNet2DConditionModel):
                calls += 1
                # never at one row: that would end the job, rightly
                if calls % OUT_OF_MEMORY_EVERY == 0 and arguments[0].shape[0] > 1:
                    self.seen["out of memory"] += 1
                    raise torch.OutOfMemoryError("CUDA out of memory")

        handle = register_module_forward_pre_hook(hook)
        try:
            yield
        finally:
            handle.remove()


def random_job(dice: random.Random, make_job: MakeJob, portraits: list[bytes]) -> Job:
    return make_job(
        prompt=f"memory {dice.random()}",
        negative_prompt=dice.choice([None, "", "rain"]),
        seed=dice.randrange(2**32),
        num_inference_steps=dice.randint(2, 7),
        guidance_scale=dice.choice([1.0, 5.0, 7.5]),
        guidance_rescale=dice.choice([0.0, 0.5]),
        width=dice.choice([64, 64, 96]),
        people=random_people(dice, portraits),
        ip_adapter_mode=dice.choice(get_args(IpAdapterMode)),
        lora=dice.choice([None, Lora("ink", "1", 0.5), Lora("ink", "1", 1.0), Lora("oil", "1", 1.0)]),
        wants_checkpoints=True,
    )


def random_people(dice: random.Random, portraits: list[bytes]) -> tuple[Person, ...]:
    """Nobody, one anywhere, or up to three in regions that may overlap."""
    count = dice.randint(0, 3)
    return tuple(
        Person(
            reference_images=tuple(dice.sample(portraits, dice.randint(1, 2))),
            ip_adapter_scale=dice.choice([0.0, 0.33, 0.8]),
            region=random_region(dice) if count > 1 or dice.random() < 0.5 else None,
        )
        for _ in range(count)
    )


def random_region(dice: random.Random) -> Region:
    left, top = dice.uniform(0, 0.7), dice.uniform(0, 0.7)
    return Region(left, top, dice.uniform(left + 0.1, 1), dice.uniform(top + 0.1, 1))


async def until_over(
    engine: BatchingEngine, job: Job, mishaps: Mishaps, *, leaves_at: int | None, breaks_at: int | None
) -> bytes | None:
    """The PNG; None for a caller that leaves. One that loses its worker asks again with the last checkpoint."""
    state: bytes | None = None
    async with aclosing(generating(engine, job)) as events:
        async for event in events:
            if isinstance(event, Finished):
                return event.png
            if isinstance(event, Checkpoint):
                state = event.state
            if isinstance(event, Step) and event.index == leaves_at:
                mishaps.seen["left"] += 1
                return None
            if isinstance(event, Step) and event.index == breaks_at:
                break
    mishaps.seen["resumed" if state else "began anew"] += 1
    again = replace(job, checkpoint=state)
    return await until_over(engine, again, mishaps, leaves_at=None, breaks_at=None)


def generating(engine: BatchingEngine, job: Job) -> AsyncGenerator[JobEvent, None]:
    return engine.generate(job)


@pytest.mark.parametrize("seed", [1, 2])
async def test_every_finished_picture_is_the_one_the_job_gives_alone(
    careful_engine: BatchingEngine,
    make_job: MakeJob,
    portraits: list[bytes],
    make_lora: Callable[[int], bytes],
    put_lora: Any,
    pixels_of: Any,
    monkeypatch: pytest.MonkeyPatch,
    seed: int,
) -> None:
    monkeypatch.setattr(row_cap, "CLEAN_STEPS_TO_GROW", 4)  # else all calls would soon be of one row
    for number, lora_id in enumerate(("ink", "oil")):
        await put_lora(careful_engine, lora_id, make_lora(number))
    dice = random.Random(seed)
    mishaps = Mishaps(dice)
    jobs = [random_job(dice, make_job, portraits) for _ in range(JOBS)]
    places = asyncio.Semaphore(8)

    async def call(job: Job) -> bytes | None:
        fate = dice.random()
        step = dice.randint(1, job.num_inference_steps - 1)
        async with places:
            return await until_over(
                careful_engine,
                job,
                mishaps,
                leaves_at=step if fate < 0.2 else None,
                breaks_at=step if fate > 0.6 else None,
            )

    with mishaps.memory_shortages():
        pictures = await asyncio.gather(*(call(job) for job in jobs))
    print(dict(mishaps.seen))
    assert {"left", "resumed", "out of memory"} <= set(mishaps.seen)
    finished = [(job, png) for job, png in zip(jobs, pictures, strict=True) if png is not None]
    assert len(finished) + mishaps.seen["left"] == JOBS
    for job, png in finished:
        alone = await until_over(careful_engine, job, mishaps, leaves_at=None, breaks_at=None)
        difference = abs(pixels_of(png).astype(int) - pixels_of(alone).astype(int))
        assert difference.max() <= 1
