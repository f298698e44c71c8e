"""Writes the trained model as the production loader reads it: diffusers' folders and h94's adapter files."""

from pathlib import Path

import torch
from diffusers import StableDiffusionXLPipeline
from safetensors.torch import save_file

from illustration_worker.models.model_notes import ModelNotes
from illustration_worker.models.sketch.training.adapter import AdapterStage, is_adapter_weight, learnt_adapter
from illustration_worker.models.sketch.training.diffusion import DiffusionStage, new_unet
from illustration_worker.models.sketch.training.pipeline import pipeline_of
from illustration_worker.models.sketch.training.recipe import Recipe
from illustration_worker.models.sketch.training.tokenizers import DEFAULT_NEGATIVE_PROMPT, INSTANCE_TOKEN
from illustration_worker.models.sketch.world.caption import known_words
from illustration_worker.models.sketch.world.style import known_style_words

ADAPTER_SUBFOLDER = "sdxl_models"
ADAPTER_WEIGHTS = "ip-adapter_sdxl.safetensors"
_ABOUT = (
    "The built-in sketch model: a small SDXL trained on this project's own drawings. It draws some fifty things and "
    "people, one to three in a picture, from the words it knows."
)


def export_model(recipe: Recipe, diffusion: DiffusionStage, adapter: AdapterStage, folder: Path) -> None:
    """Write everything to ``folder`` in float16; what was trained stays in float32."""
    pipeline = bare_pipeline(recipe, diffusion)
    pipeline.to(dtype=torch.float16)
    pipeline.save_pretrained(folder, safe_serialization=True)
    diffusion.vae.float()
    diffusion.networks.float()
    adapter_folder = folder / ADAPTER_SUBFOLDER
    adapter_folder.mkdir(parents=True, exist_ok=True)
    weights = learnt_adapter(adapter.unet)
    save_file({name: weight.half() for name, weight in weights.items()}, adapter_folder / ADAPTER_WEIGHTS)
    adapter.encoder.half().save_pretrained(adapter_folder / "image_encoder")  # type: ignore[no-untyped-call]
    adapter.encoder.float()  # type: ignore[no-untyped-call]
    words = known_words() | known_style_words() | set(DEFAULT_NEGATIVE_PROMPT.split(", ")) | {INSTANCE_TOKEN}
    ModelNotes(_ABOUT, draws_one_size_only=True, known_words=words).save(folder)


def bare_pipeline(recipe: Recipe, diffusion: DiffusionStage) -> StableDiffusionXLPipeline:
    """The pipeline with a copy of the UNet that has no adapter."""
    unet = new_unet(recipe)
    learnt = diffusion.networks["unet"].state_dict()
    unet.load_state_dict({name: weight for name, weight in learnt.items() if not is_adapter_weight(name)})
    return pipeline_of(diffusion.vae, diffusion.encoders, diffusion.tokenizers, unet)
