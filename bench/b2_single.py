"""B2: one job at a time, CPU seconds an image: batching engine / stock pipeline, and the prototype beside them."""

import asyncio

from bench.engines import (
    PROTOTYPE_SIDE,
    Draw,
    cpu_seconds_an_image,
    mixed_jobs,
    require_same_pictures,
    running_drawers,
)
from bench.rounds import Arm, Goal, compare

GOAL = 1.0


async def main() -> None:
    """Print the table."""
    jobs = mixed_jobs(2)

    async def one_by_one(draw: Draw) -> float:
        return sum([await cpu_seconds_an_image(draw, [job]) for job in jobs]) / len(jobs)

    async with running_drawers() as drawers:
        await require_same_pictures([drawers.stock, drawers.prototype, drawers.batching], jobs)
        await compare(
            f"B2: one job at a time, random model, {PROTOTYPE_SIDE} px, 20 and 21 steps",
            "CPU seconds an image",
            Arm("batching", lambda: one_by_one(drawers.batching)),
            [
                Goal(Arm("stock", lambda: one_by_one(drawers.stock)), GOAL),
                Goal(Arm("prototype", lambda: one_by_one(drawers.prototype))),
            ],
        )


if __name__ == "__main__":
    asyncio.run(main())
