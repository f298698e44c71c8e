"""Who is chosen, who waits, and that nobody waits for ever."""

import random
from dataclasses import dataclass, replace
from typing import Any

import pytest

from illustration_worker.engine.batching.selection import Candidate, choose

SMALL, LARGE = (64, 64), (128, 128)
NOTHING_MEASURED: dict[int, float] = {}


def candidate(steps_left: int, **fields: Any) -> Candidate:
    return replace(Candidate(size=SMALL, rows=2, steps_left=steps_left, skipped_ticks=0), **fields)


def chosen(candidates: list[Candidate], cap: int = 8, seconds: dict[int, float] = NOTHING_MEASURED) -> list[int]:
    return choose(candidates, lambda size: cap, lambda size: seconds)


def test_nobody_is_chosen_of_nobody() -> None:
    assert chosen([]) == []


def test_the_shortest_go_first() -> None:
    assert chosen([candidate(30), candidate(5), candidate(20), candidate(10)], cap=4) == [1, 3]


def test_of_equals_the_first_goes_first() -> None:
    assert chosen([candidate(5), candidate(5), candidate(5)], cap=4) == [0, 1]


def test_waiting_makes_urgent() -> None:
    assert chosen([candidate(30, skipped_ticks=26), candidate(5)], cap=2) == [0]
    assert chosen([candidate(30, skipped_ticks=24), candidate(5)], cap=2) == [1]


def test_rows_of_one_size_only_and_the_most_urgent_sets_it() -> None:
    mixed = [candidate(9, size=LARGE), candidate(5), candidate(7, size=LARGE), candidate(8)]
    assert chosen(mixed) == [1, 3]
    assert chosen([*mixed, candidate(1, size=LARGE)]) == [4, 2, 0]


def test_rows_of_one_lora_signature_only() -> None:
    ink, fainter = ("digest", 1.0), ("digest", 0.5)
    jobs = [candidate(1, signature=ink), candidate(2), candidate(3, signature=fainter), candidate(4, signature=ink)]
    assert chosen(jobs) == [0, 3]
    assert chosen(jobs[1:]) == [0]


def test_the_cap_is_filled_with_whoever_fits() -> None:
    # one row is left after the first: the guided second does not fit, the unguided third does
    assert chosen([candidate(1), candidate(2), candidate(3, rows=1), candidate(4, rows=1)], cap=4) == [0, 1]
    assert chosen([candidate(1, rows=1), candidate(2), candidate(3), candidate(4, rows=1)], cap=4) == [0, 1, 3]


def test_a_job_wider_than_the_cap_goes_alone() -> None:
    assert chosen([candidate(1), candidate(2, rows=1)], cap=1) == [0]


def test_the_cap_may_differ_by_size() -> None:
    jobs = [candidate(1, size=LARGE), candidate(2, size=LARGE), candidate(3, size=LARGE)]
    caps = {LARGE: 2, SMALL: 16}
    assert choose(jobs, caps.__getitem__, lambda size: {}) == [0]


@pytest.mark.parametrize(
    ("seconds", "count"),
    [
        pytest.param({2: 1.0, 4: 2.0, 8: 4.0, 16: 8.0}, 4, id="saturated: 10 rows would be padded to 16"),
        pytest.param({2: 1.0, 4: 1.0, 8: 1.0, 16: 1.0}, 5, id="padding costs nothing"),
        pytest.param({2: 1.0, 4: 1.2, 8: 1.6, 16: 1.9}, 5, id="worth it"),
        pytest.param({}, 5, id="nothing measured"),
        pytest.param({2: 1.0, 4: 2.0}, 5, id="measured up to 4 rows only"),
    ],
)
def test_padding_is_bought_only_where_it_pays(seconds: dict[int, float], count: int) -> None:
    jobs = [candidate(number) for number in range(1, 6)]  # ten rows
    assert chosen(jobs, cap=16, seconds=seconds) == list(range(count))


@dataclass
class Waiting:
    steps: int
    arrived: int
    left: int
    skipped: int = 0
    rows: int = 2
    size: tuple[int, int] = SMALL


@pytest.mark.parametrize("seed", range(5))
def test_nobody_starves_however_many_short_jobs_keep_coming(seed: int) -> None:
    dice = random.Random(seed)
    long = Waiting(steps=60, arrived=0, left=60, size=LARGE)
    jobs = [long]
    for tick in range(10_000):
        if not any(job is long for job in jobs):
            break
        # more work arrives than can be done: 2 jobs of 3 steps a tick, 4 rows a call
        jobs += [Waiting(steps=3, arrived=tick, left=3, rows=dice.choice([1, 2])) for _ in range(2)]
        indices = chosen([Candidate(job.size, job.rows, job.left, job.skipped) for job in jobs], cap=4)
        for index, job in enumerate(jobs):
            if index in indices:
                job.left -= 1
            else:
                job.skipped += 1
        jobs = [job for job in jobs if job.left]
    else:
        pytest.fail("the long job was never done")
    # overtaken only by what came within 60 ticks: 120 jobs of 3 steps, at least one a call
    assert tick <= 60 + 120 * 3
