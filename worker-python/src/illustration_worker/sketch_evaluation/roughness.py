"""Roughens real drawings, so that the reader knows a thing by its shape and not by the program's exact lines.

Without it the reader missed pines and snowmen that anybody would know: every real one has the same few lines.
"""

import torch
from torch import nn

_ROUGHENED = 0.75
"""The part of the pictures; the rest stay as they are."""
_WARP_CELLS = 6
_WARP = 2.5
"""Pixels by which a line is bent at most, as a standard deviation: less than half a cell of the reader's map."""
_BLUR = 1.2
"""Standard deviation in pixels, at most."""
_THICKER = 0.7
"""Part of a pixel on each side of a line, at most."""
_BLOT_CELLS = 20
_GAP, _SMUDGE = 1.5, 2.1
"""Above which a smooth field of noise takes lines away, or leaves grey: some 4 and 1 % of the area."""
_SMUDGE_DEPTH = 0.5


def roughened(pictures: torch.Tensor) -> torch.Tensor:
    """Pictures (count, 1, side, side), -1 (black) to 1 (white), bent, thickened or thinned, with gaps and smudges."""
    rough = _blurred(_blotted(_thickened(_bent(pictures))))
    is_rough = torch.rand(len(pictures), 1, 1, 1) < _ROUGHENED
    return torch.where(is_rough, rough, pictures)


def _bent(pictures: torch.Tensor) -> torch.Tensor:
    count, _, side, _ = pictures.shape
    amount = _WARP * torch.rand(count, 1, 1, 1) * 2 / side
    shift = _field(count, 2, _WARP_CELLS, side) * amount
    identity = torch.eye(2, 3).expand(count, 2, 3)
    straight = nn.functional.affine_grid(identity, [count, 1, side, side], align_corners=False)
    grid = straight + shift.permute(0, 2, 3, 1)
    return nn.functional.grid_sample(pictures, grid, padding_mode="border", align_corners=False)


def _thickened(pictures: torch.Tensor) -> torch.Tensor:
    """Thicker lines in one half, thinner ones in the other, by up to ``_THICKER`` on each side."""
    amount = (torch.rand(len(pictures), 1, 1, 1) * 2 - 1) * _THICKER
    thick = -nn.functional.max_pool2d(-pictures, 3, 1, 1)
    thin = nn.functional.max_pool2d(pictures, 3, 1, 1)
    other = torch.where(amount > 0, thick, thin)
    return torch.lerp(pictures, other, amount.abs())


def _blotted(pictures: torch.Tensor) -> torch.Tensor:
    count, _, side, _ = pictures.shape
    field = _field(count, 2, _BLOT_CELLS, side)
    gaps, smudges = (field[:, :1] > _GAP).float(), (field[:, 1:] > _SMUDGE).float()
    return torch.maximum(pictures - _SMUDGE_DEPTH * smudges, 2 * gaps - 1).clamp(-1, 1)


def _blurred(pictures: torch.Tensor) -> torch.Tensor:
    """All by the same amount."""
    deviation = _BLUR * float(torch.rand(())) + 1e-3
    offsets = torch.arange(-3.0, 4.0)
    weights = torch.exp(-(offsets**2) / (2 * deviation**2))
    weights = weights / weights.sum()
    padded = nn.functional.pad(pictures, (3, 3, 3, 3), mode="replicate")
    across = nn.functional.conv2d(padded, weights.view(1, 1, 1, -1))
    return nn.functional.conv2d(across, weights.view(1, 1, -1, 1))


def _field(count: int, channels: int, cells: int, side: int) -> torch.Tensor:
    """Smooth noise, about normal: (count, channels, side, side)."""
    coarse = torch.randn(count, channels, cells, cells)
    return nn.functional.interpolate(coarse, (side, side), mode="bicubic", align_corners=False)
