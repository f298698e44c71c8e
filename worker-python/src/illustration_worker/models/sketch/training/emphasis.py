"""Where in a picture an error counts more: at lines, and most of all in faces."""

from random import Random

import numpy as np
import numpy.typing as npt
import torch

from illustration_worker.models.sketch.training.pictures import Pictures
from illustration_worker.models.sketch.training.recipe import Recipe
from illustration_worker.models.sketch.world.drawing import head_box
from illustration_worker.models.sketch.world.scene import Scene

_CELL = 8
"""Pixels of a side of what one position of the latents shows."""
_PAPER, _LINES, _FACE = 1.0, 3.0, 6.0
_CONTRAST = 24
"""Greys between the darkest and the lightest pixel of a cell with lines."""


def emphasis(recipe: Recipe, scenes: list[Scene], pictures: Pictures) -> torch.Tensor:
    """Weights (count, 1, 16, 16) of the errors in the pictures of ``scenes``; the mean of each picture's is 1.

    Most of a sketch is white paper, and glasses are a few of its pixels: without weights they hardly count.
    """
    weights = np.stack([_of_lines(picture) for picture in pictures])
    for number, scene in enumerate(scenes):
        box = head_box(scene, Random(recipe.seed + number))
        if box is not None:
            left, top, right, bottom = (round(pixels / _CELL) for pixels in box)
            weights[number, max(top, 0) : max(bottom, 1), max(left, 0) : max(right, 1)] = _FACE
    weights /= weights.mean(axis=(1, 2), keepdims=True)
    return torch.from_numpy(weights[:, None])


def _of_lines(picture: Pictures) -> npt.NDArray[np.float32]:
    side = len(picture) // _CELL
    cells = picture.reshape(side, _CELL, side, _CELL)
    contrast = cells.max(axis=(1, 3)) - cells.min(axis=(1, 3))
    return np.where(contrast > _CONTRAST, _LINES, _PAPER).astype(np.float32)
