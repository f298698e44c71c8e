"""The stages in their order."""

from pathlib import Path

import torch

from illustration_worker.models.sketch.training.decoder import DecoderStage
from illustration_worker.models.sketch.training.diffusion import DiffusionStage, Learnt, fresh_unet
from illustration_worker.models.sketch.training.emphasis import emphasis
from illustration_worker.models.sketch.training.export import export_model
from illustration_worker.models.sketch.training.finished import finished_model
from illustration_worker.models.sketch.training.latents import training_latents
from illustration_worker.models.sketch.training.lora import LoraStage
from illustration_worker.models.sketch.training.pictures import Pictures, training_pictures, training_scenes
from illustration_worker.models.sketch.training.processes import is_first, the_first_goes_ahead
from illustration_worker.models.sketch.training.recipe import Recipe
from illustration_worker.models.sketch.training.stage import Clock, run_stage
from illustration_worker.models.sketch.training.text_stage import TextStage
from illustration_worker.models.sketch.training.tokenizers import training_tokenizers
from illustration_worker.models.sketch.training.vae import VaeStage
from illustration_worker.models.sketch.training.vision import VisionStage

MODEL_FOLDER = "model"
LORA_FOLDER = "lora"


def go_on(recipe: Recipe, folder: Path, device: torch.device, clock: Clock, start: Path | None = None) -> bool:
    """Train until ``clock`` is over or all is done and exported to ``folder / "model"``; returns whether it is.

    Each stage is made anew from the recipe and then goes on from its checkpoint; a finished one does no step.
    ``start``: a finished model that draws better afterwards. Its VAE and its image encoder are kept.
    """
    scenes = training_scenes(recipe)
    with the_first_goes_ahead():
        pictures = training_pictures(recipe, scenes, folder)
    learnt = finished_model(start) if start else _learn_the_parts(recipe, pictures, folder, device, clock)
    if learnt is None:
        return False
    learnt.vae.to(device)
    learnt.image_encoder.to(device)  # type: ignore[arg-type]  # a wrapper hides its type
    with the_first_goes_ahead():
        latents = training_latents(learnt.vae, pictures, folder)
    diffusion = DiffusionStage(recipe, scenes, latents, emphasis(recipe, scenes, pictures), learnt)
    if not run_stage(diffusion, folder, clock):
        return False
    diffusion.average()
    lora = LoraStage(recipe, scenes, diffusion.bare_pipeline())
    if not run_stage(lora, folder, clock):
        return False
    if is_first():
        lora.export(folder / LORA_FOLDER)
        export_model(diffusion, folder / MODEL_FOLDER)
    return True


def _learn_the_parts(
    recipe: Recipe, pictures: Pictures, folder: Path, device: torch.device, clock: Clock
) -> Learnt | None:
    """The picture's and the words' side, and a fresh UNet; None when time was up first."""
    with the_first_goes_ahead():
        tokenizers = training_tokenizers(recipe, folder)
    vae = VaeStage(recipe, pictures, device)
    text = TextStage(recipe, tokenizers, device)
    vision = VisionStage(recipe, device)
    for stage in (vae, text, vision):
        if not run_stage(stage, folder, clock):
            return None
    vae.vae.requires_grad_(False)
    if not run_stage(DecoderStage(recipe, pictures, vae.vae), folder, clock):
        return None
    vae.vae.requires_grad_(False)
    unet = fresh_unet(recipe, vision.encoder.config.projection_dim)
    return Learnt(vae.vae, tokenizers, text.encoders, vision.encoder, unet)
