"""B1: eight different jobs at once, CPU seconds an image: batching engine / prototype with a lock."""

import asyncio

from bench.engines import PROTOTYPE_SIDE, cpu_seconds_an_image, mixed_jobs, require_same_pictures, running_drawers
from bench.rounds import Arm, Goal, compare

GOAL = 1 / 3


async def main() -> None:
    """Print the table."""
    jobs = mixed_jobs(8)
    async with running_drawers() as drawers:
        await require_same_pictures([drawers.prototype, drawers.batching], jobs)
        prototype = Arm("prototype with a lock", lambda: cpu_seconds_an_image(drawers.prototype, jobs))
        await compare(
            f"B1: 8 concurrent mixed jobs, random model, {PROTOTYPE_SIDE} px, 20 to 23 steps",
            "CPU seconds an image",
            Arm("batching", lambda: cpu_seconds_an_image(drawers.batching, jobs)),
            [Goal(prototype, GOAL)],
        )


if __name__ == "__main__":
    asyncio.run(main())
