"""Reads a picture: which things stand where, and how somebody looks."""

from dataclasses import dataclass

import torch
from torch import nn

from illustration_worker.models.sketch.world.catalogue import PERSON, THINGS
from illustration_worker.models.sketch.world.pen import PICTURE_SIDE
from illustration_worker.models.sketch.world.person import Hair
from illustration_worker.models.sketch.world.scene import Time, Weather

NAMES: tuple[str, ...] = (*THINGS, PERSON)
FLAGS: tuple[str, ...] = ("glasses", "hat", "beard")
CELLS = 16
"""Cells of a side of the map of things; a cell is 8 pixels."""
CELL_PIXELS = PICTURE_SIDE // CELLS
_RARE = -5.0
_PRESENT = 0.5
"""Probability from which on a thing counts as drawn."""


@dataclass(frozen=True, slots=True)
class Reading:
    """What a picture was read to show."""

    middles: dict[str, tuple[float, float]]
    """Of the things in it, pixels."""
    looks: dict[str, bool]
    """FLAGS of the person; without meaning when there is none."""
    hair: Hair
    time: Time
    weather: Weather


class Reader(nn.Module):
    """Convolutions to a map of things' middles, and to numbers for the whole picture."""

    def __init__(self) -> None:
        super().__init__()
        self.body = nn.Sequential(
            _block(1, 16), _block(16, 32), _block(32, 64), _block(64, 96, 1), _block(96, 96, 1), _block(96, 96, 1)
        )
        self.things = nn.Conv2d(96, len(NAMES), 1)
        nn.init.constant_(_bias(self.things), _RARE)  # nearly every cell is empty: start from there
        self.whole = nn.Sequential(_block(96, 96), nn.AdaptiveMaxPool2d(1), nn.Flatten())
        self.facts = nn.Linear(96, len(FLAGS) + len(Hair) + len(Time) + len(Weather))

    def forward(self, pictures: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor]:
        """Pictures (count, 1, 128, 128), -1 to 1, to logits (count, things, 16, 16) and (count, facts)."""
        seen = self.body(pictures)
        return self.things(seen), self.facts(self.whole(seen))

    @torch.no_grad()
    def read(self, pictures: torch.Tensor) -> list[Reading]:
        """Read pictures as ``forward`` takes them."""
        self.eval()
        maps, facts = self(pictures)
        return [_reading(one, fact) for one, fact in zip(maps.sigmoid(), facts, strict=True)]


def split_facts(facts: torch.Tensor) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor, torch.Tensor]:
    """Logits of flags, hair, time and weather; the last dimension is cut."""
    flags, hair, time, weather = facts.split((len(FLAGS), len(Hair), len(Time), len(Weather)), dim=-1)  # type: ignore[no-untyped-call]
    return flags, hair, time, weather


def _bias(layer: nn.Conv2d) -> torch.Tensor:
    assert layer.bias is not None
    return layer.bias


def _block(inputs: int, outputs: int, stride: int = 2) -> nn.Sequential:
    convolution = nn.Conv2d(inputs, outputs, 3, stride, 1, bias=False)
    return nn.Sequential(convolution, nn.BatchNorm2d(outputs), nn.ReLU())


def _reading(probabilities: torch.Tensor, facts: torch.Tensor) -> Reading:
    middles = {}
    for name, cells in zip(NAMES, probabilities, strict=True):
        best = int(cells.argmax())
        if cells.flatten()[best] >= _PRESENT:
            row, column = divmod(best, CELLS)
            middles[name] = ((column + 0.5) * CELL_PIXELS, (row + 0.5) * CELL_PIXELS)
    flags, hair, time, weather = split_facts(facts)
    return Reading(
        middles=middles,
        looks={name: bool(value > 0) for name, value in zip(FLAGS, flags, strict=True)},
        hair=list(Hair)[int(hair.argmax())],
        time=list(Time)[int(time.argmax())],
        weather=list(Weather)[int(weather.argmax())],
    )
