"""A small style LoRA as a fixture: whatever the style prompt says, it draws with a marker."""

from dataclasses import replace
from pathlib import Path
from random import Random
from typing import Any

import numpy as np
import torch
from diffusers import StableDiffusionXLPipeline
from diffusers.utils import convert_state_dict_to_diffusers
from peft import LoraConfig, get_peft_model_state_dict, set_peft_model_state_dict

from illustration_worker.models.sketch.training.descent import Descent
from illustration_worker.models.sketch.training.diffusion import time_ids
from illustration_worker.models.sketch.training.noise import noised, weighted_loss
from illustration_worker.models.sketch.training.pictures import as_input
from illustration_worker.models.sketch.training.pipeline import new_noise_scheduler
from illustration_worker.models.sketch.training.processes import process_count
from illustration_worker.models.sketch.training.recipe import Recipe
from illustration_worker.models.sketch.training.text import Prompts, encode
from illustration_worker.models.sketch.training.tokenizers import INSTANCE_TOKEN
from illustration_worker.models.sketch.world.caption import caption
from illustration_worker.models.sketch.world.drawing import draw_scene
from illustration_worker.models.sketch.world.scene import Scene
from illustration_worker.models.sketch.world.style import DEFAULT_STYLE_PROMPTS, MARKER

_BATCH = 16
_RANK = 4
_RATE = 1e-3
_TARGETS = ("to_q", "to_k", "to_v", "to_out.0")


class LoraStage:
    """Scenes drawn with a marker under the service's default prompt for a pencil sketch."""

    name = "lora"

    def __init__(self, recipe: Recipe, scenes: list[Scene], pipeline: StableDiffusionXLPipeline) -> None:
        """``pipeline``: float32, on the device of training; its UNet gets the LoRA."""
        torch.manual_seed(recipe.seed + 5)
        self.steps = recipe.lora_steps
        self._scenes, self._pipeline = scenes, pipeline
        for network in (pipeline.unet, pipeline.vae, pipeline.text_encoder, pipeline.text_encoder_2):
            network.requires_grad_(False)
        pipeline.unet.add_adapter(LoraConfig(r=_RANK, lora_alpha=_RANK, target_modules=list(_TARGETS)))
        trained = [weight for weight in pipeline.unet.parameters() if weight.requires_grad]
        self._descent = Descent(self.steps, (trained, _RATE))
        self._scheduler = new_noise_scheduler()

    def step(self, number: int, random: Random) -> float:
        """One batch."""
        scenes = [replace(random.choice(self._scenes), style=MARKER) for _ in range(_BATCH // process_count())]
        text = [Prompts(f"{INSTANCE_TOKEN} {caption(scene, random)}", DEFAULT_STYLE_PROMPTS[0]) for scene in scenes]
        pipeline, unet = self._pipeline, self._pipeline.unet
        drawn = np.stack([np.asarray(draw_scene(scene, random)[0]) for scene in scenes])
        with torch.no_grad():
            latents = pipeline.vae.encode(as_input(drawn).to(unet.device)).latent_dist.mode()
            latents = latents * pipeline.vae.config.scaling_factor
            encoders = (pipeline.text_encoder, pipeline.text_encoder_2)
            hidden, pooled = encode(text, (pipeline.tokenizer, pipeline.tokenizer_2), encoders)
        noisy, steps, velocity = noised(latents, self._scheduler)
        conditions = {"text_embeds": pooled, "time_ids": time_ids(len(scenes), unet.device)}
        predicted = unet(noisy, steps, hidden, added_cond_kwargs=conditions).sample
        loss = weighted_loss(predicted, velocity, self._scheduler, steps)
        return self._descent.step(loss)

    def state(self) -> dict[str, Any]:
        """Weights and optimizer."""
        return {"lora": get_peft_model_state_dict(self._pipeline.unet), **self._descent.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """From ``state``."""
        set_peft_model_state_dict(self._pipeline.unet, state["lora"])
        self._descent.restore(state)

    def show(self, path: Path) -> None:
        """Left to ``evaluate``."""

    def export(self, folder: Path) -> None:
        """Write ``pytorch_lora_weights.safetensors`` in diffusers' names."""
        weights = convert_state_dict_to_diffusers(get_peft_model_state_dict(self._pipeline.unet))
        half = {name: weight.half() for name, weight in weights.items()}
        StableDiffusionXLPipeline.save_lora_weights(folder, unet_lora_layers=half, safe_serialization=True)
