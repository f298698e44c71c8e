"""B2: one job at a time, CPU seconds an image: batching engine / stock pipeline."""

import asyncio
from collections.abc import Sequence

from bench.engines import cpu_seconds_an_image, mixed_jobs, require_same_pictures, running_engines
from bench.rounds import Arm, compare
from illustration_worker.engine.port import Engine
from illustration_worker.job import Job

GOAL = 1.0


async def main() -> None:
    """Print the table."""
    jobs = mixed_jobs(4)

    async def one_by_one(engine: Engine, jobs: Sequence[Job]) -> float:
        return sum([await cpu_seconds_an_image(engine, [job]) for job in jobs]) / len(jobs)

    async with running_engines() as engines:
        await require_same_pictures(engines, jobs)
        await compare(
            "B2: one job at a time, demo model, 64 px, 20 to 23 steps",
            "CPU seconds an image",
            Arm("stock", lambda: one_by_one(engines.stock, jobs)),
            Arm("batching", lambda: one_by_one(engines.batching, jobs)),
            GOAL,
        )


if __name__ == "__main__":
    asyncio.run(main())
