"""What the cross-attentions of one UNet call are given: keys and values, already projected, of all rows."""

from dataclasses import dataclass

import torch


@dataclass(frozen=True, slots=True)
class ImageRows:
    """Rows ``start`` to ``stop`` have image tokens, all of them equally many, that count everywhere."""

    start: int
    stop: int
    keys: list[torch.Tensor]
    """By cross-attention: (rows, heads, tokens, head width)."""
    values: list[torch.Tensor]
    scales: list[torch.Tensor]
    """By block group: (rows, 1, 1), float32 or wider. In half precision .33 would be another number."""


@dataclass(frozen=True, slots=True)
class RegionRows:
    """Rows ``start`` to ``stop`` have equally many images, each of which counts in a part of the picture."""

    start: int
    stop: int
    keys: list[torch.Tensor]
    """As in ``ImageRows``; the images one after another."""
    values: list[torch.Tensor]
    scales: list[torch.Tensor]
    """By block group: (images, rows, 1, 1), float32 or wider."""
    masks: list[torch.Tensor]
    """By level of the UNet: (images, rows, positions, 1)."""


@dataclass(frozen=True, slots=True)
class RowInputs:
    """Passed through the UNet in place of the text embeddings."""

    keys: list[torch.Tensor]
    """Of the prompts; by cross-attention: (rows, heads, 77, head width)."""
    values: list[torch.Tensor]
    images: tuple[ImageRows | RegionRows, ...]
    """Covers all rows in order; empty when no row is steered by an image."""
