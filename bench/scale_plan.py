"""Plans 1 to 1,000 GPUs: waiting, database load and cost, and where the design stops scaling.

A simulation of the queue (arrivals at random, each GPU a server of its own) with the figures of the job path as
`npm run scale-test` measured them. The time a GPU takes for a picture and its price are given, never guessed: until
`bench.gpu` has run on the GPU in question, a plan is as good as these two numbers.

    worker-python/.venv/bin/python -m bench.scale_plan --seconds-per-picture 8 --dollars-per-hour 1.212
"""

import argparse
import heapq
import random
from collections.abc import Sequence
from dataclasses import dataclass

JOBS = 20_000
"""Simulated for each row, after as many as there are GPUs to warm up."""
CONNECTIONS_OF_GATEWAY = 13
"""`PostgresDatabase`: ten for work, two for upkeep, one that listens."""


@dataclass(frozen=True, slots=True)
class JobPath:
    """What the scale test measured."""

    dispatch_seconds: float
    """From acceptance to the worker, when it is idle."""
    statements_of_job: float
    """Without those that grow with the gateways."""
    statements_of_job_and_gateway: float
    """Every waiting job wakes every gateway, which looks for it."""
    idle_statements_per_second: float
    """Of a gateway that has nothing to do."""
    milliseconds_of_statement: float
    """Of one core of the database server, the mean over all statements."""
    events_of_job: float
    """Each is told to every gateway."""


@dataclass(frozen=True, slots=True)
class Limits:
    """Of one PostgreSQL server. Assumed, not measured: set them to those of the server at hand."""

    busy_cores: float
    connections: int
    notifications_per_second: float


@dataclass(frozen=True, slots=True)
class Plan:
    """One row."""

    gpus: int
    pictures_per_hour: float
    wait_p50: float
    wait_p95: float
    statements_per_second: float
    database_cores: float
    connections: int
    notifications_per_second: float
    dollars_per_thousand: float

    def stops(self, limits: Limits) -> list[str]:
        """What is beyond the limits."""
        found = {
            "database": self.database_cores > limits.busy_cores,
            "connections": self.connections > limits.connections,
            "notifications": self.notifications_per_second > limits.notifications_per_second,
        }
        return [name for name, is_beyond in found.items() if is_beyond]


def waits(gpus: int, seconds_per_picture: float, load: float, dispatch_seconds: float, seed: int) -> list[float]:
    """Seconds that each of ``JOBS`` jobs waits for its GPU, sorted.

    Arrivals are a Poisson process of ``load`` times what the GPUs can draw. Pictures take half to one and a half
    times the mean, as requests ask for more or fewer steps.
    """
    random_source = random.Random(seed)
    free_at = [0.0] * gpus
    heapq.heapify(free_at)
    now, waited = 0.0, []
    for _ in range(JOBS + gpus):
        now += random_source.expovariate(load * gpus / seconds_per_picture)
        start = max(now + dispatch_seconds, heapq.heappop(free_at))
        waited.append(start - now)
        heapq.heappush(free_at, start + seconds_per_picture * random_source.uniform(0.5, 1.5))
    return sorted(waited[gpus:])


