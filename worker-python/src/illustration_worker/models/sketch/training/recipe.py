"""How much of everything: sizes, steps and rates of the training."""

from dataclasses import dataclass


@dataclass(frozen=True, slots=True)
class Recipe:
    """Steps are optimizer steps; widths are channels. Every channel count divides by its groups."""

    seed: int = 20261125
    pictures: int = 20_000
    caption_count: int = 30_000
    """Captions from which the tokenizers learn."""
    vocabulary: int = 900
    """Upper bound of the tokenizers' vocabulary."""
    vae_groups: int = 4
    unet_groups: int = 8

    vae_channels: tuple[int, ...] = (8, 16, 32, 64)
    vae_steps: int = 3_200
    vae_batch: int = 4
    vae_rate: float = 2e-3

    decoder_steps: int = 1_600
    decoder_rate: float = 1e-3

    text_width: int = 64
    text_steps: int = 1_500
    text_batch: int = 64
    text_rate: float = 1e-3

    vision_steps: int = 2_400

    unet_channels: tuple[int, int, int] = (32, 64, 96)
    unet_steps: int = 21_050
    """As many as the committed weights have learnt for, in five pieces: ``models/sketch/README.md``."""
    unet_batch: int = 32
    unet_rate: float = 1.2e-3
    text_again_rate: float = 3e-4
    """Of the text encoders while the UNet is trained."""
    unet_ema: float = 0.997

    lora_steps: int = 420

    reader_steps: int = 3_000
    reader_batch: int = 32


RECIPE = Recipe()
TINY_RECIPE = Recipe(
    pictures=24,
    caption_count=300,
    vocabulary=600,
    vae_channels=(8, 8, 8, 8),
    vae_steps=3,
    vae_batch=2,
    decoder_steps=3,
    unet_channels=(8, 8, 16),
    text_width=16,
    text_steps=3,
    text_batch=2,
    unet_steps=3,
    unet_batch=2,
    vision_steps=3,
    lora_steps=2,
    reader_steps=2,
    reader_batch=2,
)
"""Seconds on one CPU thread: to test the command, not to draw."""
