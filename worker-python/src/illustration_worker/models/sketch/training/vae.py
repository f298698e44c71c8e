"""The VAE: 128 pixels to 16 x 16 x 4 latents and back."""

from pathlib import Path
from random import Random
from typing import Any

import torch
from diffusers import AutoencoderKL

from illustration_worker.models.sketch.training.crops import crops, wholes
from illustration_worker.models.sketch.training.descent import Descent
from illustration_worker.models.sketch.training.pictures import Pictures, as_input, save_sheet
from illustration_worker.models.sketch.training.processes import process_count
from illustration_worker.models.sketch.training.recipe import Recipe
from illustration_worker.models.sketch.world.pen import PICTURE_SIDE

_KL_WEIGHT = 1e-5
_LINE_WEIGHT = 2.0
"""How much more an error on a black line counts than one on white paper."""
CROPPED = 0.7
"""The part of the steps, the first, that is trained on crops: most of a picture is white paper, and the network has no
attention, so that it can learn lines where they are. The rest is trained on whole pictures, as group norms see them."""


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
    """What was drawn again from the latents, and a little KL."""

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
        choose = crops if number < CROPPED * self.steps else wholes
        pictures = as_input(choose(self._pictures, self._batch)).to(self._device)
        posterior = self.vae.encode(pictures).latent_dist
        loss = error_on_lines(self.vae.decode(posterior.sample()).sample, pictures)
        loss = loss + _KL_WEIGHT * posterior.kl().mean()
        return self._descent.step(loss)

    def state(self) -> dict[str, Any]:
        """Weights, optimizer, learning rate."""
        return {"vae": self.vae.state_dict(), **self._descent.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """From ``state``."""
        self.vae.load_state_dict(state["vae"])
        self._descent.restore(state)

    def show(self, path: Path) -> None:
        """As ``show_pictures``."""
        show_pictures(self.vae, self._pictures, path)


def error_on_lines(made: torch.Tensor, pictures: torch.Tensor) -> torch.Tensor:
    """L1 and half the squared error, lines weighted; both (count, 3, height, width), -1 to 1."""
    error = made - pictures
    weight = 1 + _LINE_WEIGHT * (1 - pictures) / 2
    return (weight * (error.abs() + 0.5 * error.square())).mean()


def show_pictures(vae: AutoencoderKL, pictures: Pictures, path: Path) -> None:
    """Write the first eight pictures above what ``vae`` makes of them."""
    shown = as_input(pictures[:8]).to(vae.device)
    with torch.no_grad():
        again = vae.decode(vae.encode(shown).latent_dist.mode()).sample
    save_sheet(torch.cat([shown, again]).cpu(), path)
