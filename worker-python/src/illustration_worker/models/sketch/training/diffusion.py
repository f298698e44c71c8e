"""The UNet with both text encoders and the IP-Adapter, trained together on the VAE's latents."""

from dataclasses import dataclass
from pathlib import Path
from random import Random
from typing import Any

import torch
from diffusers import AutoencoderKL, StableDiffusionXLPipeline, UNet2DConditionModel
from diffusers.training_utils import EMAModel
from torch import nn
from transformers import CLIPVisionModelWithProjection

from illustration_worker.models.sketch.training.adapter import (
    fresh_adapter,
    install,
    is_adapter_weight,
    set_scale,
)
from illustration_worker.models.sketch.training.descent import Descent
from illustration_worker.models.sketch.training.noise import noised, weighted_loss
from illustration_worker.models.sketch.training.pictures import save_sheet
from illustration_worker.models.sketch.training.pipeline import new_noise_scheduler, pipeline_of
from illustration_worker.models.sketch.training.processes import process_count
from illustration_worker.models.sketch.training.recipe import Recipe
from illustration_worker.models.sketch.training.text import Encoders, Prompts, encode, training_prompts
from illustration_worker.models.sketch.training.tokenizers import Pair
from illustration_worker.models.sketch.training.vision import as_pixels
from illustration_worker.models.sketch.world.pen import PICTURE_SIDE
from illustration_worker.models.sketch.world.person import random_person
from illustration_worker.models.sketch.world.reference import draw_reference
from illustration_worker.models.sketch.world.scene import Scene
from illustration_worker.models.sketch.world.style import DEFAULT_STYLE_PROMPTS

_TIME_ID_WIDTH = 8
_REFERENCE_EVERY = 3
"""One step in so many draws by references: the captions leave out people's looks, which only the reference tells."""
_WITH_PERSON_CHANCE = 0.75
"""The rest of them is of any scene: somebody's portrait is no reason to draw somebody."""
_NO_IMAGE_CHANCE = 0.08
_FULL_SCALE_CHANCE = 0.5
_SMALLEST_SCALE = 0.25
"""Trained at scales from here on, so that the service's default of 0.33 already shows the reference."""
_SAMPLE_PROMPTS = (
    "a beautiful sunset over mountains",
    "man sitting on a bench in central park",
    "a dog to the left of a house",
    "a birthday cake on a table",
    "a bird above a tree",
    "a boat at the sea",
    "my grandmother with glasses and curly hair",
    "a car in front of a school",
)


def new_unet(recipe: Recipe) -> UNet2DConditionModel:
    """SDXL's topology, random weights."""
    return UNet2DConditionModel(
        sample_size=PICTURE_SIDE // 8,
        block_out_channels=recipe.unet_channels,
        layers_per_block=2,
        transformer_layers_per_block=[1, 1, 2],
        down_block_types=("DownBlock2D", "CrossAttnDownBlock2D", "CrossAttnDownBlock2D"),
        up_block_types=("CrossAttnUpBlock2D", "CrossAttnUpBlock2D", "UpBlock2D"),
        attention_head_dim=[2, 4, 4],
        norm_num_groups=recipe.unet_groups,
        use_linear_projection=True,
        cross_attention_dim=2 * recipe.text_width,
        addition_embed_type="text_time",
        addition_time_embed_dim=_TIME_ID_WIDTH,
        projection_class_embeddings_input_dim=recipe.text_width + 6 * _TIME_ID_WIDTH,
    )


def fresh_unet(recipe: Recipe, image_width: int) -> UNet2DConditionModel:
    """A UNet with an adapter for image embeddings of ``image_width``, both untrained."""
    torch.manual_seed(recipe.seed + 2)
    unet = new_unet(recipe)
    install(unet, fresh_adapter(unet, image_width))
    return unet


def time_ids(count: int, device: torch.device) -> torch.Tensor:
    """Original size, crop, target size as the pipeline gives them at the native size: (count, 6)."""
    side = float(PICTURE_SIDE)
    return torch.tensor([[side, side, 0.0, 0.0, side, side]], device=device).expand(count, -1)


@dataclass(frozen=True, slots=True)
class Learnt:
    """What the stage begins with."""

    vae: AutoencoderKL
    tokenizers: Pair
    text_encoders: Encoders
    """Trained further."""
    image_encoder: CLIPVisionModelWithProjection
    unet: UNet2DConditionModel
    """With an adapter; trained further."""


