"""What an unfinished picture looks like, without the VAE."""

import torch

from illustration_worker.images import Pixels

# "Explaining the SDXL latent space", T. A. Vass, https://huggingface.co/blog/TimothyAlexisVass/explaining-the-sdxl-latent-space
_LEVELS_PER_CHANNEL = ((60.0, -60.0, 25.0, -70.0), (60.0, -5.0, 15.0, -50.0), (60.0, 10.0, -5.0, -35.0))
_LEVELS_AT_ZERO = (150.0, 140.0, 130.0)


def preview_pixels(latents: torch.Tensor) -> Pixels:
    """A linear guess at the colours of ``latents``, (1, 4, h, w): (h, w, 3), an eighth of the picture's size."""
    shades = latents[0].float().cpu()
    weights = torch.tensor(_LEVELS_PER_CHANNEL)
    levels = torch.einsum("chw,rc->hwr", shades, weights) + torch.tensor(_LEVELS_AT_ZERO)
    # what is not finite shows black here; the picture itself is checked when it is decoded
    pixels: Pixels = levels.nan_to_num().clamp(0, 255).round().to(torch.uint8).numpy()
    return pixels
