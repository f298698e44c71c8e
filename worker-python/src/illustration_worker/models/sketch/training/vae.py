"""The VAE: 128 pixels to 16 x 16 x 4 latents and back."""

from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from diffusers import AutoencoderKL

from illustration_worker.models.sketch.training.descent import Descent
from illustration_worker.models.sketch.training.pictures import Pictures, as_input, save_sheet
from illustration_worker.models.sketch.training.processes import process_count
from illustration_worker.models.sketch.training.recipe import Recipe
from illustration_worker.models.sketch.world.pen import PICTURE_SIDE

_KL_WEIGHT = 1e-5
_LINE_WEIGHT = 2.0
"""How much more an error on a black line counts than one on white paper."""
_CROP_SIDE = 64
_CROPPED = 0.7
"""The part of the steps, the first, that is trained on crops: most of a picture is white paper, and the network has no
attention, so that it can learn lines where they are. The rest is trained on whole pictures, as group norms see them."""
_CROPS_TRIED = 3


def new_vae(recipe: Recipe) -> AutoencoderKL:
    """Factor 8, no attention, random weights."""
    depth = len(recipe.vae_channels)
    return AutoencoderKL(
        block_out_channels=recipe.vae_channels,
        down_block_types=("DownEncoderBlock2D",) * depth,
        up_block_types=("UpDecoderBlock2D",) * depth,
        layers_per_block=1,
        latent_channels=4,
        norm_num_groups=recipe.vae_groups,
        sample_size=PICTURE_SIDE,
        mid_block_add_attention=False,
        force_upcast=True,
    )


class VaeStage:
    """L1 and half the squared error, lines weighted, and a little KL."""

    name = "vae"

    def __init__(self, recipe: Recipe, pictures: Pictures, device: torch.device) -> None:
        torch.manual_seed(recipe.seed)
        self.steps = recipe.vae_steps
        self.vae = new_vae(recipe).to(device)
        self._pictures = pictures
        self._batch = recipe.vae_batch // process_count()
        self._device = device
        self._descent = Descent(self.steps, (self.vae.parameters(), recipe.vae_rate))

    def step(self, number: int, random: Random) -> float:
        """One batch."""
        pictures = as_input(self._crops() if number < _CROPPED * self.steps else self._wholes()).to(self._device)
        posterior = self.vae.encode(pictures).latent_dist
        error = self.vae.decode(posterior.sample()).sample - pictures
        weight = 1 + _LINE_WEIGHT * (1 - pictures) / 2
        loss = (weight * (error.abs() + 0.5 * error.square())).mean() + _KL_WEIGHT * posterior.kl().mean()
        return self._descent.step(loss)

    def _wholes(self) -> Pictures:
        chosen: Pictures = self._pictures[torch.randint(len(self._pictures), (self._batch,)).numpy()]
        return chosen

    def _crops(self) -> Pictures:
        """As many pixels as ``_wholes``; of some places in a picture, the one with the most lines."""
        count = self._batch * (PICTURE_SIDE // _CROP_SIDE) ** 2
        chosen = torch.randint(len(self._pictures), (count,)).tolist()
        corners = torch.randint(PICTURE_SIDE - _CROP_SIDE + 1, (count, _CROPS_TRIED, 2)).tolist()
        crops = []
        for index, places in zip(chosen, corners, strict=True):
            picture = self._pictures[index]
            tried = [picture[top : top + _CROP_SIDE, left : left + _CROP_SIDE] for top, left in places]
            crops.append(max(tried, key=lambda crop: float(crop.std())))
        return np.stack(crops)

    def state(self) -> dict[str, Any]:
        """Weights, optimizer, learning rate."""
        return {"vae": self.vae.state_dict(), **self._descent.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """From ``state``."""
        self.vae.load_state_dict(state["vae"])
        self._descent.restore(state)

    def show(self, path: Path) -> None:
        """Eight pictures above what the VAE makes of them."""
        pictures = as_input(self._pictures[:8]).to(self._device)
        with torch.no_grad():
            again = self.vae.decode(self.vae.encode(pictures).latent_dist.mode()).sample
        save_sheet(torch.cat([pictures, again]).cpu(), path)
