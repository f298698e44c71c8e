"""Writes the trained model as the production loader reads it: diffusers' folders and h94's adapter files."""

import json
from pathlib import Path

import torch
from diffusers import StableDiffusionXLPipeline
from safetensors.torch import save_file

from illustration_worker.models.sketch.training.adapter import AdapterStage, is_adapter_weight, learnt_adapter
from illustration_worker.models.sketch.training.diffusion import DiffusionStage, new_unet
from illustration_worker.models.sketch.training.pipeline import pipeline_of
from illustration_worker.models.sketch.training.recipe import Recipe
from illustration_worker.models.sketch.world.caption import known_words
from illustration_worker.models.sketch.world.style import known_style_words

ADAPTER_SUBFOLDER = "sdxl_models"
ADAPTER_WEIGHTS = "ip-adapter_sdxl.safetensors"
VOCABULARY_FILE = "vocabulary.json"
"""In the model's folder: the words it was trained on, sorted, lower case."""


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
    words = sorted(known_words() | known_style_words())
    (folder / VOCABULARY_FILE).write_text(json.dumps(words, indent=0) + "\n")


def bare_pipeline(recipe: Recipe, diffusion: DiffusionStage) -> StableDiffusionXLPipeline:
    """The pipeline with a copy of the UNet that has no adapter."""
    unet = new_unet(recipe)
    learnt = diffusion.networks["unet"].state_dict()
    unet.load_state_dict({name: weight for name, weight in learnt.items() if not is_adapter_weight(name)})
    return pipeline_of(diffusion.vae, diffusion.encoders, diffusion.tokenizers, unet)
