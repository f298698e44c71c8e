"""The IP-Adapter: image projection, keys and values of the image tokens, trained on the frozen UNet."""

from pathlib import Path
from random import Random
from typing import Any

import torch
from diffusers import UNet2DConditionModel
from diffusers.optimization import get_scheduler
from torch import nn
from transformers import CLIPVisionModelWithProjection

from illustration_worker.models.sketch.training.diffusion import DiffusionStage, time_ids, weighted_noise_loss
from illustration_worker.models.sketch.training.pipeline import new_noise_scheduler
from illustration_worker.models.sketch.training.recipe import Recipe
from illustration_worker.models.sketch.training.text import encode, training_prompts
from illustration_worker.models.sketch.training.tokenizers import Pair
from illustration_worker.models.sketch.training.vision import as_pixels
from illustration_worker.models.sketch.world.person import Person
from illustration_worker.models.sketch.world.reference import draw_reference
from illustration_worker.models.sketch.world.scene import Scene

IMAGE_TOKENS = 4
_NO_IMAGE_CHANCE = 0.08
_FULL_SCALE_CHANCE = 0.5
_SMALLEST_SCALE = 0.25
"""Trained at scales from here on, so that the service's default of 0.33 already shows the reference."""
_WARM_UP = 50

Weights = dict[str, torch.Tensor]


def fresh_adapter(unet: UNet2DConditionModel, image_width: int) -> Weights:
    """An adapter in h94's names that has learnt nothing: keys and values are those of the text."""
    width = unet.config.cross_attention_dim
    parts = {"proj": nn.Linear(image_width, IMAGE_TOKENS * width), "norm": nn.LayerNorm(width)}
    weights = {
        f"image_proj.{part}.{name}": weight.detach().clone()
        for part, layer in parts.items()
        for name, weight in layer.named_parameters()
    }
    for number, name in enumerate(_cross_attentions(unet)):
        attention = unet.get_submodule(name)
        weights[f"ip_adapter.{2 * number + 1}.to_k_ip.weight"] = attention.to_k.weight.detach().clone()
        weights[f"ip_adapter.{2 * number + 1}.to_v_ip.weight"] = attention.to_v.weight.detach().clone()
    return weights


def install(unet: UNet2DConditionModel, weights: Weights) -> None:
    """Load an adapter in h94's names with diffusers' own loader."""
    nested: dict[str, Weights] = {"image_proj": {}, "ip_adapter": {}}
    for name, weight in weights.items():
        part, rest = name.split(".", 1)
        nested[part][rest] = weight
    unet._load_ip_adapter_weights([nested], low_cpu_mem_usage=False)


def learnt_adapter(unet: UNet2DConditionModel) -> Weights:
    """The adapter installed in ``unet``, back in h94's names."""
    projection = unet.encoder_hid_proj.image_projection_layers[0]
    weights = {f"image_proj.proj.{name}": value for name, value in projection.image_embeds.named_parameters()}
    weights |= {f"image_proj.norm.{name}": value for name, value in projection.norm.named_parameters()}
    for number, name in enumerate(_cross_attentions(unet)):
        processor = unet.attn_processors[f"{name}.processor"]
        weights[f"ip_adapter.{2 * number + 1}.to_k_ip.weight"] = processor.to_k_ip[0].weight
        weights[f"ip_adapter.{2 * number + 1}.to_v_ip.weight"] = processor.to_v_ip[0].weight
    return {name: weight.detach().cpu().contiguous() for name, weight in weights.items()}


def _cross_attentions(unet: UNet2DConditionModel) -> list[str]:
    names = (name.removesuffix(".processor") for name in unet.attn_processors)
    return [name for name in names if name.endswith("attn2")]


