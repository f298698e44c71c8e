"""A stage of the training, and the loop that runs one until it is done or time is up."""

import time
from dataclasses import dataclass
from pathlib import Path
from random import Random
from statistics import mean
from typing import Any, Protocol

import torch

from illustration_worker.models.sketch.training.checkpoint import load_state, save_state
from illustration_worker.models.sketch.training.processes import is_first, process_number, word_of_the_first

SECONDS_BETWEEN_CHECKPOINTS = 120.0
_STEPS_BETWEEN_LINES = 25


class Stage(Protocol):
    """Networks with their optimizer, one step at a time."""

    name: str
    steps: int

    def step(self, number: int, random: Random) -> float:
        """Train once; returns the loss. ``random`` and torch's own generator are fresh for this step."""
        ...

    def state(self) -> dict[str, Any]:
        """Everything that the next step depends on."""
        ...

    def restore(self, state: dict[str, Any]) -> None:
        """Go on from a ``state``."""
        ...

    def show(self, path: Path) -> None:
        """Write a sample picture."""
        ...


@dataclass(frozen=True, slots=True)
class Clock:
    """When to stop."""

    ends_at: float
    """Of ``time.monotonic``."""

    @property
    def is_over(self) -> bool:
        """Whether the budget is spent."""
        return time.monotonic() >= self.ends_at


def run_stage(stage: Stage, folder: Path, clock: Clock) -> bool:
    """Go on with ``stage`` where its checkpoint in ``folder`` left it; returns whether it is done."""
    path = folder / f"{stage.name}.pt"
    number = _resume(stage, path)
    saved_at = began = time.monotonic()
    began_with, losses = number, []
    while number < stage.steps and not word_of_the_first(clock.is_over):
        losses.append(stage.step(number, _randomness(stage.name, number)))
        number += 1
        if not is_first():
            continue
        if number % _STEPS_BETWEEN_LINES == 0 or number == stage.steps:
            pace = (time.monotonic() - began) / (number - began_with)
            print(f"{stage.name} step {number}/{stage.steps} loss {mean(losses):.5f} {pace:.3f} s/step", flush=True)
            losses = []
        if time.monotonic() - saved_at > SECONDS_BETWEEN_CHECKPOINTS:
            _keep(stage, number, folder)
            saved_at = time.monotonic()
    if number > began_with and is_first():
        _keep(stage, number, folder)
    return number >= stage.steps


def _randomness(name: str, number: int) -> Random:
    """The same for a step whenever it is taken; another in each process."""
    random = Random(f"{name} {number} {process_number()}")
    torch.manual_seed(random.getrandbits(63))
    return random


def _resume(stage: Stage, path: Path) -> int:
    saved = load_state(path)
    if saved is None:
        return 0
    stage.restore(saved["stage"])
    if is_first():
        print(f"{stage.name} goes on from step {saved['number']}", flush=True)
    return int(saved["number"])


def _keep(stage: Stage, number: int, folder: Path) -> None:
    save_state({"stage": stage.state(), "number": number}, folder / f"{stage.name}.pt")
    stage.show(folder / "samples" / f"{stage.name}-{number:06d}.png")
