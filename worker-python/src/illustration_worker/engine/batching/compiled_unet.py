"""Compiled for the shapes met at start-up, plain for all others: no job waits minutes for a compiler."""

from collections.abc import Callable
from typing import Any

import torch

from illustration_worker.engine.batching.row_inputs import ImageRows, RegionRows, RowInputs

Unet = Callable[..., tuple[torch.Tensor, ...]]
"""Called as ``unet_call.call_unet`` does."""


class CompiledUnet:
    """Until ``freeze`` every new shape is compiled when it is first met."""

    def __init__(self, compiled: Unet, plain: Unet) -> None:
        self._compiled = compiled
        self._plain = plain
        self._shapes: set[tuple[Any, ...]] = set()
        self._is_frozen = False

    def freeze(self) -> None:
        """From now on shapes that are new are not compiled."""
        self._is_frozen = True

    def __call__(self, latents: torch.Tensor, timesteps: torch.Tensor, **conditions: Any) -> tuple[torch.Tensor, ...]:
        """The UNet's prediction."""
        inputs: RowInputs = conditions["encoder_hidden_states"][-1]
        # jobs with other numbers of reference images, or with regions, make other shapes
        shape = (tuple(latents.shape), *(_shape(rows) for rows in inputs.images))
        if not self._is_frozen:
            self._shapes.add(shape)
        unet = self._compiled if shape in self._shapes else self._plain
        return unet(latents, timesteps, **conditions)


def _shape(rows: ImageRows | RegionRows) -> tuple[int, int, int, int]:
    masks = len(rows.masks[0]) if isinstance(rows, RegionRows) else 0
    return rows.start, rows.stop, rows.keys[0].shape[2], masks
