"""Requests as they come, and what their senders see. Prompts never repeat: an engine that keeps embeddings gains
nothing here but for the negative prompt and the reference, which are the same in real traffic, too."""

import asyncio
import time
from collections.abc import Sequence
from dataclasses import dataclass, field, replace
from itertools import count

import numpy as np

from bench.engines import draw_together, finish, mixed_job
from illustration_worker.engine.port import Engine
from illustration_worker.images import Pixels
from illustration_worker.job import Job

AT_ONCE = 8
_OTHER_SEED = 12_345


@dataclass
class Traffic:
    """``steps`` of the usual request; ``burst_steps`` of ``AT_ONCE`` requests that come at the same time."""

    side: int
    steps: int
    burst_steps: tuple[int, ...]
    _numbers: "count[int]" = field(default_factory=count)

    async def latency(self, engine: Engine) -> float:
        """Seconds from asking to PNG; nobody else asks."""
        return (await self._latencies(engine, [self.steps]))[0]

    async def seconds_an_image(self, engine: Engine) -> float:
        """Of ``AT_ONCE`` requests with the usual steps."""
        began = time.perf_counter()
        await self._latencies(engine, [self.steps] * AT_ONCE)
        return (time.perf_counter() - began) / AT_ONCE

    async def burst(self, engine: Engine) -> tuple[float, float]:
        """95th percentile of all latencies, and the mean of the shortest requests', seconds."""
        latencies = await self._latencies(engine, self.burst_steps)
        shortest = min(self.burst_steps)
        short = [one for one, steps in zip(latencies, self.burst_steps, strict=True) if steps == shortest]
        return float(np.percentile(latencies, 95)), float(np.mean(short))

    async def differences(self, stock: Engine, ours: Engine) -> dict[str, list[float]]:
        """Of two pictures drawn together by ``ours``, in levels of 255; beside it what another seed changes."""
        jobs = [self._job(number, self.steps) for number in (0, 1)]
        expected, got = await draw_together(stock, jobs), await draw_together(ours, jobs)
        (other,) = await draw_together(stock, [replace(jobs[0], seed=_OTHER_SEED)])
        pairs = [_levels(*pair) for pair in zip(expected, got, strict=True)]
        return {
            "largest": [float(levels.max()) for levels in pairs],
            "mean": [float(levels.mean()) for levels in pairs],
            "mean for another seed": [float(_levels(expected[0], other).mean())],
        }

    async def _latencies(self, engine: Engine, steps: Sequence[int]) -> list[float]:
        async def latency(job: Job) -> float:
            began = time.perf_counter()
            await finish(engine, job)
            return time.perf_counter() - began

        return await asyncio.gather(*(latency(self._job(next(self._numbers), one)) for one in steps))

    def _job(self, number: int, steps: int) -> Job:
        return mixed_job(number, self.side, steps)


def _levels(one: Pixels, other: Pixels) -> np.ndarray:
    return np.abs(one.astype(int) - other.astype(int))