class AdapterStage:
    """People's scenes captioned without their looks, which only the reference tells."""

    name = "adapter"

    def __init__(
        self,
        recipe: Recipe,
        scenes: list[Scene],
        latents: torch.Tensor,
        tokenizers: Pair,
        drawn: tuple[DiffusionStage, CLIPVisionModelWithProjection],
    ) -> None:
        """``drawn``: the finished stage whose networks draw, and the image encoder."""
        torch.manual_seed(recipe.seed + 4)
        self.steps = recipe.adapter_steps
        self._recipe, self._scenes, self._latents, self._tokenizers = recipe, scenes, latents, tokenizers
        self._text_encoders, self.encoder = drawn[0].encoders, drawn[1]
        self.unet: UNet2DConditionModel = drawn[0].networks["unet"]
        self._with_person = [number for number, scene in enumerate(scenes) if somebody(scene)]
        self._scheduler = new_noise_scheduler()
        drawn[0].networks.requires_grad_(False)
        install(self.unet, fresh_adapter(self.unet, self.encoder.config.projection_dim))
        self.unet.to(latents.device)
        self._trained = {name: value for name, value in self.unet.named_parameters() if is_adapter_weight(name)}
        self._trained |= {f"encoder.{name}": value for name, value in self.encoder.named_parameters()}
        for value in self._trained.values():
            value.requires_grad_(True)
        self._optimizer = torch.optim.AdamW(self._trained.values(), lr=recipe.adapter_rate, weight_decay=1e-2)
        self._schedule = get_scheduler(
            "cosine", self._optimizer, num_warmup_steps=min(_WARM_UP, self.steps), num_training_steps=self.steps
        )

    def step(self, number: int) -> float:
        """One batch, at one scale of the adapter."""
        random = Random(self._recipe.seed * 41 + number)
        chosen = [random.choice(self._with_person) for _ in range(self._recipe.adapter_batch)]
        scenes = [self._scenes[index] for index in chosen]
        device = self._latents.device
        latents = self._latents[chosen].float()
        noise = torch.randn(latents.shape).to(device)
        steps = torch.randint(self._scheduler.config.num_train_timesteps, (len(chosen),)).to(device)
        with torch.no_grad():
            prompts = [training_prompts(scene, random, with_looks=False) for scene in scenes]
            text, pooled = encode(prompts, self._tokenizers, self._text_encoders)
        self._set_scale(1.0 if random.random() < _FULL_SCALE_CHANCE else random.uniform(_SMALLEST_SCALE, 1.0))
        conditions = {
            "text_embeds": pooled,
            "time_ids": time_ids(len(chosen), device),
            "image_embeds": [self._image_embeddings(scenes, random)[:, None]],
        }
        noisy = self._scheduler.add_noise(latents, noise, steps)
        predicted = self.unet(noisy, steps, text, added_cond_kwargs=conditions).sample
        loss = weighted_noise_loss(predicted, noise, self._scheduler, steps)
        self._optimizer.zero_grad()
        loss.backward()  # type: ignore[no-untyped-call]
        nn.utils.clip_grad_norm_(self._trained.values(), 1.0)
        self._optimizer.step()
        self._schedule.step()
        return float(loss.detach())

    def _image_embeddings(self, scenes: list[Scene], random: Random) -> torch.Tensor:
        people = [person for scene in scenes if (person := somebody(scene))]
        pixels = as_pixels([draw_reference(person, random) for person in people])
        embeddings: torch.Tensor = self.encoder(pixels.to(self._latents.device)).image_embeds
        kept = torch.tensor([random.random() >= _NO_IMAGE_CHANCE for _ in people], device=embeddings.device)
        return embeddings * kept[:, None]

    def _set_scale(self, scale: float) -> None:
        for processor in self.unet.attn_processors.values():
            if hasattr(processor, "to_k_ip"):
                processor.scale = [scale]

    def state(self) -> dict[str, Any]:
        """Weights, optimizer, learning rate."""
        return {
            "trained": {name: value.detach() for name, value in self._trained.items()},
            "optimizer": self._optimizer.state_dict(),
            "schedule": self._schedule.state_dict(),
        }

    def restore(self, state: dict[str, Any]) -> None:
        """From ``state``."""
        with torch.no_grad():
            for name, value in self._trained.items():
                value.copy_(state["trained"][name])
        self._optimizer.load_state_dict(state["optimizer"])
        self._schedule.load_state_dict(state["schedule"])

    def show(self, path: Path) -> None:
        """Left to ``evaluate`` and ``grid``: a sample would need references beside it."""


def somebody(scene: Scene) -> Person | None:
    """The only person of a scene, if there is one."""
    return scene.first.person or (scene.second.person if scene.second else None)


def is_adapter_weight(name: str) -> bool:
    """Whether a parameter of the UNet belongs to an installed adapter."""
    return "_ip." in name or name.startswith("encoder_hid_proj.")
