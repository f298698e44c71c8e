"""Writes the trained model as the production loader reads it: diffusers' folders and h94's adapter files."""

from pathlib import Path

import torch
from safetensors.torch import save_file

from illustration_worker.models.model_notes import ModelNotes
from illustration_worker.models.sketch.training.adapter import learnt_adapter
from illustration_worker.models.sketch.training.diffusion import DiffusionStage
from illustration_worker.models.sketch.training.tokenizers import DEFAULT_NEGATIVE_PROMPT, INSTANCE_TOKEN
from illustration_worker.models.sketch.world.caption import known_words
from illustration_worker.models.sketch.world.style import known_style_words

ADAPTER_SUBFOLDER = "sdxl_models"
ADAPTER_WEIGHTS = "ip-adapter_sdxl.safetensors"
_ABOUT = (
    "The built-in sketch model: a small SDXL trained on this project's own drawings. It draws some fifty things and "
    "people, one to three in a picture, from the words it knows. About one thing in twenty cannot be recognised."
)


def export_model(diffusion: DiffusionStage, folder: Path) -> None:
    """Write everything to ``folder`` in float16; what was trained stays in float32."""
    learnt = diffusion.learnt
    networks = (learnt.vae, *learnt.text_encoders, learnt.image_encoder)
    adapter_folder = folder / ADAPTER_SUBFOLDER
    adapter_folder.mkdir(parents=True, exist_ok=True)
    diffusion.bare_pipeline().to(dtype=torch.float16).save_pretrained(folder, safe_serialization=True)
    weights = {name: weight.half() for name, weight in learnt_adapter(diffusion.unet).items()}
    save_file(weights, adapter_folder / ADAPTER_WEIGHTS)
    learnt.image_encoder.half().save_pretrained(adapter_folder / "image_encoder")  # type: ignore[no-untyped-call]
    for network in networks:
        network.float()
    words = known_words() | known_style_words() | set(DEFAULT_NEGATIVE_PROMPT.split(", ")) | {INSTANCE_TOKEN}
    ModelNotes(_ABOUT, draws_one_size_only=True, known_words=words).save(folder)
