"""Draws with the model under test: diffusers' own pipeline, loaded by the production loader."""

from dataclasses import dataclass
from pathlib import Path

import torch
from diffusers import StableDiffusionXLPipeline
from PIL import Image

from illustration_worker.models.config import ModelConfig
from illustration_worker.models.loader import load_model
from illustration_worker.models.sketch.training.export import ADAPTER_WEIGHTS
from illustration_worker.models.sketch.training.tokenizers import DEFAULT_NEGATIVE_PROMPT
from illustration_worker.models.sketch.world.style import DEFAULT_STYLE_PROMPTS

_STEPS = 20
_GUIDANCE = 5.0
"""SDXL's default, and the service's."""
_BATCH = 8
_BLANK = Image.new("RGB", (64, 64), "white")


@dataclass(frozen=True, slots=True)
class Wish:
    """One picture to draw."""

    prompt: str
    style_prompt: str = DEFAULT_STYLE_PROMPTS[0]
    negative_prompt: str = DEFAULT_NEGATIVE_PROMPT
    reference: Image.Image | None = None
    seed: int = 0


def load_artist(folder: Path) -> StableDiffusionXLPipeline:
    """The model in ``folder`` with its adapter, float32 on the CPU."""
    config = ModelConfig(
        model=str(folder),
        ip_adapter=str(folder),
        ip_adapter_weights=ADAPTER_WEIGHTS,
        device="cpu",
        dtype="float32",
        local_files_only=True,
    )
    return load_model(config).pipeline


def draw(artist: StableDiffusionXLPipeline, wishes: list[Wish], scale: float = 0.0) -> torch.Tensor:
    """Pictures as the reader takes them, (count, 1, 128, 128), -1 to 1. ``scale``: of the reference, 0 to 1."""
    artist.set_ip_adapter_scale(scale)
    parts = [_draw_batch(artist, wishes[start : start + _BATCH]) for start in range(0, len(wishes), _BATCH)]
    return torch.cat(parts).mean(dim=1, keepdim=True) * 2 - 1


def _draw_batch(artist: StableDiffusionXLPipeline, wishes: list[Wish]) -> torch.Tensor:
    references = [wish.reference or _BLANK for wish in wishes]
    embeddings = artist.prepare_ip_adapter_image_embeds([references], None, artist.device, 1, True)
    drawn = artist(
        prompt=[wish.prompt for wish in wishes],
        prompt_2=[wish.style_prompt for wish in wishes],
        negative_prompt=[wish.negative_prompt for wish in wishes],
        ip_adapter_image_embeds=[_one_image_each(embeddings[0])],
        num_inference_steps=_STEPS,
        guidance_scale=_GUIDANCE,
        generator=[torch.Generator().manual_seed(wish.seed) for wish in wishes],
        output_type="pt",
    )
    pictures: torch.Tensor = drawn.images.cpu()
    return pictures


def _one_image_each(embeddings: torch.Tensor) -> torch.Tensor:
    """Several references for one prompt, (2, images, width), to one for each of several, (2 * images, 1, width)."""
    return embeddings.reshape(-1, 1, embeddings.shape[-1])
