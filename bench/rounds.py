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


@dataclass(frozen=True)
class Goal:
    """Ours over ``baseline``, at most; without ``most`` the ratio is only told."""

    baseline: Arm
    most: float | None = None


async def compare(title: str, unit: str, ours: Arm, goals: Sequence[Goal]) -> None:
    """Measure all arms ``ROUNDS`` times, A B B A ...; print medians and ranges, also of the rounds' ratios."""
    arms = [*(goal.baseline for goal in goals), ours]
    for arm in arms:
        await arm.measure()  # not counted: what happens once only
    await take_turns(arms)
    print(f"\n{title} ({platform.machine()}, {ROUNDS} rounds, interleaved)\n")
    print(f"| arm | median {unit} | range |\n| --- | --- | --- |")
    for arm in arms:
        print(f"| {arm.name} | {_median_and_range(arm.figures, ' | ')} |")
    print()
    for goal in goals:
        ratios = [mine / theirs for mine, theirs in zip(ours.figures, goal.baseline.figures, strict=True)]
        print(f"ratio to {goal.baseline.name}: {_median_and_range(ratios, ', ')}{_verdict(ratios, goal.most)}")


def _median_and_range(figures: Sequence[float], between: str) -> str:
    return f"{statistics.median(figures):.4f}{between}{min(figures):.4f} to {max(figures):.4f}"


def _verdict(ratios: Sequence[float], most: float | None) -> str:
    if most is None:
        return ""
    return f"; goal {most:.3f} or less: {'reached' if statistics.median(ratios) <= most else 'MISSED'}"


async def take_turns(arms: Sequence[Arm], seconds: float = float("inf")) -> None:
    """Measure the arms ``ROUNDS`` times, A B B A ..., or as often as fits into ``seconds``, but once at least."""
    began = time.perf_counter()
    for number in range(ROUNDS):
        if number and (time.perf_counter() - began) * (number + 1) / number > seconds:
            break
        for arm in arms if number % 2 == 0 else reversed(arms):
            arm.figures.append(await arm.measure())
