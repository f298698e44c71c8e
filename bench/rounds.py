"""Runs the arms of a comparison in turn and prints what came out."""

import platform
import statistics
import time
from collections.abc import Awaitable, Callable, Sequence
from dataclasses import dataclass, field

from bench.rows import Row, tell

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
        is_met = None if goal.most is None else statistics.median(ratios) <= goal.most
        print(f"ratio to {goal.baseline.name}: {_median_and_range(ratios, ', ')}{_verdict(is_met, goal.most)}")
        _tell(title, unit, ours, goal, ratios, is_met)


def _median_and_range(figures: Sequence[float], between: str) -> str:
    return f"{statistics.median(figures):.4f}{between}{min(figures):.4f} to {max(figures):.4f}"


def _verdict(is_met: bool | None, most: float | None) -> str:
    return "" if is_met is None else f"; goal {most:.3f} or less: {'reached' if is_met else 'MISSED'}"


def _tell(title: str, unit: str, ours: Arm, goal: Goal, ratios: Sequence[float], is_met: bool | None) -> None:
    id, what = title.split(": ", 1)
    tell(
        Row(
            id=id,
            what=f"{what}; {unit}",
            baseline=f"{goal.baseline.name}: {_spread(goal.baseline.figures)}",
            ours=_spread(ours.figures),
            ratio=_spread(ratios, 2),
            goal="-" if goal.most is None else f"<= {goal.most:.2f}",
            verdict="told only" if is_met is None else "met" if is_met else "MISSED",
        )
    )


def _spread(figures: Sequence[float], digits: int = 3) -> str:
    return f"{statistics.median(figures):.{digits}f} ({min(figures):.{digits}f} to {max(figures):.{digits}f})"


async def take_turns(arms: Sequence[Arm], seconds: float = float("inf")) -> None:
    """Measure the arms ``ROUNDS`` times, A B B A ..., or as often as fits into ``seconds``, but once at least."""
    began = time.perf_counter()
    for number in range(ROUNDS):
        if number and (time.perf_counter() - began) * (number + 1) / number > seconds:
            break
        for arm in arms if number % 2 == 0 else reversed(arms):
            arm.figures.append(await arm.measure())
