"""The planner waits as queueing theory says, and tells what is beyond the limits."""

import importlib
import sys
from pathlib import Path
from typing import Any

import pytest

sys.path.insert(0, str(Path(__file__).parents[3]))
planner: Any = importlib.import_module("bench.scale_plan")

PATH = planner.JobPath(
    dispatch_seconds=0.0,
    statements_of_job=20.0,
    statements_of_job_and_gateway=2.0,
    idle_statements_per_second=5.0,
    milliseconds_of_statement=0.1,
    events_of_job=10.0,
)


@pytest.mark.parametrize("load", [0.3, 0.6])
def test_one_gpu_waits_as_the_pollaczek_khinchine_formula_says(load: float) -> None:
    seconds = 4.0
    waited = planner.waits(1, seconds, load, 0.0, seed=3)
    # E[S^2] of a time between half and one and a half times its mean: (1 + 1/12) of the mean's square
    expected = load * seconds * (1 + 1 / 12) / (2 * (1 - load))
    assert sum(waited) / len(waited) == pytest.approx(expected, rel=0.1)


def test_many_gpus_share_their_waiting() -> None:
    alone, together = (planner.waits(gpus, 4.0, 0.8, 0.0, seed=1) for gpus in (1, 50))
    assert together[len(together) * 95 // 100] < alone[len(alone) * 95 // 100] / 5


def test_load_and_cost_are_counted() -> None:
    one = planner.plan(10, 8.0, 0.8, 1.0, PATH)
    assert one.pictures_per_hour == pytest.approx(3600)
    assert one.statements_per_second == pytest.approx(1.0 * (20 + 2 * 10) + 5 * 10)
    assert one.database_cores == pytest.approx(0.009)
    assert one.notifications_per_second == pytest.approx(100)
    assert one.dollars_per_thousand == pytest.approx(1000 * 10 / 3600)


def test_what_is_beyond_the_limits_is_named() -> None:
    limits = planner.Limits(busy_cores=1.0, connections=100, notifications_per_second=1000.0)
    small, large = planner.plan(1, 8.0, 0.5, 1.0, PATH), planner.plan(100, 8.0, 0.5, 1.0, PATH)
    assert small.stops(limits) == []
    assert large.stops(limits) == ["connections", "notifications"]
    assert planner.table([small, large], limits).splitlines()[-1].endswith("| connections, notifications |")


def test_statements_are_fitted_to_what_was_measured() -> None:
    assert planner.fitted([(1, 12.0), (2, 14.0), (4, 18.0)]) == pytest.approx((10.0, 2.0))
    assert planner.fitted([(1, 12.0)]) == (12.0, 0.0)
