"""Trains the reader on real drawings; it never sees a generated one."""

from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from torch import nn

from illustration_worker.models.sketch.training.descent import Descent
from illustration_worker.models.sketch.training.recipe import Recipe
from illustration_worker.models.sketch.world.drawing import draw_scene
from illustration_worker.models.sketch.world.invention import invent_scene
from illustration_worker.models.sketch.world.layout import Placed
from illustration_worker.models.sketch.world.person import Hair, Person
from illustration_worker.models.sketch.world.scene import Relation, Scene, Time, Weather
from illustration_worker.sketch_evaluation.reader import CELL_PIXELS, CELLS, NAMES, Reader, split_facts
from illustration_worker.sketch_evaluation.roughness import roughened

_RATE = 2e-3
_NOISE = 0.15
"""Standard deviation of the noise on the training pictures, so that a soft generated line is read as well."""
_PRESENT_WEIGHT = 30.0
"""Of the 256 cells of a thing's map, one is right."""
_NO_HAIR = -100
"""Cross-entropy leaves this target out."""


def draw_batch(random: Random, count: int) -> tuple[torch.Tensor, list[tuple[Scene, list[Placed]]]]:
    """Newly drawn pictures (count, 1, 128, 128), -1 to 1, with what they show. Held-out combinations included."""
    scenes = [invent_scene(random) for _ in range(count)]
    drawn = [draw_scene(scene, random) for scene in scenes]
    pictures = torch.from_numpy(np.stack([np.asarray(picture, np.float32) for picture, _ in drawn]))
    return pictures[:, None] / 127.5 - 1, [(scene, placed) for scene, (_, placed) in zip(scenes, drawn, strict=True)]


def shown_things(scene: Scene, placed: list[Placed]) -> dict[str, tuple[float, float]]:
    """Names of what a picture shows and their middles, pixels; what fills the picture is in its middle."""
    shown = {item.actor.name: item.middle for item in placed}
    whole = (64.0, 64.0)
    if scene.relation in (Relation.BACKDROP_ONLY, Relation.PORTRAIT):
        shown[scene.first.name] = whole
    if scene.relation is Relation.AT and scene.second is not None:
        shown[scene.second.name] = whole
    if scene.extra is not None:
        shown.setdefault(scene.extra, (64.0, 16.0))
    if scene.has_park:
        shown["tree"] = (22.0, 67.0)  # the left one of two
    return shown


class ReaderStage:
    """Things' maps, looks, time and weather at once."""

    name = "reader"

    def __init__(self, recipe: Recipe) -> None:
        torch.manual_seed(recipe.seed + 6)
        self.steps, self._batch = recipe.reader_steps, recipe.reader_batch
        self.reader = Reader()
        self._descent = Descent(self.steps, (self.reader.parameters(), _RATE))

    def step(self, number: int, random: Random) -> float:
        """One batch of newly drawn pictures."""
        self.reader.train()
        pictures, shown = draw_batch(random, self._batch)
        rough = roughened(pictures)
        maps, facts = self.reader(rough + _NOISE * torch.randn(rough.shape))
        loss = _things_loss(maps, shown) + _facts_loss(facts, [scene for scene, _ in shown])
        return self._descent.step(loss)

    def state(self) -> dict[str, Any]:
        """Weights, optimizer, learning rate."""
        return {"reader": self.reader.state_dict(), **self._descent.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """From ``state``."""
        self.reader.load_state_dict(state["reader"])
        self._descent.restore(state)

    def show(self, path: Path) -> None:
        """Nothing to see."""


def _things_loss(maps: torch.Tensor, shown: list[tuple[Scene, list[Placed]]]) -> torch.Tensor:
    wanted = torch.zeros_like(maps)
    for number, (scene, placed) in enumerate(shown):
        for name, (x, y) in shown_things(scene, placed).items():
            column, row = (min(CELLS - 1, max(0, int(value / CELL_PIXELS))) for value in (x, y))
            wanted[number, NAMES.index(name), row, column] = 1
    weight = 1 + (_PRESENT_WEIGHT - 1) * wanted
    loss = nn.functional.binary_cross_entropy_with_logits(maps, wanted, weight, reduction="sum")
    return loss / (len(shown) * _PRESENT_WEIGHT)


def _facts_loss(facts: torch.Tensor, scenes: list[Scene]) -> torch.Tensor:
    flags, hair, time, weather = split_facts(facts)
    people = [scene.somebody for scene in scenes]
    is_somebody = torch.tensor([[float(person is not None)] for person in people])
    looks = torch.tensor([_flags(person) for person in people])
    loss = nn.functional.binary_cross_entropy_with_logits(flags, looks, is_somebody.expand_as(looks))
    styles = torch.tensor([list(Hair).index(person.hair) if person else _NO_HAIR for person in people])
    if bool(is_somebody.any()):
        loss = loss + nn.functional.cross_entropy(hair, styles, ignore_index=_NO_HAIR)
    loss = loss + nn.functional.cross_entropy(time, torch.tensor([list(Time).index(one.time) for one in scenes]))
    falls = torch.tensor([list(Weather).index(one.weather) for one in scenes])
    return loss + nn.functional.cross_entropy(weather, falls)


def _flags(person: Person | None) -> list[float]:
    if person is None:
        return [0.0, 0.0, 0.0]
    return [float(person.has_glasses), float(person.has_hat), float(person.has_beard)]
