"""The VAE's decoder, trained on after the latents are fixed: the UNet never sees the difference, eyes do."""

from pathlib import Path
from random import Random
from typing import Any

import torch
from diffusers import AutoencoderKL
from torch import nn

from illustration_worker.models.sketch.training.crops import crops, wholes
from illustration_worker.models.sketch.training.descent import Descent
from illustration_worker.models.sketch.training.pictures import Pictures, as_input
from illustration_worker.models.sketch.training.processes import process_count
from illustration_worker.models.sketch.training.recipe import Recipe
from illustration_worker.models.sketch.training.vae import CROPPED, error_on_lines, show_pictures


class DecoderStage:
    """As the VAE's own stage, with its encoder left as it is."""

    name = "decoder"

    def __init__(self, recipe: Recipe, pictures: Pictures, vae: AutoencoderKL) -> None:
        """``vae``: trained; its decoder learns further in place."""
        self.steps = recipe.decoder_steps
        self._vae, self._pictures = vae, pictures
        self._batch = recipe.vae_batch // process_count()
        self._learning = nn.ModuleList([vae.post_quant_conv, vae.decoder]).requires_grad_(True)
        self._descent = Descent(self.steps, (self._learning.parameters(), recipe.decoder_rate))

    def step(self, number: int, random: Random) -> float:
        """One batch."""
        choose = crops if number < CROPPED * self.steps else wholes
        pictures = as_input(choose(self._pictures, self._batch)).to(self._vae.device)
        with torch.no_grad():
            latents = self._vae.encode(pictures).latent_dist.sample()
        return self._descent.step(error_on_lines(self._vae.decode(latents).sample, pictures))

    def state(self) -> dict[str, Any]:
        """Weights, optimizer, rate."""
        return {"decoder": self._learning.state_dict(), **self._descent.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """From ``state``."""
        self._learning.load_state_dict(state["decoder"])
        self._descent.restore(state)

    def show(self, path: Path) -> None:
        """As the VAE's stage."""
        show_pictures(self._vae, self._pictures, path)
