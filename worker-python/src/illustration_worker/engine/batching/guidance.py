"""Classifier-free guidance of one job, as the stock pipeline computes it."""

import torch
from diffusers.pipelines.stable_diffusion_xl.pipeline_stable_diffusion_xl import rescale_noise_cfg


def guide(noise: torch.Tensor, guidance_scale: float, guidance_rescale: float) -> torch.Tensor:
    """One prediction, (1, 4, h, w), from a job's rows: (2, 4, h, w) negative then positive, or (1, 4, h, w) unguided.

    Scales stay Python numbers: as tensors of the model's dtype they would round differently.
    """
    if noise.shape[0] == 1:
        return noise
    negative, positive = noise.chunk(2)
    guided = negative + guidance_scale * (positive - negative)
    if guidance_rescale > 0.0:
        guided = rescale_noise_cfg(guided, positive, guidance_rescale=guidance_rescale)
    return guided
