"""The stages in their order."""

from pathlib import Path

import torch

from illustration_worker.models.sketch.training.adapter import AdapterStage
from illustration_worker.models.sketch.training.diffusion import DiffusionStage
from illustration_worker.models.sketch.training.export import bare_pipeline, export_model
from illustration_worker.models.sketch.training.latents import training_latents
from illustration_worker.models.sketch.training.lora import LoraStage
from illustration_worker.models.sketch.training.pictures import training_pictures, training_scenes
from illustration_worker.models.sketch.training.recipe import Recipe
from illustration_worker.models.sketch.training.stage import Clock, run_stage
from illustration_worker.models.sketch.training.tokenizers import training_tokenizers
from illustration_worker.models.sketch.training.vae import VaeStage
from illustration_worker.models.sketch.training.vision import VisionStage

MODEL_FOLDER = "model"
LORA_FOLDER = "lora"


def go_on(recipe: Recipe, folder: Path, device: torch.device, clock: Clock) -> bool:
    """Train until ``clock`` is over or all is done and exported to ``folder / "model"``; returns whether it is.

    Each stage is made anew from the recipe and then goes on from its checkpoint; a finished one does no step.
    """
    scenes = training_scenes(recipe)
    pictures = training_pictures(recipe, scenes, folder)
    vae = VaeStage(recipe, pictures, device)
    if not run_stage(vae, folder, clock):
        return False
    vae.vae.requires_grad_(False)
    latents = training_latents(vae.vae, pictures, folder)
    diffusion = DiffusionStage(recipe, scenes, latents, vae.vae, training_tokenizers(recipe, folder))
    if not run_stage(diffusion, folder, clock):
        return False
    diffusion.average()
    vision = VisionStage(recipe, device)
    if not run_stage(vision, folder, clock):
        return False
    adapter = AdapterStage(recipe, scenes, latents, diffusion.tokenizers, (diffusion, vision.encoder))
    if not run_stage(adapter, folder, clock):
        return False
    export_model(recipe, diffusion, adapter, folder / MODEL_FOLDER)
    lora = LoraStage(recipe, scenes, bare_pipeline(recipe, diffusion).to(device))
    if not run_stage(lora, folder, clock):
        return False
    lora.export(folder / LORA_FOLDER)
    return True
