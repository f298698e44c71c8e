"""What the engine remembers of those it drew, until it is told to forget."""

import asyncio
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest

from illustration_worker.engine.batching.engine import BatchingEngine
from illustration_worker.job import Job, JobEvent
from illustration_worker.signals import embedding_looked_up

Events = Callable[[Any, Job], Awaitable[list[JobEvent]]]


@pytest.fixture
def lookups() -> Iterator[list[bool]]:
    """Of the embedding cache, from now on: whether each was a hit."""
    seen: list[bool] = []
    stop = embedding_looked_up.watch(seen.append)
    yield seen
    stop()


async def test_a_person_who_was_forgotten_is_encoded_again(
    free_engine: BatchingEngine,
    events_of: Events,
    make_job: Callable[..., Job],
    portraits: list[bytes],
    lookups: list[bool],
) -> None:
    def job(seed: int) -> Job:
        return make_job(prompt="the letters in the attic", seed=seed, reference_images=(portraits[0],))

    free_engine.forget_embeddings()
    await events_of(free_engine, job(1))
    await events_of(free_engine, job(2))
    assert lookups == [False, False, False, True, True, True]  # prompt, negative prompt, reference image
    assert free_engine.forget_embeddings() == 3
    assert free_engine.forget_embeddings() == 0
    await events_of(free_engine, job(3))
    assert lookups[6:] == [False, False, False]


async def test_an_idle_engine_holds_no_inputs_of_the_last_job(
    free_engine: BatchingEngine, events_of: Events, make_job: Callable[..., Job]
) -> None:
    machinery = free_engine._machinery
    assert machinery is not None
    await events_of(free_engine, make_job())
    async with asyncio.timeout(5):
        while machinery.predictor._cohort is not None:
            await asyncio.sleep(0.01)
