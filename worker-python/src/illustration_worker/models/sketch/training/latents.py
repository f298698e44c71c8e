"""The training pictures as latents: encoded once."""

from pathlib import Path

import numpy as np
import torch
from diffusers import AutoencoderKL

from illustration_worker.models.sketch.training.checkpoint import save_array
from illustration_worker.models.sketch.training.pictures import Pictures, as_input

_BATCH = 32


def training_latents(vae: AutoencoderKL, pictures: Pictures, folder: Path) -> torch.Tensor:
    """Means of the posteriors times the scaling factor, (count, 4, 16, 16), half precision, on the VAE's device.

    Sets ``vae``'s scaling factor to one over their standard deviation, so that the noise has the latents' size.
    """
    path = folder / "latents.npy"
    if not path.is_file():
        parts = []
        with torch.no_grad():
            for start in range(0, len(pictures), _BATCH):
                batch = as_input(pictures[start : start + _BATCH]).to(vae.device)
                parts.append(vae.encode(batch).latent_dist.mode().half().cpu())
        save_array(torch.cat(parts).numpy(), path)
    latents = torch.from_numpy(np.load(path))
    factor = 1 / float(latents.float().std())
    vae.register_to_config(scaling_factor=factor)
    return (latents * factor).to(vae.device)
