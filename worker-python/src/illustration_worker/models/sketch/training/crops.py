"""The parts of training pictures from which the VAE learns most: those with lines in them."""

import numpy as np
import torch

from illustration_worker.models.sketch.training.pictures import Pictures
from illustration_worker.models.sketch.world.pen import PICTURE_SIDE

_CROP_SIDE = 64
_CROPS_TRIED = 3


def wholes(pictures: Pictures, count: int) -> Pictures:
    """``count`` pictures by chance."""
    chosen: Pictures = pictures[torch.randint(len(pictures), (count,)).numpy()]
    return chosen


def crops(pictures: Pictures, count: int) -> Pictures:
    """As many pixels as ``count`` pictures; of some places in a picture, the one with the most lines."""
    crop_count = count * (PICTURE_SIDE // _CROP_SIDE) ** 2
    chosen = torch.randint(len(pictures), (crop_count,)).tolist()
    corners = torch.randint(PICTURE_SIDE - _CROP_SIDE + 1, (crop_count, _CROPS_TRIED, 2)).tolist()
    cut = []
    for index, places in zip(chosen, corners, strict=True):
        picture = pictures[index]
        tried = [picture[top : top + _CROP_SIDE, left : left + _CROP_SIDE] for top, left in places]
        cut.append(max(tried, key=lambda crop: float(crop.std())))
    return np.stack(cut)
