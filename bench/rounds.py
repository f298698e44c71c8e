"""Runs the arms of a comparison in turn and prints what came out."""

import platform
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

ROUNDS = 5


@dataclass
class Arm:
    """One way to do the work. ``measure`` gives what counts, in ``unit``; less is better."""

    name: str
    measure: Callable[[], Awaitable[float]]
    figures: list[float] = field(default_factory=list)


async def compare(title: str, unit: str, baseline: Arm, ours: Arm, goal: float) -> float:
    """Measure both arms ``ROUNDS`` times, A B B A ..., and print medians, ranges and their ratio, which is returned."""
    for arm in (baseline, ours):
        await arm.measure()  # not counted: what happens once only
    await take_turns((baseline, ours))
    ratio = statistics.median(ours.figures) / statistics.median(baseline.figures)
    print(f"\n{title} ({platform.machine()}, {ROUNDS} rounds, interleaved)\n")
    print(f"| arm | median {unit} | range |\n| --- | --- | --- |")
    for arm in (baseline, ours):
        median, low, high = statistics.median(arm.figures), min(arm.figures), max(arm.figures)
        print(f"| {arm.name} | {median:.4f} | {low:.4f} to {high:.4f} |")
    print(f"\nratio {ratio:.3f}, goal {goal:.3f} or less: {'reached' if ratio <= goal else 'MISSED'}")
    return ratio


async def take_turns(arms: Sequence[Arm], seconds: float = float("inf")) -> None:
    """Measure the arms ``ROUNDS`` times, A B B A ..., or as often as fits into ``seconds``, but once at least."""
    began = time.perf_counter()
    for number in range(ROUNDS):
        if number and (time.perf_counter() - began) * (number + 1) / number > seconds:
            break
        for arm in arms if number % 2 == 0 else reversed(arms):
            arm.figures.append(await arm.measure())
