"""B1: eight different jobs at once, CPU seconds an image: batching engine / stock pipeline with a lock."""

import asyncio

from bench.engines import cpu_seconds_an_image, mixed_jobs, require_same_pictures, running_engines
from bench.rounds import Arm, compare

GOAL = 1 / 3


async def main() -> None:
    """Print the table."""
    jobs = mixed_jobs(8)
    async with running_engines() as engines:
        await require_same_pictures(engines, jobs)
        await compare(
            "B1: 8 concurrent mixed jobs, demo model, 64 px, 20 to 23 steps",
            "CPU seconds an image",
            Arm("stock, one at a time", lambda: cpu_seconds_an_image(engines.stock, jobs)),
            Arm("batching", lambda: cpu_seconds_an_image(engines.batching, jobs)),
            GOAL,
        )


if __name__ == "__main__":
    asyncio.run(main())