class DiffusionStage:
    """Captions and references are made anew at each step."""

    name = "diffusion"

    def __init__(
        self, recipe: Recipe, scenes: list[Scene], latents: torch.Tensor, weights: torch.Tensor, learnt: Learnt
    ) -> None:
        """``latents``: (scenes, 4, 16, 16), scaled to unit variance, on the device of training.

        ``weights``: (scenes, 1, 16, 16), how much an error counts there.
        """
        self.steps = recipe.unet_steps
        self.learnt = learnt
        self._recipe, self._scenes, self._latents, self._device = recipe, scenes, latents, latents.device
        self._weights = weights.to(self._device)
        self._with_person = [number for number, scene in enumerate(scenes) if scene.somebody]
        self.unet = learnt.unet.to(memory_format=torch.channels_last)
        encoders = nn.ModuleList(learnt.text_encoders)
        self._networks = nn.ModuleDict({"unet": self.unet, "encoders": encoders}).to(self._device)
        self._networks.requires_grad_(True)
        learnt.image_encoder.requires_grad_(False)
        self._scheduler = new_noise_scheduler()
        self._descent = Descent(
            self.steps, (self.unet.parameters(), recipe.unet_rate), (encoders.parameters(), recipe.text_again_rate)
        )
        self._ema = EMAModel(
            self._networks.parameters(), decay=recipe.unet_ema, use_ema_warmup=True, power=0.75, foreach=True
        )

    def step(self, number: int, random: Random) -> float:
        """One batch: by captions, or by captions without looks and by references."""
        by_reference = number % _REFERENCE_EVERY == 0
        count = self._recipe.unet_batch // process_count()
        chosen = [self._choose(random, by_reference) for _ in range(count)]
        scenes = [self._scenes[index] for index in chosen]
        noisy, steps, velocity = noised(self._latents[chosen].float(), self._scheduler)
        with_looks = False if by_reference else None
        prompts = [training_prompts(scene, random, with_looks=with_looks) for scene in scenes]
        set_scale(self.unet, _some_scale(random) if by_reference else 0.0)
        images = self._references(scenes, random) if by_reference else self._no_images(len(scenes))
        predicted = self._predict(noisy, steps, prompts, images)
        loss = weighted_loss(predicted, velocity, self._scheduler, steps, self._weights[chosen])
        value = self._descent.step(loss)
        self._ema.step(self._networks.parameters())
        return value

    def _choose(self, random: Random, by_reference: bool) -> int:
        if by_reference and random.random() < _WITH_PERSON_CHANCE:
            return random.choice(self._with_person)
        return random.randrange(len(self._scenes))

    def _predict(
        self, noisy: torch.Tensor, steps: torch.Tensor, prompts: list[Prompts], images: torch.Tensor
    ) -> torch.Tensor:
        text, pooled = encode(prompts, self.learnt.tokenizers, self.learnt.text_encoders)
        conditions = {
            "text_embeds": pooled,
            "time_ids": time_ids(len(prompts), self._device),
            "image_embeds": [images[:, None]],
        }
        predicted: torch.Tensor = self.unet(noisy, steps, text, added_cond_kwargs=conditions).sample
        return predicted

    @torch.no_grad()
    def _references(self, scenes: list[Scene], random: Random) -> torch.Tensor:
        """Embeddings (count, width) of newly drawn portraits; now and then none, as of a picture without guidance."""
        people = [scene.somebody or random_person(random) for scene in scenes]
        pixels = as_pixels([draw_reference(person, random) for person in people])
        embeddings: torch.Tensor = self.learnt.image_encoder(pixels.to(self._device)).image_embeds
        kept = torch.tensor([random.random() >= _NO_IMAGE_CHANCE for _ in people], device=self._device)
        return embeddings * kept[:, None]

    def _no_images(self, count: int) -> torch.Tensor:
        return torch.zeros(count, self.learnt.image_encoder.config.projection_dim, device=self._device)

    def state(self) -> dict[str, Any]:
        """Weights, their moving average, optimizer, rate."""
        return {"networks": self._networks.state_dict(), "ema": self._ema.state_dict(), **self._descent.state()}

    def restore(self, state: dict[str, Any]) -> None:
        """From ``state``."""
        self._networks.load_state_dict(state["networks"])
        self._ema.load_state_dict(state["ema"])
        self._ema.to(self._device)
        self._descent.restore(state)

    def average(self) -> None:
        """Put the moving average in the networks' place, for good."""
        self._ema.copy_to(self._networks.parameters())

    def bare_pipeline(self) -> StableDiffusionXLPipeline:
        """The networks as they are now, in a pipeline; its UNet is a copy without the adapter."""
        unet = UNet2DConditionModel.from_config(self.unet.config, encoder_hid_dim_type=None)
        weights = self.unet.state_dict()
        unet.load_state_dict({name: weight for name, weight in weights.items() if not is_adapter_weight(name)})
        learnt = self.learnt
        return pipeline_of(learnt.vae, learnt.text_encoders, learnt.tokenizers, unet.to(self._device))

    def show(self, path: Path) -> None:
        """What the moving average draws."""
        self._ema.store(self._networks.parameters())
        self._ema.copy_to(self._networks.parameters())
        pipeline = self.bare_pipeline()
        pipeline.set_progress_bar_config(disable=True)
        drawn = pipeline(
            prompt=list(_SAMPLE_PROMPTS),
            prompt_2=[DEFAULT_STYLE_PROMPTS[0]] * len(_SAMPLE_PROMPTS),
            num_inference_steps=20,
            guidance_scale=4.0,
            generator=torch.Generator().manual_seed(1),
            output_type="pt",
        ).images
        self._ema.restore(self._networks.parameters())
        save_sheet(drawn.cpu() * 2 - 1, path)


def _some_scale(random: Random) -> float:
    return 1.0 if random.random() < _FULL_SCALE_CHANCE else random.uniform(_SMALLEST_SCALE, 1.0)
