"""Roughened drawings: still the same things in the same places, in other lines."""

from random import Random

import torch

from illustration_worker.sketch_evaluation.reader import CELL_PIXELS
from illustration_worker.sketch_evaluation.reader_stage import draw_batch
from illustration_worker.sketch_evaluation.roughness import roughened

COUNT = 48


def _both() -> tuple[torch.Tensor, torch.Tensor]:
    pictures, _ = draw_batch(Random(4), COUNT)
    torch.manual_seed(4)
    return pictures, roughened(pictures)


def test_most_pictures_change_and_some_stay_as_they_are() -> None:
    pictures, rough = _both()
    is_changed = (pictures != rough).flatten(1).any(dim=1)
    assert COUNT / 2 < int(is_changed.sum()) < COUNT


def test_shape_and_range_are_kept() -> None:
    pictures, rough = _both()
    assert rough.shape == pictures.shape
    assert -1 <= float(rough.min()) <= float(rough.max()) <= 1


def test_what_is_drawn_stays_in_its_cell() -> None:
    disc = _disc()
    torch.manual_seed(5)
    for rough in roughened(disc.expand(COUNT, -1, -1, -1)):
        assert torch.dist(_middle(rough), _middle(disc[0])) < CELL_PIXELS / 2


def test_the_same_seed_gives_the_same_pictures() -> None:
    assert torch.equal(_both()[1], _both()[1])


def _disc() -> torch.Tensor:
    """Black, 24 pixels across, left of the middle; (1, 1, 128, 128)."""
    side = torch.arange(128.0)
    distance = ((side[None] - 40) ** 2 + (side[:, None] - 70) ** 2).sqrt()
    return torch.where(distance < 12, -1.0, 1.0)[None, None]


def _middle(picture: torch.Tensor) -> torch.Tensor:
    """Of what is black, pixels."""
    return (picture[0] < -0.2).nonzero().float().mean(dim=0)