def plan(
    gpus: int, seconds_per_picture: float, load: float, dollars_per_hour: float, path: JobPath, seed: int = 1
) -> Plan:
    """What ``gpus`` pods, each a gateway and a worker with one GPU, do at ``load`` (0 to 1) of what they can."""
    waited = waits(gpus, seconds_per_picture, load, path.dispatch_seconds, seed)
    per_second = load * gpus / seconds_per_picture
    of_job = path.statements_of_job + path.statements_of_job_and_gateway * gpus
    statements = per_second * of_job + path.idle_statements_per_second * gpus
    return Plan(
        gpus=gpus,
        pictures_per_hour=3600 * per_second,
        wait_p50=waited[len(waited) // 2],
        wait_p95=waited[len(waited) * 95 // 100],
        statements_per_second=statements,
        database_cores=statements * path.milliseconds_of_statement / 1000,
        connections=CONNECTIONS_OF_GATEWAY * gpus,
        notifications_per_second=per_second * path.events_of_job * gpus,
        dollars_per_thousand=1000 * dollars_per_hour * gpus / (3600 * per_second),
    )


def fitted(rows: Sequence[tuple[int, float]]) -> tuple[float, float]:
    """Statements of a job as ``a + b * pods``, by least squares over the measured (pods, statements)."""
    count = len(rows)
    mean_x = sum(x for x, _ in rows) / count
    mean_y = sum(y for _, y in rows) / count
    spread = sum((x - mean_x) ** 2 for x, _ in rows)
    slope = sum((x - mean_x) * (y - mean_y) for x, y in rows) / spread if spread else 0.0
    slope = max(slope, 0.0)
    return mean_y - slope * mean_x, slope


STATEMENTS_MEASURED = ((1, 50.0), (2, 50.0), (4, 47.0))
"""(pods, statements of a job)."""

MEASURED = JobPath(
    # not measured apart: a notification wakes whoever has room, within what the wait is told to
    dispatch_seconds=0.0,
    statements_of_job=fitted(STATEMENTS_MEASURED)[0],
    statements_of_job_and_gateway=fitted(STATEMENTS_MEASURED)[1],
    idle_statements_per_second=7.8,
    # 38 ms of CPU a job with four pods, over its 47 statements and 9 of idle gateways meanwhile
    milliseconds_of_statement=38 / 56,
    events_of_job=8.9,
)
"""Of 2026-11-25, before the run in docs/12-scale.md: pods 1, 2, 4 on two less busy cores."""

ASSUMED = Limits(busy_cores=6.0, connections=1000, notifications_per_second=20_000.0)
"""A server of eight cores that is kept at three quarters, and what its processes and sockets bear."""

GPUS = (1, 2, 5, 10, 20, 50, 100, 200, 500, 1000)


def table(plans: Sequence[Plan], limits: Limits) -> str:
    """The plans as a table of Markdown."""
    head = (
        "GPUs",
        "pictures/h",
        "wait p50 / p95, s",
        "statements/s",
        "database, cores",
        "connections",
        "notices/s",
        "$ / 1,000",
        "beyond the limits",
    )
    rows = [
        (
            f"{one.gpus:,}",
            f"{one.pictures_per_hour:,.0f}",
            f"{one.wait_p50:.1f} / {one.wait_p95:.1f}",
            f"{one.statements_per_second:,.0f}",
            f"{one.database_cores:.2f}",
            f"{one.connections:,}",
            f"{one.notifications_per_second:,.0f}",
            f"{one.dollars_per_thousand:.2f}",
            ", ".join(one.stops(limits)) or "-",
        )
        for one in plans
    ]
    lines = [head, ("---",) * len(head), *rows]
    return "\n".join(f"| {' | '.join(cells)} |" for cells in lines)


def main() -> None:
    """Print the plan."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0] if __doc__ else None)
    parser.add_argument(
        "--seconds-per-picture", type=float, required=True, help="of a GPU that is busy, batching included"
    )
    parser.add_argument("--dollars-per-hour", type=float, required=True, help="of an instance with one GPU")
    parser.add_argument("--load", type=float, default=0.7, help="share of what the GPUs can draw; 0 to 1 (default 0.7)")
    parser.add_argument("--gpus", type=int, nargs="+", default=GPUS)
    given = parser.parse_args()
    if not 0 < given.load < 1:
        parser.error("--load must be between 0 and 1: at 1 the wait grows for ever")
    plans = [plan(gpus, given.seconds_per_picture, given.load, given.dollars_per_hour, MEASURED) for gpus in given.gpus]
    print(table(plans, ASSUMED))


if __name__ == "__main__":
    main()
