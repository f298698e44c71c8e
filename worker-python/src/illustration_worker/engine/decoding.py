"""Latents to pixels."""

from typing import Any

import torch

from illustration_worker.errors import GenerationFailedError
from illustration_worker.images import Pixels


class NotFiniteError(GenerationFailedError):
    """Infinities or NaN, which would become a black picture without a word."""

    def __init__(self) -> None:
        super().__init__("The model's numbers overflowed, so there is no picture; another seed may work.")


def decode_latents(vae: Any, image_processor: Any, latents: torch.Tensor) -> Pixels:
    """The picture of ``latents``, (1, 4, height / 8, width / 8), computed in the VAE's own precision.

    Not by the stock call, which casts a shared float16 VAE up and down in place for each picture.

    Raises:
        NotFiniteError: the latents or the picture are not finite.
    """
    latents = latents.to(vae.dtype)
    require_finite(latents)
    config = vae.config
    if config.latents_mean is not None and config.latents_std is not None:
        mean, std = (
            latents.new_tensor(values).view(1, -1, 1, 1) for values in (config.latents_mean, config.latents_std)
        )
        latents = latents * std / config.scaling_factor + mean
    else:
        latents = latents / config.scaling_factor
    image = vae.decode(latents, return_dict=False)[0]
    require_finite(image)
    shades = image_processor.postprocess(image, output_type="pt")[0]  # (3, height, width), 0 to 1
    # rounded in float32 as stock does: in half precision .5 would fall on the other side
    pixels: Pixels = (shades.permute(1, 2, 0).float() * 255).round().to(torch.uint8).cpu().numpy()
    return pixels


def require_finite(tensor: torch.Tensor) -> None:
    """Raise NotFiniteError if any number is not finite."""
    if not torch.isfinite(tensor).all():
        raise NotFiniteError
