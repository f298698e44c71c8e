"""The trained networks put together as diffusers' SDXL pipeline."""

from diffusers import (
    AutoencoderKL,
    DDPMScheduler,
    EulerDiscreteScheduler,
    StableDiffusionXLPipeline,
    UNet2DConditionModel,
)
from transformers import CLIPTextModel, CLIPTextModelWithProjection

from illustration_worker.models.sketch.training.tokenizers import Pair

_NOISE = {
    "beta_start": 0.00085,
    "beta_end": 0.012,
    "beta_schedule": "scaled_linear",
    "prediction_type": "v_prediction",
}
"""SDXL base 1.0's, but for what is predicted: v (https://arxiv.org/abs/2202.00512)."""


def new_noise_scheduler() -> DDPMScheduler:
    """Adds noise in training."""
    return DDPMScheduler(**_NOISE)


def pipeline_of(
    vae: AutoencoderKL,
    encoders: tuple[CLIPTextModel, CLIPTextModelWithProjection],
    tokenizers: Pair,
    unet: UNet2DConditionModel,
) -> StableDiffusionXLPipeline:
    """A pipeline that shares these networks. An absent negative prompt is encoded as the empty text, as in training."""
    return StableDiffusionXLPipeline(
        vae=vae,
        text_encoder=encoders[0],
        text_encoder_2=encoders[1],
        tokenizer=tokenizers[0],
        tokenizer_2=tokenizers[1],
        unet=unet,
        scheduler=EulerDiscreteScheduler(**_NOISE, steps_offset=1, timestep_spacing="leading"),
        force_zeros_for_empty_prompt=False,
        add_watermarker=False,
    )
