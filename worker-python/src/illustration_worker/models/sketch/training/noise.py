"""What the UNet is asked to predict, and how much each noise level counts."""

import torch
from diffusers import DDPMScheduler
from diffusers.training_utils import compute_snr

_LARGEST_WEIGHT = 5.0


def noised(latents: torch.Tensor, scheduler: DDPMScheduler) -> tuple[torch.Tensor, torch.Tensor, torch.Tensor]:
    """Noisy latents, their timesteps (count,) and the velocity to predict, for latents (count, 4, 16, 16)."""
    noise = torch.randn(latents.shape).to(latents.device)
    steps = torch.randint(scheduler.config.num_train_timesteps, (len(latents),)).to(latents.device)
    return scheduler.add_noise(latents, noise, steps), steps, scheduler.get_velocity(latents, noise, steps)


def weighted_loss(
    predicted: torch.Tensor,
    velocity: torch.Tensor,
    scheduler: DDPMScheduler,
    steps: torch.Tensor,
    where: torch.Tensor | None = None,
) -> torch.Tensor:
    """Squared error of the velocity. An error of the picture counts 1 + SNR times, but never more than 5 times.

    The minimum is min-SNR's (https://arxiv.org/abs/2303.09556). At high noise, where the caption alone decides what
    is drawn, it counts about once; with predicted noise it would count SNR times, next to nothing.
    ``where``: (count, 1, 16, 16), how much an error counts there; everywhere the same by default.
    """
    pictured = compute_snr(scheduler, steps) + 1
    weight = pictured.clamp(max=_LARGEST_WEIGHT) / pictured
    errors = (predicted - velocity).square()
    errors = errors if where is None else errors * where
    loss: torch.Tensor = (weight * errors.mean(dim=(1, 2, 3))).mean()
    return loss
